//! What the console costs with many containers, beside its peers on the same socket: CPU
//! and memory while nothing happens, the first frame, and what a key takes.
//!
//! `cargo bench --bench fleet`, or `-- quick` for windows of a few seconds.
//!
//! The engine is a fake one of this process, so that its own costs are in none of the
//! numbers. `oxker`, `dtop` and `lazydocker` are measured where they are installed; each
//! has containers as it likes them best, without labels, and Cellar as bottles of three,
//! of which each has a hub that is heard and the selected one a session that is shown.

mod common;

#[expect(clippy::cast_precision_loss, reason = "times and counts of a table")]
mod measure {
    use std::panic::AssertUnwindSafe;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::common::support::fake_engine::FakeEngine;
    use super::common::support::fake_engine::fleet::{Fleet, Labelled};
    use super::common::support::fake_engine::session::Sessions;
    use super::common::{RawTerminal, memory_kib, percentile, print, processor_time, scratch};

    const COUNTS: [usize; 3] = [10, 120, 1_000];
    const PEERS: [&str; 3] = ["oxker", "dtop", "lazydocker"];
    /// Agents that write, and how fast, while keys are timed.
    const WRITERS: usize = 50;
    const LINES_PER_SECOND: u32 = 100;

    /// How long is looked.
    #[derive(Clone, Copy)]
    struct Windows {
        warm_up: Duration,
        idle: Duration,
        keys: usize,
    }

    pub(super) fn run() {
        let is_quick = std::env::args().any(|argument| argument == "quick");
        let windows = if is_quick {
            Windows {
                warm_up: Duration::from_secs(2),
                idle: Duration::from_secs(3),
                keys: 40,
            }
        } else {
            Windows {
                warm_up: Duration::from_secs(10),
                idle: Duration::from_secs(30),
                keys: 500,
            }
        };
        print(&format!(
            "{:<12} {:>10} {:>9} {:>9} {:>13} {:>12}  asked in the window",
            "idle", "containers", "CPU", "RSS", "of it its own", "first frame"
        ));
        for count in COUNTS {
            let engine = FakeEngine::start(Fleet::quiet(count));
            idle(("cellar", count), &engine, &engine.console(&[]), windows);
            for name in PEERS {
                let fleet = Fleet {
                    labelled: Labelled::Nothing,
                    ..Fleet::quiet(count)
                };
                let engine = FakeEngine::start(fleet);
                let home = scratch();
                let Some(command) = peer(name, &engine, home.path()) else {
                    print(&format!("{name:<12} {count:>10} (not installed)"));
                    continue;
                };
                let whole = || idle((name, count), &engine, &command, windows);
                if std::panic::catch_unwind(AssertUnwindSafe(whole)).is_err() {
                    print(&format!(
                        "{name:<12} {count:>10} (showed no container in time)"
                    ));
                }
            }
        }
        keys(windows);
    }

    /// Another program that reads `DOCKER_HOST`, with a home of its own, if it is there.
    fn peer(name: &str, engine: &FakeEngine, home: &std::path::Path) -> Option<Command> {
        Command::new(name).arg("--version").output().ok()?;
        let mut command = Command::new(name);
        command
            .env("DOCKER_HOST", engine.address())
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"));
        Some(command)
    }

    fn idle(
        (name, count): (&str, usize),
        engine: &FakeEngine,
        command: &Command,
        windows: Windows,
    ) {
        let begin = Instant::now();
        let mut terminal = RawTerminal::open(command);
        // All of them draw names of containers or bottles, which begin so.
        terminal.wait_for("api-00");
        let first = begin.elapsed();
        terminal.settle_for(windows.warm_up);
        let pid = terminal.pid();
        let asked = engine.asked();
        let (before, begin) = (processor_time(pid), Instant::now());
        terminal.settle_for(windows.idle);
        let used = processor_time(pid).saturating_sub(before).as_secs_f64();
        let share = used / begin.elapsed().as_secs_f64() * 100.0;
        let memory = memory_kib(pid, "VmRSS") as f64 / 1024.0;
        // Without the pages of the program's file, which may be dropped at any time.
        let own = memory_kib(pid, "RssAnon") as f64 / 1024.0;
        let more: Vec<String> = engine
            .asked()
            .into_iter()
            .map(|(kind, times)| (kind, times - asked.get(kind).copied().unwrap_or(0)))
            .filter(|(_, times)| *times > 0)
            .map(|(kind, times)| format!("{kind} {times}"))
            .collect();
        print(&format!(
            "{name:<12} {count:>10} {share:>7.2} % {memory:>5.1} MiB {own:>9.1} MiB {:>9.0} ms  {}",
            first.as_secs_f64() * 1_000.0,
            more.join(", ")
        ));
    }

    /// From a key to the first bytes of the frame that follows from it, with a thousand
    /// containers and busy logs: beside numbers, a log, and a session that floods.
    fn keys(windows: Windows) {
        for (what, page, sessions) in [
            ("list", &b"3"[..], Sessions::Still),
            ("list beside a busy log", b"2", Sessions::Still),
            ("list beside a flooding session", b"1", Sessions::Flooding),
        ] {
            let engine = FakeEngine::start(Fleet {
                writers: WRITERS,
                lines_per_second: LINES_PER_SECOND,
                sessions,
                ..Fleet::quiet(1_000)
            });
            let mut terminal = RawTerminal::open(&engine.console(&[]));
            terminal.wait_for("api-00");
            terminal.send(page);
            terminal.settle_for(windows.warm_up);
            let mut samples = Vec::with_capacity(windows.keys);
            for number in 0..windows.keys {
                // Down and up again; the selected row's id is drawn anew with each.
                let key: &[u8] = if number % 2 == 0 { b"j" } else { b"k" };
                let begin = Instant::now();
                terminal.send(key);
                terminal.wait_for("▌");
                samples.push(begin.elapsed());
                terminal.settle_for(Duration::from_millis(35));
            }
            print(&format!(
                "key to frame, {what}: p50 {:.2?}, p99 {:.2?}, longest {:.2?} \
                 (1,000 containers, {WRITERS} logs of {LINES_PER_SECOND} lines/s)",
                percentile(&mut samples, 0.50),
                percentile(&mut samples, 0.99),
                percentile(&mut samples, 1.00),
            ));
        }
    }
}

fn main() {
    measure::run();
}
