//! Sessions: attached, previewed, ended.

use crate::state::console::State;
use crate::state::sighting::{BottleRef, ContainerState};
use crate::state::view::{Focus, Modal, Tab};
use crate::wire::{Role, SessionExit};

impl State {
    pub(super) fn attach(&mut self, full: bool) {
        if self.view.group.is_some() && !full {
            return self.fold();
        }
        let Some(selected) = self.view.selected.clone() else {
            self.tell(String::from("no bottle is selected: s starts an agent"));
            return;
        };
        if selected.sidecar.is_some() {
            self.view.tab = Tab::Logs;
            self.view.focus = Focus::Detail;
            self.touch();
            return;
        }
        if let Some(why) = self.no_attach(&selected.bottle) {
            self.warn(why);
            return;
        }
        self.view.tab = Tab::Session;
        self.view.copying = None;
        self.view.session_scroll = 0;
        self.view.focus = Focus::Attached {
            bottle: selected.bottle,
            full,
            is_open: false,
        };
        self.touch();
    }

    /// Why a bottle cannot be attached to, and what to do instead.
    fn no_attach(&self, bottle: &BottleRef) -> Option<String> {
        let known = self.fleet.get(bottle)?;
        let id = &bottle.id;
        if self.fleet.is_lost(&bottle.engine) {
            return Some(format!(
                "{id}: its engine does not answer; it is asked again by itself"
            ));
        }
        if known.has_session() {
            return None;
        }
        if let Some(operation) = &known.operation {
            return Some(format!(
                "{id}: wait for the {} to end",
                operation.kind.verb()
            ));
        }
        Some(match (known.container(Role::Agent), &known.failed) {
            (None, Some(failed)) => {
                format!("{id}: failed to {}: {}", failed.kind.verb(), failed.why)
            }
            (None, None) => format!("{id} has no agent container: d removes what is left of it"),
            (Some(ContainerState::Paused), _) => {
                format!("{id} is frozen: p lets it go on, then enter attaches")
            }
            (Some(_), _) if known.runs(Role::Agent) => {
                format!("the session of {id} has ended: x stops it, then r resumes it")
            }
            (Some(_), _) => format!("{id} is {}: r resumes it", known.phase.word()),
        })
    }

    /// From the attached session to the next bottle that needs the operator, attached in
    /// the same way if it has a session.
    pub(super) fn go_on(&mut self, full: bool) {
        let Some(here) = self.attached() else {
            return;
        };
        let needs = self.needs();
        let at = needs.iter().position(|need| need.bottle == *here);
        let behind = at.map_or(0, |at| at + 1);
        let next = needs.iter().cycle().skip(behind).take(needs.len());
        let next = next.map(|need| &need.bottle).find(|bottle| *bottle != here);
        let Some(next) = next.cloned() else {
            return self.tell(String::from("nothing else needs you"));
        };
        self.detach();
        self.select_bottle(next.clone());
        match self.no_attach(&next) {
            None => self.attach(full),
            Some(why) => self.warn(why),
        }
    }

    pub(super) fn detach(&mut self) {
        if self.attached().is_some() {
            self.view.copying = None;
            self.view.clipboard = None;
            if matches!(self.view.modal, Some(Modal::Clipboard { .. })) {
                self.view.modal = None;
            }
            self.view.focus = Focus::List;
            self.view.session_scroll = 0;
            self.touch();
        }
    }

    /// An attachment to a bottle that is gone is none.
    pub(super) fn settle_attachment(&mut self) {
        if let Some(bottle) = self.attached()
            && self.fleet.get(bottle).is_none()
        {
            let text = format!("{} is gone", bottle.id);
            self.detach();
            self.warn(text);
        }
    }

    pub(super) fn on_attached(&mut self, bottle: &BottleRef) {
        if let Focus::Attached {
            bottle: ours,
            is_open,
            ..
        } = &mut self.view.focus
            && ours == bottle
        {
            *is_open = true;
            self.touch();
        }
    }

    pub(super) fn on_detached(&mut self, bottle: &BottleRef, why: Option<String>) {
        // While the next attach is under way this is the answer to our last detach.
        if (why.is_some() || self.has_open_session())
            && self.let_go(bottle)
            && let Some(why) = why
        {
            self.warn(format!("detached from {}: {why}", bottle.id));
        }
    }

    pub(super) fn on_attach_failed(&mut self, bottle: &BottleRef, why: &str) {
        if self.let_go(bottle) {
            self.warn(format!("failed to attach to {}: {why}", bottle.id));
        }
    }

    pub(super) fn on_session_ended(&mut self, bottle: &BottleRef, exit: SessionExit) {
        let was_attached = self.let_go(bottle);
        if self.lines.preview.as_ref() == Some(bottle) {
            self.lines.preview = None;
        }
        if let Some(known) = self.fleet.get_mut(bottle) {
            known.hub.ended = Some(exit);
            self.touch();
        }
        if was_attached {
            let id = &bottle.id;
            self.tell(match exit {
                SessionExit::Code { code: 0 } => format!("the session of {id} ended"),
                SessionExit::Code { code } => format!("the session of {id} ended with exit {code}"),
                SessionExit::Signal { signal } => {
                    format!("signal {signal} ended the session of {id}")
                }
                SessionExit::NotStarted => format!("the program of {id} could not be started"),
            });
        }
    }

    /// Takes the app's word that the attachment is over. Whether it was ours.
    fn let_go(&mut self, bottle: &BottleRef) -> bool {
        let is_ours = self.attached() == Some(bottle);
        if is_ours {
            self.lines.session = None;
            self.detach();
        }
        is_ours
    }

    pub(super) fn on_preview_ended(&mut self, bottle: BottleRef, why: String) {
        if self.lines.preview.as_ref() == Some(&bottle) {
            self.lines.preview = None;
            self.lines.broken_preview = Some((bottle, why));
            self.touch();
        }
    }

    pub(super) fn on_screen_changed(&mut self, bottle: &BottleRef, scrollback: usize) {
        if self.is_shown(bottle, Tab::Session) {
            // What is in sight stays there while more comes below it.
            let grown = scrollback.saturating_sub(self.scrollback);
            if self.view.session_scroll > 0 {
                self.view.session_scroll = self.view.session_scroll.saturating_add(grown);
            }
            self.scrollback = scrollback;
            self.view.session_scroll = self.view.session_scroll.min(scrollback);
            self.touch();
        }
    }
}
