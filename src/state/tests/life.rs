//! Starting, stopping, resuming, removing, leaving.

use super::super::fixture::*;
use super::super::*;

fn ended(kind: OperationKind, id: &str, outcome: Result<(), &str>) -> Event {
    let outcome = outcome.map_err(str::to_owned);
    operation(kind, id, OperationNews::Ended { outcome })
}

#[test]
fn stop_is_asked_for_once() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    assert_eq!(console.press(&["x"]), [], "it asks first");
    assert_eq!(console.press(&["enter", "z"]), [], "only y is yes");
    let effects = console.press(&["y"]);
    assert!(effects.contains(&Effect::Stop {
        bottle: bottle("a-2")
    }));
    assert_eq!(*console.phase("a-2"), Phase::Stopping);
    assert_eq!(console.press(&["x", "y", "d", "y", "r"]), []);
    console.apply(ended(OperationKind::Stop, "a-2", Ok(())));
    assert_eq!(*console.phase("a-2"), Phase::Stopped);
    assert_eq!(
        console.state.needs(),
        [],
        "an end that was asked for needs nobody"
    );
    let effects = console.press(&["r"]);
    assert_eq!(
        effects,
        [Effect::Resume {
            bottle: bottle("a-2")
        }]
    );
}

#[test]
fn no_and_escape_kill_nothing() {
    for (ask, no) in [("x", "n"), ("x", "esc"), ("d", "n"), ("d", "q")] {
        let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
        assert_eq!(console.press(&[ask, no]), [], "{ask} {no}");
        assert_eq!(console.state.view.modal, None);
    }
}

#[test]
fn a_question_about_a_bottle_that_went_does_nothing() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.press(&["x"]);
    console.apply(Event::Fleet {
        fleet: FleetEvent::Gone {
            bottle: bottle("a-2"),
        },
    });
    assert_eq!(console.press(&["y"]), []);
}

#[test]
fn a_stop_that_fails_leaves_the_bottle_and_the_words() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.press(&["x", "y"]);
    console.apply(ended(OperationKind::Stop, "a-2", Err("the engine hung up")));
    assert_eq!(
        console.phase("a-2").words(),
        "failed to stop it: the engine hung up"
    );
    console.press(&["esc"]);
    assert_eq!(
        console.phase("a-2").word(),
        "running",
        "esc puts the words away"
    );
}

#[test]
fn a_start_goes_from_the_picker_over_the_plan() {
    let mut console = Console::with(120, 40, Vec::new());
    assert_eq!(console.press(&["s"]), [Effect::LoadAgents]);
    console.apply(Event::Agents {
        offers: vec![
            offer("api", None),
            offer("docs", None),
            offer("old", Some("broken")),
        ],
        problem: None,
    });
    assert_eq!(console.press(&["d", "o"]), []);
    let effects = console.press(&["enter"]);
    assert_eq!(
        effects,
        [Effect::PlanStart {
            agent: String::from("docs")
        }]
    );
    assert_eq!(
        console.press(&["enter"]),
        [],
        "there is no plan to say yes to yet"
    );
    console.apply(Event::Plan {
        agent: String::from("docs"),
        result: Ok(PlanSummary { rows: Vec::new() }),
    });
    let effects = console.press(&["enter"]);
    let start = Effect::Start {
        agent: String::from("docs"),
        name: None,
    };
    assert_eq!(effects, [start]);
    assert_eq!(console.state.view.modal, None);
}

#[test]
fn an_agent_with_a_problem_is_not_planned() {
    let mut console = Console::with(120, 40, Vec::new());
    console.press(&["s"]);
    console.apply(Event::Agents {
        offers: vec![offer("old", Some("broken"))],
        problem: None,
    });
    assert_eq!(console.press(&["enter"]), []);
    assert!(matches!(
        console.state.view.modal,
        Some(Modal::Picker { .. })
    ));
}

#[test]
fn a_plan_that_cannot_be_made_starts_nothing() {
    let mut console = Console::with(120, 40, Vec::new());
    console.press(&["s"]);
    console.apply(Event::Agents {
        offers: vec![offer("api", None)],
        problem: None,
    });
    console.press(&["enter"]);
    console.apply(Event::Plan {
        agent: String::from("api"),
        result: Err(String::from("no such template")),
    });
    assert_eq!(console.press(&["enter", "y"]), []);
}

#[test]
fn a_start_is_a_row_from_its_first_step() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.apply(operation(OperationKind::Start, "b-2", OperationNews::Began));
    assert_eq!(
        console.selected(),
        Some("b-2"),
        "what was asked for is looked at"
    );
    assert_eq!(*console.phase("b-2"), Phase::Planned);
    for (is_build, phase) in [(true, Phase::Building), (false, Phase::Starting)] {
        console.apply(operation(
            OperationKind::Start,
            "b-2",
            OperationNews::Step {
                what: String::from("a step"),
                is_build,
                done: 1,
                of: 3,
                is_output: false,
                can_cancel: true,
            },
        ));
        assert_eq!(*console.phase("b-2"), phase);
    }
    // A list that was made before the first container must not hide the row.
    console.apply(Event::Fleet {
        fleet: FleetEvent::Sightings {
            engine: engine(),
            bottles: vec![running("a-2", 1)],
        },
    });
    assert_eq!(console.selected(), Some("b-2"));
    console.see(running("b-2", 0));
    let effects = console.apply(ended(OperationKind::Start, "b-2", Ok(())));
    assert!(effects.contains(&Effect::RefreshFleet));
    assert_eq!(console.phase("b-2").word(), "running");
}

#[test]
fn a_failed_start_stays_until_it_was_read() {
    let mut console = Console::with(120, 40, Vec::new());
    console.apply(operation(OperationKind::Start, "b-2", OperationNews::Began));
    console.see(sighting("b-2", 0, ContainerState::Created));
    console.apply(ended(OperationKind::Start, "b-2", Err("no such image")));
    console.apply(Event::Fleet {
        fleet: FleetEvent::Gone {
            bottle: bottle("b-2"),
        },
    });
    assert_eq!(
        console.phase("b-2").words(),
        "failed to start: no such image"
    );
    assert_eq!(console.press(&["d"]), [], "nothing is left to be removed");
    assert_eq!(console.state.fleet.bottles(), []);
}

#[test]
fn a_start_without_a_bottle_says_why_it_failed() {
    let mut console = Console::with(120, 40, Vec::new());
    console.apply(Event::Operation {
        report: OperationReport {
            kind: OperationKind::Start,
            bottle: None,
            agent: String::from("api"),
            news: OperationNews::Ended {
                outcome: Err(String::from("GITHUB_TOKEN is unset")),
            },
        },
    });
    let modal = console.state.view.modal.clone();
    assert!(
        matches!(&modal, Some(Modal::Message { text, .. }) if text == "GITHUB_TOKEN is unset"),
        "{modal:?}"
    );
}

#[test]
fn a_task_that_dies_takes_its_operation_along() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.press(&["x", "y"]);
    console.apply(Event::TaskEnded {
        name: String::from("stop a-2"),
        bottle: Some(bottle("a-2")),
        how: String::from("it panicked"),
    });
    assert_eq!(
        console.phase("a-2").words(),
        "failed to stop it: it panicked"
    );
}

#[test]
fn leaving_asks_only_while_something_is_done() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    assert_eq!(console.press(&["q"]), [Effect::Quit]);
    console.press(&["x", "y"]);
    assert_eq!(console.press(&["q"]), []);
    assert_eq!(console.press(&["y"]), [Effect::Quit]);
    assert_eq!(console.press(&["ctrl-c"]), [Effect::Quit]);
    assert_eq!(console.apply(Event::EndAsked), [Effect::Quit]);
}

#[test]
fn removing_says_yes_once_and_the_row_goes_with_the_answer() {
    let mut console = Console::with(120, 40, vec![stopped("a-2", 1)]);
    let effects = console.press(&["d", "y"]);
    assert_eq!(
        effects,
        [Effect::Remove {
            bottle: bottle("a-2")
        }]
    );
    assert_eq!(*console.phase("a-2"), Phase::Removing);
    console.apply(ended(OperationKind::Remove, "a-2", Ok(())));
    assert_eq!(console.state.fleet.bottles(), []);
}
