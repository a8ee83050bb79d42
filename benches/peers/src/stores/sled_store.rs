//! sled 0.34 by itself, made durable by an fdatasync of its file after `flush` (which does not sync).
//! Several producers share one barrier thread, as anybody would build it.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use super::{Outcome, Producer, Store};
use crate::events::Event;

/// One barrier for all who wait.
struct Barrier {
    db: sled::Db,
    data: File,
    /// Asked for, done, running.
    state: Mutex<(u64, u64, bool)>,
    done: Condvar,
}

impl Barrier {
    fn wait(&self) -> Outcome<()> {
        let mut state = self.state.lock().map_err(|_| "poisoned")?;
        state.0 += 1;
        let mine = state.0;
        while state.1 < mine {
            if state.2 {
                state = self.done.wait(state).map_err(|_| "poisoned")?;
                continue;
            }
            state.2 = true;
            let covers = state.0;
            drop(state);
            self.db.flush()?;
            self.data.sync_data()?;
            state = self.state.lock().map_err(|_| "poisoned")?;
            state.1 = covers;
            state.2 = false;
            self.done.notify_all();
        }
        Ok(())
    }
}

fn db(folder: &Path) -> Outcome<(sled::Db, Arc<Barrier>)> {
    let db = sled::Config::new().path(folder.join("sled")).flush_every_ms(None).open()?;
    let data = File::open(folder.join("sled/db"))?;
    let barrier = Barrier { db: db.clone(), data, state: Mutex::default(), done: Condvar::new() };
    Ok((db, Arc::new(barrier)))
}

fn next(tree: &sled::Tree) -> Outcome<u64> {
    match tree.last()? {
        Some((key, _)) => Ok(u64::from_be_bytes(key[..8].try_into()?) + 1),
        None => Ok(1),
    }
}

/// A key per event, and an index tree by stream and version.
pub struct PerKey {
    events: sled::Tree,
    index: sled::Tree,
    next: Arc<AtomicU64>,
    barrier: Arc<Barrier>,
}

impl PerKey {
    pub fn open(folder: &Path) -> Outcome<Self> {
        let (db, barrier) = db(folder)?;
        let (events, index) = (db.open_tree("events")?, db.open_tree("index")?);
        let next = Arc::new(AtomicU64::new(next(&events)?));
        Ok(Self { events, index, next, barrier })
    }
}

impl Store for PerKey {
    fn producer(&self) -> Outcome<Box<dyn Producer>> {
        Ok(Box::new(PerKeyLane {
            events: self.events.clone(),
            index: self.index.clone(),
            next: Arc::clone(&self.next),
            barrier: Arc::clone(&self.barrier),
        }))
    }

    fn scan(&self) -> Outcome<(u64, u64)> {
        let (mut count, mut sum) = (0, 0);
        for entry in self.events.iter() {
            count += 1;
            sum += entry?.1.len() as u64;
        }
        Ok((count, sum))
    }

    fn point(&self, position: u64) -> Outcome<usize> {
        Ok(self.events.get(position.to_be_bytes())?.ok_or("absent")?.len())
    }
}

struct PerKeyLane {
    events: sled::Tree,
    index: sled::Tree,
    next: Arc<AtomicU64>,
    barrier: Arc<Barrier>,
}

impl Producer for PerKeyLane {
    fn append(&mut self, batch: &[Event]) -> Outcome<()> {
        let first = self.next.fetch_add(batch.len() as u64, Ordering::SeqCst);
        let (mut events, mut index) = (sled::Batch::default(), sled::Batch::default());
        for (position, event) in (first..).zip(batch) {
            events.insert(&position.to_be_bytes(), event.bytes());
            index.insert(&event.key(), &position.to_be_bytes());
        }
        self.events.apply_batch(events)?;
        self.index.apply_batch(index)?;
        self.barrier.wait()
    }
}

/// One value per commit, no index.
pub struct PerCommit {
    events: sled::Tree,
    next: Arc<AtomicU64>,
    barrier: Arc<Barrier>,
}

impl PerCommit {
    pub fn open(folder: &Path) -> Outcome<Self> {
        let (db, barrier) = db(folder)?;
        let events = db.open_tree("frames")?;
        let next = Arc::new(AtomicU64::new(next(&events)?));
        Ok(Self { events, next, barrier })
    }
}

impl Store for PerCommit {
    fn producer(&self) -> Outcome<Box<dyn Producer>> {
        Ok(Box::new(PerCommitLane {
            events: self.events.clone(),
            next: Arc::clone(&self.next),
            barrier: Arc::clone(&self.barrier),
        }))
    }

    fn scan(&self) -> Outcome<(u64, u64)> {
        let (mut count, mut sum) = (0, 0);
        for entry in self.events.iter() {
            let (_, frame) = entry?;
            let mut rest = &frame[..];
            while let Some((length, after)) = rest.split_first_chunk::<4>() {
                let (event, more) = after.split_at(u32::from_le_bytes(*length) as usize);
                count += 1;
                sum += event.len() as u64;
                rest = more;
            }
        }
        Ok((count, sum))
    }

    fn point(&self, _position: u64) -> Outcome<usize> {
        Err("frames have no look-up".into())
    }
}

struct PerCommitLane {
    events: sled::Tree,
    next: Arc<AtomicU64>,
    barrier: Arc<Barrier>,
}

impl Producer for PerCommitLane {
    fn append(&mut self, batch: &[Event]) -> Outcome<()> {
        let mut frame = Vec::with_capacity(batch.len() * 360);
        for event in batch {
            let event = event.bytes();
            frame.extend_from_slice(&u32::try_from(event.len())?.to_le_bytes());
            frame.extend_from_slice(&event);
        }
        let first = self.next.fetch_add(batch.len() as u64, Ordering::SeqCst);
        self.events.insert(first.to_be_bytes(), frame)?;
        self.barrier.wait()
    }
}
