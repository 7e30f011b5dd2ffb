//! Budgets of a bottle that change while it runs.

use super::{Cellar, RoutesChange};
use crate::app::exit::Failure;
use crate::app::hub::Talk;
use crate::policy::BottleBudget;
use crate::spec::BottleId;
use crate::store::AuditEvent;
use crate::wire::{RoleReport, ToEgress};

impl Cellar {
    /// Changes a bottle's budgets on the way of every change of its routes: the record
    /// holds them first, then egress has them.
    ///
    /// # Errors
    /// As [`Cellar::change_routes`], and what `change` gives.
    pub(crate) async fn change_budgets(
        &self,
        id: &BottleId,
        change: impl FnOnce(&mut Vec<BottleBudget>) -> Result<(), Failure>,
    ) -> Result<RoutesChange, Failure> {
        self.change_routes(id, |routes| change(&mut routes.budgets))
            .await
    }

    /// Raises budgets to these amounts. One that is higher already stays so: somebody
    /// else raised it meanwhile.
    ///
    /// # Errors
    /// [`Failure`] if one of them is gone, and as [`Cellar::change_routes`].
    pub(crate) async fn raise_budgets(
        &self,
        id: &BottleId,
        raises: &[BottleBudget],
    ) -> Result<RoutesChange, Failure> {
        self.change_budgets(id, |budgets| {
            for raise in raises {
                let mut alike = budgets.iter_mut();
                let Some(budget) = alike.find(|budget| budget.is_alike(raise)) else {
                    let attempt = format!("raise the budget of `{id}`");
                    let why = format!("it has none of {} {}", raise.what.word(), raise.per.words());
                    return Err(Failure::because(attempt, why));
                };
                if budget.amount < raise.amount {
                    *budget = *raise;
                }
            }
            Ok(())
        })
        .await
    }

    /// Refuses what waits because a budget of a bottle is spent, and what comes, until the
    /// budget is raised or its time passes.
    ///
    /// # Errors
    /// [`Failure`] if no budget is spent, or egress does not answer.
    pub(crate) async fn refuse_budgets(&self, id: &BottleId) -> Result<(), Failure> {
        let attempt = || format!("refuse what waits for a budget of `{id}`");
        let mut talk = Talk::over(&self.links, &*self.engine, id)
            .await
            .map_err(|error| Failure::new(attempt(), &error))?;
        let budgets = talk.view.budgets.clone().unwrap_or_default();
        if budgets.spent().next().is_none() {
            let why = if budgets.budgets.iter().any(|state| state.is_refused) {
                "that was refused already"
            } else {
                "none of its budgets is spent"
            };
            return Err(Failure::because(attempt(), why)
                .help(format!("`cellar budget {id}` shows how they stand")));
        }
        let record = self.store.record(id);
        let record = record.map_err(|error| Failure::new(attempt(), &error))?;
        let words = budgets.spent().map(|state| state.budget.words()).collect();
        self.audit(&record, AuditEvent::BudgetsRefused { budgets: words })?;
        talk.tell(ToEgress::RefuseBudgets, |report| {
            let RoleReport::Budgets { budgets } = report else {
                return None;
            };
            budgets.spent().next().is_none().then_some(())
        })
        .await
        .map_err(|error| Failure::new(attempt(), &error))
    }
}
