//! What a page looks at: now, or a moment of the past, through the API's own routes.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

use super::links::{Links, joined};
use crate::api::happened;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::api::route::{PAST, Param, Serve, Sort};
use crate::api::routes::ROUTES;
use crate::events::ids::Position;
use crate::events::time::Timestamp;
use crate::projections::states::Moment;

/// Of every page: the moment it shows.
pub const MOMENT: &[Param] = &[
    Param {
        name: "as_of",
        sort: Sort::Moment,
        about: "As it was right after this position, or at this instant (inclusive)",
    },
    Param {
        name: "ago",
        sort: Sort::Text,
        about: "As it was this many minutes ago, when as_of is not given",
    },
];

/// A page's view of everything.
#[derive(Debug)]
pub struct Look<'h> {
    /// What is read.
    pub house: &'h House,
    /// The request, without what was left blank.
    pub asked: Asked,
    /// Whether the past is looked at.
    pub past: bool,
    /// The last event that is seen.
    pub position: Position,
    /// The instant that is seen. Ages are counted from here.
    pub at: Timestamp,
    /// The machine's time.
    pub now: Timestamp,
    /// Where links lead.
    pub links: Links,
}

impl<'h> Look<'h> {
    /// Understands which moment is asked for.
    pub fn new(house: &'h House, asked: &Asked) -> Result<Self, Problem> {
        let asked = asked.without_blanks();
        let now = house.reads.clock.now();
        let ledger = &house.reads.ledger;
        let head = ledger.head();
        let live = Look {
            house,
            past: false,
            position: house.reads.projections.position(),
            at: now,
            now,
            links: Links::default(),
            asked,
        };
        let (moment, text) = match (live.asked.text("as_of"), live.asked.text("ago")) {
            (Some(text), _) => (moment(text)?, Some(text)),
            (None, Some(minutes)) => match back(minutes, now)? {
                Some(at) => (Moment::Instant(at), None),
                None => return Ok(live),
            },
            (None, None) => return Ok(live),
        };
        let (position, at) = match moment {
            // Nothing happened since the newest event, so that moment is known.
            Moment::Instant(at) if at > head.recorded_at && at <= now => (head.position, at),
            Moment::Instant(at) => (moment.resolve(ledger)?, at),
            Moment::Position(_) => {
                let position = moment.resolve(ledger)?;
                let event = ledger.read(position.max(Position(1)), 1)?;
                (position, event.first().map_or(now, |it| it.recorded_at))
            }
        };
        let as_of = match (moment, text) {
            (Moment::Position(_), Some(text)) => text.to_owned(),
            _ => at.to_string(),
        };
        Ok(Look {
            past: true,
            position,
            at,
            links: Links { as_of: Some(as_of) },
            ..live
        })
    }

    /// What a route of the API answers, at the moment that is looked at if the route knows the past.
    pub fn ask(
        &self,
        path: &'static str,
        id: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<Value, Problem> {
        let missing = || Problem::internal(format!("there is no route {path}"));
        let route = ROUTES
            .iter()
            .find(|it| it.path == path)
            .ok_or_else(missing)?;
        let knows_past = route.params.iter().copied().flatten();
        let knows_past = knows_past.into_iter().any(|param| param.name == "as_of");
        let position = self.position.to_string();
        let as_of = if self.past && knows_past {
            position.as_str()
        } else {
            ""
        };
        let query = joined(&[query, &[("as_of", as_of)]].concat());
        let id = id.map(|id| ("id".to_owned(), id.to_owned()));
        let asked = Asked::read(
            route.path,
            route.params,
            id.into_iter().collect(),
            Some(&query),
        )?;
        let answer = match route.serve {
            Serve::Read(handler) => handler(self.house, &asked)?,
            Serve::Events => happened::page(self.house, &asked)?,
            Serve::Metrics(_) | Serve::Stream => return Err(missing()),
        };
        serde_json::from_slice(&answer.body).map_err(|e| Problem::internal(e.to_string()))
    }

    /// The items of a page of such an answer, and where the next one begins.
    pub fn items(
        &self,
        path: &'static str,
        id: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<(Vec<Value>, Option<String>), Problem> {
        let mut page = self.ask(path, id, query)?;
        let next = page
            .get("next_cursor")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let items = page.get_mut("items").map(Value::take);
        match items {
            Some(Value::Array(items)) => Ok((items, next)),
            _ => Ok((Vec::new(), next)),
        }
    }

    /// The moment as a request for states.
    pub fn moment(&self) -> Result<Asked, Problem> {
        let query = self.past.then(|| format!("as_of={}", self.position));
        Asked::read("", &[PAST], Vec::new(), query.as_deref())
    }

    /// A parameter; empty when it was not given.
    pub fn given(&self, name: &str) -> &str {
        self.asked.text(name).unwrap_or_default()
    }
}

/// A moment as it stands in an address or comes from a form, where instants have no zone and mean UTC.
fn moment(text: &str) -> Result<Moment, Problem> {
    let digits = |c: char| c.is_ascii_digit();
    let zoneless = text.len() >= 16
        && text
            .chars()
            .all(|c| digits(c) || matches!(c, '-' | 'T' | ' ' | ':' | '.'))
        && text.contains(':');
    let whole = match (zoneless, text.matches(':').count()) {
        (true, 1) => format!("{text}:00Z"),
        (true, _) => format!("{text}Z"),
        (false, _) => text.to_owned(),
    };
    whole
        .parse()
        .map_err(|why: String| Problem::malformed("as_of", &why))
}

/// So many minutes ago; none for now.
fn back(minutes: &str, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let minutes: u32 = minutes.parse().map_err(|_no_number| {
        let text = "ago: it is a number of minutes";
        Problem::new(StatusCode::BAD_REQUEST, "malformed_parameter", text)
    })?;
    let span = Duration::from_secs(u64::from(minutes) * 60);
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let at = Timestamp::from_micros(now.micros().saturating_sub(micros));
    Ok((minutes > 0).then_some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_sends_is_an_instant_in_utc() {
        let instant = |text: &str| Moment::Instant(text.parse().unwrap());
        assert_eq!(
            moment("2026-01-02T03:04").unwrap(),
            instant("2026-01-02T03:04:00Z")
        );
        assert_eq!(
            moment("2026-01-02T03:04:05").unwrap(),
            instant("2026-01-02T03:04:05Z")
        );
        assert_eq!(
            moment("2026-01-02T03:04:05+02:00").unwrap(),
            instant("2026-01-02T01:04:05Z")
        );
        assert_eq!(moment("17").unwrap(), Moment::Position(Position(17)));
        assert!(moment("yesterday").is_err());
    }
}
