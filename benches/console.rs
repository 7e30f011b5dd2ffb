//! What the console costs while nothing happens, with 40 bottles of three containers.
//!
//! `cargo build --release --examples && cargo bench --bench console`
//!
//! `oxker` and `lazydocker` are measured beside it where they are installed.

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use common::support::manifests;
use common::support::operator::Operator;
use common::{RawTerminal, memory_kib, print, processor_time};

const BOTTLES: usize = 40;
const WINDOW: Duration = Duration::from_secs(30);

fn main() {
    let Some(engine) = common::engine() else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let names: Vec<String> = (0..BOTTLES).map(|_| operator.name()).collect();
    let begin = Instant::now();
    for name in &names {
        operator.cellar(&["start", "plain", "--yes", "--name", name]);
    }
    let took = begin.elapsed().as_secs_f64();
    print(&format!(
        "{BOTTLES} bottles, {} containers, started one after the other in {took:.1} s",
        BOTTLES * 3
    ));
    print(&format!("{:<12} {:>10} {:>12}", "idle", "CPU", "RSS"));
    // What changes on the screen is sent in pieces; this is there from the first frame.
    measure("cellar", &operator.command(&[]), "NEEDS YOU");
    for peer in ["oxker", "lazydocker"] {
        let is_there = Command::new(peer).arg("--version").output().is_ok();
        if is_there {
            measure(peer, &Command::new(peer), "plain-agent");
        } else {
            print(&format!("{peer:<12} (not installed)"));
        }
    }
    print(
        "published elsewhere, another machine, 100 containers: see the changelogs of oxker 0.13 and lazydocker 0.25",
    );
    for name in &names {
        operator.cellar(&["rm", "--yes", name]);
    }
}

/// Processor time over the window, and the memory at its end.
fn measure(name: &str, command: &Command, sign: &str) {
    let mut terminal = RawTerminal::open(command);
    terminal.wait_for(sign);
    // The first picture is not idleness.
    terminal.settle_for(Duration::from_secs(5));
    let pid = terminal.pid();
    let (before, begin) = (processor_time(pid), Instant::now());
    terminal.settle_for(WINDOW);
    let used = processor_time(pid).saturating_sub(before).as_secs_f64();
    let share = used / begin.elapsed().as_secs_f64() * 100.0;
    let memory = memory_kib(pid, "VmRSS") / 1024;
    print(&format!("{name:<12} {share:>8.2} % {memory:>8} MiB"));
}
