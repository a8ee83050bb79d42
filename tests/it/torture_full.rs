//! Campaign: disks of 8 to 64 MiB that fill up, ext4 and tmpfs. Refusals are typed, reading goes on,
//! and with room again the ledger goes on by itself; so does the program.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test, far from any limit"
)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use switchboard::events::ledger::append::AppendError;
use switchboard::events::ledger::handle::{Ledger, OpenError};
use tempfile::TempDir;

use crate::ledger_kit::edge;
use crate::torture_kit::{
    Ack, Dice, Load, Seeded, compare, figure, quick_folder, run, seed, shown, skipped, survives,
    times,
};

const MIB: u64 = 1024 * 1024;
/// What the ledger keeps free for others; it never writes on a smaller disk.
const RESERVE: u64 = 16 * MIB;
/// The size that a disk grows to when there is nothing to remove from it.
const GROWN: u64 = 96 * MIB;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ext4,
    Tmpfs,
}

/// A small disk; unmounted at the end, also after a panic.
struct SmallDisk {
    kind: Kind,
    at: PathBuf,
    image: PathBuf,
    _folder: TempDir,
}

impl SmallDisk {
    fn new(kind: Kind, size: u64) -> Result<Self, String> {
        let folder = quick_folder();
        let disk = Self {
            kind,
            at: folder.path().join("disk"),
            image: folder.path().join("image"),
            _folder: folder,
        };
        fs::create_dir(&disk.at).unwrap();
        let (at, image) = (disk.at.to_str().unwrap(), disk.image.to_str().unwrap());
        match kind {
            Kind::Ext4 => {
                File::create(image).unwrap().set_len(size).unwrap();
                run("mkfs.ext4", &["-q", "-F", "-m", "0", image])?;
                run("mount", &["-t", "ext4", "-o", "loop", image, at])?;
            }
            Kind::Tmpfs => {
                let size = format!("size={size}");
                run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", at])?;
            }
        }
        Ok(disk)
    }

    fn store(&self) -> PathBuf {
        self.at.join("store")
    }

    fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.at).unwrap();
        stat.f_bavail * stat.f_frsize
    }

    /// Somebody else takes so many bytes.
    fn take(&self, name: &str, bytes: u64) {
        let mut file = File::create(self.at.join(name)).unwrap();
        let junk = vec![1; 64 * 1024];
        let mut left = bytes;
        while left > 0 {
            let piece = left.min(junk.len() as u64);
            if file.write_all(&junk[..piece as usize]).is_err() {
                break;
            }
            left -= piece;
        }
    }

    /// Not a byte is left.
    fn take_all(&self) {
        self.take("filler", u64::MAX);
        self.take("rest", u64::MAX);
    }

    fn give_back(&self) {
        for name in ["ballast", "filler", "rest"] {
            drop(fs::remove_file(self.at.join(name)));
        }
    }

    /// Makes a disk larger that has nothing to give back; false where that cannot be done (ext4
    /// grows only by a right that root does not have everywhere).
    fn grow(&self) -> bool {
        let at = self.at.to_str().unwrap();
        self.kind == Kind::Tmpfs
            && run("mount", &["-o", &format!("remount,size={GROWN}"), at]).is_ok()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let at = self.at.to_str().unwrap();
        if run("umount", &[at]).is_err() {
            drop(run("umount", &["-l", at]));
        }
    }
}

/// Says what is missing here, if something is.
fn missing() -> Option<String> {
    SmallDisk::new(Kind::Ext4, 8 * MIB)
        .and_then(|_| SmallDisk::new(Kind::Tmpfs, 8 * MIB))
        .err()
}

#[derive(Default)]
struct Tally {
    commits: usize,
    refusals: usize,
    went_on: usize,
    reopened: usize,
    reasons: BTreeSet<String>,
}

/// A ledger on a small disk, and what it acknowledged.
struct Filling {
    ledger: Ledger,
    acks: Vec<Ack>,
    next: u64,
    load: Load,
}

impl Filling {
    fn append(&mut self) -> Result<(), AppendError> {
        let seeded = Seeded {
            load: self.load,
            number: self.next,
        };
        self.next += 1;
        let appended = self.ledger.append(seeded.commit())?;
        self.acks.push(Ack {
            seeded,
            first: appended.first.0,
            last: appended.last.0,
        });
        Ok(())
    }

    /// Until there is no room, three times in a row (a smaller commit may still fit).
    fn fill(&mut self, tally: &mut Tally) -> Result<(), String> {
        let mut refused = 0;
        while refused < 3 {
            match self.append() {
                Ok(()) => refused = 0,
                Err(AppendError::NoSpace { .. }) => refused += 1,
                Err(other) => return Err(shown(&other)),
            }
        }
        tally.refusals += refused;
        Ok(())
    }
}

fn round(kind: Kind, size: u64, load: Load, tally: &mut Tally) -> Result<(), String> {
    let disk = SmallDisk::new(kind, size)?;
    let room = disk.free().saturating_sub(RESERVE + 8 * MIB);
    disk.take("ballast", room / 2);
    let ledger = match Ledger::create(&disk.store(), edge(), "test") {
        Ok(ledger) => ledger,
        Err(OpenError::Io { .. }) if size <= 8 * MIB => return Ok(()),
        Err(other) => return Err(shown(&other)),
    };
    let mut filling = Filling {
        ledger,
        acks: Vec::new(),
        next: 0,
        load,
    };
    filling.fill(tally)?;
    // Waits until sled holds all of it, then the rest of the disk is gone too.
    compare(&filling.ledger, &filling.acks)?;
    disk.take_all();
    filling.fill(tally)?;
    compare(&filling.ledger, &filling.acks)?;
    // Room again: it goes on by itself, without being opened again.
    disk.give_back();
    // Sled's copy may have taken of the reserve meanwhile, which is what it is for.
    let roomy = || disk.free() > RESERVE + MIB;
    if roomy() || (disk.grow() && roomy()) {
        tally.went_on += 1;
        // What was given back may be less than a large commit takes.
        filling.load = Load::Small;
        for _ in 0..5 {
            let appended = filling.append();
            appended.map_err(|e| format!("with room: {}", shown(&e)))?;
        }
        compare(&filling.ledger, &filling.acks)?;
    }
    // Opened on a disk without a byte left it reads; with room it is whole again.
    let Filling { ledger, acks, .. } = filling;
    drop(ledger);
    disk.take_all();
    let (ledger, _) = Ledger::open(&disk.store(), edge())
        .map_err(|e| format!("on a full disk: {}", shown(&e)))?;
    compare(&ledger, &acks)?;
    drop(ledger);
    disk.give_back();
    if disk.free() > RESERVE + 8 * MIB {
        survives(&disk.store(), &acks)?;
    }
    tally.commits += acks.len();
    Ok(())
}

#[test]
fn a_disk_that_fills_up_is_refused_by_type_and_goes_on_with_room() {
    if let Some(missing) = missing() {
        return skipped("full", &missing);
    }
    let rounds = times("FULL", 5);
    let mut dice = Dice::new(seed());
    let mut tally = Tally::default();
    for number in 0..rounds {
        let kind = [Kind::Ext4, Kind::Tmpfs][number % 2];
        let size = [8, 64, 24, 48, 16, 32, 40][number % 7] * MIB;
        let load = dice.pick(&[Load::Mixed, Load::Large, Load::Small]);
        if let Err(loss) = round(kind, size, load, &mut tally) {
            panic!(
                "round {number}, {kind:?} {} MiB, {load:?}: {loss}",
                size / MIB
            );
        }
    }
    assert!(
        tally.went_on * 3 >= rounds,
        "only {} of {rounds} rounds had room again",
        tally.went_on
    );
    figure("full", "rounds", rounds);
    figure(
        "full",
        "rounds that went on without being opened again",
        tally.went_on,
    );
    figure("full", "commits acknowledged", tally.commits);
    figure("full", "refusals, all typed", tally.refusals);
    figure("full", "lost", 0);
}

/// Somebody else fills the disk at once, while commits are on their way to sled, which keeps its
/// copy behind the journal. What was acknowledged stays; at worst the ledger is to be opened again.
#[test]
fn a_disk_filled_by_somebody_else_meanwhile_loses_nothing() {
    if let Some(missing) = missing() {
        return skipped("full", &missing);
    }
    let rounds = times("FULL", 5).div_ceil(3);
    let mut tally = Tally::default();
    for number in 0..rounds {
        let kind = [Kind::Ext4, Kind::Tmpfs][number % 2];
        let disk = SmallDisk::new(kind, 64 * MIB).unwrap();
        let mut filling = Filling {
            ledger: Ledger::create(&disk.store(), edge(), "test").unwrap(),
            acks: Vec::new(),
            next: 0,
            load: Load::Mixed,
        };
        std::thread::scope(|scope| {
            let filler = scope.spawn(|| disk.take_all());
            loop {
                match filling.append() {
                    Ok(()) => {}
                    Err(AppendError::NoSpace { .. } | AppendError::Poisoned { .. }) => {
                        tally.refusals += 1;
                        if filler.is_finished() {
                            break;
                        }
                    }
                    Err(other) => panic!("{kind:?}: {other:?}"),
                }
            }
        });
        let read = compare(&filling.ledger, &filling.acks);
        disk.give_back();
        match filling.append() {
            Ok(()) => read.unwrap_or_else(|loss| panic!("round {number}, {kind:?}: {loss}")),
            Err(AppendError::Poisoned { reason }) => {
                tally.reopened += 1;
                tally.reasons.insert(reason);
            }
            Err(other) => panic!("{kind:?}: {other:?}"),
        }
        let Filling { ledger, acks, .. } = filling;
        drop(ledger);
        survives(&disk.store(), &acks)
            .unwrap_or_else(|loss| panic!("round {number}, {kind:?}: {loss}"));
        tally.commits += acks.len();
    }
    let campaign = "full, by others";
    figure(campaign, "rounds", rounds);
    figure(campaign, "commits acknowledged", tally.commits);
    figure(
        campaign,
        "rounds that had to be opened again",
        tally.reopened,
    );
    for reason in &tally.reasons {
        println!("{campaign}: {reason}");
    }
    figure(campaign, "lost", 0);
}

fn switchboard(disk: &SmallDisk, line: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_switchboard"))
        .args(line)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("SWITCHBOARD_STORE", disk.store())
        .current_dir(Path::new("/"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn must(disk: &SmallDisk, code: i32, line: &[&str]) -> String {
    let ran = switchboard(disk, line);
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(
        ran.status.code(),
        Some(code),
        "{:?} {line:?}: {errors}",
        disk.kind
    );
    format!("{}{errors}", String::from_utf8_lossy(&ran.stdout))
}

/// The program on a full disk: it refuses by exit code 17 and says what to do, answers every
/// question, and goes on when there is room.
#[test]
fn the_program_on_a_full_disk_exits_17_and_still_answers() {
    if let Some(missing) = missing() {
        return skipped("full", &missing);
    }
    for kind in [Kind::Ext4, Kind::Tmpfs] {
        let disk = SmallDisk::new(kind, 64 * MIB).unwrap();
        must(&disk, 0, &["init"]);
        must(&disk, 0, &["agent", "add", "agent-1", "--channel", "inbox"]);
        let send = [
            "send", "--to", "agent-1", "--wait", "accepted", "--json", "hello",
        ];
        let answer = must(&disk, 0, &send);
        let answer: serde_json::Value =
            serde_json::from_str(answer.lines().next().unwrap()).unwrap();
        let message = answer["message"].as_str().unwrap();
        disk.take_all();
        let refused = must(&disk, 17, &send);
        let error: serde_json::Value =
            serde_json::from_str(refused.lines().last().unwrap()).unwrap();
        assert_eq!(error["exit"], 17, "{refused}");
        let hint = error["hint"].as_str().unwrap_or_default();
        assert!(
            !hint.is_empty(),
            "{kind:?}: it does not say what to do: {refused}"
        );
        assert!(must(&disk, 0, &["events", "--json"]).contains("message.accepted"));
        assert!(must(&disk, 0, &["why", message]).contains("accepted"));
        for question in ["status", "queue", "verify", "messages"] {
            must(&disk, 0, &[question]);
        }
        disk.give_back();
        must(&disk, 0, &send);
        must(&disk, 0, &["verify"]);
    }
    figure("full, the program", "exit codes and answers", "as promised");
}
