//! Decisions: which are listed, and what the operator does with the selected one.

use crate::state::all_egress::AllEgress;
use crate::state::console::State;
use crate::state::decided::Scope;
use crate::state::decision::decision_rows;
use crate::state::hits::hits_rows;
use crate::state::spec_rows::SpecRow;
use crate::state::view::{Focus, Modal, Tab};

impl State {
    /// Lists the decisions that are shown now, and sums up when that begins to be shown.
    pub(super) fn settle_decided(&mut self) {
        let scope = match self.view.focus {
            Focus::Egress => Some(Scope::All),
            Focus::List | Focus::Detail if self.view.tab == Tab::Egress => {
                let shown = self.selected_bottle();
                shown.map(|known| Scope::Bottle {
                    bottle: known.bottle.clone(),
                })
            }
            Focus::List
            | Focus::Detail
            | Focus::Inbox
            | Focus::Builds
            | Focus::Audit
            | Focus::Attached { .. } => None,
        };
        let filter = &self.view.decision_filter;
        if self.view.decided.settle(scope, filter, &self.fleet) {
            self.view.all_egress = match self.view.focus {
                Focus::Egress => AllEgress::of(self.fleet.bottles(), filter, &self.prices),
                Focus::List
                | Focus::Detail
                | Focus::Inbox
                | Focus::Builds
                | Focus::Audit
                | Focus::Attached { .. } => AllEgress::default(),
            };
            self.touch();
        }
    }

    /// Sums up again what changed while it is shown. Called once a second.
    pub(super) fn sum_up_egress(&mut self) {
        if self.view.focus != Focus::Egress || !self.view.all_egress.is_stale {
            return;
        }
        self.view.all_egress.is_stale = false;
        let filter = &self.view.decision_filter;
        let sum = AllEgress::of(self.fleet.bottles(), filter, &self.prices);
        if sum != self.view.all_egress {
            self.view.all_egress = sum;
            self.touch();
        }
    }

    pub(super) fn open_decision(&mut self) {
        match self.view.decided.selected().cloned() {
            Some(selected) => self.open(Modal::Decision {
                bottle: selected.bottle,
                decision: Box::new(selected.decision),
                scroll: 0,
            }),
            None => self.tell(String::from("there is no decision to look at")),
        }
    }

    /// Offers the narrowest route that would have allowed the selected decision.
    pub(super) fn ask_to_permit(&mut self) {
        match self.permittable() {
            Some((bottle, found)) => self.open(Modal::Allow {
                bottle,
                route: Box::new(found.route),
                is_exact: found.is_exact,
                preset: found.preset,
            }),
            None => self.warn(String::from(
                "select something that was refused: no route can allow this",
            )),
        }
    }

    pub(super) fn open_hits(&mut self) {
        match self.counted_bottle().cloned() {
            Some(bottle) => self.open(Modal::Hits { bottle, scroll: 0 }),
            None => self.tell(String::from("select a bottle first")),
        }
    }

    /// Goes to the page of the bottle that the selected decision is about.
    pub(super) fn visit(&mut self) {
        let Some(selected) = self.view.decided.selected().cloned() else {
            self.tell(String::from("there is no decision to go to"));
            return;
        };
        self.view.focus = Focus::Detail;
        self.view.tab = Tab::Egress;
        self.select_bottle(selected.bottle.clone());
        self.settle_decided();
        self.view.decided.select_decision(&selected);
        self.touch();
    }
}

impl State {
    /// What the box that is open says in rows, if it is one that does.
    #[must_use]
    pub fn paper(&self) -> Option<Vec<SpecRow>> {
        match &self.view.modal {
            Some(Modal::Decision {
                bottle, decision, ..
            }) => Some(decision_rows(
                bottle,
                self.fleet.get(bottle),
                decision,
                self.now,
                self.utc_offset_seconds,
            )),
            Some(Modal::Hits { bottle, .. }) => {
                let known = self.fleet.get(bottle)?;
                Some(hits_rows(known, self.now))
            }
            _ => None,
        }
    }
}
