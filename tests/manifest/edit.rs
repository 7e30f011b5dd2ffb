//! A granted route in the operator's own file: it reads as that route, and nothing else
//! changes, whatever the file looks like.

use std::collections::BTreeSet;

use cellar::manifest::{Edited, add_route};
use cellar::policy::{HostPattern, Method, Methods, PathPattern, Provenance, Route};
use proptest::prelude::*;

use super::support::World;

/// What stands between two parts of a file.
fn gap() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        " ",
        "\n",
        "\n\n\t",
        "\r\n    ",
        " // a \"] } , //\n  ",
        "/* [ \n { */",
        " /* x */ ",
    ])
}

/// An entry of `routes` as an operator may have written it.
fn entry() -> impl Strategy<Value = String> {
    let preset = prop::sample::select(vec!["npm-read", "crates-read"]);
    let preset = preset.prop_map(|preset| format!("{{\"preset\": \"{preset}\"}}"));
    let host = (0_u8..9, gap(), gap(), any::<bool>()).prop_map(|(host, one, two, comma)| {
        let comma = if comma { "," } else { "" };
        format!("{{{one}\"host\": \"h{host}.test\"{two}{comma}}}")
    });
    prop_oneof![1 => preset, 3 => host]
}

/// The routes of a template: none, an empty list, or some.
fn routes() -> impl Strategy<Value = String> {
    let list = prop::collection::vec((entry(), gap(), gap()), 0..4);
    (list, any::<bool>(), gap(), gap(), any::<bool>()).prop_map(
        |(entries, comma, open, close, is_there)| {
            if !is_there {
                return String::new();
            }
            // Twins would be a mistake of the file.
            let mut seen = BTreeSet::new();
            let name = |entry: &str| {
                let hosts = (0..9).map(|host| format!("\"h{host}.test\""));
                let presets = ["\"npm-read\"", "\"crates-read\""].map(str::to_owned);
                hosts.chain(presets).find(|name| entry.contains(name))
            };
            let kept = entries
                .iter()
                .filter(|(entry, ..)| seen.insert(name(entry)));
            let items: Vec<String> = kept
                .map(|(entry, before, after)| format!("{before}{entry}{after}"))
                .collect();
            let comma = if comma && !items.is_empty() { "," } else { "" };
            format!("\"routes\": [{open}{}{comma}{close}],", items.join(","))
        },
    )
}

/// A file with two templates and their agents.
fn file() -> impl Strategy<Value = String> {
    let gaps = prop::collection::vec(gap(), 8);
    (gaps, routes(), routes(), any::<bool>(), any::<bool>()).prop_map(
        |(gaps, mine, other, mark, comma)| {
            let [start, inside, value, first, middle, last, between, end] = gaps.try_into().unwrap();
            let mark = if mark { "\u{feff}" } else { "" };
            let point = if comma { "," } else { "" };
            format!(
                "{mark}{start}{{{inside}\"bottles\":{value}{{\"t\": {{{first}{mine}{middle}\"image\": {{\"from\": \"x\"}}{last}{point}}},\
                 \"other\": {{{other} \"image\": {{\"from\": \"y\"}}}}}},{between}\
                 \"agents\": {{\"one\": {{\"bottle\": \"t\", \"provider\": {{\"command\": [\"a\"]}}}},\
                 \"two\": {{\"bottle\": \"other\"}}}}{point}{end}}}{end}"
            )
        },
    )
}

/// A route as a request is granted it.
fn route() -> impl Strategy<Value = Route> {
    let hosts = vec!["new.test", "*.new.test", "h1.test", "registry.npmjs.org"];
    let ports = prop::collection::vec(prop::sample::select(vec![80_u16, 443, 8443]), 1..3);
    let methods = prop::sample::subsequence(vec!["GET", "POST"], 0..=2);
    let paths = prop::sample::subsequence(vec!["/a", "/b/*", "/a-b/x"], 0..=3);
    (
        prop::sample::select(hosts),
        ports,
        methods,
        paths,
        any::<bool>(),
    )
        .prop_map(|(host, ports, methods, paths, websocket)| {
            let methods = methods.iter().map(|text| Method::parse(text).unwrap());
            Route {
                methods: Methods::from(methods.collect::<BTreeSet<_>>()),
                paths: paths
                    .iter()
                    .map(|text| PathPattern::parse(text).unwrap())
                    .collect(),
                websocket,
                ..Route::to(
                    HostPattern::parse(host).unwrap(),
                    ports,
                    Provenance::Request { id: 4 },
                )
            }
        })
}

/// A route but for who put it there and how its ports were written.
fn bare(route: &Route) -> Route {
    let ports: BTreeSet<u16> = route.ports.iter().copied().collect();
    Route {
        ports: ports.into_iter().collect(),
        origin: Provenance::Operator,
        ..route.clone()
    }
}

/// Whether one text is another with something put in.
fn is_within(part: &str, whole: &str) -> bool {
    let mut rest = whole.chars();
    part.chars().all(|wanted| rest.any(|c| c == wanted))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_route_that_is_added_is_the_only_thing_that_changes(text in file(), route in route()) {
        let world = World::new(&text);
        let before = world.plan("one").spec;
        let after = match add_route(&text, "t", &route) {
            Ok(Edited::Changed(after)) => after,
            // It stands there already, or beside what it contradicts.
            Ok(Edited::AlreadyThere) => {
                prop_assert!(before.routes.routes.iter().any(|there| bare(there) == bare(&route)));
                return Ok(());
            }
            Err(error) => {
                let said = error.to_string();
                prop_assert!(said.starts_with("add the route beside what stands there"), "{}", said);
                return Ok(());
            }
        };
        prop_assert!(is_within(&text, &after));
        let edited = World::new(&after);
        let mut now = edited.plan("one").spec;
        prop_assert_eq!(now.routes.routes.pop().as_ref().map(bare), Some(bare(&route)));
        prop_assert_eq!(now, before);
        prop_assert_eq!(edited.plan("two").spec, world.plan("two").spec);
        prop_assert_eq!(add_route(&after, "t", &route), Ok(Edited::AlreadyThere));
    }

    #[test]
    fn any_text_is_answered(text in any::<String>(), route in route()) {
        prop_assert!(add_route(&text, "t", &route).is_err());
    }
}

#[test]
fn the_starter_takes_a_route() {
    let starter = cellar::manifest::starter();
    let route = Route::to(
        HostPattern::parse("new.test").unwrap(),
        vec![443],
        Provenance::Operator,
    );
    let template = World::new(starter).plan("helper").spec.template;
    let Ok(Edited::Changed(after)) = add_route(starter, &template, &route) else {
        panic!("not changed");
    };
    insta::assert_snapshot!(after);
}
