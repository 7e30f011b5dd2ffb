//! What the command line and the console both do to bottles: each operation once,
//! claimed, journaled before its first effect and closed after its last.

mod budgets;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::answer::answer;
use super::audit::{resumed, started};
use super::change::Work;
use super::exit::{Exit, Failure};
use super::gather::Values;
use super::hub::Talk;
use super::links::Links;
use super::planning;
use crate::docker::{
    self, Credentials, DockerEngine, Engine, EngineAddress, EngineError, GuestBinary, HomeFile,
    Line, Meter, Progress, Up, UpRequest, Whereabouts,
};
use crate::manifest::Plan;
use crate::policy::RouteSet;
use crate::spec::{BottleId, BottleName, Spec};
use crate::state::BottleSighting;
use crate::store::{
    AuditEvent, Cause, Claim, Operation, Outcome, RECORD_VERSION, Record, Store, StoreError,
};
use crate::wire::{HoldRecord, RoleReport, RoleState, ToEgress};

/// How often a made-up id is made up again when it is taken.
const ID_TRIES: usize = 16;

/// The operator's side of everything: one engine and the record.
#[derive(Clone, Debug)]
pub(crate) struct Cellar {
    /// The engine.
    pub(crate) engine: Arc<dyn Engine>,
    /// The record.
    pub(crate) store: Store,
    /// Lines to hubs that are held anyway.
    pub(super) links: Links,
    guest: GuestBinary,
    /// Whether the engine's socket is one of this machine, as its files may be then.
    has_local_engine: bool,
}

/// What to start.
#[derive(Debug)]
pub(crate) struct StartRequest {
    /// The first part of a made-up id.
    pub(crate) name: BottleName,
    /// The id, where the operator chose one.
    pub(crate) id: Option<BottleId>,
    /// How the bottle is made.
    pub(crate) spec: Spec,
    /// Files for its home.
    pub(crate) home_files: Vec<HomeFile>,
    /// Values handed over.
    pub(crate) values: Values,
    /// Whether it belongs to the demo.
    pub(crate) is_demo: bool,
    /// Who hears of the id as soon as the bottle is on record.
    pub(crate) reserved: Option<oneshot::Sender<BottleId>>,
}

impl StartRequest {
    /// What a confirmed plan starts.
    pub(crate) fn of_plan(plan: &Plan, id: Option<BottleId>, values: Values) -> Self {
        let home_files = plan.home_files.iter().map(|file| HomeFile {
            path: file.path.clone(),
            mode: file.mode,
            content: file.content.clone().into(),
        });
        Self {
            name: plan.name.clone(),
            id,
            spec: plan.spec.clone(),
            home_files: home_files.collect(),
            values,
            is_demo: false,
            reserved: None,
        }
    }
}

/// What a change of routes came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoutesChange {
    /// The routes now on record.
    pub(crate) routes: RouteSet,
    /// Which table it is.
    pub(crate) generation: u64,
    /// Since when they are in force.
    pub(crate) reach: Reach,
}

/// When something that was told to a bottle begins to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It does already: egress said so.
    Now,
    /// The bottle does not run, or its egress did not answer.
    AtItsNextStart,
}

impl Cellar {
    /// What reads what containers use.
    pub(super) fn meter(&self) -> Meter {
        Meter::new(Arc::clone(&self.engine), self.whereabouts())
    }

    /// Whether the engine may be on this machine.
    pub(super) const fn whereabouts(&self) -> Whereabouts {
        if self.has_local_engine {
            Whereabouts::Here
        } else {
            Whereabouts::Elsewhere
        }
    }

    /// Connects to the engine and opens the record.
    ///
    /// # Errors
    /// [`Failure`] with [`Exit::NoEngine`] if no engine answers.
    pub(crate) async fn open() -> Result<Self, Failure> {
        // Where the limit cannot be raised, fewer bottles are watched; doctor says so.
        let _limit = docker::raise_open_files();
        let store = open_store()?;
        let (engine, address) = connect().await?;
        let guest = GuestBinary::of_self(Some(&store.cache_file("guest-digest")))
            .map_err(|error| Failure::new("read this program's own file", &error))?;
        Ok(Self {
            engine,
            store,
            links: Links::default(),
            guest,
            has_local_engine: matches!(address, EngineAddress::Unix(_)),
        })
    }

    /// The binary that plays the roles.
    pub(crate) const fn guest(&self) -> &GuestBinary {
        &self.guest
    }

    /// Opens a line to a bottle's session, the short way where there is one.
    ///
    /// # Errors
    /// As [`docker::session_line`].
    pub(crate) async fn session_line(&self, id: &BottleId) -> Result<Line, EngineError> {
        match docker::local_line(&self.store.line_folder(id)).await {
            Some(line) => Ok(line),
            None => docker::session_line(&*self.engine, id).await,
        }
    }

    /// The folder for lines beside a local engine. Without it the engine carries them.
    pub(super) fn line_folder(&self, id: &BottleId) -> Option<PathBuf> {
        let folder = self.store.line_folder(id);
        (self.has_local_engine && docker::make_line_folder(&folder).is_ok()).then_some(folder)
    }

    /// The bottles on the engine.
    pub(crate) async fn sightings(&self) -> Result<Vec<BottleSighting>, Failure> {
        docker::sightings(&*self.engine)
            .await
            .map_err(|error| Failure::new("list the bottles", &error))
    }

    /// Finds the one bottle of ours that a text names: its id, or the beginning of it.
    pub(crate) fn find(&self, text: &str) -> Result<BottleId, Failure> {
        let attempt = || format!("find the bottle `{text}`");
        let (records, _) = self
            .store
            .records()
            .map_err(|error| Failure::new(attempt(), &error))?;
        let ids: Vec<&BottleId> = records.iter().map(|record| &record.id).collect();
        if let Some(id) = ids.iter().find(|id| id.as_str() == text) {
            return Ok((*id).clone());
        }
        let matches: Vec<&&BottleId> = ids
            .iter()
            .filter(|id| id.as_str().starts_with(text))
            .collect();
        match matches.as_slice() {
            [id] => Ok((**id).clone()),
            [] => Err(Failure::because(attempt(), "no bottle has this name")
                .help("`cellar list` shows the bottles there are")),
            several => {
                let names: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
                Err(
                    Failure::because(attempt(), format!("several begin so: {}", names.join(", ")))
                        .help("type more of the name"),
                )
            }
        }
    }

    /// Makes a bottle and waits until its session runs.
    pub(crate) async fn start(
        &self,
        request: StartRequest,
        progress: mpsc::Sender<Progress>,
    ) -> Result<Up, Failure> {
        let attempt = format!("start `{}`", request.name);
        self.must_not_panic(&attempt)?;
        let digest = request
            .spec
            .digest()
            .map_err(|error| Failure::new(&*attempt, &error))?;
        let info = self
            .engine
            .info()
            .await
            .map_err(|error| Failure::new(&*attempt, &error))?;
        let work = Work::told_to(progress.clone());
        let claim = self.reserve(&request, digest, &info.id)?;
        if let Some(reserved) = request.reserved {
            // Who does not listen any more needs no id.
            drop(reserved.send(claim.id().clone()));
        }
        let mut building = match self.build_slot(claim.id(), &request.spec, &work).await {
            Ok(slot) => slot,
            Err(failure) => {
                let removed = claim.remove();
                removed.map_err(|error| Failure::new(&*attempt, &error))?;
                return Err(failure);
            }
        };
        let up = docker::up(
            Arc::clone(&self.engine),
            UpRequest {
                id: claim.id().clone(),
                owner: self.store.owner().to_owned(),
                spec: request.spec,
                digest,
                revision: 1,
                prices: planning::own_prices(),
                is_demo: request.is_demo,
                home_files: request.home_files,
                secrets: request.values.variables,
                credentials: request.values.credentials,
                message: None,
                guest: self.guest.clone(),
                brakes: self.brakes(claim.id()),
                line_folder: self.line_folder(claim.id()),
            },
            progress,
        )
        .await;
        if let Some(building) = &mut building {
            building.end(up.as_ref().map(Some));
        }
        match up {
            Ok(up) => {
                self.obey_brakes(claim.id()).await;
                if let Ok(record) = claim.record() {
                    self.audit_up(&record, started, Ok(&up))?;
                }
                close(&claim, Operation::Start, "ready", Outcome::Done)?;
                Ok(up)
            }
            Err(error) => {
                let mut failure = Failure::new(format!("start `{}`", claim.id()), &error);
                if failure.line().contains("setting rlimit") {
                    failure = failure.help("the engine may not raise limits that far: lower `open_files` in the template's limits");
                }
                if let Ok(record) = claim.record() {
                    self.audit_up(&record, started, Err(failure.cause()))?;
                }
                if error.undo.is_none() {
                    claim
                        .remove()
                        .map_err(|error| Failure::new(attempt, &error))?;
                }
                Err(failure)
            }
        }
    }

    fn reserve(
        &self,
        request: &StartRequest,
        digest: crate::spec::Digest,
        engine: &str,
    ) -> Result<Claim, Failure> {
        let attempt = || format!("start `{}`", request.name);
        for _ in 0..ID_TRIES {
            let id = match &request.id {
                Some(id) => id.clone(),
                None => mint(&request.name)?,
            };
            let record = Record {
                version: RECORD_VERSION,
                id,
                created: Timestamp::now(),
                engine: engine.to_owned(),
                is_demo: request.is_demo,
                revision: 1,
                digest,
                spec: request.spec.clone(),
            };
            match self.store.reserve(&record) {
                Ok(claim) => return Ok(claim),
                Err(StoreError::Taken { .. }) if request.id.is_none() => {}
                Err(error) => return Err(Failure::new(attempt(), &error)),
            }
        }
        Err(
            Failure::because(attempt(), "every id that was made up is taken")
                .help("give the bottle a name with --name"),
        )
    }

    /// Stops a bottle: the agent gracefully, then its sidecars. Nothing is lost.
    pub(crate) async fn stop(&self, id: &BottleId) -> Result<(), Failure> {
        let claim = self.claim("stop", id)?;
        self.stop_claimed(&claim).await
    }

    async fn stop_claimed(&self, claim: &Claim) -> Result<(), Failure> {
        let attempt = format!("stop `{}`", claim.id());
        // What is frozen goes on until it has ended.
        self.must_not_panic(&attempt)?;
        let grace = claim.record().map_or(Duration::from_secs(10), |record| {
            record.spec.limits.stop_grace
        });
        close(claim, Operation::Stop, "asked", Outcome::Begun)?;
        docker::stop(&*self.engine, self.store.owner(), claim.id(), grace)
            .await
            .map_err(|error| {
                Failure::new(attempt, &error).help("`cellar doctor` checks the engine")
            })?;
        self.forget_freeze(claim.id());
        self.audit_after(claim.id(), AuditEvent::Stop);
        close(claim, Operation::Stop, "stopped", Outcome::Done)
    }

    /// Starts a stopped bottle again with its files and its conversation.
    pub(crate) async fn resume(
        &self,
        id: &BottleId,
        values: Values,
        progress: mpsc::Sender<Progress>,
    ) -> Result<Up, Failure> {
        let attempt = || format!("resume `{id}`");
        self.must_not_be_frozen(&attempt(), id).await?;
        let claim = self.claim("resume", id)?;
        let record = claim
            .record()
            .map_err(|error| Failure::new(attempt(), &error))?;
        let audited = record.clone();
        let work = Work::told_to(progress.clone());
        let mut building = self.build_slot(id, &record.spec, &work).await?;
        close(&claim, Operation::Resume, "asked", Outcome::Begun)?;
        let up = docker::resume(
            Arc::clone(&self.engine),
            UpRequest {
                id: id.clone(),
                owner: self.store.owner().to_owned(),
                spec: record.spec,
                digest: record.digest,
                revision: record.revision,
                prices: planning::own_prices(),
                is_demo: record.is_demo,
                home_files: Vec::new(),
                secrets: values.variables,
                credentials: values.credentials,
                message: None,
                guest: self.guest.clone(),
                brakes: self.brakes(id),
                line_folder: self.line_folder(id),
            },
            progress,
        )
        .await;
        if let Some(building) = &mut building {
            building.end(up.as_ref().map(Some));
        }
        match up {
            Ok(up) => {
                self.obey_brakes(id).await;
                self.audit_up(&audited, resumed, Ok(&up))?;
                close(&claim, Operation::Resume, "ready", Outcome::Done)?;
                Ok(up)
            }
            Err(error) => {
                close(&claim, Operation::Resume, "failed", Outcome::Failed)?;
                let failure = Failure::new(attempt(), &error);
                self.audit_up(&audited, resumed, Err(failure.cause()))?;
                Err(failure)
            }
        }
    }

    /// Stops a bottle, if it runs, and starts it again with its files and its conversation.
    ///
    /// # Errors
    /// [`Failure`]; a bottle that was stopped by then is stopped.
    pub(crate) async fn restart(
        &self,
        id: &BottleId,
        values: Values,
        progress: mpsc::Sender<Progress>,
    ) -> Result<(), Failure> {
        self.must_not_panic(&format!("restart `{id}`"))?;
        self.stop(id).await?;
        self.resume(id, values, progress).await.map(drop)
    }

    /// Hands a running bottle's egress the values that its routes name.
    ///
    /// # Errors
    /// [`Failure`] if egress does not answer, or still misses one.
    pub(crate) async fn unlock(
        &self,
        id: &BottleId,
        credentials: Credentials,
    ) -> Result<(), Failure> {
        let attempt = || format!("unlock `{id}`");
        let mut talk = Talk::open(&*self.engine, id).await.map_err(|error| {
            Failure::new(attempt(), &error)
                .help("a stopped bottle is handed them by `cellar resume`")
        })?;
        if credentials.is_empty() {
            return Ok(());
        }
        if let Ok(record) = self.store.record(id) {
            let secrets = credentials.keys().map(ToString::to_string).collect();
            self.audit(&record, AuditEvent::Unlock { secrets })?;
        }
        let values = credentials.iter();
        let values = values.map(|(name, value)| (name.to_string(), value.expose().clone()));
        let order = ToEgress::Secrets {
            values: values.collect(),
        };
        let missing = talk.tell(order, |report| {
            let RoleReport::State { state } = report else {
                return None;
            };
            if let RoleState::Locked { missing } = state {
                return Some(missing.clone());
            }
            Some(Vec::new())
        });
        let missing = missing
            .await
            .map_err(|error| Failure::new(attempt(), &error))?;
        if missing.is_empty() {
            return Ok(());
        }
        let why = format!("egress still misses {}", missing.join(", "));
        Err(Failure::because(attempt(), why).help(format!("`cellar logs {id}` shows what it said")))
    }

    /// Removes a bottle with its volumes, running or not, and takes it off the record.
    pub(crate) async fn remove(&self, id: &BottleId) -> Result<(), Failure> {
        let claim = self.claim("remove", id)?;
        self.remove_claimed(claim).await
    }

    async fn remove_claimed(&self, claim: Claim) -> Result<(), Failure> {
        let attempt = format!("remove `{}`", claim.id());
        self.audit_after(claim.id(), AuditEvent::Remove);
        close(&claim, Operation::Remove, "asked", Outcome::Begun)?;
        docker::remove(&*self.engine, self.store.owner(), claim.id())
            .await
            .map_err(|error| {
                Failure::new(&*attempt, &error).help("the next `cellar` command tries again")
            })?;
        claim
            .remove()
            .map_err(|error| Failure::new(attempt, &error))
    }

    /// Changes a bottle's routes. The record holds them first, then egress has them, so
    /// that whatever happens in between, the next look puts the record in force.
    ///
    /// # Errors
    /// [`Failure`] with the old routes on record and in force, if the new ones
    /// contradict themselves or egress refuses them.
    pub(crate) async fn change_routes(
        &self,
        id: &BottleId,
        change: impl FnOnce(&mut RouteSet) -> Result<(), Failure>,
    ) -> Result<RoutesChange, Failure> {
        let attempt = || format!("change the routes of `{id}`");
        let claim = self.claim("change the routes of", id)?;
        let record = claim
            .record()
            .map_err(|error| Failure::new(attempt(), &error))?;
        let mut spec = record.spec.clone();
        change(&mut spec.routes)?;
        let changed = self
            .step_routes(&claim, Operation::Routes, record, spec, Cause::Operator)
            .await?;
        close(&claim, Operation::Routes, "in force", Outcome::Done)?;
        Ok(changed)
    }

    /// Takes a claimed bottle to a spec that differs in its routes alone, and leaves the
    /// operation open in the journal unless it failed.
    ///
    /// # Errors
    /// As [`Cellar::change_routes`].
    pub(super) async fn step_routes(
        &self,
        claim: &Claim,
        operation: Operation,
        old: Record,
        spec: Spec,
        cause: Cause,
    ) -> Result<RoutesChange, Failure> {
        let attempt = || format!("change the routes of `{}`", claim.id());
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        let mut new = Record {
            spec,
            ..old.clone()
        };
        if let Some(problem) = new.spec.routes.problems().first() {
            return Err(failed(problem));
        }
        new.revision += 1;
        new.digest = new.spec.digest().map_err(|error| failed(&error))?;
        close(claim, operation, "record", Outcome::Begun)?;
        claim
            .update(&new, old.revision, cause)
            .map_err(|error| failed(&error))?;
        match self.put_in_force(&new).await {
            Ok(reach) => Ok(RoutesChange {
                routes: new.spec.routes,
                generation: u64::from(new.revision),
                reach,
            }),
            Err(why) => {
                // Under a new number: a table once refused must not look like a new one.
                let mut undone = old;
                undone.revision = new.revision + 1;
                claim
                    .update(&undone, new.revision, Cause::Refused)
                    .map_err(|error| failed(&error))?;
                close(claim, operation, "refused", Outcome::Failed)?;
                Err(Failure::because(
                    attempt(),
                    format!("egress refused them: {why}"),
                ))
            }
        }
    }

    /// Tells a bottle's egress the routes on record. The error is egress's own.
    pub(super) async fn put_in_force(&self, record: &Record) -> Result<Reach, String> {
        let Ok(mut talk) = Talk::over(&self.links, &*self.engine, &record.id).await else {
            return Ok(Reach::AtItsNextStart);
        };
        let generation = u64::from(record.revision);
        let order = ToEgress::Routes {
            generation,
            routes: record.spec.routes.clone(),
            prices: planning::own_prices(),
        };
        let answered = talk.tell(order, |report| {
            if let RoleReport::Routes {
                generation: there,
                routes,
            } = report
            {
                // An egress of before there were budgets reads past them.
                let is_whole = *there > generation || routes.budgets == record.spec.routes.budgets;
                let answer = is_whole.then_some(()).ok_or_else(|| {
                    String::from("it is of an earlier version, which knows no budgets; stop and resume the bottle first")
                });
                return (*there >= generation).then_some(answer);
            }
            let RoleReport::RoutesRefused {
                generation: there,
                why,
            } = report
            else {
                return None;
            };
            (*there == generation).then(|| Err(why.clone()))
        });
        match answered.await {
            Ok(answer) => answer.map(|()| Reach::Now),
            Err(_) => Ok(Reach::AtItsNextStart),
        }
    }

    /// Lets through what a bottle's egress holds: adds a route for its host and port, or
    /// for the one request that is asked for.
    pub(crate) async fn accept(&self, id: &BottleId, hold: u64) -> Result<RoutesChange, Failure> {
        let attempt = || format!("let through what waits as {hold} in `{id}`");
        let (_, held) = self.held(id, hold).await?;
        self.change_routes(id, |routes| {
            let route = answer(&held, routes).map_err(|why| Failure::because(attempt(), why))?;
            routes.routes.push(route);
            Ok(())
        })
        .await
    }

    async fn held(&self, id: &BottleId, hold: u64) -> Result<(Talk, HoldRecord), Failure> {
        let attempt = || format!("find what waits as {hold} in `{id}`");
        let talk = Talk::over(&self.links, &*self.engine, id)
            .await
            .map_err(|error| Failure::new(attempt(), &error))?;
        let held = talk.view.holds.iter().find(|held| held.id == hold).cloned();
        held.map(|held| (talk, held)).ok_or_else(|| {
            Failure::because(attempt(), "nothing waits under this number")
                .help(format!("`cellar egress {id}` shows what waits"))
        })
    }

    /// Refuses what a bottle's egress holds.
    pub(crate) async fn refuse(&self, id: &BottleId, hold: u64) -> Result<(), Failure> {
        let attempt = || format!("refuse what waits as {hold} in `{id}`");
        let (mut talk, held) = self.held(id, hold).await?;
        let record = self.store.record(id);
        let record = record.map_err(|error| Failure::new(attempt(), &error))?;
        let (host, port) = (held.host, held.port);
        self.audit(&record, AuditEvent::HoldRefused { host, port })?;
        let order = ToEgress::Refuse { hold };
        talk.tell(order, |report| {
            matches!(report, RoleReport::HoldOver { id, .. } if *id == hold).then_some(())
        })
        .await
        .map_err(|error| Failure::new(attempt(), &error))
    }

    /// Finishes or undoes what a killed console left half done. Gives a sentence for
    /// each, for the operator.
    pub(crate) async fn recover(&self) -> Vec<String> {
        // Before anything is started again.
        let held = self.hold_what_is_to_be().await;
        let unfinished = match self.store.unfinished() {
            Ok(unfinished) => unfinished,
            Err(error) => return vec![Failure::new("look for half-done work", &error).line()],
        };
        let mut notes = held;
        if self.is_panic() && !unfinished.is_empty() {
            notes.push(String::from(
                "what was cut off is finished when `cellar panic --undo` has let everything go",
            ));
            return notes;
        }
        for found in unfinished {
            let id = found.claim.id().clone();
            let is_frozen = self.store.is_frozen(&id).unwrap_or(true);
            if is_frozen && matches!(found.operation, Operation::Change | Operation::Answer) {
                notes.push(format!(
                    "{id}: what was cut off is finished when `cellar unfreeze {id}` has let it go on"
                ));
                continue;
            }
            let (mended, words) = match found.operation {
                Operation::Start => (
                    self.remove_claimed(found.claim).await,
                    "its start was cut off: undone",
                ),
                Operation::Remove => (
                    self.remove_claimed(found.claim).await,
                    "its removal was cut off: finished",
                ),
                Operation::Stop => (
                    self.stop_claimed(&found.claim).await,
                    "its stop was cut off: finished",
                ),
                Operation::Routes => (
                    self.finish_routes(&found.claim).await,
                    "a change of its routes was cut off: finished",
                ),
                Operation::Change => (
                    self.finish_change(&found.claim).await,
                    "a change of its image or session was cut off: finished",
                ),
                Operation::Answer => (
                    self.finish_answers(&found.claim).await,
                    "the answer to a request was cut off: finished",
                ),
                Operation::Resume => (
                    self.stop_claimed(&found.claim).await,
                    "its resume was cut off: stopped again, `cellar resume` takes it up",
                ),
            };
            notes.push(match mended {
                Ok(()) => format!("{id}: {words}"),
                Err(failure) => format!("{id}: {words}, but {}", failure.line()),
            });
        }
        notes
    }

    async fn finish_routes(&self, claim: &Claim) -> Result<(), Failure> {
        let attempt = || format!("change the routes of `{}`", claim.id());
        let record = claim
            .record()
            .map_err(|error| Failure::new(attempt(), &error))?;
        match self.put_in_force(&record).await {
            Ok(_) => close(claim, Operation::Routes, "in force", Outcome::Done),
            Err(why) => {
                close(claim, Operation::Routes, "refused", Outcome::Failed)?;
                Err(Failure::because(
                    attempt(),
                    format!("egress refused them: {why}"),
                ))
            }
        }
    }

    pub(super) fn claim(&self, verb: &str, id: &BottleId) -> Result<Claim, Failure> {
        let attempt = || format!("{verb} `{id}`");
        self.store
            .claim(id)
            .map_err(|error| Failure::new(attempt(), &error))?
            .ok_or_else(|| {
                Failure::because(attempt(), "another cellar is working on this bottle")
                    .help("wait for it to finish, then try again")
            })
    }
}

/// Opens the record where it belongs.
pub(crate) fn open_store() -> Result<Store, Failure> {
    let root = Store::default_root().ok_or_else(|| {
        Failure::because("find the state folder", "no home folder is known")
            .help("set HOME or XDG_STATE_HOME")
    })?;
    Store::open(&root).map_err(|error| {
        Failure::new("open the state folder", &error)
            .help("check that it is yours and that its disk has room; XDG_STATE_HOME moves it")
    })
}

/// Connects to the engine that the environment names, or the one that is found.
pub(crate) async fn connect() -> Result<(Arc<dyn Engine>, EngineAddress), Failure> {
    const HELP: &str =
        "start Docker or Podman, or point DOCKER_HOST at it; `cellar doctor` tells more";
    let address = EngineAddress::discover().map_err(|error| {
        Failure::new("find an engine", &error)
            .exit(Exit::NoEngine)
            .help(HELP)
    })?;
    let engine = DockerEngine::connect(&address).await.map_err(|error| {
        Failure::new("reach the engine", &error)
            .exit(Exit::NoEngine)
            .help(HELP)
    })?;
    Ok((Arc::new(engine), address))
}

fn mint(name: &BottleName) -> Result<BottleId, Failure> {
    let mut random = [0; 5];
    getrandom::fill(&mut random).map_err(|error| {
        Failure::because("make up an id", format!("no random numbers: {error}"))
    })?;
    Ok(BottleId::mint(name, random))
}

pub(super) fn close(
    claim: &Claim,
    operation: Operation,
    step: &str,
    outcome: Outcome,
) -> Result<(), Failure> {
    claim.note(operation, step, outcome).map_err(|error| {
        Failure::new(format!("{} `{}`", operation.as_str(), claim.id()), &error)
            .help("the state folder's disk may be full; the next `cellar` command mends what is half done")
    })
}
