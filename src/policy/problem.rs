//! What is wrong with a set of routes as a whole, though each of them is well formed.

use super::{Budget, Effect, Route, RouteRole, RouteSet, Scan, ScanMode, Tls, Unlisted};

/// A contradiction. Routes are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteProblem {
    /// Two routes have one role.
    #[error("two routes have the role `{}`", role.as_str())]
    RoleTwice {
        /// The role.
        role: RouteRole,
        /// The route that says it again.
        at: usize,
    },
    /// A spliced connection is not looked into, so its requests cannot be judged.
    #[error(
        "a spliced route has methods, paths, a credential, a role, scan, websocket or a budget"
    )]
    SplicedDetail {
        /// The route.
        at: usize,
    },
    /// Some routes to the same place intercept or refuse some of it, and others splice.
    #[error("two routes to the same host and port treat its TLS differently")]
    MixedTls {
        /// The second of them.
        at: usize,
    },
    /// Routes to the same place lead to different addresses.
    #[error("two routes to the same host and port lead to different addresses")]
    MixedWay {
        /// The second of them.
        at: usize,
    },
    /// What goes to a model must arrive as it was sent.
    #[error("a route to a model redacts, which breaks what the model is told")]
    RedactedModel {
        /// The route.
        at: usize,
    },
    /// A route that refuses needs nothing else.
    #[error("a route that refuses has more than hosts, ports, methods and paths")]
    DenyWithDetail {
        /// The route.
        at: usize,
    },
    /// It can match nothing.
    #[error("a route has no port")]
    NoPorts {
        /// The route.
        at: usize,
    },
    /// Two budgets of the bottle are of the same thing in the same time.
    #[error("two budgets are of the same thing and time")]
    BudgetTwice,
    /// A budget that lets nothing out is no budget.
    #[error("a budget is 0")]
    BudgetOfNothing,
    /// The time to ask is out of bounds.
    #[error("the time to ask the operator is not within 5 and 600 s")]
    AskSeconds,
}

impl RouteProblem {
    /// The route that it is told of; `None` for the whole set.
    #[must_use]
    pub const fn at(&self) -> Option<usize> {
        match self {
            Self::RoleTwice { at, .. }
            | Self::SplicedDetail { at }
            | Self::MixedTls { at }
            | Self::MixedWay { at }
            | Self::RedactedModel { at }
            | Self::DenyWithDetail { at }
            | Self::NoPorts { at } => Some(*at),
            Self::AskSeconds | Self::BudgetTwice | Self::BudgetOfNothing => None,
        }
    }
}

impl RouteSet {
    /// What contradicts itself. A table with a problem is put in force by nobody.
    #[must_use]
    pub fn problems(&self) -> Vec<RouteProblem> {
        let mut problems = Vec::new();
        if let Unlisted::Ask { seconds } = self.unlisted
            && !super::decide::ASK_BOUNDS.contains(&seconds)
        {
            problems.push(RouteProblem::AskSeconds);
        }
        if self.budgets.iter().any(|budget| budget.amount == 0) {
            problems.push(RouteProblem::BudgetOfNothing);
        }
        // Which also bounds how many there are.
        for (at, budget) in self.budgets.iter().enumerate() {
            let mut before = self.budgets.iter().take(at);
            if before.any(|earlier| earlier.is_alike(budget)) {
                problems.push(RouteProblem::BudgetTwice);
            }
        }
        for (at, route) in self.routes.iter().enumerate() {
            problems.extend(alone(at, route));
            let before = self.routes.iter().take(at);
            problems.extend(beside(at, route, before));
        }
        problems
    }
}

fn alone(at: usize, route: &Route) -> Vec<RouteProblem> {
    let redacts = [route.scan.request, route.scan.response].contains(&ScanMode::Redact);
    let mut problems = Vec::new();
    if route.ports.is_empty() {
        problems.push(RouteProblem::NoPorts { at });
    }
    let is_detailed = !route.is_whole()
        || route.auth.is_some()
        || route.role.is_some()
        || route.scan != Scan::default()
        || !route.scan_pass.is_empty()
        || route.budget != Budget::default()
        || route.websocket;
    if route.effect == Effect::Allow && route.tls == Tls::Splice && is_detailed {
        problems.push(RouteProblem::SplicedDetail { at });
    }
    if route.role.is_some() && redacts {
        problems.push(RouteProblem::RedactedModel { at });
    }
    let grants = route.auth.is_some()
        || route.role.is_some()
        || route.budget != Budget::default()
        || route.scan != Scan::default()
        || !route.scan_pass.is_empty()
        || route.tls != Tls::default()
        || route.connect_to.is_some()
        || route.allow_private
        || route.websocket;
    if route.effect == Effect::Deny && grants {
        problems.push(RouteProblem::DenyWithDetail { at });
    }
    problems
}

fn beside<'a>(
    at: usize,
    route: &Route,
    before: impl Iterator<Item = &'a Route>,
) -> Vec<RouteProblem> {
    let mut problems = Vec::new();
    for earlier in before {
        let share = earlier.ports.iter().any(|port| route.ports.contains(port));
        let is_allowed = (earlier.effect, route.effect) == (Effect::Allow, Effect::Allow);
        if !is_allowed {
            let meets = share && earlier.host.meets(&route.host);
            if meets && (hides_from(earlier, route) || hides_from(route, earlier)) {
                problems.push(RouteProblem::MixedTls { at });
            }
            continue;
        }
        if let Some(role) = route.role
            && earlier.role == Some(role)
        {
            problems.push(RouteProblem::RoleTwice { role, at });
        }
        // Only routes of one pattern speak together; see `decide`.
        let meets = share && earlier.host == route.host;
        if meets && earlier.tls != route.tls {
            problems.push(RouteProblem::MixedTls { at });
        }
        let way = |route: &Route| (route.connect_to, route.allow_private);
        if meets && way(earlier) != way(route) {
            problems.push(RouteProblem::MixedWay { at });
        }
    }
    problems.dedup();
    problems
}

/// Whether a route splices what another would have to look into to refuse it.
fn hides_from(route: &Route, other: &Route) -> bool {
    route.tls == Tls::Splice && other.effect == Effect::Deny && !other.is_whole()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{BottleBudget, HostName, Measure, Method, Methods, Provenance, Span};

    fn route(host: &str) -> Route {
        Route::to(
            HostName::parse(host).unwrap(),
            vec![443],
            Provenance::Builtin,
        )
    }

    fn problems(change: impl Fn(&mut Route, &mut Route)) -> Vec<RouteProblem> {
        let (mut one, mut two) = (route("a.example.com"), route("a.example.com"));
        change(&mut one, &mut two);
        RouteSet::of(vec![one, two]).problems()
    }

    fn get() -> Methods {
        Methods::from(std::collections::BTreeSet::from([
            Method::parse("GET").unwrap()
        ]))
    }

    #[test]
    fn what_must_be_looked_into_is_not_spliced() {
        assert_eq!(
            problems(|one, two| {
                one.tls = Tls::Splice;
                two.effect = Effect::Deny;
                two.methods = get();
            }),
            [RouteProblem::MixedTls { at: 1 }]
        );
        assert_eq!(
            problems(|one, two| {
                one.tls = Tls::Splice;
                two.effect = Effect::Deny;
            }),
            [],
            "what is denied whole need not be looked into"
        );
        assert_eq!(
            problems(|one, two| {
                one.tls = Tls::Splice;
                one.scan.request = ScanMode::Warn;
                two.tls = Tls::Splice;
                two.role = Some(RouteRole::AnthropicApiKey);
            }),
            [
                RouteProblem::SplicedDetail { at: 0 },
                RouteProblem::SplicedDetail { at: 1 }
            ]
        );
    }

    #[test]
    fn each_contradiction_is_found_and_what_agrees_is_not() {
        assert_eq!(problems(|_, _| {}), []);
        assert_eq!(
            problems(|one, two| {
                one.role = Some(RouteRole::ClaudeCodeOauth);
                two.role = one.role;
            }),
            [RouteProblem::RoleTwice {
                role: RouteRole::ClaudeCodeOauth,
                at: 1
            }]
        );
        assert_eq!(
            problems(|_, two| two.tls = Tls::Splice),
            [RouteProblem::MixedTls { at: 1 }]
        );
        assert_eq!(
            problems(|one, two| {
                one.tls = Tls::Splice;
                two.tls = Tls::Splice;
                two.methods = get();
            }),
            [RouteProblem::SplicedDetail { at: 1 }]
        );
        assert_eq!(
            problems(|one, _| one.allow_private = true),
            [RouteProblem::MixedWay { at: 1 }]
        );
        assert_eq!(
            problems(|_, two| {
                two.role = Some(RouteRole::AnthropicApiKey);
                two.scan.request = ScanMode::Redact;
            }),
            [RouteProblem::RedactedModel { at: 1 }]
        );
        assert_eq!(
            problems(|_, two| {
                two.effect = Effect::Deny;
                two.websocket = true;
            }),
            [RouteProblem::DenyWithDetail { at: 1 }]
        );
        assert_eq!(
            problems(|one, _| one.ports.clear()),
            [RouteProblem::NoPorts { at: 0 }]
        );
        let mut set = RouteSet::NONE;
        set.unlisted = Unlisted::Ask { seconds: 3 };
        assert_eq!(set.problems(), [RouteProblem::AskSeconds]);
        let budget = |per, amount| BottleBudget::new(Measure::Cost, per, amount);
        let mut set = RouteSet::NONE;
        set.budgets = vec![budget(Span::Hour, 5), budget(Span::Day, 5)];
        assert_eq!(set.problems(), []);
        set.budgets.push(budget(Span::Hour, 7));
        assert_eq!(set.problems(), [RouteProblem::BudgetTwice]);
        set.budgets = vec![budget(Span::Hour, 0)];
        assert_eq!(set.problems(), [RouteProblem::BudgetOfNothing]);
    }
}
