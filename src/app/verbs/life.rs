//! `stop`, `resume`, `restart`, `rm`: what changes bottles that exist.

use serde::Serialize;

use super::super::ask;
use super::super::cellar::Cellar;
use super::super::cli::{ManyArguments, RmArguments, SomeArguments};
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::planning;
use super::super::view::{self, Asking, Whose};
use super::start::{gather, show_progress};
use super::{mended, printing};
use crate::spec::BottleId;

/// What was done to one bottle, as JSON.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Done<'a> {
    /// The bottle.
    bottle: &'a str,
    /// What was done, in a word; none if it failed.
    #[serde(rename = "done")]
    word: Option<&'a str>,
    /// Why it failed, and what to do.
    failure: Option<String>,
}

/// Collects how each bottle fared; one failure stops no other.
pub(super) struct Tally<'a> {
    out: &'a mut Output,
    is_json: bool,
    word: &'static str,
    pub(super) exit: Exit,
}

impl<'a> Tally<'a> {
    pub(super) const fn new(out: &'a mut Output, is_json: bool, word: &'static str) -> Self {
        Self {
            out,
            is_json,
            word,
            exit: Exit::Done,
        }
    }

    pub(super) fn add(
        &mut self,
        id: &BottleId,
        result: Result<(), Failure>,
    ) -> Result<(), Failure> {
        let failure = match result {
            Ok(()) => None,
            Err(failure) => {
                let line = failure.line();
                self.exit = failure.report();
                Some(line)
            }
        };
        if self.is_json {
            let done = Done {
                bottle: id.as_str(),
                word: failure.is_none().then_some(self.word),
                failure,
            };
            self.out.json_line(&done).map_err(printing)
        } else if failure.is_none() {
            self.out
                .line(&format!("{id} {}", self.word))
                .map_err(printing)
        } else {
            Ok(())
        }
    }
}

pub(super) fn find_all(cellar: &Cellar, names: &[String]) -> Result<Vec<BottleId>, Failure> {
    names.iter().map(|name| cellar.find(name)).collect()
}

pub(super) async fn stop(out: &mut Output, arguments: &SomeArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let ids = if arguments.all {
        view::bottles(&cellar, Asking::Nobody, Whose::Ours)
            .await?
            .into_iter()
            .filter(|view| view.is_recorded && !matches!(view.state, "stopped" | "missing"))
            .map(|view| view.id)
            .collect()
    } else {
        find_all(&cellar, &arguments.bottles)?
    };
    let results = futures_util::future::join_all(ids.iter().map(|id| cellar.stop(id))).await;
    let mut tally = Tally::new(out, arguments.json, "stopped");
    for (id, result) in ids.iter().zip(results) {
        tally.add(id, result)?;
    }
    Ok(tally.exit)
}

pub(super) async fn resume(out: &mut Output, arguments: &ManyArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let ids = find_all(&cellar, &arguments.bottles)?;
    let mut tally = Tally::new(out, arguments.json, "resumed");
    for id in &ids {
        let record = cellar
            .store
            .record(id)
            .map_err(|error| Failure::new(format!("resume `{id}`"), &error))?;
        let values = gather(&planning::asks_again(&record)?).await?;
        let (tx, shown) = show_progress(!arguments.json);
        let result = cellar.resume(id, values, tx).await;
        shown.finish().await;
        tally.add(id, result.map(drop))?;
    }
    Ok(tally.exit)
}

pub(super) async fn restart(out: &mut Output, arguments: &ManyArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let ids = find_all(&cellar, &arguments.bottles)?;
    let mut tally = Tally::new(out, arguments.json, "restarted");
    for id in &ids {
        let record = cellar
            .store
            .record(id)
            .map_err(|error| Failure::new(format!("restart `{id}`"), &error))?;
        let values = gather(&planning::asks_again(&record)?).await?;
        let (tx, shown) = show_progress(!arguments.json);
        let result = cellar.restart(id, values, tx).await;
        shown.finish().await;
        tally.add(id, result)?;
    }
    Ok(tally.exit)
}

pub(super) async fn unlock(out: &mut Output, arguments: &ManyArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let ids = find_all(&cellar, &arguments.bottles)?;
    let mut tally = Tally::new(out, arguments.json, "unlocked");
    for id in &ids {
        let record = cellar
            .store
            .record(id)
            .map_err(|error| Failure::new(format!("unlock `{id}`"), &error))?;
        let asks = planning::credential_asks(&record)?;
        if asks.is_empty() {
            let note = format!("{id}: its routes name no secret");
            tally.out.note(&note).map_err(printing)?;
        }
        let values = gather(&asks).await?;
        tally.add(id, cellar.unlock(id, values.credentials).await)?;
    }
    Ok(tally.exit)
}

pub(super) async fn rm(out: &mut Output, arguments: &RmArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let ids = find_all(&cellar, &arguments.bottles)?;
    if !arguments.yes {
        let names: Vec<&str> = ids.iter().map(BottleId::as_str).collect();
        let question = format!(
            "Remove {} with the agent's files and conversation?",
            names.join(", ")
        );
        if !ask::is_agreed(&question, "remove")? {
            out.note("nothing was removed").map_err(printing)?;
            return Ok(Exit::Interrupted);
        }
    }
    let results = futures_util::future::join_all(ids.iter().map(|id| cellar.remove(id))).await;
    let mut tally = Tally::new(out, arguments.json, "removed");
    for (id, result) in ids.iter().zip(results) {
        tally.add(id, result)?;
    }
    Ok(tally.exit)
}
