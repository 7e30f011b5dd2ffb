//! The ledger's own tests.

use std::path::Path;
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
