//! The bar under the heading: which moment is shown, and the way to another one.

use maud::{Markup, html};

use super::look::Look;
use super::words;

/// How far back the slider goes, in minutes.
const FAR: u64 = 24 * 60;

/// Parameters that belong to a moment, or to a place in a list as it was then.
const OF_THE_MOMENT: [&str; 4] = ["as_of", "ago", "cursor", "before"];

/// The bar. Both forms work without a script; with one, the slider moves at once.
pub fn bar(look: &Look<'_>, path: &str) -> Markup {
    let kept: Vec<(&str, &str)> = look
        .asked
        .given()
        .filter(|(name, _)| !OF_THE_MOMENT.contains(name))
        .collect();
    let here = |minutes: &str| super::links::with(path, &[&kept[..], &[("ago", minutes)]].concat());
    let minutes = look.now.since(look.at).as_secs() / 60;
    let shown = look.at.to_string();
    let shown = shown.get(..19).unwrap_or_default();
    html! {
        div #moment .moment .past[look.past] {
            div.when {
            p #when .fresh {
                @if look.past {
                    strong { "As it was" } " on "
                } @else {
                    strong { "Now" } ", "
                }
                time datetime=(look.at) { (words::second(look.at)) } " UTC"
                span.soft { ", position " (words::whole(look.position.0)) }
            }
            nav.jumps aria-label="Moments" {
                a href=(here("60")) { "1 h ago" }
                a href=(here("1440")) { "24 h ago" }
                @if look.past { a.now href=(here("")) { "Back to now" } }
                @else { button #pause type="button" aria-pressed="false" data-wait { "Pause" } }
            }
            }
            form.slide method="get" action=(path) {
                @for (name, value) in &kept { input type="hidden" name=(name) value=(value); }
                label for="ago" { "Minutes ago" }
                input #ago type="range" name="ago" min="0" max=(FAR) step="5" dir="rtl"
                    value=(minutes.min(FAR));
                output #ago-words for="ago" {
                    @if look.past { (words::span(look.now.since(look.at))) " ago" } @else { "now" }
                }
                button { "Go" }
            }
            form.date method="get" action=(path) {
                @for (name, value) in &kept { input type="hidden" name=(name) value=(value); }
                label for="as_of" { "As of (UTC)" }
                input #as_of type="datetime-local" name="as_of" step="1" value=(shown);
                button { "Look" }
            }
        }
    }
}
