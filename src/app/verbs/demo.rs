//! `demo`: three real bottles with scripted agents, and the console on them.

use super::super::cellar::{Cellar, StartRequest};
use super::super::cli::DemoArguments;
use super::super::console;
use super::super::demo;
use super::super::exit::{Exit, Failure};
use super::super::gather::Values;
use super::super::output::Output;
use super::super::planning;
use super::super::view::{self, Asking, Whose};
use super::start::show_progress;
use super::{mended, printing};
use crate::docker;

pub(super) async fn demo(out: &mut Output, arguments: &DemoArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    if arguments.clean {
        return clean(out, &cellar).await;
    }
    start(out, &cellar).await?;
    if arguments.no_console {
        out.note("`cellar` opens the console; `cellar demo --clean` removes every trace")
            .map_err(printing)?;
        return Ok(Exit::Done);
    }
    // Nobody knows yet who will need the operator but those who wrote its agents.
    let views = view::bottles(&cellar, Asking::Nobody, Whose::Ours).await?;
    let mut asking = views
        .into_iter()
        .filter(|view| view.is_demo && view.agent == demo::ASKS && view.state == "running");
    let first = asking.next().map(|view| view.id);
    let exit = console::open_at(cellar, None, first).await?;
    out.note("the demo's bottles go on; `cellar demo --clean` removes every trace")
        .map_err(printing)?;
    Ok(exit)
}

/// Starts what is not there yet, so that a second `demo` opens the same bottles.
async fn start(out: &mut Output, cellar: &Cellar) -> Result<(), Failure> {
    let zone = planning::time_zone().unwrap_or_else(|| String::from("UTC"));
    let wanted = demo::bottles(&zone).map_err(|error| Failure::new("plan the demo", &error))?;
    let views = view::bottles(cellar, Asking::Nobody, Whose::Ours).await?;
    let missing: Vec<_> = wanted
        .into_iter()
        .filter(|bottle| {
            !views.iter().any(|view| {
                view.is_demo && view.agent == bottle.name.as_str() && view.state == "running"
            })
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    out.note(&format!(
        "starting {} sealed bottles on the engine …",
        missing.len()
    ))
    .map_err(printing)?;
    let starts = missing.into_iter().map(|bottle| {
        let (progress, shown) = show_progress(false);
        let request = StartRequest {
            name: bottle.name,
            id: None,
            spec: bottle.spec,
            home_files: Vec::new(),
            values: Values::default(),
            is_demo: true,
            reserved: None,
        };
        async move {
            let up = cellar.start(request, progress).await;
            shown.finish().await;
            up
        }
    });
    for up in futures_util::future::join_all(starts).await {
        let up = up?;
        out.note(&format!("  {} ready in {} ms", up.id, up.took.as_millis()))
            .map_err(printing)?;
    }
    Ok(())
}

/// Removes the demo's bottles, then what nobody else needs: the egress network, the
/// guest image and its volume, and the state folder if nothing of value is in it.
async fn clean(out: &mut Output, cellar: &Cellar) -> Result<Exit, Failure> {
    let views = view::bottles(cellar, Asking::Nobody, Whose::Ours).await?;
    let demos: Vec<_> = views.iter().filter(|view| view.is_demo).collect();
    for view in &demos {
        cellar.remove(&view.id).await?;
        out.note(&format!("{} removed", view.id))
            .map_err(printing)?;
    }
    let is_all = docker::sightings(&*cellar.engine)
        .await
        .map_err(|error| Failure::new("list the bottles", &error))?
        .is_empty();
    if is_all {
        docker::remove_shared(&*cellar.engine)
            .await
            .map_err(|error| Failure::new("remove the guest image and network", &error))?;
        out.note("the guest image, its volume and the egress network removed")
            .map_err(printing)?;
    } else {
        out.note("other bottles stay, and with them the guest image and the egress network")
            .map_err(printing)?;
    }
    if views.len() == demos.len() && cellar.store.discard_if_empty() {
        out.note("the state folder removed").map_err(printing)?;
    }
    Ok(Exit::Done)
}
