//! Settings as the layers below take them: arguments with their own types.

use std::collections::BTreeMap;
use std::time::Duration;

use super::exit::{Exit, Failure};
use crate::config::settings::{Delivery, KeyProfile, ReadBack as WhenToRead, Retry, Settings};
use crate::delivery::backoff::Backoff;
use crate::delivery::breaker::Limits;
use crate::delivery::job::{ClipboardLimits, Keys, Patience, ReadBack};
use crate::delivery::policy::{Policy, Rule};
use crate::delivery::ports::Chord;
use crate::delivery::settings::{DispatchSettings, Manner, Nudging};
use crate::delivery::timing::Learning;
use crate::events::facts::agent::Target;
use crate::events::facts::attempt::FailureClass;

/// How deliveries are done.
pub fn dispatch(settings: &Settings) -> Result<DispatchSettings, Failure> {
    let delivery = &settings.delivery;
    let manner = |target, keys: &KeyProfile| {
        Ok::<_, Failure>(Manner {
            keys: keys_of(keys)?,
            patience: patience(delivery, target),
        })
    };
    Ok(DispatchSettings {
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
    })
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
