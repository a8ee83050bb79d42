//! Cursors: opaque to clients, bound to the list and the filters they came from.

use std::fmt::Write as _;

/// Bytes of the mark that binds a cursor to its list.
const MARK: usize = 8;

/// A cursor of the list after a key.
pub fn seal(list: &str, key: &str) -> String {
    let mut cursor = String::new();
    for byte in mark(list, key).iter().chain(key.as_bytes()) {
        // Writing into a string cannot fail.
        write!(cursor, "{byte:02x}").unwrap_or_default();
    }
    cursor
}

/// The key in a cursor of this list; none if it is none.
pub fn open(list: &str, cursor: &str) -> Option<String> {
    let bytes = unhexed(cursor)?;
    let (given, key) = bytes.split_first_chunk::<MARK>()?;
    let key = String::from_utf8(key.to_vec()).ok()?;
    (*given == mark(list, &key)).then_some(key)
}

fn mark(list: &str, key: &str) -> [u8; MARK] {
    let mut hasher = blake3::Hasher::new_derive_key("switchboard api cursor 1");
    hasher.update(list.as_bytes());
    hasher.update(&[0]);
    hasher.update(key.as_bytes());
    let mut mark = [0; MARK];
    hasher.finalize_xof().fill(&mut mark);
    mark
}

fn unhexed(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits?;
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() || text.len() > 512 {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(high * 16 + low).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_where_it_was_made_and_only_as_it_was_made() {
        let cursor = seal("/messages?to=a", "42");
        assert_eq!(open("/messages?to=a", &cursor), Some("42".to_owned()));
        assert_eq!(open("/messages?to=b", &cursor), None);
        for bad in ["", "42", "zz", &cursor[1..], &format!("{cursor}31"), "é"] {
            assert_eq!(open("/messages?to=a", bad), None, "{bad}");
        }
    }
}
