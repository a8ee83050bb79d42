//! Alerts in the process that serves: now and then figures are read and judged, what is judged becomes events,
//! and whoever is named in the settings is told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use super::background::Background;
use super::figures::{Past, Sample, standing};
use super::open::Owner;
use super::serve::turned;
use crate::adapters::machine;
use crate::adapters::telling::{self, Notice};
use crate::cli::alarms::{Alarms, alarms};
use crate::cli::answers::backup::record_here;
use crate::cli::exit::Failure;
use crate::commands::keep_alert::KeepAlert;
use crate::events::envelope::Cause;
use crate::events::facts::alert::{AlertId, AlertUntold, Breach, Figure, Notifier, Severity};
use crate::events::ids::{AgentId, CommandId, CorrelationId};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;
use crate::projections::alarm::{Reading, Watched, judge};
use crate::projections::view::View;

/// So many notices wait for each way to tell; more are told of as untold at once.
const WAITING: usize = 64;

/// The pause before a second try; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);

/// Who looks at figures, and who tells.
#[derive(Debug, Default)]
pub struct Alarm {
    task: Background,
}

/// What is remembered between two looks.
#[derive(Debug, Default)]
struct Memory {
    past: Past,
    watched: Watched,
}

/// One notice on its way.
#[derive(Clone, Debug)]
struct Letter {
    alert: AlertId,
    notice: Notice,
}

/// Looks until the owner goes away.
async fn keep_watch(owner: Owner) {
    let mut leaving = owner.leaving();
    let posts: BTreeMap<Notifier, mpsc::Sender<Letter>> = Notifier::ALL
        .iter()
        .map(|notifier| (*notifier, post(owner.clone(), *notifier)))
        .collect();
    let mut memory = Memory::default();
    loop {
        let interval = owner.config().settings().alerts.interval.0;
        tokio::select! {
            () = turned(&mut leaving) => return,
            () = tokio::time::sleep(interval) => {}
        }
        let own = owner.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let told = own.look_at_figures(&mut memory);
            (memory, told)
        });
        match looked.await {
            Ok((kept, told)) => {
                memory = kept;
                match told {
                    Ok((alarms, letters)) => owner.send_out(&posts, &alarms, letters).await,
                    Err(failure) => {
                        tracing::error!(reason = failure.message, "alerts cannot be judged");
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "looking at figures broke off");
                memory = Memory::default();
            }
        }
    }
}

/// One way to tell, with a queue and a pace of its own: a webhook that hangs stops nobody else.
fn post(owner: Owner, notifier: Notifier) -> mpsc::Sender<Letter> {
    let (sender, mut letters) = mpsc::channel::<Letter>(WAITING);
    tokio::spawn(async move {
        let mut leaving = owner.leaving();
        loop {
            let letter = tokio::select! {
                () = turned(&mut leaving) => return,
                letter = letters.recv() => letter,
            };
            let Some(letter) = letter else { return };
            tokio::select! {
                () = turned(&mut leaving) => return,
                () = owner.carry_notice(notifier, letter) => {}
            }
        }
    });
    sender
}

impl Owner {
    /// Begins to look at figures.
    pub fn begin_alerts(&self) {
        self.alarm.task.begin(keep_watch(self.clone()));
    }

    /// Waits until nothing is judged any more.
    pub(super) async fn end_alerts(&self) {
        self.alarm.task.end().await;
    }

    fn look_at_figures(&self, memory: &mut Memory) -> Result<(Alarms, Vec<Letter>), Failure> {
        let config = self.config();
        let settings = &config.settings().alerts;
        let mut wanted = alarms(settings)?;
        if !settings.enabled {
            return Ok((wanted, Vec::new()));
        }
        let now = self.now();
        let readings = self.readings(memory, now)?;
        self.catch_up()?;
        self.holds(View::Alerts)?;
        wanted.rules.sort_by(|a, b| a.name.cmp(&b.name));
        let (watched, facts) = self.projections.read(|states| {
            judge(
                &wanted.rules,
                &readings,
                &states.alerts,
                &memory.watched,
                now,
            )
        });
        let mut letters = Vec::new();
        for fact in facts {
            let Some(keep) = KeepAlert::of(&fact) else {
                continue;
            };
            record_here(self, &self.alarm_cause(), keep)?;
            self.catch_up()?;
            letters.extend(self.letter(&fact, now));
        }
        // Only now: what could not be written down is judged again.
        memory.watched = watched;
        Ok((wanted, letters))
    }

    fn alarm_cause(&self) -> Cause {
        let id = self.ids.fresh(self.now());
        Cause {
            actor: AgentId::switchboard(),
            correlation: CorrelationId(id),
            causation: None,
            command: CommandId(id),
        }
    }

    /// Every figure there is.
    fn readings(&self, memory: &mut Memory, now: Timestamp) -> Result<Vec<Reading>, Failure> {
        let config = self.config();
        let settings = &config.settings().alerts;
        self.projections.catch_up_serving(self.desk.ledger())?;
        let (sample, mut readings) = self
            .projections
            .read(|states| (Sample::of(states, now), standing(states)));
        readings.extend(
            memory
                .past
                .lately(sample, settings.window.0, settings.attempts_min),
        );
        let mut plain = |figure, value| {
            readings.push(Reading {
                figure,
                subject: None,
                value,
            });
        };
        let rows = self.projections.list(self.desk.ledger().head());
        let lags = rows
            .iter()
            .map(|row| Duration::try_from_secs_f64(row.lag_seconds).unwrap_or_default());
        plain(
            Figure::ProjectionLag,
            lags.max().unwrap_or_default().as_secs(),
        );
        let free = machine::disk_free_kib(&self.store);
        if let Some(kib) = free {
            plain(Figure::DiskFree, kib / 1_024);
        }
        for (lag, limit) in self.backup_lags()? {
            let percent = lag.as_micros().saturating_mul(100) / limit.as_micros().max(1);
            plain(
                Figure::BackupLag,
                u64::try_from(percent).unwrap_or(u64::MAX),
            );
        }
        Ok(readings)
    }

    /// What is told of a fact, if somebody is to be told.
    fn letter(&self, fact: &Fact, now: Timestamp) -> Option<Letter> {
        let (alert, state) = told(fact)?;
        let item = self.projections.read(|states| {
            let current = states.alerts.get(&alert);
            let mut over = states.alerts.over();
            let over = || over.find(|(id, _)| *id == alert).map(|(_, one)| one);
            let one = current.or_else(over)?;
            let mut item = one.to_json(&alert);
            if let Some(fields) = item.as_object_mut() {
                fields.insert("record".to_owned(), json!("alert"));
                fields.insert("told_at".to_owned(), json!(now));
            }
            Some((item, one.breach.clone(), one.severity))
        });
        let (item, breach, severity) = item?;
        Some(Letter {
            notice: Notice {
                body: item.to_string(),
                words: words(&alert, state, &breach, severity),
                variables: variables(&alert, state, &breach, severity),
            },
            alert,
        })
    }

    /// Hands notices to those who tell, and waits for nobody.
    async fn send_out(
        &self,
        posts: &BTreeMap<Notifier, mpsc::Sender<Letter>>,
        alarms: &Alarms,
        letters: Vec<Letter>,
    ) {
        for letter in letters {
            for notifier in &alarms.notify {
                let Some(post) = posts.get(notifier) else {
                    continue;
                };
                if post.try_send(letter.clone()).is_err() {
                    let reason = format!("{WAITING} others wait to be told");
                    self.say_untold(*notifier, &letter.alert, 0, reason).await;
                }
            }
        }
    }

    /// Tells it, as often as the settings say, and says when nobody could be told.
    async fn carry_notice(&self, notifier: Notifier, letter: Letter) {
        let mut pause = PAUSE;
        let mut attempts = 0_u32;
        loop {
            let config = self.config();
            let wanted = match alarms(&config.settings().alerts) {
                Ok(wanted) => wanted,
                Err(failure) => {
                    self.say_untold(notifier, &letter.alert, attempts, failure.message)
                        .await;
                    return;
                }
            };
            attempts = attempts.saturating_add(1);
            let Err(reason) = telling::tell(notifier, &wanted.ways, &letter.notice).await else {
                return;
            };
            if attempts >= wanted.tries {
                self.say_untold(notifier, &letter.alert, attempts, reason)
                    .await;
                return;
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
    }

    async fn say_untold(&self, notifier: Notifier, alert: &AlertId, attempts: u32, reason: String) {
        tracing::warn!(%alert, %notifier, attempts, reason, "nobody was told of an alert");
        let untold = KeepAlert::Untold(AlertUntold {
            alert: alert.clone(),
            notifier,
            attempts,
            reason,
        });
        let own = self.clone();
        let kept =
            tokio::task::spawn_blocking(move || record_here(&own, &own.alarm_cause(), untold));
        if let Ok(Err(failure)) = kept.await {
            tracing::error!(reason = failure.message, "that is not in the ledger");
        }
    }
}

/// Which facts are told, and how they are called then.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of all that can happen, only this is told"
)]
fn told(fact: &Fact) -> Option<(AlertId, &'static str)> {
    match fact {
        Fact::AlertRaised(it) => Some((it.alert.clone(), "raised")),
        Fact::AlertEscalated(it) => Some((it.alert.clone(), "escalated")),
        Fact::AlertResolved(it) => Some((it.alert.clone(), "resolved")),
        _ => None,
    }
}

fn words(alert: &AlertId, state: &str, breach: &Breach, severity: Severity) -> String {
    let Breach {
        figure,
        value,
        limit,
        above,
        ..
    } = breach;
    let side = if *above { "above" } else { "below" };
    format!("alert {alert} {state} ({severity}): {figure} was {value}, {side} {limit}")
}

fn variables(
    alert: &AlertId,
    state: &str,
    breach: &Breach,
    severity: Severity,
) -> Vec<(&'static str, String)> {
    vec![
        ("SWITCHBOARD_ALERT", alert.to_string()),
        ("SWITCHBOARD_STATE", state.to_owned()),
        ("SWITCHBOARD_SEVERITY", severity.to_string()),
        ("SWITCHBOARD_RULE", breach.rule.clone()),
        (
            "SWITCHBOARD_SUBJECT",
            breach.subject.clone().unwrap_or_default(),
        ),
        ("SWITCHBOARD_FIGURE", breach.figure.to_string()),
        ("SWITCHBOARD_VALUE", breach.value.to_string()),
        ("SWITCHBOARD_LIMIT", breach.limit.to_string()),
    ]
}
