//! The tools: what a model is told of them, and what each does.
//!
//! No tool changes anything. Those that ask file a request for the operator and return at
//! once; nothing is ever granted because time went by.

mod arguments;
mod file;
mod table;
mod wait;
mod words;

use std::sync::Arc;

use serde_json::Value;

use self::arguments::{Arguments, Refusal, did_you_mean};
use self::table::{TOOLS, Task, Tool};
pub(super) use self::wait::Wait;
use super::capabilities::{self, Detail};
use super::{Agent, rpc};
use crate::request::Source;

/// What every model reads that is connected to the tools. Claude Code puts it into its
/// system prompt, and cuts it at 2 KiB.
pub(super) const INSTRUCTIONS: &str = "\
You work in a sealed bottle: no network but a proxy that lets out listed hosts only, and an \
image that you cannot change from within. When you lack something, do not work around the \
fence: ask for it here. request_route asks for a host that the proxy refuses, \
request_packages for packages in the image, request_image_change for another Dockerfile, \
request_mcp_server for an MCP server, and ask_operator asks the operator a question. Each \
returns at once with the number of a request; nothing has changed then, and nothing is ever \
granted by time going by. The operator may take minutes or hours: go on with other work, or \
wait with await_request (at most 300 s a call; call it again as often as you like). Answers \
are kept: list_requests shows them at any time, and what was answered while you worked may \
be told to you beside a tool's result, as «[cellar] …». Ask for the least that does it (one host, \
the methods and paths that you need) and say in `reason` what for: the operator decides by \
that. list_capabilities tells what is allowed now.";

/// The most requests that one list shows.
const LISTED: usize = 50;
/// The most answers that one telling of news holds.
const TOLD_AT_ONCE: usize = 10;

/// What a call comes to.
pub(super) enum Called {
    /// It is done.
    Done(Outcome),
    /// It waits for the operator.
    Waits(Wait),
}

/// What a model reads.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) text: String,
    pub(super) is_error: bool,
    /// The requests whose end the text tells of, for the first time.
    pub(super) read: Vec<u64>,
}

/// A tool that is not there.
#[derive(Debug, thiserror::Error)]
#[error("call {name}: there is no such tool{near}; there are {all}")]
pub(super) struct UnknownTool {
    name: String,
    near: String,
    all: String,
}

impl Outcome {
    fn said(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_error: false,
            read: Vec::new(),
        }
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self {
            text: refusal.to_string(),
            is_error: true,
            read: Vec::new(),
        }
    }
}

/// The tools as `tools/list` tells them.
pub(super) fn list() -> Vec<Value> {
    TOOLS.iter().map(Tool::told).collect()
}

/// What the operator answered and the agent has not read yet: the requests, and all of it
/// in words. `None` if there is nothing.
pub(super) async fn news(agent: &Agent) -> Option<(Vec<u64>, String)> {
    let all = agent.requests.all().await;
    let news: Vec<_> = all.iter().filter(|one| words::is_news(one)).collect();
    // What does not fit in one telling is told in the next.
    let news = news.get(..news.len().min(TOLD_AT_ONCE))?;
    if news.is_empty() {
        return None;
    }
    let lines = news.iter().map(|one| words::of(one));
    let lines: Vec<String> = lines.collect();
    let text = format!(
        "[cellar] The operator has answered what you asked for:\n{}",
        lines.join("\n")
    );
    Some((news.iter().map(|one| one.id).collect(), text))
}

/// Calls a tool.
///
/// # Errors
/// [`UnknownTool`]. What else goes wrong is an outcome, for the model to read.
pub(super) async fn call(
    name: &str,
    arguments: Value,
    agent: &Arc<Agent>,
) -> Result<Called, UnknownTool> {
    let names = || TOOLS.iter().map(|tool| tool.name);
    let Some(tool) = TOOLS.iter().find(|tool| tool.name == name) else {
        return Err(UnknownTool {
            name: rpc::quoted(name),
            near: did_you_mean(name, names()),
            all: names().collect::<Vec<_>>().join(", "),
        });
    };
    // What came in is given up here: a call that waits keeps none of it.
    let called = match Arguments::read(tool, arguments) {
        Ok(arguments) => perform(tool.task, arguments, agent).await,
        Err(refusal) => Err(refusal),
    };
    Ok(called.unwrap_or_else(|refusal| Called::Done(refusal.into())))
}

async fn perform(
    task: Task,
    mut arguments: Arguments,
    agent: &Arc<Agent>,
) -> Result<Called, Refusal> {
    let outcome = match task {
        Task::Capabilities => {
            let detail = if arguments.flag("with_dockerfile")? {
                Detail::WithDockerfile
            } else {
                Detail::Short
            };
            let page = capabilities::of(agent, detail).await;
            Outcome::said(serde_json::to_string_pretty(&page).unwrap_or_default())
        }
        Task::Route => file::route(arguments, agent).await?,
        Task::Packages => file::packages(arguments, agent).await?,
        Task::Image => file::image(arguments, agent).await?,
        Task::Server => file::server(arguments, agent).await?,
        Task::Question => file::question(arguments, agent).await?,
        Task::Await => return wait::wait(arguments, agent).await.map(Called::Waits),
        Task::List => list_requests(arguments, agent).await?,
        Task::Withdraw => withdraw(arguments, agent).await?,
    };
    Ok(Called::Done(outcome))
}

async fn list_requests(mut arguments: Arguments, agent: &Agent) -> Result<Outcome, Refusal> {
    let which = arguments.one_of("state")?;
    let all = agent.requests.all().await;
    let is_meant = |is_over: bool| match which {
        Some("waiting") => !is_over,
        Some("answered") => is_over,
        _ => true,
    };
    let meant: Vec<_> = all
        .iter()
        .rev()
        .filter(|one| is_meant(one.state.is_over()))
        .collect();
    if meant.is_empty() {
        return Ok(Outcome::said("There is no such request."));
    }
    let shown = meant.iter().take(LISTED);
    let mut text: Vec<String> = shown.clone().map(|one| words::of(one)).collect();
    if meant.len() > LISTED {
        text.push(format!(
            "{} older ones are not shown; await_request reads each by its number.",
            meant.len() - LISTED
        ));
    }
    let read = shown.filter(|one| words::is_news(one)).map(|one| one.id);
    Ok(Outcome {
        read: read.collect(),
        ..Outcome::said(text.join("\n\n"))
    })
}

async fn withdraw(mut arguments: Arguments, agent: &Agent) -> Result<Outcome, Refusal> {
    let id = arguments.id("id")?;
    let Some(record) = agent.requests.get(id).await else {
        return Err(wait::unknown(id, agent).await);
    };
    if record.source != Source::Agent {
        return Err(Refusal::said(format!(
            "request {id} cannot be withdrawn: the proxy filed it for a connection that it refused, not you"
        )));
    }
    match agent.requests.withdraw(id).await {
        Ok(()) => Ok(Outcome::said(format!(
            "Request {id} ({}) is withdrawn; the operator is not asked any more.",
            words::ask(&record.ask)
        ))),
        Err(error) => Err(Refusal::failed(&error)),
    }
}
