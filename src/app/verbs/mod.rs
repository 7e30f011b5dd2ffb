//! The verbs: each asks, calls an operation and prints.

mod attach;
mod audit;
mod beside;
mod brake;
mod budget;
mod builds;
mod cleanup;
mod demo;
mod doctor;
mod egress;
mod files;
mod keys;
mod life;
mod list;
mod logs;
mod plain;
mod record;
mod requests;
mod revisions;
#[cfg(test)]
mod schema;
mod send;
mod start;
mod stats;
mod watch;

pub(super) use audit::{kind as audit_kind, line as audit_line, words as audit_words};
pub(super) use logs::since;

use super::cellar::Cellar;
use super::cli::Verb;
use super::console;
use super::exit::{Exit, Failure};
use super::output::Output;

/// Performs one verb, or opens the console.
pub(super) async fn perform(verb: Option<Verb>, command: &clap::Command) -> Result<Exit, Failure> {
    perform_on(&mut Output::standard(), verb, command).await
}

/// The same, with another output.
async fn perform_on(
    out: &mut Output,
    verb: Option<Verb>,
    command: &clap::Command,
) -> Result<Exit, Failure> {
    match verb {
        None => Box::pin(console::open(mended(out).await?, None)).await,
        Some(Verb::Record(arguments)) => {
            Box::pin(console::open(mended(out).await?, Some(&arguments.file))).await
        }
        Some(Verb::Replay(arguments)) => record::replay(out, &arguments).await,
        Some(Verb::Cast(arguments)) => record::cast(out, &arguments).await,
        Some(Verb::Start(arguments)) => Box::pin(start::start(out, &arguments)).await,
        Some(Verb::List(arguments)) => list::list(out, &arguments).await,
        Some(Verb::Show(arguments)) => list::show(out, &arguments).await,
        Some(Verb::Stats(arguments)) => stats::stats(out, &arguments).await,
        Some(Verb::Attach(arguments)) => attach::attach(out, &arguments).await,
        Some(Verb::Logs(arguments)) => logs::logs(out, &arguments).await,
        Some(Verb::Egress(arguments)) => egress::egress(out, arguments).await,
        Some(Verb::Budget(arguments)) => budget::budget(out, &arguments).await,
        Some(Verb::Requests(arguments)) => requests::list(out, &arguments).await,
        Some(Verb::Request { verb }) => Box::pin(requests::one(out, verb)).await,
        Some(Verb::Revisions(arguments)) => revisions::list(out, &arguments).await,
        Some(Verb::Diff(arguments)) if arguments.manifest => beside::diff(out, &arguments).await,
        Some(Verb::Diff(arguments)) => revisions::diff(out, &arguments).await,
        Some(Verb::Apply(arguments)) => beside::apply(out, &arguments).await,
        Some(Verb::Rollback(arguments)) => revisions::rollback(out, &arguments).await,
        Some(Verb::Events(arguments)) => watch::events(out, &arguments).await,
        Some(Verb::Wait(arguments)) => watch::wait(out, &arguments).await,
        Some(Verb::Builds(arguments)) => builds::builds(out, arguments),
        Some(Verb::Audit(arguments)) => audit::audit(out, arguments),
        Some(Verb::Stop(arguments)) => life::stop(out, &arguments).await,
        Some(Verb::Resume(arguments)) => life::resume(out, &arguments).await,
        Some(Verb::Send(arguments)) => send::send(out, &arguments).await,
        Some(Verb::Restart(arguments)) => Box::pin(life::restart(out, &arguments)).await,
        Some(Verb::Freeze(arguments)) => brake::some(out, &arguments, &brake::FREEZE).await,
        Some(Verb::Unfreeze(arguments)) => brake::some(out, &arguments, &brake::UNFREEZE).await,
        Some(Verb::Cut(arguments)) => brake::some(out, &arguments, &brake::CUT).await,
        Some(Verb::Reconnect(arguments)) => brake::some(out, &arguments, &brake::RECONNECT).await,
        Some(Verb::Panic(arguments)) => brake::panic(out, &arguments).await,
        Some(Verb::Unlock(arguments)) => life::unlock(out, &arguments).await,
        Some(Verb::Rm(arguments)) => life::rm(out, &arguments).await,
        Some(Verb::Cleanup(arguments)) => cleanup::cleanup(out, &arguments).await,
        Some(Verb::Doctor(arguments)) => doctor::doctor(out, &arguments).await,
        Some(Verb::Demo(arguments)) => demo::demo(out, &arguments).await,
        Some(Verb::Init(arguments)) => files::init(out, &arguments),
        Some(Verb::Plain) => Box::pin(plain::plain(&mut Output::spoken(), command)).await,
        Some(Verb::Keys(arguments)) => keys::keys(out, &arguments),
        Some(Verb::Check(arguments)) => files::check(out, &arguments),
        Some(Verb::Completions { shell }) => files::completions(out, shell, command),
        Some(Verb::Man { dir }) => files::man(out, dir.as_deref(), command),
    }
}

/// Opens everything and mends what a killed console left half done.
async fn mended(out: &mut Output) -> Result<Cellar, Failure> {
    let cellar = Cellar::open().await?;
    for note in cellar.recover().await {
        out.note(&note).map_err(printing)?;
    }
    Ok(cellar)
}

/// The failure to print: nobody reads us any more.
#[expect(
    clippy::needless_pass_by_value,
    reason = "used as the function of map_err"
)]
fn printing(error: std::io::Error) -> Failure {
    Failure::new("print", &error)
}
