//! Deliveries in the owner's process: begun on demand, stopped at once, ended when it leaves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::open::Owner;
use crate::adapters::inbox::Inbox;
use crate::adapters::seat_process::SeatProcesses;
use crate::cli::exit::{Exit, Failure};
use crate::delivery::dispatch::{self, Stopped, World};

/// How often deliveries are looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Deliveries going on in this process.
#[derive(Debug)]
pub struct Carrying {
    task: Mutex<Option<JoinHandle<Result<(), Stopped>>>>,
}

impl Carrying {
    fn take_if(
        &self,
        wanted: impl FnOnce(&JoinHandle<Result<(), Stopped>>) -> bool,
    ) -> Option<JoinHandle<Result<(), Stopped>>> {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_some_and(wanted) {
            task.take()
        } else {
            None
        }
    }
}

impl Owner {
    /// Begins deliveries in this process, if they have not begun.
    pub async fn begin_deliveries(&self) -> Result<(), Failure> {
        self.carrying
            .get_or_try_init(|| async {
                let task = tokio::spawn(dispatch::run(self.world()?));
                Ok(Carrying {
                    task: Mutex::new(Some(task)),
                })
            })
            .await
            .map(|_begun| ())
    }

    /// Whether this process delivers.
    pub fn serves(&self) -> bool {
        self.carrying.initialized()
    }

    /// Stops all hands at once: their processes are killed.
    pub fn stop_hands(&self) {
        self.panic
            .send_modify(|calls| *calls = calls.saturating_add(1));
    }

    /// Why deliveries ended by themselves, if they did.
    pub async fn deliveries_failed(&self) -> Option<Failure> {
        let task = self.carrying.get()?.take_if(JoinHandle::is_finished)?;
        match task.await {
            Ok(Ok(())) => None,
            Ok(Err(stopped)) => Some(Failure::from(stopped)),
            Err(error) => Some(Failure::from(error)),
        }
    }

    /// Resolves when deliveries end by themselves, with the reason.
    pub async fn until_deliveries_fail(&self) -> Failure {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Some(failure) = self.deliveries_failed().await {
                return failure;
            }
        }
    }

    /// Waits until the attempts under way have ended. The owner must be leaving.
    pub(super) async fn end_deliveries(&self) {
        let Some(task) = self
            .carrying
            .get()
            .and_then(|carrying| carrying.take_if(|_| true))
        else {
            return;
        };
        match task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "deliveries ended with an error"),
            Err(error) => tracing::error!(%error, "deliveries broke off"),
        }
    }

    fn world(&self) -> Result<World, Failure> {
        let hire = SeatProcesses::of_this_binary(self.desktop.clone()).map_err(|error| {
            let text = format!("this program cannot find its own binary: {error}");
            Failure::new(Exit::Failed, "no_binary", text)
        })?;
        Ok(World {
            desk: self.desk.clone(),
            projections: self.projections.clone(),
            head: self.head.clone(),
            leaving: self.leaving.subscribe(),
            panic: self.panic.subscribe(),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            hire: Arc::new(hire),
            inbox: Arc::new(Inbox::of(&self.store)),
            settings: self.tuning.dispatch(),
        })
    }
}
