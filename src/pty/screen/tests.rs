use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

const SIZE: TerminalSize = TerminalSize {
    columns: 12,
    rows: 5,
};

fn screen(bytes: &[u8]) -> Screen {
    let mut screen = Screen::new(SIZE, 20);
    screen.feed(bytes);
    screen
}

/// A second terminal that joins now.
fn joined(host: &mut Screen) -> Screen {
    let mut client = Screen::new(host.size(), 20);
    let snapshot = host.snapshot(usize::MAX);
    assert!(!has_query_or_sync(&snapshot), "{}", snapshot.escape_ascii());
    let replies = client.feed(&snapshot);
    assert_eq!(replies.to_program, b"", "{}", snapshot.escape_ascii());
    client.feed(&host.pending());
    client
}

fn has_query_or_sync(bytes: &[u8]) -> bool {
    // A question for a mode is answered, which is looked at too.
    [&b"\x1b[c"[..], b"\x1b[6n", b"\x1b[?2026"]
        .iter()
        .any(|query| bytes.windows(query.len()).any(|window| window == *query))
}

/// Everything that can be seen of a screen, as text that a failed test shows well.
fn seen(screen: &Screen) -> Vec<String> {
    let mut lines = vec![
        format!("{:?}", screen.size()),
        format!("{:?}", screen.cursor()),
        format!("{:?}", screen.modes()),
        format!("{:?}", screen.title()),
    ];
    let mut scrolls: Vec<usize> = (0..screen.scrollback_len()).collect();
    scrolls.push(screen.scrollback_len());
    for scroll in scrolls {
        for row in screen.rows(scroll) {
            let mut cells = String::new();
            for cell in row {
                cell.push_text(&mut cells);
                if cell.width != 1 {
                    write!(cells, "<{}>", cell.width).unwrap();
                }
                if cell.style != CellStyle::default() {
                    write!(cells, "{:?}", cell.style).unwrap();
                }
                if let Some(link) = cell.hyperlink {
                    cells.push_str(link.uri());
                }
            }
            lines.push(cells);
        }
    }
    lines
}

/// Joins at `cut` of `stream`, then lets both see the rest, then a probe that shows
/// state which cells do not: margins, tabs, saved cursor, character sets, wrapping.
fn assert_alike(client: &Screen, host: &Screen, what: &str) {
    let (client, host) = (seen(client), seen(host));
    for (line, (ours, theirs)) in client.iter().zip(&host).enumerate() {
        assert_eq!(ours, theirs, "{what}, line {line} of {host:#?}");
    }
    assert_eq!(client.len(), host.len(), "{what}");
}

fn check_join(stream: &[u8], cut: usize) -> (Screen, Screen) {
    let (before, after) = stream.split_at(cut);
    let mut host = screen(before);
    let mut client = joined(&mut host);
    host.feed(after);
    client.feed(after);
    host.expire_sync();
    client.expire_sync();
    assert_alike(&client, &host, &format!("cut at {cut}"));
    for probe in PROBES {
        host.feed(probe);
        client.feed(probe);
        assert_alike(
            &client,
            &host,
            &format!("cut at {cut}, probe {}", probe.escape_ascii()),
        );
    }
    (host, client)
}

const PROBES: [&[u8]; 6] = [
    b"\x1b\\\x18X\tY",
    b"\n\n\x1bM\x1bMz",
    b"\x1b8saved q\x0eq\x0f",
    b"\x1b[?1049lback",
    b"\x1b[<2u\x1b[23t",
    b"wrap around the edge \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
];

#[test]
fn text_and_styles_are_cells() {
    let screen = screen(b"a\x1b[1;4:3;38;2;1;2;3;48;5;200mb\x1b[0;31mc");
    let row: Vec<Cell<'_>> = screen.row(0, 0).collect();
    assert_eq!(row.len(), 12);
    assert_eq!(row[0].character, 'a');
    assert_eq!(
        row[1].style,
        CellStyle {
            foreground: Color::Rgb(1, 2, 3),
            background: Color::Indexed(200),
            underline: Underline::Curly,
            bold: true,
            ..CellStyle::default()
        }
    );
    assert_eq!(row[2].style.foreground, Color::Indexed(1));
    assert_eq!(row[3].style, CellStyle::default());
}

#[test]
fn wide_and_combining_characters_are_one_cell_with_its_half() {
    let screen = screen("日e\u{301}".as_bytes());
    let cells: Vec<(char, u8, usize)> = screen
        .row(0, 0)
        .take(3)
        .map(|cell| (cell.character, cell.width, cell.combining.len()))
        .collect();
    assert_eq!(cells, [('日', 2, 0), (' ', 0, 0), ('e', 1, 1)]);
    assert!(screen.text().starts_with("日e\u{301}\n"));
}

#[test]
fn the_scrollback_is_seen_at_an_offset() {
    let screen = screen(b"1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7");
    assert_eq!(screen.scrollback_len(), 2);
    assert_eq!(screen.text(), "3\n4\n5\n6\n7");
    assert_eq!(screen.text_at(1), "2\n3\n4\n5\n6");
    assert_eq!(screen.text_at(99), "1\n2\n3\n4\n5");
}

#[test]
fn queries_are_answered_in_order() {
    let mut screen = Screen::new(SIZE, 0);
    let replies = screen.feed(b"\x1b[>0q\x1b[?u\x1b[c\x1b[6n\x1b[?2026$p\x1b]11;?\x07");
    let expected = format!(
        "\x1bP>|cellar({})\x1b\\\x1b[?0u\x1b[?6c\x1b[1;1R\x1b[?2026;2$y\x1b]11;rgb:1010/1010/1010\x07",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(String::from_utf8(replies.to_program).unwrap(), expected);
}

#[test]
fn titles_are_cleaned_and_told_once() {
    let mut screen = Screen::new(SIZE, 0);
    let replies = screen.feed("\x1b]0;✳ a\u{202e}b\x07\x07".as_bytes());
    assert!(replies.title_changed);
    assert_eq!(replies.bells, 1);
    assert_eq!(screen.title(), Some("✳ a<U+202E>b"));
    assert!(
        !screen
            .feed("\x1b]0;✳ a\u{202e}b\x07".as_bytes())
            .title_changed
    );
    assert!(screen.feed(b"\x1b]0;\x07").title_changed);
    assert_eq!(screen.title(), None);
}

#[test]
fn an_update_held_back_is_shown_whole() {
    let mut screen = screen(b"old");
    let before = screen.generation();
    screen.feed(b"\x1b[?2026h\x1b[2J\x1b[Hnew");
    assert!(screen.sync_deadline().is_some());
    assert!(screen.text().starts_with("old"));
    let held = screen.generation();
    screen.feed(b" frame\x1b[?2026l");
    assert!(screen.sync_deadline().is_none());
    assert!(screen.text().starts_with("new frame"));
    assert!(before < screen.generation() && held < screen.generation());
}

#[test]
fn an_update_without_end_is_shown_when_its_time_is_over() {
    let mut screen = screen(b"old\x1b[?2026hnew");
    assert_eq!(screen.pending(), b"new");
    screen.expire_sync();
    assert!(screen.text().starts_with("oldnew"));
}

#[test]
fn the_generation_stands_still_without_output() {
    let mut screen = screen(b"a");
    let before = screen.generation();
    screen.feed(b"");
    screen.feed(b"\x1b[3");
    screen.resize(SIZE);
    assert_eq!(screen.generation(), before);
    screen.feed(b"1mb");
    assert!(screen.generation() > before);
}

#[test]
fn half_a_wide_character_is_blanked() {
    for stream in [
        "日本\x1b[2G\x1b[K",
        "日本\x1b[1G\x1b[X",
        "日本\x1b[1G\x1b[P",
        "日本\x1b[4G\x1b[1K",
    ] {
        let screen = screen(stream.as_bytes());
        for cell in screen.row(0, 0) {
            assert!(
                cell.width == 1 && cell.character == ' '
                    || cell.character == '本'
                    || cell.width == 0,
                "{stream:?}"
            );
        }
        let text = screen.text();
        assert!(!text.starts_with('日'), "{stream:?}");
    }
}

#[test]
fn keyboard_flags_belong_to_their_screen() {
    let mut screen = screen(b"\x1b[>1u\x1b[?1049h");
    assert_eq!(screen.modes().kitty_flags, 0);
    screen.feed(b"\x1b[>5u");
    assert_eq!(screen.modes().kitty_flags, 5);
    screen.feed(b"\x1b[?1049l");
    assert_eq!(screen.modes().kitty_flags, 1);
    screen.feed(b"\x1b[<u");
    assert_eq!(screen.modes().kitty_flags, 0);
}

#[test]
fn endless_stacks_marks_and_links_are_bounded() {
    let mut screen = Screen::new(SIZE, 0);
    for _ in 0..5_000 {
        screen.feed(b"\x1b[>1u\x1b[22t\x1b]2;title\x07");
    }
    screen.feed("e".as_bytes());
    screen.feed("\u{301}".repeat(10_000).as_bytes());
    screen.feed(format!("\x1b]8;;http://{}\x07x", "a".repeat(4_000)).as_bytes());
    assert!(screen.recorder.titles.len() <= MAX_STACK);
    assert!(screen.recorder.kitty[0].len() <= MAX_STACK);
    let row: Vec<Cell<'_>> = screen.row(0, 0).collect();
    assert_eq!(row[0].combining.len(), MAX_COMBINING);
    assert_eq!(row[1].hyperlink, None);
}

#[test]
fn a_hostile_size_is_brought_into_bounds() {
    let mut screen = Screen::new(
        TerminalSize {
            columns: 0,
            rows: 0,
        },
        u32::MAX,
    );
    screen.feed("日本語\r\n日本".as_bytes());
    assert_eq!(
        screen.size(),
        TerminalSize {
            columns: 2,
            rows: 1
        }
    );
    screen.resize(TerminalSize {
        columns: u16::MAX,
        rows: u16::MAX,
    });
    assert_eq!(screen.size().columns, MAX_COLUMNS);
}

/// A session as full-screen agents draw: probes, alternate screen, frames, links.
const RECORDING: &str = "one\r\ntwo \x1b[32mgreen\x1b[0m and so long that it wraps 日本語日本語\r\n\
    \x1b[44mblue to the edge and on\x1b[K\x1b[0m\r\n\x1b]8;id=x;http://a.b/c\x1b\\link\x1b]8;;\x1b\\\r\n\
    four\r\nfive\r\nsix e\u{301}\u{308}\r\n\x1b7\x1b]0;✳ work\x07\x1b[?25l\x1b[?2004h\x1b[?1004h\x1b[>1u\
    \x1bP+q544e\x1b\\\x1b_Gi=1;AAAA\x1b\\\x1b[?1049h\x1b[2J\x1b[H\x1b[?1000h\x1b[?1002h\x1b[?1003h\x1b[?1006h\
    \x1b[>5u\x1b[?2026h\x1b[1;1H╭──────────╮\x1b[2;1H│\x1b[38;2;215;119;87m✻\x1b[39m 日 \x1b[3mhi\x1b[23m\
    \x1b[2;12H│\x1b[?2026l\x1b[3;4r\x1b[3;1Hscroll\r\nme\r\nup\x1b[r\x1b[5;12Hx\x1b[?2026h\x1b[4;1H\x1b[7m> \x1b[27mab\
    \x1b[4 q\x1b[?2026l\x1b[?1049l\x1b[<u\x1b[?25hdone\r\n$ ";

#[test]
fn a_terminal_may_join_at_every_byte() {
    for cut in 0..=RECORDING.len() {
        let (mut host, mut client) = check_join(RECORDING.as_bytes(), cut);
        for (columns, rows) in [(7, 4), (15, 6)] {
            let size = TerminalSize { columns, rows };
            host.resize(size);
            client.resize(size);
            assert_eq!(client.text(), host.text(), "cut at {cut}, resized");
        }
    }
}

/// A lead byte after a lead byte is only known to be wrong once the second came.
#[test]
fn a_terminal_may_join_between_broken_characters() {
    let stream = b"\xc2\xc2 a\xe6\x97\xe6\x97\xa5\xf0\x9f\x9a\x1b[1mb\xe6\x1bPx\x1b\\c";
    for cut in 0..=stream.len() {
        check_join(stream, cut);
    }
}

/// Each of these was lost to who joined: what is saved on the screen that is not shown, and
/// the mark of the row in which a saved cursor waits to wrap.
#[test]
fn a_terminal_may_join_while_a_cursor_is_saved() {
    for stream in [
        "one\x1b[?1049h\x1b[3;4H\x1b[1m\x1b(0\x1b7\x1b[?1049lq\x1b[m\x1b[?1049h\x1b[H\x1b8q",
        "aaaaaaaaaaaa\x1b[?1049hx\x1b[?1049la\x1b[7m%\x1b[m      ",
        "aaaaaaaaaaaa\x1b7a\x1b[4;2H",
    ] {
        for cut in 0..=stream.len() {
            let (host, client) = check_join(stream.as_bytes(), cut);
            let wraps = |screen: &Screen| -> Vec<bool> {
                let last = screen.lines() - 1;
                (0..last).map(|line| screen.is_wrapped(line)).collect()
            };
            assert_eq!(wraps(&client), wraps(&host), "{stream:?} cut at {cut}");
        }
    }
}

/// What a repetition repeats was lost to who joined right before it.
#[test]
fn a_terminal_may_join_before_a_repetition() {
    let stream = "\x1b[1mf\x1b[3b\r\n日\x1b[2b\r\ne\u{301}\x1b[2b\r\n0123456789ab\x1b[2bz\x1b[b";
    for cut in 0..=stream.len() {
        check_join(stream.as_bytes(), cut);
    }
}

/// Insertion puts another wide character, in another style, after the blank.
#[test]
fn a_blank_before_a_wide_character_keeps_its_own_style() {
    let stream = "\x1b[12G日\x1b[4h\x1b[2;1H\x1b[1;44m本\x1b[0m";
    for cut in 0..=stream.len() {
        check_join(stream.as_bytes(), cut);
    }
}

#[test]
fn a_snapshot_may_be_short_of_history() {
    let mut host = screen(b"1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7");
    let mut client = Screen::new(SIZE, 20);
    client.feed(&host.snapshot(1));
    assert_eq!(client.scrollback_len(), 1);
    assert_eq!(client.text(), host.text());
}

#[test]
fn a_snapshot_leaves_the_screen_as_it_is() {
    for stream in [
        RECORDING,
        RECORDING.split_at(RECORDING.find("\x1b[5;12H").unwrap()).0,
    ] {
        let mut host = screen(stream.as_bytes());
        let before = seen(&host);
        let first = host.snapshot(usize::MAX);
        assert_eq!(seen(&host), before);
        assert_eq!(
            host.snapshot(usize::MAX).escape_ascii().to_string(),
            first.escape_ascii().to_string()
        );
    }
}

/// Controls without parameters, strings, and sequences worth meeting often.
const CONTROLS: &[&str] = &[
    "\r",
    "\n",
    "\r\n",
    "\t",
    "\x08",
    "\x0e",
    "\x0f",
    "\x07",
    "\x1b7",
    "\x1b8",
    "\x1bD",
    "\x1bM",
    "\x1bE",
    "\x1bH",
    "\x1b(0",
    "\x1b(B",
    "\x1b)0",
    "\x1b=",
    "\x1b>",
    "\x1bc",
    "\x1b#8",
    "\x1b[3g",
    "\x1b[4h",
    "\x1b[4l",
    "\x1b[20h",
    "\x1b[22t",
    "\x1b[23t",
    "\x1b]2;t1\x07",
    "\x1b]2;t2\x1b\\",
    "\x1b]8;;http://x\x07",
    "\x1b]8;id=7;http://y\x07",
    "\x1b]8;;\x07",
    "\x1b]4;1;rgb:12/34/56\x07",
    "\x1b]104\x07",
    "\x1b]11;#102030\x07",
    "\x1b[m",
    "\x1b[58;5;9;4:3m",
    "\x1b[?2026h",
    "\x1b[?2026l",
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1bPq1;2\x1b\\",
    "\x1b_x\x1b\\",
    "\x1b[!p",
    "\x1b[c",
    "\x1b[6n",
    "\x1b]52;c;AA==\x07",
    "\x1b[3J",
    "\x1b[2J",
];

/// Pieces of output that reach every part of the model.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        "[a-z ]{1,14}",
        Just("日本語".to_owned()),
        Just("e\u{301}🚀".to_owned()),
        Just("lqqk".to_owned()),
    ]
    .prop_map(String::into_bytes);
    let control =
        proptest::sample::select(CONTROLS).prop_map(|text: &str| text.as_bytes().to_vec());
    let private = (
        proptest::sample::select(vec![
            1u16, 3, 6, 7, 12, 25, 1000, 1002, 1003, 1004, 1005, 1006, 1007, 1042, 2004,
        ]),
        proptest::sample::select(vec!['h', 'l']),
    )
        .prop_map(|(mode, set)| format!("\x1b[?{mode}{set}").into_bytes());
    let sequence = (
        0u16..14,
        0u16..14,
        proptest::sample::select("@ABCDEFGHIJKLMPSTXZ`adefr".chars().collect::<Vec<char>>()),
    )
        .prop_map(|(first, second, last)| format!("\x1b[{first};{second}{last}").into_bytes());
    let style = proptest::collection::vec(
        proptest::sample::select(vec![
            "0",
            "1",
            "2",
            "3",
            "4",
            "4:2",
            "7",
            "8",
            "9",
            "21",
            "22",
            "27",
            "31",
            "97",
            "104",
            "38;5;99",
            "48;2;1;2;3",
            "39",
            "49",
        ]),
        1..4,
    )
    .prop_map(|codes| format!("\x1b[{}m", codes.join(";")).into_bytes());
    let keyboard = (proptest::sample::select(vec!['>', '<', '=']), 0u8..32)
        .prop_map(|(kind, flags)| format!("\x1b[{kind}{flags}u").into_bytes());
    let cursor = (0u8..8).prop_map(|shape| format!("\x1b[{shape} q").into_bytes());
    let noise = proptest::collection::vec(any::<u8>(), 1..6);
    prop_oneof![5 => text, 5 => control, 2 => private, 6 => sequence, 2 => style, 1 => keyboard, 1 => cursor, 1 => noise]
}

/// Output that a failed test shows well.
#[derive(Clone)]
struct Stream(Vec<u8>);

impl std::fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "b\"{}\"", self.0.escape_ascii())
    }
}

fn stream() -> impl Strategy<Value = Stream> {
    proptest::collection::vec(piece(), 0..60).prop_map(|pieces| Stream(pieces.concat()))
}

/// Turns origin mode off again at once: with it a cursor outside the region is lost, as
/// [`snapshot`] says.
fn without_origin(stream: &[u8]) -> Vec<u8> {
    const ORIGIN: &[u8] = b"\x1b[?6h";
    let mut kept = stream.to_vec();
    while let Some(at) = kept
        .windows(ORIGIN.len())
        .position(|window| window == ORIGIN)
    {
        kept[at + ORIGIN.len() - 1] = b'l';
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_terminal_that_joins_anywhere_sees_the_same(Stream(stream) in stream(), at in any::<prop::sample::Index>()) {
        let stream = without_origin(&stream);
        let cut = at.index(stream.len() + 1);
        check_join(&stream, cut);
    }

    #[test]
    fn any_cut_of_the_stream_gives_the_same_screen(Stream(stream) in stream(), size in 1usize..7) {
        let mut whole = screen(&stream);
        let mut cut = Screen::new(SIZE, 20);
        for piece in stream.chunks(size) {
            cut.feed(piece);
        }
        whole.expire_sync();
        cut.expire_sync();
        assert_alike(&cut, &whole, "cut");
    }

    #[test]
    fn hostile_bytes_and_sizes_never_panic(
        pieces in proptest::collection::vec((stream(), proptest::collection::vec(any::<u8>(), 0..60), 0u16..30, 0u16..12), 0..6),
    ) {
        let mut screen = Screen::new(SIZE, 10);
        for (stream, noise, columns, rows) in pieces {
            screen.feed(&stream.0);
            screen.feed(&noise);
            screen.resize(TerminalSize { columns, rows });
            let mut client = Screen::new(screen.size(), 10);
            client.feed(&screen.snapshot(usize::MAX));
            seen(&screen);
        }
    }
}

#[test]
fn what_the_program_wants_in_the_clipboard_is_told_clean_and_once() {
    let mut screen = Screen::new(TerminalSize::default(), 10);
    let wish = |text: &str| {
        let base64 = data_encoding::BASE64.encode(text.as_bytes());
        format!("\x1b]52;c;{base64}\x07").into_bytes()
    };
    for (text, told) in [
        ("plain", Some("plain")),
        ("a\r\nb\tc\n", Some("a\nb\tc\n")),
        (
            "\u{1b}[201~rm -rf\u{202e}x\u{7f}\u{9b}",
            Some("[201~rm -rfx"),
        ),
        ("", None),
        ("\u{1b}", None),
    ] {
        let replies = screen.feed(&wish(text));
        assert_eq!(replies.clipboard.as_deref(), told, "{text:?}");
        assert_eq!(replies.to_program, b"");
        assert_eq!(screen.feed(b"x").clipboard, None);
    }
    // The last one counts; what is no text, or too long, is none.
    let both = [wish("first"), wish("second")].concat();
    assert_eq!(screen.feed(&both).clipboard.as_deref(), Some("second"));
    assert_eq!(screen.feed(b"\x1b]52;c;/w==\x07").clipboard, None);
    assert_eq!(screen.feed(b"\x1b]52;c;!!\x07").clipboard, None);
    let longest = "x".repeat(6_000);
    assert_eq!(screen.feed(&wish(&longest)).clipboard, Some(longest));
    assert_eq!(screen.feed(&wish(&"x".repeat(6_001))).clipboard, None);
}

#[test]
fn what_is_in_the_clipboard_is_never_told() {
    let mut screen = Screen::new(TerminalSize::default(), 10);
    let replies = screen.feed(b"\x1b]52;c;?\x07\x1b]52;p;?\x1b\\");
    assert_eq!(replies, Replies::default());
}
