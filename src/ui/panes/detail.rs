//! The detail of the shown bottle: its pages, and what is known of it in one line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr as _;

use super::super::layout::Layout;
use super::super::look::{Look, Role, role_of};
use super::super::text::{Words, pad, put_text, row, safe, wrap};
use super::super::{Screens, panes};
use crate::state::{Bottle, Command, CopyCommand, Focus, Refusal, State, Tab, age};

/// Columns before the first page's name, and between names.
const MARGIN: u16 = 1;
const GAP: u16 = 2;
/// Columns of a digit and the space after it.
const DIGIT: usize = 2;
/// Fewer columns than this say nothing.
const LEAST_SAID: usize = 12;

/// The places of the pages' names, each with its digit where there is room for that.
pub(in crate::ui) fn tab_areas(tabs: Rect) -> impl Iterator<Item = (Tab, Rect)> {
    let mut x = tabs.x + MARGIN;
    let (digit, gap) = spaces(tabs);
    Tab::ALL.into_iter().map(move |tab| {
        let width = u16::try_from(tab.name().len() + digit).unwrap_or(0);
        let area = Rect { x, width, ..tabs };
        x += width + gap;
        (tab, area.intersection(tabs))
    })
}

/// Columns of a digit before a name, and between names.
fn spaces(tabs: Rect) -> (usize, u16) {
    let names = Tab::ALL.into_iter();
    let names: usize = names.map(|tab| tab.name().len() + DIGIT).sum();
    let gaps = usize::from(GAP) * (Tab::ALL.len() - 1);
    if usize::from(tabs.width) < usize::from(MARGIN) + names + gaps {
        (0, MARGIN)
    } else {
        (DIGIT, GAP)
    }
}

pub(in crate::ui) fn draw(
    state: &State,
    screens: &Screens<'_>,
    look: Look,
    layout: &Layout,
    buffer: &mut Buffer,
) -> Option<(u16, u16)> {
    if layout.body.height == 0 {
        return None;
    }
    if let Focus::Attached {
        bottle, is_open, ..
    } = &state.view.focus
    {
        draw_head(state, look, *is_open, layout, buffer);
        draw_reading(state, screens, look, layout.tabs, buffer);
        if let Some(known) = state.fleet.get(bottle) {
            draw_status(state, look, known, layout.status, buffer);
        }
        return panes::session::draw(state, screens, look, layout.body, buffer);
    }
    draw_tabs(state, look, layout.tabs, buffer);
    let Some(bottle) = state.shown_bottle() else {
        if let Some(group) = &state.view.group {
            panes::group::draw(state, look, group, layout.body, buffer);
            return None;
        }
        draw_welcome(state, look, layout.body, buffer);
        return None;
    };
    draw_status(state, look, bottle, layout.status, buffer);
    draw_reading(state, screens, look, layout.status, buffer);
    match state.view.tab {
        Tab::Session => return panes::session::draw(state, screens, look, layout.body, buffer),
        Tab::Logs => panes::logs::draw(state, look, bottle, layout.body, buffer),
        Tab::Egress => panes::egress::draw(state, look, bottle, layout.body, buffer),
        Tab::Requests => panes::requests::draw(state, look, bottle, layout.body, buffer),
        Tab::Spec => panes::spec::draw(state, look, bottle, layout.body, buffer),
        Tab::Stats => panes::stats::draw(state, look, bottle, layout.body, buffer),
    }
    None
}

fn draw_tabs(state: &State, look: Look, tabs: Rect, buffer: &mut Buffer) {
    for (digit, (tab, area)) in (1..).zip(tab_areas(tabs)) {
        let style = if tab != state.view.tab {
            look.style(Role::Faint)
        } else if state.view.focus == Focus::Detail {
            look.style(Role::Selected)
        } else {
            look.style(Role::Strong).add_modifier(Modifier::UNDERLINED)
        };
        let (space, _) = spaces(tabs);
        let before = u16::try_from(space).unwrap_or(0);
        if before > 0 {
            put_text(&format!("{digit} "), look.style(Role::Faint), area, buffer);
        }
        let name = Rect {
            x: area.x + before,
            width: area.width.saturating_sub(before),
            ..area
        };
        put_text(tab.name(), style, name, buffer);
    }
}

/// The head of an attached session: whose keys these are, and how to get them back.
fn draw_head(state: &State, look: Look, is_open: bool, layout: &Layout, buffer: &mut Buffer) {
    let head = layout.tabs;
    let Some(bottle) = state.attached() else {
        return;
    };
    let dot = look.dot();
    let keys = if is_open {
        format!("{} detaches ", state.keys.detach_key().name())
    } else {
        String::from("esc cancels ")
    };
    let mut text = format!(" {}", bottle.id);
    if state.view.session_scroll > 0 {
        text = format!("{text}{dot}{} lines back", state.view.session_scroll);
    } else if !is_open {
        text = format!("{text}{dot}attaching");
    } else if layout.status.height > 0 {
        text = format!("{text}{dot}attached");
    } else if let Some(known) = state.fleet.get(bottle) {
        text = format!("{text}{dot}{}", known.phase.word());
    }
    let room = usize::from(head.width).saturating_sub(keys.width());
    if let Some(words) = clipboard(state, look) {
        let long = format!(" {}{dot}{words}", bottle.id);
        let short = format!(" {}{dot}clipboard: {}", bottle.id, reads_back(state));
        text = if long.width() < room { long } else { short };
    } else if let Some(others) = panes::needs::others(state, look) {
        // Where there is no room for them, the row of needs says what it can.
        let short = others.split(',').next().unwrap_or_default();
        let fitting = [others.as_str(), short].into_iter();
        let mut fitting = fitting.map(|others| format!("{text}{dot}{others}"));
        if let Some(longer) = fitting.find(|longer| longer.width() < room) {
            text = longer;
        }
    }
    let line = format!("{}{keys}", pad(look, &text, room));
    put_text(&line, look.style(Role::Selected), head, buffer);
}

/// Where one is in a session that is read back, in the place of what is said of it else.
fn draw_reading(state: &State, screens: &Screens<'_>, look: Look, area: Rect, buffer: &mut Buffer) {
    let Some(copying) = state.view.copying.as_ref().filter(|_| area.height > 0) else {
        return;
    };
    let screen = screens.get(&copying.bottle).copied();
    let name = copying.bottle.id.as_str();
    let line = panes::copying::head(copying, screen, name, look, usize::from(area.width));
    put_text(&line, look.style(Role::Selected), area, buffer);
}

/// What the attached session wants of the operator's clipboard, and the key that shows it.
pub(in crate::ui) fn clipboard(state: &State, look: Look) -> Option<String> {
    let ask = state.view.clipboard.as_ref()?;
    let sign = look.glyph("◆", "!");
    let (bytes, key) = (ask.bytes, reads_back(state));
    Some(format!(
        "{sign} wants {bytes} bytes in your clipboard: {key}"
    ))
}

/// The key of an attached session that shows what it wants in the clipboard, and reads it
/// back else.
fn reads_back(state: &State) -> String {
    state.keys.chord_name(Command::Copy(CopyCommand::Begin))
}

/// The state, where it was learnt, its two clocks and the words that go with it.
fn draw_status(state: &State, look: Look, bottle: &Bottle, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let mut words = Words::new(look).put(Role::Plain, " ");
    let role = role_of(&bottle.phase);
    let since = bottle.since().map(|since| age(state.now, since));
    let shape = look.shape(&bottle.phase);
    let how = format!(
        "{shape} {} {}",
        bottle.phase.word(),
        since.unwrap_or_default()
    );
    words = words.put(role, how.trim_end().to_owned());
    let session = bottle.hub.session.as_ref().filter(|_| bottle.has_session());
    let tail = tail_words(state).filter(|_| state.attached().is_none());
    let output = session.and_then(|session| session.last_output);
    let output = output.map(|at| format!("output {}", ago(&age(state.now, at))));
    let progress = bottle.model.progress.filter(|_| session.is_some());
    let progress = progress.map(|at| format!("progress {}", ago(&age(state.now, at))));
    let operation = bottle.operation.as_ref();
    let far = operation.map(|operation| panes::output::progress(look, operation));
    let cut = bottle
        .is_cut()
        .then(|| String::from("cut from the network"));
    let facts = [
        (Role::Wanting, cut),
        (Role::Busy, far),
        (Role::Key, tail),
        (
            Role::Faint,
            Some(format!("from {}", safe(look, bottle.source(), 24))),
        ),
        (Role::Faint, output),
    ];
    let width = usize::from(area.width);
    for (role, fact) in facts {
        let fact = fact.unwrap_or_default();
        if !fact.is_empty() && words.width() + fact.width() + look.dot().width() <= width {
            words = words.also(role, fact);
        }
    }
    let said = operation.map(|operation| operation.what.clone());
    let said = said
        .or_else(|| Some(bottle.phase.words()))
        .filter(|said| !said.is_empty());
    let refusal = session.and(bottle.model.refusal.as_ref());
    let said = said.or_else(|| refusal.map(Refusal::words));
    let said = said.or_else(|| session.and_then(|session| session.waiting_for.clone()));
    // Where something is said, that is worth more than when it went on.
    let progress = progress.filter(|_| said.is_none());
    let said = said.or(progress);
    let room = width.saturating_sub(words.width() + look.dot().width());
    if room >= LEAST_SAID {
        words = words.also(role, safe(look, &said.unwrap_or_default(), room));
    }
    words.draw(area, buffer);
}

fn ago(age: &str) -> String {
    if age == "now" {
        String::from("now")
    } else {
        format!("{age} ago")
    }
}

/// Whether the shown tail follows or is paused, and what came since. The page of logs
/// has a head of its own for that.
fn tail_words(state: &State) -> Option<String> {
    match state.view.tab {
        Tab::Egress => Some(panes::egress::tail_words(state)),
        Tab::Session if state.view.session_scroll > 0 => {
            Some(format!("{} lines back", state.view.session_scroll))
        }
        Tab::Session | Tab::Logs | Tab::Requests | Tab::Spec | Tab::Stats => None,
    }
}

/// What a new user reads before there is a bottle.
fn draw_welcome(state: &State, look: Look, body: Rect, buffer: &mut Buffer) {
    if !state.is_loaded() || !state.view.filter.is_empty() {
        return;
    }
    let text = "A bottle is one coding agent in a container without a network, \
                and the doors that you give it.\n\n\
                cellar init    writes a first manifest\n\
                cellar demo    shows three bottles\n\
                cellar doctor  says what would fail here";
    let width = usize::from(body.width).saturating_sub(4);
    let area = Rect {
        x: body.x + 1,
        width: body.width.saturating_sub(1),
        ..body
    };
    for (at, line) in wrap(look, text, width).into_iter().enumerate() {
        put_text(&line, look.style(Role::Faint), row(area, at), buffer);
    }
}
