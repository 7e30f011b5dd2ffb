//! What the engine says of a log: its end, what was before, and what comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{BoxStream, SelectAll};
use jiff::Timestamp;

use crate::app::follow::{self, Pieces};
use crate::app::merge::Merge;
use crate::docker::{Engine, EngineError, LogChunk, LogRequest, LogSource};
use crate::pty::log_line;
use crate::state::{LogContainer, LogReach, LogSubject, Role};
use crate::store::{LineTag, NewLine, Spill};

/// Lines of each container that come first.
const TAIL_LINES: u32 = 500;
/// Lines that are written at once.
const LINES_AT_ONCE: usize = 256;

/// A line as the engine said it, and when.
pub(super) type Said = (Role, Timestamp, LogChunk);

/// The end of a log.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) lines: Vec<Said>,
    /// Lines before this time are history; `None` if there are none.
    pub(super) history: Option<Timestamp>,
    /// The time of the last line of each container.
    pub(super) last: BTreeMap<Role, Timestamp>,
    /// Containers whose log could not be read, and why.
    pub(super) broken: Vec<(Role, EngineError)>,
}

/// The time from which on a log is read.
pub(super) fn since(reach: LogReach, now: Timestamp) -> Option<Timestamp> {
    let back = jiff::SignedDuration::from_secs(reach.seconds()?);
    now.checked_sub(back).ok()
}

/// Reads the end of a log. A container that cannot be read hides no other.
///
/// # Errors
/// The first one's, if none of them can be read.
pub(super) async fn tail(
    engine: &dyn Engine,
    subject: &LogSubject,
    since: Option<Timestamp>,
) -> Result<Tail, EngineError> {
    let request = LogRequest {
        follow: false,
        tail: Some(TAIL_LINES),
        since,
    };
    let mut merge = merged(engine, subject, request);
    let mut tail = Tail::default();
    let mut firsts: BTreeMap<Role, (Timestamp, u32)> = BTreeMap::new();
    while let Some((role, at, chunk)) = merge.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                tail.broken.push((role, error));
                continue;
            }
        };
        firsts.entry(role).or_insert((at, 0)).1 += 1;
        tail.last.insert(role, at);
        tail.lines.push((role, at, chunk));
    }
    if tail.broken.len() == subject.sources.len() && !tail.broken.is_empty() {
        return Err(tail.broken.swap_remove(0).1);
    }
    // From here on nothing is missing: of each container that has more than was asked for,
    // all after its first line is there. That one may share its time with others.
    let begin = firsts.values().filter(|(_, count)| *count >= TAIL_LINES);
    let begin = begin.map(|(at, _)| *at).max();
    if let Some(begin) = begin {
        tail.lines.retain(|(_, at, _)| *at > begin);
        tail.history = Some(tail.lines.first().map_or(begin, |(_, at, _)| *at));
    }
    Ok(tail)
}

fn merged(engine: &dyn Engine, subject: &LogSubject, request: LogRequest) -> Merge<Role> {
    let logs = subject.sources.iter();
    Merge::of(logs.map(|one| (one.role, engine.logs(&one.container, request))))
}

/// Reads what was before the tail into a spill, and tells how many lines so far.
pub(super) async fn history(
    engine: Arc<dyn Engine>,
    subject: LogSubject,
    (since, before): (Option<Timestamp>, Timestamp),
    spill: Arc<Spill>,
) -> Result<(), String> {
    let request = LogRequest {
        follow: false,
        tail: None,
        since,
    };
    let mut merge = merged(&*engine, &subject, request);
    let mut batch = Vec::with_capacity(LINES_AT_ONCE);
    while let Some((role, at, chunk)) = merge.next().await {
        let chunk = chunk.map_err(|error| error.to_string())?;
        if at >= before {
            continue;
        }
        batch.push((role, at, chunk));
        if batch.len() == LINES_AT_ONCE {
            write(&spill, std::mem::take(&mut batch)).await?;
        }
    }
    write(&spill, batch).await
}

/// Appends lines to a spill, on a thread for that.
pub(super) async fn write(spill: &Arc<Spill>, lines: Vec<Said>) -> Result<(), String> {
    let spill = Arc::clone(spill);
    let written = tokio::task::spawn_blocking(move || spill.append(&new_lines(&lines)));
    let written = written.await.map_err(|error| error.to_string())?;
    written.map_err(|error| error.to_string())
}

/// Lines made clean.
pub(super) fn new_lines(lines: &[Said]) -> Vec<NewLine> {
    let new = |(role, at, chunk): &Said| NewLine {
        tag: LineTag {
            role: *role,
            is_error: chunk.source == LogSource::Err,
            is_cut: chunk.is_cut,
        },
        at_nanos: i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX),
        text: log_line(&chunk.bytes),
    };
    lines.iter().map(new).collect()
}

/// Follows containers, each after its last known line.
pub(super) fn follow(
    engine: &Arc<dyn Engine>,
    subject: &LogSubject,
    last: &BTreeMap<Role, Timestamp>,
) -> SelectAll<BoxStream<'static, Pieces<Role>>> {
    let sources = subject.sources.iter();
    sources
        .map(|source| follow_one(engine, source, last.get(&source.role).copied()))
        .collect()
}

/// Follows one container after its last known line.
pub(super) fn follow_one(
    engine: &Arc<dyn Engine>,
    source: &LogContainer,
    last: Option<Timestamp>,
) -> BoxStream<'static, Pieces<Role>> {
    follow::follow(Arc::clone(engine), source.role, &source.container, last)
}
