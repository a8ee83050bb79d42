//! What the fault campaigns share: how often they run, seeded dice, commits that can be told from
//! their number alone, a process to do harm to, and the judge who compares a store with what was
//! acknowledged.
//!
//! Every campaign has a small share in CI and a large one by `scripts/torture`, which sets
//! `SWITCHBOARD_TORTURE_<CAMPAIGN>` to a count and reads the lines that begin with `TORTURE`.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test, far from any limit"
)]

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use switchboard::events::envelope::Event;
use switchboard::events::ids::{CommandId, Position};
use switchboard::events::kind::Fact;
use switchboard::events::ledger::append::{Commit, Expected};
use switchboard::events::ledger::disk::{Disk, OsDisk};
use switchboard::events::ledger::handle::{Ledger, OpenError, Opening};
use switchboard::events::ledger::options::Options;
use tempfile::TempDir;
use uuid::Uuid;

use crate::ledger_kit::{commit, edge, note, noting};

/// How often a campaign repeats its fault: its share in CI, or what `scripts/torture` asks for.
pub(crate) fn times(campaign: &str, in_ci: usize) -> usize {
    std::env::var(format!("SWITCHBOARD_TORTURE_{campaign}")).map_or(in_ci, |count| {
        count.parse().expect("a campaign's count is a number")
    })
}

/// Where all dice of a run begin.
pub(crate) fn seed() -> u64 {
    u64::try_from(times("SEED", 1)).unwrap()
}

/// One figure of a campaign, for the table at the end of `scripts/torture`.
pub(crate) fn figure(campaign: &str, what: &str, value: impl Display) {
    println!("\nTORTURE\t{campaign}\t{what}\t{value}");
}

/// Says now and then how far a long campaign is.
pub(crate) fn progress(campaign: &str, done: usize, wanted: usize) {
    if wanted >= 100 && done.is_multiple_of(wanted / 10) {
        println!("\nPROGRESS\t{campaign}: {done} of {wanted}");
    }
}

/// Says that something could not be tried here.
pub(crate) fn skipped(campaign: &str, reason: &str) {
    println!("\nSKIPPED: {campaign}: {reason}");
    eprintln!("SKIPPED: {campaign}: {reason}");
}

/// Splitmix64: small, and the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// What commits look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// 20 bytes to 9 kB, so that some bodies are blobs and some frames have several parts.
    Mixed = 1,
    /// 300 bytes to 256 KiB, some commits several megabytes.
    Large = 2,
    /// About 300 bytes each.
    Small = 3,
}

impl Load {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "mixed" => Self::Mixed,
            "large" => Self::Large,
            _ => Self::Small,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Large => "large",
            Self::Small => "small",
        }
    }

    fn lengths(self, dice: &mut Dice) -> Vec<usize> {
        const KIB: usize = 1024;
        match self {
            Self::Small => vec![300],
            Self::Mixed => {
                let count = dice.pick(&[1, 1, 1, 2, 5]);
                (0..count)
                    .map(|_| dice.pick(&[20, 300, 50, 3000, 100, 9000]))
                    .collect()
            }
            // One commit in sixteen fills a whole batch of the writer's.
            Self::Large if dice.below(16) == 0 => vec![4 * KIB - 200; 1000],
            Self::Large if dice.below(8) == 0 => vec![256 * KIB - 100; 4],
            Self::Large => {
                vec![dice.pick(&[300, 300, 2 * KIB, 16 * KIB, 64 * KIB, 256 * KIB - 100])]
            }
        }
    }
}

const MARK: u64 = 0x7047_7047_7047_7047;

/// A commit that is known whole from its load and number, also by those who only find its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seeded {
    pub(crate) load: Load,
    pub(crate) number: u64,
}

impl Seeded {
    fn command(self) -> CommandId {
        let low = (self.load as u64) << 56 | self.number;
        CommandId(Uuid::from_u128(u128::from(MARK) << 64 | u128::from(low)))
    }

    fn of(command: CommandId) -> Option<Self> {
        let (mark, low) = command.0.as_u64_pair();
        let load = match low >> 56 {
            1 => Load::Mixed,
            2 => Load::Large,
            3 => Load::Small,
            _ => return None,
        };
        (mark == MARK).then_some(Self {
            load,
            number: low & ((1 << 56) - 1),
        })
    }

    fn stream(self) -> String {
        format!("note/{}", self.number % 7)
    }

    fn facts(self) -> Vec<Fact> {
        let mut dice = Dice::new(self.number ^ (self.load as u64) << 40);
        let lengths = self.load.lengths(&mut dice);
        (0..)
            .zip(lengths)
            .map(|(place, length): (u64, usize)| {
                let word = format!("{:x}.{place:x}.{:x} ", self.number, dice.next());
                let mut text = word.repeat(length / word.len() + 1);
                text.truncate(length);
                note(&text)
            })
            .collect()
    }

    pub(crate) fn commit(self) -> Commit {
        commit(self.command(), &self.stream(), Expected::Any, self.facts())
    }
}

/// A commit that the ledger said is durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ack {
    pub(crate) seeded: Seeded,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Ack {
    pub(crate) fn say(self) -> String {
        let (load, number) = (self.seeded.load.name(), self.seeded.number);
        format!("ACK {load} {number} {} {}", self.first, self.last)
    }

    pub(crate) fn heard(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("ACK ")?.split(' ');
        let load = Load::named(words.next()?);
        let mut number = || words.next()?.parse().ok();
        Some(Self {
            seeded: Seeded {
                load,
                number: number()?,
            },
            first: number()?,
            last: number()?,
        })
    }
}

/// Small epochs, so that every campaign also harms their beginning and closing.
fn measures() -> Options {
    let epoch_events = std::env::var("SWITCHBOARD_EPOCH").map_or(256, |n| n.parse().unwrap());
    Options {
        epoch_events,
        ..Options::default()
    }
}

/// Where campaigns open a store on a disk of their own.
pub(crate) fn open_on(disk: Arc<dyn Disk>, store: &Path) -> Result<(Ledger, Opening), OpenError> {
    Ledger::open_with(measures(), disk, store, edge())
}

/// Where campaigns make a store on a disk of their own.
pub(crate) fn create_on(disk: Arc<dyn Disk>, store: &Path) -> Result<Ledger, OpenError> {
    Ledger::create_with(measures(), disk, store, edge(), "torture")
}

/// Opens the store as a user would after the harm, and compares it with what was acknowledged.
/// The words of the error name the loss.
pub(crate) fn survives(store: &Path, acks: &[Ack]) -> Result<Opening, String> {
    guarded(|| {
        let (ledger, opening) = Ledger::open(store, edge()).map_err(|e| shown(&e))?;
        compare(&ledger, acks)?;
        // It goes on, and what it takes then is as good as the rest.
        let appended = ledger
            .append(noting("note/after", Expected::Any, "goes on"))
            .map_err(|e| format!("takes no more commits: {e}"))?;
        if ledger.head().position != appended.last {
            return Err("the head is not what was appended last".to_owned());
        }
        ledger.close().map_err(|e| format!("closing: {e}"))?;
        Ok(opening)
    })
}

/// A store whose making may have been cut off: whole, or made by the next try.
pub(crate) fn survives_or_is_made(store: &Path) -> Result<Opening, String> {
    guarded(|| match Ledger::open(store, edge()) {
        Err(OpenError::Absent { .. }) => Ledger::create(store, edge(), "test")
            .map_err(|e| format!("making it again: {}", shown(&e)))
            .map(|_| Opening::default()),
        Err(other) => Err(shown(&other)),
        Ok((ledger, opening)) => compare(&ledger, &[]).map(|()| opening),
    })
}

fn guarded<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("a panic".to_owned()))
}

/// An error with its causes.
pub(crate) fn shown(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Every event is whole, every acknowledged one is there, and `verify` finds nothing.
pub(crate) fn compare(ledger: &Ledger, acks: &[Ack]) -> Result<(), String> {
    let head = ledger.head().position.0;
    let mut commands: Vec<Option<Seeded>> = Vec::new();
    let mut expected: Option<(Seeded, Vec<Fact>)> = None;
    let mut place = 0;
    let mut next = Position(1);
    loop {
        let events = ledger.read(next, 256).map_err(|e| shown(&e))?;
        let Some(last) = events.last() else { break };
        for event in &events {
            if event.position != next {
                return Err(format!("position {next} is {}", event.position));
            }
            next = next.next();
            let seeded = Seeded::of(event.cause.command);
            commands.push(seeded);
            let Some(seeded) = seeded else { continue };
            place = match &expected {
                Some((same, _)) if *same == seeded => place + 1,
                _ => 0,
            };
            if place == 0 {
                expected = Some((seeded, seeded.facts()));
            }
            whole(
                event,
                seeded,
                expected.as_ref().and_then(|(_, facts)| facts.get(place)),
            )?;
        }
        if last.position.0 >= head {
            break;
        }
    }
    if commands.len() as u64 != head {
        return Err(format!("{} events under a head of {head}", commands.len()));
    }
    for ack in acks {
        for position in ack.first..=ack.last {
            let found = commands.get(position as usize - 1);
            if found != Some(&Some(ack.seeded)) {
                let number = ack.seeded.number;
                return Err(format!(
                    "LOST: position {position} (commit {number}) was acknowledged, and the ledger ends at {head}"
                ));
            }
        }
    }
    let verified = ledger.verify().map_err(|e| shown(&e))?;
    if verified.ok && verified.head.0 == head {
        Ok(())
    } else {
        Err(format!("verify: {:?}", verified.damage))
    }
}

fn whole(event: &Event, seeded: Seeded, expected: Option<&Fact>) -> Result<(), String> {
    if expected == Some(&event.fact) && event.stream.as_str() == seeded.stream() {
        Ok(())
    } else {
        Err(format!(
            "position {} (commit {}) is not what was appended",
            event.position, seeded.number
        ))
    }
}

/// A store with seeded commits in it, stopped cleanly. They count as acknowledged.
pub(crate) fn prepared(store: &Path, load: Load, count: u64) -> Vec<Ack> {
    let disk = Arc::new(OsDisk);
    let ledger = create_on(disk, store).expect("a new ledger");
    let acks = (0..count)
        .map(|number| {
            let seeded = Seeded { load, number };
            let appended = ledger.append(seeded.commit()).expect("an append");
            Ack {
                seeded,
                first: appended.first.0,
                last: appended.last.0,
            }
        })
        .collect();
    // sled gets its copy, and what is full is closed.
    ledger.settle();
    ledger.close().expect("a clean stop");
    acks
}

/// A frame that was being written when everything stopped.
pub(crate) fn tear(store: &Path) {
    let journal = newest(&store.join("journal"), ".journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes.truncate(used.next_multiple_of(8));
    bytes.extend_from_slice(b"SWfr torn in the middle of a word");
    bytes.resize(bytes.len() + 4096, 0);
    std::fs::write(journal, bytes).unwrap();
}

/// Removes sled's copy of the newest epoch that has one.
pub(crate) fn without_sled(store: &Path) {
    let sleds = std::fs::read_dir(store.join("ledger")).unwrap();
    let live = sleds
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && path.extension().is_none())
        .max();
    if let Some(live) = live {
        std::fs::remove_dir_all(live).unwrap();
    }
}

/// The newest thing in one of the store's folders.
pub(crate) fn newest(folder: &Path, suffix: &str) -> PathBuf {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(suffix))
        .max()
        .expect("something is there")
}

/// A folder where a sync costs nothing, where the machine has one: for harm that does not need a
/// real disk.
pub(crate) fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(dir) = tempfile::Builder::new()
            .prefix("switchboard-torture-")
            .tempdir_in(memory)
    {
        return dir;
    }
    tempfile::tempdir().unwrap()
}

/// Runs a command that must succeed, or says why not.
pub(crate) fn run(command: &str, arguments: &[&str]) -> Result<(), String> {
    let done = Command::new(command)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{command}: {e}"))?;
    if done.status.success() {
        Ok(())
    } else {
        let words = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        Err(format!("{command} {}: {words}", arguments.join(" ")))
    }
}

/// Whether a command can be run at all.
pub(crate) fn has(command: &str, argument: &str) -> bool {
    Command::new(command)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
