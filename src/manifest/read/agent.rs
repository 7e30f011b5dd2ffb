//! Agents: what runs, with which words and skills, in a bottle of which template.

use std::collections::BTreeMap;

use jsonc_parser::ast::Value;

use super::shape::{Fields, Reader, Shape};
use crate::manifest::model::{Agent, Located, PromptEntry, ProviderEntry};
use crate::manifest::plan::AgentSource;

const AGENT: Shape = Shape {
    what: "an agent",
    form: "write it as { \"bottle\": \"<name>\" }",
    known: &["bottle", "provider", "prompt", "skills", "env", "workspace"],
    refused: &[
        ("image", IN_TEMPLATE),
        ("routes", IN_TEMPLATE),
        ("limits", IN_TEMPLATE),
        ("time_zone", IN_TEMPLATE),
        ("supervise", IN_TEMPLATE),
        ("runtime", IN_TEMPLATE),
        ("uid", IN_TEMPLATE),
    ],
};

const IN_TEMPLATE: &str = "it belongs to a bottle: move it to `bottles` and name that bottle here";

/// The same, in a file that came with a repository.
const STRANGER: Shape = Shape {
    what: "an agent of a repository",
    form: "write it as { \"bottle\": \"<name>\" }",
    known: &["bottle", "provider", "prompt", "skills"],
    refused: &[
        (
            "env",
            "whoever can write to this repository could then read your environment; put the variables into a bottle of your own cellar.json",
        ),
        (
            "workspace",
            "whoever can write to this repository could then choose which of your folders leave this machine; set it on a bottle of your own cellar.json",
        ),
        (
            "mounts",
            "only your own mounts.json may say which folders are mounted",
        ),
        (
            "routes",
            "whoever can write to this repository could then send data anywhere; add the route to a bottle of your own cellar.json",
        ),
        (
            "credentials",
            "credentials are yours: name them in a bottle of your own cellar.json",
        ),
        (
            "image",
            "only your own cellar.json chooses images; name one of its bottles here",
        ),
        (
            "limits",
            "only your own cellar.json sets limits; name one of its bottles here",
        ),
        ("time_zone", "set it on a bottle of your own cellar.json"),
        ("supervise", "set it on a bottle of your own cellar.json"),
        (
            "runtime",
            "only your own cellar.json chooses the runtime; name one of its bottles here",
        ),
        ("uid", "set it on a bottle of your own cellar.json"),
    ],
};

const CLAUDE: Shape = Shape {
    what: "the provider claude",
    form: "write it as { \"model\": \"opus\" }",
    known: &["args", "model"],
    refused: &[],
};

const PROVIDER: Shape = Shape {
    what: "a provider",
    form: PROVIDER_HELP,
    known: &["claude", "command"],
    refused: &[],
};

const PROMPT: Shape = Shape {
    what: "a prompt",
    form: PROMPT_HELP,
    known: &["file"],
    refused: &[],
};

const PROVIDER_HELP: &str = "write \"claude\", { \"claude\": { \"model\": \"…\" } } or { \"command\": [\"program\", \"argument\"] }";
const PROMPT_HELP: &str = "write the text itself, or { \"file\": \"path\" }";
const SKILLS_HELP: &str = "write a list of folders, such as [\"skills/review\"]";

/// Arguments that would take the conversation out of our hands: its id is chosen
/// before the first start, and resuming is cellar's own.
const OURS: [&str; 8] = [
    "--session-id",
    "--resume",
    "-r",
    "--continue",
    "-c",
    "--fork-session",
    "--append-system-prompt-file",
    "--dangerously-skip-permissions",
];

/// What to do instead of giving one of [`OURS`].
pub(in crate::manifest) fn argument_advice(argument: &str) -> &'static str {
    match argument {
        "--append-system-prompt-file" => "use the agent's `prompt`",
        "--dangerously-skip-permissions" => "take it out: inside the seal it is always given",
        _ => "take it out: cellar keeps the conversation, and `cellar resume` continues it",
    }
}

/// The word of [`OURS`] that an argument is, also when written as `--word=value`.
pub(in crate::manifest) fn ours(argument: &str) -> Option<&'static str> {
    let word = argument.split('=').next().unwrap_or(argument);
    OURS.into_iter().find(|ours| *ours == word)
}

impl Reader {
    pub(super) fn agent(&mut self, value: &Value<'_>, source: AgentSource) -> Option<Agent> {
        let shape = match source {
            AgentSource::Operator => &AGENT,
            AgentSource::Repository => &STRANGER,
        };
        let fields = self.fields(value, shape)?;
        let bottle = self.bottle(&fields);
        let provider = match fields.get("provider") {
            Some(value) => self.provider(value),
            None => Some(ProviderEntry::Claude {
                args: Vec::new(),
                model: None,
            }),
        };
        let prompt = fields.get("prompt").map(|value| self.prompt(value));
        let skills = match fields.get("skills") {
            Some(value) => self.texts(value, "`skills`", SKILLS_HELP),
            None => Some(Vec::new()),
        };
        let env = fields.get("env").map(|value| self.env(value));
        let workspace = fields.get("workspace").map(|value| self.workspace(value));
        Some(Agent {
            bottle: bottle?,
            provider: provider?,
            prompt: match prompt {
                None => None,
                Some(read) => Some(read?),
            },
            skills: skills?,
            env: env.unwrap_or_else(|| Some(BTreeMap::new()))?,
            workspace: match workspace {
                None => None,
                Some(read) => Some(read?),
            },
        })
    }

    fn bottle(&mut self, fields: &Fields<'_>) -> Option<Located<String>> {
        let help = "write the name of a bottle of your cellar.json, such as \"claude\"";
        if let Some(value) = fields.get("bottle") {
            return self.located(value, "`bottle`", help);
        }
        let advice = "add \"bottle\": \"<name>\"";
        self.wrong(&fields.place, "the agent names no bottle", advice);
        None
    }

    fn provider(&mut self, value: &Value<'_>) -> Option<ProviderEntry> {
        if let Value::StringLit(literal) = value {
            if literal.value == "claude" {
                return Some(ProviderEntry::Claude {
                    args: Vec::new(),
                    model: None,
                });
            }
            let message = format!("there is no provider `{}`", literal.value);
            self.wrong_at(value, &message, PROVIDER_HELP);
            return None;
        }
        let fields = self.fields(value, &PROVIDER)?;
        match self.one_of(&fields, "the provider", PROVIDER.known, PROVIDER_HELP)? {
            ("claude", value) => self.claude(value),
            (_, value) => {
                let help = "write the program and its arguments, such as [\"bash\", \"-l\"]";
                let argv = self.texts(value, "`command`", help)?;
                if argv.is_empty() {
                    self.wrong_at(value, "`command` is empty", help);
                    return None;
                }
                let argv = argv.into_iter().map(|word| word.value).collect();
                Some(ProviderEntry::Command { argv })
            }
        }
    }

    fn claude(&mut self, value: &Value<'_>) -> Option<ProviderEntry> {
        let fields = self.fields(value, &CLAUDE)?;
        let model = fields.get("model").map(|value| {
            let help = "write a model name, such as \"opus\"";
            let model = self.text(value, "`model`", help)?;
            if model.starts_with('-') {
                self.wrong_at(value, &format!("`{model}` is no model"), help);
            }
            Some(model)
        });
        let args = match fields.get("args") {
            Some(value) => self.claude_args(value),
            None => Some(Vec::new()),
        };
        Some(ProviderEntry::Claude {
            args: args?,
            model: match model {
                None => None,
                Some(read) => Some(read?),
            },
        })
    }

    fn claude_args(&mut self, value: &Value<'_>) -> Option<Vec<String>> {
        let help = "write a list of arguments, such as [\"--verbose\"]";
        let args = self.texts(value, "`args`", help)?;
        for argument in &args {
            if let Some(word) = ours(&argument.value) {
                let message = format!("`{word}` is given by cellar");
                self.wrong(&argument.place, &message, argument_advice(word));
            }
        }
        Some(args.into_iter().map(|argument| argument.value).collect())
    }

    fn prompt(&mut self, value: &Value<'_>) -> Option<PromptEntry> {
        if let Value::StringLit(_) = value {
            return Some(PromptEntry::Inline(self.text(
                value,
                "`prompt`",
                PROMPT_HELP,
            )?));
        }
        let fields = self.fields(value, &PROMPT)?;
        let (_, value) = self.one_of(&fields, "the prompt", PROMPT.known, PROMPT_HELP)?;
        Some(PromptEntry::File(self.located(
            value,
            "`file`",
            PROMPT_HELP,
        )?))
    }
}
