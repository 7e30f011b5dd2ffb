//! What was decided and done, read from the disk for the operator's eyes: in one pass that
//! tells entries and checks the chain, and from then on only what is added.
//!
//! Of the file a window of entries is in memory, and where every so many of those that
//! pass begin, so that any other window is found without reading all again.

use std::sync::{Arc, Mutex, PoisonError};

use super::Console;
use crate::app::verbs::{audit_kind, audit_words};
use crate::pty::one_line;
use crate::spec::BottleId;
use crate::state::{AUDIT_WINDOW, AuditLook, AuditRow, AuditWish, Event};
use crate::store::{AuditEntry, AuditReader, Pattern, Store, StoreError};

/// The task that reads.
const NAME: &str = "audit";
/// Of how many entries that pass the place of one is kept.
const STRIDE: u64 = 256;
/// Characters that are kept of what happened in one line, and of each fact.
const WORDS: usize = 400;
const FACT: usize = 4_000;

/// What was read so far, for one look.
#[derive(Debug)]
struct Desk {
    ticket: u64,
    of: Vec<BottleId>,
    filter: Option<Pattern>,
    reader: AuditReader,
    entries: u64,
    passing: u64,
    /// Where every [`STRIDE`]th entry that passes begins.
    places: Vec<u64>,
}

/// The desk, which one thread at a time reads at.
#[derive(Clone, Debug, Default)]
pub(super) struct AuditDesk(Arc<Mutex<Option<Desk>>>);

impl Console<'_> {
    /// Reads the audit, on a thread for that.
    pub(super) fn read_audit(&mut self, ticket: u64, wish: AuditWish) {
        let (store, desk) = (self.cellar.store.clone(), self.audit.clone());
        let events = self.events.clone();
        self.tasks.start(String::from(NAME), None, async move {
            let reading = tokio::task::spawn_blocking(move || desk.look(&store, ticket, &wish));
            // Where the thread broke, its own report says so.
            if let Ok(read) = reading.await {
                let result = read.map_err(|error| format!("failed to {error}"));
                let event = Event::AuditRead { ticket, result };
                // A console that is gone needs no news.
                drop(events.send(event).await);
            }
        });
    }
}

impl AuditDesk {
    /// What is wanted, or nothing if the same look was told already and nothing was added.
    fn look(
        &self,
        store: &Store,
        ticket: u64,
        wish: &AuditWish,
    ) -> Result<Option<Box<AuditLook>>, StoreError> {
        let mut desk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = match desk.as_ref() {
            Some(there) => there.is_for(wish) && !there.reader.is_another()?,
            None => false,
        };
        if !is_same {
            *desk = None;
        }
        let desk = desk.get_or_insert_with(|| Desk::of(store, wish));
        let before = desk.entries;
        desk.read_on()?;
        if is_same && desk.ticket == ticket && desk.entries == before {
            return Ok(None);
        }
        let look = desk.window(wish.first)?;
        // Only what was told counts as told.
        desk.ticket = ticket;
        Ok(Some(Box::new(look)))
    }
}

impl Desk {
    fn of(store: &Store, wish: &AuditWish) -> Self {
        Self {
            ticket: 0,
            of: wish.of.iter().map(|bottle| bottle.id.clone()).collect(),
            filter: Pattern::new(&wish.filter),
            reader: store.audit().reader(),
            entries: 0,
            passing: 0,
            places: Vec::new(),
        }
    }

    fn is_for(&self, wish: &AuditWish) -> bool {
        let filter = self.filter.as_ref().map_or("", Pattern::text);
        filter == wish.filter && wish.of.iter().map(|bottle| &bottle.id).eq(&self.of)
    }

    fn read_on(&mut self) -> Result<(), StoreError> {
        let Self {
            of,
            filter,
            reader,
            entries,
            passing,
            places,
            ..
        } = self;
        reader.read_on(&mut |at, entry| {
            *entries += 1;
            if passes(of, filter.as_ref(), &entry) {
                if passing.is_multiple_of(STRIDE) {
                    places.push(at);
                }
                *passing += 1;
            }
        })
    }

    /// The window from a place on, or the last one.
    fn window(&self, first: Option<u64>) -> Result<AuditLook, StoreError> {
        let last = self.passing.saturating_sub(AUDIT_WINDOW);
        let first = first.map_or(last, |first| first.min(last));
        let mut rows = Vec::new();
        let stride = first / STRIDE;
        let place = usize::try_from(stride).ok();
        if let Some(offset) = place.and_then(|place| self.places.get(place)) {
            let mut skip = first - stride * STRIDE;
            self.reader.read_from(*offset, &mut |entry| {
                if !passes(&self.of, self.filter.as_ref(), &entry) {
                    return true;
                }
                if skip > 0 {
                    skip -= 1;
                    return true;
                }
                rows.push(row(&entry));
                (rows.len() as u64) < AUDIT_WINDOW
            })?;
        }
        let fault = self.reader.standing().err();
        Ok(AuditLook {
            first,
            rows,
            passing: self.passing,
            entries: self.entries,
            fault: fault.map(|fault| fault.to_string()),
            is_plain: self.filter.as_ref().is_some_and(Pattern::is_plain),
        })
    }
}

fn passes(of: &[BottleId], filter: Option<&Pattern>, entry: &AuditEntry) -> bool {
    let is_meant = of.is_empty() || of.contains(&entry.bottle);
    is_meant && filter.is_none_or(|filter| filter.is_in(&crate::app::verbs::audit_line(entry)))
}

fn row(entry: &AuditEntry) -> AuditRow {
    let words = one_line(&audit_words(&entry.event));
    AuditRow {
        seq: entry.seq,
        at: entry.at,
        bottle: entry.bottle.to_string(),
        kind: audit_kind(&entry.event),
        words: words.chars().take(WORDS).collect(),
        facts: facts(entry, &words),
    }
}

/// All that the entry says, the words first and then each field of it.
fn facts(entry: &AuditEntry, words: &str) -> Vec<(String, String)> {
    let mut facts = vec![
        (String::from("what"), words.to_owned()),
        (String::from("bottle"), entry.bottle.to_string()),
        (String::from("when"), format!("{:.0}", entry.at)),
    ];
    let fields = serde_json::to_value(&entry.event).unwrap_or_default();
    for (name, value) in fields.as_object().into_iter().flatten() {
        let text = value.as_str();
        let text = text.map_or_else(|| value.to_string(), str::to_owned);
        facts.push((name.clone(), one_line(&text)));
    }
    facts.push((String::from("previous"), entry.previous.to_string()));
    for (_, value) in &mut facts {
        if value.chars().count() > FACT {
            *value = value.chars().take(FACT).chain(['…']).collect();
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{BottleRef, EngineId};
    use crate::store::AuditEvent;

    fn id(number: usize) -> BottleId {
        BottleId::parse(&format!("api-{number}")).unwrap()
    }

    fn wish(of: &[usize], filter: &str, first: Option<u64>) -> AuditWish {
        let of = of.iter().map(|number| BottleRef {
            engine: EngineId(String::from("local")),
            id: id(*number),
        });
        AuditWish {
            of: of.collect(),
            filter: filter.to_owned(),
            first,
        }
    }

    fn filled(count: usize) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        add(&store, 0, count);
        (folder, store)
    }

    fn add(store: &Store, from: usize, count: usize) {
        for number in from..from + count {
            let event = AuditEvent::HoldRefused {
                host: format!("h{number}.test"),
                port: 443,
            };
            store.audit().append(&id(number % 3), event).unwrap();
        }
    }

    fn look(desk: &AuditDesk, store: &Store, ticket: u64, wish: &AuditWish) -> AuditLook {
        *desk.look(store, ticket, wish).unwrap().unwrap()
    }

    #[test]
    fn any_window_is_reached_and_no_more_is_kept() {
        let (_folder, store) = filled(1_100);
        let desk = AuditDesk::default();
        let last = look(&desk, &store, 1, &wish(&[], "", None));
        assert_eq!(
            (last.first, last.passing, last.entries),
            (700, 1_100, 1_100)
        );
        assert_eq!(last.rows.len(), 400);
        assert_eq!(last.rows.last().unwrap().seq, 1_100);
        assert_eq!(last.fault, None);
        for (ticket, first) in (2..).zip([0, 255, 256, 300, 699]) {
            let there = look(&desk, &store, ticket, &wish(&[], "", Some(first)));
            assert_eq!(there.rows.first().unwrap().seq, first + 1);
            assert_eq!(there.rows.len(), 400);
        }
        let beyond = look(&desk, &store, 9, &wish(&[], "", Some(5_000)));
        assert_eq!(beyond.first, 700);
    }

    #[test]
    fn entries_pass_by_bottle_words_and_expressions() {
        let (_folder, store) = filled(900);
        let desk = AuditDesk::default();
        let passing = |ticket, wish: &AuditWish| look(&desk, &store, ticket, wish).passing;
        assert_eq!(passing(1, &wish(&[0], "", None)), 300);
        assert_eq!(passing(2, &wish(&[0, 2], "", None)), 600);
        assert_eq!(passing(3, &wish(&[], r"h1\d\.test", None)), 10);
        let plain = look(&desk, &store, 4, &wish(&[], "h1[", None));
        assert!(plain.is_plain && plain.passing == 0, "{plain:?}");
        assert_eq!(passing(5, &wish(&[1], "REFUSED H4", None)), 0);
        assert_eq!(passing(6, &wish(&[1], "refused h4\\.", None)), 1);
        // Places count among those that pass.
        let there = look(&desk, &store, 7, &wish(&[0], "", Some(270)));
        assert_eq!(there.first, 0, "300 fit into one window");
        assert_eq!(there.rows.len(), 300);
    }

    #[test]
    fn what_is_added_is_told_and_nothing_twice() {
        let (folder, store) = filled(5);
        let desk = AuditDesk::default();
        let all = wish(&[], "", None);
        look(&desk, &store, 1, &all);
        assert_eq!(desk.look(&store, 1, &all).unwrap(), None);
        add(&store, 5, 2);
        assert_eq!(look(&desk, &store, 1, &all).rows.len(), 7);
        // A file that somebody cut is read anew, and is not whole.
        let path = folder.path().join("audit.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        let kept: Vec<&str> = text.lines().take(3).collect();
        std::fs::write(&path, format!("{}\n", kept.join("\n"))).unwrap();
        let cut = look(&desk, &store, 1, &all);
        assert_eq!(cut.rows.len(), 3);
        assert!(cut.fault.unwrap().contains("lines were cut"));
    }
}
