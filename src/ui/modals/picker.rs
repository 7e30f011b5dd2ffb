//! The choice of an agent to start.

use ratatui::text::Line;

use super::super::look::{Look, Role};
use super::super::text::{Words, pad, safe, wrap};
use super::{Content, Sight};
use crate::state::{AgentOffer, Picker};

/// Columns that the picker likes, border included.
const WIDTH: u16 = 90;
/// Columns of an agent's name, its provider and its template.
const NAME: usize = 18;
const PROVIDER: usize = 10;
const TEMPLATE: usize = 14;

pub(super) fn content(picker: &Picker, look: Look, widest: u16) -> Content {
    let width = usize::from(WIDTH.min(widest).saturating_sub(4));
    let shown = picker.shown();
    let mut head = vec![prompt(picker, look)];
    if let Some(problem) = &picker.problem {
        for line in wrap(look, problem, width).into_iter().take(3) {
            head.push(Words::new(look).put(Role::Troubled, line).line());
        }
    }
    head.push(Line::default());
    if let Some(why) = picker.chosen().and_then(|offer| offer.problem.as_ref()) {
        let text = format!("{} {why}", look.no());
        for line in wrap(look, &text, width).into_iter().take(3) {
            head.push(Words::new(look).put(Role::Broken, line).line());
        }
        head.push(Line::default());
    }
    let lines: Vec<Line<'static>> = match &picker.offers {
        None => vec![faint(look, "Reading the manifest.")],
        Some(offers) if offers.is_empty() => vec![
            faint(look, "There is no agent."),
            faint(
                look,
                "cellar init writes a manifest with one to start from.",
            ),
        ],
        Some(_) if shown.is_empty() => vec![faint(look, "No agent has this in its name.")],
        Some(_) => shown.iter().map(|offer| line(offer, look, width)).collect(),
    };
    let sight = if shown.is_empty() {
        Sight::From(0)
    } else {
        Sight::Around(picker.cursor)
    };
    Content {
        title: String::from("Start which agent?"),
        head,
        lines,
        sight,
        width: WIDTH,
    }
}

fn prompt(picker: &Picker, look: Look) -> Line<'static> {
    let words = Words::new(look)
        .put(Role::Key, "> ")
        .put(Role::Plain, safe(look, &picker.filter, 64))
        .put(Role::Key, look.glyph("▏", "_"));
    if picker.filter.is_empty() {
        words.put(Role::Faint, "type to filter").line()
    } else {
        words.line()
    }
}

fn faint(look: Look, text: &str) -> Line<'static> {
    Words::new(look).put(Role::Faint, text).line()
}

fn line(offer: &AgentOffer, look: Look, width: usize) -> Line<'static> {
    let is_startable = offer.problem.is_none();
    let (name, sign) = if is_startable {
        (Role::Strong, " ")
    } else {
        (Role::Faint, look.no())
    };
    let words = Words::new(look)
        .put(Role::Broken, format!("{sign} "))
        .put(name, pad(look, &offer.name, NAME))
        .put(Role::Plain, pad(look, &offer.provider, PROVIDER))
        .put(Role::Faint, pad(look, &offer.template, TEMPLATE))
        .put(Role::Faint, safe(look, &offer.source, 24));
    let room = width.saturating_sub(words.width() + 3);
    let prompt = offer.prompt.as_deref().unwrap_or_default();
    words.also(Role::Plain, safe(look, prompt, room)).line()
}
