//! The agent's own page: what this bottle may do, as JSON.
//!
//! It says only what is true now. Filing requests comes with another version.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::shared::SharedHub;
use crate::policy::{Effect, HostPattern, Methods, PathPattern, RouteSet};
use crate::spec::{BottleId, layout};
use crate::wire::SidecarConfig;

const CONNECTIONS: usize = 32;
/// For a whole exchange; the page is short.
const LIMIT: Duration = Duration::from_secs(10);
const RECOVERY: Duration = Duration::from_millis(50);

/// What the page says.
#[derive(Debug, Serialize)]
struct Page<'a> {
    bottle: &'a BottleId,
    network: &'static str,
    proxy: String,
    allowed: Vec<Allowed<'a>>,
    asking_for_more: &'static str,
}

#[derive(Debug, Serialize)]
struct Allowed<'a> {
    host: &'a HostPattern,
    ports: &'a [u16],
    #[serde(skip_serializing_if = "Methods::is_any")]
    methods: &'a Methods,
    #[serde(skip_serializing_if = "<[PathPattern]>::is_empty")]
    paths: &'a [PathPattern],
}

/// Writes the page: what egress says is in force, or what the bottle was made with
/// until egress said anything.
fn page(config: &SidecarConfig, in_force: Option<&RouteSet>) -> Bytes {
    let routes = in_force.unwrap_or(&config.routes);
    let allows = |effect| effect == Effect::Allow;
    let listed = routes.routes.iter().filter(|route| allows(route.effect));
    let allowed = listed.map(|route| Allowed {
        host: &route.host,
        ports: &route.ports,
        methods: &route.methods,
        paths: &route.paths,
    });
    let page = Page {
        bottle: &config.bottle,
        network: "none; the proxy is the only way out and lets out what is listed under allowed",
        proxy: format!("http://127.0.0.1:{}", layout::ports::EGRESS),
        allowed: allowed.collect(),
        asking_for_more: "say in this session which host and port you need and why; the operator decides. Requests cannot be filed here.",
    };
    let mut text = serde_json::to_vec_pretty(&page).unwrap_or_default();
    text.push(b'\n');
    Bytes::from(text)
}

/// Serves the agent's door for as long as it is polled.
pub(super) async fn serve(door: &UnixListener, config: &SidecarConfig, hub: &SharedHub) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = door.accept() => match accepted {
                Ok((stream, _)) => {
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                        continue;
                    };
                    let in_force = hub.routes().map(|(_, routes)| routes);
                    let page = page(config, in_force.as_ref());
                    connections.spawn(async move {
                        answer(stream, page).await;
                        drop(place);
                    });
                }
                Err(_) => sleep(RECOVERY).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(stream: S, page: Bytes) {
    let service = service_fn(|request| {
        let response = respond(&request, &page);
        async move { Ok::<_, Infallible>(response) }
    });
    let exchange = http1::Builder::new()
        .keep_alive(false)
        .half_close(true)
        .timer(TokioTimer::new())
        .header_read_timeout(LIMIT)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    // Whether the agent took its answer is the agent's affair.
    drop(timeout(LIMIT, exchange).await);
}

fn respond<B: Body>(request: &Request<B>, page: &Bytes) -> Response<Full<Bytes>> {
    let (status, text) = if request.uri().path() != "/" {
        let text = "{\"error\": \"there is only /\"}\n";
        (StatusCode::NOT_FOUND, Bytes::from_static(text.as_bytes()))
    } else if request.method() == Method::GET || request.method() == Method::HEAD {
        (StatusCode::OK, page.clone())
    } else {
        let text = "{\"error\": \"only GET is answered\"}\n";
        (
            StatusCode::METHOD_NOT_ALLOWED,
            Bytes::from_static(text.as_bytes()),
        )
    };
    let mut response = Response::new(Full::new(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::policy::{HostName, Provenance, Route};

    fn config() -> SidecarConfig {
        let host = HostName::parse("a.example").unwrap();
        let mut route = Route::to(host, vec![443], Provenance::Builtin);
        route.connect_to = Some("10.1.2.3".parse().unwrap());
        route.allow_private = true;
        SidecarConfig {
            bottle: BottleId::parse("api-k3x9q").unwrap(),
            routes: RouteSet::of(vec![route]),
            generation: 1,
            prices: None,
            supervise: true,
            upstream_ca: None,
            upstream_proxy: None,
        }
    }

    async fn reply(request: &str) -> (String, String) {
        let (mut client, end) = tokio::io::duplex(1 << 16);
        client.write_all(request.as_bytes()).await.unwrap();
        let read = async {
            let mut text = String::new();
            client.read_to_string(&mut text).await.unwrap();
            text
        };
        let ((), text) = tokio::join!(answer(end, page(&config(), None)), read);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    #[tokio::test]
    async fn the_page_tells_what_is_allowed_and_not_where_it_leads() {
        let (head, body) = reply("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        let page: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(page["bottle"], "api-k3x9q");
        assert_eq!(
            page["allowed"],
            serde_json::json!([{"host": "a.example", "ports": [443]}])
        );
        assert!(!body.contains("10.1.2.3"), "{body}");
    }

    #[test]
    fn what_egress_says_is_in_force_counts() {
        let text = page(&config(), Some(&RouteSet::NONE));
        let page: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(page["allowed"], serde_json::json!([]));
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let (head, _) = reply("GET /x HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
        let (head, _) = reply("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
    }
}
