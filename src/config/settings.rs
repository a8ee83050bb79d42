//! Every setting with its type. Defaults and meanings stand in `config/default.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::rules::Alerts;
use super::units::{MaybeSpan, Size, Span};

/// All settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Settings {
    pub retry: Retry,
    pub breaker: Breaker,
    pub delivery: Delivery,
    /// By name.
    #[serde(default)]
    pub applications: BTreeMap<String, Application>,
    pub limits: Limits,
    pub seat: Seat,
    pub socket: Socket,
    pub serve: Serve,
    pub log: Log,
    pub telemetry: Telemetry,
    pub store: Store,
    pub backup: Backup,
    pub alerts: Alerts,
}

/// `retry.*`: how failed attempts are repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Retry {
    pub max_retries: u32,
    pub base_delay: Span,
    pub backoff_multiplier: f64,
    pub max_delay: Span,
    pub jitter: f64,
    /// By the failure class's word.
    #[serde(default)]
    pub classes: BTreeMap<String, ClassRetry>,
}

/// `retry.classes.<class>.*`: what one failure class does otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassRetry {
    /// Instead of `max_retries`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Whether the next channel may be tried; true where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<bool>,
}

impl Retry {
    /// Repetitions on one channel, and whether another channel may follow, for a class's word.
    pub fn of_class(&self, class: &str) -> (u32, bool) {
        let own = self.classes.get(class).copied().unwrap_or_default();
        (
            own.retries.unwrap_or(self.max_retries),
            own.fallback.unwrap_or(true),
        )
    }
}

/// `breaker.*`: when an agent's channel is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Breaker {
    pub threshold: u32,
    pub rest: Span,
}

/// `delivery.*`: how messages are carried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Delivery {
    pub desktop: String,
    pub nudge: bool,
    pub nudge_after: Span,
    pub nudge_ttl: Span,
    pub restore_clipboard: bool,
    pub keep_clipboard: Span,
    pub hop_limit: u16,
    pub default_ttl: MaybeSpan,
    pub read_back: ReadBack,
    pub type_instead_max: u32,
    /// `AGENT=APPLICATION`: see [`Delivery::application_of`].
    application_of: Vec<String>,
    pub patience: Patience,
    pub timing: Timing,
    pub keys: Keys,
}

/// `delivery.timing.*`: how deadlines are learnt from past attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Timing {
    pub learn: bool,
    pub attempts_min: u64,
    pub quantile: f64,
    pub factor: f64,
    pub floor: f64,
    pub ceiling: f64,
}

impl Delivery {
    /// Agents and the applications that were chosen for them, whatever their windows say.
    pub fn application_of(&self) -> impl Iterator<Item = (&str, &str)> {
        self.application_of
            .iter()
            .filter_map(|pair| pair.split_once('='))
    }
}

/// `applications.<name>.*`: how one program wants to be handled. What is not said is as for its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Application {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub classes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paste: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_chat: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select_all: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deselect: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear: Option<String>,
    pub input: Input,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newlines: Option<Newlines>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle: Option<Span>,
}

/// How a text gets into a program's box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// By the clipboard.
    #[default]
    Paste,
    /// Key by key.
    Type,
}

/// What becomes of line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Newlines {
    /// They stay.
    Keep,
    /// A blank each.
    Blank,
}

/// When the input box is read back before Enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadBack {
    /// Only where earlier text may arrive late.
    WhenDoubtful,
    /// Before every Enter.
    Always,
}

/// `delivery.patience.*`: how long to wait for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Patience {
    pub poll: Span,
    pub quiet: Span,
    pub focus: Span,
    pub baseline: Span,
    pub calm: Span,
    pub clipboard: Span,
    pub paste: Span,
    /// Of chats.
    pub settle: Span,
    pub settle_editor: Span,
    pub settle_terminal: Span,
    pub submit: Span,
    pub probe: Span,
    pub blind: Span,
    pub enter_retries: u8,
}

/// `delivery.keys.*`: a key profile per kind of target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Keys {
    pub chat: KeyProfile,
    pub editor: KeyProfile,
    pub terminal: KeyProfile,
}

/// Chords by purpose, each checked to be readable as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct KeyProfile {
    pub paste: String,
    /// `WORD=KEYS`: see [`KeyProfile::paste_by_class`].
    paste_by_class: Vec<String>,
    pub submit: String,
    pub select_all: Vec<String>,
    pub copy: String,
    pub delete: String,
    pub deselect: String,
    pub clear: String,
}

impl KeyProfile {
    /// Other paste keys: a word of the window's class, in small letters, and the chord.
    pub fn paste_by_class(&self) -> impl Iterator<Item = (&str, &str)> {
        self.paste_by_class
            .iter()
            .filter_map(|pair| pair.split_once('='))
    }
}

/// `limits.*`: how much agents may say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Limits {
    pub agent_rate: u32,
    pub agent_span: Span,
    pub pair_budget: u32,
    pub pair_span: Span,
}

/// `seat.*`: one display's pointer, keyboard and clipboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Seat {
    pub human_pause: Span,
    pub panic_corner: bool,
}

/// `socket.*`: how processes of one store meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Socket {
    pub lock_timeout: Span,
}

/// `serve.*`: the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Serve {
    pub listen: SocketAddr,
    pub hosts: Vec<String>,
    pub request_within: Span,
    pub answer_within: Span,
    pub read_within: Span,
    pub keep_alive: Span,
    pub streams_max: u32,
}

/// `log.*`: what is logged and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

/// `telemetry.*`: where spans are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Telemetry {
    pub otlp: String,
    pub within: Span,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// `store.*`: the ledger's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Store {
    pub min_free: Size,
}

/// `backup.*`: copies, and the way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Backup {
    pub repo: String,
    pub second_repo: String,
    pub encrypt_to: Vec<String>,
    pub identity: String,
    pub passphrase_file: String,
    /// A name in `classes`.
    pub class: String,
    pub classes: BTreeMap<String, RecoveryPlan>,
    pub schedule: Schedule,
    pub keep: Keep,
}

/// `backup.classes.<class>.*`: what may be lost, and how long it may take to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct RecoveryPlan {
    pub rto: Span,
    pub rpo: Span,
}

impl Backup {
    /// The plan of a class.
    pub fn plan_of(&self, class: &str) -> Option<RecoveryPlan> {
        self.classes.get(class).copied()
    }
}

/// `backup.schedule.*`: when what is done, as cron writes it; empty for never.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Schedule {
    pub full: String,
    pub differential: String,
    pub incremental: String,
    pub prune: String,
}

/// `backup.keep.*`: what scheduled pruning keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each setting is documented in config/default.toml"
)]
pub struct Keep {
    pub last: u32,
    pub hourly: u32,
    pub daily: u32,
    pub weekly: u32,
    pub monthly: u32,
    pub yearly: u32,
    pub within: String,
    pub tags: Vec<String>,
}
