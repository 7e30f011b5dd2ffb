//! A session that is read back: begun, searched, copied, left.

use super::super::fixture::*;
use super::super::*;

const EXTENT: StillExtent = StillExtent {
    lines: 100,
    columns: 80,
    rows: 20,
};
const CURSOR: Spot = Spot {
    line: 95,
    column: 4,
};

fn held(console: &mut Console) {
    console.apply(Event::ScreenHeld {
        bottle: bottle("a-2"),
        extent: EXTENT,
        cursor: CURSOR,
    });
}

/// `a-2`, previewed or attached, is read back.
fn reading(is_attached: bool) -> Console {
    let mut console = Console::with(120, 40, vec![running("a-2", 60), running("b-2", 90)]);
    console.select("a-2");
    if is_attached {
        console.press(&["enter"]);
        console.apply(Event::Attached {
            bottle: bottle("a-2"),
        });
    }
    let key = if is_attached { "ctrl-\\" } else { "v" };
    let effects = console.press(&[key]);
    let hold = Effect::HoldScreen {
        bottle: bottle("a-2"),
    };
    assert_eq!(effects, [hold]);
    held(&mut console);
    console.effects.clear();
    console
}

fn copying(console: &Console) -> &Copying {
    console.state.view.copying.as_ref().unwrap()
}

fn wishes(effects: Vec<Effect>) -> Vec<ScreenWish> {
    let mut wishes = Vec::new();
    for effect in effects {
        if let Effect::ReadScreen { wish, .. } = effect {
            wishes.push(wish);
        }
    }
    wishes
}

#[test]
fn keys_are_ours_while_a_session_is_read_back() {
    for is_attached in [false, true] {
        let mut console = reading(is_attached);
        assert_eq!(console.state.context(), Context::Copying);
        assert!(!console.state.has_open_session());
        let mut spots = Vec::new();
        for key in ["k", "h", "l", "l", "0", "pgup", "g", "G", "j", "left"] {
            assert_eq!(console.press(&[key]), []);
            let cursor = copying(&console).cursor;
            spots.push((cursor.line, cursor.column));
        }
        let expected = [
            (94, 4),
            (94, 3),
            (94, 4),
            (94, 5),
            (94, 0),
            (75, 0),
            (0, 0),
            (99, 0),
            (99, 0),
            (99, 0),
        ];
        assert_eq!(spots, expected);
    }
}

#[test]
fn it_is_left_where_it_was_begun() {
    for is_attached in [false, true] {
        for key in ["esc", "q", "ctrl-c", "ctrl-\\"] {
            let mut console = reading(is_attached);
            assert_eq!(console.press(&[key]), []);
            assert_eq!(console.state.view.copying, None, "{key}");
            assert_eq!(console.state.has_open_session(), is_attached);
        }
    }
}

#[test]
fn escape_drops_one_thing_at_a_time() {
    let mut console = reading(true);
    console.press(&["v", "/", "x"]);
    assert_eq!(copying(&console).prompt.as_deref(), Some("x"));
    console.press(&["esc"]);
    assert_eq!(copying(&console).prompt, None);
    assert!(copying(&console).selection.is_some());
    console.press(&["esc"]);
    assert_eq!(copying(&console).selection, None);
    console.press(&["esc"]);
    assert_eq!(console.state.view.copying, None);
}

#[test]
fn what_is_looked_for_is_sought_upwards_then_where_n_and_its_capital_say() {
    let mut console = reading(true);
    console.press(&["/", "f", "o", "q", "backspace"]);
    console.apply(Event::Paste {
        text: String::from("o\u{1b}"),
    });
    let find = |from, is_down, is_here| {
        vec![ScreenWish::Find {
            text: String::from("foo"),
            from,
            is_down,
            is_here,
        }]
    };
    assert_eq!(wishes(console.press(&["enter"])), find(CURSOR, false, true));
    let spot = Spot {
        line: 10,
        column: 2,
    };
    console.apply(Event::ScreenRead {
        bottle: bottle("a-2"),
        news: ScreenNews::Found {
            spot,
            number: 1,
            total: 3,
        },
    });
    assert_eq!(copying(&console).cursor, spot);
    assert_eq!(copying(&console).back(), 70);
    let search = copying(&console).search.clone().unwrap();
    assert_eq!(search.hit, Some((1, 3)));
    assert_eq!(wishes(console.press(&["n"])), find(spot, true, false));
    assert_eq!(wishes(console.press(&["N"])), find(spot, false, false));
    console.apply(Event::ScreenRead {
        bottle: bottle("a-2"),
        news: ScreenNews::NotFound,
    });
    assert_eq!(
        console.state.view.notice.clone().unwrap().text,
        "not found: foo"
    );
}

#[test]
fn without_a_text_there_is_nothing_to_go_to() {
    let mut console = reading(false);
    assert_eq!(console.press(&["n"]), []);
    let notice = console.state.view.notice.clone().unwrap();
    assert_eq!(notice.text, "nothing is looked for: / looks for words");
    assert_eq!(console.press(&["/", "enter"]), []);
    assert_eq!(copying(&console).search, None);
}

#[test]
fn what_is_selected_is_copied_and_no_event_holds_it() {
    for (key, by_line) in [("v", false), ("V", true)] {
        let mut console = reading(true);
        assert_eq!(console.press(&["y"]), []);
        let notice = console.state.view.notice.clone().unwrap();
        assert!(notice.text.starts_with("nothing is selected"));
        let effects = console.press(&[key, "k", "k", "h", "y"]);
        let copy = ScreenWish::Copy {
            from: Spot {
                line: 93,
                column: 3,
            },
            to: CURSOR,
            by_line,
        };
        assert_eq!(wishes(effects), [copy]);
        console.apply(Event::ScreenRead {
            bottle: bottle("a-2"),
            news: ScreenNews::Copied {
                lines: 3,
                bytes: 120,
                is_cut: false,
            },
        });
        assert_eq!(copying(&console).selection, None);
        assert_eq!(
            console.state.view.notice.clone().unwrap().text,
            "copied 3 lines, 120 bytes"
        );
    }
}

#[test]
fn words_and_ends_of_lines_are_asked_of_the_screen() {
    let mut console = reading(false);
    let word = |is_forward| {
        vec![ScreenWish::Word {
            from: CURSOR,
            is_forward,
        }]
    };
    assert_eq!(wishes(console.press(&["w"])), word(true));
    assert_eq!(wishes(console.press(&["b"])), word(false));
    assert_eq!(
        wishes(console.press(&["$"])),
        [ScreenWish::LineEnd { line: 95 }]
    );
    let spot = Spot { line: 3, column: 7 };
    console.apply(Event::ScreenRead {
        bottle: bottle("b-2"),
        news: ScreenNews::At { spot },
    });
    assert_eq!(copying(&console).cursor, CURSOR);
    console.apply(Event::ScreenRead {
        bottle: bottle("a-2"),
        news: ScreenNews::At { spot },
    });
    assert_eq!(copying(&console).cursor, spot);
}

#[test]
fn it_ends_with_what_it_shows() {
    let api = bottle("a-2");
    let ends = [
        Event::SessionEnded {
            bottle: api.clone(),
            exit: SessionExit::Code { code: 0 },
        },
        Event::Detached {
            bottle: api.clone(),
            why: Some(String::from("broke")),
        },
        Event::Fleet {
            fleet: FleetEvent::Gone {
                bottle: api.clone(),
            },
        },
        Event::Resize {
            size: TerminalSize {
                columns: 100,
                rows: 30,
            },
        },
        Event::ScreenRead {
            bottle: api,
            news: ScreenNews::Lost,
        },
        Event::Key { key: Key::DETACH },
    ];
    for end in ends {
        let mut console = reading(true);
        console.apply(end.clone());
        assert_eq!(console.state.view.copying, None, "{end:?}");
    }
}

#[test]
fn the_wheel_moves_what_is_in_sight() {
    let mut console = reading(true);
    for (action, back) in [
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
        assert_eq!(copying(&console).back(), back);
    }
}

fn wheel(console: &mut Console, action: PointerAction) -> Vec<Effect> {
    console.apply(Event::Pointer {
        pointer: Pointer {
            action,
            target: Target::Detail,
        },
    })
}

/// An attached session with lines above what is shown, turned back by the wheel once.
fn wheeled() -> Console {
    let mut console = Console::with(120, 40, vec![running("a-2", 60)]);
    console.press(&["enter"]);
    let api = bottle("a-2");
    console.apply(Event::Attached {
        bottle: api.clone(),
    });
    console.apply(Event::ScreenChanged {
        bottle: api.clone(),
        scrollback: 80,
    });
    let effects = wheel(&mut console, PointerAction::WheelUp);
    assert_eq!(effects, [Effect::HoldScreen { bottle: api }]);
    held(&mut console);
    console
}

#[test]
fn the_wheel_begins_it_and_at_the_end_it_is_over() {
    let mut console = wheeled();
    assert_eq!(copying(&console).back(), 3);
    assert_eq!(console.state.context(), Context::Copying);
    for back in [6, 9] {
        assert_eq!(wheel(&mut console, PointerAction::WheelUp), []);
        assert_eq!(copying(&console).back(), back);
    }
    for back in [6, 3] {
        wheel(&mut console, PointerAction::WheelDown);
        assert_eq!(copying(&console).back(), back);
    }
    wheel(&mut console, PointerAction::WheelDown);
    assert_eq!(console.state.view.copying, None);
    assert!(console.state.has_open_session());
    // Further down there is nothing.
    assert_eq!(wheel(&mut console, PointerAction::WheelDown), []);
}

#[test]
fn after_any_key_the_wheel_does_not_end_it() {
    for key in ["k", "v", "n", "x"] {
        let mut console = wheeled();
        console.press(&[key]);
        for _ in 0..3 {
            wheel(&mut console, PointerAction::WheelDown);
        }
        assert_eq!(copying(&console).back(), 0, "{key}");
    }
    let mut console = reading(true);
    wheel(&mut console, PointerAction::WheelUp);
    wheel(&mut console, PointerAction::WheelDown);
    assert_eq!(copying(&console).back(), 0);
}

#[test]
fn without_scrollback_the_wheel_does_nothing() {
    let mut console = Console::with(120, 40, vec![running("a-2", 60)]);
    console.press(&["enter"]);
    console.apply(Event::Attached {
        bottle: bottle("a-2"),
    });
    assert_eq!(wheel(&mut console, PointerAction::WheelUp), []);
    assert_eq!(console.state.view.copying, None);
}

/// What is only looked at is scrolled, and the keys stay those of the list.
#[test]
fn a_preview_is_scrolled_where_it_stands() {
    let mut console = Console::with(120, 40, vec![running("a-2", 60)]);
    console.select("a-2");
    console.apply(Event::ScreenChanged {
        bottle: bottle("a-2"),
        scrollback: 10,
    });
    assert_eq!(wheel(&mut console, PointerAction::WheelUp), []);
    assert_eq!(console.state.view.session_scroll, 3);
    assert_eq!(console.state.context(), Context::List);
}

/// The screen was not there yet: what is begun later begins at the end.
#[test]
fn a_turn_that_held_nothing_is_forgotten() {
    let mut console = wheeled();
    console.press(&["q"]);
    wheel(&mut console, PointerAction::WheelUp);
    console.press(&["ctrl-\\"]);
    held(&mut console);
    assert_eq!(copying(&console).back(), 0);
    assert!(!copying(&console).is_by_wheel);
}

#[test]
fn it_begins_as_far_back_as_one_was() {
    let mut console = Console::with(120, 40, vec![running("a-2", 60)]);
    console.press(&["right"]);
    console.apply(Event::ScreenChanged {
        bottle: bottle("a-2"),
        scrollback: 80,
    });
    console.press(&["up", "up"]);
    assert_eq!(console.state.view.session_scroll, 2);
    // More came below.
    console.apply(Event::ScreenChanged {
        bottle: bottle("a-2"),
        scrollback: 85,
    });
    assert_eq!(console.state.view.session_scroll, 7);
    console.press(&["v"]);
    held(&mut console);
    assert_eq!(copying(&console).back(), 7);
}

#[test]
fn where_no_session_is_shown_that_is_said() {
    let mut console = Console::with(120, 40, vec![stopped("a-2", 60)]);
    assert_eq!(console.press(&["v"]), []);
    let notice = console.state.view.notice.clone().unwrap();
    assert_eq!(notice.text, "no session is shown that could be read");
}
