//! Where an entry goes in a file, and how it is laid out there.
//!
//! Everything here answers in places of the text and in text to put there; nothing of the
//! text is ever taken out.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp};
use jsonc_parser::common::Ranged;
use jsonc_parser::tokens::{Token, TokenAndRange};
use serde_json::Value;

use super::super::read::with_tokens;

/// What stands for one step inwards where the file does not show it.
const STEP: &str = "  ";

/// A text with its tokens, and where in it a template's routes are.
pub(super) struct Layout<'t> {
    text: &'t str,
    tokens: Vec<Piece>,
    /// The list, or the template that has none yet.
    place: Place,
    /// One step inwards.
    step: &'t str,
    newline: &'static str,
    /// Whether there is a space within braces.
    is_padded: bool,
    /// Whether there is a space after a colon and a comma.
    is_spaced: bool,
    /// Whether a comma ends the template's last line.
    ends_in_comma: bool,
}

enum Place {
    List(Container),
    Template(Container),
}

/// A list or an object with what is in it.
struct Container {
    /// Behind its opening bracket.
    open: usize,
    /// Before its closing one.
    close: usize,
    items: Vec<Range<usize>>,
    /// Where the key begins that it is the value of.
    key: usize,
    /// Whether its last item is an object over several lines.
    is_spread: bool,
}

/// A token, as far as it matters here.
struct Piece {
    range: Range<usize>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Comment,
    Comma,
    Colon,
    Brace,
    Other,
}

/// How an entry is laid out.
#[derive(Clone, Copy)]
enum Shape<'s> {
    /// On one line.
    OneLine,
    /// Each key on a line of its own; the entry itself begins with this indentation.
    Spread { indent: &'s str, comma: bool },
}

impl<'t> Layout<'t> {
    /// Finds a template's routes; `None` if there is no such template.
    pub(super) fn of(text: &'t str, template: &str) -> Option<Self> {
        let (value, tokens) = with_tokens(text)?;
        let root = value.as_object()?;
        let bottles = property(root, "bottles")?.value.as_object()?;
        let key = property(bottles, template)?;
        let found = key.value.as_object()?;
        let routes = property(found, "routes");
        let place = match routes {
            Some(key) => Place::List(Container::of_list(text, key)?),
            None => Place::Template(Container {
                open: found.range.start.saturating_add(1),
                close: found.range.end.saturating_sub(1),
                items: found.properties.iter().map(range).collect(),
                key: key.range.start,
                is_spread: false,
            }),
        };
        let from = routes.map_or(0, |routes| routes.range.start);
        let first = root.properties.first().map(range);
        let step = first.and_then(|first| alone(text, first.start));
        let mut layout = Self {
            text,
            tokens: tokens.iter().map(piece).collect(),
            place,
            step: step.unwrap_or(STEP),
            newline: newline(text),
            is_padded: true,
            is_spaced: true,
            ends_in_comma: false,
        };
        layout.is_padded = layout.is_loose(Kind::Brace, from);
        layout.is_spaced = layout.is_loose(Kind::Colon, from);
        let last = found.properties.last().map(range);
        layout.ends_in_comma = last.is_some_and(|last| layout.comma_behind(last.end).is_some());
        Some(layout)
    }

    /// Whether a space follows such a token: as behind the first from there on, or else
    /// behind the first of the file.
    fn is_loose(&self, kind: Kind, from: usize) -> bool {
        let gap = |from: usize| {
            let pairs = self.tokens.iter().zip(self.tokens.iter().skip(1));
            let mut gaps = pairs
                .filter(|(one, _)| one.kind == kind && one.range.start >= from)
                .filter_map(|(one, next)| self.text.get(one.range.end..next.range.start));
            gaps.find(|gap| !gap.contains(['\n', '\r']))
        };
        gap(from)
            .or_else(|| gap(0))
            .is_none_or(|gap| !gap.is_empty())
    }

    /// The text with the entry in it.
    pub(super) fn with(&self, entry: &Value) -> String {
        let mut pieces = match &self.place {
            Place::List(list) => self.to_list(list, entry),
            Place::Template(template) => self.to_template(template, entry),
        };
        // Stable: what goes to the same place stays in order.
        pieces.sort_by_key(|(at, _)| *at);
        let mut out = String::new();
        let mut from = 0;
        for (at, piece) in pieces {
            out.push_str(self.text.get(from..at).unwrap_or_default());
            out.push_str(&piece);
            from = at;
        }
        out.push_str(self.text.get(from..).unwrap_or_default());
        out
    }

    fn to_list(&self, list: &Container, entry: &Value) -> Vec<(usize, String)> {
        if list.items.is_empty() {
            return self.to_empty(list, entry);
        }
        self.behind_last(list, |indent, comma| {
            let shape = if list.is_spread {
                Shape::Spread { indent, comma }
            } else {
                Shape::OneLine
            };
            self.written(entry, shape)
        })
    }

    fn to_template(&self, template: &Container, entry: &Value) -> Vec<(usize, String)> {
        let (colon, one) = (self.colon(), self.written(entry, Shape::OneLine));
        let is_over_lines = template
            .items
            .last()
            .is_some_and(|last| self.begins_line(last.start));
        self.behind_last(template, |indent, comma| {
            if !is_over_lines {
                return format!("\"routes\"{colon}[{one}]");
            }
            let (newline, step) = (self.newline, self.step);
            let comma = if comma { "," } else { "" };
            format!("\"routes\"{colon}[{newline}{indent}{step}{one}{comma}{newline}{indent}]")
        })
    }

    /// Puts what is written behind the last item, with the commas that this takes. It is
    /// told the indentation there, and whether a comma is to end a last line.
    fn behind_last(
        &self,
        at: &Container,
        write: impl Fn(&str, bool) -> String,
    ) -> Vec<(usize, String)> {
        let Some(last) = at.items.last() else {
            return vec![(at.open, write("", false))];
        };
        let comma = self.comma_behind(last.end);
        let written = write(self.indent(last.start), comma.is_some());
        let mut pieces = Vec::new();
        if comma.is_none() {
            pieces.push((last.end, String::from(",")));
        }
        let end = if comma.is_some() { "," } else { "" };
        let from = comma.unwrap_or(last.end);
        if self.begins_line(last.start) {
            let indent = self.indent(last.start);
            let newline = self.newline;
            let line = format!("{newline}{indent}{written}{end}");
            pieces.push((self.line_tail(from, at.close), line));
        } else {
            let gap = if self.is_spaced { " " } else { "" };
            pieces.push((from, format!("{gap}{written}{end}")));
        }
        pieces
    }

    fn to_empty(&self, list: &Container, entry: &Value) -> Vec<(usize, String)> {
        let inside = self.text.get(list.open..list.close).unwrap_or_default();
        let indent = self.indent(list.open);
        let (newline, step) = (self.newline, self.step);
        let one = self.written(entry, Shape::OneLine);
        let comma = if self.ends_in_comma { "," } else { "" };
        let line = format!("{newline}{indent}{step}{one}{comma}");
        if inside.contains(['\n', '\r']) {
            let at = self.last_comment_end(list).unwrap_or(list.open);
            return vec![(at, line)];
        }
        if inside.is_empty() && self.begins_line(list.key) {
            return vec![(list.open, format!("{line}{newline}{indent}"))];
        }
        let gap = if inside.ends_with(' ') { " " } else { "" };
        vec![(list.close, format!("{one}{gap}"))]
    }

    /// Where the comma behind an item ends.
    fn comma_behind(&self, end: usize) -> Option<usize> {
        let mut behind = self.tokens.iter().filter(|piece| piece.range.start >= end);
        let next = behind.find(|piece| piece.kind != Kind::Comment)?;
        (next.kind == Kind::Comma).then_some(next.range.end)
    }

    /// Whether nothing but comments stands between the line's begin and here.
    fn begins_line(&self, start: usize) -> bool {
        let before = self.tokens.iter().rev();
        let mut before = before.filter(|piece| piece.range.end <= start);
        let from = before.find(|piece| piece.kind != Kind::Comment);
        let gap = self
            .text
            .get(from.map_or(0, |piece| piece.range.end)..start);
        gap.is_some_and(|gap| gap.contains(['\n', '\r']))
    }

    /// The white space that the line of a place begins with.
    fn indent(&self, at: usize) -> &'t str {
        let line = line_start(self.text, at);
        let line = self.text.get(line..).unwrap_or_default();
        let rest = line.trim_start_matches([' ', '\t']);
        line.get(..line.len() - rest.len()).unwrap_or_default()
    }

    /// Behind the comments that go on on the same line.
    fn line_tail(&self, from: usize, close: usize) -> usize {
        let mut end = from;
        let behind = self.tokens.iter();
        for piece in behind.filter(|piece| piece.range.start >= from && piece.range.end <= close) {
            let gap = self.text.get(end..piece.range.start).unwrap_or_default();
            if piece.kind != Kind::Comment || gap.contains(['\n', '\r']) {
                break;
            }
            end = piece.range.end;
        }
        end
    }

    fn last_comment_end(&self, list: &Container) -> Option<usize> {
        let inside =
            |piece: &&Piece| piece.range.start >= list.open && piece.range.end <= list.close;
        self.tokens
            .iter()
            .rfind(inside)
            .map(|piece| piece.range.end)
    }

    fn colon(&self) -> &'static str {
        if self.is_spaced { ": " } else { ":" }
    }

    /// An entry, which is an object, as text.
    fn written(&self, entry: &Value, shape: Shape<'_>) -> String {
        let Value::Object(entry) = entry else {
            return entry.to_string();
        };
        let colon = self.colon();
        let keys: Vec<String> = entry
            .iter()
            .map(|(key, value)| format!("{}{colon}{}", quoted(key), self.value(value)))
            .collect();
        match shape {
            Shape::OneLine => {
                let pad = if self.is_padded { " " } else { "" };
                format!("{{{pad}{}{pad}}}", keys.join(self.separator()))
            }
            Shape::Spread { indent, comma } => {
                let (newline, step) = (self.newline, self.step);
                let between = format!(",{newline}{indent}{step}");
                let end = if comma { "," } else { "" };
                let keys = keys.join(&between);
                format!("{{{newline}{indent}{step}{keys}{end}{newline}{indent}}}")
            }
        }
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.value(item)).collect();
                format!("[{}]", items.join(self.separator()))
            }
            Value::String(text) => quoted(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
        }
    }

    fn separator(&self) -> &'static str {
        if self.is_spaced { ", " } else { "," }
    }
}

impl Container {
    /// The list that a key has for its value; `None` if it has another.
    fn of_list(text: &str, key: &ObjectProp<'_>) -> Option<Self> {
        let list = key.value.as_array()?;
        let last = list
            .elements
            .last()
            .filter(|last| last.as_object().is_some());
        let last = last.and_then(|last| text.get(range(last)));
        Some(Self {
            open: list.range.start.saturating_add(1),
            close: list.range.end.saturating_sub(1),
            items: list.elements.iter().map(range).collect(),
            key: key.range.start,
            is_spread: last.is_some_and(|last| last.contains(['\n', '\r'])),
        })
    }
}

/// A string of JSON that has nothing but ASCII in it, so that no editor shows it otherwise
/// than it is.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let escaped = format!("\\u{unit:04x}");
                    out.push_str(&escaped);
                }
            }
        }
    }
    out.push('"');
    out
}

fn property<'n, 'a>(object: &'n Object<'a>, name: &str) -> Option<&'n ObjectProp<'a>> {
    let mut properties = object.properties.iter();
    properties.find(|property| property.name.as_str() == name)
}

fn range<T: Ranged>(node: &T) -> Range<usize> {
    let range = node.range();
    range.start..range.end
}

fn piece(token: &TokenAndRange<'_>) -> Piece {
    let kind = match token.token {
        Token::CommentLine(_) | Token::CommentBlock(_) => Kind::Comment,
        Token::Comma => Kind::Comma,
        Token::Colon => Kind::Colon,
        Token::OpenBrace => Kind::Brace,
        Token::CloseBrace
        | Token::OpenBracket
        | Token::CloseBracket
        | Token::String(_)
        | Token::Word(_)
        | Token::Boolean(_)
        | Token::Number(_)
        | Token::Null => Kind::Other,
    };
    Piece {
        range: range(token),
        kind,
    }
}

fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind(['\n', '\r']).map_or(0, |end| end + 1)
}

/// The white space between a line's begin and a place, if nothing else stands there.
fn alone(text: &str, at: usize) -> Option<&str> {
    let start = line_start(text, at);
    let before = text.get(start..at)?;
    let is_white = before.chars().all(|c| matches!(c, ' ' | '\t'));
    (start > 0 && is_white).then_some(before)
}

/// How the file's first line ends.
fn newline(text: &str) -> &'static str {
    match text.find(['\n', '\r']).and_then(|at| text.get(at..)) {
        Some(rest) if rest.starts_with("\r\n") => "\r\n",
        Some(rest) if rest.starts_with('\r') => "\r",
        _ => "\n",
    }
}
