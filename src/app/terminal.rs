//! The operator's terminal: taken over by a guard, given back whatever happens.
//!
//! [`Terminal::take`] sets raw mode, the alternate screen and what the console
//! needs to hear; dropping it, or a panic anywhere, restores. Only one may exist.

use std::io::Write as _;
use std::sync::Once;

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableMouseCapture,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};

/// Undoes every mode that a mirrored program may have set on the operator's
/// terminal: kitty keyboard, mouse, focus, paste, application keys, margins,
/// attributes, synchronized output, cursor shape.
const UNDO_MODES: &[u8] =
    b"\x1b[<u\x1b[>4;0m\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\
\x1b[?2004l\x1b[?1l\x1b>\x1b[r\x1b[0m\x1b[?2026l\x1b[0 q\x1b[?7h\x1b[?25h";

/// The terminal, taken over.
#[derive(Debug)]
pub(crate) struct Terminal {
    _private: (),
}

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If standard input or output is no terminal.
    pub(crate) fn take() -> std::io::Result<Self> {
        restore_on_panic();
        enable_raw_mode()?;
        let guard = Self { _private: () };
        execute!(std::io::stdout(), EnterAlternateScreen, cursor::Hide)?;
        Ok(guard)
    }

    /// Asks for what the console's own views want: mouse and whole pastes.
    ///
    /// # Errors
    /// If the terminal is gone.
    #[expect(
        clippy::unused_self,
        reason = "only who holds the terminal may set its modes"
    )]
    pub(crate) fn hear_console(&self) -> std::io::Result<()> {
        execute!(std::io::stdout(), EnableMouseCapture, EnableBracketedPaste)
    }

    /// Gives the terminal to another program, as that expects it.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn lend(&self) -> std::io::Result<()> {
        self.hear_nothing()?;
        execute!(std::io::stdout(), LeaveAlternateScreen, cursor::Show)?;
        disable_raw_mode()
    }

    /// Takes the terminal back that was lent.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn take_back(&self) -> std::io::Result<()> {
        enable_raw_mode()?;
        self.hear_nothing()?;
        execute!(std::io::stdout(), EnterAlternateScreen, cursor::Hide)?;
        self.hear_console()
    }

    /// Asks for nothing, so that a mirrored program's own wishes are the only ones.
    ///
    /// # Errors
    /// If the terminal is gone.
    #[expect(
        clippy::unused_self,
        reason = "only who holds the terminal may set its modes"
    )]
    pub(crate) fn hear_nothing(&self) -> std::io::Result<()> {
        let mut out = std::io::stdout();
        execute!(
            out,
            DisableMouseCapture,
            DisableBracketedPaste,
            DisableFocusChange
        )?;
        out.write_all(UNDO_MODES)?;
        out.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores as far as the terminal still answers; every step is tried.
fn restore() {
    let mut out = std::io::stdout();
    let steps = [
        execute!(
            out,
            DisableMouseCapture,
            DisableBracketedPaste,
            DisableFocusChange
        ),
        out.write_all(UNDO_MODES),
        execute!(out, LeaveAlternateScreen, cursor::Show),
        disable_raw_mode(),
        out.flush(),
    ];
    // A terminal that is gone needs no restoring.
    drop(steps);
}

/// Restores first and reports after, so that the report is readable.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            report(panic);
        }));
    });
}
