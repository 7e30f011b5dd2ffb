//! What containers use, read as cheaply as it can be: from the kernel's own files where
//! the engine is on this machine, by its API elsewhere.
//!
//! An engine pays for each sample with CPU of its own (moby#39664); the files cost
//! microseconds. That a file is the container's is proven by its path, which holds the
//! container's id: another machine has no such path. This module must not know what
//! bottles are.

mod cgroup;
mod rate;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

use self::cgroup::{Cgroups, Place};
use super::engine::Engine;
use super::error::EngineError;
use super::model::StatsSample;
use crate::state::ContainerUse;

/// Samples that are asked of the engine at the same time.
const AT_ONCE: usize = 8;
/// A container that nobody asked for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(30);

/// Whether the engine may be on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// It listens on a socket of this machine.
    Here,
    /// It is somewhere else.
    Elsewhere,
}

/// Reads what containers use, and knows what they used before.
#[derive(Debug)]
pub struct Meter {
    engine: Arc<dyn Engine>,
    cgroups: Option<Cgroups>,
    known: HashMap<String, Known>,
    begun: Instant,
    asked: usize,
}

/// One container.
#[derive(Debug)]
struct Known {
    way: Way,
    /// The last sample, and when it was taken.
    last: Option<(Instant, StatsSample)>,
    asked: Instant,
}

/// How a container is read.
#[derive(Clone, Debug)]
enum Way {
    Files(Box<Place>),
    Engine,
}

impl Meter {
    /// A meter that has read nothing yet.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, whereabouts: Whereabouts) -> Self {
        let cgroups = match whereabouts {
            Whereabouts::Here => Cgroups::of_this_machine(),
            Whereabouts::Elsewhere => None,
        };
        Self {
            engine,
            cgroups,
            known: HashMap::new(),
            begun: Instant::now(),
            asked: 0,
        }
    }

    /// How many samples the engine itself was asked for in the last round.
    #[must_use]
    pub const fn asked(&self) -> usize {
        self.asked
    }

    /// What these containers use, by id. One that cannot be read, because it ended or
    /// the engine does not answer, is left out. The first sample of a container has no
    /// rates. Dropping the answer loses the round and nothing else.
    pub async fn read(&mut self, containers: &[String]) -> HashMap<String, ContainerUse> {
        let mut read = HashMap::with_capacity(containers.len());
        let mut others = Vec::new();
        for container in containers {
            match self.by_files(container).await {
                Some(sample) => {
                    read.insert(container.clone(), self.take(container, sample));
                }
                None => others.push(container.clone()),
            }
        }
        self.asked = others.len();
        let engine = Arc::clone(&self.engine);
        let mut samples = futures_util::stream::iter(others)
            .map(|container| {
                let engine = Arc::clone(&engine);
                async move {
                    let sample: Result<StatsSample, EngineError> = engine.stats(&container).await;
                    (container, sample)
                }
            })
            .buffer_unordered(AT_ONCE);
        while let Some((container, sample)) = samples.next().await {
            if let Ok(sample) = sample {
                let usage = self.take(&container, sample);
                read.insert(container, usage);
            }
        }
        let now = Instant::now();
        self.known
            .retain(|_, known| now.duration_since(known.asked) < FORGOTTEN_AFTER);
        read
    }

    /// Keeps a sample and compares it with the one before.
    fn take(&mut self, container: &str, sample: StatsSample) -> ContainerUse {
        let now = Instant::now();
        let known = self.known.entry(container.to_owned()).or_insert(Known {
            way: Way::Engine,
            last: None,
            asked: now,
        });
        known.asked = now;
        let before = known.last.replace((now, sample));
        let before = before.map(|(at, before)| (now.duration_since(at), before));
        rate::usage(before.as_ref(), &sample)
    }

    /// Reads the kernel's files, if the container has some here.
    async fn by_files(&mut self, container: &str) -> Option<StatsSample> {
        let place = self.place(container).await?;
        let elapsed = self.begun.elapsed();
        if let Ok(sample) = place.read(elapsed) {
            return Some(sample);
        }
        // It ended, or started again as another process.
        self.known.remove(container);
        None
    }

    async fn place(&mut self, container: &str) -> Option<Place> {
        if let Some(known) = self.known.get(container) {
            return match &known.way {
                Way::Files(place) => Some((**place).clone()),
                Way::Engine => None,
            };
        }
        let cgroups = self.cgroups.as_ref()?;
        let mut place = cgroups.find(container);
        if place.is_none()
            && let Ok(details) = self.engine.inspect(container).await
        {
            place = cgroups.find_by_process(container, details.pid);
            if cgroups.is_of_another(container, details.pid) {
                // What is so of one container is so of all.
                self.cgroups = None;
            }
        }
        // What cannot be read once will not be read later: permissions do not change.
        let place = place.filter(|place| place.read(self.begun.elapsed()).is_ok());
        let way = place
            .clone()
            .map_or(Way::Engine, |place| Way::Files(Box::new(place)));
        let known = Known {
            way,
            last: None,
            asked: Instant::now(),
        };
        self.known.insert(container.to_owned(), known);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::fake::FakeEngine;

    /// Nothing of it is on this machine, so that the engine is asked, once at a time.
    #[tokio::test]
    async fn a_container_that_is_elsewhere_is_asked_of_the_engine() {
        let engine = FakeEngine::new();
        let mut meter = Meter::new(Arc::new(engine.clone()), Whereabouts::Here);
        let gone = meter.read(&[String::from("gone")]).await;
        assert!(gone.is_empty());
        let asked = engine.calls();
        let samples = asked.iter().filter(|call| call.what == "stats");
        assert_eq!((samples.count(), meter.asked()), (1, 1));
    }
}
