//! Logs of real containers: long ones in the console, several on the command line.

use crate::support::engine::{Engine, engine_or_skip, example};
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

/// Lines that the container prints: more than the page asks for first, less than makes
/// an engine that turns logs over let some go.
const LINES: u32 = 20_000;
const ENTER: &str = "\r";

/// Starts a container that stands for a bottle's agent and prints a log. It has no
/// network and needs none.
fn logging(operator: &Operator, engine: Engine, bottle: &str, arguments: &[&str]) {
    let owner = std::fs::read_to_string(operator.state().join("cellar/owner")).unwrap();
    let image = engine.one_file_image("plain-agent", &example("plain-agent"));
    let name = format!("cellar-{bottle}-agent");
    let labels = [
        format!("cellar.bottle={bottle}"),
        String::from("cellar.role=agent"),
        String::from("cellar.agent=plain"),
        format!("cellar.owner={}", owner.trim()),
    ];
    let mut command = vec!["run", "--detach", "--network", "none", "--name", &name];
    for label in &labels {
        command.extend(["--label", label]);
    }
    command.extend([image.as_str(), "/program"]);
    command.extend(arguments);
    engine.docker(&command);
}

fn wait_for(console: &Terminal, words: &[&str]) {
    console.wait_for(&words.join(", "), PATIENCE, |screen| {
        words.iter().all(|word| screen.contains(word))
    });
}

#[test]
fn a_long_log_is_read_to_its_first_line_and_searched() {
    let Some(engine) = engine_or_skip("a_long_log_is_read_to_its_first_line_and_searched") else {
        return;
    };
    let operator = Operator::new(engine, "{}");
    operator.cellar(&["list"]);
    let bottle = operator.name();
    let lines = LINES.to_string();
    logging(&operator, engine, &bottle, &["log", &lines, "20"]);
    let console = operator.terminal(&[], 170, 40);
    console.wait_for_text(&bottle, PATIENCE);
    console.send("l");
    // All of it, and what is printed now.
    wait_for(&console, &["following", " 20,0", "of the log at "]);
    console.send("g");
    wait_for(
        &console,
        &["PAUSED", "line         0 of the log", "to 31 of 20,"],
    );
    console.send("/line  {4}12[0-9]{3} of\r");
    wait_for(&console, &["1/1,000", "▸", "line     12000 of the log"]);
    console.send("nN");
    console.send("N");
    // The last of them, from the other end.
    wait_for(&console, &["1,000/1,000", "line     12999 of the log"]);
    console.send("&9 of\r");
    wait_for(
        &console,
        &["& 9 of", "line     12999 of", "line     13009 of"],
    );
    console.send("\u{1b}");
    console.wait_for("the search dropped", PATIENCE, |screen| {
        !screen.contains("{4}12") && screen.contains("& 9 of")
    });
    console.send("\u{1b}");
    wait_for(&console, &["line     13000 of", "line     13001 of"]);
    console.send(ENTER);
    console.wait_for_text("agent stdout, ", PATIENCE);
    console.send("\u{1b}");
    // An escape and a key at once would be a key with alt.
    console.wait_for("the line closed", PATIENCE, |screen| {
        !screen.contains("agent stdout, ")
    });
    console.send("\u{13}");
    console.wait_for_text("/saved-logs/", PATIENCE);
    let saved = operator.files_with("line     12345 of the log");
    assert!(
        matches!(saved.as_slice(), [name] if name.starts_with(&bottle)),
        "{saved:?}"
    );
    console.send("G");
    wait_for(&console, &["following", "of the log at "]);
    drop(console);
}

#[test]
fn logs_of_several_bottles_are_one_log_by_time() {
    let Some(engine) = engine_or_skip("logs_of_several_bottles_are_one_log_by_time") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottles = [operator.name(), operator.name()];
    for bottle in &bottles {
        operator.cellar(&["start", "plain", "--yes", "--name", bottle]);
    }
    let [one, other] = &bottles;
    let printed = operator.cellar(&["logs", one, other, "--json"]);
    let lines: Vec<serde_json::Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let times: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["at"].as_str())
        .collect();
    assert!(times.is_sorted() && times.len() == lines.len(), "{printed}");
    for bottle in &bottles {
        assert!(
            lines.iter().any(|line| line["bottle"] == bottle.as_str()),
            "{printed}"
        );
    }
    let ready = operator.cellar(&["logs", one, "--role", "egress", "--grep", "^READY$"]);
    assert_eq!(ready, "", "a capital makes case matter");
    let ready = operator.cellar(&["logs", one, "--role", "egress", "--grep", "^ready$"]);
    assert_eq!(ready, "egress    ready\n");
    let timed = operator.cellar(&["logs", one, "--role", "egress", "--grep", "^ready$", "-t"]);
    assert!(
        timed.starts_with("egress    20") && timed.ends_with("Z ready\n"),
        "{timed}"
    );
    let nothing = operator.cellar(&["logs", one, other, "--since", "2100-01-01T00:00:00Z"]);
    assert_eq!(nothing, "");
    let refused = operator.run(&["logs", one, "--since", "yesterday"]);
    assert_eq!(refused.status.code(), Some(2));
    for bottle in &bottles {
        operator.cellar(&["rm", "--yes", bottle]);
    }
}
