//! Snapshots of whole screens with their styles, and walks over every size.
//!
//! A snapshot holds the text, one line a row, then each run of cells whose style is
//! not the default, as `row:column style` with the text of the run.

mod approvals;
mod audit;
mod builds;
mod change;
mod inbox;
mod logs;
mod mass;
mod requests;
mod session;
mod themes;

use std::fmt::Write as _;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Style};

use super::*;
use crate::state::fixture::{Console, bottle, engine, offer, operation};
use crate::state::{
    Event, FleetEvent, HoldRecord, OperationKind, OperationNews, PlanSummary, Pointer,
    PointerAction, Role, SummaryRow, Tab, Target,
};
use crate::wire::{HeldRequest, RoleReport};

const COLORS: Look = Look {
    has_colors: true,
    is_ascii: false,
    inks: Inks::TERMINAL,
};

fn rendered(console: &Console, look: Look, screens: &Screens<'_>) -> (Buffer, Option<(u16, u16)>) {
    let size = console.state.size;
    let mut terminal = Terminal::new(TestBackend::new(size.columns, size.rows)).unwrap();
    let mut cursor = None;
    terminal
        .draw(|frame| {
            let area = frame.area();
            cursor = draw_into(&console.state, screens, look, area, frame.buffer_mut());
        })
        .unwrap();
    (terminal.backend().buffer().clone(), cursor)
}

fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in 0..buffer.area.height {
        let mut line = String::new();
        let mut column = 0;
        while column < buffer.area.width {
            let symbol = buffer[(column, row)].symbol();
            line.push_str(symbol);
            column += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol).max(1)).unwrap();
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn style_words(cell: &Cell) -> String {
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(cell.fg.to_string());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {}", cell.bg));
    }
    if !cell.modifier.is_empty() {
        words.push(format!("{:?}", cell.modifier).to_lowercase());
    }
    words.join(" ")
}

fn styles(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in 0..buffer.area.height {
        let mut run: Option<(u16, String, String)> = None;
        for column in 0..=buffer.area.width {
            let cell = buffer.cell((column, row));
            let style = cell.map(style_words).unwrap_or_default();
            if let Some((_, words, text)) = &mut run
                && *words == style
                && let Some(cell) = cell
            {
                text.push_str(cell.symbol());
                continue;
            }
            if let Some((start, words, text)) = run.take() {
                writeln!(out, "{row}:{start} {words} |{}|", text.trim_end()).unwrap();
            }
            if !style.is_empty()
                && let Some(cell) = cell
            {
                run = Some((column, style, cell.symbol().to_owned()));
            }
        }
    }
    out
}

fn shot(console: &Console, look: Look, screens: &Screens<'_>) -> String {
    let (buffer, cursor) = rendered(console, look, screens);
    let cursor = cursor.map_or_else(
        || String::from("none"),
        |(column, row)| format!("{row}:{column}"),
    );
    format!("{}--- cursor {cursor}\n{}", text(&buffer), styles(&buffer))
}

/// Tells the state how large the page of logs is, as the app does.
fn fit_log(console: &mut Console) {
    if let Some(area) = log_area(&console.state) {
        console.apply(Event::LogArea { area });
    }
}

fn plain(console: &Console) -> String {
    shot(console, COLORS, &Screens::new())
}

/// A screen on which a program drew, of the size that its place has.
fn drawn(console: &Console) -> Screen {
    let size = session_area(&console.state).map_or_else(TerminalSize::default, |area| area.size);
    let mut screen = Screen::new(size, 100);
    screen.feed(
        b"\x1b[1mWelcome to the agent\x1b[0m\r\n\r\n\x1b[32m\xe2\x97\x8f\x1b[0m Read src/auth.rs\r\n\
          \x1b[38;2;215;119;87m\xe2\x9c\xbb Thinking\x1b[0m  \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\r\n\r\n\
          \x1b[44m Allow Bash? \x1b[0m \x1b[7m1. Yes\x1b[0m  2. No\r\n> ",
    );
    screen
}

fn with_screen(console: &Console, id: &str) -> String {
    let (reference, screen) = (bottle(id), drawn(console));
    shot(console, COLORS, &Screens::from([(&reference, &screen)]))
}

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (40, 12), (200, 50)];

fn at_one_size(name: &str, shot: &str) {
    insta::assert_snapshot!(name, shot);
}

/// Looks without colours, by the name that their snapshots have.
const COLOURLESS: [(&str, Look); 2] =
    [("no_color", colourless(false)), ("ascii", colourless(true))];

const fn colourless(is_ascii: bool) -> Look {
    Look {
        has_colors: false,
        is_ascii,
        inks: Inks::TERMINAL,
    }
}

fn at_every_size(name: &str, shot: impl Fn(u16, u16) -> String) {
    for (columns, rows) in SIZES {
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), shot(columns, rows));
    }
}

#[test]
fn an_empty_console_says_what_to_press() {
    at_every_size("empty", |columns, rows| {
        plain(&Console::with(columns, rows, Vec::new()))
    });
}

#[test]
fn before_the_engine_answers_nothing_is_claimed() {
    insta::assert_snapshot!("asking", plain(&Console::new(80, 24)));
}

#[test]
fn what_needs_you_has_more_rows_where_they_are_given() {
    for (columns, rows) in [(80, 24), (200, 50)] {
        let mut console = Console::demo(columns, rows);
        console.press(&["K", "K"]);
        insta::assert_snapshot!(format!("needs_{columns}x{rows}"), plain(&console));
    }
}

#[test]
fn a_fleet_of_everything() {
    at_every_size("fleet", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.press(&["z"]);
        with_screen(&console, "api-k3x9q")
    });
}

#[test]
fn an_attached_session() {
    at_every_size("attached", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.press(&["enter"]);
        console.apply(Event::Attached {
            bottle: bottle("api-k3x9q"),
        });
        with_screen(&console, "api-k3x9q")
    });
}

#[test]
fn an_attached_session_on_the_whole_terminal() {
    let mut console = Console::demo(80, 24);
    console.press(&["f"]);
    console.apply(Event::Attached {
        bottle: bottle("api-k3x9q"),
    });
    insta::assert_snapshot!("attached_full", with_screen(&console, "api-k3x9q"));
}

#[test]
fn the_list_shows_what_bottles_use() {
    at_every_size("measured", |columns, rows| {
        with_screen(&Console::measured(columns, rows), "api-k3x9q")
    });
    at_every_size("measured_by_cpu", |columns, rows| {
        let mut console = Console::measured(columns, rows);
        console.press(&["o", "c", "?", "q"]);
        plain(&console)
    });
}

#[test]
fn the_page_of_stats_has_charts() {
    at_every_size("stats", |columns, rows| {
        let mut console = Console::measured(columns, rows);
        console.press(&["6", "right"]);
        plain(&console)
    });
    let look = Look {
        has_colors: false,
        is_ascii: true,
        inks: Inks::TERMINAL,
    };
    let mut console = Console::measured(120, 40);
    console.press(&["6"]);
    insta::assert_snapshot!("stats_ascii", shot(&console, look, &Screens::new()));
    let mut console = Console::measured(80, 24);
    console.select("lint-7bq1s");
    console.press(&["6"]);
    insta::assert_snapshot!("stats_stopped", plain(&console));
}

#[test]
fn the_list_is_sorted_and_grouped() {
    at_every_size("order", |columns, rows| {
        let mut console = Console::measured(columns, rows);
        console.press(&["o", "m", "o", "g"]);
        plain(&console)
    });
    at_every_size("grouped", |columns, rows| {
        let mut console = Console::measured(columns, rows);
        console.press(&["o", "g", "esc", "-", "o", "n", "?", "q"]);
        plain(&console)
    });
    let look = Look {
        has_colors: false,
        is_ascii: true,
        inks: Inks::TERMINAL,
    };
    let mut console = Console::measured(80, 24);
    console.press(&["o", "g", "esc", "-"]);
    insta::assert_snapshot!("grouped_ascii", shot(&console, look, &Screens::new()));
}

#[test]
fn help_is_the_key_table() {
    at_every_size("help", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.press(&["?"]);
        plain(&console)
    });
}

#[test]
fn questions_name_what_dies() {
    for (name, key) in [("confirm_stop", "x"), ("confirm_remove", "d")] {
        at_every_size(name, |columns, rows| {
            let mut console = Console::demo(columns, rows);
            console.press(&[key]);
            plain(&console)
        });
    }
}

#[test]
fn the_picker_and_the_plan() {
    at_every_size("picker", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.press(&["s"]);
        console.apply(Event::Agents {
            offers: vec![
                offer("api", None),
                offer("docs", None),
                offer(
                    "old",
                    Some("the template `pyhton` is not there: did you mean `python`?"),
                ),
            ],
            problem: None,
        });
        console.press(&["down", "down"]);
        plain(&console)
    });
    at_every_size("plan", |columns, rows| plain(&planned(columns, rows)));
}

fn planned(columns: u16, rows: u16) -> Console {
    let mut console = Console::demo(columns, rows);
    console.press(&["s"]);
    console.apply(Event::Agents {
        offers: vec![offer("api", None)],
        problem: None,
    });
    console.press(&["enter"]);
    let row = |label: &str, value: &str| SummaryRow {
        label: label.to_owned(),
        value: value.to_owned(),
    };
    console.apply(Event::Plan {
        agent: String::from("api"),
        result: Ok(PlanSummary {
            rows: vec![
                row("agent", "api, from your cellar.json"),
                row("runs", "claude --session-id 0b5e"),
                row("image", "cellar/claude:latest"),
                row("workspace", "a copy of /home/op/api"),
                row("routes", "api.anthropic.com:443\npkgs.test:443"),
                row("leaves", "what the agent sends to the 2 hosts above"),
                row(
                    "note",
                    "the agent may do anything within the seal: it is never asked",
                ),
            ],
        }),
    });
    console
}

#[test]
fn egress_shows_what_may_leave_and_what_tried() {
    at_every_size("egress", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.press(&["e"]);
        console.load_spec("api-k3x9q");
        console.decide("api-k3x9q", 6);
        plain(&console)
    });
}

#[test]
fn egress_counts_what_each_route_let_out() {
    at_every_size("egress_hits", |columns, rows| {
        let mut console = Console::busy(columns, rows);
        console.press(&["e"]);
        plain(&console)
    });
    let look = Look {
        has_colors: false,
        is_ascii: true,
        inks: Inks::TERMINAL,
    };
    let mut console = Console::busy(80, 24);
    console.press(&["e", "k"]);
    let shot = shot(&console, look, &Screens::new());
    insta::assert_snapshot!("egress_ascii", shot);
}

#[test]
fn decisions_are_filtered_and_paused() {
    at_every_size("egress_filter", |columns, rows| {
        let mut console = Console::busy(columns, rows);
        console.press(&["e", "/", "t", "e", "s", "t", "enter", "k", "k"]);
        plain(&console)
    });
}

#[test]
fn a_decision_is_read_in_full() {
    at_every_size("decision", |columns, rows| {
        let mut console = Console::busy(columns, rows);
        console.press(&["e", "o", "enter"]);
        plain(&console)
    });
}

#[test]
fn a_route_is_offered_for_what_was_refused() {
    at_every_size("allow", |columns, rows| {
        let mut console = Console::busy(columns, rows);
        console.press(&["e", "o", "k", "+"]);
        plain(&console)
    });
}

#[test]
fn hits_are_read_in_full() {
    at_every_size("hits", |columns, rows| {
        let mut console = Console::busy(columns, rows);
        console.press(&["e", "h"]);
        plain(&console)
    });
}

#[test]
fn the_egress_of_all_bottles() {
    at_every_size("all_egress", |columns, rows| {
        let mut console = Console::busy(columns, rows);
        console.press(&["E"]);
        plain(&console)
    });
    let look = Look {
        has_colors: false,
        is_ascii: false,
        inks: Inks::TERMINAL,
    };
    let mut console = Console::busy(80, 24);
    console.press(&["E", "o", "k"]);
    let shot = shot(&console, look, &Screens::new());
    insta::assert_snapshot!("all_egress_no_color", shot);
}

#[test]
fn what_waits_is_listed_and_asked() {
    at_every_size("answer", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.press(&["e"]);
        let hold = HoldRecord {
            id: 7,
            at: crate::state::fixture::ago(5),
            until: crate::state::fixture::ago(-115),
            host: String::from("pkgs.test"),
            port: 443,
            waiting: 2,
            request: None,
        };
        console.said("api-k3x9q", Role::Egress, RoleReport::Held { hold });
        console.press(&["a"]);
        plain(&console)
    });
}

#[test]
fn one_request_that_waits_says_what_it_is() {
    at_every_size("answer-request", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.press(&["e"]);
        let hold = HoldRecord {
            id: 7,
            at: crate::state::fixture::ago(5),
            until: crate::state::fixture::ago(-115),
            host: String::from("pkgs.test"),
            port: 443,
            waiting: 2,
            request: Some(HeldRequest {
                method: String::from("POST"),
                path: String::from("/simple/\u{1b}[31mred"),
            }),
        };
        console.said("api-k3x9q", Role::Egress, RoleReport::Held { hold });
        console.press(&["a"]);
        plain(&console)
    });
}

/// A bottle whose budgets stand so, on the page of egress.
fn budgeted(columns: u16, rows: u16) -> Console {
    use crate::policy::{Measure, Span};
    use crate::state::{BottleBudget, BudgetState, Budgets};
    let ago = crate::state::fixture::ago;
    let state = |what, per, amount, spent, room: Option<i64>| BudgetState {
        budget: BottleBudget::new(what, per, amount),
        spent,
        room_at: room.map(|seconds| ago(-seconds)),
        is_refused: false,
    };
    let budgets = Budgets {
        budgets: vec![
            state(Measure::Tokens, Span::Day, 20_000_000, 17_300_000, None),
            state(Measure::Cost, Span::Hour, 5_000_000, 5_120_000, Some(1_380)),
            state(Measure::Cost, Span::Total, 50_000_000, 12_340_000, None),
        ],
        pause: Some(crate::wire::Pause {
            since: ago(100),
            waiting: 7,
        }),
    };
    let mut console = Console::demo(columns, rows);
    console.press(&["e"]);
    console.load_spec("api-k3x9q");
    console.decide("api-k3x9q", 3);
    let report = RoleReport::Budgets { budgets };
    console.said("api-k3x9q", Role::Egress, report);
    console
}

#[test]
fn budgets_are_shown_as_bars_and_a_pause_needs_you() {
    at_every_size("budgets", |columns, rows| plain(&budgeted(columns, rows)));
}

#[test]
fn a_raise_is_asked_with_its_amount() {
    at_every_size("raise", |columns, rows| {
        let mut console = budgeted(columns, rows);
        console.press(&["a"]);
        plain(&console)
    });
}

#[test]
fn the_spec_in_rows() {
    let mut console = Console::demo(120, 40);
    console.press(&["5"]);
    console.load_spec("api-k3x9q");
    insta::assert_snapshot!("spec", plain(&console));
}

#[test]
fn a_lost_engine_is_said_everywhere() {
    at_every_size("engine_lost", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.apply(Event::Fleet {
            fleet: FleetEvent::EngineLost {
                engine: engine(),
                why: String::from("connection refused"),
            },
        });
        plain(&console)
    });
}

#[test]
fn no_color_keeps_every_meaning() {
    let look = Look {
        has_colors: false,
        is_ascii: false,
        inks: Inks::TERMINAL,
    };
    let console = Console::demo(120, 40);
    let (reference, screen) = (bottle("api-k3x9q"), drawn(&console));
    let screens = Screens::from([(&reference, &screen)]);
    let (buffer, _) = rendered(&console, look, &screens);
    let default = Style::default();
    for cell in &buffer.content {
        let style = cell.style();
        assert!(matches!(style.fg, None | Some(Color::Reset)), "{style:?}");
        assert!(matches!(style.bg, None | Some(Color::Reset)), "{style:?}");
    }
    assert!(buffer.content.iter().any(|cell| cell.style() != default));
    insta::assert_snapshot!("no_color", shot(&console, look, &screens));
}

#[test]
fn ascii_is_ascii() {
    let look = Look {
        has_colors: true,
        is_ascii: true,
        inks: Inks::TERMINAL,
    };
    let mut console = Console::demo(120, 40);
    console.press(&["z", "x"]);
    let (buffer, _) = rendered(&console, look, &Screens::new());
    let text = text(&buffer);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("ascii", text);
}

#[test]
fn a_failed_start_shows_the_engines_words() {
    let mut console = Console::demo(120, 40);
    console.apply(operation(
        OperationKind::Start,
        "perf-9xk2a",
        OperationNews::Ended {
            outcome: Err(String::from(
                "create the agent: no such image: cellar/claude:latest",
            )),
        },
    ));
    console.select("perf-9xk2a");
    insta::assert_snapshot!("failed_start", plain(&console));
}

#[test]
fn a_secret_is_stars() {
    let mut console = Console::demo(80, 24);
    console.apply(Event::SecretAsked {
        agent: String::from("api"),
        what: String::from("Token for GitHub, read only"),
    });
    console.apply(Event::SecretTyped { length: 12 });
    insta::assert_snapshot!("secret", plain(&console));
}

#[test]
fn the_filter_is_shown_while_typed_and_after() {
    let mut console = Console::demo(80, 24);
    console.press(&["/", "d", "o"]);
    insta::assert_snapshot!("filter_typed", plain(&console));
    console.press(&["enter"]);
    insta::assert_snapshot!("filter_kept", plain(&console));
}

#[test]
fn a_click_finds_what_is_drawn_there() {
    let console = Console::demo(120, 40);
    let find = |console: &Console, what: &str| {
        let (buffer, _) = rendered(console, COLORS, &Screens::new());
        let text = text(&buffer);
        let (row, line) = text
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains(what))
            .unwrap();
        let column = line.split(what).next().unwrap().chars().count();
        hit(
            &console.state,
            COLORS,
            u16::try_from(column).unwrap(),
            u16::try_from(row).unwrap(),
        )
    };
    assert!(
        matches!(find(&console, "docs-p2m4d"), Target::Row { row } if row.bottle == bottle("docs-p2m4d"))
    );
    assert_eq!(find(&console, "Egress"), Target::Tab { tab: Tab::Egress });
    let mut busy = Console::busy(120, 40);
    for key in ["e", "E"] {
        busy.press(&[key]);
        let Target::Decision { at } = find(&busy, "pkgs.test/upload") else {
            panic!("a decision")
        };
        assert_eq!(busy.state.view.decided.rows()[at].decision.method, "PUT");
        assert_eq!(find(&busy, "DECIDED"), Target::Detail);
    }
    assert_eq!(
        find(&console, "◆ api-k3x9q"),
        Target::Row {
            row: console.state.view.selected.clone().unwrap()
        }
    );
    assert_eq!(
        find(&console, "x stop"),
        Target::Key {
            command: crate::state::Command::Life(crate::state::Life::Stop)
        }
    );
    assert!(
        matches!(find(&console, "its journal"), Target::Need { bottle: need, .. } if need == bottle("infra-w5d3t"))
    );
    let mut console = console;
    console.press(&["s"]);
    console.apply(Event::Agents {
        offers: vec![offer("first", None), offer("second", None)],
        problem: None,
    });
    let second = find(&console, "second");
    assert_eq!(second, Target::Offer { at: 1 });
    let pointer = Pointer {
        action: PointerAction::Press,
        target: second,
    };
    console.apply(Event::Pointer { pointer });
    assert!(shot(&console, COLORS, &Screens::new()).contains("second"));
}

/// News must not resize a session: a resized program draws itself anew.
#[test]
fn nothing_that_happens_moves_the_session() {
    let mut console = Console::with(
        120,
        40,
        vec![crate::state::fixture::running("api-k3x9q", 9)],
    );
    let before = session_area(&console.state);
    let demo = Console::demo(120, 40);
    assert_eq!(session_area(&demo.state), before);
    console.press(&["enter"]);
    assert_eq!(
        session_area(&console.state),
        before,
        "attached beside the list"
    );
    assert_eq!(
        before.unwrap().size.columns,
        80,
        "a session has 80 columns beside the list"
    );
}

#[test]
fn every_size_is_drawn() {
    for rows in [0, 1, 2, 5, 6, 7, 11, 12, 16, 24, 30] {
        for columns in [0, 1, 2, 23, 24, 25, 39, 40, 79, 80, 119, 120, 180, 300] {
            for keys in [
                &["x"][..],
                &["s"],
                &["?"],
                &["enter"],
                &["l"],
                &["e"],
                &["4"],
                &["/"],
            ] {
                let mut console = Console::demo(columns, rows);
                console.press(keys);
                let (buffer, _) = rendered(&console, COLORS, &Screens::new());
                assert_eq!(buffer.area.width, columns);
                for row in 0..rows {
                    for column in 0..columns {
                        drop(hit(&console.state, COLORS, column, row));
                    }
                }
            }
        }
    }
}

#[test]
fn a_screen_of_another_size_is_cut_to_its_place() {
    let console = Console::demo(80, 24);
    let reference = bottle("api-k3x9q");
    for (columns, rows) in [(2, 1), (300, 100), (80, 24)] {
        let mut screen = Screen::new(TerminalSize { columns, rows }, 10);
        screen.feed("日本語\r\n".repeat(200).as_bytes());
        let screens = Screens::from([(&reference, &screen)]);
        let (buffer, _) = rendered(&console, COLORS, &screens);
        let area = session_area(&console.state).unwrap();
        for row in 0..buffer.area.height {
            let wall = &buffer[(area.column - 1, row)];
            assert_ne!(wall.symbol(), "日", "drew beside its place");
        }
    }
}

#[test]
fn hostile_words_reach_no_terminal() {
    let mut console = Console::demo(120, 40);
    let evil = "\u{1b}]0;x\u{7}\u{202e}evil\u{200b}\u{9b}31m\n\r";
    console.speak("api-k3x9q", evil);
    let (buffer, _) = rendered(&console, COLORS, &Screens::new());
    for cell in &buffer.content {
        let bad =
            |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{200b}';
        assert!(!cell.symbol().contains(bad), "{:?}", cell.symbol());
    }
}

#[test]
fn the_status_line_fits_and_names_what_else_waits() {
    let mut console = Console::demo(60, 24);
    console.select("docs-p2m4d");
    console.press(&["f"]);
    let line = status_line(&console.state, COLORS);
    assert!(
        line.contains("docs-p2m4d · working · ctrl-q detaches"),
        "{line}"
    );
    assert!(
        unicode_width::UnicodeWidthStr::width(line.as_str()) <= 60,
        "{line}"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..proptest::prelude::ProptestConfig::default()
    })]

    #[test]
    fn whatever_happened_can_be_drawn(
        events in proptest::collection::vec(crate::state::events_for_tests(), 0..40)
    ) {
        let mut console = Console::new(80, 24);
        for event in events {
            console.apply(event);
            let (buffer, _) = rendered(&console, COLORS, &Screens::new());
            let hostile = |cell: &Cell| cell.symbol().chars().any(char::is_control);
            proptest::prop_assert!(!buffer.content.iter().any(hostile));
        }
    }
}
