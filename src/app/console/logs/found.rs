//! Lines that pass a test, kept as a list that grows with the log; and the job that looks
//! through what was there before.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinHandle;

use crate::store::{LineList, LineTest, Progress, Spill, scan};

/// Lines of a spill that pass a test.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) list: LineList,
    test: LineTest,
    /// One after the last line that was looked at.
    scanned: AtomicU64,
}

/// A look through a spill, on a thread of its own. Dropping it gives it up.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) found: Arc<Found>,
    pub(super) spill: Arc<Spill>,
    progress: Arc<Progress>,
    bytes: u64,
    running: JoinHandle<io::Result<bool>>,
}

impl Found {
    pub(super) fn new(folder: &Path, test: LineTest) -> io::Result<Self> {
        Ok(Self {
            list: LineList::new(folder)?,
            test,
            scanned: AtomicU64::new(0),
        })
    }

    /// Looks at the lines that are new. One thread at a time.
    pub(super) fn extend(&self, spill: &Spill, progress: &Progress) -> io::Result<bool> {
        let extent = spill.extent();
        let from = self.scanned.load(Ordering::Acquire);
        let lines = from.max(extent.first)..extent.end;
        let push = |numbers: &[u64]| self.list.push(numbers);
        let is_whole = scan(spill, lines, &self.test, progress, push)?;
        if is_whole {
            self.scanned.store(extent.end, Ordering::Release);
        }
        Ok(is_whole)
    }

    /// The place of the first line that is kept still.
    pub(super) fn first(&self, spill: &Spill) -> io::Result<u64> {
        match spill.extent().first {
            0 => Ok(0),
            first => self.list.place_of(first),
        }
    }
}

impl Job {
    pub(super) fn start(spill: &Arc<Spill>, found: Found) -> Self {
        let (spill, found) = (Arc::clone(spill), Arc::new(found));
        let progress = Arc::new(Progress::default());
        let (its_spill, its_found) = (Arc::clone(&spill), Arc::clone(&found));
        let its_progress = Arc::clone(&progress);
        let bytes = spill.extent().bytes;
        Self {
            running: tokio::task::spawn_blocking(move || {
                its_found.extend(&its_spill, &its_progress)
            }),
            found,
            spill,
            progress,
            bytes,
        }
    }

    /// Percent of it that is done.
    pub(super) fn percent(&self) -> u8 {
        let done = self.progress.bytes.load(Ordering::Relaxed);
        let percent = done.saturating_mul(100) / self.bytes.max(1);
        u8::try_from(percent.min(99)).unwrap_or(99)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.progress.stop.store(true, Ordering::Relaxed);
    }
}

/// Waits for a job; for ever if there is none. Cancel-safe. The job is taken.
pub(super) async fn done(job: &mut Option<Job>) -> (Option<Job>, Result<(), String>) {
    let Some(running) = job else {
        return std::future::pending().await;
    };
    let ended = (&mut running.running).await;
    let ended = match ended {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    (job.take(), ended)
}
