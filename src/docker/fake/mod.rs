//! An engine of tests: a world in memory that behaves like Docker where bottles
//! depend on it, writes down every call, and fails where a test says so.
//!
//! Like the real client it does nothing before an answer or a stream is polled, and
//! gives way at least once before and after each effect, so that what runs at the
//! same time interleaves.

mod archive;
mod builds;
mod details;
mod engine;
mod programs;
mod script;
mod world;

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use super::error::EngineError;
use super::model::ContainerDetails;
use crate::state::EngineId;

pub(crate) use script::{Call, Fault, Moment};
pub(crate) use world::World;

use script::Script;

/// A change of what the engine says that it applied.
pub(crate) type Change = fn(&mut ContainerDetails);

/// An engine in memory. Clones share one world.
#[derive(Clone, Debug)]
pub(crate) struct FakeEngine {
    id: EngineId,
    world: Arc<Mutex<World>>,
    script: Arc<Mutex<Script>>,
    /// Woken by whatever changes the world or the script.
    changed: watch::Sender<()>,
}

impl FakeEngine {
    /// An engine with nothing on it, which does all that it is asked.
    pub(crate) fn new() -> Self {
        Self {
            id: EngineId(String::from("fake")),
            world: Arc::default(),
            script: Arc::default(),
            changed: watch::Sender::new(()),
        }
    }

    /// What is on it; not to be held over an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// Lets the call of that number, counted from 0, go wrong.
    pub(crate) fn at(&self, index: usize, fault: Fault) {
        self.script().at(index, fault);
    }

    /// Lets the next such call go wrong; said again, the one after it too.
    pub(crate) fn next(&self, what: &'static str, on: &str, fault: Fault) {
        self.script().next(Call::new(what, on), fault);
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.script().calls()
    }

    /// Every call and every good answer so far.
    pub(crate) fn journal(&self) -> Vec<(Moment, Call)> {
        self.script().journal()
    }

    /// The calls whose fault came to pass.
    pub(crate) fn faults(&self) -> Vec<Call> {
        self.script().faults()
    }

    /// Waits until a call went wrong.
    pub(crate) async fn went_wrong(&self) {
        let mut changed = self.changed.subscribe();
        while self.faults().is_empty() {
            changed.changed().await.unwrap();
        }
    }

    /// Ends every events stream, with an error or as if the engine went quietly.
    pub(crate) fn end_events(&self, error: Option<&EngineError>) {
        self.world().end_events(error);
    }

    /// Does one thing as the script says.
    async fn perform<T>(
        &self,
        call: Call,
        effect: impl FnOnce(&mut World) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let fault = self.script().ask(&call);
        self.changed.send_replace(());
        tokio::task::yield_now().await;
        match fault {
            None => {}
            Some(Fault::Fail(error)) => return Err(error),
            Some(Fault::Hang) => return std::future::pending().await,
            Some(Fault::LoseAnswer(error)) => {
                drop(effect(&mut self.world()));
                self.changed.send_replace(());
                return Err(error);
            }
            Some(Fault::HangAfterwards) => {
                drop(effect(&mut self.world()));
                self.changed.send_replace(());
                return std::future::pending().await;
            }
        }
        let answer = effect(&mut self.world());
        self.changed.send_replace(());
        tokio::task::yield_now().await;
        if answer.is_ok() {
            self.script().answered(call);
        }
        answer
    }

    /// A container's name, if it is known by this id, so that calls read well.
    fn name_of(&self, container: &str) -> String {
        let world = self.world();
        let found = world.find(container);
        found
            .map_or(container, |found| &found.request.name)
            .to_owned()
    }
}
