//! Server-sent events, of which only the data is read: WHATWG HTML, section 9.2.

use super::json::{JsonReader, Said};

const DATA: &[u8] = b"data:";

/// Splits a stream into events and reads the JSON of each.
#[derive(Debug, Default)]
pub(super) struct Events {
    place: Place,
    /// Whether a line feed would belong to the line end before it.
    was_return: bool,
    json: JsonReader,
}

/// Where in a line the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// So many bytes of [`DATA`] were seen.
    Name(usize),
    /// Behind the colon, where a space does not count.
    Colon,
    /// In the data.
    Data,
    /// In a line of something else.
    Other,
}

impl Default for Place {
    fn default() -> Self {
        Self::Name(0)
    }
}

impl Events {
    /// Takes a piece and tells what the events that end in it say.
    pub(super) fn feed(&mut self, mut piece: &[u8], mut tell: impl FnMut(Said)) {
        while let Some((byte, rest)) = piece.split_first() {
            let is_end = matches!(byte, b'\n' | b'\r');
            if std::mem::take(&mut self.was_return) && *byte == b'\n' {
                piece = rest;
                continue;
            }
            if is_end {
                self.was_return = *byte == b'\r';
                self.end_line(&mut tell);
                piece = rest;
                continue;
            }
            piece = match self.place {
                Place::Name(seen) => {
                    self.place = match DATA.get(seen) {
                        Some(due) if due != byte => Place::Other,
                        _ if seen + 1 == DATA.len() => Place::Colon,
                        _ => Place::Name(seen + 1),
                    };
                    rest
                }
                Place::Colon => {
                    self.place = Place::Data;
                    if *byte == b' ' { rest } else { piece }
                }
                Place::Data | Place::Other => {
                    let end = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                    let (line, rest) = piece.split_at(end.unwrap_or(piece.len()));
                    if self.place == Place::Data {
                        self.json.feed(line);
                    }
                    rest
                }
            };
        }
    }

    /// Ends the stream; an event that was not ended counts if its data is whole.
    pub(super) fn finish(&mut self) -> Option<Said> {
        self.json.take()
    }

    /// What reads the event.
    #[cfg(test)]
    pub(super) const fn json(&self) -> &JsonReader {
        &self.json
    }

    fn end_line(&mut self, tell: &mut impl FnMut(Said)) {
        if self.place == Place::Name(0)
            && let Some(said) = self.json.take()
        {
            tell(said);
        }
        if matches!(self.place, Place::Data | Place::Colon) {
            self.json.feed(b"\n");
        }
        self.place = Place::default();
    }
}
