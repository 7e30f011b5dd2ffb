//! Boxes that are read: keys, questions, the plan, messages.

use ratatui::text::Line;

use super::super::look::{Look, Role};
use super::super::text::{Words, pad, safe, wrap};
use super::{Content, Sight};
use crate::state::{
    BottleBudget, BottleRef, ClipboardAsk, HoldRecord, KEYMAP, Modal, OperationKind, PlanSummary,
    Route, State, bindings, pause_words,
};

/// Columns of the keys in the help, roomy and narrow, and of a label in the plan.
const KEYS: usize = 18;
const NARROW_KEYS: usize = 11;
const LABEL: usize = 13;
/// Columns that a box of sentences likes, border included.
pub(super) const SENTENCES: u16 = 60;
/// Columns that the help likes.
const HELP: u16 = 76;
/// Columns that the plan and messages like.
pub(super) const PAPER: u16 = 90;

/// The content of a box other than the picker.
pub(super) fn content(state: &State, modal: &Modal, look: Look, widest: u16) -> Content {
    match modal {
        Modal::Help { scroll } => help(state, look, widest, *scroll),
        Modal::ConfirmStop { bottle } => question(state, look, widest, "Stop", &stop_text(bottle)),
        Modal::ConfirmRemove { bottle } => {
            question(state, look, widest, "Remove", &remove_text(state, bottle))
        }
        Modal::Answer { bottle, hold } => question(
            state,
            look,
            widest,
            "Answer",
            &answer_text(state, bottle, hold),
        ),
        Modal::Raise { bottle, raises } => question(
            state,
            look,
            widest,
            "Raise",
            &raise_text(state, bottle, raises),
        ),
        Modal::Allow {
            bottle,
            route,
            is_exact,
            preset,
        } => question(
            state,
            look,
            widest,
            "Allow",
            &allow_text(bottle, route, *is_exact, preset.as_deref()),
        ),
        Modal::Decision { scroll, .. } => paper(state, look, widest, "Decision", *scroll),
        Modal::Hits { bottle, scroll } => {
            let title = format!("What {} let out", bottle.id);
            paper(state, look, widest, &title, *scroll)
        }
        Modal::ConfirmCancel { bottle } => {
            question(state, look, widest, "Cancel", &cancel_text(state, bottle))
        }
        Modal::Clipboard { ask } => clipboard(state, look, widest, ask),
        Modal::ConfirmQuit => question(state, look, widest, "Leave", LEAVE_TEXT),
        Modal::Plan {
            agent,
            result,
            scroll,
        } => plan(look, widest, agent, result.as_ref(), *scroll),
        Modal::Secret {
            agent,
            what,
            length,
        } => secret(look, widest, agent, what, *length),
        Modal::Message {
            title,
            text,
            scroll,
        } => message(look, widest, title, text, *scroll),
        // These have files of their own.
        Modal::Picker { .. }
        | Modal::Palette { .. }
        | Modal::Order
        | Modal::Approve { .. }
        | Modal::ApproveAll { .. }
        | Modal::Terms { .. }
        | Modal::Line { .. }
        | Modal::ConfirmUndo { .. }
        | Modal::ConfirmAll { .. }
        | Modal::ConfirmPanic { .. }
        | Modal::ConfirmLift { .. } => Content {
            title: String::new(),
            head: Vec::new(),
            lines: Vec::new(),
            sight: Sight::From(0),
            width: 0,
        },
    }
}

fn message(look: Look, widest: u16, title: &str, text: &str, scroll: usize) -> Content {
    Content {
        title: safe(look, title, usize::from(widest)),
        head: Vec::new(),
        lines: sentences(look, text, PAPER.min(widest)),
        sight: Sight::From(scroll),
        width: PAPER,
    }
}

const LEAVE_TEXT: &str = "Something is being done to a bottle. Leaving does not stop bottles, \
    but what is half done is finished or undone only by the next console. Leave?";

fn stop_text(bottle: &BottleRef) -> String {
    format!(
        "Stop {}?\n\nIts session is asked to end. Its files and its conversation are kept: \
         r resumes it.",
        bottle.id
    )
}

/// The text is one line here, whatever it is: its breaks are shown.
fn clipboard(state: &State, look: Look, widest: u16, ask: &ClipboardAsk) -> Content {
    let begin = safe(look, &ask.begin, 240);
    let text = format!(
        "The session of {} wants to put {} bytes into your clipboard.\n\n{begin}\n\n\
         What is pasted from there is as if you had typed it.",
        ask.bottle.id, ask.bytes
    );
    question(state, look, widest, "Clipboard", &text)
}

fn cancel_text(state: &State, bottle: &BottleRef) -> String {
    let known = state.fleet.get(bottle);
    let operation = known.and_then(|known| known.operation.as_ref());
    let id = &bottle.id;
    match operation.map(|operation| operation.kind) {
        Some(OperationKind::Start) => {
            format!("Cancel the start of {id}?\n\nWhat was made of it is removed.")
        }
        Some(_) => format!(
            "Cancel the change of {id}?\n\nThe bottle stays as it is. A request that you approved \
             becomes failed, and its agent reads that you cancelled it; one that you take back \
             stays in force."
        ),
        None => format!("Nothing is being done to {id} any more."),
    }
}

fn remove_text(state: &State, bottle: &BottleRef) -> String {
    let runs = state
        .fleet
        .get(bottle)
        .is_some_and(crate::state::Bottle::has_session);
    let stops = if runs { "It is stopped first. " } else { "" };
    format!(
        "Remove {} for good?\n\n{stops}Its containers and volumes are deleted, and with them its \
         conversation and a copied workspace. A mounted folder stays as it is. This cannot be \
         undone.",
        bottle.id
    )
}

fn answer_text(state: &State, bottle: &BottleRef, hold: &HoldRecord) -> String {
    let waits = match hold.waiting {
        0 | 1 => String::new(),
        several => format!(" {several} of them wait."),
    };
    let is_over = !state
        .fleet
        .get(bottle)
        .is_some_and(|known| known.hub.holds.contains_key(&hold.id));
    let rest = if is_over {
        "It waits no longer; a route still counts for the next time."
    } else {
        "Without an answer it is refused when its time is over."
    };
    let (wish, effect) = match &hold.request {
        None => (
            "reach",
            "a route for this host and port, with every path, until",
        ),
        Some(_) => (
            "ask",
            "a route for this method and path alone, on the terms of the host's own route and \
             with its credential if it has one, until",
        ),
    };
    format!(
        "{} wants to {wish} {}, which no route allows.{waits}\n\nLetting it through adds {effect} \
         you take it away (`cellar egress revoke`). Refusing counts for ten minutes. {rest}",
        bottle.id,
        hold.words()
    )
}

fn raise_text(state: &State, bottle: &BottleRef, raises: &[BottleBudget]) -> String {
    let budgets = state
        .fleet
        .get(bottle)
        .and_then(|known| known.hub.budgets.as_ref());
    let why = budgets
        .and_then(|budgets| pause_words(budgets, state.now))
        .map_or_else(
            || String::from("A budget of it is spent."),
            |words| format!("Paused: {words}."),
        );
    let raises: Vec<String> = raises.iter().map(BottleBudget::words).collect();
    format!(
        "Raise the budget of {} to {}?\n\n{why}\n\nRaised, what waits goes on at once, and the \
         new amount counts until you change it (`cellar budget`). Refused, what waits and what \
         comes is answered with an error until there is room again.",
        bottle.id,
        raises.join(" and ")
    )
}

fn allow_text(bottle: &BottleRef, route: &Route, is_exact: bool, preset: Option<&str>) -> String {
    let scope = if is_exact {
        "It is the narrowest that would have allowed this request."
    } else {
        "The connection was refused before it said what for, so this is all of the host: every \
         method and path."
    };
    let or = match preset {
        Some(preset) => format!(" The preset {preset} in the template would do as well."),
        None => String::new(),
    };
    format!(
        "Let {} reach this from now on?\n\n{}\n\n{scope}{or} It counts until you take it away \
         (`cellar egress revoke`).",
        bottle.id,
        route.words()
    )
}

/// Rows of labels and values, as the state has them.
fn paper(state: &State, look: Look, widest: u16, title: &str, scroll: usize) -> Content {
    let width = PAPER.min(widest);
    let rows = state.paper().unwrap_or_default();
    let rows = rows
        .iter()
        .map(|row| (row.label.as_str(), row.value.as_str()));
    let mut lines = labelled(look, rows, width);
    if lines.is_empty() {
        lines.push(
            Words::new(look)
                .put(Role::Faint, "The bottle is gone.")
                .line(),
        );
    }
    Content {
        title: title.to_owned(),
        head: Vec::new(),
        lines,
        sight: Sight::From(scroll),
        width: PAPER,
    }
}

pub(super) fn sentences(look: Look, text: &str, width: u16) -> Vec<Line<'static>> {
    wrap(look, text, usize::from(width.saturating_sub(4)))
        .into_iter()
        .map(|line| Words::new(look).put(Role::Plain, line).line())
        .collect()
}

pub(super) fn question(state: &State, look: Look, widest: u16, title: &str, text: &str) -> Content {
    let mut lines = sentences(look, text, SENTENCES.min(widest));
    lines.push(Line::default());
    lines.push(keys_line(state, look));
    Content {
        title: title.to_owned(),
        head: Vec::new(),
        lines,
        sight: Sight::From(0),
        width: SENTENCES,
    }
}

/// The keys of a context, as the footer shows them.
pub(super) fn keys_line(state: &State, look: Look) -> Line<'static> {
    let mut words = Words::new(look);
    let context = state.context();
    for binding in bindings(context).filter(|binding| !binding.short.is_empty()) {
        let key = state
            .keys
            .of(binding)
            .first()
            .map(|key| key.name())
            .unwrap_or_default();
        words = words
            .put(Role::Key, key)
            .put(Role::Plain, format!(" {}   ", binding.short));
    }
    words.line()
}

fn help(state: &State, look: Look, widest: u16, scroll: usize) -> Content {
    let keys = if widest < HELP { NARROW_KEYS } else { KEYS };
    let room = usize::from(HELP.min(widest)).saturating_sub(keys + 4);
    let rows = KEYMAP
        .iter()
        .filter(|binding| !binding.help.is_empty() && !state.keys.of(binding).is_empty());
    let lines: Vec<Line<'static>> = rows
        .map(|binding| {
            let names: Vec<String> = state
                .keys
                .of(binding)
                .iter()
                .map(|key| key.name())
                .collect();
            Words::new(look)
                .put(Role::Key, pad(look, &names.join("  "), keys))
                .put(Role::Plain, safe(look, binding.help, room))
                .line()
        })
        .collect();
    Content {
        title: String::from("Keys"),
        head: Vec::new(),
        lines,
        sight: Sight::From(scroll),
        width: HELP,
    }
}

fn plan(
    look: Look,
    widest: u16,
    agent: &str,
    result: Option<&Result<PlanSummary, String>>,
    scroll: usize,
) -> Content {
    let width = PAPER.min(widest);
    let agent = safe(look, agent, 40);
    let (title, lines) = match result {
        None => (
            format!("Start {agent}"),
            vec![
                Words::new(look)
                    .put(Role::Faint, "Reading the manifest.")
                    .line(),
            ],
        ),
        Some(Ok(plan)) => (format!("Start {agent}?"), plan_lines(look, plan, width)),
        Some(Err(why)) => {
            let mut lines = sentences(look, why, width);
            lines.push(Line::default());
            let hint = "Mend it, then choose the agent again. cellar check shows each place.";
            lines.push(Words::new(look).put(Role::Faint, hint).line());
            (format!("{agent} cannot be started"), lines)
        }
    };
    Content {
        title,
        head: Vec::new(),
        lines,
        sight: Sight::From(scroll),
        width: PAPER,
    }
}

fn plan_lines(look: Look, plan: &PlanSummary, width: u16) -> Vec<Line<'static>> {
    let rows = plan.rows.iter();
    let rows = rows.map(|row| (row.label.as_str(), row.value.as_str()));
    labelled(look, rows, width)
}

fn labelled<'a>(
    look: Look,
    rows: impl Iterator<Item = (&'a str, &'a str)>,
    width: u16,
) -> Vec<Line<'static>> {
    let room = usize::from(width).saturating_sub(4 + LABEL);
    let mut lines = Vec::new();
    for (name, value) in rows {
        for (at, text) in wrap(look, value, room).into_iter().enumerate() {
            let label = if at == 0 { name } else { "" };
            let role = if name == "note" {
                Role::Wanting
            } else {
                Role::Plain
            };
            lines.push(
                Words::new(look)
                    .put(Role::Faint, pad(look, label, LABEL))
                    .put(role, text)
                    .line(),
            );
        }
    }
    lines
}

fn secret(look: Look, widest: u16, agent: &str, what: &str, length: usize) -> Content {
    let width = SENTENCES.min(widest);
    let mut lines = sentences(look, what, width);
    let stars = look
        .glyph("•", "*")
        .repeat(length.min(usize::from(width.saturating_sub(8))));
    lines.push(Line::default());
    lines.push(
        Words::new(look)
            .put(Role::Key, "> ")
            .put(Role::Plain, stars)
            .put(Role::Key, look.glyph("▏", "_"))
            .line(),
    );
    lines.push(Line::default());
    let hint = "It goes to the session and is written nowhere. enter hands it over, esc gives up.";
    lines.extend(
        wrap(look, hint, usize::from(width.saturating_sub(4)))
            .into_iter()
            .map(|line| Words::new(look).put(Role::Faint, line).line()),
    );
    Content {
        title: format!("{} needs a value", safe(look, agent, 40)),
        head: Vec::new(),
        lines,
        sight: Sight::From(0),
        width: SENTENCES,
    }
}
