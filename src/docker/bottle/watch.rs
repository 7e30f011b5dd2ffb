//! Watching an engine: one events stream, one list behind each burst of events, and a
//! list now and then in case an event was lost.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::sightings::sightings;
use crate::docker::engine::{Engine, News};
use crate::docker::error::EngineError;
use crate::docker::labels;
use crate::docker::model::EngineEvent;
use crate::state::BottleSighting;

/// The engine is asked for everything this often, events or not.
const AUDIT: Duration = Duration::from_secs(45);
/// A burst of events is answered by one list, this long after its first.
const DEBOUNCE: Duration = Duration::from_millis(60);
/// Waits before the engine is tried again: doubling, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// All bottles there are.
    Bottles(Vec<BottleSighting>),
    /// The engine does not answer; it is tried again without end.
    EngineLost {
        /// Why.
        why: String,
    },
    /// It answers again; a list follows.
    EngineBack,
}

/// Watches until `to` is closed.
pub async fn watch(engine: Arc<dyn Engine>, to: mpsc::Sender<WatchEvent>) {
    let mut wait = FIRST_WAIT;
    let mut is_lost = false;
    while !to.is_closed() {
        let ended = round(&*engine, &to, &mut is_lost, &mut wait).await;
        let Err(error) = ended else {
            return;
        };
        if !is_lost {
            is_lost = true;
            let why = error.to_string();
            if to.send(WatchEvent::EngineLost { why }).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// One subscription, from its begin to its break. Ends well only when nobody listens.
async fn round(
    engine: &dyn Engine,
    to: &mpsc::Sender<WatchEvent>,
    is_lost: &mut bool,
    wait: &mut Duration,
) -> Result<(), EngineError> {
    let mut events = engine.events(labels::BOTTLE);
    loop {
        let (bottles, heard) = list(engine, &mut events).await?;
        *wait = FIRST_WAIT;
        if std::mem::take(is_lost) && to.send(WatchEvent::EngineBack).await.is_err() {
            return Ok(());
        }
        if to.send(WatchEvent::Bottles(bottles)).await.is_err() {
            return Ok(());
        }
        let heard = heard?;
        let burst = tokio::select! {
            () = to.closed() => return Ok(()),
            burst = next_burst(&mut events, heard) => burst?,
        };
        if burst == Burst::Audit {
            // A stream whose other end vanished looks just as quiet.
            events = engine.events(labels::BOTTLE);
        }
    }
}

/// Lists while it listens: a stream asks the engine only once it is read, and nothing
/// may fall between the two. What was heard is beside the list, because a list is good
/// news even where the stream broke.
async fn list(
    engine: &dyn Engine,
    events: &mut News<EngineEvent>,
) -> Result<(Vec<BottleSighting>, Result<Heard, EngineError>), EngineError> {
    let mut listing = std::pin::pin!(sightings(engine));
    let mut heard = Ok(Heard::Nothing);
    loop {
        tokio::select! {
            biased;
            event = events.next(), if heard.is_ok() => match told(event) {
                Ok(event) if matters(&event.action) => heard = Ok(Heard::Events),
                Ok(_) => {}
                Err(error) => heard = Err(error),
            },
            bottles = &mut listing => return Ok((bottles?, heard)),
        }
    }
}

/// What the stream said while the list was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// The list says it all.
    Nothing,
    /// The list may be older than what happened.
    Events,
}

/// Why the engine is asked for everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Burst {
    /// Something happened.
    Events,
    /// Nothing did for a while.
    Audit,
}

/// Waits for events that matter, lets the burst pass, or for the next audit.
async fn next_burst(events: &mut News<EngineEvent>, heard: Heard) -> Result<Burst, EngineError> {
    let mut burst = match heard {
        Heard::Nothing => Burst::Audit,
        Heard::Events => Burst::Events,
    };
    let mut until = match burst {
        Burst::Audit => Instant::now() + AUDIT,
        Burst::Events => Instant::now() + DEBOUNCE,
    };
    while let Ok(event) = timeout_at(until, events.next()).await {
        if matters(&told(event)?.action) && burst == Burst::Audit {
            burst = Burst::Events;
            until = Instant::now() + DEBOUNCE;
        }
    }
    Ok(burst)
}

/// The end of a stream that should have none is an error too.
fn told(event: Option<Result<EngineEvent, EngineError>>) -> Result<EngineEvent, EngineError> {
    event.unwrap_or_else(|| {
        Err(EngineError::Garbled {
            operation: "listen to its events",
            why: String::from("it ended the stream"),
        })
    })
}

/// Execs are our own lines and change nothing that a list shows.
fn matters(action: &str) -> bool {
    !action.starts_with("exec_") && !action.starts_with("attach") && action != "resize"
}
