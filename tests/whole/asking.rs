//! The real Claude Code asks for what it lacks, and hears the operator's answer.

use cellar::request::{Ask, RequestState, Source};
use serde_json::json;

use crate::support::agent::asking_bottle;
use crate::support::engine::engine_or_skip;
use crate::support::hub::HubLine;
use crate::support::manifests;
use crate::support::model::{ModelDouble, claude_image};
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

const ENTER: &str = "\r";
const STAMP: &str = "2026-01-02T03:04:05Z";

/// Makes the model call a tool, and waits for what it says that the tool said.
fn call(attach: &Terminal, call: &str, said: &str) {
    attach.send(&format!("call: {call}"));
    attach.wait_for_text(&format!("call: {call}"), PATIENCE);
    attach.send(ENTER);
    attach.wait_for_text(said, PATIENCE);
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one conversation from its start to its end"
)]
fn claude_code_asks_for_a_way_out_and_hears_the_answer() {
    let Some(engine) = engine_or_skip("claude_code_asks_for_a_way_out_and_hears_the_answer") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = operator.name();
    operator.cellar(&["start", "coder", "--yes", "--name", &bottle]);
    let double = ModelDouble::beside(engine, &engine.container(&bottle, "egress"));
    let supervise = engine.container(&bottle, "supervise");

    // Init found that the agent can ask; what the bottle is made of is known there.
    let agent_state = |operator: &Operator| {
        operator.json(&["show", &bottle])["bottle"]["hub"]["roles"]["agent"].to_string()
    };
    operator.wait_until("an agent that can ask", |operator| {
        agent_state(operator).contains("ready")
    });
    let page = |agent: &str| {
        let page = engine.docker(&["exec", agent, "curl", "-s", "http://127.0.0.1:9100/"]);
        serde_json::from_str::<serde_json::Value>(&page).unwrap()
    };
    let agent = engine.container(&bottle, "agent");
    assert_eq!(page(&agent)["image"]["reference"], claude_image());

    let attach = operator.terminal(&["attach", &bottle], 200, 30);
    attach.wait_for("Claude Code's prompt", PATIENCE, |screen| {
        screen.contains('❯') && screen.contains("bypass permissions on")
    });
    let ask =
        r#"mcp__cellar__request_route {"host":"pypi.org","methods":["GET"],"reason":"wheels"}"#;
    call(&attach, ask, "the tool said Request 1 (a way out to");
    assert!(
        double.log().contains("mcp__cellar__request_route"),
        "{}",
        double.log()
    );

    // A mistake comes back with what to do about it.
    let wrong = r#"mcp__cellar__request_route {"hots":"pypi.org","reason":"x"}"#;
    call(&attach, wrong, "did you mean host?");

    let mut hub = HubLine::open(engine, &supervise);
    let request = hub.request(|request| request.id == 1);
    assert_eq!(
        (request.source, request.reason.as_str()),
        (Source::Agent, "wheels")
    );
    let Ask::Route(route) = &request.ask else {
        panic!("{request:?}")
    };
    assert_eq!(route.host.to_string(), "pypi.org");
    assert!(route.methods.matches("GET") && !route.methods.matches("POST"));

    // The answer comes while the agent waits for it, and to who waits first.
    attach.send(r#"call: mcp__cellar__await_request {"id":1,"seconds":300}"#);
    attach.wait_for_text(r#""seconds":300}"#, PATIENCE);
    attach.send(ENTER);
    hub.step(
        1,
        &json!({"news": "verdict", "verdict": {
            "answer": {"answer": "approve", "terms": {}},
            "content": request.digest, "spec": request.digest, "at": STAMP,
        }}),
    );
    hub.request(|request| matches!(request.state, RequestState::Approved { .. }));
    let outcome = json!({"revision": 2, "words": "adds GET pypi.org", "at": STAMP});
    hub.step(1, &json!({"news": "applied", "outcome": outcome}));
    attach.wait_for_text("in force since revision 2 of this bottle", PATIENCE);
    let read = hub.request(|request| request.delivered.is_some());
    assert_eq!(read.id, 1);

    // A hub that dies forgets nothing, and the agent's next call finds the next one.
    if engine.crash(&supervise) {
        operator.wait_until("the hub's next life", |_| {
            let container = engine.container(&bottle, "agent");
            let probe = ["exec", &container, "curl", "-sf", "http://127.0.0.1:9100/"];
            engine.try_docker(&probe).status.success()
        });
        assert_eq!(page(&agent)["image"]["reference"], claude_image());
    }
    let question = r#"mcp__cellar__ask_operator {"question":"Which?"}"#;
    call(&attach, question, "the tool said Request 2 (Which?)");
    drop(attach);
    drop(double);

    // Taken up again, the conversation has its tools and its requests.
    operator.cellar(&["stop", &bottle]);
    operator.cellar(&["resume", &bottle]);
    let double = ModelDouble::beside(engine, &engine.container(&bottle, "egress"));
    let attach = operator.terminal(&["attach", &bottle], 200, 30);
    attach.wait_for("Claude Code's prompt", PATIENCE, |screen| {
        screen.contains('❯') && screen.contains("bypass permissions on")
    });
    let back = r#"mcp__cellar__withdraw_request {"id":2}"#;
    call(
        &attach,
        back,
        "the tool said Request 2 (Which?) is withdrawn",
    );
    assert!(
        double.log().contains("mcp__cellar__await_request"),
        "{}",
        double.log()
    );
    drop((attach, double));
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

/// An agent that does not wait hears of answers all the same: beside the result of a tool,
/// with the operator's next word, and instead of its turn's end.
#[test]
fn claude_code_that_does_not_wait_hears_the_answer() {
    let Some(engine) = engine_or_skip("claude_code_that_does_not_wait_hears_the_answer") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let double = ModelDouble::beside(engine, &engine.container(&bottle, "egress"));
    let agent = engine.container(&bottle, "agent");
    let attach = operator.terminal(&["attach", &bottle], 200, 50);
    attach.wait_for("Claude Code's prompt", PATIENCE, |screen| {
        screen.contains('❯') && screen.contains("bypass permissions on")
    });
    let ask = |id: u64| {
        let ask = format!(r#"mcp__cellar__ask_operator {{"question":"Question {id}?"}}"#);
        call(&attach, &ask, &format!("the tool said Request {id} "));
    };
    let reply = |id: u64, text: &str| {
        operator.cellar(&["request", "reply", &format!("{bottle}/{id}"), text]);
    };
    // How often its conversation holds a text, and whether the answer counts as read.
    let heard = |text: &str| {
        let look = format!("cat /home/agent/.claude/projects/*/*.jsonl | grep -c '{text}'");
        let said = engine
            .try_docker(&["exec", &agent, "sh", "-c", &look])
            .stdout;
        String::from_utf8_lossy(&said).trim() != "0"
    };
    let is_read = |id: usize| {
        let listed = operator
            .run(&["requests", &bottle, "--all", "--json"])
            .stdout;
        let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
        let mut listed = listed.as_array().unwrap().iter();
        let one = listed.find(|one| one["request"]["id"] == id).unwrap();
        one["request"]["delivered"].is_string()
    };

    // While it idles: with the operator's next word.
    ask(1);
    reply(1, "the blue one");
    assert!(!heard("The operator says: the blue one") && !is_read(1));
    attach.send("go on");
    attach.wait_for_text("go on", PATIENCE);
    attach.send(ENTER);
    operator.wait_until("the answer", |_| is_read(1));
    operator.wait_until("its words", |_| heard("The operator says: the blue one"));

    // While a tool runs: beside its result, or at the turn's end.
    ask(2);
    let wait = "touch /tmp/begun; until [ -e /tmp/go ]; do sleep 0.1; done; echo went on";
    let tool = format!(r#"Bash {{"command":"{wait}","description":"until told"}}"#);
    attach.send(&format!("call: {tool}"));
    attach.wait_for_text("until told", PATIENCE);
    attach.send(ENTER);
    std::thread::sleep(std::time::Duration::from_secs(10));
    println!("{}", attach.text());
    operator.wait_until("the tool", |_| {
        let look = ["exec", &agent, "test", "-e", "/tmp/begun"];
        engine.try_docker(&look).status.success()
    });
    reply(2, "the green one");
    engine.docker(&["exec", &agent, "touch", "/tmp/go"]);
    operator.wait_until("the answer", |_| is_read(2));
    operator.wait_until("its words", |_| heard("The operator says: the green one"));
    drop((attach, double));
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
