//! Where the demo's agent speaks: a terminal, in few colours and short lines.

use std::io::Write;
use std::time::Duration;

use tokio::time::sleep;

/// The narrowest and widest rule that is drawn.
const RULE: (u16, u16) = (20, 72);
const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME: Duration = Duration::from_millis(80);

/// A way to set words off; each is readable without colour too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
    Lead,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Lead => "36",
        }
    }
}

/// A terminal to write to. Every call writes at once.
#[derive(Debug)]
pub(super) struct Stage<W> {
    to: W,
}

impl<W: Write> Stage<W> {
    pub(super) const fn new(to: W) -> Self {
        Self { to }
    }

    /// Writes text as it stands.
    pub(super) fn raw(&mut self, text: &str) -> std::io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Writes bytes as they stand.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.to.write_all(bytes)?;
        self.to.flush()
    }

    /// Writes one line.
    pub(super) fn line(&mut self, tone: Tone, text: &str) -> std::io::Result<()> {
        let code = tone.code();
        self.raw(&format!("\x1b[{code}m{text}\x1b[0m\n"))
    }

    /// Writes a mark and a line after it.
    pub(super) fn marked(&mut self, tone: Tone, mark: &str, text: &str) -> std::io::Result<()> {
        let code = tone.code();
        self.raw(&format!("  \x1b[{code}m{mark}\x1b[0m {text}\n"))
    }

    /// Names the terminal's window.
    pub(super) fn title(&mut self, title: &str) -> std::io::Result<()> {
        self.raw(&format!("\x1b]0;{title}\x07"))
    }

    /// Draws a rule as wide as the terminal is now, within reason.
    pub(super) fn rule(&mut self) -> std::io::Result<()> {
        let columns = rustix::termios::tcgetwinsize(rustix::stdio::stdout())
            .map_or(RULE.1, |size| size.ws_col);
        let width = usize::from(columns.clamp(RULE.0, RULE.1));
        self.line(Tone::Faint, &"─".repeat(width))
    }

    /// Shows that something goes on, for a while, and takes it away again.
    pub(super) async fn think(&mut self, words: &str, frames: usize) -> std::io::Result<()> {
        for frame in FRAMES.iter().cycle().take(frames) {
            self.raw(&format!(
                "\r\x1b[2K\x1b[36m{frame}\x1b[0m \x1b[2m{words}…\x1b[0m"
            ))?;
            sleep(FRAME).await;
        }
        self.raw("\r\x1b[2K")
    }
}

/// Leaves out what a terminal would obey.
pub(super) fn tame(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect()
}
