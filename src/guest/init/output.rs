//! Carries the program's output from the PTY to the session.

use std::io;

use tokio::io::Interest;

use super::session::Session;

/// Gathered from the PTY (which gives 4 KiB at a time) before the clients and the
/// screen model see it: large enough for a flood, small enough not to delay a key.
const BATCH_BYTES: usize = 64 * 1024;
/// Less than this is shown before the screen model reads it, since a key's echo should
/// not wait for that. More is no echo: the model reads it first, which gives the
/// program time to write what then travels in the same frame.
const ECHO_BYTES: usize = 1024;

/// What one look at the PTY found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Output,
    Nothing,
    End,
}

/// Reads until every descriptor of the program's side is closed. Not cancel-safe: a
/// batch that was read may be lost.
pub(super) async fn carry(session: &Session) {
    let mut buffer = vec![0; BATCH_BYTES];
    loop {
        if !wait(session).await {
            return;
        }
        match carry_batch(session, &mut buffer) {
            // A flood must not keep the others from their turn.
            Found::Output => tokio::task::yield_now().await,
            Found::Nothing => {}
            Found::End => return,
        }
    }
}

/// Waits for output, and shows a held-back update when its time is over; false if the
/// PTY cannot be waited for.
async fn wait(session: &Session) -> bool {
    let readable = session.master().readable();
    let Some(deadline) = session.sync_deadline() else {
        return readable.await.is_ok();
    };
    if let Ok(ready) = tokio::time::timeout_at(deadline.into(), readable).await {
        return ready.is_ok();
    }
    session.expire_sync();
    true
}

/// Carries what is there, up to a batch.
fn carry_batch(session: &Session, buffer: &mut [u8]) -> Found {
    let (mut count, mut modelled) = (0, 0);
    let mut found = Found::Output;
    while let Some(free) = buffer.get_mut(count..).filter(|free| !free.is_empty()) {
        match read(session, free) {
            Ok(0) => {
                found = Found::End;
                break;
            }
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // Linux says EIO when the program's side was closed for the last time.
            Err(_) => {
                found = Found::End;
                break;
            }
        }
        if count >= ECHO_BYTES {
            session.model(buffer.get(modelled..count).unwrap_or_default());
            modelled = count;
        }
    }
    if count == 0 {
        return if found == Found::End {
            found
        } else {
            Found::Nothing
        };
    }
    session.show(buffer.get(..count).unwrap_or_default());
    session.model(buffer.get(modelled..count).unwrap_or_default());
    found
}

fn read(session: &Session, free: &mut [u8]) -> io::Result<usize> {
    session.master().try_io(Interest::READABLE, |master| {
        rustix::io::read(master, free).map_err(io::Error::from)
    })
}
