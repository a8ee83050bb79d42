//! Answers of the newest position, kept until there is a newer one: what depends on the events alone is
//! made once for each of them, however many ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::answer::Made;
use super::packing::Packing;
use crate::events::ids::Position;

/// Bytes of answers that are kept at most.
const WEIGHT_MAX: usize = 8 * 1024 * 1024;

/// What an answer is found by: path with query, and how it is packed.
pub type Key = (String, Packing);

/// The kept answers.
#[derive(Debug, Default)]
pub struct Shelf {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    position: Position,
    weight: usize,
    answers: HashMap<Key, Arc<Made>>,
}

impl Shelf {
    /// The answer as of a position, if it was made.
    pub fn find(&self, key: &Key, position: Position) -> Option<Arc<Made>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.position != position {
            return None;
        }
        kept.answers.get(key).cloned()
    }

    /// Keeps an answer, unless it is of the past or there are enough.
    pub fn keep(&self, key: Key, made: &Arc<Made>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if made.position < kept.position {
            return;
        }
        if made.position > kept.position {
            *kept = Kept {
                position: made.position,
                ..Kept::default()
            };
        }
        let weight = kept
            .weight
            .saturating_add(made.weight())
            .saturating_add(key.0.len());
        if weight <= WEIGHT_MAX {
            kept.weight = weight;
            kept.answers.insert(key, Arc::clone(made));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::answer::Answer;
    use serde_json::json;

    fn made(position: u64) -> Arc<Made> {
        let answer = Answer::item(Position(position), &json!({}));
        Arc::new(Made::of(answer, Packing::Plain).unwrap())
    }

    #[test]
    fn an_answer_is_found_only_at_the_position_it_was_made_of() {
        let shelf = Shelf::default();
        let key = || ("/a".to_owned(), Packing::Plain);
        shelf.keep(key(), &made(5));
        assert!(shelf.find(&key(), Position(5)).is_some());
        assert!(shelf.find(&key(), Position(6)).is_none());
        shelf.keep(key(), &made(4));
        assert!(shelf.find(&key(), Position(5)).is_some());
        shelf.keep(("/b".to_owned(), Packing::Plain), &made(6));
        assert!(shelf.find(&key(), Position(6)).is_none());
    }
}
