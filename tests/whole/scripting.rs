//! What a script sees: a stream of what happens, and waits that end.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::agent::{asking_bottle, call};
use crate::support::engine::engine_or_skip;
use crate::support::manifests;
use crate::support::model::claude_image;
use crate::support::operator::{Operator, PATIENCE};

/// A running `cellar events --json`.
struct Stream {
    program: Child,
    lines: Receiver<Value>,
}

impl Stream {
    fn open(operator: &Operator, arguments: &[&str]) -> Self {
        let all = [&["events", "--json"], arguments].concat();
        let mut program = operator
            .command(&all)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(program.stdout.take().unwrap());
        let (tx, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let line = serde_json::from_str(&line.unwrap()).unwrap();
                if tx.send(line).is_err() {
                    return;
                }
            }
        });
        Self { program, lines }
    }

    /// Reads on to what fulfils the condition.
    #[track_caller]
    fn until(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        let mut read = Vec::new();
        loop {
            let left = PATIENCE.saturating_sub(begin.elapsed());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("waited for {what}; read {read:#?}");
            };
            if is_it(&line) {
                return line;
            }
            read.push(line);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.program.kill().ok();
        self.program.wait().ok();
    }
}

#[test]
fn a_script_hears_what_happens_and_waits_for_what_is_to_come() {
    let Some(engine) = engine_or_skip("a_script_hears_what_happens") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let agent = engine.container(&bottle, "agent");
    let wait = |states: &str| {
        let arguments = ["wait", &bottle, "--for", states, "--json"];
        operator
            .command(&arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let waited = |child: Child| {
        let output = child.wait_with_output().unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), said)
    };
    let (code, said) = waited(wait("ready"));
    assert_eq!((code, &said[0]["reached"]), (Some(0), &json!(true)));
    assert_eq!(said[0]["bottle"], json!(bottle));

    let stream = Stream::open(&operator, &[]);
    let first = stream.until("the bottle as it is", |line| {
        line["bottle"] == json!(bottle)
    });
    assert_eq!(
        (&first["version"], &first["event"]),
        (&json!(1), &json!("state"))
    );
    stream.until("a session that idles", |line| line["state"] == "idle");

    // What waits for the operator ends a wait, and is told.
    let needs = wait("needs-you");
    let ask = json!({"host": "pypi.org", "methods": ["GET"], "reason": "wheels"});
    call(engine, &agent, "request_route", &ask);
    assert_eq!(waited(needs).0, Some(0));
    let state = |line: &Value| line["request"]["state"].clone();
    let asked = stream.until("the request", |line| line["event"] == "request");
    assert_eq!(
        (state(&asked), &asked["request"]["id"]),
        (json!("pending"), &json!(1))
    );
    operator.cellar(&["request", "approve", &format!("{bottle}/1"), "--yes"]);
    stream.until("its end", |line| state(line) == "applied");
    let url = "http://refused.example/";
    drop(engine.try_docker(&[
        "exec",
        &agent,
        "curl",
        "-s",
        "-x",
        "http://127.0.0.1:3128",
        url,
    ]));
    stream.until("the refusal", |line| {
        line["decision"]["host"] == "refused.example"
    });

    // Who comes later is told how things stand, and nothing of before.
    let later = Stream::open(&operator, &[&bottle]);
    let now = later.until("how it stands", |line| line["state"] == "idle");
    assert_eq!(now["event"], "state");

    // A wait ends when its time is over, and when what it waits for cannot come.
    let late = operator.run(&["wait", &bottle, "--for", "working", "--timeout", "2s"]);
    assert_eq!(late.status.code(), Some(1));
    let stopped = wait("stopped");
    operator.cellar(&["stop", &bottle]);
    assert_eq!(waited(stopped).0, Some(0));
    stream.until("its stop", |line| line["state"] == "stopped");
    let (code, said) = waited(wait("idle,working"));
    assert_eq!(
        (code, &said[0]["standing"]["state"]),
        (Some(1), &json!("stopped"))
    );
    let gone = wait("gone");
    operator.cellar(&["rm", "--yes", &bottle]);
    assert_eq!(waited(gone).0, Some(0));
    later.until("its end", |line| line["event"] == "gone");
    operator.left_nothing(&bottle);
}
