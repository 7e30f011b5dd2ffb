//! Variables: what the builder puts in place of `$name`, as far as the text tells.

use std::collections::BTreeMap;

/// What is known of variables: their values, or that only the builder knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    known: BTreeMap<String, Option<String>>,
    /// Whether there may be others, as an image brings its own.
    pub has_others: bool,
}

/// A text after its variables were put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The text; a variable that nobody knows stays as it was written.
    pub text: String,
    /// Whether all of them were known.
    pub is_known: bool,
}

/// The longest text that expansion makes, in bytes.
const MAX_BYTES: usize = 16 * 1024;
/// How deep the defaults of defaults are followed.
const MAX_DEPTH: u8 = 4;

impl Variables {
    /// Learns a variable; `None` is one that has a value which the text does not tell.
    pub fn set(&mut self, name: &str, value: Option<String>) {
        self.known.insert(name.to_owned(), value);
    }

    fn is_unset(&self, name: &str) -> bool {
        !self.has_others && !self.known.contains_key(name)
    }

    /// The value, `None` if there is none or nobody knows it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.known.get(name)?.as_deref()
    }
}

/// Puts the values of variables in, and takes quotes and escapes off.
#[must_use]
pub fn expand(text: &str, variables: &Variables, escape: char) -> Expanded {
    let mut out = Expanded {
        text: String::new(),
        is_known: true,
    };
    put(text, variables, escape, MAX_DEPTH, &mut out);
    out
}

fn put(text: &str, variables: &Variables, escape: char, depth: u8, out: &mut Expanded) {
    let mut left = text;
    let mut quote = None;
    while let Some(c) = left.chars().next() {
        if out.text.len() > MAX_BYTES {
            out.is_known = false;
            return;
        }
        left = left.get(c.len_utf8()..).unwrap_or_default();
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (Some('\''), _) => out.text.push(c),
            (_, _) if c == escape => {
                let next = left.chars().next();
                out.text.extend(next);
                left = left
                    .get(next.map_or(0, char::len_utf8)..)
                    .unwrap_or_default();
            }
            (_, '$') => left = variable(left, variables, escape, depth, out),
            _ => out.text.push(c),
        }
    }
}

/// Puts one variable in and gives what stands behind it.
fn variable<'a>(
    left: &'a str,
    variables: &Variables,
    escape: char,
    depth: u8,
    out: &mut Expanded,
) -> &'a str {
    let unknown = |out: &mut Expanded, written: &str| {
        out.is_known = false;
        out.text.push('$');
        out.text.push_str(written);
    };
    if let Some(inside) = left.strip_prefix('{') {
        let Some((body, rest)) = braces(inside) else {
            unknown(out, left);
            return "";
        };
        let (name, operator) = body.split_at(name_length(body));
        let value = variables.get(name);
        match (value, operator) {
            (Some(value), "") => out.text.push_str(value),
            (None, "") => unknown(out, &format!("{{{body}}}")),
            _ if depth == 0 => unknown(out, &format!("{{{body}}}")),
            _ => with_default(value, (body, name), variables, (escape, depth), out),
        }
        return rest;
    }
    let (name, rest) = left.split_at(name_length(left));
    match variables.get(name) {
        Some(value) => out.text.push_str(value),
        None => unknown(out, name),
    }
    rest
}

/// `${name:-word}` and its like. With a value that nobody knows, either could be.
fn with_default(
    value: Option<&str>,
    (body, name): (&str, &str),
    variables: &Variables,
    (escape, depth): (char, u8),
    out: &mut Expanded,
) {
    let operator = body.get(name.len()..).unwrap_or_default();
    let (colon, operator) = match operator.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, operator),
    };
    let is_set = value.is_some_and(|value| !colon || !value.is_empty());
    match (operator.chars().next(), value) {
        (Some('-' | '?'), Some(value)) if is_set => out.text.push_str(value),
        (Some('-'), _) => {
            // Where somebody else may have set it, the default is a guess.
            out.is_known &= value.is_some() || variables.is_unset(name);
            let word = operator.get(1..).unwrap_or_default();
            put(word, variables, escape, depth - 1, out);
        }
        (Some('+'), Some(_)) if !is_set => {}
        (Some('+'), None) if variables.is_unset(name) => {}
        (Some('+'), Some(_)) => {
            let word = operator.get(1..).unwrap_or_default();
            put(word, variables, escape, depth - 1, out);
        }
        _ => {
            out.is_known = false;
            out.text.push_str("${");
            out.text.push_str(body);
            out.text.push('}');
        }
    }
}

/// What stands up to the brace that closes, and behind it.
fn braces(inside: &str) -> Option<(&str, &str)> {
    let mut open = 1_usize;
    for (at, c) in inside.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some((inside.get(..at)?, inside.get(at + 1..)?));
        }
    }
    None
}

fn name_length(text: &str) -> usize {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}
