//! Onboarding sequences: steps with words in which placeholders stand, as data.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `config/onboarding/soft.toml`, built in.
pub const SOFT: &str = include_str!("../../config/onboarding/soft.toml");
/// `config/onboarding/hard.toml`, built in.
pub const HARD: &str = include_str!("../../config/onboarding/hard.toml");

/// The placeholders there are.
pub const PLACEHOLDERS: [&str; 4] = ["agent_id", "role", "contract_info", "custom_message"];

/// A sequence as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// What stands for a placeholder when nothing is given.
    #[serde(default)]
    pub defaults: BTreeMap<String, String>,
    /// In order; never empty.
    pub steps: Vec<Step>,
}

/// One message of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is about, for people.
    pub name: String,
    /// Whether a new chat is begun for it.
    #[serde(default)]
    pub new_chat: bool,
    /// The words, with placeholders.
    pub say: String,
}

/// Why a sequence cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSequence {
    /// It is no sequence.
    #[error("this is no onboarding sequence: {0}")]
    Unreadable(String),
    /// Nothing would be said.
    #[error("step `{0}` says nothing")]
    Silent(String),
    /// A placeholder that nobody fills.
    #[error("nothing was given for {{{name}}} in step `{step}`")]
    Unfilled {
        /// Which.
        name: String,
        /// In which step.
        step: String,
    },
    /// A placeholder that does not exist.
    #[error("{{{name}}} in step `{step}` is no placeholder")]
    Unknown {
        /// Which.
        name: String,
        /// In which step.
        step: String,
    },
    /// A brace that begins or ends nothing.
    #[error("a single brace stands in step `{step}`, near `{near}`")]
    Brace {
        /// In which step.
        step: String,
        /// What follows it.
        near: String,
    },
}

impl Sequence {
    /// Reads a sequence.
    pub fn parse(text: &str) -> Result<Self, BadSequence> {
        let unreadable = |why: String| BadSequence::Unreadable(why);
        let sequence: Self =
            toml::from_str(text).map_err(|error| unreadable(error.message().to_owned()))?;
        if sequence.steps.is_empty() {
            return Err(unreadable("it has no steps".to_owned()));
        }
        let known = |name: &&String| PLACEHOLDERS.contains(&name.as_str());
        if let Some(name) = sequence.defaults.keys().find(|name| !known(name)) {
            return Err(unreadable(format!("`{name}` is no placeholder")));
        }
        Ok(sequence)
    }

    /// One step that says these words.
    pub fn of_words(words: String) -> Self {
        Self {
            defaults: BTreeMap::new(),
            steps: vec![Step {
                name: "message".to_owned(),
                new_chat: false,
                say: words,
            }],
        }
    }

    /// The steps with everything filled in. `given` stands before the sequence's own defaults.
    pub fn filled(&self, given: &BTreeMap<&str, String>) -> Result<Vec<Step>, BadSequence> {
        let value = |name: &str| given.get(name).or_else(|| self.defaults.get(name));
        let each = self.steps.iter().map(|step| {
            let lines: Vec<String> = step
                .say
                .trim()
                .lines()
                .map(|line| {
                    let filled = fill(line, &step.name, &value)?;
                    let alone = line.trim().starts_with('{') && !line.trim().is_empty();
                    Ok((!(alone && filled.trim().is_empty())).then_some(filled))
                })
                .filter_map(Result::transpose)
                .collect::<Result<_, BadSequence>>()?;
            let say = lines.join("\n");
            if say.trim().is_empty() {
                return Err(BadSequence::Silent(step.name.clone()));
            }
            Ok(Step {
                say,
                ..step.clone()
            })
        });
        each.collect()
    }
}

/// One line with its placeholders filled in.
fn fill<'v>(
    line: &str,
    step: &str,
    value: &impl Fn(&str) -> Option<&'v String>,
) -> Result<String, BadSequence> {
    let mut filled = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let brace = |near: &str| BadSequence::Brace {
            step: step.to_owned(),
            near: near.chars().take(20).collect(),
        };
        if let Some(after) = from.strip_prefix("{{") {
            filled.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            filled.push('}');
            rest = after;
        } else {
            let inside = from.strip_prefix('{').ok_or_else(|| brace(from))?;
            let (name, after) = inside.split_once('}').ok_or_else(|| brace(from))?;
            let (step, name) = (step.to_owned(), name.to_owned());
            if !PLACEHOLDERS.contains(&name.as_str()) {
                return Err(BadSequence::Unknown { name, step });
            }
            let Some(value) = value(&name) else {
                return Err(BadSequence::Unfilled { name, step });
            };
            filled.push_str(value);
            rest = after;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, text)| (*name, (*text).to_owned()))
            .collect()
    }

    #[test]
    fn shipped_sequences_need_no_more_than_the_agent_and_its_role() {
        let who = given(&[("agent_id", "agent-3"), ("role", "builder")]);
        for (text, steps, new) in [(SOFT, 1, false), (HARD, 2, true)] {
            let sequence = Sequence::parse(text).unwrap();
            let filled = sequence.filled(&who).unwrap();
            assert_eq!((filled.len(), filled[0].new_chat), (steps, new));
            for step in filled {
                assert!(!step.say.contains(['{', '}']), "{}", step.say);
                assert!(!step.say.contains("\n\n"), "{}", step.say);
            }
        }
    }

    #[test]
    fn what_nobody_fills_and_what_is_no_placeholder_is_refused() {
        let said = |words: &str| {
            Sequence::of_words(words.to_owned()).filled(&given(&[("agent_id", "a"), ("role", "")]))
        };
        let step = || "message".to_owned();
        assert_eq!(said("I am {agent_id} {{x}}").unwrap()[0].say, "I am a {x}");
        assert_eq!(said("{role}\nx{role}").unwrap()[0].say, "x");
        assert_eq!(said("{role}"), Err(BadSequence::Silent(step())));
        assert_eq!(
            said("do {contract_info}"),
            Err(BadSequence::Unfilled {
                name: "contract_info".to_owned(),
                step: step()
            })
        );
        assert_eq!(
            said("{agentid}"),
            Err(BadSequence::Unknown {
                name: "agentid".to_owned(),
                step: step()
            })
        );
        for words in ["a { b", "a } b", "{agent_id"] {
            assert!(
                matches!(said(words), Err(BadSequence::Brace { .. })),
                "{words}"
            );
        }
        // What is filled in is not looked through again.
        let braces = given(&[("agent_id", "{role}")]);
        let filled = Sequence::of_words("{agent_id}".to_owned()).filled(&braces);
        assert_eq!(filled.unwrap()[0].say, "{role}");
    }

    #[test]
    fn a_file_that_is_no_sequence_is_refused() {
        for text in [
            "",
            "steps = []",
            "[[steps]]\nsay = 'x'",
            "[[steps]]\nname='a'\nsay='b'\nwait=1",
            "[defaults]\nname = 'x'\n[[steps]]\nname='a'\nsay='b'",
        ] {
            assert!(
                matches!(Sequence::parse(text), Err(BadSequence::Unreadable(_))),
                "{text}"
            );
        }
    }
}
