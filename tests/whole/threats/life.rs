//! Time: hoarding, questions to the operator, routes that change, logs, crashes.

use std::io::{Read as _, Write as _};

use super::arms::Line;
use super::speech::{DOOR, Got, PROXY, connect, read_head, tls_line, tls_on};
use super::stage::{Stage, get};
use super::world::World;
use super::{KEY, Row, Trial, nothing};

/// The row that ends the sidecar of the bottle that asks.
pub(super) const LAST: u8 = 55;

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 42,
        threat: "Slowloris, idle hoarding",
        twins: hoarding,
    },
    Row {
        number: 48,
        threat: "Log and TUI injection",
        twins: log_injection,
    },
    Row {
        number: 49,
        threat: "Secrets in logs",
        twins: secrets_in_logs,
    },
    Row {
        number: 50,
        threat: "Ask: flood, spoofed names, approve-then-swap",
        twins: asking,
    },
    Row {
        number: 51,
        threat: "Hot reload: bad table, open tunnels",
        twins: reload,
    },
    Row {
        number: 52,
        threat: "Policy or sidecar code reachable from the agent",
        twins: policy,
    },
    Row {
        number: 55,
        threat: "Sidecar crash or restart",
        twins: crash,
    },
];

/// Ends a connection and reads until it is over.
fn over(mut line: Line) -> String {
    line.finish();
    let mut rest = Vec::new();
    // How it ends says nothing.
    drop(line.read_to_end(&mut rest));
    String::from_utf8_lossy(&rest).into_owned()
}

fn hoarding(trial: &mut Trial<'_>) {
    trial.deny(
        "a head that never ends",
        |stage| {
            let mut line = stage.arms.open(PROXY).unwrap();
            line.write_all(b"GET http://plain.test/ HTTP/1.1\r\nHost: plain.")
                .unwrap();
            // It is the proxy that ends it, or the arms' patience.
            let mut text = String::new();
            let error = line.read_to_string(&mut text).err();
            Got {
                text,
                error: error.map(|error| error.to_string()),
                ..Got::default()
            }
        },
        |seen, got| seen.is_nothing() && got.error.is_none(),
    );
    let mut held = Vec::new();
    for _ in 0..600 {
        // Those beyond what the proxy takes are closed unread.
        held.extend(trial.stage.arms.open(DOOR));
    }
    // Each but the last ones is being served once another is refused.
    trial.deny(
        "one more than it takes",
        |stage| stage.https("allowed.test:443", &get("allowed.test", "/hoarded")),
        nothing,
    );
    drop(held.drain(..).map(over).collect::<Vec<String>>());
    trial.allow_https("allowed.test:443", &get("allowed.test", "/free-again"));
}

/// What the operator reads, in every way there is.
fn shown(stage: &Stage) -> Got {
    let bottle = stage.bottle.as_str();
    let mut text = String::new();
    for words in [
        &["egress", bottle][..],
        &["show", bottle],
        &["logs", bottle],
        &["egress", "suggest", bottle],
        &["egress", bottle, "--json"],
        &["list"],
    ] {
        let output = stage.operator.run(words);
        text += &String::from_utf8_lossy(&output.stdout);
        text += &String::from_utf8_lossy(&output.stderr);
    }
    Got {
        text,
        ..Got::default()
    }
}

fn is_hostile(character: char) -> bool {
    let is_control = character.is_control() && character != '\n' && character != '\t';
    is_control
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const HOSTILE: &[&str] = &[
    "GET http://evil.test/\u{1b}]0;owned\u{7} HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    "GET http://evil\u{1b}[2J.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    "GET http://\u{e2}\u{80}\u{ae}evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    "GET http://evil.test/a\u{9b}2J HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    "\u{1b}[31mGET http://evil.test/ HTTP/1.1\r\n\r\n",
    "GET http://plain.test/%1b%5d0;x%07?%0a HTTP/1.1\r\nHost: plain.test\r\n\r\n",
    "CONNECT evil\u{e2}\u{80}\u{8b}.test:443 HTTP/1.1\r\n\r\n",
    "CONNECT evil.test:443\u{1b}c HTTP/1.1\r\n\r\n",
];

fn log_injection(trial: &mut Trial<'_>) {
    trial.deny(
        "requests that hold commands for a terminal, or turn text around",
        |stage| {
            for request in HOSTILE {
                stage.http(request);
            }
            shown(stage)
        },
        |_, got| got.text.contains("evil") && !got.text.chars().any(is_hostile),
    );
    trial.allow(
        "an ordinary refused request is shown",
        |stage| {
            stage.http("GET http://ordinary.test/ HTTP/1.1\r\nHost: ordinary.test\r\n\r\n");
            shown(stage)
        },
        |_, got| got.text.contains("ordinary.test"),
    );
}

fn secrets_in_logs(trial: &mut Trial<'_>) {
    let spill = |stage: &Stage, value: &str| {
        stage.https("cred.test:443", &get("cred.test", "/spilt"));
        stage.https(
            "allowed.test:443",
            &get("allowed.test", &format!("/spilt/?a={value}")),
        );
        // A host of its own, as no other row asks it.
        stage.https(
            "other.test:443",
            &get("other.test", &format!("/spilt/{value}/x")),
        );
        let connecting = format!("CONNECT {value}.test:443 HTTP/1.1\r\n\r\n");
        stage.http(&connecting);
        let mut got = shown(stage);
        for role in ["agent", "egress", "supervise"] {
            let container = stage.engine.container(&stage.bottle, role);
            for words in [&["logs", &container][..], &["inspect", &container]] {
                got.text += &stage.engine.docker(words);
            }
        }
        let egress = stage.engine.container(&stage.bottle, "egress");
        let image = stage.engine.docker(&[
            "inspect",
            "--format",
            "{{.Config.Image}}",
            &stage.engine.container(&stage.bottle, "agent"),
        ]);
        let beside = super::arms::Arms::run(&[
            "run",
            "-i",
            "--rm",
            "--label",
            "cellar.test=threat-agent",
            "--network",
            "none",
            "--volumes-from",
            &egress,
            &image,
            "/program",
            "probe",
        ]);
        got.text += &beside.act("read /data/decisions.jsonl").unwrap();
        got.error = Some(stage.operator.files_with(value).join(" "));
        got
    };
    trial.deny(
        "the value of a secret, in any log, record or configuration",
        |stage| spill(stage, KEY),
        |_, got| {
            got.text.contains("/spilt")
                && !got.text.to_lowercase().contains(&KEY.to_lowercase())
                && got.error.as_deref() == Some("token")
        },
    );
    trial.allow(
        "a name that is no secret, in the same places",
        |stage| spill(stage, "vintage-a-good-year"),
        |_, got| got.text.contains("vintage-a-good-year"),
    );
}

fn holds(stage: &Stage) -> Vec<serde_json::Value> {
    let shown = stage.operator.json(&["egress", &stage.bottle]);
    shown["holds"].as_array().cloned().unwrap_or_default()
}

fn ask_for(stage: &Stage, place: &str) -> Line {
    let mut line = stage.arms.open(DOOR).unwrap();
    let ask = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n");
    line.write_all(ask.as_bytes()).unwrap();
    line
}

/// Asks for a place and lets the operator answer; then goes on as if it were allowed.
fn decided(stage: &Stage, host: &str, verb: &str) -> Got {
    let mut line = ask_for(stage, &format!("{host}:443"));
    stage.operator.wait_until("a question", |_| {
        holds(stage).iter().any(|hold| hold["host"] == host)
    });
    let waiting = holds(stage);
    let hold = waiting.iter().find(|hold| hold["host"] == host).unwrap();
    stage
        .operator
        .cellar(&["egress", verb, &stage.bottle, &hold["id"].to_string()]);
    let mut got = Got {
        tunnel: read_head(&mut line),
        ..Got::default()
    };
    match tls_on(line, &stage.client, host) {
        Ok(mut stream) => {
            stream.write_all(get(host, "/decided").as_bytes()).unwrap();
            got.text = read_head(&mut stream);
        }
        Err(error) => got.error = Some(error),
    }
    got
}

fn asking(trial: &mut Trial<'_>) {
    trial.deny_asking(
        "400 questions at once",
        |stage| {
            let lines: Vec<Line> = (0..400)
                .map(|at| ask_for(stage, &format!("h{at}.test:443")))
                .collect();
            let again: Vec<Line> = (0..40).map(|_| ask_for(stage, "h0.test:443")).collect();
            stage
                .operator
                .wait_until("questions", |_| !holds(stage).is_empty());
            let text = format!("{} wait", holds(stage).len());
            // Those beyond the queue were refused, the rest withdraw with their client.
            let ends: Vec<String> = lines.into_iter().chain(again).map(over).collect();
            stage
                .operator
                .wait_until("no question", |_| holds(stage).is_empty());
            let refused = ends
                .iter()
                .filter(|end| end.contains("ask_queue_full"))
                .count();
            Got {
                text: format!("{text}, {refused} refused"),
                ..Got::default()
            }
        },
        |seen, got| {
            let words: Vec<usize> = got.text.split([' ', ',']).flat_map(str::parse).collect();
            seen.is_nothing() && matches!(words[..], [1..=256, _])
        },
    );
    trial.deny_asking(
        "refused",
        |stage| decided(stage, "one.test", "refuse"),
        nothing,
    );
    trial.allow_asking(
        "accepted",
        |stage| decided(stage, "two.test", "accept"),
        |seen, _| seen.has_heard("GET /decided"),
    );
    for place in [
        "three.test:443",
        "two.test:8443",
        "www.two.test:443",
        "two.test.evil.test:443",
    ] {
        trial.deny_asking(
            &format!("{place} after two.test:443 was accepted"),
            |stage| {
                let line = ask_for(stage, place);
                stage
                    .operator
                    .wait_until("a question", |_| !holds(stage).is_empty());
                let tunnel = over(line);
                stage
                    .operator
                    .wait_until("no question", |_| holds(stage).is_empty());
                Got {
                    tunnel,
                    ..Got::default()
                }
            },
            |seen, got| seen.is_nothing() && !got.tunnel.contains("200"),
        );
    }
    trial.deny_asking(
        "another host inside the accepted tunnel",
        |stage| stage.https("two.test:443", &get("three.test", "/")),
        nothing,
    );
}

fn reload(trial: &mut Trial<'_>) {
    // A tunnel that nobody looks into; a route goes meanwhile.
    let go_on = |stage: &Stage, revoked: &str, host: &str| {
        let mut got = Got::default();
        let place = format!("{host}:443");
        let mut stream = tls_line(&stage.arms, &stage.client, &place, &mut got).unwrap();
        let ask = |part: &str| format!("GET /{part} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(ask("first").as_bytes()).unwrap();
        got.text = read_head(&mut stream);
        let shown = stage.operator.json(&["egress", &stage.bottle]);
        let routes = shown["routes"].as_array().unwrap();
        let at = routes.iter().position(|route| route["host"] == revoked);
        let number = (at.unwrap() + 1).to_string();
        stage
            .operator
            .cellar(&["egress", "revoke", &stage.bottle, &number]);
        // Where the tunnel is closed this fails, or goes nowhere.
        drop(stream.write_all(ask("second").as_bytes()));
        drop(stream.flush());
        stream.conn.send_close_notify();
        drop(stream.flush());
        stream.sock.finish();
        drop(stream.read_to_end(&mut Vec::new()));
        got
    };
    trial.allow(
        "a stream whose route stays, while another goes",
        |stage| go_on(stage, "xn--bcher-kva.test", "splice.test"),
        |seen, _| seen.has_heard("GET /second"),
    );
    trial.deny(
        "a stream whose route goes",
        |stage| go_on(stage, "gone.test", "gone.test"),
        |seen, _| seen.has_heard("GET /first") && !seen.has_heard("GET /second"),
    );
    trial.deny_https("gone.test:443", &get("gone.test", "/again"));
    trial.deny(
        "a table that says too much is not taken",
        |stage| {
            for host in ["*", "*.test", "*.com", "10.0.0.1"] {
                let output = stage
                    .operator
                    .run(&["egress", "allow", &stage.bottle, host]);
                assert!(!output.status.success(), "{host} was allowed");
            }
            stage.https("evil.test:443", &get("evil.test", "/"))
        },
        nothing,
    );
    trial.allow_https("allowed.test:443", &get("allowed.test", "/as-before"));
}

fn policy(trial: &mut Trial<'_>) {
    for path in [
        "/run/cellar/egress.sock",
        "/run/cellar/routes.json",
        "/data/routes.json",
        "/run/control/routes.json",
        "/cellar/cellar",
        "/run/lines/x",
        "/etc/hosts",
        "/etc/resolv.conf",
    ] {
        trial.deny(
            path,
            |stage| match stage.arms.act(&format!("write {path} x")) {
                Ok(text) => Got {
                    text,
                    ..Got::default()
                },
                Err(error) => Got {
                    error: Some(error),
                    ..Got::default()
                },
            },
            |_, got| got.error.is_some(),
        );
    }
    trial.deny(
        "a volume that both may write",
        |stage| {
            let writable = |role: &str| {
                let container = stage.engine.container(&stage.bottle, role);
                let format = "{{range .Mounts}}{{if .RW}}{{.Source}} {{end}}{{end}}";
                stage
                    .engine
                    .docker(&["inspect", "--format", format, &container])
            };
            let all = |role: &str| {
                let container = stage.engine.container(&stage.bottle, role);
                let format = "{{range .Mounts}}{{.Source}} {{end}}";
                stage
                    .engine
                    .docker(&["inspect", "--format", format, &container])
            };
            let agents = writable("agent");
            let others = [all("egress"), all("supervise")].concat();
            let both: Vec<&str> = agents
                .split(' ')
                .filter(|source| !source.is_empty() && others.contains(source))
                .collect();
            Got {
                text: both.join(" "),
                tunnel: agents,
                ..Got::default()
            }
        },
        |_, got| got.text.is_empty() && !got.tunnel.is_empty(),
    );
    trial.deny_https("evil.test:443", &get("evil.test", "/"));
    trial.allow(
        "a place of its own",
        |stage| {
            stage.arms.act("write /tmp/mine vintage").unwrap();
            Got {
                text: stage.arms.act("read /tmp/mine").unwrap(),
                ..Got::default()
            }
        },
        |_, got| got.text == "vintage",
    );
}

fn crash(trial: &mut Trial<'_>) {
    if !rustix::process::geteuid().is_root() {
        return trial.skip("only root may end the sidecar's process as a crash would");
    }
    let egress = trial
        .asking
        .engine
        .container(&trial.asking.bottle, "egress");
    trial.deny_asking(
        "what waited for the operator",
        |stage| {
            let mut line = ask_for(stage, "held.test:443");
            stage
                .operator
                .wait_until("a question", |_| !holds(stage).is_empty());
            assert!(stage.engine.crash(&egress), "it did not crash");
            let mut tunnel = String::new();
            // A connection that broke off is read as far as it went.
            drop(line.read_to_string(&mut tunnel));
            *stage.world.borrow_mut() = World::around(stage.engine, &egress, &stage.certificates);
            Got {
                tunnel,
                ..Got::default()
            }
        },
        |seen, got| seen.is_nothing() && !got.tunnel.contains("200"),
    );
    // It is ready once it answers.
    trial.asking.operator.wait_until("the proxy", |_| {
        connect(&trial.asking.arms, "allowed.test:443").0.is_some()
    });
    trial.deny_asking(
        "what nobody was asked about",
        |stage| {
            let line = ask_for(stage, "held.test:443");
            stage
                .operator
                .wait_until("a question", |_| !holds(stage).is_empty());
            Got {
                tunnel: over(line),
                ..Got::default()
            }
        },
        |seen, got| seen.is_nothing() && !got.tunnel.contains("200"),
    );
    trial.deny_asking(
        "a route whose credential was lost",
        |stage| stage.https("cred.test:443", &get("cred.test", "/")),
        nothing,
    );
    trial.allow_asking(
        "the same once it was handed over again",
        |stage| {
            stage.operator.cellar(&["unlock", &stage.bottle]);
            stage.https("cred.test:443", &get("cred.test", "/"))
        },
        |seen, _| seen.has_heard(KEY),
    );
}
