//! An engine that speaks the Docker Engine API over a Unix socket and holds nothing:
//! as many containers as are asked for, with stats, logs, events, hubs and sessions, and
//! faults on demand. Tests and benchmarks share it; the peers read it as well as Cellar does.
//!
//! It runs in a thread of its own. What it says is what API 1.41 says and nothing that a
//! newer one took away. Images, volumes and networks are empty lists.

mod answers;
pub(crate) mod fleet;
mod hub;
mod logs;
mod server;
pub(crate) mod session;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::CommandBuilder;
use tokio::sync::watch;

use fleet::{Fleet, World};

use super::terminal::Terminal;

/// The owner of the bottles, as a state folder of ours names its own.
pub(crate) const OWNER: &str = "fakeowner";

/// What goes wrong with every request from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The connection is closed without an answer.
    Drop,
    /// The answer comes so late.
    Delay(Duration),
    /// The engine says that it failed.
    Refuse,
}

/// How the engine is now; what changes cuts or bends what is open.
#[derive(Clone, Copy, Debug, Default)]
struct Manner {
    fault: Fault,
    /// Counts the times that every connection was cut.
    restarts: u64,
}

/// A running engine. It ends with this value.
pub(crate) struct FakeEngine {
    folder: tempfile::TempDir,
    manner: watch::Sender<Manner>,
    world: Arc<World>,
    asked: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    thread: Option<JoinHandle<()>>,
    end: Option<tokio::sync::oneshot::Sender<()>>,
}

impl FakeEngine {
    /// Starts one that has such containers.
    pub(crate) fn start(fleet: Fleet) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Arc::new(World::new(fleet));
        let asked = Arc::default();
        let manner = watch::Sender::new(Manner::default());
        let (end, ended) = tokio::sync::oneshot::channel();
        let listener =
            std::os::unix::net::UnixListener::bind(folder.path().join("docker.sock")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let server = server::Server {
            world: Arc::clone(&world),
            manner: manner.subscribe(),
            asked: Arc::clone(&asked),
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::UnixListener::from_std(listener).unwrap();
                tokio::select! {
                    () = server.serve(listener) => {}
                    _ = ended => {}
                }
            });
        });
        Self {
            folder,
            manner,
            world,
            asked,
            thread: Some(thread),
            end: Some(end),
        }
    }

    /// Where it listens, as `DOCKER_HOST` has it.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}/docker.sock", self.folder.path().display())
    }

    /// The built console on it, with an empty manifest and the state folder that owns
    /// the bottles; not started.
    pub(crate) fn console(&self, arguments: &[&str]) -> Command {
        let root = self.folder.path();
        let at = |name: &str| root.join(name);
        for folder in ["config/cellar", "state/cellar", "cache"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        write_once(&at("config/cellar/cellar.json"), "{}");
        write_once(&at("state/cellar/owner"), OWNER);
        let mut command = Command::new(env!("CARGO_BIN_EXE_cellar"));
        command
            .args(arguments)
            .env("DOCKER_HOST", self.address())
            .env("XDG_CONFIG_HOME", at("config"))
            .env("XDG_STATE_HOME", at("state"))
            .env("XDG_CACHE_HOME", at("cache"))
            .current_dir(root);
        command
    }

    /// The same, in a terminal.
    pub(crate) fn terminal(&self, arguments: &[&str], columns: u16, rows: u16) -> Terminal {
        let plain = self.console(arguments);
        let mut command = CommandBuilder::new(plain.get_program());
        command.args(plain.get_args());
        for (key, value) in plain.get_envs() {
            if let Some(value) = value {
                command.env(key, value);
            }
        }
        Terminal::open(command, columns, rows)
    }

    /// Lets things go wrong, or right again.
    pub(crate) fn fault(&self, fault: Fault) {
        self.manner.send_modify(|manner| manner.fault = fault);
    }

    /// Cuts every connection, as an engine that is started again does.
    pub(crate) fn restart(&self) {
        self.manner.send_modify(|manner| manner.restarts += 1);
    }

    /// Lets a bottle's containers end, and says so.
    pub(crate) fn stop(&self, bottle: &str) {
        self.world.stop(bottle);
    }

    /// Lets a bottle come or go, and says so.
    pub(crate) fn set_present(&self, bottle: &str, is_present: bool) {
        self.world.set_present(bottle, is_present);
    }

    /// The bottles, those that are not there too.
    pub(crate) fn bottles(&self) -> Vec<String> {
        let all = self.world.containers.iter();
        let agents = all.filter(|one| one.role == "agent");
        agents.map(|one| one.bottle.clone()).collect()
    }

    /// How often each kind of thing was asked.
    pub(crate) fn asked(&self) -> BTreeMap<&'static str, u64> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for FakeEngine {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn write_once(path: &Path, text: &str) {
    if !path.exists() {
        std::fs::write(path, text).unwrap();
    }
}
