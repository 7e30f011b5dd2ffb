//! Operations on bottles: each a task that answers with events, from `Began` to
//! `Ended`.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::Console;
use super::progress::{Reached, Teller, WAITING_NEWS};
use super::secrets::{Asking, LookedUp, Typed, Wish};
use crate::app::cancel::Cancel;
use crate::app::cellar::{Cellar, StartRequest};
use crate::app::exit::Failure;
use crate::app::{gather, planning};
use crate::docker::Progress;
use crate::manifest::SecretAsk;
use crate::spec::{BottleId, BottleName};
use crate::state::{BottleRef, Event, Key, OperationKind, OperationNews, OperationReport};
use crate::store::Record;

impl Console<'_> {
    pub(super) fn start(&mut self, agent: &str, name: Option<BottleName>) -> std::io::Result<()> {
        let Some(plan) = self.plans.get(agent).cloned() else {
            return self.take(ended(
                OperationKind::Start,
                None,
                agent,
                Err(String::from("it was not planned yet")),
            ));
        };
        let id = name.and_then(|name| BottleId::parse(name.as_str()).ok());
        let (agent, asks) = (plan.spec.agent.clone(), plan.asks.clone());
        self.look_up(Wish::Start(Box::new(plan), id), agent, asks);
        Ok(())
    }

    pub(super) fn resume(&mut self, bottle: BottleRef) -> std::io::Result<()> {
        self.look_up_again(bottle, planning::asks_again, Wish::Resume)
    }

    pub(super) fn restart(&mut self, bottle: BottleRef) -> std::io::Result<()> {
        self.look_up_again(bottle, planning::asks_again, Wish::Restart)
    }

    pub(super) fn unlock(&mut self, bottle: BottleRef) -> std::io::Result<()> {
        self.look_up_again(bottle, planning::credential_asks, Wish::Unlock)
    }

    /// Looks up what a bottle on record needs.
    fn look_up_again(
        &mut self,
        bottle: BottleRef,
        asks: fn(&Record) -> Result<Vec<SecretAsk>, Failure>,
        wish: fn(BottleRef) -> Wish,
    ) -> std::io::Result<()> {
        let record = self.cellar.store.record(&bottle.id);
        let record = record.map_err(|error| Failure::new("read its record", &error));
        let asks = record.and_then(|record| Ok((asks(&record)?, record.spec.agent)));
        match asks {
            Ok((asks, agent)) => {
                self.look_up(wish(bottle), agent, asks);
                Ok(())
            }
            Err(failure) => self.give_up(&wish(bottle), "", failure.line()),
        }
    }

    /// Looks up what can be, in a task of its own: a program may take its time.
    fn look_up(&mut self, wish: Wish, agent: String, asks: Vec<SecretAsk>) {
        self.operations += 1;
        let name = format!("look-up {}", self.operations);
        let looked_up = self.looked_up.clone();
        self.tasks.start(name, None, async move {
            let found = gather::look_up(&asks, planning::host_variable).await;
            // A console that is gone needs no values.
            drop(looked_up.send(LookedUp { wish, agent, found }).await);
        });
    }

    /// Asks for what could not be looked up, and goes on.
    pub(super) fn take_looked_up(&mut self, looked_up: LookedUp) -> std::io::Result<()> {
        let LookedUp { wish, agent, found } = looked_up;
        let (values, left) = match found {
            Ok(found) => found,
            Err(failure) => return self.give_up(&wish, &agent, failure.line()),
        };
        let asking = Asking::of(wish, agent, values, left);
        match asking.question() {
            None => {
                self.go_on(asking);
                Ok(())
            }
            Some(_) if self.asking.is_some() => {
                self.to_ask.push_back(asking);
                Ok(())
            }
            Some(what) => {
                let agent = asking.agent.clone();
                self.asking = Some(asking);
                self.take(Event::SecretAsked { agent, what })
            }
        }
    }

    /// Tells that a wish will not be fulfilled.
    fn give_up(&mut self, wish: &Wish, agent: &str, why: String) -> std::io::Result<()> {
        let (kind, bottle) = match wish {
            Wish::Start(..) => (OperationKind::Start, None),
            Wish::Resume(bottle) => (OperationKind::Resume, Some(bottle.clone())),
            Wish::Restart(bottle) => (OperationKind::Restart, Some(bottle.clone())),
            Wish::Unlock(_) => return self.take(Event::Note { text: why }),
        };
        self.take(ended(kind, bottle, agent, Err(why)))
    }

    pub(super) fn take_secret_key(&mut self, key: Key) -> std::io::Result<()> {
        let Some(asking) = &mut self.asking else {
            return Ok(());
        };
        match asking.key(key) {
            Typed::More(length) => self.take(Event::SecretTyped { length }),
            Typed::Next => {
                let agent = asking.agent.clone();
                let what = asking.question().unwrap_or_default();
                self.take(Event::SecretAsked { agent, what })
            }
            Typed::Bad(error) => {
                let text = error.to_string();
                self.take(Event::SecretTyped { length: 0 })?;
                self.take(Event::Note { text })
            }
            Typed::All => {
                self.take(Event::SecretDone)?;
                if let Some(asking) = self.asking.take() {
                    self.go_on(asking);
                }
                self.ask_next()
            }
            Typed::Refused => {
                self.take(Event::SecretDone)?;
                let Some(asking) = self.asking.take() else {
                    return Ok(());
                };
                let why = String::from("a value was not given; nothing was done");
                self.give_up(&asking.wish, &asking.agent, why)?;
                self.ask_next()
            }
        }
    }

    /// Asks for what waited for the last question to be answered.
    fn ask_next(&mut self) -> std::io::Result<()> {
        let Some(asking) = self.to_ask.pop_front() else {
            return Ok(());
        };
        let agent = asking.agent.clone();
        let what = asking.question().unwrap_or_default();
        self.asking = Some(asking);
        self.take(Event::SecretAsked { agent, what })
    }

    fn go_on(&mut self, asking: Asking) {
        let (wish, agent, values) = asking.finish();
        match wish {
            Wish::Start(plan, id) => {
                let request = StartRequest::of_plan(&plan, id, values);
                self.spawn_start(request, agent);
            }
            Wish::Resume(bottle) => {
                let id = bottle.id.clone();
                self.spawn(
                    OperationKind::Resume,
                    bottle,
                    agent,
                    |cellar, news| async move { cellar.resume(&id, values, news).await.map(drop) },
                );
            }
            Wish::Restart(bottle) => {
                let id = bottle.id.clone();
                self.spawn(
                    OperationKind::Restart,
                    bottle,
                    agent,
                    |cellar, news| async move { cellar.restart(&id, values, news).await },
                );
            }
            Wish::Unlock(bottle) => {
                let (cellar, events) = (self.cellar.clone(), self.events.clone());
                self.operations += 1;
                let name = format!("operation {} unlock", self.operations);
                self.tasks.start(name, Some(bottle.clone()), async move {
                    let text = match cellar.unlock(&bottle.id, values.credentials).await {
                        Ok(()) => format!("{}: egress has its secrets", bottle.id),
                        Err(failure) => failure.line(),
                    };
                    // A console that is gone needs no news.
                    drop(events.send(Event::Note { text }).await);
                });
            }
        }
    }

    pub(super) fn stop(&mut self, bottle: BottleRef) {
        let (id, agent) = (bottle.id.clone(), self.agent_of(&bottle));
        self.spawn(OperationKind::Stop, bottle, agent, |cellar, _| async move {
            cellar.stop(&id).await
        });
    }

    pub(super) fn remove(&mut self, bottle: BottleRef) {
        let (id, agent) = (bottle.id.clone(), self.agent_of(&bottle));
        self.spawn(
            OperationKind::Remove,
            bottle,
            agent,
            |cellar, _| async move { cellar.remove(&id).await },
        );
    }

    pub(super) fn agent_of(&self, bottle: &BottleRef) -> String {
        self.state
            .fleet
            .get(bottle)
            .map(|known| known.agent.clone())
            .unwrap_or_default()
    }

    /// Cancels what is being done to a bottle, if that can be.
    pub(super) fn cancel(&mut self, bottle: &BottleRef) -> std::io::Result<()> {
        if self.cancels.ask(bottle) {
            return Ok(());
        }
        let id = &bottle.id;
        let text = format!("{id}: it is too late to cancel it; it goes on to its end");
        self.take(Event::Note { text })
    }

    pub(super) fn teller(
        &self,
        kind: OperationKind,
        bottle: Option<BottleRef>,
        agent: String,
        cancel: Option<Cancel>,
    ) -> Teller {
        Teller {
            kind,
            bottle,
            agent,
            events: self.events.clone(),
            cancel,
            cancels: self.cancels.clone(),
            reached: Reached::default(),
        }
    }

    /// Starts a bottle as a task. Cancelled, it undoes what it made.
    fn spawn_start(&mut self, mut request: StartRequest, agent: String) {
        self.operations += 1;
        let name = format!("operation {} start", self.operations);
        let (tx, mut rx) = mpsc::channel(WAITING_NEWS);
        let (reserved, mut id) = oneshot::channel();
        request.reserved = Some(reserved);
        let cancel = Cancel::new();
        let mut teller = self.teller(OperationKind::Start, None, agent, Some(cancel.clone()));
        let cellar = self.cellar.clone();
        self.tasks.start(name, None, async move {
            let engine = cellar.engine.id().clone();
            teller.begin().await;
            let work = async {
                tokio::select! {
                    biased;
                    () = cancel.asked() => None,
                    up = Box::pin(cellar.start(request, tx)) => Some(up),
                }
            };
            let tell = async {
                let mut is_named = false;
                loop {
                    tokio::select! {
                        biased;
                        id = &mut id, if !is_named => {
                            is_named = true;
                            if let Ok(id) = id {
                                let engine = engine.clone();
                                teller.bottle = Some(BottleRef { engine, id });
                                teller.begin().await;
                            }
                        }
                        progress = rx.recv() => match progress {
                            Some(progress) => teller.pass_on(&progress).await,
                            None => break,
                        },
                    }
                }
            };
            let (up, ()) = tokio::join!(work, tell);
            let news = match (up, &teller.bottle) {
                (Some(up), _) => OperationNews::Ended {
                    outcome: up.map(|_| ()).map_err(|failure| failure.line()),
                },
                // Its claim went with the work.
                (None, Some(bottle)) => match cellar.remove(&bottle.id).await {
                    Ok(()) => OperationNews::Cancelled,
                    Err(failure) => OperationNews::Ended {
                        outcome: Err(failure.line()),
                    },
                },
                (None, None) => OperationNews::Cancelled,
            };
            teller.end(news).await;
        });
    }

    /// Runs an operation as a task and tells the state how it goes.
    pub(super) fn spawn<Work, Done>(
        &mut self,
        kind: OperationKind,
        bottle: BottleRef,
        agent: String,
        work: Work,
    ) where
        Work: FnOnce(Cellar, mpsc::Sender<Progress>) -> Done,
        Done: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.operations += 1;
        let name = format!("operation {} {}", self.operations, kind.verb());
        let (tx, mut rx) = mpsc::channel(WAITING_NEWS);
        let done = work(self.cellar.clone(), tx);
        let mut teller = self.teller(kind, Some(bottle.clone()), agent, None);
        let slots = Arc::clone(&self.slots);
        self.tasks.start(name, Some(bottle), async move {
            // Nobody closes it.
            let _slot = slots.acquire().await;
            teller.begin().await;
            let tell = async {
                while let Some(progress) = rx.recv().await {
                    teller.pass_on(&progress).await;
                }
            };
            let (result, ()) = tokio::join!(done, tell);
            let outcome = result.map_err(|failure| failure.line());
            teller.end(OperationNews::Ended { outcome }).await;
        });
    }
}

fn ended(
    kind: OperationKind,
    bottle: Option<BottleRef>,
    agent: &str,
    outcome: Result<(), String>,
) -> Event {
    Event::Operation {
        report: OperationReport {
            kind,
            bottle,
            agent: agent.to_owned(),
            news: OperationNews::Ended { outcome },
        },
    }
}
