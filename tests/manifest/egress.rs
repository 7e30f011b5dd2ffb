//! Routes with their terms, secrets by reference, and what becomes of the rest.

use cellar::manifest::{Need, Plan, SecretSource};
use cellar::policy::{
    Auth, AuthScheme, BottleBudget, Denials, Effect, HeaderField, Measure, RouteRole, RouteSet,
    ScanMode, ScanRule, SecretName, Span, Tls, Unlisted,
};

use cellar::spec::{Clipboard, Spec};

use super::support::World;

/// A manifest whose template `claude` holds these entries beside its image.
fn template(entries: &str) -> String {
    format!(
        r#"{{
  "bottles": {{ "claude": {{ "image": {{ "from": "x" }},
{entries}
  }} }},
  "agents": {{
    "api": {{ "bottle": "claude" }},
    "shell": {{ "bottle": "claude", "provider": {{ "command": ["sh"] }} }},
  }},
}}"#
    )
}

fn plan(agent: &str, entries: &str) -> Plan {
    World::new(&template(entries)).plan(agent)
}

/// What is drawn in place of a plan; a mistake of the file or of one it names.
fn mistakes(world: &World) -> String {
    world.resolve("api").unwrap_err()
}

fn secret(name: &str) -> SecretName {
    SecretName::parse(name).unwrap()
}

#[test]
fn every_term_of_a_route_is_read() {
    let plan = plan(
        "shell",
        r#""secrets": { "one": { "env": "ONE" } },
    "routes": [
      {
        "host": "api.example.com", "ports": [8443], "methods": ["GET", "HEAD"],
        "paths": ["/v1/*"], "auth": { "secret": "one", "header": "X-Key" },
        "scan": { "request": "redact", "response": "warn", "pass": ["jwt", "github-pat"] }, "websocket": true,
        "budget": { "bytes": "1GiB", "requests": 5 }, "expires": "2027-01-31T18:00:00Z",
      },
      { "host": "*.example.net", "tls": "splice" },
      { "host": "secret.example.net", "deny": true },
    ]"#,
    );
    let routes = &plan.spec.routes.routes;
    assert_eq!(
        routes[0].words(),
        "GET,HEAD api.example.com:8443/v1/*",
        "{routes:?}"
    );
    let scheme = AuthScheme::Header {
        name: HeaderField::parse("x-key").unwrap(),
    };
    let auth = Auth {
        scheme,
        secret: secret("one"),
    };
    assert_eq!(routes[0].auth, Some(auth));
    assert_eq!(routes[0].scan.request, ScanMode::Redact);
    assert_eq!(routes[0].scan.response, ScanMode::Warn);
    let passing: Vec<&str> = routes[0].scan_pass.iter().map(ScanRule::as_str).collect();
    assert_eq!(passing, ["github-pat", "jwt"]);
    assert!(routes[0].websocket);
    assert_eq!(routes[0].budget.bytes, Some(1 << 30));
    assert_eq!(routes[0].budget.requests, Some(5));
    assert_eq!(
        routes[0].expires.unwrap().to_string(),
        "2027-01-31T18:00:00Z"
    );
    assert_eq!(routes[1].tls, Tls::Splice);
    assert_eq!(routes[2].effect, Effect::Deny);
    assert_eq!(plan.spec.routes.unlisted, Unlisted::Deny);
}

#[test]
fn a_credential_is_sent_as_it_says_or_as_its_role_says() {
    for (auth, scheme) in [
        (r#"{ "secret": "s" }"#, AuthScheme::Bearer),
        (r#"{ "secret": "s", "scheme": "token" }"#, AuthScheme::Token),
        (
            r#"{ "secret": "s", "user": "x-access-token" }"#,
            AuthScheme::Basic {
                user: String::from("x-access-token"),
            },
        ),
    ] {
        let entries = format!(
            r#""secrets": {{ "s": {{ "env": "S" }} }}, "routes": [{{ "host": "a.test", "auth": {auth} }}]"#
        );
        let found = plan("shell", &entries).spec.routes.routes[0].auth.clone();
        assert_eq!(found.unwrap().scheme, scheme, "{auth}");
    }
}

/// With one line of the manifest Claude Code works and never holds the credential.
#[test]
fn the_model_api_with_a_credential_of_the_operators() {
    for (role, variable, model) in [
        (
            RouteRole::ClaudeCodeOauth,
            "CLAUDE_CODE_OAUTH_TOKEN",
            AuthScheme::Bearer,
        ),
        (
            RouteRole::AnthropicApiKey,
            "ANTHROPIC_AUTH_TOKEN",
            AuthScheme::Header {
                name: HeaderField::parse("x-api-key").unwrap(),
            },
        ),
    ] {
        let entries = format!(
            r#""secrets": {{ "mine": {{ "file": "~/token" }} }},
    "routes": [{{ "preset": "anthropic", "role": "{}", "auth": {{ "secret": "mine" }} }}]"#,
            role.as_str()
        );
        let world = World::new(&template(&entries));
        let plan = world.plan("api");
        let routes = &plan.spec.routes.routes;
        assert_eq!(routes.len(), 2, "the provider's own are not added");
        assert_eq!(routes[0].role, Some(role));
        assert_eq!(routes[1].role, None);
        for route in routes {
            assert_eq!(route.auth.as_ref().unwrap().scheme, model);
        }
        assert_eq!(routes[0].scan.request, ScanMode::Warn);
        assert_eq!(plan.spec.session.env[variable], "placeholder");
        assert_eq!(plan.spec.session.handed_over, [""; 0]);
        assert_eq!(plan.asks.len(), 1);
        assert_eq!(plan.asks[0].need, Need::Credential(secret("mine")));
        let path = world.path("token");
        assert_eq!(plan.asks[0].source, SecretSource::File { path });
        assert_eq!(plan.notes, [""; 0]);
    }
}

/// What no route names is looked up by nobody.
#[test]
fn only_secrets_that_a_route_names_are_looked_up() {
    let plan = plan(
        "shell",
        r#""secrets": { "used": { "command": ["pass", "show", "x"] }, "spare": { "env": "S" } },
    "routes": [{ "host": "a.test", "auth": { "secret": "used" } }, { "host": "b.test", "auth": { "secret": "used" } }]"#,
    );
    let argv = ["pass", "show", "x"].map(String::from).to_vec();
    assert_eq!(plan.asks.len(), 1);
    assert_eq!(plan.asks[0].source, SecretSource::Command { argv });
    let text = serde_json::to_string(&plan.spec).unwrap();
    assert!(!text.contains("pass") && !text.contains("spare"), "{text}");
}

#[test]
fn the_rest_is_refused_unless_the_template_asks() {
    for (text, unlisted) in [
        (r#""deny""#, Unlisted::Deny),
        (r#""ask""#, Unlisted::Ask { seconds: 120 }),
        (r#"{ "ask": "10m" }"#, Unlisted::Ask { seconds: 600 }),
    ] {
        let plan = plan("shell", &format!("\"unlisted\": {text}"));
        assert_eq!(plan.spec.routes.unlisted, unlisted, "{text}");
    }
}

#[test]
fn a_session_asks_for_the_clipboard_only_if_the_template_says_so() {
    let with = |text: &str| plan("shell", &format!("\"time_zone\": \"UTC\"{text}")).spec;
    let (without, never) = (with(""), with(r#", "clipboard": "never""#));
    assert_eq!(without.clipboard, Clipboard::Never);
    assert_eq!(never.digest().unwrap(), without.digest().unwrap());
    let asks = with(r#", "clipboard": "ask""#);
    assert_eq!(asks.clipboard, Clipboard::Ask);
    let again: Spec = serde_json::from_str(&serde_json::to_string(&asks).unwrap()).unwrap();
    assert_eq!(again, asks);
}

#[test]
fn what_is_refused_becomes_a_request_if_the_template_says_so() {
    let with = |text: &str| plan("shell", text).spec;
    let without = with(r#""time_zone": "UTC""#);
    let refused = with(r#""time_zone": "UTC", "denials": "refuse""#);
    assert_eq!(without.routes.denials, Denials::Refuse);
    // Who does not use it has the spec that there was before.
    assert_eq!(refused.digest().unwrap(), without.digest().unwrap());
    let text = serde_json::to_string(&refused.routes).unwrap();
    assert!(text.starts_with('['), "{text}");
    let requests = with(r#""time_zone": "UTC", "denials": "request""#);
    assert_eq!(requests.routes.denials, Denials::Request);
    let text = serde_json::to_string(&requests.routes).unwrap();
    let again: RouteSet = serde_json::from_str(&text).unwrap();
    assert_eq!(again, requests.routes);
}

#[test]
fn a_bottle_has_the_budgets_that_its_template_says() {
    let budgets = |text: &str| {
        let plan = plan("shell", &format!("\"budget\": {text}"));
        plan.spec.routes.budgets
    };
    assert_eq!(budgets("{}"), []);
    let hour = BottleBudget::new(Measure::Cost, Span::Hour, 5_000_000);
    assert_eq!(budgets(r#"{ "cost": "5.00 per hour" }"#), [hour]);
    let several = budgets(
        r#"{ "requests": "1000 per hour", "cost": ["$50 in total", "5 per hour"], "tokens": "20M per day", "bytes": "10GiB in total" }"#,
    );
    assert_eq!(
        several,
        [
            BottleBudget::new(Measure::Tokens, Span::Day, 20_000_000),
            BottleBudget::new(Measure::Cost, Span::Total, 50_000_000),
            hour,
            BottleBudget::new(Measure::Bytes, Span::Total, 10 << 30),
            BottleBudget::new(Measure::Requests, Span::Hour, 1_000),
        ]
    );
}

#[test]
fn each_mistake_in_a_budget_comes_with_what_to_write() {
    let world = World::new(&template(
        r#""budget": {
      "costs": "5.00 per hour",
      "cost": ["5.00", "5.00 per hour", "6.00 per hour", "0 in total", 5],
      "tokens": "2.5M per day",
      "bytes": { "total": "1GiB" },
      "requests": "10 per minute",
    }"#,
    ));
    insta::assert_snapshot!("the_mistakes_of_budgets", mistakes(&world));
}

#[test]
fn an_authority_of_the_operators_is_a_certificate_and_no_key() {
    for (pem, words) in [
        (None, "cannot be read"),
        (Some("nothing"), "holds no certificate"),
        (
            Some("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"),
            "holds a private key",
        ),
    ] {
        let mut world = World::new(&template(r#""upstream_ca": "ca.pem""#));
        if let Some(pem) = pem {
            world = world.write("config/ca.pem", pem);
        }
        let told = mistakes(&world);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn the_summary_says_what_is_put_in_and_what_is_asked() {
    let world = World::new(&template(
        r#""secrets": { "claude": { "env": "TOKEN" }, "code": { "prompt": "Code host token" } },
    "unlisted": "ask",
    "denials": "request",
    "budget": { "cost": ["5.00 per hour", "50.00 in total"], "tokens": "20M per day" },
    "upstream_proxy": {
      "address": "http://proxy.example.com:3128",
      "auth": { "user": "me", "secret": "code" },
    },
    "routes": [
      { "preset": "anthropic", "role": "claude_code_oauth", "auth": { "secret": "claude" } },
      { "host": "git.example.com", "auth": { "secret": "code" }, "expires": "2027-01-31T18:00:00Z" },
      { "host": "*.example.net", "tls": "splice" },
    ]"#,
    ));
    insta::assert_snapshot!("the_summary_of_egress", world.summary(&world.plan("api")));
}

#[test]
fn each_mistake_comes_with_what_to_write() {
    let world = World::new(&template(
        r#""secrets": {
      "9lives": { "env": "X" },
      "plain": "hunter2",
      "value": { "value": "hunter2" },
      "two": { "env": "A", "file": "b" },
      "none": { "command": [] },
    },
    "unlisted": { "ask": "1s" },
    "denials": "ask",
    "upstream_proxy": "https://user:hunter2@proxy.example.com",
    "routes": [
      { "preset": "pipy-read" },
      { "preset": "pypi-read", "auth": { "secret": "two" } },
      { "preset": "pypi-read", "host": "a.test" },
      { "host": "*.com" },
      { "host": "a.*.com" },
      { "host": "a.test", "methods": ["get", "CONNECT"] },
      { "host": "b.test", "methods": [], "paths": [] },
      { "host": "c.test", "paths": ["v1", "/a/../b"] },
      { "host": "d.test", "auth": { "scheme": "basic", "secret": "two" } },
      { "host": "e.test", "auth": { "scheme": "header", "secret": "two" } },
      { "host": "f.test", "auth": { "scheme": "digest", "secret": "two" } },
      { "host": "g.test", "auth": { "header": "Host", "secret": "two" } },
      { "host": "h.test", "auth": { "secret": "sk-live 1" } },
      { "host": "*.i.test", "auth": { "secret": "two" } },
      { "host": "j.test", "role": "claude_oauth", "auth": { "secret": "two" } },
      { "host": "k.test", "role": "anthropic_api_key" },
      { "host": "l.test", "role": "anthropic_api_key", "auth": { "secret": "two", "scheme": "bearer" } },
      { "host": "m.test", "tls": "splice", "methods": ["GET"] },
      { "host": "n.test", "deny": true, "websocket": true },
      { "host": "o.test", "expires": "tomorrow" },
      { "host": "p.test", "scan": { "request": "ignore" }, "budget": { "bytes": "lots" } },
      { "host": "q.test", "scan": { "pass": ["github-pta", "nothing-like-it", "GitHub"] } },
      { "host": "q.test", "tls": "splice" },
      { "host": "q.test", "ports": [443], "methods": ["GET"] },
    ]"#,
    ));
    insta::assert_snapshot!("the_mistakes_of_egress", mistakes(&world));
}

#[test]
fn a_proxys_credential_is_looked_up_like_a_routes() {
    let world = World::new(&template(
        r#""secrets": { "hop": { "env": "HOP" } },
    "upstream_proxy": { "address": "http://10.0.0.1:3128", "auth": { "secret": "hop" } }"#,
    ));
    let plan = world.plan("api");
    let needs: Vec<String> = plan.asks.iter().map(|ask| ask.need.to_string()).collect();
    assert_eq!(needs, ["hop"]);
    let spec = serde_json::to_value(&plan.spec.upstream_proxy).unwrap();
    assert_eq!(spec["auth"]["scheme"], "bearer");
}

#[test]
fn each_mistake_of_a_proxy_is_told() {
    for (proxy, words) in [
        (r#"{ "auth": { "secret": "hop" } }"#, "has no address"),
        (
            r#"{ "address": "http://a.test:1", "auth": { "secret": "hip" } }"#,
            "did you mean `hop`?",
        ),
        (
            r#"{ "address": "http://a.test:1", "auth": { "scheme": "token", "secret": "hop" } }"#,
            "\"basic\" or \"bearer\" alone",
        ),
        (
            r#"{ "address": "http://me:hunter2@a.test:1", "auth": { "secret": "hop" } }"#,
            "names no HTTP proxy",
        ),
        (
            r#"{ "address": "http://a.test:1", "user": "me" }"#,
            "`user`",
        ),
        ("7", "`upstream_proxy`"),
    ] {
        let world = World::new(&template(&format!(
            r#""secrets": {{ "hop": {{ "env": "HOP" }} }}, "upstream_proxy": {proxy}"#
        )));
        let told = mistakes(&world);
        assert!(told.contains(words), "{proxy}: {told}");
    }
}

#[test]
fn a_secret_that_is_not_named_is_offered_its_neighbour() {
    let world = World::new(&template(
        r#""secrets": { "github": { "env": "X" } },
    "routes": [
      { "host": "a.test", "auth": { "secret": "gihub" } },
      { "host": "b.test", "auth": { "secret": "elsewhere" } },
    ]"#,
    ));
    let told = mistakes(&world);
    assert!(told.contains("did you mean `github`?"), "{told}");
    assert!(told.contains("\"secrets\": { \"elsewhere\":"), "{told}");
}
