//! Which images others make and which were made lately, read from the disk.

use super::Console;
use crate::state::{BottleRef, BuildElsewhere, BuildEnd, BuildResult, Event};
use crate::store::{BuildOutcome, Store, StoreError};

/// The task that reads.
const NAME: &str = "read builds";

impl Console<'_> {
    pub(super) fn load_builds(&mut self) {
        let (store, events) = (self.cellar.store.clone(), self.events.clone());
        let engine = self.cellar.engine.id().clone();
        self.tasks.start(String::from(NAME), None, async move {
            let reading = tokio::task::spawn_blocking(move || {
                read(&store, |id| BottleRef {
                    engine: engine.clone(),
                    id,
                })
            });
            let event = match reading.await {
                Ok(Ok(event)) => event,
                Ok(Err(error)) => Event::Note {
                    text: format!("failed to read the builds: {error}"),
                },
                // The thread broke, which its own report says.
                Err(_) => return,
            };
            // A console that is gone needs no news.
            drop(events.send(event).await);
        });
    }
}

fn read(
    store: &Store,
    of: impl Fn(crate::spec::BottleId) -> BottleRef,
) -> Result<Event, StoreError> {
    let elsewhere = store.builds_now()?.into_iter();
    let ended = store.builds()?.into_iter();
    Ok(Event::BuildsRead {
        elsewhere: elsewhere
            .map(|now| BuildElsewhere {
                bottle: of(now.bottle),
                began: now.began,
            })
            .collect(),
        ended: ended
            .map(|note| BuildEnd {
                bottle: of(note.bottle),
                began: note.began,
                ended: note.ended,
                result: match note.outcome {
                    BuildOutcome::Done => BuildResult::Done,
                    BuildOutcome::Failed { why } => BuildResult::Failed { why },
                    BuildOutcome::Cancelled => BuildResult::Cancelled,
                },
            })
            .collect(),
    })
}
