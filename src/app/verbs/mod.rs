//! The verbs: each asks, calls an operation and prints.

mod attach;
mod audit;
mod beside;
mod budget;
mod cleanup;
mod demo;
mod doctor;
mod egress;
mod files;
mod life;
mod list;
mod logs;
mod requests;
mod revisions;
mod start;
mod watch;

use super::cellar::Cellar;
use super::cli::Verb;
use super::console;
use super::exit::{Exit, Failure};
use super::output::Output;

/// Performs one verb, or opens the console.
pub(super) async fn perform(verb: Option<Verb>, command: &clap::Command) -> Result<Exit, Failure> {
    let mut out = Output::standard();
    match verb {
        None => Box::pin(console::open(mended(&mut out).await?)).await,
        Some(Verb::Start(arguments)) => Box::pin(start::start(&mut out, &arguments)).await,
        Some(Verb::List(arguments)) => list::list(&mut out, &arguments).await,
        Some(Verb::Show(arguments)) => list::show(&mut out, &arguments).await,
        Some(Verb::Attach(arguments)) => attach::attach(&mut out, &arguments).await,
        Some(Verb::Logs(arguments)) => logs::logs(&mut out, &arguments).await,
        Some(Verb::Egress(arguments)) => egress::egress(&mut out, arguments).await,
        Some(Verb::Budget(arguments)) => budget::budget(&mut out, &arguments).await,
        Some(Verb::Requests(arguments)) => requests::list(&mut out, &arguments).await,
        Some(Verb::Request { verb }) => Box::pin(requests::one(&mut out, verb)).await,
        Some(Verb::Revisions(arguments)) => revisions::list(&mut out, &arguments).await,
        Some(Verb::Diff(arguments)) if arguments.manifest => {
            beside::diff(&mut out, &arguments).await
        }
        Some(Verb::Diff(arguments)) => revisions::diff(&mut out, &arguments).await,
        Some(Verb::Apply(arguments)) => beside::apply(&mut out, &arguments).await,
        Some(Verb::Rollback(arguments)) => revisions::rollback(&mut out, &arguments).await,
        Some(Verb::Events(arguments)) => watch::events(&mut out, &arguments).await,
        Some(Verb::Wait(arguments)) => watch::wait(&mut out, &arguments).await,
        Some(Verb::Audit(arguments)) => audit::audit(&mut out, arguments),
        Some(Verb::Stop(arguments)) => life::stop(&mut out, &arguments).await,
        Some(Verb::Resume(arguments)) => life::resume(&mut out, &arguments).await,
        Some(Verb::Unlock(arguments)) => life::unlock(&mut out, &arguments).await,
        Some(Verb::Rm(arguments)) => life::rm(&mut out, &arguments).await,
        Some(Verb::Cleanup(arguments)) => cleanup::cleanup(&mut out, &arguments).await,
        Some(Verb::Doctor(arguments)) => doctor::doctor(&mut out, &arguments).await,
        Some(Verb::Demo(arguments)) => demo::demo(&mut out, &arguments).await,
        Some(Verb::Init(arguments)) => files::init(&mut out, &arguments),
        Some(Verb::Check(arguments)) => files::check(&mut out, &arguments),
        Some(Verb::Completions { shell }) => files::completions(&mut out, shell, command),
        Some(Verb::Man) => files::man(&mut out, command),
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
