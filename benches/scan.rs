//! What scanning costs: speed over several kinds of text, the time and memory of the first
//! scan, beside the way that gitleaks goes, with the same crates. The corpus is this
//! repository.
//!
//! `cargo bench --bench scan`

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use cellar::scan::{ContentCoding, Direction, Known, Mode, Scanner};
use cellar::secret::Secret;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use serde_json::Value;

const CORPUS_BYTES: usize = 8 * 1024 * 1024;
const CHUNK_BYTES: usize = 16 * 1024;
const ROUNDS: usize = 5;
/// A bottle with many credentials.
const KNOWN_VALUES: u32 = 36;

fn main() {
    let idle = memory_kib("VmRSS");
    let began = Instant::now();
    let mut values = vec![Known::canary("canary", Secret::new(value(99, 40)))];
    for seed in 1..KNOWN_VALUES {
        let length = 20 + seed as usize * 3;
        let name = format!("token {seed}");
        values.push(Known::secret(name, Secret::new(value(seed, length))));
    }
    let Ok(scanner) = Scanner::new(values) else {
        return;
    };
    line("known values, 36", &since(began));
    line("  memory", &kib(memory_kib("VmRSS"), idle));

    let began = Instant::now();
    let found = scanner.scan_bytes(b"authorization: Bearer nothing-to-see-here");
    line("first scan, one line", &since(began));
    line("  memory", &kib(memory_kib("VmRSS"), idle));
    line("  findings", &found.len().to_string());

    // One file at a time, so that the memory is the scanner's.
    for folder in ["src", "docs", "tests"] {
        each_file(folder, |_, text| {
            run(&scanner, Direction::Outbound, &text);
        });
    }
    line("this repository scanned", &kib(memory_kib("VmRSS"), idle));
    each_file("assets", |_, text| {
        run(&scanner, Direction::Outbound, &text);
    });
    line("  with words of all rules", &kib(memory_kib("VmRSS"), idle));

    let texts = texts();
    let rows: Vec<[(f64, usize); 2]> = texts
        .iter()
        .map(|(_, text)| {
            let inbound = speed(text, |text| run(&scanner, Direction::Inbound, text));
            let outbound = speed(text, |text| run(&scanner, Direction::Outbound, text));
            [outbound, inbound]
        })
        .collect();
    let before = memory_kib("VmRSS");
    let began = Instant::now();
    let peer = Peer::new();
    line("peer built", &since(began));
    line("  memory", &kib(memory_kib("VmRSS"), before));
    line("", "");
    line(
        "MB in a second of one core",
        "out (findings)  in      peer (hits)",
    );
    for ((name, text), [outbound, inbound]) in texts.iter().zip(rows) {
        let peer = speed(text, |text| peer.run(text));
        line(
            name,
            &format!(
                "{:>5.0} ({:>5})  {:>5.0}    {:>5.0} ({:>5})",
                outbound.0, outbound.1, inbound.0, peer.0, peer.1
            ),
        );
    }
}

/// Keywords first, then the whole chunk by each regex that one of them wakes: no known
/// values, no encodings, no allowlists, nothing across chunks.
struct Peer {
    keywords: Option<AhoCorasick>,
    rules: Vec<usize>,
    regexes: Vec<Regex>,
}

impl Peer {
    fn new() -> Self {
        let source = include_str!("../assets/secret-rules.json");
        let source: Value = serde_json::from_str(source).unwrap_or_default();
        let (mut words, mut rules, mut regexes) = (Vec::new(), Vec::new(), Vec::new());
        let bytes = syntax::Config::new().unicode(false).utf8(false);
        for rule in list(&source, "rules") {
            let regex = rule
                .get("regex")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let config = Regex::config().utf8_empty(false);
            let mut builder = Regex::builder();
            let Ok(regex) = builder.configure(config).syntax(bytes).build(regex) else {
                continue;
            };
            for word in list(rule, "keywords") {
                words.extend(word.as_str().map(str::to_owned));
                rules.push(regexes.len());
            }
            regexes.push(regex);
        }
        let mut builder = AhoCorasick::builder();
        Self {
            keywords: builder.ascii_case_insensitive(true).build(words).ok(),
            rules,
            regexes,
        }
    }

    fn run(&self, text: &[u8]) -> usize {
        let mut found = 0;
        for chunk in text.chunks(CHUNK_BYTES) {
            let mut woken = vec![false; self.regexes.len()];
            let words = self.keywords.iter();
            for hit in words.flat_map(|words| words.find_overlapping_iter(chunk)) {
                let rule = self.rules.get(hit.pattern().as_usize());
                if let Some(woken) = rule.and_then(|rule| woken.get_mut(*rule)) {
                    *woken = true;
                }
            }
            for (regex, woken) in self.regexes.iter().zip(woken) {
                if woken {
                    found += regex.find_iter(chunk).count();
                }
            }
        }
        found
    }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let list = value.get(name).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// Megabytes for each second that this thread ran, over some rounds after a first one.
fn speed(text: &[u8], scan: impl Fn(&[u8]) -> usize) -> (f64, usize) {
    let found = scan(text);
    let began = thread_time();
    for _ in 0..ROUNDS {
        scan(text);
    }
    let time = thread_time().saturating_sub(began);
    #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
    let megabytes = (text.len() * ROUNDS) as f64 / 1e6;
    (megabytes / time.as_secs_f64(), found)
}

/// How long this thread ran, other programs not counted, to some milliseconds: proc(5),
/// schedstat.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next();
    Duration::from_nanos(first.and_then(|text| text.parse().ok()).unwrap_or_default())
}

fn run(scanner: &Scanner, direction: Direction, text: &[u8]) -> usize {
    let mut stream = scanner.stream(direction, ContentCoding::Identity, Mode::Block);
    let mut found = 0;
    for chunk in text.chunks(CHUNK_BYTES) {
        found += stream.feed(chunk).findings.len();
    }
    found + stream.finish().findings.len()
}

fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let source = files("src", "rs");
    let prose = files("docs", "md");
    let traffic = traffic(&source);
    let twice = traffic.get(..CORPUS_BYTES / 2).unwrap_or(&traffic);
    let nested = serde_json::json!({"tool_result": String::from_utf8_lossy(twice)});
    let mut minified = source.clone();
    minified.retain(|byte| !byte.is_ascii_whitespace());
    let noise = noise(CORPUS_BYTES);
    let images: Vec<u8> = noise
        .chunks(150_000)
        .take(30)
        .flat_map(|image| {
            let data = data_encoding::BASE64.encode(image);
            format!("{{\"type\":\"image\",\"media_type\":\"image/png\",\"data\":\"{data}\"}}\n")
                .into_bytes()
        })
        .collect();
    let form: Vec<u8> = source
        .iter()
        .take(CORPUS_BYTES / 2)
        .flat_map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => vec![*byte],
            b' ' => b"+".to_vec(),
            byte => format!("%{byte:02X}").into_bytes(),
        })
        .collect();
    vec![
        ("source code", source),
        ("Markdown", prose),
        ("model request, JSON", traffic),
        ("the same inside JSON", nested.to_string().into_bytes()),
        ("source without spaces", minified),
        ("log lines of keywords", log()),
        ("images in base64", images),
        ("a form, percent-encoded", form),
        ("random bytes", noise),
    ]
}

/// Files of this repository, repeated.
fn files(folder: &str, kind: &str) -> Vec<u8> {
    let mut once = Vec::new();
    each_file(folder, |path, text| {
        if path.extension().is_some_and(|end| end == kind) {
            once.extend(text);
        }
    });
    once.iter().copied().cycle().take(CORPUS_BYTES).collect()
}

fn each_file(folder: &str, mut take: impl FnMut(&Path, Vec<u8>)) {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read(&path) {
                take(&path, text);
            }
        }
    }
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

fn log() -> Vec<u8> {
    let mut text = Vec::new();
    for number in 0..60_000_u32 {
        let second = number % 60;
        let line = format!(
            "2026-01-01T10:00:{second:02}Z INFO auth: access granted, token=none key: api \
             secret, password = ***, credential {number} of user bob, task {number} (linear)\n"
        );
        text.extend_from_slice(line.as_bytes());
    }
    text
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u64;
    std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()[0]
    })
    .take(length)
    .collect()
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

fn kib(now: u64, before: u64) -> String {
    format!("{now} KiB, {} more than before", now.saturating_sub(before))
}

fn since(began: Instant) -> String {
    format!("{:.1} ms", began.elapsed().as_secs_f64() * 1e3)
}

fn line(name: &str, said: &str) {
    // A bench whose output nobody reads has nothing to say.
    let _written = writeln!(std::io::stdout(), "{name:<28} {said}");
}
