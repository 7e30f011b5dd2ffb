//! Requests that wait because a budget of the bottle is spent.
//!
//! Nothing is killed: what was let out goes on to its end, what comes after waits until
//! the budget is raised, until time gives it room, or until the operator refuses. How
//! long is up to who waits; how many wait at once is bounded. All of them are told as one
//! pause.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::sleep;

use super::ledger::{Ledger, Standing, Taken, Use};
use super::refusal::Refusal;
use crate::guest::runtime::Reporter;
use crate::policy::{BottleBudget, Reason};
use crate::wire::{BudgetState, Budgets, Pause, RoleReport};

/// Requests that wait at once.
const WAITING: u32 = 256;
/// Bytes of their bodies that are read ahead, of all together.
const AHEAD: u64 = 64 << 20;
/// The longest wait before the clock is looked at again: a machine that slept counts.
const LOOK: Duration = Duration::from_secs(15);
/// Between one report and the next.
const PACE: Duration = Duration::from_secs(1);
/// When a client may ask again, where time brings no room.
const RETRY: Duration = Duration::from_hours(1);
/// From this many hundredths on the operator is warned, and below the other it is new.
const WARN: u8 = 80;
const CALM: u8 = 50;

/// Everything that waits.
#[derive(Debug)]
pub(super) struct Pauses {
    state: Mutex<State>,
    changes: watch::Sender<()>,
    /// Bytes of bodies that were read ahead since somebody began to wait.
    ahead: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    pause: Option<Pause>,
    /// Spent budgets that the operator refused to raise.
    refused: Vec<BottleBudget>,
}

/// How a request got past the budgets.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    /// It is counted.
    pub(super) taken: Taken<'a>,
    /// Whether it waited, so that what was decided about it is old.
    pub(super) has_waited: bool,
}

/// One request's place.
struct Place<'a>(&'a Pauses);

impl Pauses {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            changes: watch::Sender::new(()),
            ahead: AtomicU64::new(0),
        }
    }

    /// Whether more of a body that waits may be read.
    pub(super) fn has_room_ahead(&self) -> bool {
        self.state().pause.is_some() && self.ahead.load(Ordering::Relaxed) < AHEAD
    }

    /// Counts bytes of a body that were read before it may leave.
    pub(super) fn reads_ahead(&self, bytes: u64) {
        self.ahead.fetch_add(bytes, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request once every budget that it uses has room; drop it to wait no more.
    /// `stir` is called now and then meanwhile.
    ///
    /// # Errors
    /// A [`Refusal`] with [`Reason::BottlePaused`]: the operator said no, or too many
    /// wait.
    pub(super) async fn admit<'a>(
        &'a self,
        ledger: &'a Ledger,
        wanted: Use,
        stir: impl Fn(),
    ) -> Result<Admitted<'a>, Refusal> {
        let mut place = None;
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            let standing = match ledger.take(wanted) {
                Ok(taken) => {
                    // What was refused and has room now is a new question when it is spent.
                    drop(self.refused(|| ledger.standings()));
                    let has_waited = place.is_some();
                    return Ok(Admitted { taken, has_waited });
                }
                Err(standing) => standing,
            };
            if self.is_refused(ledger, wanted) {
                return Err(refusal(&standing, "the operator did not raise it"));
            }
            if place.is_none() {
                let entered = self.enter();
                place = Some(entered.ok_or_else(|| refusal(&standing, "too many wait already"))?);
            }
            stir();
            let wait = standing.room_in.unwrap_or(LOOK).clamp(PACE, LOOK);
            tokio::select! {
                // The sender lives as long as this does.
                _ = changes.changed() => {}
                () = sleep(wait) => {}
            }
        }
    }

    fn enter(&self) -> Option<Place<'_>> {
        let mut state = self.state();
        let since = Timestamp::now();
        let pause = state.pause.get_or_insert(Pause { since, waiting: 0 });
        if pause.waiting >= WAITING {
            return None;
        }
        pause.waiting += 1;
        drop(state);
        self.changes.send_replace(());
        Some(Place(self))
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> u32 {
        self.state().pause.map_or(0, |pause| pause.waiting)
    }

    /// Whether a budget that such a request uses is spent, and was not to be raised.
    fn is_refused(&self, ledger: &Ledger, wanted: Use) -> bool {
        let refused = self.refused(|| ledger.standings());
        refused.iter().any(|budget| wanted.is_of(budget.what))
    }

    /// The refusals that still count: those of budgets that are spent and as they were.
    fn refused(&self, standings: impl FnOnce() -> Vec<Standing>) -> Vec<BottleBudget> {
        let mut state = self.state();
        if state.refused.is_empty() {
            return Vec::new();
        }
        let standings = standings();
        state.refused.retain(|refused| {
            let mut alike = standings.iter();
            alike.any(|standing| standing.budget == *refused && standing.is_spent())
        });
        state.refused.clone()
    }

    /// Refuses what waits, and what comes while the budgets that are spent now are.
    pub(super) fn refuse(&self, ledger: &Ledger) {
        let standings = ledger.standings();
        let spent = standings.iter().filter(|standing| standing.is_spent());
        self.state().refused = spent.map(|standing| standing.budget).collect();
        self.changes.send_replace(());
    }

    /// Lets everything that waits look again: the budgets are others now.
    pub(super) fn look_again(&self) {
        self.changes.send_replace(());
    }

    /// How everything stands.
    fn report(&self, ledger: &Ledger, now: Timestamp) -> Budgets {
        let standings = ledger.standings();
        let refused = self.refused(|| standings.clone());
        let budgets = standings.into_iter().map(|standing| BudgetState {
            is_refused: refused.contains(&standing.budget),
            room_at: room_at(&standing, now),
            budget: standing.budget,
            spent: standing.spent,
        });
        Budgets {
            budgets: budgets.collect(),
            pause: self.state().pause,
        }
    }

    /// Tells how the budgets stand, and what happens to them, for as long as it is polled.
    pub(super) async fn tend(&self, ledger: &Ledger, reporter: &Reporter) {
        let mut changes = self.changes.subscribe();
        let mut told = Budgets::default();
        let mut notes = Notes::default();
        loop {
            changes.mark_unchanged();
            let report = self.report(ledger, Timestamp::now());
            for note in notes.of(&report, ledger) {
                reporter.log(note);
            }
            if !is_alike(&told, &report) {
                told.clone_from(&report);
                reporter.tell(RoleReport::Budgets { budgets: report });
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = ledger.moved() => {}
                // What was used grows old.
                () = sleep(LOOK), if told.budgets.iter().any(|state| state.spent > 0) => {}
            }
            sleep(PACE).await;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if let Some(pause) = &mut state.pause {
            pause.waiting = pause.waiting.saturating_sub(1);
            if pause.waiting == 0 {
                state.pause = None;
                self.0.ahead.store(0, Ordering::Relaxed);
            }
        }
        drop(state);
        self.0.changes.send_replace(());
    }
}

/// What was said of the budgets already.
#[derive(Debug, Default)]
struct Notes {
    warned: Vec<BottleBudget>,
    unpriced: BTreeSet<String>,
    is_paused: bool,
}

impl Notes {
    /// What there is to say that was not said yet.
    fn of(&mut self, report: &Budgets, ledger: &Ledger) -> Vec<String> {
        let mut notes = Vec::new();
        let percent = |state: &BudgetState| state.budget.percent(state.spent);
        self.warned.retain(|warned| {
            let mut alike = report.budgets.iter();
            alike.any(|state| state.budget == *warned && percent(state) >= CALM)
        });
        for state in &report.budgets {
            if percent(state) >= WARN && !self.warned.contains(&state.budget) {
                self.warned.push(state.budget);
                let (percent, words) = (percent(state), state.budget.words());
                notes.push(format!("{percent} % of the budget of {words} is spent"));
            }
        }
        for model in ledger.unpriced() {
            if self.unpriced.insert(model.clone()) {
                notes.push(format!(
                    "{model} has no price: it counts with the dearest that is known"
                ));
            }
        }
        let is_paused = report.pause.is_some();
        if is_paused != self.is_paused {
            self.is_paused = is_paused;
            let spent: Vec<String> = report.spent().map(|state| state.budget.words()).collect();
            notes.push(if is_paused {
                format!("paused, because a budget is spent: {}", spent.join(", "))
            } else {
                String::from("nothing waits for a budget any more")
            });
        }
        notes
    }
}

/// Whether two reports say the same; the time of room is computed and may waver.
fn is_alike(one: &Budgets, other: &Budgets) -> bool {
    let alike = |one: &BudgetState, other: &BudgetState| {
        let is_near = match (one.room_at, other.room_at) {
            (Some(one), Some(other)) => one.duration_since(other).as_secs().abs() < 5,
            (one, other) => one == other,
        };
        let bare = |state: &BudgetState| (state.budget, state.spent, state.is_refused);
        is_near && bare(one) == bare(other)
    };
    let mut pairs = one.budgets.iter().zip(&other.budgets);
    one.pause == other.pause
        && one.budgets.len() == other.budgets.len()
        && pairs.all(|(one, other)| alike(one, other))
}

fn room_at(standing: &Standing, now: Timestamp) -> Option<Timestamp> {
    let wait = standing.room_in.filter(|_| standing.is_spent())?;
    now.checked_add(SignedDuration::try_from(wait).ok()?).ok()
}

fn refusal(standing: &Standing, why: &str) -> Refusal {
    let wait = standing.room_in.unwrap_or(RETRY);
    let room = match standing.room_in {
        Some(wait) => format!(", and has room again in {}", minutes(wait)),
        None => String::new(),
    };
    let words = standing.budget.words();
    Refusal::new(Reason::BottlePaused, format!("{words}{room}; {why}")).retry_in(wait)
}

fn minutes(wait: Duration) -> String {
    format!("{} min", wait.as_secs().div_ceil(60))
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::guest::egress::ledger::Clock;
    use crate::guest::egress::table::RouteTable;
    use crate::policy::{Measure, RouteSet, Span};
    use crate::wire::{AnswerUsage, Tokens};

    const TOKENS: BottleBudget = BottleBudget::new(Measure::Tokens, Span::Hour, 100);

    /// A ledger by the paused clock, with the budget of tokens spent.
    fn spent(budgets: &[BottleBudget]) -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().unwrap();
        let began = Instant::now();
        let clock = Clock::of_test("one", move || began.elapsed().as_secs());
        let (ledger, _) = Ledger::kept_in(folder.path().join("usage.json"), clock);
        ledger.hold_to(budgets);
        use_tokens(&ledger, 100);
        (folder, ledger)
    }

    fn use_tokens(ledger: &Ledger, input: u64) {
        ledger.answer(&AnswerUsage {
            model: String::from("claude-opus-5"),
            tokens: Tokens {
                input,
                ..Tokens::default()
            },
        });
    }

    async fn admitted(pauses: &Pauses, ledger: &Ledger, wanted: Use) -> Result<bool, Reason> {
        match pauses.admit(ledger, wanted, || {}).await {
            Ok(admitted) => {
                let table = RouteTable::new(RouteSet::default(), 1).unwrap().current();
                admitted.taken.spend(&table, 0, "a.example");
                Ok(admitted.has_waited)
            }
            Err(refusal) => Err(refusal.reason),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_until_time_gives_room_however_long() {
        let (_folder, ledger) = spent(&[TOKENS]);
        let pauses = Pauses::new();
        let began = Instant::now();
        assert_eq!(admitted(&pauses, &ledger, Use::Traffic).await, Ok(false));
        assert_eq!(admitted(&pauses, &ledger, Use::Model).await, Ok(true));
        // The minute that was used, and an hour.
        let passed = began.elapsed().as_secs();
        assert!((3660..3662).contains(&passed), "{passed}");
        assert_eq!(pauses.waiting(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_raise_lets_everything_that_waits_go_at_once() {
        let total = BottleBudget::new(Measure::Tokens, Span::Total, 100);
        let (_folder, ledger) = spent(&[total]);
        let pauses = Pauses::new();
        let began = Instant::now();
        let operator = async {
            sleep(Duration::from_hours(30)).await;
            assert_eq!(pauses.waiting(), 3);
            ledger.hold_to(&[total.raised_over(100)]);
            pauses.look_again();
        };
        let admit = || admitted(&pauses, &ledger, Use::Model);
        let (one, two, three, ()) = tokio::join!(admit(), admit(), admit(), operator);
        assert_eq!([one, two, three], [Ok(true); 3]);
        assert_eq!(began.elapsed(), Duration::from_hours(30));
        assert_eq!(ledger.usage().requests, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_counts_until_the_budget_is_raised_or_its_time_passes() {
        let (_folder, ledger) = spent(&[TOKENS]);
        let pauses = Pauses::new();
        let refuse = async {
            tokio::task::yield_now().await;
            pauses.refuse(&ledger);
        };
        let admit = || admitted(&pauses, &ledger, Use::Model);
        let (first, ()) = tokio::join!(admit(), refuse);
        assert_eq!(first, Err(Reason::BottlePaused));
        let began = Instant::now();
        assert_eq!(admit().await, Err(Reason::BottlePaused));
        assert_eq!(began.elapsed(), Duration::ZERO, "at once");
        assert_eq!(admitted(&pauses, &ledger, Use::Traffic).await, Ok(false));
        ledger.hold_to(&[TOKENS.raised_over(100)]);
        assert_eq!(admit().await, Ok(false));
        // Spent once more it is another question, until time answers it.
        ledger.hold_to(&[TOKENS]);
        pauses.refuse(&ledger);
        assert_eq!(admit().await, Err(Reason::BottlePaused));
        sleep(Duration::from_hours(2)).await;
        assert_eq!(admit().await, Ok(false));
        use_tokens(&ledger, 100);
        let again = tokio::time::timeout(Duration::from_mins(1), admit());
        assert!(again.await.is_err(), "it waits");
        assert_eq!(pauses.waiting(), 0, "who leaves waits no more");
    }

    #[tokio::test(start_paused = true)]
    async fn what_finds_no_room_is_told_when_to_ask_again() {
        let (_folder, ledger) = spent(&[TOKENS]);
        let pauses = Pauses::new();
        let places: Vec<_> = (0..WAITING).map(|_| pauses.enter().unwrap()).collect();
        let refusal = pauses.admit(&ledger, Use::Model, || {}).await.unwrap_err();
        assert_eq!(refusal.reason, Reason::BottlePaused);
        assert_eq!(
            refusal.detail,
            "100 tokens per hour, and has room again in 61 min; too many wait already"
        );
        assert_eq!(refusal.retry, Some(Duration::from_mins(61)));
        drop(places);
        assert_eq!(pauses.waiting(), 0);
    }

    /// The reports of the budgets and the lines of log that were told since the last look.
    fn told(reporter: &Reporter) -> (Vec<Budgets>, Vec<String>) {
        let (mut budgets, mut lines) = (Vec::new(), Vec::new());
        for report in reporter.waiting() {
            if let RoleReport::Budgets { budgets: told } = report {
                budgets.push(told);
            } else if let RoleReport::Log { line } = report {
                lines.push(line.text);
            }
        }
        (budgets, lines)
    }

    #[tokio::test(start_paused = true)]
    async fn budgets_are_told_as_they_are_used_and_warned_of_once() {
        let (_folder, ledger) = spent(&[BottleBudget::new(Measure::Tokens, Span::Hour, 1000)]);
        let pauses = Pauses::new();
        let reporter = Reporter::default();
        let talk = async {
            sleep(PACE * 3).await;
            let (budgets, lines) = told(&reporter);
            assert_eq!((budgets.len(), lines.len()), (1, 0));
            assert_eq!(budgets[0].budgets[0].spent, 100);
            use_tokens(&ledger, 700);
            sleep(PACE * 3).await;
            use_tokens(&ledger, 100);
            sleep(PACE * 3).await;
            let (budgets, lines) = told(&reporter);
            // Of what waits to be told only the newest is.
            assert_eq!(budgets.len(), 1);
            assert_eq!(budgets[0].budgets[0].spent, 900);
            assert_eq!(lines, ["80 % of the budget of 1k tokens per hour is spent"]);
            use_tokens(&ledger, 100);
            let mut held = Box::pin(pauses.admit(&ledger, Use::Model, || {}));
            assert!(futures_util::poll!(&mut held).is_pending());
            sleep(PACE * 3).await;
            let (budgets, lines) = told(&reporter);
            let last = budgets.last().unwrap();
            assert_eq!(last.pause.unwrap().waiting, 1);
            assert!(last.budgets[0].room_at.is_some());
            assert_eq!(
                lines,
                ["paused, because a budget is spent: 1k tokens per hour"]
            );
            assert!(held.await.unwrap().has_waited);
            sleep(PACE * 3).await;
            let (budgets, lines) = told(&reporter);
            assert_eq!(budgets.last().unwrap().pause, None);
            assert_eq!(lines, ["nothing waits for a budget any more"]);
        };
        tokio::select! {
            () = pauses.tend(&ledger, &reporter) => {}
            () = talk => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bottle_without_budgets_says_nothing_of_them() {
        let (_folder, ledger) = spent(&[]);
        let pauses = Pauses::new();
        let reporter = Reporter::default();
        let tend = pauses.tend(&ledger, &reporter);
        assert!(tokio::time::timeout(PACE * 9, tend).await.is_err());
        assert_eq!(told(&reporter), (Vec::new(), Vec::new()));
        assert_eq!(admitted(&pauses, &ledger, Use::Model).await, Ok(false));
    }
}
