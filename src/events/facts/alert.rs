//! What happens to alerts. Each fact carries the rule's own words and limits, so that a replay needs no
//! configuration.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::words::worded;
use crate::events::ids::{AgentId, NotAName, StreamId};
use crate::events::time::Timestamp;

worded! {
    /// What a rule looks at, with its unit.
    Figure, "a figure" {
        /// Of the attempts that ended lately, how many of a hundred arrived.
        SuccessRate = "success_rate_percent",
        /// The time in which 95 of a hundred messages that were settled lately were settled.
        Settling = "settling_p95_ms",
        /// An agent's channel whose breaker is not closed: 1. One alert each.
        BreakerOpen = "breaker_open",
        /// How far the slowest projection is behind.
        ProjectionLag = "projection_lag_seconds",
        /// Messages whose outcome nobody knows.
        UnknownMessages = "unknown_messages",
        /// Messages every way was tried for.
        DeadMessages = "dead_messages",
        /// What is not backed up, in hundredths of what the plan allows to be lost.
        BackupLag = "backup_lag_percent",
        /// Free space on the store's disk.
        DiskFree = "disk_free_mib",
    }
}

worded! {
    /// How bad an alert is.
    Severity, "a severity" {
        /// Somebody should know.
        Info = "info",
        /// Somebody should look.
        Warning = "warning",
        /// Somebody must look.
        Critical = "critical",
    }
}

worded! {
    /// A way to tell somebody.
    Notifier, "a way to tell" {
        /// A line in the log.
        Log = "log",
        /// A notification on the desktop.
        Desktop = "desktop",
        /// A signed HTTP request.
        Webhook = "webhook",
        /// A program.
        Command = "command",
    }
}

/// An alert's name: its rule, and what it is about if the rule has several: `breaker-open` or
/// `breaker-open:agent-3:gui`. At most 150 letters, digits, `.`, `_`, `-`, `:`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AlertId(String);

impl AlertId {
    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AlertId {
    type Error = NotAName;

    fn try_from(name: String) -> Result<Self, NotAName> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = name.len() <= 150
            && name.starts_with(plain)
            && name
                .chars()
                .all(|c| plain(c) || matches!(c, '.' | '_' | '-' | ':'));
        if fits {
            Ok(Self(name))
        } else {
            let rule = "an alert is named RULE or RULE:SUBJECT, as `switchboard alerts` shows it";
            Err(NotAName {
                name,
                rule: rule.to_owned(),
            })
        }
    }
}

impl FromStr for AlertId {
    type Err = NotAName;

    fn from_str(name: &str) -> Result<Self, NotAName> {
        Self::try_from(name.to_ascii_lowercase())
    }
}

impl From<AlertId> for String {
    fn from(id: AlertId) -> Self {
        id.0
    }
}

impl From<&AlertId> for StreamId {
    fn from(id: &AlertId) -> Self {
        Self::alert(&id.0)
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a rule said of a figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// The rule.
    pub rule: String,
    /// What it is about, if the rule has several.
    pub subject: Option<String>,
    /// What was looked at.
    pub figure: Figure,
    /// What it was.
    pub value: u64,
    /// True: more than the limit is bad. False: less is.
    pub above: bool,
    /// The limit.
    pub limit: u64,
    /// How bad that is.
    pub severity: Severity,
    /// Since when it was so, as far as was looked.
    pub since: Timestamp,
}

/// 740 `alert.noticed`: a figure is beyond its limit, not yet for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertNoticed {
    /// Which.
    pub alert: AlertId,
    /// What was seen.
    pub breach: Breach,
}

/// 741 `alert.dismissed`: what was noticed went by before it had lasted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertDismissed {
    /// Which.
    pub alert: AlertId,
}

/// 742 `alert.raised`: a figure has been beyond its limit for as long as its rule waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRaised {
    /// Which.
    pub alert: AlertId,
    /// What was seen.
    pub breach: Breach,
    /// When it becomes worse if nobody has acknowledged it; none for never.
    pub escalate_at: Option<Timestamp>,
}

/// 743 `alert.acknowledged`: somebody looks after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertAcknowledged {
    /// Which.
    pub alert: AlertId,
    /// Who.
    pub by: AgentId,
}

/// 744 `alert.escalated`: nobody acknowledged it in time; it is critical now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEscalated {
    /// Which.
    pub alert: AlertId,
}

/// 745 `alert.resolved`: the figure has been within its limit for as long as its rule waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertResolved {
    /// Which.
    pub alert: AlertId,
    /// What the figure is now; none where there is nothing to be measured any more.
    pub value: Option<u64>,
    /// Since when it has been well.
    pub since: Timestamp,
}

/// 746 `alert.untold`: somebody was to be told of an alert, and could not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertUntold {
    /// Which.
    pub alert: AlertId,
    /// How it was tried.
    pub notifier: Notifier,
    /// How often.
    pub attempts: u32,
    /// In words.
    pub reason: String,
}
