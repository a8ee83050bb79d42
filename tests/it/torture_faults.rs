//! Campaign: every k-th system call that changes files fails, once or for ever, with EIO or ENOSPC,
//! or the process is killed at it. strace puts the fault in, so it also hits what goes around the
//! ledger's own `Disk`: blobs, folders, the witness, and sled.
#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of a test, far from any limit"
)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::ledger_kit::copy;
use crate::torture_kit::{
    Ack, Dice, Load, figure, has, newest, prepared, progress, quick_folder, seed, skipped,
    survives, tear, times,
};
use crate::torture_victim::Victim;

/// What is made to fail.
const CALLS: [&str; 10] = [
    "pwrite64",
    "write",
    "fdatasync",
    "fsync",
    "rename",
    "ftruncate",
    "fallocate",
    "unlink,unlinkat,rmdir",
    "mkdir",
    "sync_file_range",
];

/// How. `#` stands for the number of the call.
const FAULTS: [&str; 5] = [
    "error=EIO:when=#",
    "error=EIO:when=#+",
    "error=ENOSPC:when=#",
    "error=ENOSPC:when=#+",
    "signal=KILL:when=#",
];

/// Opens what a kill left (with a torn tail), works, stops, and does it again.
const SCRIPT: &str = "open append:14 verify close open append:5 close open append:2 close";

/// strace on a running process.
struct Tracer(Child);

impl Tracer {
    /// Returns once it is attached.
    fn attach(victim: &Victim, out: &Path, options: &[String]) -> Self {
        let mut child = Command::new("strace")
            .args(["-f", "-y", "-s", "0", "-p", &victim.child.id().to_string()])
            .arg("-o")
            .arg(out)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stderr.as_mut().unwrap())
            .read_line(&mut said)
            .unwrap();
        assert!(said.contains("attached"), "{said}");
        Self(child)
    }

    fn end(mut self) {
        drop(self.0.kill());
        self.0.wait().unwrap();
    }
}

struct Case {
    calls: &'static str,
    fault: &'static str,
    number: usize,
}

impl Case {
    fn shown(&self) -> String {
        format!("{} {}", self.calls, self.rule())
    }

    fn rule(&self) -> String {
        self.fault.replace('#', &self.number.to_string())
    }
}

/// A store as a kill leaves it, with a torn tail, and what it acknowledged.
struct Before {
    store: PathBuf,
    acks: Vec<Ack>,
}

fn before(folder: &Path) -> Before {
    let clean = folder.join("clean");
    let acks = prepared(&clean, Load::Mixed, 40);
    // As if it had not been stopped: the witness's last words are those of an open ledger.
    let store = folder.join("before");
    let ledger = crate::ledger_kit::opened(&clean).0;
    copy(&clean, &store);
    drop(ledger);
    tear(&store);
    Before { store, acks }
}

#[test]
fn every_failing_call_is_a_typed_error_and_loses_nothing() {
    if !has("strace", "--version") {
        return skipped("faults", "strace is missing");
    }
    let dir = quick_folder();
    let before = before(dir.path());
    let counts = counts(dir.path(), &before);
    let all: Vec<Case> = CALLS
        .iter()
        .flat_map(|calls| {
            let most = counts.get(calls).copied().unwrap_or(0);
            (1..=most).flat_map(|number| {
                FAULTS.map(|fault| Case {
                    calls,
                    fault,
                    number,
                })
            })
        })
        .collect();
    assert!(all.len() > 200, "{counts:?}");
    let wanted = times("FAULTS", 40);
    let mut dice = Dice::new(seed());
    let mut tally = Tally::default();
    for index in chosen(all.len(), wanted, &mut dice) {
        let case = &all[index];
        progress("faults", tally.runs, wanted.min(all.len()));
        if let Err(loss) = run(dir.path(), &before, case, &mut tally) {
            panic!("{}: {loss}", case.shown());
        }
    }
    figure("faults", "faults put in", tally.runs);
    figure("faults", "of possible", all.len());
    figure("faults", "killed at the call", tally.killed);
    figure("faults", "refusals: read-only", tally.poisoned);
    figure("faults", "refusals: no space", tally.no_space);
    figure("faults", "openings refused", tally.not_opened);
    figure(
        "faults",
        "runs in which the journal or a body failed",
        tally.told,
    );
    figure("faults", "lost", 0);
    assert!(
        tally.poisoned > 0 && tally.killed > 0 && tally.told > 0,
        "nothing was hit"
    );
}

/// `wanted` of `all`, spread over the whole range; all of them when so many are wanted.
fn chosen(all: usize, wanted: usize, dice: &mut Dice) -> Vec<usize> {
    if wanted >= all {
        return (0..all).collect();
    }
    (0..wanted)
        .map(|n| {
            let (from, to) = (n * all / wanted, (n + 1) * all / wanted);
            from + dice.below((to - from) as u64) as usize
        })
        .collect()
}

/// How often one thread makes each call at most, in a run without faults.
fn counts(folder: &Path, before: &Before) -> BTreeMap<&'static str, usize> {
    let (store, out) = (folder.join("counted"), folder.join("trace"));
    copy(&before.store, &store);
    let mut victim = Victim::start(folder, &store, Load::Mixed, 1000, SCRIPT);
    let tracer = Tracer::attach(&victim, &out, &[format!("-etrace={}", CALLS.join(","))]);
    victim.go();
    let said = victim.rest().unwrap();
    assert_eq!(said.last().map(String::as_str), Some("DONE"), "{said:?}");
    victim.end().unwrap();
    tracer.end();
    let mut each: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let text = std::fs::read_to_string(out).unwrap();
    for line in text.lines() {
        let Some((pid, rest)) = line.split_once(' ') else {
            continue;
        };
        let name = rest.trim_start().split('(').next().unwrap();
        *each.entry((pid, name)).or_default() += 1;
    }
    CALLS
        .iter()
        .map(|calls| {
            let most = each
                .iter()
                .filter(|((_, name), _)| calls.split(',').any(|call| call == *name))
                .map(|(_, count)| *count)
                .max();
            (*calls, most.unwrap_or(0))
        })
        .collect()
}

#[derive(Default)]
struct Tally {
    runs: usize,
    killed: usize,
    poisoned: usize,
    no_space: usize,
    not_opened: usize,
    told: usize,
}

/// Whether a write or sync failed that somebody waited for: the journal's or a body's.
fn must_be_told(trace: &str) -> bool {
    trace.lines().any(|line| {
        let call = line
            .split_once(' ')
            .map_or("", |(_, call)| call.trim_start());
        line.contains("(INJECTED)")
            && ["pwrite64(", "write(", "fdatasync(", "fsync("]
                .iter()
                .any(|name| call.starts_with(name))
            && (line.contains(".journal>") || (line.contains("/blobs/") && line.contains(".tmp>")))
    })
}

fn run(folder: &Path, before: &Before, case: &Case, tally: &mut Tally) -> Result<(), String> {
    let (store, out) = (folder.join("store"), folder.join("trace"));
    copy(&before.store, &store);
    let mut victim = Victim::start(folder, &store, Load::Mixed, 1000, SCRIPT);
    let rules = [
        format!("-etrace={}", case.calls),
        format!("-einject={}:{}", case.calls, case.rule()),
    ];
    let tracer = Tracer::attach(&victim, &out, &rules);
    victim.go();
    let said = victim.rest();
    let ended = victim.end();
    tracer.end();
    let said = said?;
    ended?;
    tally.runs += 1;
    tally.killed += usize::from(said.last().is_none_or(|last| last != "DONE"));
    let mut acks = before.acks.clone();
    let mut poisoned = false;
    for line in &said {
        let mut words = line.split(' ');
        match (words.next().unwrap(), words.next()) {
            ("OPENED", _) => poisoned = false,
            ("NOT-OPENED", Some("Io")) => tally.not_opened += 1,
            // After a failed sync nothing new is taken until the ledger is opened again.
            ("ACK", _) if poisoned => {
                return Err(format!("took a commit while read-only: {said:#?}"));
            }
            ("ACK", _) => acks.extend(Ack::heard(line)),
            ("NO", Some("Poisoned")) => {
                poisoned = true;
                tally.poisoned += 1;
            }
            ("NO", Some("NoSpace")) => tally.no_space += 1,
            // A clean stop may be impossible; the next opening finds an unclean one.
            ("READ" | "VERIFIED" | "CLOSED" | "NOT-CLOSED" | "DONE", _) => {}
            _ => return Err(format!("{line}\n{said:#?}")),
        }
    }
    if must_be_told(&std::fs::read_to_string(&out).unwrap()) {
        tally.told += 1;
        if !said.iter().any(|line| line.starts_with("NO")) {
            return Err(format!("a failure that nobody was told of: {said:#?}"));
        }
    }
    survives(&store, &acks).map_err(|loss| format!("{loss}\n{said:#?}"))?;
    std::fs::remove_dir_all(&store).unwrap();
    Ok(())
}

/// The program, when the journal's sync fails: read-only by exit code 17, with a hint; what was
/// there before is there afterwards.
#[test]
fn the_program_is_read_only_after_a_failed_sync() {
    if !has("strace", "--version") {
        return skipped("faults", "strace is missing");
    }
    let dir = quick_folder();
    let store = dir.path().join("store");
    let run = |command: &mut Command, line: &[&str]| {
        command
            .args(line)
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("SWITCHBOARD_STORE", &store)
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let well = |line: &[&str]| {
        let ran = run(&mut Command::new(env!("CARGO_BIN_EXE_switchboard")), line);
        assert!(ran.status.success(), "{line:?}: {ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    let send = [
        "send", "--to", "agent-1", "--wait", "accepted", "--json", "hello",
    ];
    well(&["init"]);
    well(&["agent", "add", "agent-1", "--channel", "inbox"]);
    well(&send);
    let journal = newest(&store.join("journal"), ".journal");
    let mut traced = Command::new("/usr/bin/strace");
    traced
        .args([
            "-f",
            "-q",
            "-o",
            "/dev/null",
            "-e",
            "inject=fdatasync:error=EIO",
            "-P",
        ])
        .arg(journal)
        .arg(env!("CARGO_BIN_EXE_switchboard"));
    let refused = run(&mut traced, &send);
    let errors = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(17), "{errors}");
    let error: serde_json::Value = serde_json::from_str(errors.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&error["code"], &error["exit"]),
        (&"read_only".into(), &17.into()),
        "{errors}"
    );
    assert!(
        error["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("doctor")),
        "{errors}"
    );
    let before = well(&["messages", "--json"]).lines().count();
    assert!(
        (1..=2).contains(&before),
        "one was accepted, one was not acknowledged"
    );
    well(&["verify"]);
    well(&send);
    assert_eq!(well(&["messages", "--json"]).lines().count(), before + 1);
}
