//! `stats`: what bottles use, now or again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::super::cellar::Cellar;
use super::super::cli::StatsArguments;
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::planning;
use super::super::sampler::{Sampled, sample};
use super::super::view::{self, Asking, BottleView, Whose};
use super::{mended, printing};
use crate::docker::Meter;
use crate::policy::Prices;
use crate::spec::BottleId;
use crate::state::{
    BottleRef, BottleUse, ContainerUse, Cost, cents_words, cpu_words, memory_words, rate_words,
    short,
};
use crate::wire::Role;

/// Version of what `--json` prints.
const VERSION: u32 = 1;
/// Between the two samples that a rate is made of.
const FIRST_STEP: Duration = Duration::from_secs(1);
/// Between two rounds of `--watch`.
const STEP: Duration = Duration::from_secs(2);
/// Rounds until engine and hubs are asked again how bottles are; what they use is read
/// each round.
const ROUNDS: u32 = 5;

/// What one bottle uses, for scripts.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct BottleStats<'a> {
    /// A change that breaks readers raises it.
    version: u32,
    /// When it was read.
    at: Timestamp,
    /// The bottle.
    bottle: &'a BottleId,
    /// The name of its agent.
    agent: &'a str,
    /// In one word how it is.
    state: &'static str,
    /// Per cent of one CPU; absent where it does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_percent: Option<f64>,
    /// Memory, without what could be dropped at once.
    memory_bytes: u64,
    /// Processes and threads.
    pids: u64,
    /// The same of each of its containers that runs.
    containers: BTreeMap<Role, ContainerStats>,
    /// What egress counted of its models.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Spent>,
}

/// What one container uses.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ContainerStats {
    /// Per cent of one CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_percent: Option<f64>,
    /// Memory, without what could be dropped at once.
    memory_bytes: u64,
    /// 0 is none.
    memory_limit_bytes: u64,
    /// Processes and threads.
    pids: u64,
    /// Received over the network.
    received_bytes: u64,
    /// Sent over the network.
    sent_bytes: u64,
    /// The same in each of the last seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    received_per_second: Option<u64>,
    /// The same in each of the last seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_per_second: Option<u64>,
}

/// What egress counted since the bottle was made.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TokensSpent"))]
pub(super) struct Spent {
    /// Read by models.
    prompt_tokens: u64,
    /// Written by models.
    output_tokens: u64,
    /// An estimate; the models that it leaves out are beside it.
    cost_dollars: f64,
    /// Models that the sum leaves out.
    unpriced_models: Vec<String>,
}

pub(super) async fn stats(out: &mut Output, arguments: &StatsArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let mut wanted = Vec::new();
    for name in &arguments.bottles {
        wanted.push(cellar.find(name)?);
    }
    let (prices, bad_prices) = planning::prices();
    if let Some(failure) = bad_prices {
        out.note(&failure.line()).map_err(printing)?;
    }
    let mut meter = cellar.meter();
    // The first round only gives the second one something to count from.
    let mut views = look(&cellar, &wanted, Asking::Nobody).await?;
    drop(read(&cellar, &mut meter, &views).await);
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    let mut step = FIRST_STEP;
    for round in (0..ROUNDS).cycle() {
        tokio::select! {
            () = tokio::time::sleep(step) => {}
            _ = &mut interrupt => return Ok(Exit::Interrupted),
        }
        if round == 0 {
            views = look(&cellar, &wanted, Asking::Hubs).await?;
        }
        let used = read(&cellar, &mut meter, &views).await;
        match print(out, arguments, &views, &used, &prices) {
            Ok(()) => {}
            // Whoever read it has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
            Err(error) => return Err(printing(error)),
        }
        if !arguments.watch {
            return Ok(Exit::Done);
        }
        step = STEP;
    }
    Ok(Exit::Done)
}

async fn look(
    cellar: &Cellar,
    wanted: &[BottleId],
    asking: Asking,
) -> Result<Vec<BottleView>, Failure> {
    let mut views = view::bottles(cellar, asking, Whose::Ours).await?;
    views.retain(|view| wanted.is_empty() || wanted.contains(&view.id));
    Ok(views)
}

type Used = BTreeMap<BottleId, BTreeMap<Role, ContainerUse>>;

async fn read(cellar: &Cellar, meter: &mut Meter, views: &[BottleView]) -> Used {
    let bottles = views.iter().map(|view| {
        let bottle = BottleRef {
            engine: cellar.engine.id().clone(),
            id: view.id.clone(),
        };
        Sampled::of(bottle, &view.containers)
    });
    let samples = sample(meter, bottles.collect()).await;
    samples
        .into_iter()
        .map(|sample| (sample.bottle.id, sample.containers))
        .collect()
}

fn print(
    out: &mut Output,
    arguments: &StatsArguments,
    views: &[BottleView],
    used: &Used,
    prices: &Prices,
) -> std::io::Result<()> {
    let nothing = BTreeMap::new();
    let of = |view: &BottleView| used.get(&view.id).unwrap_or(&nothing);
    if arguments.json {
        let all = views
            .iter()
            .map(|view| bottle_stats(view, of(view), prices));
        if arguments.watch {
            return all.into_iter().try_for_each(|one| out.json_line(&one));
        }
        return out.json(&all.collect::<Vec<_>>());
    }
    if views.is_empty() {
        return out.note("no bottles");
    }
    let head = [
        "BOTTLE", "STATE", "CPU", "MEM", "PIDS", "IN", "OUT", "TOKENS", "COST",
    ];
    let rows: Vec<_> = views
        .iter()
        .map(|view| row(view, of(view), prices))
        .collect();
    out.table(&head, &rows)?;
    if arguments.watch {
        out.line("")?;
    }
    Ok(())
}

fn row(
    view: &BottleView,
    containers: &BTreeMap<Role, ContainerUse>,
    prices: &Prices,
) -> Vec<String> {
    let sum = BottleUse::of(containers.values());
    let runs = !containers.is_empty();
    let spent = view.hub.as_ref().and_then(|hub| hub.usage.as_ref());
    let spent = spent.filter(|usage| !usage.models.is_empty());
    let if_runs = |text: String| if runs { text } else { String::new() };
    vec![
        view.id.to_string(),
        view.state.to_owned(),
        if_runs(sum.cpu_millis.map_or_else(String::new, cpu_words)),
        if_runs(memory_words(sum.memory_bytes)),
        if_runs(sum.pids.to_string()),
        if_runs(rate_words(sum.received_per_second)),
        if_runs(rate_words(sum.sent_per_second)),
        spent.map_or_else(String::new, |usage| short(usage.tokens().total())),
        spent.map_or_else(String::new, |usage| {
            cents_words(Cost::of(usage, prices).cents)
        }),
    ]
}

fn bottle_stats<'a>(
    view: &'a BottleView,
    containers: &BTreeMap<Role, ContainerUse>,
    prices: &Prices,
) -> BottleStats<'a> {
    let sum = BottleUse::of(containers.values());
    let spent = view.hub.as_ref().and_then(|hub| hub.usage.as_ref());
    BottleStats {
        version: VERSION,
        at: Timestamp::now(),
        bottle: &view.id,
        agent: &view.agent,
        state: view.state,
        cpu_percent: sum.cpu_millis.map(percent),
        memory_bytes: sum.memory_bytes,
        pids: sum.pids,
        containers: containers
            .iter()
            .map(|(role, one)| (*role, container_stats(one)))
            .collect(),
        usage: spent.map(|usage| {
            let tokens = usage.tokens();
            let cost = Cost::of(usage, prices);
            let cents = u32::try_from(cost.cents).unwrap_or(u32::MAX);
            Spent {
                prompt_tokens: tokens.prompt(),
                output_tokens: tokens.output,
                cost_dollars: f64::from(cents) / 100.0,
                unpriced_models: cost.unpriced,
            }
        }),
    }
}

fn container_stats(one: &ContainerUse) -> ContainerStats {
    ContainerStats {
        cpu_percent: one.cpu_millis.map(percent),
        memory_bytes: one.memory_bytes,
        memory_limit_bytes: one.memory_limit_bytes,
        pids: one.pids,
        received_bytes: one.received_bytes,
        sent_bytes: one.sent_bytes,
        received_per_second: one.received_per_second,
        sent_per_second: one.sent_per_second,
    }
}

fn percent(millis: u32) -> f64 {
    f64::from(millis) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_told_in_whole_numbers_and_per_cent() {
        let one = ContainerUse {
            cpu_millis: Some(123),
            memory_bytes: 7,
            ..ContainerUse::default()
        };
        let told = serde_json::to_value(container_stats(&one)).unwrap();
        let expected = serde_json::json!({
            "cpu_percent": 12.3, "memory_bytes": 7, "memory_limit_bytes": 0, "pids": 0,
            "received_bytes": 0, "sent_bytes": 0,
        });
        assert_eq!(told, expected);
    }
}
