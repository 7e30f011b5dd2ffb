//! The operator's clipboard, beside the terminal's own way to it (`OSC 52`, which the
//! console sends always): a program of the desktop that this machine shows.
//!
//! Over SSH no program is run: the clipboard of the far machine is nobody's.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// How long a program may take to take the text.
const LIMIT: Duration = Duration::from_secs(3);

/// A program and its arguments.
type Program = &'static [&'static str];

const WAYLAND: &[Program] = &[&["wl-copy"]];
const X11: &[Program] = &[
    &["xclip", "-selection", "clipboard", "-in"],
    &["xsel", "--clipboard", "--input"],
];
const MACOS: &[Program] = &[&["pbcopy"]];

/// Why a program did not take the text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClipboardError {
    /// It could not be started or written to.
    #[error("copy with `{program}`: {source}")]
    Run {
        /// Its name.
        program: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// It said no.
    #[error("copy with `{program}`: it ended with {status}")]
    Failed {
        /// Its name.
        program: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// It did not end.
    #[error("copy with `{program}`: it took longer than {} s", LIMIT.as_secs())]
    Late {
        /// Its name.
        program: &'static str,
    },
}

/// The programs that could take a text here, best first; none over SSH and without a
/// desktop.
pub(crate) fn programs(variable: impl Fn(&str) -> Option<OsString>) -> &'static [Program] {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    if is_set("SSH_CONNECTION") || is_set("SSH_TTY") || is_set("SSH_CLIENT") {
        &[]
    } else if cfg!(target_os = "macos") {
        MACOS
    } else if is_set("WAYLAND_DISPLAY") {
        WAYLAND
    } else if is_set("DISPLAY") {
        X11
    } else {
        &[]
    }
}

/// Gives a text to the first of the programs that is installed; without any, nothing is
/// done, because the terminal was given it already.
///
/// # Errors
/// [`ClipboardError`] if the program that is there did not take it.
pub(crate) async fn copy(programs: &[Program], text: &str) -> Result<(), ClipboardError> {
    for words in programs {
        let Some((program, arguments)) = words.split_first() else {
            continue;
        };
        match tokio::time::timeout(LIMIT, give(program, arguments, text)).await {
            Err(_) => return Err(ClipboardError::Late { program }),
            Ok(Err(source)) if source.kind() == std::io::ErrorKind::NotFound => {}
            Ok(Err(source)) => return Err(ClipboardError::Run { program, source }),
            Ok(Ok(status)) if status.success() => return Ok(()),
            Ok(Ok(status)) => return Err(ClipboardError::Failed { program, status }),
        }
    }
    Ok(())
}

/// The text goes over standard input, so that no list of processes shows it. What these
/// programs print they print for a terminal that is drawn on.
async fn give(
    program: &str,
    arguments: &[&str],
    text: &str,
) -> std::io::Result<std::process::ExitStatus> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // One that does not read says so by how it ends.
        drop(input.write_all(text.as_bytes()).await);
        drop(input.shutdown().await);
    }
    child.wait().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(variables: &[&str]) -> Vec<&'static str> {
        let programs = programs(|name| variables.contains(&name).then(|| OsString::from("x")));
        programs
            .iter()
            .filter_map(|words| words.first())
            .copied()
            .collect()
    }

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn the_desktop_says_which_program() {
        assert_eq!(named(&["WAYLAND_DISPLAY", "DISPLAY"]), ["wl-copy"]);
        assert_eq!(named(&["DISPLAY"]), ["xclip", "xsel"]);
        assert_eq!(named(&[]), Vec::<&str>::new());
        for ssh in ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"] {
            assert_eq!(named(&[ssh, "DISPLAY"]), Vec::<&str>::new());
        }
    }

    #[tokio::test]
    async fn the_first_program_that_is_there_takes_the_text() {
        let programs: &[Program] = &[
            &["no-such-program-of-a-clipboard"],
            &["sh", "-c", "test \"$(cat)\" = 'two\nlines'"],
            &["false"],
        ];
        copy(programs, "two\nlines").await.unwrap();
        let refused = copy(programs, "other").await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "copy with `sh`: it ended with exit status: 1"
        );
        copy(&[&["no-such-program-of-a-clipboard"]], "x")
            .await
            .unwrap();
    }

    /// A program that ends before it has read must not end the console.
    #[tokio::test]
    async fn one_that_does_not_read_is_no_harm() {
        let long = "x".repeat(1 << 20);
        copy(&[&["true"]], &long).await.unwrap();
        assert!(copy(&[&["false"]], &long).await.is_err());
    }

    #[tokio::test]
    async fn one_that_hangs_is_told_of() {
        tokio::time::pause();
        let late = copy(&[&["sleep", "60"]], "x").await.unwrap_err();
        assert!(matches!(late, ClipboardError::Late { .. }), "{late}");
    }
}
