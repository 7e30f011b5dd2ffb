//! Freezing, cutting and the panic, on a real engine and in a real terminal.

use std::process::Stdio;

use serde_json::json;

use crate::support::engine::{Engine, engine_or_skip};
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};

const ENTER: &str = "\r";
const CTRL_Q: &str = "\x11";

fn is_frozen(engine: Engine, bottle: &str) -> bool {
    let agent = engine.container(bottle, "agent");
    engine
        .docker(&["inspect", "-f", "{{.State.Paused}}", &agent])
        .trim()
        == "true"
}

/// The networks of a bottle's egress, as the kernel of its container sees them: loopback
/// counts too.
fn interfaces(engine: Engine, bottle: &str) -> usize {
    let egress = engine.container(bottle, "egress");
    let pid = engine.docker(&["inspect", "-f", "{{.State.Pid}}", &egress]);
    let listed = std::fs::read_to_string(format!("/proc/{}/net/dev", pid.trim())).unwrap();
    listed.lines().filter(|line| line.contains(':')).count()
}

fn bottles(operator: &Operator, many: usize) -> Vec<String> {
    (0..many)
        .map(|_| {
            let bottle = operator.name();
            operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
            bottle
        })
        .collect()
}

#[test]
fn a_frozen_bottle_stands_still_and_a_cut_one_lets_nothing_out() {
    let Some(engine) = engine_or_skip("a_frozen_bottle_stands_still") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = bottles(&operator, 1).remove(0);
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, PATIENCE);
    console.send(ENTER);
    console.wait_for_text("AGENT ready", PATIENCE);
    console.send("before\r");
    console.wait_for_text("AGENT heard before", PATIENCE);
    console.send(CTRL_Q);
    console.wait_for_text("? help", PATIENCE);

    // Frozen from the console: it shows, and nobody attaches.
    console.send("p");
    console.wait_for_text("is frozen where it was", PATIENCE);
    assert!(is_frozen(engine, &bottle));
    console.send(ENTER);
    console.wait_for_text("p lets it go on, then enter attaches", PATIENCE);
    assert_eq!(operator.json(&["list"])[0]["state"], json!("frozen"));
    assert_eq!(operator.run(&["freeze", &bottle]).status.code(), Some(0));
    let waited = operator.run(&["wait", &bottle, "--for", "frozen", "--timeout", "30s"]);
    assert_eq!(waited.status.code(), Some(0));

    // It goes on where it was, with what it had in memory.
    operator.cellar(&["unfreeze", &bottle]);
    assert!(!is_frozen(engine, &bottle));
    assert_eq!(operator.run(&["unfreeze", &bottle]).status.code(), Some(1));
    console.wait_for("that it goes on", PATIENCE, |screen| {
        !screen.contains("is frozen where it was")
    });
    console.send(ENTER);
    console.wait_for_text("AGENT heard before", PATIENCE);
    console.send("after\r");
    console.wait_for_text("AGENT heard after", PATIENCE);
    console.send(CTRL_Q);
    console.wait_for_text("? help", PATIENCE);

    // Cut: no interface is left but loopback, also after a stop and a resume.
    assert_eq!(interfaces(engine, &bottle), 2);
    console.send("C");
    console.wait_for_text("Egress loses its network", PATIENCE);
    console.send("y");
    console.wait_for_text("is cut: nothing leaves it", PATIENCE);
    assert_eq!(interfaces(engine, &bottle), 1);
    console.wait_for_text("cut from the network", PATIENCE);
    operator.cellar(&["stop", &bottle]);
    operator.cellar(&["resume", &bottle]);
    assert_eq!(interfaces(engine, &bottle), 1, "a resume connected it");
    assert_eq!(operator.json(&["list"])[0]["is_cut"], json!(true));
    operator.cellar(&["reconnect", &bottle]);
    assert_eq!(interfaces(engine, &bottle), 2);

    // What is on record as cut, and was not when its console died, is cut by the next.
    let marker = operator
        .state()
        .join("cellar/bottles")
        .join(&bottle)
        .join("cut");
    std::fs::write(marker, b"").unwrap();
    operator.cellar(&["stop", "--all", "--json"]);
    operator.cellar(&["resume", &bottle]);
    assert_eq!(interfaces(engine, &bottle), 1);
    operator.cellar(&["reconnect", &bottle]);

    // Frozen, it can be stopped, and removed.
    operator.cellar(&["freeze", &bottle]);
    operator.cellar(&["stop", &bottle]);
    operator.cellar(&["resume", &bottle]);
    operator.cellar(&["restart", &bottle]);
    operator.cellar(&["freeze", &bottle]);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
    let audit = operator.cellar(&["audit", "--bottle", &bottle]);
    for word in ["freeze", "unfreeze", "cut egress", "reconnect egress"] {
        assert!(audit.contains(word), "no {word} in {audit}");
    }
}

#[test]
fn the_same_key_twice_holds_all_still_until_it_is_taken_back() {
    let Some(engine) = engine_or_skip("the_same_key_twice_holds_all_still") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottles = bottles(&operator, 3);
    // One was frozen before, and one cut.
    operator.cellar(&["freeze", &bottles[0]]);
    operator.cellar(&["cut", &bottles[1]]);
    let console = operator.terminal(&[], 120, 40);
    for bottle in &bottles {
        console.wait_for_text(bottle, PATIENCE);
    }
    console.wait_for_text("1 frozen", PATIENCE);
    console.send("!");
    console.wait_for_text("Hold everything still?", PATIENCE);
    console.send("!");
    console.wait_for_text("ALL HELD STILL", PATIENCE);
    console.wait_for_text("3 frozen", PATIENCE);
    for bottle in &bottles {
        assert!(is_frozen(engine, bottle));
        assert_eq!(interfaces(engine, bottle), 1, "{bottle} is connected");
    }

    // Nothing starts or is let go, from anywhere.
    let refused = |arguments: &[&str]| {
        let output = operator.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("cellar panic --undo"), "{said}");
    };
    refused(&["start", "plain", "--yes"]);
    refused(&["unfreeze", &bottles[0]]);
    refused(&["reconnect", &bottles[1]]);
    refused(&["restart", &bottles[2]]);
    // One that somebody lets go behind our back is held again by the next look.
    let agent = engine.container(&bottles[2], "agent");
    engine.docker(&["unpause", &agent]);
    operator.cellar(&["freeze", "--all"]);
    assert!(is_frozen(engine, &bottles[2]));

    console.send("!");
    console.wait_for_text("Let everything go?", PATIENCE);
    console.send("y");
    console.wait_for("that nothing is held still", PATIENCE, |screen| {
        !screen.contains("ALL HELD STILL")
    });
    assert!(is_frozen(engine, &bottles[0]), "it was frozen before");
    assert!(!is_frozen(engine, &bottles[2]));
    assert_eq!(interfaces(engine, &bottles[0]), 2);
    assert_eq!(interfaces(engine, &bottles[1]), 1, "it was cut before");
    assert_eq!(operator.run(&["panic", "--undo"]).status.code(), Some(1));

    // The verb does the same, also killed in the middle.
    let mut panic = operator
        .command(&["panic"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    operator.wait_until("the panic is on record", |operator| {
        operator.state().join("cellar/panic.json").exists()
    });
    panic.kill().unwrap();
    panic.wait().unwrap();
    operator.cellar(&["cut", "--all"]);
    for bottle in &bottles {
        assert!(is_frozen(engine, bottle));
        assert_eq!(interfaces(engine, bottle), 1, "{bottle} is connected");
    }
    let undone = operator.json(&["panic", "--undo"]);
    assert_eq!(undone["failures"], json!([]));

    // All at once: marked, stopped, removed.
    console.send("*");
    console.wait_for_text("3 MARKED", PATIENCE);
    console.send("x");
    console.wait_for_text("Stop these 3 bottles?", PATIENCE);
    console.send("y");
    console.wait_for_text("3 stopped", PATIENCE);
    console.send("d");
    console.wait_for_text("Remove these 3 bottles?", PATIENCE);
    console.send("y");
    console.wait_for_text("No bottles yet", PATIENCE);
    for bottle in &bottles {
        operator.left_nothing(bottle);
    }
}

#[test]
fn a_line_is_typed_into_a_session_without_attaching() {
    let Some(engine) = engine_or_skip("a_line_is_typed_into_a_session") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = bottles(&operator, 1).remove(0);
    let mut console = operator.terminal(&[], 120, 40);
    console.wait_for_text("AGENT ready", PATIENCE);
    operator.cellar(&["send", &bottle, "from a script"]);
    console.wait_for_text("AGENT heard from a script", PATIENCE);
    console.send("S");
    console.wait_for_text("A line that is typed there", PATIENCE);
    console.send("from the list");
    console.wait_for_text("from the list", PATIENCE);
    console.send(ENTER);
    console.wait_for_text("AGENT heard from the list", PATIENCE);
    console.send(":");
    console.wait_for_text("tab completes", PATIENCE);
    console.send("send from the line");
    console.wait_for_text(":send from the line", PATIENCE);
    console.send(ENTER);
    console.wait_for_text("AGENT heard from the line", PATIENCE);
    // What was chosen is there in the next run.
    console.send(":");
    console.wait_for_text("tab completes", PATIENCE);
    console.send("sort name");
    console.wait_for_text(":sort name", PATIENCE);
    console.send(ENTER);
    console.wait_for_text("BOTTLES▾", PATIENCE);
    console.send("q");
    console.wait_for_end(PATIENCE);
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text("BOTTLES▾", PATIENCE);
    drop(console);
    let stopped = operator.run(&["stop", &bottle]);
    assert_eq!(stopped.status.code(), Some(0));
    let sent = operator.run(&["send", &bottle, "nobody hears"]);
    assert_eq!(sent.status.code(), Some(1));
}
