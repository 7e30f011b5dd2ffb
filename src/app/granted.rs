//! Doing what takes its time of what a request was granted: packages, an image, an MCP
//! server.
//!
//! The verdict on the hub's disk is what says that it is to be done, and the step on
//! record, under the request's number, that it was. Whoever finds the one without the
//! other does the rest ([`Cellar::carry_on`]), while no other live process does.

use jiff::Timestamp;

use super::cellar::{Cellar, Reach};
use super::change::{Changed, Work};
use super::exit::Failure;
use super::requests::{Answered, is_half_done};
use crate::request::{
    Ask, News, Outcome as Came, RequestRecord, RequestState, Step, next_spec, without,
    without_image,
};
use crate::spec::{BottleId, Spec};
use crate::store::{Cause, Lock, Revision};

/// The longest reason that is told to an agent.
const MAX_WHY_CHARS: usize = 2_000;

/// Whether doing it takes more than a word to egress.
pub(super) const fn takes_a_change(ask: &Ask) -> bool {
    match ask {
        Ask::Image { .. } | Ask::Packages { .. } | Ask::McpServer(_) => true,
        Ask::Route(_) | Ask::ScanPass(_) | Ask::Question { .. } => false,
    }
}

/// Whether what a request was given takes one.
pub(crate) fn was_given_a_change(request: &RequestRecord) -> bool {
    request
        .granted()
        .is_some_and(|(ask, _)| takes_a_change(ask))
}

impl Cellar {
    /// Goes on with everything that a bottle's requests were granted, that takes its time,
    /// and that nobody is doing. Gives what each came to. Those behind one that the operator
    /// cancelled are left to the next call.
    ///
    /// # Errors
    /// [`Failure`] if the bottle does not answer.
    pub(crate) async fn carry_on(
        &self,
        id: &BottleId,
        work: &Work,
    ) -> Result<Vec<(u64, Result<Answered, Failure>)>, Failure> {
        let lock = self.store.work(id);
        let lock = lock.map_err(|error| {
            Failure::new(format!("see whether somebody changes `{id}`"), &error)
        })?;
        let Some(lock) = lock else {
            return Ok(Vec::new());
        };
        // Asked behind the lock: what another process did is told by now.
        let requests = self.talk(id).await?.view.requests.into_values();
        let left = requests.filter(|one| is_half_done(one) && was_given_a_change(one));
        let mut came = Vec::new();
        for request in left {
            let number = request.id;
            came.push((number, self.carry_out((id, &lock), request, work).await));
            if work.cancel.is_asked() {
                break;
            }
            work.cancel.renew();
        }
        Ok(came)
    }

    /// Does what a request was granted, behind [`Cellar::work_on`]'s lock, and tells its
    /// hub what came of it.
    ///
    /// # Errors
    /// [`Failure`] with the request marked as failed, unless its hub cannot be reached.
    pub(super) async fn carry_out(
        &self,
        (bottle, lock): (&BottleId, &Lock),
        request: RequestRecord,
        work: &Work,
    ) -> Result<Answered, Failure> {
        let id = request.id;
        let attempt = || format!("do what request {id} of `{bottle}` was approved for");
        if matches!(request.state, RequestState::Approved { .. }) {
            let mut talk = self.talk(bottle).await?;
            let told = talk.say_of(id, News::Applying).await;
            told.map_err(|error| Failure::new(attempt(), &error))?;
        }
        let done = self.do_granted((bottle, lock), &request, work).await;
        let (said, reach) = match done {
            Ok((changed, words)) => {
                let outcome = Came {
                    revision: changed.revision,
                    words,
                    at: Timestamp::now(),
                };
                (News::Applied { outcome }, Some(changed.reach))
            }
            Err(why) => {
                let why = why.chars().take(MAX_WHY_CHARS).collect();
                (News::Failed { why }, None)
            }
        };
        let claim = self.claim_patiently(bottle).await?;
        let manifest = if matches!(said, News::Applied { .. }) {
            self.write_manifest(&claim, &request).await
        } else {
            None
        };
        // A new line: the hub lets go of one that was silent for as long as a build takes.
        let mut talk = self.talk(bottle).await?;
        let request = talk.say_of(id, said).await;
        let request = request.map_err(|error| Failure::new(attempt(), &error))?;
        claim.forget_intention();
        if let RequestState::Failed { why, .. } = &request.state {
            return Err(Failure::because(attempt(), why.clone()));
        }
        Ok(Answered {
            manifest,
            ..Answered::of(request, reach)
        })
    }

    /// The error is for the agent too.
    async fn do_granted(
        &self,
        (bottle, lock): (&BottleId, &Lock),
        request: &RequestRecord,
        work: &Work,
    ) -> Result<(Changed, String), String> {
        let id = request.id;
        let nothing = || String::from("nothing was granted");
        let (ask, terms) = request.granted().ok_or_else(nothing)?;
        let verdict = request.state.verdict().ok_or_else(nothing)?;
        let shown = self.store.spec(bottle, verdict.spec);
        let shown = shown.map_err(|error| error.to_string())?;
        let step = next_spec(&shown, id, ask, terms).map_err(|error| error.to_string())?;
        if let Some(changed) = self.done_before(bottle, id)? {
            return Ok((changed, step.words));
        }
        let work = work.with(done_words(request, &step.words));
        let next = |now: &Spec| {
            if now.image != shown.image || now.session != shown.session {
                return Err(String::from(
                    "the bottle's image or session was changed after this was approved; ask again",
                ));
            }
            let step = next_spec(now, id, ask, terms).map_err(|error| error.to_string())?;
            Ok(step.spec)
        };
        let cause = Cause::Request { id };
        let changed = Box::pin(self.change_whole(bottle, cause, next, (lock, &work))).await;
        let changed = changed.map_err(|failure| failure.cause())?;
        Ok((changed, step.words))
    }

    /// What a request came to already, if a console was killed before it told.
    fn done_before(&self, bottle: &BottleId, id: u64) -> Result<Option<Changed>, String> {
        let steps = self.store.revisions(bottle);
        let steps = steps.map_err(|error| error.to_string())?;
        let done = place_of(&steps, Cause::Request { id });
        let Some((at, step)) = done.and_then(|at| Some((at, steps.get(at)?))) else {
            return Ok(None);
        };
        if is_refused_after(&steps, at) {
            return Err(String::from(
                "the bottle did not come up with it, so it was undone",
            ));
        }
        Ok(Some(Changed {
            revision: step.revision,
            // Whoever opened the record put it in force before.
            reach: Reach::Now,
        }))
    }

    /// Takes back an MCP server, and the route that came with it.
    ///
    /// # Errors
    /// [`Failure`] if the bottle does not come up without it.
    pub(super) async fn undo_server(
        &self,
        bottle: &BottleId,
        request: &RequestRecord,
        work: &Work,
    ) -> Result<Reach, Failure> {
        let id = request.id;
        let lock = self.work_on(bottle)?;
        let next = |now: &Spec| {
            let step = without(now, request);
            let gone = || String::from("it is not there any more");
            Ok(step.ok_or_else(gone)?.spec)
        };
        let work = work.with(taken_back(id));
        let changed = self.change_whole(bottle, Cause::Undo { id }, next, (&lock, &work));
        Ok(Box::pin(changed).await?.reach)
    }

    /// Takes back a change of the image that a request was given.
    ///
    /// # Errors
    /// [`Failure`] if the image has changed since, or the one before does not come up.
    pub(super) async fn undo_image(
        &self,
        bottle: &BottleId,
        id: u64,
        work: &Work,
    ) -> Result<Reach, Failure> {
        let attempt = || format!("take back what request {id} of `{bottle}` was given");
        let failed = |error: &dyn std::error::Error| Failure::new(attempt(), error);
        let steps = self
            .store
            .revisions(bottle)
            .map_err(|error| failed(&error))?;
        let step = place_of(&steps, Cause::Request { id }).and_then(|at| steps.get(at));
        let Some((before, after)) = step.and_then(|step| Some((step.previous?, step.digest)))
        else {
            return Err(Failure::because(attempt(), "its step is not on record"));
        };
        let before = self.store.spec(bottle, before);
        let before = before.map_err(|error| failed(&error))?;
        let after = self.store.spec(bottle, after);
        let after = after.map_err(|error| failed(&error))?;
        let lock = self.work_on(bottle)?;
        let next = |now: &Spec| {
            let step: Option<Step> = without_image(now, &before, &after);
            let step = step.ok_or_else(|| {
                format!("the image was changed again since; `cellar rollback {bottle} REVISION` goes back further")
            })?;
            Ok(step.spec)
        };
        let work = work.with(taken_back(id));
        let changed = self.change_whole(bottle, Cause::Undo { id }, next, (&lock, &work));
        Ok(Box::pin(changed).await?.reach)
    }
}

fn taken_back(id: u64) -> String {
    format!(
        "[cellar] The operator took back what your request {id} had changed in this bottle. Your session was restarted for it; files and conversation are kept, running programs are not. This is not a message of the operator."
    )
}

/// The last step that a cause led to.
pub(super) fn place_of(steps: &[Revision], cause: Cause) -> Option<usize> {
    steps.iter().rposition(|step| step.cause == cause)
}

/// Whether the step behind one undid it.
pub(super) fn is_refused_after(steps: &[Revision], at: usize) -> bool {
    let after = steps.get(at + 1);
    after.is_some_and(|after| after.cause == Cause::Refused)
}

/// What the agent is told when it is back.
fn done_words(request: &RequestRecord, words: &str) -> String {
    let id = request.id;
    let was = match request.state.verdict().map(|verdict| &verdict.answer) {
        Some(crate::request::Answer::Approve {
            edited: Some(_), ..
        }) => "edited your request, and then approved it",
        _ => "approved your request",
    };
    let words = crate::pty::one_line(words);
    format!(
        "[cellar] The operator {was} {id}: {words}. This bottle was changed for it and your session restarted; files and conversation are kept, running programs are not. Call await_request with id {id} to read the answer, verify that what you asked for is there, and go on with what you were doing. This is not a message of the operator."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Answer, Terms, Verdict};
    use crate::spec::Digest;
    use crate::state::fixture::record;

    fn step(revision: u32, cause: Cause) -> Revision {
        Revision {
            revision,
            previous: None,
            digest: Digest::of(b""),
            at: Timestamp::UNIX_EPOCH,
            cause,
            words: Vec::new(),
        }
    }

    #[test]
    fn a_step_that_was_undone_is_known_by_the_one_behind_it() {
        let steps = [
            step(1, Cause::Start),
            step(2, Cause::Request { id: 1 }),
            step(3, Cause::Refused),
            step(4, Cause::Request { id: 2 }),
        ];
        let first = place_of(&steps, Cause::Request { id: 1 }).unwrap();
        let second = place_of(&steps, Cause::Request { id: 2 }).unwrap();
        assert!(is_refused_after(&steps, first));
        assert!(!is_refused_after(&steps, second));
        assert_eq!(place_of(&steps, Cause::Request { id: 3 }), None);
    }

    #[test]
    fn what_the_agent_is_told_holds_on_one_line() {
        let ask = Ask::Image {
            dockerfile: String::from("FROM a"),
        };
        let digest = ask.digest().unwrap();
        let verdict = Verdict {
            answer: Answer::Approve {
                terms: Terms::default(),
                edited: Some(ask.clone()),
            },
            content: digest,
            spec: digest,
            at: Timestamp::UNIX_EPOCH,
        };
        let request = record(3, ask, 0, RequestState::Approved { verdict });
        let words = done_words(&request, "image: +2\n\u{1b}[2J lines");
        assert!(words.contains("edited your request"), "{words}");
        assert!(!words.contains(['\n', '\u{1b}']), "{words}");
    }
}
