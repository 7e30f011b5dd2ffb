//! How a request stands, in words for a model.

use crate::pty::one_line;
use crate::request::{Answer, Ask, RequestRecord, RequestState, Scope, Source, Terms, Verdict};

/// How much of what was asked for is said again.
const MAX_ASK_CHARS: usize = 300;

/// Whether the words tell an end that the agent has not read yet.
pub(super) const fn is_news(record: &RequestRecord) -> bool {
    record.state.is_over() && record.delivered.is_none()
}

/// What is asked for, in one short line.
pub(super) fn ask(ask: &Ask) -> String {
    let words = one_line(&ask.words());
    let mut short: String = words.chars().take(MAX_ASK_CHARS).collect();
    if words.chars().nth(MAX_ASK_CHARS).is_some() {
        short.push('…');
    }
    short
}

/// How a request stands, and what that means.
pub(super) fn of(record: &RequestRecord) -> String {
    let by = match record.source {
        Source::Agent => "",
        Source::Egress => ", which the proxy filed for what it refused,",
    };
    let head = format!("Request {} ({}){by}", record.id, ask(&record.ask));
    let state = match &record.state {
        RequestState::Pending => {
            let times = match record.times {
                1 => String::new(),
                times => format!(", and was asked {times} times"),
            };
            format!(
                "is pending: the operator has not answered yet. It waits since {}{times}. Nothing is granted by time; go on with other work, or wait again with await_request.",
                record.first.strftime("%Y-%m-%d %H:%M UTC")
            )
        }
        RequestState::Approved { verdict } => format!(
            "is approved{}, and not yet in force: wait again with await_request.",
            terms(record, verdict)
        ),
        RequestState::Applying { verdict } => format!(
            "is approved{}, and the bottle is being changed right now: wait again with await_request.",
            terms(record, verdict)
        ),
        RequestState::Applied { verdict, outcome } => format!(
            "is approved{} and applied: it is in force since revision {} of this bottle ({}).",
            terms(record, verdict),
            outcome.revision,
            outcome.words
        ),
        RequestState::Failed { verdict, why, .. } => format!(
            "was approved{}, but could not be applied: {why}. The bottle is as it was. Ask again only with something else.",
            terms(record, verdict)
        ),
        RequestState::Undone { outcome, .. } => format!(
            "was approved and applied in revision {}, and the operator has taken it back since: it is not in force any more.",
            outcome.revision
        ),
        RequestState::Answered { verdict } => match &verdict.answer {
            Answer::Reply { text } => format!("is answered. The operator says: {text}"),
            Answer::Approve { .. } | Answer::Deny { .. } => String::from("is answered."),
        },
        RequestState::Denied { verdict } => denied(verdict),
        RequestState::Expired { .. } => {
            String::from("has expired: nobody answered in time, and nothing was granted.")
        }
        RequestState::Withdrawn { .. } if record.source == Source::Egress => String::from(
            "is taken back: a route lets it out by now, or a request of your own asks for it.",
        ),
        RequestState::Withdrawn { .. } => String::from(
            "is withdrawn: nothing was granted, and the operator is not asked any more.",
        ),
    };
    format!("{head} {state}")
}

fn denied(verdict: &Verdict) -> String {
    let said = match &verdict.answer {
        Answer::Deny { reason } if !reason.trim().is_empty() => {
            format!("The operator says: {reason}")
        }
        Answer::Deny { .. } | Answer::Approve { .. } | Answer::Reply { .. } => {
            String::from("The operator gave no reason.")
        }
    };
    format!("is denied. {said}\nDo without it; ask again only if something has changed.")
}

/// On which terms, and edited to what.
fn terms(record: &RequestRecord, verdict: &Verdict) -> String {
    let Answer::Approve { terms, edited } = &verdict.answer else {
        return String::new();
    };
    let Terms { scope, until, uses } = terms;
    let scope = match scope {
        Scope::Bottle => " for this bottle",
        Scope::Manifest => " for this bottle and later ones",
    };
    let until = until.map(|until| format!(", until {}", until.strftime("%Y-%m-%d %H:%M UTC")));
    let uses = uses.map(|uses| format!(", for {uses} requests at most"));
    let edited = edited.as_ref().filter(|edited| **edited != record.ask);
    let edited = edited.map(|edited| format!(", but changed by the operator to: {}", ask(edited)));
    let parts = [until, uses, edited].into_iter().flatten();
    std::iter::once(scope.to_owned()).chain(parts).collect()
}
