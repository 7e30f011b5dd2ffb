//! Moving through lists and pages, by steps that may be as large as they like.

use crate::state::bottle::Bottle;
use crate::state::console::State;
use crate::state::inbox::TermsLine;
use crate::state::keymap::KEYMAP;
use crate::state::sighting::BottleRef;
use crate::state::spec_rows::SpecView;
use crate::state::view::{Focus, Modal, RowName, Tab, Tail};

impl State {
    /// Moves what has the keys by `step` lines, down if positive.
    pub(super) fn scroll(&mut self, step: i64) {
        self.touch();
        if self.view.modal.is_some() {
            self.scroll_modal(step);
        } else if matches!(self.view.focus, Focus::List) {
            self.move_selection(step);
        } else if matches!(self.view.focus, Focus::Egress) {
            self.view.decided.step(step);
        } else if matches!(self.view.focus, Focus::Inbox) {
            self.scroll_inbox(step);
        } else {
            self.scroll_detail(step);
        }
    }

    pub(super) fn move_selection(&mut self, step: i64) {
        let rows = self.rows();
        let at = moved(self.view.selected_at, step, rows.len());
        if let Some(row) = rows.into_iter().nth(at) {
            self.select(row);
        }
    }

    pub(super) fn select(&mut self, row: RowName) {
        if self.view.selected.as_ref() != Some(&row) {
            self.view.selected_at = self
                .rows()
                .iter()
                .position(|shown| *shown == row)
                .unwrap_or(0);
            self.view.selected = Some(row);
            self.rewind();
            self.touch();
        }
    }

    /// Selects a bottle, dropping a filter that hides it.
    pub(super) fn select_bottle(&mut self, bottle: BottleRef) {
        let row = RowName {
            bottle,
            sidecar: None,
        };
        if !self.rows().contains(&row) {
            self.view.filter.clear();
        }
        self.select(row);
    }

    pub(super) fn scroll_detail(&mut self, step: i64) {
        self.touch();
        let page = self.page();
        match self.view.tab {
            _ if self.attached().is_some() => self.scroll_session(step),
            _ if self.view.focus == Focus::Egress => self.view.decided.step(step),
            _ if self.view.focus == Focus::Inbox => self.scroll_ask(step),
            Tab::Session => self.scroll_session(step),
            Tab::Logs => {
                let numbers = self.log_numbers();
                self.view.logs = moved_tail(self.view.logs, &numbers, step, page);
            }
            Tab::Egress => self.view.decided.step(step),
            Tab::Spec => {
                let rows = self.selected_bottle().map_or(0, spec_rows);
                self.view.spec_scroll = moved(self.view.spec_scroll, step, rows);
            }
        }
    }

    fn scroll_session(&mut self, step: i64) {
        let up = step.checked_neg().unwrap_or(i64::MAX);
        self.view.session_scroll = moved(self.view.session_scroll, up, self.scrollback + 1);
    }

    fn log_numbers(&self) -> Vec<u64> {
        let sidecar = self.view.selected.as_ref().and_then(|row| row.sidecar);
        self.selected_bottle()
            .into_iter()
            .flat_map(|bottle| bottle.logs.numbered())
            .filter(|(_, entry)| sidecar.is_none_or(|role| role == entry.role))
            .map(|(number, _)| number)
            .collect()
    }

    fn scroll_modal(&mut self, step: i64) {
        let page = self.page();
        let columns = usize::from(self.size.columns).clamp(30, 92);
        let paper = self.paper().map_or(0, |rows| {
            let rows = rows.iter();
            rows.map(|row| wrapped(&row.value, columns - 19)).sum()
        });
        match &mut self.view.modal {
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
                | Modal::ConfirmUndo { .. }
                | Modal::ConfirmCancel { .. }
                | Modal::Line { .. }
                | Modal::Answer { .. }
                | Modal::Raise { .. }
                | Modal::Allow { .. }
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

/// A tail moved by `step` lines. Going up pauses it; reaching the end follows again.
fn moved_tail(tail: Tail, numbers: &[u64], step: i64, page: usize) -> Tail {
    let Some(end) = numbers.len().checked_sub(1) else {
        return Tail::Follow;
    };
    let at = match tail {
        Tail::Follow => end,
        Tail::Paused { last } => numbers
            .partition_point(|number| *number <= last)
            .saturating_sub(1),
    };
    // The first page stays full.
    let at = moved(at, step, numbers.len()).max(end.min(page.saturating_sub(1)));
    match numbers.get(at) {
        Some(last) if step < 0 || at < end => Tail::Paused { last: *last },
        _ => Tail::Follow,
    }
}
