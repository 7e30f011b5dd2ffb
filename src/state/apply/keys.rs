//! Keys: looked up in the one table, or typed where something is typed.

use crate::state::bottle::Bottle;
use crate::state::command::{Command, Context};
use crate::state::console::State;
use crate::state::decided::DecisionFilter;
use crate::state::effect::Effect;
use crate::state::event::OperationKind;
use crate::state::key::Key;
use crate::state::keymap;
use crate::state::sighting::BottleRef;
use crate::state::view::{Focus, Modal, Picker, Tab};
use crate::wire::Role;

/// The longest filter that is kept.
const FILTER_CHARS: usize = 64;
/// The longest line that is typed for an agent.
const LINE_CHARS: usize = 500;

impl State {
    pub(super) fn on_key(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let context = self.context();
        if context != Context::Attached && self.view.notice.take().is_some() {
            self.touch();
        }
        match keymap::command(context, key) {
            Some(command) => self.on_command(command, effects),
            None => {
                if let Some(character) = key.typed() {
                    self.type_text(&character.to_string());
                }
            }
        }
        self.look();
    }

    /// The operator has seen the selected bottle.
    fn look(&mut self) {
        let selected = self.view.selected.as_ref().map(|row| row.bottle.clone());
        if let Some(known) = selected.and_then(|bottle| self.fleet.get_mut(&bottle))
            && known.has_unseen_end
        {
            known.has_unseen_end = false;
            self.touch();
        }
    }

    pub(super) fn on_paste(&mut self, text: &str) {
        self.type_text(text);
    }

    /// Types into the prompt that has the keys, if one has.
    fn type_text(&mut self, text: &str) {
        let context = self.context();
        if context == Context::Terms {
            return self.type_uses(text);
        }
        let most = if context == Context::Line {
            LINE_CHARS
        } else {
            FILTER_CHARS
        };
        let Some(prompt) = self.prompt() else {
            return;
        };
        let room = most.saturating_sub(prompt.chars().count());
        let printable = text.chars().filter(|character| !character.is_control());
        prompt.extend(printable.take(room));
        self.typed(context);
    }

    fn typed(&mut self, context: Context) {
        if context == Context::Picker
            && let Some(Modal::Picker { picker }) = &mut self.view.modal
        {
            picker.cursor = 0;
        }
        self.touch();
    }

    fn prompt(&mut self) -> Option<&mut String> {
        let filters_decisions = self.filters_decisions();
        match (self.context(), &mut self.view.modal) {
            (Context::Filter, _) if filters_decisions => Some(&mut self.view.decision_filter.text),
            (Context::Filter, _) => Some(&mut self.view.filter),
            (Context::Picker, Some(Modal::Picker { picker })) => Some(&mut picker.filter),
            (Context::Line, Some(Modal::Line { text, .. })) => Some(text),
            _ => None,
        }
    }

    pub(super) fn on_command(&mut self, command: Command, effects: &mut Vec<Effect>) {
        if self.means_other_in_inbox(command) {
            return self.on_inbox_command(command, effects);
        }
        match command {
            Command::Up => self.scroll(-1),
            Command::Down => self.scroll(1),
            Command::PageUp => self.scroll(-self.page_step()),
            Command::PageDown => self.scroll(self.page_step()),
            Command::Top => self.scroll(i64::MIN),
            Command::Bottom => self.scroll(i64::MAX),
            Command::Attach => self.attach(false),
            Command::AttachFull => self.attach(true),
            Command::Detach => self.detach(),
            Command::Back => self.back(),
            Command::FocusList => self.focus(Focus::List),
            Command::FocusDetail => self.focus(Focus::Detail),
            Command::NextTab => self.turn(1),
            Command::PreviousTab => self.turn(Tab::ALL.len() - 1),
            Command::Show(tab) => self.show(tab),
            Command::Read(tab) => {
                self.show(tab);
                self.focus(Focus::Detail);
            }
            Command::Start => {
                self.open(Modal::Picker {
                    picker: Picker::default(),
                });
                effects.push(Effect::LoadAgents);
            }
            Command::Stop => self.ask_to_stop(),
            Command::Resume => self.resume(effects),
            Command::Remove => self.ask_to_remove(),
            Command::CancelOperation => self.ask_to_cancel(),
            Command::Filter => {
                self.view.is_filtering = true;
                self.focus(Focus::List);
            }
            Command::FilterDecisions => {
                self.view.is_filtering = true;
                self.touch();
            }
            Command::OnlyRefused => {
                let filter = &mut self.view.decision_filter;
                filter.is_refused_only = !filter.is_refused_only;
                self.touch();
            }
            Command::Open => self.open_decision(),
            Command::Permit => self.ask_to_permit(),
            Command::Hits => self.open_hits(),
            Command::AllEgress => self.focus(Focus::Egress),
            Command::Visit => self.visit(),
            Command::Expand => self.expand(),
            Command::Inbox
            | Command::OtherList
            | Command::ReadAsk
            | Command::NextAsk
            | Command::ToBottle
            | Command::Approve
            | Command::Terms
            | Command::Deny
            | Command::Reply
            | Command::Edit
            | Command::Undo
            | Command::Less
            | Command::More => self.on_inbox_command(command, effects),
            Command::NextNeed => self.next_need(),
            Command::Refresh => {
                self.tell(String::from("asking the engine"));
                effects.push(Effect::RefreshFleet);
            }
            Command::Help => self.open(Modal::Help { scroll: 0 }),
            Command::Answer => self.ask_for_answer(effects),
            Command::Refuse => self.refuse(effects),
            Command::Accept => self.accept(effects),
            Command::Cancel => self.cancel(),
            Command::Erase => self.edit_prompt(|prompt| prompt.truncate(without_last(prompt))),
            Command::EraseAll => self.edit_prompt(String::clear),
            Command::Quit => self.quit(effects),
            Command::QuitNow => effects.push(Effect::Quit),
        }
    }

    fn edit_prompt(&mut self, edit: impl FnOnce(&mut String)) {
        let context = self.context();
        if let Some(prompt) = self.prompt() {
            edit(prompt);
            self.typed(context);
        }
    }

    fn page_step(&self) -> i64 {
        i64::try_from(self.page()).unwrap_or(1)
    }

    pub(super) fn open(&mut self, modal: Modal) {
        self.view.modal = Some(modal);
        self.touch();
    }

    pub(super) fn focus(&mut self, focus: Focus) {
        self.view.focus = focus;
        self.touch();
    }

    fn turn(&mut self, by: usize) {
        let at = Tab::ALL.iter().position(|tab| *tab == self.view.tab);
        let next = Tab::ALL.iter().cycle().nth(at.unwrap_or(0) + by);
        self.show(next.copied().unwrap_or_default());
    }

    pub(super) fn show(&mut self, tab: Tab) {
        if self.view.tab != tab {
            self.view.tab = tab;
            self.rewind();
        }
        self.touch();
    }

    fn back(&mut self) {
        self.touch();
        if self.filters_decisions() && !self.view.decision_filter.is_empty() {
            self.view.decision_filter = DecisionFilter::default();
        } else if self.view.focus == Focus::Inbox && self.view.inbox.is_reading {
            self.view.inbox.is_reading = false;
        } else if matches!(
            self.view.focus,
            Focus::Detail | Focus::Egress | Focus::Inbox
        ) {
            self.view.focus = Focus::List;
        } else if !self.view.filter.is_empty() {
            self.view.filter.clear();
        } else if let Some(selected) = &self.view.selected
            && let Some(known) = self.fleet.get_mut(&selected.bottle)
            && known.sighting.is_some()
        {
            // What failed was read; the bottle itself is what it was.
            known.failed = None;
        }
    }

    fn expand(&mut self) {
        let Some(selected) = &self.view.selected else {
            return;
        };
        let bottle = selected.bottle.clone();
        if !self.view.expanded.remove(&bottle) {
            self.view.expanded.insert(bottle);
        }
        self.touch();
    }

    fn next_need(&mut self) {
        let needs = self.needs();
        let selected = self.view.selected.as_ref().map(|row| &row.bottle);
        let at = needs
            .iter()
            .position(|need| Some(&need.bottle) == selected)
            .map_or(0, |at| at + 1);
        match needs.get(at).or_else(|| needs.first()) {
            Some(need) => {
                if matches!(self.view.focus, Focus::Egress | Focus::Inbox) {
                    self.view.focus = Focus::List;
                }
                self.select_bottle(need.bottle.clone());
            }
            None => self.tell(String::from("nothing needs you")),
        }
    }

    fn selected_reference(&mut self) -> Option<BottleRef> {
        let selected = self.view.selected.as_ref().map(|row| row.bottle.clone());
        if selected.is_none() {
            self.tell(String::from("no bottle is selected: s starts an agent"));
        }
        selected
    }

    /// The selected bottle, if nothing is done to it; otherwise says what is.
    fn free_bottle(&mut self) -> Option<BottleRef> {
        let selected = self.selected_reference()?;
        let known = self.fleet.get(&selected)?;
        if let Some(operation) = &known.operation {
            let or = if operation.can_cancel {
                ", or cancel it with c"
            } else {
                ""
            };
            let text = format!(
                "{}: wait for the {} to end{or}",
                selected.id,
                operation.kind.verb()
            );
            self.warn(text);
            return None;
        }
        Some(selected)
    }

    fn ask_to_stop(&mut self) {
        let Some(bottle) = self.free_bottle() else {
            return;
        };
        if self.fleet.get(&bottle).is_some_and(Bottle::is_alive) {
            self.open(Modal::ConfirmStop { bottle });
        } else {
            self.warn(format!(
                "{} does not run: r resumes it, d removes it",
                bottle.id
            ));
        }
    }

    fn resume(&mut self, effects: &mut Vec<Effect>) {
        let Some(bottle) = self.free_bottle() else {
            return;
        };
        let known = self.fleet.get(&bottle);
        if known.is_some_and(Bottle::is_resumable) {
            effects.extend(self.ask(&bottle, OperationKind::Resume));
        } else if known.is_some_and(|known| known.container(Role::Agent).is_none()) {
            self.warn(format!(
                "{} has no agent container: d removes it",
                bottle.id
            ));
        } else {
            self.warn(format!("{} runs: x stops it", bottle.id));
        }
    }

    fn ask_to_remove(&mut self) {
        let Some(bottle) = self.free_bottle() else {
            return;
        };
        let is_made = self
            .fleet
            .get(&bottle)
            .is_some_and(|known| known.sighting.is_some());
        if is_made {
            self.open(Modal::ConfirmRemove { bottle });
        } else {
            // A failed start left nothing but the row that says so.
            self.fleet.retain(|known| known.bottle != bottle);
            self.touch();
        }
    }

    fn quit(&mut self, effects: &mut Vec<Effect>) {
        if self
            .fleet
            .bottles()
            .iter()
            .any(|bottle| bottle.operation.is_some())
        {
            self.open(Modal::ConfirmQuit);
        } else {
            effects.push(Effect::Quit);
        }
    }
}

/// How long a text is without its last character.
fn without_last(text: &str) -> usize {
    text.char_indices().next_back().map_or(0, |(at, _)| at)
}
