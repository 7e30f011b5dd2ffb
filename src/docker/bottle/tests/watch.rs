//! Watching an engine: when it is asked, and what is told of it. Time stands still
//! unless everybody waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::support::{engine, id, name, small, try_up};
use crate::docker::bottle::{WatchEvent, watch};
use crate::docker::fake::{Call, FakeEngine, Fault};
use crate::docker::labels::BOTTLE;

/// A watch that runs, and what it says.
struct Watched {
    engine: FakeEngine,
    said: mpsc::Receiver<WatchEvent>,
    task: JoinHandle<()>,
    begun: Instant,
}

impl Watched {
    fn new(engine: &FakeEngine) -> Self {
        let (tx, said) = mpsc::channel(16);
        Self {
            engine: engine.clone(),
            said,
            task: tokio::spawn(watch(Arc::new(engine.clone()), tx)),
            begun: Instant::now(),
        }
    }

    /// What it says next, in one word, and how long after the beginning.
    async fn next(&mut self) -> (&'static str, Duration) {
        let word = match self.said.recv().await.unwrap() {
            WatchEvent::Bottles(_) => "bottles",
            WatchEvent::EngineLost { .. } => "lost",
            WatchEvent::EngineBack => "back",
        };
        (word, self.begun.elapsed())
    }

    fn asked(&self, what: &'static str) -> usize {
        let wanted = Call::new(what, BOTTLE);
        let calls = self.engine.calls().into_iter();
        calls.filter(|call| *call == wanted).count()
    }

    fn tell(&self, action: &str) {
        self.engine.world().tell(&name("agent"), action);
    }
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A watch of one bottle that said its first list.
async fn watched() -> Watched {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    let mut watched = Watched::new(&engine);
    assert_eq!(watched.next().await, ("bottles", Duration::ZERO));
    watched
}

#[tokio::test(start_paused = true)]
async fn a_list_of_all_bottles_comes_first() {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    let mut watched = Watched::new(&engine);
    let Some(WatchEvent::Bottles(bottles)) = watched.said.recv().await else {
        panic!("a list")
    };
    let seen: Vec<_> = bottles
        .iter()
        .map(|bottle| (&bottle.bottle.id, bottle.containers.len()))
        .collect();
    assert_eq!(seen, [(&id(), 3)]);
}

/// The client asks for events only once the stream is read, which was after the list.
#[tokio::test(start_paused = true)]
async fn the_engine_is_asked_for_events_before_it_is_asked_for_the_list() {
    let engine = engine();
    let mut watched = Watched::new(&engine);
    watched.next().await;
    let calls = engine.calls();
    assert_eq!(
        calls,
        ["events", "containers"].map(|what| Call::new(what, BOTTLE))
    );
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_the_list_is_made_gives_another_list() {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    let mut watched = Watched::new(&engine);
    // From the moment it subscribed the list is under way, too.
    while !engine.world().has_listener() {
        tokio::task::yield_now().await;
    }
    assert_eq!(watched.asked("containers"), 1);
    watched.tell("die");
    assert_eq!(watched.next().await, ("bottles", Duration::ZERO));
    assert_eq!(watched.next().await, ("bottles", millis(60)));
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_events_gives_one_list() {
    let mut watched = watched().await;
    for action in ["die", "stop", "start", "destroy"] {
        watched.tell(action);
        tokio::time::sleep(millis(10)).await;
    }
    assert_eq!(watched.next().await, ("bottles", millis(60)));
    assert_eq!(watched.asked("containers"), 2);
    // And silence after it, up to the audit.
    assert_eq!(watched.next().await, ("bottles", millis(45_060)));
}

#[tokio::test(start_paused = true)]
async fn programs_in_containers_are_no_reason_to_list() {
    let mut watched = watched().await;
    for action in ["exec_create", "exec_start", "exec_die", "attach", "resize"] {
        watched.tell(action);
    }
    assert_eq!(watched.next().await, ("bottles", millis(45_000)));
}

#[tokio::test(start_paused = true)]
async fn an_audit_lists_and_subscribes_anew() {
    let mut watched = watched().await;
    assert_eq!(watched.asked("events"), 1);
    assert_eq!(watched.next().await, ("bottles", millis(45_000)));
    assert_eq!(watched.asked("events"), 2);
    watched.tell("die");
    assert_eq!(watched.next().await, ("bottles", millis(45_060)));
    assert_eq!(watched.asked("events"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_engine_is_told_once_and_tried_with_growing_waits() {
    let mut watched = watched().await;
    for _ in 0..7 {
        watched.engine.next("containers", BOTTLE, Fault::away());
    }
    let Fault::Fail(error) = Fault::away() else {
        panic!("an error")
    };
    watched.engine.end_events(Some(&error));
    assert_eq!(watched.next().await, ("lost", Duration::ZERO));
    // 250 ms, doubled four times, then the longest three times.
    let waits = 250 + 500 + 1_000 + 2_000 + 4_000 + 3 * 5_000;
    assert_eq!(watched.next().await, ("back", millis(waits)));
    assert_eq!(watched.next().await, ("bottles", millis(waits)));
    // The next loss begins with the shortest wait again.
    watched.engine.end_events(None);
    assert_eq!(watched.next().await, ("lost", millis(waits)));
    assert_eq!(watched.next().await, ("back", millis(waits + 250)));
    assert_eq!(watched.next().await, ("bottles", millis(waits + 250)));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_away_at_first_is_lost_too() {
    let engine = engine();
    engine.next("containers", BOTTLE, Fault::away());
    let mut watched = Watched::new(&engine);
    assert_eq!(watched.next().await, ("lost", Duration::ZERO));
    assert_eq!(watched.next().await, ("back", millis(250)));
    assert_eq!(watched.next().await, ("bottles", millis(250)));
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_when_nobody_listens() {
    let idle = watched().await;
    let mut lost = watched().await;
    lost.engine.end_events(None);
    lost.next().await;
    for watched in [idle, lost] {
        drop(watched.said);
        watched.task.await.unwrap();
    }
}
