//! What a model's answer says that it used, read as the answer passes.
//!
//! The answer is neither held back nor changed, and what is kept of it does not grow
//! with it: of the JSON inside, only the few fields asked for are kept. What a model
//! writes stands in JSON strings and so cannot be taken for its usage. An answer that
//! is corrupt, or says nothing of usage, counts for nothing.

mod events;
mod json;
#[cfg(test)]
mod tests;

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

use self::events::Events;
use self::json::{JsonReader, Kind, Said};
use super::sieve::coding;
use crate::scan::Unpacker;
use crate::wire::{AnswerUsage, Tokens};

/// Reads one answer.
#[derive(Debug)]
pub(in super::super) struct UsageReader {
    unpacker: Unpacker,
    form: Form,
    found: Found,
}

/// How an answer is written.
#[derive(Debug)]
enum Form {
    /// Server-sent events.
    Events(Events),
    /// One JSON value.
    Whole(JsonReader),
}

/// What was read so far.
#[derive(Debug, Default)]
struct Found {
    is_told: bool,
    model: String,
    counts: json::Counts,
}

impl UsageReader {
    /// Reads an answer with this head; nothing if it cannot be read.
    pub(in super::super) fn of(headers: &HeaderMap) -> Option<Box<Self>> {
        let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let form = match kind.to_ascii_lowercase().as_str() {
            "text/event-stream" => Form::Events(Events::default()),
            "application/json" => Form::Whole(JsonReader::default()),
            _ => return None,
        };
        let coding = coding(headers)?;
        Some(Box::new(Self {
            unpacker: Unpacker::new(coding),
            form,
            found: Found::default(),
        }))
    }

    /// Takes a piece of the answer as it came.
    pub(in super::super) fn feed(&mut self, piece: &[u8]) {
        let (form, found) = (&mut self.form, &mut self.found);
        self.unpacker.feed(piece, |plain| form.read(plain, found));
    }

    /// Ends the answer, whole or not, and gives what it said.
    pub(in super::super) fn finish(mut self: Box<Self>) -> Option<AnswerUsage> {
        let (form, found) = (&mut self.form, &mut self.found);
        self.unpacker.finish(|plain| form.read(plain, found));
        match form {
            Form::Events(events) => found.take_all(events.finish()),
            Form::Whole(json) => found.take_all(json.take()),
        }
        self.found.is_told.then(|| AnswerUsage {
            model: self.found.model,
            tokens: self.found.counts.tokens(),
        })
    }
}

impl Form {
    fn read(&mut self, plain: &[u8], found: &mut Found) {
        match self {
            Self::Events(events) => events.feed(plain, |said| found.take(said)),
            Self::Whole(json) => json.feed(plain),
        }
    }
}

impl Found {
    fn take_all(&mut self, said: Option<Said>) {
        if let Some(said) = said {
            self.take(said);
        }
    }

    /// Counts are told again as they grow, so the highest of each holds.
    fn take(&mut self, said: Said) {
        let part = match said.kind {
            Kind::MessageStart => said.message,
            Kind::Message | Kind::MessageDelta => said.whole,
            Kind::Other => return,
        };
        if self.model.is_empty() {
            self.model = part.model;
        }
        self.is_told |= part.has_usage;
        self.counts.raise(&part.counts);
    }
}

impl json::Counts {
    /// The tokens, each in one kind: what goes into a cache is told as a sum, of which
    /// that for an hour is a part.
    const fn tokens(&self) -> Tokens {
        Tokens {
            input: self.input,
            output: self.output,
            cache_write: self.cache_write.saturating_sub(self.cache_write_hour),
            cache_write_hour: self.cache_write_hour,
            cache_read: self.cache_read,
        }
    }
}
