//! Changing a bottle in more than its routes: another image, another session.
//!
//! The image is made and tried beside the running bottle, under a lock of its own, so
//! that whatever else the bottle needs meanwhile can be done. Only then is the bottle
//! claimed, the step written on record, and the agent container put in the place of the
//! old one; if it does not come up, the step is undone the same way. Killed before the
//! record names the step, nothing has changed; killed after, the next look puts in force
//! what the record says.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::cancel::{CANCELLED, Cancel};
use super::cellar::{Cellar, Reach, close};
use super::exit::Failure;
use super::hub::Talk;
use super::{gather, planning};
use crate::docker::{self, Credentials, Progress, Step, StepNews, UpRequest};
use crate::spec::{BottleId, Spec};
use crate::store::{Cause, Claim, Lock, Operation, Outcome, Record};

/// How often a change looks for its bottle.
const PACE: Duration = Duration::from_millis(250);
/// How often a bottle that somebody else works on is asked for.
const CLAIM_TRIES: u32 = 120;
/// News of steps that may wait.
const WAITING_NEWS: usize = 256;

/// What a change needs beside the spec.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// Who hears how it goes.
    pub(crate) news: mpsc::Sender<Progress>,
    /// What the session is told when it is back.
    pub(crate) message: Option<String>,
    /// Whether it is to be given up.
    pub(crate) cancel: Cancel,
}

impl Work {
    /// Told to nobody.
    pub(crate) fn silent() -> Self {
        Self::told_to(mpsc::channel(WAITING_NEWS).0)
    }

    /// Told to whoever listens.
    pub(crate) fn told_to(news: mpsc::Sender<Progress>) -> Self {
        Self {
            news,
            message: None,
            cancel: Cancel::new(),
        }
    }

    /// The same, with a word to the session.
    pub(super) fn with(&self, message: String) -> Self {
        Self {
            message: Some(message),
            ..self.clone()
        }
    }

    /// For a bottle that goes back to what it was.
    pub(super) fn rolled_back(&self, to: u32) -> Self {
        let message = format!(
            "[cellar] The operator took this bottle back to what it was at its revision {to}. Your session was restarted for it; files and conversation are kept, running programs are not. This is not a message of the operator."
        );
        self.with(message)
    }

    pub(super) fn say(&self, step: Step, text: String) {
        let news = StepNews::Output(text);
        // A listener that is slow or gone loses news, never blocks.
        drop(self.news.try_send(Progress { step, news }));
    }
}

/// What a change came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The revision that it made.
    pub(crate) revision: u32,
    /// Since when it is in force.
    pub(crate) reach: Reach,
}

impl Cellar {
    /// Takes the right to change a bottle in more than its routes, so that no two changes
    /// are made at once and each is told of by who made it.
    ///
    /// # Errors
    /// [`Failure`] while another live process has it.
    pub(super) fn work_on(&self, id: &BottleId) -> Result<Lock, Failure> {
        let attempt = || format!("change `{id}`");
        let lock = self.store.work(id);
        let lock = lock.map_err(|error| Failure::new(attempt(), &error))?;
        lock.ok_or_else(|| {
            Failure::because(attempt(), "another cellar is changing its image or session")
                .help("wait for it to finish; `cellar requests --all` tells what came of it")
        })
    }

    /// Takes a bottle to the spec that `next` makes of the one it has, which may differ in
    /// anything but its volumes. `_lock` is [`Cellar::work_on`]'s. `next` is asked twice: before the image is made, and
    /// again when the bottle is claimed, because its routes may have changed meanwhile.
    /// It can be given up until the step is written on record.
    ///
    /// # Errors
    /// [`Failure`] with the bottle as it was, unless it says otherwise.
    pub(super) async fn change_whole(
        &self,
        id: &BottleId,
        cause: Cause,
        next: impl Fn(&Spec) -> Result<Spec, String>,
        (_lock, work): (&Lock, &Work),
    ) -> Result<Changed, Failure> {
        let attempt = || format!("change `{id}`");
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        let because = |why: String| Failure::because(attempt(), why);
        // What a killed console or an interrupted build left; nobody else builds for it.
        let left = docker::remove_builds(&*self.engine, self.store.owner(), id).await;
        left.map_err(|error| failed(&error))?;
        let before = self.store.record(id).map_err(|error| failed(&error))?;
        let wanted = next(&before.spec).map_err(because)?;
        sound(&wanted).map_err(because)?;
        let draft = Record {
            spec: wanted.clone(),
            ..before
        };
        let claimed = async {
            self.prepare(&draft, work).await?;
            self.claim_patiently(id).await
        };
        let claim = tokio::select! {
            biased;
            () = work.cancel.asked() => None,
            claim = claimed => Some(claim?),
        };
        let Some(claim) = claim else {
            self.clear_up(id, work).await;
            return Err(because(CANCELLED.to_owned()));
        };
        let now = claim.record().map_err(|error| failed(&error))?;
        let spec = next(&now.spec).map_err(because)?;
        if spec.image != wanted.image {
            let why = String::from("its image was changed by somebody else meanwhile");
            return Err(because(why).help("look at it again"));
        }
        if !work.cancel.pass() {
            return Err(because(CANCELLED.to_owned()));
        }
        self.commit(&claim, now, spec, cause, work).await
    }

    /// Removes what [`Cellar::prepare`] leaves when it is dropped.
    async fn clear_up(&self, id: &BottleId, work: &Work) {
        for _ in 0..2 {
            let cleared = docker::unprepare(&*self.engine, self.store.owner(), id).await;
            if let Err(error) = cleared {
                let failure = Failure::new(format!("clear up behind a build for `{id}`"), &error);
                work.say(Step::AgentImage, failure.line());
            }
            // What the engine was asked for when it was dropped may come late.
            tokio::time::sleep(PACE).await;
        }
    }

    /// Makes and tries the image of a record's spec. Nothing of the bottle changes.
    async fn prepare(&self, draft: &Record, work: &Work) -> Result<(), Failure> {
        let attempt = || format!("make the image of `{}`", draft.id);
        let request = self.up_request(draft, work);
        let request = request.map_err(|error| Failure::new(attempt(), &error))?;
        let mut building = self.build_slot(&draft.id, &draft.spec, work).await?;
        let made = docker::prepare(Arc::clone(&self.engine), &request, work.news.clone()).await;
        if let Some(building) = &mut building {
            building.end(made.as_ref().map(|()| None));
        }
        made.map_err(|error| Failure::new(attempt(), &error).help("nothing was changed"))
    }

    /// Claims a bottle, waiting for who works on it now.
    pub(super) async fn claim_patiently(&self, id: &BottleId) -> Result<Claim, Failure> {
        for _ in 1..CLAIM_TRIES {
            if let Ok(Some(claim)) = self.store.claim(id) {
                return Ok(claim);
            }
            tokio::time::sleep(PACE).await;
        }
        self.claim("change", id)
    }

    /// Writes the step on record and puts it in force, or undoes both.
    async fn commit(
        &self,
        claim: &Claim,
        old: Record,
        spec: Spec,
        cause: Cause,
        work: &Work,
    ) -> Result<Changed, Failure> {
        let attempt = || format!("change `{}`", claim.id());
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        let because = |why: String| Failure::because(attempt(), why);
        sound(&spec).map_err(because)?;
        self.must_not_be_frozen(&attempt(), claim.id()).await?;
        let mut new = Record {
            spec,
            ..old.clone()
        };
        new.revision += 1;
        new.digest = new.spec.digest().map_err(|error| failed(&error))?;
        close(claim, Operation::Change, "record", Outcome::Begun)?;
        claim
            .update(&new, old.revision, cause)
            .map_err(|error| failed(&error))?;
        let in_force = self.put_whole_in_force(claim, &new, work).await;
        self.obey_brakes(claim.id()).await;
        match in_force {
            Ok(reach) => {
                close(claim, Operation::Change, "in force", Outcome::Done)?;
                Ok(Changed {
                    revision: new.revision,
                    reach,
                })
            }
            Err(why) => {
                let undone = self.take_back(claim, &new, old.spec, &why, work).await;
                Err(undone
                    .err()
                    .unwrap_or_else(|| because(why).help("it is as it was, with its conversation")))
            }
        }
    }

    /// Goes back to the spec before one that did not come up.
    ///
    /// # Errors
    /// [`Failure`] if that one does not come up any more either; the bottle is then on
    /// record as it was, and `cellar resume` starts it.
    async fn take_back(
        &self,
        claim: &Claim,
        new: &Record,
        old: Spec,
        why: &str,
        work: &Work,
    ) -> Result<(), Failure> {
        let attempt = || format!("change `{}`", claim.id());
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        close(claim, Operation::Change, "undo", Outcome::Begun)?;
        // Under a new number: a table once refused must not look like a new one.
        let mut undone = Record {
            spec: old,
            ..new.clone()
        };
        undone.revision += 1;
        undone.digest = undone.spec.digest().map_err(|error| failed(&error))?;
        claim
            .update(&undone, new.revision, Cause::Refused)
            .map_err(|error| failed(&error))?;
        let work = Work {
            message: work.message.as_ref().map(|_| undone_words(why)),
            ..work.clone()
        };
        let back = self.put_whole_in_force(claim, &undone, &work).await;
        self.obey_brakes(claim.id()).await;
        close(claim, Operation::Change, "undone", Outcome::Failed)?;
        back.map(|_| ()).map_err(|again| {
            let both = format!("{why}; and the session before it did not come back: {again}");
            Failure::because(attempt(), both).help(format!(
                "`cellar stop {0}`, then `cellar resume {0}`: nothing is lost",
                claim.id()
            ))
        })
    }

    /// Makes a running bottle what its record says: its routes, and its agent container
    /// if that was made from another spec. The error is for the agent too.
    pub(super) async fn put_whole_in_force(
        &self,
        claim: &Claim,
        record: &Record,
        work: &Work,
    ) -> Result<Reach, String> {
        let routes = self.put_in_force(record).await?;
        if Talk::over(&self.links, &*self.engine, &record.id)
            .await
            .is_err()
        {
            return Ok(Reach::AtItsNextStart);
        }
        let there = docker::agent_spec(&*self.engine, self.store.owner(), &record.id).await;
        let there = there.map_err(|error| error.to_string())?;
        if let Some(there) = there
            && there.runs
            && self.is_as(record, there.digest)
        {
            return Ok(routes);
        }
        let mut request = self
            .up_request(record, work)
            .map_err(|error| error.to_string())?;
        let asks = planning::variable_asks(record).map_err(|failure| failure.cause())?;
        let looked_up = gather::look_up(&asks, planning::host_variable).await;
        let (values, left) = looked_up.map_err(|failure| failure.cause())?;
        // What only the operator can type is asked for by the next resume.
        if !left.is_empty() && there.is_some_and(|there| there.runs) {
            return Ok(Reach::AtItsNextStart);
        }
        request.secrets = values.variables;
        close(claim, Operation::Change, "switch", Outcome::Begun)
            .map_err(|failure| failure.cause())?;
        docker::change(Arc::clone(&self.engine), &request, work.news.clone())
            .await
            .map_err(|error| Failure::new("", &error).cause())?;
        Ok(routes)
    }

    /// Whether a container that was made from a spec is one that the record's would make.
    fn is_as(&self, record: &Record, made_from: crate::spec::Digest) -> bool {
        if made_from == record.digest {
            return true;
        }
        // A spec that is not kept is of before there were such changes.
        self.store
            .spec(&record.id, made_from)
            .map_or(true, |old| differs_in_routes_alone(&old, &record.spec))
    }

    /// Finishes a change that was cut off behind its record, or undoes it.
    pub(super) async fn finish_change(&self, claim: &Claim) -> Result<(), Failure> {
        let attempt = || format!("change `{}`", claim.id());
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        let record = claim.record().map_err(|error| failed(&error))?;
        let work = Work::silent();
        let Err(why) = self.put_whole_in_force(claim, &record, &work).await else {
            return close(claim, Operation::Change, "in force", Outcome::Done);
        };
        let steps = claim.revisions().map_err(|error| failed(&error))?;
        let last = steps.last().filter(|step| step.cause != Cause::Refused);
        let Some(before) = last.and_then(|step| step.previous) else {
            close(claim, Operation::Change, "left", Outcome::Failed)?;
            return Err(Failure::because(attempt(), why).help(format!(
                "`cellar stop {0}`, then `cellar resume {0}`: nothing is lost",
                claim.id()
            )));
        };
        let old = self.store.spec(claim.id(), before);
        let old = old.map_err(|error| failed(&error))?;
        self.take_back(claim, &record, old, &why, &work).await
    }

    /// What the engine is asked for a record's spec, without any value.
    fn up_request(&self, record: &Record, work: &Work) -> Result<UpRequest, serde_json::Error> {
        Ok(UpRequest {
            id: record.id.clone(),
            owner: self.store.owner().to_owned(),
            spec: record.spec.clone(),
            digest: record.spec.digest()?,
            revision: record.revision,
            prices: planning::own_prices(),
            is_demo: record.is_demo,
            home_files: Vec::new(),
            secrets: std::collections::BTreeMap::new(),
            credentials: Credentials::new(),
            message: work.message.clone(),
            guest: self.guest().clone(),
            brakes: self.brakes(&record.id),
            line_folder: self.line_folder(&record.id),
        })
    }
}

fn undone_words(why: &str) -> String {
    let why: String = crate::pty::one_line(why).chars().take(1_000).collect();
    format!(
        "[cellar] What you asked for was approved, but the bottle did not come up with it, so everything is as it was: {why}. This is not a message of the operator. Go on without it, or ask for something else."
    )
}

fn sound(spec: &Spec) -> Result<(), String> {
    match spec.routes.problems().first() {
        Some(problem) => Err(problem.to_string()),
        None => Ok(()),
    }
}

/// Whether egress alone can take a bottle from one spec to another.
pub(super) fn differs_in_routes_alone(old: &Spec, new: &Spec) -> bool {
    let same = Spec {
        routes: old.routes.clone(),
        ..new.clone()
    };
    same == *old
}
