//! What the bottle used over all lives of the sidecar, and what each route let out: kept
//! on its volume, told to the hub.
//!
//! Both happen at once after a change and then a second apart, so a crash costs the
//! last second at most. Nothing waits for either.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::spending::Spending;
use super::table::{RouteTable, Table};
use super::tally::{self, Passage};
use crate::guest::runtime::Reporter;
use crate::policy::Reason;
use crate::wire::{AnswerUsage, Hits, RoleReport, RouteHits, RouteKey, Usage};

/// Between one report and the next.
const PACE: Duration = Duration::from_secs(1);
/// Models counted each for itself.
const MAX_MODELS: usize = 32;
/// What stands for a model without a name, and for those beyond [`MAX_MODELS`].
const UNNAMED: &str = "unnamed";

/// Adds up what is used.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    book: Mutex<Book>,
    changed: Notify,
}

#[derive(Debug)]
struct Book {
    usage: Usage,
    hits: Hits,
    /// Whether the file holds less.
    is_ahead: bool,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    usage: Usage,
    /// A file of an earlier version has none.
    #[serde(default)]
    hits: Option<Hits>,
}

/// Why the file could not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    /// The volume refused.
    #[error("use the file of usage on the sidecar's volume")]
    Io(#[from] std::io::Error),
    /// The file holds something else.
    #[error("understand the file of usage on the sidecar's volume")]
    Garbled(#[from] serde_json::Error),
}

impl Ledger {
    /// Goes on where the file ends.
    ///
    /// # Errors
    /// [`LedgerError`], beside a ledger that begins anew: nobody is kept from working
    /// because it is not known how much they did.
    pub(super) fn kept_in(path: PathBuf) -> (Self, Option<LedgerError>) {
        let (kept, error) = match read(&path) {
            Ok(kept) => (kept, None),
            Err(error) => (None, Some(error)),
        };
        let now = Timestamp::now();
        let (usage, hits) = match kept {
            Some(kept) => (kept.usage, kept.hits),
            None => (Usage::since(now), None),
        };
        let book = Book {
            usage,
            hits: hits.unwrap_or_else(|| Hits::since(now)),
            is_ahead: false,
        };
        let ledger = Self {
            path,
            book: Mutex::new(book),
            changed: Notify::new(),
        };
        (ledger, error)
    }

    /// Counts a request, or a tunnel that is not looked into, that a route of a table let
    /// out to a host; gives where its bytes are to be counted.
    pub(super) fn request(&self, table: &Table, route: usize, host: &str) -> Option<Passage> {
        let passage = passage(table, route, host);
        self.add(|book| {
            book.usage.requests = book.usage.requests.saturating_add(1);
            if let Some(passage) = &passage {
                tally::request(&mut book.hits, passage, &table.keys, Timestamp::now());
            }
        });
        passage
    }

    /// Notes that a route let a connection out on which nothing was asked.
    pub(super) fn connection(&self, table: &Table, route: usize, host: &str) {
        if let Some(passage) = passage(table, route, host) {
            self.add(|book| {
                tally::connection(&mut book.hits, &passage, &table.keys, Timestamp::now());
            });
        }
    }

    /// Counts bytes that went out and came in, and for whom.
    pub(super) fn carried(&self, passage: Option<&Passage>, sent: u64, received: u64) {
        if sent > 0 || received > 0 {
            self.add(|book| {
                let usage = &mut book.usage;
                usage.sent_bytes = usage.sent_bytes.saturating_add(sent);
                usage.received_bytes = usage.received_bytes.saturating_add(received);
                if let Some(passage) = passage {
                    tally::carried(&mut book.hits, passage, sent, received);
                }
            });
        }
    }

    /// Counts something that was refused.
    pub(super) fn refused(&self, host: &str, reason: Reason) {
        self.add(|book| tally::refused(&mut book.hits, host, reason, Timestamp::now()));
    }

    /// Counts the answer of a model.
    pub(super) fn answer(&self, answer: &AnswerUsage) {
        self.add(|Book { usage, .. }| {
            let has_room = usage.models.len() < MAX_MODELS;
            let name = match answer.model.as_str() {
                "" => UNNAMED,
                name if has_room || usage.models.contains_key(name) => name,
                _ => UNNAMED,
            };
            let model = usage.models.entry(name.to_owned()).or_default();
            model.answer(&answer.tokens);
        });
    }

    /// What was used so far.
    pub(super) fn usage(&self) -> Usage {
        self.book().usage.clone()
    }

    /// What was let out and refused so far, with what is spent of the budgets of the
    /// table in force.
    pub(super) fn hits(&self, table: &RouteTable, spending: &Spending) -> Hits {
        let mut hits = self.book().hits.clone();
        let table = table.current();
        for (route, key) in table.routes.routes.iter().zip(&table.keys) {
            if let Some(spent) = spending.spent(route) {
                told(&mut hits, key, |known| known.spent = Some(spent));
            }
        }
        hits
    }

    /// Keeps and tells what is used, for as long as it is polled.
    pub(super) async fn tend(&self, reporter: &Reporter, table: &RouteTable, spending: &Spending) {
        let mut is_kept = true;
        let mut told = None;
        self.tell(reporter, table, spending, &mut told);
        loop {
            self.changed.notified().await;
            let kept = self.keep();
            self.tell(reporter, table, spending, &mut told);
            if let Err(error) = &kept
                && is_kept
            {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                let cause = cause.unwrap_or_default();
                reporter.log(format!(
                    "what was used is not kept over a restart: failed to {error}: {cause}"
                ));
            }
            is_kept = kept.is_ok();
            sleep(PACE).await;
        }
    }

    /// Tells what is news since this was told last.
    fn tell(
        &self,
        reporter: &Reporter,
        table: &RouteTable,
        spending: &Spending,
        told: &mut Option<(Usage, Hits)>,
    ) {
        let (usage, hits) = (self.usage(), self.hits(table, spending));
        let (old_usage, old_hits) = told.take().unzip();
        if old_usage.as_ref() != Some(&usage) {
            let usage = usage.clone();
            reporter.tell(RoleReport::Usage { usage });
        }
        if old_hits.as_ref() != Some(&hits) {
            let hits = Box::new(hits.clone());
            reporter.tell(RoleReport::Hits { hits });
        }
        *told = Some((usage, hits));
    }

    /// Replaces the file. It is not synced: that would hold up the whole proxy each
    /// second, to save from a machine's crash what is only counted.
    fn keep(&self) -> Result<(), LedgerError> {
        let bytes = {
            let mut book = self.book();
            if !std::mem::take(&mut book.is_ahead) {
                return Ok(());
            }
            let kept = Kept {
                usage: book.usage.clone(),
                hits: Some(book.hits.clone()),
            };
            drop(book);
            serde_json::to_vec(&kept)?
        };
        let written = replace(&self.path, &bytes);
        if written.is_err() {
            self.book().is_ahead = true;
        }
        Ok(written?)
    }

    fn add(&self, change: impl FnOnce(&mut Book)) {
        let mut book = self.book();
        change(&mut book);
        book.is_ahead = true;
        drop(book);
        self.changed.notify_one();
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ledger {
    /// What was used since the last second, where the sidecar is asked to end.
    fn drop(&mut self) {
        drop(self.keep());
    }
}

fn passage(table: &Table, route: usize, host: &str) -> Option<Passage> {
    table.keys.get(route).map(|key| Passage {
        route: key.clone(),
        host: host.to_owned(),
    })
}

/// Changes what is told of a route, adding the route if there is room.
fn told(hits: &mut Hits, key: &RouteKey, change: impl FnOnce(&mut RouteHits)) {
    if let Some(known) = hits.routes.iter_mut().find(|known| known.route == *key) {
        change(known);
    } else if hits.routes.len() < Hits::MAX_ROUTES {
        let mut known = RouteHits {
            route: key.clone(),
            passed: crate::wire::Passed::default(),
            spent: None,
        };
        change(&mut known);
        hits.routes.push(known);
    }
}

fn read(path: &Path) -> Result<Option<Kept>, LedgerError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    std::fs::File::create(&new)?.write_all(bytes)?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::policy::{HostName, Provenance, Route, RouteSet};
    use crate::wire::{ModelUsage, Passed, Spent, Tokens};

    fn answer(model: &str, input: u64, cache_read: u64) -> AnswerUsage {
        AnswerUsage {
            model: model.to_owned(),
            tokens: Tokens {
                input,
                output: 1,
                cache_read,
                ..Tokens::default()
            },
        }
    }

    fn in_folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.json");
        (folder, path)
    }

    fn table() -> RouteTable {
        let host = HostName::parse("a.example").unwrap();
        let mut route = Route::to(host, vec![443], Provenance::Builtin);
        route.budget.requests = Some(5);
        RouteTable::new(RouteSet::of(vec![route]), 1).unwrap()
    }

    fn count(ledger: &Ledger) -> Option<Passage> {
        ledger.request(&table().current(), 0, "a.example")
    }

    fn opened(path: &Path) -> Ledger {
        let (ledger, error) = Ledger::kept_in(path.to_owned());
        assert!(error.is_none(), "{error:?}");
        ledger
    }

    #[test]
    fn a_later_life_goes_on_counting() {
        let (_folder, path) = in_folder();
        let ledger = opened(&path);
        count(&ledger);
        ledger.carried(None, 3, 4);
        ledger.answer(&answer("a", 100_000, 0));
        let since = ledger.usage().since;
        drop(ledger);
        let ledger = opened(&path);
        count(&ledger);
        ledger.carried(None, 10, 20);
        ledger.answer(&answer("a", 1, 100_000));
        ledger.answer(&answer("", 5, 0));
        let of = |input, output, cache_read| Tokens {
            input,
            output,
            cache_read,
            ..Tokens::default()
        };
        let a = ModelUsage {
            answers: 2,
            tokens: of(100_001, 2, 100_000),
            long_prompts: of(1, 1, 100_000),
        };
        let unnamed = ModelUsage {
            answers: 1,
            tokens: of(5, 1, 0),
            long_prompts: Tokens::default(),
        };
        let expected = Usage {
            since,
            requests: 2,
            sent_bytes: 13,
            received_bytes: 24,
            models: [("a".to_owned(), a), (UNNAMED.to_owned(), unnamed)].into(),
        };
        assert_eq!(ledger.usage(), expected);
    }

    #[test]
    fn a_later_life_goes_on_counting_hits_and_begins_budgets_anew() {
        let (_folder, path) = in_folder();
        let (routes, spending) = (table(), Spending::default());
        let route = &routes.current().routes.routes[0];
        let ledger = opened(&path);
        assert!(spending.take(route).unwrap().is_some());
        let passage = count(&ledger);
        ledger.carried(passage.as_ref(), 3, 4);
        ledger.refused("b.example", Reason::HostNotAllowed);
        let told = ledger.hits(&routes, &spending);
        let spent = |requests| Some(Spent { requests, bytes: 0 });
        assert_eq!(told.routes[0].spent, spent(1));
        drop(ledger);
        let ledger = opened(&path);
        count(&ledger);
        let told = ledger.hits(&routes, &Spending::default());
        let passed = Passed {
            requests: 2,
            sent_bytes: 3,
            received_bytes: 4,
            last: told.routes[0].passed.last,
        };
        assert_eq!(told.routes.len(), 1);
        assert_eq!(told.routes[0].passed, passed);
        assert_eq!(told.routes[0].spent, spent(0));
        assert_eq!(told.hosts[0].passed, passed);
        assert_eq!(told.refused[0].times, 1);
    }

    /// The file of a version that counted no hits.
    #[test]
    fn a_file_without_hits_goes_on_with_its_usage() {
        let (_folder, path) = in_folder();
        let text = r#"{"since":"1970-01-01T00:00:00Z","requests":7}"#;
        std::fs::write(&path, text).unwrap();
        let ledger = opened(&path);
        assert_eq!(ledger.usage().requests, 7);
        assert_eq!(ledger.hits(&table(), &Spending::default()).hosts, []);
    }

    #[test]
    fn a_file_that_says_something_else_is_told_and_begun_anew() {
        let (_folder, path) = in_folder();
        std::fs::write(&path, "{\"requests\":").unwrap();
        let (ledger, error) = Ledger::kept_in(path.clone());
        assert!(matches!(error, Some(LedgerError::Garbled(_))), "{error:?}");
        count(&ledger);
        drop(ledger);
        assert_eq!(opened(&path).usage().requests, 1);
    }

    #[test]
    fn models_beyond_the_limit_are_counted_together() {
        let (_folder, path) = in_folder();
        let ledger = opened(&path);
        for number in 0..200 {
            ledger.answer(&answer(&format!("model-{number}"), u64::MAX, 1));
        }
        ledger.answer(&answer("model-3", 1, 0));
        let usage = ledger.usage();
        assert_eq!(usage.models.len(), MAX_MODELS + 1);
        assert_eq!(usage.models["model-3"].answers, 2);
        let rest = 200 - u64::try_from(MAX_MODELS).unwrap();
        assert_eq!(usage.models[UNNAMED].answers, rest);
        assert_eq!(usage.models[UNNAMED].tokens.input, u64::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_kept_and_told_at_once_and_then_once_a_second() {
        let (_folder, path) = in_folder();
        let ledger = opened(&path);
        let reporter = Reporter::default();
        let (table, spending) = (table(), Spending::default());
        let used = || {
            let reports = reporter.waiting();
            let of = |report: &RoleReport| {
                let RoleReport::Usage { usage } = report else {
                    return None;
                };
                Some(usage.requests)
            };
            reports.iter().filter_map(of).collect::<Vec<_>>()
        };
        let began = Instant::now();
        let talk = async {
            tokio::task::yield_now().await;
            assert_eq!(used(), [0]);
            for _ in 0..100 {
                count(&ledger);
            }
            tokio::task::yield_now().await;
            let kept = read(&path).unwrap().unwrap();
            assert_eq!((kept.usage.requests, used()), (100, vec![100]));
            count(&ledger);
            tokio::task::yield_now().await;
            assert!(used().is_empty(), "not yet");
            count(&ledger);
            while used() != [102] {
                sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(read(&path).unwrap().unwrap().usage.requests, 102);
            assert!(began.elapsed() >= PACE, "{:?}", began.elapsed());
        };
        tokio::select! {
            biased;
            () = ledger.tend(&reporter, &table, &spending) => {}
            () = talk => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_volume_that_refuses_is_told_once_and_counting_goes_on() {
        let (folder, _) = in_folder();
        let path = folder.path().join("missing").join("usage.json");
        let (ledger, _) = Ledger::kept_in(path);
        let reporter = Reporter::default();
        let (table, spending) = (table(), Spending::default());
        let talk = async {
            for _ in 0..3 {
                count(&ledger);
                sleep(PACE * 2).await;
            }
            let is_log = |report: &RoleReport| matches!(report, RoleReport::Log { .. });
            let told = reporter.waiting();
            assert_eq!(told.iter().filter(|report| is_log(report)).count(), 1);
            assert_eq!(ledger.usage().requests, 3);
        };
        tokio::select! {
            biased;
            () = ledger.tend(&reporter, &table, &spending) => {}
            () = talk => {}
        }
    }
}
