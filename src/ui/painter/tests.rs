//! Painted onto a second screen model, as a terminal would.

use proptest::prelude::*;

use super::*;

const SIZE: TerminalSize = TerminalSize {
    columns: 20,
    rows: 6,
};
const INSIDE: TerminalSize = TerminalSize {
    columns: 20,
    rows: 5,
};

/// Paints onto a second screen model, as a terminal would.
fn painted(pieces: &[Vec<u8>]) -> (Screen, Screen) {
    let mut screen = Screen::new(INSIDE, 0);
    let mut terminal = Screen::new(SIZE, 0);
    let mut painter = Painter::new(SIZE);
    for piece in pieces {
        screen.feed(piece);
        let mut out = Vec::new();
        painter.paint(&mut screen, "status", &mut out);
        terminal.feed(&out);
    }
    (screen, terminal)
}

fn inked(screen: &Screen, rows: u16) -> Vec<Vec<(String, CellStyle)>> {
    (0..rows)
        .map(|row| {
            screen
                .row(row, 0)
                .map(|cell| {
                    let mut text = String::new();
                    cell.push_text(&mut text);
                    (text, cell.style)
                })
                .collect()
        })
        .collect()
}

#[test]
fn an_echoed_key_costs_a_few_bytes() {
    let mut screen = Screen::new(INSIDE, 0);
    let mut painter = Painter::new(SIZE);
    let mut out = Vec::new();
    screen.feed(b"w");
    painter.paint(&mut screen, "s", &mut out);
    screen.feed(b"w");
    painter.paint(&mut screen, "s", &mut out);
    out.clear();
    screen.feed(b"x");
    painter.paint(&mut screen, "s", &mut out);
    assert_eq!(out, b"x");
}

#[test]
fn the_last_row_is_ours_whatever_the_program_draws() {
    let (_, terminal) = painted(&[b"\x1b[99;99Hboo\x1b[1;1r\x1b[5;1H\n\n\n".to_vec()]);
    assert_eq!(terminal.text().lines().last(), Some("status"));
}

/// Another client leads the size: the row of the cursor must not be cut off.
#[test]
fn a_session_higher_than_the_terminal_shows_its_cursor() {
    let high = TerminalSize {
        columns: 20,
        rows: 12,
    };
    let mut screen = Screen::new(high, 0);
    let mut terminal = Screen::new(SIZE, 0);
    let mut painter = Painter::new(SIZE);
    for text in [&b"\x1b[10;1Hprompt"[..], b"\x1b[Htop"] {
        screen.feed(text);
        let mut out = Vec::new();
        painter.paint(&mut screen, "s", &mut out);
        terminal.feed(&out);
        let word = if text.ends_with(b"top") {
            "top"
        } else {
            "prompt"
        };
        assert!(terminal.text().contains(word), "{}", terminal.text());
    }
}

#[test]
fn wishes_of_the_program_are_mirrored_and_taken_back() {
    let on = b"\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h\x1b[?1002h\x1b[?1006h\x1b[>5u".to_vec();
    let off = b"\x1b[?1l\x1b>\x1b[?2004l\x1b[?1004l\x1b[?1002l\x1b[?1006l\x1b[<u".to_vec();
    let (screen, terminal) = painted(std::slice::from_ref(&on));
    assert_eq!(terminal.modes(), screen.modes());
    let (screen, terminal) = painted(&[on, off]);
    assert_eq!(terminal.modes(), screen.modes());
    assert_eq!(screen.modes(), Screen::new(INSIDE, 0).modes());
}

const LINK: &[u8] = b"\x1b[2;3H\x1b]8;;https://evil.test\x1b\\good\x1b]8;;\x1b\\";

#[test]
fn a_kept_pointer_is_told_of_motion_while_there_are_links() {
    let mut screen = Screen::new(INSIDE, 0);
    let mut terminal = Screen::new(SIZE, 0);
    let mut painter = Painter::new(SIZE);
    painter.keep_pointer();
    for (bytes, mouse, is_kept) in [
        (&b"text"[..], MouseMode::Clicks, true),
        (LINK, MouseMode::Motion, true),
        (b"\x1b[2J", MouseMode::Clicks, true),
        (b"\x1b[?1002h", MouseMode::Drag, false),
        (LINK, MouseMode::Drag, false),
        (b"\x1b[?1002l", MouseMode::Motion, true),
        (b"\x1b[?1049h", MouseMode::Off, false),
    ] {
        screen.feed(bytes);
        let mut out = Vec::new();
        painter.paint(&mut screen, "status", &mut out);
        terminal.feed(&out);
        assert_eq!(terminal.modes().mouse, mouse, "{}", bytes.escape_ascii());
        assert_eq!(terminal.modes().sgr_mouse, is_kept);
        assert_eq!(painter.keeps_pointer(), is_kept);
    }
}

#[test]
fn a_link_is_found_where_it_is_painted() {
    let mut screen = Screen::new(INSIDE, 10);
    screen.feed(b"\n\n\n\n\n\n\n");
    screen.feed(LINK);
    let mut painter = Painter::new(SIZE);
    painter.paint(&mut screen, "status", &mut Vec::new());
    let uri = |at| {
        painter
            .link_at(&screen, at)
            .map(|link| link.uri().to_owned())
    };
    assert_eq!(uri((2, 1)).as_deref(), Some("https://evil.test"));
    assert_eq!(uri((5, 1)).as_deref(), Some("https://evil.test"));
    for at in [(1, 1), (6, 1), (2, 0), (2, 5), (u16::MAX, u16::MAX)] {
        assert_eq!(uri(at), None, "{at:?}");
    }
}

proptest! {
    #[test]
    fn the_terminal_shows_what_the_screen_holds(
        pieces in proptest::collection::vec(
            proptest::collection::vec(
                prop_oneof![
                    Just(b"\x1b[31m".to_vec()), Just(b"\x1b[0m".to_vec()), Just(b"\x1b[7;1;4m".to_vec()),
                    Just(b"\x1b[2J".to_vec()), Just(b"\x1b[H".to_vec()), Just(b"\r\n".to_vec()),
                    Just("漢字".as_bytes().to_vec()), Just("e\u{301}".as_bytes().to_vec()),
                    Just(b"\x1b[?1049h".to_vec()), Just(b"\x1b[?1049l".to_vec()),
                    Just(b"\x1b[3;7H".to_vec()), Just(b"\x1b[L".to_vec()), Just(b"\x1b[P".to_vec()),
                    Just(b"\x1b[48;2;1;2;3mab".to_vec()), "[a-z ]{1,9}".prop_map(String::into_bytes),
                ],
                0..12,
            ).prop_map(|parts| parts.concat()),
            1..6,
        )
    ) {
        let (screen, terminal) = painted(&pieces);
        prop_assert_eq!(inked(&terminal, INSIDE.rows), inked(&screen, INSIDE.rows));
        prop_assert_eq!(terminal.cursor().visible, screen.cursor().visible);
        if screen.cursor().visible {
            prop_assert_eq!(
                (terminal.cursor().row, terminal.cursor().column),
                (screen.cursor().row, screen.cursor().column)
            );
        }
    }
}
