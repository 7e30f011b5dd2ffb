//! The real Claude Code in a bottle, against a model double, from the first key to
//! the last trace.

use crate::support::double::Vouched;
use crate::support::engine::{Engine, engine_or_skip};
use crate::support::manifests;
use crate::support::model::{HOST, ModelDouble, claude_image};
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

const CTRL_Q: &str = "\x11";
const ENTER: &str = "\r";
/// A credential of the operator's, and how all of its kind begin.
const TOKEN: &str = "sk-ant-oat01-the-operators-own-token-0123456789";
const TOKENS: &str = "sk-ant-oat01";

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

/// The token is nowhere but where it is used: not in the agent's processes and files, not
/// in what the engine tells, not in a log, not on the operator's disk outside its file.
#[track_caller]
fn assert_is_nowhere(engine: Engine, operator: &Operator, bottle: &str) {
    let agent = engine.container(bottle, "agent");
    let search = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; \
        grep -rs 'sk-ant-oat0[1]' /home /workspace /run /tmp /var /etc; true";
    let found = engine.docker(&["exec", &agent, "sh", "-c", search]);
    assert!(found.contains("placeholder"), "{found}");
    let mut seen = vec![found];
    for role in ["agent", "egress", "supervise"] {
        let container = engine.container(bottle, role);
        seen.push(engine.docker(&["inspect", &container]));
        seen.push(engine.docker(&["logs", &container]));
    }
    seen.push(operator.cellar(&["egress", bottle, "--json"]));
    seen.push(operator.cellar(&["show", bottle, "--json"]));
    for text in seen {
        assert!(!text.contains(TOKENS), "{text}");
    }
    assert_eq!(operator.files_with(TOKENS), ["token"]);
}

/// What the double counted, as egress read it: ten in and ten out for each answer.
fn tokens(operator: &Operator, bottle: &str) -> u64 {
    let shown = operator.json(&["egress", bottle]);
    let model = &shown["usage"]["models"]["model-double"];
    let count = |kind: &str| model[kind].as_u64().unwrap_or(0);
    count("input") + count("output")
}

fn has_used(operator: &Operator, bottle: &str, what: &str, least: u64) {
    operator.wait_until(what, |operator| tokens(operator, bottle) >= least);
}

fn ask(attach: &Terminal, text: &str, answer: &str) {
    attach.send(text);
    attach.wait_for_text(text, PATIENCE);
    attach.send(ENTER);
    attach.wait_for_text(answer, PATIENCE);
}

/// The operator's own account: the token goes from a file of theirs into egress's memory
/// and from there to the model API alone. Where egress lost it, nothing is answered until
/// it is handed over again.
#[test]
fn a_credential_is_used_and_never_in_the_bottle() {
    let Some(engine) = engine_or_skip("a_credential_is_used_and_never_in_the_bottle") else {
        return;
    };
    let vouched = Vouched::for_hosts(&[HOST]);
    let operator = Operator::new(engine, &manifests::claude_with_credential(&claude_image()));
    operator.write("token", &format!("{TOKEN}\n"));
    operator.write("ca.pem", &vouched.authority);
    let bottle = operator.name();
    operator.cellar(&["start", "coder", "--yes", "--name", &bottle]);
    let egress = engine.container(&bottle, "egress");
    let double = ModelDouble::with_tls(engine, &egress, &vouched);
    let attach = operator.terminal(&["attach", &bottle], 100, 30);
    attach.wait_for("Claude Code's prompt", PATIENCE, |screen| {
        screen.contains('❯') && screen.contains("bypass permissions on")
    });
    ask(&attach, "hello cellar", "turn 1 heard hello cellar");
    let asked = double.log();
    assert!(
        asked.contains(&format!("authorization: Bearer {TOKEN}")),
        "{asked}"
    );
    assert!(asked.contains("oauth-2025-04-20"), "{asked}");
    assert!(!asked.contains("placeholder"), "{asked}");

    has_used(&operator, &bottle, "the tokens of the first turn", 20);
    let first = tokens(&operator, &bottle);
    let cost = &operator.json(&["egress", &bottle])["cost"];
    assert_eq!(cost["unpriced"][0], "model-double", "{cost}");

    assert_is_nowhere(engine, &operator, &bottle);
    if !engine.crash(&egress) {
        return;
    }
    has_used(&operator, &bottle, "the tokens of the life before", first);
    // The double went with the network that the sidecar had.
    drop(double);
    let double = ModelDouble::with_tls(engine, &egress, &vouched);
    let state = |operator: &Operator| {
        operator.json(&["show", &bottle])["bottle"]["hub"]["roles"]["egress"].to_string()
    };
    operator.wait_until("egress without its secret", |operator| {
        state(operator).contains("locked")
    });
    let test = operator.run(&[
        "egress",
        "test",
        &bottle,
        "https://api.anthropic.com/v1/messages",
    ]);
    assert!(test.status.success(), "it is missing, not forbidden");
    operator.cellar(&["unlock", &bottle]);
    assert!(state(&operator).contains("ready"), "{}", state(&operator));
    ask(&attach, "welcome back", "turn 2 heard welcome back");
    has_used(&operator, &bottle, "the tokens of both lives", first + 20);

    // The same from the console, whose list says what is missing.
    engine.crash(&egress);
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text("egress needs the value of model", PATIENCE);
    console.send("a");
    console.wait_for_text("egress has its secrets", PATIENCE);
    operator.wait_until("egress with its secret", |operator| {
        state(operator).contains("ready")
    });
    drop((double, console, attach));

    // A resume hands it over, too; without it nothing starts.
    operator.cellar(&["stop", &bottle]);
    operator.write("token", "");
    let refused = operator.run(&["resume", &bottle]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        words.contains("use the value of `model`: it is empty"),
        "{words}"
    );
    operator.write("token", TOKEN);
    operator.cellar(&["resume", &bottle]);
    operator.wait_until("egress with its secret", |operator| {
        state(operator).contains("ready")
    });
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

/// What the model API answers is what the bottle is said to do, whatever its program
/// makes of it: Claude Code waits out a limit and draws all the while.
#[test]
fn a_limit_and_a_refused_credential_are_named_as_the_model_said_them() {
    let Some(engine) = engine_or_skip("a_limit_and_a_refused_credential_are_named") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = operator.name();
    operator.cellar(&["start", "coder", "--yes", "--name", &bottle]);
    let double = ModelDouble::beside(engine, &engine.container(&bottle, "egress"));
    let attach = operator.terminal(&["attach", &bottle], 100, 30);
    attach.wait_for("Claude Code's prompt", PATIENCE, |screen| {
        screen.contains('❯') && screen.contains("bypass permissions on")
    });
    ask(&attach, "hello cellar", "turn 1 heard hello cellar");
    let until = |state: &str| {
        operator.cellar(&["wait", &bottle, "--for", state, "--timeout", "60s"]);
        operator.json(&["show", &bottle])["bottle"].clone()
    };
    let say = |text: &str| {
        attach.send(text);
        attach.wait_for_text(text, PATIENCE);
        attach.send(ENTER);
    };

    // The program goes on by itself as soon as it may.
    say("refuse: 429 3");
    let limited = until("limited");
    assert!(limited.to_string().contains("rate limit: 429"), "{limited}");
    attach.wait_for_text("turn 2 heard refuse: 429 3", PATIENCE);
    until("idle");
    say("refuse: 529 2");
    let overloaded = until("limited");
    assert!(
        overloaded.to_string().contains("overloaded: 529"),
        "{overloaded}"
    );
    attach.wait_for_text("turn 3 heard refuse: 529 2", PATIENCE);
    until("idle");

    // It gives up, and that needs the operator until the model answers again.
    say("refuse: 401 1");
    let expired = until("expired");
    assert!(
        expired.to_string().contains("credential refused: 401"),
        "{expired}"
    );
    let console = operator.terminal(&[], 140, 40);
    console.wait_for_text("credential refused: 401 from model.test", PATIENCE);
    ask(&attach, "welcome back", "heard welcome back");
    until("idle");
    drop((console, attach, double));
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
