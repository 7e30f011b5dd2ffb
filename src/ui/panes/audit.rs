//! What was decided and done, a row an entry, and whether the record of it is whole.

use jiff::tz::{Offset, TimeZone};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::{Look, Role};
use super::super::text::{Words, pad, put_text, row, safe};
use crate::state::{AuditKind, AuditRow, State};

/// Columns of a time and of a bottle's name, with room and without.
const TIME: usize = 15;
const SHORT_TIME: usize = 6;
const NAME: usize = 22;
const SHORT_NAME: usize = 12;
/// From this many columns on there is room for both whole.
const ROOMY: u16 = 70;
/// Bottles that the head names.
const NAMED: usize = 3;

/// Where the parts are.
struct Parts {
    head: Rect,
    /// What is wrong with the file, where something is.
    fault: Rect,
    names: Rect,
    rows: Rect,
}

impl Parts {
    fn of(state: &State, area: Rect) -> Self {
        let look = state.view.audit.look.as_ref();
        let has_fault = look.is_some_and(|look| look.fault.is_some());
        let fault = u16::from(has_fault);
        let top = 2 + fault;
        Self {
            head: row(area, 0),
            fault: row(area, if has_fault { 1 } else { usize::MAX }),
            names: row(area, 1 + usize::from(fault)),
            rows: Rect {
                y: area.y + top.min(area.height),
                height: area.height.saturating_sub(top),
                ..area
            },
        }
    }
}

pub(in crate::ui) fn draw(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let parts = Parts::of(state, area);
    let page = &state.view.audit;
    head(state, look, area.width).draw(parts.head, buffer);
    if let Some(fault) = page.look.as_ref().and_then(|look| look.fault.as_ref()) {
        let sign = look.glyph("▲", "^");
        let text = safe(look, fault, usize::from(area.width).saturating_sub(4));
        let words = Words::new(look).put(Role::Broken, format!(" {sign} {text}"));
        words.draw(parts.fault, buffer);
    }
    names(look, area.width).draw(parts.names, buffer);
    let Some(place) = page.place() else {
        let text = match (&page.problem, &page.look) {
            (Some(why), _) => why.as_str(),
            (None, None) => "reading it",
            (None, Some(_)) if page.filter.is_empty() => {
                "nothing yet; bottles of the demo are left out"
            }
            (None, Some(_)) => "no entry passes the filter: esc drops it",
        };
        let text = safe(look, text, usize::from(area.width).saturating_sub(1));
        put_text(
            &format!(" {text}"),
            look.style(Role::Faint),
            parts.rows,
            buffer,
        );
        return;
    };
    let first = first(state, parts.rows);
    for line in 0..parts.rows.height {
        let at = first + u64::from(line);
        let area = row(parts.rows, usize::from(line));
        match page.row(at) {
            Some(shown) => entry(state, look, shown, area.width).draw(area, buffer),
            // Another window is on its way.
            None if at < page.passing() => put_text(
                &format!(" {}", look.ellipsis()),
                look.style(Role::Faint),
                area,
                buffer,
            ),
            None => {}
        }
        if at == place {
            select(state, look, area, buffer);
        }
    }
}

/// The place among those that pass that is in a row of the page.
pub(in crate::ui) fn row_at(state: &State, area: Rect, line: u16) -> Option<u64> {
    let rows = Parts::of(state, area).rows;
    let line = line.checked_sub(rows.y)?;
    let at = first(state, rows) + u64::from(line);
    (line < rows.height && at < state.view.audit.passing()).then_some(at)
}

/// The first place in sight: the last ones, or the selected one in the middle.
fn first(state: &State, rows: Rect) -> u64 {
    let page = &state.view.audit;
    let height = u64::from(rows.height);
    let last = page.passing().saturating_sub(height);
    let place = page.place().unwrap_or(0);
    place.saturating_sub(height / 2).min(last)
}

/// How much there is, whether it is whole, of what it is and where one is in it; what
/// matters most first, as much of it as fits.
fn head(state: &State, look: Look, width: u16) -> Words {
    let page = &state.view.audit;
    let mut words = Words::new(look).put(Role::Strong, " Audit");
    let Some(known) = &page.look else {
        return words;
    };
    let whole = match &known.fault {
        None => (Role::Good, String::from("whole")),
        Some(_) => (Role::Broken, String::from("NOT WHOLE")),
    };
    let entries = match known.entries {
        1 => String::from("1 entry"),
        many => format!("{many} entries"),
    };
    let below = page
        .place()
        .map_or(0, |place| known.passing - 1 - place.min(known.passing - 1));
    let tail = match (page.at, below) {
        (None, _) => (Role::Key, String::from("following")),
        (Some(_), 0) => (Role::Wanting, String::from("stays here")),
        (Some(_), below) => (Role::Wanting, format!("{below} below, G follows")),
    };
    let filter = match (page.filter.as_str(), known.is_plain) {
        ("", _) => String::new(),
        (filter, true) => format!("/{filter} as it stands: {} pass", known.passing),
        (filter, false) => format!("/{filter}: {} pass", known.passing),
    };
    let of = page.of();
    let names = of.iter().take(NAMED).map(|bottle| bottle.id.as_str());
    let names: Vec<&str> = names.collect();
    let bottles = match of.len().saturating_sub(NAMED) {
        0 if names.is_empty() => String::new(),
        0 => format!("of {}: {}", names.join(", "), known.passing),
        more => format!("of {} and {more} more: {}", names.join(", "), known.passing),
    };
    let facts = [
        (Role::Faint, entries),
        whole,
        tail,
        (Role::Key, filter),
        (Role::Key, bottles),
    ];
    for (role, fact) in facts {
        let fact = safe(look, &fact, usize::from(width));
        let needed = words.width() + look.dot().chars().count() + fact.chars().count();
        if needed <= usize::from(width) {
            words = words.also(role, fact);
        }
    }
    words
}

fn names(look: Look, width: u16) -> Words {
    let (time, name) = columns(width);
    Words::new(look)
        .put(Role::Heading, format!(" {}", pad(look, "WHEN", time)))
        .put(Role::Heading, pad(look, "BOTTLE", name))
        .put(Role::Heading, "WHAT")
}

const fn columns(width: u16) -> (usize, usize) {
    if width >= ROOMY {
        (TIME, NAME)
    } else {
        (SHORT_TIME, SHORT_NAME)
    }
}

fn entry(state: &State, look: Look, shown: &AuditRow, width: u16) -> Words {
    let (time, name) = columns(width);
    let (role, sign) = match shown.kind {
        AuditKind::Life => (Role::Plain, look.glyph("·", "-")),
        AuditKind::Change => (Role::Busy, look.glyph("▸", ">")),
        AuditKind::Yes => (Role::Good, look.yes()),
        AuditKind::No => (Role::Wanting, look.no()),
        AuditKind::Access => (Role::Key, look.glyph("◇", "o")),
        AuditKind::Trouble => (Role::Broken, look.glyph("▲", "^")),
    };
    let words = Words::new(look)
        .put(
            Role::Faint,
            format!(" {}", pad(look, &when(state, shown, width), time)),
        )
        .put(Role::Strong, pad(look, &shown.bottle, name - 1))
        .put(role, format!(" {sign} "));
    let room = usize::from(width).saturating_sub(words.width() + 1);
    words.put(Role::Plain, safe(look, &shown.words, room))
}

/// Day and time on the operator's clock; the time alone where there is no room.
fn when(state: &State, shown: &AuditRow, width: u16) -> String {
    let offset = Offset::from_seconds(state.utc_offset_seconds).unwrap_or(Offset::UTC);
    let at = shown.at.to_zoned(TimeZone::fixed(offset));
    let format = if width >= ROOMY {
        "%m-%d %H:%M:%S"
    } else {
        "%H:%M"
    };
    at.strftime(format).to_string()
}

fn select(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    let style = if state.view.modal.is_none() {
        buffer.set_style(area.intersection(buffer.area), look.blank());
        look.style(Role::Selected)
    } else {
        look.style(Role::Marked)
    };
    buffer.set_style(area.intersection(buffer.area), style);
    put_text(look.glyph("▌", ">"), style, area, buffer);
}
