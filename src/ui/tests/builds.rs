//! The page of builds at every size.

use super::*;
use crate::state::fixture::ago;
use crate::state::{BuildElsewhere, BuildEnd, BuildResult};

fn building(columns: u16, rows: u16) -> Console {
    let mut console = Console::demo(columns, rows);
    let step = |what: &str, done, of| OperationNews::Step {
        what: what.to_owned(),
        is_output: true,
        is_build: true,
        done,
        of,
        can_cancel: true,
    };
    for line in ["RUN cargo install ripgrep", "  Compiling \u{1b}[2Jregex"] {
        let news = step(line, 3, 8);
        console.apply(operation(OperationKind::Start, "perf-9xk2a", news));
    }
    let waits = step("waits: 2 other images are being built", 0, 0);
    console.apply(operation(OperationKind::Change, "docs-p2m4d", waits));
    console.press(&["B"]);
    let ended = |id: &str, seconds, took, result| BuildEnd {
        bottle: bottle(id),
        began: ago(seconds + took),
        ended: ago(seconds),
        result,
    };
    let why = String::from("step 4/6 `RUN make`\u{202e}: the command returned 2");
    console.apply(Event::BuildsRead {
        elsewhere: vec![BuildElsewhere {
            bottle: bottle("infra-w5d3t"),
            began: ago(75),
        }],
        ended: vec![
            ended("api-k3x9q", 400, 83, BuildResult::Done),
            ended("gone-2x4kq", 7_000, 4_000, BuildResult::Failed { why }),
            ended("web-7tk2n", 90_000, 2, BuildResult::Cancelled),
        ],
    });
    console.tick(42);
    console
}

#[test]
fn builds_are_listed_with_their_steps() {
    at_every_size("builds_list", |columns, rows| {
        plain(&building(columns, rows))
    });
    let console = building(120, 40);
    for (name, look) in COLOURLESS {
        insta::assert_snapshot!(
            format!("list_{name}"),
            shot(&console, look, &Screens::new())
        );
    }
}

#[test]
fn without_builds_it_says_so() {
    let mut console = Console::with(80, 24, Vec::new());
    console.press(&["B"]);
    console.apply(Event::BuildsRead {
        elsewhere: Vec::new(),
        ended: Vec::new(),
    });
    insta::assert_snapshot!("none", plain(&console));
}

#[test]
fn a_row_is_where_it_is_drawn() {
    for (columns, rows) in SIZES {
        let console = building(columns, rows);
        let (buffer, _) = rendered(&console, COLORS, &Screens::new());
        let mut places = Vec::new();
        for row in 0..rows {
            if let Target::Build { at } = hit(&console.state, COLORS, 2, row) {
                let text: String = (0..columns).map(|x| buffer[(x, row)].symbol()).collect();
                let words = ["building", "waits", "built", "failed", "cancelled"];
                assert!(words.iter().any(|word| text.contains(word)), "{text}");
                places.push(at);
            }
        }
        assert!(places.len() > 1 && places.is_sorted(), "{places:?}");
    }
}
