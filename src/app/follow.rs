//! A container's log as it goes on, for as long as somebody reads it: breaks are mended,
//! nothing is told twice, and a container that starts again at once is not missed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use jiff::Timestamp;

use crate::docker::{Engine, EngineError, LogChunk, LogRequest, News};

/// Lines that are asked for again when following begins, so that none is missed that
/// came in between.
const AGAIN_LINES: u32 = 5_000;
/// Lines that are told at once.
const LINES_AT_ONCE: usize = 256;
/// Waits before a log that broke or ended is asked for again: doubling, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// News of a followed container.
#[derive(Debug)]
pub(super) enum Piece<Key> {
    /// A line, and its time.
    Line((Key, Timestamp, LogChunk)),
    /// It broke, and will be asked for again.
    Broke(Key, EngineError),
    /// It ended.
    Ended(Key),
}

/// Some news at once.
pub(super) type Pieces<Key> = Vec<Piece<Key>>;

/// Follows a container after its last known line.
pub(super) fn follow<Key: Clone + Send + 'static>(
    engine: Arc<dyn Engine>,
    key: Key,
    container: &str,
    last: Option<Timestamp>,
) -> BoxStream<'static, Pieces<Key>> {
    let container = container.to_owned();
    let ask = move |request| engine.logs(&container, request);
    follow_by(Box::new(ask), key, last)
}

/// Asks for a log.
type Ask = Box<dyn Fn(LogRequest) -> News<LogChunk> + Send>;

fn follow_by<Key: Clone + Send + 'static>(
    ask: Ask,
    key: Key,
    last: Option<Timestamp>,
) -> BoxStream<'static, Pieces<Key>> {
    let followed = Followed {
        ask,
        key,
        last: last.unwrap_or(Timestamp::MIN),
        news: None,
        wait: FIRST_WAIT,
        asking: Asking::First,
        is_silent: false,
        is_over: false,
    };
    let pieces = futures_util::stream::unfold(followed, |mut followed| async move {
        followed.next().await.map(|piece| (piece, followed))
    });
    pieces.ready_chunks(LINES_AT_ONCE).boxed()
}

struct Followed<Key> {
    ask: Ask,
    key: Key,
    last: Timestamp,
    news: Option<News<LogChunk>>,
    wait: Duration,
    asking: Asking,
    /// Whether nothing came since it was asked for the last time.
    is_silent: bool,
    is_over: bool,
}

/// How a log is asked for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    /// With its last lines, of which the first is one that is known.
    First,
    /// By time, at once: more came in between than was asked for.
    Gap,
    /// By time, after a wait: it broke or ended.
    Again,
}

impl<Key: Clone> Followed<Key> {
    async fn next(&mut self) -> Option<Piece<Key>> {
        loop {
            if self.is_over {
                return None;
            }
            let news = match &mut self.news {
                Some(news) => news,
                None => self.ask().await,
            };
            match news.next().await {
                Some(Ok(chunk)) => {
                    let at = chunk.at.unwrap_or(self.last);
                    if self.asking == Asking::First {
                        let is_known = at <= self.last || self.last == Timestamp::MIN;
                        self.asking = Asking::Again;
                        if !is_known {
                            self.asking = Asking::Gap;
                            self.news = None;
                            continue;
                        }
                    }
                    if at <= self.last && chunk.at.is_some() {
                        continue;
                    }
                    self.last = at;
                    self.wait = FIRST_WAIT;
                    self.is_silent = false;
                    return Some(Piece::Line((self.key.clone(), at, chunk)));
                }
                Some(Err(error)) => {
                    self.news = None;
                    self.asking = Asking::Again;
                    if error.is_not_found() {
                        self.is_over = true;
                        return Some(Piece::Ended(self.key.clone()));
                    }
                    return Some(Piece::Broke(self.key.clone(), error));
                }
                // A container that starts again at once does so unseen: it is asked for
                // once more.
                None if self.is_silent => {
                    self.is_over = true;
                    return Some(Piece::Ended(self.key.clone()));
                }
                None => {
                    self.news = None;
                    self.asking = Asking::Again;
                }
            }
        }
    }

    async fn ask(&mut self) -> &mut News<LogChunk> {
        let is_new = self.last == Timestamp::MIN;
        let mut request = LogRequest {
            follow: true,
            tail: None,
            since: (!is_new).then_some(self.last),
        };
        match self.asking {
            // Reading from a time on makes an engine read all that is before.
            Asking::First if !is_new => {
                request.tail = Some(AGAIN_LINES);
                request.since = None;
            }
            Asking::First => {}
            Asking::Gap => self.asking = Asking::Again,
            Asking::Again => {
                tokio::time::sleep(self.wait).await;
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                self.is_silent = true;
            }
        }
        let news = (self.ask)(request);
        self.news.insert(news)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::stream;

    use super::*;
    use crate::docker::LogSource;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    fn chunk(millis: i64) -> LogChunk {
        LogChunk {
            source: LogSource::Out,
            at: Some(at(millis)),
            bytes: millis.to_string().into(),
            is_cut: false,
        }
    }

    /// A log of a line a millisecond, as an engine hands it out: from whole seconds on, or
    /// so many of the last; each answer ends with an error after so many lines.
    fn log(lines: i64, breaks_after: Vec<usize>) -> Ask {
        let breaks = Mutex::new(breaks_after);
        Box::new(move |request: LogRequest| {
            let since = request.since.map_or(0, |since| since.as_second() * 1_000);
            let tail = request.tail.map_or(0, |tail| lines - i64::from(tail));
            let all = since.max(tail).max(0)..lines;
            match breaks.lock().unwrap().pop() {
                Some(count) => {
                    let broke = EngineError::TimedOut {
                        operation: "read a log",
                    };
                    let some = all.map(chunk).map(Ok).take(count);
                    stream::iter(some.chain([Err(broke)])).boxed()
                }
                None => stream::iter(all.map(chunk).map(Ok)).boxed(),
            }
        })
    }

    async fn followed(ask: Ask, last: Option<i64>) -> Vec<i64> {
        let mut news = follow_by(ask, (), last.map(at));
        let mut lines = Vec::new();
        while let Some(pieces) = news.next().await {
            for piece in pieces {
                if let Piece::Line(((), at, _)) = piece {
                    lines.push(at.as_millisecond());
                }
            }
        }
        lines
    }

    #[tokio::test(start_paused = true)]
    async fn more_lines_than_are_asked_for_again_leave_no_gap() {
        for (lines, last) in [(20_000, 1_200), (20_000, 19_990), (300, 299), (7_000, 0)] {
            let wanted: Vec<i64> = (last + 1..lines).collect();
            assert_eq!(followed(log(lines, Vec::new()), Some(last)).await, wanted);
        }
        let all: Vec<i64> = (0..12_000).collect();
        assert_eq!(followed(log(12_000, Vec::new()), None).await, all);
    }

    #[tokio::test(start_paused = true)]
    async fn breaks_lose_and_double_nothing() {
        let wanted: Vec<i64> = (1_501..9_000).collect();
        let breaks = vec![40, 0, 3_000, 0, 10];
        assert_eq!(followed(log(9_000, breaks), Some(1_500)).await, wanted);
    }
}
