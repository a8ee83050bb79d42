//! The stores that are compared. Each answers an append only when it is as durable as it can be made.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use crate::events::Event;

mod file;
mod fjall_store;
mod nats;
mod postgres_store;
mod redb_store;
mod redis_store;
mod sled_store;
mod sqlite;
pub mod switchboard_store;

/// Anything that went wrong; a bench has no use for more.
pub type Fault = Box<dyn Error + Send + Sync>;
/// Or a fault.
pub type Outcome<T> = Result<T, Fault>;

/// A store under measurement. Shared by all producers.
pub trait Store: Send + Sync {
    /// One producer's way in: a connection, or the store itself.
    fn producer(&self) -> Outcome<Box<dyn Producer>>;
    /// Reads every event in order; returns how many there were and the sum of their bytes.
    fn scan(&self) -> Outcome<(u64, u64)>;
    /// The sum of its encoded events, ids and times and all, when it encodes more than `Event::bytes`.
    fn encoded(&self) -> Outcome<Option<u64>> {
        Ok(None)
    }
    /// Reads one event by its position, from 1; returns the length of what it found.
    fn point(&self, position: u64) -> Outcome<usize>;
    /// Waits until what the store does later by itself is done.
    fn settle(&self) {}
    /// Bytes that the store takes on the disk, when it is not simply its folder's size.
    fn disk(&self) -> Outcome<Option<u64>> {
        Ok(None)
    }
}

/// Appends.
pub trait Producer: Send {
    /// Returns once all of the batch is durable (or the store says so).
    fn append(&mut self, batch: &[Event]) -> Outcome<()>;
}

/// Opens or makes the store of that name in the folder. Servers are running already (`scripts/bench`).
pub fn open(name: &str, folder: &Path) -> Outcome<Arc<dyn Store>> {
    Ok(match name {
        "limit" => Arc::new(file::File::open(folder)?),
        "sled-key" => Arc::new(sled_store::PerKey::open(folder)?),
        "sled-frame" => Arc::new(sled_store::PerCommit::open(folder)?),
        "sqlite" => Arc::new(sqlite::Sqlite::open(folder)?),
        "fjall" => Arc::new(fjall_store::Fjall::open(folder)?),
        "redb" => Arc::new(redb_store::Redb::open(folder)?),
        "postgres" => Arc::new(postgres_store::Postgres::open(folder)?),
        "redis" => Arc::new(redis_store::Redis::open(folder)?),
        "nats" => Arc::new(nats::Nats::open(folder)?),
        "switchboard" => Arc::new(switchboard_store::Switchboard::open(folder)?),
        other => return Err(format!("no store is called {other}").into()),
    })
}
