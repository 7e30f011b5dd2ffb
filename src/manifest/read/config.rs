//! `config.json`: the operator's settings of the console.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonc_parser::ast::Value;

use super::shape::{Reader, Shape, suggest};
use super::syntax;
use crate::manifest::config::{Config, Desktop, Notifications};
use crate::manifest::problem::{Problem, SourceFile};

const CONFIG_FILE: Shape = Shape {
    what: "config.json",
    form: "write the whole file as { … }",
    known: &["$schema", "notifications", "keys", "theme"],
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
pub(in crate::manifest) fn read_config(
    file: &Arc<SourceFile>,
    themes: &[String],
) -> (Config, Vec<Problem>) {
    let mut reader = Reader::new(Arc::clone(file));
    let tree = syntax::parse(&mut reader, &file.text);
    let fields = tree
        .as_ref()
        .and_then(|root| reader.top(root, &CONFIG_FILE));
    let field = |name| fields.as_ref().and_then(|fields| fields.get(name));
    let notifications = field("notifications")
        .map(|value| reader.notifications(value))
        .unwrap_or_default();
    let keys = field("keys")
        .map(|value| reader.keys(value))
        .unwrap_or_default();
    let theme = field("theme").and_then(|value| reader.theme_name(value, themes));
    let config = Config {
        notifications,
        keys,
        theme,
    };
    (config, reader.problems)
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

    /// Keys by name; whether names and keys are known is for who reads keys.
    fn keys(&mut self, value: &Value<'_>) -> BTreeMap<String, Vec<String>> {
        let help = "write it as \"X\" or [\"X\", \"ctrl-x\"]; [] takes the key away";
        let mut read = BTreeMap::new();
        for (name, value) in self.members(value, "`keys`") {
            let what = format!("`{}`", name.value);
            let keys = if let Value::Array(_) = value {
                let texts = self.texts(value, &what, help);
                texts.map(|texts| texts.into_iter().map(|text| text.value).collect())
            } else {
                self.text(value, &what, help).map(|text| vec![text])
            };
            if let Some(keys) = keys {
                read.insert(name.value.to_owned(), keys);
            }
        }
        read
    }

    fn theme_name(&mut self, value: &Value<'_>, known: &[String]) -> Option<String> {
        let all: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
        let help = format!("write one of {}", all.join(", "));
        let name = self.text(value, "`theme`", &help)?;
        if known.contains(&name) {
            return Some(name);
        }
        let near = suggest(&name, known.iter().map(String::as_str));
        let help = near.map_or_else(
            || format!("{help}; your own are NAME.json in the folder themes beside config.json"),
            |near| format!("did you mean `{near}`?"),
        );
        self.wrong_at(value, &format!("no theme is called `{name}`"), help);
        None
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
