//! The keyboard as it is now: which key makes which character.

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, KeyButMask};

use crate::delivery::ports::{Key, Modifier, Trouble};

use super::link::{Link, lost, trouble};

/// No key symbol.
const NONE: u32 = 0;
const NUM_LOCK: u32 = 0xff7f;
const SCROLL_LOCK: u32 = 0xff14;
/// The row of the modifier map that Caps Lock stands in.
const LOCK_ROW: usize = 1;

/// A snapshot of the server's keyboard and modifier map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    first: u8,
    /// One row per key code: symbols of group 1 plain and shifted, group 2 plain and shifted, more.
    rows: Vec<Vec<u32>>,
    /// Eight rows: Shift, Lock, Control, Mod1 to Mod5.
    modifiers: Vec<Vec<u8>>,
}

/// A key to press for a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stroke {
    /// The key's number.
    pub(super) code: u8,
    /// Whether Shift has to be held.
    pub(super) shift: bool,
}

impl Keys {
    /// Asks the server.
    pub(super) fn read(link: &Link) -> Result<Self, Trouble> {
        let (first, last) = {
            let setup = link.conn.setup();
            (setup.min_keycode, setup.max_keycode)
        };
        let count = last.saturating_sub(first).saturating_add(1);
        let map = link.conn.get_keyboard_mapping(first, count).map_err(lost)?;
        let modifiers = link.conn.get_modifier_mapping().map_err(lost)?;
        let map = map.reply().map_err(trouble)?;
        let modifiers = modifiers.reply().map_err(trouble)?;
        let wide = usize::from(map.keysyms_per_keycode).max(1);
        let tall = usize::from(modifiers.keycodes_per_modifier()).max(1);
        let pressed = |row: &[u8]| row.iter().copied().filter(|code| *code != 0).collect();
        Ok(Self {
            first,
            rows: map.keysyms.chunks(wide).map(<[u32]>::to_vec).collect(),
            modifiers: modifiers.keycodes.chunks(tall).map(pressed).collect(),
        })
    }

    /// The key that makes this symbol while `group` (0 is the first layout) is active. None when
    /// no key does, or only together with keys that would change a shortcut.
    pub(super) fn stroke(&self, symbol: u32, group: u8) -> Option<Stroke> {
        let shifted = |shift: bool| {
            self.codes().find_map(|(code, row)| {
                let found = level(row, group, shift)? == symbol;
                found.then_some(Stroke { code, shift })
            })
        };
        shifted(false).or_else(|| shifted(true))
    }

    /// The key to hold for a modifier.
    pub(super) fn modifier(&self, modifier: Modifier) -> Option<u8> {
        let (symbols, row) = match modifier {
            Modifier::Shift => ([0xffe1, 0xffe2], Some(0)),
            Modifier::Ctrl => ([0xffe3, 0xffe4], Some(2)),
            Modifier::Alt => ([0xffe9, 0xffea], None),
            Modifier::Meta => ([0xffeb, 0xffec], None),
        };
        let named = symbols.iter().find_map(|symbol| {
            let mut acting = self.modifiers.iter().flatten().copied();
            acting.find(|code| self.symbol(*code) == Some(*symbol))
        });
        named.or_else(|| self.modifiers.get(row?)?.first().copied())
    }

    /// The modifiers that stay on by themselves: Caps, Num and Scroll Lock.
    pub(super) fn locks(&self) -> u16 {
        let is_lock = |(row, codes): (usize, &Vec<u8>)| {
            row == LOCK_ROW
                || codes.iter().any(|code| {
                    self.symbol(*code)
                        .is_some_and(|symbol| [NUM_LOCK, SCROLL_LOCK].contains(&symbol))
                })
        };
        let locks = self.modifiers.iter().enumerate();
        locks.fold(0, |mask, row| {
            let bit = 1_u16.checked_shl(u32::try_from(row.0).unwrap_or(u32::MAX));
            mask | bit.filter(|_| is_lock(row)).unwrap_or(0)
        })
    }

    /// Whether every key of `self` still does the same in `now`; keys that did nothing may have
    /// got a meaning (enigo lends them one).
    pub(super) fn still_holds_in(&self, now: &Self) -> bool {
        let same_row = |(then, now): (&Vec<u32>, &Vec<u32>)| {
            then.iter().all(|symbol| *symbol == NONE) || then == now
        };
        self.first == now.first
            && self.modifiers == now.modifiers
            && self.rows.len() == now.rows.len()
            && self.rows.iter().zip(&now.rows).all(same_row)
    }

    fn symbol(&self, code: u8) -> Option<u32> {
        let row = self.rows.get(usize::from(code.checked_sub(self.first)?))?;
        row.first().copied()
    }

    fn codes(&self) -> impl Iterator<Item = (u8, &Vec<u32>)> {
        // Code 8 is none to programs that count like the kernel.
        (self.first..=u8::MAX)
            .zip(&self.rows)
            .filter(|(code, _)| *code > 8)
    }
}

/// The symbol of a key in a group, as the core protocol lays it out.
fn level(row: &[u32], group: u8, shift: bool) -> Option<u32> {
    let at = |column: usize| row.get(column).copied().filter(|symbol| *symbol != NONE);
    let two_groups = at(2).is_some() || at(3).is_some();
    let start = match (group, two_groups) {
        (_, false) | (0, true) => 0,
        (1, true) => 2,
        (_, true) => return None,
    };
    let plain = at(start);
    let shifted = start.checked_add(1).and_then(at);
    if shift {
        shifted.or_else(|| plain.map(upper))
    } else {
        plain
    }
}

/// A letter alone in its group stands for both cases.
fn upper(symbol: u32) -> u32 {
    let lower = (0x61..=0x7a).contains(&symbol) || (0xe0..=0xfe).contains(&symbol);
    if lower && symbol != 0xf7 {
        symbol.saturating_sub(0x20)
    } else {
        symbol
    }
}

/// The active layout: bits 13 and 14 of the state.
pub(super) fn group_of(state: KeyButMask) -> u8 {
    u8::try_from((u16::from(state) >> 13) & 3).unwrap_or(0)
}

/// The symbol of a key of the port.
pub(super) fn symbol_of(key: Key) -> u32 {
    match key {
        Key::Enter => 0xff0d,
        Key::Tab => 0xff09,
        Key::Escape => 0xff1b,
        Key::Insert => 0xff63,
        Key::Delete => 0xffff,
        Key::Backspace => 0xff08,
        Key::Home => 0xff50,
        Key::End => 0xff57,
        Key::Left => 0xff51,
        Key::Right => 0xff53,
        Key::Char(c) => symbol_of_char(c),
    }
}

/// Latin-1 is its own symbol; every other character is its code point with a mark.
pub(super) fn symbol_of_char(c: char) -> u32 {
    match u32::from(c) {
        0x0a | 0x0d => 0xff0d,
        0x09 => 0xff09,
        latin @ (0x20..=0x7e | 0xa0..=0xff) => latin,
        other => 0x0100_0000 | other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us_and_russian() -> Keys {
        let mut rows = vec![vec![NONE; 4]; 248];
        let mut put = |code: u8, row: [u32; 4]| rows[usize::from(code - 8)] = row.to_vec();
        put(36, [0xff0d, NONE, NONE, NONE]);
        put(21, [0x3d, 0x2b, 0x3d, 0x2b]);
        put(37, [0xffe3, NONE, NONE, NONE]);
        put(50, [0xffe1, NONE, NONE, NONE]);
        put(55, [0x76, 0x56, 0x6cd, 0x6ed]);
        put(66, [0xffe5, NONE, NONE, NONE]);
        put(77, [NUM_LOCK, NONE, NONE, NONE]);
        put(38, [0x61, NONE, NONE, NONE]);
        let mut modifiers = vec![Vec::new(); 8];
        modifiers[0] = vec![50];
        modifiers[1] = vec![66];
        modifiers[2] = vec![37];
        modifiers[4] = vec![77];
        Keys {
            first: 8,
            rows,
            modifiers,
        }
    }

    #[test]
    fn a_character_is_found_in_the_active_layout_only() {
        let keys = us_and_russian();
        let v = symbol_of(Key::Char('v'));
        let plain = |code| Some(Stroke { code, shift: false });
        let shifted = |code| Some(Stroke { code, shift: true });
        assert_eq!(keys.stroke(v, 0), plain(55));
        assert_eq!(
            keys.stroke(v, 1),
            None,
            "this key makes a Cyrillic letter now"
        );
        assert_eq!(keys.stroke(symbol_of_char('V'), 0), shifted(55));
        assert_eq!(keys.stroke(symbol_of_char('+'), 1), shifted(21));
        assert_eq!(keys.stroke(symbol_of_char('A'), 0), shifted(38));
        for group in 0..3 {
            assert_eq!(keys.stroke(symbol_of(Key::Enter), group), plain(36));
        }
        assert_eq!(keys.stroke(symbol_of_char('ß'), 0), None);
    }

    #[test]
    fn locks_are_found_by_their_keys() {
        assert_eq!(us_and_russian().locks(), 0b1_0010);
        assert_eq!(us_and_russian().modifier(Modifier::Ctrl), Some(37));
        assert_eq!(us_and_russian().modifier(Modifier::Meta), None);
    }

    #[test]
    fn a_lent_key_changes_nothing_and_another_layout_does() {
        let then = us_and_russian();
        let mut lent = then.clone();
        lent.rows[200][0] = 0x0100_20ac;
        assert!(then.still_holds_in(&lent));
        let mut swapped = then.clone();
        swapped.rows[55 - 8][0] = 0x77;
        assert!(!then.still_holds_in(&swapped));
    }
}
