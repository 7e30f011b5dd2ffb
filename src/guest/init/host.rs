//! One run of the session, from the first listener to the exit code.
//!
//! The order is the point: clients can attach first, the doors listen and the seal is
//! proven before the program starts, and the program does not start at all if the
//! seal does not hold. Paths and signals come from outside, so that tests can play it
//! in a folder of their own.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::asking::{self, Asks};
use super::client::{Clients, HandOver};
use super::lines;
use super::observe::{self, Observer};
use super::output;
use super::process::{self, Scope, Told};
use super::report::Reports;
use super::seal;
use super::session::Session;
use super::terminal::{Program, StartError, Terminal};
use super::trust::Trust;
use crate::guest::runtime::Door;
use crate::spec::Observe;
use crate::spec::layout::ports;
use crate::wire::{InitConfig, RoleState, SealReport, SessionExit, TerminalSize};

/// Exit code when the seal does not hold.
pub(super) const SEAL_BROKEN_EXIT: u8 = 97;
/// Exit code when the program could not be started, as shells have it.
pub(super) const NOT_STARTED_EXIT: u8 = 127;

/// How long the sidecars may take to open their doors.
const DOORS_LIMIT: Duration = Duration::from_secs(10);
const DOORS_LOOK: Duration = Duration::from_millis(5);
/// How long the hub may take to read why a session did not start.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(10);
/// How long clients and hub may take to read how a session ended.
const FAREWELL_LIMIT: Duration = Duration::from_secs(2);
/// How long output may still come after the program ended: a process that it left
/// behind may hold the PTY open.
const LAST_OUTPUT_LIMIT: Duration = Duration::from_millis(500);

/// Where things are.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) attach_socket: PathBuf,
    pub(super) report_door: PathBuf,
    /// Where a console on the engine's own machine may wait for a line.
    pub(super) lines: PathBuf,
    pub(super) hook_settings: PathBuf,
    pub(super) mcp_config: PathBuf,
    pub(super) hook_word: PathBuf,
    /// Sockets that must be there before the program starts.
    pub(super) awaited: Vec<PathBuf>,
    pub(super) trust: Trust,
}

/// Everything that a run needs.
pub(super) struct Host {
    pub(super) config: InitConfig,
    pub(super) places: Places,
    /// The container's own environment.
    pub(super) environment: BTreeMap<String, String>,
    pub(super) scope: Scope,
    pub(super) probe: Box<dyn Fn() -> SealReport>,
}

/// What runs beside the session.
struct Running {
    session: Rc<Session>,
    reports: Rc<Reports>,
    tasks: JoinSet<()>,
    output: JoinHandle<()>,
}

impl Host {
    /// Runs the session to its end, inside a local task set; the exit code.
    ///
    /// # Errors
    /// If the PTY or the attach socket cannot be made.
    pub(super) async fn run(self, mut told: mpsc::Receiver<Told>) -> io::Result<u8> {
        let (mut terminal, master) = Terminal::open(TerminalSize::default())?;
        let lines = self.config.scrollback_lines;
        let session = Rc::new(Session::new(master, TerminalSize::default(), lines)?);
        let (sender, values) = oneshot::channel();
        let hand_over = HandOver::new(self.config.handed_over.clone(), sender);
        let mut running = self.begin(session, hand_over)?;
        running.reports.session(Observer::starting());
        self.open_doors(&mut running).await;
        let report = (self.probe)();
        running.reports.seal(report.clone());
        if !report.holds() {
            return Ok(running
                .refuse(&seal::broken(&report), SEAL_BROKEN_EXIT)
                .await);
        }
        let ready = tokio::select! {
            ready = self.await_start(&running, values) => Some(ready),
            () = told_to_end(&mut told) => None,
        };
        let Some(handed_over) = ready else {
            return Ok(running
                .refuse("the bottle was stopped before its session started", 143)
                .await);
        };
        self.prepare_hooks(&running);
        let way_to_ask = self.check_asking().await;
        let program = self.program(handed_over);
        match terminal.start(&program) {
            Ok(pid) => {
                running.reports.state(way_to_ask);
                self.live(pid, &program.env, running, told).await
            }
            Err(error) => Ok(running.not_started(&error).await),
        }
    }

    /// Starts everything that runs beside the program.
    fn begin(&self, session: Rc<Session>, hand_over: HandOver) -> io::Result<Running> {
        let socket = &self.places.attach_socket;
        // One of an earlier run of this container.
        if socket.exists() {
            std::fs::remove_file(socket)?;
        }
        let listener = UnixListener::bind(socket)?;
        std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
        let reports = Rc::new(Reports::new());
        let mut tasks = JoinSet::new();
        let clients = Rc::new(Clients::new(Rc::clone(&session), hand_over));
        tasks.spawn_local(Rc::clone(&clients).accept(listener));
        tasks.spawn_local(lines::answer(clients, self.places.lines.clone()));
        let (typing, door) = (Rc::clone(&session), self.places.report_door.clone());
        tasks.spawn_local(async move { typing.write_typed_later().await });
        let reporting = Rc::clone(&reports);
        tasks.spawn_local(async move { reporting.run(&door).await });
        let carrying = Rc::clone(&session);
        let output = tokio::task::spawn_local(async move { output::carry(&carrying).await });
        Ok(Running {
            session,
            reports,
            tasks,
            output,
        })
    }

    /// Listens on the doors' ports. One that cannot be opened is told, not fatal: the
    /// agent misses a way out, and no fence falls.
    async fn open_doors(&self, running: &mut Running) {
        for (port, socket) in &self.config.doors {
            match Door::open(*port, PathBuf::from(socket)).await {
                Ok(door) => {
                    running.tasks.spawn_local(door.serve());
                }
                Err(error) => running
                    .reports
                    .log(format!("failed to listen on loopback port {port}: {error}")),
            }
        }
    }

    /// Waits for the sidecars' sockets and for the values that the program needs.
    async fn await_start(
        &self,
        running: &Running,
        values: oneshot::Receiver<BTreeMap<String, String>>,
    ) -> BTreeMap<String, String> {
        if tokio::time::timeout(DOORS_LIMIT, self.await_doors())
            .await
            .is_err()
        {
            running
                .reports
                .log("started the program although a sidecar's door is missing");
        }
        if self.config.handed_over.is_empty() {
            return BTreeMap::new();
        }
        // The sender lives as long as clients are accepted, which is longer than this.
        values.await.unwrap_or_default()
    }

    async fn await_doors(&self) {
        while self.places.awaited.iter().any(|socket| !socket.exists()) {
            tokio::time::sleep(DOORS_LOOK).await;
        }
    }

    /// Lays out what the program's hooks need. A failure is told here; the program
    /// then finds its settings missing and says so itself.
    fn prepare_hooks(&self, running: &Running) {
        let Observe::Claude { .. } = self.config.observe else {
            return;
        };
        let places = &self.places;
        let asks = if self.config.doors.contains_key(&ports::SUPERVISE) {
            Asks::Yes
        } else {
            Asks::No
        };
        let servers = asking::servers(asks, &self.config.mcp_servers);
        if let Err(error) = observe::prepare(
            &places.hook_settings,
            (&places.mcp_config, &servers),
            &places.hook_word,
        ) {
            let text = format!("failed to write the settings of the session: {error}");
            running.reports.log(text);
        }
    }

    /// Finds out whether the agent can ask for what it lacks. If it cannot, the session
    /// starts all the same, and what is wrong is told.
    async fn check_asking(&self) -> RoleState {
        if !self.config.doors.contains_key(&ports::SUPERVISE) {
            return RoleState::Ready;
        }
        match asking::check(ports::SUPERVISE).await {
            Ok(()) => RoleState::Ready,
            Err(error) => RoleState::Degraded {
                why: format!("the agent cannot ask for what it lacks: failed to {error}"),
            },
        }
    }

    fn program(&self, handed_over: BTreeMap<String, String>) -> Program {
        let mut env = BTreeMap::from([
            ("TERM".to_owned(), "xterm-256color".to_owned()),
            ("COLORTERM".to_owned(), "truecolor".to_owned()),
            // Node reads the variables of a proxy only if told so (22.21 and 24 on).
            ("NODE_USE_ENV_PROXY".to_owned(), "1".to_owned()),
            // While the operator is asked these would give up after 15 and 30 s.
            ("PIP_DEFAULT_TIMEOUT".to_owned(), "300".to_owned()),
            ("CARGO_HTTP_TIMEOUT".to_owned(), "300".to_owned()),
        ]);
        env.extend(self.environment.clone());
        // An image knows nothing of this bottle's authority; its operator may.
        env.extend(self.places.trust.variables());
        env.extend(self.config.env.clone());
        env.extend(handed_over);
        Program {
            argv: self.argv(&env).to_vec(),
            env,
            cwd: self.config.cwd.clone(),
        }
    }

    /// What to run. A program that is to take up a conversation that never began would
    /// end at once, so then it begins.
    fn argv(&self, env: &BTreeMap<String, String>) -> &[String] {
        match (&self.config.fresh_argv, &self.config.observe) {
            (Some(fresh), Observe::Claude { session_id })
                if !observe::has_conversation(env, session_id) =>
            {
                fresh
            }
            _ => &self.config.argv,
        }
    }

    /// Lives with the program until it ends.
    async fn live(
        self,
        program: Pid,
        environment: &BTreeMap<String, String>,
        mut running: Running,
        mut told: mpsc::Receiver<Told>,
    ) -> io::Result<u8> {
        let word = self.places.hook_word.clone();
        let observer = Observer::new(&self.config.observe, program, environment, word);
        let (session, reports) = (Rc::clone(&running.session), Rc::clone(&running.reports));
        running
            .tasks
            .spawn_local(async move { observer.watch(&session, &reports).await });
        let grace = Duration::from_secs(self.config.stop_grace_seconds);
        let exit = tokio::select! {
            exit = process::program_ended(program, self.scope) => exit?,
            never = obey(&mut told, program, grace) => match never {},
        };
        Ok(running.ended(exit).await)
    }
}

/// Passes signals on; asks the program to end when told so, then makes it.
async fn obey(
    told: &mut mpsc::Receiver<Told>,
    program: Pid,
    grace: Duration,
) -> std::convert::Infallible {
    loop {
        match told.recv().await {
            Some(Told::PassOn(signal)) => process::send(program, signal),
            Some(Told::End) => break,
            // Nobody can tell us anything any more.
            None => std::future::pending().await,
        }
    }
    process::send(program, Signal::TERM);
    // An interactive shell ignores that, but not that its terminal goes away.
    tokio::time::sleep(grace / 2).await;
    process::send(program, Signal::HUP);
    process::send(program, Signal::CONT);
    tokio::time::sleep(grace / 2).await;
    process::send(program, Signal::KILL);
    std::future::pending().await
}

async fn told_to_end(told: &mut mpsc::Receiver<Told>) {
    loop {
        match told.recv().await {
            Some(Told::End) => return,
            Some(Told::PassOn(_)) => {}
            None => std::future::pending().await,
        }
    }
}

impl Running {
    /// Tells clients and hub that there is no session, and why.
    async fn refuse(self, why: &str, exit: u8) -> u8 {
        self.session.announce(why);
        self.session.refused(why);
        self.reports.log(why);
        self.reports.state(RoleState::Degraded {
            why: why.to_owned(),
        });
        self.farewell(SessionExit::NotStarted, LAST_WORDS_LIMIT)
            .await;
        exit
    }

    async fn not_started(self, error: &StartError) -> u8 {
        let why = format!("failed to {error}");
        self.refuse(&why, NOT_STARTED_EXIT).await
    }

    async fn ended(mut self, exit: SessionExit) -> u8 {
        // What the program wrote last is still in the PTY.
        tokio::time::timeout(LAST_OUTPUT_LIMIT, &mut self.output)
            .await
            .ok();
        self.reports.state(RoleState::Gone);
        self.farewell(exit, FAREWELL_LIMIT).await;
        match exit {
            SessionExit::Code { code } => u8::try_from(code & 0xff).unwrap_or(1),
            SessionExit::Signal { signal } => u8::try_from(128 + signal).unwrap_or(255),
            SessionExit::NotStarted => NOT_STARTED_EXIT,
        }
    }

    /// Lets clients and hub take what waits for them, each for a while.
    async fn farewell(self, exit: SessionExit, limit: Duration) {
        self.session.ended(exit);
        self.reports.ended(exit);
        let (clients, hub) = (self.session.flushed(), self.reports.told());
        tokio::time::timeout(limit, async { tokio::join!(clients, hub) })
            .await
            .ok();
        self.output.abort();
    }
}
