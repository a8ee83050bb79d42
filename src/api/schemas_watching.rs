//! What answers about watching the desk look like.

use serde_json::{Value, json};

use super::answers::logs::Level;
use super::schemas::{
    agent_id, id, instant, list, map, number, object, or_null, switch, text, whole, words,
};
use crate::events::facts::alert::{Figure, Severity};
use crate::events::facts::attempt::{FailureClass, Step};
use crate::projections::alerts::Phase;
use crate::projections::spans::Status;

pub(super) fn alert() -> Value {
    object(json!({
        "alert": text(),
        "rule": text(),
        "subject": or_null(&text()),
        "state": words(Phase::ALL),
        "severity": words(Severity::ALL),
        "figure": words(Figure::ALL),
        "value": whole(),
        "above": switch(),
        "limit": whole(),
        "since": instant(),
        "noticed_at": instant(),
        "raised_at": or_null(&instant()),
        "escalate_at": or_null(&instant()),
        "escalated_at": or_null(&instant()),
        "acknowledged_at": or_null(&instant()),
        "acknowledged_by": or_null(&agent_id()),
        "resolved_at": or_null(&instant()),
        "position": whole(),
    }))
}

pub(super) fn log_line() -> Value {
    object(json!({
        "timestamp": instant(),
        "level": words(Level::ALL),
        "target": text(),
        "session": {"type": ["string", "null"], "format": "uuid"},
        "fields": {"type": "object"},
    }))
}

pub(super) fn analytics() -> Value {
    let fared = object(json!({
        "attempts": whole(),
        "arrived": whole(),
        "failed": whole(),
        "unknown": whole(),
        "success_rate": or_null(&number()),
        "classes": map(&whole()),
        "p50_micros": or_null(&whole()),
        "p95_micros": or_null(&whole()),
    }));
    object(json!({
        "position": whole(),
        "since": instant(),
        "until": instant(),
        "whole": switch(),
        "total": fared,
        "agents": list(&object(json!({"agent": agent_id(), "fared": fared}))),
        "failures": list(&object(json!({
            "class": words(FailureClass::ALL),
            "agent": agent_id(),
            "hour": instant(),
            "count": whole(),
        }))),
        "hours": list(&object(json!({"hour": instant(), "fared": fared}))),
        "trend": object(json!({
            "middle": instant(),
            "before": or_null(&number()),
            "after": or_null(&number()),
            "word": {"type": "string", "enum": ["better", "worse", "steady", "unknown"]},
        })),
        "deadlines": list(&object(json!({
            "agent": agent_id(),
            "step": words(Step::ALL),
            "attempts": whole(),
            "missed": whole(),
            "p99_micros": whole(),
            "suggested_micros": whole(),
        }))),
    }))
}

pub(super) fn trace() -> Value {
    let hex = |digits: u8| json!({"type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$")});
    let span = object(json!({
        "span_id": hex(16),
        "parent_span_id": or_null(&hex(16)),
        "name": text(),
        "kind": {"const": "internal"},
        "start_time": instant(),
        "end_time": or_null(&instant()),
        "duration_micros": or_null(&whole()),
        "status": words(Status::ALL),
        "attributes": {"type": "object"},
    }));
    object(json!({"trace_id": hex(32), "message": id(), "spans": list(&span)}))
}
