//! Looking up what a start, a resume or an unlock needs: from the operator's environment,
//! files and programs. What only the operator knows is left to be asked.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use zeroize::{Zeroize as _, Zeroizing};

use super::exit::Failure;
use crate::docker::Credentials;
use crate::manifest::{Need, SecretAsk, SecretSource};
use crate::secret::Secret;

/// How long a value may be, in bytes. The longest tokens in use have a few thousand.
const LIMIT: usize = 32 * 1024;
/// How long a program may take: it may ask the operator on a screen of its own.
const PATIENCE: Duration = Duration::from_mins(1);

/// Values that were looked up or typed. Written nowhere.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// For the agent's environment.
    pub(crate) variables: BTreeMap<String, Secret<String>>,
    /// For egress's memory.
    pub(crate) credentials: Credentials,
}

/// Why a value is not there, or is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GatherError {
    /// The operator's environment has no such variable.
    #[error("read `{name}` from the environment: unset or empty; set it and try again")]
    Unset {
        /// The variable.
        name: String,
    },
    /// A file could not be read.
    #[error("read the file {path}")]
    File {
        /// Its path.
        path: String,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("run `{program}`")]
    Start {
        /// The program.
        program: String,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// A program failed.
    #[error("run `{program}`: it ended with {status}{}", and_said(.said))]
    Program {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last line of what it said to its standard error.
        said: String,
    },
    /// A program did not end.
    #[error("run `{program}`: it did not end within {} s", PATIENCE.as_secs())]
    Slow {
        /// The program.
        program: String,
    },
    /// The value cannot be one.
    #[error("use the value of `{need}`: {why}")]
    Unusable {
        /// What needs it.
        need: Need,
        /// What is wrong with it.
        why: &'static str,
    },
}

fn and_said(line: &str) -> String {
    if line.is_empty() {
        String::new()
    } else {
        format!(" and said: {line}")
    }
}

impl Values {
    /// Takes a value.
    ///
    /// # Errors
    /// [`GatherError::Unusable`].
    pub(crate) fn put(&mut self, need: &Need, value: Secret<String>) -> Result<(), GatherError> {
        let text = value.expose();
        let why = match need {
            _ if text.is_empty() => Some("it is empty"),
            // What no environment can carry.
            Need::Variable(_) => text.contains('\0').then_some("it holds a NUL byte"),
            // What no header can carry.
            Need::Credential(_) => text
                .bytes()
                .any(|byte| !(b' '..=b'~').contains(&byte))
                .then_some("it holds more than the printable characters of ASCII on one line"),
        };
        if let Some(why) = why {
            let need = need.clone();
            return Err(GatherError::Unusable { need, why });
        }
        match need {
            Need::Variable(name) => drop(self.variables.insert(name.clone(), value)),
            Need::Credential(name) => drop(self.credentials.insert(name.clone(), value)),
        }
        Ok(())
    }
}

/// Looks up all but what only the operator knows, and gives that back to be asked.
/// Nothing is asked in vain: whatever is missing is told first, all of it at once.
///
/// # Errors
/// [`Failure`] that names everything that is missing.
pub(crate) async fn look_up(
    asks: &[SecretAsk],
    host_env: impl Fn(&str) -> Option<Secret<String>>,
) -> Result<(Values, Vec<SecretAsk>), Failure> {
    let mut values = Values::default();
    let mut left = Vec::new();
    let mut missing = Vec::new();
    for ask in asks {
        let looked_up = match &ask.source {
            SecretSource::Env { name } => host_env(name)
                .filter(|value| !value.expose().is_empty())
                .ok_or_else(|| GatherError::Unset { name: name.clone() }),
            SecretSource::File { path } => read(path).await,
            SecretSource::Command { argv } => run(argv).await,
            SecretSource::Prompt { .. } => {
                left.push(ask.clone());
                continue;
            }
        };
        let put = looked_up.and_then(|value| values.put(&ask.need, value));
        missing.extend(put.err());
    }
    let mut missing = missing.iter().map(|error| Failure::new("", error).cause());
    match missing.next() {
        None => Ok((values, left)),
        Some(first) => {
            let failure = Failure::because("look up the secrets", first);
            Err(missing.fold(failure, Failure::also))
        }
    }
}

async fn read(path: &Path) -> Result<Secret<String>, GatherError> {
    let failed = |source| GatherError::File {
        path: crate::pty::one_line(&path.display().to_string()),
        source,
    };
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    whole(file).await.map_err(failed)
}

/// Reads a value to its end.
async fn whole(from: impl tokio::io::AsyncRead + Unpin) -> std::io::Result<Secret<String>> {
    // Room for all of it: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT + 1));
    let mut from = from.take(LIMIT as u64 + 1);
    from.read_to_end(&mut bytes).await?;
    let invalid = |why| std::io::Error::new(std::io::ErrorKind::InvalidData, why);
    if bytes.len() > LIMIT {
        return Err(invalid("it is longer than 32 KiB"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("it is no UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok(Secret::new(text.to_owned()))
}

/// Runs a program of the operator's. It has no terminal of ours: the console may be on
/// it.
async fn run(argv: &[String]) -> Result<Secret<String>, GatherError> {
    let (name, arguments) = argv
        .split_first()
        .map_or(("", argv), |(a, b)| (a.as_str(), b));
    let program = || crate::pty::one_line(name);
    let failed = |source| GatherError::Start {
        program: program(),
        source,
    };
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed(std::io::Error::other("it has no output")));
    };
    let work = async {
        let (value, said) = tokio::join!(whole(out), last_line(err));
        (child.wait().await, value, said)
    };
    let slow = |_| GatherError::Slow { program: program() };
    let (status, value, said) = tokio::time::timeout(PATIENCE, work).await.map_err(slow)?;
    // A value that is none first: whoever prints too much is cut off, and fails of that.
    let value = value.map_err(failed)?;
    let status = status.map_err(failed)?;
    if !status.success() {
        return Err(GatherError::Program {
            program: program(),
            status,
            said,
        });
    }
    Ok(value)
}

/// The last line that a program said, as far as it is of use.
async fn last_line(mut from: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut last = Vec::new();
    let mut piece = [0; 1024];
    // What cannot be read was not said.
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        last.extend_from_slice(piece.get(..length).unwrap_or_default());
        let surplus = last.len().saturating_sub(4 * piece.len());
        last.drain(..surplus);
    }
    piece.zeroize();
    let text = String::from_utf8_lossy(&last);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    crate::pty::one_line(line.unwrap_or_default().trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::SecretName;

    fn credential(source: SecretSource) -> SecretAsk {
        SecretAsk {
            need: Need::Credential(SecretName::parse("model").unwrap()),
            source,
        }
    }

    fn shell(script: &str) -> SecretAsk {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        credential(SecretSource::Command { argv })
    }

    async fn look(asks: &[SecretAsk]) -> Result<(Values, Vec<SecretAsk>), String> {
        let env = |name: &str| (name == "MINE").then(|| Secret::new(String::from("m")));
        look_up(asks, env).await.map_err(|failure| failure.line())
    }

    async fn value(ask: SecretAsk) -> Result<String, String> {
        let (values, left) = look(&[ask]).await?;
        assert_eq!(left, []);
        let mut found = values.credentials.values();
        Ok(found.next().unwrap().expose().clone())
    }

    #[tokio::test]
    async fn a_value_comes_from_where_the_manifest_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "from a file\r\n").unwrap();
        assert_eq!(
            value(credential(SecretSource::File { path }))
                .await
                .unwrap(),
            "from a file"
        );
        assert_eq!(value(shell("echo said")).await.unwrap(), "said");
        let name = String::from("MINE");
        assert_eq!(
            value(credential(SecretSource::Env { name })).await.unwrap(),
            "m"
        );
    }

    #[tokio::test]
    async fn whatever_is_missing_is_told_at_once_and_nothing_is_asked() {
        let gone = credential(SecretSource::File {
            path: "/nowhere/token".into(),
        });
        let unset = credential(SecretSource::Env {
            name: String::from("YOURS"),
        });
        let typed = credential(SecretSource::Prompt {
            text: String::from("Key"),
        });
        let asks = [
            gone,
            unset,
            shell("echo one >&2; echo two >&2; exit 3"),
            typed.clone(),
        ];
        let line = look(&asks).await.unwrap_err();
        for part in ["/nowhere/token", "`YOURS`", "exit status: 3 and said: two"] {
            assert!(line.contains(part), "{part}: {line}");
        }
        let (_, left) = look(std::slice::from_ref(&typed)).await.unwrap();
        assert_eq!(left, [typed]);
    }

    #[tokio::test]
    async fn what_no_header_can_carry_is_no_credential() {
        for script in [
            "true",
            "printf 'a\\nb'",
            "printf 'a\\r\\nX: y'",
            "printf '\\303\\274'",
        ] {
            let line = value(shell(script)).await.unwrap_err();
            assert!(line.contains("the value of `model`"), "{line}");
        }
        let long = value(shell("head -c 40000 /dev/zero | tr '\\0' a")).await;
        assert!(long.unwrap_err().contains("32 KiB"));
        let mut values = Values::default();
        let variable = Need::Variable(String::from("KEY"));
        values
            .put(&variable, Secret::new(String::from("a\nb")))
            .unwrap();
        let nul = values.put(&variable, Secret::new(String::from("a\0b")));
        assert_eq!(
            nul.unwrap_err().to_string(),
            "use the value of `KEY`: it holds a NUL byte"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_does_not_end_is_ended() {
        let line = value(shell("exec sleep 600")).await.unwrap_err();
        assert!(line.contains("did not end within 60 s"), "{line}");
    }
}
