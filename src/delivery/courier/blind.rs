//! Where nothing can be seen: the same order with fixed waits, and a proof that ends at
//! `submitted`.

use super::machine::Courier;
use super::moves::{Deed, Move, Outcome};
use super::phase::Phase;
use crate::delivery::ports::{Act, Clip};
use crate::events::facts::attempt::{FailureClass, Step};

impl Courier {
    pub(super) fn begin_blind(&mut self) -> Move {
        if self.job.new_chat.is_some() {
            return self.fail_as(
                FailureClass::Invalid,
                "a new chat can be begun only where the window can be seen",
            );
        }
        if !self.job.standing.is_empty() {
            return self.fail_as(
                FailureClass::DraftInTheWay,
                "text of an earlier attempt may stand in the box, and this desktop cannot be seen",
            );
        }
        self.go(Phase::SaveClipboard, Deed::ReadClipboard, [])
    }

    pub(super) fn act_blind(&mut self) -> Move {
        if self.typing {
            return self.blind_typing();
        }
        self.enter(Step::Focus);
        let text = self.job.text.clone();
        self.ours.push(text.clone());
        self.clipboard_set = true;
        self.text_may_stand = true;
        let pause = || Deed::Wait(self.job.patience.blind);
        let deeds = [
            Deed::Act(Act::Click(self.job.place)),
            pause(),
            self.press(&self.job.keys.paste),
            Deed::Wait(self.job.patience.blind.max(self.job.patience.settle)),
        ];
        self.go(
            Phase::BlindPasted,
            Deed::SetClipboard(Clip::Text(text)),
            deeds,
        )
    }

    /// The clipboard does not work here; a text of one line can be typed.
    pub(super) fn blind_typing(&mut self) -> Move {
        if self.job.text.contains('\n') {
            self.text_may_stand = false;
            return self.fail_as(
                FailureClass::ClipboardLost,
                "the clipboard does not work, and a text of several lines is not typed",
            );
        }
        self.enter(Step::Focus);
        self.typing = true;
        self.clipboard_set = false;
        self.text_may_stand = true;
        let pause = || Deed::Wait(self.job.patience.blind);
        let deeds = [
            pause(),
            Deed::Act(Act::Type(self.job.text.clone())),
            Deed::Wait(self.job.patience.blind.max(self.job.patience.settle)),
        ];
        let click = Deed::Act(Act::Click(self.job.place));
        self.go(Phase::BlindPasted, click, deeds)
    }

    pub(super) fn submit_blind(&mut self) -> Move {
        self.enter(Step::Submit);
        self.presses = self.presses.saturating_add(1);
        let pause = Deed::Wait(self.job.patience.blind);
        let enter = self.press(&self.job.keys.submit);
        self.go(Phase::BlindSubmitted, enter, [pause])
    }

    pub(super) fn blind_end(&mut self) -> Move {
        self.finish(Outcome::Submitted {
            reason: "this desktop cannot be observed".to_owned(),
        })
    }
}
