//! `cleanup`: reconcile by label: what belongs to no bottle on record goes, after a yes.

use serde::Serialize;

use super::super::ask;
use super::super::cli::CleanupArguments;
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::{mended, printing};
use crate::docker;
use crate::spec::BottleId;

/// What `cleanup --json` prints.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Cleaned<'a> {
    /// Whether it was removed, or is only told.
    removed: bool,
    /// What belongs to no bottle, in words.
    found: &'a [String],
}

pub(super) async fn cleanup(
    out: &mut Output,
    arguments: &CleanupArguments,
) -> Result<Exit, Failure> {
    const ATTEMPT: &str = "look for leftovers";
    let cellar = mended(out).await?;
    let (records, _) = cellar
        .store
        .records()
        .map_err(|error| Failure::new(ATTEMPT, &error))?;
    let kept: Vec<BottleId> = records.into_iter().map(|record| record.id).collect();
    let leftovers = docker::leftovers(&*cellar.engine, cellar.store.owner(), &kept, cellar.guest())
        .await
        .map_err(|error| Failure::new(ATTEMPT, &error))?;
    let words = leftovers.words();
    if arguments.json && !arguments.yes {
        let found = Cleaned {
            removed: false,
            found: &words,
        };
        return out.json(&found).map_err(printing).map(|()| Exit::Done);
    }
    if words.is_empty() {
        if arguments.json {
            let found = Cleaned {
                removed: true,
                found: &words,
            };
            out.json(&found).map_err(printing)?;
        } else {
            out.note("nothing to remove").map_err(printing)?;
        }
        return Ok(Exit::Done);
    }
    if !arguments.yes {
        for word in &words {
            out.line(word).map_err(printing)?;
        }
        if !ask::is_agreed("Remove all of it?", "remove")? {
            out.note("nothing was removed").map_err(printing)?;
            return Ok(Exit::Interrupted);
        }
    }
    docker::remove_leftovers(&*cellar.engine, cellar.store.owner(), &leftovers)
        .await
        .map_err(|error| Failure::new("remove leftovers", &error))?;
    if arguments.json {
        let found = Cleaned {
            removed: true,
            found: &words,
        };
        return out.json(&found).map_err(printing).map(|()| Exit::Done);
    }
    out.note(&format!("{} things removed", words.len()))
        .map_err(printing)?;
    Ok(Exit::Done)
}
