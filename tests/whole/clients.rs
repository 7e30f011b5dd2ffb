//! Real programs that agents use, each through the intercepting proxy with nothing but
//! the environment that a session has, against origins on loopback.

use std::process::Output;

use crate::support::double::{Double, Vouched};
use crate::support::engine::{Engine, engine_or_skip};
use crate::support::model::{HOST, ModelDouble, clients_image};
use crate::support::operator::{Operator, PATIENCE};

/// How a program should end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Well,
    Badly,
}
use End::{Badly, Well};

/// A program run by `sh` in the agent container, how it ends, and what it says.
type Case = (&'static str, End, &'static [&'static str]);

const CURL: &[Case] = &[
    (
        "curl -sS --fail https://site.test/",
        Well,
        &["a small site"],
    ),
    (
        "curl -sS --fail --compressed https://site.test/compressed",
        Well,
        &["this was compressed"],
    ),
    // Chunked, and long enough that curl asks for leave first.
    (
        "seq 1 300000 | curl -sS --fail -X POST -H 'Expect: 100-continue' -T - https://echo.test/",
        Well,
        &["\"body_bytes\":1988895"],
    ),
    (
        "curl -sS -i https://denied.test/",
        Badly,
        &["403", "x-cellar-reason: host_not_allowed"],
    ),
    (
        "curl -sS --fail-with-body -d x https://site.test/",
        Badly,
        &["403", "method_not_allowed"],
    ),
    // Around the proxy there is nothing.
    (
        "curl -sS --noproxy '*' https://site.test/",
        Badly,
        &["Could not resolve host"],
    ),
];

const GIT: &[Case] = &[
    (
        "git clone https://git.test/wine.git && cd wine && git fsck --full && git fetch && cat README.md",
        Well,
        &["a cellar of one file"],
    ),
    (
        "git clone https://denied.test/beer.git",
        Badly,
        &["CONNECT tunnel failed, response 403"],
    ),
    (
        "cd wine && git -c user.name=a -c user.email=a@git.test commit --allow-empty -m x && git push",
        Badly,
        &["403", "git_push_refused"],
    ),
];

const PYTHON: &[Case] = &[
    (
        r#"python3 -c 'import urllib.request as r; print(r.urlopen("https://site.test/").read())'"#,
        Well,
        &["a small site"],
    ),
    // What Python checks by itself from 3.13 on.
    (
        r#"python3 -c 'import ssl, urllib.request as r
context = ssl.create_default_context()
context.verify_flags |= ssl.VERIFY_X509_STRICT
print(r.urlopen("https://site.test/", context=context).read())'"#,
        Well,
        &["a small site"],
    ),
    (
        r#"python3 -c 'import urllib.request as r; r.urlopen("https://denied.test/")'"#,
        Badly,
        &["Tunnel connection failed: 403 Forbidden"],
    ),
    (
        r#"python3 -c 'import urllib.request as r
try: r.urlopen("https://site.test/", data=b"x")
except r.HTTPError as error: print(error.read()); raise'"#,
        Badly,
        &["HTTP Error 403: Forbidden", "method_not_allowed"],
    ),
    (
        r#"python3 -c 'import requests as r
s = r.Session(); print(s.get("https://site.test/compressed").text)
print(s.post("https://echo.test/", json={"a": 1}).json()["body_bytes"], "bytes")'"#,
        Well,
        &["this was compressed", "8 bytes"],
    ),
    (
        r#"python3 -c 'import requests as r; r.get("https://denied.test/")'"#,
        Badly,
        &["ProxyError", "403 Forbidden"],
    ),
    (
        r#"python3 -c 'import requests as r
a = r.put("https://site.test/"); print(a.text); a.raise_for_status()'"#,
        Badly,
        &["403 Client Error: Forbidden", "method_not_allowed"],
    ),
];

const PIP: &[Case] = &[
    (
        "pip install --target py --index-url https://python.test/simple vintage && \
            PYTHONPATH=py python3 -c 'import vintage; print(vintage.YEAR)'",
        Well,
        &["Successfully installed vintage-1.2.3", "a good year"],
    ),
    (
        "pip install --retries 1 --target no --index-url https://denied.test/simple vintage",
        Badly,
        &["Tunnel connection failed: 403 Forbidden"],
    ),
    (
        "pip download --retries 0 https://python.test/elsewhere/vintage-1.2.3-py3-none-any.whl",
        Badly,
        &["403 Client Error: Forbidden"],
    ),
];

const NPM: &[Case] = &[
    (
        "mkdir -p js && cd js && npm install --registry https://npm.test/ vintage && \
            node -p 'require(\"vintage\")'",
        Well,
        &["added 1 package", "a good year"],
    ),
    (
        "mkdir -p no && cd no && npm install --fetch-retries 0 --registry https://denied.test/ vintage",
        Badly,
        &["403"],
    ),
    (
        "cd js/node_modules/vintage && npm version patch && npm publish --registry https://npm.test/ --//npm.test/:_authToken=x",
        Badly,
        &["403 Forbidden - PUT https://npm.test/vintage"],
    ),
];

const NODE: &[Case] = &[
    (
        r#"node -e 'fetch("https://site.test/").then(a => a.text()).then(console.log)'"#,
        Well,
        &["a small site"],
    ),
    (
        r#"node -e 'fetch("https://echo.test/", {method: "POST", body: "four"})
            .then(a => a.json()).then(a => console.log(a.method, a.body_bytes))'"#,
        Well,
        &["POST 4"],
    ),
    (
        r#"node -e 'fetch("https://denied.test/")'"#,
        Badly,
        &["Proxy response (403)"],
    ),
    (
        r#"node -e 'fetch("https://site.test/", {method: "DELETE"})
            .then(async a => { console.log(a.status, await a.text()); process.exit(1) })'"#,
        Badly,
        &["403", "method_not_allowed"],
    ),
];

const CARGO: &[Case] = &[
    (
        "cargo fetch && cargo vendor && cat vendor/vintage/src/lib.rs",
        Well,
        &["Downloaded vintage v1.2.3", "YEAR: u16 = 1982"],
    ),
    (
        "rm Cargo.lock && CARGO_REGISTRIES_CELLAR_INDEX=sparse+https://denied.test/ \
            CARGO_NET_RETRY=0 cargo fetch",
        Badly,
        &["CONNECT tunnel failed, response 403"],
    ),
    (
        "cargo yank --registry cellar --token x vintage@1.2.3",
        Badly,
        &["403", "method_not_allowed"],
    ),
];

const CLAUDE: &[Case] = &[
    (
        "ANTHROPIC_AUTH_TOKEN=x claude -p 'hello cellar'",
        Well,
        &["DOUBLE: turn 1 heard hello cellar"],
    ),
    // Left to itself it tries ten times again, some three minutes, before it says so.
    (
        "ANTHROPIC_AUTH_TOKEN=x ANTHROPIC_BASE_URL=https://denied.test \
            CLAUDE_CODE_MAX_RETRIES=0 claude -p 'hello cellar'",
        Badly,
        &["the proxy refused the tunnel"],
    ),
    // The refusal's own words.
    (
        "ANTHROPIC_AUTH_TOKEN=x ANTHROPIC_BASE_URL=https://site.test claude -p 'hello cellar'",
        Badly,
        &["API Error: 403", "method_not_allowed"],
    ),
];

const ALL: &[(&str, &[Case])] = &[
    ("curl", CURL),
    ("git", GIT),
    ("python", PYTHON),
    ("pip", PIP),
    ("npm", NPM),
    ("node", NODE),
    ("cargo", CARGO),
    ("claude", CLAUDE),
];

const HOSTS: [&str; 7] = [
    "site.test",
    "echo.test",
    "git.test",
    "python.test",
    "npm.test",
    "crates.test",
    HOST,
];

/// An agent whose session only writes down the environment that it has.
fn manifest() -> String {
    let route = |terms: serde_json::Value| {
        let mut route = serde_json::json!({"connect_to": "127.0.0.1", "allow_private": true});
        route.as_object_mut().unwrap().extend(
            terms
                .as_object()
                .unwrap()
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        route
    };
    let read = serde_json::json!(["GET", "HEAD"]);
    serde_json::json!({
        "bottles": {"clients": {
            "image": {"from": clients_image()},
            "upstream_ca": "ca.pem",
            "routes": [
                route(serde_json::json!({"host": "site.test", "methods": read})),
                route(serde_json::json!({"host": "echo.test"})),
                route(serde_json::json!({"host": "git.test", "paths": ["/wine.git/*"]})),
                route(serde_json::json!({
                    "host": "python.test", "methods": read, "paths": ["/simple/*", "/files/*"],
                })),
                route(serde_json::json!({"host": "npm.test", "methods": read})),
                route(serde_json::json!({"host": "crates.test", "methods": read})),
                route(serde_json::json!({"host": HOST, "connect_to": "127.0.0.2"})),
            ],
            "limits": {"memory": "2GiB", "tmp": "64MiB"},
        }},
        "agents": {"clients": {"bottle": "clients", "provider": {
            "command": ["sh", "-c", "export -p >/tmp/session; exec sleep infinity"],
        }}},
    })
    .to_string()
}

/// The programs' place: the agent container, in a folder of its own for each kind.
struct Session {
    engine: Engine,
    agent: String,
}

impl Session {
    fn run(&self, folder: &str, script: &str) -> Output {
        let script = format!(
            ". /tmp/session; mkdir -p ~/{folder}; cd ~/{folder}; exec timeout {} sh -c '{}'",
            PATIENCE.as_secs(),
            script.replace('\'', r"'\''")
        );
        let shell = ["/usr/bin/env", "-i", "/bin/sh", "-c"];
        let mut arguments = vec!["exec", self.agent.as_str()];
        arguments.extend(shell);
        arguments.push(&script);
        self.engine.try_docker(&arguments)
    }

    /// What is wrong with a case, if something is.
    fn try_case(&self, folder: &str, (script, end, says): Case) -> Option<String> {
        let output = self.run(folder, script);
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let ended = if output.status.success() { Well } else { Badly };
        let as_wished = ended == end && says.iter().all(|words| said.contains(words));
        (!as_wished).then(|| format!("$ {script}\n{said}({}; wanted {says:?})", output.status))
    }
}

#[test]
fn real_clients_pass_the_proxy_with_the_environment_of_a_session() {
    let Some(engine) = engine_or_skip("real_clients_pass_the_proxy") else {
        return;
    };
    let vouched = Vouched::for_hosts(&HOSTS);
    let operator = Operator::new(engine, &manifest());
    operator.write("ca.pem", &vouched.authority);
    let bottle = operator.name();
    operator.cellar(&["start", "clients", "--yes", "--name", &bottle]);
    let egress = engine.container(&bottle, "egress");
    let environment = vouched.environment();
    let origins = Double::run(
        engine,
        "origin-double",
        &egress,
        "127.0.0.1:443",
        &environment,
    );
    let _model = ModelDouble::with_tls_at(engine, &egress, &vouched, "127.0.0.2:443");
    let session = Session {
        engine,
        agent: engine.container(&bottle, "agent"),
    };
    operator.wait_until("the session's environment", |_| {
        session.run("", "id -u").stdout == b"1000\n"
    });
    let project = "mkdir -p .cargo src && touch src/lib.rs && \
        printf '[package]\\nname = \"a\"\\nedition = \"2024\"\\n[dependencies]\\n\
        vintage = { version = \"1\", registry = \"cellar\" }\\n' >Cargo.toml && \
        printf '[registries.cellar]\\nindex = \"sparse+https://crates.test/index/\"\\n' >.cargo/config.toml";
    assert!(session.run("cargo", project).status.success());

    let wrong: Vec<String> = ALL
        .iter()
        .flat_map(|(client, cases)| cases.iter().map(move |case| (*client, *case)))
        .filter_map(|(client, case)| session.try_case(client, case))
        .collect();
    let log = origins.log();
    assert!(wrong.is_empty(), "{}\n\n{log}", wrong.join("\n\n"));

    // Nothing that was refused arrived, and what arrived names no proxy.
    for never in ["receive-pack", "PUT ", "DELETE ", "denied", "/elsewhere"] {
        assert!(!log.contains(never), "{never}: {log}");
    }
    assert!(
        log.contains("POST git.test/wine.git/git-upload-pack"),
        "{log}"
    );
    let echoed = session.run("curl", "curl -sS https://echo.test/").stdout;
    let echoed: serde_json::Value = serde_json::from_slice(&echoed).unwrap();
    let mut names: Vec<&String> = echoed["headers"].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["accept", "host", "user-agent"]);
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
