//! How a bottle differs from what the manifest says of it today, both ways.
//!
//! Who put a route there is no difference, nor is the order of routes, nor a route whose
//! time is over. The spec from the manifest is to be one for this very bottle, so that
//! ids and folders that only its start knew are no difference either.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Spec;
use super::changes::{changes, route_words};
use crate::policy::{Provenance, Route, RouteSet};

/// How a bottle differs from the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Drift {
    /// Routes that only the bottle has.
    pub more: Vec<RouteDrift>,
    /// Routes that only the manifest has.
    pub less: Vec<RouteDrift>,
    /// What else the routes' table of the bottle has otherwise, in words.
    pub terms: Vec<String>,
    /// What the bottle has otherwise beside its routes, in words; only making it anew
    /// brings that to the manifest's.
    pub rest: Vec<String>,
}

/// A route that only one of the two has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteDrift {
    /// All that can be told of it.
    pub words: String,
    /// Who put it there.
    pub origin: Provenance,
}

impl Drift {
    /// Compares what the manifest says with what the bottle is.
    #[must_use]
    pub fn between(manifest: &Spec, bottle: &Spec, now: Timestamp) -> Self {
        let beside_routes = Spec {
            routes: bottle.routes.clone(),
            ..manifest.clone()
        };
        let no_routes = |spec: &Spec| Spec {
            routes: RouteSet {
                routes: Vec::new(),
                ..spec.routes.clone()
            },
            ..bottle.clone()
        };
        let (ours, theirs) = (&bottle.routes.routes, &manifest.routes.routes);
        Self {
            more: beyond(ours, theirs, now),
            less: beyond(theirs, ours, now),
            terms: changes(&no_routes(manifest), &no_routes(bottle)),
            rest: changes(&beside_routes, bottle),
        }
    }

    /// Whether nothing differs.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.is_in_routes_alone()
            && self.more.is_empty()
            && self.less.is_empty()
            && self.terms.is_empty()
    }

    /// Whether a running bottle can be brought to the manifest.
    #[must_use]
    pub const fn is_in_routes_alone(&self) -> bool {
        self.rest.is_empty()
    }

    /// What differs, in one line such as «+1 route (request 4), image: +2 −1 lines». What
    /// the bottle has more stands with a plus.
    #[must_use]
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(counted('+', &self.more));
        parts.extend(counted('−', &self.less));
        let others = self.terms.iter().chain(&self.rest);
        parts
            .extend(others.map(|words| words.strip_prefix("changes ").unwrap_or(words).to_owned()));
        parts.join(", ")
    }
}

/// The manifest's routes for a bottle: one that the bottle has already stays as it is
/// there, with who put it there.
#[must_use]
pub fn brought_to(manifest: &RouteSet, bottle: &RouteSet) -> RouteSet {
    let known = |route: &Route| {
        let mut ours = bottle.routes.iter();
        ours.find(|ours| ours.bare() == route.bare()).cloned()
    };
    let routes = manifest.routes.iter();
    let routes = routes.map(|route| known(route).unwrap_or_else(|| route.clone()));
    RouteSet {
        routes: routes.collect(),
        ..manifest.clone()
    }
}

fn counted(sign: char, routes: &[RouteDrift]) -> Option<String> {
    let what = if routes.len() == 1 { "route" } else { "routes" };
    let mut origins: Vec<String> = routes.iter().map(|route| route.origin.words()).collect();
    origins.dedup();
    let origins = if sign == '+' {
        format!(" ({})", origins.join(", "))
    } else {
        String::new()
    };
    (!routes.is_empty()).then(|| format!("{sign}{} {what}{origins}", routes.len()))
}

/// The routes of one list that another has not, each as often as it is missing there.
fn beyond(ours: &[Route], theirs: &[Route], now: Timestamp) -> Vec<RouteDrift> {
    let counts = |route: &&Route| route.is_current(now);
    let mut left: Vec<Route> = theirs.iter().filter(counts).map(Route::bare).collect();
    let mut beyond = Vec::new();
    for route in ours.iter().filter(counts) {
        let bare = route.bare();
        if let Some(at) = left.iter().position(|other| *other == bare) {
            left.swap_remove(at);
        } else {
            beyond.push(RouteDrift {
                words: route_words(route),
                origin: route.origin.clone(),
            });
        }
    }
    beyond
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{BottleBudget, HostName, Measure, Span};
    use crate::spec::ImageSource;
    use crate::spec::fixture::spec;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn route(host: &str, origin: Provenance) -> Route {
        Route::to(HostName::parse(host).unwrap(), vec![443], origin)
    }

    #[test]
    fn who_put_a_route_there_and_its_place_are_no_difference() {
        let mut manifest = spec();
        let mut bottle = spec();
        let template = Provenance::Template {
            name: String::from("rust"),
        };
        manifest.routes.routes.insert(0, route("a.test", template));
        let of_request = route("a.test", Provenance::Request { id: 4 });
        bottle.routes.routes.push(of_request.clone());
        let mut over = route("over.test", Provenance::Operator);
        over.expires = Some(NOW);
        bottle.routes.routes.push(over);
        let drift = Drift::between(&manifest, &bottle, NOW);
        assert_eq!(drift, Drift::default());
        assert!(drift.is_none());
        let brought = brought_to(&manifest.routes, &bottle.routes);
        assert_eq!(brought.routes.first(), Some(&of_request));
        assert_eq!(brought.routes.len(), manifest.routes.routes.len());
    }

    #[test]
    fn both_ways_are_told() {
        let mut manifest = spec();
        let mut bottle = spec();
        let request = |id| Provenance::Request { id };
        bottle.routes.routes.push(route("a.test", request(4)));
        manifest
            .routes
            .routes
            .push(route("b.test", Provenance::Operator));
        manifest
            .routes
            .routes
            .push(route("c.test", Provenance::Operator));
        let budget = BottleBudget::new(Measure::Requests, Span::Hour, 10);
        manifest.routes.budgets = vec![budget];
        let drift = Drift::between(&manifest, &bottle, NOW);
        assert!(drift.is_in_routes_alone() && !drift.is_none());
        assert_eq!(
            drift.words(),
            "+1 route (request 4), −2 routes, takes the budget of 10 requests per hour away"
        );
        let brought = Spec {
            routes: brought_to(&manifest.routes, &bottle.routes),
            ..bottle.clone()
        };
        assert!(Drift::between(&manifest, &brought, NOW).is_none());
        manifest.image = ImageSource::Dockerfile {
            text: String::from("FROM a\n"),
        };
        bottle.image = ImageSource::Dockerfile {
            text: String::from("FROM a\nRUN b\n"),
        };
        bottle.limits.pids = 7;
        let drift = Drift::between(&manifest, &bottle, NOW);
        assert_eq!(drift.rest, ["image: +1 −0 lines", "changes the limits"]);
        assert!(drift.words().ends_with("image: +1 −0 lines, the limits"));
    }
}
