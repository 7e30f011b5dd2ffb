//! The operator's terminal as something to draw frames on.

use std::io::{self, Stdout};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::{Look, Screens, draw};
use crate::pty::Screen;
use crate::state::{BottleRef, State};

/// Frames on standard output. Whoever makes one holds the terminal.
#[derive(Debug)]
pub struct Canvas {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    look: Look,
}

impl Canvas {
    /// A canvas as large as the terminal.
    ///
    /// # Errors
    /// If the terminal does not tell its size.
    pub fn new(look: Look) -> io::Result<Self> {
        Ok(Self {
            terminal: Terminal::new(CrosstermBackend::new(io::stdout()))?,
            look,
        })
    }

    /// How frames look.
    #[must_use]
    pub const fn look(&self) -> Look {
        self.look
    }

    /// Draws one frame: what differs from the last one is sent.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn draw(&mut self, state: &State, screen: Option<(&BottleRef, &Screen)>) -> io::Result<()> {
        let screens: Screens<'_> = screen.into_iter().collect();
        self.terminal
            .draw(|frame| draw(state, &screens, self.look, frame))?;
        Ok(())
    }

    /// Something else drew on the terminal: the next frame is sent whole.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn forget(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }
}
