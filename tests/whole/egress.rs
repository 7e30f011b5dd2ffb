//! What may leave a bottle, changed and asked about while it runs.

use crate::support::engine::{Engine, engine_or_skip};
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

/// A bottle of the plain agent whose template has these terms, and its session.
fn bottle_with(engine: Engine, terms: &serde_json::Value) -> (Operator, String, Terminal) {
    let mut manifest: serde_json::Value =
        serde_json::from_str(&manifests::plain(engine, &[])).unwrap();
    for (key, value) in terms.as_object().unwrap() {
        manifest["bottles"]["plain"][key] = value.clone();
    }
    let operator = Operator::new(engine, &manifest.to_string());
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let attach = operator.terminal(&["attach", &bottle], 100, 60);
    attach.wait_for_text("AGENT ready", PATIENCE);
    (operator, bottle, attach)
}

fn asks(attach: &Terminal, address: &str, answer: &str) {
    attach.send(&format!("ask {address}\r"));
    attach.wait_for_text(
        &format!("AGENT asked {address}: HTTP/1.1 {answer}"),
        PATIENCE,
    );
}

/// What is told while the bottle runs counts at once and outlives the sidecar.
#[test]
fn routes_change_while_the_bottle_runs_and_outlive_the_sidecar() {
    let Some(engine) = engine_or_skip("routes_change_while_the_bottle_runs") else {
        return;
    };
    let (operator, bottle, attach) = bottle_with(engine, &serde_json::json!({}));
    asks(&attach, "one.test:443", "403");
    let proposed = operator.json(&["egress", "suggest", &bottle]);
    assert_eq!(proposed[0]["route"]["host"], "one.test");
    assert_eq!(proposed[0]["times"], 1);
    let told = operator.cellar(&["egress", "allow", &bottle, "one.test", "--for", "1h"]);
    assert!(told.contains("added one.test; in force now"), "{told}");
    asks(&attach, "one.test:443", "200");
    let shown = operator.json(&["egress", &bottle]);
    assert_eq!(shown["routes"][1]["host"], "one.test");
    assert_eq!(shown["generation"], 2);

    operator.cellar(&["egress", "revoke", &bottle, "1"]);
    attach.send("ask allowed.test:443\r");
    attach.wait_for_text("AGENT asked allowed.test:443: HTTP/1.1 403", PATIENCE);
    let egress = engine.container(&bottle, "egress");
    let reported = operator.json(&["egress", &bottle])["decisions"].clone();
    if engine.crash(&egress) {
        operator.wait_until("the table as it was", |operator| {
            operator.json(&["egress", &bottle])["generation"] == 3
        });
        // What was told of is on the sidecar's own disk.
        let log = engine.docker(&["cp", &format!("{egress}:/data/decisions.jsonl"), "-"]);
        let reported = reported.as_array().unwrap();
        assert!(reported.len() >= 3, "{reported:?}");
        for decision in reported {
            let line = format!("{{\"seq\":{},", decision["seq"]);
            assert!(log.contains(&line), "{line} is not in\n{log}");
        }
        // The door opens a moment after the hub heard that it did before.
        for attempt in 2.. {
            attach.send("ask allowed.test:443\r");
            attach.wait_for("an answer", PATIENCE, |screen| {
                screen.matches("AGENT asked allowed.test:443: ").count() == attempt
            });
            if attach
                .text()
                .matches("allowed.test:443: HTTP/1.1 403")
                .count()
                == 2
            {
                break;
            }
            assert!(attempt < 16, "it never refused again:\n{}", attach.text());
            // Slow enough that a busy machine has started it before the last attempt.
            operator.cellar(&["show", &bottle]);
        }
    }
    // And a stop: the record holds what the volume held.
    operator.cellar(&["stop", &bottle]);
    operator.cellar(&["resume", &bottle]);
    let shown = operator.json(&["egress", &bottle]);
    assert_eq!(shown["routes"].as_array().unwrap().len(), 1);
    assert_eq!(shown["routes"][0]["host"], "one.test");
    drop(attach);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

#[test]
fn a_verdict_is_explained_without_sending_anything() {
    let Some(engine) = engine_or_skip("a_verdict_is_explained_without_sending_anything") else {
        return;
    };
    let terms = serde_json::json!({"routes": [
        {"host": "api.example.com", "methods": ["GET"], "paths": ["/v1/*"]},
        {"host": "*.example.net"},
        {"host": "never.example.net", "deny": true},
    ]});
    let (operator, bottle, attach) = bottle_with(engine, &terms);
    for (arguments, reason) in [
        (&["https://api.example.com/v1/models"][..], None),
        (&["https://deep.below.example.net/"], None),
        (
            &["https://api.example.com/v1/models", "-X", "POST"],
            Some("method_not_allowed"),
        ),
        (&["https://api.example.com/v2"], Some("path_not_allowed")),
        (&["https://example.net/"], Some("host_not_allowed")),
        (&["https://never.example.net/"], Some("route_denied")),
        (&["https://api.example.com:8443/"], Some("port_not_allowed")),
    ] {
        let words: Vec<&str> = ["egress", "test", bottle.as_str()]
            .iter()
            .chain(arguments)
            .chain(&["--json"])
            .copied()
            .collect();
        let output = operator.run(&words);
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["allowed"], reason.is_none(), "{arguments:?}");
        assert_eq!(answer["reason"].as_str(), reason, "{arguments:?}");
        assert_eq!(output.status.success(), reason.is_none(), "{arguments:?}");
    }
    let shown = operator.json(&["egress", &bottle]);
    assert_eq!(shown["decisions"].as_array().unwrap().len(), 0);
    drop(attach);
    operator.cellar(&["rm", "--yes", &bottle]);
}

#[test]
fn what_no_route_allows_waits_for_the_operator() {
    let Some(engine) = engine_or_skip("what_no_route_allows_waits_for_the_operator") else {
        return;
    };
    let (operator, bottle, attach) =
        bottle_with(engine, &serde_json::json!({"unlisted": {"ask": "10m"}}));
    let number = |address: &str| {
        operator.wait_until("what waits", |operator| {
            operator.json(&["egress", &bottle])["holds"] != serde_json::json!([])
        });
        let holds = operator.json(&["egress", &bottle])["holds"].clone();
        assert_eq!(holds[0]["host"], address);
        holds[0]["id"].to_string()
    };
    attach.send("ask one.test:443\r");
    operator.cellar(&["egress", "refuse", &bottle, &number("one.test")]);
    attach.wait_for_text("asked one.test:443: HTTP/1.1 403", PATIENCE);
    attach.send("ask two.test:443\r");
    operator.cellar(&["egress", "accept", &bottle, &number("two.test")]);
    attach.wait_for_text("asked two.test:443: HTTP/1.1 200", PATIENCE);

    // On the console it needs the operator, who answers at a key.
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, PATIENCE);
    attach.send("ask three.test:443\r");
    console.wait_for_text("wants to reach three.test:443", PATIENCE);
    console.send("a");
    console.wait_for_text("let it through", PATIENCE);
    console.send("y");
    attach.wait_for_text("asked three.test:443: HTTP/1.1 200", PATIENCE);
    drop((console, attach));
    let routes = operator.json(&["egress", &bottle])["routes"]["routes"].clone();
    let hosts: Vec<&str> = routes
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|route| route["host"].as_str())
        .collect();
    assert_eq!(hosts, ["allowed.test", "two.test", "three.test"]);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
