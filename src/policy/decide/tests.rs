//! The truth table of [`RouteSet::decide`]; one property for each row.
//!
//! | host named | port listed | verdict            |
//! | ---------- | ----------- | ------------------ |
//! | no         | –           | `host_not_allowed` |
//! | yes        | no          | `port_not_allowed` |
//! | yes        | yes         | permit             |
//!
//! and of [`Permit::admit`]:
//!
//! | address                           | `allow_private` | `connect_to` is it | verdict           |
//! | --------------------------------- | --------------- | ------------------ | ----------------- |
//! | public                            | –               | –                  | admitted          |
//! | private, shared, loopback, link   | no              | –                  | `private_address` |
//! | private, shared, loopback, link   | yes             | –                  | admitted          |
//! | metadata                          | yes             | no                 | `private_address` |
//! | metadata                          | yes             | yes                | admitted          |
//! | any other                         | –               | –                  | `private_address` |

use proptest::prelude::*;

use super::*;
use crate::policy::{AuthScheme, Method, Provenance, SecretName};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn route(host: &str, ports: Vec<u16>) -> Route {
    Route::to(
        HostPattern::parse(host).unwrap(),
        ports,
        Provenance::Builtin,
    )
}

fn host() -> impl Strategy<Value = String> {
    "[a-z]{1,8}(\\.[a-z]{2,5}){1,2}"
}

fn routes() -> impl Strategy<Value = RouteSet> {
    let one = (host(), proptest::collection::vec(any::<u16>(), 1..4))
        .prop_map(|(host, ports)| route(&host, ports));
    proptest::collection::vec(one, 0..6).prop_map(RouteSet::of)
}

proptest! {
    #[test]
    fn a_host_that_no_route_names_is_denied(set in routes(), name in host(), port: u16) {
        let name = HostName::parse(&format!("{name}.unnamed")).unwrap();
        prop_assert_eq!(
            set.decide(&name, port, NOW),
            Err(Denial { reason: Reason::HostNotAllowed })
        );
    }

    #[test]
    fn a_port_that_no_route_of_the_host_lists_is_denied(set in routes(), name in host(), port: u16) {
        let mut set = set;
        set.routes.push(route(&name, vec![443]));
        for route in &mut set.routes {
            route.ports.retain(|listed| *listed != port);
        }
        let name = HostName::parse(&name).unwrap();
        prop_assert_eq!(
            set.decide(&name, port, NOW),
            Err(Denial { reason: Reason::PortNotAllowed })
        );
    }

    #[test]
    fn a_listed_port_of_a_named_host_is_permitted(set in routes(), name in host(), port: u16) {
        let mut set = set;
        set.routes.push(route(&name, vec![1, port]));
        let shouted = HostName::parse(&format!("{}.", name.to_uppercase())).unwrap();
        let permit = set.decide(&shouted, port, NOW).unwrap();
        prop_assert_eq!((permit.host().as_str(), permit.port()), (name.as_str(), port));
    }

    /// A name that ends or begins like an allowed one is another name.
    #[test]
    fn a_host_matches_whole_or_not_at_all(name in host(), port: u16) {
        let set = RouteSet::of(vec![route(&name, vec![port])]);
        for other in [format!("evil{name}"), format!("a.{name}"), format!("{name}.evil")] {
            let other = HostName::parse(&other).unwrap();
            prop_assert!(set.decide(&other, port, NOW).is_err());
        }
    }

    #[test]
    fn an_address_is_admitted_as_its_class_says(bits: u128, v4: u32, short: bool, allow: bool) {
        let address = if short { IpAddr::V4(v4.into()) } else { IpAddr::V6(bits.into()) };
        let mut one = route("a.example", vec![443]);
        one.allow_private = allow;
        let set = RouteSet::of(vec![one]);
        let permit = set.decide(&HostName::parse("a.example").unwrap(), 443, NOW).unwrap();
        let opened = matches!(
            AddressClass::of(address),
            AddressClass::Private | AddressClass::Shared | AddressClass::Loopback | AddressClass::LinkLocal
        );
        let expected = super::super::is_public(address) || (allow && opened);
        prop_assert_eq!(permit.admit(address).is_ok(), expected);
    }
}

#[test]
fn nothing_matches_in_the_empty_set() {
    let host = HostName::parse("example.com").unwrap();
    assert_eq!(RouteSet::default(), RouteSet::NONE);
    assert_eq!(
        RouteSet::NONE.decide(&host, 443, NOW),
        Err(Denial {
            reason: Reason::HostNotAllowed
        })
    );
}

#[test]
fn metadata_is_dialled_only_where_a_route_names_its_address() {
    let metadata: IpAddr = "169.254.169.254".parse().unwrap();
    for (connect_to, allow_private, admitted) in [
        (None, false, false),
        (None, true, false),
        (Some("10.0.0.1".parse().unwrap()), true, false),
        (Some(metadata), false, false),
        (Some(metadata), true, true),
    ] {
        let mut one = route("a.example", vec![80]);
        one.connect_to = connect_to;
        one.allow_private = allow_private;
        let set = RouteSet::of(vec![one]);
        let permit = set
            .decide(&HostName::parse("a.example").unwrap(), 80, NOW)
            .unwrap();
        assert_eq!(
            permit.admit(metadata).is_ok(),
            admitted,
            "{connect_to:?} {allow_private}"
        );
    }
}

#[test]
fn two_routes_of_one_host_add_up() {
    let set = RouteSet::of(vec![
        route("a.example", vec![443]),
        route("a.example", vec![80]),
    ]);
    let host = HostName::parse("a.example").unwrap();
    assert!(set.decide(&host, 443, NOW).is_ok());
    assert!(set.decide(&host, 80, NOW).is_ok());
    assert!(set.decide(&host, 22, NOW).is_err());
}

fn set(texts: &[&str]) -> RouteSet {
    RouteSet::of(texts.iter().map(|text| parse(text)).collect())
}

/// `[never ][METHODS ]HOST[/PATH…][ ws][ until N]`, as the tests below write routes.
fn parse(text: &str) -> Route {
    let mut words: Vec<&str> = text.split(' ').collect();
    let mut flag = |word: &str| {
        let at = words.iter().position(|found| *found == word);
        at.map(|at| words.remove(at)).is_some()
    };
    let (denies, websocket, expired) = (flag("never"), flag("ws"), flag("expired"));
    let place = words.pop().unwrap();
    let (host, path) = match place.find('/') {
        Some(at) => place.split_at(at),
        None => (place, ""),
    };
    let mut route = route(host, vec![443]);
    route.methods = words
        .iter()
        .flat_map(|words| words.split(','))
        .map(|word| Method::parse(word).unwrap())
        .collect::<BTreeSet<_>>()
        .into();
    if !path.is_empty() {
        route.paths = vec![PathPattern::parse(path).unwrap()];
    }
    route.websocket = websocket;
    if denies {
        route.effect = Effect::Deny;
    }
    if expired {
        route.expires = Some(NOW);
    }
    route
}

/// What becomes of `METHOD HOST/PATH[?QUERY]`: the route that allows it, or why none does.
fn ask(set: &RouteSet, asked: &str) -> Result<usize, Reason> {
    let (method, place) = asked.split_once(' ').unwrap();
    let (is_websocket, method) = match method.strip_prefix("ws:") {
        Some(method) => (true, method),
        None => (false, method),
    };
    let (host, path) = place.split_at(place.find('/').unwrap());
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let host = HostName::parse(host).unwrap();
    let permit = set
        .decide(&host, 443, NOW)
        .map_err(|denial| denial.reason)?;
    let ask = RequestAsk {
        scheme: Scheme::Https,
        method,
        path: &CanonicalPath::parse(path).unwrap(),
        query,
        is_websocket,
    };
    let grant = permit.request(&ask, NOW).map_err(|denial| denial.reason)?;
    Ok(grant.route)
}

/// Each row of the table has an allow and a deny twin.
#[test]
fn requests_are_decided_by_the_closest_routes() {
    let routes = set(&[
        "*.example.com",
        "GET,HEAD api.example.com/v1/*",
        "POST api.example.com/v1/messages",
        "never api.example.com/v1/files/*",
        "GET old.example.com expired",
        "GET live.example.com/feed ws",
        "git.example.com",
        "never bad.example.com",
    ]);
    for (asked, expected) in [
        ("GET www.example.com/x", Ok(0)),
        ("PURGE www.example.com/x", Ok(0)),
        ("TRACE www.example.com/x", Err(Reason::MethodNotAllowed)),
        ("CONNECT www.example.com/x", Err(Reason::MethodNotAllowed)),
        ("GET example.com/", Err(Reason::HostNotAllowed)),
        ("GET api.example.com/v1/models", Ok(1)),
        ("GET api.example.com/v2/models", Err(Reason::PathNotAllowed)),
        (
            "DELETE api.example.com/v1/models",
            Err(Reason::MethodNotAllowed),
        ),
        (
            "get api.example.com/v1/models",
            Err(Reason::MethodNotAllowed),
        ),
        ("POST api.example.com/v1/messages?beta=true", Ok(2)),
        (
            "POST api.example.com/v1/messages/x",
            Err(Reason::PathNotAllowed),
        ),
        ("GET api.example.com/v1/files/x", Err(Reason::RouteDenied)),
        ("GET api.example.com/v1/files%2fx", Err(Reason::RouteDenied)),
        ("GET api.example.com/v1/files;a/x", Err(Reason::RouteDenied)),
        ("GET old.example.com/", Ok(0)),
        ("GET live.example.com/feed", Ok(5)),
        ("ws:GET live.example.com/feed", Ok(5)),
        ("ws:GET www.example.com/x", Err(Reason::WebsocketNotAllowed)),
        (
            "GET git.example.com/o/r/info/refs?service=git-upload-pack",
            Ok(6),
        ),
        ("POST git.example.com/o/r/git-upload-pack", Ok(6)),
        (
            "GET git.example.com/o/r/info/refs?service=git-receive-pack",
            Err(Reason::GitPushRefused),
        ),
        (
            "POST git.example.com/o/r/git-receive-pack",
            Err(Reason::GitPushRefused),
        ),
        (
            "POST git.example.com/o/r%2fgit-receive-pack",
            Err(Reason::GitPushRefused),
        ),
        ("GET bad.example.com/", Err(Reason::RouteDenied)),
    ] {
        assert_eq!(ask(&routes, asked), expected, "{asked}");
    }
}

#[test]
fn a_route_that_ended_allows_nothing_and_says_so() {
    assert_eq!(
        ask(&set(&["GET a.example.com expired"]), "GET a.example.com/"),
        Err(Reason::RouteExpired)
    );
    assert!(
        ask(
            &set(&["never a.example.com expired", "a.example.com"]),
            "GET a.example.com/"
        )
        .is_ok()
    );
    // A permit from before the end grants nothing after it.
    let mut routes = set(&["a.example.com"]);
    routes.routes[0].expires = Some(Timestamp::from_second(10).unwrap());
    let host = HostName::parse("a.example.com").unwrap();
    let permit = routes.decide(&host, 443, NOW).unwrap();
    let path = CanonicalPath::parse("/").unwrap();
    let ask = RequestAsk {
        scheme: Scheme::Https,
        method: "GET",
        path: &path,
        query: None,
        is_websocket: false,
    };
    assert!(permit.request(&ask, NOW).is_ok());
    let later = Timestamp::from_second(10).unwrap();
    assert_eq!(
        permit.request(&ask, later),
        Err(Reason::RouteExpired.into())
    );
    assert_eq!(routes.next_expiry(NOW), Some(later));
    assert_eq!(routes.next_expiry(later), None);
}

#[test]
fn a_credential_does_not_travel_in_plain_text() {
    let mut routes = set(&["a.example.com"]);
    routes.routes[0].auth = Some(Auth {
        scheme: AuthScheme::Bearer,
        secret: SecretName::parse("token").unwrap(),
    });
    let host = HostName::parse("a.example.com").unwrap();
    let permit = routes.decide(&host, 443, NOW).unwrap();
    let path = CanonicalPath::parse("/").unwrap();
    for (scheme, is_granted) in [(Scheme::Http, false), (Scheme::Https, true)] {
        let ask = RequestAsk {
            scheme,
            method: "GET",
            path: &path,
            query: None,
            is_websocket: false,
        };
        assert_eq!(permit.request(&ask, NOW).is_ok(), is_granted, "{scheme:?}");
    }
}

#[test]
fn routes_that_disagree_about_the_way_do_not_add_up() {
    let mut routes = set(&["GET a.example.com", "POST a.example.com"]);
    routes.routes[1].allow_private = true;
    assert!(ask(&routes, "GET a.example.com/").is_ok());
    assert_eq!(
        ask(&routes, "POST a.example.com/"),
        Err(Reason::MethodNotAllowed)
    );
    let host = HostName::parse("a.example.com").unwrap();
    assert!(!routes.decide(&host, 443, NOW).unwrap().allows_private());
}

#[test]
fn a_connection_is_spliced_only_where_no_route_looks_into_it() {
    let host = HostName::parse("a.example.com").unwrap();
    let mut routes = set(&["a.example.com", "a.example.com"]);
    routes.routes[0].tls = Tls::Splice;
    let tls = |routes: &RouteSet| routes.decide(&host, 443, NOW).unwrap().tls();
    assert_eq!(tls(&routes), Tls::Intercept);
    routes.routes[1].tls = Tls::Splice;
    assert_eq!(tls(&routes), Tls::Splice);
}

#[test]
fn what_cannot_be_looked_into_is_denied_whole_where_some_of_it_is_denied() {
    let host = HostName::parse("a.example.com").unwrap();
    for (never, is_permitted) in [
        ("never POST a.example.com", false),
        ("never *.example.com/admin/*", false),
        ("never POST a.example.com expired", true),
        ("never POST b.example.com", true),
    ] {
        let mut routes = set(&["a.example.com", never]);
        routes.routes[0].tls = Tls::Splice;
        assert_eq!(
            routes.decide(&host, 443, NOW).is_ok(),
            is_permitted,
            "{never}"
        );
    }
}

#[test]
fn a_set_that_refuses_the_rest_is_written_as_its_list() {
    let mut routes = set(&["a.example.com"]);
    let text = serde_json::to_string(&routes).unwrap();
    assert!(text.starts_with('['), "{text}");
    assert_eq!(serde_json::from_str::<RouteSet>(&text).unwrap(), routes);
    routes.unlisted = Unlisted::Ask { seconds: 30 };
    let text = serde_json::to_string(&routes).unwrap();
    assert_eq!(serde_json::from_str::<RouteSet>(&text).unwrap(), routes);
}

fn rule() -> impl Strategy<Value = String> {
    let methods = prop_oneof![Just(""), Just("GET "), Just("POST "), Just("GET,PUT ")];
    let host = prop_oneof![
        Just("a.example.com"),
        Just("b.example.com"),
        Just("*.example.com")
    ];
    let path = prop_oneof![Just(""), Just("/x/*"), Just("/x/y"), Just("/z")];
    (methods, host, path).prop_map(|(methods, host, path)| format!("{methods}{host}{path}"))
}

fn asked() -> impl Strategy<Value = String> {
    let method = prop_oneof![Just("GET"), Just("POST"), Just("PUT")];
    let host = prop_oneof![
        Just("a.example.com"),
        Just("c.example.com"),
        Just("other.test")
    ];
    let path = prop_oneof![Just("/"), Just("/x/y"), Just("/x/q"), Just("/z")];
    (method, host, path).prop_map(|(method, host, path)| format!("{method} {host}{path}"))
}

proptest! {
    #[test]
    fn deny_beats_allow(rules in proptest::collection::vec(rule(), 0..5), never in rule(), at: proptest::sample::Index, asked in asked()) {
        let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
        let alone = set(&[&never]);
        let is_meant = ask(&alone, &asked).is_ok();
        let mut all = set(&texts);
        let never = format!("never {never}");
        all.routes.insert(at.index(texts.len() + 1), parse(&never));
        if is_meant {
            prop_assert!(ask(&all, &asked).is_err());
        } else {
            prop_assert_eq!(ask(&all, &asked).is_ok(), ask(&set(&texts), &asked).is_ok());
        }
    }

    /// A set decides alike in whatever order its routes stand.
    #[test]
    fn the_order_decides_nothing(rules in proptest::collection::vec(rule(), 0..6), asked in asked()) {
        let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
        let (forth, mut back) = (set(&texts), set(&texts));
        back.routes.reverse();
        let (one, other) = (ask(&forth, &asked), ask(&back, &asked));
        prop_assert_eq!(one.is_ok(), other.is_ok());
        if let (Err(one), Err(other)) = (one, other) {
            prop_assert_eq!(one, other);
        }
    }

    /// Whatever is granted is matched by the route that is named for it.
    #[test]
    fn a_grant_names_a_route_that_matches(rules in proptest::collection::vec(rule(), 0..6), asked in asked()) {
        let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
        let routes = set(&texts);
        if let Ok(at) = ask(&routes, &asked) {
            let one = RouteSet::of(vec![routes.routes[at].clone()]);
            prop_assert_eq!(ask(&one, &asked), Ok(0));
        }
    }
}
