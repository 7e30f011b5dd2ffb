//! Mouse events as a program wants to read them.

use super::key::Modifiers;
use super::screen::{Modes, MouseMode};

/// Arrow keys sent for one step of the wheel to a full-screen program without mouse.
const WHEEL_LINES: usize = 3;

/// A button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MouseButton {
    /// Left.
    Left,
    /// Middle.
    Middle,
    /// Right.
    Right,
}

/// What the mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MouseAction {
    /// A button went down.
    Press(MouseButton),
    /// A button went up.
    Release(MouseButton),
    /// It moved with a button held.
    Drag(MouseButton),
    /// It moved.
    Move,
    /// The wheel turned up.
    ScrollUp,
    /// The wheel turned down.
    ScrollDown,
    /// The wheel was pushed left.
    ScrollLeft,
    /// The wheel was pushed right.
    ScrollRight,
}

/// A mouse event on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MouseEvent {
    /// What happened.
    pub action: MouseAction,
    /// Column, counted from 0.
    pub column: u16,
    /// Row, counted from 0.
    pub row: u16,
    /// What was held.
    pub modifiers: Modifiers,
}

impl MouseEvent {
    /// The bytes to type into a program whose terminal is in `modes`; empty if it does
    /// not want this event. Without a mouse mode the wheel becomes arrow keys on the
    /// alternate screen, as terminals do (1007).
    #[must_use]
    pub fn encode(&self, modes: &Modes) -> Vec<u8> {
        let wanted = match self.action {
            MouseAction::Move => modes.mouse == MouseMode::Motion,
            MouseAction::Drag(_) => matches!(modes.mouse, MouseMode::Drag | MouseMode::Motion),
            MouseAction::Press(_)
            | MouseAction::Release(_)
            | MouseAction::ScrollUp
            | MouseAction::ScrollDown
            | MouseAction::ScrollLeft
            | MouseAction::ScrollRight => modes.mouse != MouseMode::Off,
        };
        if !wanted {
            return self.wheel_as_arrows(modes);
        }
        if modes.sgr_mouse {
            let last = if self.is_release() { 'm' } else { 'M' };
            let (column, row) = (u32::from(self.column) + 1, u32::from(self.row) + 1);
            return format!("\x1b[<{};{column};{row}{last}", self.code()).into_bytes();
        }
        self.legacy()
    }

    fn wheel_as_arrows(self, modes: &Modes) -> Vec<u8> {
        let wanted =
            modes.mouse == MouseMode::Off && modes.alternate_screen && modes.alternate_scroll;
        let arrow: &[u8] = match (self.action, modes.application_cursor) {
            (MouseAction::ScrollUp, false) => b"\x1b[A",
            (MouseAction::ScrollDown, false) => b"\x1b[B",
            (MouseAction::ScrollUp, true) => b"\x1bOA",
            (MouseAction::ScrollDown, true) => b"\x1bOB",
            _ => return Vec::new(),
        };
        if wanted {
            arrow.repeat(WHEEL_LINES)
        } else {
            Vec::new()
        }
    }

    /// The encoding of X10, which cannot say a position over 222.
    fn legacy(self) -> Vec<u8> {
        let code = if self.is_release() {
            self.code() | 3
        } else {
            self.code()
        };
        let byte = |position: u16| u8::try_from(position + 33).ok();
        match (byte(self.column.min(300)), byte(self.row.min(300))) {
            (Some(column), Some(row)) => vec![0x1b, b'[', b'M', code + 32, column, row],
            _ => Vec::new(),
        }
    }

    const fn is_release(self) -> bool {
        matches!(self.action, MouseAction::Release(_))
    }

    fn code(self) -> u8 {
        let button = |button| match button {
            MouseButton::Left => 0,
            MouseButton::Middle => 1,
            MouseButton::Right => 2,
        };
        let base = match self.action {
            MouseAction::Press(pressed) | MouseAction::Release(pressed) => button(pressed),
            MouseAction::Drag(held) => 32 + button(held),
            MouseAction::Move => 35,
            MouseAction::ScrollUp => 64,
            MouseAction::ScrollDown => 65,
            MouseAction::ScrollLeft => 66,
            MouseAction::ScrollRight => 67,
        };
        let held = |modifier, bit| {
            if self.modifiers.contains(modifier) {
                bit
            } else {
                0
            }
        };
        base + held(Modifiers::SHIFT, 4) + held(Modifiers::ALT, 8) + held(Modifiers::CONTROL, 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: MouseAction) -> MouseEvent {
        MouseEvent {
            action,
            column: 4,
            row: 9,
            modifiers: Modifiers::NONE,
        }
    }

    fn modes(mouse: MouseMode, sgr_mouse: bool) -> Modes {
        Modes {
            mouse,
            sgr_mouse,
            ..Modes::default()
        }
    }

    #[test]
    fn nothing_is_sent_without_a_mouse_mode() {
        for action in [MouseAction::Press(MouseButton::Left), MouseAction::Move] {
            assert!(
                event(action)
                    .encode(&modes(MouseMode::Off, true))
                    .is_empty()
            );
        }
    }

    #[test]
    fn each_mode_gets_what_it_asked_for() {
        let drag = MouseAction::Drag(MouseButton::Right);
        assert!(
            event(drag)
                .encode(&modes(MouseMode::Clicks, true))
                .is_empty()
        );
        assert_eq!(
            event(drag).encode(&modes(MouseMode::Drag, true)),
            b"\x1b[<34;5;10M"
        );
        assert!(
            event(MouseAction::Move)
                .encode(&modes(MouseMode::Drag, true))
                .is_empty()
        );
        assert_eq!(
            event(MouseAction::Move).encode(&modes(MouseMode::Motion, true)),
            b"\x1b[<35;5;10M"
        );
        let release = MouseAction::Release(MouseButton::Left);
        assert_eq!(
            event(release).encode(&modes(MouseMode::Clicks, true)),
            b"\x1b[<0;5;10m"
        );
        assert_eq!(
            event(release).encode(&modes(MouseMode::Clicks, false)),
            b"\x1b[M#%*"
        );
    }

    #[test]
    fn the_old_encoding_drops_what_it_cannot_say() {
        let far = MouseEvent {
            column: u16::MAX,
            ..event(MouseAction::Press(MouseButton::Left))
        };
        assert!(far.encode(&modes(MouseMode::Clicks, false)).is_empty());
    }

    #[test]
    fn the_wheel_scrolls_a_full_screen_program_without_mouse() {
        let full = Modes {
            alternate_screen: true,
            alternate_scroll: true,
            ..Modes::default()
        };
        assert_eq!(
            event(MouseAction::ScrollUp).encode(&full),
            b"\x1b[A\x1b[A\x1b[A"
        );
        assert!(
            event(MouseAction::ScrollUp)
                .encode(&Modes::default())
                .is_empty()
        );
    }
}
