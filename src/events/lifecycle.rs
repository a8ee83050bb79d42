//! The life of one message, folded from its stream. Commands and projections both read it here, so
//! that they cannot disagree about what state a message is in.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use serde::{Deserialize, Serialize};

use super::facts::attempt::{AttemptFailed, Channel, FailureClass, Next};
use super::facts::message::{Verdict, Via};
use super::facts::words::worded;
use super::kind::Fact;
use super::time::Timestamp;

worded! {
    /// Where a message stands.
    State, "a message state" {
        /// Written down; waiting for its turn, its time or its next attempt.
        Accepted = "accepted",
        /// Hands are moving; the text is not seen yet.
        Attempting = "attempting",
        /// The text was seen in the box.
        Pasted = "pasted",
        /// Enter was pressed; nothing more can be seen there.
        Submitted = "submitted",
        /// It was seen to arrive.
        Observed = "observed",
        /// It is in the agent's inbox folder.
        Inboxed = "inboxed",
        /// The agent says it was read.
        Acknowledged = "acknowledged",
        /// The agent replied.
        Answered = "answered",
        /// Its time ran out first.
        Expired = "expired",
        /// It was taken back in time.
        Cancelled = "cancelled",
        /// Cut off after Enter may have been pressed.
        Unknown = "unknown",
        /// Every way was tried.
        Dead = "dead",
    }
}

worded! {
    /// How strong the evidence of arrival is; each includes those before it.
    Proof, "a proof" {
        /// It is in the ledger.
        Accepted = "accepted",
        /// An attempt was begun.
        Attempted = "attempted",
        /// The text was seen in the box.
        Pasted = "pasted",
        /// Enter was pressed.
        Submitted = "submitted",
        /// It was seen to arrive.
        Observed = "observed",
        /// The operator looked.
        Operator = "operator",
        /// The agent says so.
        Acknowledged = "acknowledged",
        /// The agent replied.
        Answered = "answered",
    }
}

impl State {
    /// Whether nothing more happens by itself.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Accepted | Self::Attempting | Self::Pasted)
    }

    /// Whether an attempt is under way.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Attempting | Self::Pasted)
    }
}

/// Why the last attempt, or the message, failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class that decided what followed.
    pub class: FailureClass,
    /// In words.
    pub detail: String,
}

/// One message's life so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the attempt and the text; they combine freely"
)]
pub struct Life {
    /// Where it stands.
    pub state: State,
    /// The best evidence had.
    pub proof: Proof,
    /// Attempts over all channels since it was accepted; also the number of the last one.
    pub attempts: u32,
    /// Attempts on the present channel since it was accepted, requeued or fell back.
    pub attempts_here: u32,
    /// The channel of the last attempt.
    pub channel: Option<Channel>,
    /// The channel the next attempt must take, once it fell back.
    pub next_channel: Option<Channel>,
    /// Why it fell back.
    pub because: Option<FailureClass>,
    /// Not carried earlier.
    pub due_at: Timestamp,
    /// Not carried later.
    pub expires_at: Option<Timestamp>,
    /// Which way the sender wants it carried.
    pub via: Via,
    /// Whether an attempt was begun and has not ended. Stays true when the message settles by an
    /// acknowledgement meanwhile.
    pub attempt_open: bool,
    /// Whether Enter may have been pressed by the attempt under way.
    pub enter_possible: bool,
    /// Whether Enter may have been pressed on its text by an attempt that is over, since it was accepted
    /// or requeued: then an empty box does not mean that nothing arrived. An attempt that failed did not
    /// press it, unless it says that the text stood there all the same.
    pub entered: bool,
    /// Whether the text may stand in the box, unsubmitted.
    pub text_may_stand: bool,
    /// The last failure.
    pub failure: Option<Failure>,
    /// When it came to rest.
    pub settled_at: Option<Timestamp>,
}

impl Life {
    /// A life begins with its acceptance; any other fact begins none.
    pub fn begin(fact: &Fact, at: Timestamp) -> Option<Self> {
        let Fact::MessageAccepted(accepted) = fact else {
            return None;
        };
        Some(Self {
            state: State::Accepted,
            proof: Proof::Accepted,
            attempts: 0,
            attempts_here: 0,
            channel: None,
            next_channel: only_channel(accepted.via),
            because: None,
            due_at: accepted.not_before.unwrap_or(at).max(at),
            expires_at: accepted.expires_at,
            via: accepted.via,
            attempt_open: false,
            enter_possible: false,
            entered: false,
            text_may_stand: false,
            failure: None,
            settled_at: None,
        })
    }

    /// What the fact, recorded at the instant, makes of it. Facts about other things change nothing.
    pub fn advance(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::AttemptStarted(started) => {
                self.rise(State::Attempting);
                self.proof = self.proof.max(Proof::Attempted);
                self.attempts = started.attempt;
                self.attempts_here = match self.channel {
                    Some(channel) if channel == started.channel => {
                        self.attempts_here.saturating_add(1)
                    }
                    _ => 1,
                };
                self.channel = Some(started.channel);
                self.attempt_open = true;
                self.enter_possible = false;
                // The text of an earlier attempt does not vanish because another way is tried.
                self.text_may_stand |= started.channel == Channel::Gui;
            }
            Fact::AttemptPasted(_) => {
                self.rise(State::Pasted);
                self.proof = self.proof.max(Proof::Pasted);
            }
            Fact::AttemptSubmitting(_) => {
                self.enter_possible = true;
            }
            Fact::AttemptSubmitted(_) => {
                self.proof = self.proof.max(Proof::Submitted);
                self.text_may_stand = false;
                self.end_attempt(State::Submitted, at);
            }
            Fact::AttemptObserved(_) => {
                self.proof = self.proof.max(Proof::Observed);
                self.text_may_stand = false;
                self.end_attempt(State::Observed, at);
            }
            Fact::AttemptFailed(failed) => self.fail(failed, at),
            Fact::AttemptUnknown(_) => {
                self.entered = true;
                self.end_attempt(State::Unknown, at);
            }
            Fact::AttemptInboxed(_) => self.end_attempt(State::Inboxed, at),
            other => self.advance_message(other, at),
        }
    }

    /// Whether Enter was pressed and the text was last seen standing, so that only another look can tell
    /// whether the window took it late.
    pub fn awaits_a_look(&self) -> bool {
        let class = self.failure.as_ref().map(|failure| failure.class);
        self.entered && self.text_may_stand && class == Some(FailureClass::SubmitNotSeen)
    }

    /// What the recipient said outranks what was seen: an attempt's end does not lower it.
    const fn said_by_recipient(&self) -> bool {
        matches!(self.state, State::Acknowledged | State::Answered)
    }

    fn rise(&mut self, state: State) {
        if !self.said_by_recipient() {
            self.state = state;
        }
    }

    fn end_attempt(&mut self, state: State, at: Timestamp) {
        self.attempt_open = false;
        if !self.said_by_recipient() {
            self.settle(state, at);
        }
    }

    fn fail(&mut self, failed: &AttemptFailed, at: Timestamp) {
        self.attempt_open = false;
        self.entered |= self.enter_possible && failed.class == FailureClass::SubmitNotSeen;
        self.enter_possible = false;
        self.text_may_stand = match self.channel {
            Some(Channel::Inbox) => self.text_may_stand || failed.text_may_stand,
            Some(Channel::Gui) | None => failed.text_may_stand,
        };
        self.failure = Some(Failure {
            class: failed.class,
            detail: failed.detail.clone(),
        });
        if self.said_by_recipient() {
            return;
        }
        self.state = State::Accepted;
        match failed.next {
            Next::Retry { at: due } => self.due_at = due,
            Next::Fallback { to } => {
                self.next_channel = Some(to);
                self.because = Some(failed.class);
                self.due_at = at;
            }
            // `message.died` follows in the same commit; whoever stops reading between the two
            // must not see a message that is still carried.
            Next::Dead => self.settle(State::Dead, at),
        }
    }

    fn advance_message(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::MessageExpired(_) => self.settle(State::Expired, at),
            Fact::MessageCancelled(_) => self.settle(State::Cancelled, at),
            Fact::MessageAcknowledged(_) => {
                self.proof = self.proof.max(Proof::Acknowledged);
                if self.state != State::Answered {
                    self.settle(State::Acknowledged, at);
                }
            }
            Fact::MessageAnswered(_) => {
                self.proof = Proof::Answered;
                self.settle(State::Answered, at);
            }
            Fact::MessageRequeued(requeued) => self.begin_again(requeued.expires_at, at),
            Fact::MessageResolved(resolved) => match resolved.verdict {
                Verdict::Delivered => {
                    self.proof = self.proof.max(Proof::Operator);
                    self.text_may_stand = false;
                    self.settle(State::Observed, at);
                }
                Verdict::Failed => self.settle(State::Dead, at),
            },
            Fact::MessageDied(died) => {
                self.failure = Some(Failure {
                    class: died.class,
                    detail: died.detail.clone(),
                });
                self.settle(State::Dead, at);
            }
            _ => {}
        }
    }

    fn begin_again(&mut self, expires_at: Option<Timestamp>, at: Timestamp) {
        self.state = State::Accepted;
        self.proof = Proof::Accepted;
        self.attempts_here = 0;
        self.channel = None;
        self.next_channel = only_channel(self.via);
        self.because = None;
        self.due_at = at;
        self.expires_at = expires_at;
        self.attempt_open = false;
        self.enter_possible = false;
        self.entered = false;
        self.settled_at = None;
    }

    fn settle(&mut self, state: State, at: Timestamp) {
        self.state = state;
        self.settled_at = self.settled_at.or(Some(at));
    }
}

/// The way a message must take from the beginning, when the sender left no choice.
const fn only_channel(via: Via) -> Option<Channel> {
    match via {
        Via::Auto => None,
        Via::Gui => Some(Channel::Gui),
        Via::Inbox => Some(Channel::Inbox),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::events::facts::attempt::{
        AttemptInboxed, AttemptObserved, AttemptPasted, AttemptStarted, AttemptSubmitted,
        AttemptSubmitting, AttemptUnknown, Witness,
    };
    use crate::events::facts::message::{
        MessageAccepted, MessageAcknowledged, MessageAnswered, MessageCancelled, MessageDied,
        MessageExpired, MessageKind, MessageRead, MessageRequeued, MessageResolved, Priority,
    };
    use crate::events::ids::{AgentId, MessageId};

    const ID: MessageId = MessageId(Uuid::nil());

    fn at(second: u64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn accepted(via: Via) -> Fact {
        MessageAccepted {
            message: ID,
            from: AgentId::operator(),
            to: AgentId::switchboard(),
            body: "x".to_owned(),
            kind: MessageKind::Text,
            priority: Priority::Normal,
            tags: Vec::new(),
            via,
            ttl_micros: None,
            expires_at: None,
            not_before: None,
            reply_to: None,
            broadcast: None,
            hops: 0,
        }
        .into()
    }

    fn started(attempt: u32, channel: Channel) -> Fact {
        AttemptStarted {
            message: ID,
            attempt,
            channel,
            seat: None,
            place: None,
            because: None,
        }
        .into()
    }

    fn failed(next: Next, text_may_stand: bool) -> Fact {
        AttemptFailed {
            message: ID,
            attempt: 1,
            class: FailureClass::PasteNotSeen,
            detail: String::new(),
            text_may_stand,
            next,
            steps: Vec::new(),
        }
        .into()
    }

    fn pasted() -> Fact {
        AttemptPasted {
            message: ID,
            attempt: 1,
            changed_pixels: 0,
            needed_pixels: 0,
            read_back: true,
            sanitised: None,
        }
        .into()
    }

    fn submitting() -> Fact {
        AttemptSubmitting {
            message: ID,
            attempt: 1,
        }
        .into()
    }

    fn submitted() -> Fact {
        AttemptSubmitted {
            message: ID,
            attempt: 1,
            reason: String::new(),
            steps: Vec::new(),
        }
        .into()
    }

    fn observed() -> Fact {
        AttemptObserved {
            message: ID,
            attempt: 1,
            witness: Witness::BoxEmptied,
            presses: 1,
            window: None,
            steps: Vec::new(),
        }
        .into()
    }

    fn unknown() -> Fact {
        AttemptUnknown {
            message: ID,
            attempt: 1,
            reason: String::new(),
        }
        .into()
    }

    fn inboxed() -> Fact {
        AttemptInboxed {
            message: ID,
            attempt: 1,
            file: String::new(),
            nudge: None,
        }
        .into()
    }

    fn by() -> AgentId {
        AgentId::operator()
    }

    fn acknowledged() -> Fact {
        MessageAcknowledged {
            message: ID,
            by: by(),
        }
        .into()
    }

    fn resolved(verdict: Verdict) -> Fact {
        MessageResolved {
            message: ID,
            by: by(),
            verdict,
        }
        .into()
    }

    fn requeued() -> Fact {
        MessageRequeued {
            message: ID,
            by: by(),
            expires_at: None,
        }
        .into()
    }

    /// One fact a second, the first at second 1.
    fn lived(via: Via, facts: &[Fact]) -> Life {
        let mut life = Life::begin(&accepted(via), at(1)).unwrap();
        for (second, fact) in (2..).zip(facts) {
            life.advance(fact, at(second));
        }
        life
    }

    #[track_caller]
    fn check(facts: &[Fact], state: State, proof: Proof, open: bool, settled: Option<u64>) {
        let life = lived(Via::Auto, facts);
        let found = (life.state, life.proof, life.attempt_open, life.settled_at);
        assert_eq!(found, (state, proof, open, settled.map(at)));
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one row per way")]
    fn every_way_through_a_life_ends_where_it_should() {
        use Channel::{Gui, Inbox};
        let retry = Next::Retry { at: at(60) };
        let expired: Fact = MessageExpired {
            message: ID,
            expired_at: at(9),
        }
        .into();
        let cancelled: Fact = MessageCancelled {
            message: ID,
            by: by(),
        }
        .into();
        let answered: Fact = MessageAnswered {
            message: ID,
            by: by(),
            answer: ID,
        }
        .into();
        let go = started(1, Gui);
        check(&[], State::Accepted, Proof::Accepted, false, None);
        check(&[expired], State::Expired, Proof::Accepted, false, Some(2));
        check(
            &[cancelled],
            State::Cancelled,
            Proof::Accepted,
            false,
            Some(2),
        );
        let mut facts = vec![go.clone()];
        check(&facts, State::Attempting, Proof::Attempted, true, None);
        facts.push(pasted());
        check(&facts, State::Pasted, Proof::Pasted, true, None);
        facts.push(submitting());
        check(&facts, State::Pasted, Proof::Pasted, true, None);
        let then = |fact: Fact| [facts.clone(), vec![fact]].concat();
        check(
            &then(observed()),
            State::Observed,
            Proof::Observed,
            false,
            Some(5),
        );
        check(
            &then(submitted()),
            State::Submitted,
            Proof::Submitted,
            false,
            Some(5),
        );
        check(
            &then(unknown()),
            State::Unknown,
            Proof::Pasted,
            false,
            Some(5),
        );
        check(
            &then(failed(retry, true)),
            State::Accepted,
            Proof::Pasted,
            false,
            None,
        );
        check(
            &then(failed(Next::Dead, true)),
            State::Dead,
            Proof::Pasted,
            false,
            Some(5),
        );
        // The recipient's word stands, whatever the attempt ends in.
        for end in [
            observed(),
            submitted(),
            unknown(),
            failed(retry, true),
            failed(Next::Dead, true),
        ] {
            let facts = [facts.clone(), vec![acknowledged(), end]].concat();
            check(
                &facts,
                State::Acknowledged,
                Proof::Acknowledged,
                false,
                Some(5),
            );
        }
        let facts = [
            facts.clone(),
            vec![observed(), acknowledged(), answered, acknowledged()],
        ]
        .concat();
        check(&facts, State::Answered, Proof::Answered, false, Some(5));
        check(
            &[started(1, Inbox), inboxed()],
            State::Inboxed,
            Proof::Attempted,
            false,
            Some(3),
        );
        let dead = [
            go.clone(),
            submitting(),
            unknown(),
            resolved(Verdict::Failed),
        ];
        check(&dead, State::Dead, Proof::Attempted, false, Some(4));
        let looked = [go, submitting(), unknown(), resolved(Verdict::Delivered)];
        check(&looked, State::Observed, Proof::Operator, false, Some(4));
        let again = [dead.to_vec(), vec![requeued()]].concat();
        check(&again, State::Accepted, Proof::Accepted, false, None);
    }

    #[test]
    fn a_way_the_sender_left_no_choice_about_is_kept_when_it_is_queued_again() {
        for (via, only) in [
            (Via::Auto, None),
            (Via::Gui, Some(Channel::Gui)),
            (Via::Inbox, Some(Channel::Inbox)),
        ] {
            let facts = [
                started(1, Channel::Inbox),
                failed(Next::Dead, false),
                requeued(),
            ];
            assert_eq!(lived(via, &[]).next_channel, only);
            assert_eq!(lived(via, &facts).next_channel, only);
        }
    }

    #[test]
    fn attempts_are_counted_over_all_and_per_channel() {
        let retry = || failed(Next::Retry { at: at(9) }, false);
        let to_inbox = Next::Fallback { to: Channel::Inbox };
        let life = lived(
            Via::Auto,
            &[
                started(1, Channel::Gui),
                retry(),
                started(2, Channel::Gui),
                failed(to_inbox, false),
                started(3, Channel::Inbox),
            ],
        );
        assert_eq!((life.attempts, life.attempts_here), (3, 1));
        assert_eq!(life.next_channel, Some(Channel::Inbox));
        assert_eq!(life.because, Some(FailureClass::PasteNotSeen));
    }

    #[test]
    fn text_that_stands_in_a_box_is_not_forgotten_by_taking_another_way() {
        let to = Next::Fallback { to: Channel::Inbox };
        let facts = [
            started(1, Channel::Gui),
            failed(to, true),
            started(2, Channel::Inbox),
            inboxed(),
        ];
        assert!(lived(Via::Auto, &facts).text_may_stand);
        let facts = [started(1, Channel::Gui), submitting(), observed()];
        assert!(!lived(Via::Auto, &facts).text_may_stand);
    }

    #[test]
    fn reading_and_dying_twice_change_nothing_more() {
        let died: Fact = MessageDied {
            message: ID,
            attempts: 1,
            class: FailureClass::PasteNotSeen,
            detail: String::new(),
        }
        .into();
        let read: Fact = MessageRead {
            message: ID,
            by: by(),
        }
        .into();
        let once = [started(1, Channel::Gui), failed(Next::Dead, false)];
        let twice = [once.to_vec(), vec![died, read]].concat();
        assert_eq!(lived(Via::Auto, &once), lived(Via::Auto, &twice));
    }
}
