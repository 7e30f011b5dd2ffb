//! What bottles use, and from which templates they are: asked for by the state, read by
//! tasks.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Console;
use crate::app::sampler::{Sampled, sampler};
use crate::state::{BottleRef, Event};

impl Console<'_> {
    /// Starts the task that reads what bottles use.
    pub(super) fn start_sampler(&mut self) {
        // One round may wait; what is asked for beyond that is asked for again.
        let (sampling, asked) = mpsc::channel(1);
        self.sampling = sampling;
        let engine = Arc::clone(&self.cellar.engine);
        let whereabouts = self.cellar.whereabouts();
        let events = self.events.clone();
        self.tasks.start(
            String::from("stats"),
            None,
            sampler(engine, whereabouts, asked, events),
        );
    }

    pub(super) fn sample(&self, bottles: &[BottleRef]) {
        let sightings = bottles
            .iter()
            .filter_map(|bottle| self.state.fleet.get(bottle)?.sighting.as_ref());
        let sampled = sightings
            .map(|sighting| Sampled::of(sighting.bottle.clone(), &sighting.containers))
            .collect();
        // A round that lasts longer than a tick makes room for the engine.
        drop(self.sampling.try_send(sampled));
    }

    pub(super) fn load_templates(&mut self, bottles: Vec<BottleRef>) {
        let store = self.cellar.store.clone();
        let events = self.events.clone();
        self.operations += 1;
        let name = format!("operation {} templates", self.operations);
        self.tasks.start(name, None, async move {
            let mut templates = Vec::with_capacity(bottles.len());
            for bottle in bottles {
                let record = store.record(&bottle.id);
                templates.push((
                    bottle,
                    record.map_or_else(|_| String::new(), |it| it.spec.template),
                ));
                tokio::task::yield_now().await;
            }
            // A console that is gone needs no groups.
            drop(events.send(Event::Templates { templates }).await);
        });
    }
}
