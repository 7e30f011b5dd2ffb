//! `events` and `wait`: what happens to bottles, for scripts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::super::cellar::Cellar;
use super::super::cli::{EventsArguments, WaitArguments, WaitState};
use super::super::exit::{Exit, Failure};
use super::super::observe::{Happening, Observer, Standing, What};
use super::super::output::Output;
use super::super::planning;
use super::egress::end;
use super::{mended, printing};
use crate::spec::BottleId;
use crate::wire::{HoldEnd, Verdict};

/// A bottle and how it stood in the end.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Waited<'a> {
    /// The bottle.
    bottle: &'a BottleId,
    /// Whether it came to what was waited for.
    reached: bool,
    /// Absent if nothing certain was heard of it, or it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<&'a Standing>,
}

/// How one bottle is, beside what is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    There,
    Going,
    /// It will not come there by itself.
    Lost,
}

pub(super) async fn events(out: &mut Output, arguments: &EventsArguments) -> Result<Exit, Failure> {
    let (mut observer, wanted) = observe(out, &arguments.bottles).await?;
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let happenings = tokio::select! {
            happenings = observer.next() => happenings,
            _ = &mut interrupt => return Ok(Exit::Interrupted),
        };
        let wanted = |one: &Happening| wanted.is_empty() || wanted.contains(&one.bottle);
        for one in happenings.into_iter().filter(wanted) {
            let printed = if arguments.json {
                out.json_line(&one)
            } else {
                out.line(&line(&one))
            };
            match printed {
                Ok(()) => {}
                // Whoever read it has seen enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                    return Ok(Exit::Done);
                }
                Err(error) => return Err(printing(error)),
            }
        }
    }
}

pub(super) async fn wait(out: &mut Output, arguments: &WaitArguments) -> Result<Exit, Failure> {
    let until = arguments.timeout.as_deref().map(end).transpose()?;
    let (mut observer, wanted) = observe(out, &arguments.bottles).await?;
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    // A second passes as an event too, so the time is looked at often enough.
    loop {
        let ways: Vec<Way> = ways(&observer, &wanted, &arguments.states);
        let is_late = until.is_some_and(|until| Timestamp::now() >= until);
        let is_there = ways.iter().all(|way| *way == Way::There);
        if is_there || is_late || ways.contains(&Way::Lost) {
            tell(out, &observer, (&wanted, &ways), arguments.json)?;
            return Ok(if is_there { Exit::Done } else { Exit::Failed });
        }
        tokio::select! {
            _ = observer.next() => {}
            _ = &mut interrupt => return Ok(Exit::Interrupted),
        }
    }
}

/// Begins to watch, and finds the bottles that are named.
async fn observe(out: &mut Output, names: &[String]) -> Result<(Observer, Vec<BottleId>), Failure> {
    let cellar = mended(out).await?;
    let wanted = named(&cellar, names)?;
    let (prices, _) = planning::prices();
    Ok((Observer::new(cellar, prices), wanted))
}

fn named(cellar: &Cellar, names: &[String]) -> Result<Vec<BottleId>, Failure> {
    let mut ids = Vec::new();
    for name in names {
        let id = cellar.find(name)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn ways(observer: &Observer, wanted: &[BottleId], states: &[WaitState]) -> Vec<Way> {
    let standings: BTreeMap<_, _> = observer.standings().collect();
    let ways = wanted.iter().map(|id| match standings.get(id) {
        // Before the engine has spoken, nothing is known of any.
        None if !observer.has_seen() => Way::Going,
        None => way(None, states),
        Some(None) => Way::Going,
        Some(standing) => way(*standing, states),
    });
    ways.collect()
}

/// `None` is a bottle that the engine has nothing of.
fn way(standing: Option<&Standing>, states: &[WaitState]) -> Way {
    let Some(standing) = standing else {
        return if states.contains(&WaitState::Gone) {
            Way::There
        } else {
            Way::Lost
        };
    };
    if states.iter().any(|state| is_in(standing, *state)) {
        return Way::There;
    }
    match standing.state {
        // One that is being removed soon is gone, and one that failed is never stopped.
        "stopped" | "failed" if !states.contains(&WaitState::Gone) => Way::Lost,
        _ => Way::Going,
    }
}

fn is_in(standing: &Standing, state: WaitState) -> bool {
    match state {
        WaitState::Ready => matches!(
            standing.state,
            "running" | "working" | "idle" | "limited" | "waiting" | "expired" | "paused"
        ),
        WaitState::Working => standing.state == "working",
        WaitState::Idle => standing.state == "idle",
        WaitState::Waiting => standing.state == "waiting",
        WaitState::Limited => standing.state == "limited",
        WaitState::Expired => standing.state == "expired",
        WaitState::Paused => standing.state == "paused",
        WaitState::Frozen => standing.state == "frozen",
        WaitState::NeedsYou => !standing.needs.is_empty(),
        WaitState::Stopped => standing.state == "stopped",
        WaitState::Failed => standing.state == "failed",
        WaitState::Gone => false,
    }
}

fn tell(
    out: &mut Output,
    observer: &Observer,
    (wanted, ways): (&[BottleId], &[Way]),
    is_json: bool,
) -> Result<(), Failure> {
    let standings: BTreeMap<_, _> = observer.standings().collect();
    let waited = wanted.iter().zip(ways).map(|(bottle, way)| Waited {
        bottle,
        reached: *way == Way::There,
        standing: standings.get(bottle).copied().flatten(),
    });
    let waited: Vec<Waited<'_>> = waited.collect();
    if is_json {
        return out.json(&waited).map_err(printing);
    }
    for one in &waited {
        let words = one
            .standing
            .map_or_else(|| String::from("gone, or not heard of"), standing_words);
        out.line(&format!("{}  {words}", one.bottle))
            .map_err(printing)?;
    }
    Ok(())
}

const fn ended(end: HoldEnd) -> &'static str {
    match end {
        HoldEnd::Allowed => "let through",
        HoldEnd::Denied => "refused",
        HoldEnd::Expired => "nobody answered",
        HoldEnd::Withdrawn => "who waited went away",
    }
}

/// How a bottle stands, for a person.
fn standing_words(standing: &Standing) -> String {
    let needs = standing.needs.join(", ");
    let needs = if needs.is_empty() {
        needs
    } else {
        format!("needs you: {needs}")
    };
    let parts = [standing.state, &standing.detail, &needs];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("  ")
}

/// One happening for a person.
fn line(one: &Happening) -> String {
    let time = one.at.to_zoned(jiff::tz::TimeZone::system());
    let what = match &one.what {
        What::State(standing) => standing_words(standing),
        What::Gone => String::from("removed"),
        What::Request { request } => format!(
            "request {} {}  {}",
            request.id,
            request.state.word(),
            request.ask.words()
        ),
        What::Held { hold } => format!("holds {} as {}", hold.words(), hold.id),
        What::HoldOver { id, end } => format!("hold {id} over: {}", ended(*end)),
        What::Decision { decision } => {
            let verdict = match decision.verdict {
                Verdict::Allowed => String::from("allowed"),
                Verdict::Denied { reason } => format!("denied ({})", reason.code()),
            };
            format!(
                "{verdict}  {} {}:{}",
                decision.method, decision.host, decision.port
            )
        }
    };
    format!("{}  {}  {what}", time.strftime("%H:%M:%S"), one.bottle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(state: &'static str, needs: &[&'static str]) -> Standing {
        Standing {
            state,
            detail: String::new(),
            source: String::new(),
            since: None,
            needs: needs.to_vec(),
        }
    }

    #[test]
    fn a_wait_ends_where_it_is_there_or_cannot_come() {
        use WaitState::{Failed, Gone, Idle, NeedsYou, Ready, Stopped, Working};
        for (is, wanted, expected) in [
            (Some(("working", &[][..])), &[Working][..], Way::There),
            (Some(("working", &[])), &[Idle], Way::Going),
            (Some(("working", &[])), &[Idle, Working], Way::There),
            (Some(("paused", &[])), &[Ready], Way::There),
            (Some(("starting", &[])), &[Ready], Way::Going),
            (Some(("working", &["asks"])), &[NeedsYou], Way::There),
            (Some(("stopped", &[])), &[Idle], Way::Lost),
            (Some(("stopped", &[])), &[Stopped], Way::There),
            (Some(("stopped", &[])), &[Gone], Way::Going),
            (Some(("failed", &["failed"])), &[Stopped], Way::Lost),
            (
                Some(("failed", &["failed"])),
                &[Stopped, Failed],
                Way::There,
            ),
            (None, &[Stopped], Way::Lost),
            (None, &[Gone], Way::There),
        ] {
            let standing = is.map(|(state, needs)| standing(state, needs));
            assert_eq!(
                way(standing.as_ref(), wanted),
                expected,
                "{is:?} {wanted:?}"
            );
        }
    }
}
