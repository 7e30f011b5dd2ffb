//! A session that is read back: its lines with what is found and selected, and the line
//! of the frame that says where one is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr as _;

use super::super::look::{Look, Role};
use super::super::text::{pad, safe};
use super::session::put_cells;
use crate::pty::Screen;
use crate::state::{Copying, Spot};

/// The keys that one must know.
const KEYS: &str = "v select · y copy · / find · esc live ";
const FEW_KEYS: &str = "esc live ";

/// Draws the lines in sight. Gives the place of the cursor.
pub(in crate::ui) fn draw(
    copying: &Copying,
    screen: &Screen,
    look: Look,
    area: Rect,
    buffer: &mut Buffer,
) -> Option<(u16, u16)> {
    let bottom = copying.top.saturating_add(usize::from(area.height));
    let lines = copying.top..bottom.min(screen.lines());
    let search = copying.search.as_ref();
    let hits = search.map(|search| screen.hits(lines.clone(), &search.text));
    let hits = hits.unwrap_or_default();
    for (line, at) in lines.zip(0..area.height) {
        let row = Rect {
            y: area.y + at,
            height: 1,
            ..area
        };
        put_cells(screen.line(line), look, row, buffer);
        for (first, end) in hits.iter().filter_map(|hit| hit.columns(line)) {
            let hit = columns(row, first, end);
            let style = look.style(Role::Wanting);
            buffer.set_style(hit, style.add_modifier(Modifier::UNDERLINED));
        }
        if let Some((first, end)) = selected(copying, line) {
            let place = columns(row, first, end);
            buffer.set_style(place, look.style(Role::Selected));
        }
    }
    let Spot { line, column } = copying.cursor;
    let row = u16::try_from(line.checked_sub(copying.top)?).ok()?;
    let is_inside = row < area.height && column < area.width && copying.prompt.is_none();
    is_inside.then_some((area.x + column, area.y + row))
}

/// The selected columns of a line: the first and the one after the last.
fn selected(copying: &Copying, line: usize) -> Option<(u16, u16)> {
    let (from, to, by_line) = copying.selected()?;
    if !(from.line..=to.line).contains(&line) {
        return None;
    }
    let first = if line == from.line && !by_line {
        from.column
    } else {
        0
    };
    let end = if line == to.line && !by_line {
        to.column.saturating_add(1)
    } else {
        copying.extent.columns
    };
    Some((first, end))
}

fn columns(row: Rect, first: u16, end: u16) -> Rect {
    let place = Rect {
        x: row.x.saturating_add(first),
        width: end.saturating_sub(first),
        ..row
    };
    place.intersection(row)
}

/// Where one is, what is looked for, and the keys: exactly `width` columns.
pub(in crate::ui) fn head(
    copying: &Copying,
    screen: Option<&Screen>,
    name: &str,
    look: Look,
    width: usize,
) -> String {
    let dot = look.dot();
    let mut text = format!(" {name}");
    if let Some(prompt) = &copying.prompt {
        text = format!("{text}{dot}/{prompt}{}", look.glyph("▏", "_"));
        return pad(look, &text, width);
    }
    text = match copying.back() {
        0 => format!("{text}{dot}read back"),
        1 => format!("{text}{dot}1 line back"),
        back => format!("{text}{dot}{back} lines back"),
    };
    let link = screen.and_then(|screen| {
        let Spot { line, column } = copying.cursor;
        screen.link_at(line, column)
    });
    if let Some(link) = link {
        let room = width.saturating_sub(text.width() + dot.width());
        let words = super::link::line(look, link.uri(), room);
        return pad(look, &format!("{text}{dot}{words}"), width);
    }
    if let Some(search) = &copying.search {
        let found = safe(look, &search.text, 24);
        text = match search.hit {
            Some((number, total)) => format!("{text}{dot}{number}/{total} {found}"),
            None => format!("{text}{dot}none {found}"),
        };
    }
    let keys = if look.is_ascii {
        KEYS.replace('·', "-")
    } else {
        KEYS.to_owned()
    };
    let fitting = [keys.as_str(), FEW_KEYS, ""].into_iter();
    let mut fitting = fitting.filter(|keys| text.width() + keys.width() < width);
    let keys = fitting.next().unwrap_or_default();
    format!(
        "{}{keys}",
        pad(look, &text, width.saturating_sub(keys.width()))
    )
}
