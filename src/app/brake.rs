//! Holding bottles still: frozen, cut from the network, or all of both at once.
//!
//! What holds still is the engine's doing and needs no claim, so that it works while
//! something else is done to a bottle. What is to be frozen or cut is on record before the
//! engine is told, a panic too; it is asked again right before anything starts, and put in
//! force again after, so that whoever looks next finishes what was cut off. Who holds and
//! who lets go take turns by a lock. Holding still is never held up by an audit that
//! cannot be written; letting one bottle go is.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join3;
use jiff::Timestamp;

use super::cellar::Cellar;
use super::exit::Failure;
use crate::docker::{self, Brakes, Braking, labels};
use crate::spec::BottleId;
use crate::state::{BottleSighting, ContainerState};
use crate::store::{AuditEvent, Lock, Panic, StoreError};
use crate::wire::Role;

/// Bottles that are held still or let go at the same time.
const AT_ONCE: usize = 32;
/// How often who holds the lock is asked again, and how many times.
const PACE: Duration = Duration::from_millis(20);
const TRIES: u32 = 750;
/// The same for a panic, which goes on without it then.
const PANIC_TRIES: u32 = 50;

/// What came of holding all bottles still, or of letting them go.
#[derive(Debug, Default)]
pub(crate) struct Braked {
    /// The bottles that were frozen, or let go on.
    pub(crate) frozen: BTreeSet<BottleId>,
    /// The bottles whose egress was cut, or connected again.
    pub(crate) cut: BTreeSet<BottleId>,
    /// What could not be done.
    pub(crate) failures: Vec<Failure>,
}

impl Cellar {
    /// Freezes a bottle's agent where it is.
    ///
    /// # Errors
    /// [`Failure`] if it does not run, or the engine cannot.
    pub(crate) async fn freeze(&self, id: &BottleId) -> Result<(), Failure> {
        let attempt = || format!("freeze `{id}`");
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        let _lock = self.lock_brakes(&attempt()).await?;
        match self.agent_state(id, &attempt()).await? {
            Some(ContainerState::Running | ContainerState::Paused) => {}
            _ => {
                return Err(Failure::because(attempt(), "it does not run")
                    .help(format!("`cellar resume {id}` starts it again")));
            }
        }
        let noted = self.store.set_frozen(id, true);
        docker::freeze(&*self.engine, self.store.owner(), id)
            .await
            .map_err(|error| failed(&error))?;
        self.keep_after_panic(|panic| panic.frozen.remove(id));
        self.audit_after(id, AuditEvent::Freeze { in_panic: false });
        noted.map_err(|error| {
            failed(&error).help("it is frozen now, but a change of it would let it go on")
        })
    }

    /// Lets a bottle's agent go on.
    ///
    /// # Errors
    /// [`Failure`] if it is not frozen, a panic holds it, or the engine cannot.
    pub(crate) async fn unfreeze(&self, id: &BottleId) -> Result<(), Failure> {
        let attempt = || format!("unfreeze `{id}`");
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        let _lock = self.lock_brakes(&attempt()).await?;
        self.must_not_panic(&attempt())?;
        let is_paused = self.agent_state(id, &attempt()).await? == Some(ContainerState::Paused);
        if !is_paused && !self.store.is_frozen(id).unwrap_or(true) {
            return Err(Failure::because(attempt(), "it is not frozen"));
        }
        self.audit_before(id, AuditEvent::Unfreeze { in_panic: false })?;
        let noted = self.store.set_frozen(id, false);
        noted.map_err(|error| failed(&error))?;
        docker::unfreeze(&*self.engine, self.store.owner(), id)
            .await
            .map_err(|error| failed(&error))
    }

    /// Takes the network of a bottle's egress away, for as long as it is not given back:
    /// a stop and a resume leave it so.
    ///
    /// # Errors
    /// [`Failure`] if the engine cannot, or it could not be noted, so that a resume would
    /// connect it.
    pub(crate) async fn cut(&self, id: &BottleId) -> Result<(), Failure> {
        let attempt = || format!("cut the egress of `{id}`");
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        let _lock = self.lock_brakes(&attempt()).await?;
        let noted = self.store.set_cut(id, true);
        docker::cut(&*self.engine, self.store.owner(), id)
            .await
            .map_err(|error| failed(&error))?;
        self.keep_after_panic(|panic| panic.cut.remove(id));
        self.audit_after(id, AuditEvent::Cut { in_panic: false });
        noted.map_err(|error| {
            failed(&error).help("it is cut now, but the next resume would connect it again")
        })
    }

    /// Gives a bottle's egress its network back.
    ///
    /// # Errors
    /// [`Failure`] if a panic holds it, or the engine cannot.
    pub(crate) async fn reconnect(&self, id: &BottleId) -> Result<(), Failure> {
        let attempt = || format!("reconnect the egress of `{id}`");
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        let _lock = self.lock_brakes(&attempt()).await?;
        self.must_not_panic(&attempt())?;
        self.audit_before(id, AuditEvent::Reconnect { in_panic: false })?;
        let noted = self.store.set_cut(id, false);
        noted.map_err(|error| failed(&error))?;
        docker::reconnect(&*self.engine, self.store.owner(), id)
            .await
            .map_err(|error| failed(&error))
    }

    /// Freezes every bottle and cuts every egress, ends builds, and lets nothing start
    /// until [`Cellar::lift_panic`]. What is frozen or cut already stays so after it.
    ///
    /// # Errors
    /// [`Failure`] if the engine does not list its bottles. What could not be done to one
    /// bottle is in the answer.
    pub(crate) async fn panic(&self) -> Result<Braked, Failure> {
        // Whoever has the lock for long must not keep an emergency waiting.
        let _lock = self.try_lock(PANIC_TRIES).await;
        let panic = match self.store.panic() {
            Ok(standing) => Some(standing.unwrap_or_else(|| Panic::new(Timestamp::now()))),
            // What cannot be read may hold what another panic noted, and stays as it is.
            Err(_) => None,
        };
        self.hold_all(panic).await
    }

    /// Lets go what a panic holds still, and nothing that was held still beside it.
    ///
    /// # Errors
    /// [`Failure`] if there is no panic. What could not be let go is in the answer, and
    /// still held.
    pub(crate) async fn lift_panic(&self) -> Result<Braked, Failure> {
        let attempt = "let go what the panic holds";
        let failed = |error: &dyn std::error::Error| Failure::new(attempt, error);
        let _lock = self.lock_brakes(attempt).await?;
        let panic = self.store.panic().map_err(|error| {
            failed(&error).help("which bottles it froze and cut cannot be told: move `panic.json` out of the state folder, then `cellar unfreeze` and `cellar reconnect` those that shall go on")
        })?;
        let mut panic = panic.ok_or_else(|| Failure::because(attempt, "there is no panic"))?;
        // From here on nobody holds more than what is still listed.
        panic.is_lifting = true;
        self.store
            .set_panic(&panic)
            .map_err(|error| failed(&error))?;
        let mut braked = Braked::default();
        let mut events = Vec::new();
        let (engine, owner) = (&*self.engine, self.store.owner());
        let connected = each(&panic.cut, |id| async move {
            docker::reconnect(engine, owner, &id).await
        });
        for (id, done) in connected.await {
            match done {
                Ok(()) => {
                    panic.cut.remove(&id);
                    events.push((id.clone(), AuditEvent::Reconnect { in_panic: true }));
                    braked.cut.insert(id);
                }
                Err(error) => {
                    let failure = Failure::new(format!("reconnect the egress of `{id}`"), &error);
                    braked.failures.push(failure);
                }
            }
        }
        let gone_on = each(&panic.frozen, |id| async move {
            docker::unfreeze(engine, owner, &id).await
        });
        for (id, done) in gone_on.await {
            match done {
                Ok(()) => {
                    panic.frozen.remove(&id);
                    events.push((id.clone(), AuditEvent::Unfreeze { in_panic: true }));
                    braked.frozen.insert(id);
                }
                Err(error) => {
                    let failure = Failure::new(format!("unfreeze `{id}`"), &error);
                    braked.failures.push(failure);
                }
            }
        }
        self.audit_all(events).await;
        let is_over = panic.frozen.is_empty() && panic.cut.is_empty();
        let noted = if is_over {
            self.store.lift_panic()
        } else {
            self.store.set_panic(&panic)
        };
        noted.map_err(|error| failed(&error))?;
        Ok(braked)
    }

    /// Finishes what was to be held still when a console was killed, and what came up
    /// since. Gives a sentence for each that could not be.
    pub(super) async fn hold_what_is_to_be(&self) -> Vec<String> {
        let braked = self.store.braked().unwrap_or_default();
        if braked.is_empty() && matches!(self.store.panic(), Ok(None)) {
            return Vec::new();
        }
        let lock = self.lock_brakes("hold still what is to be").await;
        let _lock = match lock {
            Ok(lock) => lock,
            Err(failure) => return vec![failure.line()],
        };
        match self.store.panic() {
            Ok(Some(panic)) if panic.is_lifting => {
                vec![String::from(
                    "letting go of all was cut off: `cellar panic --undo` goes on with it",
                )]
            }
            Ok(Some(panic)) => match self.hold_all(Some(panic)).await {
                Ok(braked) => braked.failures.iter().map(Failure::line).collect(),
                Err(failure) => vec![failure.line()],
            },
            Ok(None) => {
                let braked = braked.into_iter().collect();
                let done = each(&braked, |id| async move { self.put_on_brakes(&id).await });
                let failed = done.await.into_iter().filter_map(|(_, done)| done.err());
                failed.map(|failure| failure.line()).collect()
            }
            Err(error) => vec![Failure::new("tell whether a panic stands", &error).line()],
        }
    }

    /// Holds still what came up although it is not to run.
    pub(super) async fn obey_brakes(&self, id: &BottleId) {
        let is_panic = match self.store.panic() {
            Ok(panic) => panic.is_some_and(|panic| !panic.is_lifting),
            Err(_) => true,
        };
        if is_panic {
            // The next look finishes what fails here.
            drop(self.panic().await);
        } else {
            drop(self.put_on_brakes(id).await);
        }
    }

    /// What is held still of a bottle, asked again whenever it counts. What cannot be told
    /// is taken for a yes.
    pub(super) fn brakes(&self, id: &BottleId) -> Brakes {
        let (store, id) = (self.store.clone(), id.clone());
        Brakes::new(move || {
            let is_panic = store.panic().map_or(true, |panic| panic.is_some());
            Braking {
                is_cut: is_panic || store.is_cut(&id).unwrap_or(true),
                is_held: is_panic || store.is_frozen(&id).unwrap_or(true),
            }
        })
    }

    /// Whether everything is held still.
    pub(super) fn is_panic(&self) -> bool {
        self.store.panic().map_or(true, |panic| panic.is_some())
    }

    /// # Errors
    /// [`Failure`] while everything is held still.
    pub(super) fn must_not_panic(&self, attempt: &str) -> Result<(), Failure> {
        let why = match self.store.panic() {
            Ok(None) => return Ok(()),
            Ok(Some(_)) => String::from("everything is held still by a panic"),
            Err(error) => format!("it cannot be told whether a panic stands: {error}"),
        };
        Err(Failure::because(attempt, why).help("`cellar panic --undo` lifts it"))
    }

    /// # Errors
    /// [`Failure`] if the bottle's agent is frozen, or everything is.
    pub(super) async fn must_not_be_frozen(
        &self,
        attempt: &str,
        id: &BottleId,
    ) -> Result<(), Failure> {
        self.must_not_panic(attempt)?;
        let is_paused = self.agent_state(id, attempt).await? == Some(ContainerState::Paused);
        if is_paused || self.store.is_frozen(id).unwrap_or(true) {
            return Err(Failure::because(attempt, "it is frozen")
                .help(format!("`cellar unfreeze {id}` lets it go on")));
        }
        Ok(())
    }

    /// Forgets that a bottle is frozen, because it does not run any more.
    pub(super) fn forget_freeze(&self, id: &BottleId) {
        // One that is left refuses the next resume, and says how to go on.
        drop(self.store.set_frozen(id, false));
    }

    /// Puts in force what is on record of one bottle.
    async fn put_on_brakes(&self, id: &BottleId) -> Result<(), Failure> {
        let (engine, owner) = (&*self.engine, self.store.owner());
        if self.store.is_cut(id).unwrap_or(true) {
            let cut = docker::cut(engine, owner, id).await;
            cut.map_err(|error| Failure::new(format!("cut the egress of `{id}`"), &error))?;
        }
        if self.store.is_frozen(id).unwrap_or(true) {
            let frozen = docker::freeze(engine, owner, id).await;
            frozen.map_err(|error| Failure::new(format!("freeze `{id}`"), &error))?;
        }
        Ok(())
    }

    /// Holds all still under a panic, which is put on record first; `None` is one that
    /// cannot be read.
    async fn hold_all(&self, panic: Option<Panic>) -> Result<Braked, Failure> {
        let attempt = "hold everything still";
        let mut noted = Ok(());
        let mut panic = panic.map(|panic| Panic {
            is_lifting: false,
            ..panic
        });
        if let Some(panic) = &panic {
            // Before anything else, so that nothing starts meanwhile.
            noted = self.store.set_panic(panic);
        }
        let bottles = self.ours().await?;
        let id = |bottle: &BottleSighting| bottle.bottle.id.clone();
        let running = |bottle: &&BottleSighting| agent_of(bottle) == Some(&ContainerState::Running);
        let frozen: BTreeSet<BottleId> = bottles.iter().filter(running).map(id).collect();
        let connected = |bottle: &&BottleSighting| {
            !bottle.is_cut && !self.store.is_cut(&bottle.bottle.id).unwrap_or(false)
        };
        let cut: BTreeSet<BottleId> = bottles.iter().filter(connected).map(id).collect();
        if let Some(panic) = &mut panic {
            panic.frozen.extend(frozen.iter().cloned());
            panic.cut.extend(cut.iter().cloned());
            noted = noted.and_then(|()| self.store.set_panic(panic));
        }
        let mut all: BTreeSet<BottleId> = bottles.iter().map(id).collect();
        // A bottle that is still being made may have a build and nothing else.
        let records = self.store.records().map(|(records, _)| records);
        all.extend(records.into_iter().flatten().map(|record| record.id));
        let (engine, owner) = (&*self.engine, self.store.owner());
        let held = each(&all, |id| async move {
            join3(
                docker::cut(engine, owner, &id),
                docker::freeze(engine, owner, &id),
                docker::remove_builds(engine, owner, &id),
            )
            .await
        });
        let mut braked = Braked::default();
        let mut events = Vec::new();
        for (id, (was_cut, was_frozen, built)) in held.await {
            if was_cut.is_ok() && cut.contains(&id) {
                events.push((id.clone(), AuditEvent::Cut { in_panic: true }));
                braked.cut.insert(id.clone());
            }
            if was_frozen.is_ok() && frozen.contains(&id) {
                events.push((id.clone(), AuditEvent::Freeze { in_panic: true }));
                braked.frozen.insert(id.clone());
            }
            let done = [
                ("cut the egress of", was_cut),
                ("freeze", was_frozen),
                ("end the build for", built),
            ];
            braked
                .failures
                .extend(done.into_iter().filter_map(|(what, done)| {
                    let error = done.err()?;
                    Some(Failure::new(format!("{what} `{id}`"), &error))
                }));
        }
        self.audit_all(events).await;
        if let Err(error) = noted {
            let failure = Failure::new(attempt, &error).help(
                "bottles can still be started, and `panic --undo` does not know which to let go",
            );
            braked.failures.push(failure);
        }
        Ok(braked)
    }

    /// What the operator holds still while a panic stands stays so after it.
    fn keep_after_panic(&self, forget: impl FnOnce(&mut Panic) -> bool) {
        if let Ok(Some(mut panic)) = self.store.panic()
            && forget(&mut panic)
        {
            // It would be let go with the others, and can be held again then.
            drop(self.store.set_panic(&panic));
        }
    }

    async fn lock_brakes(&self, attempt: &str) -> Result<Lock, Failure> {
        let lock = self.try_lock(TRIES).await;
        let lock = lock.map_err(|error| Failure::new(attempt, &error))?;
        lock.ok_or_else(|| {
            Failure::because(
                attempt,
                "another cellar holds bottles still or lets them go",
            )
            .help("wait for it to finish, then try again")
        })
    }

    async fn try_lock(&self, tries: u32) -> Result<Option<Lock>, StoreError> {
        for _ in 0..tries {
            if let Some(lock) = self.store.lock_brakes()? {
                return Ok(Some(lock));
            }
            tokio::time::sleep(PACE).await;
        }
        Ok(None)
    }

    /// As [`Cellar::audit_after`], for many, on a thread for that: each waits for the disk.
    async fn audit_all(&self, events: Vec<(BottleId, AuditEvent)>) {
        let cellar = self.clone();
        let noting = tokio::task::spawn_blocking(move || {
            for (id, event) in events {
                cellar.audit_after(&id, event);
            }
        });
        // A thread that died noted what it could.
        drop(noting.await);
    }

    /// As [`Cellar::audit`], of a bottle by its id.
    fn audit_before(&self, id: &BottleId, event: AuditEvent) -> Result<(), Failure> {
        let record = self.store.record(id);
        let record =
            record.map_err(|error| Failure::new(format!("read the record of `{id}`"), &error))?;
        self.audit(&record, event)
    }

    async fn ours(&self) -> Result<Vec<BottleSighting>, Failure> {
        let mut sightings = self.sightings().await?;
        sightings.retain(|bottle| bottle.owner == self.store.owner());
        Ok(sightings)
    }

    async fn agent_state(
        &self,
        id: &BottleId,
        attempt: &str,
    ) -> Result<Option<ContainerState>, Failure> {
        let containers = self.engine.containers(&labels::of_bottle(id)).await;
        let containers = containers.map_err(|error| Failure::new(attempt, &error))?;
        let mut containers = containers.into_iter();
        let agent = containers.find(|found| labels::role(&found.labels) == Some(Role::Agent));
        Ok(agent.map(|found| found.state))
    }
}

/// Does something to several bottles at once.
async fn each<Done, Work>(
    ids: &BTreeSet<BottleId>,
    work: impl Fn(BottleId) -> Work,
) -> Vec<(BottleId, Done)>
where
    Work: Future<Output = Done>,
{
    let (work, ids) = (&work, ids.clone());
    futures_util::stream::iter(ids)
        .map(|id| async move { (id.clone(), work(id).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

fn agent_of(bottle: &BottleSighting) -> Option<&ContainerState> {
    let mut containers = bottle.containers.iter();
    let agent = containers.find(|container| container.role == Role::Agent);
    agent.map(|container| &container.state)
}
