//! What a fold remembers of each message, found in one step. A search tree costs a dozen comparisons of
//! random ids for every event, and moves its neighbours at every insertion: half of a fold's time.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::events::ids::MessageId;

/// Rows by message. Stored in the order of ids, so that the same rows have the same bytes; whoever
/// shows them takes [`ByMessage::sorted`].
#[derive(Clone, Debug)]
pub(super) struct ByMessage<T>(HashMap<u128, T, Keyed>);

/// Makes hashes of ids. They are chosen by senders, so the hash is keyed afresh for every map, and
/// nobody can choose some that collide. Nothing that is seen depends on it.
#[derive(Clone, Debug)]
struct Keyed(u64, u64);

impl Default for Keyed {
    fn default() -> Self {
        let dice = RandomState::new();
        Self(dice.hash_one(0), dice.hash_one(1))
    }
}

impl BuildHasher for Keyed {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(self.0, self.1)
    }
}

/// Both halves of a product, folded into one: what one multiplication makes of an id and the key.
/// The standard hash takes five times as long for 16 bytes, and was an eighth of a fold.
#[derive(Debug)]
struct Folded(u64, u64);

fn halves(wide: u128) -> (u64, u64) {
    let low = wide & u128::from(u64::MAX);
    // Both fit, and the compiler knows.
    (
        u64::try_from(low).unwrap_or_default(),
        u64::try_from(wide >> 64).unwrap_or_default(),
    )
}

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte));
        }
    }

    fn write_u128(&mut self, id: u128) {
        let (low, high) = halves(id);
        let product = u128::from(low ^ self.0).wrapping_mul(u128::from(high ^ self.1));
        let (low, high) = halves(product);
        self.0 = low ^ high;
    }
}

impl<T> Default for ByMessage<T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<T: PartialEq> PartialEq for ByMessage<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Eq> Eq for ByMessage<T> {}

const fn key(message: MessageId) -> u128 {
    message.0.as_u128()
}

const fn id(key: u128) -> MessageId {
    MessageId(uuid::Uuid::from_u128(key))
}

impl<T> ByMessage<T> {
    /// Its row.
    pub(super) fn get(&self, message: MessageId) -> Option<&T> {
        self.0.get(&key(message))
    }

    /// Its row, to be changed.
    pub(super) fn get_mut(&mut self, message: MessageId) -> Option<&mut T> {
        self.0.get_mut(&key(message))
    }

    /// A row for a message that has none; one that is there stays as it is. Whether it was put in.
    pub(super) fn insert_new(&mut self, message: MessageId, row: impl FnOnce() -> T) -> bool {
        match self.0.entry(key(message)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(row());
                true
            }
        }
    }

    /// Forgets its row.
    pub(super) fn remove(&mut self, message: MessageId) -> Option<T> {
        self.0.remove(&key(message))
    }

    /// Every row, in no order.
    pub(super) fn rows(&self) -> impl Iterator<Item = &T> {
        self.0.values()
    }

    /// Every row in the order of ids.
    pub(super) fn sorted(&self) -> impl Iterator<Item = (MessageId, &T)> {
        let mut rows: Vec<(&u128, &T)> = self.0.iter().collect();
        rows.sort_unstable_by_key(|(key, _)| **key);
        rows.into_iter().map(|(key, row)| (id(*key), row))
    }
}

impl<T: Serialize> Serialize for ByMessage<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.sorted())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByMessage<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let rows = std::collections::BTreeMap::<MessageId, T>::deserialize(from)?;
        Ok(Self(
            rows.into_iter()
                .map(|(message, row)| (key(message), row))
                .collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::events::codec::{decode_state, encode_state};

    #[test]
    fn rows_are_stored_as_a_map_in_the_order_of_ids() {
        let mut rows = ByMessage::default();
        let mut plain = BTreeMap::new();
        for nth in (0..500_u128).rev() {
            // Scattered, as random ids are.
            let message = id(nth.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
            assert!(rows.insert_new(message, || nth));
            assert!(!rows.insert_new(message, || 0));
            plain.insert(message, nth);
        }
        let bytes = encode_state(&rows).unwrap();
        assert_eq!(bytes, encode_state(&plain).unwrap());
        assert_eq!(decode_state::<ByMessage<u128>>(&bytes).unwrap(), rows);
        assert!(rows.sorted().map(|(id, _)| id).eq(plain.keys().copied()));
    }
}
