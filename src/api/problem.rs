//! Errors as RFC 9457 tells them: `application/problem+json` with a `code` for programs.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use crate::events::ledger::handle::ReadError;
use crate::projections::host::Away;
use crate::projections::states::AsOfError;

/// What went wrong with a request.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A word for programs, like `unknown_agent`.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// After how many seconds it may go better.
    pub retry_after: Option<u32>,
    /// More fields for programs.
    pub fields: Map<String, Value>,
}

impl Problem {
    /// A problem without a hint.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            hint: None,
            retry_after: None,
            fields: Map::new(),
        }
    }

    /// A parameter that cannot be understood (400).
    pub fn malformed(name: &str, why: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed_parameter",
            format!("{name}: {why}"),
        )
        .field("parameter", json!(name))
    }

    /// Something that is not there (404).
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// Something that may go better soon (503).
    pub fn later(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        }
    }

    /// A part of this program that broke (500).
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// What a status without further words means.
    pub fn of(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::NOT_FOUND => "no_such_route",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::BAD_REQUEST => "bad_request",
            _ => "failed",
        };
        let words = status.canonical_reason().unwrap_or("failed");
        Self::new(status, code, words.to_owned())
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with one more field.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// The body.
    pub fn to_json(&self, request: &str) -> Value {
        let mut whole = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
            "request_id": request,
        });
        if let Value::Object(whole) = &mut whole {
            for (name, value) in &self.fields {
                whole.entry(name).or_insert_with(|| value.clone());
            }
        }
        whole
    }

    /// The whole response to the request with this id.
    pub fn response(&self, request: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(self.to_json(request).to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Without a body: whoever knows the request's id writes it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match &error {
            ReadError::Corrupt { .. } => Self {
                code: "corrupt",
                ..Self::internal(error.to_string())
            }
            .hint("`switchboard verify` names all damage"),
            ReadError::Io { source, .. } => Self {
                code: "io",
                ..Self::internal(format!("{error}: {source}"))
            },
        }
    }
}

impl From<AsOfError> for Problem {
    fn from(error: AsOfError) -> Self {
        match error {
            AsOfError::Read(error) => error.into(),
            stopped @ AsOfError::Stopped(_) => {
                Self::later("projection_stopped", stopped.to_string())
                    .hint("`switchboard verify` names what is damaged")
            }
            beyond @ AsOfError::Beyond { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "beyond_head", beyond.to_string())
                    .hint("leave as_of out for the present state")
            }
        }
    }
}

impl From<Away> for Problem {
    fn from(away: Away) -> Self {
        match away {
            Away::Folding(position) => Self::later(
                "projection_rebuilding",
                format!("the projection is folded anew, and came to position {position}"),
            ),
            Away::Stopped(stop) => Self::later(
                "projection_stopped",
                format!(
                    "the projection {} is stopped before position {}: {}",
                    stop.view.name(),
                    stop.position,
                    stop.reason
                ),
            )
            .hint("`switchboard verify` names what is damaged"),
        }
    }
}
