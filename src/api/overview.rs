//! The start page: the desk at a glance, written here, kept fresh by a little script of our own.

use std::fmt::Write as _;

use serde_json::Value;

use super::answer::Answer;
use super::answers::{backups, health, metrics};
use super::house::{House, Seen};
use super::pages::{escaped, page};
use super::problem::Problem;
use super::query::Asked;
use crate::events::ids::Position;
use crate::events::time::Timestamp;
use crate::projections::agents::{Agent, Breaker};
use crate::projections::states::States;
use crate::projections::view::View;

/// What keeps the page fresh.
pub const SCRIPT: &str = include_str!("live.js");

/// How many of the queue are shown.
const QUEUE: usize = 10;

/// `GET /`.
pub fn overview(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let seen = house.states(asked, &[View::Agents, View::Outbox, View::Traffic])?;
    let now = house.reads.clock.now();
    let (position, at, parts) = house.look(&seen, |states| {
        let figures = metrics::shown(states);
        let parts = [
            tiles(&figures),
            agents(states, now),
            latency(&figures),
            errors(states),
            queue(states),
        ];
        (states.position, states.at, parts.concat())
    });
    let mut content = controls(&seen, position, at);
    if let Seen::Live = seen {
        content.push_str(&wellness(house, now)?);
    }
    content.push_str(&parts);
    if let Seen::Live = seen {
        content.push_str(&safety(house, now)?);
        content.push_str(
            "<section id=\"tail\"><h2>Events as they come</h2><ol id=\"events\" class=\"tail\"></ol>\
             <p class=\"soft\">Newest first; <a href=\"/api/v1/events\">all of them</a>.</p></section>\n\
             <script src=\"/assets/live.js\" defer></script>\n",
        );
    }
    Ok(Answer {
        body: page("The desk", &content).into_bytes(),
        content: "text/html; charset=utf-8",
        position,
    })
}

/// Puts text behind other text; that cannot fail.
macro_rules! put {
    ($to:expr, $($words:tt)*) => {
        write!($to, $($words)*).unwrap_or_default()
    };
}

fn section(id: &str, title: &str, content: &str) -> String {
    format!(
        "<section id=\"{id}\" class=\"fresh\" aria-labelledby=\"{id}-title\">\
         <h2 id=\"{id}-title\">{title}</h2>\n{content}</section>\n"
    )
}

/// A table with a row per item; a sentence instead when there is none.
fn table(caption: &str, columns: &[&str], rows: &str, none: &str) -> String {
    if rows.is_empty() {
        return format!("<p class=\"soft\">{none}</p>");
    }
    let mut head = String::new();
    for column in columns {
        put!(head, "<th scope=\"col\">{column}</th>");
    }
    format!(
        "<div class=\"wide\"><table><caption>{caption}</caption><thead><tr>{head}</tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    )
}

fn controls(seen: &Seen, position: Position, at: Timestamp) -> String {
    let (state, button) = match seen {
        Seen::Live => (
            "Now",
            "<button type=\"button\" id=\"pause\" aria-pressed=\"false\" hidden>Pause</button>",
        ),
        Seen::Past(_) => ("As it was", "<a href=\"/\">Back to now</a>"),
    };
    format!(
        "<form class=\"controls\" method=\"get\" action=\"/\"><p id=\"when\" class=\"fresh\">{state}: \
         position <strong>{position}</strong>, <time datetime=\"{at}\">{at}</time></p>\
         <label>As of <input name=\"as_of\" required size=\"28\" placeholder=\"position or instant\">\
         </label><button>Look</button>{button}</form>\n"
    )
}

fn wellness(house: &House, now: Timestamp) -> Result<String, Problem> {
    let verdict = &health::judged(&health::facts(house)?, now);
    let word = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let (overall, score) = (word(&verdict["overall_status"]), &verdict["score"]);
    let mut rows = String::new();
    for (name, component) in verdict["components"].as_object().into_iter().flatten() {
        let (status, reason) = (word(&component["status"]), word(&component["reason"]));
        put!(
            rows,
            "<tr><th scope=\"row\">{}</th><td class=\"{status}\">{status}</td><td>{reason}</td></tr>",
            escaped(name)
        );
    }
    let columns = ["Component", "Status", "Why"];
    let table = table("Components", &columns, &rows, "");
    let content = format!(
        "<p role=\"status\"><strong class=\"{overall}\">{overall}</strong>, {score} of 100</p>{table}"
    );
    Ok(section("health", "Health", &content))
}

fn tiles(figures: &Value) -> String {
    let rate = figures["success_rate"].as_f64();
    let rate = rate.map_or_else(
        || "none yet".to_owned(),
        |rate| format!("{:.2} %", rate * 100.0),
    );
    let mut tiles = String::from("<dl class=\"tiles\">");
    for (name, value) in [
        ("Attempts that arrived", rate),
        ("Queued", figures["queued"].to_string()),
        ("Outcome unknown", figures["unknown"].to_string()),
        ("Dead", figures["dead"].to_string()),
        ("Agents", figures["agents"].to_string()),
    ] {
        put!(tiles, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    tiles.push_str("</dl>");
    section("figures", "At a glance", &tiles)
}

fn agents(states: &States, now: Timestamp) -> String {
    let mut rows = String::new();
    for (id, agent) in states.agents.iter() {
        let id = escaped(id.as_str());
        let seen = agent.last_seen.map_or_else(
            || "never".to_owned(),
            |at| {
                format!(
                    "<time datetime=\"{at}\">{} s ago</time>",
                    now.since(at).as_secs()
                )
            },
        );
        put!(
            rows,
            "<tr><th scope=\"row\"><a href=\"/api/v1/messaging/agents/{id}\">{id}</a></th><td>{}</td>\
             <td>{}</td><td>{}</td><td>{seen}</td></tr>",
            agent.condition(),
            agent.queued,
            breakers(agent),
        );
    }
    let columns = ["Agent", "State", "Queued", "Breakers", "Last seen"];
    let none = "No agent yet: <code>switchboard agent add ID</code>";
    section(
        "agents",
        "Agents",
        &table("Every agent", &columns, &rows, none),
    )
}

fn breakers(agent: &Agent) -> String {
    let open = agent.channels.iter().filter_map(|(channel, health)| {
        let word = health.breaker.word();
        (health.breaker != Breaker::Closed)
            .then(|| format!("<span class=\"unhealthy\">{channel} {word}</span>"))
    });
    let open: Vec<String> = open.collect();
    if open.is_empty() {
        "closed".to_owned()
    } else {
        open.join(", ")
    }
}

fn latency(figures: &Value) -> String {
    let mut rows = String::new();
    for (priority, of) in figures["latency"].as_object().into_iter().flatten() {
        let millis = |name: &str| {
            let micros = of[name].as_u64();
            micros.map_or_else(String::new, |micros| format!("{} ms", micros / 1000))
        };
        put!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(priority),
            of["count"],
            millis("mean_micros"),
            millis("p50_micros"),
            millis("p95_micros"),
            millis("p99_micros"),
        );
    }
    let columns = ["Priority", "Messages", "Mean", "Half", "95 %", "99 %"];
    let caption = "From being due to being settled";
    section(
        "latency",
        "Latency",
        &table(caption, &columns, &rows, "Nothing was settled yet."),
    )
}

fn errors(states: &States) -> String {
    let failures = states.traffic.failures();
    let most = failures.values().copied().max().unwrap_or(1);
    let mut rows = String::new();
    for (class, count) in failures {
        put!(
            rows,
            "<tr><th scope=\"row\">{class}</th><td>{count}</td>\
             <td><meter min=\"0\" max=\"{most}\" value=\"{count}\">{count}</meter></td></tr>"
        );
    }
    let columns = ["Class", "Attempts", "Share"];
    section(
        "errors",
        "Errors",
        &table(
            "Failed attempts by class",
            &columns,
            &rows,
            "No attempt failed.",
        ),
    )
}

fn queue(states: &States) -> String {
    let queued = states.outbox.queue_after(None);
    let mut rows = String::new();
    for (message, kept) in queued.iter().take(QUEUE) {
        put!(
            rows,
            "<tr><th scope=\"row\"><a href=\"/api/v1/messaging/messages/{message}/timeline\">{message}</a>\
             </th><td>{}</td><td>{}</td><td>{}</td><td><time datetime=\"{due}\">{due}</time></td></tr>",
            escaped(kept.to.as_str()),
            kept.priority,
            kept.life.attempts,
            due = kept.life.due_at,
        );
    }
    let columns = ["Message", "To", "Priority", "Attempts", "Due"];
    let shown = format!("The next {} of {}", queued.len().min(QUEUE), queued.len());
    section(
        "queue",
        "Queue",
        &table(&shown, &columns, &rows, "Nothing waits."),
    )
}

fn safety(house: &House, now: Timestamp) -> Result<String, Problem> {
    let safety = backups::last(&house.reads.ledger)?;
    let minutes = |at: Timestamp| now.since(at).as_secs() / 60;
    let backup = match safety.backup {
        None => {
            "<p class=\"degraded\">No backup was ever taken: <code>switchboard backup full --repo \
                 DIR</code></p>"
                .to_owned()
        }
        Some((taken, restorable)) => {
            let restorable = restorable.unwrap_or(taken);
            format!(
                "<p>What happened up to <time datetime=\"{restorable}\">{restorable}</time> can be \
                 restored; the last backup was taken {} minutes ago.</p>",
                minutes(taken)
            )
        }
    };
    let drill = match safety.drill {
        None => "<p>No drill yet.</p>".to_owned(),
        Some((at, passed)) => {
            let word = if passed { "kept" } else { "missed" };
            format!(
                "<p>The last drill, {} minutes ago, {word} its plan.</p>",
                minutes(at)
            )
        }
    };
    Ok(section("safety", "Backups", &format!("{backup}{drill}")))
}
