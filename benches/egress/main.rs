//! What leaving a bottle costs: our egress beside squid, tinyproxy and mitmproxy, on
//! loopback, one after the other, against one origin; then what an operator waits for. As root, for a mount namespace of
//! its own (`/etc/hosts`, `/run`, `/data`).
//!
//! `cargo bench --bench egress`, or `-- cellar squid` for the rows whose names hold one of
//! these words and `-- operator` for the operator's part; `MITMDUMP` names mitmproxy's program where it is not on
//! the path. What is not installed is left out of the table. Origin, proxy and load share
//! the machine's cores, so rates are for ranking.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::format_push_string,
    clippy::indexing_slicing,
    reason = "a benchmark: its numbers are small, its files its own"
)]

mod life;
mod load;
mod origin;
mod peers;

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Set where the mounts are made.
const INSIDE: &str = "CELLAR_BENCH_INSIDE";
/// The origin's name, which the bench's own `/etc/hosts` leads to loopback.
const HOST: &str = "origin.test";
/// Where it listens.
const PORT: u16 = 8443;

fn print(line: &str) {
    let mut table = std::io::stdout();
    // Nobody reads any more.
    drop(writeln!(table, "{line}"));
}

/// What of the bench is asked for; all of it, if nothing is.
fn wanted() -> impl Iterator<Item = String> {
    // `cargo bench` adds options of its own.
    std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("origin") {
        let folder = arguments.next().unwrap_or_default();
        return origin::run(Path::new(&folder));
    }
    let folder = tempfile::tempdir()?;
    if std::env::var_os(INSIDE).is_none() {
        if !rustix::process::geteuid().is_root() {
            print("SKIPPED: egress: it needs root, for a mount namespace");
            return Ok(());
        }
        return enter(folder.path());
    }
    let authority = origin::make(folder.path())?;
    let mut origin = Command::new(std::env::current_exe()?)
        .arg("origin")
        .arg(folder.path())
        .spawn()?;
    let done = run(folder.path(), &authority);
    origin.kill()?;
    origin.wait()?;
    done
}

/// Runs this program again where it may mount what it likes.
fn enter(folder: &Path) -> std::io::Result<()> {
    let hosts = folder.join("hosts");
    std::fs::write(&hosts, format!("127.0.0.1 localhost\n127.0.0.1 {HOST}\n"))?;
    // On the disk, as a volume is.
    let data = folder.join("data");
    std::fs::create_dir(&data)?;
    let had_data = Path::new("/data").exists();
    let script = "set -e; mount --bind \"$1\" /etc/hosts; \
        mount -t tmpfs tmpfs /run; mkdir -p /run/cellar /run/control /run/squid /data; \
        mount --bind \"$3\" /data; mount -t tmpfs tmpfs /dev/shm; \
        program=\"$2\"; shift 3; exec \"$program\" \"$@\"";
    let status = Command::new("unshare")
        .args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(&hosts)
        .arg(std::env::current_exe()?)
        .arg(data)
        .args(wanted())
        .env(INSIDE, "1")
        .status()?;
    if !had_data {
        std::fs::remove_dir("/data")?;
    }
    if status.success() {
        Ok(())
    } else {
        Err(std::io::Error::other(format!("ended with {status}")))
    }
}

fn run(folder: &Path, authority: &str) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    print(&format!(
        "{:<28} {:>9} {:>11} {:>9} {:>8} {:>9} {:>14} {:>13} {:>8}",
        "proxy",
        "req/s",
        "p50/p99 µs",
        "CPU µs/r",
        "new/s",
        "p50 ms",
        "stream MB/s",
        "SSE p50/99 µs",
        "RSS MiB"
    ));
    let is_wanted = |name: &str| {
        let words: Vec<String> = wanted().collect();
        words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
    };
    for peer in peers::all() {
        if !is_wanted(peer.name()) {
            continue;
        }
        match peer.start(folder, authority) {
            Ok(running) => {
                let row = runtime.block_on(load::measure(&running));
                print(&row);
                drop(running);
            }
            Err(peers::Absent) => print(&format!("{:<28} (not installed)", peer.name())),
        }
    }
    if !is_wanted("operator") {
        return Ok(());
    }
    runtime
        .block_on(life::measure())
        .map_err(std::io::Error::other)
}
