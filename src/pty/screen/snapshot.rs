//! Escape bytes that recreate a screen on a fresh terminal of the same size.
//!
//! They hold scrollback, primary and alternate screen, styles, links, wrapped lines,
//! cursor and saved cursor, modes, keyboard flags, titles, palette, scroll region,
//! character sets and tab stops. They never hold a query, which the other terminal
//! would answer, nor a synchronized update. Lost are: the mark that the screen's last line
//! is wrapped, or the line in which a cursor that was restored waits to wrap, or that a blank at the edge made room for a wide character of another
//! style; a cursor outside the scroll region in origin mode; and the character that a
//! repetition (REP) would repeat where it does not stand before the cursor any more.

use alacritty_terminal::Grid;
use alacritty_terminal::grid::{Cursor, Dimensions};
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::TermMode;
use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::term::color::Colors;
use alacritty_terminal::vte::ansi::{CharsetIndex, CursorShape, CursorStyle, StandardCharset};

use super::Screen;
use super::cell::{CellStyle, Hyperlink, style, width};
use super::pen::Pen;
use super::recorder::{Recorder, tabs};

/// Blanks from this many on are jumped over instead of written.
const MIN_JUMP: usize = 4;

impl Screen {
    /// Recreates the screen with at most `max_history_lines` of scrollback, for a fresh
    /// terminal of the same [`Screen::size`]. Follow it with [`Screen::pending`], then
    /// with the bytes that were not fed here yet.
    ///
    /// It leaves the screen as it is; it is mutable because the emulator shows the
    /// primary screen only by switching to it.
    pub fn snapshot(&mut self, max_history_lines: usize) -> Vec<u8> {
        let recorder = self.recorder.as_mut();
        let mut out = Snapshot::default();
        out.palette(recorder.term.colors());
        out.titles(&recorder.titles, recorder.title.as_deref());
        out.keyboards(recorder);
        if recorder.is_alternate() {
            let alternate = recorder.term.grid().clone();
            recorder.term.swap_alt();
            out.rows(recorder.term.grid(), max_history_lines);
            out.cursor(recorder.term.grid(), &recorder.term.grid().cursor, 0, None);
            // Going back blanks the alternate screen, hence the copy.
            recorder.term.swap_alt();
            *recorder.term.grid_mut() = alternate;
            recorder.apply_kitty();
            out.put("\x1b[?1049h\x1b(B\x1b)B\x1b*B\x1b+B");
            out.restyle(CellStyle::default(), None);
            out.put("\x1b[2J\x1b[H");
            out.keyboard(&recorder.kitty[1]);
            out.saved(recorder.term.grid());
            out.rows(recorder.term.grid(), 0);
        } else {
            out.alternate_saved(recorder);
            out.saved(recorder.term.grid());
            out.rows(recorder.term.grid(), max_history_lines);
        }
        out.rest(recorder);
        out.pen.bytes
    }
}

/// The snapshot as it grows.
#[derive(Default)]
struct Snapshot {
    pen: Pen,
}

impl Snapshot {
    fn put(&mut self, text: &str) {
        self.pen.bytes.extend_from_slice(text.as_bytes());
    }

    fn restyle(&mut self, style: CellStyle, link: Option<Hyperlink>) {
        self.pen.restyle(style, link);
    }

    fn palette(&mut self, colors: &Colors) {
        for index in 0..=258 {
            if let Some(rgb) = colors[index] {
                let target = match index {
                    256.. => format!("{}", index - 246),
                    _ => format!("4;{index}"),
                };
                let (r, g, b) = (rgb.r, rgb.g, rgb.b);
                self.put(&format!("\x1b]{target};rgb:{r:02x}/{g:02x}/{b:02x}\x1b\\"));
            }
        }
    }

    fn titles(&mut self, stack: &[Option<String>], title: Option<&str>) {
        for title in stack {
            self.title(title.as_deref());
            self.put("\x1b[22t");
        }
        if title.is_some() || !stack.is_empty() {
            self.title(title);
        }
    }

    fn title(&mut self, title: Option<&str>) {
        self.put("\x1b]2;");
        self.put(title.unwrap_or_default());
        self.put("\x1b\\");
    }

    /// The keyboard flags of the primary screen, and of the alternate screen if that
    /// is not shown: it is visited for them while everything is still blank.
    fn keyboards(&mut self, recorder: &Recorder) {
        let [primary, alternate] = &recorder.kitty;
        if !recorder.is_alternate() && alternate.as_slice() != [0] {
            self.put("\x1b[?1049h");
            self.keyboard(alternate);
            self.put("\x1b[?1049l");
        }
        self.keyboard(primary);
    }

    /// The cursor that was saved on the alternate screen, which is not shown: it is
    /// visited for it while everything is still blank, and will be blanked when it is
    /// entered.
    fn alternate_saved(&mut self, recorder: &mut Recorder) {
        let own = recorder.term.grid().saved_cursor.clone();
        recorder.term.swap_alt();
        if recorder.term.grid().saved_cursor != Cursor::default() {
            self.put("\x1b[?1049h");
            self.saved(recorder.term.grid());
            self.put("\x1b[?1049l");
        }
        recorder.term.swap_alt();
        // Both ways change what the emulator keeps of them.
        recorder.term.grid_mut().saved_cursor = own;
        recorder.apply_kitty();
    }

    /// The saved cursor of the screen that is shown, while that is blank: a cursor that
    /// waits to wrap is made by writing the last cell of its row, which takes from a row
    /// the mark that it is wrapped.
    fn saved(&mut self, grid: &Grid<Cell>) {
        if grid.saved_cursor != Cursor::default() {
            self.cursor(grid, &grid.saved_cursor, 0, None);
            self.put("\x1b7\x1b(B\x1b)B\x1b*B\x1b+B");
            self.restyle(CellStyle::default(), None);
            self.put("\x1b[2K\x1b[H");
        }
    }

    fn keyboard(&mut self, stack: &[u8]) {
        for (index, flags) in stack.iter().enumerate() {
            match (index, flags) {
                (0, 0) => {}
                (0, _) => self.put(&format!("\x1b[={flags}u")),
                _ => self.put(&format!("\x1b[>{flags}u")),
            }
        }
    }

    /// Writes the rows from the top, scrolling the first ones into the scrollback.
    fn rows(&mut self, grid: &Grid<Cell>, max_history_lines: usize) {
        let history = grid.history_size().min(max_history_lines);
        let first = Line(-i32::try_from(history).unwrap_or(0));
        let last = grid.bottommost_line();
        let mut start = 0;
        let mut line = first;
        while line <= last {
            let row = &grid[line][..];
            let wraps = row
                .last()
                .is_some_and(|cell| cell.flags.contains(Flags::WRAPLINE));
            let next: Option<&[Cell]> = (line < last).then(|| &grid[line + 1_i32][..]);
            start = match next {
                Some(next) if wraps => {
                    let pushed = makes_room(row, next);
                    self.cells(row, start, row.len() - usize::from(pushed));
                    self.wrap(next, pushed)
                }
                Some(_) | None => {
                    self.cells(row, start, end_of_content(row));
                    self.restyle(CellStyle::default(), None);
                    if next.is_some() {
                        self.put("\r\n");
                    }
                    0
                }
            };
            line += 1;
        }
    }

    /// Goes to the next row by writing over the edge, which marks the row as wrapped;
    /// returns how many cells of the next row are written already. The cursor is at the
    /// last cell if a wide character was `pushed` from there, and past it otherwise.
    fn wrap(&mut self, next: &[Cell], pushed: bool) -> usize {
        if pushed {
            // That character makes the blank before it itself.
            self.cell(next, 0);
            self.restyle(CellStyle::default(), None);
            self.put("\x1b[K");
            return 2;
        }
        // A row that scrolls in takes the background of what wraps into it.
        self.restyle(CellStyle::default(), None);
        self.put(" \r");
        0
    }

    /// Writes the cells from `start` to before `end`; the cursor is at `start`.
    fn cells(&mut self, row: &[Cell], start: usize, end: usize) {
        let mut blanks = 0;
        for column in start..end {
            let Some(cell) = row.get(column) else { break };
            let last = column + 1 == row.len();
            if is_blank(cell) && !last {
                blanks += 1;
                continue;
            }
            self.blanks(std::mem::take(&mut blanks));
            self.cell(row, column);
        }
        self.blanks(blanks);
    }

    fn blanks(&mut self, count: usize) {
        if count >= MIN_JUMP {
            self.put(&format!("\x1b[{count}C"));
        } else if count > 0 {
            self.restyle(CellStyle::default(), None);
            self.put(&" ".repeat(count));
        }
    }

    /// Writes one cell; nothing for the second half of a wide character.
    fn cell(&mut self, row: &[Cell], column: usize) {
        let Some(cell) = row.get(column) else { return };
        if width(row, column) == 0 {
            return;
        }
        self.restyle(style(cell, None), cell.hyperlink().map(Hyperlink::from));
        let character = if cell.c.is_control() { ' ' } else { cell.c };
        let mut text = String::from(character);
        text.extend(cell.zerowidth().unwrap_or_default());
        self.put(&text);
    }

    /// Everything that must come after the cells: what moves the cursor first.
    fn rest(&mut self, recorder: &Recorder) {
        let grid = recorder.term.grid();
        let mode = *recorder.term.mode();
        if recorder.tabs != tabs(grid.columns()) {
            self.put("\x1b[3g");
            for (column, _) in recorder.tabs.iter().enumerate().filter(|(_, stop)| **stop) {
                self.put(&format!("\x1b[{}G\x1bH", column + 1));
            }
        }
        if recorder.region != (0, grid.screen_lines()) {
            let (top, bottom) = recorder.region;
            // A region of one line or none can be set only with an end that is cut.
            let end = bottom + if bottom < grid.screen_lines() { 0 } else { 2 };
            self.put(&format!("\x1b[{};{end}r", top + 1));
        }
        self.modes(mode);
        self.cursor_style(recorder.term.cursor_style());
        let origin = if mode.contains(TermMode::ORIGIN) {
            recorder.region.0
        } else {
            0
        };
        self.cursor(grid, &grid.cursor, origin, recorder.repeated(mode));
        if recorder.charset == CharsetIndex::G1 {
            self.put("\x0e");
        }
    }

    /// Puts the cursor where `cursor` is, with its style and character sets. The character
    /// in the column that is `repeated` is written last.
    fn cursor(
        &mut self,
        grid: &Grid<Cell>,
        cursor: &Cursor<Cell>,
        origin: usize,
        repeated: Option<usize>,
    ) {
        let point = cursor.point;
        let line = usize::try_from(point.line.0).unwrap_or(0);
        let row = line.saturating_sub(origin) + 1;
        let columns = grid.columns();
        let cells = &grid[point.line][..];
        if cursor.input_needs_wrap && point.column == Column(columns - 1) {
            // Only writing the last cell makes the next character wrap.
            let column = columns - if width(cells, columns - 1) == 0 { 2 } else { 1 };
            self.put(&format!("\x1b[{row};{}H", column + 1));
            self.cell(cells, column);
        } else if let Some(column) = repeated {
            self.put(&format!("\x1b[{row};{}H", column + 1));
            self.cell(cells, column);
        } else {
            self.put(&format!("\x1b[{row};{}H", point.column.0 + 1));
        }
        for (index, introducer) in [
            (CharsetIndex::G0, '('),
            (CharsetIndex::G1, ')'),
            (CharsetIndex::G2, '*'),
            (CharsetIndex::G3, '+'),
        ] {
            if cursor.charsets[index] == StandardCharset::SpecialCharacterAndLineDrawing {
                self.put(&format!("\x1b{introducer}0"));
            }
        }
        let template = &cursor.template;
        self.restyle(
            style(template, None),
            template.hyperlink().map(Hyperlink::from),
        );
    }

    fn modes(&mut self, mode: TermMode) {
        let fresh = TermMode::default();
        for (flag, set, reset) in [
            (TermMode::SHOW_CURSOR, "\x1b[?25h", "\x1b[?25l"),
            (TermMode::APP_CURSOR, "\x1b[?1h", "\x1b[?1l"),
            (TermMode::APP_KEYPAD, "\x1b=", "\x1b>"),
            (TermMode::BRACKETED_PASTE, "\x1b[?2004h", "\x1b[?2004l"),
            (TermMode::MOUSE_REPORT_CLICK, "\x1b[?1000h", "\x1b[?1000l"),
            (TermMode::MOUSE_DRAG, "\x1b[?1002h", "\x1b[?1002l"),
            (TermMode::MOUSE_MOTION, "\x1b[?1003h", "\x1b[?1003l"),
            (TermMode::FOCUS_IN_OUT, "\x1b[?1004h", "\x1b[?1004l"),
            (TermMode::UTF8_MOUSE, "\x1b[?1005h", "\x1b[?1005l"),
            (TermMode::SGR_MOUSE, "\x1b[?1006h", "\x1b[?1006l"),
            (TermMode::ALTERNATE_SCROLL, "\x1b[?1007h", "\x1b[?1007l"),
            (TermMode::URGENCY_HINTS, "\x1b[?1042h", "\x1b[?1042l"),
            (TermMode::LINE_WRAP, "\x1b[?7h", "\x1b[?7l"),
            (TermMode::LINE_FEED_NEW_LINE, "\x1b[20h", "\x1b[20l"),
            (TermMode::INSERT, "\x1b[4h", "\x1b[4l"),
            (TermMode::ORIGIN, "\x1b[?6h", "\x1b[?6l"),
        ] {
            match (mode.contains(flag), fresh.contains(flag)) {
                (true, false) => self.put(set),
                (false, true) => self.put(reset),
                (true, true) | (false, false) => {}
            }
        }
    }

    fn cursor_style(&mut self, style: CursorStyle) {
        let shape = match style.shape {
            CursorShape::Block | CursorShape::HollowBlock | CursorShape::Hidden => 2,
            CursorShape::Underline => 4,
            CursorShape::Beam => 6,
        };
        let number = if style.blinking { shape - 1 } else { shape };
        if number != 2 {
            self.put(&format!("\x1b[{number} q"));
        }
    }
}

impl Recorder {
    /// The column before the cursor, if the character there is the one that a repetition
    /// would repeat: written again, it changes nothing and is repeated there too.
    fn repeated(&self, mode: TermMode) -> Option<usize> {
        let cursor = &self.term.grid().cursor;
        let cells = &self.term.grid()[cursor.point.line][..];
        let before = cursor.point.column.0.checked_sub(1)?;
        let column = if width(cells, before) == 0 {
            before.checked_sub(1)?
        } else {
            before
        };
        let cell = cells.get(column)?;
        let last = cell.zerowidth().and_then(<[char]>::last).unwrap_or(&cell.c);
        // Insertion would shift what stands behind it.
        let is_it = self.repeats == Some(*last) && !mode.contains(TermMode::INSERT);
        let is_whole = usize::from(width(cells, column)) == cursor.point.column.0 - column;
        (is_it && is_whole && !last.is_control()).then_some(column)
    }
}

/// Whether the last cell of `row` is blank because the wide character that `next`
/// begins with did not fit there. Writing that character makes a blank in its style.
fn makes_room(row: &[Cell], next: &[Cell]) -> bool {
    let Some((blank, wide)) = row.last().zip(next.first()) else {
        return false;
    };
    blank.flags.contains(Flags::LEADING_WIDE_CHAR_SPACER)
        && width(next, 0) == 2
        && style(blank, None) == style(wide, None)
        && blank.hyperlink() == wide.hyperlink()
}

/// Whether a fresh terminal shows a cell like this without being told.
fn is_blank(cell: &Cell) -> bool {
    (cell.c == ' ' || cell.c == '\t')
        && !cell
            .flags
            .intersects(Flags::WIDE_CHAR | Flags::WIDE_CHAR_SPACER)
        && style(cell, None) == CellStyle::default()
        && cell.zerowidth().is_none_or(<[char]>::is_empty)
        && cell.hyperlink().is_none()
}

fn end_of_content(row: &[Cell]) -> usize {
    row.iter()
        .rposition(|cell| !is_blank(cell))
        .map_or(0, |last| last + 1)
}
