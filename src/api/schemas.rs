//! What answers look like, as JSON Schemas. Words come from the enums themselves.

use serde_json::{Map, Value, json};

use super::answers::health::Status;
use super::schemas_watching as watching;
use crate::events::facts::attempt::{Channel, FailureClass, Step};
use crate::events::facts::backup::Kind;
use crate::events::facts::message::{MessageKind, Priority};
use crate::events::lifecycle::{Proof, State};
use crate::projections::agents::Condition;
use crate::projections::view::View;

/// Every schema by name.
pub fn schemas() -> Value {
    json!({
        "Agent": agent(),
        "Alert": watching::alert(),
        "Analytics": watching::analytics(),
        "Backup": backup(),
        "Event": event(),
        "Health": health(),
        "InboxMessage": inbox_message(),
        "LogLine": watching::log_line(),
        "Message": object(message()),
        "Metrics": metrics(),
        "Problem": problem(),
        "Projection": projection(),
        "Queued": queued(),
        "Setting": setting(),
        "State": object(json!({"status": text()})),
        "StoryLine": story_line(),
        "Timing": timing(),
        "Trace": watching::trace(),
        "Version": version(),
    })
}

/// An object; every field is always there, those with an `optional` mark are not.
pub(super) fn object(fields: Value) -> Value {
    let Value::Object(fields) = fields else {
        return json!({"type": "object"});
    };
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, mut schema) in fields {
        let optional = schema.as_object_mut().and_then(|it| it.remove("optional"));
        if optional.is_none() {
            required.push(name.clone());
        }
        properties.insert(name, schema);
    }
    json!({"type": "object", "required": required, "properties": properties})
}

fn optional(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("optional".to_owned(), json!(true));
    }
    schema
}

pub(super) fn text() -> Value {
    json!({"type": "string"})
}

pub(super) fn id() -> Value {
    json!({"type": "string", "format": "uuid"})
}

pub(super) fn agent_id() -> Value {
    json!({"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"})
}

pub(super) fn instant() -> Value {
    json!({"type": "string", "format": "date-time"})
}

pub(super) fn whole() -> Value {
    json!({"type": "integer", "minimum": 0})
}

pub(super) fn number() -> Value {
    json!({"type": "number"})
}

pub(super) fn switch() -> Value {
    json!({"type": "boolean"})
}

fn any() -> Value {
    json!({})
}

pub(super) fn list(of: &Value) -> Value {
    json!({"type": "array", "items": of})
}

pub(super) fn map(of: &Value) -> Value {
    json!({"type": "object", "additionalProperties": of})
}

pub(super) fn words<T: ToString>(all: &[T]) -> Value {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    json!({"type": "string", "enum": all})
}

/// What may also be null.
pub(super) fn or_null(schema: &Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

fn message() -> Value {
    json!({
        "message": id(),
        "from": agent_id(),
        "to": agent_id(),
        "kind": words(MessageKind::ALL),
        "priority": words(Priority::ALL),
        "tags": list(&text()),
        "state": words(State::ALL),
        "proof": or_null(&words(Proof::ALL)),
        "channel": or_null(&words(Channel::ALL)),
        "attempts": whole(),
        "position": whole(),
        "correlation": id(),
        "causation": or_null(&id()),
        "reply_to": or_null(&id()),
        "broadcast": or_null(&id()),
        "hops": whole(),
        "created_at": instant(),
        "due_at": instant(),
        "expires_at": or_null(&instant()),
        "settled_at": or_null(&instant()),
        "failure": or_null(&failure()),
        "because": or_null(&words(FailureClass::ALL)),
        "answers": list(&id()),
        "file": or_null(&text()),
        "nudge": or_null(&id()),
        "read_at": or_null(&instant()),
        "body": text(),
    })
}

fn failure() -> Value {
    object(json!({"class": words(FailureClass::ALL), "detail": text()}))
}

fn inbox_message() -> Value {
    let mut fields = message();
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("inboxed_at".to_owned(), instant());
        fields.insert("acknowledged_at".to_owned(), or_null(&instant()));
        fields.insert("read".to_owned(), switch());
    }
    object(fields)
}

fn agent() -> Value {
    let point =
        json!({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2});
    let breaker = object(json!({
        "state": {"type": "string", "enum": ["closed", "open", "probing"]},
        "failures": whole(),
        "until": or_null(&instant()),
        "probe": or_null(&id()),
    }));
    let held = object(
        json!({"position": whole(), "since": instant(), "excess": object(json!({
            "limit": text(),
            "count": whole(),
            "allowed": whole(),
            "span_micros": whole(),
        }))}),
    );
    let manners = object(json!({"mode": text(), "idle_micros": whole(), "drafts": text()}));
    object(json!({
        "id": agent_id(),
        "roles": list(&text()),
        "capabilities": list(&text()),
        "channels": list(&words(Channel::ALL)),
        "seat": or_null(&text()),
        "place": or_null(&point),
        "onboarding_place": or_null(&point),
        "window_pattern": or_null(&text()),
        "target": text(),
        "rank": {"type": "integer"},
        "envelope": text(),
        "description": text(),
        "active": switch(),
        "state": words(Condition::ALL),
        "paused": switch(),
        "breaker": map(&breaker),
        "queued": whole(),
        "under_way": or_null(&id()),
        "last_seen": or_null(&instant()),
        "window": or_null(&json!({"type": "object"})),
        "looks": list(&json!({"type": "object"})),
        "texts_may_stand": list(&id()),
        "profile": {"type": "object"},
        "manners": manners,
        "quarantine": or_null(&held),
        "quarantine_with": list(&object(json!({"with": agent_id(), "held": held}))),
    }))
}

fn queued() -> Value {
    object(json!({
        "message": id(),
        "to": agent_id(),
        "from": agent_id(),
        "priority": words(Priority::ALL),
        "state": words(State::ALL),
        "due_at": instant(),
        "expires_at": or_null(&instant()),
        "attempts": whole(),
        "channel": words(Channel::ALL),
        "seat": or_null(&text()),
        "because": or_null(&words(FailureClass::ALL)),
        "under_way": switch(),
        "position": whole(),
        "failure": or_null(&failure()),
    }))
}

fn story_line() -> Value {
    object(json!({
        "position": whole(),
        "recorded_at": instant(),
        "event": text(),
        "detail": any(),
        "actor": agent_id(),
        "stream": text(),
    }))
}

fn event() -> Value {
    object(json!({
        "position": whole(),
        "recorded_at": instant(),
        "id": id(),
        "stream": text(),
        "version": whole(),
        "kind": text(),
        "actor": agent_id(),
        "correlation": id(),
        "causation": or_null(&id()),
        "command": id(),
        "data": any(),
    }))
}

fn projection() -> Value {
    object(json!({
        "name": words(&View::ALL.map(View::name)),
        "version": whole(),
        "position": whole(),
        "head": whole(),
        "lag_events": whole(),
        "lag_seconds": number(),
        "state": {"type": "string", "enum": ["live", "rebuilding", "stopped"]},
        "rebuilt_to": or_null(&whole()),
        "stopped_at": or_null(&whole()),
        "reason": or_null(&text()),
        "saved": or_null(&whole()),
        "note": or_null(&text()),
    }))
}

fn backup() -> Value {
    object(json!({
        "id": id(),
        "kind": words(Kind::ALL),
        "repository": id(),
        "first_position": whole(),
        "last_position": whole(),
        "first_at": or_null(&instant()),
        "last_at": or_null(&instant()),
        "bytes_stored": whole(),
        "seconds": number(),
        "taken_at": instant(),
        "position": whole(),
    }))
}

fn setting() -> Value {
    object(json!({
        "key": text(),
        "value": any(),
        "layer": text(),
        "origin": text(),
    }))
}

fn timing() -> Value {
    let step = object(json!({
        "record": {"const": "step"},
        "agent": agent_id(),
        "seat": or_null(&text()),
        "step": words(Step::ALL),
        "attempts": whole(),
        "p50_micros": or_null(&whole()),
        "p95_micros": or_null(&whole()),
        "p99_micros": or_null(&whole()),
        "max_micros": whole(),
        "lately_micros": or_null(&whole()),
        "missed": whole(),
        "missed_lately": whole(),
        "configured_micros": or_null(&whole()),
        "deadline_micros": or_null(&whole()),
        "why": or_null(&text()),
    }));
    let calibration = object(json!({
        "record": {"const": "calibration"},
        "agent": optional(agent_id()),
        "seat": optional(text()),
        "position": whole(),
        "at": instant(),
        "figures": {"type": "array"},
        "machine": {"type": "object"},
    }));
    json!({"oneOf": [step, calibration]})
}

fn metrics() -> Value {
    let latency = object(json!({
        "count": whole(),
        "mean_micros": or_null(&whole()),
        "p50_micros": or_null(&whole()),
        "p95_micros": or_null(&whole()),
        "p99_micros": or_null(&whole()),
        "max_micros": or_null(&whole()),
    }));
    object(json!({
        "position": whole(),
        "at": instant(),
        "success_rate": or_null(&number()),
        "success_rate_by_agent": map(&or_null(&number())),
        "latency": map(&latency),
        "steps": map(&latency),
        "queued": whole(),
        "unknown": whole(),
        "dead": whole(),
        "agents": whole(),
        "traffic": {"type": "object"},
    }))
}

fn health() -> Value {
    let component = object(json!({"status": words(Status::ALL), "reason": text()}));
    object(json!({
        "overall_status": words(Status::ALL),
        "score": {"type": "integer", "minimum": 0, "maximum": 100},
        "components": map(&component),
        "timestamp": instant(),
    }))
}

fn version() -> Value {
    object(json!({
        "name": text(),
        "version": text(),
        "api": text(),
        "ledger": id(),
        "timeline": id(),
        "schema": any(),
        "projections": list(&text()),
    }))
}

fn problem() -> Value {
    object(json!({
        "type": text(),
        "title": text(),
        "status": whole(),
        "code": text(),
        "detail": text(),
        "hint": or_null(&text()),
        "request_id": text(),
        "parameter": optional(text()),
    }))
}
