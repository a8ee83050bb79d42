//! Every route there is.

use super::answers::{
    alerts, analytics, backups, fleet, health, ledger, logs, messages, metrics, settings, traces,
};
use super::exposition;
use super::route::{
    ALERTS, ANALYTICS, EVENTS, INBOX, LOGS, MESSAGES, PAGED, PAST, Param, Route, Serve, Shape,
    TAIL, TRACES, WAITING,
};

const fn item(
    path: &'static str,
    summary: &'static str,
    params: &'static [&'static [Param]],
    schema: &'static str,
    serve: Serve,
) -> Route {
    Route {
        path,
        summary,
        params,
        shape: Shape::Item(schema),
        steady: true,
        serve,
    }
}

const fn list(
    path: &'static str,
    summary: &'static str,
    params: &'static [&'static [Param]],
    schema: &'static str,
    serve: Serve,
) -> Route {
    Route {
        shape: Shape::List(schema),
        ..item(path, summary, params, schema, serve)
    }
}

/// Whose answer can change without an event.
const fn fleeting(route: Route) -> Route {
    Route {
        steady: false,
        ..route
    }
}

const fn text(
    path: &'static str,
    summary: &'static str,
    content: &'static str,
    serve: Serve,
) -> Route {
    Route {
        path,
        summary,
        params: &[],
        shape: Shape::Text(content),
        steady: false,
        serve,
    }
}

/// Every route.
pub const ROUTES: &[Route] = &[
    fleeting(item(
        "/api/v1/messaging/health",
        "How well everything is, with a score and reasons",
        &[WAITING],
        "Health",
        Serve::Read(health::health),
    )),
    item(
        "/api/v1/messaging/metrics",
        "Counters and latencies",
        &[PAST, WAITING],
        "Metrics",
        Serve::Read(metrics::metrics),
    ),
    fleeting(list(
        "/api/v1/messaging/timing",
        "How long the steps of deliveries take, and the deadlines that follow",
        &[PAST, PAGED, WAITING],
        "Timing",
        Serve::Read(settings::timing),
    )),
    list(
        "/api/v1/messaging/agents",
        "Every agent, by id",
        &[PAST, PAGED, WAITING],
        "Agent",
        Serve::Read(fleet::agents),
    ),
    item(
        "/api/v1/messaging/agents/{id}",
        "One agent",
        &[PAST, WAITING],
        "Agent",
        Serve::Read(fleet::agent),
    ),
    list(
        "/api/v1/messaging/agents/{id}/inbox",
        "What lies in an agent's inbox, oldest first",
        &[INBOX, PAST, PAGED, WAITING],
        "InboxMessage",
        Serve::Read(fleet::inbox),
    ),
    list(
        "/api/v1/messaging/queue",
        "What waits or is being carried, in the order of turns",
        &[PAST, PAGED, WAITING],
        "Queued",
        Serve::Read(fleet::queue),
    ),
    fleeting(list(
        "/api/v1/messaging/config",
        "Every setting in force, and where it comes from",
        &[PAGED, WAITING],
        "Setting",
        Serve::Read(settings::config),
    )),
    list(
        "/api/v1/messaging/messages",
        "Messages, newest first. A page can be short, or empty, and still have a next one",
        &[MESSAGES, PAST, PAGED, WAITING],
        "Message",
        Serve::Read(messages::list),
    ),
    item(
        "/api/v1/messaging/messages/{id}",
        "One message",
        &[PAST, WAITING],
        "Message",
        Serve::Read(messages::show),
    ),
    list(
        "/api/v1/messaging/messages/{id}/timeline",
        "Every event that concerns a message, in order",
        &[PAST, PAGED, WAITING],
        "StoryLine",
        Serve::Read(messages::timeline),
    ),
    list(
        "/api/v1/observability/alerts",
        "What is wrong, the worst first; on request also what was",
        &[ALERTS, PAST, PAGED, WAITING],
        "Alert",
        Serve::Read(alerts::list),
    ),
    fleeting(list(
        "/api/v1/observability/logs",
        "The desk's own log lines, newest first",
        &[LOGS, PAGED, WAITING],
        "LogLine",
        Serve::Read(logs::list),
    )),
    fleeting(item(
        "/api/v1/observability/analytics",
        "How attempts fared: what failed where and when, worst agents, trend, suggested deadlines",
        &[ANALYTICS, PAST, WAITING],
        "Analytics",
        Serve::Read(analytics::analytics),
    )),
    list(
        "/api/v1/observability/traces",
        "Spans of messages, newest message first. A page can be short, or empty, and still have a next one",
        &[TRACES, PAST, PAGED, WAITING],
        "Trace",
        Serve::Read(traces::list),
    ),
    item(
        "/api/v1/observability/traces/messages/{id}",
        "Spans of one message",
        &[PAST, WAITING],
        "Trace",
        Serve::Read(traces::show),
    ),
    Route {
        path: "/api/v1/events",
        summary: "Events in order, as pages or as a file of lines. A page can be short, or empty, \
                  and still have a next one",
        params: &[EVENTS, PAGED, WAITING],
        shape: Shape::Lines("Event"),
        // A file or a page, as a header says.
        steady: false,
        serve: Serve::Events,
    },
    Route {
        path: "/api/v1/events/stream",
        summary: "Events as they come, as server-sent events whose id is the position. A client \
                  that is slow is told so by an event `lagged`, and misses nothing",
        params: &[TAIL, WAITING],
        shape: Shape::Stream("Event"),
        steady: false,
        serve: Serve::Stream,
    },
    fleeting(list(
        "/api/v1/projections",
        "Every projection, and how far each has come",
        &[PAGED, WAITING],
        "Projection",
        Serve::Read(ledger::projections),
    )),
    list(
        "/api/v1/backups",
        "Every backup that was taken, newest first",
        &[PAST, PAGED, WAITING],
        "Backup",
        Serve::Read(backups::list),
    ),
    fleeting(item(
        "/api/v1/version",
        "What this binary and this ledger are",
        &[WAITING],
        "Version",
        Serve::Read(ledger::version),
    )),
    text(
        "/openapi.json",
        "This description",
        "application/json",
        Serve::Read(ledger::openapi),
    ),
    text(
        "/docs",
        "This description, for people",
        "text/html",
        Serve::Read(ledger::docs),
    ),
    text(
        "/metrics",
        "Figures for Prometheus; OpenMetrics when asked for by Accept",
        "text/plain",
        Serve::Metrics(exposition::metrics),
    ),
    fleeting(item(
        "/livez",
        "Whether the process answers",
        &[],
        "State",
        Serve::Read(health::lives),
    )),
    fleeting(item(
        "/readyz",
        "Whether every projection can be asked; 503 `not_ready` if not",
        &[],
        "State",
        Serve::Read(health::is_ready),
    )),
];
