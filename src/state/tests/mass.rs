//! Marks, what is done to several bottles at once, and holding everything still.

use super::super::fixture::*;
use super::super::*;

fn three() -> Console {
    Console::with(
        120,
        40,
        vec![running("a-1", 1), running("a-2", 2), running("a-3", 3)],
    )
}

fn frozen(id: &str, age: i64) -> BottleSighting {
    let mut sighting = running(id, age);
    for container in &mut sighting.containers {
        if container.role == Role::Agent {
            container.state = ContainerState::Paused;
        }
    }
    sighting
}

fn ended(kind: OperationKind, id: &str, outcome: Result<(), &str>) -> Event {
    let outcome = outcome.map_err(str::to_owned);
    operation(kind, id, OperationNews::Ended { outcome })
}

fn marked(console: &Console) -> Vec<String> {
    let marked = console.state.view.marked.iter();
    marked.map(|bottle| bottle.id.to_string()).collect()
}

#[test]
fn marks_are_set_one_by_one_in_a_range_and_for_all_and_dropped() {
    let mut console = three();
    console.press(&["space"]);
    assert_eq!(marked(&console).len(), 1);
    assert_eq!(console.state.view.selected_at, 1, "it goes on to the next");
    console.press(&["g", "space"]);
    assert_eq!(marked(&console), Vec::<String>::new(), "the same key drops");
    console.press(&["g", "space", "G", "V"]);
    assert_eq!(marked(&console).len(), 3, "from the last mark to here");
    console.press(&["esc"]);
    assert_eq!(marked(&console), Vec::<String>::new());
    console.press(&["/", "a", "-", "2", "enter", "*"]);
    assert_eq!(marked(&console), ["a-2"], "all that is shown");
    console.press(&["*"]);
    assert_eq!(marked(&console), Vec::<String>::new());
}

#[test]
fn a_mark_goes_with_its_bottle() {
    let mut console = three();
    console.press(&["*"]);
    console.apply(Event::Fleet {
        fleet: FleetEvent::Gone {
            bottle: bottle("a-2"),
        },
    });
    assert_eq!(marked(&console), ["a-1", "a-3"]);
}

#[test]
fn what_is_done_to_the_marked_is_asked_once_and_told_together() {
    let mut console = three();
    console.press(&["*"]);
    assert_eq!(console.press(&["x"]), [], "it asks first");
    let Some(Modal::ConfirmAll {
        kind, bottles: of, ..
    }) = &console.state.view.modal
    else {
        panic!("it asked something else");
    };
    assert_eq!((*kind, of.len()), (OperationKind::Stop, 3));
    let effects = console.press(&["y"]);
    let stops = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Stop { .. }));
    assert_eq!(stops.count(), 3);
    let notice = |console: &Console| console.state.view.notice.clone().unwrap();
    console.apply(ended(OperationKind::Stop, "a-1", Ok(())));
    assert_eq!(notice(&console).text, "stopped: 1 of 3");
    console.apply(ended(OperationKind::Stop, "a-2", Err("it hung up")));
    console.apply(ended(OperationKind::Stop, "a-3", Ok(())));
    assert_eq!(
        notice(&console).text,
        "2 stopped, 1 failed: their rows say why"
    );
    assert!(notice(&console).is_error);
    assert_eq!(console.phase("a-2").word(), "degraded");
    // What comes later speaks for itself again.
    console.press(&["esc", "g"]);
    console.apply(ended(OperationKind::Stop, "a-2", Ok(())));
    assert!(notice(&console).text.starts_with("a-2 stopped"));
}

#[test]
fn what_cannot_take_it_is_left_out() {
    let mut console = Console::with(120, 40, vec![running("a-1", 1), frozen("a-2", 2)]);
    console.press(&["*"]);
    // One of two runs, and freezing loses nothing.
    assert_eq!(
        console.press(&["p"]),
        [Effect::Freeze {
            bottle: bottle("a-1")
        }]
    );
    console.apply(ended(OperationKind::Freeze, "a-1", Ok(())));
    assert_eq!(*console.phase("a-1"), Phase::Frozen);
    console.press(&["R"]);
    let Some(Modal::ConfirmAll {
        kind,
        bottles,
        left_out,
    }) = console.state.view.modal.clone()
    else {
        panic!("it did not ask");
    };
    assert_eq!(
        (kind, bottles.len(), left_out),
        (OperationKind::Restart, 2, 0)
    );
    console.press(&["n"]);
    // Now that nothing runs, the same key lets go.
    console.press(&["p"]);
    let effects = console.press(&["y"]);
    assert_eq!(
        effects,
        [
            Effect::Unfreeze {
                bottle: bottle("a-1")
            },
            Effect::Unfreeze {
                bottle: bottle("a-2")
            },
        ]
    );
}

#[test]
fn one_bottle_is_frozen_at_once_and_cut_after_a_yes() {
    let mut console = Console::with(120, 40, vec![running("a-1", 1)]);
    assert_eq!(
        console.press(&["p"]),
        [Effect::Freeze {
            bottle: bottle("a-1")
        }]
    );
    assert_eq!(console.press(&["p"]), [], "one thing at a time");
    console.apply(ended(OperationKind::Freeze, "a-1", Ok(())));
    assert_eq!(*console.phase("a-1"), Phase::Frozen);
    assert!(!console.phase("a-1").is_trouble());
    assert_eq!(console.state.needs(), []);
    assert!(!console.state.can(Command::Attach));
    console.press(&["enter"]);
    let notice = console.state.view.notice.clone().unwrap();
    assert!(notice.text.contains("p lets it go on"), "{}", notice.text);

    assert_eq!(console.press(&["C"]), [], "it asks first");
    assert_eq!(
        console.press(&["y"]),
        [Effect::Cut {
            bottle: bottle("a-1")
        }]
    );
    console.apply(ended(OperationKind::Cut, "a-1", Ok(())));
    assert!(console.state.selected_bottle().unwrap().is_cut());
    assert_eq!(console.press(&["C"]), [], "and so is this");
    assert_eq!(
        console.press(&["y"]),
        [Effect::Reconnect {
            bottle: bottle("a-1")
        }]
    );
}

#[test]
fn the_same_key_twice_holds_everything_still_from_everywhere() {
    for way in [&[] as &[&str], &["right"], &["E"], &["i"], &["3", "right"]] {
        let mut console = three();
        console.press(way);
        let mut keys = console.press(&["!"]);
        assert_eq!(keys, [], "{way:?} asks first");
        assert_eq!(console.press(&["n"]), []);
        keys = console.press(&["!", "!"]);
        assert_eq!(keys, [Effect::Panic], "{way:?}");
    }
    let mut console = three();
    let standing = Standing {
        since: console.state.now,
        frozen: 3,
        cut: 3,
    };
    console.apply(Event::PanicStands {
        standing: Some(standing),
    });
    assert_eq!(console.press(&["!", "!", "enter"]), [], "that is no yes");
    assert_eq!(console.press(&["y"]), [Effect::LiftPanic]);
    console.apply(Event::PanicStands { standing: None });
    assert_eq!(console.state.panic, None);
}

#[test]
fn a_restart_asks_and_shows_that_it_is_under_way() {
    let mut console = Console::with(120, 40, vec![running("a-1", 1)]);
    console.press(&["R"]);
    assert_eq!(
        console.press(&["y"]),
        [Effect::Restart {
            bottle: bottle("a-1")
        }]
    );
    assert_eq!(*console.phase("a-1"), Phase::Stopping);
}

#[test]
fn a_line_goes_to_all_that_are_marked_and_have_a_session() {
    let mut console = Console::with(120, 40, vec![running("a-1", 1), frozen("a-2", 2)]);
    console.press(&["*", "S"]);
    console.apply(Event::Paste {
        text: String::from(" go on "),
    });
    assert_eq!(
        console.press(&["enter"]),
        [Effect::SendLine {
            bottles: vec![bottle("a-1")],
            text: String::from("go on")
        }]
    );
    console.press(&[":"]);
    console.apply(Event::Paste {
        text: String::from("send  two  words"),
    });
    assert_eq!(
        console.press(&["enter"]),
        [Effect::SendLine {
            bottles: vec![bottle("a-1")],
            text: String::from("two  words")
        }]
    );
    assert_eq!(console.state.view.history, Vec::<String>::new());
    assert_eq!(console.press(&["S", "enter"]), [], "nothing was typed");
}
