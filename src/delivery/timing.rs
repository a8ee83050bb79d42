//! Deadlines from past attempts. A deadline costs nothing while things go well, because every wait
//! ends on what is seen; it decides how soon a failure is noticed, and how slow a window may be.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::job::Patience;
use crate::events::facts::attempt::Step;
use crate::events::facts::timing::{Figure, Measure};
use crate::events::facts::words::worded;
use crate::projections::timing::{RECENT, StepTiming};

/// How deadlines are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learning {
    /// Whether they are. Otherwise they are as configured.
    pub on: bool,
    /// Fewer attempts than this teach nothing.
    pub attempts_min: u64,
    /// The share of attempts, in thousandths, whose time is multiplied.
    pub per_mille: u64,
    /// By so many hundredths.
    pub factor_percent: u32,
    /// No deadline is shorter than this share of the configured one, per cent.
    pub floor_percent: u32,
    /// None is longer than this multiple of it, per cent.
    pub ceiling_percent: u32,
}

impl Default for Learning {
    fn default() -> Self {
        Self {
            on: true,
            attempts_min: 20,
            per_mille: 990,
            factor_percent: 400,
            floor_percent: 33,
            ceiling_percent: 400,
        }
    }
}

worded! {
    /// Why a deadline is what it is.
    Why, "a reason" {
        /// Learning is switched off.
        Configured = "configured",
        /// There are not enough attempts yet.
        FewAttempts = "few_attempts",
        /// There are not, but the window was measured.
        Calibrated = "calibrated",
        /// It was waited for in vain lately: as configured, or longer.
        Missed = "missed",
        /// A multiple of what past attempts took.
        Learnt = "learnt",
        /// That would be shorter than is safe.
        Floor = "floor",
        /// That would be longer than is sensible.
        Ceiling = "ceiling",
    }
}

/// A deadline and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// How long to wait.
    pub span: Duration,
    /// Why so long.
    pub why: Why,
}

/// What was measured of a step.
pub fn figure(figures: &[Figure], step: Step) -> Option<Figure> {
    let measures: &[Measure] = match step {
        Step::Focus => &[Measure::WindowSwitch, Measure::Focus],
        Step::Clipboard => &[Measure::Clipboard],
        Step::Paste => &[Measure::PasteVisible],
        Step::Submit | Step::Preflight | Step::Baseline | Step::Settle | Step::Restore => &[],
    };
    let of = figures.iter().filter(|it| measures.contains(&it.measure));
    of.max_by_key(|it| it.max_micros).copied()
}

/// The deadline of a step from a measurement: a few samples in a calm moment say less than many
/// deliveries, so twice the factor is taken, and never less than half of what is configured.
fn from_figure(configured: Duration, figure: Figure, learning: &Learning) -> Deadline {
    let longest = Duration::from_micros(figure.max_micros);
    let span = share(longest, learning.factor_percent).saturating_mul(2);
    let ceiling = share(configured, learning.ceiling_percent).max(configured);
    Deadline {
        span: span.clamp(configured / 2, ceiling),
        why: Why::Calibrated,
    }
}

/// The deadline of a step. `configured` is what is safe when nothing is known; `figure` is what was
/// measured of it, and counts until there are enough attempts.
pub fn deadline(
    configured: Duration,
    step: Option<&StepTiming>,
    figure: Option<Figure>,
    learning: &Learning,
) -> Deadline {
    let plain = |why| Deadline {
        span: configured,
        why,
    };
    if !learning.on {
        return plain(Why::Configured);
    }
    let few = || {
        figure.map_or_else(
            || plain(Why::FewAttempts),
            |figure| from_figure(configured, figure, learning),
        )
    };
    let Some(timing) = step else {
        return few();
    };
    let ceiling = share(configured, learning.ceiling_percent).max(configured);
    let quantile = timing.all().quantile(learning.per_mille);
    let learnt = quantile.map_or(Duration::ZERO, |it| share(it, learning.factor_percent));
    match timing.missed_lately() {
        0 => {}
        missed => {
            let doubled = configured.saturating_mul(1 << missed.saturating_sub(1).min(4));
            return Deadline {
                span: doubled.max(learnt).min(ceiling),
                why: Why::Missed,
            };
        }
    }
    if timing.all().count() < learning.attempts_min.max(1) {
        return few();
    }
    let floor = share(configured, learning.floor_percent).min(configured);
    if learnt < floor {
        Deadline {
            span: floor,
            why: Why::Floor,
        }
    } else if learnt > ceiling {
        Deadline {
            span: ceiling,
            why: Why::Ceiling,
        }
    } else {
        Deadline {
            span: learnt,
            why: Why::Learnt,
        }
    }
}

fn share(span: Duration, percent: u32) -> Duration {
    span.saturating_mul(percent) / 100
}

/// The configured deadline of a step, for those steps that have one of their own.
pub const fn configured(patience: &Patience, step: Step) -> Option<Duration> {
    match step {
        Step::Focus => Some(patience.focus),
        Step::Clipboard => Some(patience.clipboard),
        Step::Paste => Some(patience.paste),
        Step::Submit => Some(patience.submit),
        Step::Preflight | Step::Baseline | Step::Settle | Step::Restore => None,
    }
}

/// The patience for an agent with this past.
#[must_use]
pub fn patience(
    configured: Patience,
    past: impl Fn(Step) -> Option<StepTiming>,
    figures: &[Figure],
    learning: &Learning,
) -> Patience {
    let of = |step, span| {
        let figure = figure(figures, step);
        deadline(span, past(step).as_ref(), figure, learning).span
    };
    Patience {
        focus: of(Step::Focus, configured.focus),
        clipboard: of(Step::Clipboard, configured.clipboard),
        paste: of(Step::Paste, configured.paste),
        submit: of(Step::Submit, configured.submit),
        ..configured
    }
}

/// A step that takes another time than it used to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The middle of what it used to take.
    pub before: Duration,
    /// The middle of the last attempts.
    pub now: Duration,
    /// How many those are.
    pub attempts: u32,
}

/// So many attempts make a habit.
const HABIT: u64 = 32;
/// Less than this is no drift, however many times more it is.
const NOISE: Duration = Duration::from_millis(20);

/// Whether the last attempts took twice as long as before, or half.
pub fn drift(timing: &StepTiming) -> Option<Drift> {
    let now = timing.lately()?;
    if timing.before().count() < HABIT {
        return None;
    }
    let before = timing.before().quantile(500)?;
    let (short, long) = (before.min(now), before.max(now));
    let drifted = long > short.saturating_mul(2).saturating_add(NOISE);
    drifted.then(|| Drift {
        before,
        now,
        attempts: u32::try_from(RECENT).unwrap_or(u32::MAX),
    })
}
