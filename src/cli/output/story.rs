//! `why` for people: a line per event, as a story.

use serde_json::Value;

use super::items::{count, inline, instant, number, offset, truth, word};
use super::paint::{Paint, Tone};
use crate::events::time::Timestamp;

/// The story of a message: a line per event, each with the time since the first.
pub fn why(items: &[Value], paint: Paint) -> String {
    let start: Option<Timestamp> = items
        .first()
        .and_then(|item| item["recorded_at"].as_str()?.parse().ok());
    let mut lines: Vec<String> = items
        .first()
        .map(|first| paint.tone(Tone::Dim, &instant(first, "recorded_at", true)))
        .into_iter()
        .collect();
    for item in items {
        let at = offset(item, "recorded_at", start);
        let event = word(item, "event");
        let told = sentence(&event, &item["detail"]);
        let told = match tone(&event) {
            Some(tone) => paint.tone(tone, &told),
            None => told,
        };
        lines.push(format!(
            "{}  {told}",
            paint.tone(Tone::Dim, &format!("{at:>9}"))
        ));
    }
    lines.join("\n")
}

fn tone(event: &str) -> Option<Tone> {
    match event {
        "attempt.observed" | "message.acknowledged" | "message.answered" => Some(Tone::Good),
        "attempt.failed" | "attempt.unknown" | "message.died" | "message.expired"
        | "breaker.opened" => Some(Tone::Bad),
        _ => None,
    }
}

/// One event in words. Kinds that are not known here are told by their name and fields.
pub fn sentence(event: &str, detail: &Value) -> String {
    let d = |field: &str| word(detail, field);
    let attempt = || format!("attempt {}", number(detail, "attempt"));
    match event {
        "message.accepted" => accepted(detail),
        "message.expired" => "expired before it was delivered".to_owned(),
        "message.cancelled" => format!("cancelled by {}", d("by")),
        "message.acknowledged" => format!("acknowledged by {}", d("by")),
        "message.answered" => format!("answered by {} with {}", d("by"), d("answer")),
        "message.requeued" => format!("queued again by {}", d("by")),
        "message.resolved" => format!("{} looked: {}", d("by"), d("verdict")),
        "message.read" => format!("read by {}", d("by")),
        "message.died" => format!(
            "dead after {}: {}{}",
            count(number(detail, "attempts"), "attempt"),
            d("class"),
            after(", ", &d("detail")),
        ),
        "attempt.started" => format!(
            "{} by {}{}{}{}",
            attempt(),
            d("channel"),
            after(" at ", &d("place")),
            after(" on ", &d("seat")),
            after(", because of ", &d("because")),
        ),
        "attempt.pasted" => format!("{}: {}", attempt(), pasted(detail)),
        "attempt.submitting" => format!("{}: about to press Enter", attempt()),
        "attempt.submitted" => format!(
            "{}: Enter pressed; no more can be seen{}{}",
            attempt(),
            after(": ", &d("reason")),
            took(detail),
        ),
        "attempt.observed" => format!("{}: {}", attempt(), observed(detail)),
        "attempt.failed" => format!(
            "{} failed: {}{}; {}",
            attempt(),
            d("class"),
            after(", ", &d("detail")),
            next(&detail["next"]),
        ),
        "attempt.unknown" => format!(
            "{}: outcome unknown{}; look, then `switchboard resolve`",
            attempt(),
            after(", ", &d("reason")),
        ),
        "attempt.inboxed" => format!(
            "{}: put into the inbox as {}{}",
            attempt(),
            d("file"),
            after(", nudge ", &d("nudge")),
        ),
        other => around(other, detail),
    }
}

/// By how much too much was said.
fn excess(detail: &Value) -> String {
    let excess = &detail["excess"];
    format!(
        "{} of {} allowed ({})",
        word(excess, "count"),
        word(excess, "allowed"),
        word(excess, "limit")
    )
}

/// What is told about agents, seats and breakers in a message's story.
fn around(event: &str, detail: &Value) -> String {
    let d = |field: &str| word(detail, field);
    let seat = || {
        let seat = d("seat");
        if seat.is_empty() {
            "every seat".to_owned()
        } else {
            format!("seat {seat}")
        }
    };
    match event {
        "breaker.opened" => format!(
            "{} of {} left alone after {} in a row, until {}",
            d("channel"),
            d("agent"),
            count(number(detail, "failures"), "failure"),
            instant(detail, "until", false),
        ),
        "breaker.probed" => format!(
            "let through as a probe of {} by {}",
            d("agent"),
            d("channel")
        ),
        "breaker.closed" => format!("{} of {} works again", d("channel"), d("agent")),
        "seat.paused" => format!("{} paused by {} ({})", seat(), d("by"), d("reason")),
        "seat.resumed" => format!("{} resumed by {}", seat(), d("by")),
        "agent.paused" => format!("agent {} paused by {}", d("agent"), d("by")),
        "agent.quarantined" => format!("agent {} held: {}", d("agent"), excess(detail)),
        "pair.quarantined" => format!(
            "{} and {} held: {}",
            d("first"),
            d("second"),
            excess(detail)
        ),
        "agent.released" => format!("agent {} released by {}", d("agent"), d("by")),
        "pair.released" => format!("{} and {} released by {}", d("first"), d("second"), d("by")),
        "agent.manners_set" => format!("agent {} wants to be treated otherwise", d("agent")),
        "message.mode_chosen" => format!("to be carried in mode {}", d("mode")),
        "draft.saved" => format!("saved somebody's unfinished words: {}", d("text")),
        "draft.restored" => "put them back".to_owned(),
        "agent.resumed" => format!("agent {} resumed by {}", d("agent"), d("by")),
        "agent.placed" => format!(
            "agent {} placed at {} on {}",
            d("agent"),
            d("place"),
            d("seat")
        ),
        "agent.added" | "agent.changed" | "agent.removed" => {
            let what = event.trim_start_matches("agent.");
            format!("agent {} {what}", d("agent"))
        }
        other => match inline(detail) {
            fields if fields.is_empty() => other.to_owned(),
            fields => format!("{other} {fields}"),
        },
    }
}

fn after(lead: &str, words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!("{lead}{words}")
    }
}

fn accepted(detail: &Value) -> String {
    let d = |field: &str| word(detail, field);
    let mut told = format!("accepted from {} to {}", d("from"), d("to"));
    for part in [
        Some(d("priority")).filter(|p| !p.is_empty() && p != "normal"),
        Some(format!("by {} only", d("via"))).filter(|_| !matches!(&*d("via"), "" | "auto")),
        detail["body"].as_str().map(|body| {
            count(
                u64::try_from(body.chars().count()).unwrap_or(0),
                "character",
            )
        }),
        Some(after("not before ", &instant(detail, "not_before", false))),
        Some(after("until ", &instant(detail, "expires_at", false))),
        Some(after("in reply to ", &d("reply_to"))),
    ]
    .into_iter()
    .flatten()
    .filter(|part| !part.is_empty())
    {
        told = format!("{told}, {part}");
    }
    told
}

fn pasted(detail: &Value) -> String {
    let seen = match number(detail, "changed_pixels") {
        0 => "text pasted, unseen".to_owned(),
        pixels => format!("text seen in the box ({})", count(pixels, "pixel")),
    };
    let unread = if truth(detail, "read_back") {
        ""
    } else {
        ", clipboard not read back"
    };
    let cleaned = after(", ", &word(detail, "sanitised"));
    format!("{seen}{unread}{cleaned}")
}

fn observed(detail: &Value) -> String {
    let seen = match word(detail, "witness").as_str() {
        "box_emptied" => "seen to leave the box".to_owned(),
        "scrolled" => "seen to move up into the transcript".to_owned(),
        "transcript_ink" => "seen in the transcript".to_owned(),
        other => format!("seen to arrive ({other})"),
    };
    let again = match number(detail, "presses") {
        0 | 1 => String::new(),
        presses => format!(", Enter pressed {presses} times"),
    };
    format!("{seen}{again}{}", took(detail))
}

/// `, 14.2 ms in all`, from the recorded steps.
fn took(detail: &Value) -> String {
    let micros: u64 = super::items::list(detail, "steps")
        .iter()
        .map(|step| number(step, "micros"))
        .fold(0, u64::saturating_add);
    match micros {
        0 => String::new(),
        micros => format!(", {}.{} ms in all", micros / 1000, micros / 100 % 10),
    }
}

fn next(next: &Value) -> String {
    if let Some(retry) = next.get("retry") {
        return format!("again at {}", instant(retry, "at", true));
    }
    if let Some(fallback) = next.get("fallback") {
        return format!("next by {}", word(fallback, "to"));
    }
    match next.as_str() {
        Some("dead") => "nothing is left to try".to_owned(),
        _ => after("then ", &inline(next)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::events::facts::attempt::{
        AttemptFailed, AttemptObserved, AttemptPasted, AttemptStarted, Channel, FailureClass, Next,
        Step, StepTime, Witness,
    };
    use crate::events::facts::screen::Point;
    use crate::events::ids::MessageId;
    use crate::events::kind::{Fact, KINDS};

    fn told(fact: &Fact) -> String {
        sentence(&fact.name(), &fact.to_json())
    }

    #[test]
    fn the_facts_themselves_become_sentences() {
        let message = MessageId(uuid::Uuid::nil());
        let at = Timestamp::from_micros(1_738_324_800_500_000);
        let started = AttemptStarted {
            message,
            attempt: 1,
            channel: Channel::Gui,
            seat: Some(":0".parse().unwrap()),
            place: Some(Point { x: -308, y: 481 }),
            because: None,
        };
        let pasted = AttemptPasted {
            message,
            attempt: 1,
            changed_pixels: 812,
            needed_pixels: 24,
            read_back: true,
            sanitised: None,
        };
        let observed = AttemptObserved {
            message,
            attempt: 1,
            witness: Witness::BoxEmptied,
            presses: 2,
            window: None,
            steps: vec![StepTime {
                step: Step::Paste,
                micros: 14_250,
            }],
        };
        let failed = |next| AttemptFailed {
            message,
            attempt: 2,
            class: FailureClass::TargetMoved,
            detail: "another window at 1,2".to_owned(),
            text_may_stand: false,
            next,
            steps: vec![],
        };
        for (fact, words) in [
            (started.into(), "attempt 1 by gui at -308,481 on :0"),
            (
                pasted.into(),
                "attempt 1: text seen in the box (812 pixels)",
            ),
            (
                observed.into(),
                "attempt 1: seen to leave the box, Enter pressed 2 times, 14.2 ms in all",
            ),
            (
                failed(Next::Retry { at }).into(),
                "attempt 2 failed: target_moved, another window at 1,2; again at 2025-01-31 12:00:00.500",
            ),
            (
                failed(Next::Fallback { to: Channel::Inbox }).into(),
                "attempt 2 failed: target_moved, another window at 1,2; next by inbox",
            ),
            (
                failed(Next::Dead).into(),
                "attempt 2 failed: target_moved, another window at 1,2; nothing is left to try",
            ),
        ] {
            assert_eq!(told(&fact), words);
        }
    }

    #[test]
    fn every_kind_of_a_messages_life_has_a_sentence_of_its_own() {
        for (_, name) in KINDS {
            let bare = sentence(name, &Value::Null);
            let generic = bare == **name;
            let others = [
                "ledger.", "clock.", "config.", "note", "box.", "backup.", "drill.", "timing.",
                "alert.",
            ];
            let expected = others.iter().any(|other| name.starts_with(other));
            assert_eq!(generic, expected, "{name}: {bare}");
        }
    }

    #[test]
    fn the_story_counts_from_its_first_event() {
        let items = [
            json!({"position":4,"recorded_at":"2025-01-31T12:00:00.000000Z",
                "event":"message.accepted","detail":{"from":"operator","to":"agent-3",
                "priority":"urgent","via":"auto","body":"hi"}}),
            json!({"position":5,"recorded_at":"2025-01-31T12:00:00.012000Z",
                "event":"attempt.submitting","detail":{"attempt":1}}),
        ];
        assert_eq!(
            why(&items, Paint::PLAIN),
            "2025-01-31 12:00:00.000\n  \
             +0.000s  accepted from operator to agent-3, urgent, 2 characters\n  \
             +0.012s  attempt 1: about to press Enter"
        );
    }
}
