//! The question about several requests at every size, and what of it is hostile.

use super::inbox::asking;
use super::*;
use crate::state::fixture::{route_ask, spec};

/// Asked about all that is marked: all of it.
fn asked(columns: u16, rows: u16) -> Console {
    let mut console = asking(columns, rows);
    let effects = console.press(&["*", "a"]);
    console.show_many(&effects, &spec());
    console
}

#[test]
fn each_request_is_a_line_and_what_is_left_out_is_said() {
    at_every_size("approve_all", |columns, rows| plain(&asked(columns, rows)));
    let console = asked(120, 40);
    for (name, look) in COLOURLESS {
        let shot = shot(&console, look, &Screens::new());
        insta::assert_snapshot!(format!("all_{name}"), shot);
    }
    insta::assert_snapshot!("read_on", {
        let mut console = asked(40, 12);
        console.press(&["y"]);
        plain(&console)
    });
}

#[test]
fn marked_rows_of_the_inbox_are_seen() {
    let mut console = asking(80, 24);
    console.press(&["i", "j", "m", "m"]);
    insta::assert_snapshot!("marked", plain(&console));
}

/// What is cut off at the right would be approved unseen.
#[test]
fn a_long_line_is_wrapped_and_never_cut() {
    let mut console = asking(80, 40);
    let host = format!("{}.example.com", vec!["a".repeat(50); 3].join("."));
    console.ask("web-7tk2n", 9, route_ask(&host), 9_000);
    let effects = console.press(&["*", "a"]);
    console.show_many(&effects, &spec());
    let (buffer, _) = rendered(&console, COLORS, &Screens::new());
    let all: String = text(&buffer)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let wanted: String = host.chars().filter(|c| c.is_alphanumeric()).collect();
    assert!(all.contains(&wanted), "{}", text(&buffer));
}
