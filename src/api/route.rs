//! What a route is: path, parameters, answer. The router, the allow-list of parameters and the
//! `OpenAPI` document are all made from the same rows.

use super::answer::Answer;
use super::house::House;
use super::problem::Problem;
use super::query::Asked;

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Its path, with placeholders in braces.
    pub path: &'static str,
    /// What it answers, in a line.
    pub summary: &'static str,
    /// Its parameters, in groups.
    pub params: &'static [&'static [Param]],
    /// What the answer looks like.
    pub shape: Shape,
    /// Whether the answer depends on the events alone, so that it is the same until there are more.
    pub steady: bool,
    /// Who answers.
    pub serve: Serve,
}

/// Who answers.
#[derive(Clone, Copy, Debug)]
pub enum Serve {
    /// Reads and is done. Called off the async threads.
    Read(fn(&House, &Asked) -> Result<Answer, Problem>),
    /// Reads and is done, in the format that the Accept header asks for.
    Metrics(fn(&House, Option<&str>) -> Result<Answer, Problem>),
    /// Events, as a page or as a file.
    Events,
    /// Events as they come.
    Stream,
}

/// What an answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One object of this schema.
    Item(&'static str),
    /// A page of objects of this schema.
    List(&'static str),
    /// Events of this schema: a page, or one a line.
    Lines(&'static str),
    /// Server-sent events, each with an object of this schema.
    Stream(&'static str),
    /// Text of this type.
    Text(&'static str),
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub sort: Sort,
    /// What it means.
    pub about: &'static str,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Any text.
    Text,
    /// An agent's id.
    Agent,
    /// A tag.
    Word,
    /// States, several with commas between them or given several times.
    States,
    /// An instant.
    Instant,
    /// A position or an instant.
    Moment,
    /// How many.
    Limit,
    /// Where a page begins.
    Cursor,
    /// A position.
    Position,
    /// Milliseconds.
    Millis,
    /// An event's kind, or a group of kinds.
    Kind,
    /// A stream's name.
    Stream,
    /// `true` or `false`.
    Switch,
    /// `json` or `ndjson`.
    Format,
    /// A message's id.
    Id,
    /// How important a log line is.
    Level,
}

const fn param(name: &'static str, sort: Sort, about: &'static str) -> Param {
    Param { name, sort, about }
}

/// Of everything under `/api`: reading one's own writes.
pub const WAITING: &[Param] = &[
    param(
        "after_position",
        Sort::Position,
        "Answer from a state that holds this position, or 503 `projection_lag`",
    ),
    param(
        "wait_ms",
        Sort::Millis,
        "How long to wait for after_position; at most 30000, 0 if not given",
    ),
];

/// Of lists.
pub const PAGED: &[Param] = &[
    param(
        "limit",
        Sort::Limit,
        "How many items at most; 50 if not given",
    ),
    param(
        "cursor",
        Sort::Cursor,
        "The next_cursor of the page before, with the same filters",
    ),
];

/// Of what can be asked about the past.
pub const PAST: &[Param] = &[param(
    "as_of",
    Sort::Moment,
    "As it was right after this position, or at this instant (inclusive)",
)];

/// Of messages.
pub const MESSAGES: &[Param] = &[
    param("to", Sort::Agent, "Recipient"),
    param("from", Sort::Agent, "Sender"),
    param("tag", Sort::Word, "Tag"),
    param("text", Sort::Text, "A word of the body, any case"),
    param(
        "state",
        Sort::States,
        "State; several with commas between them",
    ),
    param("since", Sort::Instant, "Accepted at or after this instant"),
];

/// Of alerts.
pub const ALERTS: &[Param] = &[param(
    "resolved",
    Sort::Switch,
    "Also the last ones that are over, newest first",
)];

/// Of analytics.
pub const ANALYTICS: &[Param] = &[param(
    "since",
    Sort::Instant,
    "From this instant on; the last 24 hours if not given",
)];

/// Of log lines.
pub const LOGS: &[Param] = &[
    param("level", Sort::Level, "At least as important as this"),
    param("since", Sort::Instant, "At or after this instant"),
    param("until", Sort::Instant, "At or before this instant"),
    param("message", Sort::Id, "Only lines that name this message"),
    param(
        "correlation",
        Sort::Id,
        "Only lines about messages of this correlation",
    ),
    param(
        "request",
        Sort::Text,
        "Only lines of this request: an X-Request-Id, or the id of a command",
    ),
    param(
        "session",
        Sort::Id,
        "Only lines of this running of the desk",
    ),
];

/// Of traces.
pub const TRACES: &[Param] = &[
    param("to", Sort::Agent, "Recipient"),
    param("from", Sort::Agent, "Sender"),
    param(
        "state",
        Sort::States,
        "State; several with commas between them",
    ),
    param("since", Sort::Instant, "Accepted at or after this instant"),
];

/// Of an inbox.
pub const INBOX: &[Param] = &[param("unread", Sort::Switch, "Only what was not read")];

/// Of events.
pub const EVENTS: &[Param] = &[
    param("from", Sort::Position, "First position"),
    param("to", Sort::Position, "Last position"),
    param("stream", Sort::Stream, "Only this stream"),
    param(
        "kind",
        Sort::Kind,
        "Only this kind, or this group with a trailing `.*`",
    ),
    param(
        "format",
        Sort::Format,
        "`ndjson` gives all of them, one a line, without pages; so does Accept: application/x-ndjson",
    ),
];

/// Of the tail.
pub const TAIL: &[Param] = &[
    param(
        "from",
        Sort::Position,
        "First position; the next event to come if not given. Last-Event-ID stands above it",
    ),
    param("stream", Sort::Stream, "Only this stream"),
    param(
        "kind",
        Sort::Kind,
        "Only this kind, or this group with a trailing `.*`",
    ),
];
