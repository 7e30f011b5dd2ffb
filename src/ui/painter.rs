//! Draws one session's screen straight onto a terminal, for an attach that has the
//! terminal to itself: only rows that changed are looked at, only cells that differ
//! are sent, so that the echo of a key costs a few bytes.
//!
//! The terminal is told the program's own wishes (mouse, paste, keyboard), so that
//! raw input from it can be passed on as it comes. Nothing of the program's bytes
//! reaches the terminal: everything is drawn anew from cells, which hold no control
//! characters. The last row is ours.

#[cfg(test)]
mod tests;

use std::io::Write as _;

use unicode_width::UnicodeWidthChar as _;

use crate::pty::{
    CellStyle, Color, Cursor, CursorShape, Hyperlink, Modes, MouseMode, Screen, TerminalSize,
    Underline,
};

/// More changed bytes than this are wrapped in one synchronized update (mode 2026).
const SYNC_BYTES: usize = 256;

/// A cell as it stands on the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ink {
    character: char,
    combining: Box<[char]>,
    width: u8,
    style: CellStyle,
}

impl Default for Ink {
    fn default() -> Self {
        Self {
            character: ' ',
            combining: Box::default(),
            width: 1,
            style: CellStyle::default(),
        }
    }
}

/// Whose the pointer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum PointerUse {
    /// The program's, or the terminal's own.
    #[default]
    Theirs,
    /// Ours where no program wants it; now one does.
    Lent,
    /// Ours.
    Kept,
}

/// What stands on the terminal, and the pen that drew it.
#[derive(Debug)]
pub struct Painter {
    terminal: TerminalSize,
    rows: Vec<Vec<Ink>>,
    pen: CellStyle,
    /// Where the terminal's cursor stands, if that is known.
    at: Option<(u16, u16)>,
    cursor: Option<(bool, CursorShape, bool)>,
    modes: Modes,
    status: String,
    /// The row of the session that stands in the terminal's first.
    top: u16,
    /// Which rows show a link.
    linked: Vec<bool>,
    pointer: PointerUse,
    is_fresh: bool,
    /// Whether it draws for a film: no row of ours, and no modes of a keyboard or mouse.
    is_film: bool,
}

impl Painter {
    /// A painter for a terminal of this size, whose content is not known.
    #[must_use]
    pub fn new(terminal: TerminalSize) -> Self {
        Self {
            terminal,
            rows: Vec::new(),
            pen: CellStyle::default(),
            at: None,
            cursor: None,
            modes: Modes::default(),
            status: String::new(),
            top: 0,
            linked: Vec::new(),
            pointer: PointerUse::default(),
            is_fresh: true,
            is_film: false,
        }
    }

    /// A painter for a recording of the session's screen alone, on a terminal of just its
    /// size. What plays it need not be told what the program wanted of a keyboard.
    #[must_use]
    pub fn of_film(size: TerminalSize) -> Self {
        Self {
            is_film: true,
            ..Self::new(size)
        }
    }

    /// Takes the pointer where the program does not want it and is on the primary screen:
    /// on the other one terminals make arrow keys of the wheel.
    pub const fn keep_pointer(&mut self) {
        self.pointer = PointerUse::Lent;
    }

    /// Whether what the pointer does now is for us, and not for the program.
    #[must_use]
    pub fn keeps_pointer(&self) -> bool {
        self.pointer == PointerUse::Kept
    }

    /// The link of the program that stands at a column and row of the terminal. Hostile
    /// text.
    #[must_use]
    pub fn link_at(&self, screen: &Screen, at: (u16, u16)) -> Option<Hyperlink> {
        let (column, row) = at;
        let is_inside = row < self.session_size().rows;
        let row = row.saturating_add(self.top);
        let is_there = is_inside && row < screen.size().rows;
        let line = screen.scrollback_len().checked_add(usize::from(row))?;
        screen.link_at(line, column).filter(|_| is_there)
    }

    /// The size that a session should have to fill the terminal less our row.
    #[must_use]
    pub fn session_size(&self) -> TerminalSize {
        TerminalSize {
            columns: self.terminal.columns.max(1),
            rows: if self.is_film {
                self.terminal.rows.max(1)
            } else {
                self.terminal.rows.saturating_sub(1).max(1)
            },
        }
    }

    /// The terminal has a new size; everything is drawn again.
    pub fn resize(&mut self, terminal: TerminalSize) {
        self.terminal = terminal;
        self.is_fresh = true;
    }

    /// Everything is drawn again at the next paint.
    pub fn forget(&mut self) {
        self.is_fresh = true;
    }

    /// Appends what turns the terminal into the screen, with `status` in the last row.
    pub fn paint(&mut self, screen: &mut Screen, status: &str, out: &mut Vec<u8>) {
        let start = out.len();
        let is_whole = self.is_fresh;
        if self.is_fresh {
            self.clear(out);
        }
        let height = self.session_size().rows;
        let damage = screen.take_damage();
        let top = top_row(screen, height);
        let has_moved = std::mem::replace(&mut self.top, top) != top;
        for row in 0..height {
            if is_whole || has_moved || damage.contains(row.saturating_add(top)) {
                self.paint_row(screen, row, out);
            }
        }
        if !self.is_film {
            if is_whole || self.status != status {
                self.paint_status(status, out);
            }
            let modes = self.wanted_modes(screen.modes());
            self.mirror_modes(modes, out);
        }
        let mut cursor = screen.cursor();
        match cursor.row.checked_sub(top) {
            Some(row) => cursor.row = row,
            None => cursor.visible = false,
        }
        self.place_cursor(cursor, height, out);
        if out.len() - start > SYNC_BYTES {
            out.splice(start..start, b"\x1b[?2026h".iter().copied());
            out.extend_from_slice(b"\x1b[?2026l");
        }
    }

    fn clear(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b[0m\x1b[?7l\x1b[r\x1b[H\x1b[2J");
        let columns = usize::from(self.terminal.columns);
        self.rows = vec![vec![Ink::default(); columns]; usize::from(self.terminal.rows)];
        self.linked = vec![false; usize::from(self.terminal.rows)];
        self.pen = CellStyle::default();
        self.at = None;
        self.cursor = None;
        self.is_fresh = false;
    }

    fn paint_row(&mut self, screen: &Screen, row: u16, out: &mut Vec<u8>) {
        let columns = self.terminal.columns;
        let Some(mut drawn) = self.rows.get_mut(usize::from(row)).map(std::mem::take) else {
            return;
        };
        let mut column = 0;
        let mut is_linked = false;
        let source = row.saturating_add(self.top);
        for cell in screen.row(source, 0).take(usize::from(columns)) {
            is_linked |= cell.hyperlink.is_some();
            let fits = column + u16::from(cell.width.max(1)) <= columns;
            let ink = if fits {
                Ink {
                    character: if cell.style.hidden {
                        ' '
                    } else {
                        cell.character
                    },
                    combining: cell.combining.into(),
                    width: cell.width,
                    style: cell.style,
                }
            } else {
                Ink::default()
            };
            self.paint_cell(&mut drawn, row, column, ink, out);
            column += 1;
        }
        while column < columns {
            self.paint_cell(&mut drawn, row, column, Ink::default(), out);
            column += 1;
        }
        if let Some(place) = self.rows.get_mut(usize::from(row)) {
            *place = drawn;
        }
        if let Some(linked) = self.linked.get_mut(usize::from(row)) {
            *linked = is_linked;
        }
    }

    fn paint_cell(
        &mut self,
        drawn: &mut [Ink],
        row: u16,
        column: u16,
        ink: Ink,
        out: &mut Vec<u8>,
    ) {
        let Some(place) = drawn.get_mut(usize::from(column)) else {
            return;
        };
        if *place == ink {
            return;
        }
        // The second half of a wide character is drawn with its first.
        if ink.width > 0 {
            self.go(row, column, out);
            self.ink(ink.style, out);
            push_char(ink.character, out);
            for mark in &ink.combining {
                push_char(*mark, out);
            }
            // How far the cursor went is the terminal's affair with marks and
            // emoji: where the two could differ, it is placed anew.
            self.at = (ink.combining.is_empty() && ink.character.is_ascii())
                .then_some((row, column.saturating_add(1)));
        }
        *place = ink;
    }

    fn go(&mut self, row: u16, column: u16, out: &mut Vec<u8>) {
        if self.at != Some((row, column)) {
            put(out, format_args!("\x1b[{};{}H", row + 1, column + 1));
            self.at = Some((row, column));
        }
    }

    fn ink(&mut self, style: CellStyle, out: &mut Vec<u8>) {
        if self.pen != style {
            out.extend_from_slice(sgr(&style).as_bytes());
            self.pen = style;
        }
    }

    fn paint_status(&mut self, status: &str, out: &mut Vec<u8>) {
        status.clone_into(&mut self.status);
        let row = self.terminal.rows.saturating_sub(1);
        if self.terminal.rows < 2 {
            return;
        }
        self.go(row, 0, out);
        self.ink(
            CellStyle {
                inverse: true,
                ..CellStyle::default()
            },
            out,
        );
        let mut left = usize::from(self.terminal.columns);
        for character in status.chars() {
            let width = character.width().unwrap_or(0);
            if width > left {
                break;
            }
            left -= width;
            push_char(character, out);
        }
        out.extend(std::iter::repeat_n(b' ', left));
        self.at = None;
    }

    /// What the terminal is to do: what the program wants, and where that is nothing of
    /// the pointer, what we want of it. Motion is told only while there is a link that it
    /// could point at.
    fn wanted_modes(&mut self, modes: Modes) -> Modes {
        if self.pointer == PointerUse::Theirs {
            return modes;
        }
        if modes.mouse != MouseMode::Off || modes.alternate_screen {
            self.pointer = PointerUse::Lent;
            return modes;
        }
        self.pointer = PointerUse::Kept;
        let mouse = if self.linked.contains(&true) {
            MouseMode::Motion
        } else {
            MouseMode::Clicks
        };
        Modes {
            mouse,
            sgr_mouse: true,
            ..modes
        }
    }

    fn mirror_modes(&mut self, modes: Modes, out: &mut Vec<u8>) {
        let old = std::mem::replace(&mut self.modes, modes);
        if old == modes {
            return;
        }
        let mut switch = |was: bool, is: bool, number: u16| {
            if was != is {
                put(
                    out,
                    format_args!("\x1b[?{number}{}", if is { 'h' } else { 'l' }),
                );
            }
        };
        switch(old.application_cursor, modes.application_cursor, 1);
        switch(old.bracketed_paste, modes.bracketed_paste, 2004);
        switch(old.focus_events, modes.focus_events, 1004);
        switch(old.alternate_scroll, modes.alternate_scroll, 1007);
        for (mouse, number) in [
            (MouseMode::Clicks, 1000),
            (MouseMode::Drag, 1002),
            (MouseMode::Motion, 1003),
        ] {
            switch(old.mouse == mouse, modes.mouse == mouse, number);
        }
        switch(old.sgr_mouse, modes.sgr_mouse, 1006);
        if old.application_keypad != modes.application_keypad {
            out.extend_from_slice(if modes.application_keypad {
                b"\x1b="
            } else {
                b"\x1b>"
            });
        }
        match (old.kitty_flags, modes.kitty_flags) {
            (was, is) if was == is => {}
            (0, flags) => put(out, format_args!("\x1b[>{flags}u")),
            (_, 0) => out.extend_from_slice(b"\x1b[<u"),
            (_, flags) => put(out, format_args!("\x1b[={flags};1u")),
        }
    }

    fn place_cursor(&mut self, cursor: Cursor, height: u16, out: &mut Vec<u8>) {
        let is_inside = cursor.row < height && cursor.column < self.terminal.columns;
        let now = (cursor.visible && is_inside, cursor.shape, cursor.blinking);
        if now.0 {
            self.go(cursor.row, cursor.column, out);
        }
        if self.cursor != Some(now) {
            let shape = match cursor.shape {
                CursorShape::Underline => 4,
                CursorShape::Beam => 6,
                CursorShape::Block => 2,
            };
            put(
                out,
                format_args!("\x1b[{} q", shape - u8::from(cursor.blinking)),
            );
            out.extend_from_slice(if now.0 { b"\x1b[?25h" } else { b"\x1b[?25l" });
            self.cursor = Some(now);
        }
    }
}

/// The first row shown of a session that may be higher than the terminal, because
/// another client leads its size: the cursor stays in sight.
fn top_row(screen: &Screen, height: u16) -> u16 {
    let hidden = screen.size().rows.saturating_sub(height);
    let below = screen.cursor().row.saturating_add(1).saturating_sub(height);
    below.min(hidden)
}

fn push_char(character: char, out: &mut Vec<u8>) {
    let mut bytes = [0; 4];
    out.extend_from_slice(character.encode_utf8(&mut bytes).as_bytes());
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    drop(out.write_fmt(text));
}

/// The sequence that sets a whole style (ECMA-48, 8.3.117, and xterm's colours).
fn sgr(style: &CellStyle) -> String {
    let mut text = String::from("\x1b[0");
    for (is_set, code) in [
        (style.bold, ";1"),
        (style.dim, ";2"),
        (style.italic, ";3"),
        (style.inverse, ";7"),
        (style.strikeout, ";9"),
    ] {
        if is_set {
            text.push_str(code);
        }
    }
    text.push_str(match style.underline {
        Underline::None => "",
        Underline::Single => ";4",
        Underline::Double => ";4:2",
        Underline::Curly => ";4:3",
        Underline::Dotted => ";4:4",
        Underline::Dashed => ";4:5",
    });
    push_color(&mut text, style.foreground, 38);
    push_color(&mut text, style.background, 48);
    push_color(&mut text, style.underline_color, 58);
    text.push('m');
    text
}

fn push_color(text: &mut String, color: Color, kind: u8) {
    use std::fmt::Write as _;
    let written = match color {
        Color::Default => Ok(()),
        Color::Indexed(index) => write!(text, ";{kind};5;{index}"),
        Color::Rgb(red, green, blue) => write!(text, ";{kind};2;{red};{green};{blue}"),
    };
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
}
