//! The console against an engine of a thousand containers that are not there: how many,
//! how slow and how broken an engine may be that cannot be had for a test.

use std::time::Duration;

use crate::support::fake_engine::fleet::{Fleet, Labelled};
use crate::support::fake_engine::{FakeEngine, Fault};
use crate::support::operator::PATIENCE;

#[test]
fn a_thousand_containers_are_listed_measured_and_sorted() {
    let engine = FakeEngine::start(Fleet::quiet(999));
    let mut console = engine.terminal(&[], 200, 50);
    console.wait_for_text("333 bottles", PATIENCE);
    console.wait_for("what rows in sight use", PATIENCE, |screen| {
        let measured = screen.lines().filter(|line| line.contains('%'));
        measured.count() > 20
    });
    let asked = engine.asked();
    assert!(
        asked.get("stats") < Some(&999),
        "those out of sight come slowly: {asked:?}"
    );
    console.send("ogoZ");
    console.wait_for_text("▸ api 111", PATIENCE);
    console.kill();
}

#[test]
fn containers_of_others_are_no_bottles() {
    let fleet = Fleet {
        labelled: Labelled::Nothing,
        ..Fleet::quiet(30)
    };
    let engine = FakeEngine::start(fleet);
    let mut console = engine.terminal(&[], 80, 24);
    console.wait_for_text("No bottles yet", PATIENCE);
    console.kill();
    assert_eq!(engine.asked().get("stats"), None);
}

#[test]
fn an_engine_that_breaks_is_told_and_found_again() {
    let engine = FakeEngine::start(Fleet::quiet(30));
    let mut console = engine.terminal(&[], 120, 40);
    console.wait_for_text("10 bottles", PATIENCE);
    engine.stop("api-00000");
    console.wait_for("the bottle that ended", PATIENCE, |screen| {
        let mut rows = screen.lines().filter(|line| line.contains("api-00000"));
        rows.any(|row| row.contains("stopped"))
    });
    for fault in [Fault::Drop, Fault::Refuse] {
        engine.fault(fault);
        engine.restart();
        console.wait_for_text("does not answer", PATIENCE);
        engine.fault(Fault::Delay(Duration::from_millis(20)));
        console.wait_for("the engine again", PATIENCE, |screen| {
            !screen.contains("does not answer")
        });
        engine.fault(Fault::None);
    }
    console.kill();
}
