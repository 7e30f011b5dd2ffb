//! `egress BOTTLE`: the routes in force and what each let out, what waits, what was
//! refused, what was decided.

use jiff::Timestamp;
use serde::Serialize;

use super::super::super::cellar::Cellar;
use super::super::super::exit::{Exit, Failure};
use super::super::super::hub::{HubView, Talk, TalkError};
use super::super::super::output::Output;
use super::super::super::planning;
use super::super::{budget, printing};
use crate::policy::Prices;
use crate::policy::{Denials, Route, RouteSet, Unlisted};
use crate::spec::BottleId;
use crate::state::{
    Cost, age, budget_words, decided_facts, decided_place, hits_words, model_cost, more_words,
    short, traffic_words,
};
use crate::wire::{
    Budgets, DecisionRecord, HEARTBEAT, Hits, HoldRecord, HubToConsole, Role, RoleReport,
    RouteHits, RouteKey, Usage, Verdict,
};

/// What `egress --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Egress"))]
pub(in crate::app::verbs) struct Shown<'a> {
    /// The table of routes in force; none where egress does not answer.
    generation: Option<u64>,
    /// The routes and terms.
    routes: &'a RouteSet,
    /// What waits for the operator.
    holds: &'a [HoldRecord],
    /// Decisions that let out, since the bottle was made.
    allowed: u64,
    /// Decisions that refused.
    denied: u64,
    /// The last decisions, oldest first.
    decisions: &'a [DecisionRecord],
    /// What models say was used.
    usage: Option<&'a Usage>,
    /// How far budgets are used up.
    budgets: Option<&'a Budgets>,
    /// What of it costs how much.
    cost: Option<Cost>,
    /// What the routes let out, in their order; null where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    route_hits: Option<Vec<Option<RouteHits>>>,
    /// All that was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    hits: Option<&'a Hits>,
}

pub(super) async fn show(
    out: &mut Output,
    cellar: &Cellar,
    id: &BottleId,
    follow: bool,
    is_json: bool,
) -> Result<Exit, Failure> {
    let attempt = || format!("look at what leaves `{id}`");
    let record = cellar
        .store
        .record(id)
        .map_err(|error| Failure::new(attempt(), &error))?;
    let talk = Talk::open(&*cellar.engine, id).await;
    let empty = HubView::default();
    let view = talk.as_ref().map_or(&empty, |talk| &talk.view);
    let routes = match &view.routes {
        Some(there) => &there.routes,
        None => &record.spec.routes,
    };
    let (prices, bad_prices) = planning::prices();
    if let Some(failure) = bad_prices {
        out.note(&failure.line()).map_err(printing)?;
    }
    if is_json && !follow {
        let shown = Shown {
            generation: view.routes.as_ref().map(|there| there.generation),
            routes,
            holds: &view.holds,
            allowed: view.allowed,
            denied: view.denied,
            decisions: &view.decisions,
            usage: view.usage.as_ref(),
            budgets: view.budgets.as_ref(),
            cost: view.usage.as_ref().map(|usage| Cost::of(usage, &prices)),
            route_hits: view.hits.as_ref().map(|hits| {
                let keys = routes.routes.iter().map(RouteKey::of);
                keys.map(|key| hits.of(&key)).collect()
            }),
            hits: view.hits.as_ref(),
        };
        out.json(&shown).map_err(printing)?;
    } else if is_json {
        for decision in &view.decisions {
            out.json_line(decision).map_err(printing)?;
        }
    } else {
        print(out, routes, view, &prices)?;
    }
    match talk {
        Ok(talk) if follow => Box::pin(stream(out, talk, is_json))
            .await
            .map_err(|error| Failure::new(attempt(), &error)),
        Ok(_) => Ok(Exit::Done),
        Err(error) if follow => Err(Failure::new(attempt(), &error)),
        Err(_) => {
            out.note("the bottle does not answer: these are the routes on record")
                .map_err(printing)?;
            Ok(Exit::Done)
        }
    }
}

/// What becomes of what no route allows.
fn rest(routes: &RouteSet) -> String {
    let rest = match routes.unlisted {
        Unlisted::Deny => String::from("everything else is refused"),
        Unlisted::Ask { seconds } => {
            format!("everything else waits for you, {seconds} s at most, and is refused then")
        }
    };
    match routes.denials {
        Denials::Refuse => rest,
        Denials::Request => format!("{rest}; what is refused becomes a request"),
    }
}

fn print(
    out: &mut Output,
    routes: &RouteSet,
    view: &HubView,
    prices: &Prices,
) -> Result<(), Failure> {
    let now = Timestamp::now();
    print_routes(out, routes, view.hits.as_ref(), now).map_err(printing)?;
    out.line(&rest(routes)).map_err(printing)?;
    if !view.holds.is_empty() {
        let rows: Vec<Vec<String>> = view
            .holds
            .iter()
            .map(|hold| {
                let left = hold.until.duration_since(now).as_secs().max(0);
                vec![hold.id.to_string(), hold.words(), format!("{left} s left")]
            })
            .collect();
        out.line("").map_err(printing)?;
        out.table(&["WAITS", "TO REACH", ""], &rows)
            .map_err(printing)?;
    }
    if let Some(hits) = &view.hits {
        print_refused(out, hits, now).map_err(printing)?;
    }
    if let Some(budgets) = &view.budgets {
        budget::print(out, budgets, now).map_err(printing)?;
    }
    if let Some(usage) = &view.usage {
        print_usage(out, usage, prices).map_err(printing)?;
    }
    out.line("").map_err(printing)?;
    let counted = format!("{} let out, {} refused", view.allowed, view.denied);
    out.line(&counted).map_err(printing)?;
    for decision in view.decisions.iter().rev().take(20).rev() {
        out.line(&words(decision, now)).map_err(printing)?;
    }
    Ok(())
}

/// The routes, and what each let out where egress counts that.
fn print_routes(
    out: &mut Output,
    routes: &RouteSet,
    hits: Option<&Hits>,
    now: Timestamp,
) -> std::io::Result<()> {
    let rows = routes.routes.iter().enumerate().map(|(at, route)| {
        let known = hits.and_then(|hits| hits.of(&RouteKey::of(route)));
        let spent = known.as_ref().and_then(|known| known.spent);
        let let_out = match (hits, &known) {
            (None, _) => String::new(),
            (Some(_), known) => hits_words(route, known.as_ref(), now),
        };
        let remarks = [budget_words(&route.budget, spent), remark(route, now)];
        let remarks: Vec<String> = remarks
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect();
        vec![
            (at + 1).to_string(),
            route.words(),
            let_out,
            remarks.join(", "),
            route.origin.words(),
        ]
    });
    let let_out = if hits.is_some() { "LET OUT" } else { "" };
    let rows: Vec<Vec<String>> = rows.collect();
    out.table(&["ROUTE", "MAY REACH", let_out, "", "FROM"], &rows)
}

/// What was refused, by host and reason, most often first.
fn print_refused(out: &mut Output, hits: &Hits, now: Timestamp) -> std::io::Result<()> {
    const MOST: usize = 20;
    if hits.refused.is_empty() {
        return Ok(());
    }
    let mut refused: Vec<_> = hits.refused.iter().collect();
    refused.sort_by_key(|known| std::cmp::Reverse((known.times, known.last)));
    let rows = refused.iter().take(MOST).map(|known| {
        vec![
            short(known.times),
            known.host.clone(),
            known.reason.code().to_owned(),
            age(now, known.last),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    out.line("")?;
    out.table(&["REFUSED", "TO REACH", "BECAUSE", "LAST"], &rows)?;
    let hidden = refused.iter().skip(MOST).map(|known| known.times);
    let more = hidden.fold(hits.more_refused, u64::saturating_add);
    if more > 0 {
        out.line(&more_words(more))?;
    }
    Ok(())
}

/// What was used, by model.
fn print_usage(out: &mut Output, usage: &Usage, prices: &Prices) -> std::io::Result<()> {
    out.line("")?;
    out.line(&format!("used {}", traffic_words(usage)))?;
    if usage.models.is_empty() {
        return Ok(());
    }
    let head = [
        "MODEL",
        "ANSWERS",
        "INPUT",
        "CACHE READ",
        "CACHE WRITTEN",
        "OUTPUT",
        "COST",
    ];
    let rows = usage.models.iter().map(|(name, model)| {
        let tokens = &model.tokens;
        let written = tokens.cache_write.saturating_add(tokens.cache_write_hour);
        let counts = [
            model.answers,
            tokens.input,
            tokens.cache_read,
            written,
            tokens.output,
        ];
        let counts = counts.into_iter().map(short);
        let cost = model_cost(name, model, prices);
        std::iter::once(name.clone())
            .chain(counts)
            .chain([cost])
            .collect()
    });
    out.table(&head, &rows.collect::<Vec<Vec<String>>>())?;
    out.line(&Cost::of(usage, prices).words())
}

fn remark(route: &Route, now: Timestamp) -> String {
    let mut remarks = route.remarks();
    if let Some(end) = route.expires {
        remarks.push(if route.is_current(now) {
            format!("{} left", age(end, now))
        } else {
            String::from("over")
        });
    }
    remarks.join(", ")
}

fn words(decision: &DecisionRecord, now: Timestamp) -> String {
    let verdict = match decision.verdict {
        Verdict::Allowed => String::from("✓ let out"),
        Verdict::Denied { reason } => format!("✗ {}", reason.code()),
    };
    let age = age(now, decision.at);
    let place = decided_place(decision);
    let facts = decided_facts(decision);
    let words = format!("{age:>4}  {verdict} {} {place}  {facts}", decision.method);
    words.trim_end().to_owned()
}

/// Prints decisions as they come, until interrupted or the bottle ends.
async fn stream(out: &mut Output, mut talk: Talk, is_json: bool) -> Result<Exit, TalkError> {
    let mut beat = tokio::time::interval(HEARTBEAT);
    loop {
        tokio::select! {
            _ = beat.tick() => talk.ping().await?,
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
            message = talk.next() => {
                let HubToConsole::Report { role: Role::Egress, report: RoleReport::Decision { decision } } = message? else {
                    continue;
                };
                let printed = if is_json {
                    out.json_line(&decision)
                } else {
                    out.line(&words(&decision, Timestamp::now()))
                };
                if printed.is_err() {
                    // Nobody reads any more.
                    return Ok(Exit::Done);
                }
            }
        }
    }
}
