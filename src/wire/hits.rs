//! How often egress let out and refused: by route, by host, by reason.
//!
//! Everything is bounded, because the agent chooses what it asks for. What is told each
//! for itself is told exactly as long as there is room; the rest is told as one sum.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::{Budget, Reason, Route};
use crate::spec::Digest;

/// Names a route by all that it says but its budget and what may pass the scanner on it:
/// changing those goes on counting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct RouteKey(String);

impl RouteKey {
    /// The name of a route.
    #[must_use]
    pub fn of(route: &Route) -> Self {
        let unbudgeted = Route {
            budget: Budget::default(),
            scan_pass: BTreeSet::new(),
            ..route.clone()
        };
        // A route is plain data: it can always be written. Were that not so, its counts
        // would be those of another such route, and nothing else would go wrong.
        let text = serde_json::to_vec(&unbudgeted).unwrap_or_default();
        Self(Digest::of(&text).short())
    }

    /// Whether it is as short as every name is.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.0.len() <= 64
    }
}

/// What was let out somewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Passed {
    /// Requests, and tunnels that were not looked into.
    pub requests: u64,
    /// Bytes of bodies, and of such tunnels, that went out.
    pub sent_bytes: u64,
    /// The same that came in.
    pub received_bytes: u64,
    /// When the last request, or connection without one, was let out, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

impl Passed {
    /// Both ways.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.sent_bytes.saturating_add(self.received_bytes)
    }

    /// Adds others, up to the most that a number holds.
    pub fn add(&mut self, more: &Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.sent_bytes = self.sent_bytes.saturating_add(more.sent_bytes);
        self.received_bytes = self.received_bytes.saturating_add(more.received_bytes);
        self.last = self.last.max(more.last);
    }
}

/// What counts against a route's budget, in this life of the sidecar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Spent {
    /// Requests.
    pub requests: u64,
    /// Bytes of bodies, both ways.
    pub bytes: u64,
}

/// What one route let out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteHits {
    /// The route.
    pub route: RouteKey,
    /// What passed.
    #[serde(flatten)]
    pub passed: Passed,
    /// What of its budget is spent, if it has one and was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
}

/// What was let out to one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HostHits {
    /// The host, 253 characters at most.
    pub host: String,
    /// What passed.
    #[serde(flatten)]
    pub passed: Passed,
}

/// What was refused to one host for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusedHits {
    /// The host as asked, control characters escaped, 253 characters at most.
    pub host: String,
    /// Why.
    pub reason: Reason,
    /// How often.
    pub times: u64,
    /// When last, to the second.
    pub last: Timestamp,
}

/// What egress let out and refused over all its lives. A route or host that is not in it
/// had nothing, as long as the sum of the rest is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Hits {
    /// When the counting began.
    pub since: Timestamp,
    /// By route, also those that are gone; [`Hits::MAX_ROUTES`] at most.
    #[serde(default)]
    pub routes: Vec<RouteHits>,
    /// What passed on routes in force beyond those.
    #[serde(default)]
    pub more_routes: Passed,
    /// By host; [`Hits::MAX_HOSTS`] at most, those with the most requests.
    #[serde(default)]
    pub hosts: Vec<HostHits>,
    /// What passed to hosts beyond those.
    #[serde(default)]
    pub more_hosts: Passed,
    /// By host and reason; [`Hits::MAX_REFUSED`] at most, those refused most often.
    #[serde(default)]
    pub refused: Vec<RefusedHits>,
    /// How often something was refused beyond those.
    #[serde(default)]
    pub more_refused: u64,
}

impl Hits {
    /// Routes told each for itself.
    pub const MAX_ROUTES: usize = 256;
    /// Hosts told each for itself.
    pub const MAX_HOSTS: usize = 64;
    /// Pairs of host and reason told each for itself.
    pub const MAX_REFUSED: usize = 64;

    /// Nothing yet.
    #[must_use]
    pub const fn since(since: Timestamp) -> Self {
        Self {
            since,
            routes: Vec::new(),
            more_routes: Passed {
                requests: 0,
                sent_bytes: 0,
                received_bytes: 0,
                last: None,
            },
            hosts: Vec::new(),
            more_hosts: Passed {
                requests: 0,
                sent_bytes: 0,
                received_bytes: 0,
                last: None,
            },
            refused: Vec::new(),
            more_refused: 0,
        }
    }

    /// What passed on a route. `None` if that is not known: there are more routes than
    /// are counted each for itself.
    #[must_use]
    pub fn of(&self, route: &RouteKey) -> Option<RouteHits> {
        let known = self.routes.iter().find(|known| known.route == *route);
        match known {
            Some(known) => Some(known.clone()),
            None if self.more_routes.requests > 0 => None,
            None => Some(RouteHits {
                route: route.clone(),
                passed: Passed::default(),
                spent: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostName, Provenance};

    fn route(host: &str) -> Route {
        let host = HostName::parse(host).unwrap();
        Route::to(host, vec![443], Provenance::Builtin)
    }

    #[test]
    fn a_budget_does_not_change_a_route_s_name_and_all_else_does() {
        let mut raised = route("a.example");
        raised.budget.requests = Some(9);
        assert_eq!(RouteKey::of(&raised), RouteKey::of(&route("a.example")));
        assert_ne!(RouteKey::of(&raised), RouteKey::of(&route("b.example")));
        let mut mine = route("a.example");
        mine.origin = Provenance::Operator;
        assert_ne!(RouteKey::of(&mine), RouteKey::of(&raised));
    }

    #[test]
    fn a_route_that_is_not_told_had_nothing_unless_there_were_too_many() {
        let key = RouteKey::of(&route("a.example"));
        let mut hits = Hits::since(Timestamp::UNIX_EPOCH);
        assert_eq!(hits.of(&key).unwrap().passed, Passed::default());
        hits.more_routes.requests = 1;
        assert_eq!(hits.of(&key), None);
    }

    /// What an earlier version wrote has none of the counts that a later one adds.
    #[test]
    fn what_is_missing_is_nothing_and_all_reads_as_it_is_written() {
        let text = r#"{"since":"1970-01-01T00:00:00Z"}"#;
        let hits: Hits = serde_json::from_str(text).unwrap();
        assert_eq!(hits, Hits::since(Timestamp::UNIX_EPOCH));
        let full = Hits {
            routes: vec![RouteHits {
                route: RouteKey::of(&route("a.example")),
                passed: Passed {
                    requests: u64::MAX,
                    sent_bytes: 1,
                    received_bytes: 2,
                    last: Some(Timestamp::UNIX_EPOCH),
                },
                spent: Some(Spent {
                    requests: 1,
                    bytes: 3,
                }),
            }],
            hosts: vec![HostHits {
                host: String::from("a.example"),
                passed: Passed::default(),
            }],
            refused: vec![RefusedHits {
                host: String::from("b.example"),
                reason: Reason::HostNotAllowed,
                times: 4,
                last: Timestamp::UNIX_EPOCH,
            }],
            more_refused: 5,
            ..hits
        };
        let text = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<Hits>(&text).unwrap(), full);
    }
}
