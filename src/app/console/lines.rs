//! The tasks that stand for the console's lines: one hub a bottle, the engine's
//! events. Each sends events and waits when the queue is full.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::app::links::Links;
use crate::docker::{self, Engine, WatchEvent};
use crate::state::{BottleRef, Event, FleetEvent};
use crate::wire::{
    ConsoleToHub, Frame, HEARTBEAT, HubToConsole, LineReader, LineWriter, SILENCE_LIMIT, VERSION,
};

/// Waits before a broken line is tried again: doubling, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(300);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Passes on what the engine shows of this operator's bottles.
pub(in crate::app) async fn fleet(
    engine: Arc<dyn Engine>,
    owner: String,
    events: mpsc::Sender<Event>,
) {
    let (tx, mut rx) = mpsc::channel(16);
    let id = engine.id().clone();
    let pass = async {
        while let Some(seen) = rx.recv().await {
            let engine = id.clone();
            let fleet = match seen {
                WatchEvent::Bottles(mut bottles) => {
                    bottles.retain(|sighting| sighting.owner == owner);
                    FleetEvent::Sightings { engine, bottles }
                }
                WatchEvent::EngineLost { why } => FleetEvent::EngineLost { engine, why },
                WatchEvent::EngineBack => FleetEvent::EngineBack { engine },
            };
            if events.send(Event::Fleet { fleet }).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(docker::watch(engine, tx), pass);
}

/// Holds the control line to a hub, again and again, until it is ended.
/// What is told to its bottle meanwhile goes over it.
pub(in crate::app) async fn hub(
    engine: Arc<dyn Engine>,
    links: Links,
    bottle: BottleRef,
    events: mpsc::Sender<Event>,
) {
    let mut wait = FIRST_WAIT;
    while !events.is_closed() {
        let why = match hold(&*engine, &links, &bottle, (&events, &mut wait)).await {
            Ok(()) => return,
            Err(why) => why,
        };
        let down = Event::HubDown {
            bottle: bottle.clone(),
            why,
        };
        if events.send(down).await.is_err() {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn hold(
    engine: &dyn Engine,
    links: &Links,
    bottle: &BottleRef,
    (events, wait): (&mpsc::Sender<Event>, &mut Duration),
) -> Result<(), String> {
    let line = docker::control_line(engine, &bottle.id)
        .await
        .map_err(|error| error.to_string())?;
    let mut writer = LineWriter::new(line.writer);
    let mut reader = LineReader::new(line.reader);
    let text = |error: &dyn std::fmt::Display| error.to_string();
    writer
        .message(&ConsoleToHub::Hello { version: VERSION })
        .await
        .map_err(|error| text(&error))?;
    let mut lent = links.lend(&bottle.id);
    let mut beat = tokio::time::interval(HEARTBEAT);
    let mut heard = tokio::time::Instant::now();
    // What is there to be read is no silence, however late we come to it: who was silent
    // is so at two beats.
    let mut is_doubtful = false;
    loop {
        tokio::select! {
            frame = reader.next() => {
                let Some(Frame::Message(payload)) = frame.map_err(|error| text(&error))? else {
                    return Err(String::from("the hub closed the line"));
                };
                let message: HubToConsole =
                    Frame::parse(&payload).map_err(|error| text(&error))?;
                if let HubToConsole::Hello { version } = message {
                    if version != VERSION {
                        return Err(format!("the hub speaks version {version}, this console {VERSION}"));
                    }
                    *wait = FIRST_WAIT;
                    if events.send(Event::HubUp { bottle: bottle.clone() }).await.is_err() {
                        return Ok(());
                    }
                    continue;
                }
                lent.heard(&message);
                if message != HubToConsole::Pong
                    && events.send(Event::Hub { bottle: bottle.clone(), message }).await.is_err()
                {
                    return Ok(());
                }
                // The queue may have been full for long.
                heard = tokio::time::Instant::now();
                is_doubtful = false;
            }
            order = lent.order() => {
                writer.message(&order).await.map_err(|error| text(&error))?;
            }
            _ = beat.tick() => {
                if heard.elapsed() > SILENCE_LIMIT {
                    if is_doubtful {
                        return Err(String::from("the hub went silent"));
                    }
                    is_doubtful = true;
                }
                writer.message(&ConsoleToHub::Ping).await.map_err(|error| text(&error))?;
            }
        }
    }
}
