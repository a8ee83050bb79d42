//! Words as programs hand them out: UTF-8, or nearly.

/// The text; none when it is no text. A Tk entry hands out emoji as two surrogates of three bytes
/// each (CESU-8, Unicode Technical Report 26) and calls it UTF-8.
pub(super) fn text_of(bytes: Vec<u8>) -> Option<String> {
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => joined(error.as_bytes()),
    }
}

fn joined(bytes: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let good = rest.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        text.push_str(good);
        rest = rest.get(good.len()..)?;
        if let Some((pair, after)) = rest.split_first_chunk::<6>() {
            text.push(character(*pair)?);
            rest = after;
        } else if !rest.is_empty() {
            return None;
        }
    }
    Some(text)
}

/// The character of two surrogates, high and low.
fn character(pair: [u8; 6]) -> Option<char> {
    let units = pair.map(u32::from);
    let [0xed, high, high_end, 0xed, low, low_end] = units else {
        return None;
    };
    let fits = high >> 4 == 0xa && low >> 4 == 0xb && high_end >> 6 == 2 && low_end >> 6 == 2;
    let part = |unit: u32, end: u32| (unit & 0xf) << 6 | (end & 0x3f);
    let code = 0x1_0000 + (part(high, high_end) << 10 | part(low, low_end));
    char::from_u32(code).filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_are_joined_and_what_is_no_text_is_refused() {
        let check = |bytes: &[u8], text: Option<&str>| {
            assert_eq!(text_of(bytes.to_vec()).as_deref(), text, "{bytes:x?}");
        };
        check(b"", Some(""));
        check("grüße 🧪".as_bytes(), Some("grüße 🧪"));
        check(b"a\xed\xa0\xbe\xed\xb7\xaab", Some("a🧪b"));
        check(
            b"\xed\xa0\xbe\xed\xb7\xaa\xed\xa0\xbe\xed\xb7\xaa",
            Some("🧪🧪"),
        );
        for bad in [
            b"a\xed\xa0\xbe".as_slice(),
            b"\xed\xb7\xaa\xed\xa0\xbe",
            b"\xed\xa0\xbe\xed\xb7",
            b"\xff",
            b"\xff\xff\xff\xff\xff\xff\xff",
        ] {
            check(bad, None);
        }
    }
}
