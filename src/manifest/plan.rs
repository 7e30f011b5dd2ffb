//! The launch plan: what `start` would do, before anything is done.
//!
//! A plan holds no secret: what must be asked for is named here and gathered by
//! [`Plan::gather`] only once the operator has said yes.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::spec::{BottleName, Digest, Spec, Workspace};

/// Everything that starting one agent takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[serde(rename_all = "snake_case")]
pub enum AgentSource {
    /// The operator's own `cellar.json`.
    Operator,
    /// The repository's `.cellar/agents.json`.
    Repository,
}

/// One file laid into the agent's home before the first start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeFile {
    /// Path below the home, with `/` separators, no leading slash and no `..`.
    pub path: String,
    /// Unix permission bits.
    pub mode: u32,
    /// The content, never a secret.
    #[serde(with = "base64")]
    pub content: Vec<u8>,
}

/// A value that is asked for after the launch was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretAsk {
    /// The agent's environment variable.
    pub variable: String,
    /// Where the value comes from.
    pub source: AskSource,
}

/// Where an asked value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AskSource {
    /// The operator's own environment.
    FromHostEnv {
        /// The name of the variable there.
        name: String,
    },
    /// The operator, at the terminal, without echo.
    Prompt {
        /// What to ask.
        text: String,
    },
}

/// What is shown of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptSummary {
    /// The first line that is not empty, made visible and cut.
    pub first_line: String,
    /// The length of the whole prompt in characters.
    pub characters: usize,
}

/// Why a value could not be gathered.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// Variables that the plan takes from the operator's environment are not there.
    #[error(
        "read {} from the environment: unset or empty; set {} and start again",
        names(.variables),
        if .variables.len() == 1 { "it" } else { "them" }
    )]
    Missing {
        /// Their names on the operator's side.
        variables: Vec<String>,
    },
    /// A value holds a NUL byte, which no environment can carry.
    #[error("hand over `{variable}`: its value holds a NUL byte")]
    Unusable {
        /// The agent's variable.
        variable: String,
    },
    /// The operator gave no answer.
    #[error("ask for `{variable}`")]
    Prompt {
        /// The agent's variable.
        variable: String,
        /// What went wrong at the terminal.
        #[source]
        source: std::io::Error,
    },
}

fn names(variables: &[String]) -> String {
    let quoted: Vec<_> = variables.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
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

    /// Looks up what the plan asks for. Call it only after the operator's yes.
    ///
    /// All of the host's variables are looked up before the first question is put,
    /// so that nobody types a secret in vain.
    ///
    /// # Errors
    /// [`GatherError`] names each missing variable, or the question without an answer.
    pub fn gather(
        &self,
        host_env: impl Fn(&str) -> Option<Secret<String>>,
        mut prompt: impl FnMut(&SecretAsk, &str) -> std::io::Result<Secret<String>>,
    ) -> Result<BTreeMap<String, Secret<String>>, GatherError> {
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for ask in &self.asks {
            if let AskSource::FromHostEnv { name } = &ask.source {
                match host_env(name).filter(|value| !value.expose().is_empty()) {
                    Some(value) => drop(values.insert(ask.variable.clone(), value)),
                    None => missing.push(name.clone()),
                }
            }
        }
        if !missing.is_empty() {
            missing.sort();
            missing.dedup();
            return Err(GatherError::Missing { variables: missing });
        }
        for ask in &self.asks {
            if let AskSource::Prompt { text } = &ask.source {
                let value = prompt(ask, text).map_err(|source| GatherError::Prompt {
                    variable: ask.variable.clone(),
                    source,
                })?;
                drop(values.insert(ask.variable.clone(), value));
            }
        }
        match values
            .iter()
            .find(|(_, value)| value.expose().contains('\0'))
        {
            Some((variable, _)) => Err(GatherError::Unusable {
                variable: variable.clone(),
            }),
            None => Ok(values),
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
