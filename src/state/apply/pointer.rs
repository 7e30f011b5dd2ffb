//! The pointer: clicks select, the wheel scrolls what is under it.

use crate::state::command::Command;
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::key::{Pointer, PointerAction};
use crate::state::target::Target;
use crate::state::view::{Focus, Modal};

/// Lines that one notch of the wheel scrolls.
const WHEEL_LINES: i64 = 3;

impl State {
    pub(super) fn on_pointer(&mut self, pointer: Pointer, effects: &mut Vec<Effect>) {
        match pointer.action {
            PointerAction::Press => self.on_press(pointer.target, effects),
            PointerAction::Drag => self.on_drag(&pointer.target),
            PointerAction::Release => {
                self.view.holds_wall = false;
                self.view.holds_rule = false;
            }
            PointerAction::WheelUp => self.on_wheel(&pointer.target, -1, effects),
            PointerAction::WheelDown => self.on_wheel(&pointer.target, 1, effects),
        }
    }

    fn on_drag(&mut self, target: &Target) {
        if let (Target::Column { at }, true) = (target, self.view.holds_wall) {
            self.set_wall(Some(*at));
        }
        if let (Target::Line { at }, true) = (target, self.view.holds_rule) {
            self.set_rule(*at);
        }
    }

    fn on_wheel(&mut self, target: &Target, step: i64, effects: &mut Vec<Effect>) {
        match target {
            Target::Offer { .. } | Target::Modal => self.scroll(step * WHEEL_LINES),
            _ if self.view.modal.is_some() => {}
            Target::Row { .. } | Target::Group { .. } | Target::List => self.move_selection(step),
            Target::Inbox { .. } => self.scroll_inbox(step),
            Target::Detail if self.has_open_session() => {
                self.wheel_session(step * WHEEL_LINES, effects);
            }
            Target::Build { .. } => self.step_build(step),
            Target::Entry { .. } => {
                self.view.audit.step(step * WHEEL_LINES);
                self.touch();
            }
            Target::Decision { .. }
            | Target::Request { .. }
            | Target::Detail
            | Target::Tab { .. } => {
                self.scroll_detail(step * WHEEL_LINES);
            }
            Target::Tile { .. }
            | Target::Need { .. }
            | Target::Key { .. }
            | Target::Wall
            | Target::Column { .. }
            | Target::Rule
            | Target::Line { .. }
            | Target::Nothing => {}
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
            Target::Group { name } => {
                self.leave_session();
                self.view.focus = Focus::List;
                self.fold_group(name);
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
            Target::Request { at } => self.press_request(at),
            Target::Build { at } => self.select_build(at),
            Target::Entry { at } => {
                self.view.audit.select(at);
                self.touch();
            }
            Target::Tile { at } => self.press_tile(at),
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
            Target::Wall => self.view.holds_wall = true,
            Target::Rule => self.view.holds_rule = true,
            Target::Detail
            | Target::List
            | Target::Column { .. }
            | Target::Line { .. }
            | Target::Modal
            | Target::Nothing => {}
        }
    }

    /// Whether list and detail are there to be chosen between.
    fn has_panes(&self) -> bool {
        self.attached().is_none() && !self.view.focus.is_wide()
    }

    fn focus_by_pointer(&mut self, focus: Focus) {
        // A filter that was being typed is kept as it is.
        self.view.is_filtering = false;
        self.view.logs.prompt = None;
        self.focus(focus);
    }

    fn leave_session(&mut self) {
        self.detach();
        if self.view.focus.is_wide() {
            self.view.focus = Focus::List;
        }
        self.view.is_filtering = false;
        self.view.logs.prompt = None;
    }

    /// The first press chooses, a press on the chosen one takes it.
    fn press_offer(&mut self, at: usize, effects: &mut Vec<Effect>) {
        if let Some(Modal::Palette {
            text,
            chosen,
            is_line,
            ..
        }) = &mut self.view.modal
        {
            let is_chosen = *chosen == Some(at) || chosen.is_none() && at == 0 && !*is_line;
            let (text, is_line) = (text.clone(), *is_line);
            *chosen = Some(at);
            self.touch();
            if is_chosen {
                self.view.modal = None;
                self.palette_run((text, Some(at), is_line), effects);
            }
            return;
        }
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
