//! What was decided and done, read from the disk for the operator's eyes.

use crate::app::verbs::audit_words;
use crate::spec::BottleId;
use crate::state::{BottleRef, Event};
use crate::store::{AuditEntry, Store, StoreError};

use super::Console;

/// Entries that are shown; `cellar audit` prints all.
const SHOWN: usize = 500;
/// The task that reads.
const NAME: &str = "audit";

impl Console<'_> {
    /// Reads the audit of some bottles, or of all, on a thread for that.
    pub(super) fn read_audit(&mut self, of: Vec<BottleRef>) {
        let store = self.cellar.store.clone();
        let events = self.events.clone();
        self.tasks.start(String::from(NAME), None, async move {
            let of: Vec<BottleId> = of.into_iter().map(|bottle| bottle.id).collect();
            let read = tokio::task::spawn_blocking(move || read(&store, &of));
            let event = match read.await {
                Ok(Ok((title, text))) => Event::AuditRead { title, text },
                Ok(Err(error)) => Event::Note {
                    text: format!("failed to read the audit: {error}"),
                },
                // The thread broke, which its own report says.
                Err(_) => return,
            };
            // A console that is gone needs no news.
            drop(events.send(event).await);
        });
    }
}

fn read(store: &Store, of: &[BottleId]) -> Result<(String, String), StoreError> {
    let audit = store.audit();
    let whole = match audit.verify()? {
        Ok(_) => String::from("whole"),
        Err(fault) => format!("NOT WHOLE: {fault}"),
    };
    let mut entries = audit.entries()?;
    entries.retain(|entry| of.is_empty() || of.contains(&entry.bottle));
    let title = match entries.len() {
        0 => format!("Audit: no entries, {whole}"),
        1 => format!("Audit: 1 entry, {whole}"),
        count => format!("Audit: {count} entries, {whole}"),
    };
    Ok((title, text(&entries)))
}

/// The last entries, newest first, with what is left out.
fn text(entries: &[AuditEntry]) -> String {
    let zone = jiff::tz::TimeZone::system();
    let lines = entries.iter().rev().take(SHOWN).map(|entry| {
        let at = entry.at.to_zoned(zone.clone());
        let at = at.strftime("%m-%d %H:%M:%S");
        format!("{at}  {}  {}", entry.bottle, audit_words(&entry.event))
    });
    let mut lines: Vec<String> = lines.collect();
    let left = entries.len().saturating_sub(SHOWN);
    if left > 0 {
        lines.push(format!(
            "… and {left} earlier ones: `cellar audit` prints them"
        ));
    }
    lines.join("\n")
}
