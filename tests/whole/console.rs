//! The console in a terminal: what a new user sees and does.

use std::time::{Duration, Instant};

use crate::support::engine::{Engine, engine_or_skip};
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

const CTRL_Q: &str = "\x11";
const ENTER: &str = "\r";
/// What the frame of a session that takes keys says.
const ATTACHED: &str = "ctrl-q detaches";

/// A bottle of the plain agent, and the console on it.
fn bottle_and_console(engine: Engine, columns: u16, rows: u16) -> (Operator, String, Terminal) {
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let console = operator.terminal(&[], columns, rows);
    console.wait_for_text(&bottle, PATIENCE);
    (operator, bottle, console)
}

#[test]
fn the_demo_needs_nothing_and_leaves_nothing() {
    let Some(engine) = engine_or_skip("the_demo_needs_nothing_and_leaves_nothing") else {
        return;
    };
    let operator = Operator::new(engine, "{}");
    let mut demo = operator.terminal(&["demo"], 120, 40);
    demo.wait_for("three bottles", PATIENCE * 2, |screen| {
        ["demo-chat-", "demo-worker-", "demo-quiet-"]
            .iter()
            .all(|name| screen.contains(name))
    });
    let made = demo_bottles(&demo.text());
    for id in &made {
        operator.owns(id);
    }
    // One of them asks for a host, and is the one that is selected; it hears that it may.
    demo.wait_for_text("a way out to GET example.com", PATIENCE);
    demo.wait_for("the one that asks, selected", PATIENCE, |screen| {
        let mut rows = screen.lines();
        rows.any(|row| row.starts_with('▌') && row.contains("demo-chat-"))
    });
    demo.send("i");
    demo.wait_for_text("adds GET example.com, no credential", PATIENCE);
    demo.send("a");
    demo.wait_for_text("Approve demo-chat-", PATIENCE);
    demo.send("y");
    demo.wait_for_text("is applied", PATIENCE);
    demo.send("\u{1b}");
    demo.wait_for_text("1 Session", PATIENCE);
    demo.wait_for_text("So I try again: example.com", PATIENCE);
    demo.wait_for_text("example.com:443 is open to me", PATIENCE);
    demo.kill();
    let mut console = operator.terminal(&[], 120, 40);
    for id in &made {
        console.wait_for_text(id, PATIENCE);
    }
    console.kill();
    operator.cellar(&["demo", "--clean"]);
    for id in &made {
        operator.left_nothing(id);
    }
}

fn demo_bottles(screen: &str) -> Vec<String> {
    let mut ids: Vec<String> = screen
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| word.starts_with("demo-") && word.matches('-').count() == 2)
        .map(str::to_owned)
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

#[test]
fn a_session_is_driven_from_the_console_and_survives_its_death() {
    let Some(engine) = engine_or_skip("a_session_is_driven_from_the_console") else {
        return;
    };
    let (operator, bottle, mut console) = bottle_and_console(engine, 120, 40);
    console.send(ENTER);
    console.wait_for_text("AGENT ready", PATIENCE);
    console.send("good morning\r");
    console.wait_for_text("AGENT heard good morning", PATIENCE);
    console.send("ask denied.test:443\r");
    console.wait_for("the refusal", PATIENCE, |screen| {
        screen.contains("AGENT asked denied.test:443: HTTP/1.1 403")
    });
    console.kill();

    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, PATIENCE);
    console.send(ENTER);
    console.wait_for_text("AGENT heard good morning", PATIENCE);
    console.send(CTRL_Q);
    console.wait_for("the list with its keys", PATIENCE, |screen| {
        screen.contains(&bottle) && screen.contains("help")
    });
    // What was done to it is on record, and the record is whole.
    console.send("A");
    console.wait_for("the audit", PATIENCE, |screen| {
        screen.contains("Audit") && screen.contains("whole") && screen.contains("seal holds")
    });
    drop(console);
    let shown = operator.json(&["show", &bottle]).to_string();
    assert!(shown.contains("denied.test"), "{shown}");
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

#[test]
fn a_small_terminal_still_shows_and_leads() {
    let Some(engine) = engine_or_skip("a_small_terminal_still_shows_and_leads") else {
        return;
    };
    let (operator, bottle, mut console) = bottle_and_console(engine, 120, 40);
    console.resize(40, 12);
    console.wait_for("the bottle on 40×12", PATIENCE, |screen| {
        screen.contains(&bottle) && screen.lines().count() <= 12
    });
    console.send(ENTER);
    console.send("tiny\r");
    console.wait_for_text("AGENT heard tiny", PATIENCE);
    console.resize(1, 1);
    console.resize(80, 24);
    console.wait_for_text("AGENT heard tiny", PATIENCE);
    console.send(CTRL_Q);
    console.wait_for_text(&bottle, PATIENCE);
    console.send("q");
    assert_eq!(console.wait_for_end(PATIENCE), 0);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

/// 50 MB of text, then 50 MB of escape sequences, while attached: the keys live and
/// the console can be left at once.
#[test]
fn a_flooding_agent_does_not_take_the_keys() {
    let Some(engine) = engine_or_skip("a_flooding_agent_does_not_take_the_keys") else {
        return;
    };
    let (operator, bottle, console) = bottle_and_console(engine, 120, 40);
    // Sizes that differ tell the end of the second from that of the first.
    for (kind, bytes) in [("flood", 50_000_000), ("storm", 50_000_001)] {
        console.send(ENTER);
        console.wait_for_text(ATTACHED, PATIENCE);
        console.send(&format!("{kind} {bytes}\r"));
        // In the midst of it, out and back.
        console.send(CTRL_Q);
        let asked = Instant::now();
        console.wait_for("the list while the agent floods", PATIENCE, |screen| {
            screen.contains(&bottle) && !screen.contains(ATTACHED)
        });
        assert!(
            asked.elapsed() < Duration::from_secs(10),
            "{kind}: detaching took {:?}",
            asked.elapsed()
        );
        console.send(ENTER);
        // The list shows the session, too: typed there, letters are keys of the console.
        console.wait_for_text(ATTACHED, PATIENCE);
        // A debug build beside the other tests, on a slow machine.
        console.wait_for("the end of the flood", 3 * PATIENCE, |screen| {
            assert!(
                screen.contains(ATTACHED),
                "{kind}: the session was lost:\n{screen}"
            );
            screen.contains(&format!("AGENT flooded {bytes}"))
        });
        console.send(&format!("alive after {kind}\r"));
        console.wait_for_text(&format!("AGENT heard alive after {kind}"), PATIENCE);
        console.send(CTRL_Q);
        console.wait_for("the list again", PATIENCE, |screen| {
            screen.contains(&bottle) && !screen.contains(ATTACHED)
        });
    }
    drop(console);
    operator.cellar(&["rm", "--yes", &bottle]);
}

/// A quick operator does not wait for the screen: every key goes where it would have
/// gone had they waited. Once, keys behind the detach key were lost.
#[test]
fn keys_typed_ahead_of_the_screen_are_kept_in_order() {
    let Some(engine) = engine_or_skip("keys_typed_ahead_of_the_screen") else {
        return;
    };
    let (operator, bottle, console) = bottle_and_console(engine, 120, 40);
    console.send(&format!(
        "{ENTER}one\r{CTRL_Q}{ENTER}two\r{CTRL_Q}{ENTER}three\r"
    ));
    console.wait_for("all three in order", PATIENCE, |screen| {
        let at = |word: &str| screen.find(&format!("AGENT heard {word}"));
        matches!((at("one"), at("two"), at("three")), (Some(a), Some(b), Some(c)) if a < b && b < c)
    });
    console.wait_for_text(ATTACHED, PATIENCE);
    drop(console);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

#[test]
fn two_consoles_at_once_see_the_same_bottle_and_both_type() {
    let Some(engine) = engine_or_skip("two_consoles_at_once_see_the_same_bottle") else {
        return;
    };
    let (operator, bottle, first) = bottle_and_console(engine, 120, 40);
    let second = operator.terminal(&[], 90, 25);
    second.wait_for_text(&bottle, PATIENCE);
    first.send(ENTER);
    second.send(ENTER);
    first.wait_for_text("AGENT ready", PATIENCE);
    second.wait_for_text("AGENT ready", PATIENCE);
    first.send("from the first\r");
    second.wait_for_text("AGENT heard from the first", PATIENCE);
    second.send("from the second\r");
    first.wait_for_text("AGENT heard from the second", PATIENCE);
    // One removes it under the other, which says so instead of falling over.
    first.send(CTRL_Q);
    second.send(CTRL_Q);
    operator.cellar(&["rm", "--yes", &bottle]);
    for console in [&first, &second] {
        console.wait_for("the list without the bottle", PATIENCE, |screen| {
            !screen
                .lines()
                .any(|line| line.contains(&bottle) && line.contains("ready"))
        });
    }
    operator.left_nothing(&bottle);
}
