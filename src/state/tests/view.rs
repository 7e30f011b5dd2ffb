//! Selection, filter, focus, what lies over the view.

use super::super::fixture::*;
use super::super::*;

fn three() -> Console {
    Console::with(
        120,
        40,
        vec![
            running("api-2", 1),
            running("docs-2", 2),
            stopped("web-2", 3),
        ],
    )
}

#[test]
fn keys_move_and_stop_at_the_ends() {
    let mut console = three();
    for (key, id) in [
        ("k", "api-2"),
        ("j", "docs-2"),
        ("down", "web-2"),
        ("j", "web-2"),
        ("g", "api-2"),
        ("G", "web-2"),
        ("up", "docs-2"),
        ("pgup", "api-2"),
    ] {
        console.press(&[key]);
        assert_eq!(console.selected(), Some(id), "after {key}");
    }
}

#[test]
fn the_filter_reads_id_agent_and_state() {
    for (filter, ids) in [
        (&["d", "o"][..], &["docs-2"][..]),
        (&["s", "t", "o", "p"], &["web-2"]),
        (&["R", "U", "N"], &["api-2", "docs-2"]),
        (&["-"], &["api-2", "docs-2", "web-2"]),
        (&["z"], &[]),
    ] {
        let mut console = three();
        console.press(&["/"]);
        console.press(filter);
        let rows = console.state.rows();
        let shown: Vec<&str> = rows.iter().map(|row| row.bottle.id.as_str()).collect();
        assert_eq!(shown, ids, "{filter:?}");
        console.press(&["esc"]);
        assert_eq!(console.state.rows().len(), 3);
    }
}

#[test]
fn a_typed_filter_takes_every_letter() {
    let mut console = three();
    let effects = console.press(&["/", "q", "x", "d", "s", "?"]);
    assert_eq!(
        effects
            .iter()
            .filter(|effect| **effect == Effect::Quit)
            .count(),
        0
    );
    assert_eq!(console.state.view.filter, "qxds?");
    assert_eq!(console.state.view.modal, None);
}

#[test]
fn a_paste_types_only_where_something_is_typed() {
    let mut console = three();
    let paste = |text: &str| Event::Paste {
        text: text.to_owned(),
    };
    let before = console.state.clone();
    assert_eq!(console.apply(paste("xyd")), []);
    assert_eq!(console.state, before, "a paste is no command");
    console.press(&["/"]);
    console.apply(paste(&format!("do\r\n\u{1b}{}", "c".repeat(500))));
    assert_eq!(console.state.view.filter.chars().count(), 64);
    assert!(console.state.view.filter.starts_with("doc"));
}

#[test]
fn sidecars_are_rows_of_their_own_and_keys_act_on_their_bottle() {
    let mut console = three();
    console.press(&["z", "j", "j"]);
    let row = console.state.view.selected.clone().unwrap();
    assert_eq!(
        (row.bottle.id.as_str(), row.sidecar),
        ("api-2", Some(Role::Supervise))
    );
    console.press(&["x"]);
    assert!(
        matches!(&console.state.view.modal, Some(Modal::ConfirmStop { bottle }) if bottle.id.as_str() == "api-2")
    );
    console.press(&["n", "z"]);
    assert_eq!(
        console.state.view.selected.clone().unwrap().sidecar,
        None,
        "a hidden row gives its bottle"
    );
}

#[test]
fn pages_turn_in_a_circle() {
    let mut console = three();
    for tab in [
        Tab::Logs,
        Tab::Egress,
        Tab::Requests,
        Tab::Spec,
        Tab::Stats,
        Tab::Session,
    ] {
        console.press(&["tab"]);
        assert_eq!(console.state.view.tab, tab);
    }
    console.press(&["e"]);
    assert_eq!(
        (console.state.view.tab, &console.state.view.focus),
        (Tab::Egress, &Focus::Detail)
    );
    console.press(&["esc"]);
    assert_eq!(console.state.view.focus, Focus::List);
}

#[test]
fn what_needs_the_operator_is_walked_in_a_circle() {
    let mut console = Console::demo(120, 40);
    let mut walked = Vec::new();
    for _ in 0..4 {
        console.press(&["w"]);
        walked.push(console.selected().unwrap().to_owned());
    }
    assert_eq!(
        walked,
        ["bench-4fj8w", "infra-w5d3t", "api-k3x9q", "bench-4fj8w"]
    );
}

#[test]
fn a_click_beside_a_question_answers_nothing() {
    let mut console = three();
    console.press(&["x"]);
    for target in [
        Target::Nothing,
        Target::List,
        Target::Detail,
        Target::Modal,
        Target::Tab { tab: Tab::Spec },
        Target::Row {
            row: RowName {
                bottle: bottle("web-2"),
                sidecar: None,
            },
        },
    ] {
        let pointer = Pointer {
            action: PointerAction::Press,
            target,
        };
        assert_eq!(console.apply(Event::Pointer { pointer }), []);
        assert!(matches!(
            console.state.view.modal,
            Some(Modal::ConfirmStop { .. })
        ));
    }
}

#[test]
fn notices_go_with_the_next_key_or_by_themselves() {
    let mut console = three();
    console.press(&["G", "enter"]);
    assert!(console.state.view.notice.is_some());
    console.press(&["k"]);
    assert_eq!(console.state.view.notice, None);
    console.apply(Event::Note {
        text: String::from("hello"),
    });
    for _ in 0..8 {
        assert!(console.state.view.notice.is_some());
        console.tick(1);
    }
    assert_eq!(console.state.view.notice, None);
}

/// The footer promises; pressing the key must do something or say why not.
#[test]
fn a_key_that_the_footer_shows_is_never_refused() {
    for id in [
        "api-k3x9q",
        "lint-7bq1s",
        "bench-4fj8w",
        "perf-9xk2a",
        "infra-w5d3t",
    ] {
        let mut console = Console::demo(120, 40);
        console.select(id);
        for binding in bindings(Context::List) {
            if binding.short.is_empty() || !console.state.can(binding.command) {
                continue;
            }
            let mut pressed = console.clone();
            pressed.apply(Event::Key {
                key: binding.keys[0],
            });
            let refused = pressed
                .state
                .view
                .notice
                .is_some_and(|notice| notice.is_error);
            assert!(!refused, "{} on {id}", binding.short);
        }
    }
}
