//! One session on the operator's whole terminal: raw keys in, drawn cells out.
//!
//! Nothing of the program's bytes reaches the terminal (see [`crate::ui::Painter`]),
//! and no typed byte passes the event queue. Detaching must work even when the
//! session hangs, so the keyboard is always read; what the session does not take is
//! dropped past a bound, never waited for.

mod keyboard;
mod peer;

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use self::keyboard::Keyboard;
pub(crate) use self::peer::{News, Peer, PeerError};
use super::terminal::Terminal;
use crate::docker::Line;
use crate::pty::{DetachChord, one_line};
use crate::ui::Painter;
use crate::wire::{AttachMode, ClientToSession, SessionExit, TerminalSize};

/// A flood is painted at most this often.
const FRAME: Duration = Duration::from_millis(16);

/// How long a lone escape may be the begin of a chord.
const ESCAPE: Duration = Duration::from_millis(25);

/// How an attach ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AttachEnd {
    /// The operator detached; the session goes on.
    Detached,
    /// The session's program ended.
    Ended(SessionExit),
    /// The session did not take us.
    Refused(String),
    /// The line broke; the session goes on, as far as we know.
    Lost(String),
}

/// Why an attach could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttachError {
    /// The operator's terminal.
    #[error("use the terminal")]
    Terminal(#[from] io::Error),
    /// The line to the session.
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// Shows a session until the operator detaches or it ends. `typed` is what was typed
/// before there was a line; `status` is the last row.
///
/// # Errors
/// [`AttachError`] if the terminal or the line cannot be used; the terminal is given
/// back by its guard, not here.
pub(crate) async fn attach(
    terminal: &Terminal,
    line: Line,
    mode: AttachMode,
    typed: Vec<u8>,
    mut status: watch::Receiver<String>,
) -> Result<AttachEnd, AttachError> {
    terminal.hear_nothing()?;
    let mut painter = Painter::new(window_size()?);
    let mut peer = Peer::greet(line, mode, painter.session_size());
    if !typed.is_empty() {
        peer.type_bytes(typed);
    }
    let mut keyboard = Keyboard::listen()?;
    let mut chord = DetachChord::default();
    let mut resized = signal(SignalKind::window_change())?;
    let mut beat = tokio::time::interval(Duration::from_secs(1));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut canvas = Canvas::default();
    loop {
        tokio::select! {
            biased;
            bytes = keyboard.read() => {
                let outcome = chord.feed(bytes?);
                if mode == AttachMode::Interactive && !outcome.forward.is_empty() {
                    peer.type_bytes(outcome.forward);
                }
                if outcome.detached {
                    return Ok(AttachEnd::Detached);
                }
            }
            _ = resized.recv() => {
                painter.resize(window_size()?);
                peer.say(ClientToSession::Resize { size: painter.session_size() });
                canvas.paint(&mut painter, &mut peer, &status)?;
            }
            _ = beat.tick() => {
                if let Some(why) = peer.beat() {
                    return Ok(AttachEnd::Lost(why));
                }
                canvas.paint(&mut painter, &mut peer, &status)?;
            }
            // Last of what comes by itself: in a flood it never runs dry.
            news = peer.next() => {
                if let Some(end) = drain(&mut peer, news, canvas.painted)? {
                    return Ok(end);
                }
                canvas.paint(&mut painter, &mut peer, &status)?;
            }
            () = tokio::time::sleep(ESCAPE), if chord.is_holding() => {
                // Nothing followed: it was the key and not the begin of a chord.
                let held = chord.release();
                if mode == AttachMode::Interactive {
                    peer.type_bytes(held);
                }
            }
            Ok(()) = status.changed() => canvas.paint(&mut painter, &mut peer, &status)?,
        }
    }
}

/// Takes what else has come already, until nothing is left or a frame is due.
fn drain(
    peer: &mut Peer,
    first: Result<News, PeerError>,
    painted: Option<Instant>,
) -> Result<Option<AttachEnd>, AttachError> {
    // After a pause the first bytes are painted with what came along; in a flood a
    // frame's worth is taken first.
    let due = painted
        .map_or_else(Instant::now, |at| at + FRAME)
        .max(Instant::now() + FRAME / 4);
    let mut news = first?;
    loop {
        match news {
            News::Screen => {}
            News::Ended(exit) => return Ok(Some(AttachEnd::Ended(exit))),
            News::Refused(why) => return Ok(Some(AttachEnd::Refused(one_line(&why)))),
            News::Closed => return Ok(Some(AttachEnd::Lost(String::from("the line was closed")))),
        }
        if Instant::now() >= due {
            return Ok(None);
        }
        match peer.next().now_or_never() {
            Some(more) => news = more?,
            None => return Ok(None),
        }
    }
}

/// The bytes of a frame and when the last one was painted.
#[derive(Debug, Default)]
struct Canvas {
    out: Vec<u8>,
    painted: Option<Instant>,
}

impl Canvas {
    fn paint(
        &mut self,
        painter: &mut Painter,
        peer: &mut Peer,
        status: &watch::Receiver<String>,
    ) -> io::Result<()> {
        peer.expire_sync();
        if peer.is_mid_snapshot() {
            return Ok(());
        }
        self.out.clear();
        let dropped = peer.dropped();
        let text = if dropped == 0 {
            status.borrow().clone()
        } else {
            format!(
                "the session does not read: {dropped} keys dropped · {}",
                *status.borrow()
            )
        };
        painter.paint(peer.screen_mut(), &text, &mut self.out);
        self.painted = Some(Instant::now());
        if self.out.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.out)?;
        stdout.flush()
    }
}

/// The size of the operator's terminal, at least one cell.
pub(crate) fn window_size() -> io::Result<TerminalSize> {
    let (columns, rows) = crossterm::terminal::size()?;
    Ok(TerminalSize {
        columns: columns.max(1),
        rows: rows.max(1),
    })
}
