//! Steps of an operation: told when they begin, timed when they end.

use std::sync::Mutex;
use std::time::Instant;

use tokio::sync::mpsc;

use super::request::{Progress, Step, StepNews, StepTime, UpCause, UpError};

/// Tells and times steps; they may overlap.
#[derive(Debug)]
pub(crate) struct Steps {
    start: Instant,
    news: mpsc::Sender<Progress>,
    times: Mutex<Vec<StepTime>>,
}

impl Steps {
    pub(crate) fn new(news: mpsc::Sender<Progress>) -> Self {
        Self {
            start: Instant::now(),
            news,
            times: Mutex::default(),
        }
    }

    /// Runs one step; its failure names it.
    pub(crate) async fn run<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, UpCause>>,
    ) -> Result<T, UpError> {
        self.tell(step, StepNews::Began);
        let began = self.start.elapsed();
        let done = work.await.map_err(|cause| UpError {
            step,
            cause,
            undo: None,
        })?;
        let took = self.start.elapsed().saturating_sub(began);
        if let Ok(mut times) = self.times.lock() {
            times.push(StepTime { step, began, took });
        }
        self.tell(step, StepNews::Done { took });
        Ok(done)
    }

    /// Passes on what a step says.
    pub(crate) fn tell(&self, step: Step, news: StepNews) {
        // Best-effort: a reader that is slow or gone loses news, never blocks.
        drop(self.news.try_send(Progress { step, news }));
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.start.elapsed()
    }

    pub(crate) fn times(&self) -> Vec<StepTime> {
        self.times
            .lock()
            .map(|times| times.clone())
            .unwrap_or_default()
    }
}
