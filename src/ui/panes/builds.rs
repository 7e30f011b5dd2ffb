//! The images over all bottles: those that are being made with their steps, those that
//! wait, and those that ended; below them the last of what the selected one says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::{Look, Role};
use super::super::text::{Words, pad, put_text, row, safe};
use super::output;
use crate::state::{Bottle, BuildEnd, BuildResult, BuildRow, State, age};

/// Columns of the state, of the bottle's name, of the step and of how long it took.
const STATE: usize = 10;
const NAME: usize = 22;
const NARROW_NAME: usize = 14;
const STEP: usize = 16;
const TOOK: usize = 8;
/// From this many columns on there is room for all of them.
const ROOMY: u16 = 70;
/// Rows of what a build says, at most.
const SAID: u16 = 12;

/// Where the parts are.
struct Parts {
    head: Rect,
    names: Rect,
    rows: Rect,
    said: Rect,
}

impl Parts {
    fn of(area: Rect, count: usize, lines: usize) -> Self {
        let below = |rows: u16| Rect {
            y: area.y + rows.min(area.height),
            height: area.height.saturating_sub(rows),
            ..area
        };
        let rest = below(2);
        let count = u16::try_from(count).unwrap_or(u16::MAX).max(1);
        let lines = u16::try_from(lines).unwrap_or(u16::MAX).min(SAID);
        // A gap above what a build says, and a row at least for the list.
        let said = lines.min((rest.height / 2).saturating_sub(1));
        let gap = u16::from(said > 0);
        let rows = count.min(rest.height - said - gap);
        Self {
            head: row(area, 0),
            names: row(area, 1),
            rows: Rect {
                height: rows,
                ..rest
            },
            said: Rect {
                y: rest.y + rows + gap,
                height: said,
                ..rest
            },
        }
    }
}

pub(in crate::ui) fn draw(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let builds = &state.view.builds;
    let rows = builds.rows(state.fleet.bottles());
    let at = builds.place(&rows);
    let speaker = speaker(rows.get(at).copied());
    let parts = Parts::of(area, rows.len(), lines_of(speaker));
    head(look, &rows).draw(parts.head, buffer);
    names(look, area.width).draw(parts.names, buffer);
    if rows.is_empty() {
        let text = if builds.is_read {
            "no image was made yet: Dockerfiles and approved packages make them"
        } else {
            "reading what was made"
        };
        let text = safe(look, text, usize::from(area.width).saturating_sub(1));
        let style = look.style(Role::Faint);
        put_text(&format!(" {text}"), style, parts.rows, buffer);
        return;
    }
    let first = first(at, rows.len(), parts.rows);
    let height = usize::from(parts.rows.height);
    for (place, shown) in rows.iter().enumerate().skip(first).take(height) {
        let area = row(parts.rows, place - first);
        line(state, look, shown, area.width).draw(area, buffer);
        if place == at {
            select(state, look, area, buffer);
        }
    }
    if let Some(bottle) = speaker {
        output::draw(look, bottle, parts.said, buffer);
    }
}

/// Which build is in a row of the page.
pub(in crate::ui) fn row_at(state: &State, area: Rect, line: u16) -> Option<usize> {
    let builds = &state.view.builds;
    let rows = builds.rows(state.fleet.bottles());
    let at = builds.place(&rows);
    let list = Parts::of(area, rows.len(), lines_of(speaker(rows.get(at).copied()))).rows;
    let line = usize::from(line.checked_sub(list.y)?);
    let place = first(at, rows.len(), list) + line;
    (line < usize::from(list.height) && place < rows.len()).then_some(place)
}

/// The bottle whose build says something now.
fn speaker(row: Option<BuildRow<'_>>) -> Option<&Bottle> {
    match row? {
        BuildRow::Here(bottle) => Some(bottle),
        BuildRow::Elsewhere(_) | BuildRow::Ended(_) => None,
    }
}

fn lines_of(bottle: Option<&Bottle>) -> usize {
    bottle.map_or(0, |bottle| bottle.output.iter().count())
}

fn first(at: usize, count: usize, area: Rect) -> usize {
    let height = usize::from(area.height);
    at.saturating_sub(height / 2)
        .min(count.saturating_sub(height))
}

fn head(look: Look, rows: &[BuildRow<'_>]) -> Words {
    let count = |is_it: fn(&BuildRow<'_>) -> bool| rows.iter().filter(|row| is_it(row)).count();
    let waiting = count(|row| matches!(row, BuildRow::Here(known) if known.waits_to_build()));
    let now = count(|row| !matches!(row, BuildRow::Ended(_))) - waiting;
    let ended = count(|row| matches!(row, BuildRow::Ended(_)));
    let some = |number: usize, what: &str| match number {
        0 => String::new(),
        number => format!("{number} {what}"),
    };
    Words::new(look)
        .put(Role::Strong, " Builds")
        .also(Role::Busy, some(now, "now"))
        .also(Role::Wanting, some(waiting, "waiting"))
        .also(Role::Faint, some(ended, "ended"))
}

fn names(look: Look, width: u16) -> Words {
    let head = |text: &str, width| pad(look, text, width);
    let words = Words::new(look)
        .put(Role::Heading, format!("   {}", head("STATE", STATE)))
        .put(Role::Heading, head("BOTTLE", name_columns(width)));
    let words = if width >= ROOMY {
        words.put(Role::Heading, head("STEP", STEP))
    } else {
        words
    };
    words
        .put(Role::Heading, format!("{:>TOOK$}  ", "TOOK"))
        .put(Role::Heading, "WHAT")
}

const fn name_columns(width: u16) -> usize {
    if width >= ROOMY { NAME } else { NARROW_NAME }
}

fn line(state: &State, look: Look, shown: &BuildRow<'_>, width: u16) -> Words {
    let (role, sign, word) = sort(look, shown);
    let took = match shown {
        BuildRow::Ended(end) => span(end.ended.duration_since(end.began).as_secs()),
        BuildRow::Here(_) | BuildRow::Elsewhere(_) => {
            shown.began().map_or_else(String::new, |began| {
                span(state.now.duration_since(began).as_secs())
            })
        }
    };
    let (step, what) = match shown {
        BuildRow::Here(known) => {
            let operation = known.operation.as_ref();
            let step = operation.map(|one| output::progress(look, one));
            let what = operation.map(|one| one.what.clone());
            (step.unwrap_or_default(), what.unwrap_or_default())
        }
        BuildRow::Elsewhere(_) => (String::new(), String::from("by another cellar")),
        BuildRow::Ended(end) => (String::new(), ended_words(state, end)),
    };
    let mut words = Words::new(look)
        .put(role, format!(" {sign} "))
        .put(role, pad(look, word, STATE))
        .put(
            Role::Strong,
            pad(look, shown.bottle().id.as_str(), name_columns(width) - 1),
        )
        .put(Role::Plain, " ");
    if width >= ROOMY {
        words = words.put(Role::Busy, pad(look, &step, STEP));
    }
    let words = words.put(Role::Faint, format!("{took:>TOOK$}  "));
    let what = if width >= ROOMY || step.is_empty() {
        what
    } else {
        format!("{step} {what}")
    };
    let room = usize::from(width).saturating_sub(words.width() + 1);
    words.put(Role::Plain, safe(look, &what, room))
}

fn sort(look: Look, shown: &BuildRow<'_>) -> (Role, &'static str, &'static str) {
    match shown {
        BuildRow::Here(known) if known.waits_to_build() => {
            (Role::Wanting, look.glyph("○", "."), "waits")
        }
        BuildRow::Here(_) | BuildRow::Elsewhere(_) => {
            (Role::Busy, look.glyph("◌", "~"), "building")
        }
        BuildRow::Ended(end) => match end.result {
            BuildResult::Done => (Role::Good, look.yes(), "built"),
            BuildResult::Failed { .. } => (Role::Broken, look.no(), "failed"),
            BuildResult::Cancelled => (Role::Faint, look.no(), "cancelled"),
        },
    }
}

fn ended_words(state: &State, end: &BuildEnd) -> String {
    let when = match age(state.now, end.ended).as_str() {
        "now" => String::from("just now"),
        age => format!("{age} ago"),
    };
    match &end.result {
        BuildResult::Failed { why } => format!("{when}: {why}"),
        BuildResult::Done | BuildResult::Cancelled => when,
    }
}

/// A span to the second, such as `1m 20s`.
fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
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
