//! The HTTP of the agent's door: who may speak, and which page is meant.
//!
//! Only programs of the bottle come here. Of those a browser is the one that runs text of
//! strangers, so a request that names another host than loopback, or that a page made
//! (`Origin`), is refused.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use hyper::header::{
    ACCEPT, ALLOW, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use tokio::time::timeout;

use super::reply::{Reply, empty, json, later, whole};
use super::rpc::{self, Answered};
use super::{Agent, READ_LIMIT, Told, capabilities, tools};

/// The longest message.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// How much of a longer one is read and thrown away, so that its writer gets to read why.
const MAX_THROWN_BYTES: usize = 16 * 1024 * 1024;
/// Which version of the protocol a message is of.
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// Answers one request.
pub(super) async fn respond<B>(
    request: Request<B>,
    agent: &Arc<Agent>,
    told: &Arc<Told>,
) -> Response<Reply>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (head, body) = request.into_parts();
    if let Err(why) = is_welcome(&head.headers) {
        return refusal(StatusCode::FORBIDDEN, why);
    }
    if let Some(wait) = agent.is_flooded() {
        let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, FLOODED);
        let seconds = HeaderValue::from(wait.as_secs() + 1);
        response.headers_mut().insert(RETRY_AFTER, seconds);
        return response;
    }
    match head.uri.path() {
        "/" => page(&head.method, agent).await,
        "/news" => news(&head.method, agent, told).await,
        "/mcp" if !agent.config.supervise => refusal(StatusCode::FORBIDDEN, ASKS_NOTHING),
        "/mcp" => message(&head, body, agent, told).await,
        _ => refusal(StatusCode::NOT_FOUND, "there is only /, /mcp and /news"),
    }
}

const FLOODED: &str = "too many calls; go on with other work and call again later. To wait for an answer, await_request waits up to 300 s in one call";
const ASKS_NOTHING: &str = "this bottle may not ask for anything: its operator has set `supervise` to false. GET / tells what it may do";

fn refusal(status: StatusCode, why: &str) -> Response<Reply> {
    json(status, &json!({ "error": why }))
}

fn not_allowed(allowed: &'static str, why: &str) -> Response<Reply> {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, why);
    let allowed = HeaderValue::from_static(allowed);
    response.headers_mut().insert(ALLOW, allowed);
    response
}

async fn page(method: &Method, agent: &Agent) -> Response<Reply> {
    if method != Method::GET && method != Method::HEAD {
        return not_allowed(
            "GET, HEAD",
            "only GET is answered; tools are called at /mcp",
        );
    }
    let page = capabilities::of(agent, capabilities::Detail::Short).await;
    let mut text = serde_json::to_vec_pretty(&page).unwrap_or_default();
    text.push(b'\n');
    whole(StatusCode::OK, "application/json", Bytes::from(text))
}

/// The answers that the agent has not read yet, in words; they count as read then. For the
/// hooks of its session, so that one who does not wait hears of them too.
async fn news(method: &Method, agent: &Agent, told: &Told) -> Response<Reply> {
    if method != Method::GET {
        return not_allowed("GET", "only GET is answered");
    }
    let Some((ids, text)) = tools::news(agent).await else {
        return empty(StatusCode::NO_CONTENT);
    };
    told.add(&ids);
    whole(
        StatusCode::OK,
        "text/plain; charset=utf-8",
        Bytes::from(text),
    )
}

async fn message<B>(head: &Parts, body: B, agent: &Arc<Agent>, told: &Arc<Told>) -> Response<Reply>
where
    B: Body<Data = Bytes> + Unpin,
{
    if head.method != Method::POST {
        let why = "only POST is answered: there are no sessions and no stream of the server's";
        return not_allowed("POST", why);
    }
    if !is_json(&head.headers) {
        let why = "the content type is application/json";
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why);
    }
    let body = match read(body).await {
        Ok(body) => body,
        Err(status) => {
            let why = match status {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    "a message has at most 256 KiB; say it shorter, and an image's change as a diff"
                }
                _ => "the message did not come whole within 10 s",
            };
            return refusal(status, why);
        }
    };
    let version = head.headers.get(VERSION).map(HeaderValue::as_bytes);
    match rpc::answer(&body, version, agent).await {
        Answered::Nothing => empty(StatusCode::ACCEPTED),
        Answered::Broken(error) => json(StatusCode::BAD_REQUEST, &error),
        Answered::Now(reply) => {
            told.add(&reply.read);
            json(StatusCode::OK, &reply.message)
        }
        Answered::Later(wait) => {
            let told = Arc::clone(told);
            if takes_events(&head.headers) {
                return later(async move {
                    let reply = wait.over().await;
                    told.add(&reply.read);
                    Bytes::from(serde_json::to_vec(&reply.message).unwrap_or_default())
                });
            }
            let reply = wait.over().await;
            told.add(&reply.read);
            json(StatusCode::OK, &reply.message)
        }
    }
}

/// Reads a body, as far as it may go; gives the status of what is wrong with it.
async fn read<B>(mut body: B) -> Result<Bytes, StatusCode>
where
    B: Body<Data = Bytes> + Unpin,
{
    let whole = async {
        let (mut kept, mut length) = (Vec::new(), 0_usize);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            length = length.saturating_add(data.len());
            if length <= MAX_BODY_BYTES {
                kept.extend_from_slice(&data);
            } else if length <= MAX_THROWN_BYTES {
                kept = Vec::new();
            } else {
                break;
            }
        }
        if length > MAX_BODY_BYTES {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Ok(Bytes::from(kept))
    };
    timeout(READ_LIMIT, whole)
        .await
        .unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
}

fn is_welcome(headers: &HeaderMap) -> Result<(), &'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    if !host.is_some_and(is_loopback) || hosts.next().is_some() {
        return Err("the header Host is to name 127.0.0.1, [::1] or localhost");
    }
    if headers.contains_key(ORIGIN) {
        return Err("pages of a browser are not served");
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    ["127.0.0.1", "[::1]", "localhost"].iter().any(|name| {
        let rest = host
            .split_at_checked(name.len())
            .filter(|(start, _)| start.eq_ignore_ascii_case(name))
            .map(|(_, rest)| rest);
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let first = types.next().and_then(|value| value.to_str().ok());
    let essence = first.map(|text| text.split(';').next().unwrap_or(text).trim());
    essence.is_some_and(|text| text.eq_ignore_ascii_case("application/json"))
        && types.next().is_none()
}

fn takes_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|kind| {
            let essence = kind.split(';').next().unwrap_or(kind).trim();
            essence.eq_ignore_ascii_case("text/event-stream")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_a_host() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9100",
            "localhost:1",
            "LocalHost",
            "[::1]:9100",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "a.example",
            "127.0.0.1.a.example",
            "localhost.a.example",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.2",
            "localhost:1:2",
            "user@localhost",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
