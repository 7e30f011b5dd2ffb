//! How long a request takes on its way, with a real bottle and the console in a real
//! terminal: from the agent's call to the screen, from the operator's key to the route
//! in force and the agent's answer, and from the approval of an image to Claude Code's
//! prompt.
//!
//! `cargo build --release --examples && cargo bench --bench requests`
//!
//! The agent's side takes its times itself, in the container, where the clock is the
//! same.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::support::agent::{asking_bottle, call};
use common::support::engine::Engine;
use common::support::manifests;
use common::support::model::{ModelDouble, claude_image};
use common::support::operator::Operator;
use common::support::terminal::Terminal;
use common::{LIMIT, percentile, print};
use serde_json::{Value, json};

/// Requests of one bottle: a bottle may file 60 within ten minutes.
const REQUESTS: u64 = 50;
const BOTTLES: usize = 2;
const IMAGES: u64 = 5;
/// Between two requests: an agent that calls more often is told to wait.
const PACE: Duration = Duration::from_millis(500);

/// Reads `TOOL ARGUMENTS` by the line, calls the tool, and prints the time before and
/// after in microseconds and what was said; `reach HOST` asks the proxy for a tunnel.
const AGENT: &str = r#"
post() {
  exec 3<>/dev/tcp/127.0.0.1/9100
  body="{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"$1\",\"arguments\":$2}}"
  before=${EPOCHREALTIME/./}
  printf 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:9100\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n%s' ${#body} "$body" >&3
  said=; while IFS= read -r line <&3; do line=${line%$'\r'}
    case $line in content-length:*|Content-Length:*) size=${line#*: };; '') break;; esac
  done
  LC_ALL=C read -r -N "$size" said <&3; said=${said//$'\n'/}
  after=${EPOCHREALTIME/./}
  exec 3>&-
  printf '%s %s %s\n' "$before" "$after" "$said"
}
reach() {
  exec 3<>/dev/tcp/127.0.0.1/3128
  before=${EPOCHREALTIME/./}
  printf 'CONNECT %s:443 HTTP/1.1\r\nHost: %s:443\r\n\r\n' "$1" "$1" >&3
  IFS= read -r line <&3
  after=${EPOCHREALTIME/./}
  exec 3>&-
  printf '%s %s %s\n' "$before" "$after" "${line%$'\r'}"
}
echo ready
while read -r what rest; do case $what in reach) reach "$rest";; *) post "$what" "$rest";; esac; done
"#;

/// A shell in the agent's container.
struct Inside {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// What came of one line: when it was sent and answered, since the epoch.
struct Told {
    before: Duration,
    after: Duration,
    said: String,
}

impl Inside {
    fn new(engine: Engine, agent: &str) -> Self {
        let mut child = Command::new(engine.program())
            .args(["exec", "-i", agent, "bash", "-c", AGENT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut inside = Self {
            child,
            stdin,
            stdout,
        };
        assert_eq!(inside.line(), "ready\n");
        inside
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    fn ask(&mut self, what: &str, rest: &str) {
        writeln!(self.stdin, "{what} {rest}").unwrap();
        self.stdin.flush().unwrap();
    }

    fn told(&mut self) -> Told {
        let line = self.line();
        let mut parts = line.splitn(3, ' ');
        let mut time = || {
            let micros = parts.next().and_then(|part| part.parse().ok());
            Duration::from_micros(micros.unwrap_or_else(|| panic!("no time in {line:?}")))
        };
        Told {
            before: time(),
            after: time(),
            said: parts.next().unwrap().to_owned(),
        }
    }
}

impl Told {
    fn took(&self) -> Duration {
        self.after.saturating_sub(self.before)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

#[derive(Default)]
struct Samples {
    filed: Vec<Duration>,
    visible: Vec<Duration>,
    answered: Vec<Duration>,
    shown: Vec<Duration>,
    reached: Vec<Duration>,
}

fn main() {
    let Some(engine) = common::engine() else {
        return;
    };
    let mut samples = Samples::default();
    for _ in 0..BOTTLES {
        routes(engine, &mut samples);
    }
    print(&format!(
        "{} requests for a route of {BOTTLES} bottles with Claude Code, one after the other",
        samples.visible.len()
    ));
    row("agent's call → its number", &mut samples.filed);
    row("agent's call → on the screen", &mut samples.visible);
    row("key → await_request answered", &mut samples.answered);
    row("key → its answer on the screen", &mut samples.shown);
    row("the next tunnel, as egress sees it", &mut samples.reached);
    print(
        "target: p95 100 ms for both; OpenShell's own targets: 5 s to the screen, 3 s to the route",
    );
    images(engine);
}

fn row(what: &str, samples: &mut [Duration]) {
    let mut samples = samples.to_vec();
    let mut at = |part| percentile(&mut samples, part).as_secs_f64() * 1_000.0;
    print(&format!(
        "  {what:<36} {:>8.1} ms p50 {:>8.1} p95 {:>8.1} worst",
        at(0.5),
        at(0.95),
        at(1.0)
    ));
}

fn routes(engine: Engine, samples: &mut Samples) {
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let agent = engine.container(&bottle, "agent");
    let mut inside = Inside::new(engine, &agent);
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, LIMIT);
    console.send("i");
    console.wait_for_text("tab answered", LIMIT);
    for number in 1..=REQUESTS {
        let host = format!("{}.example.com", name(number));
        let ask = json!({"host": host, "methods": ["GET"], "reason": "a number"});
        inside.ask("request_route", &ask.to_string());
        console.wait_for_text(&format!("adds GET {host}"), LIMIT);
        let seen = now();
        let told = inside.told();
        assert!(
            told.said.contains(&format!("Request {number}")),
            "{}",
            told.said
        );
        samples.visible.push(seen.saturating_sub(told.before));
        samples.filed.push(told.took());

        let wait = json!({"id": number, "seconds": 60});
        inside.ask("await_request", &wait.to_string());
        console.send("a");
        console.wait_for_text(&format!("Approve {bottle}/{number}?"), LIMIT);
        let pressed = now();
        console.send("y");
        let told = inside.told();
        assert!(told.said.contains("in force since"), "{}", told.said);
        samples.answered.push(told.after.saturating_sub(pressed));
        console.wait_for_text("is applied", LIMIT);
        samples.shown.push(now().saturating_sub(pressed));
        // It has no address, and is not refused for want of a route.
        inside.ask("reach", &host);
        let told = inside.told();
        assert!(!told.said.contains("403"), "{}", told.said);
        samples.reached.push(told.took());
        std::thread::sleep(PACE);
    }
    console.send("q");
    drop((console, inside));
    operator.cellar(&["rm", "--yes", &bottle]);
}

/// A word for a number, so that no two share a letter in the same place for long: a
/// terminal is sent only what differs.
fn name(number: u64) -> String {
    let mut left = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let letters = (0..10).map(|_| {
        let letter = b'a' + u8::try_from(left % 26).unwrap();
        left /= 26;
        char::from(letter)
    });
    letters.collect()
}

/// When the last line of the bottle's journal that names a step was written.
fn noted(operator: &Operator, bottle: &str, step: &str) -> Option<Duration> {
    let path = operator
        .state()
        .join(format!("cellar/bottles/{bottle}/journal.jsonl"));
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().rev();
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let line = lines.find(|line| line["step"] == step)?;
    let at: jiff::Timestamp = line["at"].as_str()?.parse().unwrap();
    Duration::try_from(at.as_duration()).ok()
}

fn images(engine: Engine) {
    let operator = Operator::new(engine, &manifests::claude(&claude_image()));
    let bottle = asking_bottle(&operator);
    let double = ModelDouble::beside(engine, &engine.container(&bottle, "egress"));
    let first = operator.terminal(&["attach", &bottle], 120, 40);
    prompt(&first);
    first.send("hello");
    first.wait_for_text("hello", LIMIT);
    first.send("\r");
    first.wait_for_text("turn 1 heard hello", LIMIT);
    drop(first);
    let (mut peers, mut wholes, mut builds) = (Vec::new(), Vec::new(), Vec::new());
    let mut switches = Vec::new();
    for number in 1..=IMAGES {
        let agent = engine.container(&bottle, "agent");
        let text = dockerfile(&format!("tool-{number}-{bottle}"));
        let ask = json!({"dockerfile": text, "reason": "a number"});
        call(engine, &agent, "request_image_change", &ask);
        // The same steps under another name: no cache is shared with what is measured.
        let peer = built(engine, &dockerfile(&format!("peer-{number}-{bottle}")));
        let name = format!("{bottle}/{number}");
        let (whole, build) = approved(&operator, &name);
        let end = noted(&operator, &bottle, "in force").unwrap();
        let switch = noted(&operator, &bottle, "switch").unwrap();
        let attach = operator.terminal(&["attach", &bottle], 120, 40);
        prompt(&attach);
        let word = format!("approved your request {number}");
        attach.wait_for_text(&word, LIMIT);
        peers.push(peer);
        wholes.push(whole);
        builds.push(build);
        switches.push(end.saturating_sub(switch));
    }
    drop(double);
    print(&format!(
        "{IMAGES} changes of the image of a bottle with Claude Code"
    ));
    let both = wholes.iter().zip(&builds);
    let mut more: Vec<_> = both.map(|(a, b)| a.saturating_sub(*b)).collect();
    row("`docker build` of the same steps", &mut peers);
    row("approval → back at its prompt", &mut wholes);
    row("  of this, the build", &mut builds);
    row("  of this, all else", &mut more);
    row("  of this, without a session", &mut switches);
    print("target: the build and 2 s");
    operator.cellar(&["rm", "--yes", &bottle]);
}

/// Approves it; gives how long that took in all, and from the builder's first line to its
/// last.
fn approved(operator: &Operator, name: &str) -> (Duration, Duration) {
    let begin = Instant::now();
    let mut approval = operator
        .command(&["request", "approve", name, "--yes", "--accept-findings"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(approval.stderr.take().unwrap());
    let said = said.lines().map(|line| (line.unwrap(), begin.elapsed()));
    let said: Vec<_> = said.collect();
    assert!(approval.wait().unwrap().success(), "{said:?}");
    let whole = begin.elapsed();
    let at = |text: &str| said.iter().find(|(line, _)| line.contains(text)).unwrap().1;
    let build = at("Successfully built").saturating_sub(at("step 1/"));
    (whole, build)
}

fn dockerfile(tool: &str) -> String {
    format!(
        "FROM {}\nUSER root\nRUN printf '#!/bin/sh\\n' > /usr/local/bin/{tool} && chmod 755 /usr/local/bin/{tool}\nUSER agent\n",
        claude_image()
    )
}

/// How long `docker build` takes.
fn built(engine: Engine, text: &str) -> Duration {
    let begin = Instant::now();
    let mut docker = Command::new(engine.program())
        .args(["build", "-q", "--network=none", "-"])
        .env("DOCKER_BUILDKIT", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    docker
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = docker.wait_with_output().unwrap();
    let took = begin.elapsed();
    assert!(output.status.success(), "docker build failed");
    let image = String::from_utf8(output.stdout).unwrap();
    engine.docker(&["rmi", "-f", image.trim()]);
    took
}

fn prompt(attach: &Terminal) {
    attach.wait_for("Claude Code's prompt", LIMIT, |screen| {
        screen.contains('❯') && screen.contains("bypass permissions on")
    });
}
