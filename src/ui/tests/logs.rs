//! The page of logs.

use super::*;
use crate::state::fixture::ago;
use crate::state::{
    LogExtent, LogHistory, LogHits, LogNews, LogRow, LogSeverity, Paint, PaintKind,
};

const SIZES: [(u16, u16); 4] = [(200, 50), (120, 40), (80, 24), (40, 12)];
const NO_COLORS: Look = Look {
    has_colors: false,
    is_ascii: false,
    inks: Inks::TERMINAL,
};

fn at_each_size(name: &str, shot: impl Fn(u16, u16) -> Console) {
    for (columns, rows) in SIZES {
        let console = shot(columns, rows);
        let size = format!("{columns}x{rows}");
        insta::assert_snapshot!(format!("{name}_{size}"), plain(&console));
        if columns == 120 {
            let gray = self::shot(&console, NO_COLORS, &Screens::new());
            insta::assert_snapshot!(format!("{name}_no_color"), gray);
        }
    }
}

/// A page of many lines of three containers.
fn reading(columns: u16, rows: u16) -> Console {
    let mut console = Console::demo(columns, rows);
    console.press(&["l"]);
    fit_log(&mut console);
    let lines: Vec<String> = (0..60).map(|at| format!("compiling crate {at}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    console.log(Role::Agent, &lines);
    console.log(
        Role::Egress,
        &[
            "refused \u{1b}[31mevil\u{202e}.example\u{7}",
            "let out GET pkgs.test:443/simple/serde-json/ and more of it than the width of most pages has room for, to see where it goes",
        ],
    );
    console.log(Role::Supervise, &["ready"]);
    console
}

fn row(line: u64, role: Role, text: &str, paint: &[(&str, PaintKind)]) -> LogRow {
    let paint = paint.iter().map(|(piece, kind)| {
        let from = text.find(piece).unwrap();
        Paint {
            from: u32::try_from(from).unwrap(),
            to: u32::try_from(from + piece.len()).unwrap(),
            kind: *kind,
        }
    });
    LogRow {
        line,
        at: ago(60 - i64::try_from(line).unwrap()),
        role,
        is_error: false,
        paint: paint.collect(),
        text: text.to_owned(),
    }
}

/// A page on which everything is set.
fn searching(columns: u16, rows: u16) -> Console {
    let mut console = Console::demo(columns, rows);
    console.press(&["l"]);
    fit_log(&mut console);
    console.press(&["&", "e", "enter", "-", "n", "o", "i", "s", "e", "enter"]);
    console.press(&["/", "t", "o", "k", "e", "n", "enter"]);
    let key = PaintKind::Key;
    let level = PaintKind::Level;
    let lines = [
        row(
            0,
            Role::Agent,
            "level=error msg=\"no token here\" ms=12",
            &[
                ("level=", key),
                ("error", level(LogSeverity::Error)),
                ("msg=", key),
                ("token", PaintKind::Hit),
                ("ms=", key),
            ],
        ),
        row(
            1,
            Role::Agent,
            "level=warn msg=slow",
            &[
                ("level=", key),
                ("warn", level(LogSeverity::Warning)),
                ("msg=", key),
            ],
        ),
        row(
            2,
            Role::Agent,
            "level=info msg=fine",
            &[
                ("level=", key),
                ("info", level(LogSeverity::Info)),
                ("msg=", key),
            ],
        ),
        row(
            3,
            Role::Egress,
            "let out 日本語 token.test:443",
            &[("token", PaintKind::Hit)],
        ),
        row(4, Role::Agent, "␍ 100% done", &[("␍ ", PaintKind::Note)]),
    ];
    let extent = LogExtent {
        first: 0,
        end: 5,
        lines: 1_234,
        history: LogHistory::Reading { lines: 312_000 },
        filtering: None,
    };
    console.log_news(LogNews::Lines {
        era: 0,
        first: 0,
        rows: lines.to_vec(),
        extent,
    });
    console.press(&["m"]);
    console.log_news(LogNews::Hits {
        hits: LogHits {
            total: 120,
            percent: Some(45),
            is_plain: false,
        },
    });
    console.log_news(LogNews::Sought {
        era: 0,
        at: Some((3, 2)),
        is_round: false,
    });
    console
}

#[test]
fn the_end_of_a_log_is_followed() {
    at_each_size("logs", reading);
}

#[test]
fn a_log_that_was_scrolled_up_is_paused() {
    at_each_size("logs_paused", |columns, rows| {
        let mut console = reading(columns, rows);
        console.press(&["k", "k"]);
        console.log(Role::Agent, &["after the pause"]);
        console
    });
}

#[test]
fn what_is_looked_for_is_marked_and_counted() {
    at_each_size("logs_found", searching);
}

#[test]
fn long_lines_are_wrapped_or_gone_along() {
    at_each_size("logs_wrapped", |columns, rows| {
        let mut console = reading(columns, rows);
        console.press(&["W", "t"]);
        console
    });
    at_each_size("logs_aside", |columns, rows| {
        let mut console = reading(columns, rows);
        console.press(&["right"]);
        console
    });
}

#[test]
fn what_is_typed_stands_below() {
    at_each_size("logs_typed", |columns, rows| {
        let mut console = reading(columns, rows);
        console.press(&["-", "a", ".", "*"]);
        console
    });
}

#[test]
fn nothing_is_there_yet_or_nothing_passes() {
    let mut console = Console::demo(80, 24);
    console.press(&["l"]);
    fit_log(&mut console);
    assert!(plain(&console).contains("reading"));
    console.log(Role::Agent, &[]);
    assert!(plain(&console).contains("No line yet."));
    console.press(&["&", "x", "enter"]);
    assert!(plain(&console).contains("No line passes the filter"));
}

#[test]
fn a_page_draws_at_every_size() {
    for columns in (20..130).step_by(7) {
        for rows in 5..30 {
            for mut console in [reading(columns, rows), searching(columns, rows)] {
                fit_log(&mut console);
                let ascii = Look {
                    has_colors: true,
                    is_ascii: true,
                    inks: Inks::TERMINAL,
                };
                let text = shot(&console, ascii, &Screens::new());
                assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
                console.press(&["W", "pgup"]);
                plain(&console);
            }
        }
    }
}
