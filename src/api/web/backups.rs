//! `/backups`: what could be restored, and what was.

use std::time::Duration;

use maud::{Markup, html};

use super::frame::{Content, page};
use super::look::Look;
use super::parts::{facts, more, section, state, table_or};
use super::words::{ago, count, instant, number, span, stamp, text, whole};
use crate::api::answer::Answer;
use crate::api::answers::backups::{self as answers, Safety};
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::ids::{Position, StreamId};

/// `GET /backups`.
pub fn backups(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let safety = answers::last_at(&house.reads.ledger, look.position)?;
        let query = [("cursor", look.given("cursor"))];
        let (items, next) = look.items("/api/v1/backups", None, &query)?;
        let rows = items.iter().map(|it| html! {
            th scope="row" { (ago(stamp(it, "taken_at"), look.at)) }
            td { (text(it, "kind")) }
            td { @match stamp(it, "last_at") { Some(at) => { (instant(at)) } None => { "–" } } }
            td.figure { (whole(number(it, "first_position"))) "–" (whole(number(it, "last_position"))) }
            td.figure { (bytes(number(it, "bytes_stored"))) }
            td { code { (text(it, "id")) } }
        });
        let rows: Vec<Markup> = rows.collect();
        let columns = [
            "Taken",
            "Kind",
            "Restorable up to",
            "#Positions",
            "#Stored",
            "Backup",
        ];
        let to = |cursor: &str| look.links.to("/backups", &[("cursor", cursor)]);
        let first = (!look.given("cursor").is_empty()).then(|| to(""));
        let body = html! {
            (section("clock", "If the machine were lost now", &exposure(look, &safety)?))
            (section("drills", "Drills", &drills(look)?))
            (section("backups", "Backups, newest first", &html! {
                (table_or("No backup was ever taken: switchboard backup full --repo DIR", "Backups", &columns, &rows))
                (more(first.as_deref(), next.as_deref().map(to).as_deref()))
                p.soft { "What the ledger tells. What is still in a repository: " code { "switchboard backup list" } }
            }))
        };
        Ok(Content::of("Backups", "/backups", body))
    })
}

/// How much would be lost, in a word and in a sentence.
#[derive(Debug)]
pub struct Clock {
    /// How far back the oldest event that is in no backup lies.
    pub exposed: String,
    /// The same with its reason.
    pub words: Markup,
}

/// How much would be lost at the moment that is looked at.
pub fn clock(look: &Look<'_>) -> Result<Clock, Problem> {
    let safety = answers::last_at(&look.house.reads.ledger, look.position)?;
    let Some(covered) = safety.restorable else {
        return Ok(Clock {
            exposed: "everything".to_owned(),
            words: html! { span.bad { "no backup was ever taken" } },
        });
    };
    let open = uncovered(look, covered)?;
    Ok(Clock {
        exposed: open
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), |(_, since)| span(*since)),
        words: html! { "last backup " (ago(safety.backup.map(|(taken, _)| taken), look.at)) },
    })
}

/// How many events are in no backup, and how long ago the first of them was; none when only the record of
/// the backup itself is.
fn uncovered(look: &Look<'_>, covered: Position) -> Result<Option<(u64, Duration)>, Problem> {
    let behind = look.position.0.saturating_sub(covered.0);
    let events = look.house.reads.ledger.read(covered.next(), 8)?;
    let bookkeeping = |kind: &str| kind.starts_with("backup.") || kind.starts_with("drill.");
    let first = events
        .iter()
        .find(|it| it.position <= look.position && !bookkeeping(&it.fact.name()));
    Ok(first.map(|first| (behind, look.at.since(first.recorded_at))))
}

fn exposure(look: &Look<'_>, safety: &Safety) -> Result<Markup, Problem> {
    let (Some((taken, restorable)), Some(covered)) = (safety.backup, safety.restorable) else {
        return Ok(html! {
            p.verdict { (state("unhealthy")) " Everything: no backup was ever taken." }
            p { code { "switchboard backup full --repo DIR" } }
        });
    };
    let lost = match uncovered(look, covered)? {
        None => html! { "nothing" },
        Some((events, since)) => {
            html! { (count(events, "event")) ", the last " strong { (span(since)) } }
        }
    };
    Ok(facts(&[
        ("Would be lost", lost),
        (
            "Last restorable moment",
            instant(restorable.unwrap_or(taken)),
        ),
        (
            "Up to position",
            html! { (whole(covered.0)) " of " (whole(look.position.0)) },
        ),
        (
            "Last backup",
            html! { (ago(Some(taken), look.at)) ", " (instant(taken)) },
        ),
        (
            "Last drill",
            match safety.drill {
                None => html! { span.soft { "never" } },
                Some((at, passed)) => {
                    html! { (state(if passed { "passed" } else { "missed" })) " " (ago(Some(at), look.at)) }
                }
            },
        ),
    ]))
}

fn drills(look: &Look<'_>) -> Result<Markup, Problem> {
    let events = look.house.reads.ledger.read_stream(&StreamId::drills())?;
    let seen = events
        .iter()
        .rev()
        .filter(|it| it.position <= look.position)
        .take(20);
    let rows = seen.map(|event| {
        let detail = event.fact.to_json();
        html! {
            th scope="row" { (ago(Some(event.recorded_at), look.at)) }
            td { (text(&detail, "scenario")) }
            td { (state(if event.fact.name() == "drill.passed" { "passed" } else { "missed" })) }
            td { (text(&detail, "reason")) }
        }
    });
    let rows: Vec<Markup> = rows.collect();
    Ok(table_or(
        "No disaster was rehearsed yet: switchboard backup drill",
        "Drills",
        &["When", "Scenario", "Outcome", "Reason"],
        &rows,
    ))
}

fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{}.{} kB", count / 1_000, count / 100 % 10),
        1_000_000..1_000_000_000 => format!("{}.{} MB", count / 1_000_000, count / 100_000 % 10),
        _ => format!("{}.{} GB", count / 1_000_000_000, count / 100_000_000 % 10),
    }
}
