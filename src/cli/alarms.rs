//! Settings about alerts as rules and ways to tell.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use crate::adapters::telling::{self, Ways};
use crate::config::rules::{Alerts, Rule as Wanted};
use crate::config::units::MaybeSpan;
use crate::events::facts::alert::{Notifier, Severity};
use crate::projections::alarm::Rule;

/// What is looked at, and who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarms {
    /// Every rule that is switched on.
    pub rules: Vec<Rule>,
    /// Whom to tell.
    pub notify: Vec<Notifier>,
    /// How.
    pub ways: Ways,
    /// How often it is tried.
    pub tries: u32,
}

fn bad(key: &str, why: impl std::fmt::Display) -> Failure {
    let text = format!("alerts.{key}: {why}");
    Failure::new(Exit::BadConfig, "config_invalid", text)
}

/// Rules and ways to tell, or what is wrong with them.
pub fn alarms(settings: &Alerts) -> Result<Alarms, Failure> {
    let on = settings
        .rules
        .iter()
        .filter(|(_, it)| it.enabled != Some(false));
    let rules = on.map(|(name, wanted)| rule(name, wanted));
    let notify = settings.notify.iter().map(|word| word.parse());
    let notify: Result<Vec<Notifier>, _> = notify.collect();
    let notify = notify.map_err(|error| bad("notify", error))?;
    if notify.contains(&Notifier::Webhook) {
        telling::hook(&settings.webhook).map_err(|why| bad("webhook", why))?;
        if settings.webhook_secret_file.is_empty() {
            return Err(bad("webhook_secret_file", "a webhook is signed with a key"));
        }
    }
    if notify.contains(&Notifier::Command) && settings.command.is_empty() {
        return Err(bad("command", "it names no program"));
    }
    Ok(Alarms {
        rules: rules.collect::<Result<_, _>>()?,
        notify,
        ways: Ways {
            webhook: settings.webhook.clone(),
            secret_file: PathBuf::from(&settings.webhook_secret_file),
            command: settings.command.clone(),
            within: settings.tell_within.0,
        },
        tries: settings.tries,
    })
}

fn rule(name: &str, wanted: &Wanted) -> Result<Rule, Failure> {
    let key = |field: &str| format!("rules.{name}.{field}");
    let figure = wanted.figure.as_deref();
    let figure = figure.ok_or_else(|| bad(&key("figure"), "it is missing"))?;
    let (above, limit) = match (wanted.above, wanted.below) {
        (Some(limit), None) => (true, limit),
        (None, Some(limit)) => (false, limit),
        (Some(_), Some(_)) | (None, None) => {
            return Err(bad(&key("above"), "a rule has either `above` or `below`"));
        }
    };
    let severity = wanted.severity.as_deref().map(str::parse).transpose();
    Ok(Rule {
        name: name.to_owned(),
        figure: figure.parse().map_err(|error| bad(&key("figure"), error))?,
        above,
        limit,
        severity: severity
            .map_err(|error| bad(&key("severity"), error))?
            .unwrap_or(Severity::Warning),
        hold: wanted.hold.map(|span| span.0).unwrap_or_default(),
        cooldown: wanted.cooldown.map(|span| span.0).unwrap_or_default(),
        escalate_after: wanted.escalate_after.and_then(|MaybeSpan(span)| span),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::{Config, Flag, Sources};
    use crate::events::facts::alert::Figure;

    fn with(flags: &[(&str, &str)]) -> Result<Alarms, Failure> {
        let flags = flags.iter().map(|(key, text)| Flag {
            key: (*key).to_owned(),
            text: (*text).to_owned(),
            flag: "--set".to_owned(),
        });
        let sources = Sources {
            flags: flags.collect(),
            ..Sources::default()
        };
        alarms(&Config::load(&sources).unwrap().settings().alerts)
    }

    #[test]
    fn the_shipped_rules_are_whole_and_every_figure_can_be_ruled() {
        let shipped = with(&[]).unwrap();
        assert_eq!(shipped.rules.len(), 7);
        assert_eq!(shipped.notify, [Notifier::Log]);
        for figure in Figure::ALL {
            let flags = [
                ("alerts.rules.own.figure", figure.word()),
                ("alerts.rules.own.below", "7"),
            ];
            let rules = with(&flags).unwrap().rules;
            let own = rules.iter().find(|rule| rule.name == "own").unwrap();
            assert_eq!((own.figure, own.above, own.limit), (*figure, false, 7));
        }
    }

    #[test]
    fn a_rule_or_a_way_that_is_not_whole_is_refused() {
        for flags in [
            &[("alerts.rules.own.above", "7")][..],
            &[("alerts.rules.own.figure", "disk_free_mib")],
            &[("alerts.rules.disk-free.above", "7")],
            &[("alerts.notify", "smoke")],
            &[("alerts.notify", "command")],
            &[("alerts.notify", "webhook")],
            &[
                ("alerts.notify", "webhook"),
                ("alerts.webhook", "http://127.0.0.1:9/"),
            ],
            &[
                ("alerts.notify", "webhook"),
                ("alerts.webhook", "https://example.com/"),
                ("alerts.webhook_secret_file", "/k"),
            ],
        ] {
            let refused = with(flags).unwrap_err();
            assert_eq!(refused.exit, Exit::BadConfig, "{flags:?}");
            assert!(refused.message.starts_with("alerts."), "{refused:?}");
        }
        let off = [
            ("alerts.rules.disk-free.enabled", "false"),
            ("alerts.rules.disk-free.above", "7"),
        ];
        assert_eq!(with(&off).unwrap().rules.len(), 6);
    }
}
