//! Flags, words and JSON arrays.

use super::lines::Joined;
use super::{ParseProblem, problem};

/// A flag of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name, without the two hyphens, in small letters.
    pub name: String,
    /// What stands behind the `=`.
    pub value: Option<String>,
}

/// Flags that need no value.
const SWITCHES: [&str; 4] = ["link", "parents", "keep-git-dir", "unpack"];

/// Takes the flags off the arguments.
pub(super) fn flags(arguments: Joined, line: u32) -> Result<(Vec<Flag>, Joined), ParseProblem> {
    let mut flags = Vec::new();
    let mut rest = arguments;
    while rest.as_str().starts_with("--") {
        let (word, length) = flag_word(rest.as_str());
        rest = rest.after(length);
        if word == "--" {
            break;
        }
        let text = word.strip_prefix("--").unwrap_or(&word);
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        // Some builders take the next word for the value, others do not.
        if value.is_none() && !SWITCHES.contains(&name) {
            return Err(ParseProblem::Flag {
                line,
                name: problem::shown(name),
            });
        }
        flags.push(Flag {
            name: name.to_ascii_lowercase(),
            value,
        });
    }
    Ok((flags, rest))
}

/// The first word without its quotes and escapes, and how many bytes it took.
fn flag_word(text: &str) -> (String, usize) {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match quote {
            None if c.is_whitespace() => return (word, at),
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ if c == '\\' => word.extend(chars.next().map(|(_, c)| c)),
            _ => word.push(c),
        }
    }
    (word, text.len())
}

/// The strings of a JSON array that begins the text.
pub(super) fn json_array(text: &str) -> Option<Vec<String>> {
    first_array(text).map(|(array, _)| array)
}

/// Whether something stands behind the array: builders decode the first JSON value and
/// pass over the rest, or take the whole for a shell's text.
pub(super) fn has_text_behind_array(text: &str) -> bool {
    first_array(text).is_some_and(|(_, length)| {
        let rest = text.get(length..).unwrap_or_default();
        !rest.trim().is_empty()
    })
}

fn first_array(text: &str) -> Option<(Vec<String>, usize)> {
    if !text.starts_with('[') {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Vec<String>>();
    let array = values.next()?.ok()?;
    Some((array, values.byte_offset()))
}

/// Words that white space parts, where it is neither quoted nor escaped. Quotes stay.
#[must_use]
pub fn words(text: &str, escape: char) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            words.extend(start.take().and_then(|start| text.get(start..at)));
            continue;
        }
        start.get_or_insert(at);
        match quote {
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ if c == escape && quote != Some('\'') => {
                chars.next();
            }
            _ => {}
        }
    }
    words.extend(start.and_then(|start| text.get(start..)));
    words
}
