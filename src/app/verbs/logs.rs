//! `logs`: what bottles' containers wrote, merged by the time they wrote it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::SelectAll;
use jiff::{Span, Timestamp, Zoned};
use serde::Serialize;

use super::super::cellar::Cellar;
use super::super::cli::LogsArguments;
use super::super::exit::{Exit, Failure};
use super::super::follow::{self, Piece};
use super::super::merge::Merge;
use super::super::output::Output;
use super::super::view::{self, Asking, Whose};
use super::{mended, printing};
use crate::docker::{LogChunk, LogRequest, LogSource};
use crate::pty::log_line;
use crate::spec::BottleId;
use crate::store::Pattern;
use crate::wire::Role;

const ATTEMPT: &str = "read the logs";

/// A line of a log.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LogLine"))]
pub(super) struct Line<'a> {
    /// The bottle.
    bottle: &'a str,
    /// The container.
    role: Role,
    /// `stdout` or `stderr`.
    stream: &'static str,
    /// When the engine took it (RFC 3339).
    at: Option<String>,
    /// The line. Hostile text.
    text: &'a str,
    /// Whether it was longer than 1 MiB and goes on as the next.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_cut: bool,
}

/// A container whose log is printed.
type Key = (Arc<str>, Role);

pub(super) async fn logs(out: &mut Output, arguments: &LogsArguments) -> Result<Exit, Failure> {
    let since = arguments.since;
    let cellar = mended(out).await?;
    let containers = containers(&cellar, arguments).await?;
    let printer = Printer {
        pattern: arguments.grep.as_deref().and_then(Pattern::new),
        has_names: arguments.bottles.len() > 1,
        arguments,
    };
    let request = LogRequest {
        follow: false,
        tail: arguments.tail,
        since,
    };
    let logs = containers
        .iter()
        .map(|(key, container)| (key.clone(), cellar.engine.logs(container, request)));
    let mut merge = Merge::of(logs);
    let mut last: BTreeMap<Key, Timestamp> = BTreeMap::new();
    while let Some((key, at, chunk)) = merge.next().await {
        let chunk = chunk.map_err(|error| Failure::new(ATTEMPT, &error))?;
        // Engines know whole seconds.
        if since.is_none_or(|since| at >= since) {
            printer.print(out, &key, &chunk)?;
        }
        last.insert(key, at);
    }
    if !arguments.follow {
        return Ok(Exit::Done);
    }
    // What is older than what was asked for is not to come after all.
    let begun = since.unwrap_or(Timestamp::MIN);
    let news: SelectAll<_> = containers
        .into_iter()
        .map(|(key, container)| {
            let last = last.get(&key).copied().unwrap_or(begun);
            follow::follow(Arc::clone(&cellar.engine), key, &container, Some(last))
        })
        .collect();
    printer.follow(out, news).await
}

/// The containers that were asked for, each with its bottle and role.
async fn containers(
    cellar: &Cellar,
    arguments: &LogsArguments,
) -> Result<Vec<(Key, String)>, Failure> {
    let wanted = arguments.role.map(Role::from);
    let ids = arguments.bottles.iter().map(|text| cellar.find(text));
    let mut ids: Vec<BottleId> = ids.collect::<Result<_, _>>()?;
    ids.sort();
    ids.dedup();
    let mut views = view::bottles(cellar, Asking::Nobody, Whose::Ours).await?;
    let mut containers = Vec::new();
    for id in ids {
        let at = views.iter().position(|view| view.id == id);
        let view = at.map(|at| views.swap_remove(at)).ok_or_else(|| {
            Failure::because(format!("{ATTEMPT} of `{id}`"), "it was removed meanwhile")
        })?;
        let name: Arc<str> = Arc::from(id.as_str());
        for container in view.containers {
            if wanted.is_none_or(|role| role == container.role) {
                containers.push(((Arc::clone(&name), container.role), container.container));
            }
        }
    }
    Ok(containers)
}

struct Printer<'a> {
    pattern: Option<Pattern>,
    has_names: bool,
    arguments: &'a LogsArguments,
}

impl Printer<'_> {
    async fn follow(
        &self,
        out: &mut Output,
        mut news: impl futures_util::Stream<Item = Vec<Piece<Key>>> + Unpin,
    ) -> Result<Exit, Failure> {
        loop {
            let pieces = tokio::select! {
                pieces = news.next() => pieces,
                Ok(()) = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
            };
            let Some(pieces) = pieces else {
                return Ok(Exit::Done);
            };
            for piece in pieces {
                match piece {
                    Piece::Line((key, _, chunk)) => self.print(out, &key, &chunk)?,
                    Piece::Broke((bottle, role), error) => {
                        let role = role.as_str();
                        let note = format!("the log of {bottle} {role} broke: {error}; again");
                        out.note(&note).map_err(printing)?;
                    }
                    Piece::Ended(_) => {}
                }
            }
        }
    }

    fn print(&self, out: &mut Output, key: &Key, chunk: &LogChunk) -> Result<(), Failure> {
        let clean = log_line(&chunk.bytes);
        if self
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_in(&clean))
        {
            return Ok(());
        }
        let (bottle, role) = key;
        let at = chunk.at.map(|at| at.to_string());
        if self.arguments.json {
            let text = String::from_utf8_lossy(&chunk.bytes);
            let line = Line {
                bottle,
                role: *role,
                stream: match chunk.source {
                    LogSource::Out => "stdout",
                    LogSource::Err => "stderr",
                },
                at,
                text: text.trim_end_matches(['\n', '\r']),
                is_cut: chunk.is_cut,
            };
            return out.json_line(&line).map_err(printing);
        }
        let mut line = String::new();
        if self.has_names {
            line = format!("{bottle} ");
        }
        line = format!("{line}{:<9} ", role.as_str());
        if self.arguments.timestamps {
            line = format!("{line}{} ", at.unwrap_or_default());
        }
        line.push_str(&clean);
        if chunk.is_cut {
            line.push_str(" … it is longer than 1 MiB and goes on below");
        }
        out.line(&line).map_err(printing)
    }
}

/// Reads when lines begin: so long ago, or a time by itself.
pub(in crate::app) fn since(text: &str) -> Result<Timestamp, String> {
    since_when(text, &Zoned::now())
}

fn since_when(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let ago = text.parse::<Span>().ok();
    let ago = ago.filter(|ago| ago.is_positive());
    ago.and_then(|ago| now.checked_sub(ago).ok())
        .map(|at| at.timestamp())
        .ok_or_else(|| {
            String::from(
                "neither how long ago, such as 15m, nor a time such as 2026-11-21T14:02:00Z",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_how_long_ago_or_a_time() {
        let now: Zoned = "2026-11-21T14:02:30+00:00[UTC]".parse().unwrap();
        for (text, at) in [
            ("90s", Some("2026-11-21T14:01:00Z")),
            ("15m", Some("2026-11-21T13:47:30Z")),
            ("2h", Some("2026-11-21T12:02:30Z")),
            ("1d", Some("2026-11-20T14:02:30Z")),
            ("2026-11-21T15:02:00+01:00", Some("2026-11-21T14:02:00Z")),
            ("", None),
            ("0s", None),
            ("-5m", None),
            ("yesterday", None),
            ("15", None),
        ] {
            let since = since_when(text, &now).ok();
            assert_eq!(since.map(|at| at.to_string()).as_deref(), at, "{text}");
        }
    }
}
