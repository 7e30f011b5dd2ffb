//! The content of a request: what would change, or what is to be answered.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::packages::{MAX_PACKAGES, check_package};
use super::pass::PassAsk;
use super::server::ServerAsk;
use crate::policy::{Effect, HostPattern, Methods, PackageManager, PathPattern, Provenance, Route};
use crate::spec::Digest;

/// The longest Dockerfile.
pub const MAX_DOCKERFILE_BYTES: usize = 64 * 1024;
/// The longest question.
pub const MAX_QUESTION_CHARS: usize = 2_000;
/// The most choices of a question.
pub const MAX_CHOICES: usize = 9;
/// The longest of them.
pub const MAX_CHOICE_CHARS: usize = 200;
/// The most ports, methods or paths of one route.
const MAX_PARTS: usize = 16;
/// How much of a text that is refused is said again.
const MAX_QUOTED_CHARS: usize = 80;

/// What is asked for. Everything in it is the agent's word, or made of what it tried.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ask {
    /// A way out.
    Route(RouteAsk),
    /// Another image: the whole Dockerfile as it is to be.
    Image {
        /// Its text.
        dockerfile: String,
    },
    /// Packages in the image.
    Packages {
        /// Whose they are.
        manager: PackageManager,
        /// Their names, each with a version behind it if one is wanted.
        packages: Vec<String>,
    },
    /// An MCP server for the agent's session.
    McpServer(ServerAsk),
    /// That what looks like a secret passes on a route. Only egress asks for it.
    ScanPass(PassAsk),
    /// An answer of the operator.
    Question {
        /// The question.
        text: String,
        /// Answers to choose from; any text if there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        choices: Vec<String>,
    },
}

/// A way out that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RouteAsk {
    /// The hosts.
    pub host: HostPattern,
    /// The ports.
    pub ports: Vec<u16>,
    /// The methods.
    #[serde(default, skip_serializing_if = "Methods::is_any")]
    pub methods: Methods,
    /// The paths; every one if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathPattern>,
    /// Whether a request may go on as a WebSocket.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub websocket: bool,
}

/// Why something cannot be asked for, in words that teach who asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskProblem {
    /// No port, or port 0.
    #[error("ask for this route: name at least one port, each between 1 and 65535")]
    Ports,
    /// Too many of something.
    #[error("ask for this route: it names {there} {what}, at most {most} are read")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        there: usize,
        /// How many there may be.
        most: usize,
    },
    /// A text is empty.
    #[error("ask: {what} is empty")]
    Empty {
        /// Which text.
        what: &'static str,
    },
    /// A text is too long.
    #[error("ask: {what} has {there} {unit}, at most {most} are read; say it shorter")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// How long it is.
        there: usize,
        /// How long it may be.
        most: usize,
        /// In what.
        unit: &'static str,
    },
    /// A text is not written as its kind is.
    #[error("ask: {what} cannot be `{given}`; write it like {example}")]
    Malformed {
        /// What it is.
        what: &'static str,
        /// What it reads, cut and with anything unprintable escaped.
        given: String,
        /// One that would be taken.
        example: &'static str,
    },
    /// An agent asks that a secret may leave.
    #[error(
        "ask that what looks like a secret may pass: the proxy alone asks for it, of what it refused"
    )]
    NotTheAgents,
    /// The same stands there twice.
    #[error("ask: `{given}` stands there twice; name it once")]
    Twice {
        /// What it reads.
        given: String,
    },
}

impl AskProblem {
    /// A text that is not written as its kind is.
    pub(super) fn malformed(what: &'static str, text: &str, example: &'static str) -> Self {
        let given: String = text.chars().take(MAX_QUOTED_CHARS).collect();
        Self::Malformed {
            what,
            given: given.escape_debug().to_string(),
            example,
        }
    }
}

impl Ask {
    /// Checks what its types do not.
    ///
    /// # Errors
    /// [`AskProblem`].
    pub fn check(&self) -> Result<(), AskProblem> {
        match self {
            Self::Route(route) => route.check(),
            Self::Image { dockerfile } => {
                bounded(
                    "the Dockerfile",
                    dockerfile.len(),
                    MAX_DOCKERFILE_BYTES,
                    "bytes",
                )?;
                not_empty("the Dockerfile", dockerfile)
            }
            Self::Packages { manager, packages } => check_packages(*manager, packages),
            Self::McpServer(server) => server.check(),
            Self::ScanPass(asked) => asked.check(),
            Self::Question { text, choices } => {
                not_empty("the question", text)?;
                characters("the question", text, MAX_QUESTION_CHARS)?;
                at_most("choices", choices.len(), MAX_CHOICES)?;
                choices.iter().try_for_each(|choice| {
                    not_empty("a choice", choice)?;
                    characters("a choice", choice, MAX_CHOICE_CHARS)
                })
            }
        }
    }

    /// Names the content: equal contents have equal digests.
    ///
    /// # Errors
    /// Only if it cannot be JSON, which no field's type allows.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        value.sort_all_objects();
        Ok(Digest::of(&serde_json::to_vec(&value)?))
    }

    /// The kind in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Route(_) => "route",
            Self::Image { .. } => "image",
            Self::Packages { .. } => "packages",
            Self::McpServer(_) => "mcp_server",
            Self::ScanPass(_) => "scan_pass",
            Self::Question { .. } => "question",
        }
    }

    /// What is asked for, in one line. Hostile text.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Route(route) => format!("a way out to {}", route.route(0).words()),
            Self::Image { dockerfile } => {
                format!("another image, {} lines", dockerfile.lines().count())
            }
            Self::Packages { manager, packages } => {
                format!("{} packages: {}", manager.as_str(), packages.join(", "))
            }
            Self::McpServer(server) => server.words(),
            Self::ScanPass(asked) => asked.words(),
            Self::Question { text, .. } => text.clone(),
        }
    }

    /// Whether an approval changes the bottle, and is not just an answer.
    #[must_use]
    pub const fn changes_the_bottle(&self) -> bool {
        !matches!(self, Self::Question { .. })
    }
}

impl RouteAsk {
    fn check(&self) -> Result<(), AskProblem> {
        if self.ports.is_empty() || self.ports.contains(&0) {
            return Err(AskProblem::Ports);
        }
        let methods = match &self.methods {
            Methods::Any => 0,
            Methods::Only(methods) => methods.len(),
        };
        for (what, there) in [
            ("ports", self.ports.len()),
            ("methods", methods),
            ("paths", self.paths.len()),
        ] {
            at_most(what, there, MAX_PARTS)?;
        }
        Ok(())
    }

    /// The route that it asks for: looked into and scanned, without a credential, and
    /// never to a private address. No request can ask for more than that.
    #[must_use]
    pub fn route(&self, request: u64) -> Route {
        Route {
            methods: self.methods.clone(),
            paths: self.paths.clone(),
            websocket: self.websocket,
            effect: Effect::Allow,
            ..Route::to(
                self.host.clone(),
                self.ports.clone(),
                Provenance::Request { id: request },
            )
        }
    }
}

fn check_packages(manager: PackageManager, packages: &[String]) -> Result<(), AskProblem> {
    if packages.is_empty() {
        return Err(AskProblem::Empty {
            what: "the list of packages",
        });
    }
    at_most("packages", packages.len(), MAX_PACKAGES)?;
    packages
        .iter()
        .try_for_each(|package| check_package(manager, package))?;
    let mut seen = BTreeSet::new();
    match packages.iter().find(|package| !seen.insert(*package)) {
        Some(twice) => Err(AskProblem::Twice {
            given: twice.clone(),
        }),
        None => Ok(()),
    }
}

/// Checks how many of something there are.
pub(super) const fn at_most(
    what: &'static str,
    there: usize,
    most: usize,
) -> Result<(), AskProblem> {
    if there > most {
        return Err(AskProblem::TooMany { what, there, most });
    }
    Ok(())
}

pub(super) fn not_empty(what: &'static str, text: &str) -> Result<(), AskProblem> {
    if text.trim().is_empty() {
        return Err(AskProblem::Empty { what });
    }
    Ok(())
}

/// Checks the length of a text in characters.
pub(super) fn characters(what: &'static str, text: &str, most: usize) -> Result<(), AskProblem> {
    bounded(what, text.chars().count(), most, "characters")
}

fn bounded(
    what: &'static str,
    there: usize,
    most: usize,
    unit: &'static str,
) -> Result<(), AskProblem> {
    if there > most {
        return Err(AskProblem::TooLong {
            what,
            there,
            most,
            unit,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::HostName;

    fn route(ports: Vec<u16>) -> RouteAsk {
        RouteAsk {
            host: HostName::parse("pypi.org").unwrap().into(),
            ports,
            methods: Methods::Any,
            paths: Vec::new(),
            websocket: false,
        }
    }

    #[test]
    fn what_can_never_be_right_is_refused() {
        assert_eq!(Ask::Route(route(vec![])).check(), Err(AskProblem::Ports));
        assert_eq!(Ask::Route(route(vec![0])).check(), Err(AskProblem::Ports));
        assert_eq!(Ask::Route(route(vec![443])).check(), Ok(()));
        let ports = Ask::Route(route((1..=17).collect()));
        assert!(matches!(
            ports.check(),
            Err(AskProblem::TooMany { what: "ports", .. })
        ));
        let image = |bytes| Ask::Image {
            dockerfile: "x".repeat(bytes),
        };
        assert_eq!(image(MAX_DOCKERFILE_BYTES).check(), Ok(()));
        assert!(image(MAX_DOCKERFILE_BYTES + 1).check().is_err());
        assert!(image(0).check().is_err());
        let question = |text: &str, choices: &[&str]| Ask::Question {
            text: text.to_owned(),
            choices: choices.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(question("which?", &["a", "b"]).check(), Ok(()));
        assert!(question(" \n", &[]).check().is_err());
        assert!(question("which?", &[""]).check().is_err());
        assert!(question("which?", &["a"; MAX_CHOICES + 1]).check().is_err());
    }

    #[test]
    fn the_digest_names_the_content_and_nothing_else() {
        let one = Ask::Route(route(vec![443])).digest().unwrap();
        assert_eq!(Ask::Route(route(vec![443])).digest().unwrap(), one);
        assert_ne!(Ask::Route(route(vec![80])).digest().unwrap(), one);
    }

    /// The longest words of a hostile agent must not become a route with a credential.
    #[test]
    fn a_route_that_is_asked_for_brings_nothing_but_a_way_out() {
        let made = route(vec![443]).route(7);
        assert_eq!(made.origin, Provenance::Request { id: 7 });
        assert_eq!(made.auth, None);
        assert!(!made.allow_private);
        assert_eq!(made.connect_to, None);
    }
}
