//! Everything that is known of the selected row before it is answered. What the agent
//! says itself stands apart, in a box of its own, and cannot leave it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::super::super::look::{Look, Role};
use super::super::super::text::{Words, pad, put_line, row, wrap_all};
use super::super::output;
use super::diff::Diff;
use super::list;
use crate::state::{
    Answer, Ask, Finding, HoldRecord, InboxName, InboxRow, RequestLook, RequestRecord, RequestRef,
    RequestState, Severity, Source, State, age, pause_words, scope_words, shown_line,
};

/// Columns of a label.
const LABEL: usize = 10;
/// Findings that are listed; the worst come first.
const MOST_FINDINGS: usize = 100;
/// Lines of a build that are shown.
const LAST_LINES: usize = 8;
/// Bottles that are named.
const MOST_BOTTLES: usize = 40;

/// Lines under construction, of one width.
struct Paper {
    look: Look,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl Paper {
    fn push(&mut self, words: Words) {
        self.lines.push(words.line());
    }

    fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    /// A label and its text, wrapped beside it.
    fn say(&mut self, label: &str, role: Role, text: &str) {
        let room = self.width.saturating_sub(LABEL + 1);
        let rows = wrap_all(self.look, text, room);
        for (at, text) in rows.into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let label = format!(" {}", pad(self.look, label, LABEL));
            self.push(
                Words::new(self.look)
                    .put(Role::Faint, label)
                    .put(role, text),
            );
        }
    }

    /// Text of an agent's: each line behind a bar, escaped, so that it cannot pass for
    /// ours.
    fn quote(&mut self, text: &str) {
        let bar = format!("   {} ", self.look.wall());
        let room = self.width.saturating_sub(6);
        for line in text.lines() {
            for text in wrap_all(self.look, &shown_line(line), room) {
                self.push(
                    Words::new(self.look)
                        .put(Role::Key, bar.clone())
                        .put(Role::Plain, text),
                );
            }
        }
    }
}

pub(super) fn draw(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    let Some(shown) = state.view.inbox.row().filter(|_| area.height > 0) else {
        return;
    };
    let mut paper = Paper {
        look,
        width: usize::from(area.width),
        lines: Vec::new(),
    };
    write(state, shown, &mut paper);
    let image = state.view.inbox.look().and_then(|look| look.image.as_ref());
    let diff = image.map(|image| Diff::of(&image.diff, area.width));
    let height = usize::from(area.height);
    let rest = diff.as_ref().map_or(0, Diff::rows);
    let all = paper.lines.len() + rest;
    // There is a row less where one says how many more there are.
    let first = state.view.inbox.scroll.min(all.saturating_sub(height));
    let is_cut = first + height < all;
    let height = height - usize::from(is_cut && height > 1);
    let lines = paper.lines.iter().skip(first).take(height);
    for (at, line) in lines.enumerate() {
        put_line(line, row(area, at), buffer);
    }
    if let Some(diff) = diff {
        let used = paper.lines.len().saturating_sub(first).min(height);
        let skip = first.saturating_sub(paper.lines.len());
        for (at, line) in diff.lines(look, skip, height - used).enumerate() {
            put_line(&line, row(area, used + at), buffer);
        }
    }
    if is_cut && area.height > 1 {
        let more = all - first - height;
        let text = format!(" {} {more} more lines: pgdn", look.glyph("↓", "v"));
        Words::new(look)
            .put(Role::Key, text)
            .draw(row(area, height), buffer);
    }
}

fn write(state: &State, shown: &InboxRow, paper: &mut Paper) {
    let known = shown.bottle().and_then(|bottle| state.fleet.get(bottle));
    match &shown.name {
        InboxName::Hold { bottle, hold } => {
            title(paper, bottle.id.as_str(), "held connection");
            if let Some(hold) = known.and_then(|known| known.hub.holds.get(hold)) {
                held(state, hold, paper);
            }
        }
        InboxName::Paused { bottle } => {
            title(paper, bottle.id.as_str(), "spent budget");
            let budgets = known.and_then(|known| known.hub.budgets.as_ref());
            let words = budgets.and_then(|budgets| pause_words(budgets, state.now));
            paper.say("paused", Role::Plain, &words.unwrap_or_default());
            paper.say("answer", Role::Faint, "a raises it, or refuses what waits");
        }
        InboxName::Locked { bottle } => {
            title(paper, bottle.id.as_str(), "locked egress");
            let words = known.map(list::missing).unwrap_or_default();
            paper.say("needs", Role::Plain, &words);
            paper.say(
                "answer",
                Role::Faint,
                "a looks them up, or asks you for them",
            );
        }
        InboxName::Same { .. } | InboxName::Request { .. } => {
            if let Some(first) = shown.requests.first()
                && let Some(record) = state.request(first)
            {
                asked(state, shown, first, record, paper);
            }
        }
    }
}

/// How a request was answered and what came of it, who asked for it and why: what is
/// known of it without a look at its bottle.
pub(in crate::ui) fn about(
    state: &State,
    look: Look,
    record: &RequestRecord,
    width: usize,
) -> Vec<Line<'static>> {
    let mut paper = Paper {
        look,
        width,
        lines: Vec::new(),
    };
    answer(record, &mut paper);
    if let RequestState::Applied { outcome, .. } = &record.state {
        paper.say("came", Role::Plain, &outcome.words);
    }
    if let Some(verdict) = record.state.verdict() {
        let when = match age(state.now, verdict.at).as_str() {
            "now" => String::from("by you, just now"),
            age => format!("by you, {age} ago"),
        };
        paper.say("when", Role::Plain, &when);
    }
    content(&record.ask, &mut paper);
    history(state, record, &mut paper);
    reason(record, &mut paper);
    paper.lines
}

fn title(paper: &mut Paper, name: &str, kind: &str) {
    let words = Words::new(paper.look).put(Role::Strong, format!(" {name}"));
    paper.push(words.also(Role::Wanting, kind));
}

fn held(state: &State, hold: &HoldRecord, paper: &mut Paper) {
    let left = hold.until.duration_since(state.now).as_secs().max(0);
    let waiting = match hold.waiting {
        0 | 1 => String::new(),
        several => format!(", {several} of them"),
    };
    paper.say("wants", Role::Plain, &format!("{}{waiting}", hold.words()));
    let words = format!("{left} s, then it is refused");
    paper.say("left", Role::Wanting, &words);
    paper.say("answer", Role::Faint, "a lets it through, or refuses it");
}

fn asked(
    state: &State,
    shown: &InboxRow,
    first: &RequestRef,
    record: &RequestRecord,
    paper: &mut Paper,
) {
    let inbox = &state.view.inbox;
    let kind = list::kind(&record.ask);
    match shown.requests.len() {
        0 | 1 => title(paper, &first.name(), &kind),
        count => title(paper, &format!("{count} bottles ask the same"), &kind),
    }
    if let Some(note) = inbox.notes.get(first) {
        paper.say("not done", Role::Broken, note);
    }
    if inbox.edited.is_some() {
        paper.say(
            "edited",
            Role::Wanting,
            "shown as you edited it, not as it was asked",
        );
    }
    answer(record, paper);
    under_way(state, first, record, paper);
    match inbox.looked.first().map(|looked| &looked.result) {
        None => paper.say("effect", Role::Faint, "looking it up"),
        Some(Err(why)) => paper.say("effect", Role::Broken, why),
        Some(Ok(look)) => effect(record, look, paper),
    }
    content(inbox.edited.as_deref().unwrap_or(&record.ask), paper);
    if let Some(look) = inbox.look() {
        findings(record, look, paper);
    }
    others(state, shown, paper);
    history(state, record, paper);
    reason(record, paper);
    if let Some(image) = inbox.look().and_then(|look| look.image.as_ref()) {
        paper.blank();
        let words = format!("Dockerfile {}, against {}", image.diff.words(), image.now);
        paper.say("change", Role::Strong, &words);
    }
}

/// How far it is being done, and the last of what its build says.
fn under_way(state: &State, first: &RequestRef, record: &RequestRecord, paper: &mut Paper) {
    let known = state.fleet.get(&first.bottle);
    let is_busy = state.view.inbox.busy.contains(first);
    let Some((known, operation)) =
        known.and_then(|known| Some((known, list::under_way(known, record, is_busy)?)))
    else {
        return;
    };
    let progress = output::progress(paper.look, operation);
    let words = format!("{} {progress}", known.phase.word());
    paper.say("now", Role::Busy, words.trim_end());
    if known.output.is_empty() {
        paper.say("", Role::Plain, &operation.what);
    }
    let last: Vec<&String> = known.output.iter().rev().take(LAST_LINES).collect();
    for line in last.into_iter().rev() {
        paper.quote(line);
    }
    if operation.can_cancel {
        paper.say("", Role::Faint, "c cancels it");
    }
}

fn effect(record: &RequestRecord, look: &RequestLook, paper: &mut Paper) {
    let is_pending = matches!(record.state, RequestState::Pending);
    if !matches!(record.ask, Ask::Question { .. }) {
        let role = if is_pending {
            Role::Strong
        } else {
            Role::Plain
        };
        paper.say("effect", role, &look.effect);
    }
    for (at, change) in look.changes.iter().enumerate() {
        let label = if at == 0 { "spec" } else { "" };
        paper.say(label, Role::Plain, change);
    }
    if is_pending && !look.has_step && record.ask.changes_the_bottle() {
        let words = "this version does not know how to grant it; approving says why";
        paper.say("", Role::Wanting, words);
    }
    for (at, beside) in look.beside.iter().enumerate() {
        let label = if at == 0 { "beside" } else { "" };
        paper.say(label, Role::Faint, beside);
    }
}

/// What no line of effect says whole.
fn content(ask: &Ask, paper: &mut Paper) {
    match ask {
        Ask::Question { text, choices } => {
            paper.say("asks", Role::Faint, "in the agent's own words:");
            paper.quote(text);
            for (number, choice) in (1..).zip(choices) {
                paper.quote(&format!("{number}. {choice}"));
            }
        }
        Ask::Packages { packages, .. } => {
            paper.say("packages", Role::Plain, &packages.join(" "));
        }
        Ask::ScanPass(_) => {
            paper.say("asks", Role::Plain, &ask.words());
            let words = "what was found is kept nowhere; a secret of the bottle never passes";
            paper.say("", Role::Faint, words);
        }
        Ask::Route(_) | Ask::Image { .. } | Ask::McpServer(_) => {}
    }
}

fn findings(record: &RequestRecord, look: &RequestLook, paper: &mut Paper) {
    if let Some(problem) = &look.unreadable {
        paper.say("refused", Role::Broken, &format!("failed to {problem}"));
    }
    if !matches!(record.state, RequestState::Pending) || !record.ask.changes_the_bottle() {
        return;
    }
    if look.findings.is_empty() && look.unreadable.is_none() {
        paper.say("found", Role::Faint, "nothing");
    }
    for (at, found) in look.findings.iter().take(MOST_FINDINGS).enumerate() {
        let label = if at == 0 { "found" } else { "" };
        let (role, words) = finding(paper.look, found);
        paper.say(label, role, &words);
    }
    if let Some(more) = look.findings.len().checked_sub(MOST_FINDINGS + 1) {
        let words = format!("and {} more, none of them worse", more + 1);
        paper.say("", Role::Faint, &words);
    }
}

/// A finding: a sign and a word for its severity, its line, its words.
fn finding(look: Look, found: &Finding) -> (Role, String) {
    let (role, sign, severity) = match found.severity {
        Severity::Note => (Role::Plain, "·", "note"),
        Severity::Warn => (Role::Wanting, "▲", "warning"),
        Severity::NeedsYes => (Role::Troubled, "⚑", "needs its own yes"),
        Severity::Refuse => (Role::Broken, "✕", "refused"),
    };
    let ascii = match found.severity {
        Severity::Note => "-",
        Severity::Warn => "^",
        Severity::NeedsYes => "!",
        Severity::Refuse => "x",
    };
    let (role, old) = if found.old {
        (Role::Faint, ", as before")
    } else {
        (role, "")
    };
    let line = found
        .line
        .map_or_else(String::new, |line| format!("line {line}: "));
    let sign = look.glyph(sign, ascii);
    (
        role,
        format!("{sign} {severity}{old}: {line}{}", found.words),
    )
}

/// The bottles of a row of several, and which of them differ from the first.
fn others(state: &State, shown: &InboxRow, paper: &mut Paper) {
    if shown.requests.len() < 2 {
        return;
    }
    let inbox = &state.view.inbox;
    let first = inbox.look();
    let named = shown.requests.iter().take(MOST_BOTTLES).enumerate();
    for (at, request) in named {
        let looked = inbox.looked.iter().find(|one| one.request == *request);
        let how = match looked.map(|looked| &looked.result) {
            None => String::new(),
            Some(Err(why)) => format!(": {why}"),
            Some(Ok(look)) => match first {
                Some(first) if first.effect != look.effect => format!(": {}", look.effect),
                Some(first) if first.findings != look.findings => {
                    format!(": {} findings, others than the first", look.findings.len())
                }
                _ => String::new(),
            },
        };
        let role = if how.is_empty() {
            Role::Plain
        } else {
            Role::Wanting
        };
        let note = inbox.notes.get(request);
        let note = note.map_or_else(String::new, |note| format!(" (not done: {note})"));
        let label = if at == 0 { "bottles" } else { "" };
        paper.say(label, role, &format!("{}{how}{note}", request.name()));
    }
    if let Some(more) = shown.requests.len().checked_sub(MOST_BOTTLES + 1) {
        paper.say("", Role::Plain, &format!("and {} more", more + 1));
    }
}

/// Who asked how often, and since when.
fn history(state: &State, record: &RequestRecord, paper: &mut Paper) {
    let who = match record.source {
        Source::Agent => "the agent",
        Source::Egress => "egress, for what it refused",
    };
    let times = match record.times {
        1 => String::from("once"),
        times => format!("{times} times"),
    };
    let first = age(state.now, record.first);
    let first = match first.as_str() {
        "now" => String::from("just now"),
        first => format!("{first} ago"),
    };
    let last = match record.times {
        1 => String::new(),
        _ => format!(", last {}", age(state.now, record.last)),
    };
    let words = format!("{times} by {who}, first {first}{last}");
    paper.say("asked", Role::Plain, &words);
}

fn reason(record: &RequestRecord, paper: &mut Paper) {
    // Nobody was there to give one.
    if record.source == Source::Egress {
        return;
    }
    if record.reason.trim().is_empty() {
        let who = "none was given";
        return paper.say("reason", Role::Faint, who);
    }
    paper.say(
        "reason",
        Role::Faint,
        "the agent's own words, which nobody checked:",
    );
    paper.quote(&record.reason);
}

/// How it was answered, if it was.
fn answer(record: &RequestRecord, paper: &mut Paper) {
    let state = &record.state;
    if matches!(state, RequestState::Pending) {
        return;
    }
    let mut words = state.word().to_owned();
    match state.verdict().map(|verdict| &verdict.answer) {
        Some(Answer::Approve { terms, edited }) => {
            words = format!("{words}; approved for {}", scope_words(terms.scope));
            if edited.is_some() {
                words.push_str(", edited");
            }
            if let Some(until) = terms.until {
                words = format!("{words}, until {until:.0}");
            }
            if let Some(uses) = terms.uses {
                words = format!("{words}, for {uses} requests");
            }
        }
        Some(Answer::Deny { reason }) if !reason.is_empty() => {
            words = format!("{words}: {reason}");
        }
        Some(Answer::Reply { text }) => words = format!("{words}: {text}"),
        Some(Answer::Deny { .. }) | None => {}
    }
    let role = if matches!(state, RequestState::Failed { .. }) {
        Role::Broken
    } else {
        Role::Plain
    };
    paper.say("answer", role, &words);
    if let RequestState::Failed { why, .. } = state {
        paper.say("failed", Role::Broken, why);
    }
    let read = match record.delivered {
        Some(_) => "the agent has read it",
        None => "the agent has not read it yet",
    };
    paper.say("", Role::Faint, read);
}
