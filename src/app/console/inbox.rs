//! The inbox's effects: looking up what an approval would do, answering, taking back,
//! and telling an operator who looks elsewhere.

use std::io::Write as _;

use futures_util::StreamExt as _;

use super::Console;
use crate::app::cellar::{Cellar, Reach};
use crate::app::change::Work;
use crate::app::exit::Failure;
use crate::app::requests::{Answered, Findings, Shown, findings};
use crate::request::{Answer, Ask, RequestRecord, RequestState};
use crate::state::{AnswerResult, BottleRef, Event, Looked, RequestLook, RequestRef, ShownRequest};

/// Bottles that are answered at once.
const ANSWERED_AT_ONCE: usize = 4;

impl Console<'_> {
    /// Looks up what approving would do. A look that was asked for before is of no use
    /// any more and ends.
    pub(super) fn look_at_requests(
        &mut self,
        ticket: u64,
        requests: Vec<RequestRef>,
        edited: Option<Box<Ask>>,
    ) {
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        let records = requests.into_iter().map(|request| {
            let record = self.state.request(&request).cloned();
            (request, record)
        });
        let records: Vec<_> = records.collect();
        self.tasks
            .start(String::from("look at requests"), None, async move {
                // Reading records and comparing Dockerfiles takes longer than a key may.
                let looking = tokio::task::spawn_blocking(move || {
                    let edited = edited.as_deref();
                    let looked = records
                        .into_iter()
                        .map(|(request, record)| look(&cellar, request, record, edited));
                    looked.collect::<Vec<_>>()
                });
                if let Ok(looked) = looking.await {
                    // A console that is gone needs no look.
                    drop(events.send(Event::RequestsShown { ticket, looked }).await);
                }
            });
    }

    /// Answers requests, a few bottles at a time.
    pub(super) fn answer_requests(
        &mut self,
        shown: Vec<ShownRequest>,
        answer: Answer,
        accepts_findings: bool,
    ) {
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        self.operations += 1;
        let name = format!("answer requests {}", self.operations);
        let findings = if accepts_findings {
            Findings::Accepted
        } else {
            Findings::Unasked
        };
        self.tasks.start(name, None, async move {
            let answers = futures_util::stream::iter(shown)
                .map(|one| answered(&cellar, one, answer.clone(), findings))
                .buffered(ANSWERED_AT_ONCE);
            let results = answers.collect().await;
            // A console that is gone needs no news.
            drop(events.send(Event::RequestsAnswered { results }).await);
        });
    }

    /// Takes back what a request was given.
    pub(super) fn undo_request(&mut self, request: RequestRef) {
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        self.operations += 1;
        let name = format!("answer requests {} undo", self.operations);
        self.tasks.start(name, None, async move {
            let work = Work::silent();
            let undone = cellar.undo(&request.bottle.id, request.id, &work.news);
            let undone = Box::pin(undone).await;
            let result = words(undone);
            let results = vec![AnswerResult { request, result }];
            // A console that is gone needs no news.
            drop(events.send(Event::RequestsAnswered { results }).await);
        });
    }

    /// Tells the operator, wherever they look, that a bottle needs them.
    pub(super) fn notify(&mut self, bottle: &BottleRef, what: &str) -> std::io::Result<()> {
        if !self.notifier.is_due() {
            return Ok(());
        }
        let bytes = self.notifier.sequences(bottle.id.as_str(), what);
        if !bytes.is_empty() {
            // Between two frames: none of it moves the cursor or changes a cell.
            let mut out = std::io::stdout();
            out.write_all(&bytes)?;
            out.flush()?;
        }
        if let Some(telling) = self.notifier.outside(bottle.id.as_str(), what) {
            // One that hangs is ended by the next.
            self.tasks
                .start(String::from("notification"), None, telling);
        }
        Ok(())
    }
}

fn look(
    cellar: &Cellar,
    request: RequestRef,
    record: Option<RequestRecord>,
    edited: Option<&Ask>,
) -> Looked {
    let result = match (cellar.store.record(&request.bottle.id), record) {
        (_, None) => Err(String::from("the request is gone")),
        (Err(error), _) => Err(Failure::new("read the bottle's record", &error).line()),
        (Ok(known), Some(record)) => {
            let ask = edited.unwrap_or(&record.ask);
            let found = findings(&known.spec, record.id, ask);
            let found = found.map_err(|problem| problem.to_string());
            let look = RequestLook::of(&known.spec, known.digest, &record, edited, found);
            Ok(Box::new(look))
        }
    };
    Looked { request, result }
}

async fn answered(
    cellar: &Cellar,
    shown: ShownRequest,
    answer: Answer,
    findings: Findings,
) -> AnswerResult {
    let request = shown.request;
    let shown = Shown {
        bottle: request.bottle.id.clone(),
        id: request.id,
        content: shown.content,
        spec: shown.spec,
        findings,
        manifest: None,
    };
    let work = Work::silent();
    let answered = cellar.answer(&shown, answer, &work.news);
    let result = words(Box::pin(answered).await);
    AnswerResult { request, result }
}

/// What came of an answer, in words.
fn words(answered: Result<Answered, Failure>) -> Result<String, String> {
    let answered = answered.map_err(|failure| failure.line())?;
    let state = &answered.request.state;
    let mut what = format!("is {}", state.word());
    if let RequestState::Applied { outcome, .. } = state {
        what = format!("{what}: {}", outcome.words);
    }
    Ok(match answered.reach {
        Some(Reach::Now) => format!("{what}; in force now"),
        Some(Reach::AtItsNextStart) => format!("{what}; in force when the bottle runs again"),
        None => what,
    })
}
