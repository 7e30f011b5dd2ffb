//! `--plain`: the console as lines, for screen readers and for terminals that can do no
//! more. Nothing is drawn: what happens is told in a line when it happens, a line that is
//! typed is answered below it, and each answer ends with a prompt.
//!
//! What is known comes from the console's own state, which is fed here as for
//! `cellar events`; what is typed is done by the verbs of the command line, under the
//! names that the palette has for them.

mod commands;
mod input;
mod session;
mod words;

use clap::error::ErrorKind;
use clap::{FromArgMatches as _, Subcommand as _};

use self::commands::{Asked, read};
use self::input::Lines;
use super::super::cli::Verb;
use super::super::exit::{Exit, Failure};
use super::super::observe::Observer;
use super::super::output::Output;
use super::super::planning;
use super::{mended, printing};

/// What stands before what is typed.
const PROMPT: &str = "> ";

pub(super) async fn plain(out: &mut Output, command: &clap::Command) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let (prices, _) = planning::prices();
    let mut observer = Observer::new(cellar.clone(), prices);
    out.line("cellar, as plain lines. What happens is told as it happens. Type help for the commands, quit to leave; bottles go on.")
        .map_err(printing)?;
    let mut input = Lines::listen().map_err(|error| Failure::new("read what you type", &error))?;
    let mut has_prompt = false;
    let mut teller = words::Teller::default();
    loop {
        if !has_prompt {
            out.prompt(PROMPT).map_err(printing)?;
            has_prompt = true;
        }
        let line = tokio::select! {
            biased;
            line = input.next() => line.map_err(|error| Failure::new("read what you type", &error))?,
            happenings = observer.next() => {
                let told: Vec<String> = happenings.iter().filter_map(|one| teller.told(one)).collect();
                if !told.is_empty() {
                    // Below the prompt, which is printed once more.
                    out.line("").map_err(printing)?;
                    told.iter().try_for_each(|line| out.line(line)).map_err(printing)?;
                    has_prompt = false;
                }
                continue;
            }
            interrupted = tokio::signal::ctrl_c() => {
                drop(interrupted);
                return Ok(Exit::Interrupted);
            }
        };
        let Some(line) = line else {
            return Ok(Exit::Done);
        };
        has_prompt = false;
        match read(&line, observer.state()) {
            Ok(Asked::Nothing) => {}
            Ok(Asked::Quit) => return Ok(Exit::Done),
            Ok(Asked::Help) => help(out)?,
            Ok(Asked::Needs) => needs(out, &observer)?,
            Ok(Asked::Session(bottle)) => {
                let shown = session::print(out, &cellar, &bottle).await;
                told(out, shown.map(|()| Exit::Done))?;
            }
            Ok(Asked::Verb(words)) => match parsed(&words) {
                Ok(verb) => {
                    let done = run(out, verb, command).await;
                    told(out, done)?;
                }
                Err(lines) => lines
                    .iter()
                    .try_for_each(|line| out.line(line))
                    .map_err(printing)?,
            },
            Err(why) => out.line(&why).map_err(printing)?,
        }
    }
}

/// Reads a line of the command line.
///
/// # Errors
/// What to say instead: the help that was asked for, or what is wrong.
fn parsed(words: &[String]) -> Result<Verb, Vec<String>> {
    let parser = clap::Command::new("cellar").no_binary_name(true);
    let error = match Verb::augment_subcommands(parser)
        .disable_help_subcommand(true)
        .try_get_matches_from(words)
        .and_then(|matches| Verb::from_arg_matches(&matches))
    {
        Ok(Verb::Plain | Verb::Demo(_)) => {
            return Err(vec![String::from("This is the console already.")]);
        }
        Ok(verb) => return Ok(verb),
        Err(error) => error,
    };
    let text = error.to_string();
    let lines = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    if error.kind() == ErrorKind::DisplayHelp {
        return Err(lines.map(str::to_owned).collect());
    }
    // The first says what is wrong; what follows is about the command line.
    let first = lines.take(1).map(|line| line.trim_start_matches("error: "));
    let first: String = first.collect();
    Err(vec![format!("{first}. Type help for the commands.")])
}

async fn run(out: &mut Output, verb: Verb, command: &clap::Command) -> Result<Exit, Failure> {
    tokio::select! {
        biased;
        // Those that go on until they are interrupted hear of it themselves.
        done = Box::pin(super::perform_on(out, Some(verb), command)) => done,
        interrupted = tokio::signal::ctrl_c() => {
            drop(interrupted);
            Ok(Exit::Interrupted)
        }
    }
}

/// Says how it went, where that is not what was printed.
fn told(out: &mut Output, done: Result<Exit, Failure>) -> Result<(), Failure> {
    let line = match done {
        Ok(Exit::Done) => String::from("Done."),
        Ok(Exit::Interrupted) => String::from("Interrupted."),
        Ok(_) => String::from("Nothing to report, or not all of it was done."),
        Err(failure) => failure.line(),
    };
    out.line(&line).map_err(printing)
}

fn help(out: &mut Output) -> Result<(), Failure> {
    let lines = commands::help();
    lines
        .iter()
        .try_for_each(|line| out.line(line))
        .map_err(printing)
}

fn needs(out: &mut Output, observer: &Observer) -> Result<(), Failure> {
    let needs = observer.state().needs();
    if needs.is_empty() {
        return out.line("Nothing needs you.").map_err(printing);
    }
    for need in needs {
        let line = words::need(&need);
        out.line(&line).map_err(printing)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Vec<String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parsed(&words).err().unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_one_line_and_help_is_all() {
        assert_eq!(
            said("frobnicate"),
            ["unrecognized subcommand 'frobnicate'. Type help for the commands."]
        );
        assert_eq!(said("plain"), ["This is the console already."]);
        assert_eq!(said("list"), Vec::<String>::new());
        let help = said("logs --help");
        assert!(
            help.len() > 10 && help.iter().any(|line| line.contains("--tail")),
            "{help:?}"
        );
    }
}
