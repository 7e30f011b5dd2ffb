//! The questions of the inbox: each names exactly what a yes would do.

use ratatui::text::Line;

use super::super::look::{Look, Role};
use super::super::panes::inbox::Diff;
use super::super::text::{Words, pad, wrap_all};
use super::lines::{PAPER, SENTENCES, keys_line, question};
use super::mass::named;
use super::{Content, Sight};
use crate::state::{
    Draft, DraftFinding, LinePurpose, ManifestLook, RequestRef, ShownRequest, State, TermsLine,
    scope_words, shown_line,
};

/// Bottles that a question names.
const MOST_BOTTLES: usize = 8;
/// Columns of a label in the form.
const LABEL: usize = 7;

pub(super) fn approve(
    state: &State,
    draft: &Draft,
    scroll: usize,
    look: Look,
    widest: u16,
) -> Content {
    let width = usize::from(PAPER.min(widest).saturating_sub(4));
    let mut lines = for_whom(look, &draft.shown, width);
    if draft.edited.is_some() {
        lines.extend(said(look, Role::Wanting, "As you edited it:", width));
    }
    let count = draft.shown.len();
    for effect in &draft.effects {
        let text = with_bottles(effect, count);
        lines.extend(said(look, Role::Strong, &text, width));
    }
    let terms = format!("For {}.", draft.terms.words(draft.is_route));
    lines.extend(said(look, Role::Plain, &terms, width));
    if draft.accepts_findings() {
        lines.push(Line::default());
        let text = "This was found, and needs a yes of its own:";
        lines.extend(said(look, Role::Troubled, text, width));
        let (named, more) = draft.named_findings();
        for finding in named {
            let text = format!("{} {}", look.glyph("⚑", "!"), with_bottles(finding, count));
            lines.extend(said(look, Role::Troubled, &text, width));
        }
        if more > 0 {
            let text = format!("and {more} more: read them all first");
            lines.extend(said(look, Role::Troubled, &text, width));
        }
    }
    if let Some(manifest) = &draft.manifest {
        lines.extend(into_manifest(look, manifest, width));
    }
    lines.push(Line::default());
    lines.push(keys_line(state, look));
    Content {
        title: title("Approve", &draft.shown),
        head: Vec::new(),
        lines,
        sight: Sight::From(scroll),
        width: PAPER,
    }
}

/// What a yes writes into the operator's own file, whole.
fn into_manifest(look: Look, manifest: &ManifestLook, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    let Some((file, diff)) = &manifest.change else {
        let text = "The manifest has it already, and stays as it is.";
        lines.extend(said(look, Role::Plain, text, width));
        return lines;
    };
    let text = format!("This is written into {file}, {}:", diff.words());
    lines.extend(said(look, Role::Strong, &text, width));
    let columns = u16::try_from(width).unwrap_or(u16::MAX);
    let diff = Diff::of(diff, columns);
    lines.extend(diff.lines(look, 0, diff.rows()));
    lines
}

pub(super) fn terms(
    state: &State,
    draft: &Draft,
    chosen: TermsLine,
    look: Look,
    widest: u16,
) -> Content {
    let width = usize::from(SENTENCES.min(widest).saturating_sub(4));
    let mut lines = for_whom(look, &draft.shown, width);
    lines.push(Line::default());
    for line in TermsLine::of(draft.is_route) {
        let (label, value) = match line {
            TermsLine::Time => ("time", draft.terms.time.words().to_owned()),
            TermsLine::Uses => ("uses", draft.terms.uses.words()),
            TermsLine::Scope => ("for", scope_words(draft.terms.scope).to_owned()),
        };
        let is_chosen = *line == chosen;
        let (sign, role) = if is_chosen {
            (look.glyph("▸ ", "> "), Role::Key)
        } else {
            ("  ", Role::Plain)
        };
        let room = width.saturating_sub(LABEL + 2);
        let value = wrap_all(look, &value, room);
        for (at, value) in value.into_iter().enumerate() {
            let (sign, label) = if at == 0 { (sign, label) } else { ("  ", "") };
            lines.push(
                Words::new(look)
                    .put(Role::Key, sign)
                    .put(Role::Faint, pad(look, label, LABEL))
                    .put(role, value)
                    .line(),
            );
        }
    }
    if draft.is_route {
        lines.push(Line::default());
        let hint = "Type a number for the uses.";
        lines.extend(said(look, Role::Faint, hint, width));
    }
    lines.push(Line::default());
    lines.push(keys_line(state, look));
    Content {
        title: title("Terms of", &draft.shown),
        head: Vec::new(),
        lines,
        sight: Sight::From(0),
        width: SENTENCES,
    }
}

pub(super) fn line(
    state: &State,
    purpose: &LinePurpose,
    shown: &[ShownRequest],
    text: &str,
    look: Look,
    widest: u16,
) -> Content {
    let width = usize::from(PAPER.min(widest).saturating_sub(4));
    let mut lines = for_whom(look, shown, width);
    let (verb, label) = match purpose {
        LinePurpose::Send { bottles } => {
            let whom = match bottles.as_slice() {
                [one] => one.id.to_string(),
                several => format!("{} sessions: {}", several.len(), named(several)),
            };
            lines.extend(said(look, Role::Plain, &format!("To {whom}"), width));
            ("Send", "A line that is typed there, with Enter after it:")
        }
        LinePurpose::Deny { what } => {
            lines.extend(said(look, Role::Plain, &shown_line(what), width));
            ("Deny", "Why, for the agent to read; empty gives no reason:")
        }
        LinePurpose::Reply { question, choices } => {
            let room = width.saturating_sub(2);
            let mut quote = |text: &str| {
                for row in question_rows(look, text, room) {
                    let bar = format!("{} ", look.wall());
                    let words = Words::new(look).put(Role::Key, bar).put(Role::Plain, row);
                    lines.push(words.line());
                }
            };
            quote(question);
            for (number, choice) in (1..).zip(choices) {
                quote(&format!("{number}. {choice}"));
            }
            let label = if choices.is_empty() {
                "Your answer:"
            } else {
                "The number of an answer, or one of your own:"
            };
            ("Reply to", label)
        }
    };
    lines.push(Line::default());
    lines.extend(said(look, Role::Faint, label, width));
    lines.extend(typed(look, text, width));
    lines.push(Line::default());
    lines.push(keys_line(state, look));
    let last = lines.len().saturating_sub(1);
    Content {
        title: if shown.is_empty() {
            verb.to_owned()
        } else {
            title(verb, shown)
        },
        head: Vec::new(),
        lines,
        // What is typed stays in sight, however long the question is.
        sight: Sight::From(last),
        width: PAPER,
    }
}

fn question_rows(look: Look, text: &str, room: usize) -> Vec<String> {
    text.lines()
        .flat_map(|line| wrap_all(look, &shown_line(line), room))
        .collect()
}

/// What was typed, with the place where more goes.
fn typed(look: Look, text: &str, width: usize) -> Vec<Line<'static>> {
    let mut rows = wrap_all(look, text, width.saturating_sub(3));
    if rows.is_empty() {
        rows.push(String::new());
    }
    let last = rows.len() - 1;
    let line = |(at, row): (usize, String)| {
        let sign = if at == 0 { "> " } else { "  " };
        let words = Words::new(look).put(Role::Key, sign).put(Role::Plain, row);
        if at == last {
            words.put(Role::Key, look.glyph("▏", "_")).line()
        } else {
            words.line()
        }
    };
    rows.into_iter().enumerate().map(line).collect()
}

pub(super) fn undo(
    state: &State,
    request: &RequestRef,
    words: &str,
    look: Look,
    widest: u16,
) -> Content {
    let text = format!(
        "Take back what {} was given?\n\n{}\n\nIt counts at once. The agent reads that it was \
         taken back.",
        request.name(),
        shown_line(words)
    );
    question(state, look, widest, "Undo", &text)
}

fn title(verb: &str, shown: &[ShownRequest]) -> String {
    match shown {
        [one] => format!("{verb} {}?", one.request.name()),
        many => format!("{verb} {} requests?", many.len()),
    }
}

/// The bottles that an answer is for, if it is for several.
fn for_whom(look: Look, shown: &[ShownRequest], width: usize) -> Vec<Line<'static>> {
    if shown.len() < 2 {
        return Vec::new();
    }
    let names: Vec<String> = shown.iter().map(|one| one.request.name()).collect();
    let text = format!("{} bottles: {}", names.len(), few(&names));
    let mut lines = said(look, Role::Plain, &text, width);
    lines.push(Line::default());
    lines
}

fn few(names: &[String]) -> String {
    let shown = names.get(..MOST_BOTTLES).unwrap_or(names).join(", ");
    match names.len().saturating_sub(MOST_BOTTLES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Words of some of several bottles, with their names.
fn with_bottles(found: &DraftFinding, of: usize) -> String {
    if found.bottles.len() == of {
        return found.words.clone();
    }
    format!("{} ({})", found.words, few(&found.bottles))
}

fn said(look: Look, role: Role, text: &str, width: usize) -> Vec<Line<'static>> {
    let rows = wrap_all(look, text, width).into_iter();
    rows.map(|row| Words::new(look).put(role, row).line())
        .collect()
}
