//! An MCP server that an agent asks for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ask::{AskProblem, at_most, characters, not_empty};
use crate::policy::HostName;
use crate::spec::McpServer;

const MAX_NAME: usize = 32;
const MAX_WORDS: usize = 32;
const MAX_WORD_CHARS: usize = 1_000;
const MAX_VARIABLES: usize = 16;
const MAX_URL_CHARS: usize = 2_000;
/// The name under which our own tools are there.
const OURS: &str = "cellar";

/// An MCP server that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServerAsk {
    /// How its tools are to be called: `mcp__<name>__<tool>`.
    pub name: String,
    /// How it is reached.
    #[serde(flatten)]
    pub way: McpServer,
}

impl ServerAsk {
    /// Checks what its types do not.
    ///
    /// # Errors
    /// [`AskProblem`].
    pub(super) fn check(&self) -> Result<(), AskProblem> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_name = self.name.bytes().next().is_some_and(plain)
            && self.name.len() <= MAX_NAME
            && self.name.bytes().all(|byte| plain(byte) || byte == b'-')
            && self.name != OURS;
        if !is_name {
            return Err(AskProblem::malformed(
                "the server's name",
                &self.name,
                "`github`: small letters, digits and hyphens, and not `cellar`",
            ));
        }
        match &self.way {
            McpServer::Stdio { command, env } => check_command(command, env),
            McpServer::Http { url } => check_url(url),
        }
    }

    /// What is asked for, in one line. Hostile text.
    pub(super) fn words(&self) -> String {
        let between = match &self.way {
            McpServer::Stdio { .. } => ": ",
            McpServer::Http { .. } => " ",
        };
        format!("the MCP server {}{between}{}", self.name, self.way.words())
    }
}

fn check_command(command: &[String], env: &BTreeMap<String, String>) -> Result<(), AskProblem> {
    let program = command.first().map_or("", String::as_str);
    not_empty("the server's command", program)?;
    at_most("words of a command", command.len(), MAX_WORDS)?;
    at_most("variables", env.len(), MAX_VARIABLES)?;
    for word in command.iter().chain(env.values()) {
        characters("a word of the command", word, MAX_WORD_CHARS)?;
        if word.chars().any(char::is_control) {
            let example = "`--port`, without control characters";
            return Err(AskProblem::malformed(
                "a word of the command",
                word,
                example,
            ));
        }
    }
    let is_variable = |name: &str| {
        let mut bytes = name.bytes();
        let letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        bytes.next().is_some_and(letter)
            && name.len() <= 64
            && bytes.all(|byte| letter(byte) || byte.is_ascii_digit())
    };
    match env.keys().find(|name| !is_variable(name)) {
        Some(name) => Err(AskProblem::malformed("a variable", name, "`LOG_LEVEL`")),
        None => Ok(()),
    }
}

/// Only what names a host and a path: no user, no fragment, nothing to hide behind.
fn check_url(url: &str) -> Result<(), AskProblem> {
    const EXAMPLE: &str = "`https://mcp.example.com/mcp`";
    characters("the server's address", url, MAX_URL_CHARS)?;
    let malformed = || AskProblem::malformed("the server's address", url, EXAMPLE);
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or_else(malformed)?;
    let (authority, path) = rest
        .split_at_checked(rest.find('/').unwrap_or(rest.len()))
        .ok_or_else(malformed)?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
    let is_path = path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte));
    if HostName::parse(host).is_ok() && port.is_none_or(is_port) && is_path {
        Ok(())
    } else {
        Err(malformed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stdio(name: &str, command: &[&str]) -> ServerAsk {
        ServerAsk {
            name: name.to_owned(),
            way: McpServer::Stdio {
                command: command.iter().map(ToString::to_string).collect(),
                env: BTreeMap::new(),
            },
        }
    }

    fn http(url: &str) -> ServerAsk {
        let url = url.to_owned();
        ServerAsk {
            name: String::from("one"),
            way: McpServer::Http { url },
        }
    }

    #[test]
    fn a_program_needs_a_name_and_a_command() {
        assert_eq!(stdio("git-tools", &["npx", "x"]).check(), Ok(()));
        for (name, command) in [
            ("", &["npx"][..]),
            ("Git", &["npx"]),
            ("a__b", &["npx"]),
            ("cellar", &["npx"]),
            ("git", &[]),
            ("git", &[" "]),
            ("git", &["npx", "a\nb"]),
            ("git", &["x"; MAX_WORDS + 1]),
        ] {
            assert!(stdio(name, command).check().is_err(), "{name} {command:?}");
        }
        let mut ask = stdio("git", &["npx"]);
        if let McpServer::Stdio { env, .. } = &mut ask.way {
            env.insert(String::from("lower"), String::new());
        }
        assert!(ask.check().is_err());
    }

    #[test]
    fn an_address_names_a_host_and_hides_nothing() {
        for url in ["https://a.example", "http://a.example:8080/mcp?x=1"] {
            assert_eq!(http(url).check(), Ok(()), "{url}");
        }
        for url in [
            "a.example",
            "file:///etc/passwd",
            "https://",
            "https://user@a.example/",
            "https://a.example:0/",
            "https://a.example:x/",
            "https://a.example/#x",
            "https://a.example/ x",
            "https://a\u{202e}.example/",
            "https://127.0.0.1/",
        ] {
            assert!(http(url).check().is_err(), "{url}");
        }
    }

    #[test]
    fn it_is_written_flat() {
        let text = serde_json::to_string(&http("https://a.example")).unwrap();
        assert_eq!(
            text,
            r#"{"name":"one","transport":"http","url":"https://a.example"}"#
        );
        let read: ServerAsk = serde_json::from_str(&text).unwrap();
        assert_eq!(read, http("https://a.example"));
    }
}
