//! Hours of a busy engine in a minute: bottles come and go by hundreds, the engine is
//! started again and again, and the console grows by nothing.

use crate::support::fake_engine::FakeEngine;
use crate::support::fake_engine::fleet::Fleet;
use crate::support::operator::PATIENCE;
use crate::support::terminal::Terminal;

/// Bottles that come and go in a round, and how many are there at any time.
const BOTTLES: usize = 500;
const AT_ONCE: usize = 40;
/// How many change before the screen is looked at.
const BATCH: usize = 20;
/// Changes between two restarts of the engine.
const RESTART: usize = 100;
const ROUNDS: usize = 3;
/// What an allocator may keep back for later (8 MiB: 8 KiB for each bottle that came in
/// the rounds that are measured; what is kept of one is much more).
const SLACK_KIB: u64 = 8 * 1024;
/// Threads that reading files may take for a while.
const THREADS: usize = 8;

/// What a process holds.
#[derive(Debug)]
struct Held {
    memory_kib: u64,
    descriptors: usize,
    threads: usize,
}

fn held(console: &Terminal) -> Held {
    let pid = console.pid().unwrap();
    let entries = |folder: &str| {
        let path = format!("/proc/{pid}/{folder}");
        std::fs::read_dir(path).unwrap().count()
    };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.unwrap().trim().trim_end_matches(" kB");
    Held {
        memory_kib: kib.parse().unwrap(),
        descriptors: entries("fd"),
        threads: entries("task"),
    }
}

/// Every bottle comes and goes once; what is there at the end was there at the beginning.
fn round(engine: &FakeEngine, console: &Terminal, bottles: &[String]) {
    for first in (0..BOTTLES).step_by(BATCH) {
        if first % RESTART == 0 {
            engine.restart();
        }
        for number in first..first + BATCH {
            engine.set_present(&bottles[(number + AT_ONCE) % BOTTLES], true);
            engine.set_present(&bottles[number], false);
        }
        let newest = &bottles[(first + BATCH - 1 + AT_ONCE) % BOTTLES];
        let gone = &bottles[first + BATCH - 1];
        console.wait_for("the next bottles", PATIENCE, |screen| {
            screen.contains(newest) && !screen.contains(gone) && !screen.contains("not answer")
        });
    }
}

#[test]
fn an_engine_on_which_everything_changes_costs_no_more_at_the_end() {
    let engine = FakeEngine::start(Fleet::quiet(BOTTLES * 3));
    let bottles = engine.bottles();
    for bottle in &bottles[AT_ONCE..] {
        engine.set_present(bottle, false);
    }
    let mut console = engine.terminal(&[], 160, 70);
    console.wait_for_text(&format!("{AT_ONCE} bottles"), PATIENCE);
    round(&engine, &console, &bottles);
    let begin = held(&console);
    for _ in 1..ROUNDS {
        round(&engine, &console, &bottles);
    }
    console.wait_for_text(&format!("{AT_ONCE} bottles"), PATIENCE);
    let end = held(&console);
    assert!(
        end.memory_kib <= begin.memory_kib + SLACK_KIB,
        "{begin:?} {end:?}"
    );
    // A line to a bottle that left may just be closing.
    assert!(
        end.descriptors <= begin.descriptors + BATCH,
        "{begin:?} {end:?}"
    );
    // Threads for what blocks come and go with the work there is.
    assert!(end.threads <= begin.threads + THREADS, "{begin:?} {end:?}");
    console.kill();
}
