//! Copying: to the operator's clipboard by every way that there is.

use std::io::Write as _;

use data_encoding::BASE64;

use super::Console;
use crate::app::clipboard;
use crate::state::Event;

/// The task that hands a text to a program.
const NAME: &str = "clipboard";

impl Console<'_> {
    /// Puts text into the clipboard by the terminal, which knows where the operator
    /// sits, and by a program of the desktop if this is its machine. Of the former
    /// nothing is heard; a failure of the latter is told.
    pub(super) fn copy(&mut self, text: String) -> std::io::Result<()> {
        let mut out = std::io::stdout();
        write!(out, "\x1b]52;c;{}\x07", BASE64.encode(text.as_bytes()))?;
        out.flush()?;
        let programs = clipboard::programs(|name| std::env::var_os(name));
        if programs.is_empty() {
            return Ok(());
        }
        let events = self.events.clone();
        // A text that is copied meanwhile is the one that counts.
        self.tasks.start(String::from(NAME), None, async move {
            if let Err(error) = clipboard::copy(programs, &text).await {
                let text = format!("failed to {error}");
                // A console that is gone needs no news.
                drop(events.send(Event::Note { text }).await);
            }
        });
        Ok(())
    }
}
