//! Questions on the terminal: a yes, a secret.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use zeroize::Zeroize as _;

use super::exit::{Exit, Failure};
use crate::secret::Secret;

/// Asks on standard error, reads from standard input. Only `y` and `yes` are a yes.
/// `verb` is what `--yes` would do without asking.
///
/// # Errors
/// [`Failure`] with [`Exit::Usage`] if nobody is there to answer.
pub(crate) fn is_agreed(question: &str, verb: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::because("ask", "there is no terminal to ask on")
            .help(format!("say --yes to {verb} without asking"))
            .exit(Exit::Usage));
    }
    confirm(question).map_err(|error| Failure::new("ask", &error))
}

fn confirm(question: &str) -> std::io::Result<bool> {
    let mut err = std::io::stderr();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let answer = line.trim().to_ascii_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

/// Asks for a secret without echo.
pub(crate) fn secret(question: &str) -> std::io::Result<Secret<String>> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(std::io::Error::other("no terminal to ask on"));
    }
    let mut err = std::io::stderr();
    write!(err, "{question}: ")?;
    err.flush()?;
    let before = rustix::termios::tcgetattr(&stdin)?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(rustix::termios::LocalModes::ECHO);
    rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Now, &quiet)?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Now, &before)?;
    writeln!(err)?;
    read?;
    let value = Secret::new(line.trim_end_matches(['\r', '\n']).to_owned());
    line.zeroize();
    Ok(value)
}
