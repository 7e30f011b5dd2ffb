//! The narrowest routes that would have allowed what was refused.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CanonicalPath, HostName, Method, Methods, PathPattern, Preset, Provenance, Reason, RequestAsk,
    Route, RouteSet, Scheme,
};

/// So many paths are named; more become what they have in common.
const MOST_PATHS: usize = 8;

/// Something that was refused, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The host.
    pub host: HostName,
    /// The port.
    pub port: u16,
    /// Why.
    pub reason: Reason,
    /// Method and path, where the proxy read a request.
    pub request: Option<(Method, CanonicalPath)>,
}

/// A route that would have allowed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The route.
    pub route: Route,
    /// How often it would have been of use.
    pub times: usize,
    /// Whether every use is known to its method and path. If not, connections were
    /// refused before they said what for, and the route names their host whole.
    pub is_exact: bool,
    /// The preset that would have allowed all of it, too.
    pub preset: Option<String>,
}

/// What could be added for what was refused: a route for each host and port, the one of
/// most use first. What no route can allow, or an operator refused, is left out.
#[must_use]
pub fn suggest(refused: &[Refused], presets: &BTreeMap<String, Preset>) -> Vec<Suggestion> {
    let mut places: BTreeMap<(&HostName, u16), Vec<&Refused>> = BTreeMap::new();
    for one in refused.iter().filter(|one| can_be_allowed(one.reason)) {
        places.entry((&one.host, one.port)).or_default().push(one);
    }
    let mut suggestions: Vec<Suggestion> = places
        .into_iter()
        .map(|((host, port), asked)| {
            let (route, is_exact) = route(host, port, &asked);
            Suggestion {
                route,
                times: asked.len(),
                is_exact,
                preset: preset(host, port, &asked, presets),
            }
        })
        .collect();
    suggestions.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.times));
    suggestions
}

/// Whether more routes, or wider ones, would have helped.
const fn can_be_allowed(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::HostNotAllowed
            | Reason::PortNotAllowed
            | Reason::MethodNotAllowed
            | Reason::PathNotAllowed
            | Reason::RouteExpired
            | Reason::WebsocketNotAllowed
            | Reason::HeldTooLong
            | Reason::AskQueueFull
    )
}

fn route(host: &HostName, port: u16, asked: &[&Refused]) -> (Route, bool) {
    let mut route = Route::to(host.clone(), vec![port], Provenance::Operator);
    route.websocket = asked
        .iter()
        .any(|one| one.reason == Reason::WebsocketNotAllowed);
    let requests: Option<Vec<_>> = asked.iter().map(|one| one.request.as_ref()).collect();
    let Some(requests) = requests else {
        return (route, false);
    };
    let methods: BTreeSet<Method> = requests.iter().map(|(method, _)| method.clone()).collect();
    let paths: BTreeSet<&CanonicalPath> = requests.iter().map(|(_, path)| path).collect();
    route.methods = Methods::from(methods);
    route.paths = patterns(&paths);
    (route, true)
}

/// Patterns that match these paths: each of them, or what many have in common.
fn patterns(paths: &BTreeSet<&CanonicalPath>) -> Vec<PathPattern> {
    // One with a star in it would be a pattern of more than itself.
    let is_plain = paths.iter().all(|path| !path.as_str().contains('*'));
    if is_plain && paths.len() <= MOST_PATHS {
        return paths
            .iter()
            .filter_map(|path| PathPattern::parse(path.as_str()).ok())
            .collect();
    }
    let mut segments = paths.iter().map(|path| path.as_str().split('/'));
    let mut common: Vec<&str> = segments.next().map(Iterator::collect).unwrap_or_default();
    for other in segments {
        let same = common
            .iter()
            .zip(other)
            .take_while(|(one, two)| *one == two);
        let length = same.count();
        common.truncate(length);
    }
    // The last segment of one may be a folder of another.
    let shortest = paths.iter().map(|path| path.as_str().split('/').count());
    common.truncate(shortest.min().unwrap_or_default().saturating_sub(1));
    let plain = common.iter().take_while(|part| !part.contains('*')).count();
    common.truncate(plain);
    let pattern = format!("{}/*", common.join("/"));
    PathPattern::parse(&pattern).into_iter().collect()
}

/// A preset that allows all of it.
fn preset(
    host: &HostName,
    port: u16,
    asked: &[&Refused],
    presets: &BTreeMap<String, Preset>,
) -> Option<String> {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let allows = |preset: &Preset, name: &str| {
        let routes = RouteSet::of(preset.routes(name, ""));
        let Ok(permit) = routes.decide(host, port, now) else {
            return false;
        };
        asked.iter().all(|one| {
            one.request.as_ref().is_none_or(|(method, path)| {
                let ask = RequestAsk {
                    scheme: Scheme::Https,
                    method: method.as_str(),
                    path,
                    query: None,
                    is_websocket: one.reason == Reason::WebsocketNotAllowed,
                };
                permit.request(&ask, now).is_ok()
            })
        })
    };
    presets
        .iter()
        .find(|(name, preset)| allows(preset, name))
        .map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::policy::presets;

    fn refused(host: &str, reason: Reason, request: Option<(&str, &str)>) -> Refused {
        Refused {
            host: HostName::parse(host).unwrap(),
            port: 443,
            reason,
            request: request.map(|(method, path)| {
                let path = CanonicalPath::parse(path).unwrap();
                (Method::parse(method).unwrap(), path)
            }),
        }
    }

    fn suggested(refused: &[Refused]) -> Vec<Suggestion> {
        suggest(refused, &presets().unwrap())
    }

    #[test]
    fn a_request_is_suggested_by_its_method_and_path_and_nothing_more() {
        let asked = [
            refused(
                "api.example.com",
                Reason::PathNotAllowed,
                Some(("GET", "/v1/a")),
            ),
            refused(
                "api.example.com",
                Reason::MethodNotAllowed,
                Some(("PUT", "/v1/b")),
            ),
        ];
        let found = suggested(&asked);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].route.words(), "GET,PUT api.example.com/v1/a /v1/b");
        assert_eq!((found[0].times, found[0].is_exact), (2, true));
        assert_eq!(found[0].preset, None);
        // And what was suggested allows it.
        let set = RouteSet::of(vec![found[0].route.clone()]);
        for one in &asked {
            let permit = set
                .decide(&one.host, one.port, Timestamp::UNIX_EPOCH)
                .unwrap();
            let (method, path) = one.request.as_ref().unwrap();
            let ask = RequestAsk {
                scheme: Scheme::Https,
                method: method.as_str(),
                path,
                query: None,
                is_websocket: false,
            };
            permit.request(&ask, Timestamp::UNIX_EPOCH).unwrap();
        }
    }

    #[test]
    fn many_paths_become_what_they_have_in_common() {
        let asked: Vec<Refused> = (0..20)
            .map(|n| {
                let path = format!("/repos/one/issues/{n}");
                refused(
                    "api.example.com",
                    Reason::PathNotAllowed,
                    Some(("GET", &path)),
                )
            })
            .collect();
        let found = suggested(&asked);
        assert_eq!(
            found[0].route.words(),
            "GET api.example.com/repos/one/issues/*"
        );
    }

    #[test]
    fn a_connection_that_said_nothing_more_is_suggested_whole_and_so_marked() {
        let found = suggested(&[
            refused("api.example.com", Reason::HostNotAllowed, None),
            refused("pypi.org", Reason::HostNotAllowed, None),
            refused("pypi.org", Reason::HostNotAllowed, None),
        ]);
        assert_eq!(found[0].route.words(), "pypi.org");
        assert_eq!(found[0].preset.as_deref(), Some("pypi-read"));
        assert_eq!((found[0].times, found[0].is_exact), (2, false));
        assert_eq!(found[1].route.words(), "api.example.com");
        assert_eq!(found[1].preset, None);
    }

    #[test]
    fn what_no_route_can_allow_is_not_suggested() {
        for reason in [
            Reason::RouteDenied,
            Reason::OperatorDenied,
            Reason::GitPushRefused,
            Reason::PrivateAddress,
            Reason::SecretFound,
            Reason::InvalidHost,
        ] {
            assert_eq!(suggested(&[refused("a.example", reason, None)]), []);
        }
    }

    #[test]
    fn a_star_that_was_sent_widens_nothing_by_itself() {
        let found = suggested(&[refused(
            "a.example",
            Reason::PathNotAllowed,
            Some(("GET", "/files/*/x")),
        )]);
        assert_eq!(found[0].route.words(), "GET a.example/files/*");
    }
}
