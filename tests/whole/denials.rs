//! What egress refuses becomes a request, the operator approves it, and the same goes
//! through.

use std::process::Output;

use serde_json::{Value, json};

use crate::requests::listed;
use crate::support::agent::{asking_bottle, call};
use crate::support::engine::{Engine, engine_or_skip};
use crate::support::model::claude_image;
use crate::support::operator::{Operator, PATIENCE};
use crate::threats::authority::Authority;
use crate::threats::world::World;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nvintage 1";

/// A bottle in which `curl` is, and nothing else happens.
fn manifest(terms: &Value) -> String {
    let mut template = json!({
        "image": {"from": claude_image()}, "upstream_ca": "ca.pem", "denials": "request",
    });
    for (key, value) in terms.as_object().unwrap() {
        template[key] = value.clone();
    }
    json!({
        "bottles": {"wine": template},
        "agents": {"coder": {"bottle": "wine", "provider": {
            "command": ["sh", "-c", "export -p >/tmp/session; exec sleep infinity"],
        }}},
    })
    .to_string()
}

/// Runs `curl` as the session would.
fn curl(engine: Engine, agent: &str, arguments: &str) -> Output {
    let patience = PATIENCE.as_secs();
    let script = format!(". /tmp/session; exec curl -sS --max-time {patience} {arguments}");
    engine.try_docker(&["exec", agent, "sh", "-c", &script])
}

/// Waits until the session's environment is written down.
fn await_session(engine: Engine, operator: &Operator, agent: &str) {
    operator.wait_until("the session's environment", |_| {
        let there = ["exec", agent, "test", "-s", "/tmp/session"];
        engine.try_docker(&there).status.success()
    });
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// The requests, once there are so many.
fn requests(operator: &Operator, bottle: &str, count: usize) -> Vec<Value> {
    operator.wait_until("the requests of egress", |operator| {
        listed(operator, bottle).len() == count
    });
    let listed = listed(operator, bottle);
    let mut requests: Vec<Value> = listed.iter().map(|one| one["request"].clone()).collect();
    requests.sort_by_key(|one| one["id"].as_u64());
    requests
}

/// Sidecars that die tell and hear all of it again, and count none of it twice.
fn survives_crashes(engine: Engine, operator: &Operator, bottle: &str) {
    let times = |operator: &Operator| -> Vec<Value> {
        let each = listed(operator, bottle);
        each.iter()
            .map(|one| one["request"]["times"].clone())
            .collect()
    };
    let before = times(operator);
    for role in ["supervise", "egress"] {
        if engine.crash(&engine.container(bottle, role)) {
            operator.wait_until("what egress decided, told again", |operator| {
                let shown = operator.json(&["egress", bottle]);
                shown["decisions"].as_array().map_or(0, Vec::len) >= 4
            });
            assert_eq!(times(operator), before, "{role}");
        }
    }
}

#[test]
fn what_egress_refuses_is_asked_for_and_goes_through_once_it_is_approved() {
    let Some(engine) = engine_or_skip("what_egress_refuses_is_asked_for") else {
        return;
    };
    let authority = Authority::of(&[String::from("new.test")]);
    let operator = Operator::new(engine, &manifest(&json!({})));
    operator.write("ca.pem", &authority.pem);
    let bottle = asking_bottle(&operator);
    let agent = engine.container(&bottle, "agent");
    let egress = engine.container(&bottle, "egress");
    let mut world = World::around(engine, &egress, &authority.certificates());
    world.reply("/first", &[OK]);
    await_session(engine, &operator, &agent);

    let get = |engine| curl(engine, &agent, "--fail https://new.test/first");
    let refused = get(engine);
    assert!(!refused.status.success() && said(&refused).contains("403"));
    let one = requests(&operator, &bottle, 1).remove(0);
    assert_eq!(
        (&one["source"], &one["state"]),
        (&json!("egress"), &json!("pending"))
    );
    assert_eq!(one["ask"]["host"], "new.test");
    assert_eq!(one["ask"]["methods"], json!(["GET", "HEAD"]));
    // The client is told so where it can read it, and what cannot be is not asked for.
    let plain = said(&curl(engine, &agent, "http://plain.test/"));
    assert!(plain.contains("The operator is asked for it"), "{plain}");
    for hopeless in ["http://10.1.2.3/", "http://db.internal/"] {
        let told = said(&curl(engine, &agent, hopeless));
        assert!(!told.contains("is asked"), "{told}");
    }
    assert_eq!(
        requests(&operator, &bottle, 2)[1]["ask"]["host"],
        "plain.test"
    );

    // Neither the operator nor the agent takes it for the agent's own.
    let name = format!("{bottle}/1");
    let shown = operator.cellar(&["request", "show", &name]);
    assert!(shown.contains("by egress, for what it refused"), "{shown}");
    assert!(!shown.contains("own words"), "{shown}");
    let told = call(engine, &agent, "list_requests", &json!({}));
    assert!(told.contains("which the proxy filed"), "{told}");

    survives_crashes(engine, &operator, &bottle);
    drop(world);
    let mut world = World::around(engine, &egress, &authority.certificates());
    world.reply("/first", &[OK]);

    operator.cellar(&["request", "approve", &name, "--yes"]);
    let passed = get(engine);
    assert_eq!(said(&passed), "vintage 1");
    let told = call(
        engine,
        &agent,
        "await_request",
        &json!({"id": 1, "seconds": 10}),
    );
    assert!(told.contains("in force since revision 2"), "{told}");

    // More than was asked for is asked for by itself, and not again once it is denied.
    let post = || said(&curl(engine, &agent, "-d x https://new.test/first"));
    let told = post();
    assert!(told.contains("method_not_allowed"), "{told}");
    let ask = requests(&operator, &bottle, 3)[2]["ask"].clone();
    assert_eq!(ask["methods"], json!(["POST"]));
    assert_eq!(ask["paths"], json!(["/first"]));
    let third = format!("{bottle}/3");
    operator.cellar(&["request", "deny", &third, "-m", "read only"]);
    post();
    // What is refused after it is heard after it.
    curl(engine, &agent, "http://last.test/");
    let hosts: Vec<Value> = requests(&operator, &bottle, 4)
        .iter()
        .map(|one| one["ask"]["host"].clone())
        .collect();
    assert_eq!(hosts, ["new.test", "plain.test", "new.test", "last.test"]);

    // A route that lets it out takes the question back.
    operator.cellar(&["egress", "allow", &bottle, "last.test:80"]);
    operator.wait_until("a request that is taken back", |operator| {
        requests(operator, &bottle, 4)[3]["state"] == "withdrawn"
    });
    drop(world);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

#[test]
fn what_nobody_answered_in_time_is_asked_for_still() {
    let Some(engine) = engine_or_skip("what_nobody_answered_in_time_is_asked_for_still") else {
        return;
    };
    let authority = Authority::of(&[String::from("new.test")]);
    let terms = json!({"unlisted": {"ask": "5s"}});
    let operator = Operator::new(engine, &manifest(&terms));
    operator.write("ca.pem", &authority.pem);
    let bottle = asking_bottle(&operator);
    let agent = engine.container(&bottle, "agent");
    let told = said(&curl(engine, &agent, "http://new.test/"));
    assert!(told.contains("held_too_long"), "{told}");
    let one = requests(&operator, &bottle, 1).remove(0);
    assert_eq!(one["ask"]["host"], "new.test");
    assert_eq!(one["source"], "egress");
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

/// A token that no scanner finds here.
fn made_up(rest: &str) -> String {
    ["gh", "p_", rest].concat()
}

/// What is to pass is shown with its route; it has no end, and no place in the manifest.
fn is_shown_and_needs_a_yes_of_its_own(operator: &Operator, name: &str, accepted: &[&str]) {
    let shown = operator.cellar(&["request", "show", name]);
    let effect = "lets what looks like `github-pat` pass with all that the route POST new.test";
    assert!(shown.contains(effect), "{shown}");
    let found = "leaves to `new.test` from now on";
    assert!(shown.contains(found), "{shown}");
    let unaccepted = &accepted[..4];
    for (arguments, more) in [
        (unaccepted, &[] as &[_]),
        (accepted, &["--for", "1h"]),
        (accepted, &["--scope", "manifest"]),
    ] {
        let refused = operator.run(&[arguments, more].concat());
        assert!(!refused.status.success(), "{}", said(&refused));
    }
}

#[test]
fn what_looks_like_a_secret_is_asked_for_and_passes_once_it_is_approved() {
    let Some(engine) = engine_or_skip("what_looks_like_a_secret_is_asked_for") else {
        return;
    };
    let found = made_up("aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2zA4");
    let own = made_up("cD4eF6gH8iJ0kL2mN4oP6qR8sT0uV2wX4yZ6");
    let authority = Authority::of(&[String::from("new.test")]);
    let terms = json!({
        "secrets": {"own": {"file": "own"}},
        "routes": [
            {"host": "new.test", "methods": ["POST"]},
            {"host": "auth.test", "auth": {"secret": "own"}},
        ],
    });
    let operator = Operator::new(engine, &manifest(&terms));
    operator.write("ca.pem", &authority.pem);
    operator.write("own", &own);
    let bottle = asking_bottle(&operator);
    let agent = engine.container(&bottle, "agent");
    let egress = engine.container(&bottle, "egress");
    let mut world = World::around(engine, &egress, &authority.certificates());
    world.reply("/notes", &[OK]);
    await_session(engine, &operator, &agent);

    let post = |text: &str| {
        let note = format!("-d note={text} https://new.test/notes?to=all");
        said(&curl(engine, &agent, &note))
    };
    let told = post(&found);
    assert!(told.contains("secret_found"), "{told}");
    assert!(
        told.contains("the operator is asked to let it pass"),
        "{told}"
    );
    assert!(!world.seen().has_heard(&found));
    let one = requests(&operator, &bottle, 1).remove(0);
    let ask = json!({
        "kind": "scan_pass", "host": "new.test", "port": 443, "method": "POST",
        "path": "/notes", "rules": ["github-pat"],
    });
    assert_eq!((&one["source"], &one["ask"]), (&json!("egress"), &ask));
    let told = call(engine, &agent, "list_requests", &json!({}));
    assert!(told.contains("which the proxy filed"), "{told}");

    let name = format!("{bottle}/1");
    let accepted = ["request", "approve", &name, "--yes", "--accept-findings"];
    is_shown_and_needs_a_yes_of_its_own(&operator, &name, &accepted);
    operator.cellar(&accepted);
    assert_eq!(post(&found), "vintage 1");
    assert!(world.seen().has_heard(&found));
    let shown = operator.cellar(&["egress", &bottle]);
    assert!(
        shown.contains("lets what looks like `github-pat` pass"),
        "{shown}"
    );

    // The bottle's own credential looks the same, and does not.
    let told = post(&own);
    assert!(told.contains("secret_found"), "{told}");
    assert!(!told.contains("is asked"), "{told}");
    assert!(!world.seen().has_heard(&own));

    operator.cellar(&["request", "undo", &name]);
    let told = post(&found);
    assert!(told.contains("secret_found"), "{told}");
    let two = requests(&operator, &bottle, 2);
    assert_eq!(two[0]["state"], "undone");
    assert_eq!(
        (&two[1]["state"], &two[1]["ask"]),
        (&json!("pending"), &ask)
    );
    assert_eq!(operator.files_with(&found), [""; 0]);
    drop(world);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
