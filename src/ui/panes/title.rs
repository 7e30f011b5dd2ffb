//! The first row: which engines, how many bottles, what time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::super::clock;
use super::super::look::{Look, Role};
use super::super::text::{Words, safe};
use crate::state::{Bottle, EngineState, Phase, State, cents_words, total_words};

/// Columns of the clock with its margin.
const CLOCK: u16 = 7;

pub(in crate::ui) fn draw(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let counts = Rect {
        width: area.width.saturating_sub(CLOCK),
        ..area
    };
    words(state, look, counts.width).draw(counts, buffer);
    let time = Rect {
        x: area.x + counts.width,
        width: area.width - counts.width,
        ..area
    };
    let now = clock::minutes(state, state.now);
    Words::new(look)
        .put(Role::Faint, format!(" {now} "))
        .draw(time, buffer);
}

fn words(state: &State, look: Look, width: u16) -> Words {
    let mut words = Words::new(look)
        .put(Role::Strong, " cellar")
        .put(Role::Faint, look.glyph(" ▸ ", " > "));
    for (at, (engine, how)) in state.fleet.engines.iter().enumerate() {
        let name = safe(look, &engine.0, 24);
        if at > 0 {
            words = words.put(Role::Faint, ", ");
        }
        words = match how {
            EngineState::Up | EngineState::Asked => words.put(Role::Plain, name),
            EngineState::Lost { .. } => {
                let sign = look.glyph("▲", "^");
                words.put(Role::Broken, format!("{sign} {name} does not answer"))
            }
        };
    }
    if !state.is_loaded() {
        return words;
    }
    if let Some(standing) = &state.panic {
        let since = clock::minutes(state, standing.since);
        let text = format!("ALL HELD STILL since {since}, ! lets go");
        words = words.also(Role::Broken, text);
    }
    let bottles = state.fleet.bottles().len();
    let needs = state.needs();
    let troubled = needs.iter().filter(|need| need.is_trouble).count();
    let waiting = needs.len() - troubled;
    let of = |holds: fn(&Bottle) -> bool| {
        let bottles = state.fleet.bottles().iter();
        bottles.filter(|known| holds(known)).count()
    };
    let frozen = of(|known| known.phase == Phase::Frozen);
    let cut = of(Bottle::is_cut);
    let need = if waiting == 1 {
        "needs you"
    } else {
        "need you"
    };
    let used = state.usage_total().map(|total| total_words(&total));
    let used = used.unwrap_or_default();
    let cost = state.cost_total().map_or_else(String::new, cents_words);
    let counts = [
        (Role::Plain, count(bottles, "bottle")),
        (Role::Wanting, some(waiting, need)),
        (Role::Broken, some(troubled, "in trouble")),
        (Role::Good, some(state.working(), "working")),
        (Role::Key, some(frozen, "frozen")),
        (Role::Wanting, some(cut, "cut")),
        (Role::Plain, used),
        (Role::Plain, cost),
    ];
    for (role, text) in counts {
        // A count that is cut would be another count.
        if words.width() + text.width() + look.dot().width() <= usize::from(width) {
            words = words.also(role, text);
        }
    }
    words
}

fn count(number: usize, thing: &str) -> String {
    match number {
        0 => format!("no {thing}s"),
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}

fn some(number: usize, what: &str) -> String {
    if number == 0 {
        String::new()
    } else {
        format!("{number} {what}")
    }
}
