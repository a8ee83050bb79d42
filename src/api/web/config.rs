//! `/config`: every setting in force, and where it comes from.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::Value;

use super::frame::{Content, page};
use super::look::Look;
use super::parts::{brief, section, table, table_or};
use super::projections::now_only;
use super::words::text;
use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::ids::StreamId;
use crate::events::kind::Fact;

/// `GET /config`.
pub fn config(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    page(house, asked, |look| {
        let body = if look.past { then(look)? } else { now(look)? };
        Ok(Content::of("Configuration", "/config", body))
    })
}

fn now(look: &Look<'_>) -> Result<Markup, Problem> {
    let (items, _) = look.items("/api/v1/messaging/config", None, &[("limit", "500")])?;
    let (changed, default): (Vec<&Value>, Vec<&Value>) =
        items.iter().partition(|it| text(it, "layer") != "default");
    let row = |it: &&Value| {
        let value = it.get("value").map(Value::to_string).unwrap_or_default();
        html! { th scope="row" { code { (text(it, "key")) } } td { code { (brief(&value, 200)) } } td { (text(it, "origin")) } }
    };
    let columns = ["Setting", "Value", "Origin"];
    let changed: Vec<Markup> = changed.iter().map(row).collect();
    let default: Vec<Markup> = default.iter().map(row).collect();
    Ok(html! {
        (section("changed", "Set by somebody", &table_or("Every setting is a default.", "Settings that are no defaults", &columns, &changed)))
        (section("default", "Defaults", &table("Settings that are defaults", &columns, &default)))
    })
}

/// What the events tell: the settings that the last owner before that moment started with, and what was
/// set since.
fn then(look: &Look<'_>) -> Result<Markup, Problem> {
    let events = look.house.reads.ledger.read_stream(&StreamId::config())?;
    let mut settings: BTreeMap<String, (String, String)> = BTreeMap::new();
    for event in events.iter().filter(|it| it.position <= look.position) {
        if let Fact::ConfigLoaded(loaded) = &event.fact {
            let rows = loaded.settings.iter();
            settings = rows
                .map(|it| (it.key.clone(), (it.value.clone(), it.origin.clone())))
                .collect();
        } else if let Fact::ConfigSet(set) = &event.fact {
            match &set.value {
                Some(value) => {
                    settings.insert(set.key.clone(), (value.clone(), "config set".to_owned()))
                }
                None => settings.remove(&set.key),
            };
        }
    }
    let rows = settings.iter().map(|(key, (value, origin))| {
        html! {
            th scope="row" { code { (key) } } td { code { (brief(value, 200)) } } td { (origin) }
        }
    });
    let rows: Vec<Markup> = rows.collect();
    Ok(html! {
        (now_only("As the events tell: what the owner before that moment started with, and what was set since. All else \
            were the defaults of the version that ran."))
        (section("changed", "Set by somebody", &table_or("Nothing was set by then.", "Settings that were no defaults", &["Setting", "Value", "Origin"], &rows)))
    })
}
