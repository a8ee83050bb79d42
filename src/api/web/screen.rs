//! Where agents are on their screens: a map of windows and places for every seat.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::Value;

use super::agents::{condition, trouble};
use super::links::Links;
use super::parts::table;
use super::words::text;

/// A rectangle in pixels; left and upper monitors are negative.
#[derive(Clone, Copy, Debug)]
struct Area {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

/// An agent's spot.
#[derive(Debug)]
struct Spot<'v> {
    agent: &'v Value,
    point: (i64, i64),
    window: Option<Area>,
}

/// A map for every seat that somebody has a place on.
pub fn maps(links: &Links, fleet: &[Value]) -> Markup {
    let mut seats: BTreeMap<&str, Vec<Spot<'_>>> = BTreeMap::new();
    for agent in fleet {
        if let Some(spot) = spot(agent) {
            seats.entry(text(agent, "seat")).or_default().push(spot);
        }
    }
    html! {
        @if seats.is_empty() { p.soft { "No agent has a place on a screen." } }
        @for (seat, spots) in &seats { (map(links, seat, spots)) }
    }
}

fn spot(agent: &Value) -> Option<Spot<'_>> {
    let place = agent.get("place")?.as_array()?;
    let point = (place.first()?.as_i64()?, place.get(1)?.as_i64()?);
    let frame = agent
        .pointer("/window/frame")
        .or_else(|| agent.pointer("/profile/fingerprint/frame"));
    Some(Spot {
        agent,
        point,
        window: frame.and_then(area),
    })
}

fn area(frame: &Value) -> Option<Area> {
    let side = |name: &str| frame.get(name)?.as_i64();
    let (left, top) = (side("x")?, side("y")?);
    Some(Area {
        left,
        top,
        right: left.saturating_add(side("width")?),
        bottom: top.saturating_add(side("height")?),
    })
}

/// Everything on a seat, with a margin, at least the size of a small screen.
fn whole(spots: &[Spot<'_>]) -> Area {
    let mut all = Area {
        left: 0,
        top: 0,
        right: 1280,
        bottom: 800,
    };
    for spot in spots {
        let (x, y) = spot.point;
        let window = spot.window.unwrap_or(Area {
            left: x,
            top: y,
            right: x,
            bottom: y,
        });
        all.left = all.left.min(window.left).min(x);
        all.top = all.top.min(window.top).min(y);
        all.right = all.right.max(window.right).max(x);
        all.bottom = all.bottom.max(window.bottom).max(y);
    }
    let margin = 20;
    Area {
        left: all.left.saturating_sub(margin),
        top: all.top.saturating_sub(margin),
        right: all.right.saturating_add(margin),
        bottom: all.bottom.saturating_add(margin),
    }
}

fn map(links: &Links, seat: &str, spots: &[Spot<'_>]) -> Markup {
    let all = whole(spots);
    let (wide, tall) = (
        all.right.saturating_sub(all.left).max(1),
        all.bottom.saturating_sub(all.top).max(1),
    );
    let size = (wide / 42).max(8);
    let class = |agent: &Value| match condition(agent) {
        _ if trouble(agent) > 0 => "spot bad",
        "ready" => "spot good",
        "busy" => "spot busy",
        "paused" => "spot warn",
        _ => "spot plain",
    };
    let rows: Vec<Markup> = spots.iter().map(|spot| html! {
        th scope="row" { a href=(links.agent(text(spot.agent, "id"))) { (text(spot.agent, "id")) } }
        td { (condition(spot.agent)) }
        td.figure { (spot.point.0) ", " (spot.point.1) }
        td.figure { @if let Some(window) = spot.window {
            (window.right - window.left) " × " (window.bottom - window.top) " at " (window.left) ", " (window.top)
        } @else { "not seen" } }
    }).collect();
    html! {
        figure.map {
            figcaption { "Seat " (seat) span.soft { (wide - 40) " × " (tall - 40) " pixels" } }
            svg viewBox={ (all.left) " " (all.top) " " (wide) " " (tall) } role="group"
                aria-label={ "Agents on seat " (seat) } {
                rect.ground x=(all.left) y=(all.top) width=(wide) height=(tall) {}
                @for spot in spots {
                    @let id = text(spot.agent, "id");
                    a href=(links.agent(id)) class=(class(spot.agent)) {
                        title { (id) ", " (condition(spot.agent)) }
                        @if let Some(window) = spot.window {
                            rect.window x=(window.left) y=(window.top) width=(window.right - window.left)
                                height=(window.bottom - window.top) rx="4" vector-effect="non-scaling-stroke" {}
                            text x=(window.left + size / 2) y=(window.top + size + size / 3) font-size=(size) { (id) }
                        } @else {
                            text x=(spot.point.0 + size) y=(spot.point.1 + size / 3) font-size=(size) { (id) }
                        }
                        circle cx=(spot.point.0) cy=(spot.point.1) r=(size / 2) {}
                    }
                }
            }
            details id={ "map-table-" (seat) } {
                summary { "As a table" }
                (table(&format!("Places on seat {seat}"), &["Agent", "State", "#Place", "#Window"], &rows))
            }
        }
    }
}
