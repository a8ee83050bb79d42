//! What was asked over HTTP, and how long the answers took.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::projections::histogram::Histogram;

/// Requests by route and status.
#[derive(Debug, Default)]
pub struct Meter {
    answered: Mutex<BTreeMap<(&'static str, u16), Histogram>>,
    under_way: AtomicU64,
    panics: AtomicU64,
}

impl Meter {
    /// Counts an answer.
    pub fn answered(&self, route: &'static str, status: u16, took: Duration) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.entry((route, status)).or_default().record(took);
    }

    /// Counts a request that begins.
    pub fn begins(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that ends.
    pub fn ends(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a handler that broke.
    pub fn broke(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests that wait for their answer.
    pub fn under_way(&self) -> u64 {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Handlers that broke.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// How long answers took, by route and status.
    pub fn latencies(&self) -> BTreeMap<(&'static str, u16), Histogram> {
        self.answered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
