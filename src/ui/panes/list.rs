//! The list of bottles, as a tree with their sidecars.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::super::layout::Layout;
use super::super::look::{Look, Role, role_of};
use super::super::text::{Words, pad, put_line, put_text, row, safe, wrap};
use super::columns::{Columns, LEAD, STATE};
use crate::state::{
    Bottle, ContainerState, Focus, ListRow, Role as Part, RoleState, SortKey, State, age,
    cents_words, cpu_words, memory_words,
};

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
    let rows = state.listed();
    let columns = Columns::of(list, state.view.order.sort);
    draw_head(state, look, layout, columns, buffer);
    if rows.is_empty() {
        draw_empty(state, look, list, buffer);
        return;
    }
    let wanting = state.wanting_by_group();
    let first = first_row(state, list, rows.len());
    for (at, listed) in rows
        .iter()
        .skip(first)
        .take(usize::from(list.height))
        .enumerate()
    {
        let area = row(list, at);
        match listed {
            ListRow::Group {
                name,
                bottles,
                is_folded,
            } => {
                let counts = (*bottles, wanting.get(name.as_str()).copied().unwrap_or(0));
                draw_group(look, (name, counts, *is_folded), area, buffer);
            }
            ListRow::Bottle { name } => {
                let Some(bottle) = state.fleet.get(&name.bottle) else {
                    continue;
                };
                match name.sidecar {
                    None => draw_bottle(state, look, bottle, columns, area, buffer),
                    Some(role) => {
                        let next = rows.get(first + at + 1).and_then(ListRow::bottle);
                        let is_last = next.is_none_or(|next| next.sidecar.is_none());
                        draw_sidecar(look, bottle, role, is_last, area, buffer);
                    }
                }
            }
        }
        if first + at == state.view.selected_at {
            mark(state, look, area, buffer);
        }
    }
}

/// The head of a group: whether it is folded, its name, how many it has.
fn draw_group(
    look: Look,
    (name, (bottles, wanting), is_folded): (&str, (usize, usize), bool),
    area: Rect,
    buffer: &mut Buffer,
) {
    let sign = if is_folded {
        look.glyph("▸", "+")
    } else {
        look.glyph("▾", "-")
    };
    let count = format!(" {bottles}");
    let wants = match wanting {
        0 => String::new(),
        wanting => format!(" {}{wanting}", look.glyph("◆", "!")),
    };
    let room = usize::from(area.width).saturating_sub(LEAD + count.len() + wants.width());
    Words::new(look)
        .put(Role::Plain, "  ")
        .put(Role::Key, sign)
        .put(Role::Plain, " ")
        .put(Role::Strong, safe(look, name, room))
        .put(Role::Faint, count)
        .put(Role::Wanting, wants)
        .draw(area, buffer);
}

/// Marks the selected row: a bar, and one style for all of it where the keys are.
fn mark(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    let has_keys = state.view.focus == Focus::List && state.view.modal.is_none();
    let bar = if has_keys {
        buffer.set_style(area, look.blank());
        buffer.set_style(area, look.style(Role::Selected));
        look.style(Role::Selected)
    } else {
        buffer.set_style(area, look.style(Role::Marked));
        look.style(Role::Key)
    };
    put_text(look.glyph("▌", ">"), bar, area, buffer);
}

fn draw_head(state: &State, look: Look, layout: &Layout, columns: Columns, buffer: &mut Buffer) {
    let order = &state.view.order;
    let sorted = |key: SortKey, name: &str| {
        let is_marked = order.sort == key && (key != SortKey::Age || order.is_reversed);
        match (is_marked, order.is_reversed) {
            (false, _) => name.to_owned(),
            (true, false) => format!("{name}{}", look.glyph("▾", "v")),
            (true, true) => format!("{name}{}", look.glyph("▴", "^")),
        }
    };
    let width = LEAD + columns.name;
    let mut words = Words::new(look);
    if !state.view.marked.is_empty() {
        let short = format!(" {} MARKED", state.view.marked.len());
        let long = format!("{short}, esc drops");
        let text = if long.width() < width { long } else { short };
        words = words.put(Role::Key, pad(look, &text, width));
    } else if state.view.filter.is_empty() {
        let name = match order.sort {
            SortKey::Age => sorted(SortKey::Age, " BOTTLES"),
            SortKey::Name | SortKey::State | SortKey::Cpu | SortKey::Memory | SortKey::Cost => {
                sorted(SortKey::Name, " BOTTLES")
            }
        };
        words = words.put(Role::Heading, pad(look, &name, width));
    } else {
        let shown = state.listed().iter().filter_map(ListRow::bottle).count();
        let text = format!(" BOTTLES /{} ({shown})", state.view.filter);
        words = words.put(Role::Key, pad(look, &text, width));
    }
    let heading = pad(look, &sorted(SortKey::State, "STATE"), STATE);
    words = words.put(Role::Heading, heading);
    let right = |text: &str, width: usize| {
        let margin = width.saturating_sub(1);
        format!("{text:>margin$} ")
    };
    for (text, width) in [
        (String::from("FOR"), columns.age),
        (sorted(SortKey::Cpu, "CPU"), columns.cpu),
        (sorted(SortKey::Memory, "MEM"), columns.memory),
        (sorted(SortKey::Cost, "COST"), columns.cost),
    ] {
        if width > 0 {
            words = words.put(Role::Heading, right(&text, width));
        }
    }
    if columns.tally > 0 {
        words = words.put(Role::Heading, pad(look, "EGRESS", columns.tally));
    }
    if columns.about > 0 {
        words = words.put(Role::Heading, pad(look, "ABOUT", columns.about));
    }
    words.draw(layout.list_head, buffer);
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
    let (mark_role, mark) = if state.view.marked.contains(&bottle.bottle) {
        (Role::Key, " *")
    } else {
        (Role::Plain, "  ")
    };
    let used_role = if is_old { Role::Faint } else { Role::Plain };
    let usage = bottle.usage_now();
    let cost = bottle.cost(&state.prices).map(|cost| cost.cents);
    let mut words = Words::new(look)
        .put(mark_role, mark)
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
        .put(state_role, pad(look, &state_word(bottle, is_old), STATE));
    for (role, text, width) in [
        (Role::Faint, for_words(state, bottle), columns.age),
        (
            used_role,
            usage.map_or_else(String::new, |used| used.cpu_words()),
            columns.cpu,
        ),
        (
            used_role,
            usage.map_or_else(String::new, |used| memory_words(used.memory_bytes)),
            columns.memory,
        ),
        (
            used_role,
            cost.map_or_else(String::new, cents_words),
            columns.cost,
        ),
    ] {
        if width > 0 {
            let margin = width - 1;
            words = words.put(role, format!("{text:>margin$} "));
        }
    }
    if columns.tally > 0 {
        let (role, tally) = if bottle.is_cut() {
            (Role::Wanting, String::from("cut"))
        } else {
            (Role::Plain, tally(look, bottle))
        };
        words = words.put(role, pad(look, &tally, columns.tally));
    }
    if columns.about > 0 {
        let about = safe(look, &about(bottle), columns.about.saturating_sub(1));
        words = words.put(Role::Faint, about);
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
    if let Some((_, used)) = bottle.running_use().find(|(found, _)| *found == role) {
        let cpu = used.cpu_millis.map_or_else(String::new, cpu_words);
        let used = format!("  {cpu} {}", memory_words(used.memory_bytes));
        words = words.put(Role::Faint, used.trim_end().to_owned());
    }
    words.draw(area, buffer);
}

/// How a sidecar is, in a word.
fn sidecar_state(bottle: &Bottle, role: Part) -> (Role, String) {
    match (bottle.container(role), bottle.hub.roles.get(&role)) {
        (None, _) if bottle.operation.is_some() => (Role::Busy, String::from("not yet made")),
        (None, _) => (Role::Broken, String::from("missing")),
        (Some(ContainerState::Running), _) if role == Part::Egress && bottle.is_cut() => {
            (Role::Wanting, String::from("cut"))
        }
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
        (Some(ContainerState::Paused), _) => (Role::Key, String::from("frozen")),
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
