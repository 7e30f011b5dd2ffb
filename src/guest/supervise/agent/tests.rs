use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;
use crate::policy::{HostName, Provenance, Route, RouteSet};
use crate::request::{self, Ask, News, Outcome, RequestState, Source, Terms, Verdict};
use crate::spec::{BottleId, Digest, ImageSource};
use crate::wire::BottleFacts;

const DOCKERFILE: &str = "FROM debian\nRUN a\n";

struct Rig {
    agent: Arc<Agent>,
    _folder: tempfile::TempDir,
}

struct Answered {
    status: u16,
    head: String,
    body: String,
}

fn config() -> SidecarConfig {
    let host = HostName::parse("a.example").unwrap();
    let mut route = Route::to(host, vec![443], Provenance::Builtin);
    route.connect_to = Some("10.1.2.3".parse().unwrap());
    route.allow_private = true;
    SidecarConfig {
        prices: None,
        bottle: BottleId::parse("api-k3x9q").unwrap(),
        routes: RouteSet::of(vec![route]),
        generation: 1,
        supervise: true,
        upstream_ca: None,
        upstream_proxy: None,
    }
}

impl Rig {
    fn new() -> Self {
        Self::of(config())
    }

    fn of(config: SidecarConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = SharedHub::default();
        let requests = Requests::open(folder.path().join("requests.jsonl"), hub.clone());
        let agent = Agent::new(config, hub, requests, Facts::default());
        Self {
            agent: Arc::new(agent),
            _folder: folder,
        }
    }

    fn learn(&self, image: ImageSource) {
        let spec = Digest::of(b"");
        self.agent.facts.learn(BottleFacts { spec, image }).unwrap();
    }

    /// Writes what it is given, and reads to the end of the connection.
    async fn exchange(&self, request: &[u8]) -> Answered {
        let (mut client, end) = duplex(1 << 20);
        let speak = async {
            client.write_all(request).await.unwrap();
            read(&mut client).await
        };
        let ((), answered) = tokio::join!(answer(end, &self.agent), speak);
        answered
    }

    async fn post_with(&self, headers: &str, body: &str) -> Answered {
        let head = format!(
            "POST /mcp HTTP/1.1\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.exchange(&[head.as_bytes(), body.as_bytes()].concat())
            .await
    }

    async fn post(&self, body: &str) -> Answered {
        self.post_with(HEADERS, body).await
    }

    async fn rpc(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let answered = self.post(&body.to_string()).await;
        assert_eq!(answered.status, 200, "{}", answered.body);
        let value: Value = serde_json::from_str(&answered.body).unwrap();
        assert_eq!(
            (&value["jsonrpc"], &value["id"]),
            (&json!("2.0"), &json!(7))
        );
        value
    }

    /// What a tool says, and whether it says it as an error.
    async fn call(&self, tool: &str, arguments: Value) -> (bool, String) {
        let value = self
            .rpc("tools/call", json!({"name": tool, "arguments": arguments}))
            .await;
        let result = &value["result"];
        (
            result["isError"].as_bool().unwrap(),
            result["content"][0]["text"].as_str().unwrap().to_owned(),
        )
    }

    async fn said(&self, tool: &str, arguments: Value) -> String {
        let (is_error, text) = self.call(tool, arguments).await;
        assert!(!is_error, "{text}");
        text
    }

    async fn refused(&self, tool: &str, arguments: Value) -> String {
        let (is_error, text) = self.call(tool, arguments).await;
        assert!(is_error, "{text}");
        text
    }

    /// Forgets how often was called.
    fn rest(&self) {
        *self.agent.flood.lock().unwrap() = Flood::new(Instant::now());
    }

    async fn step(&self, id: u64, news: News) {
        self.agent.requests.hear(id, news).await.unwrap();
    }

    async fn verdict(&self, id: u64, answer: request::Answer) {
        let record = self.agent.requests.get(id).await.unwrap();
        let verdict = Verdict {
            answer,
            content: record.digest,
            spec: Digest::of(b""),
            at: Timestamp::now(),
        };
        self.step(id, News::Verdict { verdict }).await;
    }
}

const HEADERS: &str =
    "Host: 127.0.0.1:9100\r\nContent-Type: application/json\r\nAccept: application/json\r\n";
const EVENTS: &str = "Host: localhost\r\nContent-Type: application/json; charset=utf-8\r\nAccept: application/json, text/event-stream\r\n";

async fn read(client: &mut DuplexStream) -> Answered {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answered {
        status,
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

fn approve() -> request::Answer {
    request::Answer::Approve {
        terms: Terms::default(),
        edited: None,
    }
}

fn deny(reason: &str) -> request::Answer {
    let reason = reason.to_owned();
    request::Answer::Deny { reason }
}

fn route(host: &str) -> Value {
    json!({"host": host, "reason": "the tests need it"})
}

#[tokio::test]
async fn the_page_tells_what_is_allowed_and_not_where_it_leads() {
    let rig = Rig::new();
    let answered = rig
        .exchange(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(answered.status, 200);
    let page: Value = serde_json::from_str(&answered.body).unwrap();
    assert_eq!(page["bottle"], "api-k3x9q");
    assert_eq!(
        page["allowed"],
        json!([{"host": "a.example", "ports": [443]}])
    );
    assert!(!answered.body.contains("10.1.2.3"), "{}", answered.body);
}

#[tokio::test]
async fn what_egress_says_is_in_force_counts() {
    let rig = Rig::new();
    let speaker = rig.agent.hub.speak(crate::wire::Role::Egress);
    speaker.say(crate::wire::RoleReport::Routes {
        generation: 2,
        routes: RouteSet::NONE,
    });
    let page = rig.said("list_capabilities", json!({})).await;
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!(page["allowed"], json!([]));
    assert_eq!(page["requests"], json!({"waiting": 0, "unread_answers": 0}));
}

#[tokio::test]
async fn the_dockerfile_is_told_to_who_asks_for_it() {
    let rig = Rig::new();
    rig.learn(ImageSource::Dockerfile {
        text: DOCKERFILE.to_owned(),
    });
    let short = rig.said("list_capabilities", json!({})).await;
    assert!(
        short.contains("\"lines\": 2") && !short.contains("RUN a"),
        "{short}"
    );
    let whole = rig
        .said("list_capabilities", json!({"with_dockerfile": true}))
        .await;
    let page: Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(page["image"]["text"], DOCKERFILE);
}

#[tokio::test]
async fn other_paths_methods_hosts_and_pages_are_refused() {
    let rig = Rig::new();
    for (request, status, words) in [
        ("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "/mcp"),
        (
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
            405,
            "only GET",
        ),
        (
            "GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n",
            405,
            "only POST",
        ),
        (
            "DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n",
            405,
            "only POST",
        ),
        (
            "POST /news HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
            405,
            "only GET",
        ),
        (
            "GET /news HTTP/1.0\r\nHost: evil.example\r\n\r\n",
            403,
            "Host",
        ),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "Host"),
        ("GET / HTTP/1.1\r\n\r\n", 403, "Host"),
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
            403,
            "Host",
        ),
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n",
            403,
            "browser",
        ),
        (
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
            415,
            "application/json",
        ),
        (
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
            415,
            "application/json",
        ),
    ] {
        let answered = rig.exchange(request.as_bytes()).await;
        assert_eq!(answered.status, status, "{request}");
        assert!(
            answered.body.contains(words),
            "{request}: {}",
            answered.body
        );
    }
}

#[tokio::test]
async fn a_bottle_that_may_not_ask_has_no_tools() {
    let rig = Rig::of(SidecarConfig {
        supervise: false,
        ..config()
    });
    let answered = rig
        .post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
        .await;
    assert_eq!(answered.status, 403);
    let page = rig
        .exchange(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert!(page.body.contains("files no requests"), "{}", page.body);
}

#[tokio::test]
async fn each_version_is_answered_in_its_own_and_others_in_the_newest() {
    let rig = Rig::new();
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2030-01-01", "2025-11-25"),
        ("", "2025-11-25"),
    ] {
        let params = json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}});
        let value = rig.rpc("initialize", params).await;
        let result = &value["result"];
        assert_eq!(result["protocolVersion"], answered, "{asked}");
        assert_eq!(result["capabilities"], json!({"tools": {}}));
        assert!(result["instructions"].as_str().unwrap().len() < 2_048);
    }
    assert_eq!(rig.rpc("ping", Value::Null).await["result"], json!({}));

    // What follows says its version in a header.
    let ping = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
    for (version, status) in [
        ("2024-11-05", 200),
        ("2025-11-25", 200),
        ("2026-07-28", 400),
    ] {
        let headers = format!("{HEADERS}MCP-Protocol-Version: {version}\r\n");
        let answered = rig.post_with(&headers, ping).await;
        assert_eq!(answered.status, status, "{version}: {}", answered.body);
        assert!(answered.body.contains(r#""id":"p""#), "{}", answered.body);
        if status == 400 {
            let value: Value = serde_json::from_str(&answered.body).unwrap();
            assert_eq!(value["error"]["code"], -32_022);
            assert_eq!(value["error"]["data"]["supported"][0], "2025-11-25");
        }
    }
}

#[tokio::test]
async fn a_message_of_the_wrong_shape_is_refused_and_a_notification_taken() {
    let rig = Rig::new();
    for (body, status, code) in [
        ("", 400, -32_700),
        ("{", 400, -32_700),
        ("[]", 400, -32_600),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            400,
            -32_600,
        ),
        ("1", 400, -32_600),
        (r#"{"id":1,"method":"ping"}"#, 400, -32_600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, 400, -32_600),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            400,
            -32_600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            400,
            -32_600,
        ),
        (r#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#, 400, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, 400, -32_600),
        (r#"{"jsonrpc":"2.0","id":1}"#, 400, -32_600),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#,
            200,
            -32_601,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
            200,
            -32_602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Bash\u001b"}}"#,
            200,
            -32_602,
        ),
    ] {
        let answered = rig.post(body).await;
        assert_eq!(answered.status, status, "{body}: {}", answered.body);
        let value: Value = serde_json::from_str(&answered.body).unwrap();
        assert_eq!(value["error"]["code"], code, "{body}");
        assert!(!answered.body.contains('\u{1b}'), "{body}");
    }
    for body in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
    ] {
        let answered = rig.post(body).await;
        assert_eq!(
            (answered.status, answered.body.as_str()),
            (202, ""),
            "{body}"
        );
    }
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(rig.post(&deep).await.status, 400);
    let long_id = json!({"jsonrpc": "2.0", "id": "x".repeat(10_000), "method": "ping"});
    let answered = rig.post(&long_id.to_string()).await;
    assert!(answered.status == 400 && answered.body.len() < 500);
}

#[tokio::test]
async fn the_tools_are_told_with_schemas_that_their_examples_fit() {
    let rig = Rig::new();
    let value = rig.rpc("tools/list", json!({})).await;
    let tools = value["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "list_capabilities",
            "request_route",
            "request_packages",
            "request_image_change",
            "request_mcp_server",
            "ask_operator",
            "await_request",
            "list_requests",
            "withdraw_request"
        ]
    );
    for tool in tools {
        let schema = &tool["inputSchema"];
        assert_eq!(schema["additionalProperties"], false, "{tool}");
        assert!(
            tool["description"].as_str().unwrap().len() < 1_024,
            "{tool}"
        );
        for (name, field) in schema["properties"].as_object().unwrap() {
            assert!(field["examples"][0] != Value::Null, "{name}");
        }
    }
    // An unknown one is told which there are.
    let unknown = rig.rpc("tools/call", json!({"name": "request_rout"})).await;
    let words = unknown["error"]["message"].as_str().unwrap();
    assert!(words.contains("did you mean `request_route`?"), "{words}");
}

#[tokio::test]
async fn a_route_is_filed_once_and_the_same_again_is_counted() {
    let rig = Rig::new();
    let first = rig.said("request_route", route("pypi.org")).await;
    assert!(
        first.contains("Request 1 (a way out to pypi.org"),
        "{first}"
    );
    let again = rig.said("request_route", route("PyPI.org.")).await;
    assert!(
        again.contains("The same is asked already: request 1"),
        "{again}"
    );
    let record = rig.agent.requests.get(1).await.unwrap();
    assert_eq!((record.times, record.source), (2, Source::Agent));
    assert_eq!(record.reason, "the tests need it");
    let whole = json!({
        "host": "*.pythonhosted.org", "ports": [443, 8443], "methods": ["GET", "HEAD"],
        "paths": ["/packages/**"], "websocket": true, "reason": "wheels",
    });
    let text = rig.said("request_route", whole).await;
    assert!(text.contains("Request 2"), "{text}");
    let Ask::Route(asked) = rig.agent.requests.get(2).await.unwrap().ask else {
        panic!("a route")
    };
    assert_eq!(asked.ports, [443, 8443]);
    assert!(asked.websocket && asked.methods.matches("HEAD") && !asked.methods.matches("PUT"));
    assert_eq!(asked.paths.len(), 1);
}

#[tokio::test]
async fn packages_servers_and_questions_are_filed() {
    let rig = Rig::new();
    let packages =
        json!({"manager": "pip", "packages": ["requests==2.32.3", "rich"], "reason": "x"});
    let text = rig.said("request_packages", packages).await;
    assert!(
        text.contains("(pip packages: requests==2.32.3, rich)"),
        "{text}"
    );
    let program =
        json!({"name": "git", "command": ["npx", "srv"], "env": {"LEVEL": "1"}, "reason": "x"});
    let text = rig.said("request_mcp_server", program).await;
    assert!(text.contains("(the MCP server git: npx srv)"), "{text}");
    let server = json!({"name": "docs", "url": "https://mcp.a.example/mcp", "reason": "x"});
    rig.said("request_mcp_server", server).await;
    let question = json!({"question": "Which one?", "choices": ["a", "b"]});
    let text = rig.said("ask_operator", question).await;
    assert!(text.contains("There is no answer yet"), "{text}");
    let kinds: Vec<&str> = rig
        .agent
        .requests
        .all()
        .await
        .iter()
        .map(|one| one.ask.kind())
        .collect();
    assert_eq!(kinds, ["packages", "mcp_server", "mcp_server", "question"]);
}

#[tokio::test]
async fn an_image_is_asked_for_whole_or_as_a_diff_that_fits() {
    let rig = Rig::new();
    let diff = |text: &str| json!({"diff": text, "reason": "x"});
    let good = "@@ -2 +2,2 @@\n RUN a\n+RUN b\n";
    let unknown = rig.refused("request_image_change", diff(good)).await;
    assert!(unknown.contains("is not known here"), "{unknown}");
    rig.learn(ImageSource::Tag {
        reference: String::from("team/base:1"),
    });
    let no_file = rig.refused("request_image_change", diff(good)).await;
    assert!(no_file.contains("`FROM team/base:1`"), "{no_file}");
    rig.learn(ImageSource::Dockerfile {
        text: DOCKERFILE.to_owned(),
    });
    rig.said("request_image_change", diff(good)).await;
    let Ask::Image { dockerfile } = rig.agent.requests.get(1).await.unwrap().ask else {
        panic!("an image")
    };
    assert_eq!(dockerfile, "FROM debian\nRUN a\nRUN b\n");
    let wrong = rig
        .refused(
            "request_image_change",
            diff("@@ -2 +2 @@\n-RUN z\n+RUN b\n"),
        )
        .await;
    assert!(
        wrong.contains("line 2 of the current Dockerfile is `RUN a`, not `RUN z`"),
        "{wrong}"
    );
    let whole = |text: &str| json!({"dockerfile": text, "reason": "x"});
    let same = rig.refused("request_image_change", whole(DOCKERFILE)).await;
    assert!(same.contains("changes nothing"), "{same}");
    rig.said("request_image_change", whole("FROM alpine\n"))
        .await;
    for both in [
        json!({"reason": "x"}),
        json!({"dockerfile": "FROM a", "diff": good, "reason": "x"}),
    ] {
        let text = rig.refused("request_image_change", both).await;
        assert!(text.contains("either `dockerfile`"), "{text}");
    }
}

/// Each ends in words that a model can go on from; none files anything.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn arguments_of_the_wrong_shape_teach() {
    let rig = Rig::new();
    let long = "x".repeat(1_001);
    for (tool, arguments, words) in [
        (
            "request_route",
            json!([]),
            "expected an object, such as {\"host\": \"pypi.org\", \"reason\"",
        ),
        (
            "request_route",
            json!({}),
            "`host` is missing; expected a text of 1 to 253 characters, such as \"pypi.org\"",
        ),
        (
            "request_route",
            json!({"host": "a.example"}),
            "`reason` is missing",
        ),
        (
            "request_route",
            json!({"hsot": "a.example", "reason": "x"}),
            "no argument `hsot`, did you mean `host`?; it has host, ports",
        ),
        (
            "request_route",
            json!({"host": 7, "reason": "x"}),
            "`host` is the number 7; expected a text",
        ),
        (
            "request_route",
            json!({"host": "", "reason": "x"}),
            "`host` is the text \"\" (0 characters); expected",
        ),
        (
            "request_route",
            json!({"host": "a.example", "ports": 443, "reason": "x"}),
            "`ports` is the number 443; expected a list of 1 to 16 whole numbers between 1 and 65535, such as [443]",
        ),
        (
            "request_route",
            json!({"host": "a.example", "ports": [0], "reason": "x"}),
            "`ports` is the list [0] (a list of 1)",
        ),
        (
            "request_route",
            json!({"host": "a.example", "ports": ["443"], "reason": "x"}),
            "`ports` is the list [\"443\"]",
        ),
        (
            "request_route",
            json!({"host": "a.example", "ports": [], "reason": "x"}),
            "(a list of 0)",
        ),
        (
            "request_route",
            json!({"host": "https://a.example/", "reason": "x"}),
            "`host` is `https://a.example/`",
        ),
        (
            "request_route",
            json!({"host": "127.0.0.1", "reason": "x"}),
            "reads as an address",
        ),
        (
            "request_route",
            json!({"host": "*", "reason": "x"}),
            "`host` is `*`",
        ),
        (
            "request_route",
            json!({"host": "a.example", "methods": ["get"], "reason": "x"}),
            "write capital letters, such as GET",
        ),
        (
            "request_route",
            json!({"host": "a.example", "methods": ["CONNECT"], "reason": "x"}),
            "no route lets it through",
        ),
        (
            "request_route",
            json!({"host": "a.example", "methods": "GET", "reason": "x"}),
            "`methods` is the text \"GET\"",
        ),
        (
            "request_route",
            json!({"host": "a.example", "paths": ["simple"], "reason": "x"}),
            "begin with a slash",
        ),
        (
            "request_route",
            json!({"host": "a.example", "websocket": "yes", "reason": "x"}),
            "expected true or false",
        ),
        (
            "request_route",
            json!({"host": "a.example", "reason": long}),
            "(1001 characters); expected a text of 1 to 1000 characters",
        ),
        (
            "request_route",
            json!({"host": "a.example", "reason": "\u{1b}]0;x\u{7}"}),
            "`reason` holds the character U+001B",
        ),
        (
            "request_route",
            json!({"host": "a.example", "reason": "safe \u{202e}txt"}),
            "U+202E",
        ),
        (
            "request_route",
            json!({"host": "a\u{200b}.example", "reason": "x"}),
            "U+200B",
        ),
        (
            "request_packages",
            json!({"manager": "apk", "packages": ["jq"], "reason": "x"}),
            "`manager` is the text \"apk\" (3 characters), did you mean `apt`?; expected one of apt, npm, pip, cargo",
        ),
        (
            "request_packages",
            json!({"manager": "apt", "packages": ["jq; rm -rf /"], "reason": "x"}),
            "a package cannot be `jq; rm -rf /`; write it like `ripgrep`",
        ),
        (
            "request_packages",
            json!({"manager": "apt", "packages": ["jq", "jq"], "reason": "x"}),
            "`jq` stands there twice",
        ),
        (
            "request_packages",
            json!({"manager": "apt", "packages": vec!["jq"; 21], "reason": "x"}),
            "(a list of 21); expected a list of 1 to 20 texts",
        ),
        (
            "request_mcp_server",
            json!({"name": "cellar", "command": ["x"], "reason": "x"}),
            "cannot be `cellar`",
        ),
        (
            "request_mcp_server",
            json!({"name": "a", "reason": "x"}),
            "either `command`",
        ),
        (
            "request_mcp_server",
            json!({"name": "a", "command": ["x"], "url": "https://a.example", "reason": "x"}),
            "either `command`",
        ),
        (
            "request_mcp_server",
            json!({"name": "a", "url": "https://a.example", "env": {"A": "b"}, "reason": "x"}),
            "`env` is for a program",
        ),
        (
            "request_mcp_server",
            json!({"name": "a", "command": ["x"], "env": {"A": 1}, "reason": "x"}),
            "an object of at most 16 texts",
        ),
        (
            "request_mcp_server",
            json!({"name": "a", "url": "ftp://a.example", "reason": "x"}),
            "the server's address cannot be `ftp://a.example`",
        ),
        (
            "ask_operator",
            json!({"question": " "}),
            "`question` is the text \" \"",
        ),
        (
            "ask_operator",
            json!({"question": "x", "choices": ["a", ""]}),
            "each of 1 to 200 characters",
        ),
        (
            "await_request",
            json!({}),
            "`id` is missing; expected a whole number from 1 on, such as 3",
        ),
        (
            "await_request",
            json!({"id": "3"}),
            "`id` is the text \"3\"",
        ),
        ("await_request", json!({"id": -1}), "`id` is the number -1"),
        (
            "await_request",
            json!({"id": 1.5}),
            "`id` is the number 1.5",
        ),
        (
            "await_request",
            json!({"id": 1, "seconds": 301}),
            "expected a whole number between 0 and 300",
        ),
        (
            "await_request",
            json!({"id": 18_446_744_073_709_551_615_u64}),
            "it has none at all",
        ),
        (
            "withdraw_request",
            json!({"id": 4}),
            "this bottle has no request 4; it has none at all",
        ),
        (
            "list_requests",
            json!({"state": "open"}),
            "one of all, waiting, answered",
        ),
        (
            "list_capabilities",
            json!({"with-dockerfile": true}),
            "did you mean `with_dockerfile`?",
        ),
    ] {
        rig.rest();
        let shown: String = arguments.to_string().chars().take(200).collect();
        let text = rig.refused(tool, arguments).await;
        assert!(text.contains(words), "{tool} {shown}: {text}");
        assert!(text.len() < 700, "{text}");
        assert_eq!(crate::pty::hidden(&text), None, "{text:?}");
    }
    assert_eq!(rig.agent.requests.all().await, []);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "each end with its words")]
async fn every_end_of_a_request_is_told_in_words() {
    let rig = Rig::new();
    for host in [
        "a.example",
        "b.example",
        "c.example",
        "d.example",
        "e.example",
    ] {
        rig.said("request_route", route(host)).await;
    }
    rig.said("ask_operator", json!({"question": "Which?"}))
        .await;
    let look = |id: u64| json!({"id": id, "seconds": 0});
    let pending = rig.said("await_request", look(1)).await;
    assert!(
        pending.contains("is pending") && pending.contains("Nothing is granted by time"),
        "{pending}"
    );

    let until = Some("2030-01-02T03:04:00Z".parse().unwrap());
    let terms = Terms {
        until,
        uses: Some(5),
        ..Terms::default()
    };
    rig.verdict(
        1,
        request::Answer::Approve {
            terms,
            edited: None,
        },
    )
    .await;
    let text = rig.said("await_request", look(1)).await;
    assert!(text.contains("is approved for this bottle, until 2030-01-02 03:04 UTC, for 5 requests at most, and not yet in force"), "{text}");
    rig.step(1, News::Applying).await;
    let text = rig.said("await_request", look(1)).await;
    assert!(text.contains("is being changed right now"), "{text}");
    let outcome = Outcome {
        revision: 4,
        words: String::from("adds a.example"),
        at: Timestamp::now(),
    };
    rig.step(1, News::Applied { outcome }).await;
    let text = rig.said("await_request", look(1)).await;
    assert!(
        text.contains("in force since revision 4 of this bottle (adds a.example)"),
        "{text}"
    );
    rig.step(1, News::Undone).await;
    let text = rig.said("await_request", look(1)).await;
    assert!(text.contains("taken it back"), "{text}");

    rig.verdict(2, deny("use the mirror")).await;
    let text = rig.said("await_request", look(2)).await;
    assert!(
        text.contains("is denied. The operator says: use the mirror"),
        "{text}"
    );
    rig.verdict(3, deny("")).await;
    let text = rig.said("await_request", look(3)).await;
    assert!(text.contains("gave no reason"), "{text}");

    let Ask::Route(mut asked) = rig.agent.requests.get(4).await.unwrap().ask else {
        panic!("a route")
    };
    asked.host = HostName::parse("mirror.example").unwrap().into();
    let edited = Some(Ask::Route(asked));
    rig.verdict(
        4,
        request::Answer::Approve {
            terms: Terms::default(),
            edited,
        },
    )
    .await;
    rig.step(
        4,
        News::Failed {
            why: String::from("egress did not take it"),
        },
    )
    .await;
    let text = rig.said("await_request", look(4)).await;
    assert!(
        text.contains("changed by the operator to: a way out to mirror.example"),
        "{text}"
    );
    assert!(
        text.contains("could not be applied: egress did not take it"),
        "{text}"
    );

    let text = rig.said("withdraw_request", json!({"id": 5})).await;
    assert!(text.contains("is withdrawn"), "{text}");
    let twice = rig.refused("withdraw_request", json!({"id": 2})).await;
    assert!(twice.contains("denied"), "{twice}");
    let reply = request::Answer::Reply {
        text: String::from("the second"),
    };
    rig.verdict(6, reply).await;
    let text = rig.said("await_request", look(6)).await;
    assert!(text.contains("The operator says: the second"), "{text}");

    let all = rig.said("list_requests", json!({})).await;
    assert_eq!(all.matches("Request ").count(), 6, "{all}");
    let waiting = rig.said("list_requests", json!({"state": "waiting"})).await;
    assert_eq!(waiting, "There is no such request.");
}

#[tokio::test]
async fn a_reply_that_was_written_counts_as_read_and_one_that_was_not_does_not() {
    let rig = Rig::new();
    rig.said("request_route", route("a.example")).await;
    rig.said("await_request", json!({"id": 1, "seconds": 0}))
        .await;
    assert_eq!(rig.agent.requests.get(1).await.unwrap().delivered, None);
    rig.verdict(1, deny("no")).await;

    // The reader goes away before its answer.
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "await_request", "arguments": {"id": 1}}})
    .to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\n{HEADERS}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let (mut client, end) = duplex(64);
    let gone = async {
        let request = [head.as_bytes(), body.as_bytes()].concat();
        client.write_all(&request).await.unwrap();
        drop(client);
    };
    tokio::join!(answer(end, &rig.agent), gone);
    assert_eq!(rig.agent.requests.get(1).await.unwrap().delivered, None);

    rig.said("await_request", json!({"id": 1})).await;
    let record = rig.agent.requests.get(1).await.unwrap();
    assert!(record.delivered.is_some());
    assert!(matches!(record.state, RequestState::Denied { .. }));
}

#[tokio::test]
async fn who_does_not_wait_reads_each_answer_once_as_news() {
    let rig = Rig::new();
    let ask = b"GET /news HTTP/1.0\r\nHost: 127.0.0.1:9100\r\n\r\n";
    for id in 1..=12 {
        rig.said("request_route", route(&format!("h{id}.example")))
            .await;
    }
    assert_eq!(rig.exchange(ask).await.status, 204);
    for id in 1..=12 {
        rig.verdict(id, deny(&format!("no {id}."))).await;
    }
    let first = rig.exchange(ask).await;
    assert_eq!(first.status, 200);
    let told = |body: &str| {
        (1..=12)
            .filter(|id| body.contains(&format!("no {id}.")))
            .count()
    };
    assert_eq!(told(&first.body), 10, "{}", first.body);
    let second = rig.exchange(ask).await;
    assert_eq!(told(&second.body), 2, "{}", second.body);
    assert_eq!(rig.exchange(ask).await.status, 204);
    let all = rig.agent.requests.all().await;
    assert!(all.iter().all(|one| one.delivered.is_some()));
}

/// A reply that takes long begins at once and says every now and then that it waits.
#[tokio::test(start_paused = true)]
async fn who_waits_is_told_so_until_the_answer_comes() {
    let rig = Rig::new();
    rig.said("request_route", route("a.example")).await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "await_request", "arguments": {"id": 1, "seconds": 300}}})
    .to_string();
    let asked = rig.post_with(EVENTS, &body);
    let answered = async {
        sleep(Duration::from_secs(100)).await;
        rig.verdict(1, approve()).await;
        let outcome = Outcome {
            revision: 2,
            words: String::new(),
            at: Timestamp::now(),
        };
        rig.step(1, News::Applied { outcome }).await;
    };
    let (answered, ()) = tokio::join!(asked, answered);
    assert!(
        answered.head.contains("content-type: text/event-stream"),
        "{}",
        answered.head
    );
    assert_eq!(
        answered.body.matches(": waiting for the operator").count(),
        7
    );
    let (_, event) = answered.body.split_once("event: message\ndata: ").unwrap();
    assert!(event.contains("in force since revision 2"), "{event}");
    assert!(rig.agent.requests.get(1).await.unwrap().delivered.is_some());

    // One that nobody answers ends when it said it would, and can be repeated.
    rig.said("request_route", route("b.example")).await;
    let text = rig
        .said("await_request", json!({"id": 2, "seconds": 300}))
        .await;
    assert!(text.contains("is pending"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_wait_and_who_goes_away_makes_room() {
    let rig = Rig::new();
    rig.said("request_route", route("a.example")).await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "await_request", "arguments": {"id": 1, "seconds": 300}}})
    .to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\n{EVENTS}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let mut clients = Vec::new();
    let mut served = JoinSet::new();
    for _ in 0..WAITS {
        let (mut client, end) = duplex(1 << 16);
        let agent = Arc::clone(&rig.agent);
        served.spawn(async move { answer(end, &agent).await });
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(body.as_bytes()).await.unwrap();
        // Its head comes before its answer.
        assert_eq!(client.read_u8().await.unwrap(), b'H');
        clients.push(client);
    }
    let full = rig.refused("await_request", json!({"id": 1})).await;
    assert!(full.contains("too many calls wait already"), "{full}");
    drop(clients);
    while served.join_next().await.is_some() {}
    assert_eq!(rig.agent.waits.available_permits(), WAITS);
    rig.said("await_request", json!({"id": 1, "seconds": 0}))
        .await;
}

/// Ten thousand requests: what is over the limits is refused in words, and little is kept.
#[tokio::test]
async fn a_flood_of_requests_is_refused_calmly() {
    let rig = Rig::new();
    let mut refusals = std::collections::BTreeSet::new();
    for count in 0..10_000 {
        rig.rest();
        let (is_error, text) = rig
            .call("request_route", route(&format!("h{count}.example")))
            .await;
        if is_error {
            refusals.insert(text);
        }
    }
    assert_eq!(rig.agent.requests.all().await.len(), 50);
    let refusals: Vec<String> = refusals.into_iter().collect();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(
        refusals
            .iter()
            .all(|text| text.contains("wait for some of them, or withdraw them")),
        "{refusals:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_calls_is_told_to_slow_down() {
    let rig = Rig::new();
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let mut last = rig.post(ping).await;
    let mut served = 1;
    while last.status == 200 {
        served += 1;
        last = rig.post(ping).await;
    }
    assert_eq!((last.status, served), (429, 61));
    assert!(last.head.contains("retry-after: 1"), "{}", last.head);
    assert!(last.body.contains("await_request waits"), "{}", last.body);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(rig.post(ping).await.status, 200);
}

#[tokio::test]
async fn ten_megabytes_are_read_to_their_end_and_refused() {
    let rig = Rig::new();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "request_route",
        "arguments": {"host": "a.example", "reason": "x".repeat(10 << 20)},
    }});
    let answered = rig.post(&body.to_string()).await;
    assert_eq!(answered.status, 413);
    assert!(
        answered.body.contains("at most 256 KiB"),
        "{}",
        answered.body
    );
    assert_eq!(rig.agent.requests.all().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let rig = Rig::new();
    let (mut client, end) = duplex(1 << 16);
    let head = format!("POST /mcp HTTP/1.1\r\n{HEADERS}Content-Length: 9\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let ((), answered) = tokio::join!(answer(end, &rig.agent), read(&mut client));
    assert_eq!(answered.status, 408);
}

/// The proxy's own requests are not the agent's to hide from the operator.
#[tokio::test]
async fn what_the_proxy_asked_is_not_the_agents_to_take_back() {
    let rig = Rig::new();
    let ask = Ask::Question {
        text: String::from("x"),
        choices: Vec::new(),
    };
    let requests = &rig.agent.requests;
    requests
        .file(ask, String::new(), Source::Egress)
        .await
        .unwrap();
    let text = rig.refused("withdraw_request", json!({"id": 1})).await;
    assert!(text.contains("the proxy filed it"), "{text}");
    let text = rig.said("list_requests", json!({})).await;
    assert!(
        text.contains("which the proxy filed for what it refused, is pending"),
        "{text}"
    );
    assert_eq!(requests.get(1).await.unwrap().state, RequestState::Pending);
}

#[tokio::test]
async fn a_volume_that_refuses_is_told_and_nothing_counts_as_asked() {
    let hub = SharedHub::default();
    let requests = Requests::open(PathBuf::from("/nowhere/requests.jsonl"), hub.clone());
    let rig = Rig {
        agent: Arc::new(Agent::new(config(), hub, requests, Facts::default())),
        _folder: tempfile::tempdir().unwrap(),
    };
    let text = rig.refused("request_route", route("a.example")).await;
    assert!(text.starts_with("failed to keep the request"), "{text}");
}

/// Over a socket, as init splices to it: one connection a message, and no more at once
/// than there are places.
#[tokio::test]
async fn the_door_serves_many_and_turns_the_rest_away() {
    let rig = Rig::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("door.sock");
    let door = UnixListener::bind(&path).unwrap();
    let Agent {
        config,
        hub,
        requests,
        facts,
        ..
    } = Arc::into_inner(rig.agent).unwrap();
    let agent = Agent::new(config, hub, requests, facts);
    let scenario = async {
        let mut idle = Vec::new();
        for _ in 0..CONNECTIONS {
            idle.push(UnixStream::connect(&path).await.unwrap());
        }
        let mut extra = UnixStream::connect(&path).await.unwrap();
        let mut text = String::new();
        extra.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 "), "{text}");
        assert!(
            head.ends_with(&format!("Content-Length: {}", body.len())),
            "{text}"
        );
        drop(idle);
        let page = b"GET / HTTP/1.1\r\nHost: localhost:9100\r\n\r\n";
        loop {
            let mut client = UnixStream::connect(&path).await.unwrap();
            // A place is free once its connection was seen to end.
            client.write_all(page).await.ok();
            let mut text = String::new();
            client.read_to_string(&mut text).await.ok();
            if text.starts_with("HTTP/1.1 200 OK") {
                return;
            }
        }
    };
    tokio::select! {
        () = scenario => {}
        () = serve(&door, agent) => {}
    }
}
