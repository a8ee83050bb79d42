//! Everything about deliveries that people can set, as arguments.

use std::collections::BTreeMap;
use std::time::Duration;

use super::breaker::Limits;
use super::job::{ClipboardLimits, Input, Keys, Patience, ReadBack};
use super::policy::Policy;
use super::ports::Chord;
use super::sanitise::Newlines;
use super::timing::Learning;
use crate::events::facts::agent::Target;
use crate::events::ids::AgentId;

/// How deliveries are done.
#[derive(Clone, Debug)]
pub struct DispatchSettings {
    /// What follows which failure.
    pub policy: Policy,
    /// When an agent's channel is left alone.
    pub breaker: Limits,
    /// For chats.
    pub chat: Manner,
    /// For editors.
    pub editor: Manner,
    /// For terminals.
    pub terminal: Manner,
    /// Programs with ways of their own.
    pub applications: Vec<Application>,
    /// Which application was chosen for an agent, by name.
    pub application_of: BTreeMap<AgentId, String>,
    /// When the box is read back.
    pub read_back: ReadBack,
    /// How the clipboard is used.
    pub clipboard: ClipboardLimits,
    /// How deadlines are learnt from past attempts.
    pub learning: Learning,
    /// The nudge after a fallback to the inbox, if wanted.
    pub nudge: Option<Nudging>,
}

/// How one kind of program is handled.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Which keys do what.
    pub keys: Keys,
    /// How long to wait for what.
    pub patience: Patience,
}

/// A program with ways of its own.
#[derive(Clone, Debug)]
pub struct Application {
    /// By which it is chosen.
    pub name: String,
    /// What kind of program it is.
    pub target: Target,
    /// The window classes it is known by, in small letters.
    pub classes: Vec<String>,
    /// Its keys and what it needs.
    pub manner: Manner,
    /// Starts a new chat, where it can be done by keys.
    pub new_chat: Option<Chord>,
    /// How text gets into it.
    pub input: Input,
    /// What becomes of line ends.
    pub newlines: Newlines,
}

/// How one agent's window is handled.
#[derive(Clone, Copy, Debug)]
pub struct Handling<'s> {
    /// What kind of program it is.
    pub target: Target,
    /// Keys and patience.
    pub manner: &'s Manner,
    /// Starts a new chat, where it can be done by keys.
    pub new_chat: Option<&'s Chord>,
    /// How text gets into it.
    pub input: Input,
    /// What becomes of line ends.
    pub newlines: Newlines,
}

/// When an agent is told that something lies in its inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nudging {
    /// How long after the file was written.
    pub after: Duration,
    /// How long it is worth trying.
    pub ttl: Duration,
}

impl DispatchSettings {
    /// The manner for a kind of program.
    pub const fn of(&self, target: Target) -> &Manner {
        match target {
            Target::Chat => &self.chat,
            Target::Editor => &self.editor,
            Target::Terminal => &self.terminal,
        }
    }

    /// How an agent's window is handled: by the application that was chosen for it, else by the one
    /// that its class is known by, else as its declared kind.
    pub fn manner(&self, agent: &AgentId, declared: Target, class: &str) -> Handling<'_> {
        let chosen = self.application_of.get(agent);
        let by_name = chosen.and_then(|name| self.applications.iter().find(|it| it.name == *name));
        let fits = |it: &&Application| {
            declared == it.target || declared == Target::Chat || it.target == Target::Terminal
        };
        // The window's own name says more than its program's.
        let known = |as_name| {
            let mut all = self.applications.iter().filter(fits);
            all.find(move |it| it.classes.iter().any(|word| is_class(class, word, as_name)))
        };
        match by_name.or_else(|| known(true)).or_else(|| known(false)) {
            Some(it) => Handling {
                target: it.target,
                manner: &it.manner,
                new_chat: it.new_chat.as_ref(),
                input: it.input,
                newlines: it.newlines,
            },
            None => Handling {
                target: declared,
                manner: self.of(declared),
                new_chat: None,
                input: Input::Paste,
                newlines: Newlines::Keep,
            },
        }
    }
}

/// Whether the class, as a whole or one of its two parts, is this word; with `as_name` its first part.
fn is_class(class: &str, word: &str, as_name: bool) -> bool {
    let class = class.to_lowercase();
    let part = |rest: Option<&str>, ends: fn(&str) -> bool| rest.is_some_and(ends);
    if as_name {
        return class == word || part(class.strip_prefix(word), |rest| rest.starts_with('.'));
    }
    part(class.strip_suffix(word), |rest| rest.ends_with('.'))
}

impl Default for DispatchSettings {
    fn default() -> Self {
        let manner = |target| Manner {
            keys: Keys::of(target),
            patience: Patience::of(target),
        };
        Self {
            policy: Policy::default(),
            breaker: Limits::default(),
            chat: manner(Target::Chat),
            editor: manner(Target::Editor),
            terminal: manner(Target::Terminal),
            applications: Vec::new(),
            application_of: BTreeMap::new(),
            read_back: ReadBack::WhenDoubtful,
            clipboard: ClipboardLimits::default(),
            learning: Learning::default(),
            nudge: Some(Nudging {
                after: Duration::from_secs(30),
                ttl: Duration::from_hours(1),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(name: &str, target: Target, classes: &[&str]) -> Application {
        Application {
            name: name.to_owned(),
            target,
            classes: classes.iter().map(|word| (*word).to_owned()).collect(),
            manner: DispatchSettings::default().of(target).clone(),
            new_chat: None,
            input: Input::Paste,
            newlines: Newlines::Blank,
        }
    }

    #[test]
    fn an_application_is_chosen_by_name_else_known_by_its_windows_class() {
        let agent: AgentId = "agent-1".parse().unwrap();
        let mut settings = DispatchSettings {
            applications: vec![
                application("browser", Target::Chat, &["chromium"]),
                application("code", Target::Editor, &["code"]),
                application("web", Target::Chat, &["chatgpt.com"]),
                application("xterm", Target::Terminal, &["xterm"]),
            ],
            ..DispatchSettings::default()
        };
        let mut check = |declared, class: &str, chosen: Option<&str>, target, own| {
            settings.application_of.clear();
            if let Some(name) = chosen {
                settings
                    .application_of
                    .insert(agent.clone(), name.to_owned());
            }
            let found = settings.manner(&agent, declared, class);
            assert_eq!(found.target, target, "{class} {chosen:?}");
            assert_eq!(found.newlines == Newlines::Blank, own, "{class} {chosen:?}");
        };
        check(Target::Chat, "tk.Agent", None, Target::Chat, false);
        check(
            Target::Chat,
            "chatgpt.com.Chromium",
            None,
            Target::Chat,
            true,
        );
        check(Target::Chat, "code.Code", None, Target::Editor, true);
        check(Target::Chat, "xcode.Xcode", None, Target::Chat, false);
        // Whatever was declared: a newline runs there.
        check(Target::Editor, "xterm.XTerm", None, Target::Terminal, true);
        // A terminal in an editor is still a terminal.
        check(Target::Terminal, "code.Code", None, Target::Terminal, false);
        check(
            Target::Terminal,
            "code.Code",
            Some("code"),
            Target::Editor,
            true,
        );
        check(
            Target::Editor,
            "chromium.Chromium",
            None,
            Target::Editor,
            false,
        );
    }
}
