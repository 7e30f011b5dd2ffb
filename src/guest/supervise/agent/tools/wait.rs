//! Waiting for the answer to a request.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::arguments::{Arguments, Refusal};
use super::{Outcome, words};
use crate::guest::supervise::agent::Agent;

/// How long is waited if nothing else is said.
const USUAL: u64 = 60;
/// How many numbers a refusal names.
const NAMED: usize = 10;

/// A call that waits. It holds a place among those that may.
pub(in crate::guest::supervise::agent) struct Wait {
    agent: Arc<Agent>,
    id: u64,
    limit: Duration,
    place: OwnedSemaphorePermit,
}

/// Begins to wait.
///
/// # Errors
/// [`Refusal`] if there is no such request, or too many calls wait.
pub(super) async fn wait(mut arguments: Arguments, agent: &Arc<Agent>) -> Result<Wait, Refusal> {
    let id = arguments.id("id")?;
    let seconds = arguments.whole("seconds")?.unwrap_or(USUAL);
    if agent.requests.get(id).await.is_none() {
        return Err(unknown(id, agent).await);
    }
    let Ok(place) = Arc::clone(&agent.waits).try_acquire_owned() else {
        return Err(Refusal::said(
            "too many calls wait already; list_requests tells without waiting how all requests stand",
        ));
    };
    Ok(Wait {
        agent: Arc::clone(agent),
        id,
        limit: Duration::from_secs(seconds),
        place,
    })
}

impl Wait {
    /// Waits until the request is over, or as long as it may.
    pub(in crate::guest::supervise::agent) async fn over(self) -> Outcome {
        let record = self.agent.requests.wait(self.id, self.limit).await;
        drop(self.place);
        let Some(record) = record else {
            return unknown(self.id, &self.agent).await.into();
        };
        let read = words::is_news(&record).then_some(record.id);
        Outcome {
            read: read.into_iter().collect(),
            ..Outcome::said(words::of(&record))
        }
    }
}

/// Says that there is no such request, and which there are.
pub(super) async fn unknown(id: u64, agent: &Agent) -> Refusal {
    let all = agent.requests.all().await;
    let newest: Vec<String> = all
        .iter()
        .rev()
        .take(NAMED)
        .map(|one| one.id.to_string())
        .collect();
    let there = if newest.is_empty() {
        String::from("it has none at all")
    } else {
        format!("its newest are {}", newest.join(", "))
    };
    Refusal::said(format!(
        "this bottle has no request {id}; {there}. list_requests shows them"
    ))
}
