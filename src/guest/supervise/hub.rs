//! What the hub holds of its bottle, and what each console has still to hear.
//!
//! Plain state, no I/O. Everything is bounded: a flood pushes out the oldest, and a
//! console that reads too slowly loses its queue and gets all that is held again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};

use super::bounds::admissible;
use crate::policy::RouteSet;
use crate::request::RequestRecord;
use crate::wire::{
    Budgets, DecisionRecord, Hits, HoldEnd, HoldRecord, HubToConsole, LogLine, Role, RoleReport,
    RoleState, SealReport, SessionExit, SessionReport, ToEgress, Usage, Verdict,
};

/// Decisions held.
const DECISIONS: usize = 500;
/// Log lines held for each role.
const LINES: usize = 200;
/// Holds held; egress bounds them itself, lower.
const HOLDS: usize = 4_096;
/// Messages from consoles that wait for egress.
const TO_EGRESS: usize = 64;
/// Requests held; the book of requests bounds them itself, lower.
const REQUESTS: usize = 1_024;
/// Messages that wait for one console.
const QUEUE: usize = 1024;

/// Everything known of one bottle.
#[derive(Debug, Default)]
pub(super) struct Hub {
    roles: BTreeMap<Role, Heard>,
    decisions: VecDeque<DecisionRecord>,
    allowed: u64,
    denied: u64,
    /// The routes in force, with their generation.
    routes: Option<(u64, RouteSet)>,
    holds: BTreeMap<u64, HoldRecord>,
    usage: Option<Usage>,
    requests: BTreeMap<u64, RequestRecord>,
    hits: Option<Box<Hits>>,
    budgets: Option<Budgets>,
    /// Where egress reads what consoles tell it, and which of its lines that is.
    egress: Option<(u64, mpsc::Sender<ToEgress>)>,
    seal: Option<SealReport>,
    session: Option<SessionReport>,
    ended: Option<SessionExit>,
    consoles: BTreeMap<ConsoleId, Console>,
    next_console: u64,
}

/// What was heard of one role.
#[derive(Debug, Default)]
struct Heard {
    state: Option<RoleState>,
    lines: VecDeque<LogLine>,
    /// Which of the role's lines is the newest; an older one's end says nothing.
    line: u64,
}

/// Names one console while it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConsoleId(u64);

#[derive(Debug)]
struct Console {
    backlog: Backlog,
    wake: Arc<Notify>,
}

#[derive(Debug)]
enum Backlog {
    /// Everything held is still to be said, after that this many messages were missed.
    Replay { missed: u64 },
    /// Only these are.
    Queue(VecDeque<HubToConsole>),
}

impl Hub {
    /// Begins a line of a role; give the number back to [`Hub::line_ended`].
    pub(super) fn line_began(&mut self, role: Role) -> u64 {
        let heard = self.roles.entry(role).or_default();
        heard.line += 1;
        heard.line
    }

    /// Ends a line of a role: the role is gone, unless it has a newer line.
    pub(super) fn line_ended(&mut self, role: Role, line: u64) {
        let newest = self.roles.entry(role).or_default().line;
        if newest == line {
            if role == Role::Egress {
                self.egress = None;
                self.drop_holds();
            }
            let state = RoleState::Gone;
            self.hear(role, RoleReport::State { state });
        }
    }

    /// Gives egress's line what consoles have to say to it, from now on.
    pub(super) fn egress_listens(&mut self, line: u64) -> mpsc::Receiver<ToEgress> {
        let (sender, receiver) = mpsc::channel(TO_EGRESS);
        self.egress = Some((line, sender));
        receiver
    }

    /// Passes a console's word on to egress; says whether it is there to hear it.
    pub(super) fn tell_egress(&self, message: ToEgress) -> bool {
        let sender = self.egress.as_ref().map(|(_, sender)| sender);
        sender.is_some_and(|sender| sender.try_send(message).is_ok())
    }

    /// The routes that egress says are in force.
    pub(super) const fn routes(&self) -> Option<&(u64, RouteSet)> {
        self.routes.as_ref()
    }

    /// Takes a report, if the role has a say in it, and passes it on to every console.
    pub(super) fn hear(&mut self, role: Role, report: RoleReport) {
        let Some(report) = admissible(role, report) else {
            return;
        };
        if !self.hold(role, &report) {
            return;
        }
        let counted = matches!(report, RoleReport::Decision { .. });
        self.tell(&HubToConsole::Report { role, report });
        if counted {
            self.tell(&self.tally());
        }
    }

    /// Adds a listener, which is to hear everything held first.
    pub(super) fn listen(&mut self) -> (ConsoleId, Arc<Notify>) {
        let id = ConsoleId(self.next_console);
        self.next_console += 1;
        let wake = Arc::new(Notify::new());
        wake.notify_one();
        let console = Console {
            backlog: Backlog::Replay { missed: 0 },
            wake: Arc::clone(&wake),
        };
        self.consoles.insert(id, console);
        (id, wake)
    }

    /// Removes a listener.
    pub(super) fn leave(&mut self, id: ConsoleId) {
        self.consoles.remove(&id);
    }

    /// Gives what a console has still to hear, in order.
    pub(super) fn take(&mut self, id: ConsoleId) -> Vec<HubToConsole> {
        let Some(console) = self.consoles.get_mut(&id) else {
            return Vec::new();
        };
        let fresh = Backlog::Queue(VecDeque::new());
        match std::mem::replace(&mut console.backlog, fresh) {
            Backlog::Queue(queue) => queue.into(),
            Backlog::Replay { missed: 0 } => self.replay(),
            Backlog::Replay { missed } => {
                let mut messages = vec![HubToConsole::Missed { count: missed }];
                messages.append(&mut self.replay());
                messages
            }
        }
    }

    /// Keeps a report; says whether it is news.
    fn hold(&mut self, role: Role, report: &RoleReport) -> bool {
        match report {
            RoleReport::State { state } => {
                let heard = self.roles.entry(role).or_default();
                heard.state.replace(state.clone()).as_ref() != Some(state)
            }
            RoleReport::Log { line } => {
                let lines = &mut self.roles.entry(role).or_default().lines;
                push_bounded(lines, line.clone(), LINES);
                true
            }
            RoleReport::Decision { decision } => self.count(decision),
            RoleReport::Routes { generation, routes } => {
                let routes = (*generation, routes.clone());
                self.routes.replace(routes.clone()) != Some(routes)
            }
            RoleReport::RoutesRefused { .. } | RoleReport::RequestRefused { .. } => true,
            RoleReport::Request { request } => {
                if self.requests.len() >= REQUESTS {
                    self.requests.pop_first();
                }
                // Also when it is as before: who says something again waits for it.
                self.requests.insert(request.id, (**request).clone());
                true
            }
            RoleReport::Held { hold } => {
                let has_room = self.holds.len() < HOLDS || self.holds.contains_key(&hold.id);
                has_room && self.holds.insert(hold.id, hold.clone()).as_ref() != Some(hold)
            }
            RoleReport::Usage { usage } => {
                self.usage.replace(usage.clone()).as_ref() != Some(usage)
            }
            RoleReport::Budgets { budgets } => {
                self.budgets.replace(budgets.clone()).as_ref() != Some(budgets)
            }
            RoleReport::Hits { hits } => self.hits.replace(hits.clone()).as_ref() != Some(hits),
            RoleReport::HoldOver { id, .. } => self.holds.remove(id).is_some(),
            RoleReport::Seal { report } => {
                self.seal = Some(report.clone());
                true
            }
            RoleReport::Session { report } => {
                // A session that is heard of has not ended, whatever one before it did.
                self.ended = None;
                self.session = Some(report.clone());
                true
            }
            RoleReport::Ended { exit } => {
                self.ended = Some(*exit);
                true
            }
            RoleReport::Hello { .. } | RoleReport::Ping | RoleReport::Unknown => false,
        }
    }

    /// Counts a decision once: egress tells its last ones again on each new line.
    fn count(&mut self, decision: &DecisionRecord) -> bool {
        let known = self
            .decisions
            .back()
            .is_some_and(|last| decision.seq <= last.seq && decision.at <= last.at);
        if known {
            return false;
        }
        match decision.verdict {
            Verdict::Allowed => self.allowed += 1,
            Verdict::Denied { .. } => self.denied += 1,
        }
        push_bounded(&mut self.decisions, decision.clone(), DECISIONS);
        true
    }

    /// Who waited at an egress that is gone waits no more.
    fn drop_holds(&mut self) {
        if let Some(budgets) = &mut self.budgets
            && budgets.pause.take().is_some()
        {
            let budgets = budgets.clone();
            let report = RoleReport::Budgets { budgets };
            let role = Role::Egress;
            self.tell(&HubToConsole::Report { role, report });
        }
        for id in std::mem::take(&mut self.holds).into_keys() {
            let how = HoldEnd::Withdrawn;
            let report = RoleReport::HoldOver { id, how };
            let role = Role::Egress;
            self.tell(&HubToConsole::Report { role, report });
        }
    }

    fn tell(&mut self, message: &HubToConsole) {
        for console in self.consoles.values_mut() {
            match &mut console.backlog {
                // It will be said, or counted, with the rest.
                Backlog::Replay { missed: 0 } => {}
                Backlog::Replay { missed } => *missed += 1,
                Backlog::Queue(queue) if queue.len() < QUEUE => queue.push_back(message.clone()),
                Backlog::Queue(_) => {
                    let missed = QUEUE as u64 + 1;
                    console.backlog = Backlog::Replay { missed };
                }
            }
            console.wake.notify_one();
        }
    }

    const fn tally(&self) -> HubToConsole {
        HubToConsole::Tally {
            allowed: self.allowed,
            denied: self.denied,
        }
    }

    /// Everything held, as a console hears it.
    fn replay(&self) -> Vec<HubToConsole> {
        let mut messages = Vec::new();
        let mut say = |role, report| messages.push(HubToConsole::Report { role, report });
        for (role, heard) in &self.roles {
            if let Some(state) = heard.state.clone() {
                say(*role, RoleReport::State { state });
            }
            for line in heard.lines.iter().cloned() {
                say(*role, RoleReport::Log { line });
            }
        }
        for decision in self.decisions.iter().cloned() {
            say(Role::Egress, RoleReport::Decision { decision });
        }
        if let Some((generation, routes)) = self.routes.clone() {
            say(Role::Egress, RoleReport::Routes { generation, routes });
        }
        for hold in self.holds.values().cloned() {
            say(Role::Egress, RoleReport::Held { hold });
        }
        if let Some(usage) = self.usage.clone() {
            say(Role::Egress, RoleReport::Usage { usage });
        }
        if let Some(budgets) = self.budgets.clone() {
            say(Role::Egress, RoleReport::Budgets { budgets });
        }
        for request in self.requests.values().cloned().map(Box::new) {
            say(Role::Supervise, RoleReport::Request { request });
        }
        if let Some(hits) = self.hits.clone() {
            say(Role::Egress, RoleReport::Hits { hits });
        }
        if let Some(report) = self.seal.clone() {
            say(Role::Agent, RoleReport::Seal { report });
        }
        if let Some(report) = self.session.clone() {
            say(Role::Agent, RoleReport::Session { report });
        }
        if let Some(exit) = self.ended {
            say(Role::Agent, RoleReport::Ended { exit });
        }
        messages.push(self.tally());
        messages.push(HubToConsole::Live);
        messages
    }
}

fn push_bounded<T>(queue: &mut VecDeque<T>, item: T, limit: usize) {
    if queue.len() >= limit {
        queue.pop_front();
    }
    queue.push_back(item);
}

#[cfg(test)]
mod tests;
