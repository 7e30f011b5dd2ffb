//! Secrets: their names, and where their values come from. A value never stands here.

use std::collections::BTreeMap;

use jsonc_parser::ast::Value;

use super::env::is_variable;
use super::shape::{Reader, Shape};
use crate::manifest::model::SourceEntry;
use crate::policy::SecretName;

const SOURCE: Shape = Shape {
    what: "a secret",
    form: HELP,
    known: &["env", "file", "command", "prompt"],
    refused: &[(
        "value",
        "a secret is named here, never written here: name a variable, a file or a program that holds it",
    )],
};

const HELP: &str = "write { \"env\": \"NAME\" }, { \"file\": \"path\" }, { \"command\": [\"program\"] } or { \"prompt\": \"question\" }";

impl Reader {
    /// A map from the names that routes use to where the values come from.
    pub(super) fn secrets(
        &mut self,
        value: &Value<'_>,
    ) -> Option<BTreeMap<SecretName, SourceEntry>> {
        let before = self.problems.len();
        let mut secrets = BTreeMap::new();
        for (name, value) in self.members(value, "`secrets`") {
            let checked = SecretName::parse(name.value).ok();
            if checked.is_none() {
                let message = format!("`{}` cannot name a secret", name.value);
                let help = "use a letter, then letters, digits, - and _, 64 at most";
                self.wrong(&name.place, &message, help);
            }
            let source = self.source(value);
            if let (Some(name), Some(source)) = (checked, source) {
                secrets.insert(name, source);
            }
        }
        (self.problems.len() == before).then_some(secrets)
    }

    fn source(&mut self, value: &Value<'_>) -> Option<SourceEntry> {
        if let Value::StringLit(_) = value {
            // Not in words of its own: what stands here may be the secret.
            self.type_error(value, "a secret", "an object", HELP);
            return None;
        }
        let fields = self.fields(value, &SOURCE)?;
        let (key, value) = self.one_of(&fields, "the secret", SOURCE.known, HELP)?;
        self.source_of(key, value, HELP)
    }

    /// The source that a key names.
    pub(super) fn source_of(
        &mut self,
        key: &str,
        value: &Value<'_>,
        help: &str,
    ) -> Option<SourceEntry> {
        match key {
            "env" => {
                let name = self.text(value, "`env`", help)?;
                if is_variable(&name) {
                    return Some(SourceEntry::Env(name));
                }
                let help = "name a variable of your own environment, without a $";
                self.wrong_at(value, &format!("`{name}` is no name of a variable"), help);
                None
            }
            "file" => Some(SourceEntry::File(self.text(value, "`file`", help)?)),
            "command" => {
                let help = "write the program and its arguments as a list, such as [\"pass\", \"show\", \"token\"]; no shell reads it";
                let words = self.texts(value, "`command`", help)?;
                if words.is_empty() {
                    self.wrong_at(value, "`command` is empty", help);
                    return None;
                }
                let words = words.into_iter().map(|word| word.value).collect();
                Some(SourceEntry::Command(words))
            }
            _ => Some(SourceEntry::Prompt(self.text(value, "`prompt`", help)?)),
        }
    }
}
