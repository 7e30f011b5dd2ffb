//! What a role may say, and how much of it: applied to every report before the hub
//! holds it. Control characters stay; whoever shows the text escapes them.

use crate::guest::runtime::bounded;
use crate::wire::{
    DecisionRecord, HeldRequest, Hits, HoldRecord, LogLine, RequestFacts, Role, RoleReport,
    RoleState, SealCheck, SealReport, SessionReport, Usage,
};

const MAX_LINE: usize = 2 * 1024;
const MAX_REASON: usize = 512;
const MAX_NAME: usize = 64;
const MAX_TITLE: usize = 256;
const MAX_CHECKS: usize = 64;
const MAX_HOST: usize = 253;
const MAX_PATH: usize = 512;
const MAX_FINDINGS: usize = 16;
const MAX_MODELS: usize = 64;
const MAX_BUDGETS: usize = 16;

/// Gives the report as the hub may hold it; `None` for what this role has no say in,
/// and for what only keeps the line.
///
/// The agent's container decides nothing, so a decision is believed of egress alone;
/// the session is init's to tell.
pub(super) fn admissible(role: Role, report: RoleReport) -> Option<RoleReport> {
    match (role, report) {
        (_, RoleReport::State { state }) => Some(RoleReport::State {
            state: cut_state(state),
        }),
        (_, RoleReport::Log { line }) => Some(RoleReport::Log {
            line: LogLine {
                text: cut(line.text, MAX_LINE),
                ..line
            },
        }),
        (Role::Egress, RoleReport::Decision { decision }) => Some(RoleReport::Decision {
            decision: cut_decision(decision),
        }),
        (Role::Egress, RoleReport::Routes { generation, routes }) => {
            Some(RoleReport::Routes { generation, routes })
        }
        (Role::Egress, RoleReport::RoutesRefused { generation, why }) => {
            let why = cut(why, MAX_REASON);
            Some(RoleReport::RoutesRefused { generation, why })
        }
        (Role::Egress, RoleReport::Held { hold }) => Some(RoleReport::Held {
            hold: HoldRecord {
                host: cut(hold.host, MAX_HOST),
                request: hold.request.map(|request| HeldRequest {
                    method: cut(request.method, MAX_NAME),
                    path: cut(request.path, HeldRequest::MAX_PATH),
                }),
                ..hold
            },
        }),
        (Role::Egress, RoleReport::Usage { usage }) => Some(RoleReport::Usage {
            usage: cut_usage(usage),
        }),
        (Role::Egress, RoleReport::Budgets { mut budgets }) => {
            budgets.budgets.truncate(MAX_BUDGETS);
            Some(RoleReport::Budgets { budgets })
        }
        (Role::Egress, RoleReport::Hits { hits }) => Some(RoleReport::Hits {
            hits: Box::new(cut_hits(*hits)),
        }),
        (Role::Egress, RoleReport::HoldOver { id, how }) => Some(RoleReport::HoldOver { id, how }),
        (Role::Agent, RoleReport::Seal { report }) => Some(RoleReport::Seal {
            report: cut_seal(report),
        }),
        (Role::Agent, RoleReport::Session { report }) => Some(RoleReport::Session {
            report: cut_session(report),
        }),
        // The book of requests bounds what it holds.
        (Role::Supervise, report @ RoleReport::Request { .. }) => Some(report),
        (Role::Supervise, RoleReport::RequestRefused { id, why }) => {
            let why = cut(why, MAX_REASON);
            Some(RoleReport::RequestRefused { id, why })
        }
        (Role::Agent, RoleReport::Ended { exit }) => Some(RoleReport::Ended { exit }),
        (_, RoleReport::Hello { .. } | RoleReport::Ping | RoleReport::Unknown)
        | (
            Role::Agent | Role::Supervise,
            RoleReport::Decision { .. }
            | RoleReport::Routes { .. }
            | RoleReport::RoutesRefused { .. }
            | RoleReport::Held { .. }
            | RoleReport::Usage { .. }
            | RoleReport::Budgets { .. }
            | RoleReport::Hits { .. }
            | RoleReport::HoldOver { .. },
        )
        | (
            Role::Agent | Role::Egress,
            RoleReport::Request { .. } | RoleReport::RequestRefused { .. },
        )
        | (
            Role::Egress | Role::Supervise,
            RoleReport::Seal { .. } | RoleReport::Session { .. } | RoleReport::Ended { .. },
        ) => None,
    }
}

fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit {
        text
    } else {
        bounded(&text, limit).to_owned()
    }
}

fn cut_decision(decision: DecisionRecord) -> DecisionRecord {
    let findings = |names: Vec<String>| {
        let names = names.into_iter().take(MAX_FINDINGS);
        names.map(|name| cut(name, MAX_NAME)).collect()
    };
    DecisionRecord {
        method: cut(decision.method, MAX_NAME),
        host: cut(decision.host, MAX_HOST),
        request: decision.request.map(|request| RequestFacts {
            path: cut(request.path, MAX_PATH),
            findings: findings(request.findings),
            usage: request.usage.map(|mut usage| {
                usage.model = cut(usage.model, MAX_NAME);
                usage
            }),
            ..request
        }),
        ..decision
    }
}

fn cut_state(state: RoleState) -> RoleState {
    match state {
        RoleState::Degraded { why } => RoleState::Degraded {
            why: cut(why, MAX_REASON),
        },
        RoleState::Locked { missing } => RoleState::Locked {
            missing: missing
                .into_iter()
                .take(MAX_CHECKS)
                .map(|name| cut(name, MAX_NAME))
                .collect(),
        },
        RoleState::Ready | RoleState::Gone => state,
    }
}

fn cut_usage(usage: Usage) -> Usage {
    let models = usage.models.into_iter().take(MAX_MODELS);
    Usage {
        models: models
            .map(|(name, model)| (cut(name, MAX_NAME), model))
            .collect(),
        ..usage
    }
}

fn cut_hits(mut hits: Hits) -> Hits {
    hits.routes.retain(|known| known.route.is_short());
    hits.routes.truncate(Hits::MAX_ROUTES);
    hits.hosts.truncate(Hits::MAX_HOSTS);
    hits.refused.truncate(Hits::MAX_REFUSED);
    for known in &mut hits.hosts {
        known.host = cut(std::mem::take(&mut known.host), MAX_HOST);
    }
    for known in &mut hits.refused {
        known.host = cut(std::mem::take(&mut known.host), MAX_HOST);
    }
    hits
}

fn cut_seal(report: SealReport) -> SealReport {
    let checks = report
        .checks
        .into_iter()
        .take(MAX_CHECKS)
        .map(|check| SealCheck {
            name: cut(check.name, MAX_NAME),
            seen: cut(check.seen, MAX_REASON),
            holds: check.holds,
        });
    SealReport {
        at: report.at,
        checks: checks.collect(),
    }
}

fn cut_session(report: SessionReport) -> SessionReport {
    SessionReport {
        source: cut(report.source, MAX_NAME),
        waiting_for: report.waiting_for.map(|text| cut(text, MAX_REASON)),
        title: report.title.map(|text| cut(text, MAX_TITLE)),
        ..report
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::policy::{HostName, Provenance, Reason, Route, RouteSet};
    use crate::wire::{
        Activity, AnswerUsage, HoldEnd, HostHits, ModelUsage, Passed, RefusedHits, RouteHits,
        RouteKey, SessionExit, Verdict,
    };

    fn long_request(long: &str) -> RequestFacts {
        RequestFacts {
            path: long.to_owned(),
            findings: vec![long.to_owned(); 100],
            usage: Some(Box::new(AnswerUsage {
                model: long.to_owned(),
                ..AnswerUsage::default()
            })),
            ..RequestFacts::default()
        }
    }

    fn long_usage() -> RoleReport {
        let name = |number| format!("{number:04}{}", "é".repeat(1000));
        let models = (0..1000).map(|number| (name(number), ModelUsage::default()));
        RoleReport::Usage {
            usage: Usage {
                models: models.collect(),
                ..Usage::since(Timestamp::UNIX_EPOCH)
            },
        }
    }

    fn long_hits() -> RoleReport {
        let host = HostName::parse("a.example").unwrap();
        let route = RouteKey::of(&Route::to(host, vec![443], Provenance::Builtin));
        let passed = Passed {
            requests: u64::MAX,
            sent_bytes: u64::MAX,
            received_bytes: u64::MAX,
            last: Some(Timestamp::UNIX_EPOCH),
        };
        let host = "é".repeat(1000);
        let route = RouteHits {
            route,
            passed,
            spent: None,
        };
        let refused = RefusedHits {
            host: host.clone(),
            reason: Reason::WebsocketNotAllowed,
            times: u64::MAX,
            last: Timestamp::UNIX_EPOCH,
        };
        RoleReport::Hits {
            hits: Box::new(Hits {
                routes: vec![route; 10_000],
                hosts: vec![HostHits { host, passed }; 10_000],
                refused: vec![refused; 10_000],
                ..Hits::since(Timestamp::UNIX_EPOCH)
            }),
        }
    }

    fn each_report() -> Vec<RoleReport> {
        let at = Timestamp::UNIX_EPOCH;
        let long = "é".repeat(100_000);
        vec![
            RoleReport::State {
                state: RoleState::Degraded { why: long.clone() },
            },
            RoleReport::Log {
                line: LogLine {
                    at,
                    text: long.clone(),
                },
            },
            RoleReport::Decision {
                decision: DecisionRecord {
                    seq: 1,
                    at,
                    method: long.clone(),
                    host: long.clone(),
                    port: 1,
                    verdict: Verdict::Allowed,
                    request: Some(long_request(&long)),
                    wants: None,
                },
            },
            RoleReport::Seal {
                report: SealReport {
                    at,
                    checks: vec![
                        SealCheck {
                            name: long.clone(),
                            seen: long.clone(),
                            holds: true
                        };
                        100
                    ],
                },
            },
            RoleReport::Session {
                report: SessionReport {
                    activity: Activity::Idle,
                    source: long.clone(),
                    waiting_for: Some(long.clone()),
                    since: at,
                    last_output: None,
                    title: Some(long),
                },
            },
            RoleReport::Ended {
                exit: SessionExit::Code { code: 0 },
            },
            RoleReport::Routes {
                generation: 1,
                routes: RouteSet::NONE,
            },
            RoleReport::RoutesRefused {
                generation: 1,
                why: "é".repeat(100_000),
            },
            RoleReport::Held {
                hold: HoldRecord {
                    id: 1,
                    at,
                    until: at,
                    host: "é".repeat(100_000),
                    port: 443,
                    waiting: 1,
                    request: Some(HeldRequest {
                        method: "é".repeat(100_000),
                        path: "é".repeat(100_000),
                    }),
                },
            },
            RoleReport::HoldOver {
                id: 1,
                how: HoldEnd::Expired,
            },
            long_usage(),
            long_hits(),
            RoleReport::Ping,
        ]
    }

    fn kinds(role: Role) -> Vec<bool> {
        let admitted = |report| admissible(role, report).is_some();
        each_report().into_iter().map(admitted).collect()
    }

    #[test]
    fn each_role_has_a_say_in_its_own_matters_only() {
        assert_eq!(
            kinds(Role::Agent),
            [
                true, true, false, true, true, true, false, false, false, false, false, false,
                false
            ]
        );
        assert_eq!(
            kinds(Role::Egress),
            [
                true, true, true, false, false, false, true, true, true, true, true, true, false
            ]
        );
        assert_eq!(
            kinds(Role::Supervise),
            [
                true, true, false, false, false, false, false, false, false, false, false, false,
                false
            ]
        );
    }

    #[test]
    fn no_report_is_held_longer_than_its_bounds() {
        for role in Role::ALL {
            for report in each_report() {
                if let Some(held) = admissible(role, report) {
                    let length = serde_json::to_vec(&held).unwrap().len();
                    assert!(length < 96 * 1024, "{length}");
                }
            }
        }
    }
}
