//! What may be typed into which kind of program. The ledger keeps the original; only what is
//! typed is cleaned, and what was changed is said. Characters are filtered, never marker strings:
//! without control characters no end-of-paste marker can be forged.

use crate::events::facts::agent::Target;

/// What becomes of line ends and tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newlines {
    /// One newline each, and tabs stay.
    Keep,
    /// A blank each.
    Blank,
}

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
/// newline and tab are dropped, line ends are one newline, or as `newlines` says. In terminals also the
/// characters that turn the order of others around are dropped: what is read there must be what runs.
pub fn sanitise(target: Target, newlines: Newlines, text: &str) -> Clean {
    let one_line = target == Target::Terminal || newlines == Newlines::Blank;
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let line_ends = usize::from(unified != text);
    let (mut dropped, mut blanks, mut turned) = (0_usize, 0_usize, 0_usize);
    let source = if one_line {
        // A last newline is no word of the message, and would only be a blank.
        unified.trim_end_matches('\n')
    } else {
        unified.as_str()
    };
    let trimmed = unified.len() - source.len();
    let text = source
        .chars()
        .filter_map(|c| match (one_line, c) {
            (false, '\n' | '\t') => Some(c),
            (true, '\n' | '\t' | '\u{2028}' | '\u{2029}') => {
                blanks += 1;
                Some(' ')
            }
            (_, c) if c.is_control() => {
                dropped += 1;
                None
            }
            (_, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                if target == Target::Terminal =>
            {
                turned += 1;
                None
            }
            (_, c) => Some(c),
        })
        .collect();
    let said: Vec<String> = [
        (dropped, "control characters dropped"),
        (turned, "characters that turn the order around dropped"),
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
            (
                Target::Terminal,
                "ls \u{202e}fr- mr\u{202c}",
                "ls fr- mr",
                Some("2 characters that turn the order around dropped"),
            ),
        ] {
            let clean = sanitise(target, Newlines::Keep, text);
            assert_eq!(clean.text, expect, "{target} {text:?}");
            assert_eq!(clean.changed.as_deref(), changed, "{target} {text:?}");
        }
    }

    #[test]
    fn a_program_that_wants_one_line_gets_one() {
        let clean = sanitise(Target::Chat, Newlines::Blank, "one\r\ntwo\n");
        assert_eq!(clean.text, "one two");
    }

    proptest! {
        #[test]
        fn nothing_that_runs_reaches_a_terminal(text in any::<String>()) {
            let clean = sanitise(Target::Terminal, Newlines::Keep, &text);
            prop_assert!(!clean.text.chars().any(char::is_control));
            prop_assert_eq!(clean.changed.is_none(), clean.text == text);
        }

        #[test]
        fn cleaning_twice_changes_nothing_more(text in any::<String>()) {
            for target in [Target::Chat, Target::Editor, Target::Terminal] {
                let once = sanitise(target, Newlines::Keep, &text);
                let twice = sanitise(target, Newlines::Keep, &once.text);
                prop_assert_eq!(&twice.text, &once.text);
                prop_assert_eq!(twice.changed, None);
            }
        }
    }
}
