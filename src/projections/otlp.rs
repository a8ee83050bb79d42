//! Spans as a collector takes them: OTLP's `ExportTraceServiceRequest` in its JSON encoding (opentelemetry-proto 1.x:
//! ids in hexadecimal digits, whole numbers of 64 bits as texts, enumerations as numbers).

use serde_json::{Map, Value, json};

use super::outbox::message_of;
use super::spans::{Span, Status, Trace};
use crate::events::envelope::Event;
use crate::events::ids::{MessageId, Position};
use crate::events::lifecycle::Life;
use crate::events::time::Timestamp;

/// `SPAN_KIND_INTERNAL`.
const INTERNAL: u8 = 1;

/// Whether a message comes to rest with the event at this position: then its spans are over, and can be sent. A message
/// that is requeued comes to rest once more.
pub fn settles(message: MessageId, events: &[Event], at: Position) -> bool {
    let mut life: Option<Life> = None;
    for event in events {
        if message_of(&event.fact) != Some(message) {
            continue;
        }
        let before = life.as_ref().is_some_and(|life| life.state.is_settled());
        match &mut life {
            None => life = Life::begin(&event.fact, event.recorded_at),
            Some(life) => life.advance(&event.fact, event.recorded_at),
        }
        if event.position == at {
            return !before && life.is_some_and(|life| life.state.is_settled());
        }
    }
    false
}

/// One request with the spans of these traces, and how many spans it has. `source` says what they come from, by
/// OpenTelemetry's names.
pub fn request(source: &Map<String, Value>, traces: &[Trace]) -> (Value, usize) {
    let spans: Vec<Value> = traces.iter().flat_map(sent).collect();
    let count = spans.len();
    let whole = json!({"resourceSpans": [{
        "resource": {"attributes": attributes(source)},
        "scopeSpans": [{
            "scope": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
            "spans": spans,
        }],
    }]});
    (whole, count)
}

fn sent(trace: &Trace) -> Vec<Value> {
    // What has no end of its own ended with its message at the latest.
    let over = trace.spans.first().and_then(|whole| whole.ended);
    let each = |span: &Span| {
        let ended = span.ended.or(over).unwrap_or(span.begun).max(span.begun);
        let mut sent = json!({
            "traceId": trace.id,
            "spanId": span.id,
            "name": span.name,
            "kind": INTERNAL,
            "startTimeUnixNano": nanos(span.begun),
            "endTimeUnixNano": nanos(ended),
            "attributes": attributes(&span.attributes),
            "status": {"code": match span.status {
                Status::Unset => 0,
                Status::Ok => 1,
                Status::Error => 2,
            }},
        });
        if let (Some(fields), Some(parent)) = (sent.as_object_mut(), &span.parent) {
            fields.insert("parentSpanId".to_owned(), json!(parent));
        }
        sent
    };
    trace.spans.iter().map(each).collect()
}

fn nanos(at: Timestamp) -> String {
    (u128::from(at.micros()) * 1_000).to_string()
}

fn attributes(fields: &Map<String, Value>) -> Vec<Value> {
    let known = fields.iter().filter(|(_, value)| !value.is_null());
    known
        .map(|(key, value)| {
            let value = match value {
                Value::Bool(it) => json!({"boolValue": it}),
                Value::Number(it) if it.is_f64() => json!({"doubleValue": it}),
                Value::Number(it) => json!({"intValue": it.to_string()}),
                Value::String(it) => json!({"stringValue": it}),
                other @ (Value::Null | Value::Array(_) | Value::Object(_)) => {
                    json!({"stringValue": other.to_string()})
                }
            };
            json!({"key": key, "value": value})
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: Option<&str>, ended: Option<u64>, status: Status) -> Span {
        Span {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            name: "message".to_owned(),
            begun: Timestamp::from_micros(1_738_324_800_000_001),
            ended: ended.map(Timestamp::from_micros),
            status,
            attributes: Map::new(),
        }
    }

    #[test]
    fn numbers_are_texts_and_what_is_not_over_ends_with_its_message() {
        let mut whole = span(
            "00000000000000aa",
            None,
            Some(1_738_324_801_000_000),
            Status::Error,
        );
        whole.attributes = [
            ("count".to_owned(), json!(u64::MAX)),
            ("share".to_owned(), json!(0.5)),
            ("on".to_owned(), json!(true)),
            ("none".to_owned(), Value::Null),
        ]
        .into_iter()
        .collect();
        let part = span(
            "00000000000000bb",
            Some("00000000000000aa"),
            None,
            Status::Unset,
        );
        let trace = Trace {
            id: "0".repeat(32),
            message: MessageId(uuid::Uuid::nil()),
            spans: vec![whole, part],
        };
        let (request, count) = request(&Map::new(), &[trace]);
        assert_eq!(count, 2);
        let spans = &request["resourceSpans"][0]["scopeSpans"][0]["spans"];
        assert_eq!(spans[0]["startTimeUnixNano"], "1738324800000001000");
        assert_eq!(spans[0]["status"]["code"], 2);
        assert_eq!(spans[0].get("parentSpanId"), None);
        assert_eq!(
            spans[0]["attributes"],
            json!([
                {"key": "count", "value": {"intValue": "18446744073709551615"}},
                {"key": "none", "value": {}},
                {"key": "on", "value": {"boolValue": true}},
                {"key": "share", "value": {"doubleValue": 0.5}},
            ])
            .as_array()
            .map(|all| all
                .iter()
                .filter(|it| it["key"] != "none")
                .cloned()
                .collect::<Vec<_>>())
            .map(Value::from)
            .unwrap()
        );
        assert_eq!(spans[1]["endTimeUnixNano"], "1738324801000000000");
        assert_eq!(spans[1]["parentSpanId"], "00000000000000aa");
    }
}
