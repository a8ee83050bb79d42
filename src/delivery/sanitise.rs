//! What may be typed into which kind of program. The ledger keeps the original; only what is
//! typed is cleaned, and what was changed is said. Characters are filtered, never marker strings:
//! without control characters no end-of-paste marker can be forged.

use crate::events::facts::agent::Target;

/// A text that may be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clean {
    /// What is typed.
    pub text: String,
    /// What was changed, in words.
    pub changed: Option<String>,
}

/// Makes a text fit for the target. Terminals: no control character at all; line ends and tabs
/// become blanks, since a newline runs what stands before it. Others: control characters but
/// newline and tab are dropped, line ends are one newline.
pub fn sanitise(target: Target, text: &str) -> Clean {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let line_ends = usize::from(unified != text);
    let (mut dropped, mut blanks) = (0_usize, 0_usize);
    let source = match target {
        Target::Chat | Target::Editor => unified.as_str(),
        // A last newline is no word of the message, and would only be a blank.
        Target::Terminal => unified.trim_end_matches('\n'),
    };
    let trimmed = unified.len() - source.len();
    let text = source
        .chars()
        .filter_map(|c| match (target, c) {
            (Target::Chat | Target::Editor, '\n' | '\t') => Some(c),
            (Target::Terminal, '\n' | '\t' | '\u{2028}' | '\u{2029}') => {
                blanks += 1;
                Some(' ')
            }
            (_, c) if c.is_control() => {
                dropped += 1;
                None
            }
            (_, c) => Some(c),
        })
        .collect();
    let said: Vec<String> = [
        (dropped, "control characters dropped"),
        (blanks, "line ends and tabs replaced by blanks"),
        (trimmed, "line ends at the end dropped"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .chain((line_ends > 0).then(|| "line ends made one newline each".to_owned()))
    .collect();
    Clean {
        text,
        changed: (!said.is_empty()).then(|| said.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_target_gets_what_it_can_bear() {
        for (target, text, expect, changed) in [
            (Target::Chat, "grün\n\t✓", "grün\n\t✓", None),
            (
                Target::Chat,
                "a\r\nb\rc",
                "a\nb\nc",
                Some("line ends made one newline each"),
            ),
            (
                Target::Editor,
                "a\u{1b}[31mb\u{7f}\u{9b}",
                "a[31mb",
                Some("3 control characters dropped"),
            ),
            (
                Target::Terminal,
                "rm\n-rf\t/\n",
                "rm -rf /",
                Some("2 line ends and tabs replaced by blanks, 1 line ends at the end dropped"),
            ),
            (
                Target::Terminal,
                "x\u{1b}[201~\ry",
                "x[201~ y",
                Some(
                    "1 control characters dropped, 1 line ends and tabs replaced by blanks, \
                     line ends made one newline each",
                ),
            ),
            (Target::Terminal, "plain", "plain", None),
        ] {
            let clean = sanitise(target, text);
            assert_eq!(clean.text, expect, "{target} {text:?}");
            assert_eq!(clean.changed.as_deref(), changed, "{target} {text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_runs_reaches_a_terminal(text in any::<String>()) {
            let clean = sanitise(Target::Terminal, &text);
            prop_assert!(!clean.text.chars().any(char::is_control));
            prop_assert_eq!(clean.changed.is_none(), clean.text == text);
        }

        #[test]
        fn cleaning_twice_changes_nothing_more(text in any::<String>()) {
            for target in [Target::Chat, Target::Editor, Target::Terminal] {
                let once = sanitise(target, &text);
                let twice = sanitise(target, &once.text);
                prop_assert_eq!(&twice.text, &once.text);
                prop_assert_eq!(twice.changed, None);
            }
        }
    }
}
