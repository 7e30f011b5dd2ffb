//! What the console does to several bottles: holding them still, one by one as operations
//! or all at once as a panic, and typing into their sessions.

use futures_util::StreamExt as _;
use jiff::Timestamp;

use super::Console;
use crate::app::brake::Braked;
use crate::app::exit::Failure;
use crate::state::{BottleRef, Event, OperationKind, Standing};

/// Sessions that are typed into at the same time.
const SENT_AT_ONCE: usize = 16;

impl Console<'_> {
    pub(super) fn brake(&mut self, kind: OperationKind, bottle: BottleRef) {
        let (id, agent) = (bottle.id.clone(), self.agent_of(&bottle));
        self.spawn(kind, bottle, agent, move |cellar, _| async move {
            match kind {
                OperationKind::Freeze => cellar.freeze(&id).await,
                OperationKind::Unfreeze => cellar.unfreeze(&id).await,
                OperationKind::Cut => cellar.cut(&id).await,
                OperationKind::Reconnect => cellar.reconnect(&id).await,
                OperationKind::Start
                | OperationKind::Stop
                | OperationKind::Resume
                | OperationKind::Restart
                | OperationKind::Remove
                | OperationKind::Change => Ok(()),
            }
        });
    }

    /// Holds everything still, or lets it go, and tells how it went.
    pub(super) fn panic(&mut self, is_lifted: bool) {
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        self.operations += 1;
        let name = format!("operation {} panic", self.operations);
        self.tasks.start(name, None, async move {
            let braked = if is_lifted {
                cellar.lift_panic().await
            } else {
                cellar.panic().await
            };
            let text = match braked {
                Ok(braked) => told(&braked, is_lifted),
                Err(failure) => failure.line(),
            };
            // A console that is gone needs no news.
            drop(events.send(Event::Note { text }).await);
        });
    }

    /// Types a line into sessions and tells how it went.
    pub(super) fn send_lines(&mut self, bottles: Vec<BottleRef>, text: String) {
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        self.operations += 1;
        let name = format!("operation {} send", self.operations);
        self.tasks.start(name, None, async move {
            let ids: Vec<_> = bottles.iter().map(|bottle| bottle.id.clone()).collect();
            let (cellar, text) = (&cellar, &text);
            let sent = futures_util::stream::iter(ids)
                .map(|id| async move { cellar.send_line(&id, text).await })
                .buffer_unordered(SENT_AT_ONCE)
                .collect::<Vec<_>>()
                .await;
            let failures: Vec<Failure> = sent.into_iter().filter_map(Result::err).collect();
            let done = bottles.len() - failures.len();
            let text = match (bottles.as_slice(), failures.first()) {
                ([one], None) => format!("sent to {}", one.id),
                (_, None) => format!("sent to {done} sessions"),
                (_, Some(failure)) if done == 0 => failure.line(),
                (_, Some(failure)) => format!("sent to {done}, but: {}", failure.line()),
            };
            // A console that is gone needs no news.
            drop(events.send(Event::Note { text }).await);
        });
    }

    /// Looks whether everything is held still; another console may have done it.
    pub(super) fn look_for_panic(&mut self) -> std::io::Result<()> {
        let standing = match self.cellar.store.panic() {
            Ok(panic) => panic.map(|panic| Standing {
                since: panic.since,
                frozen: panic.frozen.len(),
                cut: panic.cut.len(),
            }),
            // What cannot be read holds everything too.
            Err(_) => Some(Standing {
                since: Timestamp::UNIX_EPOCH,
                frozen: 0,
                cut: 0,
            }),
        };
        if self.state.panic == standing {
            return Ok(());
        }
        // What it did to networks is in no event of the engine.
        self.refresh();
        self.take(Event::PanicStands { standing })
    }
}

/// What came of it in one line.
pub(in crate::app) fn told(braked: &Braked, is_lifted: bool) -> String {
    let (frozen, cut) = if is_lifted {
        ("let go on", "connected again")
    } else {
        ("frozen", "cut")
    };
    let mut text = format!(
        "{} {frozen}, {} {cut}",
        braked.frozen.len(),
        braked.cut.len()
    );
    if let Some(failure) = braked.failures.first() {
        let more = match braked.failures.len() {
            1 => String::new(),
            several => format!(" and {} more", several - 1),
        };
        text = format!("{text}, but: {}{more}", Failure::line(failure));
    }
    text
}
