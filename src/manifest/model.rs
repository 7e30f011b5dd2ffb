//! The user's files as typed values, each with the place it was written at.
//! Nothing here is resolved: paths are as written, templates are names.

use std::collections::BTreeMap;

use super::plan::AgentSource;
use super::problem::{Place, Problem};
use crate::policy::{BottleBudget, Denials, NextHop, Route, SecretName, Unlisted};
use crate::spec::{BottleName, Build, Clipboard, Limits};

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// One entry of `bottles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) image: ImageEntry,
    pub(super) env: BTreeMap<String, EnvEntry>,
    pub(super) workspace: WorkspaceEntry,
    pub(super) limits: Limits,
    pub(super) time_zone: Option<String>,
    pub(super) routes: Vec<Route>,
    pub(super) unlisted: Unlisted,
    pub(super) denials: Denials,
    pub(super) budgets: Vec<BottleBudget>,
    pub(super) secrets: BTreeMap<SecretName, SourceEntry>,
    pub(super) upstream_ca: Option<Located<String>>,
    pub(super) upstream_proxy: Option<NextHop>,
    pub(super) supervise: bool,
    pub(super) clipboard: Clipboard,
    pub(super) runtime: Option<String>,
    pub(super) uid: u32,
    pub(super) build: Build,
}

/// Where the image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ImageEntry {
    From(String),
    Dockerfile(Located<String>),
}

/// One environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EnvEntry {
    Value(String),
    Source(SourceEntry),
}

/// Where a secret comes from, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SourceEntry {
    Env(String),
    File(String),
    Command(Vec<String>),
    Prompt(String),
}

/// What the agent works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WorkspaceEntry {
    None,
    Copy(Located<String>),
    Mount {
        path: Located<String>,
        read_only: bool,
    },
}

/// One entry of `agents`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Agent {
    pub(super) bottle: Located<String>,
    pub(super) provider: ProviderEntry,
    pub(super) prompt: Option<PromptEntry>,
    pub(super) skills: Vec<Located<String>>,
    pub(super) env: BTreeMap<String, EnvEntry>,
    pub(super) workspace: Option<WorkspaceEntry>,
}

/// What runs in the bottle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProviderEntry {
    Claude {
        args: Vec<String>,
        model: Option<String>,
    },
    Command {
        argv: Vec<String>,
    },
}

impl ProviderEntry {
    /// The word for lists.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Claude { .. } => "claude",
            Self::Command { .. } => "command",
        }
    }
}

/// The prompt, inline or in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PromptEntry {
    Inline(String),
    File(Located<String>),
}

/// An entry that could be read, or what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<T> {
    pub(super) place: Place,
    pub(super) read: Result<T, Vec<Problem>>,
}

/// An agent and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AgentEntry {
    pub(super) name: BottleName,
    pub(super) source: AgentSource,
    pub(super) entry: Entry<Agent>,
}
