//! The launch plan: what `start` would do, before anything is done.
//!
//! A plan holds no secret: what must be asked for is named here and looked up by others
//! only once the operator has said yes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::policy::SecretName;
use crate::spec::{BottleName, Digest, Spec, Workspace};

/// Everything that starting one agent takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Plan {
    /// The name that the bottle's id begins with.
    pub name: BottleName,
    /// The bottle's complete description.
    pub spec: Spec,
    /// The digest of `spec`.
    pub digest: Digest,
    /// The files that `spec.session.home_files` names, in the same order.
    pub home_files: Vec<HomeFile>,
    /// What must be asked for after the yes and before the start.
    pub asks: Vec<SecretAsk>,
    /// What the operator should know, one sentence each.
    pub notes: Vec<String>,
    /// First line and length of the prompt, if there is one.
    pub prompt: Option<PromptSummary>,
    /// Names of the skills that are copied in.
    pub skills: Vec<String>,
    /// Which file the agent comes from.
    pub source: AgentSource,
}

/// Which file an agent comes from, and so how far it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AgentSource {
    /// The operator's own `cellar.json`.
    Operator,
    /// The repository's `.cellar/agents.json`.
    Repository,
}

/// One file laid into the agent's home before the first start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HomeFile {
    /// Path below the home, with `/` separators, no leading slash and no `..`.
    pub path: String,
    /// Unix permission bits.
    pub mode: u32,
    /// The content, never a secret.
    #[serde(with = "base64")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub content: Vec<u8>,
}

/// A value that is looked up after the launch was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SecretAsk {
    /// What needs it.
    pub need: Need,
    /// Where the value comes from.
    pub source: SecretSource,
}

/// What a value is needed for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Need {
    /// A variable of the agent, which holds the value then.
    Variable(String),
    /// A secret that a route names: egress holds it, the agent never does.
    Credential(SecretName),
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::Credential(name) => write!(f, "{name}"),
        }
    }
}

/// Where a secret comes from: a reference that is no secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SecretSource {
    /// The operator's own environment.
    Env {
        /// The name of the variable there.
        name: String,
    },
    /// A file on the operator's machine; one line break at its end is left out.
    File {
        /// Its absolute path.
        path: PathBuf,
    },
    /// What a program of the operator's prints; one line break at its end is left out.
    Command {
        /// The program and its arguments; never empty.
        argv: Vec<String>,
    },
    /// The operator, at the terminal, without echo.
    Prompt {
        /// What to ask.
        text: String,
    },
}

/// What is shown of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PromptSummary {
    /// The first line that is not empty, made visible and cut.
    pub first_line: String,
    /// The length of the whole prompt in characters.
    pub characters: usize,
}

impl Plan {
    /// The host folder that is copied into the workspace, if one is.
    #[must_use]
    pub fn copy_source(&self) -> Option<&Path> {
        match &self.spec.workspace {
            Workspace::Copy { host } => Some(Path::new(host)),
            Workspace::None | Workspace::Mount { .. } => None,
        }
    }
}

mod base64 {
    use data_encoding::BASE64;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        BASE64.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}
