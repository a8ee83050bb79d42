//! The canonical state hash: the same state gives the same hash on every machine. The format is
//! written down in docs/state-hash.md; whoever has the printed state can compute the hash again.

use serde_json::Value;

/// The name of the hash schema. Hashes of different schemas cannot be compared.
pub const SCHEMA: &str = "switchboard-state/1";

/// The hash of a state: blake3 over the schema's name and the state's canonical bytes.
pub fn hash(state: &Value) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(SCHEMA.as_bytes());
    hasher.update(&encode(state));
    hasher.finalize()
}

/// The canonical bytes of a JSON value.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(value, &mut bytes);
    bytes
}

fn write(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Null => to.push(b'n'),
        Value::Bool(true) => to.push(b't'),
        Value::Bool(false) => to.push(b'f'),
        Value::Number(number) => {
            if let Some(positive) = number.as_u64() {
                to.push(b'u');
                to.extend(positive.to_be_bytes());
            } else if let Some(negative) = number.as_i64() {
                to.push(b'i');
                to.extend(negative.to_be_bytes());
            } else {
                // No state holds one; written so that this function is total, and refused by readers.
                to.push(b'!');
                text(&number.to_string(), to);
            }
        }
        Value::String(string) => {
            to.push(b's');
            text(string, to);
        }
        Value::Array(items) => {
            to.push(b'a');
            length(items.len(), to);
            for item in items {
                write(item, to);
            }
        }
        Value::Object(entries) => {
            to.push(b'm');
            length(entries.len(), to);
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_unstable_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            for (key, item) in entries {
                text(key, to);
                write(item, to);
            }
        }
    }
}

fn text(string: &str, to: &mut Vec<u8>) {
    length(string.len(), to);
    to.extend(string.as_bytes());
}

fn length(length: usize, to: &mut Vec<u8>) {
    to.extend(u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_document() {
        let state = json!({"b": [1, -1, null], "a": "é", "c": true});
        let mut expected = b"m\0\0\0\0\0\0\0\x03".to_vec();
        expected.extend(b"\0\0\0\0\0\0\0\x01as\0\0\0\0\0\0\0\x02\xc3\xa9");
        expected.extend(b"\0\0\0\0\0\0\0\x01ba\0\0\0\0\0\0\0\x03");
        expected.extend(b"u\0\0\0\0\0\0\0\x01i\xff\xff\xff\xff\xff\xff\xff\xffn");
        expected.extend(b"\0\0\0\0\0\0\0\x01ct");
        assert_eq!(encode(&state), expected);
    }

    #[test]
    fn different_states_have_different_bytes() {
        let states = [
            json!(null),
            json!(false),
            json!(0),
            json!(""),
            json!([]),
            json!({}),
            json!([[]]),
            json!(["a", "b"]),
            json!(["ab", ""]),
            json!({"a": "b"}),
            json!({"ab": ""}),
            json!("0"),
            json!([0, [1]]),
            json!([[0], 1]),
        ];
        let bytes: std::collections::BTreeSet<_> = states.iter().map(encode).collect();
        assert_eq!(bytes.len(), states.len());
    }

    #[test]
    fn a_printed_state_hashes_as_the_original() {
        let state = json!({"z": {"y": [u64::MAX, i64::MIN]}, "a": "\u{0}\"\\"});
        let printed: Value = serde_json::from_str(&state.to_string()).unwrap();
        assert_eq!(hash(&printed), hash(&state));
    }
}
