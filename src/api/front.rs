//! The door: what is refused before any route is looked at, and what every answer carries.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tokio::time::Instant;
use tower_service::Service as _;

use super::house::House;
use super::problem::Problem;
use super::web::trouble;

/// The longest path with query that is answered, in bytes.
const TARGET_MAX: usize = 4_096;

/// The longest headers that are answered, in bytes.
const HEADERS_MAX: usize = 16 * 1024;

/// What can be done here.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// Where browsers may take what a page of ours needs: from us.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What every answer carries.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    // Written down nowhere, asked again each time.
    (header::CACHE_CONTROL, "private, no-cache"),
    (header::VARY, "accept, accept-encoding"),
    // No page of another site may embed an answer.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The route that answered, for counting.
#[derive(Clone, Copy, Debug)]
pub struct Label(pub &'static str);

/// Answers one request. The router is only asked about what may be answered at all.
pub async fn answer(
    house: Arc<House>,
    mut router: Router,
    local: IpAddr,
    request: Request<Incoming>,
) -> Response<Body> {
    let begun = Instant::now();
    house.meter.begins();
    let id = request_id(&house, request.headers());
    let (parts, body) = request.into_parts();
    let asked = (parts.method.clone(), parts.uri.path().to_owned());
    let trace = trace_of(&parts.headers);
    let as_page = trouble::wants_page(parts.uri.path(), &parts.headers);
    let checked = check(&house, local, &parts);
    let mut response = match checked {
        Err(problem) => said(&problem, &id, as_page),
        Ok(()) if parts.method == Method::OPTIONS => no_content(),
        Ok(()) => {
            let request = Request::from_parts(parts, Body::new(body));
            let answered = router.call(request).await;
            let Ok(mut response) = answered;
            whole(&mut response, &id, as_page)
        }
    };
    dress(&house, &mut response, &id);
    let label = response.extensions().get().copied();
    let Label(route) = label.unwrap_or(Label("none"));
    let (status, took) = (response.status(), begun.elapsed());
    house.meter.ends();
    house.meter.answered(route, status.as_u16(), took);
    let (method, path) = asked;
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    if status.is_server_error() {
        tracing::warn!(%method, path, status = status.as_u16(), micros, request = id, trace, "answered");
    } else if status.is_client_error() {
        tracing::info!(%method, path, status = status.as_u16(), micros, request = id, trace, "answered");
    } else {
        tracing::debug!(%method, path, status = status.as_u16(), micros, request = id, trace, "answered");
    }
    response
}

/// The response with its problem written out, if it has one.
fn whole(response: &mut Response<Body>, id: &str, as_page: bool) -> Response<Body> {
    let status = response.status();
    let label = response.extensions().get::<Label>().copied();
    let problem = response.extensions_mut().remove::<Problem>();
    let mut response = match problem {
        Some(problem) => said(&problem, id, as_page),
        // Not ours, so without a word.
        None if status.is_client_error() || status.is_server_error() => {
            said(&Problem::of(status), id, as_page)
        }
        None => std::mem::take(response),
    };
    if let Some(label) = label {
        response.extensions_mut().insert(label);
    }
    response
}

/// A problem for programs, or as a page.
fn said(problem: &Problem, id: &str, as_page: bool) -> Response<Body> {
    let response = problem.response(id);
    if as_page {
        trouble::page(problem, response, id)
    } else {
        response
    }
}

fn check(house: &House, local: IpAddr, parts: &Parts) -> Result<(), Problem> {
    check_host(house, local, parts)?;
    if !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        let text = format!("{} is not possible here: this API only reads", parts.method);
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text);
        return Err(problem.hint("the command line changes things: `switchboard help`"));
    }
    let target = parts.uri.path_and_query();
    if target.is_some_and(|target| target.as_str().len() > TARGET_MAX) {
        let text = format!("path and query have more than {TARGET_MAX} bytes");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "uri_too_long", text));
    }
    let sizes = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    if sizes.sum::<usize>() > HEADERS_MAX {
        let text = format!("the headers have more than {HEADERS_MAX} bytes");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Problem::new(status, "headers_too_long", text));
    }
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let has_body = length.is_some_and(|length| length != "0")
        || parts.headers.contains_key(header::TRANSFER_ENCODING);
    if has_body {
        let text = "no request has a body here";
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_not_taken",
            text,
        ));
    }
    Ok(())
}

/// Refuses requests that name another host: a page of a stranger whose name leads to this machine must
/// not read here (DNS rebinding).
fn check_host(house: &House, local: IpAddr, parts: &Parts) -> Result<(), Problem> {
    let mut given = parts.headers.get_all(header::HOST).iter();
    let host = given.next().and_then(|host| host.to_str().ok());
    let alone = given.next().is_none();
    let named = parts
        .uri
        .authority()
        .map(axum::http::uri::Authority::as_str);
    let fine = |host: &str| is_own(host, local, &house.limits.hosts);
    if alone && host.is_some_and(fine) && named.is_none_or(fine) {
        return Ok(());
    }
    let text = "the Host header names no address of this machine";
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_host", text)
        .hint("`serve.hosts` in the configuration allows more names"))
}

/// Whether a host, with or without port, is this machine as it was reached, or allowed by name.
fn is_own(host: &str, local: IpAddr, names: &[String]) -> bool {
    let (name, rest) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or_default(),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port = rest.strip_prefix(':').unwrap_or_default();
    // Nothing but a port may follow: `localhost:80@evil.test` is evil.test to a browser.
    if rest.len() > 1 + port.len() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let name = name.to_ascii_lowercase();
    if name == "localhost" || names.contains(&name) {
        return true;
    }
    name.parse::<IpAddr>().is_ok_and(|address| {
        address.is_loopback() || address.to_canonical() == local.to_canonical()
    })
}

fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(METHODS));
    response
}

/// What every answer carries.
fn dress(house: &House, response: &mut Response<Body>, id: &str) {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, HeaderValue::from_static(METHODS));
    }
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-request-id", id);
    }
    let head = house.head();
    headers
        .entry("ledger-position")
        .or_insert_with(|| HeaderValue::from(head.0));
}

/// The id the client gave, if it is fit to be written down; else a fresh one.
fn request_id(house: &House, headers: &HeaderMap) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let given = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let fits = |id: &&str| (1..=64).contains(&id.len()) && id.chars().all(plain);
    given.filter(fits).map_or_else(
        || {
            let now = house.reads.clock.now();
            house.reads.ids.fresh(now).to_string()
        },
        str::to_owned,
    )
}

/// The trace that a request belongs to (W3C trace context), for the log.
fn trace_of(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let hex = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let known = version.len() == 2 && trace.len() == 32 && hex(version) && hex(trace);
    (known && trace.bytes().any(|b| b != b'0')).then(|| trace.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let local: IpAddr = "192.168.7.5".parse().unwrap();
        let names = ["desk.example".to_owned()];
        for host in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:7717",
            "127.9.9.9",
            "[::1]:7717",
            "192.168.7.5:1",
            "desk.example:443",
        ] {
            assert!(is_own(host, local, &names), "{host}");
        }
        for host in [
            "",
            "evil.test",
            "evil.test:7717",
            "localhost.evil.test",
            "127.0.0.1.evil.test",
            "192.168.7.6",
            "[::2]",
            "[::1",
            "0x7f000001",
            "2130706433",
            "localhost:80@evil.test",
            "localhost@evil.test",
            "[::1]evil.test",
            "127.0.0.1:80:80",
        ] {
            assert!(!is_own(host, local, &names), "{host}");
        }
    }

    #[test]
    fn a_trace_is_taken_only_when_it_is_one() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_static(text));
            trace_of(&headers)
        };
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let whole = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(of(whole), Some(trace.to_owned()));
        for bad in [
            "",
            "00",
            "00-zz-b7-01",
            "00-00000000000000000000000000000000-b7-01",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
