//! Campaign: kill -9 while the ledger appends, opens, and writes sled's copy anew.
use std::path::Path;
use std::time::{Duration, Instant};

use crate::torture_kit::{
    Ack, Dice, Load, figure, prepared, progress, quick_folder, seed, survives, times, without_sled,
};
use crate::torture_victim::Victim;

/// Something to be killed at.
struct Suite {
    name: &'static str,
    /// Commits that are there before.
    before: u64,
    /// Done to the store before every kill.
    harm: fn(&Path),
    script: &'static str,
    moment: Moment,
}

/// When the kill comes.
enum Moment {
    /// After some acknowledgements and a moment.
    WhileItAppends,
    /// At any time between the script's beginning and its end.
    WhileItLasts,
}

const APPEND: Suite = Suite {
    name: "append",
    before: 0,
    harm: |_| {},
    script: "open threads:4 append:0",
    moment: Moment::WhileItAppends,
};

const OPEN: Suite = Suite {
    name: "open",
    before: 200,
    harm: |_| {},
    script: "open close",
    moment: Moment::WhileItLasts,
};

const REBUILD: Suite = Suite {
    name: "rebuild",
    before: 400,
    // sled's copy of the active epoch is gone: opening writes it anew.
    harm: without_sled,
    script: "open settle close",
    moment: Moment::WhileItLasts,
};

const CLOSE: Suite = Suite {
    name: "close",
    before: 200,
    harm: |_| {},
    // More than an epoch's events: it rolls over, and closes what is full.
    script: "open threads:4 append:80 settle close",
    moment: Moment::WhileItLasts,
};

/// A kill in the middle of a batch used to be the classic way to lose acknowledged writes. Guard:
/// one sync of the journal before any acknowledgement.
#[test]
fn killed_while_it_appends_the_ledger_loses_nothing() {
    run(&APPEND);
}

/// Opening compares, cuts off torn tails, and says to the witness how far the journal reaches.
#[test]
fn killed_while_it_opens_the_ledger_loses_nothing() {
    run(&OPEN);
}

/// sled's folder is set aside, written anew and removed: a kill between any two steps must leave
/// something that the next opening understands.
#[test]
fn killed_while_sled_is_written_anew_the_ledger_loses_nothing() {
    run(&REBUILD);
}

/// A full epoch is packed, compared and sealed, and only then its journal goes: a kill between any
/// two steps must leave it whole in one of the two shapes.
#[test]
fn killed_while_epochs_are_closed_the_ledger_loses_nothing() {
    run(&CLOSE);
}

fn run(suite: &Suite) {
    let kills = times("KILLS", 20);
    let dir = quick_folder();
    let mut dice = Dice::new(seed());
    let mut store = dir.path().join("0");
    let mut acks = prepared(&store, Load::Mixed, suite.before);
    let (mut next, mut done, mut late, mut torn) = (suite.before, 0, 0, 0);
    let mut lasts = Duration::ZERO;
    while done < kills {
        if next > 6000 {
            // A store that is not read for minutes after every kill.
            std::fs::remove_dir_all(&store).unwrap();
            store = dir.path().join(done.to_string());
            acks = prepared(&store, Load::Mixed, suite.before);
            next = suite.before;
        }
        (suite.harm)(&store);
        let mut victim = Victim::start(dir.path(), &store, Load::Mixed, next, suite.script);
        let start = Instant::now();
        victim.go();
        let killed = match suite.moment {
            Moment::WhileItAppends => kill_among_acks(&mut victim, &mut dice, &mut acks),
            Moment::WhileItLasts if lasts == Duration::ZERO => {
                let rest = victim.rest().unwrap();
                acks.extend(rest.iter().filter_map(|line| Ack::heard(line)));
                lasts = start.elapsed();
                false
            }
            Moment::WhileItLasts => kill_within(&mut victim, (&mut dice, lasts), &mut acks),
        };
        victim
            .end()
            .unwrap_or_else(|e| panic!("{} {done}: {e}", suite.name));
        match survives(&store, &acks) {
            Ok(opening) => torn += u64::from(opening.torn_bytes > 0),
            Err(loss) => panic!("{} {done}: {loss}", suite.name),
        }
        next = next.max(
            acks.iter()
                .map(|ack| ack.seeded.number + 1)
                .max()
                .unwrap_or(0),
        ) + 64;
        done += usize::from(killed);
        progress(suite.name, done, kills);
        if !killed {
            // The measured run may have been slower than the others: sooner next time.
            late += 1;
            lasts = lasts * 9 / 10;
        }
        assert!(late <= kills + 5, "{}: it is always too late", suite.name);
    }
    let campaign = format!("kills: {}", suite.name);
    figure(&campaign, "kills", done);
    figure(&campaign, "torn tails set aside", torn);
    figure(&campaign, "lost", 0);
}

/// Kills after some answers; those that are on their way by then are answers too.
fn kill_among_acks(victim: &mut Victim, dice: &mut Dice, acks: &mut Vec<Ack>) -> bool {
    let mut patience = 1 + dice.below(50);
    while let Ok(Some(line)) = victim.line() {
        assert!(!line.starts_with("NO"), "{line}");
        acks.extend(Ack::heard(&line));
        patience -= u64::from(line.starts_with("ACK"));
        if patience == 0 {
            std::thread::sleep(Duration::from_micros(dice.below(3000)));
            victim.kill();
            let rest = victim.rest().unwrap();
            acks.extend(rest.iter().filter_map(|line| Ack::heard(line)));
            return true;
        }
    }
    false
}

/// Kills at some moment; false when it was done before.
fn kill_within(
    victim: &mut Victim,
    (dice, lasts): (&mut Dice, Duration),
    acks: &mut Vec<Ack>,
) -> bool {
    let micros = u64::try_from(lasts.as_micros()).unwrap();
    std::thread::sleep(Duration::from_micros(dice.below(micros)));
    victim.kill();
    let said = victim.rest().unwrap();
    assert!(!said.iter().any(|line| line.starts_with("NO")), "{said:?}");
    acks.extend(said.iter().filter_map(|line| Ack::heard(line)));
    !said.iter().any(|line| line == "DONE")
}
