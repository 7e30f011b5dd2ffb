//! What bottles use, read for whoever asks: the console's rows and `cellar stats`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::docker::{Engine, Meter, Whereabouts};
use crate::state::{BottleRef, BottleSample, ContainerSighting, ContainerState, Event};
use crate::wire::Role;

/// An engine that was asked for more samples than this rests before it is asked again:
/// each costs it CPU.
const MANY: usize = 12;
const REST: Duration = Duration::from_secs(3);

/// Containers to be read, of one bottle.
#[derive(Clone, Debug)]
pub(super) struct Sampled {
    bottle: BottleRef,
    containers: Vec<(Role, String)>,
}

impl Sampled {
    /// Those of a bottle that run: what is stopped or frozen uses nothing.
    pub(super) fn of(bottle: BottleRef, containers: &[ContainerSighting]) -> Self {
        let running = containers
            .iter()
            .filter(|container| container.state == ContainerState::Running);
        Self {
            bottle,
            containers: running
                .map(|container| (container.role, container.container.clone()))
                .collect(),
        }
    }
}

/// Reads what is asked for, one round after the other, and tells it. Who asks while a
/// round lasts asks in vain and asks again, so that a slow engine is asked less.
pub(super) async fn sampler(
    engine: Arc<dyn Engine>,
    whereabouts: Whereabouts,
    mut asked: mpsc::Receiver<Vec<Sampled>>,
    events: mpsc::Sender<Event>,
) {
    let mut meter = Meter::new(engine, whereabouts);
    while let Some(bottles) = asked.recv().await {
        let samples = sample(&mut meter, bottles).await;
        let is_some = !samples.is_empty();
        if is_some && events.send(Event::Sampled { samples }).await.is_err() {
            return;
        }
        if meter.asked() > MANY {
            tokio::time::sleep(REST).await;
        }
    }
}

/// Reads the containers of bottles. A bottle of which none could be read is left out.
pub(super) async fn sample(meter: &mut Meter, bottles: Vec<Sampled>) -> Vec<BottleSample> {
    let containers = bottles.iter().flat_map(|bottle| &bottle.containers);
    let containers: Vec<String> = containers.map(|(_, container)| container.clone()).collect();
    let mut read = meter.read(&containers).await;
    let samples = bottles.into_iter().map(|bottle| {
        let containers = bottle.containers.into_iter();
        let found = containers.filter_map(|(role, id)| Some((role, read.remove(&id)?)));
        let containers: BTreeMap<_, _> = found.collect();
        BottleSample {
            bottle: bottle.bottle,
            containers,
        }
    });
    samples
        .filter(|sample| !sample.containers.is_empty())
        .collect()
}
