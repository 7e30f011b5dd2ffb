//! What happens to bottles, for scripts: the console's own state, fed by the same lines
//! and drawn by nobody.
//!
//! First each bottle is told as it is, then what changes. What came back with a line that
//! had broken is told if it is new.

#[cfg(test)]
mod schema;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::cellar::Cellar;
use super::console::lines;
use crate::policy::Prices;
use crate::request::{RequestRecord, RequestState};
use crate::spec::BottleId;
use crate::state::{
    Bottle, BottleRef, Effect, Event, FleetEvent, Phase, Setup, State, TerminalSize,
};
use crate::wire::{DecisionRecord, HoldEnd, HoldRecord, HubToConsole, Role, RoleReport};

/// What the first line of a stream says that it is of.
pub(crate) const EVENTS_VERSION: u32 = 1;
/// Events that may wait; whoever sends more waits.
const WAITING_EVENTS: usize = 1_024;
const SECOND: Duration = Duration::from_secs(1);

/// Something that happened to one bottle.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Happening {
    /// A change that breaks readers raises it.
    #[cfg_attr(test, schemars(range(min = 1, max = 1)))]
    pub(crate) version: u32,
    /// When it was heard of.
    pub(crate) at: Timestamp,
    /// The bottle.
    pub(crate) bottle: BottleId,
    /// Its agent.
    pub(crate) agent: String,
    /// What happened.
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum What {
    /// It is in another state, or was first seen.
    State(Standing),
    /// It was removed.
    Gone,
    /// A request was filed, asked again, answered or carried out.
    Request {
        /// As it is now.
        request: Box<RequestRecord>,
    },
    /// Egress holds a connection, or one more waits with it.
    Held {
        /// The hold.
        hold: Box<HoldRecord>,
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
        decision: Box<DecisionRecord>,
    },
}

/// How a bottle stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Standing {
    /// In one word, as the console shows it.
    pub(crate) state: &'static str,
    /// What there is to say beyond the word. Hostile text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) detail: String,
    /// Where it was learnt.
    pub(crate) source: String,
    /// Since when it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<Timestamp>,
    /// Each thing that waits for the operator, in a word: `asks`, `held`, `waiting`.
    pub(crate) needs: Vec<&'static str>,
}

/// What was told of a bottle.
#[derive(Debug, Default)]
struct Told {
    agent: String,
    standing: Option<Standing>,
    /// How each request was, and how often it was asked.
    requests: BTreeMap<u64, (&'static str, u64)>,
    holds: BTreeSet<u64>,
    /// The last decision.
    decision: u64,
    /// Whether its hub has told all that it holds at least once.
    has_heard: bool,
    /// Whether what its hub says is new, and not told again.
    is_live: bool,
}

/// Watches the bottles of one operator.
pub(crate) struct Observer {
    cellar: Cellar,
    state: State,
    events: mpsc::Sender<Event>,
    queue: mpsc::Receiver<Event>,
    tasks: JoinSet<()>,
    hubs: HashMap<BottleRef, AbortHandle>,
    told: BTreeMap<BottleRef, Told>,
    /// Whether the engine has told which bottles there are.
    has_seen: bool,
}

impl Observer {
    /// Begins to watch. Everything ends when it is dropped.
    pub(crate) fn new(cellar: Cellar, prices: Prices) -> Self {
        let (events, queue) = mpsc::channel(WAITING_EVENTS);
        let state = State::new(Setup {
            engines: vec![cellar.engine.id().clone()],
            size: TerminalSize {
                columns: 80,
                rows: 24,
            },
            now: Timestamp::now(),
            utc_offset_seconds: 0,
            prices,
            kept: crate::state::Kept::default(),
            keys: crate::state::Keys::default(),
            themes: Vec::new(),
            first: None,
        });
        let mut tasks = JoinSet::new();
        let engine = Arc::clone(&cellar.engine);
        let owner = cellar.store.owner().to_owned();
        tasks.spawn(lines::fleet(engine, owner, events.clone()));
        let ticks = events.clone();
        tasks.spawn(async move {
            let mut second = tokio::time::interval(SECOND);
            loop {
                second.tick().await;
                let now = Timestamp::now();
                if ticks.send(Event::Tick { now }).await.is_err() {
                    return;
                }
            }
        });
        Self {
            cellar,
            state,
            events,
            queue,
            tasks,
            hubs: HashMap::new(),
            told: BTreeMap::new(),
            has_seen: false,
        }
    }

    /// Waits for the next things that happen; may give none. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Vec<Happening> {
        // The observer holds a sender, so the queue never ends.
        let Some(event) = self.queue.recv().await else {
            return Vec::new();
        };
        self.hear(event)
    }

    /// The bottles that are known, each with how it stands, as far as that is certain:
    /// one that runs says it itself.
    pub(crate) fn standings(&self) -> impl Iterator<Item = (&BottleId, Option<&Standing>)> {
        self.told.iter().map(|(bottle, told)| {
            let known = self.state.fleet.get(bottle);
            let is_certain =
                told.has_heard || known.is_none_or(|known| !known.runs(Role::Supervise));
            let standing = told.standing.as_ref().filter(|_| is_certain);
            (&bottle.id, standing)
        })
    }

    /// Whether the engine has told which bottles there are.
    pub(crate) const fn has_seen(&self) -> bool {
        self.has_seen
    }

    /// All that is known.
    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    fn hear(&mut self, event: Event) -> Vec<Happening> {
        let mut whats: Vec<(BottleRef, What)> = Vec::new();
        if let Event::Fleet {
            fleet: FleetEvent::Sightings { .. },
        } = &event
        {
            self.has_seen = true;
        }
        if let Event::HubUp { bottle } = &event {
            self.told.entry(bottle.clone()).or_default().is_live = false;
        }
        if let Event::Hub { bottle, message } = &event {
            let told = self.told.entry(bottle.clone()).or_default();
            let new = heard(told, message);
            whats.extend(new.map(|what| (bottle.clone(), what)));
        }
        // What a hub says is of its own bottle.
        let only = if let Event::Hub { bottle, .. }
        | Event::HubUp { bottle }
        | Event::HubDown { bottle, .. } = &event
        {
            Some(bottle.clone())
        } else {
            None
        };
        for effect in self.state.apply(event) {
            self.perform(&effect);
        }
        whats.extend(self.compare(only.as_ref()));
        let at = Timestamp::now();
        let happenings = whats.into_iter().map(|(bottle, what)| Happening {
            version: EVENTS_VERSION,
            at,
            agent: self
                .told
                .get(&bottle)
                .map(|told| told.agent.clone())
                .unwrap_or_default(),
            bottle: bottle.id,
            what,
        });
        let happenings = happenings.collect();
        self.told
            .retain(|bottle, _| self.state.fleet.get(bottle).is_some());
        happenings
    }

    /// Only hubs are listened to; all else is for whoever looks at a screen.
    fn perform(&mut self, effect: &Effect) {
        if let Effect::WatchHub { bottle } = &effect {
            let engine = Arc::clone(&self.cellar.engine);
            let links = self.cellar.links.clone();
            let line = lines::hub(engine, links, bottle.clone(), self.events.clone());
            let line = self.tasks.spawn(line);
            self.hubs.insert(bottle.clone(), line);
            // Those that were let go are forgotten.
            while self.tasks.try_join_next().is_some() {}
        }
        if let Effect::UnwatchHub { bottle } = &effect
            && let Some(line) = self.hubs.remove(bottle)
        {
            line.abort();
        }
    }

    /// What is different from what was told, of one bottle or of all.
    fn compare(&mut self, only: Option<&BottleRef>) -> Vec<(BottleRef, What)> {
        let mut whats = Vec::new();
        let needs = self.state.needs();
        let bottles = self.state.fleet.bottles().iter();
        for bottle in bottles.filter(|known| only.is_none_or(|only| known.bottle == *only)) {
            let told = self.told.entry(bottle.bottle.clone()).or_default();
            told.agent.clone_from(&bottle.agent);
            let mut words: Vec<&'static str> = needs
                .iter()
                .filter(|need| need.bottle == bottle.bottle)
                .map(|need| need.word)
                .collect();
            words.dedup();
            let standing = standing(bottle, words);
            let mut say = |what| whats.push((bottle.bottle.clone(), what));
            let is_other = |old: &Standing| {
                (old.state, &old.detail, &old.needs)
                    != (standing.state, &standing.detail, &standing.needs)
            };
            if told.standing.as_ref().is_none_or(is_other) {
                told.standing = Some(standing.clone());
                say(What::State(standing));
            }
            if !told.is_live {
                continue;
            }
            for (id, request) in &bottle.hub.requests {
                let now = (request.state.word(), request.times);
                let before = told.requests.insert(*id, now);
                let is_pending = matches!(request.state, RequestState::Pending);
                let is_news = match before {
                    Some(before) => before != now,
                    None => told.has_heard || is_pending,
                };
                if is_news {
                    let request = Box::new(request.clone());
                    say(What::Request { request });
                }
            }
            for (id, hold) in &bottle.hub.holds {
                if told.holds.insert(*id) {
                    let hold = Box::new(hold.clone());
                    say(What::Held { hold });
                }
            }
            told.has_heard = true;
        }
        let gone = self.told.iter();
        let gone = gone.filter(|(bottle, told)| {
            told.standing.is_some() && self.state.fleet.get(bottle).is_none()
        });
        whats.extend(gone.map(|(bottle, _)| (bottle.clone(), What::Gone)));
        whats
    }
}

/// What a message tells that is not seen in the state afterwards.
fn heard(told: &mut Told, message: &HubToConsole) -> Option<What> {
    match message {
        HubToConsole::Live => told.is_live = true,
        HubToConsole::Missed { .. } => told.is_live = false,
        HubToConsole::Report {
            role: Role::Egress,
            report: RoleReport::Decision { decision },
        } if decision.seq > told.decision => {
            told.decision = decision.seq;
            // What was decided before anybody listened is no news.
            if told.has_heard {
                let decision = Box::new(decision.clone());
                return Some(What::Decision { decision });
            }
        }
        HubToConsole::Report {
            role: Role::Egress,
            report: RoleReport::HoldOver { id, how },
        } if told.holds.remove(id) => {
            return Some(What::HoldOver { id: *id, end: *how });
        }
        HubToConsole::Hello { .. }
        | HubToConsole::Report { .. }
        | HubToConsole::Tally { .. }
        | HubToConsole::Pong => {}
    }
    None
}

fn standing(bottle: &Bottle, needs: Vec<&'static str>) -> Standing {
    let waits = bottle.hub.session.as_ref();
    let waits = waits.filter(|_| matches!(bottle.phase, Phase::Ready { .. }));
    let detail = waits
        .and_then(|session| session.waiting_for.clone())
        .unwrap_or_else(|| bottle.phase.words());
    Standing {
        state: bottle.phase.word(),
        detail,
        source: bottle.source().to_owned(),
        since: bottle.since(),
        needs,
    }
}
