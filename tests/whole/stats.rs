//! What bottles use, of real containers: in the list, on its page, for scripts.

use crate::support::engine::engine_or_skip;
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};

#[test]
fn what_a_bottle_uses_is_shown_and_printed() {
    let Some(engine) = engine_or_skip("what_a_bottle_uses_is_shown_and_printed") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let mut console = operator.terminal(&[], 200, 50);
    // Two samples make a rate; both come by themselves.
    console.wait_for("CPU and memory in the bottle's row", PATIENCE, |screen| {
        let mut rows = screen.lines().filter(|line| line.contains(&bottle));
        rows.any(|row| {
            let cells: Vec<&str> = row.split_whitespace().collect();
            let cpu = cells.iter().position(|cell| cell.ends_with('%'));
            let memory = cpu.and_then(|at| cells.get(at + 1));
            memory.is_some_and(|cell| cell.ends_with(['K', 'M', 'G']))
        })
    });
    console.send("6");
    console.wait_for("the page of what it uses", PATIENCE, |screen| {
        ["MEMORY", "RECEIVED", "CONTAINER", "LIMIT"]
            .iter()
            .all(|word| screen.contains(word))
            && screen.lines().any(|line| {
                line.contains("supervise") && line.contains('%') && !line.contains("ok")
            })
    });
    // By CPU, and in groups: the one agent has one head.
    console.send("oc");
    console.wait_for_text("CPU▾", PATIENCE);
    console.send("og\u{1b}");
    console.wait_for_text("▾ plain 1", PATIENCE);
    console.kill();

    let told = operator.json(&["stats", &bottle]);
    let one = &told[0];
    assert_eq!(one["bottle"], bottle.as_str());
    assert!(one["memory_bytes"].as_u64().unwrap() > 0, "{one}");
    assert!(one["cpu_percent"].as_f64().is_some(), "{one}");
    for role in ["agent", "egress", "supervise"] {
        assert!(
            one["containers"][role]["pids"].as_u64().unwrap() > 0,
            "{one}"
        );
    }
    // What is stopped uses nothing.
    operator.cellar(&["stop", &bottle]);
    let stopped = operator.json(&["stats", &bottle]);
    assert_eq!(stopped[0]["memory_bytes"], 0, "{stopped}");
    assert!(stopped[0].get("cpu_percent").is_none(), "{stopped}");
}
