//! Text from the ledger on a terminal: nothing in it may move the cursor, ring, or turn round.

use std::fmt::Write as _;

/// Whether a character does something to a terminal or to the order of the text around it, or hides
/// in it. The joiners stay: scripts and emoji need them.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}'
                ..='\u{2064}' | '\u{2028}' | '\u{2029}' | '\u{202a}'
                ..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// One line: newlines and tabs are escaped too.
pub fn line(text: &str) -> String {
    escaped(text, |_| false)
}

/// Several lines: newlines and tabs stay.
pub fn lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// One line of at most `width` characters, the end cut off visibly.
pub fn short(text: &str, width: usize) -> String {
    let whole = line(text);
    if whole.chars().count() <= width {
        return whole;
    }
    let mut cut: String = whole.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if keep(c) || !is_unsafe(c) => safe.push(c),
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push_str("\\t"),
            '\r' => safe.push_str("\\r"),
            c if u32::from(c) < 0x100 => {
                // Writing into a String cannot fail.
                let _written = write!(safe, "\\x{:02x}", u32::from(c));
            }
            c => {
                let _written = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_acts_on_it() {
        for (text, safe) in [
            ("plain ü 🦀", "plain ü 🦀"),
            ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{9b}2J\u{7f}\0", "\\x9b2J\\x7f\\x00"),
            (
                "pay\u{200b}pal 👩\u{200d}🚀",
                "pay\\u{200b}pal 👩\u{200d}🚀",
            ),
            ("abc\u{202e}txt\u{2066}", "abc\\u{202e}txt\\u{2066}"),
        ] {
            assert_eq!(line(text), safe);
        }
        assert_eq!(lines("a\n\tb\r\x1b"), "a\n\tb\\r\\x1b");
    }

    #[test]
    fn every_control_character_is_escaped() {
        for c in ('\0'..='\u{ffff}').filter(|c| c.is_control()) {
            assert!(!line(&c.to_string()).contains(c), "{c:?}");
        }
    }

    #[test]
    fn long_text_is_cut_visibly() {
        assert_eq!(short("abcdef", 6), "abcdef");
        assert_eq!(short("abcdefg", 6), "abcde…");
    }
}
