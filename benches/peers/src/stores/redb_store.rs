//! redb with immediate durability: a table by position and one by stream and version.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::{Outcome, Producer, Store};
use crate::events::Event;

const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
const INDEX: TableDefinition<'_, &[u8], u64> = TableDefinition::new("index");

pub struct Redb {
    db: Arc<Database>,
    next: Arc<AtomicU64>,
}

impl Redb {
    pub fn open(folder: &Path) -> Outcome<Self> {
        let db = Database::create(folder.join("events.redb"))?;
        let transaction = db.begin_write()?;
        let last = {
            let events = transaction.open_table(EVENTS)?;
            transaction.open_table(INDEX)?;
            events.last()?.map_or(0, |(position, _)| position.value())
        };
        transaction.commit()?;
        Ok(Self { db: Arc::new(db), next: Arc::new(AtomicU64::new(last + 1)) })
    }
}

impl Store for Redb {
    fn producer(&self) -> Outcome<Box<dyn Producer>> {
        Ok(Box::new(Lane { db: Arc::clone(&self.db), next: Arc::clone(&self.next) }))
    }

    fn scan(&self) -> Outcome<(u64, u64)> {
        let events = self.db.begin_read()?.open_table(EVENTS)?;
        let (mut count, mut sum) = (0, 0);
        for entry in events.iter()? {
            count += 1;
            sum += entry?.1.value().len() as u64;
        }
        Ok((count, sum))
    }

    fn point(&self, position: u64) -> Outcome<usize> {
        let events = self.db.begin_read()?.open_table(EVENTS)?;
        Ok(events.get(position)?.ok_or("absent")?.value().len())
    }
}

struct Lane {
    db: Arc<Database>,
    next: Arc<AtomicU64>,
}

impl Producer for Lane {
    fn append(&mut self, batch: &[Event]) -> Outcome<()> {
        let transaction = self.db.begin_write()?;
        {
            let (mut events, mut index) = (transaction.open_table(EVENTS)?, transaction.open_table(INDEX)?);
            // Inside the one write transaction there is: in order.
            let first = self.next.fetch_add(batch.len() as u64, Ordering::SeqCst);
            for (position, event) in (first..).zip(batch) {
                events.insert(position, event.bytes().as_slice())?;
                index.insert(event.key().as_slice(), position)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
