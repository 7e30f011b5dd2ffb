//! The threat table: what an agent may try against its egress, each with the same attempt
//! where one thing is legitimate.
//!
//! The verdict is what arrived at the sinks (`threat-world`), never the proxy's own word;
//! where something must not come back, the agent is the sink. Every attempt is made from
//! inside a real agent container, through the sidecar that `cellar start` made.
//! `docs/threats.md` is the table for people.

mod arms;
pub(crate) mod authority;
mod content;
mod life;
mod messages;
mod reach;
mod secrets;
mod speech;
mod stage;
mod tunnels;
pub(crate) mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use self::authority::Authority;
use self::speech::Got;
use self::stage::Stage;
use self::world::Seen;
use crate::support::engine::engine_or_skip;

/// The value of the secret that routes name.
const KEY: &str = "vintage-7Qm2xR9kLp4Zt8Wn";

/// An attempt that takes longer is named in the output.
const SLOW: std::time::Duration = std::time::Duration::from_secs(5);

/// One threat and its attempts.
struct Row {
    number: u8,
    threat: &'static str,
    /// Makes the attempts that must fail and those that must succeed.
    twins: fn(&mut Trial<'_>),
}

/// Threats that no row can show, and why.
const WITHOUT_ROW: &[(u8, &str)] = &[(
    58,
    "timing, order and number of allowed requests carry data that nobody can tell from work",
)];

/// The attempts of one row.
struct Trial<'a> {
    /// A bottle with many routes.
    stage: &'a Stage,
    /// One that asks its operator.
    asking: &'a Stage,
    denied: usize,
    allowed: usize,
    failures: Vec<String>,
}

impl Trial<'_> {
    fn try_on(
        &mut self,
        stage: &Stage,
        what: &str,
        attempt: impl FnOnce(&Stage) -> Got,
        is_right: impl FnOnce(&Seen, &Got) -> bool,
    ) {
        // What an earlier attempt left.
        drop(stage.seen());
        let start = std::time::Instant::now();
        let got = attempt(stage);
        let seen = stage.seen();
        // Not a limit: what is slow is often what hangs.
        if start.elapsed() > SLOW {
            println!("   slow: {what}: {:?}: {}", start.elapsed(), got.told());
        }
        if !is_right(&seen, &got) {
            self.failures.push(format!(
                "{what}\n      arrived: {}\n      the agent got: {}",
                seen.told(),
                got.told()
            ));
        }
    }

    /// An attempt that must not succeed.
    fn deny(
        &mut self,
        what: &str,
        attempt: impl FnOnce(&Stage) -> Got,
        is_right: impl FnOnce(&Seen, &Got) -> bool,
    ) {
        self.denied += 1;
        self.try_on(self.stage, &format!("deny: {what}"), attempt, is_right);
    }

    /// Its twin.
    fn allow(
        &mut self,
        what: &str,
        attempt: impl FnOnce(&Stage) -> Got,
        is_right: impl FnOnce(&Seen, &Got) -> bool,
    ) {
        self.allowed += 1;
        self.try_on(self.stage, &format!("allow: {what}"), attempt, is_right);
    }

    /// Says why this row cannot be tried here.
    fn skip(&mut self, why: &str) {
        (self.denied, self.allowed) = (1, 1);
        println!("SKIPPED: {why}");
    }

    /// As [`Trial::deny`], on the bottle that asks.
    fn deny_asking(
        &mut self,
        what: &str,
        attempt: impl FnOnce(&Stage) -> Got,
        is_right: impl FnOnce(&Seen, &Got) -> bool,
    ) {
        self.denied += 1;
        self.try_on(self.asking, &format!("deny: {what}"), attempt, is_right);
    }

    /// As [`Trial::allow`], on the bottle that asks.
    fn allow_asking(
        &mut self,
        what: &str,
        attempt: impl FnOnce(&Stage) -> Got,
        is_right: impl FnOnce(&Seen, &Got) -> bool,
    ) {
        self.allowed += 1;
        self.try_on(self.asking, &format!("allow: {what}"), attempt, is_right);
    }

    /// A request inside TLS of which nothing may arrive, not even a question for its name.
    fn deny_https(&mut self, place: &str, request: &str) {
        let what = format!("{place} {}", first_line(request));
        self.deny(&what, |stage| stage.https(place, request), nothing);
    }

    /// The same in plain HTTP.
    fn deny_http(&mut self, request: &str) {
        self.deny(first_line(request), |stage| stage.http(request), nothing);
    }

    /// A request inside TLS that must arrive at its host.
    fn allow_https(&mut self, place: &str, request: &str) {
        let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
        let (on, line) = (
            format!("tls {}", host.to_ascii_lowercase()),
            first_line(request),
        );
        self.allow(
            &format!("{place} {line}"),
            |stage| stage.https(place, request),
            |seen, _| {
                let mut heard = seen.heard.iter();
                heard.any(|heard| heard.on == on && heard.text.contains(line))
            },
        );
    }

    /// The same in plain HTTP; `heard` is what must arrive.
    fn allow_http(&mut self, request: &str, heard: &str) {
        self.allow(
            first_line(request),
            |stage| stage.http(request),
            |seen, _| seen.has_heard(heard),
        );
    }
}

fn nothing(seen: &Seen, _got: &Got) -> bool {
    seen.is_nothing()
}

fn first_line(request: &str) -> &str {
    request.split("\r\n").next().unwrap_or_default()
}

fn rows() -> Vec<&'static Row> {
    let parts = [
        reach::ROWS,
        tunnels::ROWS,
        messages::ROWS,
        secrets::ROWS,
        content::ROWS,
        life::ROWS,
    ];
    let mut rows: Vec<&Row> = parts.into_iter().flatten().collect();
    // The last breaks the sidecar that it is tried on.
    rows.sort_by_key(|row| (row.number == life::LAST, row.number));
    rows
}

fn presets() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/presets.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn routes() -> Value {
    let mut routes: Vec<Value> = presets()
        .as_object()
        .unwrap()
        .keys()
        .map(|name| json!({"preset": name}))
        .collect();
    let auth = json!({"secret": "key"});
    routes.extend([
        json!({"host": "allowed.test"}),
        json!({"host": "other.test"}),
        json!({"host": "*.wild.test"}),
        json!({"host": "xn--bcher-kva.test"}),
        json!({"host": "odd.test", "ports": [8443]}),
        json!({"host": "plain.test", "ports": [80]}),
        json!({"host": "narrow.test", "ports": [443, 80], "methods": ["GET"], "paths": ["/public/*"]}),
        json!({"host": "framed.test", "ports": [443, 80], "paths": ["/public/*"]}),
        json!({"host": "cred.test", "auth": auth}),
        json!({"host": "plaincred.test", "ports": [80], "auth": auth}),
        json!({"host": "wrongcred.test", "auth": auth}),
        json!({"host": "apikey.test", "role": "anthropic_api_key", "auth": auth}),
        json!({"host": "ws.test", "websocket": true, "paths": ["/socket/*"]}),
        json!({"host": "splice.test", "tls": "splice"}),
        json!({"host": "gone.test", "tls": "splice"}),
        json!({"host": "private.test", "ports": [443, 80], "allow_private": true}),
        json!({"host": "rebind.test", "ports": [80]}),
        json!({"host": "judged.test", "ports": [443, 80]}),
        json!({"host": "budget.test", "budget": {"bytes": "1MiB"}}),
        json!({"host": "expired.test"}),
        json!({"host": "wrongname.test"}),
        json!({"host": "selfsigned.test"}),
        json!({"host": "host.docker.internal"}),
    ]);
    Value::from(routes)
}

/// Every host that a route names, for the certificate that the world shows.
fn hosts(routes: &Value) -> Vec<String> {
    let presets = presets();
    let named = |routes: &Value| -> Vec<String> {
        let routes = routes.as_array().into_iter().flatten();
        let hosts = routes.filter_map(|route| route["host"].as_str());
        hosts.map(str::to_owned).collect()
    };
    let mut hosts = named(routes);
    for preset in presets.as_object().unwrap().values() {
        hosts.extend(named(&preset["routes"]));
    }
    hosts.extend(["two.test".to_owned(), "evil.test".to_owned()]);
    hosts.sort();
    hosts.dedup();
    hosts
}

#[test]
fn each_threat_is_stopped_and_its_twin_arrives() {
    let Some(engine) = engine_or_skip("each_threat_is_stopped_and_its_twin_arrives") else {
        return;
    };
    let routes = routes();
    let authority = Authority::of(&hosts(&routes));
    let secrets = json!({"key": {"file": "token"}});
    let files = [("token", KEY)];
    let terms = json!({"routes": routes, "secrets": secrets});
    let stage = Stage::set(engine, &authority, &terms, &files);
    let terms = json!({
        "unlisted": {"ask": "10m"}, "secrets": secrets,
        "routes": [
            {"host": "allowed.test"}, {"host": "cred.test", "auth": {"secret": "key"}},
        ],
    });
    let asking = Stage::set(engine, &authority, &terms, &files);
    // The sinks see what the sidecar does, or no row can fail.
    let first = stage.https("allowed.test:443", &stage::get("allowed.test", "/first"));
    let seen = stage.seen();
    assert!(
        seen.has_heard("GET /first") && seen.has_asked("allowed.test"),
        "the world is not around the sidecar (does the engine ask a name server on its own \
         loopback?): {} {}",
        seen.told(),
        first.told()
    );
    // `THREATS=7,24` tries these rows alone.
    let wanted = std::env::var("THREATS").unwrap_or_default();
    let wanted: Vec<u8> = wanted.split(',').flat_map(str::parse).collect();
    let mut failures = Vec::new();
    for row in rows() {
        if !wanted.is_empty() && !wanted.contains(&row.number) {
            continue;
        }
        let mut trial = Trial {
            stage: &stage,
            asking: &asking,
            denied: 0,
            allowed: 0,
            failures: Vec::new(),
        };
        let start = std::time::Instant::now();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (row.twins)(&mut trial))) {
            let words = panic.downcast_ref::<String>().cloned();
            trial.failures.push(format!("it panicked: {words:?}"));
        }
        if trial.denied == 0 || trial.allowed == 0 {
            trial.failures.push("it lacks a twin".to_owned());
        }
        for failure in &trial.failures {
            println!("   FAILED {failure}");
        }
        println!(
            "{:>2} {}: {} denied, {} allowed, {} ms",
            row.number,
            row.threat,
            trial.denied,
            trial.allowed,
            start.elapsed().as_millis()
        );
        failures.extend(
            trial
                .failures
                .into_iter()
                .map(|failure| format!("{} {}\n    {failure}", row.number, row.threat)),
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    for stage in [stage, asking] {
        let bottle = stage.bottle.clone();
        stage.operator.cellar(&["rm", "--yes", &bottle]);
        stage.operator.left_nothing(&bottle);
    }
}

/// The table, its document and the list of what cannot be shown name the same threats.
#[test]
fn every_threat_has_a_row_or_a_reason_and_a_line_in_the_document() {
    let rows = rows();
    let mut numbers: Vec<u8> = rows.iter().map(|row| row.number).collect();
    numbers.extend(WITHOUT_ROW.iter().map(|(number, _)| *number));
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=58).collect::<Vec<u8>>());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/threats.md");
    let document = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Vec<&str>> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect())
        .filter(|cells: &Vec<&str>| cells[0].parse::<u8>().is_ok())
        .collect();
    let told: Vec<u8> = lines.iter().flat_map(|cells| cells[0].parse()).collect();
    assert_eq!(
        told,
        (1..=58).collect::<Vec<u8>>(),
        "lines of docs/threats.md"
    );
    for cells in &lines {
        assert_eq!(
            cells.len(),
            4,
            "number, threat, what Cellar does, where tested: {cells:?}"
        );
        let number: u8 = cells[0].parse().unwrap();
        let row = rows.iter().find(|row| row.number == number);
        if let Some(row) = row {
            assert_eq!(cells[1], row.threat, "row {number}");
            let file = cells[3].split('`').nth(1).unwrap_or_default();
            let path = format!("{}/tests/whole/threats/{file}", env!("CARGO_MANIFEST_DIR"));
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                source.contains(&format!("number: {number},")),
                "row {number} does not stand in {file:?}"
            );
        } else {
            let reason = WITHOUT_ROW.iter().find(|(other, _)| *other == number);
            let (_, reason) = reason.unwrap();
            assert!(
                cells[3].contains(reason),
                "row {number} lacks its reason: {reason}"
            );
        }
    }
    for linking in ["SECURITY.md", "README.md", "docs/egress.md"] {
        let path = format!("{}/{linking}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            text.contains("threats.md"),
            "{linking} does not link the table"
        );
    }
}
