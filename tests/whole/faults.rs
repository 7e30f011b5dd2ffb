//! Faults at every moment: nothing is lost that was promised, nothing is left that
//! was not.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::engine::{Engine, engine_or_skip};
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};

/// When a start is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Right after the state folder changed for the nth time: each step of the journal.
    Change(u32),
    /// After a part of the time that a whole start takes: between two steps.
    Part { of: Duration, sixteenths: u32 },
}

/// What is in the state folder, by name and size.
fn fingerprint(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // It may be renamed or removed while it is read.
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(facts) if facts.is_dir() => folders.push(entry.path()),
                Ok(facts) => found.push((entry.path(), facts.len())),
                Err(_) => {}
            }
        }
    }
    found.sort();
    found
}

/// Starts a bottle and kills the starting process at the moment; tells whether the
/// moment came before the end.
fn start_and_kill(operator: &Operator, bottle: &str, moment: Moment) -> bool {
    let mut seen = fingerprint(&operator.state());
    let mut start = operator
        .command(&["start", "plain", "--yes", "--name", bottle])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    let mut changes = 0;
    let was_interrupted = loop {
        if start.try_wait().unwrap().is_some() {
            break false;
        }
        let now = fingerprint(&operator.state());
        if now != seen {
            seen = now;
            changes += 1;
        }
        let is_time = match moment {
            Moment::Change(count) => changes >= count,
            Moment::Part { of, sixteenths } => begin.elapsed() >= of * sixteenths / 16,
        };
        if is_time {
            break true;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "a start takes over {PATIENCE:?}"
        );
    };
    start.kill().unwrap();
    start.wait().unwrap();
    was_interrupted
}

/// Killed after each change of the record and at moments between, a start is finished
/// or undone by the next look, and a removal leaves nothing.
#[test]
fn a_start_killed_at_any_moment_leaves_nothing_behind() {
    let Some(engine) = engine_or_skip("a_start_killed_at_any_moment_leaves_nothing_behind") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let begin = Instant::now();
    let first = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &first]);
    let whole = begin.elapsed();
    operator.cellar(&["rm", "--yes", &first]);

    let changes = (1..=24).map(Moment::Change);
    let parts = (1..16).step_by(2).map(|sixteenths| Moment::Part {
        of: whole,
        sixteenths,
    });
    let mut interrupted = 0;
    let mut are_changes_over = false;
    for moment in changes.chain(parts) {
        if are_changes_over && matches!(moment, Moment::Change(_)) {
            continue;
        }
        let bottle = operator.name();
        let was_interrupted = start_and_kill(&operator, &bottle, moment);
        interrupted += u32::from(was_interrupted);
        are_changes_over |= !was_interrupted && matches!(moment, Moment::Change(_));
        // The next one that looks finishes or undoes it.
        operator.cellar(&["list"]);
        operator.cellar(&["cleanup", "--yes"]);
        settle(&operator, engine, &bottle);
    }
    assert!(
        interrupted >= 6,
        "only {interrupted} starts were interrupted"
    );
}

/// After a look, a bottle is whole (three running containers, known to `list`) or gone.
fn settle(operator: &Operator, engine: Engine, bottle: &str) {
    let label = format!("cellar.bottle={bottle}");
    let listed = operator.json(&["list"]).to_string();
    if listed.contains(&format!("\"{bottle}\"")) {
        let filter = format!("label={label}");
        let running = engine.docker(&["ps", "-q", "--filter", &filter]);
        assert_eq!(running.lines().count(), 3, "{bottle} is listed: {listed}");
        operator.cellar(&["rm", "--yes", bottle]);
    }
    operator.left_nothing(bottle);
    let after = operator.json(&["list"]).to_string();
    assert!(!after.contains(bottle), "{after}");
}

#[test]
fn a_killed_sidecar_comes_back_and_the_session_lives() {
    let Some(engine) = engine_or_skip("a_killed_sidecar_comes_back_and_the_session_lives") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let attach = operator.terminal(&["attach", &bottle], 100, 30);
    attach.wait_for_text("AGENT ready", PATIENCE);
    for role in ["egress", "supervise"] {
        engine.crash(&engine.container(&bottle, role));
    }
    attach.send("still here\r");
    attach.wait_for_text("AGENT heard still here", PATIENCE);
    attach.send("ask denied.test:443\r");
    attach.wait_for_text("AGENT asked denied.test:443: HTTP/1.1 403", PATIENCE);
    drop(attach);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

/// A limit on the size of files stands for the full disk: each write beyond it
/// fails (EFBIG) as one on a full disk does (ENOSPC).
#[test]
fn a_full_disk_ends_a_start_cleanly() {
    let Some(engine) = engine_or_skip("a_full_disk_ends_a_start_cleanly") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    let command = operator.command(&["start", "plain", "--yes", "--name", &bottle]);
    let mut limited = std::process::Command::new("sh");
    // SIGXFSZ ignored, so that the write fails instead of the process.
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .envs(
            command
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .stdin(Stdio::null());
    let output = limited.output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    operator.left_nothing(&bottle);
    // With room again it works as if nothing had been.
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

/// Only where `CELLAR_TEST_RESTART_ENGINE` holds a command that restarts a throw-away
/// engine: everybody's containers die with it.
#[test]
fn a_restarted_engine_is_found_again() {
    let Some(engine) = engine_or_skip("a_restarted_engine_is_found_again") else {
        return;
    };
    let Ok(restart) = std::env::var("CELLAR_TEST_RESTART_ENGINE") else {
        use std::io::Write as _;
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED: a_restarted_engine_is_found_again: CELLAR_TEST_RESTART_ENGINE names no command"
        ));
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let mut console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, PATIENCE);
    let restarted = std::process::Command::new("sh")
        .args(["-c", &restart])
        .status()
        .unwrap();
    assert!(restarted.success(), "{restart}");
    operator.wait_until("the engine's return", |_| {
        engine.try_docker(&["version"]).status.success()
    });
    // The same console, not a new one.
    console.wait_for("the bottle as it is now", PATIENCE, |screen| {
        screen
            .lines()
            .any(|line| line.contains(&bottle) && line.contains("stopped"))
    });
    operator.cellar(&["resume", &bottle]);
    console.wait_for("the bottle back at work", PATIENCE, |screen| {
        !screen
            .lines()
            .any(|line| line.contains(&bottle) && line.contains("stopped"))
    });
    console.send("q");
    assert_eq!(console.wait_for_end(PATIENCE), 0);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
