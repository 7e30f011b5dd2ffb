//! `builds`: the images that are being made, and those that were made lately.

use jiff::Timestamp;
use serde::Serialize;

use super::super::cellar::open_store;
use super::super::cli::BuildsArguments;
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::printing;
use super::requests::age;
use crate::pty::one_line;
use crate::store::{BuildNote, BuildNow, BuildOutcome};

/// What `builds --json` prints.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Builds"))]
pub(super) struct Told {
    /// Those that go on.
    now: Vec<BuildNow>,
    /// The last first.
    ended: Vec<BuildNote>,
}

pub(super) fn builds(out: &mut Output, arguments: BuildsArguments) -> Result<Exit, Failure> {
    let store = open_store()?;
    let failed = |error| Failure::new("read the builds", &error);
    let mut told = Told {
        now: store.builds_now().map_err(failed)?,
        ended: store.builds().map_err(failed)?,
    };
    told.ended.reverse();
    if arguments.json {
        out.json(&told).map_err(printing)?;
        return Ok(Exit::Done);
    }
    if told.now.is_empty() && told.ended.is_empty() {
        out.line("no image was made yet").map_err(printing)?;
        return Ok(Exit::Done);
    }
    let now = Timestamp::now();
    let running = told.now.iter().map(|one| {
        let took = now.duration_since(one.began).as_secs();
        vec![
            one.bottle.to_string(),
            String::from("building"),
            format!("{took}s"),
            String::new(),
            String::new(),
        ]
    });
    let ended = told.ended.iter().map(|one| {
        let took = one.ended.duration_since(one.began).as_secs();
        let (state, why) = match &one.outcome {
            BuildOutcome::Done => ("built", String::new()),
            BuildOutcome::Failed { why } => ("failed", one_line(why)),
            BuildOutcome::Cancelled => ("cancelled", String::new()),
        };
        vec![
            one.bottle.to_string(),
            state.to_owned(),
            format!("{took}s"),
            age(now, one.ended),
            why,
        ]
    });
    let rows: Vec<_> = running.chain(ended).collect();
    out.table(&["BOTTLE", "STATE", "TOOK", "ENDED", "WHY"], &rows)
        .map_err(printing)?;
    Ok(Exit::Done)
}
