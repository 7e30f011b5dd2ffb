//! Where everything is, computed once for drawing, for the pointer and for the size
//! of a session.
//!
//! No part changes its size because of what it holds: a session would be resized, and
//! a resized program draws itself anew.

use ratatui::layout::Rect;

use crate::state::{Focus, State};

/// Below this nothing is drawn but words that say so.
pub(super) const LEAST: (u16, u16) = (24, 6);
/// From here on a session is attached beside the list.
const SESSION_BESIDE: u16 = 120;

/// The parts of the screen. Parts that are not shown are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) title: Rect,
    pub(super) list_head: Rect,
    pub(super) list: Rect,
    /// The line between list and detail.
    pub(super) wall: Rect,
    /// The names of the pages, or the head of an attached session.
    pub(super) tabs: Rect,
    /// What is known of the shown bottle, in one line.
    pub(super) status: Rect,
    pub(super) body: Rect,
    /// What is of all bottles, in the place of list and detail.
    pub(super) all: Rect,
    /// The line above the needs.
    pub(super) rule: Rect,
    pub(super) needs: Rect,
    pub(super) footer: Rect,
}

impl Layout {
    /// The layout for a state on a terminal. Empty if the terminal is too small.
    pub(super) fn of(state: &State, area: Rect) -> Self {
        if area.width < LEAST.0 || area.height < LEAST.1 {
            return Self::default();
        }
        match state.view.focus {
            Focus::Attached { full: true, .. } => Self::full(area),
            Focus::Attached { .. } if area.width < SESSION_BESIDE => Self::session(area),
            Focus::Attached { .. }
            | Focus::List
            | Focus::Detail
            | Focus::Egress
            | Focus::Inbox
            | Focus::Builds
            | Focus::Audit => Self::panes(state, area),
        }
    }

    /// A session on the whole terminal but the last row, as the direct painter has it.
    fn full(area: Rect) -> Self {
        let (body, needs) = cut_bottom(area, 1);
        Self {
            body,
            needs,
            ..Self::default()
        }
    }

    /// A session with its head above and what needs the operator below.
    fn session(area: Rect) -> Self {
        let (tabs, rest) = cut_top(area, 1);
        let (body, needs) = cut_bottom(rest, 1);
        Self {
            tabs,
            body,
            needs,
            ..Self::default()
        }
    }

    fn panes(state: &State, area: Rect) -> Self {
        let (title, rest) = cut_top(area, 1);
        let (rest, footer) = cut_bottom(rest, 1);
        let (rest, needs) = cut_bottom(rest, state.needs_rows(area.height));
        let (main, rule) = cut_bottom(rest, u16::from(area.height >= 16));
        let mut layout = Self {
            title,
            rule,
            needs,
            footer,
            ..Self::default()
        };
        let is_whole = state.view.focus.is_wide();
        if is_whole || state.shown_split().is_some() {
            layout.all = main;
        } else if let Some(width) = state.list_columns(area.width) {
            let list = Rect { width, ..main };
            layout.wall = Rect {
                x: main.x + width,
                width: 1,
                ..main
            };
            let detail = Rect {
                x: main.x + width + 1,
                width: main.width - width - 1,
                ..main
            };
            layout.split_list(list);
            layout.split_detail(detail);
        } else if state.view.focus == Focus::Detail {
            layout.split_detail(main);
        } else {
            layout.split_list(main);
        }
        layout
    }

    fn split_list(&mut self, list: Rect) {
        (self.list_head, self.list) = cut_top(list, 1);
    }

    fn split_detail(&mut self, detail: Rect) {
        let (tabs, rest) = cut_top(detail, 1);
        (self.status, self.body) = cut_top(rest, 1);
        self.tabs = tabs;
    }
}

/// The first `rows` rows and the rest.
fn cut_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let top = Rect {
        height: rows,
        ..area
    };
    let rest = Rect {
        y: area.y + rows,
        height: area.height - rows,
        ..area
    };
    (top, rest)
}

/// All but the last `rows` rows, and those.
fn cut_bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    cut_top(area, area.height - rows)
}
