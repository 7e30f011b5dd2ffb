//! A group of the list, in the place of a bottle's detail: how many bottles are how, and
//! what all of them use.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::{Look, Role, role_of};
use super::super::text::{Words, pad, row, safe};
use crate::state::{Bottle, BottleUse, State, cents_words, memory_words, rate_words};

/// Columns of a label.
const LABEL: usize = 14;

pub(in crate::ui) fn draw(state: &State, look: Look, group: &str, area: Rect, buffer: &mut Buffer) {
    let bottles: Vec<&Bottle> = state.grouped(group).collect();
    let used = bottles.iter().filter_map(|bottle| bottle.usage_now());
    let used = used.reduce(BottleUse::and).unwrap_or_default();
    let costs = bottles
        .iter()
        .filter_map(|bottle| bottle.cost(&state.prices));
    let cents = costs.map(|cost| cost.cents).reduce(u64::saturating_add);
    let label =
        |text: &str| Words::new(look).put(Role::Faint, pad(look, &format!(" {text}"), LABEL));
    let width = usize::from(area.width).saturating_sub(LABEL);
    let title = format!("{} {group}", state.view.order.grouping.word());
    let mut lines = vec![
        Words::new(look).put(Role::Strong, format!(" {}", safe(look, &title, width))),
        Words::new(look),
    ];
    let mut counts: BTreeMap<&str, (usize, Role)> = BTreeMap::new();
    for bottle in &bottles {
        let count = counts.entry(bottle.phase.word());
        count.or_insert((0, role_of(&bottle.phase))).0 += 1;
    }
    for (word, (count, role)) in counts {
        lines.push(label(word).put(role, count.to_string()));
    }
    let facts = [
        ("cpu", used.cpu_words()),
        ("memory", memory_words(used.memory_bytes)),
        ("received", rate_words(used.received_per_second)),
        ("sent", rate_words(used.sent_per_second)),
        ("cost", cents.map_or_else(String::new, cents_words)),
    ];
    lines.push(Words::new(look));
    for (name, fact) in facts {
        if !fact.is_empty() {
            lines.push(label(name).put(Role::Plain, fact));
        }
    }
    for (at, words) in lines.into_iter().enumerate() {
        words.draw(row(area, at), buffer);
    }
}
