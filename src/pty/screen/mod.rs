//! The screen model: bytes in, cells out, and a snapshot that recreates it elsewhere.

mod cell;
mod find;
mod mend;
mod modes;
mod pen;
mod read;
mod recorder;
mod snapshot;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::Line;
use alacritty_terminal::term::TermDamage;
use alacritty_terminal::vte::ansi::{Processor, Timeout};

use self::recorder::Recorder;
use super::scan::{Piece, Scanner};
use crate::wire::TerminalSize;

pub use cell::{Cell, CellStyle, Color, Hyperlink, Underline};
pub use find::{FoundText, Hit};
pub use modes::{Cursor, CursorShape, Modes, MouseMode};

/// The longest address and id together of a link that is kept.
pub(super) const MAX_LINK_BYTES: usize = 1024;
/// The longest title that is kept.
const MAX_TITLE_CHARS: usize = 256;
/// Marks kept on one cell.
const MAX_COMBINING: usize = 8;
/// Titles and keyboard flags kept on their stacks; kitty keeps as few.
const MAX_STACK: usize = 16;
/// The widest and highest screen modelled; a client's word must not size our memory.
const MAX_COLUMNS: u16 = 1_000;
const MAX_ROWS: u16 = 500;
/// The emulator cannot hold a wide character in less.
const MIN_COLUMNS: u16 = 2;
/// How long a program may hold its screen back (mode 2026), as terminals agree.
const SYNC_LIMIT: Duration = Duration::from_millis(150);
/// How much output is held back for it.
const MAX_SYNC_BYTES: usize = 2 * 1024 * 1024;

/// What a feed asks for in return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    /// Answers to the program's queries. The owner of the PTY writes them to it; any
    /// other viewer of the same stream drops them.
    pub to_program: Vec<u8>,
    /// How often the bell rang.
    pub bells: u32,
    /// Whether [`Screen::title`] changed.
    pub title_changed: bool,
    /// The last text that the program wanted in the clipboard (OSC 52), cleaned; at most
    /// 6,000 bytes. What it wants to know of the clipboard is not answered.
    pub clipboard: Option<String>,
}

/// Which rows may look different since they were last asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Every row.
    Whole,
    /// These rows, from the top of the screen, in no order.
    Rows(Vec<u16>),
}

impl Damage {
    /// Whether the row is among them.
    #[must_use]
    pub fn contains(&self, row: u16) -> bool {
        match self {
            Self::Whole => true,
            Self::Rows(rows) => rows.contains(&row),
        }
    }
}

/// The model of one terminal.
pub struct Screen {
    recorder: Box<Recorder>,
    processor: Processor<NoTimeout>,
    scanner: Scanner,
    sync: Option<Sync>,
    size: TerminalSize,
    generation: u64,
}

/// An open synchronized update.
struct Sync {
    deadline: Instant,
    held: Vec<u8>,
}

/// Turns the emulator's own buffering of synchronized updates off: its buffer cannot
/// be read, and a snapshot needs it.
#[derive(Default)]
struct NoTimeout;

impl Timeout for NoTimeout {
    fn set_timeout(&mut self, _: Duration) {}

    fn clear_timeout(&mut self) {}

    fn pending_timeout(&self) -> bool {
        false
    }
}

/// The size as the emulator wants it.
#[derive(Clone, Copy)]
struct Size {
    columns: usize,
    rows: usize,
}

impl From<TerminalSize> for Size {
    fn from(size: TerminalSize) -> Self {
        Self {
            columns: usize::from(size.columns),
            rows: usize::from(size.rows),
        }
    }
}

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        self.rows
    }

    fn screen_lines(&self) -> usize {
        self.rows
    }

    fn columns(&self) -> usize {
        self.columns
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Screen")
            .field("size", &self.size)
            .field("generation", &self.generation)
            .field("modes", &self.modes())
            .finish_non_exhaustive()
    }
}

impl Screen {
    /// Makes a blank screen. The size is brought into 2×1 to 1000×500.
    #[must_use]
    pub fn new(size: TerminalSize, scrollback_lines: u32) -> Self {
        let size = clamp(size);
        let lines = usize::try_from(scrollback_lines).unwrap_or(usize::MAX);
        Self {
            recorder: Box::new(Recorder::new(size.into(), lines)),
            processor: Processor::new(),
            scanner: Scanner::default(),
            sync: None,
            size,
            generation: 0,
        }
    }

    /// Takes output of the program, in pieces of any size.
    pub fn feed(&mut self, bytes: &[u8]) -> Replies {
        let mut scanner = std::mem::take(&mut self.scanner);
        scanner.feed(bytes, |piece| match piece {
            Piece::Bytes(bytes) => self.take(bytes),
            Piece::SyncBegin(bytes) => {
                self.take(bytes);
                self.expire_sync();
                self.sync = Some(Sync {
                    deadline: Instant::now() + SYNC_LIMIT,
                    held: Vec::new(),
                });
            }
            Piece::SyncEnd(bytes) => {
                self.take(bytes);
                self.expire_sync();
            }
            Piece::Version => {
                let version = concat!("\x1bP>|cellar(", env!("CARGO_PKG_VERSION"), ")\x1b\\");
                self.recorder.reply(version.as_bytes());
            }
        });
        self.scanner = scanner;
        self.replies()
    }

    /// When the program must have finished the update that it holds back; after it,
    /// call [`Screen::expire_sync`].
    #[must_use]
    pub fn sync_deadline(&self) -> Option<Instant> {
        self.sync.as_ref().map(|sync| sync.deadline)
    }

    /// Shows what a synchronized update holds back. Does nothing if there is none.
    /// Answers that this brings come with the next feed.
    pub fn expire_sync(&mut self) {
        if let Some(sync) = self.sync.take() {
            self.apply(&sync.held);
        }
    }

    /// Changes the size, reflowing the primary screen.
    pub fn resize(&mut self, size: TerminalSize) {
        let size = clamp(size);
        if size != self.size {
            self.size = size;
            self.recorder.resize(size.into());
            self.generation += 1;
        }
    }

    /// The size, as it was brought into bounds.
    #[must_use]
    pub const fn size(&self) -> TerminalSize {
        self.size
    }

    /// What the program asked of its terminal.
    #[must_use]
    pub fn modes(&self) -> Modes {
        Modes::of(*self.recorder.term.mode(), self.recorder.kitty_flags())
    }

    /// The title that the program gave, cleaned for one line of the operator's terminal.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.recorder.title.as_deref()
    }

    /// The cursor.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let point = self.recorder.term.grid().cursor.point;
        let style = self.recorder.term.cursor_style();
        Cursor {
            row: u16::try_from(point.line.0).unwrap_or(0),
            column: u16::try_from(point.column.0).unwrap_or(0),
            shape: CursorShape::of(style.shape),
            blinking: style.blinking,
            visible: self
                .recorder
                .term
                .mode()
                .contains(alacritty_terminal::term::TermMode::SHOW_CURSOR),
        }
    }

    /// Lines that scrolled off the top and are kept.
    #[must_use]
    pub fn scrollback_len(&self) -> usize {
        self.recorder.term.grid().history_size()
    }

    /// The cells of one row, exactly as many as there are columns. Row 0 is the top of
    /// the screen when `scroll` is 0; `scroll` lines further up otherwise, as far as
    /// the scrollback goes. A row below the screen is empty.
    pub fn row(&self, row: u16, scroll: usize) -> impl Iterator<Item = Cell<'_>> {
        let term = &self.recorder.term;
        let scroll = i32::try_from(scroll.min(self.scrollback_len())).unwrap_or(0);
        let cells = if row < self.size.rows {
            &term.grid()[Line(i32::from(row) - scroll)][..]
        } else {
            &[]
        };
        cell::cells(cells, term.colors())
    }

    /// All rows from the top, as [`Screen::row`].
    pub fn rows(&self, scroll: usize) -> impl Iterator<Item = impl Iterator<Item = Cell<'_>>> {
        (0..self.size.rows).map(move |row| self.row(row, scroll))
    }

    /// The text of the screen, one line a row, trailing blanks cut.
    #[must_use]
    pub fn text(&self) -> String {
        self.text_at(0)
    }

    /// As [`Screen::text`], `scroll` lines further up.
    #[must_use]
    pub fn text_at(&self, scroll: usize) -> String {
        let lines: Vec<String> = self
            .rows(scroll)
            .map(|row| {
                let mut line = String::new();
                for cell in row {
                    cell.push_text(&mut line);
                }
                line.truncate(line.trim_end().len());
                line
            })
            .collect();
        lines.join("\n")
    }

    /// The rows that changed since the last call; the cursor's counts as changed.
    pub fn take_damage(&mut self) -> Damage {
        let damage = match self.recorder.term.damage() {
            TermDamage::Full => Damage::Whole,
            TermDamage::Partial(lines) => Damage::Rows(
                lines
                    .filter_map(|line| u16::try_from(line.line).ok())
                    .collect(),
            ),
        };
        self.recorder.term.reset_damage();
        damage
    }

    /// A number that grows whenever the screen may look different. It stands still
    /// while a program holds its update back.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The bytes after which a terminal that took [`Screen::snapshot`] stands where
    /// this one does: the part of a sequence or of a held update that came already.
    #[must_use]
    pub fn pending(&self) -> Vec<u8> {
        let mut pending = self
            .sync
            .as_ref()
            .map(|sync| sync.held.clone())
            .unwrap_or_default();
        pending.extend(self.scanner.pending());
        pending
    }

    fn replies(&mut self) -> Replies {
        Replies {
            to_program: self.recorder.take_replies(),
            bells: std::mem::take(&mut self.recorder.bells),
            title_changed: std::mem::take(&mut self.recorder.title_changed),
            clipboard: self.recorder.clipboard.take(),
        }
    }

    /// Takes whole sequences, for now or for the end of the update held back.
    fn take(&mut self, bytes: &[u8]) {
        let Some(sync) = &mut self.sync else {
            self.apply(bytes);
            return;
        };
        sync.held.extend_from_slice(bytes);
        if sync.held.len() > MAX_SYNC_BYTES {
            self.expire_sync();
        }
    }

    fn apply(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.processor.advance(self.recorder.as_mut(), bytes);
            self.generation += 1;
        }
    }
}

fn clamp(size: TerminalSize) -> TerminalSize {
    TerminalSize {
        columns: size.columns.clamp(MIN_COLUMNS, MAX_COLUMNS),
        rows: size.rows.clamp(1, MAX_ROWS),
    }
}
