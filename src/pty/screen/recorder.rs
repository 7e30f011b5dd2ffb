//! The emulator with what it keeps to itself written down beside it.
//!
//! `alacritty_terminal` hides its scroll region, tab stops, active character set,
//! title and keyboard stack, all of which a snapshot needs, and grows some of them
//! without bound. This wrapper sees every call before the emulator, records those,
//! bounds what hostile output could grow, and answers the queries that the emulator
//! leaves to its embedder.

use std::sync::{Arc, Mutex, PoisonError};

use alacritty_terminal::Term;
use alacritty_terminal::event::{Event, EventListener};
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::Line;
use alacritty_terminal::term::cell::Flags;
use alacritty_terminal::term::{Config, Osc52, TermMode};
use alacritty_terminal::vte::ansi::{
    Attr, CharsetIndex, ClearMode, CursorShape, CursorStyle, Handler, Hyperlink, KeyboardModes,
    KeyboardModesApplyBehavior, LineClearMode, Mode, NamedColor, NamedPrivateMode, PrivateMode,
    Rgb, StandardCharset, TabulationClearMode,
};
use data_encoding::BASE64;
use unicode_width::UnicodeWidthChar as _;

use super::{MAX_COMBINING, MAX_LINK_BYTES, MAX_STACK, MAX_TITLE_CHARS, Size};
use crate::pty::sanitize::{is_invisible, one_line, plain_text};

/// Answers kept from one feed; a program that asks for more is not listening.
const MAX_REPLY_BYTES: usize = 64 * 1024;
/// The longest text for the clipboard, in base64: as much of a command as is taken
/// however it is cut.
const MAX_CLIPBOARD_BASE64: usize = 8_000;
/// Answered to a program that asks for colours which it did not set itself.
const FOREGROUND: Rgb = Rgb {
    r: 0xd0,
    g: 0xd0,
    b: 0xd0,
};
const BACKGROUND: Rgb = Rgb {
    r: 0x10,
    g: 0x10,
    b: 0x10,
};
/// The distance of the tab stops of a fresh terminal.
pub(super) const TAB_COLUMNS: usize = 8;

/// Where the emulator's own answers go.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox(Arc<Mutex<Vec<u8>>>);

impl Outbox {
    fn push(&self, bytes: &[u8]) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if out.len() + bytes.len() <= MAX_REPLY_BYTES {
            out.extend_from_slice(bytes);
        }
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EventListener for Outbox {
    fn send_event(&self, event: Event) {
        if let Event::PtyWrite(text) = event {
            self.push(text.as_bytes());
        }
    }
}

/// The emulator and what it hides.
pub(super) struct Recorder {
    pub(super) term: Term<Outbox>,
    outbox: Outbox,
    pub(super) bells: u32,
    pub(super) title: Option<String>,
    pub(super) title_changed: bool,
    pub(super) clipboard: Option<String>,
    pub(super) titles: Vec<Option<String>>,
    /// First row and the row after the last, as the emulator clamps them.
    pub(super) region: (usize, usize),
    pub(super) tabs: Vec<bool>,
    pub(super) charset: CharsetIndex,
    /// The character that a repetition (REP) would repeat.
    pub(super) repeats: Option<char>,
    /// Kitty flags of the primary and the alternate screen: a stack whose first
    /// entry stays and whose last is active.
    pub(super) kitty: [Vec<u8>; 2],
}

impl Recorder {
    pub(super) fn new(size: Size, scrollback_lines: usize) -> Self {
        let outbox = Outbox::default();
        let config = Config {
            scrolling_history: scrollback_lines,
            kitty_keyboard: true,
            osc52: Osc52::Disabled,
            ..Config::default()
        };
        Self {
            term: Term::new(config, &size, outbox.clone()),
            outbox,
            bells: 0,
            title: None,
            title_changed: false,
            clipboard: None,
            titles: Vec::new(),
            region: (0, size.rows),
            tabs: tabs(size.columns),
            charset: CharsetIndex::G0,
            repeats: None,
            kitty: [vec![0], vec![0]],
        }
    }

    pub(super) fn resize(&mut self, size: Size) {
        if size.columns == self.term.columns() && size.rows == self.term.screen_lines() {
            return;
        }
        // The same rule as the emulator: stops beyond the old width are the default.
        self.tabs.truncate(size.columns);
        for column in self.tabs.len()..size.columns {
            self.tabs.push(column.is_multiple_of(TAB_COLUMNS));
        }
        self.region = (0, size.rows);
        self.term.resize(size);
        self.settle_wrap();
        let first = self.term.topmost_line();
        for line in first.0..=self.term.bottommost_line().0 {
            for column in 0..size.columns {
                self.mend(Line(line), column);
            }
        }
    }

    pub(super) fn take_replies(&mut self) -> Vec<u8> {
        self.outbox.take()
    }

    pub(super) fn reply(&mut self, bytes: &[u8]) {
        self.outbox.push(bytes);
    }

    pub(super) fn is_alternate(&self) -> bool {
        self.term.mode().contains(TermMode::ALT_SCREEN)
    }

    pub(super) fn kitty_stack(&mut self) -> &mut Vec<u8> {
        let alternate = self.is_alternate();
        let [primary, other] = &mut self.kitty;
        if alternate { other } else { primary }
    }

    pub(super) fn kitty_flags(&self) -> u8 {
        let [primary, other] = &self.kitty;
        let stack = if self.is_alternate() { other } else { primary };
        stack.last().copied().unwrap_or_default()
    }

    /// Only the last column can be followed by a wrap; the emulator forgets that when
    /// it moves by tabs or is resized.
    fn settle_wrap(&mut self) {
        let last = self.term.last_column();
        let cursor = &mut self.term.grid_mut().cursor;
        cursor.input_needs_wrap &= cursor.point.column == last;
    }

    fn forget_region(&mut self) {
        self.region = (0, self.term.screen_lines());
    }

    /// Whether the cell that a combining mark would join holds enough of them.
    fn is_mark_full(&self) -> bool {
        let grid = self.term.grid();
        let cursor = &grid.cursor;
        let row = &grid[cursor.point.line];
        let mut column = cursor.point.column;
        if !cursor.input_needs_wrap {
            column.0 = column.0.saturating_sub(1);
        }
        if row[column].flags.contains(Flags::WIDE_CHAR_SPACER) {
            column.0 = column.0.saturating_sub(1);
        }
        row[column]
            .zerowidth()
            .is_some_and(|marks| marks.len() >= MAX_COMBINING)
    }

    fn retitle(&mut self, title: Option<String>) {
        if self.title != title {
            self.title = title;
            self.title_changed = true;
        }
    }
}

pub(super) fn tabs(columns: usize) -> Vec<bool> {
    (0..columns)
        .map(|column| column.is_multiple_of(TAB_COLUMNS))
        .collect()
}

macro_rules! forward {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {$(
        #[inline]
        fn $name(&mut self $(, $argument: $kind)*) {
            Handler::$name(&mut self.term $(, $argument)*);
        }
    )*};
}

impl Handler for Recorder {
    forward! {
        set_cursor_style(style: Option<CursorStyle>);
        set_cursor_shape(shape: CursorShape);
        goto(line: i32, column: usize);
        goto_line(line: i32);
        goto_col(column: usize);
        move_up(rows: usize);
        move_down(rows: usize);
        identify_terminal(intermediate: Option<char>);
        device_status(kind: usize);
        move_forward(columns: usize);
        move_backward(columns: usize);
        move_down_and_cr(rows: usize);
        move_up_and_cr(rows: usize);
        put_tab(count: u16);
        backspace();
        carriage_return();
        linefeed();
        substitute();
        newline();
        scroll_up(rows: usize);
        scroll_down(rows: usize);
        insert_blank_lines(rows: usize);
        delete_lines(rows: usize);
        move_forward_tabs(count: u16);
        save_cursor_position();
        restore_cursor_position();
        reverse_index();
        terminal_attribute(attribute: Attr);
        set_mode(mode: Mode);
        unset_mode(mode: Mode);
        report_mode(mode: Mode);
        report_private_mode(mode: PrivateMode);
        set_keypad_application_mode();
        unset_keypad_application_mode();
        configure_charset(index: CharsetIndex, charset: StandardCharset);
        set_color(index: usize, color: Rgb);
        reset_color(index: usize);
        decaln();
        text_area_size_chars();
    }

    #[inline]
    fn input(&mut self, character: char) {
        self.repeats = Some(character);
        // Nothing below U+0300 is a mark; the soft hyphen is the one invisible.
        if character >= '\u{ad}' {
            if is_invisible(character) {
                return;
            }
            if character.width() == Some(0) && self.is_mark_full() {
                return;
            }
        }
        Handler::input(&mut self.term, character);
        if self.term.mode().contains(TermMode::INSERT) {
            self.mend_row();
        }
    }

    fn insert_blank(&mut self, count: usize) {
        Handler::insert_blank(&mut self.term, count);
        self.mend_row();
    }

    fn delete_chars(&mut self, count: usize) {
        Handler::delete_chars(&mut self.term, count);
        self.mend_row();
    }

    fn move_backward_tabs(&mut self, count: u16) {
        Handler::move_backward_tabs(&mut self.term, count);
        self.settle_wrap();
    }

    fn erase_chars(&mut self, count: usize) {
        Handler::erase_chars(&mut self.term, count);
        self.mend_after(count.saturating_sub(1));
    }

    fn clear_line(&mut self, mode: LineClearMode) {
        Handler::clear_line(&mut self.term, mode);
        self.mend_after(0);
    }

    fn clear_screen(&mut self, mode: ClearMode) {
        Handler::clear_screen(&mut self.term, mode);
        self.mend_after(0);
    }

    fn bell(&mut self) {
        self.bells = self.bells.saturating_add(1);
    }

    fn set_title(&mut self, title: Option<String>) {
        // Clean, cut and trimmed in this order, a title comes out of a second terminal
        // as it went in.
        let cleaned = title.map(|title| {
            let short: String = one_line(&title).chars().take(MAX_TITLE_CHARS).collect();
            short.trim().to_owned()
        });
        self.retitle(cleaned.filter(|title| !title.is_empty()));
    }

    /// Never the emulator's own: whether it goes on is the operator's affair.
    fn clipboard_store(&mut self, _: u8, base64: &[u8]) {
        if base64.len() > MAX_CLIPBOARD_BASE64 {
            return;
        }
        let bytes = BASE64.decode(base64).ok();
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.map(|text| plain_text(&text));
        self.clipboard = text
            .filter(|text| !text.is_empty())
            .or(self.clipboard.take());
    }

    fn push_title(&mut self) {
        if self.titles.len() >= MAX_STACK {
            self.titles.remove(0);
        }
        self.titles.push(self.title.clone());
    }

    fn pop_title(&mut self) {
        if let Some(title) = self.titles.pop() {
            self.retitle(title);
        }
    }

    fn set_hyperlink(&mut self, link: Option<Hyperlink>) {
        let link = link.filter(|link| {
            link.uri.len() + link.id.as_ref().map_or(0, String::len) <= MAX_LINK_BYTES
                && !link.uri.chars().any(char::is_control)
                && !link.id.iter().any(|id| id.contains(char::is_control))
        });
        Handler::set_hyperlink(&mut self.term, link);
    }

    fn set_horizontal_tabstop(&mut self) {
        let column = self.term.grid().cursor.point.column.0;
        if let Some(stop) = self.tabs.get_mut(column) {
            *stop = true;
        }
        Handler::set_horizontal_tabstop(&mut self.term);
    }

    fn clear_tabs(&mut self, mode: TabulationClearMode) {
        match mode {
            TabulationClearMode::Current => {
                let column = self.term.grid().cursor.point.column.0;
                if let Some(stop) = self.tabs.get_mut(column) {
                    *stop = false;
                }
            }
            TabulationClearMode::All => self.tabs.fill(false),
        }
        Handler::clear_tabs(&mut self.term, mode);
    }

    fn reset_state(&mut self) {
        Handler::reset_state(&mut self.term);
        self.retitle(None);
        self.titles.clear();
        self.tabs = tabs(self.term.columns());
        self.charset = CharsetIndex::G0;
        self.kitty = [vec![0], vec![0]];
        self.forget_region();
    }

    fn set_private_mode(&mut self, mode: PrivateMode) {
        Handler::set_private_mode(&mut self.term, mode);
        self.after_private_mode(mode);
    }

    fn unset_private_mode(&mut self, mode: PrivateMode) {
        Handler::unset_private_mode(&mut self.term, mode);
        self.after_private_mode(mode);
    }

    fn set_scrolling_region(&mut self, top: usize, bottom: Option<usize>) {
        let rows = self.term.screen_lines();
        let end = bottom.unwrap_or(rows);
        if top < end {
            self.region = (top.saturating_sub(1).min(rows), end.min(rows));
        }
        Handler::set_scrolling_region(&mut self.term, top, bottom);
    }

    fn set_active_charset(&mut self, index: CharsetIndex) {
        self.charset = index;
        Handler::set_active_charset(&mut self.term, index);
    }

    fn dynamic_color_sequence(&mut self, prefix: String, index: usize, terminator: &str) {
        if index > NamedColor::Cursor as usize {
            return;
        }
        let color = self.term.colors()[index].or(match index {
            256 | 258 => Some(FOREGROUND),
            257 => Some(BACKGROUND),
            _ => None,
        });
        if let Some(Rgb { r, g, b }) = color {
            let text = format!(
                "\x1b]{prefix};rgb:{r:02x}{r:02x}/{g:02x}{g:02x}/{b:02x}{b:02x}{terminator}"
            );
            self.reply(text.as_bytes());
        }
    }

    fn report_keyboard_mode(&mut self) {
        let text = format!("\x1b[?{}u", self.kitty_flags());
        self.reply(text.as_bytes());
    }

    // The emulator's own stack removes from the wrong one when full, and an empty one
    // panics; it is never used.
    fn push_keyboard_mode(&mut self, mode: KeyboardModes) {
        let stack = self.kitty_stack();
        if stack.len() >= MAX_STACK {
            stack.remove(1);
        }
        stack.push(mode.bits());
        self.apply_kitty();
    }

    fn pop_keyboard_modes(&mut self, count: u16) {
        let stack = self.kitty_stack();
        let left = stack.len().saturating_sub(usize::from(count));
        stack.truncate(left.max(1));
        if left == 0 {
            stack.fill(0);
        }
        self.apply_kitty();
    }

    fn set_keyboard_mode(&mut self, mode: KeyboardModes, behavior: KeyboardModesApplyBehavior) {
        if let Some(flags) = self.kitty_stack().last_mut() {
            *flags = match behavior {
                KeyboardModesApplyBehavior::Replace => mode.bits(),
                KeyboardModesApplyBehavior::Union => *flags | mode.bits(),
                KeyboardModesApplyBehavior::Difference => *flags & !mode.bits(),
            };
        }
        self.apply_kitty();
    }
}

impl Recorder {
    fn after_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Named(NamedPrivateMode::ColumnMode) => self.forget_region(),
            PrivateMode::Named(NamedPrivateMode::SwapScreenAndSetRestoreCursor) => {
                self.apply_kitty();
            }
            PrivateMode::Named(_) | PrivateMode::Unknown(_) => {}
        }
    }

    /// Lets the emulator's mode bits show the active screen's flags.
    pub(super) fn apply_kitty(&mut self) {
        let flags = KeyboardModes::from_bits_truncate(self.kitty_flags());
        Handler::set_keyboard_mode(&mut self.term, flags, KeyboardModesApplyBehavior::Replace);
    }
}
