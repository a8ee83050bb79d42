//! Settings as the layers below take them: arguments with their own types.

use std::collections::BTreeMap;
use std::time::Duration;

use super::exit::{Exit, Failure};
use crate::backup::plan_prune::Policy as Kept;
use crate::backup::plan_schedule::Times;
use crate::config::settings::{
    Backup, Delivery, Input as HowPut, KeyProfile, Newlines as LineEnds, ReadBack as WhenToRead,
    Retry, Settings,
};
use crate::delivery::backoff::Backoff;
use crate::delivery::breaker::Limits;
use crate::delivery::job::{ClipboardLimits, Input, Keys, Patience, ReadBack};
use crate::delivery::policy::{Policy, Rule};
use crate::delivery::ports::Chord;
use crate::delivery::sanitise::Newlines;
use crate::delivery::settings::{Application, DispatchSettings, Manner, Nudging};
use crate::delivery::timing::Learning;
use crate::events::facts::agent::Target;
use crate::events::facts::attempt::FailureClass;
use crate::events::ids::AgentId;

/// When backups are taken, and what is kept of them.
pub fn backups(settings: &Backup) -> Result<(Times, Kept), Failure> {
    let times = |key: &str, text: &str| {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let read = text.parse();
        read.map(Some)
            .map_err(|error| bad_config(format!("backup.schedule.{key}: {error}")))
    };
    let schedule = &settings.schedule;
    let times = Times {
        full: times("full", &schedule.full)?,
        differential: times("differential", &schedule.differential)?,
        incremental: times("incremental", &schedule.incremental)?,
        prune: times("prune", &schedule.prune)?,
    };
    let keep = &settings.keep;
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let within = Some(keep.within.trim()).filter(|it| !it.is_empty());
    let within = within.map(str::parse).transpose();
    let kept = Kept {
        last: count(keep.last),
        hourly: count(keep.hourly),
        daily: count(keep.daily),
        weekly: count(keep.weekly),
        monthly: count(keep.monthly),
        yearly: count(keep.yearly),
        within: within
            .map_err(|error: String| bad_config(format!("backup.keep.within: {error}")))?,
        tags: keep.tags.clone(),
    };
    Ok((times, kept))
}

/// How deliveries are done.
pub fn dispatch(settings: &Settings) -> Result<DispatchSettings, Failure> {
    let delivery = &settings.delivery;
    let manner = |target, keys: &KeyProfile| {
        Ok::<_, Failure>(Manner {
            keys: keys_of(keys)?,
            patience: patience(delivery, target),
        })
    };
    let mut plain = DispatchSettings {
        policy: policy(&settings.retry, settings.seat.human_pause.0),
        breaker: Limits {
            threshold: settings.breaker.threshold,
            rest: settings.breaker.rest.0,
        },
        chat: manner(Target::Chat, &delivery.keys.chat)?,
        editor: manner(Target::Editor, &delivery.keys.editor)?,
        terminal: manner(Target::Terminal, &delivery.keys.terminal)?,
        read_back: match delivery.read_back {
            WhenToRead::WhenDoubtful => ReadBack::WhenDoubtful,
            WhenToRead::Always => ReadBack::Always,
        },
        clipboard: ClipboardLimits {
            restore: delivery.restore_clipboard,
            keep: delivery.keep_clipboard.0,
            type_instead_max: usize::try_from(delivery.type_instead_max).unwrap_or(usize::MAX),
        },
        learning: Learning {
            on: delivery.timing.learn,
            attempts_min: delivery.timing.attempts_min,
            per_mille: u64::from(percent(delivery.timing.quantile * 10.0)),
            factor_percent: percent(delivery.timing.factor),
            floor_percent: percent(delivery.timing.floor),
            ceiling_percent: percent(delivery.timing.ceiling),
        },
        nudge: delivery.nudge.then_some(Nudging {
            after: delivery.nudge_after.0,
            ttl: delivery.nudge_ttl.0,
        }),
        applications: Vec::new(),
        application_of: BTreeMap::new(),
    };
    plain.applications = applications(settings, &plain)?;
    plain.application_of = choices(delivery, &plain.applications)?;
    Ok(plain)
}

/// Every application, what it does not say taken from its kind.
fn applications(
    settings: &Settings,
    plain: &DispatchSettings,
) -> Result<Vec<Application>, Failure> {
    let each = settings.applications.iter().map(|(name, own)| {
        let key = |field: &str| format!("applications.{name}.{field}");
        let wrong = |field: &str, why: &str| bad_config(format!("{}: {why}", key(field)));
        let target = own.target.as_deref().ok_or_else(|| {
            wrong(
                "target",
                "an application must say what it is: chat, editor or terminal",
            )
        })?;
        let target: Target = target
            .parse()
            .map_err(|error| wrong("target", &format!("{error}")))?;
        let mut manner = plain.of(target).clone();
        let set = |field: &str, to: &mut Chord, text: &Option<String>| {
            if let Some(text) = text {
                *to = text
                    .parse()
                    .map_err(|error| wrong(field, &format!("{error}")))?;
            }
            Ok::<_, Failure>(())
        };
        let keys = &mut manner.keys;
        set("paste", &mut keys.paste, &own.paste)?;
        if own.paste.is_some() {
            keys.paste_by_class.clear();
        }
        set("submit", &mut keys.submit, &own.submit)?;
        set("copy", &mut keys.copy, &own.copy)?;
        set("delete", &mut keys.delete, &own.delete)?;
        set("deselect", &mut keys.deselect, &own.deselect)?;
        set("clear", &mut keys.clear, &own.clear)?;
        if let Some(all) = &own.select_all {
            let read = all.iter().map(|text| {
                text.parse()
                    .map_err(|error| wrong("select_all", &format!("{error}")))
            });
            keys.select_all = read.collect::<Result<_, _>>()?;
        }
        let new_chat = own.new_chat.as_deref().map(str::parse).transpose();
        let new_chat = new_chat.map_err(|error| wrong("new_chat", &format!("{error}")))?;
        if let Some(settle) = own.settle {
            manner.patience.settle = settle.0;
        }
        Ok(Application {
            name: name.clone(),
            target,
            classes: own.classes.clone(),
            manner,
            new_chat,
            input: match own.input {
                HowPut::Paste => Input::Paste,
                HowPut::Type => Input::Type,
            },
            newlines: match own.newlines {
                None | Some(LineEnds::Keep) => Newlines::Keep,
                Some(LineEnds::Blank) => Newlines::Blank,
            },
        })
    });
    each.collect()
}

/// Which application was chosen for which agent.
fn choices(
    delivery: &Delivery,
    applications: &[Application],
) -> Result<BTreeMap<AgentId, String>, Failure> {
    let each = delivery.application_of().map(|(agent, name)| {
        let wrong = |why: String| bad_config(format!("delivery.application_of: {why}"));
        if !applications.iter().any(|known| known.name == name) {
            return Err(wrong(format!("there is no application `{name}`")));
        }
        let agent = agent.parse().map_err(|error| wrong(format!("{error}")))?;
        Ok((agent, name.to_owned()))
    });
    each.collect()
}

fn bad_config(text: String) -> Failure {
    Failure::new(Exit::BadConfig, "config_invalid", text)
}

fn policy(retry: &Retry, human_pause: Duration) -> Policy {
    let rules: BTreeMap<FailureClass, Rule> = FailureClass::ALL
        .iter()
        .map(|class| {
            let (retries, fallback) = retry.of_class(class.word());
            (
                *class,
                Rule {
                    retries_max: Some(retries),
                    fallback,
                },
            )
        })
        .collect();
    Policy {
        retries_max: retry.max_retries,
        backoff: Backoff {
            base: retry.base_delay.0,
            multiplier_percent: percent(retry.backoff_multiplier),
            cap: retry.max_delay.0,
            jitter_percent: percent(retry.jitter),
        },
        human_pause,
        rules,
    }
}

/// A factor like 2.0 as whole per cent, so that no event depends on a machine's arithmetic.
fn percent(factor: f64) -> u32 {
    let rounded = (factor * 100.0).round().clamp(0.0, 1_000_000.0);
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what fits; there is no lossless conversion from a float"
    )]
    let whole = rounded as u32;
    whole
}

fn patience(delivery: &Delivery, target: Target) -> Patience {
    let of = &delivery.patience;
    Patience {
        poll: of.poll.0.max(Duration::from_millis(1)),
        quiet: of.quiet.0,
        focus: of.focus.0,
        baseline: of.baseline.0,
        calm: of.calm.0,
        clipboard: of.clipboard.0,
        paste: of.paste.0,
        settle: match target {
            Target::Chat => of.settle.0,
            Target::Editor => of.settle_editor.0,
            Target::Terminal => of.settle_terminal.0,
        },
        submit: of.submit.0,
        probe: of.probe.0,
        blind: of.blind.0,
        enter_retries: of.enter_retries,
    }
}

fn keys_of(profile: &KeyProfile) -> Result<Keys, Failure> {
    Ok(Keys {
        paste: chord(&profile.paste)?,
        paste_by_class: profile
            .paste_by_class()
            .map(|(word, keys)| Ok((word.to_owned(), chord(keys)?)))
            .collect::<Result<_, Failure>>()?,
        submit: chord(&profile.submit)?,
        select_all: profile
            .select_all
            .iter()
            .map(|keys| chord(keys))
            .collect::<Result<_, _>>()?,
        copy: chord(&profile.copy)?,
        delete: chord(&profile.delete)?,
        clear: chord(&profile.clear)?,
        deselect: chord(&profile.deselect)?,
    })
}

fn chord(text: &str) -> Result<Chord, Failure> {
    text.parse().map_err(|error| {
        Failure::new(
            Exit::BadConfig,
            "config_invalid",
            format!("delivery.keys: {error}"),
        )
    })
}
