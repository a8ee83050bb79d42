//! What a terminal sends, as keys.

/// A key that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A letter, digit or sign.
    Char(char),
    /// Towards the top.
    Up,
    /// Towards the end.
    Down,
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the top.
    Home,
    /// To the end.
    End,
    /// Tab.
    Tab,
    /// Shift and tab.
    BackTab,
    /// Escape.
    Escape,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-L.
    Redraw,
}

/// The beginning of a sequence whose rest has not come yet.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    begun: Vec<u8>,
}

/// No sequence that means something is longer.
const LONGEST: usize = 16;

impl Keys {
    /// The keys that these bytes are. A sequence that is cut off is kept for the next bytes, but for a
    /// lone escape, which is the key.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut keys = Vec::new();
        let mut rest = all.as_slice();
        while let [first, after @ ..] = rest {
            match (*first, after) {
                (0x1b, [b'[' | b'O', sequence @ ..]) => {
                    let end = sequence
                        .iter()
                        .position(|byte| (0x40..=0x7e).contains(byte));
                    let Some(end) = end else {
                        if rest.len() <= LONGEST {
                            self.begun = rest.to_vec();
                        }
                        return keys;
                    };
                    let (body, left) = sequence.split_at(end.saturating_add(1));
                    keys.extend(sequence_key(body));
                    rest = left;
                }
                (0x1b, _) => {
                    keys.push(Key::Escape);
                    rest = after;
                }
                (byte, _) => {
                    keys.extend(plain_key(byte));
                    rest = after;
                }
            }
        }
        keys
    }
}

const fn plain_key(byte: u8) -> Option<Key> {
    Some(match byte {
        0x03 => Key::Interrupt,
        0x0c => Key::Redraw,
        b'\t' => Key::Tab,
        0x20..=0x7e => Key::Char(ascii(byte)),
        _ => return None,
    })
}

#[expect(clippy::as_conversions, reason = "a byte below 128 is that character")]
const fn ascii(byte: u8) -> char {
    byte as char
}

fn sequence_key(body: &[u8]) -> Option<Key> {
    Some(match body {
        b"A" => Key::Up,
        b"B" => Key::Down,
        b"C" => Key::Right,
        b"D" => Key::Left,
        b"Z" => Key::BackTab,
        b"H" | b"1~" | b"7~" => Key::Home,
        b"F" | b"4~" | b"8~" => Key::End,
        b"5~" => Key::PageUp,
        b"6~" => Key::PageDown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_keys_also_when_they_come_in_pieces() {
        for (pieces, wanted) in [
            (
                &[b"q".as_slice(), b"\x1b[A\x1bOB\x1b[5~"][..],
                &[Key::Char('q'), Key::Up, Key::Down, Key::PageUp][..],
            ),
            (&[b"\x1b[", b"Z\t"], &[Key::BackTab, Key::Tab]),
            (&[b"\x1b", b"p"], &[Key::Escape, Key::Char('p')]),
            (&[b"\x03\x0c\x00\xff"], &[Key::Interrupt, Key::Redraw]),
            // Nobody presses this; what follows is understood again.
            (&[b"\x1b[999999;99999999999999", b"q"], &[Key::Char('q')]),
            (&[b"\x1b[1;5Cq"], &[Key::Char('q')]),
        ] {
            let mut keys = Keys::default();
            let read: Vec<Key> = pieces.iter().flat_map(|it| keys.read(it)).collect();
            assert_eq!(read, wanted, "{pieces:?}");
        }
    }
}
