//! Several logs as one, by the time at which the engine took each line.
//!
//! Each log is in order by itself. Of logs that end, the merge is exact; it holds one
//! line of each in memory. Logs that go on are not waited for: lines that come at about
//! the same time are put in order, no others.

use futures_util::StreamExt as _;
use jiff::Timestamp;

use crate::docker::{EngineError, LogChunk, News};

/// Logs that end, as one.
pub(super) struct Merge<Key> {
    logs: Vec<Log<Key>>,
}

struct Log<Key> {
    key: Key,
    news: News<LogChunk>,
    head: Option<LogChunk>,
    is_over: bool,
    /// The time of its last line, for one that has none.
    last: Timestamp,
}

impl<Key: Clone> Merge<Key> {
    pub(super) fn of(logs: impl IntoIterator<Item = (Key, News<LogChunk>)>) -> Self {
        let logs = logs.into_iter().map(|(key, news)| Log {
            key,
            news,
            head: None,
            is_over: false,
            last: Timestamp::MIN,
        });
        Self {
            logs: logs.collect(),
        }
    }

    /// The next line and its time. A log that fails ends, after its error.
    /// Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<(Key, Timestamp, Result<LogChunk, EngineError>)> {
        for log in &mut self.logs {
            if log.head.is_some() || log.is_over {
                continue;
            }
            match log.news.next().await {
                Some(Ok(chunk)) => {
                    log.last = chunk.at.unwrap_or(log.last);
                    log.head = Some(chunk);
                }
                Some(Err(error)) => {
                    log.is_over = true;
                    return Some((log.key.clone(), log.last, Err(error)));
                }
                None => log.is_over = true,
            }
        }
        let waiting = self.logs.iter_mut().filter(|log| log.head.is_some());
        // Of lines of one time, that of the first log goes first.
        let next = waiting.min_by_key(|log| log.last)?;
        let chunk = next.head.take()?;
        Some((next.key.clone(), next.last, Ok(chunk)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;
    use crate::docker::LogSource;

    fn chunk(second: i64, text: &str) -> LogChunk {
        LogChunk {
            source: LogSource::Out,
            at: Timestamp::from_second(second).ok(),
            bytes: text.to_owned().into(),
            is_cut: false,
        }
    }

    async fn all(logs: Vec<Vec<LogChunk>>) -> Vec<(usize, Timestamp)> {
        let logs = logs.into_iter().enumerate().map(|(key, lines)| {
            let news: News<LogChunk> = stream::iter(lines.into_iter().map(Ok)).boxed();
            (key, news)
        });
        let mut merge = Merge::of(logs);
        let mut lines = Vec::new();
        while let Some((key, at, chunk)) = merge.next().await {
            chunk.unwrap();
            lines.push((key, at));
        }
        lines
    }

    #[tokio::test]
    async fn a_log_that_fails_says_so_and_the_others_go_on() {
        let bad: News<LogChunk> = stream::iter([
            Ok(chunk(1, "a")),
            Err(EngineError::Refused {
                operation: "read a log",
                status: 500,
                message: String::from("no"),
            }),
        ])
        .boxed();
        let good: News<LogChunk> = stream::iter([Ok(chunk(2, "b"))]).boxed();
        let mut merge = Merge::of([(0, bad), (1, good)]);
        let mut seen = Vec::new();
        while let Some((key, _, chunk)) = merge.next().await {
            seen.push((key, chunk.is_ok()));
        }
        assert_eq!(seen, [(0, true), (0, false), (1, true)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn logs_in_order_are_one_log_in_order(
            mut logs in prop::collection::vec(prop::collection::vec(0_i64..20, 0..20), 0..4),
        ) {
            let mut wanted = Vec::new();
            for (key, log) in logs.iter_mut().enumerate() {
                log.sort_unstable();
                wanted.extend(log.iter().map(|at| (Timestamp::from_second(*at).unwrap(), key)));
            }
            wanted.sort();
            let lines = logs.iter().map(|log| log.iter().map(|at| chunk(*at, "x")).collect());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let merged = runtime.block_on(all(lines.collect()));
            let merged: Vec<_> = merged.into_iter().map(|(key, at)| (at, key)).collect();
            prop_assert_eq!(merged, wanted);
        }
    }
}
