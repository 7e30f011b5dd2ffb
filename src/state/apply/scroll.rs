//! Moving through lists and pages, by steps that may be as large as they like.

use crate::state::bottle::Bottle;
use crate::state::console::State;
use crate::state::inbox::TermsLine;
use crate::state::keymap::KEYMAP;
use crate::state::listing::ListRow;
use crate::state::sighting::BottleRef;
use crate::state::spec_rows::SpecView;
use crate::state::view::{Focus, Modal, RowName, Tab};

impl State {
    /// Moves what has the keys by `step` lines, down if positive.
    pub(super) fn scroll(&mut self, step: i64) {
        self.touch();
        if let Some(copying) = &mut self.view.copying {
            // Nothing moves below what is typed.
            if copying.prompt.is_none() {
                copying.step(step);
            }
        } else if self.view.modal.is_some() {
            self.scroll_modal(step);
        } else if self.shown_split().is_some() {
            self.step_tile(step);
        } else if matches!(self.view.focus, Focus::List) {
            self.move_selection(step);
        } else if matches!(self.view.focus, Focus::Egress) {
            self.view.decided.step(step);
        } else if matches!(self.view.focus, Focus::Inbox) {
            self.scroll_inbox(step);
        } else if matches!(self.view.focus, Focus::Builds) {
            self.step_build(step);
        } else if matches!(self.view.focus, Focus::Audit) {
            self.view.audit.step(step);
        } else {
            self.scroll_detail(step);
        }
    }

    pub(super) fn move_selection(&mut self, step: i64) {
        let at = moved(self.view.selected_at, step, self.listed().len());
        match self.listed().get(at).cloned() {
            Some(ListRow::Bottle { name }) => self.select(name),
            Some(ListRow::Group { name, .. }) => self.select_group(name),
            None => {}
        }
    }

    pub(super) fn select(&mut self, row: RowName) {
        if self.view.selected.as_ref() != Some(&row) {
            self.view.selected_at = self
                .listed()
                .iter()
                .position(|shown| shown.bottle() == Some(&row))
                .unwrap_or(0);
            self.view.selected = Some(row);
            self.view.group = None;
            self.rewind();
            self.touch();
        }
    }

    /// Selects a bottle, dropping a filter or a fold that hides it.
    pub(super) fn select_bottle(&mut self, bottle: BottleRef) {
        self.reveal(&bottle);
        self.select(RowName {
            bottle,
            sidecar: None,
        });
    }

    pub(super) fn scroll_detail(&mut self, step: i64) {
        self.touch();
        match self.view.tab {
            _ if self.attached().is_some() => self.scroll_session(step),
            _ if self.view.focus == Focus::Egress => self.view.decided.step(step),
            _ if self.view.focus == Focus::Inbox => self.scroll_ask(step),
            _ if self.view.focus == Focus::Builds => self.step_build(step),
            _ if self.view.focus == Focus::Audit => self.view.audit.step(step),
            Tab::Session => self.scroll_session(step),
            Tab::Logs => self.view.logs.step(step),
            Tab::Egress => self.view.decided.step(step),
            Tab::Requests => self.step_request(step),
            Tab::Stats => {}
            Tab::Spec => {
                let rows = self.selected_bottle().map_or(0, spec_rows);
                self.view.spec_scroll = moved(self.view.spec_scroll, step, rows);
            }
        }
    }

    fn scroll_session(&mut self, step: i64) {
        if let Some(copying) = &mut self.view.copying {
            copying.scroll(step);
            if step > 0 && copying.is_at_its_end() {
                self.view.copying = None;
            }
            return;
        }
        let up = step.checked_neg().unwrap_or(i64::MAX);
        self.view.session_scroll = moved(self.view.session_scroll, up, self.scrollback + 1);
    }

    fn scroll_modal(&mut self, step: i64) {
        if matches!(self.view.modal, Some(Modal::Palette { .. })) {
            return self.palette_move(step);
        }
        let page = self.page();
        let columns = usize::from(self.size.columns).clamp(30, 92);
        let paper = self.paper().map_or(0, |rows| {
            let rows = rows.iter();
            rows.map(|row| wrapped(&row.value, columns - 19)).sum()
        });
        let approvals = match &self.view.modal {
            Some(Modal::ApproveAll { approvals, .. }) => self.approval_lines(approvals),
            _ => 0,
        };
        match &mut self.view.modal {
            Some(Modal::ApproveAll { scroll, .. }) => *scroll = moved(*scroll, step, approvals),
            Some(Modal::Help { scroll }) => {
                let lines = KEYMAP.iter().filter(|row| !row.help.is_empty()).count();
                *scroll = moved(*scroll, step, lines.saturating_sub(page / 2).max(1));
            }
            Some(Modal::Picker { picker }) => {
                picker.cursor = moved(picker.cursor, step, picker.shown().len());
            }
            Some(Modal::Plan { result, scroll, .. }) => {
                let lines = match result {
                    Some(Ok(plan)) => plan
                        .rows
                        .iter()
                        .map(|row| wrapped(&row.value, columns - 19))
                        .sum(),
                    Some(Err(why)) => wrapped(why, columns - 6),
                    None => 0,
                };
                *scroll = moved(*scroll, step, lines);
            }
            Some(Modal::Decision { scroll, .. } | Modal::Hits { scroll, .. }) => {
                *scroll = moved(*scroll, step, paper);
            }
            Some(Modal::Message { text, scroll, .. }) => {
                *scroll = moved(*scroll, step, wrapped(text, columns - 6));
            }
            Some(Modal::Approve { draft, scroll }) => {
                let said = draft.effects.iter().chain(&draft.findings);
                let lines = said.map(|one| wrapped(&one.words, columns - 6) + 1);
                let change = draft
                    .manifest
                    .iter()
                    .filter_map(|look| look.change.as_ref());
                let hunks = change.flat_map(|(_, diff)| &diff.hunks);
                let diff = hunks.flat_map(|hunk| &hunk.lines);
                let diff = diff.map(|line| wrapped(&line.text, columns - 15) + 1);
                let lines = lines.sum::<usize>() + diff.sum::<usize>() + page;
                *scroll = moved(*scroll, step, lines);
            }
            Some(Modal::Terms { draft, line }) => {
                let lines = TermsLine::of(draft.is_route);
                let at = lines.iter().position(|one| one == line).unwrap_or(0);
                let at = moved(at, step, lines.len());
                *line = lines.get(at).copied().unwrap_or_default();
            }
            Some(
                Modal::ConfirmStop { .. }
                | Modal::ConfirmRemove { .. }
                | Modal::ConfirmQuit
                | Modal::ConfirmAll { .. }
                | Modal::Palette { .. }
                | Modal::ConfirmPanic { .. }
                | Modal::ConfirmLift { .. }
                | Modal::ConfirmUndo { .. }
                | Modal::ConfirmCancel { .. }
                | Modal::Clipboard { .. }
                | Modal::Line { .. }
                | Modal::Answer { .. }
                | Modal::Raise { .. }
                | Modal::Allow { .. }
                | Modal::Order
                | Modal::Secret { .. },
            )
            | None => {}
        }
    }
}

/// About how many lines a text takes when it is wrapped; rather too many.
pub(super) fn wrapped(text: &str, columns: usize) -> usize {
    text.lines()
        .map(|line| line.chars().count() / columns.max(1) * 5 / 4 + 1)
        .sum()
}

fn spec_rows(bottle: &Bottle) -> usize {
    match &bottle.spec {
        SpecView::Known { rows, .. } => rows.len(),
        SpecView::Unknown | SpecView::Asked | SpecView::Unreadable { .. } => 0,
    }
}

/// `at` moved by `step` within `length` places.
pub(super) fn moved(at: usize, step: i64, length: usize) -> usize {
    let by = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    let moved = if step < 0 {
        at.saturating_sub(by)
    } else {
        at.saturating_add(by)
    };
    moved.min(length.saturating_sub(1))
}
