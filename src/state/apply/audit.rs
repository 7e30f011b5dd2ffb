//! The page of the audit: opening it, its filter, and reading a window of it.

use crate::spec::BottleId;
use crate::state::audit::{AuditCommand, AuditLook, AuditPage};
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::sighting::BottleRef;
use crate::state::view::{Focus, Modal};

/// The task that reads it.
pub(super) const AUDIT_TASK: &str = "audit";

impl State {
    /// Of marked bottles, or of all; the same again goes back.
    pub(super) fn turn_audit(&mut self) {
        if self.view.focus == Focus::Audit {
            return self.focus(Focus::List);
        }
        let ticket = self.view.audit.ticket;
        self.view.audit = AuditPage {
            marked: self.view.marked.iter().cloned().collect(),
            ticket,
            ..AuditPage::default()
        };
        self.focus(Focus::Audit);
    }

    pub(super) fn on_audit_command(&mut self, command: AuditCommand) {
        self.touch();
        match command {
            AuditCommand::Filter => {
                let page = &mut self.view.audit;
                page.typed.clone_from(&page.filter);
                self.view.is_filtering = true;
            }
            AuditCommand::OneBottle => {
                let one = self.audit_bottle();
                let page = &mut self.view.audit;
                page.only = if page.only.is_some() { None } else { one };
                page.start_over();
            }
            AuditCommand::Follow => {
                let page = &mut self.view.audit;
                page.at = if page.at.is_some() {
                    None
                } else {
                    page.place()
                };
            }
            AuditCommand::Open => self.open_entry(),
            AuditCommand::Visit => self.visit_entry(),
        }
    }

    /// The bottle of the selected entry, which may be gone.
    fn audit_bottle(&self) -> Option<BottleRef> {
        let id = BottleId::parse(&self.view.audit.selected()?.bottle).ok()?;
        let mut bottles = self.fleet.bottles().iter();
        let known = bottles.find(|known| known.bottle.id == id);
        let bottle = known.map(|known| known.bottle.clone());
        bottle.or_else(|| {
            let engine = self.fleet.engines.keys().next()?.clone();
            Some(BottleRef { engine, id })
        })
    }

    fn open_entry(&mut self) {
        let Some(row) = self.view.audit.selected() else {
            return self.tell(String::from("there is no entry"));
        };
        let facts = row.facts.iter();
        let text: Vec<String> = facts
            .map(|(label, value)| format!("{label:<9} {value}"))
            .collect();
        let title = format!("Entry {}", row.seq);
        let text = text.join("\n");
        self.open(Modal::Message {
            title,
            text,
            scroll: 0,
        });
    }

    fn visit_entry(&mut self) {
        let bottle = self.audit_bottle();
        match bottle.filter(|bottle| self.fleet.get(bottle).is_some()) {
            Some(bottle) => {
                self.view.focus = Focus::List;
                self.select_bottle(bottle);
            }
            None => self.tell(String::from("its bottle is gone")),
        }
    }

    /// Takes the filter that was typed.
    pub(super) fn accept_audit_filter(&mut self) {
        let page = &mut self.view.audit;
        let typed = std::mem::take(&mut page.typed);
        if typed != page.filter {
            page.filter = typed;
            page.start_over();
        }
    }

    /// Drops the filter, or the one bottle; whether there was either.
    pub(super) fn back_in_audit(&mut self) -> bool {
        let page = &mut self.view.audit;
        if self.view.focus != Focus::Audit || page.filter.is_empty() && page.only.is_none() {
            return false;
        }
        if page.filter.is_empty() {
            page.only = None;
        } else {
            page.filter.clear();
        }
        page.start_over();
        true
    }

    /// Has another window read, if another is wanted.
    pub(super) fn settle_audit(&mut self, effects: &mut Vec<Effect>) {
        if self.view.focus != Focus::Audit {
            return;
        }
        let page = &mut self.view.audit;
        let wish = page.wish();
        if page.asked.as_ref() == Some(&wish) {
            return;
        }
        page.ticket += 1;
        page.is_reading = true;
        page.asked = Some(wish.clone());
        effects.push(Effect::ReadAudit {
            ticket: page.ticket,
            wish,
        });
    }

    /// Entries are added without a word to this console.
    pub(super) fn audit_due(&mut self, effects: &mut Vec<Effect>) {
        let page = &mut self.view.audit;
        if self.view.focus != Focus::Audit || page.is_reading {
            return;
        }
        if let Some(wish) = page.asked.clone() {
            page.is_reading = true;
            let ticket = page.ticket;
            effects.push(Effect::ReadAudit { ticket, wish });
        }
    }

    pub(super) fn on_audit_read(
        &mut self,
        ticket: u64,
        result: Result<Option<Box<AuditLook>>, String>,
    ) {
        let page = &mut self.view.audit;
        if ticket != page.ticket {
            return;
        }
        page.is_reading = false;
        match result {
            // Nothing was added.
            Ok(None) => return,
            Ok(Some(look)) => {
                page.look = Some(look);
                page.problem = None;
            }
            Err(why) if page.problem.as_ref() == Some(&why) => return,
            Err(why) => page.problem = Some(why),
        }
        self.touch();
    }
}
