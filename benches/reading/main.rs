//! What reading costs at ten million events, each figure with what it has to be:
//! replay against the same fold from memory, a rebuild beside live writes, memory, cold reads of one
//! message, opening after a kill. `cargo bench --bench reading`.
//!
//! - `READING_EVENTS`: how many (10,000,000; a tenth of it is the small store);
//! - `READING_STORES`: a folder where the stores are kept for the next time (else a scratch one; 3 GB);
//! - `READING_ONLY`: some of `replay,rebuild,memory,timeline,open`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::format_push_string,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first thing that is wrong, prints, and measures real time"
)]

use std::path::{Path, PathBuf};

mod child;
mod figures;
mod made;
mod system;

fn main() {
    if child::is_asked() {
        return child::run();
    }
    let events = std::env::var("READING_EVENTS").map_or(10_000_000, |it| it.parse().unwrap());
    let only = std::env::var("READING_ONLY").unwrap_or_default();
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder =
        std::env::var("READING_STORES").map_or_else(|_| scratch.path().to_owned(), PathBuf::from);
    let (small, large) = (folder.join("small"), folder.join("large"));
    for (store, events) in [(&small, events / 10), (&large, events)] {
        made_once(store, events);
    }
    let wanted = |name: &str| only.is_empty() || only.split(',').any(|it| it == name);
    println!("{events} events\n");
    if wanted("replay") {
        figures::replay(&large);
    }
    if wanted("timeline") {
        figures::timeline(&large);
    }
    if wanted("memory") {
        figures::memory(&large);
    }
    if wanted("open") {
        figures::open(&small, &large);
    }
    if wanted("rebuild") {
        figures::rebuild(&large);
    }
}

fn made_once(store: &Path, events: u64) {
    if store.join("format").exists() {
        return;
    }
    std::fs::create_dir_all(store.parent().unwrap()).unwrap();
    eprintln!("filling {} with {events} events", store.display());
    made::fill(store, events);
}
