//! Attaching, detaching, previewing.

use super::super::fixture::*;
use super::super::*;
use crate::wire::RoleReport;

fn attached(full: bool) -> Console {
    let mut console = Console::with(120, 40, vec![running("api-k3x9q", 60)]);
    console.press(&[if full { "f" } else { "enter" }]);
    console.apply(Event::Attached {
        bottle: bottle("api-k3x9q"),
    });
    console.effects.clear();
    console
}

#[test]
fn enter_lets_the_preview_go_and_attaches() {
    let mut console = Console::with(120, 40, vec![running("api-k3x9q", 60)]);
    let api = bottle("api-k3x9q");
    assert!(console.effects.contains(&Effect::Preview {
        bottle: api.clone()
    }));
    let effects = console.press(&["enter"]);
    assert_eq!(
        effects,
        [
            Effect::ClosePreview {
                bottle: api.clone()
            },
            Effect::Attach {
                bottle: api,
                full: false
            }
        ]
    );
    assert_eq!(console.state.context(), Context::Attaching);
    assert!(!console.state.has_open_session());
}

#[test]
fn the_chord_detaches_and_the_screen_stays_live() {
    for full in [false, true] {
        let mut console = attached(full);
        let api = bottle("api-k3x9q");
        let effects = console.press(&["ctrl-q"]);
        assert_eq!(
            effects,
            [
                Effect::Detach {
                    bottle: api.clone()
                },
                Effect::Preview { bottle: api }
            ]
        );
        assert_eq!(console.state.view.focus, Focus::List);
    }
}

#[test]
fn no_other_key_of_an_attached_session_is_ours() {
    let mut console = attached(false);
    let before = console.state.clone();
    let effects = console.press(&["x", "q", "esc", "ctrl-c", "d", "enter", "?", "tab"]);
    assert_eq!(effects, []);
    assert_eq!(console.state, before);
}

#[test]
fn a_stopped_bottle_is_not_attached_and_says_why() {
    let mut console = Console::with(120, 40, vec![stopped("api-k3x9q", 60)]);
    assert_eq!(console.press(&["enter"]), []);
    let notice = console.state.view.notice.clone().unwrap();
    assert_eq!(notice.text, "api-k3x9q is stopped: r resumes it");
}

#[test]
fn an_attach_that_fails_comes_back_to_the_list() {
    let mut console = Console::with(120, 40, vec![running("api-k3x9q", 60)]);
    console.press(&["enter"]);
    let api = bottle("api-k3x9q");
    let effects = console.apply(Event::AttachFailed {
        bottle: api.clone(),
        why: String::from("no such container"),
    });
    assert_eq!(effects, [Effect::Preview { bottle: api }]);
    assert_eq!(console.state.attached(), None);
    assert!(console.state.view.notice.clone().unwrap().is_error);
}

/// The answer to a detach may come while the next attach is under way.
#[test]
fn a_late_answer_to_a_detach_ends_no_new_attach() {
    let mut console = attached(false);
    let api = bottle("api-k3x9q");
    console.press(&["ctrl-q", "enter"]);
    console.apply(Event::Detached {
        bottle: api.clone(),
        why: None,
    });
    assert_eq!(console.state.attached(), Some(&api));
    console.apply(Event::Detached {
        bottle: api,
        why: Some(String::from("the line broke")),
    });
    assert_eq!(console.state.attached(), None);
}

#[test]
fn a_bottle_that_goes_under_an_attached_session_lets_it_go() {
    let mut console = attached(false);
    let api = bottle("api-k3x9q");
    let effects = console.apply(Event::Fleet {
        fleet: FleetEvent::Gone {
            bottle: api.clone(),
        },
    });
    assert!(
        effects.contains(&Effect::Detach { bottle: api }),
        "{effects:?}"
    );
    assert_eq!(console.state.attached(), None);
    assert_eq!(
        console.state.view.notice.clone().unwrap().text,
        "api-k3x9q is gone"
    );
}

#[test]
fn a_session_that_ends_is_not_previewed_again() {
    let mut console = attached(false);
    let effects = console.apply(Event::SessionEnded {
        bottle: bottle("api-k3x9q"),
        exit: SessionExit::Code { code: 0 },
    });
    assert_eq!(effects, []);
    assert_eq!(*console.phase("api-k3x9q"), Phase::Stopped);
}

#[test]
fn a_broken_preview_is_asked_for_again_only_elsewhere() {
    let mut console = Console::with(120, 40, vec![running("a-2", 60), running("b-2", 90)]);
    let effects = console.apply(Event::PreviewEnded {
        bottle: bottle("a-2"),
        why: String::from("refused"),
    });
    assert_eq!(effects, []);
    assert_eq!(console.press(&["1"]), []);
    let effects = console.press(&["j"]);
    assert_eq!(
        effects,
        [Effect::Preview {
            bottle: bottle("b-2")
        }]
    );
    let effects = console.press(&["k"]);
    assert_eq!(
        effects,
        [
            Effect::ClosePreview {
                bottle: bottle("b-2")
            },
            Effect::Preview {
                bottle: bottle("a-2")
            }
        ]
    );
}

#[test]
fn the_command_lines_wish_is_an_attach() {
    let mut console = Console::with(120, 40, vec![running("a-2", 60), running("b-2", 90)]);
    console.press(&["/", "a"]);
    let effects = console.apply(Event::AttachAsked {
        bottle: bottle("b-2"),
        full: true,
    });
    assert!(effects.contains(&Effect::Attach {
        bottle: bottle("b-2"),
        full: true
    }));
    assert_eq!(console.selected(), Some("b-2"));
}

#[test]
fn a_secret_takes_the_keys_from_a_session() {
    let mut console = attached(false);
    console.apply(Event::SecretAsked {
        agent: String::from("docs"),
        what: String::from("token"),
    });
    assert!(console.state.asks_secret());
    assert!(!console.state.has_open_session());
    console.apply(Event::SecretDone);
    assert!(console.state.has_open_session());
}

#[test]
fn a_scrolled_session_comes_to_its_end_when_typed_at() {
    let mut console = attached(false);
    console.apply(Event::ScreenChanged {
        bottle: bottle("api-k3x9q"),
        scrollback: 10,
    });
    for (action, lines) in [
        (PointerAction::WheelUp, 3),
        (PointerAction::WheelUp, 6),
        (PointerAction::WheelDown, 3),
    ] {
        console.apply(Event::Pointer {
            pointer: Pointer {
                action,
                target: Target::Detail,
            },
        });
        assert_eq!(console.state.view.session_scroll, lines);
    }
    console.apply(Event::SessionTyped);
    assert_eq!(console.state.view.session_scroll, 0);
}

#[test]
fn what_the_agent_waits_for_is_seen_from_another_session() {
    let mut console = Console::with(120, 40, vec![running("a-2", 60), running("b-2", 90)]);
    console.press(&["enter"]);
    let mut report = session(crate::wire::Activity::Waiting, 3);
    report.waiting_for = Some(String::from("Allow Bash?"));
    console.report("b-2", RoleReport::Session { report });
    let needs = console.state.needs();
    assert_eq!(needs.len(), 1);
    assert_eq!(needs[0].words, "Allow Bash?");
}
