//! `switchboard simulate`: deliveries on a simulated desktop, with everything going wrong.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clap::Args;
use serde_json::{Value, json};

use crate::adapters::desktop::simulated::judge::Tally;
use crate::adapters::desktop::simulated::run::{self, Line};
use crate::adapters::desktop::simulated::theatre::Honest;
use crate::cli::entry::Run;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::simulation;

/// Rehearse deliveries on a simulated desktop where everything goes wrong.
///
/// The real decisions, the real courier and the real events, but a desktop, a ledger and a clock in
/// memory: windows stall, lose the focus, swallow Enter; people type; processes die between two steps.
/// A seed gives the same run on every machine. One run is told as a story; of several only those are
/// named in which something was claimed that did not happen, was said twice without a word, or never
/// came to rest (exit 1). No store is needed, and nothing outside is touched.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Examples:
  switchboard simulate --seed 7
  switchboard simulate --seed 0 --runs 10000
  switchboard simulate --seed 7 --json")]
pub struct SimulateArgs {
    /// Which run; the first of several
    #[arg(long, value_name = "N")]
    pub seed: u64,
    /// How many, each with the next seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub runs: u64,
}

impl SimulateArgs {
    /// Plays one run and tells it, or many and counts them.
    pub fn run(self, run: &mut Run) -> Result<Exit, Failure> {
        if self.runs == 1 {
            self.one(run)
        } else {
            self.many(run)
        }
    }

    fn one(&self, run: &mut Run) -> Result<Exit, Failure> {
        let played = run::run(self.seed, &mut Honest, true);
        let mut items: Vec<Value> = played.story.iter().map(line).collect();
        let ok = played.verdict.is_ok();
        items.push(json!({
            "record": "run",
            "seed": played.seed,
            "ok": ok,
            "problem": played.verdict.as_ref().err(),
            "virtual_micros": micros(played.took),
            "tally": played.verdict.as_ref().ok().map(tally),
        }));
        run.printer.list(&items, simulation::story)?;
        Ok(exit(ok))
    }

    fn many(&self, run: &mut Run) -> Result<Exit, Failure> {
        let last = self.seed.saturating_add(self.runs);
        let next = AtomicU64::new(self.seed);
        let work = || {
            let mut sum = Tally::default();
            let mut failing = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= last {
                    return (sum, failing);
                }
                match run::run(seed, &mut Honest, false).verdict {
                    Ok(tally) => sum.add(&tally),
                    Err(problem) => failing.push((seed, problem)),
                }
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let (sum, mut failing) = thread::scope(|scope| {
            let hands: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let mut sum = Tally::default();
            let mut failing = Vec::new();
            for hand in hands {
                if let Ok((tally, bad)) = hand.join() {
                    sum.add(&tally);
                    failing.extend(bad);
                }
            }
            (sum, failing)
        });
        failing.sort();
        let missing = self
            .runs
            .saturating_sub(sum.runs)
            .saturating_sub(u64::try_from(failing.len()).unwrap_or(u64::MAX));
        let ok = failing.is_empty() && missing == 0;
        let mut items: Vec<Value> = failing
            .iter()
            .map(|(seed, problem)| {
                json!({"record": "run", "seed": seed, "ok": false, "problem": problem})
            })
            .collect();
        items.push(json!({
            "record": "summary",
            "first_seed": self.seed,
            "runs": self.runs,
            "failing": failing.len(),
            "broke_off": missing,
            "ok": ok,
            "tally": tally(&sum),
        }));
        run.printer.list(&items, simulation::summary)?;
        Ok(exit(ok))
    }
}

const fn exit(ok: bool) -> Exit {
    if ok { Exit::Done } else { Exit::Failed }
}

fn line(line: &Line) -> Value {
    json!({
        "record": "line",
        "at_micros": micros(line.at),
        "what": line.what,
        "words": line.words,
        "event": line.event,
    })
}

fn tally(tally: &Tally) -> Value {
    json!({
        "runs": tally.runs,
        "messages": tally.messages,
        "attempts": tally.attempts,
        "observed": tally.observed,
        "submitted": tally.submitted,
        "inboxed": tally.inboxed,
        "unknown": tally.unknown,
        "others": tally.others,
    })
}

fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
