//! A request's parameters: only those of its route, each once, each read into a type.

use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;

use super::answers::logs::Level;
use super::cursor;
use super::problem::Problem;
use super::route::{Param, Sort};
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, MessageId, Position, StreamId};
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;
use crate::projections::states::Moment;

/// How many items a page has when nothing is said.
pub const LIMIT: usize = 50;

/// How many it has at most.
pub const LIMIT_MAX: usize = 500;

/// How long a request may wait for a position.
pub const WAIT_MAX: Duration = Duration::from_secs(30);

/// A request, understood as far as its route says.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The route's path.
    route: &'static str,
    /// Values of the placeholders in the route's path.
    path: Vec<(String, String)>,
    /// Parameters in the order given.
    query: Vec<(&'static str, String)>,
    /// What each may be.
    params: &'static [&'static [Param]],
}

impl Asked {
    /// Reads the query of a route with these parameters.
    pub fn read(
        route: &'static str,
        params: &'static [&'static [Param]],
        path: Vec<(String, String)>,
        query: Option<&str>,
    ) -> Result<Self, Problem> {
        let mut asked = Self {
            route,
            path,
            query: Vec::new(),
            params,
        };
        let pairs = query.unwrap_or_default().split('&');
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let bad = || {
                let text = format!("`{}` is not percent-encoded UTF-8", shown(pair));
                Problem::new(StatusCode::BAD_REQUEST, "malformed_query", text)
            };
            let (name, value) = (
                decoded(name).ok_or_else(bad)?,
                decoded(value).ok_or_else(bad)?,
            );
            let param = params
                .iter()
                .copied()
                .flatten()
                .find(|param| param.name == name)
                .ok_or_else(|| unknown(&name, params))?;
            if param.sort != Sort::States && asked.text(param.name).is_some() {
                return Err(Problem::malformed(param.name, "it is given twice"));
            }
            asked.query.push((param.name, value));
        }
        Ok(asked)
    }

    /// The same without parameters that were left blank, as forms send them.
    #[must_use]
    pub fn without_blanks(&self) -> Self {
        let mut asked = self.clone();
        asked.query.retain(|(_, value)| !value.is_empty());
        asked
    }

    /// Every parameter as it was written, in order.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.query
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    /// A parameter as it was written.
    pub fn text(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    fn parsed<T: FromStr<Err: ToString>>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.text(name)
            .map(|text| {
                text.parse()
                    .map_err(|why: T::Err| Problem::malformed(name, &why.to_string()))
            })
            .transpose()
    }

    /// An agent's id.
    pub fn agent(&self, name: &str) -> Result<Option<AgentId>, Problem> {
        self.parsed(name)
    }

    /// A tag.
    pub fn word(&self, name: &str) -> Result<Option<Word>, Problem> {
        self.text(name)
            .map(|text| {
                Word::try_from(text.to_owned())
                    .map_err(|why| Problem::malformed(name, &why.to_string()))
            })
            .transpose()
    }

    /// An instant.
    pub fn instant(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let read =
            |text| Timestamp::asked(text).map_err(|why| Problem::malformed(name, &why.to_string()));
        self.text(name).map(read).transpose()
    }

    /// A position.
    pub fn position(&self, name: &str) -> Result<Option<Position>, Problem> {
        Ok(self.parsed::<u64>(name)?.map(Position))
    }

    /// A stream's name.
    pub fn stream(&self, name: &str) -> Result<Option<StreamId>, Problem> {
        self.parsed(name)
    }

    /// A message's id in its one spelling.
    pub fn id(&self, name: &str) -> Result<Option<String>, Problem> {
        Ok(self.parsed::<uuid::Uuid>(name)?.map(|id| id.to_string()))
    }

    /// How important a log line is.
    pub fn level(&self, name: &str) -> Result<Option<Level>, Problem> {
        self.parsed(name)
    }

    /// `true` or `false`.
    pub fn switch(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.parsed(name)?.unwrap_or(false))
    }

    /// A moment of the past: `as_of`.
    pub fn as_of(&self) -> Result<Option<Moment>, Problem> {
        self.parsed("as_of")
    }

    /// The states of every `state`, each one or several with commas between them.
    pub fn states(&self) -> Result<Vec<State>, Problem> {
        let given = self.query.iter().filter(|(name, _)| *name == "state");
        given
            .flat_map(|(_, value)| value.split(','))
            .map(|word| {
                word.parse().map_err(|why: <State as FromStr>::Err| {
                    Problem::malformed("state", &why.to_string())
                })
            })
            .collect()
    }

    /// An event's kind, or a group of them with a trailing `.*`.
    pub fn kind(&self) -> Result<Option<&str>, Problem> {
        let fits = |text: &str| {
            let inner = text.strip_suffix(".*").unwrap_or(text);
            let plain = |c: char| {
                c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-')
            };
            !inner.is_empty() && inner.len() <= 64 && inner.chars().all(plain)
        };
        match self.text("kind") {
            Some(text) if !fits(text) => Err(Problem::malformed(
                "kind",
                "a kind is like `attempt.observed`, a group of kinds like `attempt.*`",
            )),
            kind => Ok(kind),
        }
    }

    /// How many items at most.
    pub fn limit(&self) -> Result<usize, Problem> {
        let limit = self.parsed::<usize>("limit")?.unwrap_or(LIMIT);
        if (1..=LIMIT_MAX).contains(&limit) {
            Ok(limit)
        } else {
            let why = format!("it is a number from 1 to {LIMIT_MAX}");
            Err(Problem::malformed("limit", &why))
        }
    }

    /// The position to wait for, and how long.
    pub fn waiting(&self) -> Result<Option<(Position, Duration)>, Problem> {
        let wait = self.parsed::<u64>("wait_ms")?.map(Duration::from_millis);
        if wait.is_some_and(|wait| wait > WAIT_MAX) {
            let why = format!("at most {}", WAIT_MAX.as_millis());
            return Err(Problem::malformed("wait_ms", &why));
        }
        let position = self.position("after_position")?;
        Ok(position.map(|it| (it, wait.unwrap_or_default())))
    }

    /// Refuses an id in the path, or the first parameter, that cannot be read.
    pub fn check(&self) -> Result<(), Problem> {
        if self.route.contains("/agents/{id}") {
            self.agent_in_path()?;
        } else if self.route.contains("/messages/{id}") {
            self.message_in_path()?;
        }
        for (name, _) in &self.query {
            let mut known = self.params.iter().copied().flatten();
            let sort = known
                .find(|param| param.name == *name)
                .map_or(Sort::Text, |param| param.sort);
            match sort {
                Sort::Text | Sort::Format => {}
                Sort::Level => self.level(name).map(drop)?,
                Sort::Agent => self.agent(name).map(drop)?,
                Sort::Word => self.word(name).map(drop)?,
                Sort::States => self.states().map(drop)?,
                Sort::Instant => self.instant(name).map(drop)?,
                Sort::Moment => self.as_of().map(drop)?,
                Sort::Limit => self.limit().map(drop)?,
                Sort::Cursor => self.after().map(drop)?,
                Sort::Position => self.position(name).map(drop)?,
                Sort::Millis => self.waiting().map(drop)?,
                Sort::Kind => self.kind().map(drop)?,
                Sort::Stream => self.stream(name).map(drop)?,
                Sort::Switch => self.switch(name).map(drop)?,
                Sort::Id => self.id(name).map(drop)?,
            }
        }
        Ok(())
    }

    /// The key after which a page begins.
    pub fn after(&self) -> Result<Option<String>, Problem> {
        self.text("cursor")
            .map(|text| {
                cursor::open(&self.identity(), text).ok_or_else(|| {
                    let text = "it is no cursor of this list with these filters";
                    Problem {
                        code: "bad_cursor",
                        ..Problem::malformed("cursor", text)
                    }
                    .hint("take the `next_cursor` of the page before, with the same filters")
                })
            })
            .transpose()
    }

    /// The cursor of the page that begins after a key.
    pub fn cursor(&self, key: &str) -> String {
        cursor::seal(&self.identity(), key)
    }

    /// What a cursor belongs to: the route with everything but the page.
    fn identity(&self) -> String {
        let mut parts: Vec<String> = self
            .query
            .iter()
            .filter(|(name, _)| !matches!(*name, "cursor" | "limit" | "after_position" | "wait_ms"))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        parts.sort_unstable();
        let path = self.path.iter().map(|(_, value)| value.clone());
        parts.extend(path);
        format!("{}?{}", self.route, parts.join("&"))
    }

    /// The agent in the path.
    pub fn agent_in_path(&self) -> Result<AgentId, Problem> {
        self.in_path()?
            .parse()
            .map_err(|why: <AgentId as FromStr>::Err| Problem::malformed("id", &why.to_string()))
    }

    /// The message in the path.
    pub fn message_in_path(&self) -> Result<MessageId, Problem> {
        self.in_path()?
            .parse()
            .map(MessageId)
            .map_err(|_no_uuid| Problem::malformed("id", "a message's id is a UUID"))
    }

    /// The id in the path, as it was written.
    pub fn in_path(&self) -> Result<&str, Problem> {
        let found = self.path.iter().find(|(name, _)| name == "id");
        found
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| Problem::internal("the path has no id"))
    }
}

fn unknown(name: &str, params: &'static [&'static [Param]]) -> Problem {
    let known: Vec<&str> = params.iter().copied().flatten().map(|p| p.name).collect();
    let problem = Problem::new(
        StatusCode::BAD_REQUEST,
        "unknown_parameter",
        format!("there is no parameter `{}` here", shown(name)),
    );
    if known.is_empty() {
        problem.hint("there is none")
    } else {
        problem.hint(format!("there are {}", known.join(", ")))
    }
}

/// Somebody's text in an error: not all of it.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// `application/x-www-form-urlencoded` text, decoded.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_percent_encoded_utf_8_is_refused() {
        assert_eq!(decoded("a+b%20%C3%A4"), Some("a b ä".to_owned()));
        for text in ["%", "%2", "%zz", "%ff", "%+1"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
