//! Marks, and what is done to the marked bottles or to all.

use std::collections::BTreeSet;

use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::event::OperationKind;
use crate::state::mass::{Mass, Standing};
use crate::state::sighting::BottleRef;
use crate::state::view::{LinePurpose, Modal};

impl State {
    /// Marks the selected bottle or takes its mark away, and goes on to the next row; on
    /// the head of a group, all that are in it.
    pub(super) fn mark(&mut self) {
        if let Some(group) = &self.view.group {
            let members = self.grouped(group).map(|known| known.bottle.clone());
            self.mark_these(members.collect());
            return;
        }
        let Some(row) = self.view.selected.clone() else {
            return;
        };
        if !self.view.marked.remove(&row.bottle) {
            self.view.marked.insert(row.bottle.clone());
        }
        self.view.marked_last = Some(row.bottle);
        self.scroll(1);
        self.touch();
    }

    /// Marks all that stand between the last mark and the selected bottle.
    pub(super) fn mark_range(&mut self) {
        let Some(selected) = self.view.selected.as_ref().map(|row| row.bottle.clone()) else {
            return;
        };
        let shown = self.shown_bottles();
        let place = |wanted: &BottleRef| shown.iter().position(|bottle| bottle == wanted);
        let to = place(&selected);
        let from = self.view.marked_last.as_ref().and_then(place).or(to);
        if let (Some(from), Some(to)) = (from, to) {
            let (first, last) = (from.min(to), from.max(to));
            let range = shown.into_iter().skip(first).take(last - first + 1);
            self.view.marked.extend(range);
        }
        self.view.marked_last = Some(selected);
        self.touch();
    }

    /// Marks all that the list shows; if they are marked already, none.
    pub(super) fn mark_all(&mut self) {
        let shown = self.shown_bottles().into_iter().collect();
        self.mark_these(shown);
    }

    /// Marks all of these; if they are marked already, none of them.
    fn mark_these(&mut self, these: BTreeSet<BottleRef>) {
        if these.is_subset(&self.view.marked) {
            self.view.marked.retain(|bottle| !these.contains(bottle));
        } else {
            self.view.marked.extend(these);
        }
        self.touch();
    }

    fn shown_bottles(&self) -> Vec<BottleRef> {
        let rows = self.rows().into_iter();
        rows.filter(|row| row.sidecar.is_none())
            .map(|row| row.bottle)
            .collect()
    }

    /// Forgets marks of bottles that are gone.
    pub(super) fn settle_marks(&mut self) {
        let fleet = &self.fleet;
        let before = self.view.marked.len();
        self.view
            .marked
            .retain(|bottle| fleet.get(bottle).is_some());
        if self.view.marked.len() != before {
            self.touch();
        }
        let last = self.view.marked_last.take();
        self.view.marked_last = last.filter(|bottle| self.fleet.get(bottle).is_some());
    }

    /// Freezes what runs; if nothing does, lets go on what is frozen.
    pub(super) fn freeze(&mut self, effects: &mut Vec<Effect>) {
        self.one_or_the_other(OperationKind::Freeze, OperationKind::Unfreeze, effects);
    }

    /// Cuts what is connected; if nothing is, connects what is cut.
    pub(super) fn cut(&mut self, effects: &mut Vec<Effect>) {
        self.one_or_the_other(OperationKind::Cut, OperationKind::Reconnect, effects);
    }

    fn one_or_the_other(
        &mut self,
        kind: OperationKind,
        other: OperationKind,
        effects: &mut Vec<Effect>,
    ) {
        let kind = if self.that_take(kind).is_empty() && !self.that_take(other).is_empty() {
            other
        } else {
            kind
        };
        self.ask_for_all(kind, effects);
    }

    /// Asks whether something is to be done to all that a command is about. What harms
    /// nothing and is about one bottle is done at once.
    pub(super) fn ask_for_all(&mut self, kind: OperationKind, effects: &mut Vec<Effect>) {
        let targets = self.targets();
        let bottles = self.that_take(kind);
        match (targets.as_slice(), bottles.as_slice()) {
            ([], _) => self.tell(String::from("no bottle is selected: s starts an agent")),
            ([one], []) => {
                let why = self
                    .fleet
                    .get(one)
                    .and_then(|known| known.takes(kind).err());
                let why = why.unwrap_or("it is gone");
                self.warn(format!("{}: {why}", one.id));
            }
            (several, []) => {
                let verb = kind.verb();
                self.warn(format!(
                    "there is nothing to {verb} among the {} marked",
                    several.len()
                ));
            }
            (_, [_]) if is_light(kind) => self.do_to_all(kind, bottles, effects),
            _ => {
                let left_out = targets.len() - bottles.len();
                self.open(Modal::ConfirmAll {
                    kind,
                    bottles,
                    left_out,
                });
            }
        }
    }

    /// Does it to all of them.
    pub(super) fn do_to_all(
        &mut self,
        kind: OperationKind,
        bottles: Vec<BottleRef>,
        effects: &mut Vec<Effect>,
    ) {
        let mut waiting = BTreeSet::new();
        for bottle in bottles {
            if let Some(effect) = self.ask(&bottle, kind) {
                effects.push(effect);
                waiting.insert(bottle);
            }
        }
        let total = waiting.len();
        // One bottle speaks for itself.
        self.mass = (total > 1).then_some(Mass {
            kind,
            waiting,
            total,
            failed: 0,
        });
    }

    /// Asks for a line to type into the sessions that a command is about.
    pub(super) fn ask_what_to_send(&mut self) {
        let bottles = self.that_talk();
        if bottles.is_empty() {
            self.warn(String::from("there is no session to type into"));
            return;
        }
        self.open(Modal::Line {
            purpose: LinePurpose::Send { bottles },
            shown: Vec::new(),
            text: String::new(),
        });
    }

    /// Types a line into sessions.
    pub(super) fn send_line(
        &mut self,
        bottles: Vec<BottleRef>,
        text: &str,
        effects: &mut Vec<Effect>,
    ) {
        let text = text.trim().to_owned();
        if text.is_empty() {
            self.warn(String::from("nothing was typed, so nothing was sent"));
            return;
        }
        effects.push(Effect::SendLine { bottles, text });
    }

    /// Counts an operation that ended. Whether it was one of several, which are told of
    /// together.
    pub(super) fn counted(
        &mut self,
        bottle: &BottleRef,
        kind: OperationKind,
        is_done: bool,
    ) -> bool {
        let Some(mass) = self.mass.as_mut().filter(|mass| mass.kind == kind) else {
            return false;
        };
        if !mass.waiting.remove(bottle) {
            return false;
        }
        if !is_done {
            mass.failed += 1;
        }
        let (words, has_failed, is_over) = (mass.words(), mass.failed > 0, mass.waiting.is_empty());
        if has_failed {
            self.warn(words);
        } else {
            self.tell(words);
        }
        if is_over {
            self.mass = None;
        }
        true
    }

    /// Asks whether everything is to be held still, or let go.
    pub(super) fn ask_to_panic(&mut self) {
        if let Some(standing) = self.panic.clone() {
            self.open(Modal::ConfirmLift { standing });
        } else {
            let runs = |known: &&crate::state::Bottle| known.is_alive();
            let running = self.fleet.bottles().iter().filter(runs).count();
            self.open(Modal::ConfirmPanic { running });
        }
    }

    pub(super) fn on_standing(&mut self, standing: Option<Standing>) {
        if self.panic != standing {
            self.panic = standing;
            self.touch();
        }
    }
}

/// Whether it can be taken back at once and loses nothing.
const fn is_light(kind: OperationKind) -> bool {
    matches!(
        kind,
        OperationKind::Freeze | OperationKind::Unfreeze | OperationKind::Resume
    )
}
