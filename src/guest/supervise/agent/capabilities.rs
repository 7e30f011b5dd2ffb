//! What this bottle may do now, as JSON. It says only what is true at this moment, and
//! nothing of where a route leads or what credential it carries.

use jiff::Timestamp;
use serde::Serialize;

use super::Agent;
use crate::policy::{
    Denials, Effect, HostPattern, Methods, PathPattern, Route, RouteSet, Unlisted,
};
use crate::request::RequestRecord;
use crate::spec::{BottleId, Digest, ImageSource, layout};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// All but the Dockerfile.
    Short,
    /// All.
    WithDockerfile,
}

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    bottle: BottleId,
    network: &'static str,
    proxy: String,
    allowed: Vec<Allowed>,
    unlisted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Image>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<Counts>,
    asking_for_more: String,
}

#[derive(Debug, Serialize)]
struct Allowed {
    host: HostPattern,
    ports: Vec<u16>,
    #[serde(skip_serializing_if = "Methods::is_any")]
    methods: Methods,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paths: Vec<PathPattern>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    websocket: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
enum Image {
    Cellar,
    Tag {
        reference: String,
    },
    Dockerfile {
        lines: usize,
        digest: Digest,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

#[derive(Debug, Serialize)]
struct Counts {
    waiting: usize,
    unread_answers: usize,
}

/// Gathers the page: what egress says is in force, or what the bottle was made with until
/// egress said anything.
pub(super) async fn of(agent: &Agent, detail: Detail) -> Page {
    let in_force = agent.hub.routes().map(|(_, routes)| routes);
    let routes = in_force.as_ref().unwrap_or(&agent.config.routes);
    let now = Timestamp::now();
    let asks = agent.config.supervise;
    let requests = agent.requests.all().await;
    Page {
        bottle: agent.config.bottle.clone(),
        network: "none; the proxy is the only way out and lets out what is listed under allowed",
        proxy: format!("http://127.0.0.1:{}", layout::ports::EGRESS),
        allowed: allowed(routes, now),
        unlisted: unlisted(routes),
        image: agent.facts.get().map(|facts| image(&facts.image, detail)),
        requests: asks.then(|| Counts::of(&requests)),
        asking_for_more: asking(asks),
    }
}

fn allowed(routes: &RouteSet, now: Timestamp) -> Vec<Allowed> {
    let counts = |route: &&Route| route.effect == Effect::Allow && route.is_current(now);
    let listed = routes.routes.iter().filter(counts);
    let allowed = listed.map(|route| Allowed {
        host: route.host.clone(),
        ports: route.ports.clone(),
        methods: route.methods.clone(),
        paths: route.paths.clone(),
        websocket: route.websocket,
        until: route.expires,
        requests: route.budget.requests,
    });
    allowed.collect()
}

fn unlisted(routes: &RouteSet) -> String {
    let words = match routes.unlisted {
        Unlisted::Deny => String::from("refused at once"),
        Unlisted::Ask { seconds } => {
            format!("held up to {seconds} s while the operator is asked, then refused")
        }
    };
    match routes.denials {
        Denials::Refuse => words,
        Denials::Request => {
            format!("{words}; what a route could allow becomes a request to the operator by itself")
        }
    }
}

fn image(source: &ImageSource, detail: Detail) -> Image {
    match source {
        ImageSource::Guest => Image::Cellar,
        ImageSource::Tag { reference } => Image::Tag {
            reference: reference.clone(),
        },
        ImageSource::Dockerfile { text } => Image::Dockerfile {
            lines: text.lines().count(),
            digest: Digest::of(text.as_bytes()),
            text: (detail == Detail::WithDockerfile).then(|| text.clone()),
        },
    }
}

fn asking(asks: bool) -> String {
    if asks {
        let port = layout::ports::SUPERVISE;
        format!(
            "the tools of the MCP server `cellar` (http://127.0.0.1:{port}/mcp): request_route, request_packages, request_image_change, request_mcp_server and ask_operator file a request and return at once; await_request waits for its answer. Only the operator answers"
        )
    } else {
        String::from(
            "say in this session what you need and why; the operator decides. This bottle files no requests",
        )
    }
}

impl Counts {
    fn of(requests: &[RequestRecord]) -> Self {
        let is_over = |one: &&RequestRecord| one.state.is_over();
        Self {
            waiting: requests.iter().filter(|one| !is_over(one)).count(),
            unread_answers: requests
                .iter()
                .filter(|one| is_over(one) && one.delivered.is_none())
                .count(),
        }
    }
}
