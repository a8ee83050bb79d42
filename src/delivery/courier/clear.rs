//! Clearing a terminal's line after an earlier attempt. A paste that the program has not handled yet
//! would come on top of ours, so the program must first show that it reacts: keys are handled in
//! order, and what it has shown came after everything before.

use super::machine::Courier;
use super::moves::{Deed, Move};
use super::phase::Phase;
use crate::delivery::evidence;
use crate::delivery::ports::{Act, Picture, Survey};
use crate::events::facts::attempt::FailureClass;
use crate::events::time::Timestamp;

/// Harmless, visible, and gone with the next clearing.
const SIGN_OF_LIFE: &str = "..";

/// Clearing, step by step.
#[derive(Debug)]
pub(super) struct Clearing {
    stage: Stage,
    /// The line after the first clearing.
    cleared: Option<Picture>,
    last: Option<Picture>,
    until: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Clear what may stand there.
    First,
    /// Type something visible.
    Sign,
    /// Clear that, and with it whatever came late.
    Second,
}

impl Courier {
    pub(super) fn clear_terminal(&mut self) -> Move {
        if self.own_text_was_entered() {
            return self.unknown(
                "Enter was pressed by an earlier attempt, and a terminal's transcript does not \
                 tell whether it was taken",
            );
        }
        self.survey(Phase::Clearing(Clearing {
            stage: Stage::First,
            cleared: None,
            last: None,
            until: self.now,
        }))
    }

    pub(super) fn clearing_aimed(&mut self, mut clearing: Clearing, survey: &Survey) -> Move {
        if let Err(obstacle) = self.ready(survey) {
            return self.fail(obstacle);
        }
        clearing.until = self.deadline(self.job.patience.paste);
        let (key, pause) = match clearing.stage {
            Stage::First | Stage::Second => {
                (self.press(&self.job.keys.clear), self.job.patience.baseline)
            }
            Stage::Sign => {
                let sign = Act::Type(SIGN_OF_LIFE.to_owned());
                (Deed::Act(sign), self.job.patience.poll)
            }
        };
        let look = Deed::Capture(self.region);
        self.go(Phase::Clearing(clearing), key, [Deed::Wait(pause), look])
    }

    pub(super) fn clearing_seen(&mut self, mut clearing: Clearing, seen: Picture) -> Move {
        let target = self.target();
        let late = self.now >= clearing.until;
        let Some(cleared) = &clearing.cleared else {
            clearing.cleared = Some(seen);
            clearing.stage = Stage::Sign;
            return self.survey(Phase::Clearing(clearing));
        };
        let change = evidence::change(cleared, &seen, &self.volatile, target);
        match clearing.stage {
            Stage::First | Stage::Sign if change.count() > 0 => {
                clearing.stage = Stage::Second;
                return self.survey(Phase::Clearing(clearing));
            }
            Stage::First | Stage::Sign if late => {
                return self.fail_as(
                    FailureClass::PasteNotSeen,
                    "the terminal does not react, and text of an earlier attempt may come late",
                );
            }
            Stage::Second => {
                // What came late may have moved the prompt; it must stand still and be clear.
                let still = clearing
                    .last
                    .as_ref()
                    .is_some_and(|last| evidence::equal(last, &seen, &self.volatile, target));
                if still && change.count() == 0 {
                    self.empty = Some(seen);
                    self.text_may_stand = false;
                    return self.take_clipboard();
                }
                if late {
                    return self.fail_as(
                        FailureClass::DraftInTheWay,
                        "the terminal's line could not be cleared",
                    );
                }
            }
            Stage::First | Stage::Sign => {}
        }
        clearing.last = Some(seen);
        self.look_later(Phase::Clearing(clearing))
    }
}
