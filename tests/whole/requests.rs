//! What an agent asks for, answered from the command line: the route is in force, the
//! agent hears of it, and a killed `cellar` leaves nothing half done.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::agent::{asking_bottle, call};
use crate::support::engine::engine_or_skip;
use crate::support::manifests;
use crate::support::model::claude_image;
use crate::support::operator::Operator;

pub(crate) fn listed(operator: &Operator, bottle: &str) -> Vec<Value> {
    let output = operator.run(&["requests", bottle, "--all", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn is_let_out(operator: &Operator, bottle: &str, url: &str) -> bool {
    let test = operator.run(&["egress", "test", bottle, url]);
    test.status.success()
}

#[test]
fn an_answer_is_for_what_was_shown_and_counts_at_once() {
    let Some(engine) = engine_or_skip("an_answer_is_for_what_was_shown_and_counts_at_once") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let agent = engine.container(&bottle, "agent");
    let nothing = operator.run(&["requests"]);
    assert_eq!(nothing.status.code(), Some(1));

    // Characters that would not be shown as they are written file nothing.
    let hostile = json!({"host": "pypi.org", "reason": "wheels\u{1b}[2J\u{202e}"});
    let said = call(engine, &agent, "request_route", &hostile);
    assert!(said.contains("U+001B"), "{said}");
    assert_eq!(listed(&operator, &bottle), Vec::<Value>::new());

    let ask = json!({"host": "pypi.org", "methods": ["GET"], "reason": "the wheels are there"});
    let said = call(engine, &agent, "request_route", &ask);
    assert!(said.contains("Request 1"), "{said}");
    let said = call(engine, &agent, "request_route", &ask);
    assert!(said.contains("asked already: request 1"), "{said}");
    let text = operator.cellar(&["requests"]);
    assert!(text.contains("adds GET pypi.org, no credential"), "{text}");
    let name = format!("{bottle}/1");
    let text = operator.cellar(&["request", "show", &name]);
    assert!(text.contains("│ the wheels are there"), "{text}");
    assert!(text.contains("asked    2 times"), "{text}");
    let shown = operator.json(&["request", "show", &name]);
    let digest = shown["request"]["digest"].as_str().unwrap().to_owned();

    // Another digest, or a bottle that changed, is not what was shown.
    let other = format!("sha256:{}", "0".repeat(64));
    let refused = operator.run(&["request", "approve", &name, "--digest", &other]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!is_let_out(&operator, &bottle, "https://pypi.org/simple/"));

    let approve = [
        "request", "approve", &name, "--digest", &digest, "--for", "1h",
    ];
    let answered = operator.json(&approve);
    assert_eq!(answered["state"], "applied", "{answered}");
    assert!(is_let_out(&operator, &bottle, "https://pypi.org/simple/"));
    let again = operator.run(&approve);
    assert_eq!(again.status.code(), Some(1), "an answer is given once");
    let await_it = json!({"id": 1, "seconds": 10});
    let said = call(engine, &agent, "await_request", &await_it);
    assert!(said.contains("in force since revision 2"), "{said}");

    let question = json!({"question": "Which?", "choices": ["left", "right"]});
    call(engine, &agent, "ask_operator", &question);
    operator.cellar(&["request", "reply", &format!("{bottle}/2"), "2"]);
    let said = call(
        engine,
        &agent,
        "await_request",
        &json!({"id": 2, "seconds": 10}),
    );
    assert!(said.contains("right"), "{said}");

    let change = operator.cellar(&["diff", &bottle]);
    assert!(change.contains("adds GET pypi.org"), "{change}");
    operator.cellar(&["request", "undo", &name]);
    assert!(!is_let_out(&operator, &bottle, "https://pypi.org/simple/"));
    operator.cellar(&["rollback", &bottle, "2"]);
    assert!(is_let_out(&operator, &bottle, "https://pypi.org/simple/"));
    let steps = operator.json(&["revisions", &bottle]);
    let causes: Vec<&Value> = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["cause"]["cause"])
        .collect();
    assert_eq!(causes, ["start", "request", "undo", "rollback"]);

    let audit = operator.cellar(&["audit", "verify"]);
    assert!(audit.starts_with("whole"), "{audit}");
    let told = operator.cellar(&["audit", "--bottle", &bottle]);
    assert!(told.contains("request 1 (route) approved"), "{told}");
    operator.cellar(&["rm", "--yes", &bottle]);
    let report = operator.cellar(&["audit", "report", &bottle]);
    assert!(report.contains("remove"), "{report}");
    operator.left_nothing(&bottle);
}

/// Wherever `cellar` dies, the next one finds the request unanswered and nothing changed,
/// or it is done, once.
#[test]
fn an_approval_killed_at_any_moment_is_not_given_or_done_once() {
    let Some(engine) = engine_or_skip("an_approval_killed_at_any_moment_is_not_given_or_done_once")
    else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let agent = engine.container(&bottle, "agent");
    for (number, millis) in (1_u64..).zip([0_u64, 40, 80, 120, 160, 200, 260, 340, 500]) {
        let host = format!("host{number}.example.com");
        let ask = json!({"host": host, "methods": ["GET"], "reason": "x"});
        call(engine, &agent, "request_route", &ask);
        let name = format!("{bottle}/{number}");
        let mut approval = operator
            .command(&["request", "approve", &name, "--yes"])
            .spawn()
            .unwrap();
        // The moment is what is tried, so it is a time.
        std::thread::sleep(Duration::from_millis(millis));
        drop(approval.kill());
        approval.wait().unwrap();

        let requests = listed(&operator, &bottle);
        let request = requests.iter().find(|one| one["request"]["id"] == number);
        let state = request.unwrap()["request"]["state"].as_str().unwrap();
        let steps = operator.json(&["revisions", &bottle]);
        let of_it = |step: &&Value| step["cause"] == json!({"cause": "request", "id": number});
        let taken = steps.as_array().unwrap().iter().filter(of_it).count();
        let is_open = is_let_out(&operator, &bottle, &format!("https://{host}/"));
        match state {
            "pending" => assert_eq!((taken, is_open), (0, false), "after {millis} ms"),
            "applied" => assert_eq!((taken, is_open), (1, true), "after {millis} ms"),
            other => panic!("{other} after {millis} ms"),
        }
    }
    let audit = operator.cellar(&["audit", "verify"]);
    assert!(audit.starts_with("whole"), "{audit}");
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
