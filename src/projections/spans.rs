//! A message's trace, made from its own events: what was done when, how long it took, and as part of what. Shaped
//! like OpenTelemetry's spans (trace and span ids of 32 and 16 hexadecimal digits, parent, kind, status, attributes),
//! so that an export is a mapping.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a trace looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::outbox::message_of;
use crate::events::envelope::Event;
use crate::events::facts::attempt::{AttemptStarted, StepTime};
use crate::events::facts::words::worded;
use crate::events::ids::{CorrelationId, MessageId};
use crate::events::kind::Fact;
use crate::events::lifecycle::{Life, State};
use crate::events::time::Timestamp;

worded! {
    /// How something ended.
    Status, "a status" {
        /// It is not over, or nobody can say.
        Unset = "unset",
        /// As it should.
        Ok = "ok",
        /// Not as it should.
        Error = "error",
    }
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its id, unique in its trace.
    pub id: String,
    /// What it is a part of.
    pub parent: Option<String>,
    /// What was done.
    pub name: String,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended; none while it goes on.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub status: Status,
    /// All else, by name.
    pub attributes: Map<String, Value>,
}

/// Everything about one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// What all messages of one correlation share.
    pub id: String,
    /// Which message.
    pub message: MessageId,
    /// The message's own span first, then its attempts, each before its steps.
    pub spans: Vec<Span>,
}

/// The trace id of a correlation: the same 128 bits.
pub fn trace_id(correlation: CorrelationId) -> String {
    correlation.0.simple().to_string()
}

/// The id of a span, made from what it is: asked twice, it is the same.
fn span_id(message: MessageId, part: &str) -> String {
    let mut id = Uuid::new_v5(&message.0, part.as_bytes())
        .simple()
        .to_string();
    id.truncate(16);
    id
}

/// The trace behind a message's events, oldest first; none when they accept no message.
pub fn trace(message: MessageId, events: &[Event]) -> Option<Trace> {
    let own = || {
        events
            .iter()
            .filter(|event| message_of(&event.fact) == Some(message))
    };
    let (first, accepted) = own().find_map(|event| match &event.fact {
        Fact::MessageAccepted(accepted) => Some((event, accepted)),
        _ => None,
    })?;
    let mut life = Life::begin(&first.fact, first.recorded_at)?;
    let root = span_id(message, "message");
    let mut attempts: Vec<Span> = Vec::new();
    for event in own().filter(|event| event.position > first.position) {
        life.advance(&event.fact, event.recorded_at);
        attempt(&mut attempts, message, event, &root);
    }
    let attributes = json!({
        "switchboard.message": message,
        "switchboard.from": accepted.from,
        "switchboard.to": accepted.to,
        "switchboard.priority": accepted.priority,
        "switchboard.kind": accepted.kind,
        "switchboard.state": life.state,
        "switchboard.attempts": life.attempts,
        "switchboard.position": first.position,
        "switchboard.due_at": life.due_at,
        "switchboard.failure": life.failure.as_ref().map(|it| it.class),
    });
    let whole = Span {
        id: root,
        parent: None,
        name: "message".to_owned(),
        begun: first.recorded_at,
        ended: life.settled_at,
        status: match life.state {
            State::Observed | State::Inboxed | State::Acknowledged | State::Answered => Status::Ok,
            State::Dead | State::Expired => Status::Error,
            State::Accepted
            | State::Attempting
            | State::Pasted
            | State::Submitted
            | State::Cancelled
            | State::Unknown => Status::Unset,
        },
        attributes: fields(attributes),
    };
    Some(Trace {
        id: trace_id(first.cause.correlation),
        message,
        spans: std::iter::once(whole).chain(attempts).collect(),
    })
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn attempt(spans: &mut Vec<Span>, message: MessageId, event: &Event, root: &str) {
    let at = event.recorded_at;
    let (number, status, steps, class): (_, _, &[StepTime], _) = match &event.fact {
        Fact::AttemptStarted(started) => {
            spans.push(begun(started, message, event, root));
            return;
        }
        Fact::AttemptObserved(it) => (it.attempt, Status::Ok, &it.steps, None),
        Fact::AttemptSubmitted(it) => (it.attempt, Status::Unset, &it.steps, None),
        Fact::AttemptInboxed(it) => (it.attempt, Status::Ok, &[], None),
        Fact::AttemptUnknown(it) => (it.attempt, Status::Unset, &[], None),
        Fact::AttemptFailed(it) => (it.attempt, Status::Error, &it.steps, Some(it.class)),
        _ => return,
    };
    let id = span_id(message, &format!("attempt {number}"));
    let Some(one) = spans.iter_mut().find(|span| span.id == id) else {
        return;
    };
    one.ended = Some(at);
    one.status = status;
    let outcome = event.fact.name();
    one.attributes
        .insert("switchboard.outcome".to_owned(), json!(outcome));
    one.attributes
        .insert("switchboard.class".to_owned(), json!(class));
    // Steps follow one another; only how long each took is recorded.
    let mut from = one.begun;
    for (nth, step) in steps.iter().enumerate() {
        let to = Timestamp::from_micros(from.micros().saturating_add(step.micros));
        spans.push(Span {
            id: span_id(message, &format!("attempt {number} step {nth}")),
            parent: Some(id.clone()),
            name: format!("step {}", step.step),
            begun: from,
            ended: Some(to),
            status: Status::Unset,
            attributes: fields(
                json!({"switchboard.step": step.step, "switchboard.laid_out": true}),
            ),
        });
        from = to;
    }
}

fn begun(started: &AttemptStarted, message: MessageId, event: &Event, root: &str) -> Span {
    Span {
        id: span_id(message, &format!("attempt {}", started.attempt)),
        parent: Some(root.to_owned()),
        name: format!("attempt {}", started.channel),
        begun: event.recorded_at,
        ended: None,
        status: Status::Unset,
        attributes: fields(json!({
            "switchboard.attempt": started.attempt,
            "switchboard.channel": started.channel,
            "switchboard.seat": started.seat,
            "switchboard.because": started.because,
        })),
    }
}

impl Span {
    fn to_json(&self) -> Value {
        let took = self.ended.map(|ended| ended.since(self.begun).as_micros());
        json!({
            "span_id": self.id,
            "parent_span_id": self.parent,
            "name": self.name,
            "kind": "internal",
            "start_time": self.begun,
            "end_time": self.ended,
            "duration_micros": took.map(|it| u64::try_from(it).unwrap_or(u64::MAX)),
            "status": self.status,
            "attributes": self.attributes,
        })
    }
}

impl Trace {
    /// The trace as people and other programs see it.
    pub fn to_json(&self) -> Value {
        let spans: Vec<Value> = self.spans.iter().map(Span::to_json).collect();
        json!({"trace_id": self.id, "message": self.message, "spans": spans})
    }
}
