//! The decision over routes: first whether a connection may be made, then, for each
//! request inside it, whether that may be sent. Nothing matches = deny; deny beats allow.
//!
//! The routes of the closest pattern that names a host speak for it alone: one for
//! `api.example.com` shuts out those for `*.example.com`, so that a narrow permission
//! is not widened by a broad one. Routes that deny count wherever they match. Of the
//! routes that allow a request, the one whose path fixes most of it gives the terms, then
//! one that names methods; among equals the first in the set, the one place where the
//! order counts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    AddressClass, Auth, BottleBudget, Budget, CanonicalPath, Denial, Effect, HostName, HostPattern,
    PathPattern, Reason, Route, RouteRole, Scan, ScanRule, SecretName, Tls,
};

/// How long a connection that no route allows waits for the operator, if nothing else is
/// said, and the bounds of that.
pub const ASK_SECONDS: u32 = 120;
/// The least and the most.
pub const ASK_BOUNDS: std::ops::RangeInclusive<u32> = 5..=600;

/// What becomes of a connection that no route allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// It is refused.
    #[default]
    Deny,
    /// The operator is asked, this many seconds at most; no answer refuses it.
    Ask {
        /// Within [`ASK_BOUNDS`].
        seconds: u32,
    },
}

/// What becomes of what is refused and a route could allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Denials {
    /// It is told to who asked, and written down.
    #[default]
    Refuse,
    /// It becomes a request to the operator, too.
    Request,
}

/// Every route of one bottle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "Written", into = "Written")]
pub struct RouteSet {
    /// The routes, in manifest order.
    pub routes: Vec<Route>,
    /// What becomes of the rest.
    pub unlisted: Unlisted,
    /// What becomes of what is refused.
    pub denials: Denials,
    /// How much the whole bottle may use before it waits for the operator.
    pub budgets: Vec<BottleBudget>,
}

/// How a set is written: as the list alone where the rest is refused, nothing asks for it
/// and nothing is budgeted.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Written {
    List(Vec<Route>),
    Set {
        #[serde(default)]
        unlisted: Unlisted,
        // A set that does not use it reads, and is named, as before there was one.
        #[serde(default, skip_serializing_if = "Denials::is_default")]
        denials: Denials,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        budgets: Vec<BottleBudget>,
        routes: Vec<Route>,
    },
}

impl Denials {
    // As serde calls it.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Written> for RouteSet {
    fn from(written: Written) -> Self {
        match written {
            Written::List(routes) => Self::of(routes),
            Written::Set {
                unlisted,
                denials,
                budgets,
                routes,
            } => Self {
                routes,
                unlisted,
                denials,
                budgets,
            },
        }
    }
}

impl From<RouteSet> for Written {
    fn from(set: RouteSet) -> Self {
        let is_plain = set.unlisted == Unlisted::Deny && set.denials == Denials::Refuse;
        if is_plain && set.budgets.is_empty() {
            return Self::List(set.routes);
        }
        Self::Set {
            unlisted: set.unlisted,
            denials: set.denials,
            budgets: set.budgets,
            routes: set.routes,
        }
    }
}

/// Proof that a host and port were allowed: dialling demands one.
///
/// Only [`RouteSet::decide`] makes it, so no path to the network skips the decision. It
/// speaks for the set that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit<'set> {
    host: HostName,
    port: u16,
    connect_to: Option<IpAddr>,
    allow_private: bool,
    tls: Tls,
    /// The routes that speak for the host, each with its place in the set.
    allows: Vec<(usize, &'set Route)>,
    /// Those that refuse some of its requests.
    denies: Vec<&'set Route>,
}

/// How a request comes to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// As plain HTTP.
    Http,
    /// Inside TLS that the proxy ended.
    Https,
}

/// What a request asks for: all that a decision looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestAsk<'a> {
    /// How it came.
    pub scheme: Scheme,
    /// The method, as it was sent.
    pub method: &'a str,
    /// The path.
    pub path: &'a CanonicalPath,
    /// What stands behind the `?`.
    pub query: Option<&'a str>,
    /// Whether it wants to go on as a WebSocket.
    pub is_websocket: bool,
}

/// Proof that a request was allowed, and on what terms.
///
/// Only [`Permit::request`] makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which route of the set allows it, counted from 0.
    pub route: usize,
    /// The credential to put in.
    pub auth: Option<Auth>,
    /// What to look at for secrets.
    pub scan: Scan,
    /// The rules whose findings pass.
    pub scan_pass: BTreeSet<ScanRule>,
    /// How much may pass on the route.
    pub budget: Budget,
    /// What the route is for.
    pub role: Option<RouteRole>,
    mark: Mark,
}

/// What only this module can make, and so all that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark;

impl RouteSet {
    /// Lets nothing out: what a bottle has unless a route says otherwise.
    pub const NONE: Self = Self {
        routes: Vec::new(),
        unlisted: Unlisted::Deny,
        denials: Denials::Refuse,
        budgets: Vec::new(),
    };

    /// Lets out what these routes say and refuses the rest.
    #[must_use]
    pub const fn of(routes: Vec<Route>) -> Self {
        Self {
            routes,
            unlisted: Unlisted::Deny,
            denials: Denials::Refuse,
            budgets: Vec::new(),
        }
    }

    /// Decides whether `host:port` may be dialled. Nothing matches = deny.
    ///
    /// # Errors
    /// [`Denial`] with [`Reason::HostNotAllowed`], [`Reason::PortNotAllowed`],
    /// [`Reason::RouteDenied`] or [`Reason::RouteExpired`].
    pub fn decide(&self, host: &HostName, port: u16, now: Timestamp) -> Result<Permit<'_>, Denial> {
        let of_host = || {
            let routes = self.routes.iter().enumerate();
            routes.filter(|(_, route)| route.host.matches(host))
        };
        let (mut allows, denies): (Vec<_>, Vec<_>) = of_host()
            .filter(|(_, route)| route.ports.contains(&port) && route.is_current(now))
            .partition(|(_, route)| route.effect == Effect::Allow);
        if denies.iter().any(|(_, route)| route.is_whole()) {
            return Err(Reason::RouteDenied.into());
        }
        let Some(closest) = allows.iter().map(|(_, route)| rank(&route.host)).max() else {
            return Err(missing(of_host().map(|(_, route)| route), port).into());
        };
        allows.retain(|(_, route)| rank(&route.host) == closest);
        // Where routes disagree about the way, the first is taken and the others do not
        // count: [`RouteSet::problems`] tells of it.
        let tls = if allows.iter().all(|(_, route)| route.tls == Tls::Splice) {
            Tls::Splice
        } else {
            Tls::Intercept
        };
        // Nobody looks into a spliced connection, so what is denied in it cannot be told
        // from the rest.
        if tls == Tls::Splice && !denies.is_empty() {
            return Err(Reason::RouteDenied.into());
        }
        allows.retain(|(_, route)| route.tls == tls);
        let way = allows.first().map(|(_, route)| way(route));
        allows.retain(|(_, route)| Some(self::way(route)) == way);
        let (connect_to, allow_private) = way.unwrap_or_default();
        Ok(Permit {
            host: host.clone(),
            port,
            connect_to,
            allow_private,
            tls,
            allows,
            denies: denies.into_iter().map(|(_, route)| route).collect(),
        })
    }

    /// The secrets that the routes name, each as often as it is named.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        let auths = self.routes.iter().filter_map(|route| route.auth.as_ref());
        auths.map(|auth| &auth.secret)
    }

    /// When the next route ends to count.
    #[must_use]
    pub fn next_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.routes.iter().filter_map(|route| route.expires);
        ends.filter(|end| *end > now).min()
    }
}

/// How closely a pattern names a host: exact before any suffix, long before short.
fn rank(pattern: &HostPattern) -> (bool, usize) {
    match pattern {
        HostPattern::Exact(name) => (true, name.as_str().len()),
        HostPattern::Suffix(suffix) => (false, suffix.as_str().len()),
    }
}

const fn way(route: &Route) -> (Option<IpAddr>, bool) {
    (route.connect_to, route.allow_private)
}

/// Why none of a host's routes lets it out on this port.
fn missing<'a>(routes: impl Iterator<Item = &'a Route>, port: u16) -> Reason {
    let mut reason = Reason::HostNotAllowed;
    for route in routes.filter(|route| route.effect == Effect::Allow) {
        if route.ports.contains(&port) {
            return Reason::RouteExpired;
        }
        reason = Reason::PortNotAllowed;
    }
    reason
}

impl Permit<'_> {
    /// The permitted host.
    #[must_use]
    pub const fn host(&self) -> &HostName {
        &self.host
    }

    /// The permitted port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address to dial in place of a resolved one.
    #[must_use]
    pub const fn connect_to(&self) -> Option<IpAddr> {
        self.connect_to
    }

    /// Whether an address that is not public may be dialled.
    #[must_use]
    pub const fn allows_private(&self) -> bool {
        self.allow_private
    }

    /// The first of the routes that let the connection out, counted from 0: the one that
    /// answers for it where nobody looks into it.
    #[must_use]
    pub fn route(&self) -> Option<usize> {
        self.allows.first().map(|(at, _)| *at)
    }

    /// What becomes of the connection's TLS.
    #[must_use]
    pub const fn tls(&self) -> Tls {
        self.tls
    }

    /// Decides over one request inside the permitted connection.
    ///
    /// # Errors
    /// [`Denial`] with the reason of the route that came closest to allowing it.
    pub fn request(&self, ask: &RequestAsk<'_>, now: Timestamp) -> Result<Grant, Denial> {
        if super::git::is_push(ask) {
            return Err(Reason::GitPushRefused.into());
        }
        if self.denies.iter().any(|route| denies(route, ask, now)) {
            return Err(Reason::RouteDenied.into());
        }
        let mut reason = Reason::RouteExpired;
        let mut best: Option<((usize, bool), usize, &Route)> = None;
        for (at, route) in &self.allows {
            match allows(route, ask, now) {
                Ok(closeness) => {
                    if best.is_none_or(|(known, ..)| closeness > known) {
                        best = Some((closeness, *at, route));
                    }
                }
                Err(why) => reason = nearer(reason, why),
            }
        }
        let Some((_, at, route)) = best else {
            return Err(reason.into());
        };
        if route.auth.is_some() && ask.scheme == Scheme::Http {
            return Err(Reason::PlaintextCredential.into());
        }
        Ok(Grant {
            route: at,
            auth: route.auth.clone(),
            scan: route.scan,
            scan_pass: route.scan_pass.clone(),
            budget: route.budget,
            role: route.role,
            mark: Mark,
        })
    }

    /// The route that came closest to allowing a request that none allows; the first of
    /// several.
    #[must_use]
    pub fn closest(&self, ask: &RequestAsk<'_>, now: Timestamp) -> Option<&Route> {
        let mut closest: Option<(Reason, &Route)> = None;
        for (_, route) in &self.allows {
            if let Err(why) = allows(route, ask, now)
                && closest.is_none_or(|(known, _)| nearer(known, why) != known)
            {
                closest = Some((why, route));
            }
        }
        closest.map(|(_, route)| route)
    }

    /// Decides whether this address may be dialled for the permitted host.
    ///
    /// `allow_private` opens private, shared, loopback and link-local addresses. A
    /// metadata service, which hands out credentials, needs more: a route whose
    /// `connect_to` names its very address. The rest is never dialled.
    ///
    /// # Errors
    /// [`Denial`] with [`Reason::PrivateAddress`].
    pub fn admit(&self, address: IpAddr) -> Result<(), Denial> {
        let named = self.allow_private && self.connect_to == Some(address);
        let admitted = match AddressClass::of(address) {
            AddressClass::Public => true,
            AddressClass::Loopback
            | AddressClass::Private
            | AddressClass::Shared
            | AddressClass::LinkLocal => self.allow_private,
            AddressClass::Metadata => named,
            AddressClass::Unspecified
            | AddressClass::Multicast
            | AddressClass::Broadcast
            | AddressClass::Documentation
            | AddressClass::Reserved
            | AddressClass::Embedding => false,
        };
        if admitted {
            Ok(())
        } else {
            Err(Reason::PrivateAddress.into())
        }
    }
}

fn denies(route: &Route, ask: &RequestAsk<'_>, now: Timestamp) -> bool {
    route.is_current(now)
        && route.methods.matches(ask.method)
        && (route.paths.is_empty() || route.paths.iter().any(|path| path.may_match(ask.path)))
}

/// How closely a route that allows names a request: by its path, then by its method.
fn allows(route: &Route, ask: &RequestAsk<'_>, now: Timestamp) -> Result<(usize, bool), Reason> {
    if !route.is_current(now) {
        return Err(Reason::RouteExpired);
    }
    if !route.methods.matches(ask.method) {
        return Err(Reason::MethodNotAllowed);
    }
    let paths = route.paths.iter().filter(|path| path.matches(ask.path));
    let closeness = match paths.map(PathPattern::closeness).max() {
        Some(closeness) => closeness,
        None if route.paths.is_empty() => 0,
        None => return Err(Reason::PathNotAllowed),
    };
    if ask.is_websocket && !route.websocket {
        return Err(Reason::WebsocketNotAllowed);
    }
    Ok((closeness, !route.methods.is_any()))
}

/// The reason of the route that came closer to allowing.
fn nearer(one: Reason, other: Reason) -> Reason {
    const STEPS: [Reason; 3] = [
        Reason::MethodNotAllowed,
        Reason::PathNotAllowed,
        Reason::WebsocketNotAllowed,
    ];
    let step = |reason| STEPS.iter().position(|step| *step == reason);
    if step(other) > step(one) { other } else { one }
}

#[cfg(test)]
mod tests;
