//! The real Claude Code beyond its bottle's budget: paused, not killed, and nothing lost.

use crate::support::double::Vouched;
use crate::support::engine::engine_or_skip;
use crate::support::manifests;
use crate::support::model::{HOST, ModelDouble, claude_image};
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

const ENTER: &str = "\r";
const TOKEN: &str = "sk-ant-oat01-the-operators-own-token-0123456789";

/// How the one budget stands.
fn standing(operator: &Operator, bottle: &str) -> serde_json::Value {
    operator.json(&["budget", bottle])["budgets"][0].clone()
}

fn spent(operator: &Operator, bottle: &str) -> u64 {
    standing(operator, bottle)["spent"].as_u64().unwrap_or(0)
}

fn until_paused(operator: &Operator, bottle: &str) {
    operator.wait_until("a request that waits", |operator| {
        operator.json(&["show", bottle])["bottle"]["state"] == "paused"
    });
}

fn ask(attach: &Terminal, text: &str) {
    attach.send(text);
    attach.wait_for_text(text, PATIENCE);
    attach.send(ENTER);
}

#[test]
fn a_spent_budget_pauses_the_agent_until_the_operator_answers() {
    let Some(engine) = engine_or_skip("a_spent_budget_pauses_the_agent") else {
        return;
    };
    let vouched = Vouched::for_hosts(&[HOST]);
    let manifest = manifests::claude_with_credential(&claude_image());
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    manifest["bottles"]["claude"]["budget"] = serde_json::json!({"tokens": "100k in total"});
    let operator = Operator::new(engine, &manifest.to_string());
    operator.write("token", TOKEN);
    operator.write("ca.pem", &vouched.authority);
    let bottle = operator.name();
    operator.cellar(&["start", "coder", "--yes", "--name", &bottle]);
    let egress = engine.container(&bottle, "egress");
    let double = ModelDouble::with_tls(engine, &egress, &vouched);
    let attach = operator.terminal(&["attach", &bottle], 100, 30);
    attach.wait_for("Claude Code's prompt", PATIENCE, |screen| {
        screen.contains('❯') && screen.contains("bypass permissions on")
    });
    ask(&attach, "hello cellar");
    attach.wait_for_text("turn 1 heard hello cellar", PATIENCE);
    operator.wait_until("the tokens of the first turn", |operator| {
        spent(operator, &bottle) >= 20
    });

    // From here on there is nothing left, and the next question waits.
    operator.cellar(&["budget", &bottle, "--set", "tokens/total=1"]);
    let first = spent(&operator, &bottle);
    let questions = |double: &ModelDouble| double.log().matches("POST /v1/messages").count();
    let answered = questions(&double);
    assert!(answered > 0, "{}", double.log());
    ask(&attach, "second question");
    until_paused(&operator, &bottle);
    assert_eq!(questions(&double), answered, "it waits in egress");
    let listed = operator.json(&["list"])[0].clone();
    assert_eq!(listed["state"], "paused");
    let detail = listed["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("budget: 1 token in total is spent; "),
        "{detail}"
    );

    // A sidecar that is killed meanwhile gives nothing back; the agent asks again.
    drop(double);
    assert!(
        engine.crash(&egress),
        "the sidecar's process is killed by root"
    );
    let double = ModelDouble::with_tls(engine, &egress, &vouched);
    operator.wait_until("egress without its secret", |operator| {
        let shown = operator.json(&["show", &bottle]);
        shown["bottle"]["hub"]["roles"]["egress"]["state"] == "locked"
    });
    operator.cellar(&["unlock", &bottle]);
    until_paused(&operator, &bottle);
    assert_eq!(spent(&operator, &bottle), first);
    assert_eq!(questions(&double), 0);

    // The console, which was not there when it happened, asks, and a key answers.
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text("budget: 1 token in total is spent", PATIENCE);
    console.send("a");
    console.wait_for_text("Raise the budget of", PATIENCE);
    console.send("y");
    attach.wait_for_text("turn 2 heard second question", PATIENCE);
    operator.wait_until("a bottle that goes on", |operator| {
        operator.json(&["show", &bottle])["bottle"]["state"] != "paused"
    });
    drop(console);
    let raised = standing(&operator, &bottle);
    assert!(raised["amount"].as_u64().unwrap() > first, "{raised}");
    assert_eq!(raised["began"], 1);

    // Refused, the agent is told so in words that its user sees, and goes on living.
    operator.cellar(&["budget", &bottle, "--set", "tokens/total=1"]);
    ask(&attach, "third question");
    until_paused(&operator, &bottle);
    operator.cellar(&["budget", &bottle, "--refuse"]);
    attach.wait_for_text("a budget of this bottle is spent", PATIENCE);
    assert_eq!(standing(&operator, &bottle)["is_refused"], true);
    operator.cellar(&["budget", &bottle, "--raise", "tokens=1M"]);
    ask(&attach, "fourth question");
    attach.wait_for_text("heard fourth question", PATIENCE);
    drop((attach, double));
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
