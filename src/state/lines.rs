//! Which lines should stand, and the effects that bring that about.
//!
//! Every line is asked for once and let go once: what was asked is kept here and
//! compared with what the view needs after each event.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::console::State;
use super::effect::Effect;
use super::sighting::BottleRef;
use super::spec_rows::SpecView;
use super::view::{Focus, Tab};
use crate::wire::Role;

/// What the app was asked to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Control lines.
    pub hubs: BTreeSet<BottleRef>,
    /// The bottle whose session is previewed.
    pub preview: Option<BottleRef>,
    /// The bottle whose preview ended, and why; it is not asked for again until
    /// another bottle is looked at or its containers change.
    pub broken_preview: Option<(BottleRef, String)>,
    /// The bottles whose sessions are shown side by side.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tiles: BTreeSet<BottleRef>,
    /// The bottle whose session is attached or being attached.
    pub session: Option<BottleRef>,
}

impl State {
    /// Asks for the lines that are missing and lets go those that are not needed.
    pub(super) fn settle_lines(&mut self, effects: &mut Vec<Effect>) {
        self.settle_hubs(effects);
        self.settle_logs(effects);
        self.settle_session(effects);
        self.settle_spec(effects);
    }

    fn settle_hubs(&mut self, effects: &mut Vec<Effect>) {
        let wanted: BTreeSet<BottleRef> = self
            .fleet
            .bottles()
            .iter()
            .filter(|bottle| bottle.runs(Role::Supervise))
            .map(|bottle| bottle.bottle.clone())
            .collect();
        for bottle in self.lines.hubs.difference(&wanted).cloned() {
            effects.push(Effect::UnwatchHub { bottle });
        }
        for bottle in wanted.difference(&self.lines.hubs).cloned() {
            effects.push(Effect::WatchHub { bottle });
        }
        self.lines.hubs = wanted;
    }

    fn settle_session(&mut self, effects: &mut Vec<Effect>) {
        let attached = match &self.view.focus {
            Focus::Attached { bottle, full, .. } => Some((bottle.clone(), *full)),
            Focus::List
            | Focus::Detail
            | Focus::Egress
            | Focus::Inbox
            | Focus::Builds
            | Focus::Audit => None,
        };
        let preview = self.wanted_preview();
        if self.lines.preview != preview
            && let Some(bottle) = self.lines.preview.take()
        {
            effects.push(Effect::ClosePreview { bottle });
        }
        let tiles = self.wanted_tiles();
        for bottle in self.lines.tiles.difference(&tiles).cloned() {
            effects.push(Effect::CloseTile { bottle });
        }
        let wanted = attached.as_ref().map(|(bottle, _)| bottle.clone());
        if self.lines.session != wanted {
            if let Some(bottle) = self.lines.session.take() {
                effects.push(Effect::Detach { bottle });
            }
            if let Some((bottle, full)) = attached {
                effects.push(Effect::Attach { bottle, full });
            }
            self.lines.session = wanted;
        }
        for bottle in tiles.difference(&self.lines.tiles).cloned() {
            effects.push(Effect::WatchTile { bottle });
        }
        self.lines.tiles = tiles;
        if let Some(bottle) = preview.clone().filter(|_| self.lines.preview.is_none()) {
            effects.push(Effect::Preview { bottle });
        }
        self.lines.preview = preview;
    }

    fn wanted_preview(&mut self) -> Option<BottleRef> {
        let selected = self.selected_bottle()?;
        let reference = selected.bottle.clone();
        let is_seen = self.view.tab == Tab::Session
            && self.view.selected.as_ref()?.sidecar.is_none()
            && selected.has_session()
            && !self.fleet.is_lost(&reference.engine)
            && self.attached().is_none()
            && self.shown_split().is_none()
            && !self.view.focus.is_wide();
        if let Some((broken, _)) = &self.lines.broken_preview {
            if *broken == reference {
                return None;
            }
            self.lines.broken_preview = None;
        }
        is_seen.then_some(reference)
    }

    fn settle_spec(&mut self, effects: &mut Vec<Effect>) {
        if !matches!(self.view.tab, Tab::Spec | Tab::Egress) {
            return;
        }
        let Some(selected) = self.view.selected.as_ref().map(|row| row.bottle.clone()) else {
            return;
        };
        let Some(bottle) = self.fleet.get_mut(&selected) else {
            return;
        };
        if bottle.spec == SpecView::Unknown {
            bottle.spec = SpecView::Asked;
            effects.push(Effect::LoadSpec { bottle: selected });
        }
    }
}
