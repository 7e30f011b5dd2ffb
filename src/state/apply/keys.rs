//! Keys: looked up in the one table, or typed where something is typed.

use crate::state::command::{Command, Context};
use crate::state::console::State;
use crate::state::decided::DecisionFilter;
use crate::state::effect::Effect;
use crate::state::key::Key;
use crate::state::view::{Focus, Modal, Picker, Tab};

/// The longest filter that is kept.
const FILTER_CHARS: usize = 64;
/// The longest line that is typed for an agent.
const LINE_CHARS: usize = 500;

impl State {
    pub(super) fn on_key(&mut self, key: Key, effects: &mut Vec<Effect>) {
        // Whoever does something has chosen where to begin.
        self.first = None;
        let context = self.context();
        if context != Context::Attached && self.view.notice.take().is_some() {
            self.touch();
        }
        if let Some(copying) = &mut self.view.copying {
            // Who does more than to turn the wheel wants to stay.
            copying.is_by_wheel = false;
        }
        match self.keys.command(context, key) {
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
        self.palette_typed();
        if context == Context::Picker
            && let Some(Modal::Picker { picker }) = &mut self.view.modal
        {
            picker.cursor = 0;
        }
        self.touch();
    }

    fn prompt(&mut self) -> Option<&mut String> {
        let filters_decisions = self.filters_decisions();
        let context = self.context();
        if context == Context::Filter && self.view.logs.prompt.is_some() {
            let prompt = self.view.logs.prompt.as_mut();
            return prompt.map(|prompt| &mut prompt.text);
        }
        if context == Context::CopyFind {
            return self.view.copying.as_mut()?.prompt.as_mut();
        }
        if context == Context::Filter && self.view.focus == Focus::Audit {
            return Some(&mut self.view.audit.typed);
        }
        match (context, &mut self.view.modal) {
            (Context::Filter, _) if filters_decisions => Some(&mut self.view.decision_filter.text),
            (Context::Filter, _) => Some(&mut self.view.filter),
            (Context::Picker, Some(Modal::Picker { picker })) => Some(&mut picker.filter),
            (Context::Line, Some(Modal::Line { text, .. }))
            | (Context::Palette, Some(Modal::Palette { text, .. })) => Some(text),
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
            Command::Split => self.turn_split(),
            Command::Back => self.back(),
            Command::FocusList => self.focus(Focus::List),
            Command::FocusDetail => self.focus(Focus::Detail),
            Command::NextTab => self.turn(1),
            Command::PreviousTab => self.turn(Tab::ALL.len() - 1),
            Command::Show(tab) => self.show(tab),
            Command::Read(tab) => self.read(tab),
            Command::Start => self.choose_agent(effects),
            Command::Life(life) => self.on_life_command(life, effects),
            Command::CancelOperation => self.ask_to_cancel(),
            Command::Log(command) => self.on_log_command(command, effects),
            Command::Copy(command) => self.on_copy_command(command, effects),
            Command::Filter => self.begin_filter(Focus::List),
            Command::FilterDecisions => self.begin_filter(self.view.focus.clone()),
            Command::OnlyRefused => self.turn_only_refused(),
            Command::Open => self.open_decision(),
            Command::Permit => self.ask_to_permit(),
            Command::Hits => self.open_hits(),
            Command::AllEgress => self.focus(Focus::Egress),
            Command::Audit => self.turn_audit(),
            Command::Entry(command) => self.on_audit_command(command),
            Command::Builds => self.turn_builds(),
            Command::OpenBuild => self.open_build(),
            Command::VisitBuild => self.visit_build(),
            Command::Visit => self.visit(),
            Command::Expand => self.expand(),
            Command::Order(order) => self.on_order_command(order),
            Command::Wall(to) => self.move_wall(to),
            Command::OpenRequest => self.open_selected_request(),
            Command::Inbox
            | Command::OtherList
            | Command::ReadAsk
            | Command::NextAsk
            | Command::ToBottle
            | Command::MarkAsk
            | Command::MarkAllAsks
            | Command::Approve
            | Command::Terms
            | Command::Deny
            | Command::Reply
            | Command::Edit
            | Command::Undo
            | Command::Less
            | Command::More => self.on_inbox_command(command, effects),
            Command::NextNeed => self.next_need(),
            Command::Refresh => self.refresh(effects),
            Command::CommandLine => self.open_palette(true),
            Command::Palette => self.open_palette(false),
            Command::Complete => self.palette_complete(),
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

    fn choose_agent(&mut self, effects: &mut Vec<Effect>) {
        self.open(Modal::Picker {
            picker: Picker::default(),
        });
        effects.push(Effect::LoadAgents);
    }

    fn begin_filter(&mut self, focus: Focus) {
        self.view.is_filtering = true;
        self.focus(focus);
    }

    fn refresh(&mut self, effects: &mut Vec<Effect>) {
        self.tell(String::from("asking the engine"));
        effects.push(Effect::RefreshFleet);
    }

    fn read(&mut self, tab: Tab) {
        self.show(tab);
        self.focus(Focus::Detail);
    }

    fn turn_only_refused(&mut self) {
        let filter = &mut self.view.decision_filter;
        filter.is_refused_only = !filter.is_refused_only;
        self.touch();
    }

    fn edit_prompt(&mut self, edit: impl FnOnce(&mut String)) {
        let context = self.context();
        if let Some(prompt) = self.prompt() {
            edit(prompt);
            self.typed(context);
        }
    }

    fn page_step(&self) -> i64 {
        if let Some(copying) = &self.view.copying {
            return copying.page();
        }
        if self.reads_logs() && self.view.modal.is_none() {
            // A row of what was in sight stays.
            return i64::from(self.view.logs.area.rows.saturating_sub(1).max(1));
        }
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
        if self.back_in_copying() || self.back_in_logs() || self.back_in_audit() {
            return;
        }
        if self.shown_split().is_some() {
            self.view.split = None;
            return;
        }
        if self.filters_decisions() && !self.view.decision_filter.is_empty() {
            self.view.decision_filter = DecisionFilter::default();
        } else if self.view.focus == Focus::Inbox && self.view.inbox.is_reading {
            self.view.inbox.is_reading = false;
        } else if self.view.focus == Focus::Inbox && !self.view.inbox.marked.is_empty() {
            self.view.inbox.marked.clear();
        } else if self.view.focus == Focus::Inbox {
            self.leave_inbox();
        } else if self.view.focus == Focus::Detail || self.view.focus.is_wide() {
            self.view.focus = Focus::List;
        } else if self.is_marking() {
            self.view.marked.clear();
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
        if self.view.group.is_some() {
            return self.fold();
        }
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
        if let Focus::Attached { full, .. } = self.view.focus {
            return self.go_on(full);
        }
        let needs = self.needs();
        let selected = self.view.selected.as_ref().map(|row| &row.bottle);
        let at = needs
            .iter()
            .position(|need| Some(&need.bottle) == selected)
            .map_or(0, |at| at + 1);
        match needs.get(at).or_else(|| needs.first()) {
            Some(need) => {
                if self.view.focus.is_wide() {
                    self.view.focus = Focus::List;
                }
                self.select_bottle(need.bottle.clone());
            }
            None => self.tell(String::from("nothing needs you")),
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
