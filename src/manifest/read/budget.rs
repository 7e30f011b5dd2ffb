//! Budgets of a bottle: how much it may use before it waits for the operator.

use jsonc_parser::ast::Value;

use super::shape::{Reader, Shape};
use crate::policy::{BottleBudget, Measure, Span};

const BUDGET: Shape = Shape {
    what: "a bottle's budget",
    form: "write it as { \"cost\": \"5.00 per hour\" }",
    known: &["tokens", "cost", "bytes", "requests"],
    refused: &[],
};

impl Reader {
    /// Reads every budget; the order is that of the measures, whatever the file's is.
    pub(super) fn budgets(&mut self, value: &Value<'_>) -> Option<Vec<BottleBudget>> {
        let fields = self.fields(value, &BUDGET)?;
        let before = self.problems.len();
        let mut budgets: Vec<BottleBudget> = Vec::new();
        for what in Measure::ALL {
            match fields.get(what.word()) {
                Some(Value::Array(array)) => {
                    for element in &array.elements {
                        self.budget(element, what, &mut budgets);
                    }
                }
                Some(value) => self.budget(value, what, &mut budgets),
                None => {}
            }
        }
        (self.problems.len() == before && !fields.has_refused()).then_some(budgets)
    }

    fn budget(&mut self, value: &Value<'_>, what: Measure, budgets: &mut Vec<BottleBudget>) {
        let name = format!("`{}`", what.word());
        let help = help(what);
        let Some(text) = self.text(value, &name, &help) else {
            return;
        };
        let Ok(budget) = BottleBudget::parse(what, &text) else {
            self.wrong_at(value, &format!("{name} cannot be \"{text}\""), help);
            return;
        };
        if budgets.iter().any(|earlier| earlier.is_alike(&budget)) {
            let message = format!("{name} has two budgets {}", budget.per.words());
            self.wrong_at(value, &message, "keep one of them");
            return;
        }
        budgets.push(budget);
    }
}

fn help(what: Measure) -> String {
    let example = what.example();
    let times = Span::ALL.map(|span| format!("\"{example} {}\"", span.words()));
    let more = match what {
        Measure::Cost => "; it is in US dollars",
        Measure::Tokens | Measure::Requests => "; k, M and G stand for thousands",
        Measure::Bytes => "; the units are B, KiB, MiB, GiB and TiB",
    };
    format!("write {}, or a list of such{more}", times.join(", "))
}
