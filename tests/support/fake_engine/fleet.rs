//! What is on the fake engine.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use super::OWNER;
use super::session::Sessions;

/// Which labels the containers carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Labelled {
    /// Those of bottles, three containers each.
    Bottles,
    /// None.
    Nothing,
}

/// The containers of an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    /// How many.
    pub(crate) containers: usize,
    /// As what.
    pub(crate) labelled: Labelled,
    /// Lines that each log holds at first.
    pub(crate) log_lines: usize,
    /// How many of the agents go on writing.
    pub(crate) writers: usize,
    /// How fast each of them does.
    pub(crate) lines_per_second: u32,
    /// What their sessions do.
    pub(crate) sessions: Sessions,
}

impl Fleet {
    /// Quiet bottles with so many containers in all.
    pub(crate) const fn quiet(containers: usize) -> Self {
        Self {
            containers,
            labelled: Labelled::Bottles,
            log_lines: 200,
            writers: 0,
            lines_per_second: 0,
            sessions: Sessions::Still,
        }
    }
}

/// One container.
#[derive(Clone, Debug)]
pub(super) struct Container {
    /// 64 hexadecimal digits, as engines give.
    pub(super) id: String,
    pub(super) name: String,
    /// Where it stands among all.
    pub(super) at: usize,
    pub(super) bottle: String,
    pub(super) role: &'static str,
    /// Whether it goes on writing.
    pub(super) writes: bool,
}

/// Everything on it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) fleet: Fleet,
    pub(super) containers: Vec<Container>,
    pub(super) begun: Instant,
    /// Events, one JSON object each.
    pub(super) events: broadcast::Sender<String>,
    stopped: Mutex<BTreeSet<String>>,
    /// Bottles that are not there, now or not yet.
    absent: Mutex<BTreeSet<String>>,
    /// Counts what changed of the two, for those whose lines end with it.
    changes: watch::Sender<u64>,
}

const ROLES: [&str; 3] = ["agent", "egress", "supervise"];
/// When the first of them was made, in seconds since 1970.
const CREATED: usize = 1_790_000_000;

impl World {
    pub(super) fn new(fleet: Fleet) -> Self {
        let containers = (0..fleet.containers).map(|at| {
            let bottle = format!("{}-{:05}", ["api", "docs", "web"][at / 3 % 3], at / 3);
            let role = ROLES[at % 3];
            Container {
                id: format!("{:064x}", (at as u128 + 1) * 0x9e37_79b9_7f4a_7c15),
                name: format!("cellar-{bottle}-{role}"),
                at,
                writes: role == "agent" && at / 3 < fleet.writers,
                bottle,
                role,
            }
        });
        Self {
            fleet,
            containers: containers.collect(),
            begun: Instant::now(),
            events: broadcast::Sender::new(4_096),
            stopped: Mutex::default(),
            absent: Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }

    /// A container by id, the beginning of it, or name.
    pub(super) fn find(&self, name: &str) -> Option<&Container> {
        let by_name = |one: &&Container| one.id == name || one.name == name;
        let found = self.containers.iter().find(by_name);
        let found = found.or_else(|| self.containers.iter().find(|one| one.id.starts_with(name)));
        found.filter(|one| !held(&self.absent).contains(&one.bottle))
    }

    /// Those that are there.
    pub(super) fn present(&self) -> Vec<&Container> {
        let absent = held(&self.absent);
        let is_there = |one: &&Container| !absent.contains(&one.bottle);
        self.containers.iter().filter(is_there).collect()
    }

    pub(super) fn runs(&self, container: &Container) -> bool {
        !held(&self.stopped).contains(&container.bottle)
            && !held(&self.absent).contains(&container.bottle)
    }

    /// Returns when a container does not run any more.
    pub(super) async fn ended(&self, container: &Container) {
        let mut changes = self.changes.subscribe();
        // The sender lives as long as the world does.
        drop(changes.wait_for(|_| !self.runs(container)).await);
    }

    /// Ends the containers of a bottle.
    pub(super) fn stop(&self, bottle: &str) {
        held(&self.stopped).insert(bottle.to_owned());
        self.tell(bottle, &["die"]);
    }

    /// Lets a bottle come or go.
    pub(super) fn set_present(&self, bottle: &str, is_present: bool) {
        if is_present {
            held(&self.absent).remove(bottle);
            self.tell(bottle, &["create", "start"]);
        } else {
            held(&self.absent).insert(bottle.to_owned());
            self.tell(bottle, &["die", "destroy"]);
        }
    }

    /// Says what became of a bottle's containers.
    fn tell(&self, bottle: &str, actions: &[&str]) {
        self.changes.send_modify(|count| *count += 1);
        for container in self.containers.iter().filter(|one| one.bottle == bottle) {
            for action in actions {
                let event = json!({
                    "Type": "container", "Action": action, "status": action, "id": container.id,
                    "Actor": {"ID": container.id, "Attributes": self.labels(container)},
                    "scope": "local", "time": CREATED, "timeNano": CREATED * 1_000_000_000,
                });
                // Nobody may listen.
                drop(self.events.send(format!("{event}\n")));
            }
        }
    }

    pub(super) fn labels(&self, container: &Container) -> Value {
        match self.fleet.labelled {
            Labelled::Nothing => json!({}),
            Labelled::Bottles => json!({
                "cellar.bottle": container.bottle,
                "cellar.role": container.role,
                "cellar.owner": OWNER,
                "cellar.agent": container.bottle.split('-').next(),
                "cellar.revision": "1",
                "cellar.spec": format!("sha256:{:064x}", container.at / 3 + 1),
            }),
        }
    }

    /// When it was made, in seconds since 1970.
    pub(super) fn created(container: &Container) -> usize {
        CREATED - container.at
    }

    /// CPU time since its start: each uses its own share of one CPU.
    pub(super) fn cpu(&self, container: &Container) -> Duration {
        let share = u32::try_from(container.at % 37).unwrap_or(0);
        self.begun.elapsed() * share / 100
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
