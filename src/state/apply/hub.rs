//! What hubs and logs say.

use crate::state::age::coarse;
use crate::state::bottle::{Bottle, Hub, HubLine, LogEntry, RoutesInForce};
use crate::state::console::State;
use crate::state::sighting::BottleRef;
use crate::state::view::Tab;
use crate::wire::{HubToConsole, LogLine, Role, RoleReport, VERSION};

impl State {
    pub(super) fn on_hub_up(&mut self, bottle: &BottleRef) {
        self.set_line(bottle, HubLine::Up);
    }

    pub(super) fn on_hub_down(&mut self, bottle: &BottleRef, why: String) {
        // A line that was let go may still report its end.
        if self.lines.hubs.contains(bottle) {
            self.set_line(bottle, HubLine::Down { why });
        }
    }

    fn set_line(&mut self, bottle: &BottleRef, line: HubLine) {
        if let Some(known) = self.fleet.get_mut(bottle)
            && known.hub.line != line
        {
            known.hub.line = line;
            self.touch();
        }
    }

    pub(super) fn on_hub(&mut self, bottle: &BottleRef, message: HubToConsole) {
        let followed = self.followed(bottle);
        let now = self.now;
        let Some(known) = self.fleet.get_mut(bottle) else {
            return;
        };
        let before = known.hub.clone();
        let mut shows = None;
        match message {
            HubToConsole::Hello { version } if version != VERSION => {
                known.hub.line = HubLine::Down {
                    why: format!(
                        "it speaks version {version} of the protocol, this console {VERSION}"
                    ),
                };
            }
            HubToConsole::Hello { .. } | HubToConsole::Missed { .. } => {
                known.hub_begins(|role| followed.contains(&role));
            }
            HubToConsole::Report { role, report } => {
                shows = take_report(known, role, report, followed.contains(&role));
            }
            HubToConsole::Tally { allowed, denied } => {
                known.hub.allowed = allowed;
                known.hub.denied = denied;
            }
            HubToConsole::Live => known.hub.line = HubLine::Up,
            HubToConsole::Pong => {}
        }
        let looks_same = looks_same(&before, &known.hub, |at| coarse(now, at));
        if !looks_same || shows.is_some_and(|tab| self.is_shown(bottle, tab)) {
            self.touch();
        }
    }

    fn followed(&self, bottle: &BottleRef) -> Vec<Role> {
        let logs = self.lines.logs.iter();
        logs.filter(|(followed, _)| followed == bottle)
            .map(|(_, role)| *role)
            .collect()
    }

    pub(super) fn on_log(&mut self, bottle: &BottleRef, role: Role, lines: Vec<LogLine>) {
        // Lines of a log that was let go are on their way still.
        if !self.lines.logs.contains(&(bottle.clone(), role)) {
            return;
        }
        if let Some(known) = self.fleet.get_mut(bottle) {
            for line in lines {
                known.logs.push(LogEntry { role, line });
            }
        }
        if self.is_shown(bottle, Tab::Logs) {
            self.touch();
        }
    }

    pub(super) fn on_log_ended(&mut self, bottle: BottleRef, role: Role, why: Option<String>) {
        let line = (bottle, role);
        if !self.lines.logs.contains(&line) {
            return;
        }
        if let Some(why) = why {
            let id = &line.0.id;
            self.warn(format!("the log of {id} {} broke: {why}", role.as_str()));
        }
        self.lines.ended_logs.insert(line);
    }
}

/// Takes a report and names the page that shows it, if only that page does.
fn take_report(
    bottle: &mut Bottle,
    role: Role,
    report: RoleReport,
    is_followed: bool,
) -> Option<Tab> {
    match report {
        RoleReport::State { state } => {
            bottle.hub.roles.insert(role, state);
        }
        RoleReport::Decision { decision } => {
            // A hub tells its decisions again to every new line.
            let newest = bottle.decisions.newest().map_or(0, |newest| newest.seq);
            if decision.seq > newest {
                bottle.decisions.push(decision);
            }
            return Some(Tab::Egress);
        }
        RoleReport::Log { line } => {
            // A followed log holds this line too.
            if !is_followed {
                bottle.logs.push(LogEntry { role, line });
            }
            return Some(Tab::Logs);
        }
        RoleReport::Seal { report } => bottle.hub.seal = Some(report),
        RoleReport::Session { report } => {
            bottle.hub.session = Some(report);
            bottle.hub.ended = None;
        }
        RoleReport::Ended { exit } => bottle.hub.ended = Some(exit),
        RoleReport::Routes { generation, routes } => {
            bottle.hub.routes = Some(RoutesInForce { generation, routes });
            bottle.hub.routes_refused = None;
        }
        RoleReport::RoutesRefused { why, .. } => bottle.hub.routes_refused = Some(why),
        RoleReport::Held { hold } => drop(bottle.hub.holds.insert(hold.id, hold)),
        RoleReport::Usage { usage } => {
            bottle.hub.usage = Some(usage);
            return Some(Tab::Egress);
        }
        RoleReport::Budgets { budgets } => bottle.hub.budgets = Some(budgets),
        RoleReport::HoldOver { id, .. } => drop(bottle.hub.holds.remove(&id)),
        RoleReport::Hello { .. } | RoleReport::Ping | RoleReport::Unknown => {}
    }
    None
}

/// Whether two states of a hub are drawn alike: times count as the ages shown.
fn looks_same(one: &Hub, other: &Hub, coarse: impl Fn(jiff::Timestamp) -> i64) -> bool {
    let blurred = |hub: &Hub| {
        let session = hub.session.as_ref();
        session.map(|session| {
            (
                coarse(session.since),
                session.last_output.map(&coarse),
                session.activity,
                session.source.clone(),
                session.waiting_for.clone(),
                session.title.clone(),
            )
        })
    };
    let rest = |hub: &Hub| (hub.allowed, hub.denied, hub.ended);
    let egress = |hub: &Hub| {
        (
            hub.routes.clone(),
            hub.routes_refused.clone(),
            hub.holds.clone(),
        )
    };
    blurred(one) == blurred(other)
        && rest(one) == rest(other)
        && egress(one) == egress(other)
        && one.line == other.line
        && one.roles == other.roles
        && one.seal == other.seal
}
