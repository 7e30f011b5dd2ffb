//! What sessions want in the operator's clipboard: asked for where the bottle's spec
//! lets them ask, and written there only after a yes to that very text.

use super::Console;
use crate::spec::Clipboard;
use crate::state::{BottleRef, ClipboardAsk, Event};

/// How much of a text the question shows.
const BEGIN_CHARS: usize = 240;

/// A text that waits for the operator.
#[derive(Debug)]
pub(super) struct Wanted {
    bottle: BottleRef,
    ticket: u64,
    text: String,
}

impl Console<'_> {
    /// Whether the bottle's session may ask. Reading a small file takes less than a frame.
    pub(super) fn may_ask_for_clipboard(&self, bottle: &BottleRef) -> bool {
        let record = self.cellar.store.record(&bottle.id);
        record.is_ok_and(|record| record.spec.clipboard == Clipboard::Ask)
    }

    /// An attached session whose bottle may ask wants this in the clipboard. Only the last
    /// text waits.
    pub(super) fn ask_for_clipboard(
        &mut self,
        bottle: BottleRef,
        text: String,
    ) -> std::io::Result<()> {
        self.operations += 1;
        let ticket = self.operations;
        let ask = ClipboardAsk {
            bottle: bottle.clone(),
            ticket,
            begin: text.chars().take(BEGIN_CHARS).collect(),
            bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
        };
        self.wanted = Some(Wanted {
            bottle,
            ticket,
            text,
        });
        self.take(Event::ClipboardAsked { ask })
    }

    /// The session that has the whole terminal wants this.
    pub(super) fn take_copied(&mut self, text: String) -> std::io::Result<()> {
        match &self.full {
            Some((bottle, _)) => self.ask_for_clipboard(bottle.clone(), text),
            None => Ok(()),
        }
    }

    /// The session in the pane may want something.
    pub(super) fn look_for_copied(&mut self) -> std::io::Result<()> {
        let Some(shown) = &mut self.shown else {
            return Ok(());
        };
        let text = shown.peer.take_clipboard().filter(|_| shown.may_copy);
        match text.map(|text| (shown.bottle.clone(), text)) {
            Some((bottle, text)) => self.ask_for_clipboard(bottle, text),
            None => Ok(()),
        }
    }

    /// The operator said yes to this text.
    pub(super) fn write_clipboard(
        &mut self,
        bottle: &BottleRef,
        ticket: u64,
    ) -> std::io::Result<()> {
        let is_it = |wanted: &mut Wanted| wanted.bottle == *bottle && wanted.ticket == ticket;
        match self.wanted.take_if(is_it) {
            Some(wanted) => self.copy(wanted.text),
            None => self.take(Event::Note {
                text: String::from("the session wants another text by now; nothing was copied"),
            }),
        }
    }
}
