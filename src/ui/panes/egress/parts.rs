//! The lines above a bottle's decisions: what it may reach, what waits, what was used and
//! what was refused.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::super::super::look::{Look, Role};
use super::super::super::text::{Words, pad, safe};
use crate::state::{
    Bottle, Cost, HoldRecord, RefusedHits, RouteRow, SpecView, State, short, token_words,
    traffic_words,
};

/// Columns of the headings.
const HEADING: usize = 12;
/// Columns of what is named beside other facts.
const FACT: usize = 60;
/// Above this many rows there is a line between the parts.
pub(super) const TALL: u16 = 12;

/// The allowlist: each route with what it let out, its budget and where it came from.
pub(super) fn routes(state: &State, look: Look, bottle: &Bottle, area: Rect) -> Vec<Words> {
    let head = || Words::new(look).put(Role::Heading, pad(look, " MAY REACH", HEADING));
    let width = usize::from(area.width);
    let count = match (&bottle.hub.routes, &bottle.spec) {
        (Some(there), _) => there.routes.routes.len(),
        (None, SpecView::Known { routes, .. }) => routes.len(),
        (None, SpecView::Unknown | SpecView::Asked) => {
            return vec![head().put(Role::Faint, "reading the spec")];
        }
        (None, SpecView::Unreadable { why }) => {
            return vec![head().put(Role::Troubled, safe(look, why, width))];
        }
    };
    if count == 0 {
        return vec![head().put(Role::Plain, "nothing: no host is reachable")];
    }
    let most = usize::from(area.height / 3).max(1);
    let shown = if count > most {
        most.saturating_sub(1).max(1)
    } else {
        most
    };
    let rows = shown_routes(state, bottle, shown);
    let room = width.saturating_sub(HEADING);
    let targets = rows.iter().map(|row| row.target.width()).max();
    let targets = targets.unwrap_or(0).min(room.saturating_sub(HITS));
    let mut lines: Vec<Words> = rows
        .iter()
        .enumerate()
        .map(|(at, route)| {
            let lead = if at == 0 {
                head()
            } else {
                Words::new(look).put(Role::Plain, pad(look, "", HEADING))
            };
            line(look, lead, route, targets, width)
        })
        .collect();
    if count > shown {
        let more = count - shown;
        lines.push(Words::new(look).put(
            Role::Faint,
            format!("{:HEADING$}and {more} more: h shows all", ""),
        ));
    }
    lines
}

/// Columns that the first of a route's counts wants beside its target.
const HITS: usize = 15;

/// The first routes in rows, as egress has them or, before it says so, as the spec does.
fn shown_routes(state: &State, bottle: &Bottle, shown: usize) -> Vec<RouteRow> {
    match (&bottle.hub.routes, &bottle.spec) {
        (Some(there), _) => {
            let hits = bottle.hub.hits.as_ref();
            let routes = there.routes.routes.iter().take(shown);
            routes
                .map(|route| RouteRow::at(route, hits, state.now))
                .collect()
        }
        (None, SpecView::Known { routes, .. }) => routes.iter().take(shown).cloned().collect(),
        (None, SpecView::Unknown | SpecView::Asked | SpecView::Unreadable { .. }) => Vec::new(),
    }
}

/// One route: what matters most first, and each fact whole or not at all.
fn line(look: Look, lead: Words, route: &RouteRow, targets: usize, width: usize) -> Words {
    let mut words = lead.put(Role::Plain, pad(look, &route.target, targets));
    let hits_role = if route.hits == "unused" {
        Role::Wanting
    } else {
        Role::Faint
    };
    // Of the counts as many as fit: how often, how much, when.
    let room = width.saturating_sub(words.width() + look.dot().width());
    let mut hits = route.hits.as_str();
    while hits.width() > room
        && let Some((first, _)) = hits.rsplit_once(", ")
    {
        hits = first;
    }
    let facts = [
        (hits_role, hits),
        (Role::Plain, route.budget.as_str()),
        (Role::Wanting, route.remark.as_str()),
        (Role::Faint, route.origin.as_str()),
    ];
    for (role, fact) in facts {
        let fact = safe(look, fact, FACT);
        if words.width() + look.dot().width() + fact.width() <= width {
            words = words.also(role, fact);
        }
    }
    words
}

/// Why a change of the routes did not take.
pub(super) fn refused_change(look: Look, bottle: &Bottle, area: Rect) -> Option<Words> {
    let why = bottle.hub.routes_refused.as_ref()?;
    let text = format!(" egress did not take the last change: {why}");
    Some(Words::new(look).put(Role::Broken, safe(look, &text, usize::from(area.width))))
}

/// What waits for the operator, at most three, each with its bottle if that is not known.
pub(super) fn holds<'a>(
    state: &State,
    look: Look,
    holds: impl Iterator<Item = (Option<&'a str>, &'a HoldRecord)>,
) -> Vec<Words> {
    const MOST: usize = 3;
    let mut lines = Vec::new();
    let mut holds = holds.peekable();
    while lines.len() < MOST
        && let Some((bottle, hold)) = holds.next()
    {
        let head = if lines.is_empty() { " WAITS" } else { "" };
        let left = hold.until.duration_since(state.now).as_secs().max(0);
        let mut more = String::new();
        if lines.len() + 1 == MOST && holds.peek().is_some() {
            more = format!("  +{} more", holds.by_ref().count());
        }
        let name = match bottle {
            Some(bottle) => format!("{bottle} "),
            None => String::new(),
        };
        lines.push(
            Words::new(look)
                .put(Role::Heading, pad(look, head, HEADING))
                .put(Role::Plain, name)
                .put(
                    Role::Wanting,
                    safe(look, &format!("{}:{}", hold.host, hold.port), FACT),
                )
                .put(Role::Faint, format!("  {left} s left  a answers{more}")),
        );
    }
    lines
}

/// What was used and what it cost, what matters most first, as much of it as fits.
pub(super) fn used(state: &State, look: Look, bottle: &Bottle, area: Rect) -> Option<Words> {
    let usage = bottle.hub.usage.as_ref()?;
    let mut facts = vec![traffic_words(usage)];
    if !usage.models.is_empty() {
        let cost = Cost::of(usage, &state.prices).words();
        facts.splice(0..0, [cost, token_words(usage)]);
    }
    let mut facts = facts.into_iter();
    let head = Words::new(look).put(Role::Heading, pad(look, " USED", HEADING));
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

/// What was refused most often, as much of it as fits.
pub(super) fn refused(look: Look, bottle: &Bottle, area: Rect) -> Option<Words> {
    let hits = bottle.hub.hits.as_ref()?;
    let mut refused: Vec<_> = hits.refused.iter().collect();
    refused.sort_by_key(|known| std::cmp::Reverse((known.times, known.last)));
    let width = usize::from(area.width);
    let mut words = Words::new(look).put(Role::Heading, pad(look, " REFUSED", HEADING));
    let (first, rest) = refused.split_first()?;
    let fact = |known: &&RefusedHits| {
        let reason = known.reason.code().replace('_', " ");
        format!("{}× {} {reason}", short(known.times), known.host)
    };
    let room = width.saturating_sub(words.width());
    words = words.put(Role::Plain, safe(look, &fact(first), room));
    let mut hidden = rest.len();
    for known in rest {
        let fact = safe(look, &fact(known), FACT);
        // The last columns say how many more there are.
        if words.width() + look.dot().width() + fact.width() + MORE > width {
            break;
        }
        hidden -= 1;
        words = words.also(Role::Faint, fact);
    }
    if hidden > 0 && words.width() + MORE <= width {
        words = words.also(Role::Faint, format!("+{hidden} more"));
    }
    Some(words)
}

/// Columns of a number of what is not shown.
const MORE: usize = 11;
