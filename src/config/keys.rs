//! The register of settings: every dotted name and the values it may have.

use std::time::Duration;

use super::applications;
use super::rules;
use super::shapes::Shape;

/// The failure classes that `retry.classes` may name.
pub const CLASSES: &[&str] = &[
    "target_not_found",
    "target_moved",
    "focus_failed",
    "window_busy",
    "dialog_in_the_way",
    "draft_in_the_way",
    "paste_not_seen",
    "submit_not_seen",
    "clipboard_lost",
    "human_active",
    "display_gone",
    "permission",
    "invalid",
    "interrupted",
    "breaker_open",
    "inbox_failed",
    "paused",
    "misdirected",
    "agent_busy",
];

pub(super) const TARGETS: &[&str] = &["chat", "editor", "terminal"];
const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
/// Classes of recovery plans.
const RECOVERY: &[&str] = &["critical", "high", "medium", "low"];
const YEAR: Duration = Duration::from_hours(24 * 366);
const DAY: Duration = Duration::from_hours(24);

/// The shortest time that anybody is given.
const SHORTEST: Duration = Duration::from_millis(100);
const MILLI: Duration = Duration::from_millis(1);
pub(super) const MINUTE: Duration = Duration::from_mins(1);

pub(super) const fn span(min: Duration, max: Duration) -> Shape {
    Shape::Span { min, max }
}

const fn ratio(min: f64, max: f64) -> Shape {
    Shape::Ratio { min, max }
}

const fn whole(min: u64, max: u64) -> Shape {
    Shape::Whole { min, max }
}

/// Names and shapes; `*` stands for a failure class or a kind of target. Those of applications stand beside
/// them.
const REGISTER: &[(&str, Shape)] = &[
    ("retry.max_retries", Shape::Whole { min: 0, max: 100 }),
    ("retry.base_delay", span(MILLI, DAY)),
    (
        "retry.backoff_multiplier",
        Shape::Ratio {
            min: 1.0,
            max: 10.0,
        },
    ),
    ("retry.max_delay", span(MILLI, DAY)),
    ("retry.jitter", Shape::Ratio { min: 0.0, max: 1.0 }),
    (
        "retry.classes.*.retries",
        Shape::Whole {
            min: 0,
            max: 1_000_000,
        },
    ),
    ("retry.classes.*.fallback", Shape::Switch),
    ("breaker.threshold", Shape::Whole { min: 1, max: 1000 }),
    ("breaker.rest", span(MILLI, DAY)),
    ("delivery.desktop", Shape::Desktop),
    ("delivery.nudge", Shape::Switch),
    ("delivery.nudge_after", span(Duration::ZERO, DAY)),
    ("delivery.nudge_ttl", span(MILLI, Duration::MAX)),
    ("delivery.restore_clipboard", Shape::Switch),
    ("delivery.keep_clipboard", span(Duration::ZERO, DAY)),
    ("delivery.hop_limit", Shape::Whole { min: 1, max: 1000 }),
    ("delivery.default_ttl", Shape::MaybeSpan),
    (
        "delivery.read_back",
        Shape::Word(&["when_doubtful", "always"]),
    ),
    (
        "delivery.type_instead_max",
        Shape::Whole {
            min: 0,
            max: 10_000,
        },
    ),
    (
        "delivery.patience.poll",
        span(MILLI, Duration::from_secs(1)),
    ),
    ("delivery.patience.quiet", span(MILLI, MINUTE)),
    ("delivery.patience.focus", span(MILLI, MINUTE)),
    ("delivery.patience.baseline", span(MILLI, MINUTE)),
    ("delivery.patience.calm", span(MILLI, MINUTE)),
    ("delivery.patience.clipboard", span(MILLI, MINUTE)),
    ("delivery.patience.paste", span(MILLI, MINUTE)),
    ("delivery.patience.settle", span(Duration::ZERO, MINUTE)),
    (
        "delivery.patience.settle_editor",
        span(Duration::ZERO, MINUTE),
    ),
    (
        "delivery.patience.settle_terminal",
        span(Duration::ZERO, MINUTE),
    ),
    ("delivery.patience.submit", span(MILLI, MINUTE)),
    ("delivery.patience.probe", span(MILLI, MINUTE)),
    ("delivery.patience.blind", span(Duration::ZERO, MINUTE)),
    (
        "delivery.patience.enter_retries",
        Shape::Whole { min: 0, max: 10 },
    ),
    ("delivery.timing.learn", Shape::Switch),
    ("delivery.timing.attempts_min", whole(1, 10_000)),
    ("delivery.timing.quantile", ratio(0.5, 1.0)),
    ("delivery.timing.factor", ratio(1.0, 100.0)),
    ("delivery.timing.floor", ratio(0.05, 1.0)),
    ("delivery.timing.ceiling", ratio(1.0, 100.0)),
    ("delivery.keys.*.paste", Shape::Chord),
    ("delivery.keys.*.paste_by_class", Shape::ClassChords),
    ("delivery.keys.*.submit", Shape::Chord),
    ("delivery.keys.*.select_all", Shape::Chords),
    ("delivery.keys.*.copy", Shape::Chord),
    ("delivery.keys.*.delete", Shape::Chord),
    ("delivery.keys.*.deselect", Shape::Chord),
    ("delivery.keys.*.clear", Shape::Chord),
    ("delivery.application_of", Shape::Choices),
    ("limits.agent_rate", whole(0, 1_000)),
    ("limits.agent_span", span(MILLI, DAY)),
    ("limits.pair_budget", whole(0, 1_000)),
    ("limits.pair_span", span(MILLI, DAY)),
    ("seat.panic_corner", Shape::Switch),
    ("seat.human_pause", span(Duration::ZERO, DAY)),
    ("socket.lock_timeout", span(Duration::ZERO, DAY)),
    ("serve.listen", Shape::Address),
    ("serve.hosts", Shape::Words),
    ("serve.request_within", span(SHORTEST, DAY)),
    ("serve.answer_within", span(SHORTEST, DAY)),
    ("serve.read_within", span(SHORTEST, DAY)),
    ("serve.keep_alive", span(SHORTEST, DAY)),
    ("serve.streams_max", whole(0, 100_000)),
    ("log.level", Shape::Word(LEVELS)),
    ("log.format", Shape::Word(&["text", "json"])),
    ("telemetry.otlp", Shape::Text),
    ("telemetry.within", span(SHORTEST, DAY)),
    ("store.min_free", Shape::Size),
    ("backup.repo", Shape::File),
    ("backup.second_repo", Shape::File),
    ("backup.encrypt_to", Shape::Words),
    ("backup.identity", Shape::File),
    ("backup.passphrase_file", Shape::File),
    ("backup.schedule.full", Shape::Text),
    ("backup.schedule.differential", Shape::Text),
    ("backup.schedule.incremental", Shape::Text),
    ("backup.schedule.prune", Shape::Text),
    ("backup.keep.last", whole(0, 1_000_000)),
    ("backup.keep.hourly", whole(0, 1_000_000)),
    ("backup.keep.daily", whole(0, 1_000_000)),
    ("backup.keep.weekly", whole(0, 1_000_000)),
    ("backup.keep.monthly", whole(0, 1_000_000)),
    ("backup.keep.yearly", whole(0, 1_000_000)),
    ("backup.keep.within", Shape::Text),
    ("backup.keep.tags", Shape::Words),
    ("backup.class", Shape::Word(RECOVERY)),
    ("backup.classes.critical.rto", span(MILLI, YEAR)),
    ("backup.classes.critical.rpo", span(MILLI, YEAR)),
    ("backup.classes.high.rto", span(MILLI, YEAR)),
    ("backup.classes.high.rpo", span(MILLI, YEAR)),
    ("backup.classes.medium.rto", span(MILLI, YEAR)),
    ("backup.classes.medium.rpo", span(MILLI, YEAR)),
    ("backup.classes.low.rto", span(MILLI, YEAR)),
    ("backup.classes.low.rpo", span(MILLI, YEAR)),
];

/// Other names for settings, as other tools call them.
const ALIASES: &[(&str, &str)] = &[("retry.circuit_breaker_threshold", "breaker.threshold")];

/// Fixed for as long as an owner runs.
const AT_START: &[&str] = &[
    "delivery.desktop",
    "log.format",
    "serve.listen",
    "serve.hosts",
    "serve.request_within",
    "serve.answer_within",
    "serve.read_within",
    "serve.keep_alive",
    "serve.streams_max",
    "telemetry.otlp",
    "telemetry.within",
    "seat.panic_corner",
];

/// Needed by every process before it can read the ledger.
const BEFORE_THE_LEDGER: &[&str] = &["socket.lock_timeout"];

/// When a setting that was changed with `config set` takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// In the running owner, as soon as it is durable.
    Now,
    /// When an owner starts next.
    NextStart,
    /// Never: it is needed before the ledger can be read.
    Never,
}

impl Applied {
    /// As answers say it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::NextStart => "next_start",
            Self::Never => "never",
        }
    }
}

/// When a change of the setting takes effect.
pub fn applied(key: &str) -> Applied {
    let key = real_name(key);
    if AT_START.contains(&key) {
        Applied::NextStart
    } else if BEFORE_THE_LEDGER.contains(&key) {
        Applied::Never
    } else {
        Applied::Now
    }
}

/// Every setting's dotted name, sorted; classes and targets spelled out.
pub fn known_keys() -> Vec<String> {
    let mut keys: Vec<String> = REGISTER
        .iter()
        .flat_map(|(pattern, _)| {
            let fillings = if pattern.starts_with("retry.classes.") {
                CLASSES
            } else if pattern.contains('*') {
                TARGETS
            } else {
                &["*"]
            };
            fillings.iter().map(|word| pattern.replacen('*', word, 1))
        })
        .chain(applications::shipped_keys())
        .chain(rules::shipped_keys())
        .collect();
    keys.sort();
    keys
}

/// The name a setting is kept under: aliases give way to the real name.
pub fn real_name(key: &str) -> &str {
    ALIASES
        .iter()
        .find(|(alias, _)| *alias == key)
        .map_or(key, |(_, real)| real)
}

/// The shape of a setting; none when there is no such setting.
pub(super) fn shape_of(key: &str) -> Option<Shape> {
    let chosen = applications::shape_of(key).or_else(|| rules::shape_of(key));
    if chosen.is_some() {
        return chosen;
    }
    let fits = |pattern: &str| {
        let fillings = if pattern.starts_with("retry.classes.") {
            CLASSES
        } else {
            TARGETS
        };
        match pattern.split_once('*') {
            None => pattern == key,
            Some((head, tail)) => key
                .strip_prefix(head)
                .and_then(|rest| rest.strip_suffix(tail))
                .is_some_and(|word| fillings.contains(&word)),
        }
    };
    REGISTER
        .iter()
        .find(|(pattern, _)| fits(pattern))
        .map(|(_, shape)| *shape)
}

/// Whether the name is a setting's, or another name for one.
pub(super) fn is_key(name: &str) -> bool {
    shape_of(real_name(name)).is_some()
}

/// Whether settings stand below the name.
pub(super) fn is_section(name: &str) -> bool {
    let below = |key: &String| key.strip_prefix(name).is_some_and(|r| r.starts_with('.'));
    known_keys().iter().any(below)
}

/// The known name that resembles this one most, if any does.
pub(super) fn nearest(key: &str) -> Option<String> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    known_keys()
        .into_iter()
        .map(|known| {
            // A setting put under the wrong table is as likely as a letter in the wrong place.
            let whole = strsim::jaro_winkler(&known, key);
            let tail = strsim::normalized_damerau_levenshtein(&last(&known), &last(key));
            (whole.max(tail * 0.99), whole, known)
        })
        .filter(|(likeness, ..)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)))
        .map(|(.., known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_or_misplaced_key_finds_its_neighbour() {
        for (typo, meant) in [
            ("retry.max_retry", "retry.max_retries"),
            ("max_retries", "retry.max_retries"),
            ("delivery.max_retries", "retry.max_retries"),
            ("retries.jitter", "retry.jitter"),
            ("delivery.patience.focsu", "delivery.patience.focus"),
            ("log.lvl", "log.level"),
        ] {
            assert_eq!(nearest(typo).as_deref(), Some(meant), "{typo}");
        }
        assert_eq!(nearest("zebra.quagga"), None);
    }

    #[test]
    fn every_shape_refuses_what_it_must() {
        for (key, good, bad) in [
            ("retry.max_retries", "0", "101"),
            ("retry.max_retries", "100", "-1"),
            ("retry.max_retries", "3", "3.5"),
            ("retry.jitter", "1", "1.01"),
            ("retry.backoff_multiplier", "1.0", "NaN"),
            ("retry.base_delay", "1ms", "0s"),
            ("retry.base_delay", "24h", "25h"),
            ("delivery.default_ttl", "none", "never"),
            ("delivery.desktop", "record:/tmp/x", "record:"),
            ("delivery.nudge", "TRUE", "yes"),
            ("delivery.keys.chat.paste", "Ctrl+V", "ctrl+"),
            (
                "delivery.keys.chat.select_all",
                "ctrl+a,ctrl+/",
                "ctrl+nope",
            ),
            (
                "delivery.keys.chat.paste_by_class",
                "XTerm=shift+insert",
                "xterm",
            ),
            ("applications.my-own.submit", "ctrl+enter", "ctrl+"),
            ("applications.my-own.classes", "Cursor, code", "[1]"),
            ("applications.my-own.input", "TYPE", "guess"),
            ("delivery.application_of", "agent-3=tmux", "agent-3"),
            ("serve.listen", "[::1]:80", "localhost"),
            ("store.min_free", "0B", "lots"),
            ("log.level", "INFO", "loud"),
            ("backup.identity", "", "a\0b"),
            ("alerts.rules.my-own.figure", "Breaker_Open", "breakers"),
            ("alerts.rules.my-own.escalate_after", "none", "never"),
            ("alerts.command", r#"["/bin/Say", "It's on"]"#, "[1]"),
        ] {
            let shape = shape_of(key).unwrap();
            assert!(shape.read(good).is_ok(), "{key} = {good}");
            assert!(shape.read(bad).is_err(), "{key} = {bad}");
        }
    }
}
