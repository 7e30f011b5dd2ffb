//! What a log of a million lines of 110 bytes costs: the first screen, all of it, memory,
//! search; and following 500 lines a second.
//!
//! `cargo build --release --examples && cargo bench --bench logs`
//!
//! `oxker`, `lazydocker` and `dtop` on the same size of log are published in the research
//! that this follows; they are not started here: each shows all containers of the engine.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cellar::store::{LineList, LineTag, LineTest, NewLine, Pattern, Progress, Spill, scan};
use cellar::wire::Role;
use common::support::engine::{Engine, example};
use common::support::operator::Operator;
use common::{memory_kib, percentile, print, processor_time};

const LINES: u64 = 1_000_000;
const LINE_BYTES: usize = 110;
const RATE: &str = "500";
const WINDOW: Duration = Duration::from_secs(20);
const LIMIT: Duration = Duration::from_mins(3);

fn main() {
    spill();
    if let Some(engine) = common::engine() {
        console(engine);
    }
}

fn line(number: u64) -> NewLine {
    let mut text =
        format!("line {number:>9} of the log the quick brown fox jumps over the lazy dog");
    text.extend(std::iter::repeat_n('.', LINE_BYTES - 1 - text.len()));
    NewLine {
        tag: LineTag {
            role: Role::ALL[usize::try_from(number % 3).unwrap_or(0)],
            is_error: false,
            is_cut: false,
        },
        at_nanos: i64::try_from(number).unwrap_or(0),
        text,
    }
}

/// The log on disk by itself.
#[expect(clippy::cast_precision_loss, reason = "megabytes in a table")]
fn spill() {
    let folder = common::scratch();
    let spill = Spill::new(folder.path(), 1 << 30);
    let pid = std::process::id();
    let begin = Instant::now();
    let mut making = Duration::ZERO;
    for first in (0..LINES).step_by(1_024) {
        let made = Instant::now();
        let lines: Vec<NewLine> = (first..LINES.min(first + 1_024)).map(line).collect();
        making += made.elapsed();
        spill.append(&lines).unwrap();
    }
    let megabytes = spill.extent().bytes as f64 / 1e6;
    let rate = |took: Duration| format!("{:>8.0} MB/s", megabytes / took.as_secs_f64());
    print(&format!("{LINES} lines, {megabytes:.0} MB"));
    print(&format!(
        "{:<34} {}",
        "written",
        rate(begin.elapsed().saturating_sub(making))
    ));
    for (name, pattern) in [
        ("found: a word, rare", "999999 of"),
        ("found: a word, in every line", "quick"),
        ("found: a word, nowhere", "nowhere to be seen"),
        ("found: a regex, rare", r"9{4}\d\d of"),
        ("found: a regex without a word", r"\d{3}[5-7]{6}"),
        ("found: case matters", "Quick|Slow"),
    ] {
        let test = LineTest {
            with: Pattern::new(pattern).into_iter().collect(),
            ..LineTest::default()
        };
        let (took, found) = look(&spill, &folder, &test);
        print(&format!("{name:<34} {} {found:>9} lines", rate(took)));
    }
    let test = LineTest {
        roles: vec![Role::Egress],
        ..LineTest::default()
    };
    let (took, found) = look(&spill, &folder, &test);
    print(&format!(
        "{:<34} {} {found:>9} lines",
        "lines of one container",
        rate(took)
    ));
    let mut samples: Vec<Duration> = (0..1_000)
        .map(|at| {
            let first = at * 997 % (LINES - 200);
            let begin = Instant::now();
            assert_eq!(spill.read(first..first + 200, 8_192).unwrap().len(), 200);
            begin.elapsed()
        })
        .collect();
    let median = percentile(&mut samples, 0.5).as_secs_f64() * 1e6;
    print(&format!(
        "{:<34} {median:>8.0} µs",
        "200 lines read anywhere"
    ));
    let memory = memory_kib(pid, "VmHWM") / 1024;
    print(&format!(
        "{:<34} {memory:>8} MiB",
        "memory at most, of this bench"
    ));
}

fn look(spill: &Spill, folder: &tempfile::TempDir, test: &LineTest) -> (Duration, u64) {
    let list = LineList::new(folder.path()).unwrap();
    let begin = Instant::now();
    let push = |found: &[u64]| list.push(found);
    scan(spill, 0..LINES, test, &Progress::default(), push).unwrap();
    (begin.elapsed(), list.len())
}

/// The console on a real container's log.
fn console(engine: Engine) {
    let operator = Operator::new(engine, "{}");
    operator.cellar(&["list"]);
    let bottle = operator.name();
    let owner = std::fs::read_to_string(operator.state().join("cellar/owner")).unwrap();
    let image = engine.one_file_image("plain-agent", &example("plain-agent"));
    let (label, owner) = (format!("cellar.bottle={bottle}"), owner.trim());
    let (owner, lines) = (format!("cellar.owner={owner}"), LINES.to_string());
    engine.docker(&[
        "run",
        "--detach",
        "--network",
        "none",
        "--log-driver",
        "json-file",
        "--log-opt",
        "max-size=1g",
        "--label",
        &label,
        "--label",
        "cellar.role=agent",
        "--label",
        "cellar.agent=plain",
        "--label",
        &owner,
        &image,
        "/program",
        "log",
        &lines,
        RATE,
    ]);
    operator.wait_until("the last of the lines", |_| {
        let last = engine.docker(&["ps", "-q", "--filter", &format!("label={label}")]);
        engine
            .docker(&["logs", "--tail", "1", &last])
            .contains(" of the log at ")
    });
    let console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, LIMIT);
    let pid = u32::try_from(console.pid().unwrap().as_raw_nonzero().get()).unwrap();
    let idle = memory_kib(pid, "VmRSS") / 1024;
    let begin = Instant::now();
    console.send("l");
    console.wait_for_text("of the log at", LIMIT);
    let first = begin.elapsed().as_secs_f64() * 1e3;
    print(&format!(
        "{:<34} {first:>8.0} ms",
        "first screen of the console"
    ));
    console.wait_for("all of it", LIMIT, |screen| {
        screen.contains("following · 1,0") && !screen.contains("reading what")
    });
    let all = begin.elapsed().as_secs_f64();
    print(&format!(
        "{:<34} {all:>8.1} s",
        "all of it read from the engine"
    ));
    let memory = memory_kib(pid, "VmRSS") / 1024;
    print(&format!(
        "{:<34} {memory:>8} MiB (before: {idle} MiB)",
        "memory"
    ));
    let begin = Instant::now();
    console.send("/ 500000 of\r");
    console.wait_for_text("1/1", LIMIT);
    let search = begin.elapsed().as_secs_f64() * 1e3;
    print(&format!(
        "{:<34} {search:>8.0} ms",
        "a search, to its hit in sight"
    ));
    let begin = Instant::now();
    console.send("g");
    console.wait_for_text("line         0 of", LIMIT);
    let top = begin.elapsed().as_secs_f64() * 1e3;
    print(&format!("{:<34} {top:>8.0} ms", "to the first line"));
    console.send("G");
    console.wait_for_text("following", LIMIT);
    follow(&console, pid);
    let memory = memory_kib(pid, "VmRSS") / 1024;
    print(&format!("{:<34} {memory:>8} MiB", "memory after that"));
}

/// What following costs, and how late lines are on the screen.
fn follow(console: &common::support::terminal::Terminal, pid: u32) {
    let seen: RefCell<BTreeMap<u64, Duration>> = RefCell::default();
    let (before, begin) = (processor_time(pid), Instant::now());
    console.wait_for("the end of the window", LIMIT, |screen| {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        for printed in screen.split("of the log at ").skip(1) {
            let micros: String = printed.chars().take_while(char::is_ascii_digit).collect();
            if let Ok(micros) = micros.parse::<u64>() {
                let late = now.saturating_sub(Duration::from_micros(micros));
                seen.borrow_mut().entry(micros).or_insert(late);
            }
        }
        begin.elapsed() >= WINDOW
    });
    let used = processor_time(pid).saturating_sub(before).as_secs_f64();
    let share = used / begin.elapsed().as_secs_f64() * 100.0;
    // What stood there at the beginning was late already.
    let seen = seen.into_inner();
    let mut late: Vec<Duration> = seen.into_values().skip(100).collect();
    print(&format!(
        "{:<34} {share:>8.1} %",
        "following 500 lines/s, CPU"
    ));
    if late.is_empty() {
        return;
    }
    let median = percentile(&mut late, 0.5).as_secs_f64() * 1e3;
    let worst = percentile(&mut late, 0.99).as_secs_f64() * 1e3;
    print(&format!(
        "{:<34} {median:>8.0} ms, 99 %: {worst:.0} ms",
        "from printing to the screen"
    ));
}
