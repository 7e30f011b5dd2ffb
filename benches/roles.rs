//! What a bottle costs: the time of its start and the memory of each guest role.
//!
//! `cargo build --release --examples && cargo bench --bench roles`

mod common;

use std::time::{Duration, Instant};

use common::support::engine::{Engine, example};
use common::support::manifests;
use common::support::operator::Operator;
use common::{memory_kib, percentile, print};

const ROUNDS: usize = 7;
const LABEL: &str = "cellar.test=bench-roles";

fn main() {
    let Some(engine) = common::engine() else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let image = engine.one_file_image("plain-agent", &example("plain-agent"));
    // The first start loads the guest image; the others are what is measured.
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    memory(engine, &bottle);
    operator.cellar(&["rm", "--yes", &bottle]);
    starts(engine, &operator, &image);
}

fn memory(engine: Engine, bottle: &str) {
    print(&format!(
        "{:<12} {:>10} {:>10}",
        "role, idle", "RSS", "peak"
    ));
    for role in ["agent", "egress", "supervise"] {
        let container = engine.container(bottle, role);
        let pid = engine.docker(&["inspect", "--format", "{{.State.Pid}}", &container]);
        let pid = pid.parse().unwrap_or(0);
        let (now, peak) = (memory_kib(pid, "VmRSS"), memory_kib(pid, "VmHWM"));
        let word = if role == "agent" { "init" } else { role };
        print(&format!("{word:<12} {now:>6} KiB {peak:>6} KiB"));
    }
}

/// Interleaved, so that a busy moment of the machine falls on all three alike.
fn starts(engine: Engine, operator: &Operator, image: &str) {
    let mut one = Vec::new();
    let mut bottle = Vec::new();
    let mut serial = Vec::new();
    for _ in 0..ROUNDS {
        one.push(timed(|| {
            engine.docker(&["run", "--rm", "--network", "none", image, "/program"]);
        }));
        let name = operator.name();
        bottle.push(timed(|| {
            operator.cellar(&["start", "plain", "--yes", "--name", &name]);
        }));
        operator.cellar(&["rm", "--yes", &name]);
        serial.push(timed(|| one_after_the_other(engine, image)));
        for network in engine
            .docker(&["ps", "-aq", "--filter", &format!("label={LABEL}")])
            .lines()
        {
            engine.docker(&["rm", "-f", network]);
        }
        for network in engine
            .docker(&["network", "ls", "-q", "--filter", &format!("label={LABEL}")])
            .lines()
        {
            engine.docker(&["network", "rm", network]);
        }
    }
    let base = percentile(&mut one, 0.5);
    print("");
    print(&format!(
        "{:<44} {:>8} {:>7}",
        "start, median", "time", "times"
    ));
    for (name, samples) in [
        ("docker run --network none, one container", &mut one),
        ("cellar start, three containers, sealed", &mut bottle),
        ("the same by docker, one by one, own networks", &mut serial),
    ] {
        let median = percentile(samples, 0.5);
        let ratio = median.as_secs_f64() / base.as_secs_f64();
        print(&format!(
            "{name:<44} {:>5} ms {ratio:>6.1}×",
            median.as_millis()
        ));
    }
}

fn timed(run: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    run();
    begin.elapsed()
}

/// Three containers by `docker` commands, an internal network for each.
fn one_after_the_other(engine: Engine, image: &str) {
    for _ in 0..3 {
        let name = format!("bench-{}-{}", std::process::id(), unique());
        engine.docker(&["network", "create", "--internal", "--label", LABEL, &name]);
        let container = engine.docker(&[
            "create",
            "-i",
            "--label",
            LABEL,
            "--network",
            &name,
            image,
            "/program",
        ]);
        engine.docker(&["start", &container]);
    }
}

fn unique() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
