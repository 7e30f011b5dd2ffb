//! What scanning costs: speed over clean text and over model traffic, the time and
//! memory of the first scan. The corpus is this repository.
//!
//! `cargo bench --bench scan`

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cellar::scan::{ContentCoding, Direction, Known, Mode, Scanner};
use cellar::secret::Secret;

const CORPUS_BYTES: usize = 16 * 1024 * 1024;
const CHUNK_BYTES: usize = 16 * 1024;
const ROUNDS: usize = 5;

fn main() {
    let idle = memory_kib("VmRSS");
    let began = Instant::now();
    let scanner = Scanner::new(vec![
        Known::secret("token", Secret::new(value(1, 108))),
        Known::canary("canary", Secret::new(value(2, 40))),
    ]);
    let Ok(scanner) = scanner else {
        return;
    };
    line("known values, two", &duration(began.elapsed()));
    line("  memory", &kib(memory_kib("VmRSS"), idle));

    let began = Instant::now();
    let found = scanner.scan_bytes(b"authorization: Bearer nothing-to-see-here");
    line("first scan, one line", &duration(began.elapsed()));
    line("  memory", &kib(memory_kib("VmRSS"), idle));
    line("  findings", &found.len().to_string());

    let source = source();
    let began = Instant::now();
    run(
        &scanner,
        Direction::Outbound,
        source.get(..CHUNK_BYTES * 64).unwrap_or(&source),
    );
    line("next MiB of source", &duration(began.elapsed()));
    line("  memory", &kib(memory_kib("VmRSS"), idle));

    let traffic = traffic(&source);
    line("", "");
    for (name, direction, text) in [
        ("source text, outbound", Direction::Outbound, &source),
        ("source text, inbound", Direction::Inbound, &source),
        ("model traffic, outbound", Direction::Outbound, &traffic),
        ("model traffic, inbound", Direction::Inbound, &traffic),
    ] {
        let (best, found) = speed(&scanner, direction, text);
        line(name, &format!("{best:.0} MB/s, {found} findings"));
    }
    line("memory with all rules met", &kib(memory_kib("VmRSS"), idle));
    line("  peak", &kib(memory_kib("VmHWM"), idle));
}

fn speed(scanner: &Scanner, direction: Direction, text: &[u8]) -> (f64, usize) {
    let mut best = Duration::MAX;
    let mut found = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        found = run(scanner, direction, text);
        best = best.min(began.elapsed());
    }
    #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
    let megabytes = text.len() as f64 / 1e6;
    (megabytes / best.as_secs_f64(), found)
}

fn run(scanner: &Scanner, direction: Direction, text: &[u8]) -> usize {
    let mut stream = scanner.stream(direction, ContentCoding::Identity, Mode::Block);
    let mut found = 0;
    for chunk in text.chunks(CHUNK_BYTES) {
        found += stream.feed(chunk).findings.len();
    }
    found + stream.finish().findings.len()
}

/// This repository's own Rust and Markdown, repeated.
fn source() -> Vec<u8> {
    let mut once = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                once.extend(std::fs::read(path).unwrap_or_default());
            }
        }
    }
    once.iter().copied().cycle().take(CORPUS_BYTES).collect()
}

/// The same as a client sends it to a model: in strings of JSON.
fn traffic(source: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for piece in source.chunks(4000) {
        let text = String::from_utf8_lossy(piece);
        let part = serde_json::json!({"role": "user", "content": [{"type": "text", "text": text}]});
        body.extend(part.to_string().into_bytes());
    }
    body
}

/// Bytes that look like a token, the same in every run.
fn value(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
            .get((state >> 16) as usize % 57)
            .copied()
            .unwrap_or(b'-')
    })
    .take(length)
    .collect()
}

fn memory_kib(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(key));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

fn kib(now: u64, idle: u64) -> String {
    format!("{now} KiB, {} more than idle", now.saturating_sub(idle))
}

fn duration(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn line(name: &str, said: &str) {
    // A bench whose output nobody reads has nothing to say.
    let _written = writeln!(std::io::stdout(), "{name:<28} {said}");
}
