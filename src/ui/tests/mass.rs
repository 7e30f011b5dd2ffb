//! Marks, bottles that are held still, and the questions before it.

use super::*;
use crate::state::{BottleRef, Standing};

/// A fleet of which the first two bottles are marked, one frozen and one cut.
fn held_still(columns: u16, rows: u16) -> Console {
    let mut console = Console::demo(columns, rows);
    let known: Vec<BottleRef> = console
        .state
        .fleet
        .bottles()
        .iter()
        .map(|known| known.bottle.clone())
        .collect();
    let kinds = [OperationKind::Freeze, OperationKind::Cut];
    for (kind, bottle) in kinds.into_iter().zip(&known) {
        let done = OperationNews::Ended { outcome: Ok(()) };
        console.apply(operation(kind, bottle.id.as_str(), done));
    }
    console.press(&["g", "space", "space", "g"]);
    console
}

#[test]
fn marked_frozen_and_cut() {
    at_every_size("held_still", |columns, rows| {
        plain(&held_still(columns, rows))
    });
}

#[test]
fn without_colors_nothing_of_it_is_lost() {
    let look = Look {
        has_colors: false,
        is_ascii: true,
        inks: Inks::TERMINAL,
    };
    let shot = shot(&held_still(120, 40), look, &Screens::new());
    insta::assert_snapshot!("held_still_no_color", shot);
}

#[test]
fn questions_name_all_that_they_are_about() {
    for (name, key) in [("restart_all", "R"), ("remove_all", "d"), ("cut_all", "C")] {
        at_every_size(name, |columns, rows| {
            let mut console = Console::demo(columns, rows);
            console.press(&["*", key]);
            plain(&console)
        });
    }
}

#[test]
fn holding_everything_still_is_asked_and_said_at_the_top() {
    at_every_size("panic", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.press(&["!"]);
        plain(&console)
    });
    at_every_size("panic_stands", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        let standing = Standing {
            since: console.state.now,
            frozen: 3,
            cut: 4,
        };
        console.apply(Event::PanicStands {
            standing: Some(standing),
        });
        console.press(&["!"]);
        plain(&console)
    });
}

#[test]
fn commands_are_typed_or_chosen() {
    at_every_size("command_line", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.press(&[":"]);
        console.apply(Event::Paste {
            text: String::from("stop "),
        });
        console.press(&["down", "down"]);
        plain(&console)
    });
    at_every_size("palette", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.press(&["ctrl-k"]);
        plain(&console)
    });
}
