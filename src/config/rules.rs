//! `alerts.*`: when somebody is told, and how. `alerts.rules.<name>.*` stand under names that people choose.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::applications::is_name;
use super::keys::span;
use super::shapes::Shape;
use super::units::{MaybeSpan, Span};

/// What a rule may look at; the same words as `Figure` of the events, which this module must not name; a test
/// compares.
const FIGURES: &[&str] = &[
    "success_rate_percent",
    "settling_p95_ms",
    "breaker_open",
    "projection_lag_seconds",
    "unknown_messages",
    "dead_messages",
    "backup_lag_percent",
    "disk_free_mib",
];
const SEVERITIES: &[&str] = &["info", "warning", "critical"];
const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(24 * 7);

/// The rules that are shipped; others are added by naming them.
const SHIPPED: &[&str] = &[
    "backup-late",
    "breaker-open",
    "disk-free",
    "projection-lag",
    "slow-delivery",
    "success-rate",
    "unknown-messages",
];

const FIELDS: &[(&str, Shape)] = &[
    ("enabled", Shape::Switch),
    ("figure", Shape::Word(FIGURES)),
    ("above", LIMIT),
    ("below", LIMIT),
    ("severity", Shape::Word(SEVERITIES)),
    ("hold", span(Duration::ZERO, WEEK)),
    ("cooldown", span(Duration::ZERO, WEEK)),
    ("escalate_after", Shape::MaybeSpan),
];

const LIMIT: Shape = Shape::Whole {
    min: 0,
    max: 1_000_000_000_000,
};

const GENERAL: &[(&str, Shape)] = &[
    ("alerts.enabled", Shape::Switch),
    (
        "alerts.interval",
        span(Duration::from_millis(100), Duration::from_hours(1)),
    ),
    ("alerts.window", span(Duration::from_secs(1), DAY)),
    (
        "alerts.attempts_min",
        Shape::Whole {
            min: 1,
            max: 1_000_000,
        },
    ),
    ("alerts.notify", Shape::Words),
    ("alerts.webhook", Shape::Text),
    ("alerts.webhook_secret_file", Shape::File),
    ("alerts.command", Shape::Texts),
    (
        "alerts.tell_within",
        span(Duration::from_millis(100), Duration::from_mins(5)),
    ),
    ("alerts.tries", Shape::Whole { min: 1, max: 10 }),
];

/// The dotted names of everything about alerts that is shipped.
pub(super) fn shipped_keys() -> impl Iterator<Item = String> {
    let fields = |name: &'static str| {
        let dotted = move |(field, _): &(&str, Shape)| format!("alerts.rules.{name}.{field}");
        FIELDS.iter().map(dotted)
    };
    let general = GENERAL.iter().map(|(name, _)| (*name).to_owned());
    general.chain(SHIPPED.iter().copied().flat_map(fields))
}

/// The shape of a setting about alerts; none when there is no such setting.
pub(super) fn shape_of(key: &str) -> Option<Shape> {
    let general = GENERAL.iter().find(|(known, _)| *known == key);
    if let Some((_, shape)) = general {
        return Some(*shape);
    }
    let (name, field) = key.strip_prefix("alerts.rules.")?.split_once('.')?;
    let known = FIELDS.iter().find(|(known, _)| *known == field);
    known.filter(|_| is_name(name)).map(|(_, shape)| *shape)
}

/// `alerts.*`: when somebody is told, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Alerts {
    pub enabled: bool,
    pub interval: Span,
    pub window: Span,
    pub attempts_min: u64,
    pub notify: Vec<String>,
    pub webhook: String,
    pub webhook_secret_file: String,
    pub command: Vec<String>,
    pub tell_within: Span,
    pub tries: u32,
    /// By name.
    #[serde(default)]
    pub rules: BTreeMap<String, Rule>,
}

/// `alerts.rules.<name>.*`: when one figure is bad, and what follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Rule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalate_after: Option<MaybeSpan>,
}
