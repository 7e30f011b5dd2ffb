//! The console as plain lines: what somebody hears who has it read aloud.

use std::io::Write;
use std::process::Stdio;

use crate::support::engine::engine_or_skip;
use crate::support::fake_engine::FakeEngine;
use crate::support::fake_engine::fleet::Fleet;
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};

/// Nothing is drawn: no screen of its own, no cursor that is sent somewhere, no frame.
fn assert_linear(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(
        !text.chars().any(|c| matches!(c, '\u{2500}'..='\u{259f}')),
        "{text}"
    );
}

#[test]
fn what_is_typed_into_a_pipe_is_answered_in_lines() {
    let engine = FakeEngine::start(Fleet::quiet(9));
    let mut child = engine
        .console(&["--plain"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    Write::write_all(
        &mut input,
        b"help\nnext\nsort cpu\nfrobnicate\nstop nosuch\nquit\n",
    )
    .unwrap();
    let output = child.wait_with_output().unwrap();
    drop(input);
    assert!(output.status.success(), "{output:?}");
    assert_linear(&output.stdout);
    let text = String::from_utf8_lossy(&output.stdout);
    for line in [
        "stop BOTTLE: stop bottles; their work is kept.",
        "Nothing needs you.",
        "`sort` changes what is drawn, and nothing is drawn here",
        "unrecognized subcommand 'frobnicate'",
        "no bottle is `nosuch`",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
    assert_eq!(
        text.matches("> ").count() - text.matches("=> ").count(),
        6,
        "{text}"
    );
}

#[test]
fn a_bottle_is_heard_of_asked_and_answered_without_a_screen() {
    let Some(engine) = engine_or_skip("a_bottle_is_heard_of_asked_and_answered_without_a_screen")
    else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let mut console = operator.terminal(&["--plain"], 100, 60);
    console.wait_for_text(&format!("{bottle} is "), PATIENCE);
    operator.wait_until("the agent's first words", |operator| {
        operator
            .plain(&format!("session {bottle}"))
            .contains("AGENT ready")
    });
    console.send(&format!("session {bottle}\r"));
    console.wait_for_text("AGENT ready", PATIENCE);
    console.wait_for_text("Done.", PATIENCE);
    console.send(&format!("send {bottle} good morning\r"));
    operator.wait_until("what was sent", |operator| {
        operator
            .plain(&format!("session {bottle}"))
            .contains("AGENT heard good morning")
    });
    console.send(&format!("stop {bottle}\r"));
    console.wait_for_text(&format!("{bottle} is stopped"), PATIENCE);
    console.send("remove stopped\r");
    console.wait_for_text("[y/N]", PATIENCE);
    console.send("y\r");
    console.wait_for_text(&format!("{bottle} was removed."), PATIENCE);
    console.send("quit\r");
    assert_eq!(console.wait_for_end(PATIENCE), 0);
    assert!(!console.text().chars().any(|c| matches!(c, '─'..='▟')));
    operator.left_nothing(&bottle);
}
