//! `/messages/{id}`: one message, its story, and what can be done about it.

use maud::{Markup, html};
use serde_json::Value;

use super::frame::{Content, page};
use super::look::Look;
use super::parts::{agent, command, facts, message as link, quoted, section, short, state};
use super::words::{count, instant, listed, number, span, stamp, text};
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;

/// `GET /messages/{id}`.
pub fn message(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let id = look.asked.message_in_path()?.to_string();
        let message = look.ask("/api/v1/messaging/messages/{id}", Some(&id), &[])?;
        let (story, more) = look.items(
            "/api/v1/messaging/messages/{id}/timeline",
            Some(&id),
            &[("limit", "500")],
        )?;
        let body = html! {
            (section("outcome", "Where it stands", &outcome(look, &message)))
            (section("story", "Its story", &html! {
                (timeline(look, &story))
                @if more.is_some() { p.soft { "The first 500 events; the API has all of them." } }
            }))
            div.pair {
                (section("commands", "What you can do", &commands(look, &id, &message)))
                (section("facts", "What it is", &about(look, &message)))
            }
            (section("words", "Words", &html! { pre tabindex="0" { (text(&message, "body")) } }))
        };
        Ok(Content {
            title: format!("Message {}", short(&id)),
            path: format!("/messages/{id}"),
            body,
        })
    })
}

fn outcome(look: &Look<'_>, message: &Value) -> Markup {
    let word = text(message, "state");
    let failure = message.get("failure").filter(|it| !it.is_null());
    html! {
        p.verdict { (state(word)) } p { (meaning(word)) }
        @if let Some(failure) = failure {
            p.reason { @if matches!(word, "dead" | "unknown" | "expired") { "Why it did not arrive: " } @else { "The last failure: " }
                strong { (text(failure, "class")) } ", " (text(failure, "detail")) }
        }
        p.soft { (count(number(message, "attempts"), "attempt")) ", from " (agent(&look.links, text(message, "from")))
            " to " (agent(&look.links, text(message, "to"))) ", " (text(message, "priority")) }
    }
}

/// A state in a sentence.
fn meaning(state: &str) -> &'static str {
    match state {
        "accepted" => "It waits for its turn, its time or its next attempt.",
        "attempting" => "Hands are moving; the text is not seen yet.",
        "pasted" => "The text was seen in the box.",
        "submitted" => "Enter was pressed; nothing more can be seen there.",
        "observed" => "It was seen to arrive.",
        "inboxed" => "It is in the agent's inbox folder.",
        "acknowledged" => "The agent says it was read.",
        "answered" => "The agent replied.",
        "expired" => "Its time ran out first.",
        "cancelled" => "It was taken back in time.",
        "unknown" => "It was cut off after Enter may have been pressed; somebody has to look.",
        "dead" => "Every way was tried.",
        _ => "",
    }
}

fn timeline(look: &Look<'_>, story: &[Value]) -> Markup {
    let start = story.first().and_then(|first| stamp(first, "recorded_at"));
    let class = |event: &str| match event {
        "attempt.observed" | "message.acknowledged" | "message.answered" => "good",
        "attempt.failed" | "attempt.unknown" | "message.died" | "message.expired"
        | "breaker.opened" => "bad",
        _ => "plain",
    };
    html! {
        ol.story { @for event in story {
            @let at = stamp(event, "recorded_at");
            @let name = text(event, "event");
            li class=(class(name)) {
                @if let (Some(at), Some(start)) = (at, start) {
                    time datetime=(at) title=(at) { "+" (span(at.since(start))) }
                }
                span.said {
                    (look.house.reads.surroundings.told(name, event.get("detail").unwrap_or(&Value::Null)))
                    " " span.soft { (name) " at " (number(event, "position")) ", by " (text(event, "actor")) }
                }
            }
        } }
    }
}

fn commands(look: &Look<'_>, id: &str, message: &Value) -> Markup {
    let store = quoted(&look.house.reads.store.display().to_string());
    let line = |words: String| command(&format!("switchboard --store {store} {words}"));
    html! {
        @if look.past { p.warn { "This is how it was. See how it is now before you act: " a href={ "/messages/" (id) } { "now" } } }
        @match text(message, "state") {
            "accepted" | "attempting" | "pasted" => { p { "Take it back, while no Enter was pressed:" } (line(format!("cancel {id}"))) }
            "unknown" => {
                p { "Look at the window, then say what you found:" }
                (line(format!("resolve {id} delivered")))
                (line(format!("resolve {id} failed")))
            }
            "dead" | "expired" => { p { "Carry it once more, from the beginning:" } (line(format!("requeue {id}"))) }
            "inboxed" | "observed" | "submitted" => { p { "Say for its recipient that it was read:" } (line(format!("ack {id}"))) }
            _ => {}
        }
        p { "Its story in the terminal:" }
        (line(format!("why {id}")))
    }
}

fn about(look: &Look<'_>, message: &Value) -> Markup {
    let at = |field: &str| html! { @match stamp(message, field) { Some(at) => { (instant(at)) } None => { span.soft { "–" } } } };
    let plain = |field: &str| html! { @match text(message, field) { "" => { span.soft { "–" } } words => { (words) } } };
    let other = |field: &str| html! { @match text(message, field) { "" => { span.soft { "–" } } id => { (link(&look.links, id)) } } };
    facts(&[
        ("Message", html! { code { (text(message, "message")) } }),
        ("Kind", plain("kind")),
        (
            "Tags",
            html! { @match listed(message, "tags").as_str() { "" => { span.soft { "–" } } tags => { (tags) } } },
        ),
        ("Channel", plain("channel")),
        ("Proof", plain("proof")),
        ("Accepted", at("created_at")),
        ("Due", at("due_at")),
        ("Expires", at("expires_at")),
        ("Settled", at("settled_at")),
        ("In reply to", other("reply_to")),
        ("Nudge", other("nudge")),
        ("File", plain("file")),
        (
            "Correlation",
            html! { code { (text(message, "correlation")) } },
        ),
    ])
}
