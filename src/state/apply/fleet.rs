//! What engines show.

use std::collections::BTreeSet;

use crate::state::bottle::Bottle;
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::event::{FleetEvent, OperationKind};
use crate::state::fleet::EngineState;
use crate::state::sighting::{BottleRef, BottleSighting, EngineId};
use crate::wire::Role;

impl State {
    pub(super) fn on_fleet(&mut self, event: FleetEvent, effects: &mut Vec<Effect>) {
        self.view.inbox.is_stale = true;
        match event {
            FleetEvent::Sightings { engine, bottles } => self.on_sightings(engine, bottles),
            FleetEvent::Changed { sighting } => self.sight(sighting),
            FleetEvent::Gone { bottle } => self.forget(|known| known.bottle == bottle),
            FleetEvent::EngineLost { engine, why } => {
                self.set_engine(engine, EngineState::Lost { why });
            }
            FleetEvent::EngineBack { engine } => {
                self.set_engine(engine, EngineState::Up);
                effects.push(Effect::RefreshFleet);
            }
        }
    }

    fn on_sightings(&mut self, engine: EngineId, bottles: Vec<BottleSighting>) {
        let seen: BTreeSet<BottleRef> = bottles
            .iter()
            .map(|sighting| sighting.bottle.clone())
            .collect();
        self.forget(|known| known.bottle.engine == engine && !seen.contains(&known.bottle));
        self.set_engine(engine, EngineState::Up);
        for sighting in bottles {
            self.sight(sighting);
        }
    }

    fn set_engine(&mut self, engine: EngineId, state: EngineState) {
        if self.fleet.engines.get(&engine) != Some(&state) {
            self.fleet.engines.insert(engine, state);
            self.touch();
        }
    }

    fn sight(&mut self, sighting: BottleSighting) {
        let reference = sighting.bottle.clone();
        let known = self.fleet.get(&reference);
        if known.and_then(|known| known.sighting.as_ref()) == Some(&sighting) {
            return;
        }
        let ran = Role::ALL.map(|role| known.is_some_and(|known| known.runs(role)));
        self.fleet.sight(sighting);
        let Some(known) = self.fleet.get_mut(&reference) else {
            return;
        };
        if known
            .failed
            .as_ref()
            .is_some_and(|failed| failed.kind != OperationKind::Start)
        {
            known.failed = None;
        }
        for (role, ran) in Role::ALL.into_iter().zip(ran) {
            if ran || !known.runs(role) {
                continue;
            }
            if role == Role::Agent {
                known.hub.ended = None;
                known.hub.session = None;
            }
        }
        if !known.runs(Role::Supervise) {
            // Without a hub what it said is history, and a broken line no trouble of
            // its own.
            known.hub.line = crate::state::bottle::HubLine::Unknown;
        }
        if self
            .lines
            .broken_preview
            .as_ref()
            .is_some_and(|(bottle, _)| *bottle == reference)
        {
            self.lines.broken_preview = None;
        }
        self.touch();
    }

    /// Forgets bottles that are gone from their engine, but keeps those that are being
    /// made and those whose failed start was not read yet.
    fn forget(&mut self, is_gone: impl Fn(&Bottle) -> bool) {
        let mut changed = false;
        for bottle in self.fleet.iter_mut().filter(|bottle| is_gone(bottle)) {
            changed |= bottle.sighting.take().is_some();
        }
        let stays = |bottle: &Bottle| {
            !is_gone(bottle)
                || bottle
                    .operation
                    .as_ref()
                    .is_some_and(|operation| operation.kind == OperationKind::Start)
                || bottle
                    .failed
                    .as_ref()
                    .is_some_and(|failed| failed.kind == OperationKind::Start)
        };
        let before = self.fleet.bottles().len();
        self.fleet.retain(stays);
        if self.fleet.bottles().len() != before {
            self.view.decided.forget();
            self.view.all_egress.is_stale = true;
        }
        if changed || self.fleet.bottles().len() != before {
            self.touch();
        }
    }
}
