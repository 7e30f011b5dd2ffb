//! How soon a typed key is seen, how soon an attached screen, how fast a flood: the
//! same program through `tmux attach`, `docker exec -it` and `cellar attach`.
//!
//! `cargo build --release --examples && cargo bench --bench echo`

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use common::support::engine::{Engine, example};
use common::support::manifests;
use common::support::operator::Operator;
use common::{RawTerminal, percentile, print};

const KEYS: usize = 2_000;
const ROUNDS: usize = 20;
const FLOOD_BYTES: usize = 50_000_000;

fn main() {
    let Some(engine) = common::engine() else {
        return;
    };
    let raw = Operator::new(engine, &manifests::plain(engine, &["raw"]));
    let raw_bottle = raw.name();
    raw.cellar(&["start", "plain", "--yes", "--name", &raw_bottle]);
    let lines = Operator::new(engine, &manifests::plain(engine, &[]));
    let line_bottle = lines.name();
    lines.cellar(&["start", "plain", "--yes", "--name", &line_bottle]);
    let tmux = Tmux::new();

    print(&format!(
        "{:<16} {:>9} {:>9} {:>9}   {:>12}   {:>9}",
        "120x40", "key p50", "p90", "p99", "attach p50", "flood"
    ));
    report("tmux attach", &|raw| {
        tmux.attach(if raw { "raw" } else { "lines" })
    });
    let containers = (
        engine.container(&raw_bottle, "agent"),
        engine.container(&line_bottle, "agent"),
    );
    report("docker exec -it", &|raw| docker_exec(&containers, raw));
    report("cellar attach", &|is_raw| {
        if is_raw {
            raw.command(&["attach", &raw_bottle])
        } else {
            lines.command(&["attach", &line_bottle])
        }
    });
    remove(engine, &raw, &raw_bottle);
    remove(engine, &lines, &line_bottle);
}

fn remove(_: Engine, operator: &Operator, bottle: &str) {
    operator.cellar(&["rm", "--yes", bottle]);
}

fn docker_exec(containers: &(String, String), is_raw: bool) -> Command {
    let mut command = Command::new("docker");
    command.args(["exec", "-it"]);
    if is_raw {
        command.args([&containers.0, "/program", "raw"]);
    } else {
        command.args([&containers.1, "/program"]);
    }
    command
}

/// Measures one way to reach the program: `open(true)` runs it raw, `open(false)` in lines.
fn report(name: &str, open: &dyn Fn(bool) -> Command) {
    let mut keys = keys(open);
    let mut paints = paints(open);
    let flood = flood(open);
    let micros = |part| format!("{} µs", percentile(&mut keys.clone(), part).as_micros());
    let (p50, p90, p99) = (micros(0.5), micros(0.9), micros(0.99));
    let paint = percentile(&mut paints, 0.5).as_secs_f64() * 1e3;
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let rate = FLOOD_BYTES as f64 / 1e6 / flood.as_secs_f64();
    print(&format!(
        "{name:<16} {p50:>9} {p90:>9} {p99:>9}   {paint:>9.1} ms   {rate:>4.0} MB/s"
    ));
    keys.clear();
}

fn keys(open: &dyn Fn(bool) -> Command) -> Vec<Duration> {
    let mut terminal = RawTerminal::open(&open(true));
    terminal.wait_for("AGENT");
    terminal.settle(Duration::from_millis(500));
    terminal.send(b"\r");
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut samples = Vec::with_capacity(KEYS);
    for index in 0..KEYS {
        // Every hundredth key returns to the first column, so that nothing scrolls;
        // no key is the one that stands in its cell already.
        if index % 100 == 0 {
            terminal.send(b"\r");
        }
        let letter = (index * 7 + index / 100) % 52;
        let key = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
            .get(letter)
            .copied()
            .unwrap_or(b'a');
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        terminal.settle(Duration::from_micros(2_000 + random % 4_000));
        let begin = Instant::now();
        terminal.send(&[key]);
        terminal.wait_for_key(key);
        samples.push(begin.elapsed());
    }
    samples
}

fn paints(open: &dyn Fn(bool) -> Command) -> Vec<Duration> {
    (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            let mut terminal = RawTerminal::open(&open(false));
            terminal.wait_for("AGENT");
            begin.elapsed()
        })
        .collect()
}

fn flood(open: &dyn Fn(bool) -> Command) -> Duration {
    let mut terminal = RawTerminal::open(&open(false));
    terminal.wait_for("AGENT");
    terminal.settle(Duration::from_millis(500));
    let begin = Instant::now();
    terminal.send(format!("flood {FLOOD_BYTES}\r").as_bytes());
    terminal.wait_for("flooded");
    begin.elapsed()
}

/// A tmux server of our own with the same program in two sessions.
struct Tmux {
    folder: tempfile::TempDir,
}

impl Tmux {
    fn new() -> Self {
        let tmux = Self {
            folder: common::scratch(),
        };
        let program = example("plain-agent");
        let program = program.to_string_lossy();
        for (session, arguments) in [("raw", vec!["raw"]), ("lines", vec![])] {
            let mut command = tmux.command();
            command
                .args([
                    "-f",
                    "/dev/null",
                    "new-session",
                    "-d",
                    "-x",
                    "120",
                    "-y",
                    "40",
                ])
                .args(["-s", session, &program])
                .args(arguments);
            let made = command.status().map(|status| status.success());
            assert!(matches!(made, Ok(true)), "tmux: {made:?}");
        }
        tmux
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.folder.path().join("socket"));
        command.env_remove("TMUX");
        command
    }

    fn attach(&self, session: &str) -> Command {
        let mut command = self.command();
        command.args(["attach", "-t", session]);
        command
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.command().arg("kill-server").status().ok();
    }
}
