//! One bottle's story in Markdown: what it asked, what it got, what was done to it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::super::exit::{Exit, Failure};
use super::{ended, words};
use crate::pty::one_line;
use crate::store::{AuditEntry, AuditEvent};

/// Writes the report of the one bottle whose id begins so.
///
/// # Errors
/// [`Failure`] if the audit names none or several.
pub(super) fn report(entries: &[AuditEntry], bottle: &str) -> Result<String, Failure> {
    let attempt = || format!("report on `{bottle}`");
    let of: Vec<&AuditEntry> = entries
        .iter()
        .filter(|entry| entry.bottle.as_str().starts_with(bottle))
        .collect();
    let ids: BTreeSet<&str> = of.iter().map(|entry| entry.bottle.as_str()).collect();
    let mut ids = ids.into_iter();
    let id = match (ids.next(), ids.next()) {
        (Some(id), None) => id,
        (None, _) => {
            return Err(
                Failure::because(attempt(), "the audit names no such bottle")
                    .help("`cellar audit` lists what it holds"),
            );
        }
        (Some(one), Some(other)) => {
            let why = format!("several begin so: {one}, {other}");
            return Err(Failure::because(attempt(), why)
                .help("type more of the name")
                .exit(Exit::Usage));
        }
    };
    Ok(text(id, &of))
}

fn text(id: &str, entries: &[&AuditEntry]) -> String {
    let mut text = format!("# {id}\n");
    section(&mut text, "Life", entries, |event| match event {
        AuditEvent::Start { outcome, .. } => Some(format!("started: {}", ended(outcome))),
        AuditEvent::Resume { outcome, .. } => Some(format!("resumed: {}", ended(outcome))),
        AuditEvent::Seal { .. }
        | AuditEvent::Stop
        | AuditEvent::Remove
        | AuditEvent::Freeze { .. }
        | AuditEvent::Unfreeze { .. }
        | AuditEvent::Cut { .. }
        | AuditEvent::Reconnect { .. } => Some(words(event)),
        AuditEvent::Revision { .. }
        | AuditEvent::Verdict { .. }
        | AuditEvent::Manifest { .. }
        | AuditEvent::HoldRefused { .. }
        | AuditEvent::BudgetsRefused { .. }
        | AuditEvent::Unlock { .. }
        | AuditEvent::Send
        | AuditEvent::Attach { .. } => None,
    });
    section(&mut text, "Answered requests", entries, |event| {
        matches!(event, AuditEvent::Verdict { .. }).then(|| words(event))
    });
    section(&mut text, "Changes", entries, |event| {
        let is_change = |event: &AuditEvent| {
            matches!(
                event,
                AuditEvent::Revision { .. } | AuditEvent::Manifest { .. }
            )
        };
        is_change(event).then(|| words(event))
    });
    section(&mut text, "Refused connections", entries, |event| {
        matches!(event, AuditEvent::HoldRefused { .. }).then(|| words(event))
    });
    section(&mut text, "Refused budgets", entries, |event| {
        matches!(event, AuditEvent::BudgetsRefused { .. }).then(|| words(event))
    });
    section(&mut text, "Who was there", entries, |event| {
        matches!(event, AuditEvent::Attach { .. } | AuditEvent::Unlock { .. }).then(|| words(event))
    });
    text
}

fn section(
    text: &mut String,
    title: &str,
    entries: &[&AuditEntry],
    line: impl Fn(&AuditEvent) -> Option<String>,
) {
    let lines = entries.iter().filter_map(|entry| {
        let words = line(&entry.event)?;
        Some(format!("- {:.0}: {}\n", entry.at, plain(&words)))
    });
    let lines: String = lines.collect();
    if !lines.is_empty() {
        // Writing to a string cannot fail.
        let _written = write!(text, "\n## {title}\n\n{lines}");
    }
}

/// Text that Markdown takes for nothing else.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for character in one_line(text).chars() {
        if matches!(
            character,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|'
        ) {
            plain.push('\\');
        }
        plain.push(character);
    }
    plain
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::spec::{BottleId, Digest};

    #[test]
    fn what_others_wrote_stays_text() {
        let entry = |event| AuditEntry {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            bottle: BottleId::parse("api-k3x9q").unwrap(),
            event,
            previous: Digest::of(b""),
        };
        let entries = [
            entry(AuditEvent::HoldRefused {
                host: String::from("[x](http://evil)\u{1b}[2J"),
                port: 443,
            }),
            entry(AuditEvent::BudgetsRefused {
                budgets: vec![String::from("$5.00 per hour")],
            }),
            entry(AuditEvent::Stop),
        ];
        let text = report(&entries, "api").unwrap();
        assert!(text.contains("\\[x\\](http://evil)"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.contains("5.00 per hour"), "{text}");
        assert!(
            text.contains("## Life\n\n- 1970-01-01T00:00:00Z: stop"),
            "{text}"
        );
        assert!(report(&entries, "web").is_err());
    }
}
