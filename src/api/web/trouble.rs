//! Problems as pages, for who came with a browser.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use maud::html;

use super::frame;
use super::links::Links;
use crate::api::problem::Problem;

/// Whether somebody would rather read a page than an object: a browser, outside the routes for programs.
pub fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    !path.starts_with("/api/") && accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The problem as a page, with its status and headers as they are.
pub fn page(problem: &Problem, mut response: Response<Body>, id: &str) -> Response<Body> {
    let status = problem.status;
    let title = status.canonical_reason().unwrap_or("Failed");
    let body = html! {
        h1 { (title) }
        p { (problem.detail) }
        @if let Some(hint) = &problem.hint { p.soft { (hint) } }
        p { a href="/" { "To the overview" } }
        p.soft { "Status " (status.as_u16()) ", code " code { (problem.code) } ", request " code { (id) } }
    };
    let html = frame::whole(title, ("", &Links::default()), &body, false).into_string();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(html.len()));
    *response.body_mut() = Body::from(html);
    response
}
