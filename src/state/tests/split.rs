//! Several sessions side by side.

use super::super::fixture::*;
use super::super::*;

fn five() -> Console {
    let ids = ["a-2", "b-2", "c-2", "d-2"];
    let mut bottles: Vec<_> = ids
        .iter()
        .zip(60..)
        .map(|(id, age)| running(id, age))
        .collect();
    bottles.push(stopped("e-2", 90));
    let mut console = Console::with(120, 40, bottles);
    console.select("a-2");
    console.effects.clear();
    console
}

fn tiles(console: &Console) -> Vec<String> {
    let split = console.state.view.split.as_ref();
    let bottles = split.map(|split| split.bottles.clone()).unwrap_or_default();
    bottles.iter().map(|bottle| bottle.id.to_string()).collect()
}

#[test]
fn the_selected_session_and_the_next_stand_side_by_side() {
    let mut console = five();
    console.select("b-2");
    let effects = console.press(&["|"]);
    assert_eq!(tiles(&console), ["a-2", "b-2", "c-2", "d-2"]);
    assert_eq!(console.state.context(), Context::Split);
    let expected: Vec<Effect> = std::iter::once(Effect::ClosePreview {
        bottle: bottle("b-2"),
    })
    .chain(["a-2", "b-2", "c-2", "d-2"].map(|id| Effect::WatchTile { bottle: bottle(id) }))
    .collect();
    assert_eq!(effects, expected);
    assert_eq!(console.state.tile_at(), Some(1));
}

#[test]
fn marked_sessions_stand_side_by_side_and_no_others() {
    let mut console = five();
    for id in ["a-2", "c-2", "e-2"] {
        console.select(id);
        console.press(&["space"]);
    }
    console.press(&["|"]);
    // What is stopped has no screen.
    assert_eq!(tiles(&console), ["a-2", "c-2"]);
    assert_eq!(console.selected(), Some("a-2"));
}

#[test]
fn keys_go_round_the_tiles_and_enter_attaches_to_one() {
    let mut console = five();
    console.press(&["|"]);
    let mut seen = Vec::new();
    for key in ["right", "j", "tab", "down", "left", "k"] {
        console.press(&[key]);
        seen.push(console.state.tile_at().unwrap());
    }
    assert_eq!(seen, [1, 2, 3, 0, 3, 2]);
    let effects = console.press(&["enter"]);
    assert!(effects.contains(&Effect::Attach {
        bottle: bottle("c-2"),
        full: false
    }));
    for id in ["a-2", "b-2", "c-2", "d-2"] {
        assert!(effects.contains(&Effect::CloseTile { bottle: bottle(id) }));
    }
    console.apply(Event::Attached {
        bottle: bottle("c-2"),
    });
    // Who leaves the session comes back to where they were.
    let effects = console.press(&["ctrl-q"]);
    assert_eq!(console.state.context(), Context::Split);
    assert_eq!(console.state.tile_at(), Some(2));
    let watched = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::WatchTile { .. }));
    assert_eq!(watched.count(), 4);
}

#[test]
fn it_is_closed_by_its_key_by_escape_and_by_going_elsewhere() {
    for keys in [&["|"][..], &["esc"]] {
        let mut console = five();
        console.press(&["|"]);
        let effects = console.press(keys);
        assert_eq!(console.state.view.split, None);
        let closed = effects
            .iter()
            .filter(|effect| matches!(effect, Effect::CloseTile { .. }));
        assert_eq!(closed.count(), 4);
        assert!(effects.contains(&Effect::Preview {
            bottle: bottle("a-2")
        }));
    }
    let mut console = five();
    console.press(&["|"]);
    console.select("e-2");
    console.apply(Event::Note {
        text: String::from("something happened"),
    });
    assert_eq!(console.state.view.split, None);
}

#[test]
fn a_tile_whose_line_ends_is_not_asked_for_again() {
    let mut console = five();
    console.press(&["|"]);
    let effects = console.apply(Event::TileEnded {
        bottle: bottle("b-2"),
        why: String::from("refused"),
    });
    assert_eq!(effects, []);
    console.press(&["right"]);
    assert!(!console.state.lines.tiles.contains(&bottle("b-2")));
    assert_eq!(tiles(&console).len(), 4);
}

#[test]
fn bottles_that_go_leave_and_one_alone_is_no_split() {
    let mut console = five();
    console.press(&["|"]);
    let gone = |id| Event::Fleet {
        fleet: FleetEvent::Gone { bottle: bottle(id) },
    };
    console.apply(gone("b-2"));
    assert_eq!(tiles(&console), ["a-2", "c-2", "d-2"]);
    console.apply(gone("c-2"));
    console.apply(gone("d-2"));
    assert_eq!(console.state.view.split, None);
}

#[test]
fn one_session_is_no_split_and_that_is_said() {
    let mut console = Console::with(120, 40, vec![running("a-2", 60), stopped("b-2", 90)]);
    assert_eq!(console.press(&["|"]), []);
    assert_eq!(console.state.view.split, None);
    let notice = console.state.view.notice.clone().unwrap();
    assert_eq!(notice.text, "it takes two running sessions to show a split");
}

#[test]
fn a_press_on_a_tile_gives_it_the_keys() {
    let mut console = five();
    console.press(&["|"]);
    console.apply(Event::Pointer {
        pointer: Pointer {
            action: PointerAction::Press,
            target: Target::Tile { at: 2 },
        },
    });
    assert_eq!(console.state.tile_at(), Some(2));
}
