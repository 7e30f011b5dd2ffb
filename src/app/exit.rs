//! How the process ends: the stable exit codes and the one printer of failures.

use std::io::Write as _;
use std::process::ExitCode;

/// How a verb ended. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// It was asked for wrongly.
    Usage = 2,
    /// The manifest is bad (`EX_USAGE` of sysexits.h is 64; ours means the user's file).
    BadManifest = 64,
    /// No engine answers (`EX_UNAVAILABLE` of sysexits.h).
    NoEngine = 69,
    /// Interrupted by the operator (128 + SIGINT).
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure that ends a verb: what was attempted, why it failed, what helps.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    attempt: String,
    causes: Vec<String>,
    help: Option<String>,
}

impl Failure {
    /// A failure to do `attempt`, such as «stop api-k3x9q», with the error and all its sources.
    pub(crate) fn new(attempt: impl Into<String>, error: &dyn std::error::Error) -> Self {
        let mut causes = vec![error.to_string()];
        let mut source = error.source();
        while let Some(error) = source {
            let text = error.to_string();
            if causes.last() != Some(&text) {
                causes.push(text);
            }
            source = error.source();
        }
        Self {
            exit: Exit::Failed,
            attempt: attempt.into(),
            causes,
            help: None,
        }
    }

    /// A failure to do `attempt` for a reason that is no error value.
    pub(crate) fn because(attempt: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            attempt: attempt.into(),
            causes: vec![why.into()],
            help: None,
        }
    }

    /// Everything that led to it, in one sentence.
    pub(crate) fn cause(&self) -> String {
        self.causes.join(": ")
    }

    /// Adds one more cause.
    #[must_use]
    pub(crate) fn also(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Says what the user can do about it.
    #[must_use]
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Ends the process with another code than [`Exit::Failed`].
    #[must_use]
    pub(crate) const fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The failure on one line, for the console's messages.
    #[must_use]
    pub(crate) fn line(&self) -> String {
        let mut text = format!("failed to {}: {}", self.attempt, self.causes.join(": "));
        if let Some(help) = &self.help {
            text.push_str(" — ");
            text.push_str(help);
        }
        crate::pty::one_line(&text)
    }

    /// Prints it to standard error and gives the exit code.
    #[must_use]
    pub(crate) fn report(&self) -> Exit {
        let mut text = format!("cellar: failed to {}\n", self.attempt);
        for cause in &self.causes {
            text.push_str("  because: ");
            text.push_str(cause);
            text.push('\n');
        }
        if let Some(help) = &self.help {
            text.push_str("  help: ");
            text.push_str(help);
            text.push('\n');
        }
        let safe: Vec<String> = text.lines().map(crate::pty::one_line).collect();
        // Nobody is left to tell if standard error is gone.
        drop(writeln!(std::io::stderr(), "{}", safe.join("\n")));
        self.exit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_said_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("read the file")]
        struct Outer(#[source] std::io::Error);
        let failure =
            Failure::new("start", &Outer(std::io::Error::other("gone"))).help("try again");
        assert_eq!(
            failure.line(),
            "failed to start: read the file: gone — try again"
        );
    }
}
