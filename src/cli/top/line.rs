//! One line of a screen: words with tones, none of which can act on the terminal, cut to a width.

use unicode_width::UnicodeWidthChar as _;

use crate::cli::output::escape;
use crate::cli::output::paint::{Paint, Tone};

/// Words from left to right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    words: Vec<(Option<Tone>, String)>,
}

impl Line {
    /// More words. Whatever they are made of, they stay on this line and do nothing to the terminal.
    #[must_use]
    pub fn say(self, words: &str) -> Self {
        self.put(None, words)
    }

    /// More words in a tone.
    #[must_use]
    pub fn tone(self, tone: Tone, words: &str) -> Self {
        self.put(Some(tone), words)
    }

    fn put(mut self, tone: Option<Tone>, words: &str) -> Self {
        self.words.push((tone, escape::line(words)));
        self
    }

    /// Another line's words after these.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.words.extend(other.words);
        self
    }

    /// Spaces up to a column; none when it is passed already.
    #[must_use]
    pub fn up_to(self, column: usize) -> Self {
        let gap = column.saturating_sub(self.width());
        self.say(&" ".repeat(gap))
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.words.iter().map(|(_, words)| width(words)).sum()
    }

    /// At most so many columns of it, the end cut off visibly.
    #[must_use]
    pub fn cut(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        let mut left = columns.saturating_sub(1);
        let mut cut = Self::default();
        for (tone, words) in &self.words {
            let fitting = fitting(words, left);
            let is_whole = fitting.len() == words.len();
            left = left.saturating_sub(width(&fitting));
            cut.words.push((*tone, fitting));
            if !is_whole {
                break;
            }
        }
        if columns > 0 {
            cut.words.push((None, "…".to_owned()));
        }
        cut
    }

    /// As it is written.
    pub fn render(&self, paint: Paint) -> String {
        let painted = self.words.iter().map(|(tone, words)| match tone {
            Some(tone) => paint.tone(*tone, words),
            None => words.clone(),
        });
        let text: String = painted.collect();
        text.trim_end_matches(' ').to_owned()
    }
}

/// How many columns words take.
pub fn width(words: &str) -> usize {
    words.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// As much of the words as fits.
fn fitting(words: &str, columns: usize) -> String {
    let mut left = columns;
    let fits = |c: &char| {
        let wide = c.width().unwrap_or(0);
        let fits = wide <= left;
        left = left.saturating_sub(wide);
        fits
    };
    words.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_visibly_and_wide_letters_count_twice() {
        for (words, columns, shown) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("abcd", 1, "…"),
            ("abcd", 0, ""),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
        ] {
            let cut = Line::default().say(words).cut(columns);
            assert_eq!(cut.render(Paint::PLAIN), shown);
            assert!(cut.width() <= columns);
        }
        let toned = Line::default().say("ab").tone(Tone::Bad, "cdef").say("gh");
        assert_eq!(toned.cut(5).render(Paint::PLAIN), "abcd…");
    }

    #[test]
    fn nothing_that_is_said_acts_on_the_terminal() {
        let line = Line::default()
            .say("\x1b[2J\n")
            .tone(Tone::Bad, "\r\u{9b}1m\u{202e}");
        let text = line.render(Paint::PLAIN);
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(!text.contains('\u{202e}'));
    }
}
