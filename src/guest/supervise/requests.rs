//! The bottle's requests, kept on the hub's own volume and told to every console.
//!
//! A step is planned, written down and synced, and only then taken and told: what was
//! acknowledged outlives a kill of everything. Steps follow one another; nobody else
//! waits for the disk.

mod log;
mod refused;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout_at};

use self::log::Log;
use super::shared::SharedHub;
use crate::request::{
    Answer, Ask, Book, Entry, FileProblem, News, RequestRecord, Source, StepProblem, Told,
};
use crate::wire::{Role, RoleReport, RoleState};

/// How often the same question is written down as asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// Why a request could not be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// It cannot be filed.
    #[error(transparent)]
    File(#[from] FileProblem),
    /// The step cannot be taken.
    #[error(transparent)]
    Step(#[from] StepProblem),
    /// The operator's side may not say this.
    #[error("take this from a console: only verdicts and what came of them are the operator's")]
    NotTheirs,
    /// What an earlier life wrote cannot be read.
    #[error("keep the request: those of before cannot be read, so none is taken")]
    Unkept,
    /// The volume refused; nothing has changed.
    #[error("keep the request on the sidecar's volume, so it does not count")]
    Disk(#[source] std::io::Error),
}

/// A handle of the requests.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    inner: Arc<Mutex<Inner>>,
    hub: SharedHub,
    /// Counts the steps taken.
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Inner {
    book: Book,
    /// Absent if the file is of no use.
    log: Option<Log>,
    /// The newest refusal of egress that was heard of in this life or is written down.
    heard: Option<Told>,
    /// Whether it was said that more is refused than is asked for.
    is_overfull: bool,
}

/// A request as filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filed {
    /// Its number.
    pub(super) id: u64,
    /// Whether the same waited already.
    pub(super) is_again: bool,
}

impl Requests {
    /// Reads what an earlier life of the hub wrote, and tells it.
    ///
    /// If the file cannot be read, or holds what no book could have written, the hub says
    /// so and no request is taken: an answer must not be forgotten because of a spoilt
    /// line, so nothing is thrown away.
    pub(super) fn open(path: PathBuf, hub: SharedHub) -> Self {
        let (book, log) = match read(path) {
            Ok((book, log)) => (book, Some(log)),
            Err(error) => {
                let why = format!("requests cannot be kept, and none is taken: {error}");
                hub.state(RoleState::Degraded { why });
                (Book::default(), None)
            }
        };
        for record in book.requests() {
            tell(&hub, record);
        }
        let inner = Inner {
            heard: book.told(),
            book,
            log,
            is_overfull: false,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            hub,
            changed: watch::Sender::new(0),
        }
    }

    /// Files a request, durably. The same that waits already is asked again.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was filed then.
    pub(super) async fn file(
        &self,
        ask: Ask,
        reason: String,
        source: Source,
    ) -> Result<Filed, RequestError> {
        let mut inner = self.inner.lock().await;
        let now = Timestamp::now();
        let filing = inner.book.file(ask, reason, source, now)?;
        let filed = Filed {
            id: filing.id,
            is_again: filing.is_again,
        };
        if filing.is_again && inner.was_asked_just_now(filing.id, now) {
            return Ok(filed);
        }
        self.take(&mut inner, filing.entry).await?;
        // What it asks for in words of its own need not be asked for egress.
        self.take_back(&mut inner).await?;
        Ok(filed)
    }

    /// Takes what a console says of a request.
    ///
    /// # Errors
    /// [`RequestError`]; nothing has changed then.
    pub(super) async fn hear(&self, id: u64, news: News) -> Result<(), RequestError> {
        match news {
            News::Verdict { .. }
            | News::Applying
            | News::Applied { .. }
            | News::Failed { .. }
            | News::Undone => self.step(id, news).await,
            News::Filed { .. }
            | News::AskedAgain { .. }
            | News::Expired
            | News::Withdrawn
            | News::Delivered => Err(RequestError::NotTheirs),
        }
    }

    /// Takes back a request that nobody answered yet.
    ///
    /// # Errors
    /// [`RequestError`].
    pub(super) async fn withdraw(&self, id: u64) -> Result<(), RequestError> {
        self.step(id, News::Withdrawn).await
    }

    /// Notes that the agent read how it ended.
    ///
    /// # Errors
    /// [`RequestError`].
    pub(super) async fn delivered(&self, id: u64) -> Result<(), RequestError> {
        self.step(id, News::Delivered).await
    }

    /// The request of this number as it is now.
    pub(super) async fn get(&self, id: u64) -> Option<RequestRecord> {
        self.inner.lock().await.book.get(id).cloned()
    }

    /// All requests, oldest first.
    pub(super) async fn all(&self) -> Vec<RequestRecord> {
        self.inner.lock().await.book.requests().cloned().collect()
    }

    /// Waits until a request is over, so long at most, and gives it as it is then.
    /// Cancel-safe.
    pub(super) async fn wait(&self, id: u64, limit: Duration) -> Option<RequestRecord> {
        let end = Instant::now() + limit;
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let record = self.get(id).await?;
            if record.state.is_over() {
                return Some(record);
            }
            // A sender lives as long as this handle, so only time ends the wait.
            if timeout_at(end, changed.changed()).await.is_err() {
                return self.get(id).await;
            }
        }
    }

    async fn step(&self, id: u64, news: News) -> Result<(), RequestError> {
        let mut inner = self.inner.lock().await;
        if let Some(entry) = inner.book.step(id, Timestamp::now(), news)? {
            return self.take(&mut inner, entry).await;
        }
        // Who says it again did not hear that it was heard.
        if let Some(record) = inner.book.get(id) {
            tell(&self.hub, record);
        }
        Ok(())
    }

    async fn take(&self, inner: &mut Inner, entry: Entry) -> Result<(), RequestError> {
        let log = inner.log.as_mut().ok_or(RequestError::Unkept)?;
        log.append(&entry).await.map_err(RequestError::Disk)?;
        inner.book.apply(&entry)?;
        if log.is_long() {
            log.replace(&inner.book.entries())
                .map_err(RequestError::Disk)?;
        }
        if let Some(record) = inner.book.get(entry.id) {
            tell(&self.hub, record);
            self.hub.log(words(record, &entry.news));
        }
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }
}

impl Inner {
    fn was_asked_just_now(&self, id: u64, now: Timestamp) -> bool {
        self.book.get(id).is_some_and(|record| {
            record.times > 1
                && now
                    .duration_since(record.last)
                    .try_into()
                    .is_ok_and(|since: Duration| since < AGAIN)
        })
    }
}

/// Reads the file, and makes it short if most of it is of the past.
fn read(path: PathBuf) -> std::io::Result<(Book, Log)> {
    let (mut log, entries) = Log::open(path)?;
    let mut book = Book::default();
    for entry in &entries {
        book.apply(entry).map_err(|error| {
            std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string())
        })?;
    }
    let short = book.entries();
    if short.len() * 2 < entries.len() {
        log.replace(&short)?;
    }
    Ok((book, log))
}

fn tell(hub: &SharedHub, record: &RequestRecord) {
    let request = Box::new(record.clone());
    hub.report(Role::Supervise, RoleReport::Request { request });
}

/// What happened to a request, for the log.
fn words(record: &RequestRecord, news: &News) -> String {
    let (id, kind) = (record.id, record.ask.kind());
    match news {
        News::Filed { source, .. } => match source {
            Source::Agent => format!("request {id} ({kind}) was filed"),
            Source::Egress => format!("request {id} ({kind}) was filed for what egress refused"),
        },
        News::AskedAgain { times, .. } => format!("request {id} ({kind}) was asked {times} times"),
        News::Verdict { verdict } => {
            let answer = match verdict.answer {
                Answer::Approve { .. } => "approved",
                Answer::Deny { .. } => "denied",
                Answer::Reply { .. } => "answered",
            };
            format!("request {id} ({kind}) was {answer}")
        }
        News::Delivered => format!(
            "request {id} ({kind}): the agent read that it is {}",
            record.state.word()
        ),
        News::Applying
        | News::Applied { .. }
        | News::Failed { .. }
        | News::Undone
        | News::Expired
        | News::Withdrawn => format!("request {id} ({kind}) is {}", record.state.word()),
    }
}

#[cfg(test)]
mod tests;
