//! `config.json`: the operator's settings of the console.

use std::sync::Arc;

use jsonc_parser::ast::Value;

use super::shape::{Reader, Shape, suggest};
use super::syntax;
use crate::manifest::config::{Config, Desktop, Notifications};
use crate::manifest::problem::{Problem, SourceFile};

const CONFIG_FILE: Shape = Shape {
    what: "config.json",
    form: "write the whole file as { … }",
    known: &["$schema", "notifications"],
    refused: &[
        (
            "bottles",
            "bottles are described in cellar.json beside this file",
        ),
        (
            "agents",
            "agents are described in cellar.json beside this file",
        ),
    ],
};

const NOTIFICATIONS: Shape = Shape {
    what: "`notifications`",
    form: "write it as { \"bell\": true, \"desktop\": \"auto\" }",
    known: &["bell", "desktop", "command"],
    refused: &[],
};

/// Reads `config.json`.
pub(in crate::manifest) fn read_config(file: &Arc<SourceFile>) -> (Config, Vec<Problem>) {
    let mut reader = Reader::new(Arc::clone(file));
    let tree = syntax::parse(&mut reader, &file.text);
    let fields = tree
        .as_ref()
        .and_then(|root| reader.top(root, &CONFIG_FILE));
    let notifications = fields
        .and_then(|fields| fields.get("notifications"))
        .map(|value| reader.notifications(value))
        .unwrap_or_default();
    (Config { notifications }, reader.problems)
}

impl Reader {
    fn notifications(&mut self, value: &Value<'_>) -> Notifications {
        let mut read = Notifications::default();
        let Some(fields) = self.fields(value, &NOTIFICATIONS) else {
            return read;
        };
        if let Some(value) = fields.get("bell") {
            read.bell = self.boolean(value, "`bell`").unwrap_or(read.bell);
        }
        if let Some(value) = fields.get("desktop") {
            read.desktop = self.desktop(value).unwrap_or_default();
        }
        if let Some(value) = fields.get("command") {
            read.command = self.notification_command(value);
        }
        read
    }

    fn desktop(&mut self, value: &Value<'_>) -> Option<Desktop> {
        let names = || Desktop::WORDS.iter().map(|(word, _)| *word);
        let all: Vec<String> = names().map(|word| format!("\"{word}\"")).collect();
        let help = format!("write one of {}", all.join(", "));
        let text = self.text(value, "`desktop`", &help)?;
        let known = Desktop::WORDS.iter().find(|(word, _)| *word == text);
        if let Some((_, desktop)) = known {
            return Some(*desktop);
        }
        let message = format!("`{text}` is no way to tell the desktop");
        let help = match suggest(&text, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => help,
        };
        self.wrong_at(value, &message, help);
        None
    }

    fn notification_command(&mut self, value: &Value<'_>) -> Vec<String> {
        let help = "write it as [\"notify-send\", \"cellar\"]";
        let words = self.texts(value, "`command`", help);
        if words.as_ref().is_some_and(Vec::is_empty) {
            self.wrong_at(value, "`command` is empty", help);
        }
        let words = words.unwrap_or_default().into_iter();
        words.map(|word| word.value).collect()
    }
}
