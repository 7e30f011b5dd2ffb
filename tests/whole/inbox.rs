//! The inbox in a terminal: an agent asks, the operator answers with keys, and what was
//! answered is so.

use serde_json::json;

use super::requests::is_let_out;
use crate::support::agent::{asking_bottle, call};
use crate::support::engine::engine_or_skip;
use crate::support::manifests;
use crate::support::model::claude_image;
use crate::support::operator::{Operator, PATIENCE};

const ENTER: &str = "\r";
const TAB: &str = "\t";

#[test]
fn a_request_rings_is_approved_denied_and_undone_with_keys() {
    let Some(engine) = engine_or_skip("a_request_rings_is_approved_denied_and_undone") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let agent = engine.container(&bottle, "agent");
    let waits = |id: u64| {
        let agent = agent.clone();
        let arguments = json!({"id": id, "seconds": 120});
        std::thread::spawn(move || call(engine, &agent, "await_request", &arguments))
    };
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, PATIENCE);
    // Its sidecars say how they are as soon as the hub is heard.
    console.send("z");
    console.wait_for("the hub's word", PATIENCE, |screen| {
        screen
            .lines()
            .any(|line| line.contains("supervise") && line.contains("ok"))
    });

    let rung = console.bells();
    let ask = json!({"host": "pypi.org", "methods": ["GET"], "reason": "the wheels are there"});
    call(engine, &agent, "request_route", &ask);
    console.wait_for_text("a way out to GET pypi.org", PATIENCE);
    assert_eq!(console.bells(), rung + 1, "an agent's request rings once");

    // Nothing is approved by one key.
    console.send("i");
    console.wait_for_text("adds GET pypi.org, no credential", PATIENCE);
    console.wait_for_text("│ the wheels are there", PATIENCE);
    let heard = waits(1);
    console.send("a");
    console.wait_for_text(&format!("Approve {bottle}/1?"), PATIENCE);
    assert!(!is_let_out(&operator, &bottle, "https://pypi.org/simple/"));
    console.send("y");
    console.wait_for_text("is applied", PATIENCE);
    assert!(is_let_out(&operator, &bottle, "https://pypi.org/simple/"));
    let said = heard.join().unwrap();
    assert!(said.contains("in force since revision 2"), "{said}");

    let ask = json!({"host": "paste.example.com", "reason": "x"});
    call(engine, &agent, "request_route", &ask);
    console.wait_for_text(&format!("{bottle}/2"), PATIENCE);
    console.wait_for_text("adds paste.example.com", PATIENCE);
    let heard = waits(2);
    console.send("d");
    console.wait_for_text(&format!("Deny {bottle}/2?"), PATIENCE);
    console.send("use the mirror");
    console.wait_for_text("use the mirror", PATIENCE);
    console.send(ENTER);
    console.wait_for_text("is denied", PATIENCE);
    let said = heard.join().unwrap();
    assert!(said.contains("use the mirror"), "{said}");

    // The last answer comes first; the one before it is taken back.
    console.send(TAB);
    console.wait_for_text("Answered 2", PATIENCE);
    console.send("j");
    console.wait_for_text(&format!("{bottle}/1"), PATIENCE);
    console.send("u");
    console.wait_for_text("Take back what", PATIENCE);
    console.send("y");
    console.wait_for_text("is undone", PATIENCE);
    assert!(!is_let_out(&operator, &bottle, "https://pypi.org/simple/"));
    console.send("q");
    drop(console);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
