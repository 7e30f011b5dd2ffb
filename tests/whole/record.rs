//! What happened is recorded, looked at again, and holds nothing that was typed.

use crate::support::engine::engine_or_skip;
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};

const ENTER: &str = "\r";

#[test]
fn a_run_is_recorded_without_what_was_typed_and_shown_again() {
    let Some(engine) = engine_or_skip("a_run_is_recorded_without_what_was_typed") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let mut console = operator.terminal(&["record", "run.jsonl"], 120, 40);
    console.wait_for_text("AGENT ready", PATIENCE);
    console.send("S");
    console.wait_for_text("A line that is typed there", PATIENCE);
    console.send("walnut");
    console.wait_for_text("walnut", PATIENCE);
    console.send(ENTER);
    console.wait_for_text("AGENT heard walnut", PATIENCE);
    console.send(ENTER);
    console.wait_for_text("ctrl-q detaches", PATIENCE);
    console.send("almond\r");
    console.wait_for_text("AGENT heard almond", PATIENCE);
    console.send("\x11");
    console.wait_for_text("? help", PATIENCE);
    console.send("5");
    console.wait_for_text("image", PATIENCE);
    console.send("q");
    assert_eq!(console.wait_for_end(PATIENCE), 0);
    let recorded = std::fs::read_to_string(operator.folder().join("run.jsonl")).unwrap();
    for typed in ["walnut", "almond"] {
        assert!(!recorded.contains(typed), "{typed} is in the recording");
    }
    assert!(recorded.lines().count() > 10 && recorded.contains("•"));

    // Once more into the same file is refused, and nothing is lost.
    let again = operator.run(&["record", "run.jsonl"]);
    assert_ne!(again.status.code(), Some(0));
    let known = operator.json(&["replay", "run.jsonl"]);
    assert_eq!(known["view"]["tab"], "spec");
    operator.cellar(&["rm", "--yes", &bottle]);

    let mut replay = operator.terminal(&["replay", "run.jsonl", "--paused"], 120, 40);
    replay.wait_for_text("REPLAY 00:00 · paused", PATIENCE);
    replay.send(".");
    replay.wait_for_text("1 events", PATIENCE);
    replay.send("G");
    replay.wait_for("the last of it", PATIENCE, |screen| {
        screen.contains("the end") && screen.contains(&bottle) && screen.contains("5 Spec")
    });
    replay.send("g");
    replay.wait_for_text("0 events", PATIENCE);
    replay.send("q");
    assert_eq!(replay.wait_for_end(PATIENCE), 0);
}

/// What a terminal shows that a film was played on.
fn played(film: &str) -> String {
    let cells = |count| std::num::NonZeroU16::new(count).unwrap();
    let mut screen = vt100::Parser::new(cells(40), cells(120), 0);
    // Its last line may be half written.
    for line in film.lines().skip(1) {
        if let Ok((_, kind, data)) = serde_json::from_str::<(f64, String, String)>(line)
            && kind == "o"
        {
            screen.process(data.as_bytes());
        }
    }
    screen.screen().contents()
}

#[test]
fn a_session_is_filmed_as_cells_and_not_as_its_bytes() {
    let Some(engine) = engine_or_skip("a_session_is_filmed_as_cells") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text("AGENT ready", PATIENCE);
    let mut film = operator.terminal(&["cast", &bottle, "film.cast"], 80, 24);
    film.wait_for_text("ctrl-c ends it", PATIENCE);
    let path = operator.folder().join("film.cast");
    let filmed = |word: &str| {
        operator.wait_until(&format!("{word:?} in the film"), |_| {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            played(&text).contains(word)
        });
    };
    filmed("AGENT ready");
    operator.cellar(&["send", &bottle, "hello film"]);
    filmed("hello film");
    film.send("\x03");
    assert_eq!(film.wait_for_end(PATIENCE), 0);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    let head: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(head["version"], 2);
    let mut last = 0.0;
    for line in lines {
        let (at, kind, data): (f64, String, String) = serde_json::from_str(line).unwrap();
        assert!(at >= last, "{line}");
        last = at;
        assert!(kind == "o" || kind == "r", "{line}");
        // Cells and colours; no title, link or clipboard, and no wish for a mouse.
        assert!(
            !data.contains("\u{1b}]") && !data.contains("?1000h"),
            "{line}"
        );
    }
    drop(console);
    operator.cellar(&["rm", "--yes", &bottle]);
}
