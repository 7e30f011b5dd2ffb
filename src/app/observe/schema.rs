//! The JSON Schema of `cellar events --json`, made from the types that are printed.

#[path = "../../../tests/support/json_schema.rs"]
mod json_schema;

use schemars::generate::SchemaSettings;

use super::Happening;

/// The schema of one line of `cellar events --json`.
pub(super) fn events_schema() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Happening>()
        .to_value()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::super::{EVENTS_VERSION, Happening, Standing, What};
    use super::json_schema::check;
    use super::*;
    use crate::request::{Outcome, RequestState, Scope, Terms};
    use crate::state::fixture::{record, route_ask};
    use crate::wire::{DecisionRecord, HoldEnd, HoldRecord};

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
        let bound = json!(EVENTS_VERSION);
        assert_eq!(
            (&version["minimum"], &version["maximum"]),
            (&bound, &bound),
            "{version}"
        );
    }
}
