//! Campaign: crash images. A process's system calls are recorded, and at every point of them disks
//! are made as a power cut could leave them; each is opened and compared with what the process had
//! been told was durable at that point.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test, far from any limit"
)]

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::torture_kit::{
    Ack, Dice, Load, figure, has, prepared, quick_folder, seed, skipped, survives,
    survives_or_is_made, tear, times, without_sled,
};
use crate::torture_record::{CALLS, Disk, Happened, LEFT, Writing};
use crate::torture_trace::{self, Recording};
use crate::torture_victim::Victim;

/// A store's beginning and what is then done to it.
struct Scene {
    name: &'static str,
    /// Commits before; 0: the store is made in the recording.
    before: u64,
    harm: fn(&Path),
    load: Load,
    script: &'static str,
}

const SCENES: [Scene; 6] = [
    Scene {
        name: "a new store",
        before: 0,
        harm: |_| {},
        load: Load::Mixed,
        script: "open threads:3 append:24 close",
    },
    Scene {
        name: "an old store",
        before: 60,
        harm: |_| {},
        load: Load::Mixed,
        script: "open threads:2 append:12 close open append:5 close",
    },
    Scene {
        name: "sled written anew",
        before: 50,
        harm: without_sled,
        load: Load::Mixed,
        script: "open append:4 settle close",
    },
    Scene {
        name: "an epoch closed",
        before: 240,
        harm: |_| {},
        load: Load::Small,
        script: "open threads:2 append:12 settle close",
    },
    Scene {
        name: "a torn tail",
        before: 30,
        harm: tear,
        load: Load::Mixed,
        script: "open append:6 close",
    },
    Scene {
        name: "large bodies",
        before: 3,
        harm: |_| {},
        load: Load::Large,
        script: "open threads:2 append:8 close",
    },
];

/// Which paths' syncs are left out.
type Forgets = fn(&str) -> bool;

struct Scenery {
    before: Disk,
    acks: Vec<Ack>,
    trace: String,
    base: std::path::PathBuf,
}

impl Scenery {
    /// Lets a process play the scene under strace.
    fn record(folder: &Path, scene: &Scene, seed: u64) -> Self {
        let base = folder.join("base");
        fs::create_dir(&base).unwrap();
        let store = base.join("store");
        let acks = if scene.before > 0 {
            prepared(&store, scene.load, scene.before)
        } else {
            Vec::new()
        };
        if scene.before > 0 {
            (scene.harm)(&store);
        }
        let before = Disk::of(&base);
        let out = folder.join("trace");
        let from = 1000 + seed * 1000;
        let mut victim = Victim::start(folder, &store, scene.load, from, scene.script);
        let mut tracer = Command::new("strace")
            .args(["-f", "-y", "-xx", "-s", "40000000"])
            .args(["-p", &victim.child.id().to_string()])
            .arg(format!("-etrace={CALLS}"))
            .arg("-o")
            .arg(&out)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let errors = tracer.stderr.as_mut().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(errors), &mut said).unwrap();
        assert!(said.contains("attached"), "{said}");
        victim.go();
        let said = victim.rest().unwrap();
        assert_eq!(said.last().map(String::as_str), Some("DONE"), "{said:?}");
        victim.end().unwrap();
        tracer.wait().unwrap();
        let trace = fs::read_to_string(&out).unwrap();
        fs::remove_dir_all(&base).unwrap();
        fs::remove_file(out).unwrap();
        Self {
            before,
            acks,
            trace,
            base,
        }
    }

    fn read(&self, forgets: Forgets) -> Recording {
        torture_trace::read(&self.trace, &self.base, &self.before, forgets)
    }
}

/// What was found in the images of one recording.
#[derive(Default)]
struct Found {
    images: usize,
    unfinished: usize,
    torn: usize,
    losses: Vec<String>,
}

/// Makes and opens about `wanted` images of a recording, spread over all its points.
fn images(scenery: &Scenery, recording: &Recording, wanted: usize, dice: &mut Dice) -> Found {
    let dir = quick_folder();
    let points = recording.happened.len();
    let all = points * LEFT.len();
    let mut chosen: Vec<usize> = if wanted >= all {
        (0..all).collect()
    } else {
        (0..wanted)
            .map(|n| n * all / wanted + dice.below((all / wanted) as u64) as usize)
            .collect()
    };
    chosen.reverse();
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let mut writing = Writing::new(scenery.before.clone(), &recording.made);
    let mut acks = scenery.acks.clone();
    let mut opened = !acks.is_empty();
    for (point, happened) in recording.happened.iter().enumerate() {
        writing.happens(point, happened);
        match happened {
            Happened::Acked(ack) => acks.push(*ack),
            Happened::Said(word) => opened |= word.starts_with("OPENED"),
            Happened::Change(..) | Happened::Synced { .. } => {}
        }
        while let Some(choice) = chosen.pop_if(|choice| *choice / LEFT.len() <= point) {
            let left = LEFT[choice % LEFT.len()];
            let base = dir.path().join("base");
            let hash = writing.cut(left, dice).put(&base);
            // The same disk again says nothing new, unless more was acknowledged meanwhile.
            if seen.insert((hash, acks.len(), opened)) {
                found.images += 1;
                let store = base.join("store");
                let survived = if opened {
                    survives(&store, &acks)
                } else {
                    found.unfinished += 1;
                    survives_or_is_made(&store)
                };
                match survived {
                    Ok(opening) => found.torn += usize::from(opening.torn_bytes > 0),
                    Err(loss) => found
                        .losses
                        .push(format!("point {point} of {points}, {left:?}: {loss}")),
                }
            }
            fs::remove_dir_all(&base).unwrap();
        }
    }
    found
}

#[test]
fn no_crash_image_loses_what_was_acknowledged() {
    if !has("strace", "--version") {
        return skipped("images", "strace is missing");
    }
    let wanted = times("IMAGES", 200);
    let mut dice = Dice::new(seed());
    let mut total = Found::default();
    let mut round = 0;
    while total.images < wanted {
        for (number, scene) in SCENES.iter().enumerate() {
            if total.images >= wanted {
                break;
            }
            let dir = quick_folder();
            let scenery = Scenery::record(dir.path(), scene, seed() * 100 + round);
            let recording = scenery.read(|_| false);
            assert!(recording.syncs > 10, "{}: {}", scene.name, recording.syncs);
            // A fair share of what is left; some of them are the same disk, and say nothing new.
            let fair = (wanted - total.images).div_ceil(SCENES.len() - number);
            let share = fair * 3 / 2 + 5;
            let found = images(&scenery, &recording, share, &mut dice);
            assert!(
                found.losses.is_empty(),
                "{}, round {round}: {} of {} images: {:#?}",
                scene.name,
                found.losses.len(),
                found.images,
                &found.losses[..found.losses.len().min(5)]
            );
            total.images += found.images;
            total.unfinished += found.unfinished;
            total.torn += found.torn;
            println!("\nPROGRESS\timages: {} of {wanted}", total.images);
        }
        round += 1;
    }
    figure("images", "images opened", total.images);
    figure("images", "of a store still being made", total.unfinished);
    figure("images", "with a torn tail", total.torn);
    figure("images", "lost", 0);
}

/// The test of the test: without the journal's syncs, and without those of folders, images must
/// lose something; else this campaign sees nothing.
#[test]
fn crash_images_show_a_missing_sync() {
    if !has("strace", "--version") {
        return skipped("images", "strace is missing");
    }
    let dir = quick_folder();
    let scenery = Scenery::record(dir.path(), &SCENES[0], 0);
    let forgets: [(&str, Forgets); 3] = [
        ("the journal's syncs", |path| path.contains(".journal")),
        ("the bodies' syncs", |path| {
            path.contains("/blobs/") && path.contains(".tmp")
        }),
        ("the folders' syncs", |path| {
            !path.rsplit('/').next().unwrap().contains('.') && !path.ends_with("db")
        }),
    ];
    for (what, forgets) in forgets {
        let recording = scenery.read(forgets);
        let found = images(&scenery, &recording, 60, &mut Dice::new(seed()));
        let first = found.losses.first();
        let first = first.unwrap_or_else(|| panic!("without {what} nothing was lost"));
        println!("without {what}: {first}");
        let campaign = format!("images without {what}");
        figure(&campaign, "lost (must not be 0)", found.losses.len());
    }
}
