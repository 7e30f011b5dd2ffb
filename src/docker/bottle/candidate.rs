//! Trying an image beside the running bottle before anything depends on it.
//!
//! The candidate is a container like the agent's, but with nothing of the bottle in it:
//! no door, no home, no workspace. What runs in it (`guest candidate`) looks around and
//! starts the session's program once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::containers::Plan;
use super::fence;
use super::request::UpCause;
use crate::docker::engine::Engine;
use crate::docker::error::{EngineError, gone_is_fine};
use crate::docker::model::{ContainerRequest, LogRequest, LogSource};
use crate::spec::BottleId;
use crate::state::ContainerState;
use crate::wire::{Role, SealReport};

/// How long a program may take to say that it is there, and the container to end.
const LIMIT: Duration = Duration::from_secs(90);
/// How often the engine is asked whether it has ended.
const PACE: Duration = Duration::from_millis(50);
/// Lines of its log that are read.
const LINES: u32 = 20;

/// Starts a candidate of the plan's image and hears what it found.
///
/// # Errors
/// [`UpCause::Candidate`] if something that the session needs is not as it must be.
pub(crate) async fn run(engine: &dyn Engine, plan: &Plan<'_>) -> Result<(), UpCause> {
    let asked = plan.candidate()?;
    // One that a killed console left; its name is in the way.
    gone_is_fine(engine.remove(&asked.name).await)?;
    let tried = attempt(engine, &asked).await;
    let removed = gone_is_fine(engine.remove(&asked.name).await);
    tried?;
    Ok(removed?)
}

/// The candidate's name.
pub(crate) fn name(id: &BottleId) -> String {
    format!("cellar-{id}-candidate")
}

async fn attempt(engine: &dyn Engine, asked: &ContainerRequest) -> Result<(), UpCause> {
    let id = engine.create(asked).await?;
    fence::verify(Role::Agent, asked, &engine.inspect(&id).await?)?;
    engine.start(&id).await?;
    let ended = tokio::time::timeout(LIMIT, ended(engine, &id)).await;
    let Ok(state) = ended else {
        return Err(UpCause::Candidate {
            why: format!("it did not end within {} s", LIMIT.as_secs()),
        });
    };
    state?;
    judge(&lines(engine, &id).await)
}

async fn ended(engine: &dyn Engine, id: &str) -> Result<(), EngineError> {
    loop {
        let state = engine.inspect(id).await?.state;
        if !matches!(state, ContainerState::Created | ContainerState::Running) {
            return Ok(());
        }
        tokio::time::sleep(PACE).await;
    }
}

async fn lines(engine: &dyn Engine, id: &str) -> BTreeMap<bool, Vec<String>> {
    let wanted = LogRequest {
        follow: false,
        tail: Some(LINES),
        since: None,
    };
    let chunks: Vec<_> = engine.logs(id, wanted).collect().await;
    let mut lines = BTreeMap::<bool, Vec<String>>::new();
    for chunk in chunks.into_iter().filter_map(Result::ok) {
        let text = String::from_utf8_lossy(&chunk.bytes).trim_end().to_owned();
        let is_out = chunk.source == LogSource::Out;
        lines.entry(is_out).or_default().push(text);
    }
    lines
}

/// The report is the last line of its standard output; without one it is not trusted.
fn judge(lines: &BTreeMap<bool, Vec<String>>) -> Result<(), UpCause> {
    let said = lines.get(&true).and_then(|out| out.last());
    let report = said.and_then(|line| serde_json::from_str::<SealReport>(line).ok());
    let why = match report {
        Some(report) if report.holds() => return Ok(()),
        Some(report) => report
            .checks
            .iter()
            .filter(|check| !check.holds)
            .map(|check| format!("{}: {}", check.name, check.seen.escape_debug()))
            .collect::<Vec<_>>()
            .join("; "),
        None => {
            let last = lines.values().find_map(|lines| lines.last());
            let last = last.map_or("nothing", String::as_str);
            format!("it reported nothing; its log says {}", last.escape_debug())
        }
    };
    Err(UpCause::Candidate { why })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::wire::SealCheck;

    fn report(holds: bool) -> String {
        let check = SealCheck {
            name: String::from("program"),
            seen: String::from("claude\u{1b} is not there"),
            holds,
        };
        let checks = vec![check];
        let at = Timestamp::UNIX_EPOCH;
        serde_json::to_string(&SealReport { at, checks }).unwrap()
    }

    fn said(out: &[&str]) -> Result<(), String> {
        let out = out.iter().map(ToString::to_string).collect();
        judge(&BTreeMap::from([(true, out)])).map_err(|error| error.to_string())
    }

    #[test]
    fn only_a_report_that_holds_passes() {
        assert_eq!(said(&["noise", &report(true)]), Ok(()));
        let why = said(&[&report(false)]).unwrap_err();
        assert!(why.contains(r"program: claude\u{1b} is not there"), "{why}");
        assert!(said(&[&report(true), "noise"]).is_err());
        assert!(said(&[]).is_err());
    }
}
