//! Sessions in the console: read back and copied, from one that needs you to the next.

use std::ops::Range;

use crate::support::engine::engine_or_skip;
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

const CTRL_Q: &str = "\x11";
const CTRL_COPY: &str = "\x1c";
const CTRL_NEXT: &str = "\x1d";
const ENTER: &str = "\r";
const ESCAPE: &str = "\x1b";

fn heard(console: &Terminal, words: &str) {
    console.wait_for_text(&format!("AGENT heard {words}"), PATIENCE);
}

/// A bottle to whose session a console is attached, after it heard lines with these
/// numbers.
fn attached_after(operator: &Operator, lines: Range<u32>) -> (String, Terminal) {
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, PATIENCE);
    console.send(ENTER);
    console.wait_for_text("AGENT ready", PATIENCE);
    for number in lines {
        console.send(&format!("line {number}\r"));
        heard(&console, &format!("line {number}"));
    }
    (bottle, console)
}

#[test]
fn a_session_is_read_back_searched_and_copied() {
    let Some(engine) = engine_or_skip("a_session_is_read_back_searched_and_copied") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let (bottle, console) = attached_after(&operator, 10..60);
    // A word of seven letters, over and over, is split by the edge in the echo or in the
    // answer, which stand a dozen columns apart.
    console.send(&format!("{}\r", "needles".repeat(30)));
    heard(&console, "needles");
    console.send(CTRL_COPY);
    console.wait_for_text("read back", PATIENCE);
    console.send("/needles\r");
    console.wait_for_text("/60 needles", PATIENCE);
    console.send("q");
    console.wait_for_text("ctrl-q detaches", PATIENCE);
    // What scrolled away is found, counted and copied; the program hears none of it.
    console.send(CTRL_COPY);
    console.wait_for_text("read back", PATIENCE);
    console.send("/heard line 12");
    console.wait_for_text("/heard line 12", PATIENCE);
    console.send(ENTER);
    console.wait_for_text("1/1 heard line 12", PATIENCE);
    console.send("Vy");
    console.wait_for_text("copied 1 line", PATIENCE);
    let copied = console.clipboard();
    assert_eq!(copied.as_deref(), Some("AGENT heard line 12\n"));
    console.send(ESCAPE);
    console.wait_for_text("ctrl-q detaches", PATIENCE);
    console.send("after it\r");
    heard(&console, "after it");
    console.send(CTRL_Q);

    // The same on the whole terminal, and back there.
    console.send("f");
    console.wait_for("the whole terminal", PATIENCE, |screen| {
        screen.contains("ctrl-q detaches") && !screen.contains("BOTTLES")
    });
    console.send(CTRL_COPY);
    console.wait_for_text("read back", PATIENCE);
    console.send("/heard line 11\r");
    console.wait_for_text("1/1 heard line 11", PATIENCE);
    console.send("q");
    console.wait_for_text("ctrl-q detaches", PATIENCE);
    console.send("once more\r");
    heard(&console, "once more");
    console.send(CTRL_Q);
    console.wait_for_text("BOTTLES", PATIENCE);
    drop(console);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

/// The pointer moves to a place of the terminal.
fn moved((column, row): (usize, usize)) -> String {
    format!("\x1b[<35;{column};{row}M")
}

const WHEEL_UP: &str = "\x1b[<64;100;10M";
const WHEEL_DOWN: &str = "\x1b[<65;100;10M";

#[test]
fn the_wheel_reads_back_and_a_link_says_where_it_goes() {
    let Some(engine) = engine_or_skip("the_wheel_reads_back_and_a_link_says") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let (bottle, console) = attached_after(&operator, 10..40);
    let is_live =
        |screen: &str| screen.contains("ctrl-q detaches") && !screen.contains("lines back");
    // In the pane, then on the whole terminal, which shows it in its last row.
    for whole in [false, true] {
        if whole {
            console.send(CTRL_Q);
            console.wait_for_text("BOTTLES", PATIENCE);
            console.send("f");
            // The frame is there before the session: until then there is nothing above it.
            console.wait_for("the whole terminal", PATIENCE, |screen| {
                let is_shown = screen.contains("heard after the link false");
                is_live(screen) && is_shown && !screen.contains("BOTTLES")
            });
        }
        console.send(WHEEL_UP);
        console.wait_for_text("3 lines back", PATIENCE);
        console.send(WHEEL_UP);
        console.wait_for_text("6 lines back", PATIENCE);
        console.send(WHEEL_DOWN);
        console.wait_for_text("3 lines back", PATIENCE);
        console.send(WHEEL_DOWN);
        console.wait_for("what is live", PATIENCE, is_live);
        console.send(&format!("after the wheel {whole}\r"));
        heard(&console, &format!("after the wheel {whole}"));

        console.send("link https://good.example@evil.test/login\r");
        // The one of before is a link, too, and rows move until this one is there.
        let links = 1 + usize::from(whole);
        console.wait_for("one more link", PATIENCE, |screen| {
            let rows = screen.lines().filter(|row| row.contains("AGENT links"));
            rows.count() == links
        });
        let (column, row) = console.place_of("links https://good.example");
        console.send(&moved((column + 10, row)));
        console.wait_for_text("link to https://evil.test (with a user name", PATIENCE);
        console.send(&moved((column, row)));
        console.wait_for("no link", PATIENCE, |screen| !screen.contains("link to"));
        console.send(&format!("after the link {whole}\r"));
        heard(&console, &format!("after the link {whole}"));
    }
    console.send(CTRL_Q);
    console.wait_for_text("BOTTLES", PATIENCE);
    drop(console);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

#[test]
fn one_key_goes_from_a_session_to_the_next_that_needs_you() {
    let Some(engine) = engine_or_skip("one_key_goes_from_a_session_to_the_next") else {
        return;
    };
    let asks = serde_json::json!({"unlisted": {"ask": "5m"}});
    let operator = Operator::new(engine, &manifests::plain_with(engine, &asks));
    let (quiet, asking) = (operator.name(), operator.name());
    for bottle in [&quiet, &asking] {
        operator.cellar(&["start", "plain", "--yes", "--name", bottle]);
    }
    let console = operator.terminal(&[], 120, 40);
    for bottle in [&quiet, &asking] {
        console.wait_for_text(bottle, PATIENCE);
    }
    // One makes egress hold a connection; the other is attached to.
    console.send(&format!("/{asking}\r"));
    console.send(ENTER);
    console.wait_for_text("AGENT ready", PATIENCE);
    console.send(CTRL_NEXT);
    console.wait_for_text("nothing else needs you", PATIENCE);
    console.send("ask held.test:443\r");
    console.send(CTRL_Q);
    console.wait_for_text("held.test", PATIENCE);
    console.send(ESCAPE);
    // Before it is heard, what follows would be a key with alt.
    console.wait_for_text(&quiet, PATIENCE);
    console.send(&format!("/{quiet}\r"));
    console.send(ENTER);
    console.wait_for_text("1 needs you, ctrl-] goes there", PATIENCE);
    console.send("I am the quiet one\r");
    heard(&console, "I am the quiet one");
    console.send(CTRL_NEXT);
    console.wait_for("the session that asks", PATIENCE, |screen| {
        screen.contains(&format!("{asking} · attached"))
    });
    // It still waits for its host, but its terminal shows what is typed.
    console.send("found you\r");
    console.wait_for_text("found you", PATIENCE);
    console.send(CTRL_Q);
    drop(console);
    for bottle in [&quiet, &asking] {
        operator.cellar(&["rm", "--yes", bottle]);
        operator.left_nothing(bottle);
    }
}

#[test]
fn a_program_writes_the_clipboard_only_where_it_may_ask_and_after_a_yes() {
    let Some(engine) = engine_or_skip("a_program_writes_the_clipboard") else {
        return;
    };
    // «from the agent» and «no», in base64.
    let (wish, other) = ("clip ZnJvbSB0aGUgYWdlbnQ=\r", "clip bm8=\r");
    for may_ask in [false, true] {
        let clipboard = if may_ask { "ask" } else { "never" };
        let terms = serde_json::json!({"clipboard": clipboard});
        let operator = Operator::new(engine, &manifests::plain_with(engine, &terms));
        let bottle = operator.name();
        operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
        let console = operator.terminal(&[], 120, 40);
        console.wait_for_text(&bottle, PATIENCE);
        for whole in [false, true] {
            console.send(if whole { "f" } else { ENTER });
            console.wait_for_text("ctrl-q detaches", PATIENCE);
            console.send(if whole { other } else { wish });
            if may_ask {
                let bytes = if whole { 2 } else { 14 };
                let words = format!("wants {bytes} bytes in your clipboard");
                console.wait_for_text(&words, PATIENCE);
                console.send(CTRL_COPY);
                console.wait_for_text("wants to put", PATIENCE);
                console.send(if whole { "n" } else { "y" });
            }
            // What is typed after it reaches the program again.
            console.wait_for_text("ctrl-q detaches", PATIENCE);
            console.send(&format!("after {whole}\r"));
            heard(&console, &format!("after {whole}"));
            let copied = may_ask.then(|| String::from("from the agent"));
            assert_eq!(console.clipboard(), copied);
            console.send(CTRL_Q);
            console.wait_for_text("BOTTLES", PATIENCE);
        }
        drop(console);
        operator.cellar(&["rm", "--yes", &bottle]);
        operator.left_nothing(&bottle);
    }
}

#[test]
fn sessions_stand_side_by_side_each_live_and_one_is_attached_from_there() {
    let Some(engine) = engine_or_skip("sessions_stand_side_by_side") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let (left, right) = (operator.name(), operator.name());
    for (bottle, words) in [(&left, "from the left"), (&right, "from the right")] {
        operator.cellar(&["start", "plain", "--yes", "--name", bottle]);
        operator.cellar(&["send", bottle, words]);
    }
    let console = operator.terminal(&[], 120, 40);
    for bottle in [&left, &right] {
        console.wait_for_text(bottle, PATIENCE);
    }
    console.send("|");
    let both = |screen: &str| {
        let heard = ["AGENT heard from the left", "AGENT heard from the right"];
        heard.iter().all(|words| screen.contains(words)) && !screen.contains("BOTTLES")
    };
    console.wait_for("both sessions", PATIENCE, both);
    // What one says is seen while neither is attached.
    operator.cellar(&["send", &left, "a word more"]);
    heard(&console, "a word more");
    console.send(ENTER);
    console.wait_for_text("ctrl-q detaches", PATIENCE);
    console.send("typed at one\r");
    heard(&console, "typed at one");
    console.send(CTRL_Q);
    console.wait_for("both sessions again", PATIENCE, both);
    console.send("|");
    console.wait_for_text("BOTTLES", PATIENCE);
    drop(console);
    for bottle in [&left, &right] {
        operator.cellar(&["rm", "--yes", bottle]);
        operator.left_nothing(bottle);
    }
}
