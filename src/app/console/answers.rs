//! The operator's answers, carried out: each in a task that tells what came of it. What
//! takes its time is an operation of its bottle from its first step on.

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::Console;
use super::progress::{Teller, WAITING_NEWS};
use crate::app::cancel::{CANCELLED, Cancel};
use crate::app::cellar::{Cellar, Reach};
use crate::app::change::Work;
use crate::app::exit::Failure;
use crate::app::granted::takes_a_change;
use crate::app::manifest_scope::{IntoManifest, Proposal, preview};
use crate::app::requests::{Answered, Findings, Shown};
use crate::request::{Answer, Ask, RequestState, Terms};
use crate::state::{
    AnswerResult, BottleRef, Draft, Event, ManifestLook, OperationKind, OperationNews, RequestRef,
    ShownRequest,
};

/// Bottles that are answered at once.
const ANSWERED_AT_ONCE: usize = 4;

impl Console<'_> {
    /// Answers requests: what takes its time each by itself, the rest a few at a time.
    pub(super) fn answer_requests(
        &mut self,
        shown: Vec<ShownRequest>,
        answer: &Answer,
        accepts_findings: bool,
    ) {
        let findings = findings(accepts_findings);
        let (long, short): (Vec<_>, Vec<_>) = shown
            .into_iter()
            .partition(|one| self.takes_its_time(one, answer));
        for one in long {
            self.spawn_answer(exactly(&one, findings, None), one.request, answer.clone());
        }
        if short.is_empty() {
            return;
        }
        let (cellar, events, answer) = (self.cellar.clone(), self.events.clone(), answer.clone());
        let name = self.answer_task();
        self.tasks.start(name, None, async move {
            let answers = futures_util::stream::iter(short)
                .map(|one| answered(&cellar, one, answer.clone(), findings))
                .buffered(ANSWERED_AT_ONCE);
            let results = answers.collect().await;
            // A console that is gone needs no news.
            drop(events.send(Event::RequestsAnswered { results }).await);
        });
    }

    /// Approves requests, those of one bottle in their order: each is shown against what
    /// the one before it makes. Bottles do not wait for each other.
    pub(super) fn approve_all(&mut self, shown: Vec<ShownRequest>) {
        let answer = Answer::Approve {
            terms: Terms::default(),
            edited: None,
        };
        let mut bottles: Vec<Vec<ShownRequest>> = Vec::new();
        for one in shown {
            let is_its = |known: &&mut Vec<ShownRequest>| {
                let first = known.first();
                first.is_some_and(|first| first.request.bottle == one.request.bottle)
            };
            match bottles.iter_mut().find(is_its) {
                Some(known) => known.push(one),
                None => bottles.push(vec![one]),
            }
        }
        let (long, short): (Vec<_>, Vec<_>) = bottles
            .into_iter()
            .partition(|of| of.iter().any(|one| self.takes_its_time(one, &answer)));
        for of in long {
            self.spawn_in_turn(of, answer.clone());
        }
        if short.is_empty() {
            return;
        }
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        let name = self.answer_task();
        self.tasks.start(name, None, async move {
            let answers = futures_util::stream::iter(short)
                .map(|of| in_turn(&cellar, of, &answer))
                .buffer_unordered(ANSWERED_AT_ONCE);
            let mut answers = std::pin::pin!(answers);
            while let Some(results) = answers.next().await {
                // A console that is gone needs no news.
                drop(events.send(Event::RequestsAnswered { results }).await);
            }
        });
    }

    /// Approves requests of one bottle one after the other, as an operation of it.
    fn spawn_in_turn(&mut self, of: Vec<ShownRequest>, answer: Answer) {
        let Some(bottle) = of.first().map(|one| one.request.bottle.clone()) else {
            return;
        };
        let cellar = self.cellar.clone();
        self.spawn_change(&bottle, |work| async move {
            let mut came = Vec::with_capacity(of.len());
            for one in of {
                let done = if work.cancel.is_asked() {
                    // What is left of them goes with the one that was cancelled.
                    Err(Failure::because("approve it", CANCELLED))
                } else {
                    work.cancel.renew();
                    let shown = exactly(&one, Findings::Unasked, None);
                    Box::pin(cellar.answer(&shown, answer.clone(), &work)).await
                };
                came.push((one.request, done));
            }
            (came, None)
        });
    }

    /// Whether an answer changes a bottle in more than its routes.
    fn takes_its_time(&self, shown: &ShownRequest, answer: &Answer) -> bool {
        let Answer::Approve { edited, .. } = answer else {
            return false;
        };
        let asked = self.state.request(&shown.request).map(|record| &record.ask);
        edited.as_ref().or(asked).is_some_and(takes_a_change)
    }

    fn spawn_answer(&mut self, shown: Shown, request: RequestRef, answer: Answer) {
        let cellar = self.cellar.clone();
        self.spawn_change(&request.bottle.clone(), |work| async move {
            let done = Box::pin(cellar.answer(&shown, answer, &work)).await;
            (vec![(request, done)], None)
        });
    }

    /// Takes back what a request was given.
    pub(super) fn undo_request(&mut self, request: RequestRef) {
        let cellar = self.cellar.clone();
        self.spawn_change(&request.bottle.clone(), |work| async move {
            let undone = cellar.undo(&request.bottle.id, request.id, &work);
            let undone = Box::pin(undone).await;
            (vec![(request, undone)], None)
        });
    }

    /// Goes on with what a bottle's requests were granted and nobody does.
    pub(super) fn carry_on(&mut self, bottle: &BottleRef) {
        let cellar = self.cellar.clone();
        let carried = bottle.clone();
        self.spawn_change(bottle, |work| async move {
            let id = &carried.id;
            let came = async {
                // What is done by a word to egress first.
                cellar.requests(id).await?;
                Box::pin(cellar.carry_on(id, &work)).await
            };
            let (came, failure) = match came.await {
                Ok(came) => (came, None),
                Err(failure) => (Vec::new(), Some(failure)),
            };
            let named = |(id, done)| {
                let bottle = carried.clone();
                (RequestRef { bottle, id }, done)
            };
            let came = came.into_iter().map(named).collect();
            (came, Some((carried, failure)))
        });
    }

    fn answer_task(&mut self) -> String {
        self.operations += 1;
        format!("answer requests {}", self.operations)
    }

    /// Runs something that may change a bottle as a task. It is an operation of the bottle
    /// from its first step on.
    fn spawn_change<Done>(&mut self, bottle: &BottleRef, work: impl FnOnce(Work) -> Done)
    where
        Done: Future<Output = Came> + Send + 'static,
    {
        let name = self.answer_task();
        let (tx, mut rx) = mpsc::channel(WAITING_NEWS);
        let cancel = Cancel::new();
        let agent = self.agent_of(bottle);
        let subject = Some(bottle.clone());
        let kind = OperationKind::Change;
        let mut teller = self.teller(kind, subject.clone(), agent, Some(cancel.clone()));
        let done = work(Work {
            cancel,
            ..Work::told_to(tx)
        });
        self.tasks.start(name, subject, async move {
            let tell = async {
                while let Some(progress) = rx.recv().await {
                    teller.pass_on(&progress).await;
                }
            };
            let ((came, carried), ()) = tokio::join!(done, tell);
            tell_what_came(&teller, came, carried).await;
        });
    }

    /// Plans what a yes would change in the operator's own file.
    pub(super) fn plan_manifest(&mut self, draft: Box<Draft>) {
        let planning = self.planning(&draft);
        let events = self.events.clone();
        let name = String::from("look at the manifest");
        self.tasks.start(name, None, async move {
            let result = planning.await.and_then(|proposal| look(&proposal));
            // A console that is gone needs no look.
            drop(events.send(Event::ManifestPlanned { draft, result }).await);
        });
    }

    /// Approves a request into the manifest, if it would change there what was shown.
    pub(super) fn approve_into_manifest(&mut self, draft: Box<Draft>, answer: Answer) {
        let Some(one) = draft.shown.first().cloned() else {
            return;
        };
        let findings = findings(draft.accepts_findings());
        let planning = self.planning(&draft);
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        self.spawn_change(&one.request.bottle.clone(), |work| async move {
            let planned = planning.await;
            let now = planned.as_ref().map_err(Clone::clone).and_then(look);
            let shown = draft.manifest.as_ref().map(|look| look.digest);
            let is_as_shown = now.as_ref().is_ok_and(|now| Some(now.digest) == shown);
            let proposal = planned.ok().filter(|_| is_as_shown);
            if proposal.is_none() {
                let result = now;
                // A console that is gone needs no look.
                drop(events.send(Event::ManifestPlanned { draft, result }).await);
                return (Vec::new(), None);
            }
            let shown = exactly(&one, findings, proposal);
            let done = Box::pin(cellar.answer(&shown, answer, &work)).await;
            (vec![(one.request, done)], None)
        });
    }

    /// The plan of what a yes changes in the manifest, or why there is none. Files are
    /// read beside the loop.
    fn planning(
        &self,
        draft: &Draft,
    ) -> impl Future<Output = Result<Proposal, String>> + Send + use<> {
        let cellar = self.cellar.clone();
        let request = draft.shown.first().map(|one| one.request.clone());
        let asked = request.as_ref().and_then(|one| self.state.request(one));
        let asked = draft.edited.as_deref().or(asked.map(|record| &record.ask));
        let asked = asked.cloned();
        let terms = draft.terms.terms(self.state.now);
        async move {
            let gone = || String::from("the request is gone");
            let (request, asked) = request.zip(asked).ok_or_else(gone)?;
            let planning = tokio::task::spawn_blocking(move || {
                plan(&cellar, &request, &asked, terms).map_err(|failure| failure.cause())
            });
            planning.await.map_err(|error| error.to_string())?
        }
    }
}

/// What came of requests; with it what was carried on, and why nothing was.
type Came = (
    Vec<(RequestRef, Result<Answered, Failure>)>,
    Option<(BottleRef, Option<Failure>)>,
);

async fn tell_what_came(
    teller: &Teller,
    came: Vec<(RequestRef, Result<Answered, Failure>)>,
    carried: Option<(BottleRef, Option<Failure>)>,
) {
    let came_to_nothing = came.is_empty();
    let failed = came.iter().filter_map(|(_, done)| done.as_ref().err());
    let mut failed = failed.map(|failure| (failure.cause() == CANCELLED, failure.line()));
    let news = match failed.next_back() {
        Some((true, _)) => OperationNews::Cancelled,
        Some((false, why)) => OperationNews::Ended { outcome: Err(why) },
        None => OperationNews::Ended { outcome: Ok(()) },
    };
    teller.end(news).await;
    let results = came.into_iter().map(|(request, done)| AnswerResult {
        request,
        result: words(done),
    });
    let results = results.collect();
    let events = &teller.events;
    let event = match carried {
        // Nothing was done, and why was told already.
        None if came_to_nothing => return,
        None => Event::RequestsAnswered { results },
        Some((bottle, failure)) => {
            if let Some(failure) = failure {
                let text = failure.line();
                drop(events.send(Event::Note { text }).await);
            }
            Event::CarriedOn { bottle, results }
        }
    };
    // A console that is gone needs no news.
    drop(events.send(event).await);
}

const fn findings(accepts: bool) -> Findings {
    if accepts {
        Findings::Accepted
    } else {
        Findings::Unasked
    }
}

fn exactly(shown: &ShownRequest, findings: Findings, manifest: Option<Proposal>) -> Shown {
    Shown {
        bottle: shown.request.bottle.id.clone(),
        id: shown.request.id,
        content: shown.content,
        spec: shown.spec,
        findings,
        manifest,
    }
}

fn plan(
    cellar: &Cellar,
    request: &RequestRef,
    asked: &Ask,
    terms: Terms,
) -> Result<Proposal, Failure> {
    let record = cellar.store.record(&request.bottle.id);
    let record = record.map_err(|error| Failure::new("read its record", &error))?;
    preview(&record, request.id, asked, terms)?
        .ok_or_else(|| Failure::because("plan it", "it is for this bottle alone"))
}

fn look(proposal: &Proposal) -> Result<Box<ManifestLook>, String> {
    let digest = proposal.digest().map_err(|error| error.to_string())?;
    let change = proposal.diff();
    let change = change.map(|(file, diff)| (file.to_owned(), diff));
    Ok(Box::new(ManifestLook { digest, change }))
}

/// Answers requests of one bottle one after the other.
async fn in_turn(cellar: &Cellar, of: Vec<ShownRequest>, answer: &Answer) -> Vec<AnswerResult> {
    let mut results = Vec::with_capacity(of.len());
    for one in of {
        results.push(answered(cellar, one, answer.clone(), Findings::Unasked).await);
    }
    results
}

async fn answered(
    cellar: &Cellar,
    shown: ShownRequest,
    answer: Answer,
    findings: Findings,
) -> AnswerResult {
    let exactly = exactly(&shown, findings, None);
    let work = Work::silent();
    let answered = cellar.answer(&exactly, answer, &work);
    let result = words(Box::pin(answered).await);
    let request = shown.request;
    AnswerResult { request, result }
}

/// What came of an answer, in words.
fn words(answered: Result<Answered, Failure>) -> Result<String, String> {
    let answered = match answered {
        Err(failure) if failure.cause() == CANCELLED => {
            return Ok(String::from("was cancelled; nothing was changed"));
        }
        answered => answered.map_err(|failure| failure.line())?,
    };
    let state = &answered.request.state;
    let mut what = format!("is {}", state.word());
    if let RequestState::Applied { outcome, .. } = state {
        what = format!("{what}: {}", outcome.words);
    }
    let since = match answered.reach {
        Some(Reach::Now) => "; in force now",
        Some(Reach::AtItsNextStart) => "; in force when the bottle runs again",
        None => "",
    };
    match &answered.manifest {
        // The bottle has it: what is missing is told as what went wrong.
        Some(IntoManifest::Left { why }) => Err(format!(
            "{what}{since}, but the manifest is as it was: {why}"
        )),
        manifest => {
            let manifest = manifest.as_ref().map(IntoManifest::words);
            Ok(format!("{what}{since}{}", manifest.unwrap_or_default()))
        }
    }
}
