//! `/inbox`: whose inbox holds what.

use maud::{Markup, html};

use super::frame::{Content, page};
use super::look::Look;
use super::parts::{agent, brief, message, more, section, state, table_or};
use super::words::{ago, stamp, text, whole};
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::ids::AgentId;
use crate::projections::view::View;

/// `GET /inbox`.
pub fn inbox(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let of = look.given("agent");
        let body = html! {
            (section("inboxes", "Inboxes", &inboxes(look)?))
            @if !of.is_empty() { (section("inbox", &format!("Inbox of {of}"), &entries(look, of)?)) }
        };
        Ok(Content::of("Inbox", "/inbox", body))
    })
}

fn inboxes(look: &Look<'_>) -> Result<Markup, Problem> {
    let seen = look
        .house
        .states(&look.moment()?, &[View::Agents, View::Inbox])?;
    let rows: Vec<Markup> = look.house.look(&seen, |states| {
        let operator = AgentId::OPERATOR.parse::<AgentId>().ok();
        let all = states
            .agents
            .iter()
            .map(|(id, _)| id)
            .chain(operator.as_ref());
        let counted = all.map(|id| (id, states.inbox.of(id).count(), states.inbox.unread(id)));
        let there = counted.filter(|(id, count, _)| *count > 0 || id.as_str() != AgentId::OPERATOR);
        there.map(|(id, count, (unread, oldest))| html! {
            th scope="row" { a href=(look.links.to("/inbox", &[("agent", id.as_str())])) { (id) } }
            td.figure { @if unread > 0 { strong { (whole(unread)) } } @else { "0" } }
            td.figure { (count) }
            td { @if oldest.is_some() { (ago(oldest, look.at)) } @else { span.soft { "–" } } }
        }).collect()
    });
    let columns = ["Agent", "#Unread", "#All", "Oldest unread"];
    Ok(table_or("No agent yet.", "Inboxes", &columns, &rows))
}

fn entries(look: &Look<'_>, of: &str) -> Result<Markup, Problem> {
    let unread = look.given("unread");
    let query = [("unread", unread), ("cursor", look.given("cursor"))];
    let (items, next) = look.items("/api/v1/messaging/agents/{id}/inbox", Some(of), &query)?;
    let rows = items.iter().map(|it| html! {
        th scope="row" { (message(&look.links, text(it, "message"))) }
        td { (ago(stamp(it, "inboxed_at"), look.at)) }
        td { (agent(&look.links, text(it, "from"))) }
        td { (state(text(it, "state"))) }
        td { @match stamp(it, "read_at") { Some(at) => { (ago(Some(at), look.at)) } None => { strong { "unread" } } } }
        td.words { (brief(text(it, "body"), 80)) }
    });
    let rows: Vec<Markup> = rows.collect();
    let columns = ["Message", "Put there", "From", "State", "Read", "Words"];
    let to = |unread: &str, cursor: &str| {
        look.links.to(
            "/inbox",
            &[("agent", of), ("unread", unread), ("cursor", cursor)],
        )
    };
    let first = (!look.given("cursor").is_empty()).then(|| to(unread, ""));
    let next = next.as_deref().map(|next| to(unread, next));
    Ok(html! {
        p { @if unread == "true" { a href=(to("", "")) { "All of it" } } @else { a href=(to("true", "")) { "Only unread" } } }
        (table_or("Nothing lies there.", "Inbox", &columns, &rows))
        (more(first.as_deref(), next.as_deref()))
    })
}
