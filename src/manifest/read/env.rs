//! Environment variables: a value, or where a value is asked for later.

use std::collections::BTreeMap;

use jsonc_parser::ast::Value;

use super::shape::{Reader, Shape};
use crate::manifest::model::EnvEntry;

const ENTRY: Shape = Shape {
    what: "an environment entry",
    form: HELP,
    known: &["value", "env", "file", "command", "prompt"],
    refused: &[],
};

const HELP: &str = "write { \"value\": \"text\" }, { \"env\": \"NAME\" }, { \"file\": \"path\" }, { \"command\": [\"program\"] } or { \"prompt\": \"question\" }";

/// Variables that decide how the bottle is sealed, with what to use instead.
const RESERVED: [(&str, &str); 7] = [
    (
        "HTTP_PROXY",
        "the proxy is the bottle's only way out; use `routes`",
    ),
    (
        "HTTPS_PROXY",
        "the proxy is the bottle's only way out; use `routes`",
    ),
    (
        "ALL_PROXY",
        "the proxy is the bottle's only way out; use `routes`",
    ),
    (
        "NO_PROXY",
        "nothing is reachable around the proxy; use `routes`",
    ),
    ("HOME", "the home is always /home/agent"),
    ("TZ", "use `time_zone`"),
    ("TERM", "the bottle's own terminal decides it"),
];

impl Reader {
    /// A map from variable to entry.
    pub(super) fn env(&mut self, value: &Value<'_>) -> Option<BTreeMap<String, EnvEntry>> {
        let mut env = BTreeMap::new();
        let before = self.problems.len();
        for (name, value) in self.members(value, "`env`") {
            if !is_variable(name.value) {
                let message = format!("`{}` is no name of a variable", name.value);
                let help = "use letters, digits and _, not beginning with a digit";
                self.wrong(&name.place, &message, help);
            }
            if let Some(help) = reserved(name.value) {
                let message = format!("`{}` is set by cellar", name.value);
                self.wrong(&name.place, &message, help);
            }
            if let Some(entry) = self.env_entry(value) {
                env.insert(name.value.to_owned(), entry);
            }
        }
        (self.problems.len() == before).then_some(env)
    }

    fn env_entry(&mut self, value: &Value<'_>) -> Option<EnvEntry> {
        if let Value::StringLit(_) = value {
            self.type_error(value, "an environment entry", "an object", HELP);
            return None;
        }
        let fields = self.fields(value, &ENTRY)?;
        let (key, value) = self.one_of(&fields, "the environment entry", ENTRY.known, HELP)?;
        if key == "value" {
            return self.env_value(value);
        }
        self.source_of(key, value, HELP).map(EnvEntry::Source)
    }

    /// A literal value; unlike other texts it may be empty.
    fn env_value(&mut self, value: &Value<'_>) -> Option<EnvEntry> {
        match value {
            Value::StringLit(literal) if literal.value.is_empty() => {
                Some(EnvEntry::Value(String::new()))
            }
            Value::StringLit(_)
            | Value::NumberLit(_)
            | Value::BooleanLit(_)
            | Value::Object(_)
            | Value::Array(_)
            | Value::NullKeyword(_) => {
                let help = "write a string in double quotes";
                Some(EnvEntry::Value(self.text(value, "`value`", help)?))
            }
        }
    }
}

pub(super) fn is_variable(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn reserved(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    if upper.starts_with("CELLAR_") {
        return Some("names that begin with CELLAR_ are cellar's own");
    }
    let is_proxy = upper.ends_with("_PROXY");
    RESERVED
        .iter()
        // Programs read the proxies in lower case too; the others only as they are.
        .find(|(word, _)| *word == name || (is_proxy && *word == upper))
        .map(|(_, help)| *help)
}
