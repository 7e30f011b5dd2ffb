//! What an agent may say.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::template::{Env, Workspace};
use super::words::{Name, Variable};

/// An agent of the operator's.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Agent {
    /// The template it uses.
    bottle: Name,
    /// What runs; Claude Code if absent.
    provider: Option<Provider>,
    /// What it is told, as an addition to its system prompt.
    prompt: Option<Prompt>,
    /// Folders with a SKILL.md, copied to ~/.claude/skills/.
    #[schemars(default)]
    skills: Vec<String>,
    /// Environment variables beside the template's.
    #[schemars(default)]
    env: BTreeMap<Variable, Env>,
    /// Another workspace than the template's.
    workspace: Option<Workspace>,
}

/// An agent that comes with a repository.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RepositoryAgent {
    /// The operator's template it uses.
    bottle: Name,
    /// What runs; Claude Code if absent.
    provider: Option<Provider>,
    /// What it is told, as an addition to its system prompt.
    prompt: Option<Prompt>,
    /// Folders of the repository with a SKILL.md, copied to ~/.claude/skills/.
    #[schemars(default)]
    skills: Vec<String>,
}

/// What runs in the bottle.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Provider {
    Word(ProviderWord),
    Claude(ClaudeProvider),
    Command(CommandProvider),
}

/// A provider without settings.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum ProviderWord {
    Claude,
}

/// Claude Code with settings.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ClaudeProvider {
    /// The settings.
    claude: ClaudeSettings,
}

/// Settings of Claude Code.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ClaudeSettings {
    /// Arguments beside those that cellar gives.
    #[schemars(default)]
    args: Vec<String>,
    /// The model.
    model: Option<String>,
}

/// Any program.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct CommandProvider {
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    command: Vec<String>,
}

/// The text itself, or a file that holds it.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Prompt {
    Inline(String),
    File(PromptFile),
}

/// A file with the prompt.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct PromptFile {
    /// Path from the folder of this file; in a repository from its root.
    #[schemars(length(min = 1))]
    file: String,
}
