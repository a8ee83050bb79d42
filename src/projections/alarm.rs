//! What rules say of figures: which alerts come, go on and go. Pure: the rules, the figures, how alerts
//! stand, how long each figure has been so, and the present instant are all there is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::alerts::{Alerts, Phase, Standing};
use crate::events::facts::alert::{
    AlertDismissed, AlertEscalated, AlertId, AlertNoticed, AlertRaised, AlertResolved, Breach,
    Figure, Severity,
};
use crate::events::kind::Fact;
use crate::events::time::Timestamp;

/// When a figure is bad, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it looks at.
    pub figure: Figure,
    /// True: more than the limit is bad. False: less is.
    pub above: bool,
    /// The limit, in the figure's unit.
    pub limit: u64,
    /// How bad.
    pub severity: Severity,
    /// How long it must be so before the alert is raised.
    pub hold: Duration,
    /// How long it must be well before the alert is over. A figure that comes and goes within this time is one
    /// alert, not many.
    pub cooldown: Duration,
    /// How long after it was raised it becomes critical, unless somebody acknowledges it; none for never.
    pub escalate_after: Option<Duration>,
}

/// One figure as it is now. A figure that nothing is known of is not there, and is not bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which.
    pub figure: Figure,
    /// Of what, where there are several.
    pub subject: Option<String>,
    /// In the figure's unit.
    pub value: u64,
}

/// Since when each figure has been as it is, as far as was looked. It is not an event: a desk that starts
/// anew begins to count anew, so that nothing is raised or resolved for time when nobody looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched(BTreeMap<AlertId, Since>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    Bad(Timestamp),
    Good(Timestamp),
}

impl Watched {
    /// Since when it has been this way.
    fn since(&self, id: &AlertId, bad: bool, now: Timestamp) -> Since {
        match (self.0.get(id), bad) {
            (Some(Since::Bad(at)), true) => Since::Bad(*at),
            (Some(Since::Good(at)), false) => Since::Good(*at),
            (_, true) => Since::Bad(now),
            (_, false) => Since::Good(now),
        }
    }
}

impl Rule {
    const fn is_bad(&self, value: u64) -> bool {
        if self.above {
            value > self.limit
        } else {
            value < self.limit
        }
    }

    /// What this rule calls an alert about a subject.
    fn alert(&self, subject: Option<&str>) -> Option<AlertId> {
        let name = match subject {
            Some(subject) => format!("{}:{subject}", self.name),
            None => self.name.clone(),
        };
        // A subject that is too long for a name has no alert: agents' names are shorter.
        name.parse().ok()
    }

    fn breach(&self, reading: &Reading, since: Timestamp) -> Breach {
        Breach {
            rule: self.name.clone(),
            subject: reading.subject.clone(),
            figure: self.figure,
            value: reading.value,
            above: self.above,
            limit: self.limit,
            severity: self.severity,
            since,
        }
    }
}

/// What happens to alerts now, and what is watched from now on.
pub fn judge(
    rules: &[Rule],
    readings: &[Reading],
    alerts: &Alerts,
    watched: &Watched,
    now: Timestamp,
) -> (Watched, Vec<Fact>) {
    let mut next = Watched::default();
    let mut facts = Vec::new();
    let mut judged = BTreeSet::new();
    for rule in rules {
        let of_rule = readings.iter().filter(|it| it.figure == rule.figure);
        let mut subjects: BTreeMap<AlertId, Option<&Reading>> = of_rule
            .filter_map(|it| Some((rule.alert(it.subject.as_deref())?, Some(it))))
            .collect();
        // What is gone from the figures is well.
        for (id, one) in alerts.current() {
            if one.breach.rule == rule.name {
                subjects.entry(id.clone()).or_default();
            }
        }
        for (id, reading) in subjects {
            let bad = reading.filter(|it| rule.is_bad(it.value));
            let since = watched.since(&id, bad.is_some(), now);
            let standing = alerts.get(&id);
            match (since, bad) {
                (Since::Bad(since), Some(bad)) => {
                    let breach = rule.breach(bad, since);
                    facts.extend(rule.worse(&id, standing, breach, now));
                }
                (Since::Good(since), _) => {
                    if let Some(standing) = standing
                        && now.since(since) >= rule.cooldown
                    {
                        facts.push(over(&id, standing, reading.map(|it| it.value), since));
                    }
                }
                (Since::Bad(_), None) => {}
            }
            next.0.insert(id.clone(), since);
            judged.insert(id);
        }
    }
    // Whose rule is no more.
    for (id, standing) in alerts.current() {
        if !judged.contains(id) {
            facts.push(over(id, standing, None, now));
        }
    }
    (next, facts)
}

fn over(id: &AlertId, standing: &Standing, value: Option<u64>, since: Timestamp) -> Fact {
    let alert = id.clone();
    match standing.phase {
        Phase::Pending => AlertDismissed { alert }.into(),
        Phase::Firing | Phase::Acknowledged | Phase::Resolved => AlertResolved {
            alert,
            value,
            since,
        }
        .into(),
    }
}

impl Rule {
    /// What follows from a figure that is bad.
    fn worse(
        &self,
        id: &AlertId,
        standing: Option<&Standing>,
        breach: Breach,
        now: Timestamp,
    ) -> Vec<Fact> {
        let alert = id.clone();
        let lasted = now.since(breach.since) >= self.hold;
        let mut facts: Vec<Fact> = Vec::new();
        match standing.map(|it| (it.phase, it)) {
            None | Some((Phase::Resolved | Phase::Pending, _)) => {
                if standing.is_none() {
                    let (alert, breach) = (alert.clone(), breach.clone());
                    facts.push(AlertNoticed { alert, breach }.into());
                }
                if lasted {
                    let escalate_at = self.escalate_after.map(|span| now.after(span));
                    let raised = AlertRaised {
                        alert,
                        breach,
                        escalate_at,
                    };
                    facts.push(raised.into());
                }
            }
            Some((Phase::Firing, one)) => {
                let due = one.escalate_at.is_some_and(|at| at <= now);
                if due && one.escalated_at.is_none() {
                    facts.push(AlertEscalated { alert }.into());
                }
            }
            Some((Phase::Acknowledged, _)) => {}
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::facts::alert::AlertAcknowledged;
    use crate::events::ids::{AgentId, Position};
    use crate::projections::fold::{Fold as _, Seen};

    fn at(second: u64) -> Timestamp {
        Timestamp::from_micros(1_738_324_800_000_000 + second * 1_000_000)
    }

    fn rule() -> Rule {
        Rule {
            name: "unknown".to_owned(),
            figure: Figure::UnknownMessages,
            above: true,
            limit: 0,
            severity: Severity::Warning,
            hold: Duration::from_secs(30),
            cooldown: Duration::from_mins(1),
            escalate_after: Some(Duration::from_secs(100)),
        }
    }

    /// A desk without a ledger: what is said of alerts is taken at once.
    struct Desk {
        rules: Vec<Rule>,
        alerts: Alerts,
        watched: Watched,
        told: Vec<Fact>,
    }

    impl Desk {
        fn new(rule: Rule) -> Self {
            Self {
                rules: vec![rule],
                alerts: Alerts::default(),
                watched: Watched::default(),
                told: Vec::new(),
            }
        }

        fn take(&mut self, fact: Fact, second: u64) {
            let seen = Seen {
                position: Position(u64::try_from(self.told.len()).unwrap() + 1),
                recorded_at: at(second),
                fact: &fact,
            };
            self.alerts.apply(&seen);
            self.told.push(fact);
        }

        /// Looks once, and gives the names of what happened.
        fn look(&mut self, second: u64, value: Option<u64>) -> Vec<String> {
            let figure = self.rules.first().map(|it| it.figure);
            let reading = value.zip(figure).map(|(value, figure)| Reading {
                figure,
                subject: None,
                value,
            });
            let readings: Vec<Reading> = reading.into_iter().collect();
            let (watched, facts) = judge(
                &self.rules,
                &readings,
                &self.alerts,
                &self.watched,
                at(second),
            );
            self.watched = watched;
            let names = facts.iter().map(Fact::name).collect();
            for fact in facts {
                self.take(fact, second);
            }
            names
        }
    }

    #[test]
    fn it_is_raised_when_it_lasts_and_over_when_it_stays_well() {
        let mut desk = Desk::new(rule());
        for (second, value, expected) in [
            (0, Some(0), &[][..]),
            (15, Some(1), &["alert.noticed"][..]),
            (30, Some(1), &[]),
            (45, Some(2), &["alert.raised"]),
            (60, Some(2), &[]),
            (144, Some(2), &[]),
            (145, Some(2), &["alert.escalated"]),
            (160, Some(2), &[]),
            (175, Some(0), &[]),
            (234, None, &[]),
            (235, Some(0), &["alert.resolved"]),
            (250, Some(0), &[]),
        ] {
            assert_eq!(desk.look(second, value), expected, "at {second}");
        }
        let (_, over) = desk.alerts.over().next().unwrap();
        assert_eq!(over.phase, Phase::Resolved);
        assert_eq!(over.severity, Severity::Critical);
        assert_eq!(over.breach.since, at(15));
        assert_eq!(over.breach.value, 2);
    }

    #[test]
    fn a_figure_that_comes_and_goes_does_not_spam() {
        let mut desk = Desk::new(rule());
        for round in 0..1000 {
            desk.look(round * 15, Some(round % 2));
        }
        // Never bad for as long as the rule waits, never well for as long either: one event.
        assert_eq!(desk.told.len(), 1);
        let mut desk = Desk::new(Rule {
            hold: Duration::ZERO,
            escalate_after: None,
            ..rule()
        });
        for round in 0..1000 {
            desk.look(round * 15, Some(round % 2));
        }
        let names: Vec<String> = desk.told.iter().map(Fact::name).collect();
        assert_eq!(names, ["alert.noticed", "alert.raised"]);
    }

    #[test]
    fn what_goes_by_is_dismissed_and_what_has_no_rule_any_more_is_over() {
        let mut desk = Desk::new(rule());
        desk.look(0, Some(1));
        desk.look(15, Some(0));
        assert_eq!(desk.look(75, Some(0)), ["alert.dismissed"]);
        assert!(desk.alerts.current().is_empty());
        desk.look(90, Some(1));
        desk.look(120, Some(1));
        desk.rules.clear();
        assert_eq!(desk.look(121, None), ["alert.resolved"]);
    }

    #[test]
    fn what_is_acknowledged_does_not_escalate_and_still_resolves() {
        let mut desk = Desk::new(rule());
        desk.look(0, Some(1));
        desk.look(30, Some(1));
        let acknowledged = AlertAcknowledged {
            alert: "unknown".parse().unwrap(),
            by: AgentId::operator(),
        };
        desk.take(acknowledged.into(), 31);
        assert_eq!(desk.look(500, Some(1)), [""; 0]);
        desk.look(515, Some(0));
        assert_eq!(desk.look(575, Some(0)), ["alert.resolved"]);
    }

    #[test]
    fn less_than_the_limit_is_bad_where_the_rule_says_so() {
        let mut desk = Desk::new(Rule {
            figure: Figure::SuccessRate,
            above: false,
            limit: 90,
            hold: Duration::ZERO,
            ..rule()
        });
        assert_eq!(desk.look(0, Some(90)), [""; 0]);
        assert_eq!(desk.look(1, None), [""; 0]);
        assert_eq!(desk.look(2, Some(89)), ["alert.noticed", "alert.raised"]);
    }

    #[test]
    fn a_new_start_counts_anew_and_replay_gives_the_same_states() {
        let mut desk = Desk::new(rule());
        desk.look(0, Some(1));
        desk.watched = Watched::default();
        assert_eq!(desk.look(1000, Some(1)), [""; 0]);
        assert_eq!(desk.look(1030, Some(1)), ["alert.raised"]);
        desk.watched = Watched::default();
        assert_eq!(desk.look(2000, Some(0)), [""; 0]);
        desk.look(2060, Some(0));
        let (live, told) = (desk.alerts.clone(), desk.told.clone());
        let mut again = Desk::new(rule());
        for (fact, second) in told.into_iter().zip([0, 1030, 2060]) {
            again.take(fact, second);
        }
        assert_eq!(again.alerts, live);
    }
}
