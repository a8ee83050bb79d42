//! Appends to Switchboard's ledger beside full backups of it, and without them, in pairs.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use switchboard::adapters::clock::SystemClock;
use switchboard::adapters::entropy::RandomIds;
use switchboard::adapters::vault::FolderVault;
use switchboard::backup::ports::Vault;
use switchboard::backup::take::{Edge, Wish, take};
use switchboard::events::facts::backup::Kind;
use switchboard::events::ledger::handle::Ledger;

use crate::append;
use crate::stores::Outcome;
use crate::stores::switchboard_store::Switchboard;

/// Streams of its own: what the ledger was filled with has small seeds.
const SEED: u64 = 1 << 32;

/// As the program does it: two threads pack.
fn back_up(ledger: &Ledger, repo: &Path) -> Outcome<()> {
    let vault: Arc<dyn Vault> = Arc::new(FolderVault::at(repo));
    let wish = Wish {
        kind: Kind::Full,
        label: None,
        tags: Vec::new(),
        at: ledger.head().position,
        state: None,
        despite_fork: false,
        threads: 2,
        made_by: "scripts/bench".to_owned(),
        encryption: None,
    };
    let edge = Edge { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds) };
    take(ledger, &vault, &wish, &edge, &mut |_| ControlFlow::Continue(()))?;
    Ok(())
}

/// Each round appends for so long without a backup and beside backups one after the other, in turns.
pub fn run(folder: &Path, producers: u64, rounds: u64, seconds: f64) -> Outcome<Value> {
    let store = Switchboard::open(folder)?;
    let (mut pairs, mut backups) = (Vec::new(), 0_u64);
    for round in 0..rounds {
        let alone = || append(&store, 1, producers, seconds, SEED + round * 2);
        let mut beside = || -> Outcome<Value> {
            let over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let backing_up = scope.spawn(|| -> Outcome<u64> {
                    let mut taken = 0;
                    while !over.load(Ordering::Relaxed) {
                        let repo = folder.join(format!("beside-{round}-{taken}"));
                        back_up(store.ledger(), &repo)?;
                        std::fs::remove_dir_all(&repo)?;
                        taken += 1;
                    }
                    Ok(taken)
                });
                std::thread::sleep(Duration::from_millis(20));
                let appended = append(&store, 1, producers, seconds, SEED + round * 2 + 1);
                over.store(true, Ordering::Relaxed);
                backups += backing_up.join().map_err(|_| "the backup panicked")??;
                appended
            })
        };
        let (alone, beside) = if round % 2 == 0 {
            let first = alone()?;
            (first, beside()?)
        } else {
            let first = beside()?;
            (alone()?, first)
        };
        pairs.push(json!({"alone": alone["per_second"], "beside": beside["per_second"]}));
    }
    Ok(json!({"producers": producers, "backups": backups, "pairs": pairs}))
}
