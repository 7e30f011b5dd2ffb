//! The few fields of a JSON text that tell of usage, found as the text passes.
//!
//! It follows the text's structure byte by byte and keeps a field's name or value only
//! where one may be of use, and only so much of it. Whatever is nested in anything else
//! is counted through, to any depth, without memory. A text that is not JSON is given
//! up; one that a strict reader would not take may pass.

/// The longest name of a field and of a model that is kept.
const MAX_KEPT_BYTES: usize = 64;
/// A count above this is no count: a prompt has a million tokens.
const MAX_COUNT: u64 = 1 << 40;

/// What a JSON text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// What its `type` is.
    pub(super) kind: Kind,
    /// What stands at its top.
    pub(super) whole: Part,
    /// What stands in its `message`.
    pub(super) message: Part,
}

/// A type of message or event that tells of usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole answer.
    Message,
    /// The first event of an answer.
    MessageStart,
    /// One of its last.
    MessageDelta,
    /// Any other.
    #[default]
    Other,
}

/// One object that may tell of usage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// The model, printable; empty if it is not named so.
    pub(super) model: String,
    /// Whether there is a `usage`.
    pub(super) has_usage: bool,
    /// What that says.
    pub(super) counts: Counts,
}

/// The counts of a `usage`; `cache_write_hour` is a part of `cache_write`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cache_write: u64,
    pub(super) cache_write_hour: u64,
    pub(super) cache_read: u64,
}

impl Counts {
    /// Takes the higher of each.
    pub(super) fn raise(&mut self, other: &Self) {
        self.input = self.input.max(other.input);
        self.output = self.output.max(other.output);
        self.cache_write = self.cache_write.max(other.cache_write);
        self.cache_write_hour = self.cache_write_hour.max(other.cache_write_hour);
        self.cache_read = self.cache_read.max(other.cache_read);
    }
}

/// Follows one JSON text at a time.
#[derive(Debug, Default)]
pub(super) struct JsonReader {
    /// The objects entered in which fields are asked for, outermost first: four at most.
    path: Vec<Object>,
    /// How deep it is in anything else.
    nested: u64,
    /// What the value to come is.
    due: Due,
    step: Step,
    /// A name or a value so far.
    kept: Vec<u8>,
    /// Whether all of it was kept.
    is_kept: bool,
    said: Said,
}

/// An object in which fields are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    Top,
    Message,
    Usage,
    CacheCreation,
}

/// A value that a name announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Due {
    #[default]
    Top,
    Object(Object),
    Kind,
    Model,
    Count(Count),
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Input,
    Output,
    CacheWrite,
    CacheWriteHour,
    CacheRead,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    /// A value.
    #[default]
    Value,
    /// A name, or the end of an object.
    Name,
    /// More of a name.
    InName {
        is_escaped: bool,
    },
    /// What stands between a name and its value.
    Colon,
    /// More of a string.
    InText {
        is_escaped: bool,
    },
    /// More of a number, or of `true`, `false` or `null`.
    InWord,
    /// More of what is nested, outside and inside its strings.
    Nested,
    NestedText {
        is_escaped: bool,
    },
    /// A comma, or the end of an object.
    After,
    /// Nothing: it is whole.
    Over,
    /// Nothing: it is not JSON.
    Lost,
}

impl JsonReader {
    /// Takes a piece.
    pub(super) fn feed(&mut self, mut piece: &[u8]) {
        while let Some((byte, rest)) = piece.split_first() {
            let bulk = match self.step {
                Step::InText { is_escaped: false } | Step::NestedText { is_escaped: false } => {
                    length_until(piece, |byte| matches!(byte, b'"' | b'\\'))
                }
                Step::Nested => length_until(piece, |byte| {
                    matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')
                }),
                Step::Over | Step::Lost => return,
                Step::Value
                | Step::Name
                | Step::InName { .. }
                | Step::Colon
                | Step::InText { is_escaped: true }
                | Step::InWord
                | Step::NestedText { is_escaped: true }
                | Step::After => 0,
            };
            if bulk > 0 {
                let (now, later) = piece.split_at(bulk);
                if matches!(self.step, Step::InText { .. }) {
                    self.keep(now);
                }
                piece = later;
                continue;
            }
            // A word ends at the byte behind it, which is read once more.
            if self.step == Step::InWord && !is_of_word(*byte) {
                self.end_word();
                continue;
            }
            self.step = self.next(*byte);
            piece = rest;
        }
    }

    /// Ends the text, gives what it said if it was whole, and is ready for another.
    pub(super) fn take(&mut self) -> Option<Said> {
        let is_whole = self.step == Step::Over;
        let said = std::mem::take(self).said;
        is_whole.then_some(said)
    }

    /// Bytes that are kept, in what may grow.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.path.capacity() + self.kept.capacity() + self.said.whole.model.len()
    }

    fn next(&mut self, byte: u8) -> Step {
        match (self.step, byte) {
            (Step::InName { is_escaped }, byte) => self.in_name(byte, is_escaped),
            (Step::InText { is_escaped }, byte) => self.in_text(byte, is_escaped),
            (Step::NestedText { is_escaped: true }, _) => Step::NestedText { is_escaped: false },
            (Step::NestedText { .. }, b'\\') => Step::NestedText { is_escaped: true },
            (Step::NestedText { .. }, b'"') => Step::Nested,
            (Step::InWord, byte) => {
                self.keep(&[byte]);
                Step::InWord
            }
            (step @ Step::NestedText { .. }, _) | (step, b' ' | b'\t' | b'\n' | b'\r') => step,
            (Step::Value, byte) => self.begin_value(byte),
            (Step::Name, b'"') => {
                self.begin_keeping();
                Step::InName { is_escaped: false }
            }
            (Step::Colon, b':') => Step::Value,
            (Step::After, b',') => Step::Name,
            (Step::Name | Step::After, b'}') => self.leave(),
            (Step::Nested, byte) => self.in_nested(byte),
            _ => Step::Lost,
        }
    }

    fn begin_value(&mut self, byte: u8) -> Step {
        let object = match self.due {
            Due::Top => Some(Object::Top),
            Due::Object(object) => Some(object),
            Due::Kind | Due::Model | Due::Count(_) | Due::Other => None,
        };
        match (byte, object) {
            (b'{', Some(object)) => {
                self.path.push(object);
                if object == Object::Usage {
                    self.part().has_usage = true;
                }
                Step::Name
            }
            (b'{' | b'[', _) => {
                self.nested = 1;
                Step::Nested
            }
            (b'"', _) => {
                self.begin_keeping();
                Step::InText { is_escaped: false }
            }
            (byte, _) if is_of_word(byte) => {
                self.begin_keeping();
                self.keep(&[byte]);
                Step::InWord
            }
            _ => Step::Lost,
        }
    }

    fn in_name(&mut self, byte: u8, is_escaped: bool) -> Step {
        match byte {
            b'"' if !is_escaped => {
                self.due = self.named();
                Step::Colon
            }
            b'\\' if !is_escaped => {
                self.is_kept = false;
                Step::InName { is_escaped: true }
            }
            byte => {
                self.keep(&[byte]);
                Step::InName { is_escaped: false }
            }
        }
    }

    fn in_text(&mut self, byte: u8, is_escaped: bool) -> Step {
        match byte {
            b'"' if !is_escaped => {
                self.end_text();
                self.after()
            }
            b'\\' if !is_escaped => {
                self.is_kept = false;
                Step::InText { is_escaped: true }
            }
            _ => Step::InText { is_escaped: false },
        }
    }

    fn in_nested(&mut self, byte: u8) -> Step {
        match byte {
            b'"' => return Step::NestedText { is_escaped: false },
            b'{' | b'[' => self.nested = self.nested.saturating_add(1),
            b'}' | b']' => self.nested -= 1,
            _ => {}
        }
        if self.nested == 0 {
            self.after()
        } else {
            Step::Nested
        }
    }

    fn leave(&mut self) -> Step {
        self.path.pop();
        self.after()
    }

    fn after(&self) -> Step {
        if self.path.is_empty() {
            Step::Over
        } else {
            Step::After
        }
    }

    fn begin_keeping(&mut self) {
        self.kept.clear();
        self.is_kept = true;
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.kept.len() + bytes.len() <= MAX_KEPT_BYTES {
            self.kept.extend_from_slice(bytes);
        } else {
            self.is_kept = false;
        }
    }

    /// What the name just read announces, where it stands.
    fn named(&self) -> Due {
        let name = if self.is_kept {
            self.kept.as_slice()
        } else {
            b""
        };
        match (self.path.last(), name) {
            (Some(Object::Top), b"type") => Due::Kind,
            (Some(Object::Top), b"message") => Due::Object(Object::Message),
            (Some(Object::Top | Object::Message), b"model") => Due::Model,
            (Some(Object::Top | Object::Message), b"usage") => Due::Object(Object::Usage),
            (Some(Object::Usage), b"input_tokens") => Due::Count(Count::Input),
            (Some(Object::Usage), b"output_tokens") => Due::Count(Count::Output),
            (Some(Object::Usage), b"cache_creation_input_tokens") => Due::Count(Count::CacheWrite),
            (Some(Object::Usage), b"cache_read_input_tokens") => Due::Count(Count::CacheRead),
            (Some(Object::Usage), b"cache_creation") => Due::Object(Object::CacheCreation),
            (Some(Object::CacheCreation), b"ephemeral_1h_input_tokens") => {
                Due::Count(Count::CacheWriteHour)
            }
            _ => Due::Other,
        }
    }

    /// The object whose usage or model is read now.
    fn part(&mut self) -> &mut Part {
        if self.path.contains(&Object::Message) {
            &mut self.said.message
        } else {
            &mut self.said.whole
        }
    }

    fn end_text(&mut self) {
        if !self.is_kept {
            return;
        }
        match self.due {
            Due::Kind => {
                self.said.kind = match self.kept.as_slice() {
                    b"message" => Kind::Message,
                    b"message_start" => Kind::MessageStart,
                    b"message_delta" => Kind::MessageDelta,
                    _ => Kind::Other,
                };
            }
            Due::Model => {
                let is_plain = self.kept.iter().all(u8::is_ascii_graphic);
                let kept = std::mem::take(&mut self.kept);
                if let (true, Ok(model)) = (is_plain, String::from_utf8(kept)) {
                    self.part().model = model;
                }
            }
            Due::Top | Due::Object(_) | Due::Count(_) | Due::Other => {}
        }
    }

    fn end_word(&mut self) {
        self.step = self.after();
        let Due::Count(count) = self.due else {
            return;
        };
        let text = std::str::from_utf8(&self.kept).ok();
        let number = text
            .filter(|_| self.is_kept && self.kept.iter().all(u8::is_ascii_digit))
            .and_then(|text| text.parse().ok())
            .filter(|number| *number <= MAX_COUNT);
        let Some(number) = number else {
            return;
        };
        let counts = &mut self.part().counts;
        let place = match count {
            Count::Input => &mut counts.input,
            Count::Output => &mut counts.output,
            Count::CacheWrite => &mut counts.cache_write,
            Count::CacheWriteHour => &mut counts.cache_write_hour,
            Count::CacheRead => &mut counts.cache_read,
        };
        *place = number;
    }
}

const fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn length_until(piece: &[u8], is_end: impl Fn(u8) -> bool) -> usize {
    piece
        .iter()
        .position(|byte| is_end(*byte))
        .unwrap_or(piece.len())
}
