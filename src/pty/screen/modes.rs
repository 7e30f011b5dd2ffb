//! What a program asked of its terminal, as plain data.

use alacritty_terminal::term::TermMode;
use alacritty_terminal::vte::ansi;

/// Which mouse events a program wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MouseMode {
    /// None: the mouse is the operator's own.
    #[default]
    Off,
    /// Presses and releases (1000).
    Clicks,
    /// Also motion while a button is held (1002).
    Drag,
    /// Also motion without a button (1003).
    Motion,
}

/// The modes that decide how keys, pastes and the mouse are encoded for a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent mode of the terminal"
)]
pub struct Modes {
    /// The alternate screen is shown (1049): a full-screen program runs.
    pub alternate_screen: bool,
    /// Arrow keys are sent as application keys (1).
    pub application_cursor: bool,
    /// The keypad is sent as application keys.
    pub application_keypad: bool,
    /// Pastes are wrapped in markers (2004).
    pub bracketed_paste: bool,
    /// Focus changes are reported (1004).
    pub focus_events: bool,
    /// Enter sends CR LF (20).
    pub newline: bool,
    /// The wheel sends arrow keys on the alternate screen (1007).
    pub alternate_scroll: bool,
    /// Which mouse events are wanted.
    pub mouse: MouseMode,
    /// Mouse events are encoded as SGR (1006).
    pub sgr_mouse: bool,
    /// Active flags of the kitty keyboard protocol; 0 is the legacy encoding.
    pub kitty_flags: u8,
}

impl Modes {
    pub(super) fn of(mode: TermMode, kitty_flags: u8) -> Self {
        let has = |flag| mode.contains(flag);
        Self {
            alternate_screen: has(TermMode::ALT_SCREEN),
            application_cursor: has(TermMode::APP_CURSOR),
            application_keypad: has(TermMode::APP_KEYPAD),
            bracketed_paste: has(TermMode::BRACKETED_PASTE),
            focus_events: has(TermMode::FOCUS_IN_OUT),
            newline: has(TermMode::LINE_FEED_NEW_LINE),
            alternate_scroll: has(TermMode::ALTERNATE_SCROLL),
            mouse: if has(TermMode::MOUSE_MOTION) {
                MouseMode::Motion
            } else if has(TermMode::MOUSE_DRAG) {
                MouseMode::Drag
            } else if has(TermMode::MOUSE_REPORT_CLICK) {
                MouseMode::Clicks
            } else {
                MouseMode::Off
            },
            sgr_mouse: has(TermMode::SGR_MOUSE),
            kitty_flags,
        }
    }
}

/// The shape of the cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CursorShape {
    /// A block.
    #[default]
    Block,
    /// A line below the character.
    Underline,
    /// A line before the character.
    Beam,
}

impl CursorShape {
    pub(super) fn of(shape: ansi::CursorShape) -> Self {
        match shape {
            ansi::CursorShape::Underline => Self::Underline,
            ansi::CursorShape::Beam => Self::Beam,
            ansi::CursorShape::Block
            | ansi::CursorShape::HollowBlock
            | ansi::CursorShape::Hidden => Self::Block,
        }
    }
}

/// The cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Row, counted from 0 at the top of the screen.
    pub row: u16,
    /// Column, counted from 0.
    pub column: u16,
    /// Its shape.
    pub shape: CursorShape,
    /// Whether it blinks.
    pub blinking: bool,
    /// Whether the program shows it.
    pub visible: bool,
}
