//! Reading a box without destroying what stands in it: select all, copy, compare, deselect.

use super::machine::Courier;
use super::moves::{Deed, Move};
use super::paste::worth_waiting;
use super::phase::{Doubt, Phase};
use crate::delivery::evidence;
use crate::delivery::mask::Mask;
use crate::delivery::ports::{Clip, Picture, Survey};
use crate::events::facts::agent::Target;
use crate::events::facts::attempt::FailureClass;
use crate::events::time::Timestamp;

/// Why the box is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Text of ours may stand there.
    Standing,
    /// The box does not show its known empty look.
    Draft,
    /// Our text was pasted, and there is doubt whether it is ours alone.
    ReadBack,
    /// Enter was pressed, and the text seems to stand: it may be pressed again.
    Swallowed,
    /// Enter was pressed for the last time, and the text seems to stand.
    Stands,
}

/// Reading the box, step by step. Every key is preceded by a survey, so that it cannot land
/// elsewhere unseen.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    purpose: Purpose,
    stage: Stage,
    /// Which of the select-all keys is tried.
    candidate: usize,
    before: Option<Picture>,
    selection: Option<Mask>,
    /// Some key showed an effect: the box is not empty, whether it can be read or not.
    moved: bool,
    /// Something was copied.
    read: bool,
    /// The box is read for the second time.
    again: bool,
    until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Sentinel,
    Before,
    Aim(Thrust),
    Selecting,
    Copying,
    Deselecting(Found),
    Deleting { own: bool },
}

/// The next key of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Thrust {
    Select,
    Copy,
    Deselect(Found),
    Delete { own: bool },
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    /// Nothing could be copied, or nothing but white space: a Tk text always ends in a line end, and
    /// hands it out.
    Nothing,
    /// This message's text, exactly once.
    Own,
    /// Text of ours that should not be there: another message's, or ours several times.
    /// `own` tells whether it is this message's.
    Litter { own: bool },
    /// Somebody's words.
    Strange,
}

impl Probe {
    pub(super) fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            stage: Stage::Sentinel,
            candidate: 0,
            before: None,
            selection: None,
            moved: false,
            read: false,
            again: false,
            until: Timestamp::EPOCH,
        }
    }
}

impl Courier {
    /// A text that nobody else copies: as long as it is there, nothing was copied.
    fn sentinel(&self) -> String {
        format!("[switchboard {} {}]", self.job.message, self.job.attempt)
    }

    pub(super) fn probe(&mut self, mut probe: Probe) -> Move {
        let sentinel = self.sentinel();
        self.ours.push(sentinel.clone());
        self.clipboard_set = true;
        probe.until = self.deadline(self.job.patience.clipboard);
        self.go(
            Phase::Probe(Box::new(probe)),
            Deed::SetClipboard(Clip::Text(sentinel)),
            [Deed::ReadClipboard],
        )
    }

    pub(super) fn probe_read(&mut self, mut probe: Probe, clip: &Clip) -> Move {
        let is_sentinel = matches!(clip, Clip::Text(text) if *text == self.sentinel());
        match probe.stage {
            Stage::Sentinel if is_sentinel => {
                probe.stage = Stage::Before;
                self.look(Phase::Probe(Box::new(probe)))
            }
            Stage::Sentinel if self.now >= probe.until => self.fail_as(
                FailureClass::ClipboardLost,
                "the clipboard does not hold what was put there",
            ),
            Stage::Copying if !is_sentinel && *clip != Clip::Empty => {
                probe.read = true;
                let found = match clip {
                    Clip::Text(text) => {
                        self.ours.push(text.clone());
                        self.recognise(probe.purpose, text)
                    }
                    Clip::Empty | Clip::Other => Found::Strange,
                };
                // Only a visible selection proves that what was copied stood in the box.
                let found = match (found, &probe.selection) {
                    (Found::Own | Found::Litter { .. }, None) => Found::Strange,
                    (found, _) => found,
                };
                self.aim_probe(probe, Thrust::Deselect(found))
            }
            // What showed was no selection: a caret that went to the other end scrolls a long text.
            Stage::Copying if self.now >= probe.until && self.has_more_keys(&probe) => {
                self.unanswered +=
                    u8::from(probe.purpose != Purpose::ReadBack && self.unanswered < 9);
                probe.candidate = probe.candidate.saturating_add(1);
                probe.before = None;
                probe.selection = None;
                probe.stage = Stage::Before;
                self.look(Phase::Probe(Box::new(probe)))
            }
            Stage::Copying if self.now >= probe.until => {
                self.unanswered +=
                    u8::from(probe.purpose != Purpose::ReadBack && self.unanswered < 9);
                let found = if probe.moved {
                    Found::Strange
                } else {
                    Found::Nothing
                };
                self.aim_probe(probe, Thrust::Deselect(found))
            }
            Stage::Sentinel
            | Stage::Before
            | Stage::Aim(_)
            | Stage::Selecting
            | Stage::Copying
            | Stage::Deselecting(_)
            | Stage::Deleting { .. } => {
                let poll = self.poll();
                self.go(Phase::Probe(Box::new(probe)), poll, [Deed::ReadClipboard])
            }
        }
    }

    /// Whether the clipboard's owner is to be asked again. After a copy that is the window itself, and
    /// a window that is slow to answer is no reason to give up: the copy was made.
    pub(super) fn may_answer_late(&self, probe: &Probe) -> bool {
        let until = probe.until.after(self.job.patience.clipboard);
        matches!(probe.stage, Stage::Copying) && self.now < until
    }

    fn has_more_keys(&self, probe: &Probe) -> bool {
        probe.candidate.saturating_add(1) < self.job.keys.select_all.len()
    }

    fn aim_probe(&mut self, mut probe: Probe, thrust: Thrust) -> Move {
        probe.stage = Stage::Aim(thrust);
        probe.until = self.deadline(self.job.patience.quiet);
        self.survey(Phase::Probe(Box::new(probe)))
    }

    pub(super) fn probe_aimed(&mut self, mut probe: Probe, survey: &Survey) -> Move {
        match self.ready(survey) {
            Ok(()) => {}
            Err(_) if worth_waiting(survey) && self.now < probe.until => {
                return self.survey_later(Phase::Probe(Box::new(probe)));
            }
            Err(obstacle) => return self.fail(obstacle),
        }
        let Stage::Aim(thrust) = probe.stage.clone() else {
            return self.fail_as(FailureClass::Interrupted, "a survey came unasked");
        };
        probe.until = self.deadline(self.job.patience.probe);
        let keys = &self.job.keys;
        let (stage, key, then) = match thrust {
            Thrust::Select => {
                let Some(key) = keys.select_all.get(probe.candidate) else {
                    return self.aim_probe(probe, Thrust::Copy);
                };
                (Stage::Selecting, key, Deed::Capture(self.region))
            }
            Thrust::Copy => (Stage::Copying, &keys.copy, Deed::ReadClipboard),
            Thrust::Deselect(found) => (
                Stage::Deselecting(found),
                &keys.deselect,
                Deed::Capture(self.region),
            ),
            Thrust::Delete { own } => (
                Stage::Deleting { own },
                &keys.delete,
                Deed::Capture(self.region),
            ),
        };
        probe.stage = stage;
        let press = self.press(key);
        let poll = Deed::Wait(self.job.patience.poll);
        self.go(Phase::Probe(Box::new(probe)), press, [poll, then])
    }

    pub(super) fn probe_seen(&mut self, mut probe: Probe, seen: Picture) -> Move {
        let Some(before) = &probe.before else {
            probe.before = Some(seen);
            return self.aim_probe(probe, Thrust::Select);
        };
        let selection = evidence::selection_shows(before, &seen, &self.volatile);
        let late = self.now >= probe.until;
        match probe.stage.clone() {
            Stage::Selecting if selection.is_some() => {
                probe.selection = selection;
                probe.moved = true;
                self.aim_probe(probe, Thrust::Copy)
            }
            Stage::Selecting if late => {
                let more = self.has_more_keys(&probe);
                probe.candidate = probe.candidate.saturating_add(1);
                let thrust = if more { Thrust::Select } else { Thrust::Copy };
                self.aim_probe(probe, thrust)
            }
            Stage::Deselecting(found) if selection.is_none() || late => {
                self.probed(&probe, &found, Some(seen))
            }
            // What was deleted shows as a change of the picture before.
            Stage::Deleting { own } if selection.is_some() || late => self.deleted(&probe, own),
            Stage::Sentinel
            | Stage::Before
            | Stage::Aim(_)
            | Stage::Selecting
            | Stage::Copying
            | Stage::Deselecting(_)
            | Stage::Deleting { .. } => self.look_later(Phase::Probe(Box::new(probe))),
        }
    }

    fn recognise(&self, purpose: Purpose, read: &str) -> Found {
        let text = plain(read);
        let own = plain(&self.with_draft(&self.job.text));
        if text.is_empty() {
            // A stray paste of a line end would come before ours.
            let stray = purpose == Purpose::Standing && !matches!(read, "" | "\n" | "\r\n");
            return if stray {
                Found::Litter { own: false }
            } else {
                Found::Nothing
            };
        }
        let begins = |text: &str| text.len() - text.trim_start().len();
        let shifted = begins(read) > begins(&self.job.text);
        if text == own {
            return if shifted && self.doubt == Doubt::Grave {
                Found::Litter { own: true }
            } else {
                Found::Own
            };
        }
        let sentinel = self.sentinel();
        let standing = || self.job.standing.iter();
        if is_made_of(&text, &[&own, &sentinel]) {
            return Found::Litter { own: true };
        }
        if standing().any(|s| is_made_of(&text, &[&plain(&s.text), &sentinel])) {
            let own = standing().any(|s| s.message == self.job.message && plain(&s.text) == text);
            return Found::Litter { own };
        }
        Found::Strange
    }

    /// What the reading means.
    fn probed(&mut self, probe: &Probe, found: &Found, seen: Option<Picture>) -> Move {
        let finding = matches!(probe.purpose, Purpose::Standing | Purpose::Draft);
        if finding && *found == Found::Strange && !probe.read && !probe.again {
            // What moved may have been a fade of colours, which ends: a selection shows again.
            let again = true;
            let probe = Probe::new(probe.purpose);
            return self.probe(Probe { again, ..probe });
        }
        match (probe.purpose, found) {
            (Purpose::Standing, Found::Own) => self.go_on_at_enter(probe, seen),
            (Purpose::Standing | Purpose::ReadBack, Found::Litter { own }) => {
                // Select again, and delete: every word of it is ours, and in the ledger.
                self.delete_litter(probe, *own)
            }
            (Purpose::Standing, Found::Nothing) if self.job.look.is_none() => {
                // Nobody ever saw this box empty; it is read again before Enter.
                self.nothing_stands()
            }
            (Purpose::Draft, Found::Nothing) => {
                // A new placeholder, say, or an unknown box: nothing can be read there.
                self.doubt = self.doubt.max(Doubt::Slight);
                self.take_clipboard()
            }
            (Purpose::Swallowed, Found::Own) => self.enter_again(),
            (Purpose::Swallowed, Found::Nothing | Found::Strange) if !probe.read => self.watch_on(),
            (Purpose::Stands, Found::Own) => self.still_stands(""),
            (
                Purpose::Swallowed | Purpose::Stands,
                Found::Nothing | Found::Litter { .. } | Found::Strange,
            ) => self
                .unknown("the text seems to stand after Enter, but the box does not say so itself"),
            // That may be the answer to an earlier key, given before everything was in the box.
            (Purpose::ReadBack, Found::Own) if self.unanswered > 0 => {
                self.unanswered = self.unanswered.saturating_sub(1);
                self.probe(Probe::new(Purpose::ReadBack))
            }
            (Purpose::ReadBack, Found::Own) => {
                self.read_back = true;
                self.settle()
            }
            (Purpose::ReadBack, Found::Nothing) if self.doubt < Doubt::Grave => self.settle(),
            (Purpose::ReadBack, Found::Nothing) => self.fail_as(
                FailureClass::PasteNotSeen,
                "the box could not be read back, and there is doubt what it holds",
            ),
            (Purpose::ReadBack, Found::Strange) => self.fail_as(
                FailureClass::PasteNotSeen,
                "the box holds other words than were pasted",
            ),
            (Purpose::Standing, Found::Nothing) => self.fail_as(
                FailureClass::DraftInTheWay,
                "the box does not look empty, and cannot be read",
            ),
            (Purpose::Draft, Found::Strange) if self.target() != Target::Terminal => {
                self.draft_found(probe, probe.selection.is_some())
            }
            (Purpose::Standing | Purpose::Draft, Found::Strange)
            | (Purpose::Draft, Found::Own | Found::Litter { .. }) => self.fail_as(
                FailureClass::DraftInTheWay,
                "the box holds somebody's unfinished words",
            ),
        }
    }

    /// Our text stands there already: its pixels are the evidence from here on.
    fn go_on_at_enter(&mut self, probe: &Probe, seen: Option<Picture>) -> Move {
        let ink = seen.as_ref().zip(probe.selection.as_ref());
        let found = ink.and_then(|(seen, selection)| evidence::ink_of_standing(seen, selection));
        let (Some((change, emptied)), Some(seen)) = (found, seen) else {
            return self.fail_as(
                FailureClass::DraftInTheWay,
                "our text stands in the box, but its pixels cannot be told",
            );
        };
        self.change = change;
        self.empty = Some(emptied);
        self.pasted = Some(seen);
        self.read_back = true;
        self.look_is_new = false;
        self.text_may_stand = true;
        self.settle()
    }

    pub(super) fn delete_litter(&mut self, probe: &Probe, own: bool) -> Move {
        let again = Probe {
            purpose: probe.purpose,
            stage: Stage::Aim(Thrust::Delete { own }),
            candidate: probe.candidate,
            before: probe.before.clone(),
            selection: probe.selection.clone(),
            moved: probe.moved,
            read: probe.read,
            again: probe.again,
            until: probe.until,
        };
        // The deselecting key ended the selection; take it up again right before deleting.
        let Some(select) = self.job.keys.select_all.get(probe.candidate) else {
            return self.fail_as(FailureClass::DraftInTheWay, "the box cannot be selected");
        };
        let select = self.press(select);
        let poll = Deed::Wait(self.job.patience.poll);
        self.go(
            Phase::Probe(Box::new(again)),
            select,
            [poll, Deed::Survey(self.job.place)],
        )
    }

    fn deleted(&mut self, probe: &Probe, own: bool) -> Move {
        if probe.purpose == Purpose::ReadBack {
            return self.fail_as(
                FailureClass::PasteNotSeen,
                "the box held our text more than once; it was taken out again",
            );
        }
        let message = self.job.message;
        self.job
            .standing
            .retain(|s| !own && s.entered && s.message == message);
        self.doubt = Doubt::Grave;
        self.watch()
    }
}

/// As it may come back from a box: other line ends, hard spaces, blanks at the ends.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Whether the text consists of nothing but these parts.
fn is_made_of(text: &str, parts: &[&str]) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let next = parts
            .iter()
            .filter(|part| !part.is_empty())
            .find_map(|part| rest.strip_prefix(part));
        match next {
            Some(after) => rest = after.trim_start(),
            None => return false,
        }
    }
    !text.is_empty()
}
