//! Filing requests: from the arguments of a call to what the operator is asked.

use std::collections::BTreeSet;

use super::arguments::{Arguments, Refusal};
use super::{Outcome, words};
use crate::guest::supervise::agent::{Agent, patch};
use crate::policy::PackageManager;
use crate::policy::{HostPattern, Method, Methods, PathPattern};
use crate::request::{Ask, RouteAsk, ServerAsk, Source};
use crate::spec::ImageSource;
use crate::spec::McpServer;

const HTTPS: u16 = 443;

pub(super) async fn route(mut arguments: Arguments, agent: &Agent) -> Result<Outcome, Refusal> {
    let host = arguments.required("host")?;
    let ports = arguments.ports("ports")?;
    let named = arguments.texts("methods")?;
    let paths = arguments.texts("paths")?;
    let refuse = |field, given: &str, error: &dyn std::fmt::Display| {
        arguments.refuse(field, given, &format!("failed to {error}"))
    };
    let ask = RouteAsk {
        host: HostPattern::parse(&host).map_err(|error| refuse("host", &host, &error))?,
        ports: ports.unwrap_or_else(|| vec![HTTPS]),
        methods: named
            .iter()
            .map(|text| Method::parse(text).map_err(|error| refuse("methods", text, &error)))
            .collect::<Result<BTreeSet<_>, _>>()
            .map(Methods::from)?,
        paths: paths
            .iter()
            .map(|text| PathPattern::parse(text).map_err(|error| refuse("paths", text, &error)))
            .collect::<Result<_, _>>()?,
        websocket: arguments.flag("websocket")?,
    };
    file(Ask::Route(ask), arguments, agent).await
}

pub(super) async fn packages(mut arguments: Arguments, agent: &Agent) -> Result<Outcome, Refusal> {
    let named = arguments.one_of("manager")?;
    let manager = PackageManager::ALL
        .into_iter()
        .find(|manager| Some(manager.as_str()) == named)
        .ok_or_else(|| arguments.refuse("manager", "", "there is none"))?;
    let packages = arguments.texts("packages")?;
    file(Ask::Packages { manager, packages }, arguments, agent).await
}

pub(super) async fn server(mut arguments: Arguments, agent: &Agent) -> Result<Outcome, Refusal> {
    let name = arguments.required("name")?;
    let command = arguments.texts("command")?;
    let env = arguments.variables("env")?;
    let way = match (command.is_empty(), arguments.text("url")?) {
        (false, None) => McpServer::Stdio { command, env },
        (true, Some(url)) if env.is_empty() => McpServer::Http { url },
        (true, Some(_)) => {
            let why = "`env` is for a program; a server on the network (`url`) has none of ours";
            return Err(Refusal::said(why));
        }
        (false, Some(_)) | (true, None) => {
            let why = "give either `command`, such as [\"npx\", \"some-server\"], or `url`, such as \"https://mcp.example.com/mcp\"";
            return Err(Refusal::said(why));
        }
    };
    file(Ask::McpServer(ServerAsk { name, way }), arguments, agent).await
}

pub(super) async fn question(mut arguments: Arguments, agent: &Agent) -> Result<Outcome, Refusal> {
    let text = arguments.required("question")?;
    let choices = arguments.texts("choices")?;
    file_for(Ask::Question { text, choices }, String::new(), agent).await
}

pub(super) async fn image(mut arguments: Arguments, agent: &Agent) -> Result<Outcome, Refusal> {
    let whole = arguments.text("dockerfile")?;
    let diff = arguments.text("diff")?;
    let facts = agent.facts.get();
    let current = facts.as_deref().map(|facts| &facts.image);
    let dockerfile = match (whole, diff) {
        (Some(whole), None) => whole,
        (None, Some(diff)) => patched(current, &diff)?,
        (None, None) | (Some(_), Some(_)) => {
            let why = "give either `dockerfile`, the whole new text, or `diff`, a unified diff against the current one, and not both";
            return Err(Refusal::said(why));
        }
    };
    if let Some(ImageSource::Dockerfile { text }) = current
        && *text == dockerfile
    {
        let why = "this changes nothing: the image is made from this very Dockerfile";
        return Err(Refusal::said(why));
    }
    file(Ask::Image { dockerfile }, arguments, agent).await
}

fn patched(current: Option<&ImageSource>, diff: &str) -> Result<String, Refusal> {
    match current {
        Some(ImageSource::Dockerfile { text }) => {
            patch::apply(text, diff).map_err(|error| Refusal::said(format!("failed to {error}")))
        }
        Some(ImageSource::Tag { reference }) => Err(Refusal::said(format!(
            "there is nothing to make a diff against: this bottle's image is `{reference}`, and no Dockerfile of it is known. Give the whole text as `dockerfile`, for example beginning with `FROM {reference}`"
        ))),
        Some(ImageSource::Guest) => Err(Refusal::said(
            "there is nothing to make a diff against: this bottle's image is not made from a Dockerfile. Give the whole text as `dockerfile`",
        )),
        None => Err(Refusal::said(
            "there is nothing to make a diff against: the current Dockerfile is not known here until a console has looked at this bottle. Give the whole text as `dockerfile`, or try again later",
        )),
    }
}

async fn file(ask: Ask, mut arguments: Arguments, agent: &Agent) -> Result<Outcome, Refusal> {
    let reason = arguments.required("reason")?;
    file_for(ask, reason, agent).await
}

async fn file_for(ask: Ask, reason: String, agent: &Agent) -> Result<Outcome, Refusal> {
    let asked = words::ask(&ask);
    let is_question = !ask.changes_the_bottle();
    let filed = agent.requests.file(ask, reason, Source::Agent).await;
    let filed = filed.map_err(|error| Refusal::failed(&error))?;
    let id = filed.id;
    let head = if filed.is_again {
        format!(
            "The same is asked already: request {id} ({asked}) waits for the operator, who sees that you asked again."
        )
    } else {
        format!("Request {id} ({asked}) is filed and waits for the operator.")
    };
    let tail = if is_question {
        "There is no answer yet"
    } else {
        "Nothing has changed yet, and nothing is granted by time"
    };
    Ok(Outcome::said(format!(
        "{head} {tail}. Go on with other work, or wait with await_request {{\"id\": {id}, \"seconds\": 300}}."
    )))
}
