//! The loop, the effects and the command line: the only place where things happen.
//!
//! Verbs and the console call the same operations ([`cellar::Cellar`]); what they
//! print or draw differs. Only this module spawns tasks, owns the terminal and ends
//! the process.

mod answer;
mod approvals;
mod ask;
mod attach;
mod audit;
mod beside;
mod brake;
mod builds;
mod cancel;
mod cast;
mod cellar;
mod change;
mod cli;
mod clipboard;
mod console;
mod demo;
mod edit;
mod exit;
mod follow;
mod gather;
mod granted;
mod hub;
mod links;
mod manifest_scope;
mod merge;
mod notify;
mod observe;
mod output;
mod place;
mod planning;
mod recording;
mod replay;
mod requests;
mod sampler;
mod send;
mod terminal;
mod verbs;
mod view;

use std::process::ExitCode;

pub use cli::Verb;
pub use exit::Exit;

/// Does what was asked for and gives the exit code. Without a verb, the console opens.
#[must_use]
pub fn run(verb: Option<Verb>, command: &clap::Command) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return exit::Failure::new("start the runtime", &error)
                .report()
                .into();
        }
    };
    let exit = runtime.block_on(verbs::perform(verb, command));
    // A task that cannot be cancelled (a resolver, a blocking read) must not keep us.
    runtime.shutdown_background();
    match exit {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report().into(),
    }
}
