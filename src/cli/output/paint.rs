//! Colours, where they are wanted.

use crate::cli::values::Color;

/// Puts colour around words, or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

/// What a colour means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It arrived, it is whole.
    Good,
    /// It is under way, or wants a look.
    Waiting,
    /// It failed.
    Bad,
    /// Beside the point.
    Dim,
    /// A heading.
    Strong,
}

impl Paint {
    /// No colours.
    pub const PLAIN: Self = Self { on: false };

    /// Whether to colour: the flag, then `NO_COLOR` and a dumb terminal, then whether it is a
    /// terminal at all.
    pub fn new(wanted: Color, no_color: bool, terminal: bool) -> Self {
        let on = match wanted {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color,
        };
        Self { on }
    }

    /// The words in a tone.
    pub fn tone(self, tone: Tone, words: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Waiting => "33",
            Tone::Bad => "31",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        if self.on && !words.is_empty() {
            format!("\x1b[{code}m{words}\x1b[0m")
        } else {
            words.to_owned()
        }
    }

    /// A message's state in its tone.
    pub fn state(self, state: &str) -> String {
        self.tone(tone_of(state), state)
    }
}

/// What a state means.
pub fn tone_of(state: &str) -> Tone {
    match state {
        "observed" | "acknowledged" | "answered" | "live" | "closed" | "ready" | "healthy" => {
            Tone::Good
        }
        "dead" | "expired" | "unknown" | "open" | "stopped" | "removed" | "unhealthy" => Tone::Bad,
        "cancelled" | "inactive" => Tone::Dim,
        _ => Tone::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_the_flag_then_no_color_then_the_terminal() {
        for (wanted, no_color, terminal, on) in [
            (Color::Auto, false, true, true),
            (Color::Auto, true, true, false),
            (Color::Auto, false, false, false),
            (Color::Always, true, false, true),
            (Color::Never, false, true, false),
        ] {
            assert_eq!(Paint::new(wanted, no_color, terminal).on, on);
        }
    }
}
