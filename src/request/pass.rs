//! Letting what looks like a secret pass: what egress asks for where the scanner's rules
//! alone stopped a request.
//!
//! It names rules and a request, never what was found, and what it is granted is a
//! route's: all that the route covers passes with it. No agent can ask for it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ask::{AskProblem, at_most};
use super::denial::{MAX_PATH_BYTES, Refused};
use crate::policy::{
    CanonicalPath, HostName, Method, PathPattern, RequestAsk, Route, RouteSet, ScanMode, ScanRule,
    Scheme, Tls,
};

/// The most rules: as many as egress tells of one request.
const MAX_RULES: usize = 16;

/// What the scanner's rules stopped, and is to pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PassAsk {
    /// The host.
    pub host: HostName,
    /// The port.
    pub port: u16,
    /// The method.
    pub method: Method,
    /// The path, without a `*`.
    pub path: PathPattern,
    /// Whether the request goes on as a WebSocket.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub websocket: bool,
    /// The rules whose findings are to pass.
    pub rules: BTreeSet<ScanRule>,
}

impl PassAsk {
    /// Asks that a request may pass these rules. `None` where a route could not name it: a
    /// path with a `*` or of more than 1024 bytes.
    #[must_use]
    pub fn of(refused: &Refused<'_>, rules: BTreeSet<ScanRule>) -> Option<Self> {
        let request = refused.request.as_ref()?;
        let path = request.path.as_str();
        if path.contains('*') || path.len() > MAX_PATH_BYTES {
            return None;
        }
        Some(Self {
            host: refused.host.clone(),
            port: refused.port,
            method: Method::parse(request.method).ok()?,
            path: PathPattern::parse(path).ok()?,
            websocket: request.is_websocket,
            rules,
        })
    }

    pub(super) fn check(&self) -> Result<(), AskProblem> {
        if self.port == 0 {
            return Err(AskProblem::Ports);
        }
        if self.rules.is_empty() {
            return Err(AskProblem::Empty {
                what: "the list of rules",
            });
        }
        at_most("rules", self.rules.len(), MAX_RULES)?;
        let path = self.path.as_str();
        if path.contains('*') || path.len() > MAX_PATH_BYTES {
            return Err(AskProblem::malformed("the path", path, "/v1/notes"));
        }
        Ok(())
    }

    /// What is asked for, in one line.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "that what looks like {} may pass to {}",
            ScanRule::words(&self.rules),
            self.place()
        )
    }

    /// The request, in words.
    pub(super) fn place(&self) -> String {
        let port = if self.port == 443 {
            String::new()
        } else {
            format!(":{}", self.port)
        };
        format!(
            "{} {}{port}{}",
            self.method.as_str(),
            self.host,
            self.path.as_str()
        )
    }

    /// Whether a table lets it pass by now, or looks for nothing there.
    #[must_use]
    pub fn is_let_out_by(&self, table: &RouteSet, now: Timestamp) -> bool {
        self.route_at(table, now)
            .and_then(|at| table.routes.get(at))
            .is_some_and(|route| {
                let is_told_only = matches!(route.scan.request, ScanMode::Warn | ScanMode::Off);
                is_told_only || self.rules.is_subset(&route.scan_pass)
            })
    }

    /// The routes that let the request out, counted from 0: the one that does now and those
    /// that do once others have ended, because no clock is known here.
    #[must_use]
    pub fn places_in(&self, table: &RouteSet) -> BTreeSet<usize> {
        let ends = table.routes.iter().filter_map(|route| route.expires);
        std::iter::once(Timestamp::MIN)
            .chain(ends)
            .filter_map(|now| self.route_at(table, now))
            .collect()
    }

    /// The same routes.
    #[must_use]
    pub fn routes_in<'t>(&self, table: &'t RouteSet) -> Vec<&'t Route> {
        let places = self.places_in(table);
        places
            .into_iter()
            .filter_map(|at| table.routes.get(at))
            .collect()
    }

    fn route_at(&self, table: &RouteSet, now: Timestamp) -> Option<usize> {
        let path = CanonicalPath::parse(self.path.as_str()).ok()?;
        let permit = table.decide(&self.host, self.port, now).ok()?;
        if permit.tls() == Tls::Splice {
            return None;
        }
        let request = RequestAsk {
            // Routes do not differ by it but for a credential, which was let out here.
            scheme: Scheme::Https,
            method: self.method.as_str(),
            path: &path,
            query: None,
            is_websocket: self.websocket,
        };
        permit.request(&request, now).ok().map(|grant| grant.route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostPattern, Methods, Provenance};

    fn rules(names: &[&str]) -> BTreeSet<ScanRule> {
        let names = names.iter().map(|name| ScanRule::parse(name).unwrap());
        names.collect()
    }

    fn ask() -> PassAsk {
        PassAsk {
            host: HostName::parse("a.example").unwrap(),
            port: 443,
            method: Method::parse("POST").unwrap(),
            path: PathPattern::parse("/v1/notes").unwrap(),
            websocket: false,
            rules: rules(&["github-pat"]),
        }
    }

    fn route(pattern: &str, methods: &[&str]) -> Route {
        let methods = methods.iter().map(|text| Method::parse(text).unwrap());
        Route {
            methods: Methods::from(methods.collect::<BTreeSet<_>>()),
            ..Route::to(
                HostPattern::parse(pattern).unwrap(),
                vec![443],
                Provenance::Builtin,
            )
        }
    }

    #[test]
    fn what_cannot_be_granted_is_not_asked_for() {
        assert_eq!(ask().check(), Ok(()));
        for wrong in [
            PassAsk { port: 0, ..ask() },
            PassAsk {
                rules: BTreeSet::new(),
                ..ask()
            },
            PassAsk {
                path: PathPattern::parse("/v1/*").unwrap(),
                ..ask()
            },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn it_is_over_once_the_very_route_lets_it_pass() {
        let now = Timestamp::UNIX_EPOCH;
        let mut table = RouteSet::of(vec![
            route("a.example", &["GET"]),
            route("a.example", &["POST"]),
        ]);
        assert!(!ask().is_let_out_by(&table, now));
        table.routes[0].scan_pass = rules(&["github-pat"]);
        assert!(!ask().is_let_out_by(&table, now));
        table.routes[1].scan_pass = rules(&["gitlab-pat"]);
        assert!(!ask().is_let_out_by(&table, now));
        table.routes[1].scan_pass = rules(&["github-pat", "gitlab-pat"]);
        assert!(ask().is_let_out_by(&table, now));
        table.routes[1].scan_pass.clear();
        table.routes[1].scan.request = ScanMode::Warn;
        assert!(ask().is_let_out_by(&table, now));
        assert!(!ask().is_let_out_by(&RouteSet::NONE, now));
    }

    #[test]
    fn a_route_that_may_have_ended_does_not_hide_the_one_behind_it() {
        let mut ending = route("a.example", &["POST"]);
        ending.expires = Some(Timestamp::UNIX_EPOCH);
        ending.paths = vec![PathPattern::parse("/v1/notes").unwrap()];
        let other = route("b.example", &[]);
        let table = RouteSet::of(vec![other, ending, route("a.example", &[])]);
        assert_eq!(ask().places_in(&table), BTreeSet::from([1, 2]));
        let spliced = Route {
            tls: Tls::Splice,
            ..route("a.example", &[])
        };
        assert!(ask().places_in(&RouteSet::of(vec![spliced])).is_empty());
    }

    #[test]
    fn its_words_name_rules_and_request() {
        assert_eq!(
            ask().words(),
            "that what looks like `github-pat` may pass to POST a.example/v1/notes"
        );
        let text = serde_json::to_string(&ask()).unwrap();
        assert_eq!(serde_json::from_str::<PassAsk>(&text).unwrap(), ask());
    }
}
