//! What waits to leave a bottle, and the operator's answer.

use super::super::fixture::*;
use super::super::*;
use crate::policy::RouteSet;
use crate::wire::{HeldRequest, HoldEnd, HoldRecord, RoleReport};

fn held(id: u64, host: &str) -> RoleReport {
    RoleReport::Held {
        hold: HoldRecord {
            id,
            at: ago(5),
            until: ago(-115),
            host: host.to_owned(),
            port: 443,
            waiting: 1,
            request: None,
        },
    }
}

fn console() -> Console {
    let bottles = vec![running("api-k3x9q", 60), running("docs-p2m4d", 90)];
    let mut console = Console::with(120, 40, bottles);
    console.said("docs-p2m4d", Role::Egress, held(7, "pkgs.test"));
    console
}

#[test]
fn what_waits_needs_the_operator_from_anywhere() {
    let console = console();
    let needs = console.state.needs();
    assert_eq!(needs.len(), 1);
    assert_eq!(needs[0].word, "held");
    assert_eq!(needs[0].words, "wants to reach pkgs.test:443");
    assert_eq!(needs[0].bottle, bottle("docs-p2m4d"));
}

#[test]
fn one_request_says_what_it_asks() {
    let mut console = Console::with(120, 40, vec![running("api-k3x9q", 60)]);
    let RoleReport::Held { mut hold } = held(1, "api.test") else {
        panic!("a hold")
    };
    hold.request = Some(HeldRequest {
        method: String::from("POST"),
        path: String::from("/graphql"),
    });
    console.said("api-k3x9q", Role::Egress, RoleReport::Held { hold });
    let needs = console.state.needs();
    assert_eq!(needs[0].words, "wants to ask POST api.test:443/graphql");
}

#[test]
fn a_answers_what_waits_and_each_answer_is_one_effect() {
    for (key, expected) in [
        (
            "y",
            vec![Effect::AcceptHold {
                bottle: bottle("docs-p2m4d"),
                hold: 7,
            }],
        ),
        (
            "n",
            vec![Effect::RefuseHold {
                bottle: bottle("docs-p2m4d"),
                hold: 7,
            }],
        ),
        ("esc", vec![]),
    ] {
        let mut console = console();
        assert_eq!(console.press(&["a"]), []);
        assert_eq!(console.state.context(), Context::Answer);
        assert_eq!(console.press(&[key]), expected, "{key}");
        assert_eq!(console.state.context(), Context::List);
    }
}

#[test]
fn nothing_that_waits_is_no_question() {
    let mut console = Console::with(120, 40, vec![running("api-k3x9q", 60)]);
    assert_eq!(console.press(&["a"]), []);
    assert_eq!(console.state.context(), Context::List);
}

#[test]
fn what_is_over_needs_nobody_and_routes_in_force_are_known() {
    let mut console = console();
    let how = HoldEnd::Expired;
    console.said(
        "docs-p2m4d",
        Role::Egress,
        RoleReport::HoldOver { id: 7, how },
    );
    assert_eq!(console.state.needs(), []);
    let (generation, why) = (2, String::from("no"));
    let refused = RoleReport::RoutesRefused { generation, why };
    console.said("docs-p2m4d", Role::Egress, refused);
    let routes = RoutesInForce {
        generation: 3,
        routes: RouteSet::NONE,
    };
    let told = RoleReport::Routes {
        generation: 3,
        routes: RouteSet::NONE,
    };
    console.said("docs-p2m4d", Role::Egress, told);
    let hub = &console.state.fleet.get(&bottle("docs-p2m4d")).unwrap().hub;
    assert_eq!(hub.routes, Some(routes));
    assert_eq!(hub.routes_refused, None);
}

#[test]
fn missing_secrets_need_the_operator() {
    let mut console = Console::with(120, 40, vec![running("api-k3x9q", 60)]);
    let missing = vec![String::from("model")];
    let state = RoleState::Locked { missing };
    console.said("api-k3x9q", Role::Egress, RoleReport::State { state });
    let needs = console.state.needs();
    assert_eq!(needs[0].word, "locked");
    assert_eq!(needs[0].words, "egress needs the value of model");
}

#[test]
fn what_an_agent_asks_for_needs_the_operator() {
    use crate::request::{Ask, RequestRecord, RequestState, Source};
    let mut console = Console::with(120, 40, vec![running("api-k3x9q", 60)]);
    let ask = Ask::Question {
        text: String::from("Which one?"),
        choices: Vec::new(),
    };
    let request = RequestRecord {
        id: 4,
        digest: ask.digest().unwrap(),
        ask,
        reason: String::new(),
        source: Source::Agent,
        first: now(),
        last: now(),
        times: 1,
        state: RequestState::Pending,
        delivered: None,
    };
    let told = |state: RequestState| RoleReport::Request {
        request: Box::new(RequestRecord {
            state,
            ..request.clone()
        }),
    };
    console.said("api-k3x9q", Role::Supervise, told(RequestState::Pending));
    let needs = console.state.needs();
    assert_eq!(
        (needs[0].word, needs[0].words.as_str()),
        ("asks", "Which one?")
    );
    let over = RequestState::Withdrawn { at: now() };
    console.said("api-k3x9q", Role::Supervise, told(over));
    assert!(console.state.needs().is_empty());
}
