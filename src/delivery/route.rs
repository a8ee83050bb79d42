//! Which way a message takes, and what follows a failure.

use super::policy::Policy;
use crate::events::facts::attempt::{Channel, FailureClass, Next};
use crate::events::facts::message::Via;
use crate::events::lifecycle::Life;
use crate::events::time::Timestamp;

/// What the route depends on.
#[derive(Clone, Copy, Debug)]
pub struct Course<'a> {
    /// The channel that just failed.
    pub channel: Channel,
    /// Attempts on it since the message was accepted, requeued or fell back; from 1.
    pub attempts_here: u32,
    /// What the sender wants.
    pub via: Via,
    /// The agent's channels, first choice first.
    pub channels: &'a [Channel],
    /// Not carried later.
    pub expires_at: Option<Timestamp>,
}

/// What follows a failure. `dice` is 0..=1000 and decides the jitter. A retry that would come
/// after the message's expiry gives way to another channel, which is there at once.
pub fn after_failure(
    class: FailureClass,
    course: &Course<'_>,
    policy: &Policy,
    dice: u16,
    now: Timestamp,
) -> Next {
    let retry = course.attempts_here.saturating_sub(1);
    let at = now.after(policy.pause(class, retry, dice));
    let fallback = other_channel(course).filter(|_| policy.rule(class).fallback);
    let in_time = course.expires_at.is_none_or(|end| at < end);
    match fallback {
        _ if retry < policy.retries(class) && (in_time || fallback.is_none()) => Next::Retry { at },
        Some(to) => Next::Fallback { to },
        None => Next::Dead,
    }
}

/// The channel after the failed one, where the sender leaves the way to us.
fn other_channel(course: &Course<'_>) -> Option<Channel> {
    match course.via {
        Via::Gui | Via::Inbox => None,
        Via::Auto => course
            .channels
            .iter()
            .skip_while(|channel| **channel != course.channel)
            .find(|channel| **channel != course.channel)
            .copied(),
    }
}

/// The channel of the next attempt, and why it is not the first. None when the agent has no
/// channel that the sender would take.
pub fn first_channel(
    via: Via,
    channels: &[Channel],
    life: &Life,
) -> Option<(Channel, Option<FailureClass>)> {
    if let Some(fallen) = life.next_channel {
        return Some((fallen, life.because));
    }
    let wanted = match via {
        Via::Auto => channels.first().copied(),
        Via::Gui => channels.contains(&Channel::Gui).then_some(Channel::Gui),
        // Every agent has an inbox folder.
        Via::Inbox => Some(Channel::Inbox),
    };
    wanted.map(|channel| (channel, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const BOTH: &[Channel] = &[Channel::Gui, Channel::Inbox];
    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn course(attempts_here: u32, via: Via, channels: &[Channel]) -> Course<'_> {
        Course {
            channel: Channel::Gui,
            attempts_here,
            via,
            channels,
            expires_at: None,
        }
    }

    fn check(class: FailureClass, course: &Course<'_>, expect: Next) {
        let next = after_failure(class, course, &Policy::default(), 0, NOW);
        assert_eq!(next, expect, "{class} {course:?}");
    }

    fn retry(seconds: u64) -> Next {
        Next::Retry {
            at: NOW.after(Duration::from_secs(seconds)),
        }
    }

    const FALL: Next = Next::Fallback { to: Channel::Inbox };

    #[test]
    fn retries_come_first_then_the_inbox_then_death() {
        use FailureClass as F;
        check(F::PasteNotSeen, &course(1, Via::Auto, BOTH), retry(1));
        check(F::PasteNotSeen, &course(2, Via::Auto, BOTH), retry(2));
        check(F::PasteNotSeen, &course(3, Via::Auto, BOTH), retry(4));
        check(F::PasteNotSeen, &course(4, Via::Auto, BOTH), FALL);
        check(F::PasteNotSeen, &course(4, Via::Gui, BOTH), Next::Dead);
        check(
            F::PasteNotSeen,
            &course(4, Via::Auto, &[Channel::Gui]),
            Next::Dead,
        );
        check(F::TargetMoved, &course(2, Via::Auto, BOTH), FALL);
        check(F::Invalid, &course(1, Via::Auto, BOTH), FALL);
        check(F::Invalid, &course(1, Via::Gui, BOTH), Next::Dead);
        check(F::Paused, &course(900, Via::Auto, BOTH), retry(60));
    }

    #[test]
    fn nothing_is_behind_the_inbox() {
        let inbox = |attempts_here| Course {
            channel: Channel::Inbox,
            ..course(attempts_here, Via::Auto, BOTH)
        };
        check(FailureClass::InboxFailed, &inbox(1), retry(1));
        check(FailureClass::InboxFailed, &inbox(4), Next::Dead);
    }

    #[test]
    fn a_retry_after_the_expiry_gives_way_to_the_inbox() {
        let soon = Course {
            expires_at: Some(NOW.after(Duration::from_millis(900))),
            ..course(1, Via::Auto, BOTH)
        };
        check(FailureClass::PasteNotSeen, &soon, FALL);
        let alone = Course {
            via: Via::Gui,
            ..soon
        };
        check(FailureClass::PasteNotSeen, &alone, retry(1));
    }
}
