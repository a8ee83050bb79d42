//! Looks up what a command needs to know, and remembers agents between commands.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fold looks at the facts that concern it; the others, and kinds to come, change nothing here"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::command::Needs;
use super::decision::Done;
use super::keep_alert::KnownAlert;
use super::known::{Known, KnownAgent, KnownMessage, KnownPair, KnownSeat};
use super::quarantine::pair;
use crate::events::envelope::{Cause, Event};
use crate::events::facts::limits::Excess;
use crate::events::ids::{AgentId, MessageId, SeatId, StreamId};
use crate::events::kind::Fact;
use crate::events::ledger::handle::{Ledger, ReadError};

/// An agent and the version of the stream it was folded from. None: the stream holds no agent.
type Remembered = (u64, Option<Arc<KnownAgent>>);

/// Agents by name, as they were looked up last.
#[derive(Debug, Default)]
pub(super) struct Roster {
    agents: Mutex<BTreeMap<AgentId, Remembered>>,
}

/// Reads for one command.
pub(super) struct Load<'a> {
    ledger: &'a Ledger,
    roster: &'a Roster,
    known: Known,
}

impl<'a> Load<'a> {
    /// Everything the command needs.
    pub(super) fn all(
        ledger: &'a Ledger,
        roster: &'a Roster,
        needs: &Needs,
        cause: &Cause,
    ) -> Result<Known, ReadError> {
        let mut load = Self {
            ledger,
            roster,
            known: Known::default(),
        };
        for message in &needs.messages {
            load.message(*message)?;
        }
        if needs.cause {
            load.cause(cause)?;
        }
        load.people(needs)?;
        load.pairs(needs)?;
        load.seats(needs)?;
        load.alert(needs)?;
        Ok(load.known)
    }

    pub(super) fn message(&mut self, id: MessageId) -> Result<(), ReadError> {
        let stream = StreamId::message(id);
        if self.known.messages.contains_key(&id) || self.ledger.stream_head(&stream)?.is_none() {
            return Ok(());
        }
        let events = self.ledger.read_stream(&stream)?;
        if let Some(last) = events.last() {
            self.known.heads.insert(stream, last.version);
        }
        if let Some(message) = KnownMessage::fold(&events) {
            self.known.messages.insert(id, Arc::new(message));
        }
        Ok(())
    }

    fn alert(&mut self, needs: &Needs) -> Result<(), ReadError> {
        let Some(id) = &needs.alert else {
            return Ok(());
        };
        let stream = StreamId::from(id);
        if self.ledger.stream_head(&stream)?.is_none() {
            return Ok(());
        }
        if let Some(alert) = KnownAlert::fold(&self.ledger.read_stream(&stream)?) {
            self.known.heads.insert(stream, alert.version);
            self.known.alerts.insert(id.clone(), alert);
        }
        Ok(())
    }

    fn cause(&mut self, cause: &Cause) -> Result<(), ReadError> {
        let Some(event) = cause.causation else {
            return Ok(());
        };
        let Some(position) = self.ledger.find(event)? else {
            return Ok(());
        };
        let found = self.ledger.read(position, 1)?;
        let id = found
            .first()
            .filter(|event| event.stream.category() == "message")
            .and_then(|event| event.stream.id().parse().ok());
        if let Some(id) = id {
            self.message(id)?;
            self.known.caused_by = Some(id);
        }
        Ok(())
    }

    fn people(&mut self, needs: &Needs) -> Result<(), ReadError> {
        let mut names: BTreeSet<AgentId> = needs.agents.iter().cloned().collect();
        for message in self.known.messages.values() {
            if needs.recipients {
                names.insert(message.accepted.to.clone());
            }
            if needs.senders {
                names.insert(message.accepted.from.clone());
            }
        }
        let mut missing = false;
        for name in names {
            let nobody = matches!(name.as_str(), AgentId::OPERATOR | AgentId::SWITCHBOARD);
            missing |= !self.agent(&name)? && !nobody;
        }
        // A name nobody has: the nearest right one is looked for among all.
        if needs.fleet || missing {
            for stream in self.ledger.streams("agent")? {
                if let Ok(name) = stream.id().parse() {
                    self.agent(&name)?;
                }
            }
        }
        Ok(())
    }

    fn pairs(&mut self, needs: &Needs) -> Result<(), ReadError> {
        let mut pairs: BTreeSet<(AgentId, AgentId)> = needs.pairs.iter().cloned().collect();
        if needs.senders && needs.recipients {
            let messages = self.known.messages.values();
            pairs.extend(messages.map(|it| pair(&it.accepted.from, &it.accepted.to)));
        }
        if let Some(agent) = &needs.pairs_of {
            for stream in self.ledger.streams("pair")? {
                pairs.extend(pair_of(&stream).filter(|(a, b)| a == agent || b == agent));
            }
        }
        for (first, second) in pairs {
            let stream = StreamId::pair(&first, &second);
            let Some((version, position)) = self.ledger.stream_head(&stream)? else {
                continue;
            };
            let events = self.ledger.read_stream(&stream)?;
            let excess = quarantine(&events);
            self.known.heads.insert(stream, version);
            self.known.pairs.insert(
                (first, second),
                KnownPair {
                    excess,
                    done: Done::already(position, version),
                },
            );
        }
        Ok(())
    }

    fn agent(&mut self, name: &AgentId) -> Result<bool, ReadError> {
        let stream = StreamId::agent(name);
        let Some((version, _)) = self.ledger.stream_head(&stream)? else {
            return Ok(false);
        };
        let (version, agent) = self.roster.agent(name, &stream, version, self.ledger)?;
        self.known.heads.insert(stream, version);
        Ok(match agent {
            Some(agent) => {
                self.known.agents.insert(name.clone(), agent);
                true
            }
            None => false,
        })
    }

    fn seats(&mut self, needs: &Needs) -> Result<(), ReadError> {
        let mut names: BTreeSet<SeatId> = needs.seat.iter().cloned().collect();
        if needs.recipients {
            let of_messages = self.known.messages.values();
            names.extend(of_messages.filter_map(|message| message.seat.clone()));
        }
        if needs.seats {
            for stream in self.ledger.streams("seat")? {
                names.extend(stream.id().parse::<SeatId>().ok());
            }
        }
        if needs.seats || needs.recipients || !names.is_empty() {
            self.seat(None, StreamId::all_seats())?;
        }
        // The pause of all is named `*` among the streams.
        for name in names.into_iter().filter(|name| name.as_str() != "*") {
            let stream = StreamId::seat(&name);
            self.seat(Some(name), stream)?;
        }
        Ok(())
    }

    fn seat(&mut self, seat: Option<SeatId>, stream: StreamId) -> Result<(), ReadError> {
        let Some((version, position)) = self.ledger.stream_head(&stream)? else {
            return Ok(());
        };
        // The last word counts; only a note in between makes the whole stream worth reading.
        let found = self.ledger.read(position, 1)?;
        let mut known = found.first().and_then(spoken);
        if known.is_none() {
            let events = self.ledger.read_stream(&stream)?;
            known = events.iter().rev().find_map(spoken);
        }
        self.known.heads.insert(stream, version);
        if let Some(known) = known {
            self.known.seats.insert(seat, known);
        }
        Ok(())
    }
}

impl Known {
    /// Everything that these streams tell, each oldest event first.
    pub fn of_streams<'e>(streams: impl IntoIterator<Item = (&'e StreamId, &'e [Event])>) -> Self {
        let mut known = Self::default();
        for (stream, events) in streams {
            let Some(last) = events.last() else { continue };
            known.heads.insert(stream.clone(), last.version);
            match stream.category() {
                "message" => {
                    if let Some(message) = KnownMessage::fold(events) {
                        let id = message.accepted.message;
                        known.messages.insert(id, Arc::new(message));
                    }
                }
                "agent" => {
                    if let (Some(agent), Ok(name)) = (KnownAgent::fold(events), stream.id().parse())
                    {
                        known.agents.insert(name, Arc::new(agent));
                    }
                }
                "pair" => {
                    if let Some(both) = pair_of(stream) {
                        let excess = quarantine(events);
                        let done = Done::already(last.position, last.version);
                        known.pairs.insert(both, KnownPair { excess, done });
                    }
                }
                "seat" => {
                    let all = *stream == StreamId::all_seats();
                    let name = stream.id().parse().ok().filter(|_| !all);
                    if let (Some(seat), true) =
                        (events.iter().rev().find_map(spoken), all || name.is_some())
                    {
                        known.seats.insert(name, seat);
                    }
                }
                _ => {}
            }
        }
        known
    }
}

/// The two agents of a stream `pair/first:second`.
fn pair_of(stream: &StreamId) -> Option<(AgentId, AgentId)> {
    let (first, second) = stream.id().split_once(':')?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

/// By how much a pair said too much, as long as nobody let it go.
fn quarantine(events: &[Event]) -> Option<Excess> {
    events.iter().fold(None, |held, event| match &event.fact {
        Fact::PairQuarantined(it) => Some(it.excess),
        Fact::PairReleased(_) => None,
        _ => held,
    })
}

fn spoken(event: &Event) -> Option<KnownSeat> {
    let paused = match &event.fact {
        Fact::SeatPaused(_) => true,
        Fact::SeatResumed(_) => false,
        _ => return None,
    };
    Some(KnownSeat {
        paused,
        last: event.position,
        version: event.version,
    })
}

impl Roster {
    /// The agent as of its stream's version, from memory when that has not moved.
    fn agent(
        &self,
        name: &AgentId,
        stream: &StreamId,
        version: u64,
        ledger: &Ledger,
    ) -> Result<Remembered, ReadError> {
        // A panic while the lock was held cannot leave a half-written entry: inserts are whole.
        let remembered = {
            let agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
            agents.get(name).filter(|(at, _)| *at == version).cloned()
        };
        if let Some(found) = remembered {
            return Ok(found);
        }
        let events = ledger.read_stream(stream)?;
        let version = events.last().map_or(version, |event| event.version);
        let folded = (version, KnownAgent::fold(&events).map(Arc::new));
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        agents.insert(name.clone(), folded.clone());
        Ok(folded)
    }
}
