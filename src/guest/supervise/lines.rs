//! The hub's socket: sidecars report, consoles listen.
//!
//! Both begin with a hello. A role's names its role and a console's does not; that is
//! what tells them apart.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zeroize::Zeroize as _;

use super::facts::Facts;
use super::requests::{RequestError, Requests};
use super::shared::{SharedHub, Speaker};
use crate::wire::{
    ConsoleToHub, Frame, HubToConsole, LineError, LineReader, LineWriter, Role, RoleReport,
    SILENCE_LIMIT, VERSION,
};

/// Lines at once: two sidecars and a few consoles, with room.
const LINES: usize = 32;
/// The longest message: a large table of routes.
const MAX_MESSAGE_BYTES: usize = 512 * 1024;
/// Messages sent to a console in one piece.
const AT_ONCE: usize = 64;
const RECOVERY: Duration = Duration::from_millis(50);

/// Serves the hub's socket for as long as it is polled.
pub(super) async fn serve(
    door: &UnixListener,
    hub: &SharedHub,
    requests: &Requests,
    facts: &Facts,
) {
    let places = Arc::new(Semaphore::new(LINES));
    let mut lines = JoinSet::new();
    loop {
        tokio::select! {
            accepted = door.accept() => match accepted {
                Ok((stream, _)) => {
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                        hub.log("a line was refused: too many at once");
                        continue;
                    };
                    let (hub, requests, facts) = (hub.clone(), requests.clone(), facts.clone());
                    lines.spawn(async move {
                        // Why a line ended is no matter of the bottle's.
                        drop(line(stream, &hub, &requests, &facts).await);
                        drop(place);
                    });
                }
                Err(_) => sleep(RECOVERY).await,
            },
            Some(_) = lines.join_next() => {}
        }
    }
}

/// Serves one line, whatever its other end turns out to be.
async fn line<S>(
    stream: S,
    hub: &SharedHub,
    requests: &Requests,
    facts: &Facts,
) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (from, to) = tokio::io::split(stream);
    let mut from = LineReader::with_limit(from, MAX_MESSAGE_BYTES);
    let mut to = LineWriter::new(to);
    let Some(payload) = message(&mut from).await? else {
        return Ok(());
    };
    if let Ok(RoleReport::Hello { version, role }) = Frame::parse(&payload) {
        if version != VERSION {
            hub.log(refusal(role.as_str(), version));
            return Ok(());
        }
        // Init reports on a door of its own, where it is believed less.
        return match role {
            Role::Egress => egress(&mut from, to, &hub.speak(role), hub, requests).await,
            Role::Agent | Role::Supervise => Ok(()),
        };
    }
    if let Ok(ConsoleToHub::Hello { version }) = Frame::parse(&payload) {
        to.message(&HubToConsole::Hello { version: VERSION })
            .await?;
        if version != VERSION {
            hub.log(refusal("a console", version));
            return Ok(());
        }
        return console(from, to, hub, requests, facts).await;
    }
    Ok(())
}

fn refusal(who: &str, version: u32) -> String {
    format!("{who} was turned away: it speaks version {version}, this hub version {VERSION}")
}

/// Passes on egress's reports, and to it what consoles say, until its line ends.
async fn egress<R, W>(
    from: &mut LineReader<R>,
    mut to: LineWriter<W>,
    speaker: &Speaker,
    hub: &SharedHub,
    requests: &Requests,
) -> Result<(), LineError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut inbox = speaker.inbox();
    let tell = async {
        while let Some(message) = inbox.recv().await {
            write(&mut to, &[message]).await?;
        }
        Ok(())
    };
    tokio::select! {
        ended = reports(from, speaker, hub, requests) => ended,
        ended = tell => ended,
    }
}

async fn write<W, T>(to: &mut LineWriter<W>, messages: &[T]) -> Result<(), LineError>
where
    W: AsyncWrite + Unpin,
    T: serde::Serialize,
{
    timeout(SILENCE_LIMIT, to.messages(messages))
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
}

/// Passes on egress's reports until its line ends or falls silent, and makes requests of
/// what it refused. Who refuses faster than the disk writes is read more slowly.
async fn reports<R>(
    from: &mut LineReader<R>,
    speaker: &Speaker,
    hub: &SharedHub,
    requests: &Requests,
) -> Result<(), LineError>
where
    R: AsyncRead + Unpin,
{
    let mut is_failing = false;
    while let Some(payload) = message(from).await? {
        // What a newer version adds is passed over.
        let Ok(report) = Frame::parse::<RoleReport>(&payload) else {
            continue;
        };
        let is_table = matches!(report, RoleReport::Routes { .. });
        let refused = if let RoleReport::Decision { decision } = &report
            && decision.wants.is_some()
        {
            Some(decision.clone())
        } else {
            None
        };
        speaker.say(report);
        let done = match refused {
            Some(decision) => requests.refused(&decision).await,
            None if is_table => requests.tidy().await,
            None => Ok(()),
        };
        // Said once: an agent makes as many refusals as it likes.
        match done {
            Ok(()) => is_failing = false,
            Err(error) if !std::mem::replace(&mut is_failing, true) => {
                hub.log(format!(
                    "what egress refused is no request: failed to {error}"
                ));
            }
            Err(_) => {}
        }
    }
    Ok(())
}

/// The next message; `None` at the end of the line or after a silence.
pub(super) async fn message<R>(from: &mut LineReader<R>) -> Result<Option<Vec<u8>>, LineError>
where
    R: AsyncRead + Unpin,
{
    loop {
        match timeout(SILENCE_LIMIT, from.next()).await {
            Ok(Ok(Some(Frame::Message(payload)))) => return Ok(Some(payload)),
            Ok(Ok(Some(Frame::Bytes(_)))) => {}
            Ok(Ok(None)) | Err(_) => return Ok(None),
            Ok(Err(error)) => return Err(error),
        }
    }
}

/// Tells a console all it has to hear, and answers its pings, until either stops.
async fn console<R, W>(
    mut from: LineReader<R>,
    mut to: LineWriter<W>,
    hub: &SharedHub,
    requests: &Requests,
    facts: &Facts,
) -> Result<(), LineError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let listener = hub.listen();
    let pinged = Notify::new();
    let hear = async {
        while let Some(mut payload) = message(&mut from).await? {
            let said = Frame::parse(&payload);
            payload.zeroize();
            match said {
                Ok(ConsoleToHub::Ping) => pinged.notify_one(),
                Ok(ConsoleToHub::Egress { message }) => {
                    if !hub.tell_egress(message) {
                        hub.log("what a console had for egress was dropped: egress is not there");
                    }
                }
                Ok(ConsoleToHub::Request { id, news }) => {
                    if let Err(error) = requests.hear(id, *news).await {
                        refuse(hub, id, &error);
                    }
                }
                Ok(ConsoleToHub::Facts { facts: told }) => {
                    if let Err(error) = facts.learn(*told) {
                        hub.log(format!(
                            "failed to keep what the bottle is made of: {error}"
                        ));
                    }
                }
                // What a newer version adds is passed over.
                Ok(ConsoleToHub::Hello { .. }) | Err(_) => {}
            }
        }
        Ok(())
    };
    let tell = async {
        loop {
            let messages = tokio::select! {
                () = listener.woken() => listener.take(),
                () = pinged.notified() => vec![HubToConsole::Pong],
            };
            for messages in messages.chunks(AT_ONCE) {
                write(&mut to, messages).await?;
            }
        }
    };
    tokio::select! {
        ended = hear => ended,
        ended = tell => ended,
    }
}

fn refuse(hub: &SharedHub, id: u64, error: &RequestError) {
    hub.log(format!(
        "what a console said of request {id} was not taken: failed to {error}"
    ));
    let why = error.to_string();
    hub.report(Role::Supervise, RoleReport::RequestRefused { id, why });
}

#[cfg(test)]
mod tests;
