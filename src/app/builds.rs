//! A place among the builds, and a note of how each ended.

use std::time::Duration;

use jiff::Timestamp;

use super::cellar::Cellar;
use super::change::Work;
use super::exit::Failure;
use crate::docker::{self, Step, Up, UpError};
use crate::spec::{BottleId, ImageSource, Spec};
use crate::store::{BuildMark, BuildNote, BuildNow, BuildOutcome, Lock, Store};

/// How many images are built at once, over all of the operator's consoles.
const BUILDS: usize = 2;
/// How often a build that waits for others looks again.
const PACE: Duration = Duration::from_millis(250);

/// An image that is being made. However that ends, it is noted: what nobody waited for to
/// the end was cancelled.
#[derive(Debug)]
pub(super) struct Building {
    store: Store,
    now: BuildNow,
    outcome: BuildOutcome,
    took: Option<Duration>,
    _mark: Option<BuildMark>,
    _slot: Lock,
}

impl Building {
    /// Its image is there; making it took so long, if that is known.
    pub(super) fn is_done(&mut self, took: Option<Duration>) {
        self.took = took;
        self.outcome = BuildOutcome::Done;
    }

    /// What the image was made for came to be, or did not.
    pub(super) fn end(&mut self, came: Result<Option<&Up>, &UpError>) {
        match came {
            Ok(up) => {
                let mut steps = up.into_iter().flat_map(|up| &up.steps);
                let image = steps.find(|one| one.step == Step::AgentImage);
                self.is_done(image.map(|image| image.took));
            }
            Err(error) if error.step == Step::AgentImage => {
                let why = Failure::new("make the image", error).cause();
                self.outcome = BuildOutcome::Failed { why };
            }
            // What comes after the image needs it; what comes before it left it unmade.
            Err(error) if error.step > Step::Network => self.is_done(None),
            Err(_) => {}
        }
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        let took = self.took.and_then(|took| took.try_into().ok());
        let ended =
            took.and_then(|took: jiff::SignedDuration| self.now.began.checked_add(took).ok());
        // A list that misses one costs nothing.
        drop(self.store.note_build(&BuildNote {
            bottle: self.now.bottle.clone(),
            began: self.now.began,
            ended: ended.unwrap_or_else(Timestamp::now),
            outcome: self.outcome.clone(),
        }));
    }
}

impl Cellar {
    /// Waits until fewer than [`BUILDS`] images are being built. What is no build waits
    /// for none.
    pub(super) async fn build_slot(
        &self,
        id: &BottleId,
        spec: &Spec,
        work: &Work,
    ) -> Result<Option<Building>, Failure> {
        let attempt = || String::from("get the agent's image");
        if !matches!(spec.image, ImageSource::Dockerfile { .. }) {
            return Ok(None);
        }
        let is_built = docker::is_built(&*self.engine, spec).await;
        if is_built.map_err(|error| Failure::new(attempt(), &error))? {
            return Ok(None);
        }
        let mut has_told = false;
        loop {
            let slot = self.store.build_slot(BUILDS);
            if let Some(slot) = slot.map_err(|error| Failure::new(attempt(), &error))? {
                let now = BuildNow {
                    bottle: id.clone(),
                    began: Timestamp::now(),
                };
                return Ok(Some(Building {
                    store: self.store.clone(),
                    outcome: BuildOutcome::Cancelled,
                    took: None,
                    _mark: self.store.mark_build(&now).ok(),
                    now,
                    _slot: slot,
                }));
            }
            if !has_told {
                has_told = true;
                let text = format!("waits: {BUILDS} other images are being built");
                work.say(Step::AgentImage, text);
            }
            tokio::time::sleep(PACE).await;
        }
    }
}
