//! What must hold of the parsers whatever bytes come, one function for each family.
//!
//! The targets under `fuzz` call them with what libFuzzer makes up, the tests below with
//! a few hundred inputs in each `cargo test`. A function returns nothing: it panics
//! where a fact does not hold.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use super::activity::Activity;
use super::ask::Shown;
use super::authority::{read_plain, read_tunnel, same_place};
use super::gate::{Chunks, Gate};
use super::head::{Head, inspect};
use super::relay::fuzzed::{
    Findings, FrameSieve, Frames, Kind, Sender, Step, Stop, UsageReader, unmask,
};
use super::tls::read_hello;
use crate::policy::{CanonicalPath, HostName, HostPattern, PathPattern, ScanMode};
use crate::scan::{ContentCoding, Direction, Feed, Finding, Known, Mode, Scanner, Unread};
use crate::secret::Secret;
use crate::wire::AnswerUsage;

/// Longer than any input takes, for nothing here ever waits.
const LIMIT: Duration = Duration::from_mins(1);
/// The host whose ClientHello is asked for, also in the seeds.
pub const HOST: &str = "allowed.test";
/// The value that the scanner knows, also in the seeds.
pub const VALUE: &str = "hunter2-correct-horse";

/// A host name, a pattern and the authority of a request.
///
/// # Panics
/// If an accepted name has another reading, or is an address.
pub fn host(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(name) = HostName::parse(text) {
        let canonical = name.as_str();
        assert_eq!(HostName::parse(canonical).as_ref(), Ok(&name));
        assert!(canonical.len() <= 253);
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = |byte: u8| plain(byte) || b"-_.".contains(&byte);
        assert!(canonical.bytes().all(fits), "{canonical:?}");
        assert!(canonical.split('.').all(|label| !label.is_empty()));
        assert!(canonical.parse::<std::net::IpAddr>().is_err());
        let target = format!("{canonical}:443");
        let read = read_tunnel(&target);
        assert!(read.is_ok_and(|authority| same_place(&target, &authority, 80)));
    }
    if let Ok(pattern) = HostPattern::parse(text) {
        let again = HostPattern::parse(&pattern.to_string());
        assert_eq!(again.as_ref(), Ok(&pattern));
        assert!(pattern.meets(&pattern));
        if let Some(name) = pattern.exact() {
            assert!(pattern.matches(name));
        }
    }
    if let Ok(authority) = read_tunnel(text) {
        assert!(same_place(text, &authority, 443));
    }
    if let Ok(plain) = read_plain(text) {
        assert!(plain.path.starts_with('/'));
        assert!(!plain.path.contains(['#', '\\']));
    }
}

/// A path, and before its line break a pattern.
///
/// # Panics
/// If a canonical path has another reading, could climb, or a pattern that matches it
/// in every reading does so in none.
pub fn path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (pattern, path) = text.split_once('\n').unwrap_or(("/*", text));
    let pattern = PathPattern::parse(pattern);
    if let Ok(pattern) = &pattern {
        assert_eq!(PathPattern::parse(pattern.as_str()).as_ref(), Ok(pattern));
    }
    let Ok(path) = CanonicalPath::parse(path) else {
        return;
    };
    let canonical = path.as_str();
    assert_eq!(CanonicalPath::parse(canonical).as_ref(), Ok(&path));
    let climbs = |segment: &str| segment == "." || segment == "..";
    assert!(!canonical.split('/').any(climbs), "{canonical:?}");
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>".contains(&byte);
    assert!(canonical.bytes().all(plain), "{canonical:?}");
    if let Ok(pattern) = pattern {
        assert!(!pattern.matches(&path) || pattern.may_match(&path));
    }
    if !canonical.contains('*') {
        let own = PathPattern::parse(canonical);
        assert!(own.is_ok_and(|own| own.matches(&path)), "{canonical:?}");
    }
}

/// The first bytes of a tunnel, after one that says how they are cut.
///
/// # Panics
/// If cuts change the verdict, or the bytes that go on are not those that came.
pub fn client_hello(bytes: &[u8]) {
    let Some((size, bytes)) = cut(bytes, 1) else {
        return;
    };
    let Ok(host) = HostName::parse(HOST) else {
        return;
    };
    let read = |size| {
        let host = &host;
        async move {
            let (mut pieces, mut early) = (Pieces { bytes, size }, Vec::new());
            let verdict = read_hello(&mut pieces, &mut early, host, LIMIT).await;
            assert!(bytes.starts_with(&early));
            verdict
        }
    };
    run(async {
        let (whole, pieces) = (read(usize::MAX).await, read(size).await);
        assert_eq!(whole.is_ok(), pieces.is_ok(), "{whole:?} {pieces:?}");
    });
}

/// Requests as an agent sends them, after a byte that says how they are cut: the head's
/// reader, the chunks' reader, and the gate over both.
///
/// # Panics
/// If cuts change what passes, or what passed reads as something else.
pub fn requests(bytes: &[u8]) {
    let Some((size, bytes)) = cut(bytes, 1) else {
        return;
    };
    if let Ok(head) = inspect(bytes) {
        let front = bytes.get(..head.length).unwrap_or_default();
        assert_eq!(inspect(front).as_ref(), Ok(&head));
        assert!(head.line_length < head.length);
    }
    chunks(bytes, size);
    run(async {
        let whole = pass(bytes, usize::MAX).await;
        let pieces = pass(bytes, size).await;
        assert_eq!(whole.heads, pieces.heads);
        assert_eq!(whole.is_spoiled, pieces.is_spoiled);
        if whole.is_spoiled {
            assert!(pieces.bytes.starts_with(&whole.bytes));
        } else {
            assert_eq!(whole.bytes, pieces.bytes);
            assert_eq!(pass(&whole.bytes, size).await.bytes, whole.bytes);
        }
    });
}

fn chunks(bytes: &[u8], size: usize) {
    let (mut whole, mut out) = (Chunks::default(), Vec::new());
    let taken = whole.take(bytes, &mut out);
    let (mut pieces, mut cut_out, mut cut_taken) = (Chunks::default(), Vec::new(), Ok(0));
    for piece in bytes.chunks(size) {
        let took = pieces.take(piece, &mut cut_out);
        cut_taken = cut_taken.and_then(|before| took.map(|took| before + took));
        if cut_taken.is_err() || pieces.is_done() {
            break;
        }
    }
    assert_eq!(taken, cut_taken);
    assert_eq!(out, cut_out);
    if taken.is_ok() && whole.is_done() {
        let mut again = Vec::new();
        let read = Chunks::default().take(&out, &mut again);
        assert_eq!((read, &again), (Ok(out.len()), &out));
    }
}

/// What went through a gate.
struct Passed {
    heads: Vec<Head>,
    bytes: Vec<u8>,
    is_spoiled: bool,
}

/// Sends bytes through a gate behind which each request is answered at once.
async fn pass(bytes: &[u8], size: usize) -> Passed {
    let (stream, activity) = (Pieces { bytes, size }, Arc::new(Activity::new()));
    let mut gate = Gate::new(stream, Vec::new(), Shown::default(), LIMIT, activity);
    let (line, mut heads, mut bytes) = (gate.line(), Vec::new(), Vec::new());
    let is_spoiled = loop {
        match gate.read_buf(&mut bytes).await {
            Ok(0) => break false,
            Ok(_) => {}
            Err(_) => break true,
        }
        if let Some(head) = line.take_head() {
            heads.push(head);
            line.answered();
        }
    };
    Passed {
        heads,
        bytes,
        is_spoiled,
    }
}

/// A body, after two bytes: how it is cut, and how it is coded and scanned.
///
/// # Panics
/// If cuts change what is found or put out, or a known value passes.
pub fn scan(bytes: &[u8]) {
    // Up to the scanner's own blocks.
    let Some((size, bytes)) = cut(bytes, 97) else {
        return;
    };
    let Some((how, body)) = bytes.split_first() else {
        return;
    };
    let coding = match how % 5 {
        0 => ContentCoding::Identity,
        1 => ContentCoding::Gzip,
        2 => ContentCoding::Deflate,
        3 => ContentCoding::Brotli,
        _ => ContentCoding::Zstd,
    };
    let mode = match how / 5 % 3 {
        0 => Mode::Report,
        1 => Mode::Block,
        _ => Mode::Redact,
    };
    let direction = if how / 15 % 2 == 0 {
        Direction::Outbound
    } else {
        Direction::Inbound
    };
    let known = Known::secret("value", Secret::new(VALUE.as_bytes().to_vec()));
    let scanner = Scanner::new(vec![known]);
    assert!(scanner.is_ok());
    let Ok(scanner) = scanner else { return };
    let whole = scanned(&scanner, direction, coding, mode, &[body]);
    let pieces: Vec<&[u8]> = body.chunks(size).collect();
    let pieces = scanned(&scanner, direction, coding, mode, &pieces);
    assert_eq!(whole.unread.is_some(), pieces.unread.is_some());
    // Of a body that breaks off, cuts say how much was read before the break was seen.
    if coding == ContentCoding::Identity || whole.unread.is_none() {
        assert_eq!(whole, pieces);
    }
    if coding == ContentCoding::Identity {
        let holds = |text: &[u8]| {
            text.windows(VALUE.len())
                .any(|window| window == VALUE.as_bytes())
        };
        assert!(!holds(body) || !whole.findings.is_empty());
        let released = usize::try_from(whole.release).unwrap_or(usize::MAX);
        let left = body.get(..released).unwrap_or_default();
        assert!(mode != Mode::Block || !holds(left));
        assert!(!holds(&whole.output));
    }
}

/// A WebSocket's frames, after two bytes: how they are cut, and who sends them in which
/// mode of scanning.
///
/// # Panics
/// If cuts change what passes or how it ends, other bytes pass than came, or a message
/// with the known value in it passes where it must not.
pub fn frames(bytes: &[u8]) {
    let Some((size, bytes)) = cut(bytes, 1) else {
        return;
    };
    let Some((how, bytes)) = bytes.split_first() else {
        return;
    };
    let sender = if how % 2 == 0 {
        Sender::Agent
    } else {
        Sender::Server
    };
    let mode = match how / 2 % 3 {
        0 => ScanMode::Block,
        1 => ScanMode::Warn,
        _ => ScanMode::Off,
    };
    let known = Known::secret("value", Secret::new(VALUE.as_bytes().to_vec()));
    let scanner = Scanner::new(vec![known]);
    assert!(scanner.is_ok());
    let Ok(scanner) = scanner else { return };
    let pass = |size| {
        let mut sieve = FrameSieve::new(&scanner, sender, mode);
        let (mut out, findings) = (Vec::new(), Findings::default());
        let sifted = bytes
            .chunks(size)
            .try_for_each(|piece| sieve.sift(piece, &mut out, &findings));
        let ended = sifted.and_then(|()| sieve.finish(&mut out, &findings));
        (ended, out, findings.names())
    };
    let (whole, pieces) = (pass(usize::MAX), pass(size));
    assert_eq!(whole.0, pieces.0);
    assert!(bytes.starts_with(&whole.1) && bytes.starts_with(&pieces.1));
    if whole.0.is_ok() {
        assert_eq!(whole, pieces);
    }
    assert!(mode == ScanMode::Block || whole.0 != Err(Stop::Caught));
    assert!(mode != ScanMode::Off || whole.2.is_empty());
    let messages = messages(sender, &pieces.1);
    let holds = |text: &[u8]| {
        text.windows(VALUE.len())
            .any(|part| part == VALUE.as_bytes())
    };
    assert!(mode != ScanMode::Block || !holds(&messages));
    assert!(mode == ScanMode::Off || !holds(&messages) || !pieces.2.is_empty());
}

/// The text of all messages in these frames.
fn messages(sender: Sender, mut bytes: &[u8]) -> Vec<u8> {
    let (mut frames, mut text) = (Frames::of(sender), Vec::new());
    while !bytes.is_empty() {
        let step = frames.step(bytes);
        assert!(step.is_ok(), "what passed is no frame");
        let Ok((count, step)) = step else { break };
        assert!(count > 0);
        let (now, later) = bytes.split_at_checked(count).unwrap_or_default();
        if let Step::Payload { kind, mask } = step
            && kind == Kind::Data
        {
            let mut payload = now.to_vec();
            if let Some(mask) = mask {
                unmask(&mut payload, mask);
            }
            text.extend(payload);
        }
        bytes = later;
    }
    text
}

/// A model's answer, after two bytes: how it is cut, and how it is written and coded.
///
/// # Panics
/// If cuts change what it says, if what it says is out of bounds, or if it can say
/// anything of usage from within a text that a model wrote.
pub fn usage(bytes: &[u8]) {
    let Some((size, bytes)) = cut(bytes, 1) else {
        return;
    };
    let Some((how, body)) = bytes.split_first() else {
        return;
    };
    let is_stream = how % 2 == 0;
    let coding = match how / 2 % 5 {
        0 => "identity",
        1 => "gzip",
        2 => "deflate",
        3 => "br",
        _ => "zstd",
    };
    let (whole, pieces) = (
        told(is_stream, coding, body, usize::MAX),
        told(is_stream, coding, body, size),
    );
    if coding == "identity" {
        assert_eq!(whole, pieces);
    }
    for usage in whole.iter().chain(&pieces) {
        assert!(usage.model.len() <= 64);
        assert!(usage.model.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
    }
    let written = serde_json::Value::from(String::from_utf8_lossy(body));
    let start = r#"{"type":"message_start","message":{"model":"m","usage":{"input_tokens":3}}}"#;
    let stream = format!(
        "data: {start}\n\nevent: x\ndata: {{\"type\":\"content_block_delta\",\"delta\":{{\"text\":{written}}}}}\n\n"
    );
    let answer = format!(
        r#"{{"content":[{{"text":{written}}}],"type":"message","model":"m","usage":{{"input_tokens":3}}}}"#
    );
    for (is_stream, text) in [(true, stream), (false, answer)] {
        let told = told(is_stream, "identity", text.as_bytes(), size);
        let read = told.map(|usage| (usage.model, usage.tokens.input, usage.tokens.output));
        assert_eq!(read, Some(("m".to_owned(), 3, 0)));
    }
}

/// What an answer of this kind says that it used, read in pieces.
fn told(is_stream: bool, coding: &'static str, body: &[u8], size: usize) -> Option<AnswerUsage> {
    let kind = if is_stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    let reader = UsageReader::of(&headers);
    assert!(reader.is_some());
    let mut reader = reader?;
    for piece in body.chunks(size) {
        reader.feed(piece);
    }
    reader.finish()
}

#[derive(Debug, Default, PartialEq)]
struct Scanned {
    findings: Vec<Finding>,
    release: u64,
    output: Vec<u8>,
    unread: Option<Unread>,
}

impl Scanned {
    fn take(&mut self, fed: Feed) {
        assert!(fed.release >= self.release);
        self.findings.extend(fed.findings);
        self.release = fed.release;
        self.output.extend(fed.output);
        self.unread = fed.unread;
    }
}

fn scanned(
    scanner: &Scanner,
    direction: Direction,
    coding: ContentCoding,
    mode: Mode,
    pieces: &[&[u8]],
) -> Scanned {
    let (mut stream, mut scanned) = (scanner.stream(direction, coding, mode), Scanned::default());
    for piece in pieces {
        scanned.take(stream.feed(piece));
    }
    scanned.take(stream.finish());
    scanned
}

/// The size of pieces that the first byte says, in so many bytes, and the rest.
fn cut(bytes: &[u8], unit: usize) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    Some((usize::from(*first) * unit + 1, rest))
}

/// Gives its bytes in pieces, then ends.
struct Pieces<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let count = self.size.min(self.bytes.len()).min(buffer.remaining());
        let (now, later) = self.bytes.split_at_checked(count).unwrap_or_default();
        buffer.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

fn run(facts: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    assert!(runtime.is_ok());
    if let Ok(runtime) = runtime {
        runtime.block_on(facts);
    }
}

#[cfg(test)]
mod tests;
