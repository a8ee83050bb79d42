//! The `OpenAPI` document, made from the routes that are served and the schemas of their answers.

use serde_json::{Map, Value, json};

use super::answers::logs::Level;
use super::query::{LIMIT, LIMIT_MAX, WAIT_MAX};
use super::route::{Param, Route, Shape, Sort};
use super::routes::ROUTES;
use super::schemas::schemas;
use crate::events::lifecycle::State;

/// The whole document.
pub fn document() -> Value {
    let paths: Map<String, Value> = ROUTES
        .iter()
        .map(|route| (route.path.to_owned(), path(route)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Switchboard",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Reads the message ledger and its projections; changes nothing. Every answer \
                 carries `Ledger-Position`, the last event that is in it.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:7717"}],
        "paths": paths,
        "components": {"schemas": schemas(), "responses": problems(), "headers": headers()},
    })
}

/// A name for the operation, from its path.
fn operation(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words
        .filter(|word| !matches!(*word, "" | "api" | "v1"))
        .collect();
    if words.is_empty() {
        "start".to_owned()
    } else {
        words.join("_")
    }
}

fn path(route: &Route) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    if route.path.contains("{id}") {
        let schema = if route.path.contains("/agents/") {
            json!({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"})
        } else {
            json!({"type": "string", "format": "uuid"})
        };
        parameters.push(json!({"name": "id", "in": "path", "required": true, "schema": schema}));
    }
    parameters.extend(route.params.iter().copied().flatten().map(parameter));
    if let Shape::Stream(_) = route.shape {
        parameters.push(json!({
            "name": "Last-Event-ID",
            "in": "header",
            "schema": {"type": "integer", "minimum": 0},
            "description": "The last event the client has; it goes on after that one",
        }));
    }
    let mut responses = json!({
        "200": answered(route),
        "304": {"description": "The client has this answer already (If-None-Match)"},
        "400": {"$ref": "#/components/responses/Problem"},
        "403": {"$ref": "#/components/responses/Problem"},
        "413": {"$ref": "#/components/responses/Problem"},
        "414": {"$ref": "#/components/responses/Problem"},
        "500": {"$ref": "#/components/responses/Problem"},
        "503": {"$ref": "#/components/responses/Later"},
    });
    if let Some(fields) = responses.as_object_mut()
        && route.path.contains("{id}")
    {
        let problem = json!({"$ref": "#/components/responses/Problem"});
        fields.insert("404".to_owned(), problem);
    }
    json!({"get": {
        "operationId": operation(route),
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses,
    }})
}

fn parameter(param: &Param) -> Value {
    let mut whole = json!({
        "name": param.name,
        "in": "query",
        "description": param.about,
        "schema": schema(param.sort),
    });
    if let Some(fields) = whole.as_object_mut()
        && param.sort == Sort::States
    {
        fields.insert("style".to_owned(), json!("form"));
        fields.insert("explode".to_owned(), json!(false));
    }
    whole
}

fn schema(sort: Sort) -> Value {
    let position = json!({"type": "integer", "minimum": 0, "maximum": u64::MAX});
    match sort {
        Sort::Text => json!({"type": "string"}),
        Sort::Stream => {
            json!({"type": "string", "maxLength": 200, "pattern": "^[a-z][a-z-]*/[!-~]+$"})
        }
        Sort::Cursor => json!({"type": "string", "pattern": "^[0-9a-f]{18,}$"}),
        Sort::Agent => json!({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}),
        Sort::Word => json!({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"}),
        Sort::States => {
            let words: Vec<&str> = State::ALL.iter().map(|state| state.word()).collect();
            json!({"type": "array", "minItems": 1, "items": {"type": "string", "enum": words}})
        }
        Sort::Instant => json!({"type": "string", "format": "date-time"}),
        Sort::Moment => json!({"anyOf": [position, {"type": "string", "format": "date-time"}]}),
        Sort::Limit => {
            json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT})
        }
        Sort::Position => position,
        Sort::Millis => {
            let most = u64::try_from(WAIT_MAX.as_millis()).unwrap_or(u64::MAX);
            json!({"type": "integer", "minimum": 0, "maximum": most})
        }
        Sort::Kind => json!({"type": "string", "pattern": "^[a-z0-9._-]{1,64}(\\.\\*)?$"}),
        Sort::Switch => json!({"type": "boolean"}),
        Sort::Id => json!({"type": "string", "format": "uuid"}),
        Sort::Level => {
            let words: Vec<&str> = Level::ALL.iter().map(|level| level.word()).collect();
            json!({"type": "string", "enum": words})
        }
        Sort::Format => json!({"type": "string", "enum": ["json", "ndjson"]}),
    }
}

fn answered(route: &Route) -> Value {
    let of = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let page = |name: &str| {
        json!({
            "type": "object",
            "required": ["items", "next_cursor"],
            "properties": {
                "items": {"type": "array", "items": of(name)},
                "next_cursor": {"type": ["string", "null"]},
            },
        })
    };
    let text = json!({"schema": {"type": "string"}});
    let content = match route.shape {
        Shape::Item(name) => json!({"application/json": {"schema": of(name)}}),
        Shape::List(name) => json!({"application/json": {"schema": page(name)}}),
        Shape::Lines(name) => json!({
            "application/json": {"schema": page(name)},
            "application/x-ndjson": text,
        }),
        Shape::Stream(_) => json!({"text/event-stream": text}),
        Shape::Text("application/json") => {
            json!({"application/json": {"schema": {"type": "object"}}})
        }
        Shape::Text(content) => json!({content: text}),
    };
    json!({
        "description": "As asked",
        "headers": {
            "Ledger-Position": {"$ref": "#/components/headers/Ledger-Position"},
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"},
        },
        "content": content,
    })
}

fn problems() -> Value {
    let content = json!({
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
    });
    json!({
        "Problem": {"description": "Why not (RFC 9457), with a `code` for programs", "content": content},
        "Later": {
            "description": "Not now: try again after Retry-After seconds",
            "headers": {"Retry-After": {"schema": {"type": "integer"}}},
            "content": content,
        },
    })
}

fn headers() -> Value {
    json!({
        "Ledger-Position": {
            "description": "The last event that is in the answer",
            "schema": {"type": "integer", "minimum": 0},
        },
        "X-Request-Id": {
            "description": "The request's id: the client's own, or a fresh one",
            "schema": {"type": "string"},
        },
    })
}
