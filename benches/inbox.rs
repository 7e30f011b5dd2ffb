//! What a key costs in the inbox with 1,000 requests of 200 bottles: the time from the
//! key to the drawn frame, without a terminal.
//!
//! `cargo bench --bench inbox`

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::io::Write as _;
use std::time::{Duration, Instant};

use cellar::policy::findings::{dockerfile_findings, route_findings};
use cellar::policy::{HostName, Methods, Prices, RouteSet};
use cellar::request::{Ask, RequestRecord, RequestState, RouteAsk, Source};
use cellar::spec::{
    BottleId, Build, Digest, ImageSource, Limits, Observe, SPEC_VERSION, Session, Spec, Workspace,
};
use cellar::state::{
    BottleRef, BottleSighting, ContainerSighting, ContainerState, Effect, EngineId, Event,
    FleetEvent, Key, KeyCode, Looked, RequestLook, Role, Setup, State, TerminalSize,
};
use cellar::ui::{Look, Screens, draw};
use cellar::wire::{HubToConsole, RoleReport};
use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const BOTTLES: u64 = 200;
const REQUESTS: u64 = 5;
const KEYS: usize = 1_500;
const SIZES: [(u16, u16); 2] = [(200, 50), (80, 24)];
/// Lines of each Dockerfile.
const LINES: usize = 150;

fn main() {
    let mut out = std::io::stdout();
    for (columns, rows) in SIZES {
        let mut console = Console::new(columns, rows);
        let opened = console.key("i");
        writeln!(out, "{columns}x{rows}, {} requests", BOTTLES * REQUESTS).unwrap();
        writeln!(out, "  the inbox opened         {opened:>10.2?}").unwrap();
        let down = console.keys(KEYS, &["j"]);
        print(&mut out, "down, key to frame", down.0);
        print(&mut out, "its look, event to frame", down.1);
        let read = console.keys(KEYS / 3, &["enter", "pgdn", "enter", "n"]);
        print(&mut out, "read and next, to frame", read.0);
        let arrivals = (0..200).map(|at| console.arrive(at)).collect();
        print(&mut out, "one more asks, to frame", arrivals);
    }
}

fn print(out: &mut impl std::io::Write, what: &str, mut samples: Vec<Duration>) {
    samples.sort_unstable();
    let at = |part: usize| samples[(samples.len() - 1) * part / 100];
    let (p50, p99, worst) = (at(50), at(99), at(100));
    writeln!(
        out,
        "  {what:<24} {p50:>10.2?} p50 {p99:>10.2?} p99 {worst:>10.2?} worst"
    )
    .unwrap();
}

struct Console {
    state: State,
    terminal: Terminal<TestBackend>,
    spec: Spec,
}

impl Console {
    fn new(columns: u16, rows: u16) -> Self {
        let mut state = State::new(Setup {
            engines: vec![engine()],
            size: TerminalSize { columns, rows },
            now: now(),
            utc_offset_seconds: 0,
            prices: Prices::builtin().unwrap(),
            kept: cellar::state::Kept::default(),
            keys: cellar::state::Keys::default(),
            themes: Vec::new(),
            first: None,
        });
        let bottles = (0..BOTTLES).map(sighting).collect();
        let fleet = FleetEvent::Sightings {
            engine: engine(),
            bottles,
        };
        drop(state.apply(Event::Fleet { fleet }));
        for at in 0..BOTTLES {
            for number in 1..=REQUESTS {
                drop(state.apply(asked(at, number)));
            }
        }
        let backend = TestBackend::new(columns, rows);
        Self {
            state,
            terminal: Terminal::new(backend).unwrap(),
            spec: spec(),
        }
    }

    fn draw(&mut self) {
        let look = Look {
            has_colors: true,
            is_ascii: false,
            inks: cellar::ui::Inks::TERMINAL,
        };
        let state = &self.state;
        self.terminal
            .draw(|frame| draw(state, &Screens::new(), look, frame))
            .unwrap();
    }

    /// From a key to its frame; what it wants looked up is looked up after that.
    fn key(&mut self, name: &str) -> Duration {
        self.press(name).0
    }

    /// The same, and how long what was looked up then took to its frame.
    fn press(&mut self, name: &str) -> (Duration, Option<Duration>) {
        let key = match name {
            "enter" => Key::plain(KeyCode::Enter),
            "pgdn" => Key::plain(KeyCode::PageDown),
            name => Key::char(name.chars().next().unwrap()),
        };
        let begin = Instant::now();
        let effects = self.state.apply(Event::Key { key });
        self.draw();
        (begin.elapsed(), self.look_up(&effects))
    }

    /// Looks up as the app does in a task; gives the time from the event to its frame.
    fn look_up(&mut self, effects: &[Effect]) -> Option<Duration> {
        let (ticket, requests) = effects.iter().find_map(|effect| {
            let Effect::LookAtRequests {
                ticket, requests, ..
            } = effect
            else {
                return None;
            };
            Some((*ticket, requests))
        })?;
        let digest = self.spec.digest().unwrap();
        let looked = requests.iter().map(|request| {
            let record = self.state.request(request).unwrap();
            let found = match &record.ask {
                Ask::Route(asked) => Ok(route_findings(&asked.route(1), &self.spec.routes)),
                Ask::Image { dockerfile } => {
                    dockerfile_findings(dockerfile, None).map_err(|problem| problem.to_string())
                }
                Ask::Packages { .. }
                | Ask::McpServer(_)
                | Ask::ScanPass(_)
                | Ask::Question { .. } => Ok(Vec::new()),
            };
            Looked {
                request: request.clone(),
                result: Ok(Box::new(RequestLook::of(
                    &self.spec, digest, record, None, found,
                ))),
            }
        });
        let looked = looked.collect();
        let begin = Instant::now();
        drop(self.state.apply(Event::RequestsShown { ticket, looked }));
        self.draw();
        Some(begin.elapsed())
    }

    /// Presses keys in turn; gives the times of the keys and those of their looks.
    fn keys(&mut self, count: usize, names: &[&str]) -> (Vec<Duration>, Vec<Duration>) {
        let (mut keys, mut looks) = (Vec::new(), Vec::new());
        for name in names.iter().cycle().take(count) {
            let (took, look) = self.press(name);
            keys.push(took);
            looks.extend(look);
        }
        if looks.is_empty() {
            looks.push(Duration::ZERO);
        }
        (keys, looks)
    }

    /// One more request comes while the inbox is shown.
    fn arrive(&mut self, at: u64) -> Duration {
        let event = asked(at % BOTTLES, REQUESTS + 1 + at / BOTTLES);
        let begin = Instant::now();
        drop(self.state.apply(event));
        self.draw();
        begin.elapsed()
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn engine() -> EngineId {
    EngineId(String::from("local"))
}

fn bottle(at: u64) -> BottleRef {
    BottleRef {
        engine: engine(),
        id: BottleId::parse(&format!("agent-{at}")).unwrap(),
    }
}

fn sighting(at: u64) -> BottleSighting {
    let container = |role: Role| ContainerSighting {
        container: format!("{at}-{}", role.as_str()),
        role,
        state: ContainerState::Running,
    };
    BottleSighting {
        bottle: bottle(at),
        agent: String::from("agent"),
        spec: Digest::of(&at.to_le_bytes()),
        owner: String::from("operator"),
        is_demo: false,
        is_cut: false,
        created: now() - SignedDuration::from_secs(i64::try_from(at).unwrap()),
        containers: Role::ALL.into_iter().map(container).collect(),
    }
}

/// A request: routes that are alike in ten bottles, images, questions.
fn asked(bottle_at: u64, number: u64) -> Event {
    let ask = match number % 5 {
        0 => Ask::Question {
            text: format!("Which of the {bottle_at} ways?"),
            choices: vec![String::from("this one"), String::from("that one")],
        },
        1 => Ask::Image {
            dockerfile: dockerfile(bottle_at),
        },
        2 => route(&format!("alike{}.test", bottle_at / 10)),
        _ => route(&format!("host{bottle_at}x{number}.test")),
    };
    let first = now() - SignedDuration::from_secs(i64::try_from(bottle_at * 7 + number).unwrap());
    let record = RequestRecord {
        id: number,
        digest: ask.digest().unwrap(),
        ask,
        reason: "it is needed, because the build does not find what it looks for. ".repeat(8),
        source: Source::Agent,
        first,
        last: first,
        times: 2,
        state: RequestState::Pending,
        delivered: None,
    };
    Event::Hub {
        bottle: bottle(bottle_at),
        message: HubToConsole::Report {
            role: Role::Supervise,
            report: RoleReport::Request {
                request: Box::new(record),
            },
        },
    }
}

fn route(host: &str) -> Ask {
    Ask::Route(RouteAsk {
        host: HostName::parse(host).unwrap().into(),
        ports: vec![443],
        methods: Methods::Any,
        paths: Vec::new(),
        websocket: false,
    })
}

fn dockerfile(at: u64) -> String {
    let mut text = String::from("FROM debian:12\n");
    for line in 0..LINES {
        let line = format!("RUN curl -fsSL https://get.test/{at}/{line}.sh | sh && echo {line}\n");
        text.push_str(&line);
    }
    text
}

fn spec() -> Spec {
    Spec {
        version: SPEC_VERSION,
        agent: String::from("agent"),
        template: String::from("plain"),
        image: ImageSource::Dockerfile {
            text: String::from("FROM debian:12\nUSER agent\n"),
        },
        session: Session {
            argv: vec![String::from("agent")],
            resume_argv: None,
            env: std::collections::BTreeMap::new(),
            handed_over: Vec::new(),
            cwd: String::from("/workspace"),
            home_files: Vec::new(),
            observe: Observe::Output,
            mcp_servers: std::collections::BTreeMap::new(),
        },
        workspace: Workspace::None,
        limits: Limits::default(),
        uid: 1000,
        routes: RouteSet::NONE,
        upstream_ca: None,
        clipboard: cellar::spec::Clipboard::Never,
        upstream_proxy: None,
        supervise: true,
        runtime: None,
        build: Build::default(),
    }
}
