//! The list of decisions, of one bottle or of all, and the line above it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::super::super::clock;
use super::super::super::look::{Look, Role};
use super::super::super::text::{Words, pad, put_text, row, safe};
use crate::state::{Cursor, Decided, State, Verdict, decided_facts, decided_place, short};

/// Columns of the time, of the verdict and of the method.
const TIME: usize = 10;
const VERDICT: usize = 10;
const METHOD: usize = 8;
/// From this many columns on there is a method.
const ROOMY: u16 = 60;
/// From this many columns on there is a time in a list that names bottles.
const TIMED: u16 = 50;

/// Whether each line names its bottle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// All are of one bottle.
    One,
    /// They are of many.
    Each,
}

/// Whether the list follows or is paused, and what came since.
pub(in crate::ui) fn tail_words(state: &State) -> String {
    match state.view.decided.cursor() {
        Cursor::Follow => String::from("following"),
        Cursor::Paused { .. } => {
            // Short, because a narrow page must say so too.
            match state.view.decided.below() {
                0 => String::from("PAUSED: G follows"),
                below => format!("PAUSED, {below} below: G"),
            }
        }
    }
}

/// The line above the list: the filter and how much it leaves, or how much there was.
pub(super) fn head(state: &State, look: Look, counts: (u64, u64), width: u16) -> Words {
    let words = Words::new(look).put(Role::Heading, pad(look, " DECIDED", 12));
    let filter = &state.view.decision_filter;
    let (allowed, denied) = counts;
    let refused_role = if denied == 0 {
        Role::Faint
    } else {
        Role::Broken
    };
    let counted = words
        .put(
            Role::Good,
            format!("{} {} let out", look.yes(), short(allowed)),
        )
        .put(Role::Plain, "  ")
        .put(
            refused_role,
            format!("{} {} refused", look.no(), short(denied)),
        );
    if filter.is_empty() {
        return counted;
    }
    let words = Words::new(look).put(Role::Heading, pad(look, " DECIDED", 12));
    let listed = state.view.decided.rows().len();
    let listed = format!(
        "{} listed",
        short(u64::try_from(listed).unwrap_or(u64::MAX))
    );
    let only = if filter.is_refused_only {
        "only refused"
    } else {
        ""
    };
    let rest = listed.width() + only.width() + 2 * look.dot().width();
    let room = usize::from(width).saturating_sub(words.width() + rest + 1);
    let text = match filter.text.as_str() {
        "" => String::new(),
        text => format!("/{}", safe(look, text, room)),
    };
    let words = if text.is_empty() {
        words.put(Role::Key, only)
    } else {
        words.put(Role::Key, text).also(Role::Key, only)
    };
    words.also(Role::Faint, listed)
}

/// Which decision is in a row of the list.
pub(super) fn at(state: &State, area: Rect, line: u16) -> Option<usize> {
    let list = &state.view.decided;
    let first = list.first_in_sight(usize::from(area.height));
    let at = first + usize::from(line.checked_sub(area.y)?);
    (line < area.bottom() && at < list.rows().len()).then_some(at)
}

pub(super) fn draw(state: &State, look: Look, naming: Naming, area: Rect, buffer: &mut Buffer) {
    let list = &state.view.decided;
    if list.rows().is_empty() {
        let text = if state.view.decision_filter.is_empty() {
            " Nothing tried to leave yet."
        } else {
            " Nothing that passes the filter."
        };
        put_text(text, look.style(Role::Faint), row(area, 0), buffer);
        return;
    }
    let first = list.first_in_sight(usize::from(area.height));
    let selected = list.selected_at();
    let has_keys = state.filters_decisions() && state.view.modal.is_none();
    let names = match naming {
        Naming::One => 0,
        Naming::Each => bottle_columns(state, area.width),
    };
    let rows = list.rows().range(first..);
    for (at, decided) in rows.take(usize::from(area.height)).enumerate() {
        let place = row(area, at);
        line(state, look, names, decided, area.width).draw(place, buffer);
        if selected == Some(first + at) && has_keys {
            buffer.set_style(place.intersection(buffer.area), look.blank());
            buffer.set_style(place.intersection(buffer.area), look.style(Role::Selected));
            put_text(
                look.glyph("▌", ">"),
                look.style(Role::Selected),
                place,
                buffer,
            );
        }
    }
}

/// Columns of a bottle's id and the gap after it: as many as the longest wants, within
/// what a host leaves over.
fn bottle_columns(state: &State, width: u16) -> usize {
    let ids = state.fleet.bottles().iter();
    let longest = ids.map(|known| known.bottle.id.as_str().width()).max();
    longest.unwrap_or(0).min(usize::from(width / 4)) + 1
}

/// One decision; `names` columns are its bottle's, if it is to be named.
fn line(state: &State, look: Look, names: usize, decided: &Decided, width: u16) -> Words {
    let decision = &decided.decision;
    let (role, word, reason) = match decision.verdict {
        Verdict::Allowed => (Role::Good, format!("{} let out", look.yes()), String::new()),
        Verdict::Denied { reason } => (
            Role::Broken,
            format!("{} refused", look.no()),
            reason.code().replace('_', " "),
        ),
    };
    let time = format!(" {}", clock::seconds(state, decision.at));
    let mut words = if names > 0 && width < TIMED {
        Words::new(look).put(Role::Plain, " ")
    } else {
        Words::new(look).put(Role::Faint, pad(look, &time, TIME))
    };
    words = words.put(role, pad(look, &word, VERDICT));
    if names > 0 {
        let id = safe(look, decided.bottle.id.as_str(), names - 1);
        words = words.put(Role::Plain, pad(look, &id, names));
    }
    if width >= ROOMY {
        words = words.put(Role::Faint, pad(look, &decision.method, METHOD));
    }
    // The host is what matters: the reason is shown where it fits beside it.
    let room = usize::from(width).saturating_sub(words.width());
    words = words.put(Role::Plain, safe(look, &decided_place(decision), room));
    for more in [reason, decided_facts(decision)] {
        let room = usize::from(width).saturating_sub(words.width());
        if room >= more.chars().count() + 3 {
            words = words.also(Role::Faint, safe(look, &more, room));
        }
    }
    words
}
