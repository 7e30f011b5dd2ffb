//! The head of the page of logs: whether it follows, what is shown and what is not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::super::super::look::{Look, Role};
use super::super::super::text::{Words, safe};
use crate::state::{LogHistory, LogPage, LogPlace, LogReach, LogRoles, State};

/// Columns of a pattern that are shown.
const PATTERN: usize = 24;
/// From here on the head says how to follow again.
const ROOMY: u16 = 44;

pub(super) fn draw(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    let page = &state.view.logs;
    let is_roomy = area.width >= ROOMY;
    let mut words = place(page, is_roomy, Words::new(look).put(Role::Plain, " "));
    // What does not fit is left out whole, the last first.
    let width = usize::from(area.width);
    for (role, fact) in facts(look, page) {
        if !fact.is_empty() && words.width() + look.dot().width() + fact.width() <= width {
            words = words.put(Role::Faint, look.dot()).put(role, fact);
        }
    }
    words.draw(area, buffer);
}

fn place(page: &LogPage, is_roomy: bool, words: Words) -> Words {
    if page.place == LogPlace::Follow {
        return words.put(Role::Key, "following");
    }
    let below = page.extent.end.saturating_sub(page.sight_end());
    let new = match page.new_lines() {
        0 => String::new(),
        new => format!(", {} new", grouped(new)),
    };
    let how = if is_roomy { ": G follows" } else { "" };
    words.put(
        Role::Key,
        format!("PAUSED, {} below{new}{how}", grouped(below)),
    )
}

fn facts(look: Look, page: &LogPage) -> Vec<(Role, String)> {
    let extent = &page.extent;
    let shown = |text: &str| safe(look, text, PATTERN);
    let mut facts = Vec::new();
    if let Some(search) = &page.search {
        let hits = search.hits;
        let at = search
            .current
            .map(|(_, which)| format!("{}/", grouped(which)))
            .unwrap_or_default();
        let plain = if hits.is_plain { " as it stands" } else { "" };
        let percent = hits
            .percent
            .map(|percent| format!(", {percent} %"))
            .unwrap_or_default();
        let total = grouped(hits.total);
        let text = shown(&search.text);
        facts.push((
            Role::Wanting,
            format!("/{text}: {at}{total}{plain}{percent}"),
        ));
    }
    let filter = &page.filter;
    if !filter.with.is_empty() {
        facts.push((Role::Wanting, format!("& {}", shown(&filter.with))));
    }
    if !filter.without.is_empty() {
        facts.push((Role::Wanting, format!("- {}", shown(&filter.without))));
    }
    if filter.roles != LogRoles::All {
        let names = filter.roles.roles().iter().map(|role| role.as_str());
        let names: Vec<&str> = names.collect();
        facts.push((Role::Wanting, format!("only {}", names.join(" + "))));
    }
    if let Some(percent) = extent.filtering {
        facts.push((Role::Busy, format!("filtering, {percent} %")));
    }
    if let Some(why) = &page.broken {
        facts.push((Role::Broken, format!("broken: {}", safe(look, why, 60))));
    }
    facts.push(match &extent.history {
        LogHistory::Reading { lines } => (
            Role::Busy,
            format!("reading what was before, {}", grouped(*lines)),
        ),
        LogHistory::Whole => (Role::Faint, String::new()),
        LogHistory::LeftOut { lines } => (
            Role::Troubled,
            format!("no room for the oldest {}", grouped(*lines)),
        ),
        LogHistory::TailOnly => (Role::Faint, String::from("0 reads what was before")),
        LogHistory::Broken { why } => (
            Role::Broken,
            format!("what was before is missing: {}", safe(look, why, 60)),
        ),
    });
    if page.reach != LogReach::All {
        facts.push((Role::Wanting, page.reach.word().to_owned()));
    }
    facts.push((Role::Faint, lines(page)));
    if page.options.column > 0 {
        let arrow = look.glyph("→", ">");
        facts.push((Role::Faint, format!("{arrow} {}", page.options.column)));
    }
    facts
}

/// Which of the lines are in sight.
fn lines(page: &LogPage) -> String {
    let extent = &page.extent;
    let count = extent.end.saturating_sub(extent.first);
    let last = page.sight_end().saturating_sub(extent.first);
    let word = if count == 1 { "line" } else { "lines" };
    match page.place {
        LogPlace::Follow => format!("{} {word}", grouped(count)),
        LogPlace::At { .. } => format!("to {} of {} {word}", grouped(last), grouped(count)),
    }
}

/// A number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_stand_in_groups_of_three() {
        let shown: Vec<String> = [0, 999, 1_000, 123_456, 1_234_567]
            .into_iter()
            .map(grouped)
            .collect();
        assert_eq!(shown, ["0", "999", "1,000", "123,456", "1,234,567"]);
    }
}
