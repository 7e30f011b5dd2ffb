//! What agents ask for: read from the hubs, answered, and done.
//!
//! A verdict is on the hub's disk before anything changes, and a change is on record
//! under the request's number before anybody is told of it. So whatever is killed in
//! between, [`Cellar::settle`] sees how far it came and does the rest, once.

use jiff::Timestamp;

use super::cellar::{Cellar, Reach, close};
use super::change::{Work, differs_in_routes_alone};
use super::exit::Failure;
use super::granted::{is_refused_after, place_of, takes_a_change, was_given_a_change};
use super::hub::{Talk, TalkError};
use super::manifest_scope::{IntoManifest, Proposal};
use crate::policy::Provenance;
use crate::policy::dockerfile::ParseProblem;
use crate::policy::findings::{
    Finding, Severity, dockerfile_findings, route_findings, scan_pass_findings,
};
use crate::request::{
    Answer, Ask, News, Outcome as Came, RequestRecord, RequestState, Step, Verdict, next_spec,
    without,
};
use crate::spec::{BottleId, Digest, ImageSource, Spec};
use crate::store::{AuditEvent, Cause, Claim, Operation, Outcome, Record};

/// A request and exactly what was shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The bottle.
    pub(crate) bottle: BottleId,
    /// The request's number.
    pub(crate) id: u64,
    /// Its content.
    pub(crate) content: Digest,
    /// The spec that its effect was shown against.
    pub(crate) spec: Digest,
    /// Whether what needs a yes of its own got it.
    pub(crate) findings: Findings,
    /// What was shown of the manifest, for a grant that goes into it too.
    pub(crate) manifest: Option<Proposal>,
}

/// What the operator said to findings that need a yes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Findings {
    /// Nothing.
    Unasked,
    /// Yes.
    Accepted,
}

/// What an operator should know before granting this to a bottle, worst first.
///
/// # Errors
/// [`ParseProblem`] for a Dockerfile that nobody can vouch for; it must not be granted.
pub(crate) fn findings(spec: &Spec, request: u64, ask: &Ask) -> Result<Vec<Finding>, ParseProblem> {
    match ask {
        Ask::Route(asked) => {
            // What the request was given before is no reason to trust it.
            let mut others = spec.routes.clone();
            let origin = Provenance::Request { id: request };
            others.routes.retain(|route| route.origin != origin);
            Ok(route_findings(&asked.route(request), &others))
        }
        Ask::Image { dockerfile } => {
            let before = match &spec.image {
                ImageSource::Dockerfile { text } => Some(text.as_str()),
                ImageSource::Guest | ImageSource::Tag { .. } => None,
            };
            dockerfile_findings(dockerfile, before)
        }
        Ask::McpServer(asked) => {
            let routes = asked.route().map(|route| route.route(request));
            let found = routes.map(|route| route_findings(&route, &spec.routes));
            Ok(found.unwrap_or_default())
        }
        Ask::ScanPass(asked) => Ok(scan_pass_findings(
            asked.routes_in(&spec.routes),
            &asked.rules,
        )),
        Ask::Packages { .. } | Ask::Question { .. } => Ok(Vec::new()),
    }
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    /// The request as it is now.
    pub(crate) request: RequestRecord,
    /// Since when a change is in force, if there is one.
    pub(crate) reach: Option<Reach>,
    /// What became of the manifest, for a grant that goes into it too.
    pub(crate) manifest: Option<IntoManifest>,
}

impl Answered {
    /// An answer that left the manifest alone.
    pub(super) const fn of(request: RequestRecord, reach: Option<Reach>) -> Self {
        Self {
            request,
            reach,
            manifest: None,
        }
    }
}

impl Cellar {
    /// Asks a bottle's hub for its requests, and for the record they are shown against.
    ///
    /// # Errors
    /// [`Failure`] if the bottle does not run or does not answer.
    pub(crate) async fn requests(
        &self,
        id: &BottleId,
    ) -> Result<(Record, Vec<RequestRecord>), Failure> {
        let attempt = || format!("read the requests of `{id}`");
        let mut talk = self.talk(id).await?;
        let is_half_done = talk.view.requests.values().any(is_half_done);
        // Whoever holds the claim is doing it right now.
        if is_half_done && let Ok(claim) = self.claim("finish the answers of", id) {
            self.finish_answers(&claim).await?;
            talk = self.talk(id).await?;
        }
        let record = self
            .store
            .record(id)
            .map_err(|error| Failure::new(attempt(), &error))?;
        Ok((record, talk.view.requests.into_values().collect()))
    }

    pub(super) async fn talk(&self, id: &BottleId) -> Result<Talk, Failure> {
        Talk::over(&self.links, &*self.engine, id)
            .await
            .map_err(|error| {
                Failure::new(format!("hear from `{id}`"), &error).help(
                    "its requests are kept; a stopped bottle tells them after `cellar resume`",
                )
            })
    }

    /// Gives the operator's answer to a request and does what it says.
    ///
    /// # Errors
    /// [`Failure`] with nothing changed if the request or the bottle is not what was
    /// shown any more, was answered already, or cannot be granted; with the request
    /// marked as failed if the change could not be made.
    pub(crate) async fn answer(
        &self,
        shown: &Shown,
        answer: Answer,
        work: &Work,
    ) -> Result<Answered, Failure> {
        let attempt = || format!("answer request {} of `{}`", shown.id, shown.bottle);
        let look = "look at it again, then answer";
        let claim = self.claim("answer a request of", &shown.bottle)?;
        let record = claim
            .record()
            .map_err(|error| Failure::new(attempt(), &error))?;
        let mut talk = self.talk(&shown.bottle).await?;
        let request = found(&talk, shown.id).ok_or_else(|| {
            Failure::because(attempt(), "the bottle has no request of this number")
                .help("`cellar requests` lists them")
        })?;
        if !matches!(request.state, RequestState::Pending) {
            let why = format!("it is {} already", request.state.word());
            return Err(Failure::because(attempt(), why));
        }
        if record.digest != shown.spec {
            let why = "the bottle has changed since the request was shown";
            return Err(Failure::because(attempt(), why).help(look));
        }
        let verdict = Verdict {
            answer,
            content: shown.content,
            spec: shown.spec,
            at: Timestamp::now(),
        };
        request
            .check(&verdict)
            .map_err(|error| Failure::new(attempt(), &error))?;
        let mut lock = None;
        if let Answer::Approve { terms, edited } = &verdict.answer {
            let ask = edited.as_ref().unwrap_or(&request.ask);
            if takes_a_change(ask) {
                lock = Some(self.work_on(&shown.bottle)?);
            }
            let step = next_spec(&record.spec, request.id, ask, *terms);
            let step = step.map_err(|error| {
                Failure::new(attempt(), &error).help("deny it with a reason, or edit it")
            })?;
            is_possible(&step, &attempt)?;
            let found = findings(&record.spec, request.id, ask).map_err(|problem| {
                Failure::new(attempt(), &problem).help("edit it so that it can be read, or deny it")
            })?;
            is_acceptable(&found, shown.findings, &attempt)?;
        }
        self.intend(&claim, shown.manifest.as_ref(), &verdict.answer)
            .await?;
        let event = AuditEvent::Verdict {
            request: request.id,
            kind: request.ask.kind().to_owned(),
            content: verdict.content,
            verdict: verdict.answer.clone(),
        };
        self.audit(&record, event)?;
        let step = format!("request {}", shown.id);
        close(&claim, Operation::Answer, &step, Outcome::Begun)?;
        let said = News::Verdict { verdict };
        match (talk.say_of(shown.id, said).await, lock) {
            // It takes its time, and the bottle may be used and routed meanwhile.
            (Ok(request), Some(lock)) => {
                close(&claim, Operation::Answer, &step, Outcome::Done)?;
                drop((claim, talk));
                Box::pin(self.carry_out((&shown.bottle, &lock), request, work)).await
            }
            (Ok(request), None) => self.settle(&claim, &mut talk, request).await,
            (Err(error), _) => {
                // What was refused did not happen; what was not answered may have, and
                // the next look finds out.
                if matches!(error, TalkError::Refused { .. }) {
                    close(&claim, Operation::Answer, &step, Outcome::Failed)?;
                }
                Err(Failure::new(attempt(), &error))
            }
        }
    }

    /// Does what is left to do for a request that was answered, and tells its hub.
    async fn settle(
        &self,
        claim: &Claim,
        talk: &mut Talk,
        request: RequestRecord,
    ) -> Result<Answered, Failure> {
        let id = request.id;
        let attempt = || format!("do what request {id} of `{}` was approved for", claim.id());
        let step = format!("request {id}");
        let (RequestState::Approved { verdict } | RequestState::Applying { verdict }) =
            &request.state
        else {
            close(claim, Operation::Answer, &step, Outcome::Done)?;
            return Ok(Answered::of(request, None));
        };
        let record = claim
            .record()
            .map_err(|error| Failure::new(attempt(), &error))?;
        let steps = claim
            .revisions()
            .map_err(|error| Failure::new(attempt(), &error))?;
        let of_it = place_of(&steps, Cause::Request { id });
        let done = of_it.and_then(|at| Some((at, steps.get(at)?)));
        let done = match done {
            Some((at, _)) if is_refused_after(&steps, at) => {
                Err(String::from("the bottle did not take it, so it was undone"))
            }
            // It is on record: a console was killed before it told.
            Some((_, done)) => {
                let words = done.words.join("; ");
                let revision = done.revision;
                let work = Work::silent();
                let reach = self.put_whole_in_force(claim, &record, &work).await;
                reach.map(|reach| (revision, words, reach))
            }
            // Left to who may take the time.
            None if was_given_a_change(&request) => {
                close(claim, Operation::Answer, &step, Outcome::Done)?;
                return Ok(Answered::of(request, None));
            }
            None if record.digest != verdict.spec => Err(String::from(
                "the bottle changed before this was done; ask again",
            )),
            None => self.take_step(claim, record, &request).await,
        };
        let manifest = if done.is_ok() {
            self.write_manifest(claim, &request).await
        } else {
            None
        };
        let (news, reach) = match done {
            Ok((revision, words, reach)) => {
                let at = Timestamp::now();
                let outcome = Came {
                    revision,
                    words,
                    at,
                };
                (News::Applied { outcome }, Some(reach))
            }
            Err(why) => (News::Failed { why }, None),
        };
        let request = talk
            .say_of(id, news)
            .await
            .map_err(|error| Failure::new(attempt(), &error))?;
        claim.forget_intention();
        if let RequestState::Failed { why, .. } = &request.state {
            close(claim, Operation::Answer, &step, Outcome::Failed)?;
            return Err(Failure::because(attempt(), why.clone()));
        }
        close(claim, Operation::Answer, &step, Outcome::Done)?;
        Ok(Answered {
            manifest,
            ..Answered::of(request, reach)
        })
    }

    /// Changes the bottle as a request was granted. The error is for the agent too.
    async fn take_step(
        &self,
        claim: &Claim,
        record: Record,
        request: &RequestRecord,
    ) -> Result<(u32, String, Reach), String> {
        let id = request.id;
        let (ask, terms) = request.granted().ok_or("nothing was granted")?;
        let step = next_spec(&record.spec, id, ask, terms).map_err(|error| error.to_string())?;
        let cause = Cause::Request { id };
        let changed = self
            .step_routes(claim, Operation::Answer, record, step.spec, cause)
            .await
            .map_err(|failure| failure.cause())?;
        let revision = u32::try_from(changed.generation).unwrap_or(u32::MAX);
        Ok((revision, step.words, changed.reach))
    }

    /// Takes back what a request was given.
    ///
    /// # Errors
    /// [`Failure`] if there is nothing to take back.
    pub(crate) async fn undo(
        &self,
        bottle: &BottleId,
        id: u64,
        work: &Work,
    ) -> Result<Answered, Failure> {
        let attempt = || format!("take back what request {id} of `{bottle}` was given");
        let claim = self.claim("take back what was given to", bottle)?;
        let record = claim
            .record()
            .map_err(|error| Failure::new(attempt(), &error))?;
        let mut talk = self.talk(bottle).await?;
        let request = found(&talk, id).ok_or_else(|| {
            Failure::because(attempt(), "the bottle has no request of this number")
        })?;
        if !matches!(request.state, RequestState::Applied { .. }) {
            let why = format!("it is {}, and nothing was given", request.state.word());
            return Err(Failure::because(attempt(), why));
        }
        if was_given_a_change(&request) {
            drop((claim, talk));
            return self.undo_change(bottle, &request, work).await;
        }
        let mut reach = None;
        // Absent if the routes were changed by hand meanwhile: then only the hub is told.
        if let Some(step) = without(&record.spec, &request) {
            let cause = Cause::Undo { id };
            let changed = self
                .step_routes(&claim, Operation::Routes, record, step.spec, cause)
                .await?;
            reach = Some(changed.reach);
        }
        let request = talk
            .say_of(id, News::Undone)
            .await
            .map_err(|error| Failure::new(attempt(), &error))?;
        close(&claim, Operation::Routes, "undone", Outcome::Done)?;
        Ok(Answered::of(request, reach))
    }

    /// Takes back what takes its time to be taken back.
    async fn undo_change(
        &self,
        bottle: &BottleId,
        request: &RequestRecord,
        work: &Work,
    ) -> Result<Answered, Failure> {
        let id = request.id;
        let attempt = || format!("take back what request {id} of `{bottle}` was given");
        let reach = match request.granted() {
            Some((Ask::McpServer(_), _)) => self.undo_server(bottle, request, work).await?,
            _ => self.undo_image(bottle, id, work).await?,
        };
        let mut talk = self.talk(bottle).await?;
        let request = talk.say_of(id, News::Undone).await;
        let request = request.map_err(|error| Failure::new(attempt(), &error))?;
        Ok(Answered::of(request, Some(reach)))
    }

    /// Finishes the answers that a killed console left half done in a bottle. One that
    /// does not answer is left to the next who reads its requests.
    pub(super) async fn finish_answers(&self, claim: &Claim) -> Result<(), Failure> {
        let Ok(mut talk) = Talk::over(&self.links, &*self.engine, claim.id()).await else {
            return close(claim, Operation::Answer, "left", Outcome::Done);
        };
        // What another live process is changing it tells of itself.
        let is_free = self.store.work(claim.id()).is_ok_and(|lock| lock.is_some());
        let requests = talk.view.requests.values();
        let open =
            requests.filter(|one| is_half_done(one) && (is_free || !was_given_a_change(one)));
        let open: Vec<_> = open.cloned().collect();
        let mut left_out = None;
        for request in open {
            let answered = self.settle(claim, &mut talk, request).await?;
            left_out = left_out.or_else(|| answered.left_out(claim.id()));
        }
        close(claim, Operation::Answer, "looked at again", Outcome::Done)?;
        left_out.map_or(Ok(()), Err)
    }

    /// Goes back to a spec that the bottle once had.
    ///
    /// # Errors
    /// [`Failure`] if there is none of that number, or the bottle does not come up with it.
    pub(crate) async fn rollback(
        &self,
        id: &BottleId,
        to: u32,
        work: &Work,
    ) -> Result<(u32, Reach), Failure> {
        let attempt = || format!("take `{id}` back to revision {to}");
        let claim = self.claim("roll back", id)?;
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        let record = claim.record().map_err(|error| failed(&error))?;
        let steps = claim.revisions().map_err(|error| failed(&error))?;
        let step = steps
            .iter()
            .find(|step| step.revision == to)
            .ok_or_else(|| {
                Failure::because(attempt(), "there is no such revision")
                    .help(format!("`cellar revisions {id}` lists them"))
            })?;
        let spec = self
            .store
            .spec(id, step.digest)
            .map_err(|error| failed(&error))?;
        let cause = Cause::Rollback { to };
        if !differs_in_routes_alone(&record.spec, &spec) {
            drop(claim);
            let work = work.rolled_back(to);
            let lock = self.work_on(id)?;
            let changed = self.change_whole(id, cause, |_| Ok(spec.clone()), (&lock, &work));
            let changed = Box::pin(changed).await?;
            return Ok((changed.revision, changed.reach));
        }
        let changed = self
            .step_routes(&claim, Operation::Routes, record, spec, cause)
            .await?;
        close(&claim, Operation::Routes, "in force", Outcome::Done)?;
        let revision = u32::try_from(changed.generation).unwrap_or(u32::MAX);
        Ok((revision, changed.reach))
    }
}

/// Whether it was approved and nobody said yet what came of it.
pub(crate) const fn is_half_done(request: &RequestRecord) -> bool {
    matches!(
        request.state,
        RequestState::Approved { .. } | RequestState::Applying { .. }
    )
}

fn found(talk: &Talk, id: u64) -> Option<RequestRecord> {
    talk.view.requests.get(&id).cloned()
}

/// Whether a step can be taken at all, so that no verdict is given for what must fail.
fn is_possible(step: &Step, attempt: &dyn Fn() -> String) -> Result<(), Failure> {
    match step.spec.routes.problems().first() {
        Some(problem) => Err(Failure::new(attempt(), problem)),
        None => Ok(()),
    }
}

/// Whether nothing was found that forbids it, or that nobody said yes to.
fn is_acceptable(
    found: &[Finding],
    said: Findings,
    attempt: &dyn Fn() -> String,
) -> Result<(), Failure> {
    let worst = |severity| {
        found
            .iter()
            .find(|one| one.severity == severity && !one.old)
    };
    if let Some(finding) = worst(Severity::Refuse) {
        return Err(Failure::because(attempt(), finding.words.clone())
            .help("edit it so that this is gone, or deny it"));
    }
    match worst(Severity::NeedsYes) {
        Some(finding) if said == Findings::Unasked => {
            let why = format!("it needs a yes of its own: {}", finding.words);
            Err(Failure::because(attempt(), why)
                .help("look at its findings; --accept-findings says yes to those too"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture::spec;

    /// It was taken for one in which nothing is found.
    #[test]
    fn a_dockerfile_that_cannot_be_read_is_not_clean() {
        let ask = |text: &str| Ask::Image {
            dockerfile: text.to_owned(),
        };
        assert!(findings(&spec(), 1, &ask("RUN --mount\n")).is_err());
        assert!(findings(&spec(), 1, &ask("FROM debian:12\nUSER agent\n")).is_ok());
    }
}
