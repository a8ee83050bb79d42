//! Whole deliveries on paper and on the simulated desktop: the real dispatch decisions, commands, events,
//! projections and courier, from seeds, with faults, crashes and people who meddle. What must hold is
//! in the judge (`src/adapters/desktop/simulated/judge.rs`). A failing seed is told by
//! `switchboard simulate --seed N`.

use switchboard::adapters::desktop::simulated::judge::Tally;
use switchboard::adapters::desktop::simulated::run::run;
use switchboard::adapters::desktop::simulated::theatre::{Conduct, Honest};
use switchboard::delivery::courier::machine::Courier;
use switchboard::delivery::courier::moves::{Deed, Ending, Move, Outcome, Report};
use switchboard::delivery::ports::{Clip, Key};
use switchboard::events::facts::attempt::{FailureClass, Witness};
use switchboard::events::time::Timestamp;

/// Seeds in each quarter: ten thousand altogether in an optimised build, fewer where every pixel costs
/// twenty times as much. `SWITCHBOARD_REHEARSALS=N` plays so many.
fn runs() -> u64 {
    let wanted = std::env::var("SWITCHBOARD_REHEARSALS").ok();
    let usual = if cfg!(debug_assertions) { 300 } else { 2_500 };
    wanted.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn quarter(number: u64) {
    let mut sum = Tally::default();
    let mut bad = Vec::new();
    for seed in number * runs()..(number + 1) * runs() {
        match run(seed, &mut Honest, false).verdict {
            Ok(tally) => sum.add(&tally),
            Err(problem) => bad.push(format!("switchboard simulate --seed {seed}: {problem}")),
        }
    }
    println!("{sum:?}");
    assert!(bad.is_empty(), "{} failing:\n{}", bad.len(), bad.join("\n"));
    // Worth nothing when hardly anything arrives, or nothing goes wrong.
    assert!(sum.observed > sum.messages / 3, "{sum:?}");
    assert!(
        sum.unknown > 0 && sum.inboxed > 0 && sum.others > 0,
        "{sum:?}"
    );
}

#[test]
fn nothing_is_claimed_or_said_twice_whatever_goes_wrong_a() {
    quarter(0);
}

#[test]
fn nothing_is_claimed_or_said_twice_whatever_goes_wrong_b() {
    quarter(1);
}

#[test]
fn nothing_is_claimed_or_said_twice_whatever_goes_wrong_c() {
    quarter(2);
}

#[test]
fn nothing_is_claimed_or_said_twice_whatever_goes_wrong_d() {
    quarter(3);
}

/// Seeds that once ended in a false claim: a completion taken for a prompt, words of another program taken for
/// the text, a person's letter in front of a message.
#[test]
fn seeds_that_once_told_of_a_false_claim_hold() {
    let seeds = [
        113, 150, 322, 455, 742, 795, 1_371, 1_484, 1_686, 2_085, 2_537, 3_723, 3_803, 5_133,
        5_795, 6_384, 6_964, 7_639, 9_424, 17_275, 26_645, 48_676,
    ];
    for seed in seeds {
        let verdict = run(seed, &mut Honest, false).verdict;
        assert!(verdict.is_ok(), "seed {seed}: {verdict:?}");
    }
}

#[test]
fn a_seed_gives_the_same_story_every_time() {
    for seed in [1, 7, 4_242] {
        let (one, other) = (run(seed, &mut Honest, true), run(seed, &mut Honest, true));
        assert_eq!(one.story, other.story, "seed {seed}");
        assert!(one.story.iter().any(|line| line.what == "event"));
        assert!(one.story.iter().any(|line| line.what == "hands"));
        assert_eq!(one.took, other.took);
    }
}

/// A courier or a pair of hands that is broken in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    /// Takes the clipboard for what it was set to, without reading it back.
    NoReadBack,
    /// Presses Enter twice without looking in between.
    EnterTwice,
    /// Pastes twice.
    PasteTwice,
    /// Claims success once Enter was pressed.
    ClaimsAfterEnter,
    /// Takes what nobody knows for a failure.
    UnknownIsFailed,
    /// Forgets that its text may stand in the box.
    ForgetsItsText,
}

/// Plays a broken part.
#[derive(Debug)]
struct Saboteur {
    how: Broken,
    set: Option<Clip>,
    entered: bool,
}

fn pressed(deed: &Deed) -> Option<&Key> {
    let Deed::Act(act) = deed else {
        return None;
    };
    act.chord().map(|chord| &chord.key)
}

fn is_paste(deed: &Deed) -> bool {
    matches!(pressed(deed), Some(Key::Char('v') | Key::Insert))
}

fn is_enter(deed: &Deed) -> bool {
    pressed(deed) == Some(&Key::Enter)
}

impl Conduct for Saboteur {
    fn next(&mut self, courier: &mut Courier, report: Report, now: Timestamp) -> Move {
        let fresh = matches!(report, Report::Begin);
        if fresh {
            self.entered = false;
        }
        if self.how == Broken::ClaimsAfterEnter && std::mem::take(&mut self.entered) {
            return Move::End(Ending {
                outcome: Outcome::Observed {
                    witness: Witness::BoxEmptied,
                    presses: 1,
                },
                steps: Vec::new(),
                window: None,
                learnt: None,
                remarks: Vec::new(),
            });
        }
        let mut went = courier.next(report, now);
        if let Move::Do(deed) = &went {
            self.entered |= is_enter(deed);
            if let Deed::SetClipboard(clip) = deed {
                self.set = Some(clip.clone());
            }
        }
        if let Move::End(ending) = &mut went {
            match (self.how, &mut ending.outcome) {
                (Broken::UnknownIsFailed, outcome @ Outcome::Unknown { .. }) => {
                    *outcome = Outcome::Failed {
                        class: FailureClass::PasteNotSeen,
                        detail: "nothing was seen".to_owned(),
                        text_may_stand: false,
                        enter_may_come: false,
                    };
                }
                (Broken::ForgetsItsText, Outcome::Failed { text_may_stand, .. }) => {
                    *text_may_stand = false;
                }
                _ => {}
            }
        }
        went
    }

    fn heard(&mut self, deed: &Deed, report: Report) -> Report {
        match (self.how, deed, report) {
            (Broken::NoReadBack, Deed::ReadClipboard, report) => {
                self.set.clone().map_or(report, Report::Read)
            }
            (_, _, report) => report,
        }
    }

    fn times(&mut self, deed: &Deed) -> u32 {
        let twice = (self.how == Broken::EnterTwice && is_enter(deed))
            || (self.how == Broken::PasteTwice && is_paste(deed));
        if twice { 2 } else { 1 }
    }
}

/// The first seed that notices.
fn caught_by(how: Broken, seeds: u64) -> Option<u64> {
    (0..seeds).find(|seed| {
        let mut saboteur = Saboteur {
            how,
            set: None,
            entered: false,
        };
        run(*seed, &mut saboteur, false).verdict.is_err()
    })
}

/// A courier that does not look where the focus is does no harm any more, and so is not among them: the
/// hands press nothing in a window that has no keyboard (`x11.rs`).
#[test]
fn every_broken_courier_is_caught() {
    for how in [
        Broken::NoReadBack,
        Broken::EnterTwice,
        Broken::PasteTwice,
        Broken::ClaimsAfterEnter,
        Broken::UnknownIsFailed,
        Broken::ForgetsItsText,
    ] {
        let caught = caught_by(how, 600);
        println!("{how:?}: caught by seed {caught:?}");
        assert!(caught.is_some(), "{how:?} was not noticed");
    }
}
