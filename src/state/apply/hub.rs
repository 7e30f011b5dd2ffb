//! What hubs and logs say.

use crate::state::age::coarse;
use crate::state::bottle::{Bottle, Hub, HubLine, RoutesInForce};
use crate::state::budget::spent_words;
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::sighting::BottleRef;
use crate::state::view::Tab;
use crate::wire::{Activity, BudgetState, HubToConsole, Role, RoleReport, VERSION};

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

    /// Takes what a hub says, and tells the operator if something began to wait.
    pub(super) fn on_hub_said(
        &mut self,
        bottle: BottleRef,
        message: HubToConsole,
        effects: &mut Vec<Effect>,
    ) {
        let news = self.hear(&bottle, &message);
        self.on_hub(&bottle, message);
        effects.extend(news.and_then(|what| self.notification(bottle, what)));
    }

    fn on_hub(&mut self, bottle: &BottleRef, message: HubToConsole) {
        let now = self.now;
        let Some(known) = self.fleet.get_mut(bottle) else {
            return;
        };
        let (before, requests) = without_the_large(&mut known.hub);
        let decided = known.decisions.end();
        let refused = known.model.refusal.as_ref().map(|refusal| refusal.kind);
        let mut shows = None;
        let is_request = is_of_a_request(&message);
        self.view.inbox.is_stale |= is_of_the_inbox(&message);
        match message {
            HubToConsole::Hello { version } if version != VERSION => {
                known.hub.line = HubLine::Down {
                    why: format!(
                        "it speaks version {version} of the protocol, this console {VERSION}"
                    ),
                };
            }
            HubToConsole::Hello { .. } | HubToConsole::Missed { .. } => {
                known.hub_begins();
            }
            HubToConsole::Report { role, report } => {
                shows = take_report(known, role, report);
            }
            HubToConsole::Tally { allowed, denied } => {
                known.hub.allowed = allowed;
                known.hub.denied = denied;
            }
            HubToConsole::Live => known.hub.line = HubLine::Up,
            HubToConsole::Pong => {}
        }
        let is_request = is_request || known.hub.requests.len() != requests;
        let warning = budget_warning(&before, &known.hub);
        let news = known.decisions.newest();
        let news = news.filter(|_| known.decisions.end() != decided);
        let is_listed = news.is_some_and(|news| self.view.decided.take(bottle, news));
        self.view.all_egress.is_stale |= shows == Some(Tab::Egress);
        let is_refused = known.model.refusal.as_ref().map(|refusal| refusal.kind);
        let looks_same =
            is_refused == refused && looks_same(&before, &known.hub, |at| coarse(now, at));
        if !looks_same
            || is_request
            || is_listed
            || shows.is_some_and(|tab| self.is_shown(bottle, tab))
        {
            self.touch();
        }
        if let Some(warning) = warning {
            self.tell(format!("{}: {warning}", bottle.id));
        }
    }
}

/// A copy of what a hub says without its counts and requests, which are large, and how
/// many requests there are.
fn without_the_large(hub: &mut Hub) -> (Hub, usize) {
    let hits = hub.hits.take();
    let requests = std::mem::take(&mut hub.requests);
    let copy = hub.clone();
    let count = requests.len();
    hub.hits = hits;
    hub.requests = requests;
    (copy, count)
}

const fn is_of_a_request(message: &HubToConsole) -> bool {
    let HubToConsole::Report { report, .. } = message else {
        return false;
    };
    matches!(report, RoleReport::Request { .. })
}

/// Whether the inbox may be another after it.
const fn is_of_the_inbox(message: &HubToConsole) -> bool {
    match message {
        HubToConsole::Hello { .. } | HubToConsole::Missed { .. } => true,
        HubToConsole::Report { report, .. } => matches!(
            report,
            RoleReport::Request { .. }
                | RoleReport::Held { .. }
                | RoleReport::HoldOver { .. }
                | RoleReport::Budgets { .. }
                | RoleReport::State { .. }
                | RoleReport::Session { .. }
                | RoleReport::Routes { .. }
        ),
        HubToConsole::Tally { .. } | HubToConsole::Live | HubToConsole::Pong => false,
    }
}

/// Takes a report and names the page that shows it, if only that page does.
fn take_report(bottle: &mut Bottle, role: Role, report: RoleReport) -> Option<Tab> {
    match report {
        RoleReport::State { state } => {
            bottle.hub.roles.insert(role, state);
        }
        RoleReport::Decision { decision } => {
            // A hub tells its decisions again to every new line.
            let newest = bottle.decisions.newest().map_or(0, |newest| newest.seq);
            if decision.seq > newest {
                bottle.model.hear(&decision);
                bottle.decisions.push(decision);
            }
            return Some(Tab::Egress);
        }
        RoleReport::Seal { report } => {
            bottle.model.begin(report.at);
            bottle.hub.seal = Some(report);
        }
        RoleReport::Session { report } => {
            if report.activity == Activity::Starting {
                bottle.model.forget();
            }
            bottle.hub.session = Some(report);
            bottle.hub.ended = None;
        }
        RoleReport::Ended { exit } => {
            bottle.hub.ended = Some(exit);
            bottle.model.forget();
        }
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
        RoleReport::Budgets { budgets } => {
            bottle.hub.budgets = Some(budgets);
            return Some(Tab::Egress);
        }
        RoleReport::Hits { hits } => {
            bottle.hub.hits = Some(*hits);
            return Some(Tab::Egress);
        }
        RoleReport::HoldOver { id, .. } => drop(bottle.hub.holds.remove(&id)),
        RoleReport::Request { request } => drop(bottle.hub.requests.insert(request.id, *request)),
        // Who said what was not taken is told by its own operation.
        // The engine's log holds a line of a log too, and is read there.
        RoleReport::Log { .. }
        | RoleReport::RequestRefused { .. }
        | RoleReport::Hello { .. }
        | RoleReport::Ping
        | RoleReport::Unknown => {}
    }
    None
}

/// What there is to say when most of a budget has become spent, which is said once.
fn budget_warning(before: &Hub, after: &Hub) -> Option<String> {
    const WARN: u8 = 80;
    let (before, after) = (before.budgets.as_ref()?, after.budgets.as_ref()?);
    let percent = |state: &BudgetState| state.budget.percent(state.spent);
    let crossed = after.budgets.iter().find(|state| {
        let mut earlier = before.budgets.iter();
        let earlier = earlier.find(|earlier| earlier.budget == state.budget);
        percent(state) >= WARN && earlier.is_some_and(|earlier| percent(earlier) < WARN)
    })?;
    let (percent, words) = (percent(crossed), spent_words(crossed));
    Some(format!("{percent} % of a budget is spent: {words}"))
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
    // Amounts are drawn on the page of egress alone.
    let budgets = |hub: &Hub| {
        let budgets = hub.budgets.as_ref()?;
        let spent = |state: &BudgetState| (state.budget, state.is_spent(), state.is_refused);
        let spent: Vec<_> = budgets.budgets.iter().map(spent).collect();
        Some((budgets.pause, spent))
    };
    blurred(one) == blurred(other)
        && rest(one) == rest(other)
        && egress(one) == egress(other)
        && budgets(one) == budgets(other)
        && one.line == other.line
        && one.roles == other.roles
        && one.seal == other.seal
}
