//! A grant that goes into the operator's own file, other bottles that differ from it then,
//! and a `cellar` that dies in the middle.

use std::time::Duration;

use serde_json::{Value, json};

use crate::requests::{is_let_out, listed};
use crate::support::agent::{asking_bottle, call};
use crate::support::engine::engine_or_skip;
use crate::support::model::{PORT, claude_image};
use crate::support::operator::{Operator, PATIENCE};

/// An agent `coder` in a file that somebody wrote by hand.
fn manifest() -> String {
    let image = claude_image();
    format!(
        r#"// mine
{{
  "bottles": {{
    "claude": {{
      "image": {{ "from": "{image}" }}, // ours
      "env": {{ "ANTHROPIC_BASE_URL": {{ "value": "http://model.test:{PORT}" }} }},
      "routes": [
        // the double
        {{ "host": "model.test", "ports": [{PORT}], "connect_to": "127.0.0.1", "allow_private": true }}, // on us

        // nothing else yet
      ],
    }},
  }},
  "agents": {{ "coder": {{ "bottle": "claude" }} }},
}}
"#
    )
}

fn file(operator: &Operator) -> String {
    std::fs::read_to_string(operator.config("cellar.json")).unwrap()
}

#[test]
fn a_grant_into_the_manifest_keeps_the_file_and_reaches_other_bottles() {
    let Some(engine) =
        engine_or_skip("a_grant_into_the_manifest_keeps_the_file_and_reaches_other_bottles")
    else {
        return;
    };
    let text = manifest();
    let operator = Operator::new(engine, &text);
    let first = asking_bottle(&operator);
    let second = asking_bottle(&operator);
    let agent = engine.container(&first, "agent");
    let ask = json!({"host": "pypi.org", "methods": ["GET"], "reason": "wheels"});
    call(engine, &agent, "request_route", &ask);
    let name = format!("{first}/1");

    // A yes to the request is none to the file, and a grant that ends has no place there.
    let shown = operator.json(&["request", "show", &name]);
    assert_eq!(shown["manifest"]["state"], "same", "{shown}");
    let digest = shown["request"]["digest"].as_str().unwrap().to_owned();
    let into = ["request", "approve", &name, "--scope", "manifest"];
    for (more, why) in [
        (
            vec!["--digest", &digest],
            "say --yes to approve it and write",
        ),
        (vec!["--yes", "--for", "1h"], "leave out --for and --uses"),
    ] {
        let arguments: Vec<&str> = into.iter().copied().chain(more).collect();
        let refused = operator.run(&arguments);
        assert_eq!(refused.status.code(), Some(2));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(file(&operator), text);

    let arguments: Vec<&str> = into.iter().copied().chain(["--yes"]).collect();
    let told = operator.cellar(&arguments);
    let line = r#"        { "host": "pypi.org", "methods": ["GET"] },"#;
    assert!(told.contains(&format!("+{line}")), "{told}");
    assert!(told.contains("; written into "), "{told}");
    let with = text.replace("// on us\n", &format!("// on us\n{line}\n"));
    assert_eq!(file(&operator), with);
    assert!(is_let_out(&operator, &first, "https://pypi.org/simple/"));
    assert!(!is_let_out(&operator, &second, "https://pypi.org/simple/"));

    // The second was started before, and now differs; the first does not.
    let same = operator.json(&["diff", &first, "--manifest"]);
    assert_eq!(same["manifest"]["state"], "same", "{same}");
    let list = operator.cellar(&["list", "--quick"]);
    assert!(list.contains("differs: −1 route"), "{list}");
    let differs = operator.cellar(&["diff", &second, "--manifest"]);
    let missing = format!("the manifest has, and {second} has not:\n  GET pypi.org, no credential");
    assert!(differs.contains(&missing), "{differs}");
    operator.cellar(&["apply", &second, "--yes"]);
    assert!(is_let_out(&operator, &second, "https://pypi.org/simple/"));
    let same = operator.json(&["apply", &second]);
    assert_eq!(same, json!({ "changed": false }));

    // The other way: a grant for the bottle alone, put into the manifest afterwards.
    let ask = json!({"host": "crates.io", "methods": ["GET"], "reason": "crates"});
    call(engine, &agent, "request_route", &ask);
    let name = format!("{first}/2");
    operator.cellar(&["request", "approve", &name, "--yes"]);
    let shown = operator.cellar(&["show", &first]);
    assert!(shown.contains("differs: +1 route (request 2)"), "{shown}");
    let again = ["request", "approve", &name, "--scope", "manifest", "--yes"];
    let told = operator.json(&again);
    assert_eq!(told["manifest"]["outcome"], "written", "{told}");
    assert!(
        file(&operator)
            .contains("\n        { \"host\": \"crates.io\", \"methods\": [\"GET\"] },\n")
    );
    let told = operator.json(&again);
    assert_eq!(told["manifest"]["outcome"], "already_there", "{told}");

    let audit = operator.cellar(&["audit", "--bottle", &first]);
    assert!(audit.contains("request 1 into "), "{audit}");
    operator.cellar(&["rm", "--yes", &first, &second]);
    operator.left_nothing(&first);
}

/// Wherever `cellar` dies, the request is unanswered and the file as it was, or the bottle
/// and the file have the route, once.
#[test]
fn a_grant_into_the_manifest_killed_at_any_moment_is_whole_or_nothing() {
    let Some(engine) =
        engine_or_skip("a_grant_into_the_manifest_killed_at_any_moment_is_whole_or_nothing")
    else {
        return;
    };
    let operator = Operator::new(engine, &manifest());
    let bottle = asking_bottle(&operator);
    let agent = engine.container(&bottle, "agent");
    let moments = [
        0_u64, 60, 90, 120, 150, 180, 210, 240, 270, 300, 350, 400, 600,
    ];
    for (number, millis) in (1_u64..).zip(moments) {
        let host = format!("host{number}.example.com");
        let ask = json!({"host": host, "methods": ["GET"], "reason": "x"});
        call(engine, &agent, "request_route", &ask);
        let before = file(&operator);
        let name = format!("{bottle}/{number}");
        let approve = ["request", "approve", &name, "--scope", "manifest", "--yes"];
        let mut approval = operator.command(&approve).spawn().unwrap();
        // The moment is what is tried, so it is a time.
        std::thread::sleep(Duration::from_millis(millis));
        drop(approval.kill());
        approval.wait().unwrap();

        let requests = listed(&operator, &bottle);
        let request = requests.iter().find(|one| one["request"]["id"] == number);
        let state = request.unwrap()["request"]["state"].as_str().unwrap();
        if state == "pending" {
            assert_eq!(file(&operator), before, "after {millis} ms");
            operator.cellar(&approve);
        } else {
            assert_eq!(state, "applied", "after {millis} ms");
        }
        let entry = format!("        {{ \"host\": \"{host}\", \"methods\": [\"GET\"] }},\n");
        let after = file(&operator);
        assert_ne!(after, before, "after {millis} ms");
        assert_eq!(after.replacen(&entry, "", 1), before, "after {millis} ms");
        assert!(is_let_out(&operator, &bottle, &format!("https://{host}/")));
    }
    let shown: Value = operator.json(&["diff", &bottle, "--manifest"]);
    assert_eq!(shown["manifest"]["state"], "same", "{shown}");
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

#[test]
fn a_yes_in_the_inbox_is_for_the_change_of_the_file_that_was_shown() {
    let Some(engine) =
        engine_or_skip("a_yes_in_the_inbox_is_for_the_change_of_the_file_that_was_shown")
    else {
        return;
    };
    let text = manifest();
    let operator = Operator::new(engine, &text);
    let bottle = asking_bottle(&operator);
    let agent = engine.container(&bottle, "agent");
    let ask = json!({"host": "pypi.org", "methods": ["GET"], "reason": "wheels"});
    call(engine, &agent, "request_route", &ask);
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text("a way out to GET pypi.org", PATIENCE);
    console.send("i");
    console.wait_for_text("adds GET pypi.org, no credential", PATIENCE);
    console.send("t");
    console.wait_for_text(&format!("Terms of {bottle}/1?"), PATIENCE);
    // Down to the scope, the manifest, and on.
    console.send("Gl\r");
    console.wait_for_text("This is written into", PATIENCE);
    let line = r#"{ "host": "pypi.org", "methods": ["GET"] },"#;
    console.wait_for_text(line, PATIENCE);

    // Somebody writes into the file while it is read.
    let other = text.replace("// on us", "// on us all");
    operator.write("cellar.json", &other);
    console.send("y");
    console.wait_for_text("was changed since it was shown: read it again", PATIENCE);
    console.wait_for_text("// on us all", PATIENCE);
    assert_eq!(file(&operator), other);
    assert!(!is_let_out(&operator, &bottle, "https://pypi.org/simple/"));

    console.send("y");
    console.wait_for_text("; written into ", PATIENCE);
    let with = format!("// on us all\n        {line}\n");
    assert_eq!(file(&operator), other.replace("// on us all\n", &with));
    assert!(is_let_out(&operator, &bottle, "https://pypi.org/simple/"));
    console.send("q");
    drop(console);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
