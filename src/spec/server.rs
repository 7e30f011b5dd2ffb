//! An MCP server that a session is told of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How an MCP server is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "transport", rename_all = "snake_case")]
pub enum McpServer {
    /// A program inside the bottle, spoken to over its standard streams.
    Stdio {
        /// Program and arguments; never empty.
        command: Vec<String>,
        /// Its environment beside the session's. Never a secret.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        env: BTreeMap<String, String>,
    },
    /// A server on the network, behind a route of its own.
    Http {
        /// Where.
        url: String,
    },
}

impl McpServer {
    /// What it is, in one line. Hostile text.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Stdio { command, .. } => command.join(" "),
            Self::Http { url } => format!("at {url}"),
        }
    }
}
