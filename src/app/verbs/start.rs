//! `start`: plan, yes, secrets, bottle.

use std::io::IsTerminal as _;

use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::super::ask;
use super::super::cellar::{Cellar, StartRequest};
use super::super::cli::StartArguments;
use super::super::exit::{Exit, Failure};
use super::super::gather::{self, Values};
use super::super::output::Output;
use super::super::planning;
use super::{attach, mended, printing};
use crate::docker::{Progress, StepNews, Up};
use crate::manifest::{Plan, SecretAsk, SecretSource};
use crate::wire::AttachMode;

/// News of steps that may wait to be printed; more are dropped.
const WAITING_NEWS: usize = 256;

pub(super) async fn start(out: &mut Output, arguments: &StartArguments) -> Result<Exit, Failure> {
    let plan = planning::plan(&arguments.agent, &arguments.extra, arguments.remote_control)?;
    if arguments.dry_run {
        return if arguments.json {
            out.json(&plan).map_err(printing).map(|()| Exit::Done)
        } else {
            for row in plan.summary() {
                out.line(&format!("{:>12}  {}", row.label, row.value))
                    .map_err(printing)?;
            }
            out.note("a dry run: nothing was started")
                .map_err(printing)?;
            Ok(Exit::Done)
        };
    }
    let cellar = mended(out).await?;
    if !arguments.yes {
        show(out, &plan)?;
        if !ask::is_agreed("Start it?", "start")? {
            out.note("nothing was started").map_err(printing)?;
            return Ok(Exit::Interrupted);
        }
    }
    let values = gather(&plan.asks).await?;
    let request = StartRequest::of_plan(&plan, arguments.name.clone(), values);
    let (progress, shown) = show_progress(!arguments.json);
    let up = interruptible(Box::pin(cellar.start(request, progress))).await;
    shown.finish().await;
    let Some(up) = up else {
        for note in cellar.recover().await {
            out.note(&note).map_err(printing)?;
        }
        return Ok(Exit::Interrupted);
    };
    report(out, &cellar, &up?, arguments).await
}

/// Runs an operation until it ends or the operator interrupts; `None` for the latter.
/// Dropping the operation gives its claim back, so that it can be undone at once.
async fn interruptible<T>(operation: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        result = operation => Some(result),
        Ok(()) = tokio::signal::ctrl_c() => None,
    }
}

/// What `start --json` prints.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Started<'a> {
    /// The bottle.
    bottle: &'a str,
    /// From the first step until its session was ready.
    ready_ms: u128,
    /// The steps, in the order of their beginning.
    steps: Vec<StepTook>,
    /// The image that it runs.
    image: &'a str,
    /// What the probes of its fence found.
    seal: &'a crate::wire::SealReport,
}

/// How long a step took.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct StepTook {
    /// Which, in words.
    step: &'static str,
    /// When it began, after the first.
    began_ms: u128,
    /// How long it took.
    took_ms: u128,
}

async fn report(
    out: &mut Output,
    cellar: &Cellar,
    up: &Up,
    arguments: &StartArguments,
) -> Result<Exit, Failure> {
    if arguments.json {
        let steps = up.steps.iter().map(|step| StepTook {
            step: step.step.words(),
            began_ms: step.began.as_millis(),
            took_ms: step.took.as_millis(),
        });
        let started = Started {
            bottle: up.id.as_str(),
            ready_ms: up.took.as_millis(),
            steps: steps.collect(),
            image: &up.image_id,
            seal: &up.seal,
        };
        return out.json(&started).map_err(printing).map(|()| Exit::Done);
    }
    if arguments.attach {
        return attach::run(out, cellar, &up.id, AttachMode::Interactive).await;
    }
    out.line(up.id.as_str()).map_err(printing)?;
    out.note(&format!(
        "ready in {} ms, sealed; `cellar attach {}` opens its session",
        up.took.as_millis(),
        up.id
    ))
    .map_err(printing)?;
    Ok(Exit::Done)
}

fn show(out: &mut Output, plan: &Plan) -> Result<(), Failure> {
    for row in plan.summary() {
        out.note(&format!("{:>12}  {}", row.label, row.value))
            .map_err(printing)?;
    }
    Ok(())
}

/// Looks up what can be, and asks for the rest.
pub(super) async fn gather(asks: &[SecretAsk]) -> Result<Values, Failure> {
    let (mut values, left) = gather::look_up(asks, planning::host_variable).await?;
    for SecretAsk { need, source } in left {
        let SecretSource::Prompt { text } = source else {
            continue;
        };
        let value = ask::secret(&format!("{text} ({need})"))
            .map_err(|error| Failure::new(format!("ask for `{need}`"), &error))?;
        values
            .put(&need, value)
            .map_err(|error| Failure::new(format!("ask for `{need}`"), &error))?;
    }
    Ok(values)
}

/// Prints the steps of an operation as they happen.
#[derive(Debug)]
pub(super) struct Shown(JoinHandle<()>);

impl Shown {
    /// Waits until everything is printed. The sender must be dropped before.
    pub(super) async fn finish(self) {
        // A printer that panicked printed what it could.
        drop(self.0.await);
    }
}

/// Prints steps to standard error: on a terminal each as it begins, elsewhere only
/// what builds and pulls say.
pub(super) fn show_progress(is_wanted: bool) -> (mpsc::Sender<Progress>, Shown) {
    let (tx, mut rx) = mpsc::channel::<Progress>(WAITING_NEWS);
    let is_terminal = std::io::stderr().is_terminal();
    let task = tokio::spawn(async move {
        let mut out = Output::standard();
        while let Some(progress) = rx.recv().await {
            if !is_wanted {
                continue;
            }
            let line = match progress.news {
                StepNews::Output(text) => format!("  {}", text.trim_end()),
                StepNews::BuildStep {
                    number,
                    of,
                    instruction,
                } => format!("  step {number}/{of}  {instruction}"),
                StepNews::Done { took } if is_terminal => {
                    format!("  {:>5} ms  {}", took.as_millis(), progress.step.words())
                }
                StepNews::Began | StepNews::Done { .. } => continue,
            };
            // Nobody reads standard error any more; the operation goes on.
            drop(out.note(&line));
        }
    });
    (tx, Shown(task))
}
