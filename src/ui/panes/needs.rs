//! What needs the operator, visible from every view.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::Screens;
use super::super::layout::Layout;
use super::super::look::{Look, Role};
use super::super::text::{Words, pad, put_text, row, safe};
use crate::state::{Command, EngineState, Focus, Need, State, age};

/// Columns of the heading, where there is room for one.
const HEADING: usize = 12;
/// Columns of a bottle's id and of its state.
const NAME: usize = 22;
const STATE: usize = 10;
/// From this many columns on there is a heading.
const ROOMY: u16 = 100;

pub(in crate::ui) fn draw(
    state: &State,
    screens: &Screens<'_>,
    look: Look,
    layout: &Layout,
    buffer: &mut Buffer,
) {
    draw_rule(look, layout, buffer);
    let area = layout.needs;
    if area.height == 0 {
        return;
    }
    if matches!(state.view.focus, Focus::Attached { full: true, .. }) {
        let text = match (&state.view.copying, &state.view.notice) {
            (Some(_), Some(notice)) => safe(look, &format!(" {}", notice.text), area.width.into()),
            (Some(copying), None) => {
                let name = copying.bottle.id.as_str();
                let screen = screens.get(&copying.bottle).copied();
                super::copying::head(copying, screen, name, look, usize::from(area.width))
            }
            (None, _) => super::super::status_line(state, look),
        };
        put_text(&text, look.style(Role::Selected), area, buffer);
        buffer.set_style(area.intersection(buffer.area), look.style(Role::Selected));
        return;
    }
    if layout.footer.height == 0
        && let Some(notice) = &state.view.notice
    {
        // Without a footer a notice has no other place.
        super::footer::notice(look, notice, area).draw(area, buffer);
        return;
    }
    let lines = lines(state, look, area);
    for (at, words) in lines.into_iter().enumerate() {
        words.draw(row(area, at), buffer);
    }
}

/// The needs that have a row, in order.
pub(in crate::ui) fn shown(state: &State, area: Rect) -> Vec<Need> {
    let lost = usize::from(lost(state).is_some());
    let room = usize::from(area.height).saturating_sub(lost);
    needs(state).into_iter().take(room).collect()
}

/// What needs the operator and is not before their eyes: who is attached to a bottle
/// sees what its program asks, and nothing of what its sidecars hold for an answer.
fn needs(state: &State) -> Vec<Need> {
    let mut needs = state.needs();
    let is_told = |need: &Need| Some(&need.bottle) == state.attached() && need.word == "waiting";
    needs.retain(|need| need.is_trouble || !is_told(need));
    needs
}

/// How many bottles need the operator beside the attached one, and the key that goes
/// there.
pub(in crate::ui) fn others(state: &State, look: Look) -> Option<String> {
    let sign = look.glyph("◆", "!");
    let key = state.keys.chord_name(Command::NextNeed);
    match state.other_needs() {
        0 => None,
        1 => Some(format!("{sign} 1 needs you, {key} goes there")),
        others => Some(format!("{sign} {others} need you, {key} goes there")),
    }
}

/// Which need is in a row of the area.
pub(in crate::ui) fn at(state: &State, area: Rect, place: u16) -> Option<Need> {
    let lost = usize::from(lost(state).is_some());
    let place = usize::from(place).checked_sub(lost)?;
    shown(state, area).into_iter().nth(place)
}

fn lost(state: &State) -> Option<(&str, &str)> {
    state
        .fleet
        .engines
        .iter()
        .find_map(|(engine, how)| match how {
            EngineState::Lost { why } => Some((engine.0.as_str(), why.as_str())),
            EngineState::Asked | EngineState::Up => None,
        })
}

fn lines(state: &State, look: Look, area: Rect) -> Vec<Words> {
    let head = |at: usize| {
        let text = if at == 0 { " NEEDS YOU" } else { "" };
        if area.width >= ROOMY {
            Words::new(look).put(Role::Heading, pad(look, text, HEADING))
        } else {
            Words::new(look).put(Role::Plain, " ")
        }
    };
    let width = usize::from(area.width);
    let mut lines = Vec::new();
    if let Some((engine, why)) = lost(state) {
        let text = format!("{engine} does not answer: {why} (it is asked again by itself)");
        lines.push(head(0).put(Role::Broken, safe(look, &text, width)));
    }
    let shown = shown(state, area);
    let hidden = needs(state).len() - shown.len();
    let last = shown.len().saturating_sub(1);
    for (at, need) in shown.iter().enumerate() {
        let more = if at == last && hidden > 0 {
            format!("  +{hidden} more")
        } else {
            String::new()
        };
        lines.push(line(state, look, need, head(lines.len()), width, &more));
    }
    if lines.is_empty() {
        lines.push(head(0).put(Role::Faint, "nothing"));
        if area.width < ROOMY {
            lines = vec![head(0).put(Role::Faint, "nothing needs you")];
        }
    }
    lines
}

fn line(state: &State, look: Look, need: &Need, words: Words, width: usize, more: &str) -> Words {
    let role = if need.is_trouble {
        Role::Broken
    } else {
        Role::Wanting
    };
    let sign = if need.is_trouble {
        look.glyph("▲", "^")
    } else {
        look.glyph("◆", "!")
    };
    let is_roomy = width >= usize::from(ROOMY);
    let id = need.bottle.id.as_str();
    let name = if is_roomy {
        pad(look, id, NAME)
    } else {
        format!("{} ", safe(look, id, NAME))
    };
    let since = need
        .since
        .map_or_else(String::new, |since| age(state.now, since));
    let word = if is_roomy {
        pad(look, need.word, STATE)
    } else {
        format!("{} ", need.word)
    };
    let words = words
        .put(role, format!("{sign} "))
        .put(Role::Plain, name)
        .put(role, word)
        .put(
            Role::Faint,
            if is_roomy {
                format!("{since:>4}  ")
            } else {
                format!("{since} ")
            },
        );
    let room = width.saturating_sub(words.width() + more.len() + 1);
    words
        .put(Role::Plain, safe(look, &need.words, room))
        .put(Role::Faint, more)
}

/// The line above the needs, joined to the line between list and detail.
fn draw_rule(look: Look, layout: &Layout, buffer: &mut Buffer) {
    let style = look.style(Role::Faint);
    for at in 0..layout.wall.height {
        put_text(
            look.wall(),
            style,
            row(layout.wall, usize::from(at)),
            buffer,
        );
    }
    if layout.rule.height == 0 {
        return;
    }
    let text = look.rule().repeat(usize::from(layout.rule.width));
    put_text(&text, style, layout.rule, buffer);
    if layout.wall.width > 0 {
        let joint = Rect {
            x: layout.wall.x,
            width: 1,
            ..layout.rule
        };
        put_text(look.glyph("┴", "+"), style, joint, buffer);
    }
}
