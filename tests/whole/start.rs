//! Starting, looking, stopping and removing from the command line.

use std::process::Child;

use serde_json::Value;

use crate::support::engine::engine_or_skip;
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};

/// Every bottle's id in what `list --json` prints, wherever it stands.
fn ids(value: &Value) -> Vec<String> {
    let own = value["id"].as_str().map(str::to_owned);
    let fields = value
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.values());
    let items = value.as_array().into_iter().flatten();
    own.into_iter()
        .chain(fields.chain(items).flat_map(ids))
        .collect()
}

#[test]
fn a_plan_changes_nothing_on_the_engine() {
    let Some(engine) = engine_or_skip("a_plan_changes_nothing_on_the_engine") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    let plan = operator.cellar(&["start", "plain", "--dry-run", "--name", &bottle]);
    assert!(plan.contains("allowed.test"), "{plan}");
    operator.left_nothing(&bottle);
}

#[test]
fn a_bottle_is_sealed_as_the_engine_tells_it() {
    let Some(engine) = engine_or_skip("a_bottle_is_sealed_as_the_engine_tells_it") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let inspect = |role: &str, format: &str| {
        engine.docker(&[
            "inspect",
            "--format",
            format,
            &engine.container(&bottle, role),
        ])
    };
    assert_eq!(inspect("agent", "{{.HostConfig.NetworkMode}}"), "none");
    assert_eq!(inspect("supervise", "{{.HostConfig.NetworkMode}}"), "none");
    for role in ["agent", "egress", "supervise"] {
        assert_eq!(
            inspect(
                role,
                "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.Privileged}}"
            ),
            "true [ALL] false",
            "{role}"
        );
        let options = inspect(role, "{{json .HostConfig.SecurityOpt}}");
        assert!(options.contains("no-new-privileges"), "{role}: {options}");
    }
    operator.cellar(&["stop", &bottle]);
    for role in ["agent", "egress", "supervise"] {
        assert_eq!(inspect(role, "{{.State.Running}}"), "false", "{role}");
    }
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

/// A console on the engine's machine is connected to by the session itself; where the
/// folder for that is missing, the engine carries the line.
#[test]
fn a_session_is_reached_with_and_without_the_engine() {
    let Some(engine) = engine_or_skip("a_session_is_reached_with_and_without_the_engine") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let lines = operator
        .state()
        .join("cellar/bottles")
        .join(&bottle)
        .join("lines");
    let agent = engine.container(&bottle, "agent");
    let execs = || {
        let ids = engine.docker(&["inspect", "--format", "{{json .ExecIDs}}", &agent]);
        ids.matches('"').count() / 2
    };
    for is_short in [true, false] {
        if !is_short {
            std::fs::remove_dir(&lines).unwrap();
        }
        let mut terminal = operator.terminal(&["attach", &bottle], 80, 24);
        terminal.wait_for_text("AGENT ready", PATIENCE);
        let greeting = format!("short {is_short}");
        terminal.send(&format!("{greeting}\r"));
        terminal.wait_for_text(&format!("AGENT heard {greeting}"), PATIENCE);
        assert_eq!(execs(), usize::from(!is_short));
        terminal.kill();
    }
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

#[test]
fn a_name_is_given_once() {
    let Some(engine) = engine_or_skip("a_name_is_given_once") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let again = operator.run(&["start", "plain", "--yes", "--name", &bottle]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(
        engine
            .labelled(&format!("cellar.bottle={bottle}"))
            .iter()
            .filter(|found| found.starts_with("container"))
            .count(),
        3
    );
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

#[test]
fn ten_starts_of_one_agent_at_once_make_ten_bottles() {
    let Some(engine) = engine_or_skip("ten_starts_of_one_agent_at_once_make_ten_bottles") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let mut starts: Vec<Child> = (0..10)
        .map(|_| {
            operator
                .command(&["start", "plain", "--yes"])
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let ends: Vec<bool> = starts
        .iter_mut()
        .map(|start| start.wait().unwrap().success())
        .collect();
    let mut made = ids(&operator.json(&["list"]));
    made.sort();
    made.dedup();
    for id in &made {
        operator.owns(id);
    }
    assert_eq!(ends, vec![true; 10]);
    assert_eq!(made.len(), 10, "{made:?}");
    for id in &made {
        operator.cellar(&["rm", "--yes", id]);
        operator.left_nothing(id);
    }
}

#[test]
fn a_bad_manifest_ends_with_64_and_shows_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("cellar");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(
        config.join("cellar.json"),
        "{\n  \"bottles\": {},\n  \"agnets\": {}\n}\n",
    )
    .unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cellar"))
        .arg("check")
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("agnets") && said.contains("agents"), "{said}");
    assert!(said.contains("3:"), "{said}");
}

#[test]
fn an_engine_that_is_not_there_ends_with_69() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cellar"))
        .arg("list")
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .env(
            "DOCKER_HOST",
            format!("unix://{}/none.sock", folder.path().display()),
        )
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(69),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
