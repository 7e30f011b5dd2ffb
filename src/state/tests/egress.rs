//! Decisions of one bottle and of all: filtered, read, paused, answered with a route.

use super::super::fixture::*;
use super::super::*;
use crate::policy::{Provenance, Reason};
use crate::wire::{RoleReport, RouteKey};

/// The listed decisions as `bottle seq`, oldest first.
fn listed(console: &Console) -> Vec<String> {
    let rows = console.state.view.decided.rows().iter();
    let words = rows.map(|row| {
        let agent = row.bottle.id.as_str().split('-').next().unwrap_or_default();
        format!("{agent} {}", row.decision.seq)
    });
    words.collect()
}

fn selected(console: &Console) -> (String, u64) {
    let selected = console.state.view.decided.selected().unwrap();
    (selected.bottle.id.to_string(), selected.decision.seq)
}

fn decide(console: &mut Console, id: &str, seq: u64, seconds: i64, decision: DecisionRecord) {
    let decision = DecisionRecord {
        seq,
        at: ago(seconds),
        ..decision
    };
    console.said(id, Role::Egress, RoleReport::Decision { decision });
}

fn type_text(console: &mut Console, text: &str) {
    console.apply(Event::Paste {
        text: text.to_owned(),
    });
}

#[test]
fn words_combine_exclude_and_stand_for_the_verdict() {
    for (text, expected) in [
        ("", &["api 1", "api 2", "api 3", "api 4", "api 5"][..]),
        ("pkgs", &["api 1", "api 3", "api 5"]),
        ("PKGS serde", &["api 5"]),
        ("pkgs !serde", &["api 1", "api 3"]),
        ("pkgs.test/simple", &["api 1", "api 5"]),
        ("post", &["api 2", "api 4"]),
        ("refused", &["api 3", "api 4"]),
        ("denied !secret_found", &["api 3"]),
        ("allowed", &["api 1", "api 2", "api 5"]),
        ("!allowed", &["api 3", "api 4"]),
        ("path_not_allowed", &["api 3"]),
        ("github-pat", &["api 4"]),
        ("403", &["api 3", "api 4"]),
        (":443 !", &["api 1", "api 2", "api 3", "api 4", "api 5"]),
        ("nothing-like-it", &[]),
    ] {
        let mut console = Console::busy(120, 40);
        console.press(&["e", "/"]);
        assert_eq!(console.state.context(), Context::Filter);
        type_text(&mut console, text);
        console.press(&["enter"]);
        assert_eq!(console.state.context(), Context::Egress);
        assert_eq!(listed(&console), expected, "{text}");
        // The list of bottles has its own filter.
        assert_eq!(console.state.view.filter, "");
    }
}

#[test]
fn o_shows_only_what_was_refused_and_esc_drops_the_filter_before_it_goes_back() {
    let mut console = Console::busy(120, 40);
    console.press(&["e", "o"]);
    assert_eq!(listed(&console), ["api 3", "api 4"]);
    console.press(&["/"]);
    type_text(&mut console, "pkgs");
    console.press(&["enter"]);
    assert_eq!(listed(&console), ["api 3"]);
    console.press(&["esc"]);
    assert_eq!(listed(&console).len(), 5);
    assert_eq!(console.state.context(), Context::Egress);
    console.press(&["esc"]);
    assert_eq!(console.state.context(), Context::List);
    console.press(&["e", "/", "x", "esc"]);
    assert_eq!(listed(&console).len(), 5, "esc while typing drops it too");
}

#[test]
fn going_up_pauses_and_what_comes_moves_nothing() {
    let mut console = Console::busy(120, 40);
    console.press(&["e"]);
    assert_eq!(console.state.view.decided.cursor(), Cursor::Follow);
    console.press(&["k", "k"]);
    assert_eq!(selected(&console), (String::from("api-k3x9q"), 3));
    let first = console.state.view.decided.first_in_sight(3);
    decide(
        &mut console,
        "api-k3x9q",
        6,
        0,
        asked("GET", "a.test", "/", None),
    );
    assert_eq!(selected(&console).1, 3);
    assert_eq!(console.state.view.decided.first_in_sight(3), first);
    assert_eq!(console.state.view.decided.below(), 1);
    console.press(&["G"]);
    assert_eq!(selected(&console).1, 6);
    assert_eq!(console.state.view.decided.cursor(), Cursor::Follow);
    decide(
        &mut console,
        "api-k3x9q",
        7,
        0,
        asked("GET", "a.test", "/", None),
    );
    assert_eq!(selected(&console).1, 7);
    console.press(&["k", "j"]);
    assert_eq!(console.state.view.decided.cursor(), Cursor::Follow);
}

#[test]
fn a_filter_keeps_the_decision_that_was_selected() {
    let mut console = Console::busy(120, 40);
    console.press(&["e", "k", "k"]);
    assert_eq!(selected(&console).1, 3);
    console.press(&["o"]);
    assert_eq!(selected(&console).1, 3);
    console.press(&["o"]);
    assert_eq!(selected(&console).1, 3);
}

#[test]
fn enter_reads_a_decision_and_what_comes_does_not_change_it() {
    let mut console = Console::busy(120, 40);
    console.press(&["e", "k", "k", "enter"]);
    assert_eq!(console.state.context(), Context::Decision);
    let before = console.state.paper().unwrap();
    let value = |label: &str| {
        let row = before.iter().find(|row| row.label == label);
        row.map(|row| row.value.as_str())
    };
    let refused = "refused, path_not_allowed: a route names the rest, with other paths";
    assert_eq!(value("verdict"), Some(refused));
    assert_eq!(value("method"), Some("PUT"));
    assert_eq!(value("host"), Some("pkgs.test"));
    assert_eq!(value("path"), Some("/upload/x"));
    assert_eq!(value("went out"), Some("48 KiB"));
    assert_eq!(value("at"), Some("2026-11-21 15:01:49, 40s ago"));
    let need = "the route PUT pkgs.test/upload/x (+ adds it)";
    assert_eq!(value("would need"), Some(need));
    decide(
        &mut console,
        "api-k3x9q",
        6,
        0,
        asked("GET", "a.test", "/", None),
    );
    assert_eq!(console.state.paper().unwrap(), before);
    console.press(&["esc"]);
    assert_eq!(console.state.context(), Context::Egress);
}

#[test]
fn a_route_is_known_while_its_table_is_in_force() {
    let mut console = Console::busy(120, 40);
    console.press(&["e", "enter"]);
    let route = |console: &Console| {
        let rows = console.state.paper().unwrap();
        let row = rows.into_iter().find(|row| row.label == "route");
        row.unwrap().value
    };
    assert_eq!(route(&console), "1: api.anthropic.com, from the provider");
    let report = RoleReport::Routes {
        generation: 3,
        routes: routes_in_force(),
    };
    console.said("api-k3x9q", Role::Egress, report);
    assert_eq!(route(&console), "1", "another table counts otherwise");
}

#[test]
fn plus_and_yes_add_the_narrowest_route_and_nothing_else_does() {
    for (keys, is_added) in [
        (&["+", "y"][..], true),
        (&["enter", "+", "y"], true),
        (&["+", "n"], false),
        (&["+", "esc"], false),
        (&["enter", "enter", "y"], false),
    ] {
        let mut console = Console::busy(120, 40);
        console.press(&["e", "k", "k"]);
        let effects = console.press(keys);
        let mut route = suggested_route("PUT", "pkgs.test", "/upload/x");
        route.origin = Provenance::Operator;
        let expected = Effect::Allow {
            bottle: bottle("api-k3x9q"),
            route: Box::new(route),
        };
        let added: Vec<&Effect> = effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Allow { .. }))
            .collect();
        let wanted: Vec<&Effect> = is_added.then_some(&expected).into_iter().collect();
        assert_eq!(added, wanted, "{keys:?}");
        assert!(console.state.view.modal.is_none(), "{keys:?}");
    }
}

/// What `egress suggest` makes of the same.
fn suggested_route(method: &str, host: &str, path: &str) -> Route {
    let decision = asked(method, host, path, Some(Reason::PathNotAllowed));
    let presets = crate::policy::presets().unwrap();
    let found = crate::policy::suggest(&[refused(&decision).unwrap()], &presets);
    found[0].route.clone()
}

#[test]
fn what_no_route_can_allow_is_offered_none() {
    let mut console = Console::busy(120, 40);
    for keys in [&["e", "k"][..], &["G"]] {
        console.press(keys);
        assert!(!console.state.can(Command::Permit));
        assert_eq!(console.press(&["+", "y"]), []);
        assert!(console.state.view.modal.is_none());
    }
}

#[test]
fn all_bottles_are_merged_by_time_and_enter_goes_to_the_decision() {
    let mut console = Console::busy(120, 40);
    console.press(&["E"]);
    assert_eq!(console.state.context(), Context::AllEgress);
    let merged = [
        "api 1", "api 2", "docs 1", "api 3", "docs 2", "api 4", "api 5",
    ];
    assert_eq!(listed(&console), merged);
    // A bottle that is heard of late tells what happened before.
    decide(
        &mut console,
        "web-7tk2n",
        1,
        50,
        asked("GET", "a.test", "/", None),
    );
    assert_eq!(listed(&console)[3], "web 1");
    console.press(&["k", "k"]);
    assert_eq!(selected(&console), (String::from("docs-p2m4d"), 2));
    console.press(&["enter"]);
    assert_eq!(console.selected(), Some("docs-p2m4d"));
    assert_eq!(console.state.context(), Context::Egress);
    assert_eq!(listed(&console), ["docs 1", "docs 2"]);
    console.press(&["E", "g", "enter"]);
    assert_eq!(console.selected(), Some("api-k3x9q"));
    assert_eq!(selected(&console).1, 1, "the same decision is selected");
}

#[test]
fn a_filter_is_the_same_for_one_and_for_all() {
    let mut console = Console::busy(120, 40);
    console.press(&["E", "o"]);
    assert_eq!(listed(&console), ["api 3", "docs 2", "api 4"]);
    console.press(&["k", "enter"]);
    assert_eq!(listed(&console), ["docs 2"]);
    console.press(&["E", "/"]);
    type_text(&mut console, "docs");
    assert_eq!(
        listed(&console),
        ["docs 2"],
        "the bottle's id is a word too"
    );
}

#[test]
fn hosts_are_summed_over_bottles_once_a_second() {
    let mut console = Console::busy(120, 40);
    console.press(&["E"]);
    let rows = |console: &Console| {
        let rows = console.state.view.all_egress.hosts.iter();
        let rows = rows.map(|row| {
            (
                row.host.clone(),
                row.passed.requests,
                row.refused,
                row.bottles.len(),
            )
        });
        rows.collect::<Vec<_>>()
    };
    let row =
        |host: &str, requests, refused, bottles| (host.to_owned(), requests, refused, bottles);
    let expected = [
        row("api.anthropic.com", 60, 1, 2),
        row("pkgs.test", 11, 2, 1),
        row("crates.test", 0, 14, 2),
    ];
    assert_eq!(rows(&console), expected);
    let mut hits = hits(&routes_in_force());
    hits.hosts[0].passed.requests = 31;
    console.said(
        "api-k3x9q",
        Role::Egress,
        RoleReport::Hits {
            hits: Box::new(hits),
        },
    );
    assert_eq!(rows(&console), expected, "not before the next second");
    console.tick(1);
    assert_eq!(rows(&console)[0], row("api.anthropic.com", 61, 1, 2));
    console.press(&["o"]);
    assert_eq!(rows(&console)[0].0, "crates.test", "refused most often");
    console.press(&["/"]);
    type_text(&mut console, "docs");
    let hosts: Vec<String> = rows(&console).into_iter().map(|row| row.0).collect();
    assert_eq!(hosts, ["crates.test", "api.anthropic.com"]);
    console.press(&["esc", "esc", "esc"]);
    assert_eq!(console.state.view.all_egress, AllEgress::default());
}

#[test]
fn a_bottle_that_is_gone_is_in_no_list() {
    let mut console = Console::busy(120, 40);
    console.press(&["E"]);
    console.apply(Event::Fleet {
        fleet: FleetEvent::Gone {
            bottle: bottle("docs-p2m4d"),
        },
    });
    let listed = listed(&console);
    assert_eq!(listed, ["api 1", "api 2", "api 3", "api 4", "api 5"]);
    assert_eq!(console.state.view.all_egress.counting, 1);
}

#[test]
fn the_view_of_all_holds_no_line_that_only_a_page_needs() {
    let mut console = Console::busy(120, 40);
    let effects = console.press(&["E"]);
    let preview = Effect::ClosePreview {
        bottle: bottle("api-k3x9q"),
    };
    assert_eq!(effects, [preview]);
    assert_eq!(console.press(&["w"]), []);
    assert_ne!(console.state.context(), Context::AllEgress);
}

/// With 120 bottles a list of all decisions would be 60,000 long.
#[test]
fn lists_are_bounded_and_hold_the_newest() {
    let bottles = (0..120).map(|number| running(&format!("b{number}-2"), number));
    let mut console = Console::with(120, 40, bottles.collect());
    for seq in 1..=30 {
        for number in 0..120 {
            let second = 4_000 - (i64::try_from(seq).unwrap() * 120 + number);
            let decision = asked("GET", "a.test", "/", None);
            decide(&mut console, &format!("b{number}-2"), seq, second, decision);
        }
        if seq == 15 {
            console.press(&["E"]);
        }
    }
    let rows = console.state.view.decided.rows();
    assert_eq!(rows.len(), 2_000);
    let grown: Vec<_> = rows.iter().cloned().collect();
    assert_eq!(grown[1_999].decision.seq, 30);
    // Made anew it is the same.
    console.press(&["o", "o"]);
    let made: Vec<_> = console.state.view.decided.rows().iter().cloned().collect();
    assert!(grown == made);
}

#[test]
fn routes_are_known_by_their_counts_and_the_unused_ones_are_named() {
    let console = Console::busy(120, 40);
    let known = console.state.fleet.get(&bottle("api-k3x9q")).unwrap();
    let there = known.hub.routes.as_ref().unwrap();
    let rows = there.routes.routes.iter();
    let rows = rows.map(|route| {
        let row = RouteRow::at(route, known.hub.hits.as_ref(), now());
        (row.hits, row.budget)
    });
    let rows: Vec<_> = rows.collect();
    let row = |hits: &str, budget: &str| (hits.to_owned(), budget.to_owned());
    let expected = [
        row("30 requests, 5.3MB, 1m ago", ""),
        row("11 requests, 300kB, just now", "11 of 50 requests"),
        row("unused", ""),
    ];
    assert_eq!(rows, expected);
    // A raised budget goes on with the same counts.
    let mut raised = there.routes.routes[1].clone();
    raised.budget.requests = Some(99);
    assert_eq!(RouteKey::of(&raised), RouteKey::of(&there.routes.routes[1]));
    let silent = RouteRow::at(&raised, None, now());
    assert_eq!(
        (silent.hits.as_str(), silent.budget.as_str()),
        ("", "99 requests at most")
    );
}

#[test]
fn a_press_selects_a_decision_and_the_keys_follow_it() {
    let mut console = Console::busy(120, 40);
    console.press(&["3"]);
    assert_eq!(console.state.context(), Context::List);
    let press = |target| Event::Pointer {
        pointer: Pointer {
            action: PointerAction::Press,
            target,
        },
    };
    console.apply(press(Target::Decision { at: 1 }));
    assert_eq!(console.state.context(), Context::Egress);
    assert_eq!(selected(&console).1, 2);
    console.apply(press(Target::Decision { at: 99 }));
    assert_eq!(selected(&console).1, 2, "there is no such place");
    console.press(&["E"]);
    console.apply(press(Target::Detail));
    assert_eq!(console.state.context(), Context::AllEgress);
    console.apply(press(Target::Need {
        bottle: bottle("bench-4fj8w"),
        is_request: false,
    }));
    assert_eq!(console.state.context(), Context::List);
}
