//! The operator's terminal as something to draw frames on.

use std::io::{self, Stdout};

use ratatui::Terminal;
use ratatui::backend::{Backend as _, ClearType, CrosstermBackend};
use ratatui::layout::Rect;

use super::look::Role;
use super::panes::link::pointed;
use super::text::{put_text, safe};
use super::{Look, Screens, draw, draw_pointed};
use crate::pty::Hyperlink;
use crate::state::State;

/// Frames on standard output. Whoever makes one holds the terminal.
#[derive(Debug)]
pub struct Canvas {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    look: Look,
    /// Where the pointer rests.
    pointer: Option<(u16, u16)>,
    /// The link of a program that is there.
    pointed: Option<Hyperlink>,
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
            pointer: None,
            pointed: None,
        })
    }

    /// The pointer rests at this column and row, or nobody knows where. Gives whether a
    /// frame would say another link than the last one.
    pub fn point(&mut self, state: &State, screens: &Screens<'_>, at: Option<(u16, u16)>) -> bool {
        self.pointer = at;
        let pointed = at.and_then(|at| pointed(state, screens, at));
        let is_new = self.pointed != pointed;
        self.pointed = pointed;
        is_new
    }

    /// How frames look.
    #[must_use]
    pub const fn look(&self) -> Look {
        self.look
    }

    /// Frames look so from now on.
    pub const fn set_look(&mut self, look: Look) {
        self.look = look;
    }

    /// Draws one frame: what differs from the last one is sent.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn draw(&mut self, state: &State, screens: &Screens<'_>) -> io::Result<()> {
        let (look, pointer) = (self.look, self.pointer);
        self.terminal.draw(|frame| {
            draw(state, screens, look, frame);
            draw_pointed(state, screens, look, pointer, frame.buffer_mut());
        })?;
        Ok(())
    }

    /// Draws one frame without sessions, with words of our own in the last row.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn draw_with_last_row(&mut self, state: &State, words: &str) -> io::Result<()> {
        let look = self.look;
        self.terminal.draw(|frame| {
            draw(state, &Screens::new(), look, frame);
            let area = frame.area();
            let row = Rect {
                y: area.bottom().saturating_sub(1),
                height: area.height.min(1),
                ..area
            };
            let style = look.style(Role::Selected);
            let text = safe(look, words, usize::from(row.width));
            let buffer = frame.buffer_mut();
            for column in row.left()..row.right() {
                if let Some(cell) = buffer.cell_mut((column, row.y)) {
                    cell.reset();
                }
            }
            buffer.set_style(row, style);
            put_text(&text, style, row, buffer);
        })?;
        Ok(())
    }

    /// Something else drew on the terminal: the next frame is sent whole.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn forget(&mut self) -> io::Result<()> {
        // The library's own way asks the terminal where its cursor stands, and waits for
        // the answer while somebody else reads what the terminal says: after two seconds
        // that is an error.
        let mut backend = CrosstermBackend::new(io::stdout());
        backend.clear_region(ClearType::All)?;
        self.terminal = Terminal::new(backend)?;
        Ok(())
    }
}
