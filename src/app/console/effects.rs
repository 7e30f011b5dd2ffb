//! Performing what the state wants. Nothing here waits.

use std::sync::Arc;

use super::session::Purpose;
use super::{Console, lines};
use crate::app::beside::Today;
use crate::app::cellar::Reach;
use crate::app::planning;
use crate::manifest::AgentListing;
use crate::policy::Route;
use crate::state::{
    AgentOffer, BottleBudget, BottleRef, Effect, Event, FleetEvent, OperationKind, PlanSummary,
};

impl Console<'_> {
    pub(super) fn perform(&mut self, effect: Effect) -> std::io::Result<()> {
        match effect {
            Effect::Quit => self.has_quit = true,
            Effect::WatchHub { bottle } => self.watch_hub(bottle),
            Effect::UnwatchHub { bottle } => self.tasks.end(&hub(&bottle)),
            Effect::FollowLog {
                ticket,
                subject,
                reach,
                wish,
            } => self.follow_log(ticket, subject, reach, wish),
            Effect::WishLog { ticket, wish } => self.wish_log(ticket, wish),
            Effect::OrderLog { ticket, order } => self.order_log(ticket, order),
            Effect::StopLog { ticket } => self.stop_log(ticket),
            Effect::Copy { text } => self.copy(text)?,
            Effect::Preview { bottle } => self.open_session(bottle, Purpose::Preview),
            Effect::ClosePreview { bottle } => self.close_session(&bottle, Purpose::Preview),
            Effect::WriteClipboard { bottle, ticket } => self.write_clipboard(&bottle, ticket)?,
            Effect::HoldScreen { bottle } => self.hold_screen(bottle)?,
            Effect::ReadScreen { bottle, wish } => self.read_screen(bottle, &wish)?,
            Effect::WatchTile { bottle } => self.open_tile(bottle),
            Effect::CloseTile { bottle } => self.close_tile(&bottle),
            Effect::Attach { bottle, full } => {
                let purpose = if full { Purpose::Full } else { Purpose::Pane };
                self.open_session(bottle, purpose);
            }
            Effect::Detach { bottle } => {
                self.close_session(&bottle, Purpose::Pane);
                self.take(Event::Detached { bottle, why: None })?;
            }
            Effect::LoadAgents => self.load_agents()?,
            Effect::LoadBuilds => self.load_builds(),
            Effect::ReadAudit { ticket, wish } => self.read_audit(ticket, wish),
            Effect::PlanStart { agent } => self.plan(agent)?,
            Effect::Start { agent, name } => self.start(&agent, name)?,
            Effect::Stop { bottle } => self.stop(bottle),
            Effect::Resume { bottle } => self.resume(bottle)?,
            Effect::Remove { bottle } => self.remove(bottle),
            Effect::Restart { bottle } => self.restart(bottle)?,
            Effect::Freeze { bottle } => self.brake(OperationKind::Freeze, bottle),
            Effect::Unfreeze { bottle } => self.brake(OperationKind::Unfreeze, bottle),
            Effect::Cut { bottle } => self.brake(OperationKind::Cut, bottle),
            Effect::Reconnect { bottle } => self.brake(OperationKind::Reconnect, bottle),
            Effect::SendLine { bottles, text } => self.send_lines(bottles, text),
            Effect::Panic => self.panic(false),
            Effect::LiftPanic => self.panic(true),
            Effect::AcceptHold { bottle, hold } => self.answer(bottle, hold, true),
            Effect::RefuseHold { bottle, hold } => self.answer(bottle, hold, false),
            Effect::RaiseBudgets { bottle, raises } => self.answer_budgets(bottle, Some(raises)),
            Effect::RefuseBudgets { bottle } => self.answer_budgets(bottle, None),
            Effect::Allow { bottle, route } => self.allow(bottle, *route),
            Effect::Unlock { bottle } => self.unlock(bottle)?,
            Effect::LoadSpec { bottle } => self.load_spec(bottle)?,
            Effect::LookAtRequests {
                ticket,
                requests,
                edited,
            } => self.look_at_requests(ticket, requests, edited),
            Effect::AnswerRequests {
                shown,
                answer,
                accepts_findings,
            } => self.answer_requests(shown, &answer, accepts_findings),
            Effect::LookAtMany { ticket, requests } => self.look_at_many(ticket, requests),
            Effect::ApproveAll { shown } => self.approve_all(shown),
            Effect::PlanManifest { draft } => self.plan_manifest(draft),
            Effect::ApproveIntoManifest { draft, answer } => {
                self.approve_into_manifest(draft, answer);
            }
            Effect::CarryOn { bottle } => self.carry_on(&bottle),
            Effect::CancelOperation { bottle } => self.cancel(&bottle)?,
            Effect::UndoRequest { request } => self.undo_request(request),
            Effect::EditRequest { request, ask } => self.open_editor(request, *ask)?,
            Effect::Notify { bottle, what } => self.notify(&bottle, &what)?,
            Effect::Sample { bottles } => self.sample(&bottles),
            Effect::LoadTemplates { bottles } => self.load_templates(bottles),
            Effect::UseTheme { name } => self.use_theme(&name)?,
            Effect::RefreshFleet => self.refresh(),
        }
        Ok(())
    }

    /// Answers what a bottle's egress holds and tells how it went.
    fn answer(&mut self, bottle: BottleRef, hold: u64, accept: bool) {
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        let name = format!("answer {hold} of {}/{}", bottle.engine.0, bottle.id);
        self.tasks.start(name, Some(bottle.clone()), async move {
            let id = &bottle.id;
            let text = if accept {
                match cellar.accept(id, hold).await {
                    Ok(change) => {
                        format!("{id}: let through, by route {}", change.routes.routes.len())
                    }
                    Err(failure) => failure.line(),
                }
            } else {
                match cellar.refuse(id, hold).await {
                    Ok(()) => format!("{id}: refused, and the same again for ten minutes"),
                    Err(failure) => failure.line(),
                }
            };
            // A console that is gone needs no news.
            drop(events.send(Event::Note { text }).await);
        });
    }

    /// Raises the budgets of a bottle, or refuses to, and tells how it went.
    fn answer_budgets(&mut self, bottle: BottleRef, raises: Option<Vec<BottleBudget>>) {
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        let name = format!("budgets of {}/{}", bottle.engine.0, bottle.id);
        self.tasks.start(name, Some(bottle.clone()), async move {
            let id = &bottle.id;
            let answered = match raises {
                Some(raises) => cellar.raise_budgets(id, &raises).await.map(|_| {
                    let words: Vec<String> = raises.iter().map(BottleBudget::words).collect();
                    format!("{id}: its budget is {}", words.join(" and "))
                }),
                None => cellar
                    .refuse_budgets(id)
                    .await
                    .map(|()| format!("{id}: refused, until its budget has room or you raise it")),
            };
            let text = answered.unwrap_or_else(|failure| failure.line());
            // A console that is gone needs no news.
            drop(events.send(Event::Note { text }).await);
        });
    }

    /// Adds a route to a bottle and tells how it went.
    fn allow(&mut self, bottle: BottleRef, route: Route) {
        let (cellar, events) = (self.cellar.clone(), self.events.clone());
        self.operations += 1;
        let name = format!("operation {} allow", self.operations);
        self.tasks.start(name, Some(bottle.clone()), async move {
            let id = &bottle.id;
            let words = route.words();
            let added = cellar.change_routes(id, |routes| {
                routes.routes.push(route);
                Ok(())
            });
            let text = match added.await {
                Ok(change) if change.reach == Reach::Now => {
                    format!("{id}: added {words}; in force now")
                }
                Ok(_) => format!("{id}: added {words}; in force when the bottle runs again"),
                Err(failure) => failure.line(),
            };
            // A console that is gone needs no news.
            drop(events.send(Event::Note { text }).await);
        });
    }

    fn watch_hub(&mut self, bottle: BottleRef) {
        let engine = Arc::clone(&self.cellar.engine);
        let (links, events) = (self.cellar.links.clone(), self.events.clone());
        self.tasks.start(
            hub(&bottle),
            Some(bottle.clone()),
            lines::hub(engine, links, bottle, events),
        );
    }

    /// Reading a few small files takes less than a frame.
    fn load_agents(&mut self) -> std::io::Result<()> {
        let event = match planning::load() {
            Ok(loaded) => Event::Agents {
                offers: loaded.manifest.agents().into_iter().map(offer).collect(),
                problem: match loaded.problems.first() {
                    Some(problem) => Some(format!(
                        "{}:{}: {} — `cellar check` shows all",
                        problem.file, problem.line, problem.message
                    )),
                    None if !loaded.manifest.has_operator_file() => Some(String::from(
                        "there is no manifest of yours yet: `cellar init` writes a starter",
                    )),
                    None => None,
                },
            },
            Err(failure) => Event::Agents {
                offers: Vec::new(),
                problem: Some(failure.line()),
            },
        };
        self.take(event)
    }

    fn plan(&mut self, agent: String) -> std::io::Result<()> {
        let result = match planning::plan(&agent, &[], false) {
            Ok(plan) => {
                let rows = plan.summary();
                self.plans.insert(agent.clone(), plan);
                Ok(PlanSummary { rows })
            }
            Err(failure) => Err(failure.line()),
        };
        self.take(Event::Plan { agent, result })
    }

    fn load_spec(&mut self, bottle: BottleRef) -> std::io::Result<()> {
        let record = self.cellar.store.record(&bottle.id);
        let known = record.as_ref().ok();
        let beside = known.and_then(|record| Today::load().beside(record));
        let result = record
            .map(|record| Box::new(record.spec))
            .map_err(|error| error.to_string());
        self.take(Event::SpecLoaded {
            bottle,
            result,
            manifest: beside.map(|beside| beside.words()),
        })
    }

    pub(super) fn refresh(&mut self) {
        let engine = Arc::clone(&self.cellar.engine);
        let events = self.events.clone();
        let id = engine.id().clone();
        let owner = self.cellar.store.owner().to_owned();
        self.tasks.start(String::from("refresh"), None, async move {
            let fleet = match crate::docker::sightings(&*engine).await {
                Ok(mut bottles) => {
                    bottles.retain(|sighting| sighting.owner == owner);
                    FleetEvent::Sightings {
                        engine: id,
                        bottles,
                    }
                }
                Err(error) => FleetEvent::EngineLost {
                    engine: id,
                    why: error.to_string(),
                },
            };
            // A console that is gone needs no list.
            drop(events.send(Event::Fleet { fleet }).await);
        });
    }
}

fn hub(bottle: &BottleRef) -> String {
    format!("hub {}/{}", bottle.engine.0, bottle.id)
}

fn offer(agent: AgentListing) -> AgentOffer {
    AgentOffer {
        name: agent.name,
        source: match agent.source {
            crate::manifest::AgentSource::Operator => String::from("yours"),
            crate::manifest::AgentSource::Repository => String::from("repository"),
        },
        template: agent.template.unwrap_or_default(),
        provider: agent.provider.unwrap_or_default(),
        prompt: agent.prompt.map(|prompt| prompt.first_line),
        problem: agent.problem,
    }
}
