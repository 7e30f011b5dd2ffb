//! `audit`: what was decided and done, whether the file is whole, and a report.

mod report;

use super::super::cellar::open_store;
use super::super::cli::{AuditArguments, AuditVerb};
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::printing;
use crate::request::Answer;
use crate::state::AuditKind;
use crate::store::{AuditEntry, AuditEvent, AuditOutcome, Pattern, Store};

pub(super) fn audit(out: &mut Output, arguments: AuditArguments) -> Result<Exit, Failure> {
    let store = open_store()?;
    match arguments.verb {
        None => list(out, &store, &arguments),
        Some(AuditVerb::Verify { json }) => verify(out, &store, json),
        Some(AuditVerb::Report { bottle }) => {
            let text = report::report(&entries(&store)?, &bottle)?;
            for line in text.lines() {
                out.line(line).map_err(printing)?;
            }
            Ok(Exit::Done)
        }
    }
}

fn entries(store: &Store) -> Result<Vec<AuditEntry>, Failure> {
    store
        .audit()
        .entries()
        .map_err(|error| Failure::new("read the audit", &error))
}

fn list(out: &mut Output, store: &Store, arguments: &AuditArguments) -> Result<Exit, Failure> {
    let mut entries = entries(store)?;
    if let Some(bottle) = &arguments.bottle {
        entries.retain(|entry| entry.bottle.as_str().starts_with(bottle.as_str()));
    }
    if let Some(pattern) = arguments.grep.as_deref().and_then(Pattern::new) {
        entries.retain(|entry| pattern.is_in(&line(entry)));
    }
    if let Some(last) = arguments.tail {
        let surplus = entries.len().saturating_sub(last);
        entries.drain(..surplus);
    }
    if arguments.json {
        for entry in &entries {
            out.json_line(entry).map_err(printing)?;
        }
        return Ok(Exit::Done);
    }
    if entries.is_empty() {
        out.line("the audit has no entries for this")
            .map_err(printing)?;
        return Ok(Exit::Done);
    }
    let row = |entry: &AuditEntry| {
        vec![
            entry.seq.to_string(),
            format!("{:.0}", entry.at),
            entry.bottle.to_string(),
            words(&entry.event),
        ]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    out.table(&["ENTRY", "WHEN", "BOTTLE", "WHAT"], &rows)
        .map_err(printing)?;
    Ok(Exit::Done)
}

/// What `audit verify --json` prints.
#[derive(serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Verified<'a> {
    /// Whether nothing was taken out, put in or changed.
    whole: bool,
    /// The last entry; none where there is none, or the chain is broken.
    head: Option<&'a crate::store::AuditHead>,
    /// Where it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

fn verify(out: &mut Output, store: &Store, is_json: bool) -> Result<Exit, Failure> {
    let attempt = "verify the audit";
    let checked = store
        .audit()
        .verify()
        .map_err(|error| Failure::new(attempt, &error))?;
    let head = match checked {
        Ok(head) => head,
        Err(fault) if is_json => {
            let told = Verified {
                whole: false,
                head: None,
                why: Some(fault.to_string()),
            };
            out.json(&told).map_err(printing)?;
            return Ok(Exit::Failed);
        }
        Err(fault) => {
            return Err(Failure::new(attempt, &fault).help(
                "somebody changed the file or its disk did; compare it with a copy of yours",
            ));
        }
    };
    if is_json {
        let told = Verified {
            whole: true,
            head: head.as_ref(),
            why: None,
        };
        out.json(&told).map_err(printing)?;
    } else {
        let line = head.map_or_else(
            || String::from("the audit is empty"),
            |head| format!("whole: {} entries, head {}", head.seq, head.hash),
        );
        out.line(&line).map_err(printing)?;
    }
    Ok(Exit::Done)
}

/// What happened, in words.
pub(in crate::app) fn words(event: &AuditEvent) -> String {
    match event {
        AuditEvent::Start { spec, outcome } => {
            format!("start {}, {}", spec.short(), ended(outcome))
        }
        AuditEvent::Resume { spec, outcome } => {
            format!("resume {}, {}", spec.short(), ended(outcome))
        }
        AuditEvent::Seal { holds: true, .. } => String::from("seal holds"),
        AuditEvent::Seal { broken, .. } => format!("seal broken: {}", broken.join(", ")),
        AuditEvent::Stop => String::from("stop"),
        AuditEvent::Remove => String::from("remove"),
        AuditEvent::Freeze { in_panic } => with_all("freeze", *in_panic),
        AuditEvent::Unfreeze { in_panic } => with_all("unfreeze", *in_panic),
        AuditEvent::Cut { in_panic } => with_all("cut egress", *in_panic),
        AuditEvent::Reconnect { in_panic } => with_all("reconnect egress", *in_panic),
        AuditEvent::Revision {
            revision,
            why,
            words,
            ..
        } => format!(
            "revision {revision} by {}: {}",
            why.words(),
            words.join("; ")
        ),
        AuditEvent::Verdict {
            request,
            kind,
            verdict,
            ..
        } => format!("request {request} ({kind}) {}", answered(verdict)),
        AuditEvent::Manifest {
            request,
            file,
            words,
        } => format!("request {request} into {file}: {words}"),
        AuditEvent::HoldRefused { host, port } => format!("refused {host}:{port}"),
        AuditEvent::BudgetsRefused { budgets } => {
            format!("refused to raise {}", budgets.join(", "))
        }
        AuditEvent::Unlock { secrets } => format!("unlock {}", secrets.join(", ")),
        AuditEvent::Send => String::from("send"),
        AuditEvent::Attach { typed: true } => String::from("attach"),
        AuditEvent::Attach { typed: false } => String::from("watch"),
    }
}

/// An entry in the line that filters look at.
pub(in crate::app) fn line(entry: &AuditEntry) -> String {
    format!("{:.0} {} {}", entry.at, entry.bottle, words(&entry.event))
}

/// What kind of thing it is, for the eye.
pub(in crate::app) const fn kind(event: &AuditEvent) -> AuditKind {
    match event {
        AuditEvent::Start {
            outcome: AuditOutcome::Failed { .. },
            ..
        }
        | AuditEvent::Resume {
            outcome: AuditOutcome::Failed { .. },
            ..
        }
        | AuditEvent::Seal { holds: false, .. } => AuditKind::Trouble,
        AuditEvent::Start { .. }
        | AuditEvent::Resume { .. }
        | AuditEvent::Seal { .. }
        | AuditEvent::Stop
        | AuditEvent::Remove
        | AuditEvent::Freeze { .. }
        | AuditEvent::Unfreeze { .. }
        | AuditEvent::Cut { .. }
        | AuditEvent::Reconnect { .. } => AuditKind::Life,
        AuditEvent::Revision { .. } | AuditEvent::Manifest { .. } => AuditKind::Change,
        AuditEvent::Verdict {
            verdict: Answer::Deny { .. },
            ..
        }
        | AuditEvent::HoldRefused { .. }
        | AuditEvent::BudgetsRefused { .. } => AuditKind::No,
        AuditEvent::Verdict { .. } => AuditKind::Yes,
        AuditEvent::Unlock { .. } | AuditEvent::Send | AuditEvent::Attach { .. } => {
            AuditKind::Access
        }
    }
}

/// What was done to one bottle, or to all at once.
fn with_all(what: &str, in_panic: bool) -> String {
    let all = if in_panic { ", in a panic" } else { "" };
    format!("{what}{all}")
}

fn ended(outcome: &AuditOutcome) -> String {
    match outcome {
        AuditOutcome::Done => String::from("ready"),
        AuditOutcome::Failed { why } => format!("failed: {why}"),
    }
}

fn answered(answer: &Answer) -> String {
    match answer {
        Answer::Approve { edited: None, .. } => String::from("approved"),
        Answer::Approve { .. } => String::from("approved, edited"),
        Answer::Deny { reason } if reason.is_empty() => String::from("denied"),
        Answer::Deny { reason } => format!("denied: {reason}"),
        Answer::Reply { text } => format!("answered: {text}"),
    }
}
