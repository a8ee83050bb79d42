//! What backups and restores cost. `SWITCHBOARD_BACKUP_SPEED=1000000` with a release build gives figures;
//! without it a small ledger goes the same way.

use std::time::Instant;

use switchboard::backup::plan::Target;
use switchboard::backup::verify::{Depth, verify};
use switchboard::events::facts::backup::Kind;
use switchboard::events::ledger::append::Expected;
use switchboard::events::ledger::handle::Ledger;
use tempfile::TempDir;

use super::backup_kit::{catalog, restored, taken};
use super::ledger_kit::{command, commit, created, note};

const BATCH: u64 = 256;

/// Notes of about 300 bytes, six to a stream, with words and numbers as people write them.
fn fill(ledger: &Ledger, events: u64) {
    const WORDS: [&str; 8] = [
        "please", "run", "tests", "again", "before", "merging", "branch", "report",
    ];
    let mut dice = 1_u64;
    for batch in 0..events / BATCH {
        let text = |_| {
            let mut text = String::new();
            while text.len() < 280 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let word = usize::try_from(dice >> 61).unwrap();
                text.push_str(WORDS[word]);
                if (dice >> 40).is_multiple_of(4) {
                    text = format!("{text} {:x}", dice >> 32);
                }
                text.push(' ');
            }
            note(&text)
        };
        let facts = (0..BATCH).map(text).collect();
        let name = format!("note/{}", batch / 6);
        ledger
            .append(commit(command(), &name, Expected::Any, facts))
            .unwrap();
    }
}

#[test]
fn a_ledger_is_backed_up_verified_and_restored_in_measured_time() {
    let wanted = std::env::var("SWITCHBOARD_BACKUP_SPEED").ok();
    let events = wanted.map_or(20_000, |count| count.parse().unwrap());
    let folder = TempDir::new().unwrap();
    let source = created(&folder.path().join("store"));
    fill(&source, events);
    source.settle();
    let repo = folder.path().join("repo");
    let mut told = String::new();
    let mut tell = |what: &str, begun: Instant, bytes: u64| {
        let millis = begun.elapsed().as_millis();
        told = format!("{told}{what}: {millis} ms, {} KiB\n", bytes / 1024);
    };
    let begun = Instant::now();
    let full = taken(&source, &repo, Kind::Full).manifest;
    tell(
        "full, the state hash folded anew included",
        begun,
        full.bytes_stored,
    );
    fill(&source, 10_240);
    let increment = taken(&source, &repo, Kind::Incremental).manifest;
    let begun = Instant::now();
    let catalog = catalog(&repo);
    let go = &mut |_| std::ops::ControlFlow::Continue(());
    let found = verify(&catalog, Depth::Full, go).unwrap();
    assert_eq!(found.damage, []);
    tell("verify", begun, found.bytes);
    let begun = Instant::now();
    let target = folder.path().join("again");
    let done = restored(&repo, &Target::Latest, &target).unwrap();
    assert_eq!(done.stopped_at.position, increment.last_position);
    assert_eq!(done.state, increment.state);
    tell("restore", begun, full.bytes_raw);
    println!(
        "{events} events, {} KiB raw; the increment of 10,240: {} KiB\n{told}",
        full.bytes_raw / 1024,
        increment.bytes_stored / 1024,
    );
}
