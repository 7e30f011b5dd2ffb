//! The hub, shared by the tasks of one process, and who holds a part of it.
//!
//! The lock is held for one call and never across an await. A part is given back when
//! its holder is dropped, so a task that is cut off leaves nothing behind.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};

use super::hub::{ConsoleId, Hub};
use crate::guest::runtime::note;
use crate::policy::RouteSet;
use crate::wire::{HubToConsole, LogLine, Role, RoleReport, RoleState, ToEgress};

/// A handle of the hub.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedHub(Arc<Mutex<Hub>>);

impl SharedHub {
    fn with<T>(&self, act: impl FnOnce(&mut Hub) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins a line of a role.
    pub(super) fn speak(&self, role: Role) -> Speaker {
        Speaker {
            line: self.with(|hub| hub.line_began(role)),
            hub: self.clone(),
            role,
        }
    }

    /// Adds a console.
    pub(super) fn listen(&self) -> Listener {
        let (id, wake) = self.with(Hub::listen);
        Listener {
            hub: self.clone(),
            id,
            wake,
        }
    }

    /// Passes a console's word on to egress; says whether it is there to hear it.
    pub(super) fn tell_egress(&self, message: ToEgress) -> bool {
        self.with(|hub| hub.tell_egress(message))
    }

    /// The routes that egress says are in force.
    pub(super) fn routes(&self) -> Option<(u64, RouteSet)> {
        self.with(|hub| hub.routes().cloned())
    }

    /// Says a line of log in the hub's own name.
    pub(super) fn log(&self, text: impl Into<String>) {
        let text = text.into();
        note(&text);
        let line = LogLine {
            at: Timestamp::now(),
            text,
        };
        self.with(|hub| hub.hear(Role::Supervise, RoleReport::Log { line }));
    }

    /// Reports something in a role's name, without a line of it.
    pub(super) fn report(&self, role: Role, report: RoleReport) {
        self.with(|hub| hub.hear(role, report));
    }

    /// Says how the hub itself is.
    pub(super) fn state(&self, state: RoleState) {
        note(&state.words());
        self.with(|hub| hub.hear(Role::Supervise, RoleReport::State { state }));
    }
}

/// One line of a role; the role is gone when its newest is dropped.
#[derive(Debug)]
pub(super) struct Speaker {
    hub: SharedHub,
    role: Role,
    line: u64,
}

impl Speaker {
    /// Gives what consoles have to say to egress, whose line this is.
    pub(super) fn inbox(&self) -> mpsc::Receiver<ToEgress> {
        self.hub.with(|hub| hub.egress_listens(self.line))
    }

    /// Passes a report on.
    pub(super) fn say(&self, report: RoleReport) {
        self.hub.with(|hub| hub.hear(self.role, report));
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.hub.with(|hub| hub.line_ended(self.role, self.line));
    }
}

/// One console's place in the hub.
#[derive(Debug)]
pub(super) struct Listener {
    hub: SharedHub,
    id: ConsoleId,
    wake: Arc<Notify>,
}

impl Listener {
    /// Waits until there is something to hear. Cancel-safe.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Gives it.
    pub(super) fn take(&self) -> Vec<HubToConsole> {
        self.hub.with(|hub| hub.take(self.id))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.hub.with(|hub| hub.leave(self.id));
    }
}
