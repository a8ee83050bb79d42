//! coordinates.json: agents and their places as other tools write them. Three shapes are read, one
//! is written; no file is touched here.
//!
//! 1. `{"agents": {"Agent-1": {"chat_input_coordinates": [x, y], "onboarding_coordinates": [x, y],
//!    "description": "…", "active": true}}}`
//! 2. the same with `onboarding_input_coords`
//! 3. `{"8-agent": {"Agent-1": {"input_box": {"x": 1, "y": 2}, "starter_location_box": {…}}}}`, one
//!    or several layouts in one file
//!
//! Fields that are not known are passed over; a known field of the wrong type is an error.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

use crate::events::facts::agent::{Envelope, Profile, Target};
use crate::events::facts::attempt::Channel;
use crate::events::facts::screen::Point;
use crate::events::facts::words::Word;
use crate::events::ids::{AgentId, SeatId};

/// What a file says about one agent. What it does not say is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Profile")]
pub struct Imported {
    pub place: Option<Point>,
    pub onboarding_place: Option<Point>,
    pub description: Option<String>,
    pub active: Option<bool>,
    pub roles: Option<Vec<Word>>,
    pub capabilities: Option<Vec<Word>>,
    pub channels: Option<Vec<Channel>>,
    pub seat: Option<SeatId>,
    pub window: Option<String>,
    pub target: Option<Target>,
    pub rank: Option<i32>,
    pub envelope: Option<Envelope>,
}

/// A coordinates.json that cannot be taken over. Nothing of it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoordinatesError {
    /// It is not JSON.
    #[error("the file is not JSON: {0}")]
    Syntax(String),
    /// It is JSON, but of none of the three shapes.
    #[error("the file has none of the known shapes: {0}")]
    Shape(String),
    /// It holds several layouts and none was chosen, or one that is not there.
    #[error("{problem}; the file has {}", .layouts.join(", "))]
    Layout {
        /// What is wrong.
        problem: String,
        /// Their names.
        layouts: Vec<String>,
    },
    /// Something about one agent.
    #[error("agent `{agent}`: {problem}")]
    Agent {
        /// As the file writes it.
        agent: String,
        /// Which field, and what is wrong with it.
        problem: String,
    },
}

/// Reads any of the three shapes; `layout` chooses one where the file holds several.
pub fn parse(
    text: &str,
    layout: Option<&str>,
) -> Result<BTreeMap<AgentId, Imported>, CoordinatesError> {
    let node: Node = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|e| CoordinatesError::Syntax(e.to_string()))?;
    let Node::Table(top) = node else {
        let what = "an object was expected".to_owned();
        return Err(CoordinatesError::Shape(what));
    };
    let mut imported = BTreeMap::new();
    for (name, node) in agents(top, layout)? {
        let refuse = |problem: String| CoordinatesError::Agent {
            agent: name.clone(),
            problem,
        };
        let id: AgentId = name.parse().map_err(|e| refuse(format!("{e}")))?;
        let agent = agent(node).map_err(refuse)?;
        if imported.insert(id.clone(), agent).is_some() {
            let problem = format!("`{id}` is there twice (names are lower-cased)");
            return Err(refuse(problem));
        }
    }
    Ok(imported)
}

/// Writes the first shape, with the rest of each profile beside it.
pub fn render(agents: &BTreeMap<AgentId, Profile>) -> String {
    let pair = |point: Option<Point>| point.map(|p| json!([p.x, p.y]));
    let entries: serde_json::Map<String, Value> = agents
        .iter()
        .map(|(id, profile)| {
            let mut entry = json!({
                "chat_input_coordinates": pair(profile.place),
                "onboarding_coordinates": pair(profile.onboarding_place),
                "description": profile.description,
                "active": profile.active,
                "roles": profile.roles,
                "capabilities": profile.capabilities,
                "channels": profile.channels,
                "seat": profile.seat,
                "window": profile.window,
                "target": profile.target,
                "rank": profile.rank,
                "envelope": profile.envelope,
            });
            if let Value::Object(fields) = &mut entry {
                fields.retain(|_, value| !value.is_null());
            }
            (id.to_string(), entry)
        })
        .collect();
    format!("{:#}\n", json!({ "agents": entries }))
}

impl Imported {
    /// The declaration that follows: what the file says, over what was known of the agent, over what
    /// a new agent has. `seat` stands in where the file names none: the one that was asked for, or for
    /// a new agent the usual one.
    #[must_use]
    pub fn over(&self, known: Option<&Profile>, seat: Option<&SeatId>) -> Profile {
        let mut profile = known.cloned().unwrap_or_else(|| Profile {
            roles: Vec::new(),
            capabilities: Vec::new(),
            channels: if self.place.is_some() {
                vec![Channel::Gui, Channel::Inbox]
            } else {
                vec![Channel::Inbox]
            },
            seat: None,
            place: None,
            onboarding_place: None,
            window: None,
            target: Target::Chat,
            rank: 0,
            envelope: Envelope::None,
            description: String::new(),
            active: true,
            fingerprint: None,
        });
        let before = (profile.seat.clone(), profile.place);
        profile.seat = self.seat.as_ref().or(seat).cloned().or(profile.seat);
        profile.place = self.place.or(profile.place);
        if (profile.seat.as_ref(), profile.place) != (before.0.as_ref(), before.1) {
            // The window that was known stood somewhere else.
            profile.fingerprint = None;
        }
        profile.onboarding_place = self.onboarding_place.or(profile.onboarding_place);
        profile.window = self.window.clone().or(profile.window);
        replace(&mut profile.roles, self.roles.as_ref());
        replace(&mut profile.capabilities, self.capabilities.as_ref());
        replace(&mut profile.channels, self.channels.as_ref());
        replace(&mut profile.target, self.target.as_ref());
        replace(&mut profile.rank, self.rank.as_ref());
        replace(&mut profile.envelope, self.envelope.as_ref());
        replace(&mut profile.description, self.description.as_ref());
        replace(&mut profile.active, self.active.as_ref());
        profile
    }
}

fn replace<T: Clone>(old: &mut T, new: Option<&T>) {
    if let Some(new) = new {
        old.clone_from(new);
    }
}

type Table = Vec<(String, Node)>;

/// JSON that keeps names which occur twice, so that they can be refused instead of lost.
#[derive(Clone, Debug)]
enum Node {
    Table(Table),
    List(Vec<Self>),
    Leaf(Value),
}

impl Node {
    fn is_null(&self) -> bool {
        matches!(self, Self::Leaf(Value::Null))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = map.next_entry()? {
            table.push(entry);
        }
        Ok(Node::Table(table))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = seq.next_element()? {
            list.push(entry);
        }
        Ok(Node::List(list))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }
}

/// The agents of whichever shape it is.
fn agents(top: Table, layout: Option<&str>) -> Result<Table, CoordinatesError> {
    let is_layout = |name: &str| {
        name.strip_suffix("-agent")
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let (mut listed, rest): (Table, Table) = top.into_iter().partition(|(n, _)| n == "agents");
    let layouts: Table = rest.into_iter().filter(|(n, _)| is_layout(n)).collect();
    let shape = |what: &str| CoordinatesError::Shape(what.to_owned());
    let names: Vec<String> = layouts.iter().map(|(name, _)| name.clone()).collect();
    let chosen = match (listed.pop(), layout) {
        (Some(_), _) if !listed.is_empty() => return Err(shape("`agents` is there twice")),
        (Some((_, agents)), None) => agents,
        (_, wanted) => {
            let mut fitting = layouts
                .into_iter()
                .filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name));
            match (fitting.next(), fitting.next()) {
                (Some((_, agents)), None) => agents,
                (Some(_), Some(_)) => {
                    return Err(CoordinatesError::Layout {
                        problem: "which layout is meant? name one with --layout".to_owned(),
                        layouts: names,
                    });
                }
                (None, _) if names.is_empty() => {
                    return Err(shape(
                        "there is neither `agents` nor a layout like `8-agent`",
                    ));
                }
                (None, _) => {
                    return Err(CoordinatesError::Layout {
                        problem: format!("there is no layout `{}`", wanted.unwrap_or_default()),
                        layouts: names,
                    });
                }
            }
        }
    };
    match chosen {
        Node::Table(agents) => Ok(agents),
        Node::List(_) | Node::Leaf(_) => Err(shape("the agents are not an object")),
    }
}

fn agent(node: Node) -> Result<Imported, String> {
    let Node::Table(fields) = node else {
        return Err("an object was expected".to_owned());
    };
    let mut agent = Imported::default();
    for (name, node) in fields {
        if !node.is_null() {
            field(&mut agent, &name, node).map_err(|why| format!("`{name}` {why}"))?;
        }
    }
    Ok(agent)
}

fn field(agent: &mut Imported, name: &str, node: Node) -> Result<(), String> {
    match name {
        "chat_input_coordinates" | "input_box" => once(&mut agent.place, point(&node)?),
        "onboarding_coordinates" | "onboarding_input_coords" | "starter_location_box" => {
            once(&mut agent.onboarding_place, point(&node)?)
        }
        "description" => once(&mut agent.description, text(node)?),
        "active" => once(&mut agent.active, switch(&node)?),
        "roles" => once(&mut agent.roles, many(node)?),
        "capabilities" => once(&mut agent.capabilities, many(node)?),
        "channels" => once(&mut agent.channels, channels(node)?),
        "seat" => once(&mut agent.seat, parsed(node)?),
        "window" => once(&mut agent.window, text(node)?),
        "target" => once(&mut agent.target, parsed(node)?),
        "rank" => once(&mut agent.rank, whole(&node)?),
        "envelope" => once(&mut agent.envelope, parsed(node)?),
        _ => Ok(()),
    }
}

/// The same thing said twice must be the same thing.
fn once<T: PartialEq>(slot: &mut Option<T>, value: T) -> Result<(), String> {
    match slot {
        Some(before) if *before != value => Err("is said twice, differently".to_owned()),
        _ => {
            *slot = Some(value);
            Ok(())
        }
    }
}

fn point(node: &Node) -> Result<Point, String> {
    let wrong = "must be two whole numbers of pixels, like [-308, 481]";
    let (x, y) = match node {
        Node::List(list) => match list.as_slice() {
            [x, y] => (x, y),
            _ => return Err(wrong.to_owned()),
        },
        Node::Table(fields) => {
            let part = |wanted: &str| {
                let mut found = fields.iter().filter(|(name, _)| name == wanted);
                found
                    .next()
                    .map(|(_, node)| node)
                    .filter(|_| found.next().is_none())
            };
            (part("x").ok_or(wrong)?, part("y").ok_or(wrong)?)
        }
        Node::Leaf(_) => return Err(wrong.to_owned()),
    };
    match (whole(x), whole(y)) {
        (Ok(x), Ok(y)) => Ok(Point { x, y }),
        _ => Err(wrong.to_owned()),
    }
}

fn whole(node: &Node) -> Result<i32, String> {
    let number = match node {
        Node::Leaf(value) => value.as_i64().and_then(|n| i32::try_from(n).ok()),
        Node::Table(_) | Node::List(_) => None,
    };
    number.ok_or_else(|| "must be a whole number".to_owned())
}

fn switch(node: &Node) -> Result<bool, String> {
    match node {
        Node::Leaf(Value::Bool(value)) => Ok(*value),
        Node::Table(_) | Node::List(_) | Node::Leaf(_) => Err("must be true or false".to_owned()),
    }
}

fn text(node: Node) -> Result<String, String> {
    match node {
        Node::Leaf(Value::String(text)) => Ok(text),
        Node::Table(_) | Node::List(_) | Node::Leaf(_) => Err("must be text".to_owned()),
    }
}

fn parsed<T: FromStr<Err: fmt::Display>>(node: Node) -> Result<T, String> {
    text(node)?.parse().map_err(|e| format!("is wrong: {e}"))
}

fn many<T: FromStr<Err: fmt::Display>>(node: Node) -> Result<Vec<T>, String> {
    match node {
        Node::List(list) => list.into_iter().map(parsed).collect(),
        Node::Table(_) | Node::Leaf(_) => Err("must be a list of words".to_owned()),
    }
}

fn channels(node: Node) -> Result<Vec<Channel>, String> {
    let channels: Vec<Channel> = many(node)?;
    if channels.is_empty() {
        return Err("must name at least one channel".to_owned());
    }
    Ok(channels)
}
