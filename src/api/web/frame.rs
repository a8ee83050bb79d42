//! The frame of every page: heading, ways to the other pages, the moment, and the content.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::bar;
use super::links::Links;
use super::look::Look;
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;

/// Ways to all pages.
const PAGES: [(&str, &str); 11] = [
    ("/", "Overview"),
    ("/agents", "Agents"),
    ("/messages", "Messages"),
    ("/queue", "Queue"),
    ("/inbox", "Inbox"),
    ("/errors", "Errors"),
    ("/events", "Events"),
    ("/projections", "Projections"),
    ("/backups", "Backups"),
    ("/timing", "Timing"),
    ("/config", "Configuration"),
];

/// A page's own part.
#[derive(Debug)]
pub struct Content {
    /// Its heading.
    pub title: String,
    /// Its address, without the query.
    pub path: String,
    /// What it shows.
    pub body: Markup,
}

impl Content {
    /// A page that is one of the list.
    pub fn of(title: &str, path: &str, body: Markup) -> Self {
        Self {
            title: title.to_owned(),
            path: path.to_owned(),
            body,
        }
    }
}

/// Makes a page of the moment that is asked for.
pub fn page(
    house: &House,
    asked: &Asked,
    make: impl FnOnce(&Look<'_>) -> Result<Content, Problem>,
) -> Result<Answer, Problem> {
    let look = Look::new(house, asked)?;
    let content = make(&look)?;
    let moment = bar::bar(&look, &content.path);
    let body = html! {
        h1 { (content.title) }
        (moment)
        (content.body)
    };
    let html = whole(
        &content.title,
        (&content.path, &look.links),
        &body,
        !look.past,
    );
    Ok(Answer {
        body: html.into_string().into_bytes(),
        content: "text/html; charset=utf-8",
        position: look.position,
    })
}

/// A whole document around a body.
pub fn whole(title: &str, (path, links): (&str, &Links), body: &Markup, live: bool) -> Markup {
    let is_here =
        |page: &str| path == page || (page != "/" && path.starts_with(&format!("{page}/")));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Switchboard" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/style.css";
                script src="/assets/live.js" defer {}
            }
            body data-live[live] {
                a.skip href="#content" { "To the content" }
                header {
                    a.name href=(links.to("/", &[])) { "Switchboard" }
                    nav aria-label="Pages" { @for (page, name) in PAGES {
                        a href=(links.to(page, &[])) aria-current=[is_here(page).then_some("page")] { (name) }
                    } }
                }
                main #content tabindex="-1" { (body) }
                footer {
                    nav aria-label="For programs" {
                        a href="/docs" { "API" } a href="/openapi.json" { "OpenAPI" } a href="/metrics" { "Metrics" }
                    }
                    span.soft { "Reads only. The command line changes things." }
                }
            }
        }
    }
}

/// A page without a moment, around content that is HTML already.
pub fn plain(title: &str, content: String) -> String {
    let body = html! { h1 { (title) } (PreEscaped(content)) };
    whole(title, ("", &Links::default()), &body, false).into_string()
}
