//! Deliveries in the owner's process: begun on demand, stopped at once, ended when it leaves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::open::Owner;
use super::serve::turned;
use crate::adapters::inbox::Inbox;
use crate::adapters::seat_process::SeatProcesses;
use crate::cli::exit::{Exit, Failure};
use crate::delivery::dispatch::{self, World};

/// How long deliveries rest on a full disk before they try again.
const NO_SPACE_REST: Duration = Duration::from_secs(5);

/// Deliveries going on in this process.
#[derive(Debug)]
pub struct Carrying {
    task: Mutex<Option<JoinHandle<()>>>,
    course: watch::Receiver<Course>,
}

/// How deliveries do. Everybody who waits sees the same, however often it is asked.
#[derive(Clone, Debug)]
enum Course {
    /// They go on, or ended as they should.
    Well,
    /// They rest: there is no space. They go on by themselves when there is.
    Resting(Failure),
    /// They ended, and will not begin again in this process.
    Over(Failure),
}

impl Owner {
    /// Begins deliveries in this process, if they have not begun.
    pub async fn begin_deliveries(&self) -> Result<(), Failure> {
        self.carrying
            .get_or_try_init(|| async {
                let (say, course) = watch::channel(Course::Well);
                let task = tokio::spawn(carry(self.world()?, say));
                Ok(Carrying {
                    task: Mutex::new(Some(task)),
                    course,
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

    /// Why nothing is delivered now, if deliveries ended by themselves or rest.
    pub fn deliveries_failed(&self) -> Option<Failure> {
        match &*self.carrying.get()?.course.borrow() {
            Course::Well => None,
            Course::Resting(failure) | Course::Over(failure) => Some(failure.clone()),
        }
    }

    /// Resolves when deliveries are over before they should be, with the reason.
    pub async fn until_deliveries_fail(&self) -> Failure {
        let mut course = match self.carrying.get() {
            Some(carrying) => carrying.course.clone(),
            None => return std::future::pending().await,
        };
        loop {
            if let Course::Over(failure) = &*course.borrow_and_update() {
                return failure.clone();
            }
            if course.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Waits until the attempts under way have ended. The owner must be leaving.
    pub(super) async fn end_deliveries(&self) {
        let task = self.carrying.get().and_then(|carrying| {
            let mut task = carrying.task.lock().unwrap_or_else(PoisonError::into_inner);
            task.take()
        });
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "deliveries broke off");
        }
    }

    /// Everything deliveries need.
    pub fn world(&self) -> Result<World, Failure> {
        let corner = self.config().settings().seat.panic_corner;
        let hire =
            SeatProcesses::of_this_binary(self.desktop.clone(), corner).map_err(|error| {
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
            calls: self.calls.clone(),
        })
    }
}

/// Delivers until the owner leaves. A full disk is waited for; every other failure is the end.
async fn carry(world: World, course: watch::Sender<Course>) {
    let mut leaving = world.leaving.clone();
    loop {
        let failure = match tokio::spawn(dispatch::run(world.clone())).await {
            Ok(Ok(())) => return,
            Ok(Err(stopped)) => Failure::from(stopped),
            Err(broke) => Failure::from(broke),
        };
        tracing::error!(
            code = failure.code,
            reason = failure.message,
            "deliveries ended"
        );
        if failure.code != "no_space" {
            course.send_replace(Course::Over(failure));
            return;
        }
        course.send_replace(Course::Resting(failure));
        tokio::select! {
            () = turned(&mut leaving) => return,
            () = tokio::time::sleep(NO_SPACE_REST) => {}
        }
        course.send_replace(Course::Well);
    }
}
