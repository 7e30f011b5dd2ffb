//! What the console approved, while it is done: its steps are seen, it is cancelled with a
//! key and nothing is left of it, and a killed console's work is finished by the next.

use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use crate::support::agent::{asking_bottle, call};
use crate::support::engine::{Engine, engine_or_skip};
use crate::support::manifests;
use crate::support::model::claude_image;
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

const TAB: &str = "\t";
const ESCAPE: &str = "\u{1b}";

/// Asks for an image that a step with these commands makes.
fn asks_for(engine: Engine, bottle: &str, id: u64, step: &str) {
    let agent = engine.container(bottle, "agent");
    // What was built before, by a test too, is not built again.
    let text = format!(
        "FROM {}\nUSER root\nRUN : {bottle}; {step}\nUSER agent\n",
        claude_image()
    );
    let ask = json!({"dockerfile": text, "reason": "x"});
    let said = call(engine, &agent, "request_image_change", &ask);
    assert!(said.contains(&format!("Request {id}")), "{said}");
}

fn state(operator: &Operator, bottle: &str, id: u64) -> Value {
    let listed = operator.run(&["requests", bottle, "--all", "--json"]);
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let mut requests = listed.into_iter().map(|one| one["request"].clone());
    requests.find(|request| request["id"] == id).unwrap()
}

/// Approves what is selected in the inbox, findings and all.
fn approve(console: &Terminal, bottle: &str, id: u64) {
    let name = format!("{bottle}/{id}");
    console.wait_for_text(&name, PATIENCE);
    // What it would do was looked up.
    console.wait_for_text("Dockerfile", PATIENCE);
    console.send("a");
    console.wait_for_text(&format!("Approve {name}?"), PATIENCE);
    console.send("y");
}

fn console(operator: &Operator, bottle: &str) -> Terminal {
    let console = operator.terminal(&[], 140, 40);
    console.wait_for_text(bottle, PATIENCE);
    console
}

/// Takes the places of all builds, as other processes would.
fn others_build(operator: &Operator) -> Vec<std::fs::File> {
    let places = ["build-0.lock", "build-1.lock"].into_iter();
    let take = |name| {
        let path = operator.state().join("cellar/cache").join(name);
        let mut options = std::fs::File::options();
        let file = options.create(true).append(true).open(path).unwrap();
        flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
        file
    };
    places.map(take).collect()
}

/// A build's containers, and what was tried.
fn of_builds(engine: Engine, bottle: &str) -> Vec<String> {
    let mut left = engine.labelled(&format!("cellar.build={bottle}"));
    let candidate = format!("name=cellar-{bottle}-candidate");
    let tried = engine.docker(&["ps", "-aq", "--filter", &candidate]);
    left.extend(tried.lines().map(str::to_owned));
    left
}

#[test]
fn an_approved_image_shows_its_build_and_ends_applied_or_cancelled() {
    let Some(engine) = engine_or_skip("an_approved_image_shows_its_build_and_ends_applied") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let console = console(&operator, &bottle);

    let step = "for i in 1 2 3 4 5 6; do echo made part $i; sleep 1; done; touch /usr/local/made";
    asks_for(engine, &bottle, 1, step);
    console.send("i");
    approve(&console, &bottle, 1);
    // In the inbox's second list, then in the list of bottles and on the bottle's page.
    console.send(TAB);
    console.wait_for_text("Answered 1", PATIENCE);
    console.wait_for_text("building 3/5", PATIENCE);
    console.wait_for_text("│ made part", PATIENCE);
    console.send("b");
    console.wait_for("the bottle's row", PATIENCE, |screen| {
        let mut rows = screen.lines().filter(|line| line.contains(&bottle));
        rows.any(|row| row.contains("building") && row.contains("3/5"))
    });
    console.send("l");
    console.wait_for_text("BUILD · 3/5", PATIENCE);
    // Nothing else is done to it meanwhile, in words.
    console.send("x");
    console.wait_for_text("wait for the change to end, or cancel it with c", PATIENCE);
    console.wait_for_text("is applied: image: +", PATIENCE);
    assert_eq!(state(&operator, &bottle, 1)["state"], "applied");
    let agent = engine.container(&bottle, "agent");
    engine.docker(&["exec", &agent, "ls", "/usr/local/made"]);

    // The second one is cancelled in the middle.
    asks_for(engine, &bottle, 2, "echo never; sleep 600");
    let others = others_build(&operator);
    console.send("i");
    approve(&console, &bottle, 2);
    console.send(TAB);
    console.wait_for_text("Answered 2", PATIENCE);
    console.send("k");
    console.wait_for_text("waits: 2 other images are being built", PATIENCE);
    drop(others);
    console.wait_for_text("│ never", PATIENCE);
    assert_ne!(of_builds(engine, &bottle), Vec::<String>::new());
    console.send("c");
    console.wait_for_text(&format!("Cancel the change of {bottle}?"), PATIENCE);
    console.send("y");
    console.wait_for_text("was cancelled", PATIENCE);
    assert_eq!(of_builds(engine, &bottle), Vec::<String>::new());
    let steps = engine.docker(&["ps", "-q", "--no-trunc"]);
    for container in steps.lines() {
        let runs = engine.try_docker(&["inspect", "--format", "{{.Config.Cmd}}", container]);
        let runs = String::from_utf8_lossy(&runs.stdout).into_owned();
        assert!(!runs.contains("echo never"), "{runs}");
    }
    // The agent hears it, and nobody begins it again.
    let request = state(&operator, &bottle, 2);
    assert_eq!(request["state"], "failed", "{request}");
    assert_eq!(engine.container(&bottle, "agent"), agent, "it goes on");
    let heard = call(
        engine,
        &agent,
        "await_request",
        &json!({"id": 2, "seconds": 10}),
    );
    assert!(heard.contains("the operator cancelled it"), "{heard}");
    console.send(ESCAPE);
    console.send("q");
    drop(console);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

#[test]
fn what_a_killed_console_had_approved_the_next_one_finishes() {
    let Some(engine) = engine_or_skip("what_a_killed_console_had_approved_the_next_one_finishes")
    else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let mut first = console(&operator, &bottle);
    asks_for(
        engine,
        &bottle,
        1,
        "sleep 5; echo nearly there; sleep 3; touch /usr/local/made",
    );
    first.send("i");
    approve(&first, &bottle, 1);
    first.send(TAB);
    first.wait_for_text("building 3/5", PATIENCE);
    first.kill();

    // Nobody asks it to: it looks, and goes on.
    let second = console(&operator, &bottle);
    second.send("i");
    second.send(TAB);
    second.wait_for_text("│ nearly there", PATIENCE);
    second.wait_for_text("is applied: image: +", PATIENCE);
    let agent = engine.container(&bottle, "agent");
    engine.docker(&["exec", &agent, "ls", "/usr/local/made"]);
    let steps = operator.json(&["revisions", &bottle]);
    let of_it = |step: &&Value| step["cause"] == json!({"cause": "request", "id": 1});
    assert_eq!(steps.as_array().unwrap().iter().filter(of_it).count(), 1);
    second.send("q");
    drop(second);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
    assert_eq!(of_builds(engine, &bottle), Vec::<String>::new());
}

#[test]
fn a_start_is_cancelled_in_its_build_and_nothing_is_left() {
    let Some(engine) = engine_or_skip("a_start_is_cancelled_in_its_build_and_nothing_is_left")
    else {
        return;
    };
    let manifest = manifests::claude(&claude_image());
    let from = json!({"from": claude_image()}).to_string();
    assert!(manifest.contains(&from), "{manifest}");
    let file = json!({"dockerfile": "Dockerfile"}).to_string();
    let manifest = manifest.replace(&from, &file);
    let operator = Operator::new(engine, &manifest);
    let text = format!(
        "FROM {}\nUSER root\nRUN echo never ever; sleep 600\nUSER agent\n",
        claude_image()
    );
    operator.write("Dockerfile", &text);
    let console = operator.terminal(&[], 140, 40);
    console.wait_for_text("No bottles yet", PATIENCE);
    console.send("s");
    console.wait_for_text("coder", PATIENCE);
    console.send("\r");
    console.wait_for_text("start it", PATIENCE);
    console.send("\r");
    console.wait_for_text("│ never ever", PATIENCE);
    console.wait_for_text("3/5", PATIENCE);
    let bottles = operator.state().join("cellar/bottles");
    let names = || {
        let entries = std::fs::read_dir(&bottles).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        names.collect::<Vec<String>>()
    };
    let known = names();
    let bottle = known
        .iter()
        .find(|name| name.starts_with("coder-"))
        .unwrap();
    operator.owns(bottle);
    console.send("c");
    console.wait_for_text("Cancel the start of coder-", PATIENCE);
    console.send("y");
    console.wait_for_text("its start was cancelled", PATIENCE);
    console.wait_for_text("No bottles yet", PATIENCE);
    assert_eq!(of_builds(engine, bottle), Vec::<String>::new());
    operator.left_nothing(bottle);
    assert!(!names().contains(bottle));
}
