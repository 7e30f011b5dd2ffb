//! The task of one log: lines in, rows out, and what is looked for in between.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, SelectAll};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::found::{self, Found, Job};
use super::gather::gather;
use super::source::{self, Said};
use super::view::{View, test_of};
use crate::app::follow::{Piece, Pieces};
use crate::docker::Engine;
use crate::state::{
    BottleRef, Event, LogEra, LogFilter, LogHistory, LogHits, LogNews, LogOrder, LogReach,
    LogSubject, LogWish, Role,
};
use crate::store::{LineTest, Pattern, Progress, Spill};

/// Text that is kept of one log.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;
/// The shortest time between two looks at a log that grows: less than there is between
/// two bursts of the engine's client, so that each is shown when it comes.
const FRAME: Duration = Duration::from_millis(30);
/// Between two words about how far something is.
const TELLING: Duration = Duration::from_millis(200);
/// Lines that are copied at once when history is whole.
const AT_ONCE: u64 = 512;

/// What is looked at, and where.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    pub(super) ticket: u64,
    pub(super) bottle: BottleRef,
    /// Where the log is kept meanwhile.
    pub(super) folder: PathBuf,
    /// Where it is saved.
    pub(super) saved: PathBuf,
}

/// The history while it is read: where to, and how it ends.
pub(super) struct History {
    pub(super) spill: Arc<Spill>,
    reading: BoxFuture<'static, Result<(), String>>,
}

/// What is looked for.
pub(super) struct Search {
    pub(super) pattern: Pattern,
    /// What was found, once all that was there was looked through.
    pub(super) found: Option<(Arc<Spill>, Arc<Found>)>,
    /// What was told of it last: the same again would be a frame for nothing.
    pub(super) told: Option<LogHits>,
}

pub(super) struct Desk {
    pub(super) looked: Looked,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) subject: LogSubject,
    pub(super) spill: Arc<Spill>,
    pub(super) view: View,
    /// The filter of the view, or of the job that makes the next one.
    pub(super) filter: LogFilter,
    pub(super) filtering: Option<Job>,
    pub(super) search: Option<Search>,
    pub(super) searching: Option<Job>,
    /// A seek that waits for the search.
    pub(super) seek: Option<LogOrder>,
    pub(super) wish: LogWish,
    pub(super) era: LogEra,
    /// Lines that came in before those of the view, whose numbers are old still.
    pub(super) added: u64,
    pub(super) history: Option<History>,
    /// What is told of the history when it is not being read.
    pub(super) before: LogHistory,
    pub(super) live: SelectAll<BoxStream<'static, Pieces<Role>>>,
    pub(super) last: BTreeMap<Role, Timestamp>,
    /// Whether rows, or only counts, are to be told.
    pub(super) is_stale: bool,
    pub(super) has_grown: bool,
    pub(super) told: Option<Instant>,
    /// One after the last number that was told of.
    pub(super) told_end: u64,
}

impl Desk {
    /// Looks at a log until it is ended.
    pub(super) async fn run(
        engine: Arc<dyn Engine>,
        subject: LogSubject,
        reach: LogReach,
        (looked, events): (Looked, mpsc::Sender<Event>),
        (wishes, orders): (watch::Receiver<LogWish>, mpsc::Receiver<LogOrder>),
    ) {
        let spill = Arc::new(Spill::new(&looked.folder, MOST_BYTES));
        let wish = wishes.borrow().clone();
        let mut desk = Self {
            view: View::of(Arc::clone(&spill), None),
            spill,
            looked,
            events,
            engine,
            subject,
            filter: LogFilter::default(),
            filtering: None,
            search: None,
            searching: None,
            seek: None,
            wish,
            era: 0,
            added: 0,
            history: None,
            before: LogHistory::Whole,
            live: SelectAll::new(),
            last: BTreeMap::new(),
            is_stale: true,
            has_grown: false,
            told: None,
            told_end: 0,
        };
        if let Err(why) = desk.work(reach, wishes, orders).await {
            desk.tell(LogNews::Broken { why }).await;
        }
    }

    async fn work(
        &mut self,
        reach: LogReach,
        mut wishes: watch::Receiver<LogWish>,
        mut orders: mpsc::Receiver<LogOrder>,
    ) -> Result<(), String> {
        self.begin(reach).await?;
        self.take_wish().await?;
        self.show().await?;
        let mut telling = tokio::time::interval(TELLING);
        loop {
            let due = self.told.map_or_else(Instant::now, |told| told + FRAME);
            let shows = self.is_stale || self.has_grown;
            tokio::select! {
                biased;
                changed = wishes.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.wish = wishes.borrow_and_update().clone();
                    self.take_wish().await?;
                    self.show().await?;
                }
                Some(order) = orders.recv() => self.take_order(order).await?,
                (job, ended) = found::done(&mut self.filtering) => {
                    ended?;
                    if let Some(job) = job {
                        self.switch(job).await?;
                    }
                }
                (job, ended) = found::done(&mut self.searching) => {
                    ended?;
                    if let Some(job) = job {
                        self.take_found(job).await?;
                    }
                }
                read = history(&mut self.history) => self.join(read).await?,
                () = tokio::time::sleep_until(due), if shows => self.show().await?,
                _ = telling.tick(), if self.is_busy() => self.tell_progress().await?,
                Some(pieces) = self.live.next() => {
                    let pieces = gather(&mut self.live, pieces).await;
                    self.take_pieces(pieces).await?;
                }
            }
        }
    }

    /// Reads the end of the log, and begins to read what was before and what comes.
    async fn begin(&mut self, reach: LogReach) -> Result<(), String> {
        let since = source::since(reach, Timestamp::now());
        let tail = source::tail(&*self.engine, &self.subject, since).await;
        let tail = tail.map_err(|error| error.to_string())?;
        for (role, error) in tail.broken {
            let why = Some(format!("{error}; trying again"));
            self.tell(LogNews::Ended { role, why }).await;
        }
        self.last = tail.last;
        source::write(&self.spill, tail.lines).await?;
        if let Some(before) = tail.history {
            if reach == LogReach::Tail {
                self.before = LogHistory::TailOnly;
            } else {
                let spill = Arc::new(Spill::new(&self.looked.folder, MOST_BYTES));
                let engine = Arc::clone(&self.engine);
                let subject = self.subject.clone();
                let its_spill = Arc::clone(&spill);
                let reading = source::history(engine, subject, (since, before), its_spill);
                let reading = Box::pin(reading);
                self.history = Some(History { spill, reading });
            }
        }
        self.live = source::follow(&self.engine, &self.subject, &self.last);
        Ok(())
    }

    /// Tells the state. What it gives holds nothing of the desk.
    pub(super) fn tell(&self, news: LogNews) -> impl Future<Output = ()> + Send + use<> {
        let event = Event::Log {
            ticket: self.looked.ticket,
            news: Box::new(news),
        };
        let events = self.events.clone();
        // A console that is gone needs no news.
        async move { drop(events.send(event).await) }
    }

    fn is_busy(&self) -> bool {
        self.filtering.is_some()
            || self.searching.is_some()
            || self.history.is_some()
            || self.owes_search()
    }

    /// Whether something is looked for and nothing looks for it.
    fn owes_search(&self) -> bool {
        let search = self.search.as_ref();
        search.is_some_and(|search| search.found.is_none())
            && self.searching.is_none()
            && self.filtering.is_none()
    }

    async fn tell_progress(&mut self) -> Result<(), String> {
        self.has_grown = true;
        if self.owes_search() {
            self.start_search().await?;
        }
        if self.searching.is_some() {
            self.tell_hits().await?;
        }
        Ok(())
    }

    /// Takes lines that came, in the order of their times.
    async fn take_pieces(&mut self, pieces: Pieces<Role>) -> Result<(), String> {
        let mut lines: Vec<Said> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Line(line) => {
                    self.last.insert(line.0, line.1);
                    lines.push(line);
                }
                Piece::Broke(role, error) => {
                    let why = Some(format!("{error}; trying again"));
                    self.tell(LogNews::Ended { role, why }).await;
                }
                Piece::Ended(role) => self.tell(LogNews::Ended { role, why: None }).await,
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        lines.sort_by_key(|(_, at, _)| *at);
        let spill = Arc::clone(&self.spill);
        // A view of another spill is about to be replaced, as are jobs' lists.
        let view = self
            .view
            .found()
            .filter(|_| self.is_of_now(self.view.spill()));
        let hits = self
            .search
            .as_ref()
            .and_then(|search| search.found.as_ref());
        let hits = hits.filter(|(spill, _)| self.is_of_now(spill));
        let grow: Vec<Arc<Found>> = view
            .into_iter()
            .chain(hits.map(|(_, found)| found))
            .cloned()
            .collect();
        let counts = !grow.is_empty() && self.search.is_some();
        blocking(move || {
            spill.append(&source::new_lines(&lines))?;
            for found in &grow {
                found.extend(&spill, &Progress::default())?;
            }
            Ok(())
        })
        .await?;
        self.has_grown = true;
        if counts {
            self.tell_hits().await?;
        }
        Ok(())
    }

    fn is_of_now(&self, spill: &Arc<Spill>) -> bool {
        Arc::ptr_eq(spill, &self.spill)
    }

    /// Begins what a new wish asks for, and gives up what an old one had begun.
    async fn take_wish(&mut self) -> Result<(), String> {
        self.is_stale = true;
        if self.filter != self.wish.filter {
            self.filter = self.wish.filter.clone();
            self.start_filter().await?;
        }
        let looked_for = self.wish.search.clone();
        let known = self.search.as_ref().map(|search| search.pattern.text());
        if known.unwrap_or_default() != looked_for {
            self.search = Pattern::new(&looked_for).map(|pattern| Search {
                pattern,
                found: None,
                told: None,
            });
            self.start_search().await?;
        }
        Ok(())
    }

    /// Looks through the log for what passes the filter; the view changes at its end.
    async fn start_filter(&mut self) -> Result<(), String> {
        let test = test_of(&self.filter);
        let folder = self.looked.folder.clone();
        let found = blocking(move || Found::new(&folder, test)).await?;
        self.filtering = Some(Job::start(&self.spill, found));
        self.searching = None;
        Ok(())
    }

    /// Shows what passed the filter.
    async fn switch(&mut self, job: Job) -> Result<(), String> {
        let (old, spill) = (self.view.clone(), Arc::clone(&job.spill));
        let found = Arc::clone(&job.found);
        let (keeps, is_all) = (self.wish.keeps, test_of(&self.filter).passes_all());
        let added = std::mem::take(&mut self.added);
        let (view, to) = blocking(move || {
            // What came since it began.
            found.extend(&spill, &Progress::default())?;
            let line = old.line(keeps)? + added;
            let view = View::of(spill, (!is_all).then_some(found));
            let to = view.number(line)?;
            Ok((view, to))
        })
        .await?;
        self.view = view;
        self.move_numbers(keeps, to, added).await?;
        self.start_search().await
    }

    /// Begins a new era, in which `from` is `to`.
    async fn move_numbers(&mut self, from: u64, to: u64, added: u64) -> Result<(), String> {
        self.era += 1;
        self.is_stale = true;
        self.seek = None;
        let news = LogNews::Moved {
            era: self.era,
            from,
            to,
            added,
            extent: self.extent().await?,
        };
        self.tell(news).await;
        Ok(())
    }

    /// Looks through what is shown for what is looked for.
    async fn start_search(&mut self) -> Result<(), String> {
        self.searching = None;
        if !self.is_of_now(self.view.spill()) && self.filtering.is_none() {
            self.start_filter().await?;
        }
        let is_of_now = self.filtering.is_none();
        let filter = self.filter.clone();
        let Some(search) = self.search.as_mut() else {
            return Ok(());
        };
        search.found = None;
        search.told = None;
        if !is_of_now {
            // It begins when the view has changed.
            return Ok(());
        }
        let mut test: LineTest = test_of(&filter);
        test.with.push(search.pattern.clone());
        let folder = self.looked.folder.clone();
        let found = blocking(move || Found::new(&folder, test)).await?;
        self.searching = Some(Job::start(&self.spill, found));
        Ok(())
    }

    async fn take_found(&mut self, job: Job) -> Result<(), String> {
        let (spill, found) = (Arc::clone(&job.spill), Arc::clone(&job.found));
        blocking(move || found.extend(&spill, &Progress::default()).map(drop)).await?;
        if let Some(search) = &mut self.search {
            search.found = Some((Arc::clone(&job.spill), Arc::clone(&job.found)));
        }
        self.tell_hits().await?;
        match self.seek.take() {
            Some(order) => self.take_order(order).await,
            None => Ok(()),
        }
    }

    async fn tell_hits(&mut self) -> Result<(), String> {
        let Some(search) = &self.search else {
            return Ok(());
        };
        let (total, percent) = match (&search.found, &self.searching) {
            (Some((spill, found)), _) => {
                let (spill, found) = (Arc::clone(spill), Arc::clone(found));
                let total = blocking(move || Ok(found.list.len() - found.first(&spill)?)).await?;
                (total, None)
            }
            (None, Some(job)) => (job.found.list.len(), Some(job.percent())),
            (None, None) => (0, Some(0)),
        };
        let Some(search) = &mut self.search else {
            return Ok(());
        };
        let hits = LogHits {
            total,
            percent,
            is_plain: search.pattern.is_plain(),
        };
        if search.told.replace(hits) != Some(hits) {
            self.tell(LogNews::Hits { hits }).await;
        }
        Ok(())
    }

    /// The history is read, or cannot be.
    async fn join(
        &mut self,
        (spill, read): (Arc<Spill>, Result<(), String>),
    ) -> Result<(), String> {
        if let Err(why) = read {
            self.before = LogHistory::Broken { why };
            self.has_grown = true;
            return Ok(());
        }
        let (tail, whole) = (Arc::clone(&self.spill), Arc::clone(&spill));
        let added = blocking(move || {
            let added = whole.extent().end;
            let extent = tail.extent();
            let mut from = extent.first;
            while from < extent.end {
                let to = extent.end.min(from + AT_ONCE);
                let lines = tail.read(from..to, u32::MAX)?;
                whole.append(&lines.into_iter().map(Into::into).collect::<Vec<_>>())?;
                from = to;
            }
            Ok(added)
        })
        .await?;
        self.spill = spill;
        if self.filter.is_empty() && self.filtering.is_none() {
            self.view = View::of(Arc::clone(&self.spill), None);
            self.move_numbers(0, added, added).await?;
            self.start_search().await
        } else {
            self.added = added;
            self.start_filter().await
        }
    }
}

/// Does what touches the disk, on a thread for that.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())
}

/// Waits until the history is read; for ever if none is. Cancel-safe. It is taken.
async fn history(history: &mut Option<History>) -> (Arc<Spill>, Result<(), String>) {
    let Some(reading) = history else {
        return std::future::pending().await;
    };
    let read = (&mut reading.reading).await;
    let spill = Arc::clone(&reading.spill);
    *history = None;
    (spill, read)
}
