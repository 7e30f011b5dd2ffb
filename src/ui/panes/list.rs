//! The list of bottles, as a tree with their sidecars.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr as _;

use super::super::layout::{Layout, WIDE};
use super::super::look::{Look, Role, role_of};
use super::super::text::{Words, pad, put_line, put_text, row, safe, wrap};
use crate::state::{Bottle, ContainerState, Focus, Role as Part, RoleState, State, age};

/// Columns of a state and of an age, each with its margin.
const STATE: usize = 10;
const AGE: usize = 5;
/// Columns of marker, shape and margins before the name.
const LEAD: usize = 4;
/// Columns of a name in a wide list.
const WIDE_NAME: usize = 28;
/// Columns of what egress counted in a wide list.
const TALLY: usize = 14;

/// Widths of the columns; a column of width 0 is not drawn.
#[derive(Clone, Copy, Debug)]
struct Columns {
    name: usize,
    about: usize,
    tally: usize,
}

impl Columns {
    fn of(list: Rect) -> Self {
        let room = usize::from(list.width).saturating_sub(LEAD + STATE + AGE);
        if list.width >= WIDE / 2 - 2 {
            Self {
                name: WIDE_NAME,
                about: room.saturating_sub(WIDE_NAME + TALLY),
                tally: TALLY,
            }
        } else {
            Self {
                name: room,
                about: 0,
                tally: 0,
            }
        }
    }
}

/// The first row shown, so that the selected one is in sight.
pub(in crate::ui) fn first_row(state: &State, list: Rect, rows: usize) -> usize {
    let height = usize::from(list.height).max(1);
    let half = height / 2;
    state
        .view
        .selected_at
        .saturating_sub(half)
        .min(rows.saturating_sub(height))
}

pub(in crate::ui) fn draw(state: &State, look: Look, layout: &Layout, buffer: &mut Buffer) {
    let list = layout.list;
    if list.height == 0 {
        return;
    }
    let rows = state.rows();
    draw_head(state, look, layout, rows.len(), buffer);
    if rows.is_empty() {
        draw_empty(state, look, list, buffer);
        return;
    }
    let columns = Columns::of(list);
    let first = first_row(state, list, rows.len());
    for (at, name) in rows
        .iter()
        .skip(first)
        .take(usize::from(list.height))
        .enumerate()
    {
        let Some(bottle) = state.fleet.get(&name.bottle) else {
            continue;
        };
        let area = row(list, at);
        let is_selected = state.view.selected.as_ref() == Some(name);
        match name.sidecar {
            None => draw_bottle(state, look, bottle, columns, area, buffer),
            Some(role) => {
                let is_last = rows
                    .get(first + at + 1)
                    .is_none_or(|next| next.sidecar.is_none());
                draw_sidecar(look, bottle, role, is_last, area, buffer);
            }
        }
        if is_selected {
            mark(state, look, area, buffer);
        }
    }
}

/// Marks the selected row: a bar, and one style for all of it where the keys are.
fn mark(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    let has_keys = state.view.focus == Focus::List && state.view.modal.is_none();
    let bar = if has_keys {
        buffer.set_style(area, Style::reset());
        buffer.set_style(area, look.style(Role::Selected));
        look.style(Role::Selected)
    } else {
        buffer.set_style(area, look.style(Role::Marked));
        look.style(Role::Key)
    };
    put_text(look.glyph("▌", ">"), bar, area, buffer);
}

fn draw_head(state: &State, look: Look, layout: &Layout, shown: usize, buffer: &mut Buffer) {
    let head = layout.list_head;
    let columns = Columns::of(layout.list);
    let heading = |text: &str, width: usize| pad(look, text, width);
    let mut words = Words::new(look);
    if state.view.filter.is_empty() {
        words = words.put(Role::Heading, heading(" BOTTLES", LEAD + columns.name));
    } else {
        let width = LEAD + columns.name;
        let text = format!(" BOTTLES /{} ({shown})", state.view.filter);
        words = words.put(Role::Key, heading(&text, width));
    }
    words = words
        .put(Role::Heading, heading("STATE", STATE))
        .put(Role::Heading, format!("{:>4} ", "FOR"));
    if columns.tally > 0 {
        words = words
            .put(Role::Heading, heading("EGRESS", columns.tally))
            .put(Role::Heading, heading("ABOUT", columns.about));
    }
    words.draw(head, buffer);
}

fn draw_bottle(
    state: &State,
    look: Look,
    bottle: &Bottle,
    columns: Columns,
    area: Rect,
    buffer: &mut Buffer,
) {
    let role = role_of(&bottle.phase);
    let is_old = state.fleet.is_lost(&bottle.bottle.engine);
    let name_role = if is_old || role == Role::Faint {
        Role::Faint
    } else if matches!(role, Role::Wanting | Role::Troubled | Role::Broken) {
        Role::Strong
    } else {
        Role::Plain
    };
    let state_role = if is_old { Role::Faint } else { role };
    let mut words = Words::new(look)
        .put(Role::Plain, "  ")
        .put(state_role, look.shape(&bottle.phase))
        .put(Role::Plain, " ")
        .put(
            name_role,
            pad(
                look,
                bottle.bottle.id.as_str(),
                columns.name.saturating_sub(1),
            ),
        )
        .put(Role::Plain, " ")
        .put(state_role, pad(look, &state_word(bottle, is_old), STATE))
        .put(Role::Faint, format!("{:>4} ", for_words(state, bottle)));
    if columns.tally > 0 {
        words = words
            .put(Role::Plain, pad(look, &tally(look, bottle), columns.tally))
            .put(
                Role::Faint,
                safe(look, &about(bottle), columns.about.saturating_sub(1)),
            );
    }
    put_line(&words.line(), area, buffer);
}

/// The state; a question mark follows what an engine that is lost said last.
fn state_word(bottle: &Bottle, is_old: bool) -> String {
    let word = bottle.phase.word();
    if is_old {
        format!("{word}?")
    } else {
        word.to_owned()
    }
}

/// How far an operation is, or how long the state lasts.
fn for_words(state: &State, bottle: &Bottle) -> String {
    match &bottle.operation {
        Some(operation) => operation.count(),
        None => bottle
            .since()
            .map_or_else(String::new, |since| age(state.now, since)),
    }
}

/// What egress let out and refused.
fn tally(look: Look, bottle: &Bottle) -> String {
    let hub = &bottle.hub;
    if hub.allowed == 0 && hub.denied == 0 {
        return String::new();
    }
    format!("{}{} {}{}", hub.allowed, look.yes(), hub.denied, look.no())
}

/// What there is to say about a bottle, if the list has room: what it waits for, what
/// is wrong, or what the agent calls its work.
fn about(bottle: &Bottle) -> String {
    if let Some(operation) = &bottle.operation {
        return operation.what.clone();
    }
    let words = bottle.phase.words();
    if !words.is_empty() {
        return words;
    }
    let session = bottle.hub.session.as_ref();
    session
        .and_then(|session| {
            session
                .waiting_for
                .clone()
                .or_else(|| session.title.clone())
        })
        .unwrap_or_default()
}

fn draw_sidecar(
    look: Look,
    bottle: &Bottle,
    role: Part,
    is_last: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let branch = if is_last {
        look.glyph("└ ", "`-")
    } else {
        look.glyph("├ ", "|-")
    };
    let (state_role, word) = sidecar_state(bottle, role);
    let mut words = Words::new(look)
        .put(Role::Faint, format!("    {branch}"))
        .put(Role::Plain, pad(look, role.as_str(), 11))
        .put(state_role, word);
    if role == Part::Egress {
        words = words.put(Role::Faint, format!("  {}", tally(look, bottle)));
    }
    words.draw(area, buffer);
}

/// How a sidecar is, in a word.
fn sidecar_state(bottle: &Bottle, role: Part) -> (Role, String) {
    match (bottle.container(role), bottle.hub.roles.get(&role)) {
        (None, _) if bottle.operation.is_some() => (Role::Busy, String::from("not yet made")),
        (None, _) => (Role::Broken, String::from("missing")),
        (Some(ContainerState::Running), Some(RoleState::Degraded { .. })) => {
            (Role::Troubled, String::from("degraded"))
        }
        (Some(ContainerState::Running), Some(RoleState::Locked { .. })) => {
            (Role::Wanting, String::from("locked"))
        }
        (Some(ContainerState::Running), Some(RoleState::Ready)) => (Role::Good, String::from("ok")),
        (Some(ContainerState::Running), Some(RoleState::Gone)) => {
            (Role::Troubled, String::from("silent"))
        }
        (Some(ContainerState::Running), None) => (Role::Plain, String::from("runs")),
        (Some(ContainerState::Created), _) => (Role::Busy, String::from("made")),
        (Some(ContainerState::Paused), _) => (Role::Troubled, String::from("paused")),
        (Some(ContainerState::Restarting), _) => (Role::Busy, String::from("restarting")),
        (Some(ContainerState::Exited { .. }), _) if !bottle.runs(Part::Agent) => {
            (Role::Faint, String::from("stopped"))
        }
        (Some(ContainerState::Exited { code }), _) => {
            let code = code.map_or_else(String::new, |code| format!(" ({code})"));
            (Role::Broken, format!("ended{code}"))
        }
        (Some(ContainerState::Dead), _) => (Role::Broken, String::from("dead")),
        (Some(ContainerState::Unknown { word }), _) => (Role::Troubled, safe_word(word)),
    }
}

fn safe_word(word: &str) -> String {
    safe(Look::default(), word, 12)
}

/// An empty list says what to do about it.
fn draw_empty(state: &State, look: Look, list: Rect, buffer: &mut Buffer) {
    let text = if !state.view.filter.is_empty() {
        "No bottle matches.\nesc drops the filter."
    } else if state.is_loaded() {
        "No bottles yet.\n\ns starts an agent.\n? shows all keys."
    } else {
        "Asking for the bottles."
    };
    let width = usize::from(list.width).saturating_sub(4);
    for (at, line) in wrap(look, text, width).iter().enumerate() {
        let area = row(list, at + 1);
        let key = line
            .split(' ')
            .next()
            .filter(|word| word.width() <= 3 && *word != "No");
        let (first, rest) = line.split_at(key.map_or(0, str::len));
        Words::new(look)
            .put(Role::Plain, "   ")
            .put(Role::Key, first)
            .put(if at == 0 { Role::Plain } else { Role::Faint }, rest)
            .draw(area, buffer);
    }
}
