//! The pointer: for the program below it that asked for it, else for the console.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{Console, screens};
use crate::pty;
use crate::state::{Event, Pointer, PointerAction, Target};
use crate::ui;

impl Console<'_> {
    pub(super) fn take_mouse(&mut self, mouse: MouseEvent) -> std::io::Result<()> {
        self.point(mouse.column, mouse.row);
        if self.send_mouse(mouse) {
            return Ok(());
        }
        let view = &self.state.view;
        let (holds_rule, holds) = (view.holds_rule, view.holds_wall || view.holds_rule);
        let action = match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => PointerAction::Press,
            // A wall or a rule is held, and only once it was pressed.
            MouseEventKind::Drag(MouseButton::Left) if holds => PointerAction::Drag,
            MouseEventKind::Up(MouseButton::Left) if holds => PointerAction::Release,
            MouseEventKind::ScrollUp => PointerAction::WheelUp,
            MouseEventKind::ScrollDown => PointerAction::WheelDown,
            MouseEventKind::Down(_)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight => return Ok(()),
        };
        let target = if matches!(action, PointerAction::Drag | PointerAction::Release) {
            if holds_rule {
                Target::Line { at: mouse.row }
            } else {
                Target::Column { at: mouse.column }
            }
        } else {
            ui::hit(&self.state, self.canvas.look(), mouse.column, mouse.row)
        };
        self.take(Event::Pointer {
            pointer: Pointer { action, target },
        })
    }

    /// The pointer rests there: where a program's link is below it, the frame says where
    /// that goes. Motion comes in floods, and only another link is drawn.
    fn point(&mut self, column: u16, row: u16) {
        let screens = screens(&self.tiles, self.shown.as_ref());
        let at = Some((column, row));
        self.is_stale |= self.canvas.point(&self.state, &screens, at);
    }

    /// Passes the pointer on to an attached program that asked for it; says whether
    /// it did.
    fn send_mouse(&mut self, mouse: MouseEvent) -> bool {
        let has_keys = self.state.has_open_session();
        let Some(shown) = self.shown.as_mut().filter(|_| has_keys) else {
            return false;
        };
        let screen = shown.peer.screen();
        let place = ui::session_cell(&self.state, screen, mouse.column, mouse.row);
        let Some((column, row)) = place else {
            return false;
        };
        let modes = shown.peer.screen().modes();
        if modes.mouse == pty::MouseMode::Off && !modes.alternate_screen {
            return false;
        }
        let event = pty::MouseEvent {
            action: action(mouse.kind),
            column,
            row,
            modifiers: modifiers(mouse.modifiers),
        };
        let bytes = event.encode(&modes);
        let is_sent = !bytes.is_empty();
        if is_sent {
            shown.peer.type_bytes(bytes);
        }
        is_sent
    }
}

fn button(button: MouseButton) -> pty::MouseButton {
    match button {
        MouseButton::Left => pty::MouseButton::Left,
        MouseButton::Right => pty::MouseButton::Right,
        MouseButton::Middle => pty::MouseButton::Middle,
    }
}

fn action(kind: MouseEventKind) -> pty::MouseAction {
    match kind {
        MouseEventKind::Down(which) => pty::MouseAction::Press(button(which)),
        MouseEventKind::Up(which) => pty::MouseAction::Release(button(which)),
        MouseEventKind::Drag(which) => pty::MouseAction::Drag(button(which)),
        MouseEventKind::Moved => pty::MouseAction::Move,
        MouseEventKind::ScrollUp => pty::MouseAction::ScrollUp,
        MouseEventKind::ScrollDown => pty::MouseAction::ScrollDown,
        MouseEventKind::ScrollLeft => pty::MouseAction::ScrollLeft,
        MouseEventKind::ScrollRight => pty::MouseAction::ScrollRight,
    }
}

fn modifiers(held: KeyModifiers) -> pty::Modifiers {
    [
        (KeyModifiers::SHIFT, pty::Modifiers::SHIFT),
        (KeyModifiers::ALT, pty::Modifiers::ALT),
        (KeyModifiers::CONTROL, pty::Modifiers::CONTROL),
    ]
    .into_iter()
    .filter(|(theirs, _)| held.contains(*theirs))
    .fold(pty::Modifiers::NONE, |all, (_, ours)| all.and(ours))
}
