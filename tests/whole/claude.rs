//! The real Claude Code in a bottle, against a model double, from the first key to
//! the last trace.

use crate::support::engine::engine_or_skip;
use crate::support::manifests;
use crate::support::model::{ModelDouble, claude_image};
use crate::support::operator::{Operator, PATIENCE};

const CTRL_Q: &str = "\x11";
const ENTER: &str = "\r";

#[test]
fn a_session_of_claude_code_outlives_the_console_and_ends_on_request() {
    let Some(engine) = engine_or_skip("a_session_of_claude_code_outlives_the_console") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = operator.name();
    operator.cellar(&["start", "coder", "--yes", "--name", &bottle]);
    let double = ModelDouble::beside(engine, &engine.container(&bottle, "egress"));

    // Typed through our own attach, answered through the real egress sidecar.
    let mut attach = operator.terminal(&["attach", &bottle], 100, 30);
    attach.wait_for("Claude Code's prompt", PATIENCE, |screen| {
        screen.contains('❯') && screen.contains("bypass permissions on")
    });
    attach.send("hello cellar");
    attach.wait_for_text("hello cellar", PATIENCE);
    attach.send(ENTER);
    attach.wait_for_text("turn 1 heard hello cellar", PATIENCE);
    assert!(
        double.log().contains("POST http://model.test")
            || double.log().contains("POST /v1/messages"),
        "{}",
        double.log()
    );

    // A tool runs inside the fence: no interface but loopback.
    attach.send("run: echo interfaces $(ls /sys/class/net)");
    attach.wait_for_text("run: echo interfaces", PATIENCE);
    attach.send(ENTER);
    attach.wait_for_text("the tool said interfaces lo", PATIENCE);

    attach.send(CTRL_Q);
    assert_eq!(attach.wait_for_end(PATIENCE), 0, "detaching is no failure");

    // The console sees the bottle and shows its session; killed, nothing is lost.
    let mut console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, PATIENCE);
    console.send(ENTER);
    console.wait_for_text("the tool said interfaces lo", PATIENCE);
    console.kill();
    let mut console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, PATIENCE);
    console.send(ENTER);
    console.wait_for_text("the tool said interfaces lo", PATIENCE);
    console.send("/exit");
    // The menu of commands, so that the key is not taken for part of a paste.
    console.wait_for_text("Exit the CLI", PATIENCE);
    console.send(ENTER);
    operator.wait_until("the session's end", |_| {
        let state = engine.docker(&[
            "inspect",
            "--format",
            "{{.State.Status}} {{.State.ExitCode}}",
            &engine.container(&bottle, "agent"),
        ]);
        state == "exited 0"
    });
    console.wait_for("the stopped bottle", PATIENCE, |screen| {
        screen
            .lines()
            .any(|line| line.contains(&bottle) && line.contains("stopped"))
    });
    console.kill();
    drop(double);

    // The conversation is taken up where it was.
    operator.cellar(&["resume", &bottle]);
    let double = ModelDouble::beside(engine, &engine.container(&bottle, "egress"));
    let attach = operator.terminal(&["attach", &bottle], 100, 30);
    attach.wait_for_text("turn 1 heard hello cellar", PATIENCE);
    attach.send("welcome back");
    attach.wait_for_text("welcome back", PATIENCE);
    attach.send(ENTER);
    attach.wait_for_text("turn 3 heard welcome back", PATIENCE);

    // Its hooks told of the turn's end, and stand in for its files when these are gone.
    // Last, for the conversation is lost with them.
    let agent = engine.container(&bottle, "agent");
    let shell = |script: &str| engine.docker(&["exec", &agent, "sh", "-c", script]);
    operator.wait_until("the hook of the turn's end", |_| {
        shell("cat /run/init/hook-word.json").contains(r#""activity":"idle""#)
    });
    operator.wait_until("the hook's word in place of the files'", |operator| {
        shell("rm -rf $HOME/.claude/sessions/*.json $HOME/.claude/projects");
        let session = &operator.json(&["show", &bottle])["bottle"]["hub"]["session"];
        session["activity"] == "idle" && session["source"] == "hook"
    });
    drop(attach);
    drop(double);

    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
