//! Figures that alerts are judged by, as projections tell them.

use std::collections::VecDeque;
use std::time::Duration;

use crate::events::facts::alert::Figure;
use crate::events::lifecycle::State;
use crate::events::time::Timestamp;
use crate::projections::agents::Breaker;
use crate::projections::alarm::Reading;
use crate::projections::histogram::Histogram;
use crate::projections::states::States;
use crate::projections::traffic::Count;

/// So many samples are kept of a window: with more, they lie further apart.
const SAMPLES: usize = 512;

/// Counters of the newest time.
#[derive(Debug, Default)]
pub(super) struct Past {
    samples: VecDeque<Sample>,
}

/// Counters at an instant, to be compared with later ones.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    at: Timestamp,
    arrived: u64,
    missed: u64,
    settling: Histogram,
}

/// What has no history: breakers, and messages that wait for a person.
pub(super) fn standing(states: &States) -> Vec<Reading> {
    let mut readings = Vec::new();
    for (id, agent) in states.agents.iter() {
        for channel in &agent.profile.channels {
            let open = agent.health(*channel).breaker != Breaker::Closed;
            readings.push(Reading {
                figure: Figure::BreakerOpen,
                subject: Some(format!("{id}:{channel}")),
                value: u64::from(open),
            });
        }
    }
    for (figure, state) in [
        (Figure::UnknownMessages, State::Unknown),
        (Figure::DeadMessages, State::Dead),
    ] {
        readings.push(Reading {
            figure,
            subject: None,
            value: states.outbox.count(state),
        });
    }
    readings
}

impl Sample {
    /// Those of now.
    pub(super) fn of(states: &States, at: Timestamp) -> Self {
        let total = |count| states.traffic.total(count);
        let settling = states.traffic.settling().values();
        Self {
            at,
            arrived: total(Count::Observed)
                .saturating_add(total(Count::Submitted))
                .saturating_add(total(Count::Inboxed)),
            missed: total(Count::Failed).saturating_add(total(Count::Unknown)),
            settling: settling.fold(Histogram::default(), Histogram::and),
        }
    }
}

impl Past {
    /// Success rate and latency since the oldest sample of the window.
    pub(super) fn lately(&mut self, now: Sample, window: Duration, least: u64) -> Vec<Reading> {
        while self
            .samples
            .front()
            .is_some_and(|it| now.at.since(it.at) > window)
            && self.samples.len() > 1
        {
            self.samples.pop_front();
        }
        let mut readings = Vec::new();
        if let Some(then) = self.samples.front() {
            let arrived = now.arrived.saturating_sub(then.arrived);
            let missed = now.missed.saturating_sub(then.missed);
            let ended = arrived.saturating_add(missed);
            let settling = now.settling.since(&then.settling);
            let mut plain = |figure, value| {
                readings.push(Reading {
                    figure,
                    subject: None,
                    value,
                });
            };
            if let Some(percent) = arrived.saturating_mul(100).checked_div(ended)
                && ended >= least
            {
                plain(Figure::SuccessRate, percent);
            }
            if let Some(p95) = settling.quantile(950).filter(|_| settling.count() >= least) {
                let millis = u64::try_from(p95.as_millis()).unwrap_or(u64::MAX);
                plain(Figure::Settling, millis);
            }
        }
        let spacing = window / u32::try_from(SAMPLES).unwrap_or(1);
        let newest = self.samples.back().map(|it| it.at);
        if newest.is_none_or(|newest| now.at.since(newest) >= spacing) {
            self.samples.push_back(now);
        }
        readings
    }
}
