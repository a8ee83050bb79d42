//! Every page there is. They stand beside the API's routes, not in its description.

use super::look::MOMENT;
use super::{
    agent, agents, assets, backups, config, errors, events, inbox, message, messages, overview,
    projections, queue, timing,
};
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::api::route::{Param, Route, Serve, Shape, Sort};

type Handler = fn(&House, &Asked) -> Result<Answer, Problem>;

const fn page(path: &'static str, summary: &'static str, handler: Handler) -> Route {
    Route {
        path,
        summary,
        params: &[MOMENT],
        shape: Shape::Text("text/html"),
        // Ages grow without an event.
        steady: false,
        serve: Serve::Read(handler),
    }
}

const fn list(route: Route, params: &'static [&'static [Param]]) -> Route {
    Route { params, ..route }
}

const fn file(path: &'static str, content: &'static str, handler: Handler) -> Route {
    Route {
        params: &[],
        shape: Shape::Text(content),
        ..page(path, "What pages need", handler)
    }
}

const fn text(name: &'static str, sort: Sort, about: &'static str) -> Param {
    Param { name, sort, about }
}

const CURSOR: &[Param] = &[text("cursor", Sort::Cursor, "Where the page begins")];

const FILTERS: &[Param] = &[
    text("to", Sort::Agent, "Recipient"),
    text("from", Sort::Agent, "Sender"),
    text("tag", Sort::Word, "Tag"),
    text(
        "text",
        Sort::Text,
        "A word of the body, any case, or a message's id",
    ),
    text("state", Sort::States, "State"),
    text("since", Sort::Instant, "Accepted at or after this instant"),
];

const INBOX: &[Param] = &[
    text("agent", Sort::Agent, "Whose inbox"),
    text("unread", Sort::Switch, "Only what was not read"),
];

const EVENTS: &[Param] = &[
    text(
        "kind",
        Sort::Kind,
        "Only this kind, or this group with a trailing `.*`",
    ),
    text("stream", Sort::Stream, "Only this stream"),
    text("before", Sort::Position, "Only events before this position"),
];

/// Every page, and what pages need.
pub const PAGES: &[Route] = &[
    page("/", "The desk at a glance", overview::overview),
    page(
        "/agents",
        "Every agent, and where they are on the screen",
        agents::agents,
    ),
    page("/agents/{id}", "One agent", agent::agent),
    list(
        page("/messages", "Messages", messages::messages),
        &[MOMENT, FILTERS, CURSOR],
    ),
    page("/messages/{id}", "One message's story", message::message),
    list(
        page("/queue", "What waits", queue::queue),
        &[MOMENT, CURSOR],
    ),
    list(
        page("/inbox", "Inboxes", inbox::inbox),
        &[MOMENT, INBOX, CURSOR],
    ),
    page(
        "/errors",
        "Failed attempts by class and time",
        errors::errors,
    ),
    list(
        page("/events", "Events, newest first", events::events),
        &[MOMENT, EVENTS],
    ),
    page(
        "/projections",
        "How far each projection is",
        projections::projections,
    ),
    list(
        page("/backups", "Backups and drills", backups::backups),
        &[MOMENT, CURSOR],
    ),
    page("/timing", "How long things take", timing::timing),
    page(
        "/config",
        "Settings and where they come from",
        config::config,
    ),
    file("/assets/style.css", "text/css", assets::style),
    file("/assets/live.js", "text/javascript", assets::script),
    file("/assets/icon.svg", "image/svg+xml", assets::icon),
];
