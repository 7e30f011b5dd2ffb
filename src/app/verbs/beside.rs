//! `diff --manifest` and `apply`: a bottle beside the manifest, and brought to it.

use serde::Serialize;

use super::super::ask;
use super::super::beside::{Beside, Today};
use super::super::cellar::{Cellar, Reach};
use super::super::cli::{ApplyArguments, DiffArguments};
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::{mended, printing};
use crate::spec::{BottleId, Drift, RouteDrift};
use crate::store::Record;

/// What `diff --manifest --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Compared<'a> {
    /// The bottle.
    bottle: &'a BottleId,
    /// How it stands beside the manifest.
    manifest: &'a Beside,
}

/// What `apply --json` prints.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Applied<'a> {
    /// Whether anything had to be changed; the other fields are there if so.
    changed: bool,
    /// The revision of the bottle that holds the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    /// Whether it holds now, and not only from the bottle's next start.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force: Option<bool>,
    /// What differed.
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<&'a Drift>,
}

pub(super) async fn diff(out: &mut Output, arguments: &DiffArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let record = record(&cellar, &arguments.bottle)?;
    let beside = compared(&Today::load(), &record)?;
    if arguments.json {
        let told = Compared {
            bottle: &record.id,
            manifest: &beside,
        };
        out.json(&told).map_err(printing)?;
        return Ok(Exit::Done);
    }
    match &beside {
        Beside::Same => {
            let line = format!("{} is as the manifest says", record.id);
            out.line(&line).map_err(printing)?;
        }
        Beside::Differs { drift, .. } => tell(out, &record.id, drift).map_err(printing)?,
        Beside::Untold { why } => return Err(untold(&record.id, why)),
    }
    Ok(Exit::Done)
}

pub(super) async fn apply(out: &mut Output, arguments: &ApplyArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let record = record(&cellar, &arguments.bottle)?;
    let id = &record.id;
    let today = Today::load();
    let drift = match compared(&today, &record)? {
        Beside::Same => {
            if arguments.json {
                out.json(&Applied::default()).map_err(printing)?;
            } else {
                let line = format!("{id} is as the manifest says");
                out.line(&line).map_err(printing)?;
            }
            return Ok(Exit::Done);
        }
        Beside::Differs { drift, .. } => drift,
        Beside::Untold { why } => return Err(untold(id, &why)),
    };
    if !drift.is_in_routes_alone() {
        let why = format!("it differs in more than routes: {}", drift.rest.join(", "));
        return Err(Failure::because(attempt(id), why).help(format!(
            "only routes are brought to a bottle that is there: start a new one of its agent, or put those back in the manifest; `cellar diff {id} --manifest` shows all that differs"
        )));
    }
    if !arguments.json {
        tell(out, id, &drift).map_err(printing)?;
    }
    let question = format!("Bring the routes of {id} to the manifest's?");
    if !arguments.yes && !ask::is_agreed(&question, "bring the routes to the manifest's")? {
        return Ok(Exit::Failed);
    }
    let manifest = today.spec(&record.spec).map_err(|why| untold(id, &why))?;
    let changed = cellar.bring(&record, &manifest.routes).await?;
    let misses = manifest.secrets().any(|name| !has(&record, name.as_str()));
    if arguments.json {
        let told = Applied {
            changed: true,
            revision: Some(changed.generation),
            in_force: Some(changed.reach == Reach::Now),
            drift: Some(&drift),
        };
        out.json(&told).map_err(printing)?;
    } else {
        let since = match changed.reach {
            Reach::Now => "in force now",
            Reach::AtItsNextStart => "in force when the bottle runs again",
        };
        let line = format!("{id} has the manifest's routes; {since}");
        out.line(&line).map_err(printing)?;
    }
    if misses {
        let note =
            format!("they name secrets that {id} had not: `cellar unlock {id}` hands them over");
        out.note(&note).map_err(printing)?;
    }
    Ok(Exit::Done)
}

fn has(record: &Record, secret: &str) -> bool {
    record.spec.secrets().any(|name| name.as_str() == secret)
}

fn record(cellar: &Cellar, bottle: &str) -> Result<Record, Failure> {
    let id = cellar.find(bottle)?;
    let record = cellar.store.record(&id);
    record.map_err(|error| Failure::new(format!("read the record of `{id}`"), &error))
}

fn compared(today: &Today, record: &Record) -> Result<Beside, Failure> {
    today.beside(record).ok_or_else(|| {
        let why = "a bottle of the demo comes from no manifest";
        Failure::because(attempt(&record.id), why)
    })
}

fn untold(id: &BottleId, why: &str) -> Failure {
    Failure::because(attempt(id), why)
        .help("`cellar check` shows mistakes in their place and lists the agents there are")
        .exit(Exit::BadManifest)
}

fn attempt(id: &BottleId) -> String {
    format!("compare `{id}` with the manifest")
}

/// Says what differs, both ways.
fn tell(out: &mut Output, id: &BottleId, drift: &Drift) -> std::io::Result<()> {
    let mut part = |head: String, lines: Vec<String>| -> std::io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        out.line(&head)?;
        lines
            .iter()
            .try_for_each(|line| out.line(&format!("  {line}")))
    };
    let of = |route: &RouteDrift| format!("{} (by {})", route.words, route.origin.words());
    part(
        format!("{id} has, and the manifest has not:"),
        drift.more.iter().map(of).collect(),
    )?;
    let words = |route: &RouteDrift| route.words.clone();
    part(
        format!("the manifest has, and {id} has not:"),
        drift.less.iter().map(words).collect(),
    )?;
    let others = drift.terms.iter().chain(&drift.rest);
    part(
        format!("from the manifest to {id}:"),
        others.cloned().collect(),
    )
}
