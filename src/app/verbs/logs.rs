//! `logs`: what a bottle's containers wrote, merged by the time they wrote it.

use futures_util::StreamExt as _;
use serde::Serialize;
use tokio::sync::mpsc;

use super::super::cli::LogsArguments;
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::view::{self, Asking, Whose};
use super::{mended, printing};
use crate::docker::{LogChunk, LogRequest};
use crate::wire::Role;

/// Lines waiting to be printed while others are read.
const WAITING_LINES: usize = 256;

#[derive(Debug, Serialize)]
struct Line<'a> {
    role: Role,
    at: Option<String>,
    text: &'a str,
}

pub(super) async fn logs(out: &mut Output, arguments: &LogsArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let id = cellar.find(&arguments.bottle)?;
    let attempt = || format!("read the logs of `{id}`");
    let view = view::bottles(&cellar, Asking::Nobody, Whose::Ours)
        .await?
        .into_iter()
        .find(|view| view.id == id)
        .ok_or_else(|| Failure::because(attempt(), "it was removed meanwhile"))?;
    let wanted = arguments.role.map(Role::from);
    let (tx, mut rx) = mpsc::channel(WAITING_LINES);
    let mut tasks = tokio::task::JoinSet::new();
    for container in view.containers {
        if wanted.is_some_and(|role| role != container.role) {
            continue;
        }
        let request = LogRequest {
            follow: arguments.follow,
            tail: arguments.tail,
            since: None,
        };
        let mut news = cellar.engine.logs(&container.container, request);
        let tx = tx.clone();
        tasks.spawn(async move {
            while let Some(chunk) = news.next().await {
                if tx.send((container.role, chunk)).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(tx);
    if arguments.follow {
        loop {
            tokio::select! {
                line = rx.recv() => match line {
                    Some((role, chunk)) => print(out, arguments, role, &chunk.map_err(|error| Failure::new(attempt(), &error))?)?,
                    None => return Ok(Exit::Done),
                },
                Ok(()) = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
            }
        }
    }
    let mut all = Vec::new();
    while let Some((role, chunk)) = rx.recv().await {
        all.push((
            role,
            chunk.map_err(|error| Failure::new(attempt(), &error))?,
        ));
    }
    all.sort_by_key(|(_, chunk)| chunk.at);
    for (role, chunk) in &all {
        print(out, arguments, *role, chunk)?;
    }
    Ok(Exit::Done)
}

fn print(
    out: &mut Output,
    arguments: &LogsArguments,
    role: Role,
    chunk: &LogChunk,
) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(&chunk.bytes);
    let text = text.trim_end_matches(['\n', '\r']);
    let at = chunk.at.map(|at| at.to_string());
    if arguments.json {
        return out.json_line(&Line { role, at, text }).map_err(printing);
    }
    out.line(&format!(
        "{:<9} {} {text}",
        role.as_str(),
        at.unwrap_or_default()
    ))
    .map_err(printing)
}
