//! The narrowest addition to a table that lets one more request to one of its hosts out.

use jiff::Timestamp;

use super::{
    HostName, Method, Methods, PathPattern, Provenance, Reason, RequestAsk, Route, RouteSet,
};

impl RouteSet {
    /// The route that lets just this request out: the one that came closest to allowing
    /// it, for this method and this path alone and otherwise on the same terms.
    ///
    /// It has that route's pattern of hosts, since one for the host alone would shut out
    /// what `*.example.com` allows there. Nothing where the request is allowed already,
    /// where no route speaks for the host, where a route refuses the request, or where
    /// the path holds a `*`, which a pattern reads as any text.
    #[must_use]
    pub fn extension(
        &self,
        host: &HostName,
        port: u16,
        ask: &RequestAsk<'_>,
        now: Timestamp,
    ) -> Option<Route> {
        let permit = self.decide(host, port, now).ok()?;
        let reason = permit.request(ask, now).err()?.reason;
        if !matches!(reason, Reason::MethodNotAllowed | Reason::PathNotAllowed) {
            return None;
        }
        let closest = permit.closest(ask, now)?;
        if ask.path.as_str().contains('*') {
            return None;
        }
        let method = Method::parse(ask.method).ok()?;
        let route = Route {
            methods: Methods::from(std::collections::BTreeSet::from([method])),
            paths: vec![PathPattern::parse(ask.path.as_str()).ok()?],
            // An exemption is for what it was given for.
            scan_pass: std::collections::BTreeSet::new(),
            origin: Provenance::Operator,
            ..closest.clone()
        };
        let mut extended = self.clone();
        extended.routes.push(route.clone());
        let allowed = extended.decide(host, port, now).ok()?.request(ask, now);
        allowed.is_ok().then_some(route)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::{CanonicalPath, Effect, HostPattern, Scheme, Tls};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn host(text: &str) -> HostName {
        HostName::parse(text).unwrap()
    }

    fn route(pattern: &str, methods: &[&str], paths: &[&str]) -> Route {
        let methods = methods.iter().map(|text| Method::parse(text).unwrap());
        Route {
            methods: Methods::from(methods.collect::<std::collections::BTreeSet<_>>()),
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

    fn ask<'a>(method: &'a str, path: &'a CanonicalPath) -> RequestAsk<'a> {
        RequestAsk {
            scheme: Scheme::Https,
            method,
            path,
            query: None,
            is_websocket: false,
        }
    }

    fn extension(routes: &[Route], name: &str, method: &str, path: &str) -> Option<Route> {
        let path = CanonicalPath::parse(path).unwrap();
        RouteSet::of(routes.to_vec()).extension(&host(name), 443, &ask(method, &path), NOW)
    }

    #[test]
    fn the_route_that_came_closest_is_narrowed_to_the_request_on_its_terms() {
        let mut close = route("api.example.com", &["GET"], &["/repos/*"]);
        close.websocket = true;
        close.allow_private = true;
        let mut far = route("api.example.com", &["PUT"], &[]);
        far.allow_private = true;
        let got = extension(&[far, close.clone()], "api.example.com", "GET", "/user");
        let expected = Route {
            paths: vec![PathPattern::parse("/user").unwrap()],
            origin: Provenance::Operator,
            ..close
        };
        assert_eq!(got, Some(expected));
    }

    #[test]
    fn a_pattern_of_hosts_stays_so_that_its_other_routes_go_on_to_count() {
        let routes = [route("*.example.com", &["GET"], &[])];
        let got = extension(&routes, "api.example.com", "POST", "/x").unwrap();
        assert_eq!(got.host, HostPattern::parse("*.example.com").unwrap());
        let after = RouteSet::of(vec![routes[0].clone(), got]);
        let permit = after.decide(&host("api.example.com"), 443, NOW).unwrap();
        let path = CanonicalPath::parse("/other").unwrap();
        assert!(permit.request(&ask("GET", &path), NOW).is_ok());
    }

    #[test]
    fn what_no_such_route_can_allow_has_none() {
        let get = route("a.example", &["GET"], &[]);
        let mut never = route("a.example", &["POST"], &[]);
        never.effect = Effect::Deny;
        let mut spliced = route("a.example", &[], &[]);
        spliced.tls = Tls::Splice;
        for (routes, name, method, path) in [
            (vec![get.clone()], "b.example", "POST", "/"),
            (vec![get.clone()], "a.example", "GET", "/"),
            (vec![get.clone()], "a.example", "TRACE", "/"),
            (vec![get.clone()], "a.example", "post", "/"),
            (vec![get.clone()], "a.example", "POST", "/a*"),
            (
                vec![get.clone()],
                "a.example",
                "POST",
                "/x/git-receive-pack",
            ),
            (vec![get, never], "a.example", "POST", "/"),
            (vec![spliced], "a.example", "POST", "/"),
        ] {
            assert_eq!(
                extension(&routes, name, method, path),
                None,
                "{method} {path}"
            );
        }
    }

    proptest! {
        /// Nothing but the request itself is decided otherwise than before.
        #[test]
        fn an_extension_allows_what_was_asked_and_changes_nothing_else(
            wild in any::<bool>(),
            methods in proptest::sample::subsequence(vec!["GET", "POST", "PUT"], 0..3),
            paths in proptest::sample::subsequence(vec!["/a", "/a/*", "/b/c", "/%41x;y"], 0..3),
            method in proptest::sample::select(vec!["GET", "POST", "DELETE"]),
            path in proptest::sample::select(vec!["/", "/a", "/a/b", "/b", "/b/c", "/d;e"]),
            other_method in proptest::sample::select(vec!["GET", "POST", "DELETE"]),
            other_path in proptest::sample::select(vec!["/", "/a", "/a/b", "/b", "/b/c", "/d;e"]),
        ) {
            let pattern = if wild { "*.a.example" } else { "b.a.example" };
            let before = RouteSet::of(vec![route(pattern, &methods, &paths)]);
            let (wanted, other) = (
                CanonicalPath::parse(path).unwrap(),
                CanonicalPath::parse(other_path).unwrap(),
            );
            let name = host("b.a.example");
            let verdict = |routes: &RouteSet, method: &str, path: &CanonicalPath| {
                let permit = routes.decide(&name, 443, NOW).unwrap();
                permit.request(&ask(method, path), NOW).is_ok()
            };
            let Some(added) = before.extension(&name, 443, &ask(method, &wanted), NOW) else {
                return Ok(());
            };
            let mut after = before.clone();
            after.routes.push(added);
            prop_assert!(verdict(&after, method, &wanted));
            if (other_method, other_path) != (method, path) {
                prop_assert_eq!(
                    verdict(&before, other_method, &other),
                    verdict(&after, other_method, &other)
                );
            }
        }
    }
}
