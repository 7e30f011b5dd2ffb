//! What would have to be asked for so that something refused may leave.
//!
//! It is the least that does it, and nothing where no answer of the operator's could: a
//! request that cannot help is none.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, RouteAsk};
use super::pass::PassAsk;
use crate::policy::{
    CanonicalPath, HostName, HostPattern, Method, Methods, PathPattern, Permit, Reason, RequestAsk,
    Route, RouteSet, Scheme,
};

/// The longest path that is asked for by itself, in bytes.
pub(super) const MAX_PATH_BYTES: usize = 1024;
/// What a host that no route names is asked for with: reading it.
const READS: [&str; 2] = ["GET", "HEAD"];

/// What egress wants the operator to be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Wants {
    /// A route, because none lets out what was refused.
    Route(RouteAsk),
    /// That what a rule of the scanner found may pass.
    Pass(PassAsk),
}

impl Wants {
    /// As a request asks for it.
    #[must_use]
    pub fn ask(&self) -> Ask {
        match self {
            Self::Route(asked) => Ask::Route(asked.clone()),
            Self::Pass(asked) => Ask::ScanPass(asked.clone()),
        }
    }

    /// Whether a table lets out by now what was refused.
    #[must_use]
    pub fn is_let_out_by(&self, table: &RouteSet, now: Timestamp) -> bool {
        match self {
            Self::Route(asked) => asked.is_let_out_by(table, now),
            Self::Pass(asked) => asked.is_let_out_by(table, now),
        }
    }
}

/// Something that was refused: a connection, or one request in it.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// The host.
    pub host: &'a HostName,
    /// The port.
    pub port: u16,
    /// The request, where it was read.
    pub request: Option<RequestAsk<'a>>,
}

impl Refused<'_> {
    /// The route to ask for: host and port, to be read, where no route speaks of them; else
    /// the one method and path. It is for the pattern of hosts that came closest, since one
    /// for the host alone would shut out what `*.example.com` allows there.
    ///
    /// `None` where it is allowed, where a route refuses it, and where that route would not
    /// let it out: a name of the operator's own network, a push, a path with a `*` or of
    /// more than 1024 bytes, another way to the host than its other routes have.
    #[must_use]
    pub fn wants(&self, table: &RouteSet, now: Timestamp) -> Option<RouteAsk> {
        if self.host.is_inner() {
            return None;
        }
        let ask = match table.decide(self.host, self.port, now) {
            Err(denial) if is_unlisted(denial.reason) => match &self.request {
                Some(request) if !is_read(request) => {
                    self.narrow(self.host.clone().into(), request)
                }
                Some(_) | None => Some(self.place()),
            },
            Err(_) => None,
            Ok(permit) => {
                let request = self.request.as_ref()?;
                self.narrow(closest(&permit, request, now)?, request)
            }
        }?;
        self.is_let_out_with(table, ask.route(0), now)
            .then_some(ask)
    }

    fn place(&self) -> RouteAsk {
        let methods = READS
            .into_iter()
            .filter_map(|name| Method::parse(name).ok());
        RouteAsk {
            host: self.host.clone().into(),
            ports: vec![self.port],
            methods: Methods::Only(methods.collect()),
            paths: Vec::new(),
            websocket: false,
        }
    }

    fn narrow(&self, host: HostPattern, request: &RequestAsk<'_>) -> Option<RouteAsk> {
        let path = request.path.as_str();
        if path.contains('*') || path.len() > MAX_PATH_BYTES {
            return None;
        }
        let method = Method::parse(request.method).ok()?;
        Some(RouteAsk {
            host,
            ports: vec![self.port],
            methods: Methods::from(BTreeSet::from([method])),
            paths: vec![PathPattern::parse(path).ok()?],
            websocket: request.is_websocket,
        })
    }

    /// Whether a table with one route more lets it out. Only routes that match the host can
    /// have a say in it, so that a long table costs no more than reading it.
    fn is_let_out_with(&self, table: &RouteSet, route: Route, now: Timestamp) -> bool {
        let mut routes: Vec<Route> = table
            .routes
            .iter()
            .filter(|route| route.host.matches(self.host))
            .cloned()
            .collect();
        routes.push(route);
        let table = RouteSet::of(routes);
        table.problems().is_empty() && self.is_let_out(&table, now)
    }

    fn is_let_out(&self, table: &RouteSet, now: Timestamp) -> bool {
        let Ok(permit) = table.decide(self.host, self.port, now) else {
            return false;
        };
        self.request
            .is_none_or(|request| permit.request(&request, now).is_ok())
    }
}

impl RouteAsk {
    /// Whether a table lets out by now what was refused and asked for in this way: the
    /// connection, or the one request. Always `false` for a pattern of hosts.
    #[must_use]
    pub fn is_let_out_by(&self, table: &RouteSet, now: Timestamp) -> bool {
        let HostPattern::Exact(host) = &self.host else {
            return false;
        };
        let methods = match &self.methods {
            Methods::Any => BTreeSet::new(),
            Methods::Only(methods) => methods.clone(),
        };
        let paths: Option<Vec<CanonicalPath>> = self
            .paths
            .iter()
            .map(|path| CanonicalPath::parse(path.as_str()).ok())
            .collect();
        let Some(paths) = paths else {
            return false;
        };
        let lets_out = |port: u16, request: Option<RequestAsk<'_>>| {
            Refused {
                host,
                port,
                request,
            }
            .is_let_out(table, now)
        };
        self.ports.iter().all(|port| {
            lets_out(*port, None)
                && paths.iter().all(|path| {
                    methods.iter().all(|method| {
                        let request = RequestAsk {
                            // A credential that may not travel so is a matter of the
                            // request, not of the route.
                            scheme: Scheme::Https,
                            method: method.as_str(),
                            path,
                            query: None,
                            is_websocket: self.websocket,
                        };
                        lets_out(*port, Some(request))
                    })
                })
        })
    }
}

/// The hosts of the route that came closest to allowing the request.
fn closest(permit: &Permit<'_>, request: &RequestAsk<'_>, now: Timestamp) -> Option<HostPattern> {
    let reason = permit.request(request, now).err()?.reason;
    let can_help = matches!(
        reason,
        Reason::MethodNotAllowed
            | Reason::PathNotAllowed
            | Reason::WebsocketNotAllowed
            | Reason::RouteExpired
    );
    let closest = permit.closest(request, now).filter(|_| can_help)?;
    Some(closest.host.clone())
}

/// Whether no route speaks of the place.
const fn is_unlisted(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::HostNotAllowed | Reason::PortNotAllowed | Reason::RouteExpired
    )
}

fn is_read(request: &RequestAsk<'_>) -> bool {
    READS.contains(&request.method) && !request.is_websocket
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Effect, Provenance, Tls};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn route(pattern: &str, methods: &[&str], paths: &[&str]) -> Route {
        let methods = methods.iter().map(|text| Method::parse(text).unwrap());
        Route {
            methods: Methods::from(methods.collect::<BTreeSet<_>>()),
            paths: paths
                .iter()
                .map(|text| PathPattern::parse(text).unwrap())
                .collect(),
            ..Route::to(
                HostPattern::parse(pattern).unwrap(),
                vec![443],
                Provenance::Builtin,
            )
        }
    }

    /// What is asked for, in one line; «-» for nothing.
    fn wanted(table: &[Route], host: &str, request: Option<(&str, &str)>) -> String {
        let table = RouteSet::of(table.to_vec());
        let host = HostName::parse(host).unwrap();
        let path = request.map(|(_, path)| CanonicalPath::parse(path).unwrap());
        let request = request
            .zip(path.as_ref())
            .map(|((method, _), path)| RequestAsk {
                scheme: Scheme::Https,
                method,
                path,
                query: None,
                is_websocket: false,
            });
        let refused = Refused {
            host: &host,
            port: 443,
            request,
        };
        let Some(ask) = refused.wants(&table, NOW) else {
            return String::from("-");
        };
        assert_eq!(Ask::Route(ask.clone()).check(), Ok(()));
        assert!(!ask.is_let_out_by(&table, NOW));
        if matches!(ask.host, HostPattern::Exact(_)) {
            let mut more = table.clone();
            more.routes.push(ask.route(1));
            assert!(ask.is_let_out_by(&more, NOW), "{ask:?}");
        }
        ask.route(0).words()
    }

    #[test]
    fn a_host_that_no_route_names_is_asked_for_to_be_read() {
        assert_eq!(wanted(&[], "a.example", None), "GET,HEAD a.example");
        let other = route("b.example", &[], &[]);
        assert_eq!(wanted(&[other], "a.example", None), "GET,HEAD a.example");
        let mut port = route("a.example", &[], &[]);
        port.ports = vec![8443];
        assert_eq!(wanted(&[port], "a.example", None), "GET,HEAD a.example");
        let mut over = route("a.example", &[], &[]);
        over.expires = Some(NOW);
        assert_eq!(wanted(&[over], "a.example", None), "GET,HEAD a.example");
        // In plain HTTP more is known: what reads is one request, what writes is alone.
        let plain = |method| wanted(&[], "a.example", Some((method, "/x")));
        assert_eq!(plain("GET"), "GET,HEAD a.example");
        assert_eq!(plain("POST"), "POST a.example/x");
    }

    #[test]
    fn a_request_that_a_hosts_routes_do_not_cover_is_asked_for_alone() {
        let get = route("a.example", &["GET"], &["/v1/*"]);
        let ask = |request| wanted(std::slice::from_ref(&get), "a.example", Some(request));
        assert_eq!(ask(("POST", "/v1/x")), "POST a.example/v1/x");
        assert_eq!(ask(("GET", "/v2")), "GET a.example/v2");
        assert_eq!(ask(("GET", "/v1/x")), "-");
        let wild = route("*.example.com", &["GET"], &[]);
        let ask = wanted(&[wild], "api.example.com", Some(("PUT", "/x")));
        assert_eq!(ask, "PUT *.example.com/x");
    }

    #[test]
    fn what_no_answer_could_help_is_not_asked_for() {
        let mut never = route("a.example", &[], &[]);
        never.effect = Effect::Deny;
        let mut private = route("a.example", &["GET"], &[]);
        private.allow_private = true;
        let mut spliced = route("a.example", &[], &[]);
        spliced.tls = Tls::Splice;
        let get = route("a.example", &["GET"], &[]);
        let long = format!("/{}", "a".repeat(MAX_PATH_BYTES));
        for (table, host, request) in [
            (vec![never], "a.example", None),
            // What the routes let out is refused elsewhere, for another reason.
            (vec![get.clone()], "a.example", None),
            // To the route's own address goes nothing that was asked for.
            (vec![private], "a.example", Some(("POST", "/"))),
            (vec![spliced], "a.example", Some(("POST", "/"))),
            (vec![get.clone()], "a.example", Some(("TRACE", "/"))),
            (vec![get.clone()], "a.example", Some(("POST", "/a*"))),
            (
                vec![get.clone()],
                "a.example",
                Some(("POST", long.as_str())),
            ),
            (
                vec![get],
                "a.example",
                Some(("POST", "/x/git-receive-pack")),
            ),
            (vec![], "localhost", None),
            (vec![], "db.internal", None),
            (vec![], "printer", None),
        ] {
            assert_eq!(wanted(&table, host, request), "-", "{host} {request:?}");
        }
    }
}
