//! A console under test: events in, effects kept, and a fleet to look at.

mod requests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::policy::Prices;
use crate::policy::{HostName, Provenance, Reason, Route, RouteSet};
use crate::spec::{BottleId, Session, Workspace};
pub(crate) use crate::spec::{Digest, ImageSource, Spec};
use crate::wire::{
    Activity, Hits, HostHits, HubToConsole, ModelUsage, Passed, RefusedHits, RequestFacts,
    RoleReport, RouteHits, RouteKey, SealCheck, SealReport, Spent, Tokens, Usage,
};

pub(crate) use requests::{pass_ask, pass_spec, record, route_ask};
// What the tests of drawing name, which may not name these modules.
pub(crate) use crate::policy::PackageManager;
pub(crate) use crate::request::{Outcome, Terms, Verdict as RequestVerdict};

/// A console and what it asked for.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    pub(crate) state: State,
    pub(crate) effects: Vec<Effect>,
}

pub(crate) fn now() -> Timestamp {
    "2026-11-21T14:02:30Z".parse().unwrap()
}

pub(crate) fn ago(seconds: i64) -> Timestamp {
    now()
        .checked_sub(SignedDuration::from_secs(seconds))
        .unwrap()
}

pub(crate) fn engine() -> EngineId {
    EngineId(String::from("local"))
}

pub(crate) fn bottle(id: &str) -> BottleRef {
    BottleRef {
        engine: engine(),
        id: BottleId::parse(id).unwrap(),
    }
}

/// A bottle with all its containers in one state.
pub(crate) fn sighting(id: &str, age: i64, agent: ContainerState) -> BottleSighting {
    let sidecar = if agent == ContainerState::Running {
        ContainerState::Running
    } else {
        ContainerState::Exited { code: Some(0) }
    };
    let container = |role: Role, state| ContainerSighting {
        container: format!("{id}-{}", role.as_str()),
        role,
        state,
    };
    BottleSighting {
        bottle: bottle(id),
        agent: id.split('-').next().unwrap().to_owned(),
        spec: Digest::of(id.as_bytes()),
        owner: String::from("operator"),
        is_demo: false,
        created: ago(age),
        is_cut: false,
        containers: vec![
            container(Role::Agent, agent),
            container(Role::Egress, sidecar.clone()),
            container(Role::Supervise, sidecar),
        ],
    }
}

pub(crate) fn running(id: &str, age: i64) -> BottleSighting {
    sighting(id, age, ContainerState::Running)
}

pub(crate) fn stopped(id: &str, age: i64) -> BottleSighting {
    sighting(id, age, ContainerState::Exited { code: Some(0) })
}

pub(crate) fn session(activity: Activity, since: i64) -> SessionReport {
    SessionReport {
        activity,
        source: String::from("session file"),
        waiting_for: None,
        since: ago(since),
        last_output: Some(ago(since.min(5))),
        title: None,
    }
}

pub(crate) fn key(name: &str) -> Key {
    match name {
        "enter" => Key::plain(KeyCode::Enter),
        "esc" => Key::plain(KeyCode::Escape),
        "down" => Key::plain(KeyCode::Down),
        "up" => Key::plain(KeyCode::Up),
        "backspace" => Key::plain(KeyCode::Backspace),
        "tab" => Key::plain(KeyCode::Tab),
        "right" => Key::plain(KeyCode::Right),
        "pgup" => Key::plain(KeyCode::PageUp),
        "pgdn" => Key::plain(KeyCode::PageDown),
        "left" => Key::plain(KeyCode::Left),
        "ctrl-q" => Key::ctrl('q'),
        "ctrl-\\" => Key::COPY,
        "ctrl-]" => Key::NEXT_NEED,
        "|" => Key::char('|'),
        "ctrl-c" => Key::ctrl('c'),
        "ctrl-k" => Key::ctrl('k'),
        "space" => Key::char(' '),
        other => Key::char(other.chars().next().unwrap()),
    }
}

pub(crate) fn offer(name: &str, problem: Option<&str>) -> AgentOffer {
    AgentOffer {
        name: name.to_owned(),
        source: String::from("cellar.json"),
        template: String::from("rust"),
        provider: String::from("claude"),
        prompt: Some(format!("Look after {name}.")),
        problem: problem.map(str::to_owned),
    }
}

pub(crate) fn operation(kind: OperationKind, id: &str, news: OperationNews) -> Event {
    Event::Operation {
        report: OperationReport {
            kind,
            bottle: Some(bottle(id)),
            agent: id.split('-').next().unwrap().to_owned(),
            news,
        },
    }
}

pub(crate) fn spec() -> Spec {
    let route = |host: &str, origin| Route::to(HostName::parse(host).unwrap(), vec![443], origin);
    let plain = crate::spec::fixture::spec();
    Spec {
        image: ImageSource::Tag {
            reference: String::from("cellar/claude:latest"),
        },
        session: Session {
            argv: vec![String::from("claude"), String::from("--session-id")],
            env: BTreeMap::from([(String::from("TZ"), String::from("Europe/Zurich"))]),
            handed_over: vec![String::from("GITHUB_TOKEN")],
            ..plain.session
        },
        workspace: Workspace::Copy {
            host: String::from("/home/op/api"),
        },
        routes: RouteSet::of(vec![
            route("api.anthropic.com", Provenance::Provider),
            route(
                "pkgs.test",
                Provenance::Template {
                    name: String::from("rust"),
                },
            ),
        ]),
        ..plain
    }
}

/// What a bottle uses, most of it by its agent.
pub(crate) fn sample(id: &str, cpu_millis: Option<u32>, memory_bytes: u64) -> BottleSample {
    let of = |part: u32| ContainerUse {
        cpu_millis: cpu_millis.map(|millis| millis / part),
        memory_bytes: memory_bytes / u64::from(part),
        memory_limit_bytes: 2 << 30,
        pids: u64::from(12 / part.min(12)),
        received_bytes: 0,
        sent_bytes: 0,
        received_per_second: Some(0),
        sent_per_second: Some(0),
    };
    let egress = ContainerUse {
        received_bytes: 7_300_000,
        sent_bytes: 81_000,
        received_per_second: Some(u64::from(cpu_millis.unwrap_or(0)) * 130),
        sent_per_second: Some(u64::from(cpu_millis.unwrap_or(0)) * 7),
        ..of(20)
    };
    BottleSample {
        bottle: bottle(id),
        containers: BTreeMap::from([
            (Role::Agent, of(1)),
            (Role::Egress, egress),
            (Role::Supervise, of(50)),
        ]),
    }
}

impl Console {
    /// What bottles use, of a few of the demo's.
    pub(crate) fn measured(columns: u16, rows: u16) -> Self {
        let mut console = Self::demo(columns, rows);
        for at in 0..40_u32 {
            let wave = (at * 37) % 90 * 10;
            console.apply(Event::Sampled {
                samples: vec![
                    sample("api-k3x9q", Some(120 + wave), (380 + u64::from(at)) << 20),
                    sample("docs-p2m4d", Some(7), 84 << 20),
                    sample("web-7tk2n", Some(1_730), 1_200 << 20),
                ],
            });
            console.tick(2);
        }
        console
    }

    /// A console that has heard of nothing.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        Self {
            state: State::new(Setup {
                engines: vec![engine()],
                size: TerminalSize { columns, rows },
                now: now(),
                utc_offset_seconds: 3_600,
                prices: Prices::builtin().unwrap(),
                kept: Kept::default(),
                keys: Keys::default(),
                themes: crate::manifest::builtin_theme_names()
                    .map(str::to_owned)
                    .collect(),
                first: None,
            }),
            effects: Vec::new(),
        }
    }

    /// A console whose engine shows these bottles.
    pub(crate) fn with(columns: u16, rows: u16, bottles: Vec<BottleSighting>) -> Self {
        let mut console = Self::new(columns, rows);
        console.apply(Event::Fleet {
            fleet: FleetEvent::Sightings {
                engine: engine(),
                bottles,
            },
        });
        console
    }

    /// A console with something of everything.
    pub(crate) fn demo(columns: u16, rows: u16) -> Self {
        let mut console = Self::with(
            columns,
            rows,
            vec![
                running("api-k3x9q", 300),
                running("docs-p2m4d", 900),
                running("web-7tk2n", 1_200),
                stopped("lint-7bq1s", 3_700),
                sighting(
                    "bench-4fj8w",
                    4_000,
                    ContainerState::Exited { code: Some(2) },
                ),
                running("infra-w5d3t", 9_000),
            ],
        );
        let mut api = session(Activity::Waiting, 125);
        api.waiting_for = Some(String::from("Allow Bash: cargo test --workspace?"));
        api.title = Some(String::from("Refactor auth"));
        let mut docs = session(Activity::Working, 14);
        docs.title = Some(String::from("Write the guide"));
        console.report("api-k3x9q", RoleReport::Session { report: api });
        console.report("docs-p2m4d", RoleReport::Session { report: docs });
        let web = session(Activity::Idle, 610);
        console.report("web-7tk2n", RoleReport::Session { report: web });
        let infra = session(Activity::Working, 40);
        console.report("infra-w5d3t", RoleReport::Session { report: infra });
        console.hub(
            "api-k3x9q",
            HubToConsole::Tally {
                allowed: 41,
                denied: 3,
            },
        );
        console.said("api-k3x9q", Role::Egress, used());
        for role in [Role::Egress, Role::Supervise] {
            console.said(
                "api-k3x9q",
                role,
                RoleReport::State {
                    state: RoleState::Ready,
                },
            );
        }
        console.said(
            "infra-w5d3t",
            Role::Egress,
            RoleReport::State {
                state: RoleState::Degraded {
                    why: String::from("its journal cannot be written: no space left"),
                },
            },
        );
        console.apply(operation(
            OperationKind::Start,
            "perf-9xk2a",
            OperationNews::Step {
                what: String::from("build the image: cargo install ripgrep"),
                is_build: true,
                done: 3,
                of: 8,
                is_output: false,
                can_cancel: true,
            },
        ));
        console.apply(Event::Tick { now: now() });
        console.select("api-k3x9q");
        console
    }

    pub(crate) fn apply(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.state.apply(event);
        self.effects.extend(effects.clone());
        effects
    }

    /// Presses keys by their names.
    pub(crate) fn press(&mut self, names: &[&str]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for name in names {
            effects.extend(self.apply(Event::Key { key: key(name) }));
        }
        effects
    }

    pub(crate) fn hub(&mut self, id: &str, message: HubToConsole) {
        self.apply(Event::Hub {
            bottle: bottle(id),
            message,
        });
    }

    /// The agent's role reports.
    pub(crate) fn report(&mut self, id: &str, report: RoleReport) {
        self.said(id, Role::Agent, report);
    }

    pub(crate) fn said(&mut self, id: &str, role: Role, report: RoleReport) {
        self.hub(id, HubToConsole::Report { role, report });
    }

    /// The session says a text wherever it may say one.
    pub(crate) fn speak(&mut self, id: &str, text: &str) {
        let report = SessionReport {
            waiting_for: Some(text.to_owned()),
            source: text.to_owned(),
            title: Some(text.to_owned()),
            ..session(Activity::Waiting, 3)
        };
        self.report(id, RoleReport::Session { report });
    }

    pub(crate) fn see(&mut self, sighting: BottleSighting) -> Vec<Effect> {
        self.apply(Event::Fleet {
            fleet: FleetEvent::Changed { sighting },
        })
    }

    pub(crate) fn tick(&mut self, seconds: i64) {
        let now = self.state.now + SignedDuration::from_secs(seconds);
        self.apply(Event::Tick { now });
    }

    pub(crate) fn select(&mut self, id: &str) {
        self.apply(Event::Pointer {
            pointer: Pointer {
                action: PointerAction::Press,
                target: Target::Row {
                    row: RowName {
                        bottle: bottle(id),
                        sidecar: None,
                    },
                },
            },
        });
    }

    pub(crate) fn selected(&self) -> Option<&str> {
        let row = self.state.view.selected.as_ref()?;
        Some(row.bottle.id.as_str())
    }

    pub(crate) fn phase(&self, id: &str) -> &Phase {
        &self.state.fleet.get(&bottle(id)).unwrap().phase
    }

    /// Decisions of egress, the last one refused.
    pub(crate) fn decide(&mut self, id: &str, count: u64) {
        for seq in 1..=count {
            let is_last = seq == count;
            let decision = DecisionRecord {
                seq,
                at: ago(i64::try_from(count - seq).unwrap() * 3),
                method: String::from("CONNECT"),
                host: String::from(if is_last { "pkg.test" } else { "pkgs.test" }),
                port: 443,
                verdict: if is_last {
                    Verdict::Denied {
                        reason: Reason::HostNotAllowed,
                    }
                } else {
                    Verdict::Allowed
                },
                request: None,
                wants: None,
            };
            self.said(id, Role::Egress, RoleReport::Decision { decision });
        }
    }

    /// A console whose bottles reach out: routes in force, counts, decisions.
    pub(crate) fn busy(columns: u16, rows: u16) -> Self {
        let mut console = Self::demo(columns, rows);
        let routes = routes_in_force();
        let hits = hits(&routes);
        let said = |report| (Role::Egress, report);
        for (role, report) in [
            said(RoleReport::Routes {
                generation: 2,
                routes,
            }),
            said(RoleReport::Hits {
                hits: Box::new(hits.clone()),
            }),
        ] {
            console.said("api-k3x9q", role, report);
        }
        let fewer = Hits {
            routes: Vec::new(),
            hosts: hits.hosts[..1].to_vec(),
            refused: hits.refused[..1].to_vec(),
            ..hits
        };
        console.said(
            "docs-p2m4d",
            Role::Egress,
            RoleReport::Hits {
                hits: Box::new(fewer),
            },
        );
        for (id, seq, seconds, decision) in busy_decisions() {
            let decision = DecisionRecord {
                seq,
                at: ago(seconds),
                ..decision
            };
            console.said(id, Role::Egress, RoleReport::Decision { decision });
        }
        console
    }

    /// Lines of a role in the log that is looked at, all of which is in memory.
    pub(crate) fn log(&mut self, role: Role, texts: &[&str]) {
        let page = &self.state.view.logs;
        let mut rows = page.rows.clone();
        for text in texts {
            rows.push(LogRow {
                line: rows.len() as u64,
                at: ago(9),
                role,
                is_error: false,
                text: (*text).to_owned(),
                paint: Vec::new(),
            });
        }
        let extent = LogExtent {
            end: rows.len() as u64,
            lines: rows.len() as u64,
            ..LogExtent::default()
        };
        let era = page.era;
        self.log_news(LogNews::Lines {
            era,
            first: 0,
            rows,
            extent,
        });
    }

    /// News of the log that is looked at.
    pub(crate) fn log_news(&mut self, news: LogNews) -> Vec<Effect> {
        let ticket = self.state.view.logs.ticket;
        let news = Box::new(news);
        self.apply(Event::Log { ticket, news })
    }

    pub(crate) fn load_spec(&mut self, id: &str) {
        self.apply(Event::SpecLoaded {
            bottle: bottle(id),
            result: Ok(Box::new(spec())),
            manifest: None,
        });
    }
}

/// A decision, of no time and number, over a request or, without a path, a connection.
pub(crate) fn asked(
    method: &str,
    host: &str,
    path: &str,
    refused: Option<Reason>,
) -> DecisionRecord {
    let verdict = match refused {
        None => Verdict::Allowed,
        Some(reason) => Verdict::Denied { reason },
    };
    DecisionRecord {
        seq: 1,
        at: now(),
        method: method.to_owned(),
        host: host.to_owned(),
        port: 443,
        verdict,
        request: (!path.is_empty()).then(|| RequestFacts {
            path: path.to_owned(),
            route: refused.is_none().then_some(0),
            generation: 2,
            status: Some(if refused.is_none() { 200 } else { 403 }),
            sent_bytes: 48_200,
            received_bytes: 912,
            millis: 812,
            findings: match refused {
                Some(Reason::SecretFound) => vec![String::from("github-pat")],
                _ => Vec::new(),
            },
            ..RequestFacts::default()
        }),
        wants: None,
    }
}

/// Decisions of two bottles: whose, its number, how many seconds ago.
fn busy_decisions() -> [(&'static str, u64, i64, DecisionRecord); 7] {
    [
        (
            "api-k3x9q",
            1,
            95,
            asked("GET", "pkgs.test", "/simple/left-pad/", None),
        ),
        (
            "api-k3x9q",
            2,
            80,
            asked("POST", "api.anthropic.com", "/v1/messages?…", None),
        ),
        (
            "docs-p2m4d",
            1,
            70,
            asked("POST", "api.anthropic.com", "/v1/messages", None),
        ),
        (
            "api-k3x9q",
            3,
            41,
            asked(
                "PUT",
                "pkgs.test",
                "/upload/x",
                Some(Reason::PathNotAllowed),
            ),
        ),
        (
            "docs-p2m4d",
            2,
            33,
            asked("CONNECT", "crates.test", "", Some(Reason::HostNotAllowed)),
        ),
        (
            "api-k3x9q",
            4,
            20,
            asked(
                "POST",
                "api.anthropic.com",
                "/v1/messages",
                Some(Reason::SecretFound),
            ),
        ),
        (
            "api-k3x9q",
            5,
            4,
            asked("GET", "pkgs.test", "/simple/serde/", None),
        ),
    ]
}

/// Routes with and without a budget.
pub(crate) fn routes_in_force() -> RouteSet {
    let mut routes = spec().routes;
    routes.routes[1].budget.requests = Some(50);
    let host = HostName::parse("old.test").unwrap();
    let unused = Route::to(host, vec![443], Provenance::Operator);
    routes.routes.push(unused);
    routes
}

/// What the first two of the routes let out, and what was refused.
pub(crate) fn hits(routes: &RouteSet) -> Hits {
    let passed = |requests, sent_bytes, received_bytes, seconds| Passed {
        requests,
        sent_bytes,
        received_bytes,
        last: Some(ago(seconds)),
    };
    let model = passed(30, 290_000, 5_100_000, 80);
    let packages = passed(11, 0, 300_000, 4);
    let known = |at: usize, passed, spent| RouteHits {
        route: RouteKey::of(&routes.routes[at]),
        passed,
        spent,
    };
    let spent = Spent {
        requests: 11,
        bytes: 300_000,
    };
    let host = |host: &str, passed| HostHits {
        host: host.to_owned(),
        passed,
    };
    let refused = |host: &str, reason, times, seconds| RefusedHits {
        host: host.to_owned(),
        reason,
        times,
        last: ago(seconds),
    };
    Hits {
        routes: vec![known(0, model, None), known(1, packages, Some(spent))],
        hosts: vec![
            host("api.anthropic.com", model),
            host("pkgs.test", packages),
        ],
        refused: vec![
            refused("crates.test", Reason::HostNotAllowed, 7, 33),
            refused("pkgs.test", Reason::PathNotAllowed, 2, 41),
            refused("api.anthropic.com", Reason::SecretFound, 1, 20),
        ],
        ..Hits::since(ago(3_000))
    }
}

/// Two answers of a model that has a price.
pub(crate) fn used() -> RoleReport {
    let mut model = ModelUsage::default();
    for cache_read in [31_000, 68_500] {
        model.answer(&Tokens {
            input: 1_200,
            output: 2_400,
            cache_read,
            ..Tokens::default()
        });
    }
    RoleReport::Usage {
        usage: Usage {
            requests: 41,
            sent_bytes: 310_000,
            received_bytes: 5_400_000,
            models: [(String::from("claude-opus-4-6"), model)].into(),
            ..Usage::since(now())
        },
    }
}

/// The probes of a seal, the last of which finds this.
pub(crate) fn seal(holds: bool) -> RoleReport {
    RoleReport::Seal {
        report: SealReport {
            at: now(),
            checks: vec![SealCheck {
                name: String::from("interfaces"),
                seen: String::from("lo, eth0"),
                holds,
            }],
        },
    }
}
