//! The page of one bottle's requests at every size.

use super::inbox::asking;
use super::*;

/// The page of the bottle whose requests were answered in every way.
fn page(columns: u16, rows: u16) -> Console {
    let mut console = asking(columns, rows);
    console.select("api-k3x9q");
    console.press(&["4", "right"]);
    console
}

#[test]
fn what_waits_stands_above_what_was_answered() {
    at_every_size("requests_list", |columns, rows| plain(&page(columns, rows)));
    let console = page(120, 40);
    for (name, look) in COLOURLESS {
        insta::assert_snapshot!(
            format!("list_{name}"),
            shot(&console, look, &Screens::new())
        );
    }
}

#[test]
fn the_selected_one_is_told_below() {
    at_every_size("requests_failed", |columns, rows| {
        let mut console = page(columns, rows);
        console.press(&["j"]);
        plain(&console)
    });
}

#[test]
fn a_bottle_without_requests_says_so() {
    let mut console = Console::demo(80, 24);
    console.press(&["4"]);
    insta::assert_snapshot!("none", plain(&console));
    console.select("lint-7bq1s");
    insta::assert_snapshot!("stopped", plain(&console));
}

#[test]
fn a_row_is_where_it_is_drawn() {
    for (columns, rows) in SIZES {
        let console = page(columns, rows);
        let (buffer, _) = rendered(&console, COLORS, &Screens::new());
        let mut places = Vec::new();
        for row in 0..rows {
            if let Target::Request { at } = hit(&console.state, COLORS, columns - 2, row) {
                let words = ["waits", "failed", "applied", "denied"];
                let text: String = (0..columns).map(|x| buffer[(x, row)].symbol()).collect();
                assert!(words.iter().any(|word| text.contains(word)), "{text}");
                places.push(at);
            }
        }
        assert!(places.len() > 1 && places.is_sorted(), "{places:?}");
    }
}
