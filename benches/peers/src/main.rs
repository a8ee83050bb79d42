//! Measures one cell: one store, one way of using it. `scripts/bench` runs the cells interleaved,
//! starts the servers, and makes the tables. Prints one JSON object.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use serde_json::json;

mod beside;
mod events;
mod stores;

use events::Source;
use stores::Outcome;

/// One cell of the comparison.
#[derive(Debug, Parser)]
struct Args {
    /// limit, sled-key, sled-frame, sqlite, fjall, redb, postgres, redis, nats or switchboard
    store: String,
    /// Where its files are; made when absent.
    folder: PathBuf,
    #[command(subcommand)]
    cell: Cell,
}

#[derive(Debug, Subcommand)]
enum Cell {
    /// Durable appends for so long.
    Append {
        /// Events in one append.
        #[arg(long, default_value_t = 1)]
        batch: usize,
        /// Threads that append.
        #[arg(long, default_value_t = 1)]
        producers: u64,
        #[arg(long, default_value_t = 10.0)]
        seconds: f64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Appends so many events, 256 at a time, and stops.
    Fill {
        #[arg(long)]
        events: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Die without closing.
        #[arg(long)]
        kill: bool,
    },
    /// Opens: how long, and how much memory then.
    Open {
        /// Die without closing.
        #[arg(long)]
        kill: bool,
    },
    /// Reads everything in order.
    Scan {
        /// Once more for the size of the encoded events.
        #[arg(long)]
        encoded: bool,
    },
    /// Appends beside full backups and without them, in pairs. Switchboard only.
    Beside {
        #[arg(long, default_value_t = 8)]
        producers: u64,
        #[arg(long, default_value_t = 5)]
        rounds: u64,
        #[arg(long, default_value_t = 4.0)]
        seconds: f64,
    },
    /// Reads events at random positions.
    Point {
        #[arg(long)]
        events: u64,
        #[arg(long, default_value_t = 20_000)]
        reads: u64,
    },
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.folder)?;
    if let Cell::Beside { producers, rounds, seconds } = args.cell {
        println!("{}", beside::run(&args.folder, producers, rounds, seconds)?);
        return Ok(());
    }
    let start = Instant::now();
    let store = stores::open(&args.store, &args.folder)?;
    let opened = start.elapsed();
    let answer = match args.cell {
        Cell::Append { batch, producers, seconds, seed } => append(&*store, batch, producers, seconds, seed)?,
        Cell::Fill { events, seed, kill } => {
            let start = Instant::now();
            fill(&*store, events, seed)?;
            let seconds = start.elapsed().as_secs_f64();
            store.settle();
            let settled = start.elapsed().as_secs_f64();
            let at_once = resident()?;
            std::thread::sleep(Duration::from_secs(2));
            println!("{}", json!({"events": events, "seconds": seconds, "settled": settled, "disk": store.disk()?,
                "resident": resident()?, "resident_at_once": at_once}));
            die_if(kill)?;
            return Ok(());
        }
        Cell::Open { kill } => {
            // A moment, so that what opening put off shows.
            let at_once = resident()?;
            std::thread::sleep(Duration::from_secs(2));
            println!("{}", json!({"open_ms": millis(opened), "resident": resident()?, "resident_at_once": at_once,
                "disk": store.disk()?}));
            die_if(kill)?;
            return Ok(());
        }
        Cell::Scan { encoded } => {
            let start = Instant::now();
            let (count, bytes) = store.scan()?;
            let seconds = start.elapsed().as_secs_f64();
            let resident = resident()?;
            let encoded = if encoded { store.encoded()? } else { None };
            json!({"events": count, "bytes": bytes, "encoded": encoded, "seconds": seconds, "resident": resident})
        }
        Cell::Beside { .. } => return Err("it is measured before anything is opened".into()),
        Cell::Point { events, reads } => point(&*store, events, reads)?,
    };
    println!("{answer}");
    Ok(())
}

fn die_if(kill: bool) -> Outcome<()> {
    if kill {
        std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status()?;
    }
    Ok(())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// This process's memory in bytes. Servers are measured by the script.
fn resident() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? * 1024)
}

fn append(store: &dyn stores::Store, batch: usize, producers: u64, seconds: f64, seed: u64) -> Outcome<serde_json::Value> {
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let mut times = Vec::new();
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..producers)
            .map(|number| {
                let stop = &stop;
                scope.spawn(move || -> Outcome<Vec<u32>> {
                    let mut producer = store.producer()?;
                    let mut source = Source::new(seed, number);
                    let mut times = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let events = source.batch(batch);
                        let begun = Instant::now();
                        producer.append(&events)?;
                        times.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
                    }
                    Ok(times)
                })
            })
            .collect();
        std::thread::sleep(Duration::from_secs_f64(seconds));
        stop.store(true, Ordering::Relaxed);
        for lane in lanes {
            times.extend(lane.join().map_err(|_| "a producer panicked")??);
        }
        Outcome::Ok(())
    })?;
    let took = start.elapsed().as_secs_f64();
    let events = times.len() * batch;
    times.sort_unstable();
    let quantile = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
    Ok(json!({"events": events, "seconds": took, "per_second": events as f64 / took,
        "p50_us": quantile(0.5), "p99_us": quantile(0.99)}))
}

fn fill(store: &dyn stores::Store, events: u64, seed: u64) -> Outcome<()> {
    let mut producer = store.producer()?;
    let mut source = Source::new(seed, 0);
    let mut left = events;
    while left > 0 {
        let batch = left.min(256);
        producer.append(&source.batch(usize::try_from(batch)?))?;
        left -= batch;
    }
    Ok(())
}

fn point(store: &dyn stores::Store, events: u64, reads: u64) -> Outcome<serde_json::Value> {
    let mut times = Vec::new();
    let mut dice: u64 = 1;
    for _ in 0..reads {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let begun = Instant::now();
        store.point((dice >> 33) % events + 1)?;
        times.push(begun.elapsed().as_nanos() as f64 / 1000.0);
    }
    times.sort_unstable_by(f64::total_cmp);
    let quantile = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
    Ok(json!({"reads": reads, "p50_us": quantile(0.5), "p99_us": quantile(0.99), "resident": resident()?}))
}
