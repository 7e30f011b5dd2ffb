//! The budgets of a bottle: how much of each is spent, as a bar and in words.

use super::super::super::look::{Look, Role};
use super::super::super::text::{Words, pad, safe};
use crate::state::{Bottle, BudgetState, State, pause_words, room_words, spent_words};

/// Columns of the heading and of a bar.
const HEAD: usize = 12;
const BAR: usize = 10;
/// From this many columns on there is a bar.
const ROOMY: usize = 60;
/// From this many hundredths on a budget is soon spent.
const SOON: u8 = 80;

/// What waits because a budget is spent.
pub(super) fn paused(state: &State, look: Look, bottle: &Bottle, width: usize) -> Option<Words> {
    let words = pause_words(bottle.hub.budgets.as_ref()?, state.now)?;
    let text = safe(
        look,
        &format!("{words}; a answers"),
        width.saturating_sub(HEAD),
    );
    Some(head(look, " PAUSED").put(Role::Wanting, text))
}

/// A row for each budget.
pub(super) fn rows(state: &State, look: Look, bottle: &Bottle, width: usize) -> Vec<Words> {
    let Some(budgets) = &bottle.hub.budgets else {
        return Vec::new();
    };
    let budgets = budgets.budgets.iter().enumerate();
    let rows = budgets.map(|(at, budget)| {
        let lead = head(look, if at == 0 { " BUDGET" } else { "" });
        row(state, look, budget, lead, width)
    });
    rows.collect()
}

fn head(look: Look, text: &str) -> Words {
    Words::new(look).put(Role::Heading, pad(look, text, HEAD))
}

fn row(state: &State, look: Look, budget: &BudgetState, lead: Words, width: usize) -> Words {
    let percent = budget.budget.percent(budget.spent);
    let role = match percent {
        100 => Role::Wanting,
        SOON.. => Role::Troubled,
        _ => Role::Plain,
    };
    let full = (usize::from(percent) * BAR).div_ceil(100);
    let bar = [
        look.glyph("█", "#").repeat(full),
        look.glyph("░", ".").repeat(BAR - full),
    ];
    let bar = if width < ROOMY {
        String::new()
    } else {
        bar.concat() + " "
    };
    let words = lead
        .put(role, format!("{bar}{percent:>3} %  "))
        .put(Role::Plain, safe(look, &spent_words(budget), width));
    match room_words(budget, state.now) {
        room if room.is_empty() => words,
        room => words.also(Role::Faint, room),
    }
}
