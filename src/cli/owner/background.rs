//! Work that goes on beside an owner until it leaves.

use std::sync::{Mutex, PoisonError};

use tokio::task::JoinHandle;

/// One such work; at most one of its kind at a time.
#[derive(Debug, Default)]
pub struct Background(Mutex<Option<JoinHandle<()>>>);

impl Background {
    /// Begins it, unless it was begun before.
    pub fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut one = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        one.get_or_insert_with(|| tokio::spawn(work));
    }

    /// Waits until it is over. The work itself minds that the owner leaves.
    pub async fn end(&self) {
        let work = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = work {
            // Whatever became of it was said by itself.
            work.await.ok();
        }
    }
}
