//! The arguments of a call, read strictly. What is wrong with them is said so that a model
//! can mend it: the field, what was given, what is expected, and an example.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::table::{Field, Kind, Need, Tool};
use crate::guest::supervise::requests::RequestError;
use crate::pty::{hidden, one_line};

/// How much of a value that is refused is said again.
const MAX_QUOTED_CHARS: usize = 80;
/// How far a name may be from another to be taken for it.
const NEAR: usize = 3;

/// Why a call is refused, for a model to read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refusal(String);

impl Refusal {
    pub(super) fn said(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn failed(error: &RequestError) -> Self {
        Self(format!("failed to {error}"))
    }
}

/// Arguments whose names and shapes are those of their tool.
#[derive(Debug)]
pub(super) struct Arguments {
    tool: &'static Tool,
    given: Map<String, Value>,
}

impl Arguments {
    /// Reads the arguments of a call.
    ///
    /// # Errors
    /// [`Refusal`] with everything that is wrong with their names, or else with the first
    /// that has another shape.
    pub(super) fn read(tool: &'static Tool, given: Value) -> Result<Self, Refusal> {
        if !(given.is_object() || given.is_null()) {
            return Err(Refusal(format!(
                "the arguments of {} are {}; expected an object, such as {}",
                tool.name,
                quoted(&given),
                example(tool)
            )));
        }
        let mut given = if let Value::Object(given) = given {
            given
        } else {
            Map::new()
        };
        // Models write null for what they leave out.
        given.retain(|_, value| !value.is_null());
        let names = || tool.fields.iter().map(|field| field.name);
        if let Some(name) = given
            .keys()
            .find(|name| !names().any(|known| known == *name))
        {
            let known: Vec<&str> = names().collect();
            return Err(Refusal(format!(
                "{} has no argument {}{}; it has {}",
                tool.name,
                quoted_text(name),
                did_you_mean(name, names()),
                known.join(", ")
            )));
        }
        let missing =
            |field: &&Field| field.need == Need::Required && !given.contains_key(field.name);
        if let Some(field) = tool.fields.iter().find(missing) {
            return Err(Refusal(format!(
                "`{}` is missing; expected {}, such as {}",
                field.name,
                field.kind.words(),
                field.example
            )));
        }
        for field in tool.fields {
            if let Some(value) = given.get(field.name) {
                check(field, value)?;
            }
        }
        Ok(Self { tool, given })
    }

    /// A text that is there or not.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.given.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, &other)),
        }
    }

    /// A text that is required.
    pub(super) fn required(&mut self, name: &str) -> Result<String, Refusal> {
        let text = self.text(name)?;
        text.ok_or_else(|| self.wrong(name, &Value::Null))
    }

    /// A list of texts; empty if it was left out.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        match self.given.remove(name) {
            None => Ok(Vec::new()),
            Some(value) => {
                serde_json::from_value(value.clone()).map_err(|_| self.wrong(name, &value))
            }
        }
    }

    /// Ports, if they were given.
    pub(super) fn ports(&mut self, name: &str) -> Result<Option<Vec<u16>>, Refusal> {
        match self.given.remove(name) {
            None => Ok(None),
            Some(value) => match serde_json::from_value(value.clone()) {
                Ok(ports) => Ok(Some(ports)),
                Err(_) => Err(self.wrong(name, &value)),
            },
        }
    }

    /// A number, if it was given.
    pub(super) fn whole(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.given.remove(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(name, &value)),
            },
        }
    }

    /// The number of a request.
    pub(super) fn id(&mut self, name: &str) -> Result<u64, Refusal> {
        let id = self.whole(name)?;
        id.ok_or_else(|| self.wrong(name, &Value::Null))
    }

    /// A switch; off if it was left out.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Refusal> {
        match self.given.remove(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(self.wrong(name, &other)),
        }
    }

    /// One of the words that the field takes.
    pub(super) fn one_of(&mut self, name: &str) -> Result<Option<&'static str>, Refusal> {
        let Some(value) = self.given.remove(name) else {
            return Ok(None);
        };
        let field = self.tool.fields.iter().find(|field| field.name == name);
        let words = match field.map(|field| field.kind) {
            Some(Kind::OneOf(words)) => words,
            _ => &[],
        };
        let found = words.iter().find(|word| value.as_str() == Some(**word));
        match found {
            Some(word) => Ok(Some(word)),
            None => Err(self.wrong(name, &value)),
        }
    }

    /// An object of texts; empty if it was left out.
    pub(super) fn variables(&mut self, name: &str) -> Result<BTreeMap<String, String>, Refusal> {
        match self.given.remove(name) {
            None => Ok(BTreeMap::new()),
            Some(value) => {
                serde_json::from_value(value.clone()).map_err(|_| self.wrong(name, &value))
            }
        }
    }

    /// Says that a field cannot be what it is, and why.
    pub(super) fn refuse(&self, name: &str, given: &str, why: &str) -> Refusal {
        let example = self.tool.fields.iter().find(|field| field.name == name);
        let example = example.map_or("", |field| field.example);
        Refusal(format!(
            "`{name}` is {}: {why}; one that is taken is {example}",
            quoted_text(given)
        ))
    }

    fn wrong(&self, name: &str, value: &Value) -> Refusal {
        match self.tool.fields.iter().find(|field| field.name == name) {
            Some(field) => wrong(field, value),
            None => Refusal(format!("`{name}` is no argument of {}", self.tool.name)),
        }
    }
}

/// The names near to one that is not known, as the end of a sentence.
pub(super) fn did_you_mean(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let short: String = name.chars().take(MAX_QUOTED_CHARS).collect();
    let folded = short.to_lowercase().replace('-', "_");
    let nearest = known
        .map(|word| (strsim::osa_distance(&folded, word), word))
        .min()
        .filter(|(distance, word)| *distance <= NEAR && *distance < word.len());
    nearest.map_or_else(String::new, |(_, word)| format!(", did you mean `{word}`?"))
}

fn check(field: &Field, value: &Value) -> Result<(), Refusal> {
    let fits = match (field.kind, value) {
        (Kind::Text(most), Value::String(text)) => is_text(text, most),
        (Kind::Texts(most, longest), Value::Array(texts)) => {
            (1..=most).contains(&texts.len())
                && texts
                    .iter()
                    .all(|text| text.as_str().is_some_and(|text| is_text(text, longest)))
        }
        (Kind::Ports, Value::Array(ports)) => {
            let is_port = |port: &Value| {
                port.as_u64()
                    .is_some_and(|port| (1..=65_535).contains(&port))
            };
            (1..=16).contains(&ports.len()) && ports.iter().all(is_port)
        }
        (Kind::Whole(least, most), value) => value
            .as_u64()
            .is_some_and(|number| (least..=most).contains(&number)),
        (Kind::Flag, Value::Bool(_)) => true,
        (Kind::OneOf(words), Value::String(text)) => words.contains(&text.as_str()),
        (Kind::Variables, Value::Object(variables)) => {
            variables.len() <= 16 && variables.values().all(Value::is_string)
        }
        _ => false,
    };
    if !fits {
        return Err(wrong(field, value));
    }
    match texts_of(value).find_map(hidden) {
        Some(character) => Err(Refusal(format!(
            "`{}` holds the character U+{:04X}, which is not shown as it is written; write plain text, such as {}",
            field.name,
            u32::from(character),
            field.example
        ))),
        None => Ok(()),
    }
}

fn is_text(text: &str, most: usize) -> bool {
    // Cheap first: a text has no more characters than bytes.
    !text.trim().is_empty() && (text.len() <= most || text.chars().count() <= most)
}

fn texts_of(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(list) => Box::new(list.iter().filter_map(Value::as_str)),
        Value::Object(map) => Box::new(
            map.iter()
                .flat_map(|(name, value)| [Some(name.as_str()), value.as_str()])
                .flatten(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => Box::new(std::iter::empty()),
    }
}

fn wrong(field: &Field, value: &Value) -> Refusal {
    let near = match (field.kind, value) {
        (Kind::OneOf(words), Value::String(text)) => did_you_mean(text, words.iter().copied()),
        _ => String::new(),
    };
    let length = match value {
        Value::String(text) => format!(" ({} characters)", text.chars().count()),
        Value::Array(list) => format!(" (a list of {})", list.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    };
    Refusal(format!(
        "`{}` is {}{length}{near}; expected {}, such as {}",
        field.name,
        quoted(value),
        field.kind.words(),
        field.example
    ))
}

/// A value of a stranger's, short and printable.
fn quoted(value: &Value) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "the number",
        Value::String(_) => "the text",
        Value::Array(_) => "the list",
        Value::Object(_) => "the object",
    };
    if value.is_null() {
        return kind.to_owned();
    }
    format!("{kind} {}", cut(&value.to_string()))
}

fn quoted_text(text: &str) -> String {
    format!("`{}`", cut(text))
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_QUOTED_CHARS).collect();
    if text.chars().nth(MAX_QUOTED_CHARS).is_some() {
        short.push('…');
    }
    one_line(&short)
}

/// Arguments that are taken: an example of each that is required.
fn example(tool: &Tool) -> String {
    let required = tool
        .fields
        .iter()
        .filter(|field| field.need == Need::Required);
    let parts: Vec<String> = required
        .map(|field| format!("\"{}\": {}", field.name, field.example))
        .collect();
    format!("{{{}}}", parts.join(", "))
}

#[cfg(test)]
mod tests;
