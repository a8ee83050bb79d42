//! Campaign: power cuts on ext4 with its default mount options.
//!
//! How power is cut without cutting it. The store lies on an ext4 on a loop device whose file
//! ("inner") lies on a second ext4 on a second loop device whose file is the platter. What the
//! process wrote and did not sync is in the page cache of the first file system; what that sent to
//! its device without a flush is in the page cache of the second, which is the disk's volatile
//! cache; only a flush (what ext4 sends for an fdatasync: its barrier) puts it onto the platter. A
//! cut is a copy of the platter's file, never of a block device: reading `/dev/loop*` would show
//! what lies in the kernel's buffers. Nothing is synced for the copy. It is one instant: the process
//! is stopped (SIGSTOP) meanwhile, and the copy is made until two in a row are the same, so that
//! the kernel wrote nothing in between either. The copy is mounted, both levels, which replays
//! the file system's journal, and the ledger is opened.
//!
//! That this can fail is shown by two control runs: without the ledger's own sync, and with the
//! inner file system mounted without barriers.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test, far from any limit"
)]

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::torture_kit::{
    Ack, Dice, Load, figure, progress, quick_folder, run, seed, skipped, survives, times,
};
use crate::torture_victim::Victim;

const MIB: u64 = 1024 * 1024;
const INNER: u64 = 192 * MIB;
const PLATTER: u64 = INNER + 24 * MIB;
/// Cuts before everything begins anew with an empty disk.
const CUTS_A_DISK: usize = 6;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Something mounted; unmounted at the end, also after a panic.
#[derive(Debug)]
struct Mount(PathBuf);

impl Mount {
    fn new(image: &Path, at: PathBuf, options: &str) -> Result<Self, String> {
        fs::create_dir_all(&at).unwrap();
        let options = format!("loop{options}");
        run(
            "mount",
            &["-t", "ext4", "-o", &options, text(image), text(&at)],
        )?;
        Ok(Self(at))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Whoever still holds a file there must not keep the next round from its mount point.
        if run("umount", &[text(&self.0)]).is_err() {
            drop(run("umount", &["-l", text(&self.0)]));
        }
    }
}

/// The two file systems, mounted. Fields are dropped in order: the inner one first.
#[derive(Debug)]
struct Disk {
    inner: Mount,
    _outer: Mount,
    platter: PathBuf,
}

impl Disk {
    fn new(folder: &Path, options: &str, block: &str) -> Result<Self, String> {
        let platter = folder.join("platter");
        File::create(&platter).unwrap().set_len(PLATTER).unwrap();
        // No journal, no late making of tables: all that is written there is the inner disk.
        let features = [
            "-q",
            "-F",
            "-b",
            "4096",
            "-O",
            "^has_journal",
            "-E",
            "lazy_itable_init=0",
        ];
        run("mkfs.ext4", &[&features[..], &[text(&platter)]].concat())?;
        let outer = Mount::new(&platter, folder.join("outer"), "")?;
        let image = outer.0.join("inner");
        // Written, not only reserved (and not discarded by mkfs): where the inner disk lies on the
        // platter is settled now, so that a flush has nothing to write but bytes.
        let mut file = File::create(&image).unwrap();
        let zeros = vec![0; MIB as usize];
        for _ in 0..INNER / MIB {
            file.write_all(&zeros).unwrap();
        }
        run(
            "mkfs.ext4",
            &["-q", "-F", "-b", block, "-E", "nodiscard", text(&image)],
        )?;
        file.sync_all().unwrap();
        run("sync", &["-f", text(&image)])?;
        Ok(Self {
            inner: Mount::new(&image, folder.join("inner"), options)?,
            _outer: outer,
            platter,
        })
    }

    fn store(&self) -> PathBuf {
        self.inner.0.join("store")
    }

    /// Full disks are another campaign: after a cut sled's copy is written anew beside the old one.
    fn has_room(&self) -> bool {
        let stat = rustix::fs::statvfs(&self.inner.0).unwrap();
        stat.f_bavail * stat.f_frsize > INNER / 2
    }

    /// Copies the platter as it is at one instant.
    fn copy(&self, to: &Path) {
        let mut one = Vec::new();
        let mut file = File::open(&self.platter).unwrap();
        for _ in 0..50 {
            let mut other = Vec::with_capacity(PLATTER as usize);
            file.seek(SeekFrom::Start(0)).unwrap();
            file.read_to_end(&mut other).unwrap();
            if one == other {
                return sparsely(&one, to);
            }
            one = other;
        }
        panic!("the platter does not come to rest");
    }
}

/// Zeros are left out.
fn sparsely(bytes: &[u8], to: &Path) {
    let mut file = File::create(to).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    let zeros = vec![0; 64 * 1024];
    for (number, piece) in bytes.chunks(zeros.len()).enumerate() {
        if piece != &zeros[..piece.len()] {
            file.seek(SeekFrom::Start((number * zeros.len()) as u64))
                .unwrap();
            file.write_all(piece).unwrap();
        }
    }
}

/// Opens what stands on a copy of the platter.
fn after_the_cut(folder: &Path, copy: &Path, acks: &[Ack]) -> Result<u64, String> {
    let outer = Mount::new(copy, folder.join("outer after"), "")?;
    // The journal is replayed here.
    let image = outer.0.join("inner");
    let inner = Mount::new(&image, folder.join("inner after"), "")?;
    let survived = survives(&inner.0.join("store"), acks);
    drop(inner);
    drop(outer);
    survived.map(|opening| opening.torn_bytes)
}

/// What the process did between the last acknowledgement and the cut.
#[derive(Clone, Copy, Debug)]
enum Pause {
    None,
    Idle(u64),
    Writing(u64),
}

/// Mostly right after an acknowledgement; sometimes after the kernel wrote by itself.
fn pause(number: usize, dice: &mut Dice) -> Pause {
    match number % 20 {
        4 => Pause::Idle(1000),
        9 => Pause::Writing(1000),
        14 => Pause::Idle(8000),
        19 => Pause::Writing(8000),
        _ if dice.below(4) == 0 => Pause::Writing(dice.below(60)),
        _ => Pause::None,
    }
}

#[derive(Default)]
struct Tally {
    cuts: usize,
    acknowledged: usize,
    torn: usize,
    losses: Vec<String>,
}

/// Cuts the power so many times.
fn cuts(wanted: usize, options: &str, victim_disk: &str) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let mut dice = Dice::new(seed());
    while tally.cuts < wanted {
        let folder: TempDir = quick_folder();
        let disk = Disk::new(folder.path(), options, dice.pick(&["4096", "4096", "1024"]))?;
        let left = (wanted - tally.cuts).min(CUTS_A_DISK);
        let load = dice.pick(&[Load::Large, Load::Large, Load::Mixed, Load::Small]);
        let threads = dice.pick(&[1, 4, 12]);
        let script = format!("open threads:{threads} append:0");
        let more = [("SWITCHBOARD_VICTIM_DISK", victim_disk)];
        let from = tally.cuts as u64 * 100_000;
        let store = disk.store();
        let mut victim = Victim::start_with(folder.path(), &store, load, (from, &script), &more);
        victim.go();
        cuts_of_one_disk(
            (folder.path(), &disk),
            &mut victim,
            left,
            &mut dice,
            &mut tally,
        );
        victim.signal("CONT");
        victim.kill();
        victim.end()?;
    }
    Ok(tally)
}

fn cuts_of_one_disk(
    (folder, disk): (&Path, &Disk),
    victim: &mut Victim,
    wanted: usize,
    dice: &mut Dice,
    tally: &mut Tally,
) {
    let mut acks: Vec<Ack> = Vec::new();
    let heard = |line: &str, acks: &mut Vec<Ack>| {
        assert!(!line.starts_with("NO"), "{line}");
        acks.extend(Ack::heard(line));
    };
    for cut in 0..wanted {
        // The first cut of a disk comes with the first acknowledgement of all.
        let patience = if cut == 0 { 1 } else { 1 + dice.below(12) };
        let enough = acks.len() + patience as usize;
        while acks.len() < enough {
            let line = victim.line().unwrap().expect("it goes on");
            heard(&line, &mut acks);
        }
        let pause = pause(tally.cuts, dice);
        if let Pause::Writing(millis) = pause {
            // Slowly, or the small disk is full before the time is over.
            for _ in 0..millis / 200 {
                victim.signal("STOP");
                std::thread::sleep(Duration::from_millis(195));
                if disk.has_room() {
                    victim.signal("CONT");
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            std::thread::sleep(Duration::from_millis(millis % 200 / 10));
        }
        victim.signal("STOP");
        if let Pause::Idle(millis) = pause {
            std::thread::sleep(Duration::from_millis(millis));
        }
        let copy = folder.join(format!("copy-{}", tally.cuts));
        disk.copy(&copy);
        // Whatever it said before it was stopped was durable before the copy.
        for line in victim.said_so_far() {
            heard(&line, &mut acks);
        }
        tally.cuts += 1;
        progress("power", tally.cuts, 500);
        tally.acknowledged += acks.len();
        match after_the_cut(folder, &copy, &acks) {
            Ok(torn) => tally.torn += usize::from(torn > 0),
            Err(loss) => {
                let loss = format!("cut {}, {pause:?}: {loss}", tally.cuts);
                println!("{loss}");
                tally.losses.push(loss);
            }
        }
        fs::remove_file(copy).unwrap();
        if !disk.has_room() {
            break;
        }
        victim.signal("CONT");
    }
}

/// Says what is missing here, if something is.
fn missing() -> Option<String> {
    let dir = quick_folder();
    Disk::new(dir.path(), "", "4096").err()
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    if let Some(missing) = missing() {
        return skipped(
            "power",
            &format!("no loop devices or no ext4 here: {missing}"),
        );
    }
    let tally = cuts(times("POWER", 20), "", "").unwrap();
    assert!(
        tally.losses.is_empty(),
        "{} of {}: {:#?}",
        tally.losses.len(),
        tally.cuts,
        tally.losses
    );
    figure("power", "cuts", tally.cuts);
    figure("power", "acknowledgements compared", tally.acknowledged);
    figure("power", "with a torn tail", tally.torn);
    figure("power", "lost", 0);
}

/// The test of the test: a ledger that does not sync, and a file system that does not flush, must
/// be caught.
#[test]
fn a_power_cut_without_barriers_is_seen_to_lose_events() {
    if let Some(missing) = missing() {
        return skipped(
            "power",
            &format!("no loop devices or no ext4 here: {missing}"),
        );
    }
    for (what, options, victim_disk) in [
        ("the ledger's sync", "", "syncs-nothing"),
        ("the file system's barrier", ",nobarrier", ""),
    ] {
        let tally = cuts(3, options, victim_disk).unwrap();
        let first = tally.losses.first();
        let first = first.unwrap_or_else(|| panic!("without {what} nothing was lost"));
        println!("without {what}: {first}");
        let campaign = format!("power without {what}");
        figure(&campaign, "cuts", tally.cuts);
        figure(&campaign, "lost (must not be 0)", tally.losses.len());
    }
}
