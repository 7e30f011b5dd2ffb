//! The inbox's effects: looking up what an approval would do, and telling an operator
//! who looks elsewhere.

use std::io::Write as _;

use super::Console;
use crate::app::approvals::chain;
use crate::app::cellar::Cellar;
use crate::app::exit::Failure;
use crate::app::requests::findings;
use crate::request::{Ask, RequestRecord, Terms};
use crate::state::{BottleRef, Event, Looked, RequestLook, RequestRef};

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

    /// Looks up what approving several requests would do, those of a bottle one after the
    /// other.
    pub(super) fn look_at_many(&mut self, ticket: u64, requests: Vec<RequestRef>) {
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        let mut bottles: Vec<(BottleRef, Vec<RequestRecord>)> = Vec::new();
        for request in requests {
            let Some(record) = self.state.request(&request).cloned() else {
                continue;
            };
            match bottles
                .iter_mut()
                .find(|(known, _)| *known == request.bottle)
            {
                Some((_, records)) => records.push(record),
                None => bottles.push((request.bottle, vec![record])),
            }
        }
        let name = String::from("look at several requests");
        self.tasks.start(name, None, async move {
            let looking = tokio::task::spawn_blocking(move || {
                let looked = bottles
                    .into_iter()
                    .flat_map(|(bottle, requests)| look_in_turn(&cellar, &bottle, requests));
                looked.collect::<Vec<_>>()
            });
            if let Ok(looked) = looking.await {
                // A console that is gone needs no look.
                drop(events.send(Event::ManyShown { ticket, looked }).await);
            }
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

fn look_in_turn(cellar: &Cellar, bottle: &BottleRef, requests: Vec<RequestRecord>) -> Vec<Looked> {
    let of = |id, result| Looked {
        request: RequestRef {
            bottle: bottle.clone(),
            id,
        },
        result,
    };
    match cellar.store.record(&bottle.id) {
        Ok(known) => {
            let looks = chain((known.spec, known.digest), requests, Terms::default());
            let looks = looks.into_iter();
            looks
                .map(|(request, look)| of(request.id, Ok(Box::new(look))))
                .collect()
        }
        Err(error) => {
            let why = Failure::new("read the bottle's record", &error).line();
            let requests = requests.into_iter();
            requests
                .map(|request| of(request.id, Err(why.clone())))
                .collect()
        }
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
