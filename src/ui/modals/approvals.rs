//! The question about several requests: a line each, wrapped and never cut, and what is
//! left out.

use ratatui::text::Line;

use super::super::look::{Look, Role};
use super::super::text::{Words, wrap_all};
use super::lines::{PAPER, keys_line};
use super::{Content, Sight};
use crate::state::{ApprovalLine, Approvals, State, shown_line};

pub(super) fn content(
    state: &State,
    approvals: &Approvals,
    scroll: usize,
    look: Look,
    widest: u16,
) -> Content {
    let width = usize::from(PAPER.min(widest).saturating_sub(4));
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (kind, text) in approvals.lines() {
        let (role, sign) = match kind {
            ApprovalLine::Effect => (Role::Strong, look.glyph("▸ ", "> ")),
            ApprovalLine::Note => (Role::Wanting, look.glyph("  ▲ ", "  ^ ")),
            ApprovalLine::Changed => (Role::Troubled, look.glyph("  ⚑ ", "  ! ")),
            ApprovalLine::Apart => (Role::Faint, look.glyph("○ ", ". ")),
            ApprovalLine::Plain => (Role::Plain, ""),
        };
        let indent = " ".repeat(sign.chars().count());
        let rows = wrap_all(look, &shown_line(&text), width.saturating_sub(indent.len()));
        if rows.is_empty() {
            lines.push(Line::default());
        }
        for (at, row) in rows.into_iter().enumerate() {
            let before = if at == 0 {
                sign.to_owned()
            } else {
                indent.clone()
            };
            lines.push(Words::new(look).put(role, before).put(role, row).line());
        }
    }
    lines.push(Line::default());
    lines.push(keys_line(state, look));
    Content {
        title: title(approvals),
        head: Vec::new(),
        lines,
        sight: Sight::From(scroll),
        width: PAPER,
    }
}

fn title(approvals: &Approvals) -> String {
    let bottles = match approvals.bottles() {
        1 => String::from("1 bottle"),
        many => format!("{many} bottles"),
    };
    match approvals.entries.len() {
        0 => String::from("Approve"),
        1 => format!("Approve 1 request of {bottles}?"),
        many => format!("Approve {many} requests of {bottles}?"),
    }
}
