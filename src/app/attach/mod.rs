//! One session on the operator's whole terminal: raw keys in, drawn cells out.
//!
//! Nothing of the program's bytes reaches the terminal (see [`crate::ui::Painter`]),
//! and no typed byte passes the event queue. Detaching must work even when the
//! session hangs, so the keyboard is always read; what the session does not take is
//! dropped past a bound, never waited for.

mod chords;
mod keyboard;
mod late;
mod peer;
mod reports;
mod typing;

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

pub(crate) use self::chords::{console_chords, leaving_chords};
pub(crate) use self::keyboard::Keyboard;
pub(crate) use self::late::LateAnswer;
pub(crate) use self::peer::{News, Peer, PeerError};
use self::typing::{Typed, Typing};
use super::terminal::Terminal;
use crate::docker::Line;
use crate::pty::{Chord, Chords, one_line};
use crate::ui::{self, Look, Painter};
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
    /// The operator wants to see the next bottle that needs them; the session goes on.
    Next,
    /// The operator wants to read back what it shows; the session goes on.
    Copy,
    /// The same, by turning the wheel.
    Wheel,
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

/// What the frame of a session that has the terminal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The last row.
    pub(crate) status: String,
    /// Whether another bottle needs the operator, so that there is somewhere to go.
    pub(crate) has_next: bool,
}

/// What stands around a session that has the whole terminal.
#[derive(Debug)]
pub(crate) struct Around {
    /// The last row.
    pub(crate) frame: watch::Receiver<Frame>,
    /// Where what the program wants in the clipboard goes, if it may ask.
    pub(crate) copies: Option<mpsc::Sender<String>>,
    /// What the terminal was asked before and has not answered.
    pub(crate) late: Option<LateAnswer>,
}

/// Shows a session until the operator detaches or it ends. `chords` are the keys that it
/// does not get, `typed` is what was typed before there was a line.
///
/// # Errors
/// [`AttachError`] if the terminal or the line cannot be used; the terminal is given
/// back by its guard, not here.
pub(crate) async fn attach(
    terminal: &Terminal,
    line: Line,
    mode: AttachMode,
    chords: Chords,
    typed: Vec<u8>,
    around: Around,
) -> Result<AttachEnd, AttachError> {
    terminal.hear_nothing()?;
    let Around {
        mut frame,
        copies,
        late,
    } = around;
    let mut typing = Typing::new(chords, late);
    let mut canvas = Canvas::new(window_size()?, typing.can_read_back());
    let mut peer = Peer::greet(line, mode, canvas.painter.session_size());
    if !typed.is_empty() {
        peer.type_bytes(typed);
    }
    let mut keyboard = Keyboard::listen()?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut beat = tokio::time::interval(Duration::from_secs(1));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let held_back = peer.screen().sync_deadline();
        tokio::select! {
            biased;
            bytes = keyboard.read() => {
                let typed = typing.take(bytes?, canvas.painter.keeps_pointer());
                if let Some(end) = take_typed(typed, mode, &mut peer, &mut canvas, &frame)? {
                    return Ok(end);
                }
            }
            _ = resized.recv() => {
                canvas.painter.resize(window_size()?);
                peer.say(ClientToSession::Resize { size: canvas.painter.session_size() });
                canvas.paint(&mut peer, &frame)?;
            }
            _ = beat.tick() => {
                if let Some(why) = peer.beat() {
                    return Ok(AttachEnd::Lost(why));
                }
                canvas.paint(&mut peer, &frame)?;
            }
            // Last of what comes by itself: in a flood it never runs dry.
            news = peer.next() => {
                if let Some(end) = drain(&mut peer, news, canvas.painted)? {
                    return Ok(end);
                }
                if let Some((copies, text)) = copies.as_ref().zip(peer.take_clipboard()) {
                    // Where the console is behind, what was wanted before is asked first.
                    drop(copies.try_send(text));
                }
                canvas.paint(&mut peer, &frame)?;
                // Who writes our heartbeats, and every other line, gets a turn.
                tokio::task::yield_now().await;
            }
            () = until(held_back) => canvas.paint(&mut peer, &frame)?,
            () = tokio::time::sleep(ESCAPE), if typing.is_holding() => {
                // Nothing followed: it was the key and not the begin of something.
                let typed = typing.release();
                if let Some(end) = take_typed(typed, mode, &mut peer, &mut canvas, &frame)? {
                    return Ok(end);
                }
            }
            Ok(()) = frame.changed() => {
                canvas.told = None;
                canvas.paint(&mut peer, &frame)?;
            }
        }
    }
}

/// Gives the program what is its own, and says how the attach ends, if it does.
fn take_typed(
    typed: Typed,
    mode: AttachMode,
    peer: &mut Peer,
    canvas: &mut Canvas,
    frame: &watch::Receiver<Frame>,
) -> io::Result<Option<AttachEnd>> {
    if mode == AttachMode::Interactive && !typed.forward.is_empty() {
        peer.type_bytes(typed.forward);
    }
    match typed.pressed {
        Some(Chord::Detach) => return Ok(Some(AttachEnd::Detached)),
        Some(Chord::Copy) => return Ok(Some(AttachEnd::Copy)),
        Some(Chord::Next) if frame.borrow().has_next => return Ok(Some(AttachEnd::Next)),
        Some(Chord::Next) => {
            canvas.told = Some("nothing else needs you");
            canvas.paint(peer, frame)?;
        }
        None => {}
    }
    let turns = typed.reports.iter().any(|report| report.is_wheel_up);
    if turns && canvas.painter.keeps_pointer() && peer.screen().scrollback_len() > 0 {
        return Ok(Some(AttachEnd::Wheel));
    }
    if let Some(report) = typed.reports.last() {
        canvas.pointer = Some((report.column, report.row));
        canvas.paint(peer, frame)?;
    }
    Ok(None)
}

/// Waits until then, or for ever. Cancel-safe.
pub(crate) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
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

/// The operator's terminal as it was painted last.
#[derive(Debug)]
struct Canvas {
    painter: Painter,
    out: Vec<u8>,
    painted: Option<Instant>,
    /// Where the pointer was last, if that is told.
    pointer: Option<(u16, u16)>,
    /// What the operator is told until the frame says something new.
    told: Option<&'static str>,
}

impl Canvas {
    fn new(size: TerminalSize, can_read_back: bool) -> Self {
        let mut painter = Painter::new(size);
        if can_read_back {
            painter.keep_pointer();
        }
        Self {
            painter,
            out: Vec::new(),
            painted: None,
            pointer: None,
            told: None,
        }
    }

    fn paint(&mut self, peer: &mut Peer, frame: &watch::Receiver<Frame>) -> io::Result<()> {
        peer.expire_sync();
        if peer.is_mid_snapshot() {
            return Ok(());
        }
        self.out.clear();
        let dropped = peer.dropped();
        let mut text = frame.borrow().status.clone();
        let pointed = self
            .pointer
            .and_then(|at| self.painter.link_at(peer.screen(), at));
        if let Some(link) = pointed {
            let width = usize::from(self.painter.session_size().columns);
            let words = ui::link_line(Look::default(), link.uri(), width.saturating_sub(1));
            text = format!(" {words}");
        }
        if let Some(told) = self.told {
            text = format!(" {told} ·{text}");
        }
        if dropped > 0 {
            text = format!("the session does not read: {dropped} keys dropped · {text}");
        }
        self.painter.paint(peer.screen_mut(), &text, &mut self.out);
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
