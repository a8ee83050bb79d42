//! Names that were checked, and numbers that cannot be mixed up.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::time::Timestamp;

/// Where fresh identities come from. Production draws `UUIDv7`, tests count.
pub trait Ids: Send + Sync + fmt::Debug {
    /// A `UUIDv7` never given before, carrying `now`.
    fn fresh(&self, now: Timestamp) -> Uuid;
}

/// Place of an event in the ledger: from 1, gapless. 0 stands before the first event.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The place right after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! uuid_names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAName;

            fn from_str(text: &str) -> Result<Self, NotAName> {
                Uuid::parse_str(text.trim()).map(Self).map_err(|e| NotAName {
                    name: text.to_owned(),
                    rule: format!("it must be a UUID ({e})"),
                })
            }
        }
    )*};
}

uuid_names! {
    /// A message, named by its sender: sending it twice is harmless.
    MessageId;
    /// One event, named by the ledger's writer.
    EventId;
    /// One wish to change something. The same command twice is carried out once.
    CommandId;
    /// Everything that belongs to one cause: a broadcast, a conversation, a repair.
    CorrelationId;
}

impl MessageId {
    /// The message a broadcast makes for one recipient: `UUIDv5` of the broadcast's id and its name.
    #[must_use]
    pub fn of_broadcast(broadcast: Uuid, to: &AgentId) -> Self {
        Self(Uuid::new_v5(&broadcast, to.as_str().as_bytes()))
    }
}

/// A name that breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be used: {rule}")]
pub struct NotAName {
    /// What was given.
    pub name: String,
    /// The rule it breaks.
    pub rule: String,
}

/// Name of an agent, and of any sender: `^[a-z0-9][a-z0-9._-]{0,63}$` after lower-casing. Cloning
/// shares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(Arc<str>);

impl AgentId {
    /// The person at the keyboard: who sends when nobody is named.
    pub const OPERATOR: &'static str = "operator";
    /// Switchboard itself: sender of nudges.
    pub const SWITCHBOARD: &'static str = "switchboard";

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `operator`, the person at the keyboard.
    #[must_use]
    pub fn operator() -> Self {
        Self(Self::OPERATOR.into())
    }

    /// Whether this is the desk itself.
    pub fn is_switchboard(&self) -> bool {
        self.as_str() == Self::SWITCHBOARD
    }

    /// `switchboard`, the desk itself.
    #[must_use]
    pub fn switchboard() -> Self {
        Self(Self::SWITCHBOARD.into())
    }

    fn checked(name: &str) -> Result<Self, NotAName> {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = |name: &str| {
            name.len() <= 64
                && name.bytes().next().is_some_and(plain)
                && name
                    .bytes()
                    .all(|c| plain(c) || matches!(c, b'.' | b'_' | b'-'))
        };
        if fits(name) {
            return Ok(Self(name.into()));
        }
        let name = name.to_ascii_lowercase();
        if fits(&name) {
            Ok(Self(name.into()))
        } else {
            let rule = "an agent's name has 1 to 64 letters, digits, `.`, `_` or `-`, \
                        and starts with a letter or digit";
            Err(NotAName {
                name,
                rule: rule.to_owned(),
            })
        }
    }
}

impl TryFrom<String> for AgentId {
    type Error = NotAName;

    fn try_from(name: String) -> Result<Self, NotAName> {
        Self::checked(&name)
    }
}

impl Serialize for AgentId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AgentId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = AgentId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an agent's name")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<AgentId, E> {
                AgentId::checked(name).map_err(E::custom)
            }
        }
        from.deserialize_str(Name)
    }
}

impl FromStr for AgentId {
    type Err = NotAName;

    fn from_str(name: &str) -> Result<Self, NotAName> {
        Self::checked(name)
    }
}

impl From<AgentId> for String {
    fn from(id: AgentId) -> Self {
        Self::from(&*id.0)
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One display with its pointer, keyboard and clipboard, named like `:0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SeatId(String);

impl SeatId {
    /// The display's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SeatId {
    type Error = NotAName;

    fn try_from(name: String) -> Result<Self, NotAName> {
        let fits = !name.is_empty()
            && name.len() <= 64
            && name.chars().all(|c| c.is_ascii_graphic() && c != '/');
        if fits {
            Ok(Self(name))
        } else {
            let rule = "a seat is named after its display, like `:0`, in at most 64 characters";
            Err(NotAName {
                name,
                rule: rule.to_owned(),
            })
        }
    }
}

impl FromStr for SeatId {
    type Err = NotAName;

    fn from_str(name: &str) -> Result<Self, NotAName> {
        Self::try_from(name.to_owned())
    }
}

impl From<SeatId> for String {
    fn from(id: SeatId) -> Self {
        id.0
    }
}

impl fmt::Display for SeatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A sequence of events about one thing: `category/id`, like `message/0198…` or `agent/agent-3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamId(String);

impl StreamId {
    /// The stream of one message: its acceptance, its attempts, its end.
    #[must_use]
    pub fn message(id: MessageId) -> Self {
        Self(format!("message/{id}"))
    }

    /// The stream of one agent: added, placed, changed, paused, removed.
    #[must_use]
    pub fn agent(id: &AgentId) -> Self {
        Self(format!("agent/{id}"))
    }

    /// What is known of the look of one agent's input box.
    #[must_use]
    pub fn input_box(id: &AgentId) -> Self {
        Self(format!("box/{id}"))
    }

    /// What was measured of one seat.
    #[must_use]
    pub fn timing_of_seat(id: &SeatId) -> Self {
        Self(format!("timing/{id}"))
    }

    /// What was noticed of one agent's timing.
    #[must_use]
    pub fn timing_of_agent(id: &AgentId) -> Self {
        Self(format!("timing/{id}"))
    }

    /// What is held of two agents, the one whose name sorts first before the other.
    #[must_use]
    pub fn pair(first: &AgentId, second: &AgentId) -> Self {
        Self(format!("pair/{first}:{second}"))
    }

    /// The circuit breaker of one agent on one channel.
    #[must_use]
    pub fn breaker(id: &AgentId, channel: super::facts::attempt::Channel) -> Self {
        Self(format!("breaker/{id}:{channel}"))
    }

    /// The stream of one seat: paused, resumed.
    #[must_use]
    pub fn seat(id: &SeatId) -> Self {
        Self(format!("seat/{id}"))
    }

    /// The one stream of all seats together: a pause of everything.
    #[must_use]
    pub fn all_seats() -> Self {
        Self("seat/*".to_owned())
    }

    /// The ledger's own story: created, restored, rebuilt, clock stepped back.
    #[must_use]
    pub fn ledger() -> Self {
        Self("ledger/self".to_owned())
    }

    /// Settings loaded and set while running.
    #[must_use]
    pub fn config() -> Self {
        Self("config/runtime".to_owned())
    }

    /// Backups that were taken.
    #[must_use]
    pub fn backups() -> Self {
        Self("backup/taken".to_owned())
    }

    /// How the schedule of backups fares.
    #[must_use]
    pub fn backup_schedule() -> Self {
        Self("backup/schedule".to_owned())
    }

    /// The stream of one alert.
    pub(super) fn alert(id: &str) -> Self {
        Self(format!("alert/{id}"))
    }

    /// Disasters that were rehearsed.
    #[must_use]
    pub fn drills() -> Self {
        Self("backup/drills".to_owned())
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first slash.
    pub fn category(&self) -> &str {
        self.0
            .split_once('/')
            .map_or(self.0.as_str(), |(category, _)| category)
    }

    /// What stands after the first slash.
    pub fn id(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, id)| id)
    }
}

impl TryFrom<String> for StreamId {
    type Error = NotAName;

    fn try_from(name: String) -> Result<Self, NotAName> {
        let fits = name.len() <= 200
            && name.chars().all(|c| c.is_ascii_graphic())
            && name.split_once('/').is_some_and(|(category, id)| {
                !id.is_empty()
                    && category.starts_with(|c: char| c.is_ascii_lowercase())
                    && category.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            });
        if fits {
            Ok(Self(name))
        } else {
            let rule = "a stream is named `category/id` (category in small letters, no spaces, \
                        at most 200 characters)";
            Err(NotAName {
                name,
                rule: rule.to_owned(),
            })
        }
    }
}

impl FromStr for StreamId {
    type Err = NotAName;

    fn from_str(name: &str) -> Result<Self, NotAName> {
        Self::try_from(name.to_owned())
    }
}

impl From<StreamId> for String {
    fn from(id: StreamId) -> Self {
        id.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_lower_cased_and_checked() {
        assert_eq!("Agent-3".parse::<AgentId>().unwrap().as_str(), "agent-3");
        for bad in ["", "-a", ".a", "a b", "ä", "a/b", &"a".repeat(65)] {
            assert!(bad.parse::<AgentId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_stream_has_a_category_and_an_id() {
        let stream: StreamId = "note/plan/7".parse().unwrap();
        assert_eq!((stream.category(), stream.id()), ("note", "plan/7"));
        for bad in ["", "note", "note/", "/x", "No/te", "note/a b", "no te/x"] {
            assert!(bad.parse::<StreamId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_broadcast_names_its_messages_by_recipient() {
        let broadcast = Uuid::from_u128(7);
        let one = MessageId::of_broadcast(broadcast, &"agent-1".parse().unwrap());
        assert_eq!(
            one,
            MessageId::of_broadcast(broadcast, &"Agent-1".parse().unwrap())
        );
        assert_ne!(
            one,
            MessageId::of_broadcast(broadcast, &"agent-2".parse().unwrap())
        );
    }
}
