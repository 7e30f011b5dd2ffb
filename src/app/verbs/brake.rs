//! `freeze`, `unfreeze`, `cut`, `reconnect`, `panic`: what holds bottles still.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;

use super::super::brake::Braked;
use super::super::cellar::Cellar;
use super::super::cli::{PanicArguments, SomeArguments};
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::view::{self, Asking, BottleView, Whose, container};
use super::life::{Tally, find_all};
use super::{mended, printing};
use crate::spec::BottleId;
use crate::state::ContainerState;
use crate::wire::Role;

/// Bottles that something is done to at the same time.
const AT_ONCE: usize = 32;

/// What one of the verbs does.
pub(super) struct Brake {
    word: &'static str,
    perform: for<'a> fn(&'a Cellar, &'a BottleId) -> BoxFuture<'a, Result<(), Failure>>,
    /// Whether it would do something to a bottle, for `--all`.
    takes: fn(&BottleView) -> bool,
}

pub(super) const FREEZE: Brake = Brake {
    word: "frozen",
    perform: |cellar, id| Box::pin(cellar.freeze(id)),
    takes: |view| agent_is(view, &ContainerState::Running),
};
pub(super) const UNFREEZE: Brake = Brake {
    word: "unfrozen",
    perform: |cellar, id| Box::pin(cellar.unfreeze(id)),
    takes: |view| agent_is(view, &ContainerState::Paused),
};
pub(super) const CUT: Brake = Brake {
    word: "cut",
    perform: |cellar, id| Box::pin(cellar.cut(id)),
    takes: |view| !view.is_cut && view::runs(view, Role::Egress),
};
pub(super) const RECONNECT: Brake = Brake {
    word: "reconnected",
    perform: |cellar, id| Box::pin(cellar.reconnect(id)),
    takes: |view| view.is_cut,
};

fn agent_is(view: &BottleView, state: &ContainerState) -> bool {
    container(view, Role::Agent).is_some_and(|agent| agent.state == *state)
}

pub(super) async fn some(
    out: &mut Output,
    arguments: &SomeArguments,
    brake: &Brake,
) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let ids = if arguments.all {
        view::bottles(&cellar, Asking::Nobody, Whose::Ours)
            .await?
            .into_iter()
            .filter(|view| view.is_recorded && (brake.takes)(view))
            .map(|view| view.id)
            .collect()
    } else {
        find_all(&cellar, &arguments.bottles)?
    };
    let results: Vec<_> = futures_util::stream::iter(&ids)
        .map(|id| (brake.perform)(&cellar, id))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut tally = Tally::new(out, arguments.json, brake.word);
    for (id, result) in ids.iter().zip(results) {
        tally.add(id, result)?;
    }
    Ok(tally.exit)
}

/// What `panic --json` prints.
#[derive(serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Panicked<'a> {
    /// Whether it was taken back.
    undone: bool,
    /// The bottles that were frozen, or go on.
    frozen: &'a BTreeSet<BottleId>,
    /// The bottles that were cut, or are connected again.
    cut: &'a BTreeSet<BottleId>,
    /// What did not work out.
    failures: &'a [String],
}

pub(super) async fn panic(out: &mut Output, arguments: &PanicArguments) -> Result<Exit, Failure> {
    // Nothing is mended first: that could take its time.
    let cellar = Cellar::open().await?;
    let braked = if arguments.undo {
        cellar.lift_panic().await?
    } else {
        cellar.panic().await?
    };
    if arguments.json {
        let failures: Vec<String> = braked.failures.iter().map(Failure::line).collect();
        let told = Panicked {
            undone: arguments.undo,
            frozen: &braked.frozen,
            cut: &braked.cut,
            failures: &failures,
        };
        out.json(&told).map_err(printing)?;
    } else {
        tell(out, &braked, arguments.undo)?;
    }
    let mut exit = Exit::Done;
    for failure in braked.failures {
        exit = failure.report();
    }
    Ok(exit)
}

fn tell(out: &mut Output, braked: &Braked, is_undone: bool) -> Result<(), Failure> {
    let (frozen, cut) = if is_undone {
        ("unfrozen", "reconnected")
    } else {
        ("frozen", "cut")
    };
    for id in &braked.frozen {
        out.line(&format!("{id} {frozen}")).map_err(printing)?;
    }
    for id in &braked.cut {
        out.line(&format!("{id} {cut}")).map_err(printing)?;
    }
    if !is_undone {
        let note = "nothing starts until `cellar panic --undo` lets go what this holds";
        out.note(note).map_err(printing)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Digest;
    use crate::state::ContainerSighting;

    fn view(agent: ContainerState, is_cut: bool) -> BottleView {
        let container = |role, state| ContainerSighting {
            container: String::from("c"),
            role,
            state,
        };
        BottleView {
            id: BottleId::parse("api-k3x9q").unwrap(),
            agent: String::from("api"),
            state: "running",
            detail: String::new(),
            created: jiff::Timestamp::UNIX_EPOCH,
            spec: Digest::of(b""),
            is_recorded: true,
            is_demo: false,
            is_cut,
            containers: vec![
                container(Role::Agent, agent),
                container(Role::Egress, ContainerState::Running),
            ],
            hub: None,
            manifest: None,
        }
    }

    #[test]
    fn all_means_those_that_it_would_do_something_to() {
        let running = view(ContainerState::Running, false);
        let frozen = view(ContainerState::Paused, true);
        let stopped = view(ContainerState::Exited { code: Some(0) }, false);
        let takes =
            |view: &BottleView| [FREEZE, UNFREEZE, CUT, RECONNECT].map(|brake| (brake.takes)(view));
        assert_eq!(takes(&running), [true, false, true, false]);
        assert_eq!(takes(&frozen), [false, true, false, true]);
        assert_eq!(takes(&stopped), [false, false, true, false]);
    }
}
