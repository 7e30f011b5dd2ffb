//! News of operations, and of tasks that ended.

use crate::state::bottle::{FailedOperation, Operation};
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::event::{OperationKind, OperationNews, OperationReport};
use crate::state::sighting::{BottleRef, BottleSighting, ContainerSighting, ContainerState};
use crate::state::view::{Focus, Modal, RowName};
use crate::wire::Role;

impl State {
    pub(super) fn on_operation(&mut self, report: OperationReport, effects: &mut Vec<Effect>) {
        self.touch();
        // A build may have begun or ended with it.
        self.view.builds.is_stale |= !matches!(report.news, OperationNews::Step { .. });
        if report.kind == OperationKind::Start && self.starting.as_ref() == Some(&report.agent) {
            self.starting = None;
        }
        let Some(bottle) = report.bottle else {
            self.on_nameless(&report.agent, report.kind, report.news);
            return;
        };
        match report.news {
            OperationNews::Began => {
                if let Some(known) = self.fleet.get_mut(&bottle) {
                    known.output.retain(|_| false);
                }
                let operation = Operation::asked(report.kind);
                self.operate(&bottle, &report.agent, operation);
            }
            OperationNews::Step {
                what,
                is_output,
                is_build,
                done,
                of,
                can_cancel,
            } => {
                let said = is_output.then(|| what.clone());
                let operation = Operation {
                    kind: report.kind,
                    what,
                    is_build,
                    build_since: is_build.then(|| self.build_since(&bottle)),
                    done,
                    of,
                    can_cancel,
                };
                self.operate(&bottle, &report.agent, operation);
                if let (Some(said), Some(known)) = (said, self.fleet.get_mut(&bottle)) {
                    known.hear_output(&said);
                }
            }
            OperationNews::Ended { outcome: Ok(()) } => {
                self.on_done(&bottle, report.kind);
                effects.push(Effect::RefreshFleet);
            }
            OperationNews::Ended { outcome: Err(why) } => {
                self.on_failed(&bottle, report.kind, &why);
                effects.push(Effect::RefreshFleet);
            }
            OperationNews::Cancelled => {
                self.on_cancelled(&bottle, report.kind);
                effects.push(Effect::RefreshFleet);
            }
        }
    }

    /// Since when an image is being made for a bottle, which is from now on if it was not.
    fn build_since(&self, bottle: &BottleRef) -> jiff::Timestamp {
        let operation = self
            .fleet
            .get(bottle)
            .and_then(|known| known.operation.as_ref());
        let since = operation.and_then(|one| one.build_since);
        since.unwrap_or(self.now)
    }

    /// A start that has no bottle yet.
    fn on_nameless(&mut self, agent: &str, kind: OperationKind, news: OperationNews) {
        match news {
            OperationNews::Began => self.tell(format!("starting {agent}")),
            OperationNews::Step { what, .. } => self.tell(format!("starting {agent}: {what}")),
            OperationNews::Ended { outcome: Ok(()) } => {}
            OperationNews::Cancelled => self.tell(format!("{agent}: {} cancelled", kind.verb())),
            OperationNews::Ended { outcome: Err(why) } => {
                let title = format!("{agent}: failed to {}", kind.verb());
                if self.view.modal.is_none() && self.attached().is_none() {
                    self.view.modal = Some(Modal::Message {
                        title,
                        text: why,
                        scroll: 0,
                    });
                } else {
                    self.warn(format!("{title}: {why}"));
                }
            }
        }
    }

    fn operate(&mut self, bottle: &BottleRef, agent: &str, operation: Operation) {
        let is_new = self.fleet.get(bottle).is_none();
        if is_new && operation.kind != OperationKind::Start {
            return;
        }
        let known = self.fleet.get_or_add(bottle, agent);
        known.operation = Some(operation);
        known.failed = None;
        if is_new && self.attached().is_none() {
            // The operator just asked for it; a filter must not hide it.
            self.view.filter.clear();
            self.view.selected = Some(RowName {
                bottle: bottle.clone(),
                sidecar: None,
            });
        }
    }

    fn on_done(&mut self, bottle: &BottleRef, kind: OperationKind) {
        let Some(known) = self.fleet.get_mut(bottle) else {
            return;
        };
        known.operation = None;
        known.failed = None;
        let id = bottle.id.clone();
        let seen = known.sighting.as_mut();
        if let Some(seen) = seen {
            follow(seen, kind);
        }
        if kind == OperationKind::Change {
            known.output.retain(|_| false);
        }
        if kind == OperationKind::Remove {
            self.fleet.retain(|known| known.bottle != *bottle);
        }
        if self.counted(bottle, kind, true) {
            return;
        }
        match kind {
            OperationKind::Start => self.tell(format!("{id} started: enter attaches")),
            OperationKind::Resume | OperationKind::Restart => {
                self.tell(format!("{id} runs again"));
            }
            OperationKind::Stop => self.tell(format!("{id} stopped: r resumes it, d removes it")),
            OperationKind::Remove => self.tell(format!("{id} removed")),
            OperationKind::Freeze => {
                self.tell(format!("{id} is frozen where it was: p lets it go on"));
            }
            OperationKind::Unfreeze => self.tell(format!("{id} goes on")),
            OperationKind::Cut => {
                self.tell(format!(
                    "{id} is cut: nothing leaves it until C connects it again"
                ));
            }
            OperationKind::Reconnect => self.tell(format!("{id} is connected again")),
            // Who asked for it is told with the request.
            OperationKind::Change => {}
        }
    }

    /// Takes the word that what was begun is undone.
    fn on_cancelled(&mut self, bottle: &BottleRef, kind: OperationKind) {
        let id = &bottle.id;
        if kind == OperationKind::Start {
            self.fleet.retain(|known| known.bottle != *bottle);
            self.tell(format!(
                "{id}: its start was cancelled; nothing is left of it"
            ));
            return;
        }
        if let Some(known) = self.fleet.get_mut(bottle) {
            known.operation = None;
        }
        let verb = kind.verb();
        self.tell(format!("{id}: the {verb} was cancelled; it is as it was"));
    }

    /// The bottle that is selected, in the inbox the one that asks, if what is being done
    /// to it can be cancelled.
    pub(in crate::state) fn cancellable(&self) -> Option<&BottleRef> {
        let known = self.fleet.get(self.meant_bottle()?)?;
        let operation = known.operation.as_ref()?;
        operation.can_cancel.then_some(&known.bottle)
    }

    fn meant_bottle(&self) -> Option<&BottleRef> {
        if self.view.focus == Focus::Inbox {
            return self.view.inbox.row()?.bottle();
        }
        if self.view.focus == Focus::Builds {
            return self.build_bottle();
        }
        Some(&self.view.selected.as_ref()?.bottle)
    }

    pub(super) fn ask_to_cancel(&mut self) {
        if let Some(bottle) = self.cancellable().cloned() {
            self.open(Modal::ConfirmCancel { bottle });
            return;
        }
        let meant = self.meant_bottle();
        let operation = meant.and_then(|bottle| self.fleet.get(bottle)?.operation.as_ref());
        let why = match operation.map(|operation| operation.kind) {
            None => "nothing is being done to this bottle",
            Some(OperationKind::Change) => {
                "it is on record already, and goes on to its end or back; u takes it back then"
            }
            Some(OperationKind::Start) => "it cannot be cancelled yet: press the key again",
            Some(_) => "only a start or a change can be cancelled",
        };
        self.warn(why.to_owned());
    }

    /// Cancels what is being done to a bottle, if that goes on.
    pub(super) fn cancel_operation(&mut self, bottle: BottleRef, effects: &mut Vec<Effect>) {
        let known = self.fleet.get(&bottle);
        if known.is_some_and(|known| known.operation.is_some()) {
            self.tell(format!("cancelling what is done to {}", bottle.id));
            effects.push(Effect::CancelOperation { bottle });
        }
    }

    fn on_failed(&mut self, bottle: &BottleRef, kind: OperationKind, why: &str) {
        if let Some(known) = self.fleet.get_mut(bottle) {
            known.operation = None;
            known.failed = Some(FailedOperation {
                kind,
                why: why.to_owned(),
            });
        }
        if self.counted(bottle, kind, false) {
            return;
        }
        // What comes of a change is told with its request.
        if kind != OperationKind::Change {
            self.warn(format!("failed to {} {}: {why}", kind.verb(), bottle.id));
        }
    }

    pub(super) fn on_task_ended(&mut self, name: &str, bottle: Option<BottleRef>, how: &str) {
        if let Some(bottle) = &bottle {
            self.carried_on(bottle);
        }
        if let Some(bottle) = bottle
            && let Some(known) = self.fleet.get_mut(&bottle)
            && let Some(operation) = known.operation.take()
        {
            known.failed = Some(FailedOperation {
                kind: operation.kind,
                why: how.to_owned(),
            });
        }
        if name.starts_with(super::inbox_answer::ANSWER_TASK) {
            self.give_up_answers();
        }
        if name == super::audit::AUDIT_TASK {
            self.view.audit.is_reading = false;
        }
        self.warn(format!("{name} ended: {how}"));
    }

    /// Asks for an operation on a bottle that exists and that nothing is done to.
    pub(super) fn ask(&mut self, bottle: &BottleRef, kind: OperationKind) -> Option<Effect> {
        let known = self.fleet.get_mut(bottle)?;
        if known.operation.is_some() {
            return None;
        }
        known.operation = Some(Operation::asked(kind));
        known.failed = None;
        self.touch();
        let bottle = bottle.clone();
        match kind {
            OperationKind::Stop => Some(Effect::Stop { bottle }),
            OperationKind::Resume => Some(Effect::Resume { bottle }),
            OperationKind::Remove => Some(Effect::Remove { bottle }),
            OperationKind::Restart => Some(Effect::Restart { bottle }),
            OperationKind::Freeze => Some(Effect::Freeze { bottle }),
            OperationKind::Unfreeze => Some(Effect::Unfreeze { bottle }),
            OperationKind::Cut => Some(Effect::Cut { bottle }),
            OperationKind::Reconnect => Some(Effect::Reconnect { bottle }),
            OperationKind::Start | OperationKind::Change => None,
        }
    }
}

/// What the engine was told shows at once; its own word is on the way.
fn follow(seen: &mut BottleSighting, kind: OperationKind) {
    let agent = |container: &&mut ContainerSighting| container.role == Role::Agent;
    match kind {
        OperationKind::Stop => {
            for container in &mut seen.containers {
                container.state = ContainerState::Exited { code: None };
            }
        }
        OperationKind::Freeze => {
            if let Some(agent) = seen.containers.iter_mut().find(agent) {
                agent.state = ContainerState::Paused;
            }
        }
        OperationKind::Unfreeze => {
            if let Some(agent) = seen.containers.iter_mut().find(agent) {
                agent.state = ContainerState::Running;
            }
        }
        OperationKind::Cut => seen.is_cut = true,
        OperationKind::Reconnect => seen.is_cut = false,
        OperationKind::Start
        | OperationKind::Resume
        | OperationKind::Remove
        | OperationKind::Change
        | OperationKind::Restart => {}
    }
}
