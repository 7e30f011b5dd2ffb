//! What lies over the view: questions, the picker, the plan, messages.

use crate::state::command::Context;
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::event::{AgentOffer, OperationKind, PlanSummary};
use crate::state::view::{ClipboardAsk, Focus, Modal, Picker};

impl State {
    pub(super) fn accept(&mut self, effects: &mut Vec<Effect>) {
        self.touch();
        if self.accept_prompt(effects) {
            return;
        }
        match self.view.modal.take() {
            Some(Modal::ConfirmStop { bottle }) => {
                effects.extend(self.ask(&bottle, OperationKind::Stop));
            }
            Some(Modal::ConfirmRemove { bottle }) => {
                effects.extend(self.ask(&bottle, OperationKind::Remove));
            }
            Some(Modal::ConfirmAll { kind, bottles, .. }) => {
                self.do_to_all(kind, bottles, effects);
            }
            Some(Modal::ConfirmPanic { .. }) => {
                self.tell(String::from(
                    "freezing every bottle and cutting every egress",
                ));
                effects.push(Effect::Panic);
            }
            Some(Modal::ConfirmLift { .. }) => {
                self.tell(String::from("letting go what is held still"));
                effects.push(Effect::LiftPanic);
            }
            Some(Modal::ConfirmCancel { bottle }) => self.cancel_operation(bottle, effects),
            Some(Modal::Clipboard { ask }) => self.let_into_clipboard(ask, effects),
            Some(Modal::ConfirmQuit) => effects.push(Effect::Quit),
            Some(Modal::Answer { bottle, hold }) => {
                self.tell(format!("adding a route for {}", hold.words()));
                let hold = hold.id;
                effects.push(Effect::AcceptHold { bottle, hold });
            }
            Some(Modal::Raise { bottle, raises }) => {
                self.tell(format!("raising the budget of {}", bottle.id));
                effects.push(Effect::RaiseBudgets { bottle, raises });
            }
            Some(Modal::Allow { bottle, route, .. }) => {
                self.tell(format!(
                    "{}: adding a route to {}",
                    bottle.id,
                    route.words()
                ));
                effects.push(Effect::Allow { bottle, route });
            }
            Some(Modal::Palette {
                text,
                chosen,
                is_line,
                ..
            }) => self.palette_run((text, chosen, is_line), effects),
            Some(Modal::Picker { picker }) => self.pick(picker, effects),
            Some(Modal::Plan {
                agent,
                result: Some(Ok(_)),
                ..
            }) => self.start_planned(agent, effects),
            Some(Modal::Approve { draft, .. }) => self.say_yes(*draft, effects),
            Some(Modal::ApproveAll { approvals, scroll }) => {
                self.say_yes_to_all(approvals, scroll, effects);
            }
            Some(Modal::Terms { draft, line }) => self.take_terms(draft, line, effects),
            Some(Modal::Line {
                purpose,
                shown,
                text,
            }) => self.say_line(purpose, shown, text, effects),
            Some(Modal::ConfirmUndo { request, .. }) => self.take_back(request, effects),
            // Nothing to say yes to yet.
            modal @ (Some(
                Modal::Plan { .. }
                | Modal::Help { .. }
                | Modal::Order
                | Modal::Secret { .. }
                | Modal::Decision { .. }
                | Modal::Hits { .. }
                | Modal::Message { .. },
            )
            | None) => self.view.modal = modal,
        }
    }

    fn start_planned(&mut self, agent: String, effects: &mut Vec<Effect>) {
        self.tell(format!("starting {agent}"));
        self.starting = Some(agent.clone());
        effects.push(Effect::Start { agent, name: None });
    }

    /// Takes what was typed, if something was; gives whether that was so.
    fn accept_prompt(&mut self, effects: &mut Vec<Effect>) -> bool {
        if self.context() == Context::CopyFind {
            self.accept_copy_prompt(effects);
            return true;
        }
        let was_filtering = std::mem::take(&mut self.view.is_filtering);
        if was_filtering && self.view.focus == Focus::Audit {
            self.accept_audit_filter();
        } else if was_filtering {
            self.accept_log_prompt(effects);
        }
        was_filtering
    }

    fn let_into_clipboard(&mut self, ask: ClipboardAsk, effects: &mut Vec<Effect>) {
        let (bytes, id) = (ask.bytes, &ask.bottle.id);
        self.tell(format!("{bytes} bytes of {id} are in your clipboard"));
        effects.push(Effect::WriteClipboard {
            bottle: ask.bottle,
            ticket: ask.ticket,
        });
    }

    /// Shows what waits, of the selected bottle or of the first that waits at all: a pause
    /// first, which holds up the most; a bottle that waits for its secrets is handed them.
    ///
    /// With marked bottles it is one yes to all that they ask for.
    pub(super) fn ask_for_answer(&mut self, effects: &mut Vec<Effect>) {
        if self.is_marking() && self.approve_targets(effects) {
            return;
        }
        let selected = self.view.selected.as_ref().map(|row| &row.bottle);
        let bottles = self.fleet.bottles();
        let first = bottles
            .iter()
            .filter(|known| Some(&known.bottle) == selected)
            .chain(bottles)
            .find(|known| known.waits_for_answer());
        // A budget that is spent may be raised before anything waits, or after a refusal.
        let raisable = || {
            let known = self.fleet.get(selected?)?;
            Some(known).filter(|known| !known.raises().is_empty())
        };
        let asks = || {
            let bottles = bottles
                .iter()
                .filter(|known| Some(&known.bottle) == selected);
            let mut bottles = bottles.chain(self.fleet.bottles());
            bottles.find(|known| known.pending().next().is_some())
        };
        if first.is_none()
            && let Some(bottle) = asks().map(|known| known.bottle.clone())
        {
            self.open_inbox(Some(&bottle));
            return;
        }
        let Some(known) = first.or_else(raisable) else {
            self.warn(String::from("nothing waits to leave a bottle"));
            return;
        };
        let bottle = known.bottle.clone();
        let is_held = !known.hub.holds.is_empty();
        if known.pause().is_some() || !known.waits_for_answer() && !is_held {
            let raises = known.raises();
            self.open(Modal::Raise { bottle, raises });
        } else if let Some(hold) = known.hub.holds.values().next().cloned() {
            self.open(Modal::Answer { bottle, hold });
        } else {
            self.tell(format!("looking up what {} needs", bottle.id));
            effects.push(Effect::Unlock { bottle });
        }
    }

    /// Refuses what is shown.
    pub(super) fn refuse(&mut self, effects: &mut Vec<Effect>) {
        let effect = match &self.view.modal {
            Some(Modal::Answer { bottle, hold }) => Effect::RefuseHold {
                bottle: bottle.clone(),
                hold: hold.id,
            },
            Some(Modal::Raise { bottle, .. }) => Effect::RefuseBudgets {
                bottle: bottle.clone(),
            },
            _ => return,
        };
        self.view.modal = None;
        self.touch();
        effects.push(effect);
    }

    fn pick(&mut self, picker: Picker, effects: &mut Vec<Effect>) {
        match picker.chosen() {
            Some(offer) if offer.problem.is_none() => {
                let agent = offer.name.clone();
                effects.push(Effect::PlanStart {
                    agent: agent.clone(),
                });
                self.view.modal = Some(Modal::Plan {
                    agent,
                    result: None,
                    scroll: 0,
                });
            }
            Some(offer) => {
                let text = format!("{} cannot be started: mend the manifest first", offer.name);
                self.view.modal = Some(Modal::Picker { picker });
                self.warn(text);
            }
            None => self.view.modal = Some(Modal::Picker { picker }),
        }
    }

    pub(super) fn cancel(&mut self) {
        self.touch();
        if self.back_in_copying() {
            return;
        }
        if self.view.is_filtering {
            self.view.is_filtering = false;
            if self.view.logs.prompt.take().is_some() {
                return;
            }
            if self.view.focus == Focus::Audit {
                self.view.audit.typed.clear();
            } else if self.filters_decisions() {
                self.view.decision_filter.text.clear();
            } else {
                self.view.filter.clear();
            }
            return;
        }
        self.view.modal = None;
    }

    pub(super) fn on_agents(&mut self, offers: Vec<AgentOffer>, problem: Option<String>) {
        if let Some(Modal::Picker { picker }) = &mut self.view.modal {
            picker.offers = Some(offers);
            picker.problem = problem;
            picker.cursor = 0;
            self.touch();
        }
    }

    pub(super) fn on_plan(&mut self, agent: &str, planned: Result<PlanSummary, String>) {
        if let Some(Modal::Plan {
            agent: ours,
            result,
            ..
        }) = &mut self.view.modal
            && ours == agent
        {
            *result = Some(planned);
            self.touch();
        }
    }

    pub(super) fn on_secret_asked(&mut self, agent: String, what: String) {
        self.open(Modal::Secret {
            agent,
            what,
            length: 0,
        });
    }

    pub(super) fn on_secret_typed(&mut self, typed: usize) {
        if let Some(Modal::Secret { length, .. }) = &mut self.view.modal {
            *length = typed;
            self.touch();
        }
    }

    pub(super) fn on_secret_done(&mut self) {
        if self.asks_secret() {
            self.view.modal = None;
            self.touch();
        }
    }
}
