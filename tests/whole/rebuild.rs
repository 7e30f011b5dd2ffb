//! A bottle's image is changed under it, as its agent asked: the conversation goes on, a
//! change that does not work out leaves everything as it was, and a killed `cellar`
//! leaves nothing half done.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::agent::{asking_bottle, call};
use crate::support::engine::{Engine, engine_or_skip};
use crate::support::manifests;
use crate::support::model::{ModelDouble, claude_image};
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

const ENTER: &str = "\r";

/// An image with Claude Code and a package repository of its own, from which apt installs
/// `hello-cellar`, and nothing else.
fn image_with_packages(engine: Engine) -> String {
    let text = format!(
        "FROM {}
USER root
RUN mkdir -p /srv/packages/hello/DEBIAN /srv/packages/hello/usr/bin \\
 && printf 'Package: hello-cellar\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: a test <t@test>\\nDescription: says hello\\n' > /srv/packages/hello/DEBIAN/control \\
 && printf '#!/bin/sh\\necho hello from the package\\n' > /srv/packages/hello/usr/bin/hello-cellar \\
 && chmod 755 /srv/packages/hello/usr/bin/hello-cellar \\
 && dpkg-deb --build /srv/packages/hello /srv/packages/hello.deb \\
 && cd /srv/packages && printf 'Package: hello-cellar\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: a test <t@test>\\nFilename: ./hello.deb\\nSize: %s\\nSHA256: %s\\nDescription: says hello\\n' \"$(stat -c %s hello.deb)\" \"$(sha256sum hello.deb | cut -d' ' -f1)\" > Packages \\
 && rm -f /etc/apt/sources.list /etc/apt/sources.list.d/* \\
 && echo 'deb [trusted=yes] file:/srv/packages ./' > /etc/apt/sources.list
USER agent
",
        claude_image()
    );
    build(engine, "cellar-test/claude-with-packages:1", &text)
}

fn build(engine: Engine, tag: &str, text: &str) -> String {
    let mut docker = Command::new(engine.program())
        .args(["build", "-q", "-t", tag, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = docker.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    assert!(docker.wait().unwrap().success());
    tag.to_owned()
}

fn state(operator: &Operator, bottle: &str, id: u64) -> Value {
    let output = operator.run(&["requests", bottle, "--all", "--json"]);
    let listed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let mut requests = listed.into_iter().map(|one| one["request"].clone());
    requests.find(|request| request["id"] == id).unwrap()
}

fn says(engine: Engine, bottle: &str, program: &str) -> bool {
    let agent = engine.container(bottle, "agent");
    let words = ["exec", &agent].into_iter().chain(program.split(' '));
    let output = engine.try_docker(&words.collect::<Vec<_>>());
    output.status.success()
}

fn prompt(attach: &Terminal) {
    attach.wait_for("Claude Code's prompt", PATIENCE, |screen| {
        screen.contains('❯') && screen.contains("bypass permissions on")
    });
}

fn say(attach: &Terminal, text: &str, answer: &str) {
    attach.send(text);
    attach.wait_for_text(text, PATIENCE);
    attach.send(ENTER);
    attach.wait_for_text(answer, PATIENCE);
}

#[test]
fn claude_code_goes_on_with_the_packages_that_it_asked_for() {
    let Some(engine) = engine_or_skip("claude_code_goes_on_with_the_packages_that_it_asked_for")
    else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&image_with_packages(engine)));
    let bottle = asking_bottle(&operator);
    let double = ModelDouble::beside(engine, &engine.container(&bottle, "egress"));
    let (egress, before) = (
        engine.container(&bottle, "egress"),
        engine.container(&bottle, "agent"),
    );
    let attach = operator.terminal(&["attach", &bottle], 160, 40);
    prompt(&attach);
    say(
        &attach,
        r#"call: mcp__cellar__request_packages {"manager":"apt","packages":["hello-cellar"],"reason":"to greet"}"#,
        "the tool said Request 1 (apt packages: hello-cellar)",
    );
    attach.send(r#"call: mcp__cellar__await_request {"id":1,"seconds":300}"#);
    attach.wait_for_text(r#""seconds":300}"#, PATIENCE);
    attach.send(ENTER);

    let name = format!("{bottle}/1");
    let shown = operator.cellar(&["request", "show", &name]);
    assert!(shown.contains("apt hello-cellar"), "{shown}");
    let answered = operator.cellar(&["request", "approve", &name, "--yes"]);
    assert!(answered.contains("is applied: image: +"), "{answered}");
    assert!(answered.contains("in force now"), "{answered}");
    drop(attach);

    // Another container, the same sidecar, the same conversation, and a word about it.
    assert_ne!(engine.container(&bottle, "agent"), before);
    assert_eq!(engine.container(&bottle, "egress"), egress);
    let attach = operator.terminal(&["attach", &bottle], 160, 40);
    prompt(&attach);
    say(
        &attach,
        r#"call: Bash {"command":"hello-cellar","description":"greet"}"#,
        "the tool said hello from the package",
    );
    let agent = engine.container(&bottle, "agent");
    for text in ["to greet", "The operator approved your request 1"] {
        let look = format!("grep -l '{text}' /home/agent/.claude/projects/*/*.jsonl | wc -l");
        let files = engine.docker(&["exec", &agent, "sh", "-c", &look]);
        assert_eq!(files, "1", "one conversation holds «{text}»");
    }
    say(
        &attach,
        r#"call: mcp__cellar__await_request {"id":1,"seconds":10}"#,
        "in force since revision 2 of this bottle",
    );
    assert!(state(&operator, &bottle, 1)["delivered"].is_string());
    drop(attach);

    // Taken back, and taken back to, it is there or it is not.
    assert!(says(engine, &bottle, "hello-cellar"));
    operator.cellar(&["request", "undo", &name]);
    assert!(!says(engine, &bottle, "hello-cellar"));
    operator.cellar(&["rollback", &bottle, "2"]);
    assert!(says(engine, &bottle, "hello-cellar"));
    operator.cellar(&["stop", &bottle]);
    operator.cellar(&["resume", &bottle]);
    assert!(says(engine, &bottle, "hello-cellar"));
    drop(double);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

/// Asks for an image and approves it; gives the request's number and whether it worked.
fn change(
    engine: Engine,
    operator: &Operator,
    bottle: &str,
    id: u64,
    lines: &str,
) -> (bool, String) {
    let text = format!("FROM {}\nUSER root\n{lines}\nUSER agent\n", claude_image());
    let agent = engine.container(bottle, "agent");
    let ask = json!({"dockerfile": text, "reason": "x"});
    let said = call(engine, &agent, "request_image_change", &ask);
    assert!(said.contains(&format!("Request {id}")), "{said}");
    let name = format!("{bottle}/{id}");
    let output = operator.run(&["request", "approve", &name, "--yes", "--accept-findings"]);
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn a_change_that_does_not_work_out_leaves_everything_as_it_was() {
    let Some(engine) =
        engine_or_skip("a_change_that_does_not_work_out_leaves_everything_as_it_was")
    else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let before = engine.container(&bottle, "agent");

    // It cannot be built.
    let broken = "RUN echo the last words >&2 && false";
    let (is_done, said) = change(engine, &operator, &bottle, 1, broken);
    assert!(!is_done && said.contains("the last words"), "{said}");
    // It can, but the session's program is not there any more.
    let gone = "RUN rm -f \"$(command -v claude)\"";
    let (is_done, said) = change(engine, &operator, &bottle, 2, gone);
    assert!(!is_done && said.contains("try the image"), "{said}");
    assert_eq!(
        engine.container(&bottle, "agent"),
        before,
        "nothing happened to it"
    );
    // It is there, and does not run.
    let wrapped = "RUN mv \"$(command -v claude)\" /opt/claude && printf '#!/bin/sh\\ncase $1 in --version) echo 1;; *) exit 3;; esac\\n' > /usr/local/bin/claude && chmod 755 /usr/local/bin/claude";
    let (is_done, said) = change(engine, &operator, &bottle, 3, wrapped);
    assert!(!is_done && said.contains("with code 3"), "{said}");
    assert!(
        says(engine, &bottle, "claude --version"),
        "the old image is back"
    );
    for id in 1..=3 {
        let request = state(&operator, &bottle, id);
        assert_eq!(request["state"], "failed", "{request}");
    }
    let agent = engine.container(&bottle, "agent");
    let heard = call(
        engine,
        &agent,
        "await_request",
        &json!({"id": 3, "seconds": 10}),
    );
    assert!(heard.contains("with code 3"), "{heard}");
    let steps = operator.json(&["revisions", &bottle]);
    let causes: Vec<&Value> = steps.as_array().unwrap().iter().collect();
    let causes: Vec<&Value> = causes.iter().map(|step| &step["cause"]["cause"]).collect();
    assert_eq!(causes, ["start", "request", "refused"]);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

/// Kills it as soon as the bottle's journal names a step, or the engine has something.
fn kill_at(operator: &Operator, approval: &mut Child, what: &str, is_there: &dyn Fn() -> bool) {
    operator.wait_until(what, |_| is_there());
    drop(approval.kill());
    approval.wait().unwrap();
}

#[test]
fn a_change_killed_at_any_step_is_finished_once() {
    let Some(engine) = engine_or_skip("a_change_killed_at_any_step_is_finished_once") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let journal = operator
        .state()
        .join(format!("cellar/bottles/{bottle}/journal.jsonl"));
    let candidate = format!("cellar-{bottle}-candidate");
    for (id, step) in (1_u64..).zip(["build", "candidate", "record", "switch", "removed"]) {
        let agent = engine.container(&bottle, "agent");
        let text = format!(
            "FROM {}\nUSER root\nRUN sleep 1; printf '#!/bin/sh\\n' > /usr/local/bin/tool-{id} && chmod 755 /usr/local/bin/tool-{id}\nUSER agent\n",
            claude_image()
        );
        let ask = json!({"dockerfile": text, "reason": "x"});
        call(engine, &agent, "request_image_change", &ask);
        let name = format!("{bottle}/{id}");
        let known = std::fs::read_to_string(&journal).unwrap().len();
        let mut approval = operator
            .command(&["request", "approve", &name, "--yes", "--accept-findings"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let noted = |step: &str| {
            let text = std::fs::read_to_string(&journal).unwrap();
            text.get(known..)
                .unwrap()
                .contains(&format!("\"step\":\"{step}\""))
        };
        match step {
            "build" => kill_at(&operator, &mut approval, step, &|| {
                noted(&format!("request {id}\",\"outcome\":\"done"))
            }),
            "candidate" => kill_at(&operator, &mut approval, step, &|| {
                let there = engine.try_docker(&["inspect", &candidate]);
                there.status.success()
            }),
            "removed" => kill_at(&operator, &mut approval, step, &|| {
                let there = engine.try_docker(&["inspect", &agent]);
                !there.status.success()
            }),
            step => kill_at(&operator, &mut approval, step, &|| noted(step)),
        }
        // The next command finds it; whoever looks at the requests does the rest.
        operator.cellar(&["list"]);
        let request = state(&operator, &bottle, id);
        assert_eq!(request["state"], "applied", "killed at {step}: {request}");
        let steps = operator.json(&["revisions", &bottle]);
        let of_it = |step: &&Value| step["cause"] == json!({"cause": "request", "id": id});
        let taken = steps.as_array().unwrap().iter().filter(of_it).count();
        assert_eq!(taken, 1, "killed at {step}");
        assert!(
            says(engine, &bottle, &format!("tool-{id}")),
            "killed at {step}"
        );
    }
    let audit = operator.cellar(&["audit", "verify"]);
    assert!(audit.starts_with("whole"), "{audit}");
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
