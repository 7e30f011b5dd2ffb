//! A bottle as verbs show it: what is on record, what the engine shows, what its hub
//! says, joined.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use serde::Serialize;

use super::beside::Beside;
use super::cellar::Cellar;
use super::exit::Failure;
use super::hub::{self, HubView};
use crate::spec::{BottleId, Digest};
use crate::state::{
    BottleSighting, ContainerSighting, ContainerState, Doing, ModelHealth, Phase, pause_words,
};
use crate::store::Record;
use crate::wire::{Activity, Role};

/// Hubs asked at the same time.
const LOOKS_AT_ONCE: usize = 8;

/// One bottle.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BottleView {
    /// Its id.
    pub(crate) id: BottleId,
    /// Its agent.
    pub(crate) agent: String,
    /// In one word how it is.
    pub(crate) state: &'static str,
    /// What there is to say about the state.
    pub(crate) detail: String,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// The digest of its spec.
    pub(crate) spec: Digest,
    /// Whether it is on this operator's record.
    pub(crate) is_recorded: bool,
    /// Whether `cellar demo` made it.
    pub(crate) is_demo: bool,
    /// Whether its egress has no network, because it was cut.
    pub(crate) is_cut: bool,
    /// Its containers.
    pub(crate) containers: Vec<ContainerSighting>,
    /// What its hub says, where it was asked and answered.
    pub(crate) hub: Option<HubView>,
    /// How it stands beside the manifest of today, where that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) manifest: Option<Beside>,
}

/// Whether hubs are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Every running bottle's hub.
    Hubs,
    /// Nobody.
    Nobody,
}

/// Whose bottles are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// This operator's.
    Ours,
    /// Everybody's on the engine.
    All,
}

/// All bottles, on record or on the engine, newest first.
pub(crate) async fn bottles(
    cellar: &Cellar,
    asking: Asking,
    whose: Whose,
) -> Result<Vec<BottleView>, Failure> {
    let (records, broken) = cellar
        .store
        .records()
        .map_err(|error| Failure::new("read the record", &error))?;
    let mut records: BTreeMap<BottleId, Record> = records
        .into_iter()
        .map(|record| (record.id.clone(), record))
        .collect();
    let mut views: Vec<BottleView> = Vec::new();
    for sighting in cellar.sightings().await? {
        let record = records.remove(&sighting.bottle.id);
        if record.is_some() || sighting.owner == cellar.store.owner() || whose == Whose::All {
            let mut view = of_sighting(sighting, record.is_some());
            // What is stopped has no network to lose, and comes up without one.
            view.is_cut |= record.is_some() && cellar.store.is_cut(&view.id).unwrap_or(true);
            views.push(view);
        }
    }
    views.extend(records.into_values().map(of_record));
    if asking == Asking::Hubs {
        ask_hubs(cellar, &mut views).await;
    }
    for broken in broken {
        let _exit = Failure::new(
            format!("read the record of `{}`", broken.name),
            &broken.error,
        )
        .report();
    }
    views.sort_by(|one, other| other.created.cmp(&one.created).then(one.id.cmp(&other.id)));
    Ok(views)
}

async fn ask_hubs(cellar: &Cellar, views: &mut [BottleView]) {
    let running: Vec<(usize, BottleId)> = views
        .iter()
        .enumerate()
        .filter(|(_, view)| runs(view, Role::Supervise))
        .map(|(at, view)| (at, view.id.clone()))
        .collect();
    let mut looks = futures_util::stream::iter(running)
        .map(|(at, id)| async move { (at, hub::look(&*cellar.engine, &id).await) })
        .buffer_unordered(LOOKS_AT_ONCE);
    while let Some((at, hub)) = looks.next().await {
        if let Some(view) = views.get_mut(at) {
            if let Some(hub) = &hub {
                describe(view, hub);
            }
            view.hub = hub;
        }
    }
}

/// The container of a role, as it was seen.
pub(crate) fn container(view: &BottleView, role: Role) -> Option<&ContainerSighting> {
    view.containers
        .iter()
        .find(|container| container.role == role)
}

/// Whether the container of a role runs.
pub(crate) fn runs(view: &BottleView, role: Role) -> bool {
    container(view, role).is_some_and(|container| container.state == ContainerState::Running)
}

fn of_record(record: Record) -> BottleView {
    BottleView {
        id: record.id,
        agent: record.spec.agent,
        state: "missing",
        detail: String::from("on record, but the engine has no container of it"),
        created: record.created,
        spec: record.digest,
        is_recorded: true,
        is_demo: record.is_demo,
        is_cut: false,
        containers: Vec::new(),
        hub: None,
        manifest: None,
    }
}

fn of_sighting(sighting: BottleSighting, is_recorded: bool) -> BottleView {
    let mut view = BottleView {
        id: sighting.bottle.id,
        agent: sighting.agent,
        state: "starting",
        detail: String::new(),
        created: sighting.created,
        spec: sighting.spec,
        is_recorded,
        is_demo: sighting.is_demo,
        is_cut: sighting.is_cut,
        containers: sighting.containers,
        hub: None,
        manifest: None,
    };
    let agent = container(&view, Role::Agent).map(|container| container.state.clone());
    (view.state, view.detail) = match agent {
        None => ("degraded", String::from("its agent container is missing")),
        Some(ContainerState::Running) => match missing_sidecar(&view) {
            Some(role) => ("degraded", format!("{} does not run", role.as_str())),
            None => ("running", String::new()),
        },
        Some(ContainerState::Created) => ("starting", String::new()),
        Some(ContainerState::Paused) => ("frozen", String::new()),
        Some(ContainerState::Restarting) => ("starting", String::from("restarting")),
        Some(ContainerState::Exited { code }) => ("stopped", ended_words(code)),
        Some(ContainerState::Dead) => ("failed", String::from("the engine calls it dead")),
        Some(ContainerState::Unknown { word }) => ("unknown", word),
    };
    view
}

fn missing_sidecar(view: &BottleView) -> Option<Role> {
    [Role::Egress, Role::Supervise]
        .into_iter()
        .find(|role| !runs(view, *role))
}

fn ended_words(code: Option<i64>) -> String {
    match code {
        Some(0) => String::from("ended"),
        Some(137) => String::from("killed (exit 137)"),
        Some(143) => String::from("stopped (exit 143)"),
        Some(code) => format!("ended with exit {code}"),
        None => String::new(),
    }
}

fn describe(view: &mut BottleView, hub: &HubView) {
    if view.state != "running" {
        return;
    }
    if let Some(seal) = hub.seal.as_ref().filter(|seal| !seal.holds()) {
        let broken: Vec<&str> = seal
            .checks
            .iter()
            .filter(|check| !check.holds)
            .map(|check| check.name.as_str())
            .collect();
        view.state = "failed";
        view.detail = format!("the seal does not hold: {}", broken.join(", "));
        return;
    }
    let budgets = hub.budgets.as_ref();
    if let Some(words) = budgets.and_then(|budgets| pause_words(budgets, Timestamp::now())) {
        view.state = "paused";
        view.detail = format!("budget: {words}");
        return;
    }
    if let Some(session) = &hub.session {
        view.state = match session.activity {
            Activity::Starting => "starting",
            Activity::Working => "working",
            Activity::Waiting => "waiting",
            Activity::Idle => "idle",
            Activity::Unknown => "running",
        };
        view.detail = session
            .waiting_for
            .clone()
            .or_else(|| session.title.clone())
            .unwrap_or_default();
        let mut health = ModelHealth::default();
        if let Some(seal) = &hub.seal {
            health.begin(seal.at);
        }
        for decision in &hub.decisions {
            health.hear(decision);
        }
        let doing: Doing = session.activity.into();
        let refusal = health
            .refusal
            .filter(|refusal| refusal.kind.doing() > doing);
        if let Some(refusal) = refusal.filter(|_| session.activity != Activity::Starting) {
            let doing = refusal.kind.doing();
            view.state = Phase::Ready { doing }.word();
            view.detail = refusal.words();
        }
    }
}
