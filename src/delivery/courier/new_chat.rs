//! A new chat before the words: the application's keys are pressed, the window's reaction is awaited,
//! and the delivery begins anew at the place where a new chat has its box.

use super::machine::Courier;
use super::moves::{Deed, Move};
use super::paste::worth_waiting;
use super::phase::Phase;
use crate::delivery::evidence;
use crate::delivery::job::NewChat;
use crate::delivery::ports::{Picture, Survey};
use crate::events::facts::attempt::{FailureClass, Step};
use crate::events::facts::screen::Point;
use crate::events::time::Timestamp;

/// Waiting for the window to show a new chat.
#[derive(Debug)]
pub(super) struct Beginning {
    chat: NewChat,
    /// The window before the keys; none as long as they were not pressed.
    before: Option<Picture>,
    /// The last picture that differs from it.
    changed: Option<Picture>,
    until: Timestamp,
}

impl Courier {
    /// The window has the keyboard; a text of this message that may stand in a new chat already needs
    /// no other.
    pub(super) fn begin_chat(&mut self) -> Option<Move> {
        let chat = self.job.new_chat.take()?;
        let message = self.job.message;
        let begun = self.job.standing.iter().any(|it| it.message == message);
        if !begun && chat.keys.is_none() && chat.place == self.declared_place {
            return Some(self.fail_as(
                FailureClass::Invalid,
                "a new chat is wanted, and nobody said how one is begun: the application's `new_chat` \
                 keys, or the agent's --onboarding-at",
            ));
        }
        if begun || chat.keys.is_none() {
            return Some(self.in_new_chat(&chat));
        }
        let until = self.deadline(self.job.patience.quiet);
        Some(self.look(Phase::NewChat(Beginning {
            chat,
            before: None,
            changed: None,
            until,
        })))
    }

    pub(super) fn beginning_aimed(&mut self, mut begin: Beginning, survey: &Survey) -> Move {
        match self.ready(survey) {
            Ok(()) => {}
            Err(_) if worth_waiting(survey) && self.now < begin.until => {
                return self.survey_later(Phase::NewChat(begin));
            }
            Err(obstacle) => return self.fail(obstacle),
        }
        let Some(keys) = begin.chat.keys.take() else {
            return self.in_new_chat(&begin.chat);
        };
        begin.until = self.deadline(self.job.patience.submit);
        let press = self.press(&keys);
        let poll = Deed::Wait(self.job.patience.poll);
        let look = Deed::Capture(self.region);
        self.go(Phase::NewChat(begin), press, [poll, look])
    }

    /// An empty chat may already be a new one: then nothing changes, and the box is judged as it is.
    pub(super) fn beginning_seen(&mut self, mut begin: Beginning, seen: Picture) -> Move {
        let Some(before) = &begin.before else {
            begin.before = Some(seen);
            return self.survey(Phase::NewChat(begin));
        };
        let target = self.target();
        let differs = !evidence::equal(before, &seen, &self.volatile, target);
        let rests = begin
            .changed
            .as_ref()
            .is_some_and(|last| evidence::equal(last, &seen, &self.volatile, target));
        if (differs && rests) || self.now >= begin.until {
            return self.in_new_chat(&begin.chat);
        }
        begin.changed = differs.then_some(seen);
        self.look_later(Phase::NewChat(begin))
    }

    /// From the beginning, at the box of the new chat.
    fn in_new_chat(&mut self, chat: &NewChat) -> Move {
        let (now, then) = (self.job.place, self.declared_place);
        self.declared_place = chat.place;
        self.job.place = Point {
            x: chat.place.x.saturating_add(now.x.saturating_sub(then.x)),
            y: chat.place.y.saturating_add(now.y.saturating_sub(then.y)),
        };
        self.pointer_arrived = false;
        // How the box looks elsewhere says nothing of this one, nor the other way round.
        self.job.look = None;
        self.look_is_new = false;
        self.enter(Step::Preflight);
        let until = self.deadline(self.job.patience.quiet);
        self.survey(Phase::Preflight { until })
    }
}
