//! The pointer: clicks select, the wheel scrolls what is under it.

use crate::state::command::Command;
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::key::{Pointer, PointerAction};
use crate::state::view::{Focus, Modal, Target};

/// Lines that one notch of the wheel scrolls.
const WHEEL_LINES: i64 = 3;

impl State {
    pub(super) fn on_pointer(&mut self, pointer: Pointer, effects: &mut Vec<Effect>) {
        match pointer.action {
            PointerAction::Press => self.on_press(pointer.target, effects),
            PointerAction::WheelUp => self.on_wheel(&pointer.target, -1),
            PointerAction::WheelDown => self.on_wheel(&pointer.target, 1),
        }
    }

    fn on_wheel(&mut self, target: &Target, step: i64) {
        match target {
            Target::Offer { .. } | Target::Modal => self.scroll(step * WHEEL_LINES),
            _ if self.view.modal.is_some() => {}
            Target::Row { .. } | Target::List => self.move_selection(step),
            Target::Inbox { .. } => self.scroll_inbox(step),
            Target::Decision { .. } | Target::Detail | Target::Tab { .. } => {
                self.scroll_detail(step * WHEEL_LINES);
            }
            Target::Need { .. } | Target::Key { .. } | Target::Nothing => {}
        }
    }

    fn on_press(&mut self, target: Target, effects: &mut Vec<Effect>) {
        match target {
            Target::Key { command } => {
                // The footer shows the keys of the moment, so that a click is a key.
                self.on_command(command, effects);
            }
            Target::Offer { at } => self.press_offer(at, effects),
            _ if self.view.modal.is_some() => {}
            Target::Row { row } => {
                self.leave_session();
                self.view.focus = Focus::List;
                self.select(row);
                self.touch();
            }
            Target::Need { bottle, is_request } => {
                self.leave_session();
                if is_request {
                    self.open_inbox(Some(&bottle));
                } else {
                    self.select_bottle(bottle);
                }
            }
            Target::Inbox { at } => self.select_ask(at),
            Target::Tab { tab } => {
                self.leave_session();
                self.on_command(Command::Read(tab), effects);
            }
            Target::Decision { at } => {
                self.view.is_filtering = false;
                if self.view.focus == Focus::List {
                    self.view.focus = Focus::Detail;
                }
                self.view.decided.select(at);
                self.touch();
            }
            Target::Detail if self.has_panes() => self.focus_by_pointer(Focus::Detail),
            Target::List if self.has_panes() => self.focus_by_pointer(Focus::List),
            Target::Detail | Target::List | Target::Modal | Target::Nothing => {}
        }
    }

    /// Whether list and detail are there to be chosen between.
    fn has_panes(&self) -> bool {
        self.attached().is_none() && !matches!(self.view.focus, Focus::Egress | Focus::Inbox)
    }

    fn focus_by_pointer(&mut self, focus: Focus) {
        // A filter that was being typed is kept as it is.
        self.view.is_filtering = false;
        self.focus(focus);
    }

    fn leave_session(&mut self) {
        self.detach();
        if matches!(self.view.focus, Focus::Egress | Focus::Inbox) {
            self.view.focus = Focus::List;
        }
        self.view.is_filtering = false;
    }

    /// The first press chooses, a press on the chosen one takes it.
    fn press_offer(&mut self, at: usize, effects: &mut Vec<Effect>) {
        let Some(Modal::Picker { picker }) = &mut self.view.modal else {
            return;
        };
        if picker.cursor == at {
            self.accept(effects);
        } else if at < picker.shown().len() {
            picker.cursor = at;
            self.touch();
        }
    }
}
