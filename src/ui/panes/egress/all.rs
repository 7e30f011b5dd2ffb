//! What all bottles let out and tried to: by host above, decisions by time below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::super::super::look::{Look, Role};
use super::super::super::text::{Words, pad, row, safe};
use super::{decisions, parts, rest_of};
use crate::state::{HostRow, State, age, short, token_words, traffic_words};

/// Columns of a host in a narrow, a usual and a wide terminal.
const HOSTS: [usize; 3] = [20, 30, 44];
/// Columns of each number.
const NUMBER: usize = 9;
/// From this many columns on there are bytes and bottles.
const ROOMY: u16 = 70;
/// From this many columns on hosts are wide, and bytes are told each way.
const WIDE: u16 = 110;

/// The lines above the decisions.
fn top(state: &State, look: Look, area: Rect) -> Vec<Words> {
    let mut lines = vec![sum(state, look, area.width)];
    lines.extend(hosts(state, look, area));
    lines.extend(holds(state, look));
    let bottles = state.fleet.bottles().iter();
    let counts = bottles.fold((0_u64, 0_u64), |(allowed, denied), bottle| {
        (
            allowed.saturating_add(bottle.hub.allowed),
            denied.saturating_add(bottle.hub.denied),
        )
    });
    if area.height > parts::TALL {
        lines.push(Words::new(look));
    }
    lines.push(decisions::head(state, look, counts, area.width));
    lines
}

pub(in crate::ui) fn draw_all(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let top = top(state, look, area);
    let rest = rest_of(area, top.len());
    for (at, words) in top.into_iter().enumerate() {
        words.draw(row(area, at), buffer);
    }
    decisions::draw(state, look, decisions::Naming::Each, rest, buffer);
}

pub(super) fn decision_at(state: &State, look: Look, area: Rect, line: u16) -> Option<usize> {
    let rest = rest_of(area, top(state, look, area).len());
    decisions::at(state, rest, line)
}

/// What all of it is, what was used and what that cost; what matters most first, as much
/// of it as fits.
fn sum(state: &State, look: Look, width: u16) -> Words {
    let all = &state.view.all_egress;
    let tail = decisions::tail_words(state);
    let mut words = Words::new(look)
        .put(Role::Strong, " Egress")
        .also(Role::Key, tail);
    let of = match (all.counting, state.fleet.bottles().len()) {
        (1, 1) => String::from("1 bottle"),
        (counting, bottles) if counting == bottles => format!("{bottles} bottles"),
        (counting, bottles) => format!("counts of {counting} of {bottles} bottles"),
    };
    let mut facts = vec![of];
    if let Some(usage) = &all.usage {
        if let Some(cost) = &all.cost
            && !usage.models.is_empty()
        {
            facts.extend([cost.words(), token_words(usage)]);
        }
        facts.push(traffic_words(usage));
    }
    for fact in facts {
        let fact = safe(look, &fact, usize::from(width));
        if words.width() + look.dot().width() + fact.width() <= usize::from(width) {
            words = words.also(Role::Faint, fact);
        }
    }
    words
}

fn hosts(state: &State, look: Look, area: Rect) -> Vec<Words> {
    let most = usize::from(area.height / 3).max(1);
    let rows = &state.view.all_egress.hosts;
    let [narrow, usual, wide] = HOSTS;
    let columns = match area.width {
        WIDE.. => wide,
        ROOMY..WIDE => usual,
        _ => narrow,
    };
    let head = |text: &str, width| pad(look, text, width);
    let mut names = Words::new(look)
        .put(Role::Heading, format!(" {}", head("HOST", columns)))
        .put(Role::Heading, head(" LET OUT", NUMBER))
        .put(Role::Heading, head(" REFUSED", NUMBER));
    if area.width >= WIDE {
        names = names
            .put(Role::Heading, head("     OUT", NUMBER))
            .put(Role::Heading, head("      IN", NUMBER))
            .put(Role::Heading, head("  LAST", NUMBER))
            .put(Role::Heading, "BOTTLES");
    } else if area.width >= ROOMY {
        names = names
            .put(Role::Heading, head("   BYTES", NUMBER))
            .put(Role::Heading, "BOTTLES");
    }
    let mut lines = vec![names];
    if rows.is_empty() {
        let text = if state.view.decision_filter.is_empty() {
            " no bottle counted anything yet"
        } else {
            " no host passes the filter"
        };
        lines.push(Words::new(look).put(Role::Faint, text));
        return lines;
    }
    let shown = if rows.len() > most {
        most.saturating_sub(1).max(1)
    } else {
        most
    };
    let shown_rows = rows.iter().take(shown);
    lines.extend(shown_rows.map(|known| host(state, look, known, columns, area.width)));
    if rows.len() > shown {
        let more = rows.len() - shown;
        let plural = if more == 1 { "" } else { "s" };
        let text = format!(" and {more} more host{plural}: / narrows them too");
        lines.push(Words::new(look).put(Role::Faint, text));
    }
    lines
}

fn host(state: &State, look: Look, known: &HostRow, columns: usize, width: u16) -> Words {
    let name = match known.host.as_str() {
        "" => "other hosts",
        host => host,
    };
    let number = |number: u64| match number {
        0 => format!("{:>8} ", "-"),
        number => format!("{:>8} ", short(number)),
    };
    let bytes = |number: u64| match number {
        0 => format!("{:>8} ", "-"),
        number => format!("{:>8} ", format!("{}B", short(number))),
    };
    let refused_role = if known.refused > 0 {
        Role::Broken
    } else {
        Role::Faint
    };
    let let_out_role = if known.passed.requests > 0 {
        Role::Good
    } else {
        Role::Faint
    };
    let mut words = Words::new(look)
        .put(Role::Plain, format!(" {}", pad(look, name, columns)))
        .put(let_out_role, number(known.passed.requests))
        .put(refused_role, number(known.refused));
    if width >= WIDE {
        let last = known.passed.last.map(|last| age(state.now, last));
        words = words
            .put(Role::Faint, bytes(known.passed.sent_bytes))
            .put(Role::Faint, bytes(known.passed.received_bytes))
            .put(Role::Faint, format!("{:>6}   ", last.unwrap_or_default()));
    } else if width >= ROOMY {
        words = words.put(Role::Faint, bytes(known.passed.bytes()));
    } else {
        return words;
    }
    let room = usize::from(width).saturating_sub(words.width());
    let bottles = match known.bottles.as_slice() {
        [one] => one.clone(),
        many => format!("{}: {}", many.len(), many.join(", ")),
    };
    words.put(Role::Plain, safe(look, &bottles, room))
}

/// What waits for the operator, of all bottles, at most three.
fn holds(state: &State, look: Look) -> Vec<Words> {
    let waiting = state.fleet.bottles().iter().flat_map(|bottle| {
        let holds = bottle.hub.holds.values();
        holds.map(|hold| (Some(bottle.bottle.id.as_str()), hold))
    });
    parts::holds(state, look, waiting)
}
