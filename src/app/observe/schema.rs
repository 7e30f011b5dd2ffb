//! The JSON Schema of `cellar events --json`. The types here mirror what is printed;
//! nothing is printed through them, and a test holds the two against each other.

#![expect(dead_code, reason = "the types exist for their schema")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, generate::SchemaSettings};

/// The schema of one line of `cellar events --json`.
#[must_use]
pub(super) fn events_schema() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<EventLine>()
        .to_value()
}

/// One line of `cellar events --json`. Readers must expect fields and events that are not
/// here: they come without another version. Texts may come from agents.
#[derive(JsonSchema)]
struct EventLine {
    /// 1; a change that breaks readers raises it.
    #[schemars(range(min = 1, max = 1))]
    version: u32,
    /// When it was heard of (RFC 3339).
    at: Time,
    /// The bottle's id.
    bottle: String,
    /// The name of its agent.
    agent: String,
    /// What happened.
    #[schemars(flatten)]
    what: What,
}

/// A time, as RFC 3339 has it.
type Time = String;
/// A SHA-256 in hexadecimal digits.
type Digest = String;

#[derive(JsonSchema)]
#[schemars(tag = "event", rename_all = "snake_case")]
enum What {
    /// It is in another state, or was first seen.
    State {
        /// In one word, as the console shows it.
        state: String,
        /// What there is to say beyond the word.
        detail: Option<String>,
        /// Where it was learnt.
        source: String,
        /// Since when it is so.
        since: Option<Time>,
        /// Each thing that waits for the operator, in a word.
        needs: Vec<String>,
    },
    /// It was removed.
    Gone,
    /// A request was filed, asked again, answered or carried out.
    Request {
        /// As it is now.
        request: Box<Request>,
    },
    /// Egress holds a connection, or one more waits with it.
    Held {
        /// The hold.
        hold: Hold,
    },
    /// A hold is over.
    HoldOver {
        /// Its number.
        id: u64,
        /// How.
        end: HoldEnd,
    },
    /// Egress let something out or refused it.
    Decision {
        /// The decision.
        decision: Box<Decision>,
    },
}

/// A request of a bottle.
#[derive(JsonSchema)]
struct Request {
    /// Counts from 1 within the bottle's life.
    id: u64,
    /// What is asked for.
    ask: Ask,
    /// A verdict must name it.
    digest: Digest,
    /// Why, in the agent's own words.
    reason: String,
    /// Who asked.
    source: Source,
    /// When it was first asked.
    first: Time,
    /// When it was last asked.
    last: Time,
    /// How often it was asked.
    times: u64,
    /// When the agent read how it ended.
    delivered: Option<Time>,
    /// Where it stands.
    #[schemars(flatten)]
    state: RequestState,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Source {
    Agent,
    Egress,
}

#[derive(JsonSchema)]
#[schemars(tag = "kind", rename_all = "snake_case")]
enum Ask {
    /// A way out.
    Route(Route),
    /// Another image.
    Image {
        /// The whole Dockerfile.
        dockerfile: String,
    },
    /// Packages in the image.
    Packages {
        /// `apt`, `npm`, `pip` or `cargo`.
        manager: String,
        /// Their names, each with a version behind it if one is wanted.
        packages: Vec<String>,
    },
    /// An MCP server for the agent's session.
    McpServer(Server),
    /// That what looks like a secret passes on a route.
    ScanPass(Pass),
    /// An answer of the operator.
    Question {
        /// The question.
        text: String,
        /// Answers to choose from; any text without.
        choices: Option<Vec<String>>,
    },
}

/// A way out that is asked for.
#[derive(JsonSchema)]
struct Route {
    /// The host, or `*.` and a domain.
    host: String,
    /// The ports.
    ports: Vec<u16>,
    /// The methods; every one without.
    methods: Option<Vec<String>>,
    /// The paths; every one without.
    paths: Option<Vec<String>>,
    /// Whether a request may go on as a WebSocket.
    websocket: Option<bool>,
}

/// What the scanner's rules stopped.
#[derive(JsonSchema)]
struct Pass {
    /// The host.
    host: String,
    /// The port.
    port: u16,
    /// The method.
    method: String,
    /// The path.
    path: String,
    /// Whether the request goes on as a WebSocket.
    websocket: Option<bool>,
    /// The rules.
    rules: Vec<String>,
}

/// An MCP server that is asked for.
#[derive(JsonSchema)]
struct Server {
    /// Its name.
    name: String,
    /// `stdio` or `http`.
    transport: String,
    /// Program and arguments, over `stdio`.
    command: Option<Vec<String>>,
    /// The program's environment beside the session's.
    env: Option<BTreeMap<String, String>>,
    /// Where, over `http`.
    url: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(tag = "state", rename_all = "snake_case")]
enum RequestState {
    /// Nobody answered yet.
    Pending,
    /// The operator said yes; nothing has changed yet.
    Approved { verdict: Verdict },
    /// The bottle is being changed.
    Applying { verdict: Verdict },
    /// The bottle was changed.
    Applied { verdict: Verdict, outcome: Outcome },
    /// It could not be changed, and is as it was.
    Failed {
        verdict: Verdict,
        why: String,
        at: Time,
    },
    /// What was granted was taken back.
    Undone {
        verdict: Verdict,
        outcome: Outcome,
        at: Time,
    },
    /// The operator answered a question.
    Answered { verdict: Verdict },
    /// The operator said no.
    Denied { verdict: Verdict },
    /// Nobody answered in time.
    Expired { at: Time },
    /// Who asked took it back.
    Withdrawn { at: Time },
}

/// The operator's word on a request.
#[derive(JsonSchema)]
struct Verdict {
    /// What the operator says.
    answer: Answer,
    /// The digest of the content that was shown.
    content: Digest,
    /// The digest of the spec that the effect was shown against.
    spec: Digest,
    /// When.
    at: Time,
}

#[derive(JsonSchema)]
#[schemars(tag = "answer", rename_all = "snake_case")]
enum Answer {
    /// Yes.
    Approve {
        /// On these terms.
        terms: Terms,
        /// Something else instead of what was asked for.
        edited: Option<Ask>,
    },
    /// No.
    Deny {
        /// Why.
        reason: String,
    },
    /// The answer to a question.
    Reply {
        /// It.
        text: String,
    },
}

/// On what terms something is granted.
#[derive(JsonSchema)]
struct Terms {
    /// `bottle` or `manifest`.
    scope: String,
    /// When it ends.
    until: Option<Time>,
    /// How often it may be used.
    uses: Option<u64>,
}

/// What came of an approval.
#[derive(JsonSchema)]
struct Outcome {
    /// The revision of the bottle that holds the change.
    revision: u32,
    /// What changed, in words.
    words: String,
    /// When.
    at: Time,
}

/// Connections or requests that wait for the operator.
#[derive(JsonSchema)]
struct Hold {
    /// Counts from 1 within one life of the sidecar.
    id: u64,
    /// When the first of them came.
    at: Time,
    /// When it is refused without an answer.
    until: Time,
    /// The host as asked.
    host: String,
    /// The port as asked.
    port: u16,
    /// How many wait.
    waiting: u32,
    /// The one request that is asked for, where host and port are allowed and it is not.
    request: Option<HeldRequest>,
}

/// A request to a host that routes allow for other methods or paths.
#[derive(JsonSchema)]
struct HeldRequest {
    /// The method.
    method: String,
    /// The path, without its query.
    path: String,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum HoldEnd {
    Allowed,
    Denied,
    Expired,
    Withdrawn,
}

/// One decision of egress.
#[derive(JsonSchema)]
struct Decision {
    /// Counts from 1 within the bottle's life.
    seq: u64,
    /// When it was decided.
    at: Time,
    /// `CONNECT` or the method of a plain request.
    method: String,
    /// The host as asked.
    host: String,
    /// The port as asked.
    port: u16,
    /// `allowed` or `denied`.
    verdict: String,
    /// Why it was denied: a stable code.
    reason: Option<String>,
    /// The request, where the proxy read one.
    request: Option<RequestFacts>,
    /// What it is to be a request for: a route or a pass of the scanner.
    wants: Option<BTreeMap<String, serde_json::Value>>,
}

/// What a request asked for and how it went.
#[derive(JsonSchema)]
struct RequestFacts {
    /// The path; `?…` stands for a query.
    path: String,
    /// Which route allowed it, counted from 0.
    route: Option<usize>,
    /// The table of routes that it was decided by.
    generation: u64,
    /// The status of the answer.
    status: Option<u16>,
    /// Bytes of the request's body.
    sent_bytes: u64,
    /// Bytes of the answer's body.
    received_bytes: u64,
    /// From the request's head to the end of its answer.
    millis: u64,
    /// The rules and secrets that a scan found, by name.
    findings: Option<Vec<String>>,
    /// What the answer of a model says that it used.
    usage: Option<Usage>,
}

/// What the answer of a model says that it used, in tokens.
#[derive(JsonSchema)]
struct Usage {
    /// The model's name as the answer has it.
    model: Option<String>,
    /// Read, and neither from a cache nor into one.
    input: u64,
    /// Written.
    output: u64,
    /// Read into a cache.
    cache_write: u64,
    /// Read into a cache that holds them for an hour.
    cache_write_hour: u64,
    /// Read from a cache.
    cache_read: u64,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::super::{EVENTS_VERSION, Happening, Standing, What};
    use super::*;
    use crate::request::{Outcome, RequestState, Scope, Terms};
    use crate::state::fixture::{record, route_ask};
    use crate::wire::{DecisionRecord, HoldEnd, HoldRecord};

    /// Whether a value is as a schema says, and every field of it is named there: what is
    /// printed must be described. As much of JSON Schema as the generator uses.
    fn check(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
        let mut named = Vec::new();
        is_valid(root, schema, value, &mut named)?;
        if let Some(object) = value.as_object() {
            for key in object.keys() {
                let is_open = schema
                    .get("additionalProperties")
                    .is_some_and(|more| *more != json!(false));
                if !named.contains(key) && !is_open {
                    return Err(format!("`{key}` is not described"));
                }
            }
        }
        Ok(())
    }

    fn is_valid(
        root: &Value,
        schema: &Value,
        value: &Value,
        named: &mut Vec<String>,
    ) -> Result<(), String> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.strip_prefix("#/$defs/").unwrap();
            is_valid(root, &root["$defs"][name], value, named)?;
        }
        for key in ["oneOf", "anyOf"] {
            let Some(choices) = schema.get(key).and_then(Value::as_array) else {
                continue;
            };
            let mut fitting = Vec::new();
            let mut why = Vec::new();
            for choice in choices {
                let mut of_choice = Vec::new();
                match is_valid(root, choice, value, &mut of_choice) {
                    Ok(()) => fitting.push(of_choice),
                    Err(error) => why.push(error),
                }
            }
            if fitting.is_empty() || (key == "oneOf" && fitting.len() > 1) {
                return Err(format!(
                    "{} of {key} fit: {why:?} for {value}",
                    fitting.len()
                ));
            }
            named.extend(fitting.into_iter().flatten());
        }
        if let Some(only) = schema.get("const")
            && only != value
        {
            return Err(format!("{value} is not {only}"));
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array)
            && !words.contains(value)
        {
            return Err(format!("{value} is none of {words:?}"));
        }
        is_of_type(schema, value)?;
        let Some(object) = value.as_object() else {
            if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
                return values
                    .iter()
                    .try_for_each(|value| check(root, items, value));
            }
            return Ok(());
        };
        for key in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if !object.contains_key(key.as_str().unwrap()) {
                return Err(format!("{key} is missing in {value}"));
            }
        }
        for (key, of_key) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            named.push(key.clone());
            if let Some(value) = object.get(key) {
                check(root, of_key, value).map_err(|why| format!("{key}: {why}"))?;
            }
        }
        Ok(())
    }

    fn is_of_type(schema: &Value, value: &Value) -> Result<(), String> {
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one],
            _ => return Ok(()),
        };
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if types.contains(&is) {
            Ok(())
        } else {
            Err(format!("{value} is no {types:?}"))
        }
    }

    fn line(what: What) -> Value {
        let happening = Happening {
            version: EVENTS_VERSION,
            at: jiff::Timestamp::UNIX_EPOCH,
            bottle: crate::spec::BottleId::parse("api-k3x9q").unwrap(),
            agent: String::from("api"),
            what,
        };
        serde_json::to_value(happening).unwrap()
    }

    fn asks() -> Vec<crate::request::Ask> {
        [
            json!({"kind": "route", "host": "*.pypi.org", "ports": [443], "methods": ["GET"], "paths": ["/simple/*"], "websocket": true}),
            json!({"kind": "image", "dockerfile": "FROM debian"}),
            json!({"kind": "packages", "manager": "pip", "packages": ["requests"]}),
            json!({"kind": "mcp_server", "name": "git", "transport": "stdio", "command": ["git-mcp"], "env": {"A": "b"}}),
            json!({"kind": "mcp_server", "name": "web", "transport": "http", "url": "https://mcp.test/x"}),
            json!({"kind": "scan_pass", "host": "notes.test", "port": 443, "method": "POST", "path": "/v1", "rules": ["github-pat"]}),
            json!({"kind": "question", "text": "Which?", "choices": ["a", "b"]}),
        ]
        .into_iter()
        .map(|ask| serde_json::from_value(ask).unwrap())
        .collect()
    }

    fn verdict(answer: crate::request::Answer) -> crate::request::Verdict {
        let digest = crate::spec::Digest::of(b"x");
        crate::request::Verdict {
            answer,
            content: digest,
            spec: digest,
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn states() -> Vec<RequestState> {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let yes = || {
            verdict(crate::request::Answer::Approve {
                terms: Terms {
                    scope: Scope::Manifest,
                    until: Some(at),
                    uses: Some(3),
                },
                edited: Some(route_ask("other.test")),
            })
        };
        let outcome = || Outcome {
            revision: 2,
            words: String::from("adds GET"),
            at,
        };
        let denied = verdict(crate::request::Answer::Deny {
            reason: String::from("no"),
        });
        let answered = verdict(crate::request::Answer::Reply {
            text: String::from("a"),
        });
        vec![
            RequestState::Pending,
            RequestState::Approved { verdict: yes() },
            RequestState::Applying { verdict: yes() },
            RequestState::Applied {
                verdict: yes(),
                outcome: outcome(),
            },
            RequestState::Failed {
                verdict: yes(),
                why: String::from("x"),
                at,
            },
            RequestState::Undone {
                verdict: yes(),
                outcome: outcome(),
                at,
            },
            RequestState::Answered { verdict: answered },
            RequestState::Denied { verdict: denied },
            RequestState::Expired { at },
            RequestState::Withdrawn { at },
        ]
    }

    fn decisions() -> Vec<DecisionRecord> {
        let plain = json!({"seq": 1, "at": "2026-01-01T00:00:00Z", "method": "CONNECT", "host": "a.test", "port": 443, "verdict": "allowed"});
        let full = json!({
            "seq": 2, "at": "2026-01-01T00:00:00Z", "method": "GET", "host": "a.test", "port": 443,
            "verdict": "denied", "reason": crate::policy::Reason::ALL.first().unwrap(),
            "request": {
                "path": "/x", "route": 1, "generation": 2, "status": 403, "sent_bytes": 1, "received_bytes": 2,
                "millis": 3, "findings": ["github-pat"],
                "usage": {"model": "m", "input": 1, "output": 2, "cache_write": 3, "cache_write_hour": 4, "cache_read": 5},
            },
            "wants": {"host": "a.test", "ports": [443]},
        });
        [plain, full]
            .map(|one| serde_json::from_value(one).unwrap())
            .to_vec()
    }

    fn every_kind() -> Vec<What> {
        let mut whats = vec![What::Gone];
        for (detail, since) in [("", None), ("x", Some(jiff::Timestamp::UNIX_EPOCH))] {
            whats.push(What::State(Standing {
                state: "waiting",
                detail: detail.to_owned(),
                source: String::from("hub"),
                since,
                needs: vec!["asks"],
            }));
        }
        let pending = asks()
            .into_iter()
            .map(|ask| record(1, ask, 5, RequestState::Pending));
        let stated = states()
            .into_iter()
            .map(|state| record(1, route_ask("a.test"), 5, state));
        for mut request in pending.chain(stated) {
            request.delivered = Some(jiff::Timestamp::UNIX_EPOCH);
            whats.push(What::Request {
                request: Box::new(request),
            });
        }
        let hold: HoldRecord = serde_json::from_value(json!({
            "id": 1, "at": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:01:00Z", "host": "a.test", "port": 443,
            "waiting": 2, "request": {"method": "GET", "path": "/x"},
        }))
        .unwrap();
        whats.push(What::Held {
            hold: Box::new(hold),
        });
        for end in [
            HoldEnd::Allowed,
            HoldEnd::Denied,
            HoldEnd::Expired,
            HoldEnd::Withdrawn,
        ] {
            whats.push(What::HoldOver { id: 1, end });
        }
        whats.extend(decisions().into_iter().map(|decision| What::Decision {
            decision: Box::new(decision),
        }));
        whats
    }

    #[test]
    fn every_kind_of_event_is_as_the_schema_says() {
        let schema = events_schema();
        let whats = every_kind();
        // One that is new fails to build here until it stands above.
        for what in &whats {
            match what {
                What::State(_)
                | What::Gone
                | What::Request { .. }
                | What::Held { .. }
                | What::HoldOver { .. }
                | What::Decision { .. } => {}
            }
        }
        for what in whats {
            let line = line(what);
            if let Err(why) = check(&schema, &schema, &line) {
                panic!("{why}\n{line:#}\n{schema:#}");
            }
        }
    }

    #[test]
    fn what_is_not_so_is_refused() {
        let schema = events_schema();
        for (key, value) in [
            ("version", json!("1")),
            ("event", json!("exploded")),
            ("at", json!(1)),
            ("more", json!(true)),
        ] {
            let mut line = line(What::Gone);
            line[key] = value;
            assert!(check(&schema, &schema, &line).is_err(), "{key}");
        }
        let mut line = line(What::Gone);
        line.as_object_mut().unwrap().remove("bottle");
        assert!(check(&schema, &schema, &line).is_err());
    }

    /// `UPDATE_SCHEMAS=1` writes it.
    #[test]
    fn the_schema_in_assets_is_the_generated_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/events.schema.json");
        let text = format!("{:#}\n", events_schema());
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(
            written == text,
            "assets/events.schema.json is stale: run this once with UPDATE_SCHEMAS=1"
        );
        let version = &events_schema()["properties"]["version"];
        assert_eq!(version["maximum"], EVENTS_VERSION);
    }
}
