//! The JSON Schemas that editors read. The types here mirror what the readers take;
//! nothing is read through them, and tests hold the two against each other.

#![expect(
    dead_code,
    reason = "the types exist for their schemas; the readers walk the syntax tree"
)]

mod agent;
mod build;
mod config;
mod route;
mod template;
mod words;

use std::collections::BTreeMap;

use schemars::{JsonSchema, generate::SchemaSettings};

use self::agent::{Agent, RepositoryAgent};
use self::config::{ConfigFile, Root, ThemeFile};
use self::template::Template;
use self::words::Name;

/// The schema of `cellar.json`.
#[must_use]
pub fn manifest_schema() -> serde_json::Value {
    schema_of::<OperatorFile>()
}

/// The schema of a repository's `.cellar/agents.json`.
#[must_use]
pub fn agents_schema() -> serde_json::Value {
    schema_of::<RepositoryFile>()
}

/// The schema of `mounts.json`.
#[must_use]
pub fn mounts_schema() -> serde_json::Value {
    schema_of::<MountsFile>()
}

/// The schema of `config.json`.
#[must_use]
pub fn config_schema() -> serde_json::Value {
    schema_of::<ConfigFile>()
}

/// The schema of a theme's file.
#[must_use]
pub fn theme_schema() -> serde_json::Value {
    schema_of::<ThemeFile>()
}

fn schema_of<T: JsonSchema>() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// cellar.json: the operator's own manifest.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct OperatorFile {
    /// Where an editor finds this schema.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// Templates: what a bottle is made of and what may leave it.
    #[schemars(default)]
    bottles: BTreeMap<Name, Template>,
    /// Agents: what runs, in a bottle of which template.
    #[schemars(default)]
    agents: BTreeMap<Name, Agent>,
}

/// .cellar/agents.json: agents that come with a repository. They may use the
/// operator's templates and open nothing.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RepositoryFile {
    /// Where an editor finds this schema.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// Agents: what runs, in a bottle of which of the operator's templates.
    #[schemars(default)]
    agents: BTreeMap<Name, RepositoryAgent>,
}

/// mounts.json: the only host folders that may ever be mounted.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MountsFile {
    /// Where an editor finds this schema.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// Folders under which folders may be mounted.
    #[schemars(default)]
    roots: Vec<Root>,
}
