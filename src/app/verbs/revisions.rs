//! `revisions`, `diff` and `rollback`: how a bottle came to be what it is, and back.

use jiff::Timestamp;
use serde::Serialize;

use super::super::cellar::{Cellar, Reach};
use super::super::change::Work;
use super::super::cli::{DiffArguments, OneArguments, RevisionArguments};
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::requests::age;
use super::start::show_progress;
use super::{mended, printing};
use crate::spec::{BottleId, Spec, changes};
use crate::store::Revision;

pub(super) async fn list(out: &mut Output, arguments: &OneArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let id = cellar.find(&arguments.bottle)?;
    let steps = steps(&cellar, &id)?;
    if arguments.json {
        out.json(&steps).map_err(printing)?;
        return Ok(Exit::Done);
    }
    let now = Timestamp::now();
    let rows: Vec<Vec<String>> = steps
        .iter()
        .rev()
        .map(|step| {
            vec![
                step.revision.to_string(),
                age(now, step.at),
                step.cause.words(),
                step.digest.short(),
                step.words.join("; "),
            ]
        })
        .collect();
    out.table(&["REVISION", "AGE", "BY", "SPEC", "CHANGES"], &rows)
        .map_err(printing)?;
    Ok(Exit::Done)
}

/// What `rollback --json` prints.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RolledBack {
    /// The new revision, which is as the old one was.
    revision: u32,
    /// Whether it holds now, and not only from the bottle's next start.
    in_force: bool,
}

/// What differs between two specs of a bottle.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Difference {
    /// The older revision.
    from: u32,
    /// The newer one.
    to: u32,
    /// What differs, in words.
    words: Vec<String>,
    /// The older spec.
    old: Spec,
    /// The newer spec.
    new: Spec,
}

pub(super) async fn diff(out: &mut Output, arguments: &DiffArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let id = cellar.find(&arguments.bottle)?;
    let attempt = || format!("compare revisions of `{id}`");
    let record = cellar
        .store
        .record(&id)
        .map_err(|error| Failure::new(attempt(), &error))?;
    let from = arguments
        .revision
        .unwrap_or_else(|| record.revision.saturating_sub(1).max(1));
    let steps = steps(&cellar, &id)?;
    let step = steps.iter().find(|step| step.revision == from);
    let step = step.ok_or_else(|| none(&id, from))?;
    let old = cellar
        .store
        .spec(&id, step.digest)
        .map_err(|error| Failure::new(attempt(), &error))?;
    let difference = Difference {
        from,
        to: record.revision,
        words: changes(&old, &record.spec),
        old,
        new: record.spec,
    };
    if arguments.json {
        out.json(&difference).map_err(printing)?;
        return Ok(Exit::Done);
    }
    let (from, to) = (difference.from, difference.to);
    if difference.words.is_empty() {
        let line = format!("revisions {from} and {to} of {id} are the same");
        out.line(&line).map_err(printing)?;
    } else {
        let line = format!("since revision {from}, {id} at revision {to}:");
        out.line(&line).map_err(printing)?;
    }
    for words in &difference.words {
        out.line(&format!("  {words}")).map_err(printing)?;
    }
    Ok(Exit::Done)
}

pub(super) async fn rollback(
    out: &mut Output,
    arguments: &RevisionArguments,
) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let id = cellar.find(&arguments.bottle)?;
    let to = arguments.revision.ok_or_else(|| {
        Failure::because(format!("roll `{id}` back"), "no revision was named")
            .help(format!("`cellar revisions {id}` lists them"))
            .exit(Exit::Usage)
    })?;
    let (news, shown) = show_progress(!arguments.json);
    let work = Work::told_to(news);
    let rolled_back = cellar.rollback(&id, to, &work).await;
    drop(work);
    shown.finish().await;
    let (revision, reach) = rolled_back?;
    if arguments.json {
        let done = RolledBack {
            revision,
            in_force: reach == Reach::Now,
        };
        out.json(&done).map_err(printing)?;
        return Ok(Exit::Done);
    }
    let since = match reach {
        Reach::Now => "in force now",
        Reach::AtItsNextStart => "in force when the bottle runs again",
    };
    let line = format!("{id} is as at revision {to} again, as revision {revision}; {since}");
    out.line(&line).map_err(printing)?;
    Ok(Exit::Done)
}

fn steps(cellar: &Cellar, id: &BottleId) -> Result<Vec<Revision>, Failure> {
    cellar
        .store
        .revisions(id)
        .map_err(|error| Failure::new(format!("read the revisions of `{id}`"), &error))
}

fn none(id: &BottleId, revision: u32) -> Failure {
    Failure::because(
        format!("find revision {revision} of `{id}`"),
        "there is none of that number",
    )
    .help(format!("`cellar revisions {id}` lists them"))
}
