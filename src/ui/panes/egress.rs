//! What may leave a bottle, and what tried to.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::super::clock;
use super::super::look::{Look, Role};
use super::super::text::{Words, pad, put_text, row, safe};
use super::budgets;
use crate::state::{
    Bottle, Cost, DecisionRecord, RouteRow, SpecView, State, Tail, Verdict, decided_facts,
    decided_place, token_words, traffic_words,
};

/// Columns of the time, of the verdict and of the method.
const TIME: usize = 10;
const VERDICT: usize = 10;
const METHOD: usize = 8;
/// From this many columns on there is a method.
const ROOMY: u16 = 60;

pub(in crate::ui) fn draw(
    state: &State,
    look: Look,
    bottle: &Bottle,
    area: Rect,
    buffer: &mut Buffer,
) {
    let most = usize::from(area.height / 3).max(1);
    let mut at = 0;
    for words in routes(state, look, bottle, area, most) {
        words.draw(row(area, at), buffer);
        at += 1;
    }
    for words in holds(state, look, bottle, area) {
        words.draw(row(area, at), buffer);
        at += 1;
    }
    for words in budgets::rows(state, look, bottle, usize::from(area.width)) {
        words.draw(row(area, at), buffer);
        at += 1;
    }
    if let Some(words) = used(state, look, bottle, area) {
        words.draw(row(area, at), buffer);
        at += 1;
    }
    let hub = &bottle.hub;
    let counted = Words::new(look)
        .put(Role::Heading, " DECIDED ")
        .put(
            Role::Good,
            format!(" {} {} let out", look.yes(), hub.allowed),
        )
        .put(Role::Plain, "  ")
        .put(
            if hub.denied == 0 {
                Role::Faint
            } else {
                Role::Broken
            },
            format!("{} {} refused", look.no(), hub.denied),
        );
    counted.draw(row(area, at + 1), buffer);
    let used = u16::try_from(at + 2).unwrap_or(u16::MAX).min(area.height);
    let rest = Rect {
        y: area.y + used,
        height: area.height - used,
        ..area
    };
    draw_decisions(state, look, bottle, rest, buffer);
}

/// The allowlist, each route with where it came from.
fn routes(state: &State, look: Look, bottle: &Bottle, area: Rect, most: usize) -> Vec<Words> {
    let head = || Words::new(look).put(Role::Heading, pad(look, " MAY REACH", 12));
    let in_force: Vec<RouteRow>;
    let routes = match (&bottle.hub.routes, &bottle.spec) {
        (Some(there), _) => {
            let rows = there.routes.routes.iter();
            in_force = rows.map(|route| RouteRow::at(route, state.now)).collect();
            &in_force
        }
        (None, SpecView::Known { routes, .. }) => routes,
        (None, SpecView::Unknown | SpecView::Asked) => {
            return vec![head().put(Role::Faint, "reading the spec")];
        }
        (None, SpecView::Unreadable { why }) => {
            return vec![head().put(Role::Troubled, safe(look, why, usize::from(area.width)))];
        }
    };
    if routes.is_empty() {
        return vec![head().put(Role::Plain, "nothing: no host is reachable")];
    }
    let shown = if routes.len() > most {
        most.saturating_sub(1).max(1)
    } else {
        most
    };
    let mut lines: Vec<Words> = routes
        .iter()
        .take(shown)
        .enumerate()
        .map(|(at, route)| {
            let lead = if at == 0 {
                head()
            } else {
                Words::new(look).put(Role::Plain, pad(look, "", 12))
            };
            lead.put(
                Role::Plain,
                safe(look, &route.target, usize::from(area.width)),
            )
            .also(Role::Wanting, safe(look, &route.remark, 60))
            .also(Role::Faint, safe(look, &route.origin, 60))
        })
        .collect();
    if routes.len() > shown {
        let more = routes.len() - shown;
        lines.push(Words::new(look).put(
            Role::Faint,
            format!("            and {more} more: 4 shows all"),
        ));
    }
    lines
}

/// What waits for the operator, at most three, and why a change did not take.
fn holds(state: &State, look: Look, bottle: &Bottle, area: Rect) -> Vec<Words> {
    const MOST: usize = 3;
    let mut lines = Vec::new();
    if let Some(why) = &bottle.hub.routes_refused {
        let text = format!(" egress did not take the last change: {why}");
        lines.push(Words::new(look).put(Role::Broken, safe(look, &text, usize::from(area.width))));
    }
    let holds = &bottle.hub.holds;
    for (at, hold) in holds.values().take(MOST).enumerate() {
        let head = if at == 0 { " WAITS" } else { "" };
        let left = hold.until.duration_since(state.now).as_secs().max(0);
        let more = match holds.len().saturating_sub(MOST) {
            more @ 1.. if at + 1 == MOST => format!("  +{more} more"),
            _ => String::new(),
        };
        lines.push(
            Words::new(look)
                .put(Role::Heading, pad(look, head, 12))
                .put(
                    Role::Wanting,
                    safe(look, &format!("{}:{}", hold.host, hold.port), 60),
                )
                .put(Role::Faint, format!("  {left} s left  a answers{more}")),
        );
    }
    lines
}

/// What was used and what it cost, what matters most first, as much of it as fits.
fn used(state: &State, look: Look, bottle: &Bottle, area: Rect) -> Option<Words> {
    let usage = bottle.hub.usage.as_ref()?;
    let mut facts = vec![traffic_words(usage)];
    if !usage.models.is_empty() {
        let cost = Cost::of(usage, &state.prices).words();
        facts.splice(0..0, [cost, token_words(usage)]);
    }
    let mut facts = facts.into_iter();
    let head = Words::new(look).put(Role::Heading, pad(look, " USED", 12));
    let room = usize::from(area.width).saturating_sub(head.width());
    let first = safe(look, &facts.next().unwrap_or_default(), room);
    let mut words = head.put(Role::Plain, first);
    for fact in facts {
        if words.width() + look.dot().width() + fact.width() <= usize::from(area.width) {
            words = words.also(Role::Faint, fact);
        }
    }
    Some(words)
}

fn draw_decisions(state: &State, look: Look, bottle: &Bottle, area: Rect, buffer: &mut Buffer) {
    let decisions: Vec<&DecisionRecord> = bottle
        .decisions
        .numbered()
        .rev()
        .filter(|(number, _)| match state.view.egress {
            Tail::Follow => true,
            Tail::Paused { last } => *number <= last,
        })
        .map(|(_, decision)| decision)
        .take(usize::from(area.height))
        .collect();
    if decisions.is_empty() {
        put_text(
            " Nothing tried to leave yet.",
            look.style(Role::Faint),
            row(area, 0),
            buffer,
        );
    }
    for (at, decision) in decisions.into_iter().rev().enumerate() {
        let (role, word, reason) = match decision.verdict {
            Verdict::Allowed => (Role::Good, format!("{} let out", look.yes()), String::new()),
            Verdict::Denied { reason } => (
                Role::Broken,
                format!("{} refused", look.no()),
                reason.code().replace('_', " "),
            ),
        };
        let time = format!(" {}", clock::seconds(state, decision.at));
        let mut words = Words::new(look)
            .put(Role::Faint, pad(look, &time, TIME))
            .put(role, pad(look, &word, VERDICT));
        if area.width >= ROOMY {
            words = words.put(Role::Faint, pad(look, &decision.method, METHOD));
        }
        // The host is what matters: the reason is shown where it fits beside it.
        let room = usize::from(area.width).saturating_sub(words.width());
        let target = safe(look, &decided_place(decision), room);
        words = words.put(Role::Plain, target);
        for more in [reason, decided_facts(decision)] {
            let room = usize::from(area.width).saturating_sub(words.width());
            if room >= more.chars().count() + 3 {
                words = words.also(Role::Faint, safe(look, &more, room));
            }
        }
        words.draw(row(area, at), buffer);
    }
}
