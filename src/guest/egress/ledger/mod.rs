//! What the bottle used over all lives of the sidecar, and what each route let out: kept
//! on its volume, told to the hub, held to the bottle's budgets.
//!
//! Keeping and telling happen at once after a change and then a second apart, so a crash
//! costs the last second at most. Where there are budgets a request is kept before it is
//! let out and an answer's tokens when they are known: no crash brings them back.

mod clock;
mod windows;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::sleep;

pub(super) use self::clock::Clock;
use self::clock::Stamp;
use self::windows::{Amounts, Windows};
use super::activity::Activity;
use super::spending::Spending;
use super::table::{RouteTable, Table};
use super::tally::{self, Passage};
use crate::guest::runtime::Reporter;
use crate::policy::{BottleBudget, Measure, Prices, Reason};
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
    clock: Clock,
    book: Mutex<Book>,
    changed: Notify,
    /// The same for who watches the budgets.
    moved: Notify,
}

#[derive(Debug)]
struct Book {
    usage: Usage,
    hits: Hits,
    windows: Windows,
    /// The ledger's own clock.
    time: u64,
    /// Where the machine's stood then.
    uptime: u64,
    budgets: Vec<BottleBudget>,
    prices: Prices,
    /// Whether nothing is known of what was used before, so that budgets count as spent.
    is_lost: bool,
    /// Whether the file holds less.
    is_ahead: bool,
}

/// The file. Earlier versions wrote the usage alone.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    usage: Usage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    windows: Option<Windows>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hits: Option<Hits>,
}

/// How a budget stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) budget: BottleBudget,
    pub(super) spent: u64,
    /// How long until it has room by itself; `None` if time brings none.
    pub(super) room_in: Option<Duration>,
}

/// What a request uses of a budget of the bottle's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Itself and its bytes.
    Traffic,
    /// And the tokens of the model that answers.
    Model,
}

/// A request that was counted, and is again not if it is not let out after all.
#[derive(Debug)]
#[must_use = "a request that is dropped unspent is counted no more"]
pub(super) struct Taken<'a> {
    ledger: &'a Ledger,
    at: u64,
    is_spent: bool,
}

/// Counts what a stream carries while it does.
#[derive(Debug)]
pub(super) struct Follower<'a> {
    ledger: &'a Ledger,
    activity: &'a Activity,
    passage: Option<Passage>,
    counted: Mutex<(u64, u64)>,
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

impl Standing {
    pub(super) const fn is_spent(&self) -> bool {
        self.spent >= self.budget.amount
    }
}

impl Use {
    /// Whether a budget of this measure is used.
    pub(super) const fn is_of(self, what: Measure) -> bool {
        matches!(self, Self::Model) || !what.is_of_models()
    }
}

impl Ledger {
    /// Goes on where the file ends.
    ///
    /// # Errors
    /// [`LedgerError`], beside a ledger that begins anew: nobody is kept from working
    /// because it is not known how much they did, unless a budget says how much they may.
    pub(super) fn kept_in(path: PathBuf, clock: Clock) -> (Self, Option<LedgerError>) {
        let (kept, error) = match read(&path) {
            Ok(kept) => (kept, None),
            Err(error) => (None, Some(error)),
        };
        let now = Timestamp::now();
        let prices = Prices::builtin().unwrap_or_default();
        let (usage, hits, windows, time) = match kept {
            None => (Usage::since(now), None, Windows::default(), 0),
            Some(kept) => {
                let time = kept.clock.map_or(0, |stamp| clock.time_since(&stamp, now));
                let windows = kept.windows;
                let windows =
                    windows.unwrap_or_else(|| Windows::after(total(&kept.usage, &prices)));
                (kept.usage, kept.hits, windows, time)
            }
        };
        let book = Book {
            usage,
            hits: hits.unwrap_or_else(|| Hits::since(now)),
            windows,
            time,
            uptime: clock.uptime(),
            budgets: Vec::new(),
            prices,
            is_lost: error.is_some(),
            is_ahead: false,
        };
        let ledger = Self {
            path,
            clock,
            book: Mutex::new(book),
            changed: Notify::new(),
            moved: Notify::new(),
        };
        (ledger, error)
    }

    /// Goes by these prices from now on.
    pub(super) fn price_by(&self, prices: &Prices) {
        self.book().prices = prices.clone();
    }

    /// Holds what is used to these budgets from now on.
    pub(super) fn hold_to(&self, budgets: &[BottleBudget]) {
        let mut book = self.book();
        book.tick(&self.clock);
        budgets.clone_into(&mut book.budgets);
        if std::mem::take(&mut book.is_lost) {
            let now = book.time;
            for budget in budgets {
                book.windows.spend(now, budget);
            }
            book.is_ahead = true;
        }
        drop(book);
        self.moved.notify_one();
    }

    /// Counts a request, or a tunnel that is not looked into, that a route of a table let
    /// out to a host whatever budgets say; gives where its bytes are to be counted.
    pub(super) fn request(&self, table: &Table, route: usize, host: &str) -> Option<Passage> {
        self.add(Book::request);
        self.pass(table, route, host)
    }

    /// Counts for a route and a host what was counted for the budgets already.
    fn pass(&self, table: &Table, route: usize, host: &str) -> Option<Passage> {
        let passage = passage(table, route, host)?;
        self.note(|hits| tally::request(hits, &passage, &table.keys, Timestamp::now()));
        Some(passage)
    }

    /// Counts a request if every budget that it uses has room.
    ///
    /// # Errors
    /// The spent budget that has room last.
    pub(super) fn take(&self, wanted: Use) -> Result<Taken<'_>, Standing> {
        let mut book = self.book();
        book.tick(&self.clock);
        let spent = book
            .standings()
            .into_iter()
            .filter(|standing| wanted.is_of(standing.budget.what) && standing.is_spent());
        let last = spent.max_by_key(|standing| standing.room_in.unwrap_or(Duration::MAX));
        if let Some(standing) = last {
            return Err(standing);
        }
        let at = book.time;
        book.count(Book::request);
        drop(book);
        self.woke();
        self.keep_for_budgets();
        Ok(Taken {
            ledger: self,
            at,
            is_spent: false,
        })
    }

    /// Notes that a route let a connection out on which nothing was asked.
    pub(super) fn connection(&self, table: &Table, route: usize, host: &str) {
        if let Some(passage) = passage(table, route, host) {
            self.note(|hits| {
                tally::connection(hits, &passage, &table.keys, Timestamp::now());
            });
        }
    }

    /// Counts bytes that went out and came in, and for whom. `false` once there are more
    /// than a budget of bytes has.
    pub(super) fn carried(&self, passage: Option<&Passage>, sent: u64, received: u64) -> bool {
        if sent == 0 && received == 0 {
            return true;
        }
        self.add(|Book { usage, hits, .. }| {
            usage.sent_bytes = usage.sent_bytes.saturating_add(sent);
            usage.received_bytes = usage.received_bytes.saturating_add(received);
            if let Some(passage) = passage {
                tally::carried(hits, passage, sent, received);
            }
            Amounts {
                bytes: sent.saturating_add(received),
                ..Amounts::default()
            }
        })
    }

    /// Counts something that was refused.
    pub(super) fn refused(&self, host: &str, reason: Reason) {
        self.note(|hits| tally::refused(hits, host, reason, Timestamp::now()));
    }

    /// Counts the answer of a model.
    pub(super) fn answer(&self, answer: &AnswerUsage) {
        let cost = answer.microdollars(&self.book().prices);
        self.add(|Book { usage, .. }| {
            let has_room = usage.models.len() < MAX_MODELS;
            let name = match answer.model.as_str() {
                "" => UNNAMED,
                name if has_room || usage.models.contains_key(name) => name,
                _ => UNNAMED,
            };
            let model = usage.models.entry(name.to_owned()).or_default();
            model.answer(&answer.tokens);
            Amounts {
                tokens: answer.tokens.total(),
                cost,
                ..Amounts::default()
            }
        });
        self.keep_for_budgets();
    }

    /// What was used so far.
    pub(super) fn usage(&self) -> Usage {
        self.book().usage.clone()
    }

    /// How each budget stands.
    pub(super) fn standings(&self) -> Vec<Standing> {
        let mut book = self.book();
        book.tick(&self.clock);
        book.standings()
    }

    /// Models that answered and have no price, while there is a budget of cost.
    pub(super) fn unpriced(&self) -> Vec<String> {
        let book = self.book();
        let has_cost = book
            .budgets
            .iter()
            .any(|budget| budget.what == Measure::Cost);
        let models = book.usage.models.keys().filter(|_| has_cost);
        let unpriced = models.filter(|model| book.prices.of(model).is_none());
        unpriced.cloned().collect()
    }

    /// Ends when something was used or the budgets changed since it ended last.
    /// Cancel-safe.
    pub(super) async fn moved(&self) {
        self.moved.notified().await;
    }

    /// Counts what a stream carries from now on, and for whom.
    pub(super) fn follow<'a>(
        &'a self,
        activity: &'a Activity,
        passage: Option<Passage>,
    ) -> Follower<'a> {
        Follower {
            ledger: self,
            activity,
            passage,
            counted: Mutex::default(),
        }
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

    /// Keeps at once what a budget must not lose; [`Ledger::tend`] tells if it fails.
    fn keep_for_budgets(&self) {
        if !self.book().budgets.is_empty() && self.keep().is_err() {
            self.changed.notify_one();
        }
    }

    /// Replaces the file. It is not synced: that would hold up the whole proxy each
    /// second, to save from a machine's crash what is only counted.
    fn keep(&self) -> Result<(), LedgerError> {
        let bytes = {
            let mut book = self.book();
            if !std::mem::take(&mut book.is_ahead) {
                return Ok(());
            }
            book.tick(&self.clock);
            let kept = Kept {
                usage: book.usage.clone(),
                hits: Some(book.hits.clone()),
                windows: Some(book.windows.clone()),
                clock: Some(self.clock.stamp(book.time, Timestamp::now())),
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

    /// Counts something; whether budgets of bytes reach that far.
    fn add(&self, change: impl FnOnce(&mut Book) -> Amounts) -> bool {
        let mut book = self.book();
        book.tick(&self.clock);
        book.count(change);
        let has_bytes = book.has_bytes();
        drop(book);
        self.woke();
        has_bytes
    }

    /// Counts something that no budget is about.
    fn note(&self, change: impl FnOnce(&mut Hits)) {
        let mut book = self.book();
        change(&mut book.hits);
        book.is_ahead = true;
        drop(book);
        self.changed.notify_one();
    }

    fn woke(&self) {
        self.changed.notify_one();
        self.moved.notify_one();
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Moves the ledger's clock along with the machine's.
    fn tick(&mut self, clock: &Clock) {
        let uptime = clock.uptime();
        let passed = uptime.saturating_sub(self.uptime);
        self.time = self.time.saturating_add(passed);
        self.uptime = self.uptime.max(uptime);
    }

    fn count(&mut self, change: impl FnOnce(&mut Self) -> Amounts) {
        let more = change(self);
        self.windows.add(self.time, &more);
        self.is_ahead = true;
    }

    const fn request(&mut self) -> Amounts {
        self.usage.requests = self.usage.requests.saturating_add(1);
        Amounts {
            requests: 1,
            tokens: 0,
            cost: 0,
            bytes: 0,
        }
    }

    fn has_bytes_budget(&self) -> bool {
        let mut budgets = self.budgets.iter();
        budgets.any(|budget| budget.what == Measure::Bytes)
    }

    fn has_bytes(&self) -> bool {
        let mut budgets = self.budgets.iter();
        budgets.all(|budget| {
            budget.what != Measure::Bytes || self.windows.spent(budget, self.time) <= budget.amount
        })
    }

    fn standings(&self) -> Vec<Standing> {
        let budgets = self.budgets.iter();
        let standing = |budget: &BottleBudget| Standing {
            budget: *budget,
            spent: self.windows.spent(budget, self.time),
            room_in: self.windows.room_in(budget, self.time),
        };
        budgets.map(standing).collect()
    }
}

impl Taken<'_> {
    /// Lets it out by a route of a table to a host; gives where its bytes are to be
    /// counted.
    pub(super) fn spend(mut self, table: &Table, route: usize, host: &str) -> Option<Passage> {
        self.is_spent = true;
        self.ledger.pass(table, route, host)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.is_spent {
            return;
        }
        let mut book = self.ledger.book();
        book.usage.requests = book.usage.requests.saturating_sub(1);
        let one = Amounts {
            requests: 1,
            ..Amounts::default()
        };
        book.windows.take_back(self.at, &one);
        book.is_ahead = true;
        drop(book);
        self.ledger.moved.notify_one();
    }
}

impl Follower<'_> {
    /// Ends once a budget of bytes has no more. Counts once a second where there is one;
    /// else nobody is in a hurry, and many streams that rest must cost nothing. Cancel-safe.
    pub(super) async fn spent(&self) {
        while self.count() {
            let is_bounded = self.ledger.book().has_bytes_budget();
            sleep(if is_bounded { PACE } else { PACE * 10 }).await;
        }
    }

    fn count(&self) -> bool {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let (sent, received) = self.activity.counts();
        let more = (
            sent.saturating_sub(counted.0),
            received.saturating_sub(counted.1),
        );
        *counted = (sent, received);
        drop(counted);
        self.ledger.carried(self.passage.as_ref(), more.0, more.1)
    }
}

impl Drop for Follower<'_> {
    /// However the stream ended.
    fn drop(&mut self) {
        self.count();
    }
}

impl Drop for Ledger {
    /// What was used since the last second, where the sidecar is asked to end.
    fn drop(&mut self) {
        drop(self.keep());
    }
}

/// What a bottle used before anybody counted it for budgets.
fn total(usage: &Usage, prices: &Prices) -> Amounts {
    let answers = usage.models.iter().map(|(model, used)| AnswerUsage {
        model: model.clone(),
        tokens: used.tokens,
    });
    Amounts {
        tokens: usage.tokens().total(),
        cost: answers.fold(0, |sum, answer| {
            sum.saturating_add(answer.microdollars(prices))
        }),
        bytes: usage.sent_bytes.saturating_add(usage.received_bytes),
        requests: usage.requests,
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::*;
    use crate::policy::{HostName, Provenance, Route, RouteSet, Span};
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

    fn let_out(taken: Taken<'_>) -> Option<Passage> {
        taken.spend(&table().current(), 0, "a.example")
    }

    fn opened(path: &Path) -> Ledger {
        let (ledger, error) = Ledger::kept_in(path.to_owned(), Clock::of_kernel());
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
        let (ledger, error) = Ledger::kept_in(path.clone(), Clock::of_kernel());
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
            let kept = read(&path).unwrap().unwrap().usage;
            assert_eq!((kept.requests, used()), (100, vec![100]));
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
        let (ledger, _) = Ledger::kept_in(path, Clock::of_kernel());
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

    fn budget(what: Measure, per: Span, amount: u64) -> BottleBudget {
        BottleBudget::new(what, per, amount)
    }

    /// A ledger whose clock is the number.
    fn clocked(path: &Path, seconds: &Arc<AtomicU64>) -> Ledger {
        let seconds = Arc::clone(seconds);
        let clock = Clock::of_test("one", move || seconds.load(Ordering::Relaxed));
        Ledger::kept_in(path.to_owned(), clock).0
    }

    /// What a crash leaves of a ledger: its file, as it is.
    fn crashed(ledger: &Ledger, seconds: &Arc<AtomicU64>) -> Ledger {
        let left = ledger.path.with_extension("crashed");
        drop(std::fs::copy(&ledger.path, &left));
        let copy = clocked(&left, seconds);
        let budgets = ledger.book().budgets.clone();
        copy.hold_to(&budgets);
        copy
    }

    #[test]
    fn a_request_is_let_out_while_every_budget_that_it_uses_has_room() {
        let (_folder, path) = in_folder();
        let ledger = opened(&path);
        ledger.hold_to(&[
            budget(Measure::Requests, Span::Hour, 2),
            budget(Measure::Tokens, Span::Day, 10),
        ]);
        ledger.answer(&answer("claude-opus-5", 20, 0));
        let spent = ledger.take(Use::Model).unwrap_err();
        assert_eq!(spent.budget.what, Measure::Tokens);
        assert_eq!(spent.spent, 21);
        // One that is not let out after all leaves its room to another.
        drop(ledger.take(Use::Traffic).unwrap());
        assert_eq!(ledger.hits(&table(), &Spending::default()).hosts, []);
        let_out(ledger.take(Use::Traffic).unwrap());
        let_out(ledger.take(Use::Traffic).unwrap());
        let spent = ledger.take(Use::Traffic).unwrap_err();
        assert_eq!((spent.budget.what, spent.spent), (Measure::Requests, 2));
        assert_eq!(ledger.usage().requests, 2);
        let hits = ledger.hits(&table(), &Spending::default());
        assert_eq!(hits.hosts[0].passed.requests, 2);
        let both = ledger.take(Use::Model).unwrap_err();
        assert_eq!(both.budget.per, Span::Day, "it has room last");
        ledger.hold_to(&[budget(Measure::Requests, Span::Hour, 3)]);
        let_out(ledger.take(Use::Model).unwrap());
        assert_eq!(ledger.usage().requests, 3);
    }

    #[test]
    fn a_cost_is_counted_by_the_prices_and_a_model_without_one_is_told() {
        let (_folder, path) = in_folder();
        let ledger = opened(&path);
        ledger.answer(&answer("claude-opus-4-6", 1_000_000, 0));
        let cost = budget(Measure::Cost, Span::Total, 1);
        assert_eq!(ledger.unpriced(), [""; 0]);
        ledger.hold_to(&[cost]);
        assert_eq!(ledger.standings()[0].spent, 5_000_025);
        let rates = r#"{"models":{"x":{"input":1,"output":0,"cache_write":0,"cache_write_hour":0,"cache_read":0}}}"#;
        ledger.price_by(&serde_json::from_str(rates).unwrap());
        ledger.answer(&answer("x", 1_000_000, 0));
        assert_eq!(ledger.standings()[0].spent, 6_000_025);
        ledger.answer(&answer("stranger", 1_000_000, 0));
        assert_eq!(ledger.standings()[0].spent, 7_000_025, "as the dearest");
        assert_eq!(ledger.unpriced(), ["claude-opus-4-6", "stranger"]);
    }

    #[test]
    fn what_is_lost_is_taken_for_spent_until_time_or_the_operator_gives_room() {
        let (_folder, path) = in_folder();
        std::fs::write(&path, "{").unwrap();
        let seconds = Arc::new(AtomicU64::new(7));
        let ledger = clocked(&path, &seconds);
        let hour = budget(Measure::Requests, Span::Hour, 5);
        let total = budget(Measure::Tokens, Span::Total, 5);
        ledger.hold_to(&[hour, total]);
        assert!(ledger.take(Use::Traffic).is_err());
        seconds.store(2 * 3600, Ordering::Relaxed);
        assert!(ledger.take(Use::Traffic).is_ok());
        assert!(ledger.take(Use::Model).is_err());
        // A later life does not take that for lost once more.
        let ledger = crashed(&ledger, &seconds);
        assert!(ledger.take(Use::Traffic).is_ok());
        ledger.hold_to(&[hour, total.raised_over(5)]);
        assert!(ledger.take(Use::Model).is_ok());
    }

    #[test]
    fn what_an_earlier_version_kept_counts_in_total() {
        let (_folder, path) = in_folder();
        let text = r#"{"since":"2026-01-01T00:00:00Z","requests":4,"sent_bytes":1,"received_bytes":2,"models":{"claude-opus-4-6":{"answers":1,"input":1000000}}}"#;
        std::fs::write(&path, text).unwrap();
        let ledger = opened(&path);
        let total = |what| budget(what, Span::Total, 1);
        ledger.hold_to(&Measure::ALL.map(total));
        let spent = ledger
            .standings()
            .into_iter()
            .map(|standing| standing.spent);
        assert_eq!(spent.collect::<Vec<_>>(), [1_000_000, 5_000_000, 3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_counted_as_it_moves_and_ends_with_its_budget() {
        let (_folder, path) = in_folder();
        let ledger = opened(&path);
        ledger.hold_to(&[budget(Measure::Bytes, Span::Total, 100)]);
        let activity = Activity::new();
        let passage = count(&ledger);
        let follower = ledger.follow(&activity, passage);
        activity.sent(60);
        activity.received(40);
        let mut spent = Box::pin(follower.spent());
        let early = tokio::time::timeout(PACE * 5, &mut spent).await;
        assert!(early.is_err(), "all of it may be used");
        assert_eq!(ledger.usage().sent_bytes, 60);
        activity.received(1);
        tokio::time::timeout(PACE * 2, &mut spent).await.unwrap();
        drop(spent);
        activity.sent(5);
        drop(follower);
        let usage = ledger.usage();
        assert_eq!((usage.sent_bytes, usage.received_bytes), (65, 41));
        let hits = ledger.hits(&table(), &Spending::default());
        let passed = hits.routes[0].passed;
        assert_eq!((passed.sent_bytes, passed.received_bytes), (65, 41));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// However often the sidecar is killed, and whatever the clock on the wall says,
        /// no hour has more requests than its budget, and no model is asked once the
        /// tokens that were told are spent.
        #[test]
        fn no_crash_gives_a_budget_back(
            steps in proptest::collection::vec((0u8..8, 0u64..900), 1..120),
            amount in 1u64..6,
        ) {
            let (_folder, path) = in_folder();
            let seconds = Arc::new(AtomicU64::new(1));
            let mut ledgers = vec![clocked(&path, &seconds)];
            let hour = budget(Measure::Requests, Span::Hour, amount);
            let total = budget(Measure::Tokens, Span::Total, 20 * amount);
            ledgers[0].hold_to(&[hour, total]);
            let mut out: Vec<u64> = Vec::new();
            let mut tokens = 0;
            for (what, wait) in steps {
                seconds.fetch_add(wait, Ordering::Relaxed);
                let now = seconds.load(Ordering::Relaxed);
                let ledger = ledgers.last().unwrap();
                match what {
                    0 => {
                        let next = crashed(ledger, &seconds);
                        ledgers.push(next);
                    }
                    1 => drop(ledger.take(Use::Model)),
                    _ => {
                        let Ok(taken) = ledger.take(Use::Model) else { continue };
                        prop_assert!(tokens < 20 * amount);
                        let_out(taken);
                        out.push(now);
                        ledger.answer(&answer("a", wait % 9, 0));
                        tokens += wait % 9 + 1;
                    }
                }
                let begin = now.saturating_sub(3599);
                let recent = out.iter().filter(|at| **at >= begin).count();
                prop_assert!(u64::try_from(recent).unwrap() <= amount);
            }
        }
    }
}
