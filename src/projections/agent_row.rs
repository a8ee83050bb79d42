//! One agent as it is printed and hashed.

use serde_json::{Value, json};

use super::agents::{Agent, Breaker};
use super::conduct::Conduct;
use crate::events::ids::AgentId;

impl Agent {
    /// The agent as `switchboard agent list` and `agent show` print it: with its declaration as it can be
    /// changed and declared again, how it is spoken to, and who is in quarantine.
    pub fn shown(&self, id: &AgentId, conduct: &Conduct) -> Value {
        let mut row = self.to_json(id);
        let with: Vec<Value> = conduct
            .with_others(id)
            .map(|(other, held)| json!({"with": other, "held": held}))
            .collect();
        if let Value::Object(fields) = &mut row {
            fields.insert("profile".to_owned(), json!(self.profile));
            fields.insert("manners".to_owned(), json!(conduct.manners(id)));
            fields.insert("quarantine".to_owned(), json!(conduct.of(id)));
            fields.insert("quarantine_with".to_owned(), json!(with));
        }
        row
    }

    /// The agent as it is hashed: without the declaration.
    pub fn to_json(&self, id: &AgentId) -> Value {
        let breaker: serde_json::Map<String, Value> = self
            .profile
            .channels
            .iter()
            .map(|channel| {
                let health = self.health(*channel);
                let (until, probe) = match health.breaker {
                    Breaker::Closed => (None, None),
                    Breaker::Open { until } => (Some(until), None),
                    Breaker::Probing { message } => (None, Some(message)),
                };
                let value = json!({
                    "state": health.breaker.word(),
                    "failures": health.failures,
                    "until": until,
                    "probe": probe,
                });
                (channel.to_string(), value)
            })
            .collect();
        let looks: Vec<Value> = self
            .looks
            .iter()
            .map(|look| {
                json!({
                    "position": look.position,
                    "region": look.region,
                    "hash": blake3::Hash::from_bytes(look.hash).to_hex().to_string(),
                    "proven_empty": look.proven_empty,
                })
            })
            .collect();
        let profile = &self.profile;
        json!({
            "id": id,
            "roles": profile.roles,
            "capabilities": profile.capabilities,
            "channels": profile.channels,
            "seat": profile.seat,
            "place": profile.place.map(|place| [place.x, place.y]),
            "onboarding_place": profile.onboarding_place.map(|place| [place.x, place.y]),
            "window_pattern": profile.window,
            "target": profile.target,
            "rank": profile.rank,
            "envelope": profile.envelope,
            "description": profile.description,
            "active": profile.active,
            "state": self.condition(),
            "paused": self.paused,
            "breaker": breaker,
            "queued": self.queued,
            "under_way": self.under_way,
            "last_seen": self.last_seen,
            "window": self.window,
            "looks": looks,
            "texts_may_stand": self.texts_may_stand,
        })
    }
}
