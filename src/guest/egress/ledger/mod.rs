//! What the bottle used over all lives of the sidecar, and what each route let out: kept
//! on its volume, told to the hub, held to the bottle's budgets.
//!
//! Keeping and telling happen at once after a change and then a second apart, so a crash
//! costs the last second at most. Where there are budgets a request is kept before it is
//! let out and an answer's tokens when they are known: no crash brings them back.

mod book;
mod clock;
mod file;
#[cfg(test)]
mod tests;
mod windows;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::sleep;

use self::book::{Book, told, total};
pub(super) use self::clock::Clock;
use self::file::{Kept, read, replace};
use self::windows::{Amounts, Windows};
use super::activity::Activity;
use super::spending::Spending;
use super::table::{RouteTable, Table};
use super::tally::{self, Passage};
use crate::guest::runtime::Reporter;
use crate::policy::{BottleBudget, Measure, Prices, Reason};
use crate::wire::{AnswerUsage, Hits, RoleReport, Usage};

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

fn passage(table: &Table, route: usize, host: &str) -> Option<Passage> {
    table.keys.get(route).map(|key| Passage {
        route: key.clone(),
        host: host.to_owned(),
    })
}
