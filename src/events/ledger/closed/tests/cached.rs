//! The cache keeps to its bounds.

use crate::events::ledger::closed::cache::Cache;
use crate::events::ledger::closed::reading::Closed;
use crate::events::ledger::closed::sealing::{Step, Target, seal};
use std::sync::Arc;

use super::kit::{events, frames, heading, target};

#[test]
fn the_cache_keeps_what_is_asked_for_again_and_stays_within_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let written = events(1, 2000, 3);
    let heading = heading(1);
    let (frames, _) = frames(&heading, &written, 12);
    let target: Target = target(folder.path(), 1);
    let mut pace = |_: Step| true;
    let sealed = seal(&target, heading, frames.iter().map(Ok), &mut pace).unwrap();
    let cache = Arc::new(Cache::new(400_000));
    let closed = Closed::of(sealed, &target.folder, Arc::clone(&cache));
    let kept = closed.page(1).unwrap().unwrap();
    for position in 1..=2000 {
        assert!(Arc::ptr_eq(&closed.page(1).unwrap().unwrap(), &kept));
        assert!(closed.page(position).unwrap().is_some());
        assert!(cache.statistics().bytes <= cache.statistics().limit);
    }
    let statistics = cache.statistics();
    // Sixteen pages, each read once.
    assert_eq!(statistics.misses, 16);
    assert_eq!(statistics.hits, 4001 - 16);
    assert!(statistics.bytes > 200_000);
}
