//! A session as its client knows it: the line, the screen it draws, the heartbeat.

use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::docker::{Line, LineErrors};
use crate::pty::Screen;
use crate::wire::{
    AttachMode, ClientToSession, Frame, FrameError, HEARTBEAT, LineError, LineReader, LineWriter,
    SILENCE_LIMIT, SessionExit, SessionToClient, TerminalSize, VERSION,
};

/// Pieces of input that may wait for the session; past it they are dropped, so that
/// a hanging session cannot hang its client.
const WAITING_PIECES: usize = 1024;

/// Lines of scrollback a client keeps; the session keeps its own.
const SCROLLBACK_LINES: u32 = 2_000;

/// What is new of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Its screen may look different, or the line is alive.
    Screen,
    /// Its program ended.
    Ended(SessionExit),
    /// It does not take us.
    Refused(String),
    /// The line was closed.
    Closed,
}

/// Why a session's line is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// It broke.
    #[error("talk with the session{}", said(errors))]
    Line {
        /// How.
        #[source]
        error: LineError,
        /// What the program at the other end complained of.
        errors: String,
    },
    /// The bottle's guest speaks another version.
    #[error("understand the session: it speaks version {theirs}, this console {VERSION}")]
    Version {
        /// Its version.
        theirs: u32,
    },
}

fn said(errors: &str) -> String {
    if errors.is_empty() {
        String::new()
    } else {
        format!(" (it said: {errors})")
    }
}

enum Outgoing {
    Message(ClientToSession),
    Bytes(Vec<u8>),
}

/// A session's line and screen.
pub(crate) struct Peer {
    incoming: LineReader<Box<dyn AsyncRead + Send + Unpin>>,
    outgoing: mpsc::Sender<Outgoing>,
    errors: LineErrors,
    screen: Screen,
    /// Bytes frames of a snapshot still to come.
    snapshot_frames: u32,
    /// Whether a snapshot was begun.
    has_begun: bool,
    /// Answers to our pings.
    pongs: u64,
    heard: Instant,
    said: Instant,
    dropped: u64,
    /// What the program wanted in the clipboard last.
    clipboard: Option<String>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer")
            .field("screen", &self.screen)
            .finish_non_exhaustive()
    }
}

impl Peer {
    /// Says hello on a fresh line. Must be called within the runtime.
    pub(crate) fn greet(line: Line, mode: AttachMode, size: TerminalSize) -> Self {
        let (outgoing, waiting) = mpsc::channel(WAITING_PIECES);
        let now = Instant::now();
        // Ends by itself: when the peer is dropped it writes what was typed before, and
        // no write may take longer than the line may be silent.
        drop(tokio::spawn(write(line.writer, waiting)));
        let peer = Self {
            incoming: LineReader::new(line.reader),
            outgoing,
            errors: line.errors,
            screen: Screen::new(size, SCROLLBACK_LINES),
            snapshot_frames: 0,
            has_begun: false,
            pongs: 0,
            heard: now,
            said: now,
            dropped: 0,
            clipboard: None,
        };
        peer.say(ClientToSession::Hello {
            version: VERSION,
            mode,
            size,
        });
        peer
    }

    /// The screen as far as it was heard.
    pub(crate) const fn screen(&self) -> &Screen {
        &self.screen
    }

    /// The screen, for who draws it and takes its damage.
    pub(crate) const fn screen_mut(&mut self) -> &mut Screen {
        &mut self.screen
    }

    /// Sends a message; dropped when the session takes nothing for long.
    pub(crate) fn say(&self, message: ClientToSession) {
        // A full queue means a hanging session, which the heartbeat finds.
        drop(self.outgoing.try_send(Outgoing::Message(message)));
    }

    /// Sends what was typed; dropped when the session takes nothing for long.
    pub(crate) fn type_bytes(&mut self, bytes: Vec<u8>) {
        if self.outgoing.try_send(Outgoing::Bytes(bytes)).is_err() {
            self.dropped += 1;
        }
    }

    /// What the program wanted in the operator's clipboard since this was asked.
    pub(crate) const fn take_clipboard(&mut self) -> Option<String> {
        self.clipboard.take()
    }

    /// Pieces of input that the session did not take.
    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Keeps the line alive; call it about once a second. Gives a reason when nothing
    /// was heard for [`SILENCE_LIMIT`]. Shows an update that the program holds back
    /// for too long.
    pub(crate) fn beat(&mut self) -> Option<String> {
        if self.heard.elapsed() > SILENCE_LIMIT {
            return Some(format!(
                "nothing was heard of the session for {} s",
                SILENCE_LIMIT.as_secs()
            ));
        }
        if self.said.elapsed() >= HEARTBEAT {
            self.said = Instant::now();
            self.say(ClientToSession::Ping);
        }
        self.expire_sync();
        None
    }

    /// Shows an update that is held back past its deadline.
    pub(crate) fn expire_sync(&mut self) {
        if self
            .screen
            .sync_deadline()
            .is_some_and(|at| at <= Instant::now())
        {
            self.screen.expire_sync();
        }
    }

    /// Waits for news and takes them into the screen. Cancel-safe.
    ///
    /// # Errors
    /// [`PeerError`] if the line broke or speaks another version.
    pub(crate) async fn next(&mut self) -> Result<News, PeerError> {
        let frame = self
            .incoming
            .next()
            .await
            .map_err(|error| self.broke(error))?;
        self.heard = Instant::now();
        match frame {
            None => Ok(News::Closed),
            Some(Frame::Bytes(bytes)) => {
                self.snapshot_frames = self.snapshot_frames.saturating_sub(1);
                // Its own host answers the program's queries; ours would come twice.
                let replies = self.screen.feed(&bytes);
                self.clipboard = replies.clipboard.or(self.clipboard.take());
                Ok(News::Screen)
            }
            Some(Frame::Message(payload)) => {
                let message = Frame::parse(&payload)
                    .map_err(|error: FrameError| self.broke(LineError::Frame(error)))?;
                self.take(message)
            }
        }
    }

    fn take(&mut self, message: SessionToClient) -> Result<News, PeerError> {
        match message {
            SessionToClient::Hello { version, size } => {
                if version != VERSION {
                    return Err(PeerError::Version { theirs: version });
                }
                self.screen.resize(size);
            }
            SessionToClient::Snapshot { size, frames } => {
                self.screen = Screen::new(size, SCROLLBACK_LINES);
                self.snapshot_frames = frames;
                self.has_begun = true;
            }
            SessionToClient::Resized { size } => self.screen.resize(size),
            SessionToClient::Ended { exit } => return Ok(News::Ended(exit)),
            SessionToClient::Refused { why } => return Ok(News::Refused(why)),
            SessionToClient::Pong => self.pongs += 1,
            SessionToClient::HandOverTaken => {}
        }
        Ok(News::Screen)
    }

    /// Whether the screen is what the session's is.
    pub(crate) const fn has_snapshot(&self) -> bool {
        self.has_begun && self.snapshot_frames == 0
    }

    /// How many of our pings were answered: what was typed before one was taken.
    pub(crate) const fn pongs(&self) -> u64 {
        self.pongs
    }

    /// Whether a snapshot is still coming, so that drawing now would flicker.
    pub(crate) const fn is_mid_snapshot(&self) -> bool {
        self.snapshot_frames > 0
    }

    fn broke(&self, error: LineError) -> PeerError {
        PeerError::Line {
            error,
            errors: self.errors.text(),
        }
    }
}

/// Writes until the queue or the line ends, or the line takes nothing for too long.
async fn write(to: Box<dyn AsyncWrite + Send + Unpin>, mut waiting: mpsc::Receiver<Outgoing>) {
    let mut line = LineWriter::new(to);
    while let Some(piece) = waiting.recv().await {
        let sending = async {
            match piece {
                Outgoing::Message(message) => line.message(&message).await,
                Outgoing::Bytes(bytes) => line.bytes(&bytes).await,
            }
        };
        // The reading half hears of a broken line too, and says so.
        match tokio::time::timeout(SILENCE_LIMIT, sending).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}
