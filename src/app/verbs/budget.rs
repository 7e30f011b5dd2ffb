//! `budget`: how the budgets of a bottle stand, and other amounts for them.

use jiff::Timestamp;
use serde::Serialize;

use super::super::cellar::Reach;
use super::super::cli::BudgetArguments;
use super::super::exit::{Exit, Failure};
use super::super::hub;
use super::super::output::Output;
use super::super::planning;
use super::{mended, printing};
use crate::policy::{BottleBudget, Measure, Prices, Span};
use crate::spec::BottleId;
use crate::state::{pause_words, room_words, spent_words};
use crate::wire::{BudgetState, Budgets, Usage};

/// What `budget --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "BudgetShown"))]
pub(super) struct Shown<'a> {
    /// The bottle.
    bottle: &'a BottleId,
    /// The budgets on record.
    recorded: &'a [BottleBudget],
    /// How they stand; absent if the bottle does not answer.
    #[serde(flatten)]
    standing: Option<&'a Budgets>,
    /// Models that have no price and count with the dearest.
    unpriced: &'a [String],
}

/// What a change of a budget prints with `--json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "BudgetChanged"))]
pub(super) struct Changed<'a> {
    /// The bottle.
    bottle: &'a BottleId,
    /// The table of routes and budgets that holds it.
    generation: u64,
    /// Whether it holds now, and not only from the bottle's next start.
    in_force: bool,
    /// All of them, as they are now.
    budgets: &'a [BottleBudget],
}

/// One change, as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    how: How,
    what: Measure,
    per: Option<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// By so much, or by what it began with.
    Raise(Option<u64>),
    Set(u64),
    Drop,
}

pub(super) async fn budget(out: &mut Output, arguments: &BudgetArguments) -> Result<Exit, Failure> {
    let changes = changes(arguments)?;
    let cellar = mended(out).await?;
    let id = cellar.find(&arguments.bottle)?;
    if arguments.refuse {
        cellar.refuse_budgets(&id).await?;
        out.line("refused, until the budget is raised or its time passes")
            .map_err(printing)?;
        return Ok(Exit::Done);
    }
    let view = hub::look(&*cellar.engine, &id).await;
    let standing = view.as_ref().and_then(|view| view.budgets.as_ref());
    if changes.is_empty() {
        let record = cellar
            .store
            .record(&id)
            .map_err(|error| Failure::new(format!("show the budgets of `{id}`"), &error))?;
        let usage = view.as_ref().and_then(|view| view.usage.as_ref());
        let recorded = &record.spec.routes.budgets;
        return show(out, &id, recorded, standing, usage, arguments.json);
    }
    let change = cellar
        .change_budgets(&id, |budgets| {
            changes
                .iter()
                .try_for_each(|change| change.make(budgets, standing))
        })
        .await?;
    let in_force = change.reach == Reach::Now;
    let budgets = &change.routes.budgets;
    if arguments.json {
        let changed = Changed {
            bottle: &id,
            generation: change.generation,
            in_force,
            budgets,
        };
        out.json(&changed).map_err(printing)?;
        return Ok(Exit::Done);
    }
    let words: Vec<String> = budgets.iter().map(BottleBudget::words).collect();
    let words = if words.is_empty() {
        String::from("no budget")
    } else {
        words.join(", ")
    };
    let since = if in_force {
        "in force now"
    } else {
        "in force when the bottle runs again: it does not answer"
    };
    out.line(&format!("{words}; {since}")).map_err(printing)?;
    Ok(Exit::Done)
}

fn show(
    out: &mut Output,
    id: &BottleId,
    recorded: &[BottleBudget],
    standing: Option<&Budgets>,
    usage: Option<&Usage>,
    is_json: bool,
) -> Result<Exit, Failure> {
    let (prices, bad_prices) = planning::prices();
    if let Some(failure) = bad_prices {
        out.note(&failure.line()).map_err(printing)?;
    }
    let unpriced = unpriced(recorded, usage, &prices);
    if is_json {
        let shown = Shown {
            bottle: id,
            recorded,
            standing,
            unpriced: &unpriced,
        };
        out.json(&shown).map_err(printing)?;
        return Ok(Exit::Done);
    }
    if recorded.is_empty() {
        out.line("no budget: nothing is counted against one")
            .map_err(printing)?;
        out.note(&format!(
            "`cellar budget {id} --set cost/hour=5.00` gives it one"
        ))
        .map_err(printing)?;
        return Ok(Exit::Done);
    }
    if let Some(standing) = standing {
        print(out, standing, Timestamp::now()).map_err(printing)?;
    } else {
        for budget in recorded {
            out.line(&budget.words()).map_err(printing)?;
        }
        out.note("the bottle does not answer: what is spent is not known")
            .map_err(printing)?;
    }
    for model in unpriced {
        out.line(&format!(
            "{model} has no price: it counts with the dearest that is known"
        ))
        .map_err(printing)?;
    }
    Ok(Exit::Done)
}

/// Prints how the budgets stand, and what waits.
pub(super) fn print(out: &mut Output, budgets: &Budgets, now: Timestamp) -> std::io::Result<()> {
    let rows: Vec<Vec<String>> = budgets
        .budgets
        .iter()
        .map(|state| {
            vec![
                spent_words(state),
                format!("{} %", state.budget.percent(state.spent)),
                room_words(state, now),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    out.line("")?;
    out.table(&["BUDGET", "SPENT", ""], &rows)?;
    match pause_words(budgets, now) {
        Some(words) => out.line(&format!("paused: {words}")),
        None => Ok(()),
    }
}

/// The models that egress has no price of, by the prices that it was given.
fn unpriced(budgets: &[BottleBudget], usage: Option<&Usage>, prices: &Prices) -> Vec<String> {
    let has_cost = budgets.iter().any(|budget| budget.what == Measure::Cost);
    let models = usage.filter(|_| has_cost).map(|usage| usage.models.keys());
    let unpriced = models.into_iter().flatten();
    unpriced
        .filter(|model| prices.of(model).is_none())
        .cloned()
        .collect()
}

fn changes(arguments: &BudgetArguments) -> Result<Vec<Change>, Failure> {
    let drops = arguments.drop.iter().map(|text| Change::drop(text));
    let sets = arguments.set.iter().map(|text| Change::set(text));
    let raises = arguments.raise.iter().map(|text| Change::raise(text));
    drops.chain(sets).chain(raises).collect()
}

impl Change {
    fn raise(text: &str) -> Result<Self, Failure> {
        let (name, amount) = match text.split_once('=') {
            Some((name, amount)) => (name, Some(amount)),
            None => (text, None),
        };
        let (what, per) = named(text, name)?;
        let amount = amount.map(|amount| read(text, what, amount)).transpose()?;
        let how = How::Raise(amount);
        Ok(Self { how, what, per })
    }

    fn set(text: &str) -> Result<Self, Failure> {
        let help =
            "write it as cost/hour=5.00, tokens/day=20M, bytes/total=10GiB or requests/hour=1000";
        let (name, amount) = text
            .split_once('=')
            .ok_or_else(|| wrong(text, "it has no amount", help))?;
        let (what, per) = named(text, name)?;
        if per.is_none() {
            return Err(wrong(text, "it says no time", help));
        }
        let how = How::Set(read(text, what, amount)?);
        Ok(Self { how, what, per })
    }

    fn drop(text: &str) -> Result<Self, Failure> {
        let (what, per) = named(text, text)?;
        let how = How::Drop;
        Ok(Self { how, what, per })
    }

    fn make(
        &self,
        budgets: &mut Vec<BottleBudget>,
        standing: Option<&Budgets>,
    ) -> Result<(), Failure> {
        if let (How::Set(amount), Some(per)) = (self.how, self.per) {
            let new = BottleBudget::new(self.what, per, amount);
            match budgets.iter_mut().find(|budget| budget.is_alike(&new)) {
                Some(budget) => *budget = new,
                None => budgets.push(new),
            }
            return Ok(());
        }
        let is_meant = |budget: &BottleBudget| {
            budget.what == self.what && self.per.is_none_or(|per| per == budget.per)
        };
        let meant: Vec<usize> = (0..)
            .zip(budgets.iter())
            .filter(|(_, budget)| is_meant(budget))
            .map(|(at, _)| at)
            .collect();
        let word = self.what.word();
        let &[at] = meant.as_slice() else {
            let (why, help) = if meant.is_empty() {
                (
                    "the bottle has no such budget",
                    format!(
                        "give it one with --set, such as {word}/hour={}",
                        self.what.example()
                    ),
                )
            } else {
                (
                    "the bottle has several such budgets",
                    format!("say which: {word}/hour, {word}/day or {word}/total"),
                )
            };
            return Err(wrong(word, why, &help));
        };
        if let How::Raise(by) = self.how
            && let Some(budget) = budgets.get_mut(at)
        {
            let spent = spent(standing, budget);
            *budget = match by {
                Some(by) => budget.raised_to(budget.amount.saturating_add(by)),
                None => budget.raised_over(spent.unwrap_or(budget.amount)),
            };
        } else {
            budgets.remove(at);
        }
        Ok(())
    }
}

fn spent(standing: Option<&Budgets>, budget: &BottleBudget) -> Option<u64> {
    let mut states = standing?.budgets.iter();
    let found = states.find(|state: &&BudgetState| state.budget.is_alike(budget))?;
    Some(found.spent)
}

/// Reads `WHAT` or `WHAT/TIME`.
fn named(text: &str, name: &str) -> Result<(Measure, Option<Span>), Failure> {
    let (what, per) = match name.split_once('/') {
        Some((what, per)) => (what, Some(per)),
        None => (name, None),
    };
    let measure = Measure::ALL.into_iter().find(|known| known.word() == what);
    let measure = measure.ok_or_else(|| {
        wrong(
            text,
            &format!("there is no budget of `{what}`"),
            "a budget is of tokens, cost, bytes or requests",
        )
    })?;
    let Some(per) = per else {
        return Ok((measure, None));
    };
    let span = Span::ALL.into_iter().find(|known| known.word() == per);
    let span = span.ok_or_else(|| {
        wrong(
            text,
            &format!("`{per}` is no time of a budget"),
            "a budget is for an hour, a day or in total: write hour, day or total",
        )
    })?;
    Ok((measure, Some(span)))
}

fn read(text: &str, what: Measure, amount: &str) -> Result<u64, Failure> {
    let (word, example) = (what.word(), what.example());
    what.read(amount).ok_or_else(|| {
        wrong(
            text,
            &format!("`{amount}` is no amount of {word}"),
            &format!("write it as {example}"),
        )
    })
}

fn wrong(text: &str, why: &str, help: &str) -> Failure {
    Failure::because(format!("read `{text}` as a budget"), why)
        .help(help)
        .exit(Exit::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(raise: &[&str], set: &[&str], drop: &[&str]) -> BudgetArguments {
        let of = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        BudgetArguments {
            bottle: String::from("api"),
            raise: of(raise),
            set: of(set),
            drop: of(drop),
            refuse: false,
            json: false,
        }
    }

    fn made(
        budgets: &[BottleBudget],
        arguments: &BudgetArguments,
        standing: Option<&Budgets>,
    ) -> Result<Vec<BottleBudget>, String> {
        let mut budgets = budgets.to_vec();
        changes(arguments)
            .and_then(|changes| {
                changes
                    .iter()
                    .try_for_each(|change| change.make(&mut budgets, standing))
            })
            .map_err(|failure| failure.line())?;
        Ok(budgets)
    }

    const HOUR: BottleBudget = BottleBudget::new(Measure::Cost, Span::Hour, 5_000_000);
    const DAY: BottleBudget = BottleBudget::new(Measure::Cost, Span::Day, 20_000_000);

    #[test]
    fn a_budget_is_raised_set_and_taken_away_as_it_is_typed() {
        let words = |budgets: Vec<BottleBudget>| {
            let words: Vec<String> = budgets.iter().map(BottleBudget::words).collect();
            words.join(", ")
        };
        let change = |raise: &[&str], set: &[&str], drop: &[&str]| {
            made(&[HOUR], &arguments(raise, set, drop), None).map(words)
        };
        assert_eq!(change(&["cost"], &[], &[]).unwrap(), "$10.00 per hour");
        assert_eq!(change(&["cost=2.50"], &[], &[]).unwrap(), "$7.50 per hour");
        assert_eq!(
            change(&["cost/hour=1"], &[], &[]).unwrap(),
            "$6.00 per hour"
        );
        assert_eq!(
            change(&[], &["cost/hour=1"], &[]).unwrap(),
            "$1.00 per hour"
        );
        assert_eq!(
            change(&[], &["tokens/day=20M"], &[]).unwrap(),
            "$5.00 per hour, 20M tokens per day"
        );
        assert_eq!(change(&[], &[], &["cost"]).unwrap(), "");
        let both = made(&[HOUR, DAY], &arguments(&["cost/day"], &[], &[]), None);
        assert_eq!(words(both.unwrap()), "$5.00 per hour, $40.00 per day");
    }

    #[test]
    fn a_raise_without_an_amount_makes_room() {
        let state = BudgetState {
            budget: HOUR,
            spent: 12_000_000,
            room_at: None,
            is_refused: false,
        };
        let standing = Budgets {
            budgets: vec![state],
            pause: None,
        };
        let raised = made(&[HOUR], &arguments(&["cost"], &[], &[]), Some(&standing));
        assert_eq!(raised.unwrap()[0].amount, 15_000_000);
    }

    #[test]
    fn what_is_typed_wrong_is_said() {
        for (raise, set, why) in [
            (&["gold"][..], &[][..], "there is no budget of `gold`"),
            (&["cost/week"], &[], "`week` is no time of a budget"),
            (&["cost=0"], &[], "`0` is no amount of cost"),
            (&["bytes"], &[], "the bottle has no such budget"),
            (&["cost"], &[], "the bottle has several such budgets"),
            (&[], &["cost=5"], "it says no time"),
            (&[], &["cost/hour"], "it has no amount"),
            (&[], &["bytes/hour=5GB"], "`5GB` is no amount of bytes"),
        ] {
            let line = made(&[HOUR, DAY], &arguments(raise, set, &[]), None).unwrap_err();
            assert!(line.contains(why), "{line}");
        }
    }
}
