//! A session's screen as an asciicast (version 2, docs.asciinema.org): what our own
//! emulator shows, drawn anew, and none of the program's bytes. Whoever plays the file
//! gets cells and colours, and neither a title, nor a link, nor a word for the clipboard.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use super::attach::{News, Peer, PeerError};
use crate::docker::Line;
use crate::ui::Painter;
use crate::wire::{AttachMode, SessionExit, TerminalSize};

/// The shortest time between two pictures.
const FRAME: Duration = Duration::from_millis(33);
/// The size that is asked for until the session says its own.
const FIRST_SIZE: TerminalSize = TerminalSize {
    columns: 120,
    rows: 40,
};

/// Why a session could not be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CastError {
    /// The file.
    #[error("write the file")]
    File(#[from] io::Error),
    /// The line to the session.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The session did not take us.
    #[error("watch the session: {0}")]
    Refused(String),
}

/// How a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CastEnd {
    /// The time was over, or it was interrupted.
    Stopped,
    /// The session's program ended.
    Ended(SessionExit),
    /// The line was closed; the session may go on.
    Lost,
}

/// Writes pictures of a screen.
struct Film<W> {
    to: W,
    painter: Option<(TerminalSize, Painter)>,
    begun: Instant,
    title: String,
    bytes: Vec<u8>,
}

impl<W: Write> Film<W> {
    fn new(to: W, title: &str) -> Self {
        Self {
            to,
            painter: None,
            begun: Instant::now(),
            title: title.to_owned(),
            bytes: Vec::new(),
        }
    }

    /// Adds what changed since the last picture.
    fn take(&mut self, peer: &mut Peer, now: Instant) -> io::Result<()> {
        peer.expire_sync();
        if !peer.has_snapshot() {
            return Ok(());
        }
        let size = peer.screen().size();
        let at = now.saturating_duration_since(self.begun).as_secs_f64();
        match &mut self.painter {
            None => {
                self.begun = now;
                self.head(size)?;
                return self.picture(peer, 0.0);
            }
            Some((known, _)) if *known == size => {}
            Some((known, painter)) => {
                *known = size;
                painter.resize(size);
                let words = format!("{}x{}", size.columns, size.rows);
                writeln!(self.to, "{}", json!([at, "r", words]))?;
            }
        }
        self.picture(peer, at)
    }

    fn head(&mut self, size: TerminalSize) -> io::Result<()> {
        self.painter = Some((size, Painter::of_film(size)));
        let head = json!({
            "version": 2,
            "width": size.columns,
            "height": size.rows,
            "timestamp": jiff::Timestamp::now().as_second(),
            "title": self.title,
            "env": {"TERM": "xterm-256color"},
        });
        writeln!(self.to, "{head}")
    }

    fn picture(&mut self, peer: &mut Peer, at: f64) -> io::Result<()> {
        let Some((_, painter)) = &mut self.painter else {
            return Ok(());
        };
        self.bytes.clear();
        painter.paint(peer.screen_mut(), "", &mut self.bytes);
        if self.bytes.is_empty() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&self.bytes);
        // Six places are a microsecond, as asciinema writes it.
        let at = (at * 1e6).round() / 1e6;
        writeln!(self.to, "{}", json!([at, "o", text]))?;
        self.to.flush()
    }
}

/// Records a session until it ends, the time is over, or the operator interrupts it.
///
/// # Errors
/// [`CastError`].
pub(crate) async fn record(
    line: Line,
    title: &str,
    limit: Option<Duration>,
    to: impl Write,
) -> Result<CastEnd, CastError> {
    let mut peer = Peer::greet(line, AttachMode::Watch, FIRST_SIZE);
    let mut film = Film::new(to, title);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut beat = tokio::time::interval(Duration::from_secs(1));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = tokio::time::sleep(limit.unwrap_or(Duration::from_hours(24 * 365)));
    tokio::pin!(end);
    let mut due = Instant::now();
    let mut is_dirty = false;
    loop {
        tokio::select! {
            biased;
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            () = &mut end => break,
            _ = beat.tick() => {
                if peer.beat().is_some() {
                    film.take(&mut peer, Instant::now())?;
                    return Ok(CastEnd::Lost);
                }
            }
            () = tokio::time::sleep_until(due.into()), if is_dirty => {
                let now = Instant::now();
                film.take(&mut peer, now)?;
                due = now + FRAME;
                is_dirty = false;
            }
            news = peer.next() => match news? {
                News::Screen => is_dirty = true,
                News::Ended(exit) => {
                    film.take(&mut peer, Instant::now())?;
                    return Ok(CastEnd::Ended(exit));
                }
                News::Refused(why) => return Err(CastError::Refused(crate::pty::one_line(&why))),
                News::Closed => {
                    film.take(&mut peer, Instant::now())?;
                    return Ok(CastEnd::Lost);
                }
            }
        }
    }
    film.take(&mut peer, Instant::now())?;
    Ok(CastEnd::Stopped)
}
