//! The `cellar` binary: the operator's console and command line, and every role
//! that runs inside a container. Argument parsing and the choice of role, no more.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// One console for many sealed coding agents.
#[derive(Debug, Parser)]
#[command(
    name = "cellar",
    version,
    about,
    args_conflicts_with_subcommands = true,
    after_help = "Without a command, the console opens.\n\
                  Exit codes: 0 done, 1 failed, 2 usage, 64 bad manifest, 69 no engine, 130 interrupted."
)]
struct Arguments {
    /// Open the console as plain lines, for screen readers: nothing is drawn.
    #[cfg(feature = "host")]
    #[arg(long)]
    plain: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "host")]
    #[command(flatten)]
    Host(cellar::app::Verb),
    /// Plays a role inside a container.
    #[cfg(feature = "guest")]
    #[command(subcommand, hide = true)]
    Guest(cellar::guest::GuestRole),
}

fn main() -> ExitCode {
    #[cfg(feature = "guest")]
    if let Some(role) = cellar::guest::GuestRole::of_command_line(std::env::args_os()) {
        return cellar::guest::run(&role);
    }
    let arguments = Arguments::parse();
    #[cfg(feature = "host")]
    if arguments.plain {
        return cellar::app::run(Some(cellar::app::Verb::Plain), &command());
    }
    match arguments.command {
        #[cfg(feature = "guest")]
        Some(Command::Guest(role)) => cellar::guest::run(&role),
        #[cfg(feature = "host")]
        Some(Command::Host(verb)) => cellar::app::run(Some(verb), &command()),
        #[cfg(feature = "host")]
        None => cellar::app::run(None, &command()),
        #[cfg(not(feature = "host"))]
        None => {
            use clap::CommandFactory as _;
            // Standard output may be gone; there is nobody else to tell.
            drop(Arguments::command().print_help());
            ExitCode::from(2)
        }
    }
}

#[cfg(feature = "host")]
fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}
