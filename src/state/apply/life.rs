//! What is done to bottles: to the selected one, or to all that are marked.

use crate::state::bottle::Bottle;
use crate::state::command::Life;
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::event::OperationKind;
use crate::state::sighting::BottleRef;
use crate::state::view::Modal;
use crate::wire::Role;

impl State {
    pub(super) fn on_life_command(&mut self, life: Life, effects: &mut Vec<Effect>) {
        match life {
            Life::Mark => self.mark(),
            Life::MarkRange => self.mark_range(),
            Life::MarkAll => self.mark_all(),
            Life::Send => self.ask_what_to_send(),
            Life::Panic => self.ask_to_panic(),
            Life::Freeze => self.freeze(effects),
            Life::Cut => self.cut(effects),
            Life::FreezeOnly => self.ask_for_all(OperationKind::Freeze, effects),
            Life::Unfreeze => self.ask_for_all(OperationKind::Unfreeze, effects),
            Life::CutOnly => self.ask_for_all(OperationKind::Cut, effects),
            Life::Reconnect => self.ask_for_all(OperationKind::Reconnect, effects),
            Life::Restart => self.ask_for_all(OperationKind::Restart, effects),
            Life::Stop if self.is_marking() => self.ask_for_all(OperationKind::Stop, effects),
            Life::Resume if self.is_marking() => {
                self.ask_for_all(OperationKind::Resume, effects);
            }
            Life::Remove if self.is_marking() => {
                self.ask_for_all(OperationKind::Remove, effects);
            }
            Life::Stop => self.ask_to_stop(),
            Life::Resume => self.resume(effects),
            Life::Remove => self.ask_to_remove(),
        }
    }

    pub(super) fn is_marking(&self) -> bool {
        !self.view.marked.is_empty()
    }

    fn selected_reference(&mut self) -> Option<BottleRef> {
        let selected = self.view.selected.as_ref().map(|row| row.bottle.clone());
        if selected.is_none() {
            self.tell(String::from("no bottle is selected: s starts an agent"));
        }
        selected
    }

    /// The selected bottle, if nothing is done to it; otherwise says what is.
    fn free_bottle(&mut self) -> Option<BottleRef> {
        let selected = self.selected_reference()?;
        let known = self.fleet.get(&selected)?;
        if let Some(operation) = &known.operation {
            let or = if operation.can_cancel {
                ", or cancel it with c"
            } else {
                ""
            };
            let text = format!(
                "{}: wait for the {} to end{or}",
                selected.id,
                operation.kind.verb()
            );
            self.warn(text);
            return None;
        }
        Some(selected)
    }

    fn ask_to_stop(&mut self) {
        let Some(bottle) = self.free_bottle() else {
            return;
        };
        if self.fleet.get(&bottle).is_some_and(Bottle::is_alive) {
            self.open(Modal::ConfirmStop { bottle });
        } else {
            self.warn(format!(
                "{} does not run: r resumes it, d removes it",
                bottle.id
            ));
        }
    }

    fn resume(&mut self, effects: &mut Vec<Effect>) {
        let Some(bottle) = self.free_bottle() else {
            return;
        };
        let known = self.fleet.get(&bottle);
        if known.is_some_and(Bottle::is_resumable) {
            effects.extend(self.ask(&bottle, OperationKind::Resume));
        } else if known.is_some_and(|known| known.container(Role::Agent).is_none()) {
            self.warn(format!(
                "{} has no agent container: d removes it",
                bottle.id
            ));
        } else {
            self.warn(format!("{} runs: x stops it", bottle.id));
        }
    }

    fn ask_to_remove(&mut self) {
        let Some(bottle) = self.free_bottle() else {
            return;
        };
        let is_made = self
            .fleet
            .get(&bottle)
            .is_some_and(|known| known.sighting.is_some());
        if is_made {
            self.open(Modal::ConfirmRemove { bottle });
        } else {
            // A failed start left nothing but the row that says so.
            self.fleet.retain(|known| known.bottle != bottle);
            self.touch();
        }
    }
}
