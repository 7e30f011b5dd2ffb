//! `list` and `show`.

use jiff::Timestamp;

use super::super::beside::{Beside, Today};
use super::super::cli::{ListArguments, OneArguments};
use super::super::exit::{Exit, Failure};
use super::super::hub::HubView;
use super::super::output::Output;
use super::super::planning;
use super::super::view::{self, Asking, BottleView, Whose};
use super::attach::exit_words;
use super::{mended, printing};
use crate::policy::Prices;
use crate::state::{ContainerState, Cost, room_words, spent_words, token_words, traffic_words};
use crate::wire::{RoleState, Usage, Verdict};

pub(super) async fn list(out: &mut Output, arguments: &ListArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let asking = if arguments.quick {
        Asking::Nobody
    } else {
        Asking::Hubs
    };
    let whose = if arguments.all {
        Whose::All
    } else {
        Whose::Ours
    };
    let mut views = view::bottles(&cellar, asking, whose).await?;
    let today = Today::load();
    for view in &mut views {
        let record = cellar
            .store
            .record(&view.id)
            .ok()
            .filter(|_| view.is_recorded);
        view.manifest = record.and_then(|record| today.beside(&record));
    }
    if arguments.json {
        return out.json(&views).map_err(printing).map(|()| Exit::Done);
    }
    if views.is_empty() {
        out.note("no bottles; `cellar start AGENT` makes one, `cellar demo` shows some")
            .map_err(printing)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = views.iter().map(row).collect();
    let head = [
        "BOTTLE", "AGENT", "STATE", "AGE", "OUT", "MANIFEST", "DETAIL",
    ];
    out.table(&head, &rows).map_err(printing)?;
    Ok(Exit::Done)
}

fn row(view: &BottleView) -> Vec<String> {
    let out = view.hub.as_ref().map_or_else(String::new, |hub| {
        format!("{}✓ {}✗", hub.allowed, hub.denied)
    });
    let detail = if view.is_recorded {
        view.detail.clone()
    } else {
        format!("not on this record {}", view.detail)
    };
    vec![
        view.id.to_string(),
        view.agent.clone(),
        view.state.to_owned(),
        age(view.created),
        out,
        view.manifest.as_ref().map(Beside::mark).unwrap_or_default(),
        detail.trim_end().to_owned(),
    ]
}

/// The time since, in its largest unit.
fn age(at: Timestamp) -> String {
    let seconds = Timestamp::now().duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// What `show --json` prints.
#[derive(serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Described<'a> {
    /// As it is.
    bottle: &'a BottleView,
    /// As it is on record.
    record: &'a crate::store::Record,
}

pub(super) async fn show(out: &mut Output, arguments: &OneArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let id = cellar.find(&arguments.bottle)?;
    let record = cellar
        .store
        .record(&id)
        .map_err(|error| Failure::new(format!("show `{id}`"), &error))?;
    let mut view = view::bottles(&cellar, Asking::Hubs, Whose::Ours)
        .await?
        .into_iter()
        .find(|view| view.id == id)
        .ok_or_else(|| Failure::because(format!("show `{id}`"), "it was removed meanwhile"))?;
    view.manifest = Today::load().beside(&record);
    if arguments.json {
        let both = Described {
            bottle: &view,
            record: &record,
        };
        return out.json(&both).map_err(printing).map(|()| Exit::Done);
    }
    let mut rows: Vec<(&str, String)> = vec![
        ("bottle", id.to_string()),
        ("state", format!("{} {}", view.state, view.detail)),
        ("agent", view.agent.clone()),
        ("age", age(view.created)),
        ("spec", view.spec.to_string()),
        ("revision", record.revision.to_string()),
        (
            "manifest",
            view.manifest
                .as_ref()
                .map_or_else(|| String::from("none"), Beside::words),
        ),
        ("runs", record.spec.session.argv.join(" ")),
    ];
    for container in &view.containers {
        let id: String = container.container.chars().take(12).collect();
        rows.push((
            container.role.as_str(),
            format!("{} ({id})", state_word(&container.state)),
        ));
    }
    for route in &record.spec.routes.routes {
        rows.push(("may reach", route.words()));
    }
    if let Some(hub) = &view.hub {
        rows.extend(hub_rows(hub));
        let now = Timestamp::now();
        for budget in hub.budgets.iter().flat_map(|known| &known.budgets) {
            let words = format!("{} {}", spent_words(budget), room_words(budget, now));
            rows.push(("budget", words));
        }
        if let Some(usage) = &hub.usage {
            let (prices, bad_prices) = planning::prices();
            if let Some(failure) = bad_prices {
                out.note(&failure.line()).map_err(printing)?;
            }
            rows.push(("used", usage_words(usage, &prices)));
        }
    }
    for (label, value) in rows {
        out.line(format!("{label:>10}  {value}").trim_end())
            .map_err(printing)?;
    }
    Ok(Exit::Done)
}

/// What was used and what it cost, in one line.
fn usage_words(usage: &Usage, prices: &Prices) -> String {
    if usage.models.is_empty() {
        return traffic_words(usage);
    }
    let (tokens, cost) = (token_words(usage), Cost::of(usage, prices).words());
    format!("{tokens}, {cost}; {}", traffic_words(usage))
}

fn hub_rows(hub: &HubView) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if let Some(session) = &hub.session {
        rows.push((
            "session",
            format!(
                "{:?}, from the {}, {} ago",
                session.activity,
                session.source,
                age(session.since)
            )
            .to_lowercase(),
        ));
    }
    if let Some(exit) = hub.ended {
        rows.push(("session", exit_words(exit)));
    }
    for (role, state) in &hub.roles {
        match state {
            RoleState::Degraded { why } => rows.push((role.as_str(), format!("degraded: {why}"))),
            RoleState::Locked { missing } => rows.push((
                role.as_str(),
                format!(
                    "locked: no value for {}; `cellar unlock` hands them over",
                    missing.join(", ")
                ),
            )),
            RoleState::Ready | RoleState::Gone => {}
        }
    }
    if let Some(seal) = &hub.seal {
        let word = if seal.holds() { "holds" } else { "BROKEN" };
        rows.push(("seal", format!("{word}, {} probes", seal.checks.len())));
        for check in &seal.checks {
            let mark = if check.holds { "✓" } else { "✗" };
            rows.push(("", format!("{mark} {}: {}", check.name, check.seen)));
        }
    }
    rows.push((
        "egress",
        format!("{} let out, {} refused", hub.allowed, hub.denied),
    ));
    for decision in hub.decisions.iter().rev().take(10) {
        let verdict = match decision.verdict {
            Verdict::Allowed => String::from("✓ let out"),
            Verdict::Denied { reason } => format!("✗ {}", reason.code()),
        };
        rows.push((
            "",
            format!(
                "{verdict} {} {}:{} {} ago",
                decision.method,
                decision.host,
                decision.port,
                age(decision.at)
            ),
        ));
    }
    rows
}

/// A container's state in words.
pub(crate) fn state_word(state: &ContainerState) -> String {
    match state {
        ContainerState::Created => String::from("created"),
        ContainerState::Running => String::from("running"),
        ContainerState::Paused => String::from("frozen"),
        ContainerState::Restarting => String::from("restarting"),
        ContainerState::Exited { code: Some(code) } => format!("exited {code}"),
        ContainerState::Exited { code: None } => String::from("exited"),
        ContainerState::Dead => String::from("dead"),
        ContainerState::Unknown { word } => word.clone(),
    }
}
