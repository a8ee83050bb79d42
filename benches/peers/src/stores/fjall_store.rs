//! fjall with `SyncAll` after every commit: a keyspace by position and one by stream and version.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Outcome, Producer, Store};
use crate::events::Event;

#[derive(Clone)]
pub struct Fjall {
    db: Database,
    events: Keyspace,
    index: Keyspace,
    next: Arc<AtomicU64>,
}

impl Fjall {
    pub fn open(folder: &Path) -> Outcome<Self> {
        let db = Database::builder(folder.join("fjall")).open()?;
        let events = db.keyspace("events", KeyspaceCreateOptions::default)?;
        let index = db.keyspace("index", KeyspaceCreateOptions::default)?;
        let last = match events.last_key_value() {
            Some(entry) => u64::from_be_bytes(entry.key()?[..8].try_into()?),
            None => 0,
        };
        Ok(Self { db, events, index, next: Arc::new(AtomicU64::new(last + 1)) })
    }
}

impl Store for Fjall {
    fn producer(&self) -> Outcome<Box<dyn Producer>> {
        Ok(Box::new(self.clone()))
    }

    fn scan(&self) -> Outcome<(u64, u64)> {
        let (mut count, mut sum) = (0, 0);
        for entry in self.events.iter() {
            count += 1;
            sum += entry.value()?.len() as u64;
        }
        Ok((count, sum))
    }

    fn point(&self, position: u64) -> Outcome<usize> {
        Ok(self.events.get(position.to_be_bytes())?.ok_or("absent")?.len())
    }
}

impl Producer for Fjall {
    fn append(&mut self, batch: &[Event]) -> Outcome<()> {
        let first = self.next.fetch_add(batch.len() as u64, Ordering::SeqCst);
        let mut write = self.db.batch().durability(Some(PersistMode::SyncAll));
        for (position, event) in (first..).zip(batch) {
            write.insert(&self.events, position.to_be_bytes(), event.bytes());
            write.insert(&self.index, event.key(), position.to_be_bytes());
        }
        write.commit()?;
        Ok(())
    }
}
