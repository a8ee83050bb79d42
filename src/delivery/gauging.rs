//! Measuring: a lane's worker puts a few words into an agent's box and takes them back, and says how
//! long each step took. The lane does it between two errands, because it has the only hands of a seat.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{oneshot, watch};

use super::courier::moves::{Answer, Ending, Outcome, Sample};
use super::job::Job;
use super::lane::{Lane, Told};
use super::wire::{FromWorker, ToWorker};
use crate::events::facts::attempt::FailureClass;
use crate::events::facts::timing::{Figure, Measure};
use crate::events::ids::SeatId;

/// The words that are put into a box to measure it. Each can be typed with one key everywhere.
pub const WORDS: &str = "measuring";

/// Why a worker went away in the middle, when its person wanted it to.
const CORNER: &str = "the pointer is in the corner: all hands stop";

/// A window could not be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// What was in the way.
    pub class: FailureClass,
    /// In words.
    pub detail: String,
    /// Whether the words may still stand in the box.
    pub text_may_stand: bool,
}

/// What came of measuring.
pub type Measured = Result<Vec<Sample>, Miss>;

/// Wishes to measure, on their way to the lanes. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Calls {
    waiting: Arc<Mutex<Vec<Call>>>,
    told: Arc<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Call {
    seat: SeatId,
    job: Job,
    answer: oneshot::Sender<Measured>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            waiting: Arc::default(),
            told: Arc::new(watch::channel(0).0),
        }
    }
}

impl Calls {
    /// Has the seat's lane measure; resolves when it has.
    pub async fn ask(&self, seat: SeatId, job: Job) -> Measured {
        let (answer, answered) = oneshot::channel();
        self.lock().push(Call { seat, job, answer });
        self.told
            .send_modify(|calls| *calls = calls.wrapping_add(1));
        answered.await.unwrap_or_else(|_gone| {
            Err(Miss::untouched(
                FailureClass::Interrupted,
                "deliveries ended before the window's turn came".to_owned(),
            ))
        })
    }

    /// Changes with every wish.
    pub fn told(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// Seats that somebody wants to have measured.
    pub fn seats(&self) -> BTreeSet<SeatId> {
        self.lock().iter().map(|call| call.seat.clone()).collect()
    }

    fn take(&self, seat: &SeatId) -> Option<Call> {
        let mut waiting = self.lock();
        let at = waiting.iter().position(|call| call.seat == *seat)?;
        Some(waiting.remove(at))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Call>> {
        // Whole entries only are put in and taken out.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Miss {
    const fn untouched(class: FailureClass, detail: String) -> Self {
        Self {
            class,
            detail,
            text_may_stand: false,
        }
    }

    fn touched(detail: impl Into<String>) -> Self {
        Self {
            class: FailureClass::Interrupted,
            detail: detail.into(),
            text_may_stand: true,
        }
    }
}

impl Lane {
    /// Measures the first window that somebody wants to have measured on this seat. False when
    /// nobody does.
    pub(super) async fn answer_call(&mut self) -> bool {
        let call = self.seat().cloned();
        let Some(call) = call.and_then(|seat| self.calls().take(&seat)) else {
            return false;
        };
        let measured = self.measure(call.job).await;
        // Whoever asked may be gone by now.
        call.answer.send(measured).unwrap_or_default();
        true
    }

    /// Has the worker measure one window.
    pub async fn measure(&mut self, job: Job) -> Measured {
        let mut panic = self.panic();
        panic.mark_unchanged();
        if let Err((class, detail)) = self.ready().await {
            return Err(Miss::untouched(class, detail));
        }
        let told = self.gauge(job, panic).await;
        match told {
            Told::Gone(reason) => {
                self.lose_hands();
                if reason == CORNER && self.cornered().await.is_err() {
                    tracing::error!("the pause of all hands could not be written down");
                }
                Err(Miss::touched(reason))
            }
            Told::Ended(ending) => measured(*ending),
        }
    }

    async fn gauge(&mut self, job: Job, mut panic: watch::Receiver<u64>) -> Told {
        let gone = || Told::Gone("the seat's worker process ended in the middle".to_owned());
        let Some(hands) = self.hands_mut() else {
            return gone();
        };
        let silence = job.patience.silence();
        if hands
            .say
            .send(ToWorker::Carry(Box::new(job)))
            .await
            .is_err()
        {
            return gone();
        }
        loop {
            let word = tokio::select! {
                word = hands.hear.recv() => word,
                _ = panic.changed() => return Told::Gone("all hands were stopped".to_owned()),
                () = tokio::time::sleep(silence) => {
                    return Told::Gone(format!("the worker was silent for {silence:?}"));
                }
            };
            match word {
                None => return gone(),
                Some(FromWorker::Ended(ending)) => return Told::Ended(ending),
                // Nobody who measures presses Enter.
                Some(FromWorker::Reached(_)) => {
                    let refused = Answer::Refused {
                        class: FailureClass::Invalid,
                        detail: "this is no delivery".to_owned(),
                    };
                    if hands.say.send(ToWorker::Answer(refused)).await.is_err() {
                        return gone();
                    }
                }
                Some(FromWorker::Corner) => {
                    return Told::Gone(CORNER.to_owned());
                }
                Some(FromWorker::Ready(_) | FromWorker::Unable { .. }) => {}
            }
        }
    }
}

fn measured(ending: Ending) -> Measured {
    match ending.outcome {
        Outcome::Measured { samples } => Ok(samples),
        Outcome::Failed {
            class,
            detail,
            text_may_stand,
            ..
        } => Err(Miss {
            class,
            detail,
            text_may_stand,
        }),
        Outcome::Observed { .. } | Outcome::Submitted { .. } | Outcome::Unknown { .. } => Err(
            Miss::touched("the worker carried something instead of measuring"),
        ),
    }
}

/// Samples as figures, each measure once, in the order of the measures.
pub fn figures(samples: &[Sample]) -> Vec<Figure> {
    let each = Measure::ALL.iter().filter_map(|measure| {
        let of = samples.iter().filter(|sample| sample.measure == *measure);
        let mut micros: Vec<u64> = of.map(|sample| sample.micros).collect();
        micros.sort_unstable();
        Some(Figure {
            measure: *measure,
            samples: u32::try_from(micros.len()).unwrap_or(u32::MAX),
            median_micros: *micros.get(micros.len() / 2)?,
            max_micros: *micros.last()?,
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_become_one_figure_a_measure() {
        let sample = |measure, micros| Sample { measure, micros };
        let samples = [
            sample(Measure::PasteVisible, 9),
            sample(Measure::Pointer, 1),
            sample(Measure::PasteVisible, 3),
            sample(Measure::PasteVisible, 5),
        ];
        let found = figures(&samples);
        let told: Vec<_> = found
            .iter()
            .map(|it| (it.measure, it.samples, it.median_micros, it.max_micros))
            .collect();
        assert_eq!(
            told,
            [
                (Measure::Pointer, 1, 1, 1),
                (Measure::PasteVisible, 3, 5, 9)
            ]
        );
    }
}
