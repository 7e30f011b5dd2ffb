//! Approving several requests with one yes: each in a line, answered and told by itself.
//! What one line does not show whole, and what needs a yes of its own, is left out.

use std::collections::BTreeSet;

use serde::Serialize;

use super::super::super::approvals::chain;
use super::super::super::ask;
use super::super::super::cellar::Cellar;
use super::super::super::change::Work;
use super::super::super::exit::{Exit, Failure};
use super::super::super::output::Output;
use super::super::super::requests::{Findings, Shown};
use super::super::printing;
use super::super::start::show_progress;
use super::{Yes, finished, name};
use crate::policy::findings::Severity;
use crate::pty::one_line;
use crate::request::{Answer, RequestRecord, RequestState, Scope, Terms};
use crate::spec::BottleId;
use crate::state::RequestLook;

/// What came of one of them.
#[derive(Debug, Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(rename = "ApprovedOfSeveral")
)]
pub(in crate::app::verbs) struct Told {
    /// The request, such as `api-k3x9q/2`.
    request: String,
    /// What approving it changes, in one line.
    effect: String,
    /// The state that it is in now; none if nothing was said to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// Why it was left out, or did not come to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// A request of the list, and how it was looked at.
struct Listed {
    bottle: BottleId,
    record: RequestRecord,
    look: RequestLook,
}

impl Listed {
    fn name(&self) -> String {
        format!("{}/{}", self.bottle, self.record.id)
    }

    fn set_apart(&self) -> Option<String> {
        self.look.set_apart(&self.record.ask)
    }
}

/// Lists what one yes would be for, asks unless that was said beforehand, and approves it.
pub(super) async fn approve(
    out: &mut Output,
    cellar: &Cellar,
    names: &[String],
    (terms, said): (Terms, Findings),
    yes: &Yes,
) -> Result<Exit, Failure> {
    fits(terms, said, yes)?;
    let listed = gather(out, cellar, names, terms).await?;
    let count = listed
        .iter()
        .filter(|one| one.set_apart().is_none())
        .count();
    if !yes.json {
        show(out, &listed).map_err(printing)?;
    }
    if count == 0 {
        out.note("nothing of it can be approved together: answer each by itself")
            .map_err(printing)?;
    } else if !yes.is_agreed {
        let question = format!("Approve {count} of these?");
        if !ask::is_agreed(&question, "approve them")? {
            return Ok(Exit::Failed);
        }
    }
    let mut told = Vec::with_capacity(listed.len());
    for one in listed {
        told.push(answer(out, cellar, one, terms, yes.json).await?);
    }
    if yes.json {
        out.json(&told).map_err(printing)?;
    }
    let is_whole = told.iter().all(|one| one.why.is_none());
    Ok(if is_whole { Exit::Done } else { Exit::Failed })
}

/// What is for one request alone is not said of several.
fn fits(terms: Terms, said: Findings, yes: &Yes) -> Result<(), Failure> {
    let why = if yes.digest.is_some() {
        "`--digest` names the content of one request"
    } else if terms.scope == Scope::Manifest {
        "the manifest is changed for one request at a time"
    } else if said == Findings::Accepted {
        "what needs a yes of its own gets it for one request at a time"
    } else {
        return Ok(());
    };
    Err(Failure::because("approve several requests", why)
        .help("approve that one by itself: `cellar request approve BOTTLE/NUMBER`")
        .exit(Exit::Usage))
}

/// The requests that are named, bottle by bottle, in the order in which they are done.
async fn gather(
    out: &mut Output,
    cellar: &Cellar,
    names: &[String],
    terms: Terms,
) -> Result<Vec<Listed>, Failure> {
    // All of a bottle's where no number is named.
    let mut wanted: Vec<(BottleId, Option<BTreeSet<u64>>)> = Vec::new();
    for text in names {
        let (bottle, id) = if text.contains('/') {
            let (bottle, id) = name(cellar, text)?;
            (bottle, Some(id))
        } else {
            (cellar.find(text)?, None)
        };
        match (wanted.iter_mut().find(|(known, _)| *known == bottle), id) {
            (Some((_, ids @ Some(_))), None) => *ids = None,
            (Some((_, Some(ids))), Some(id)) => drop(ids.insert(id)),
            (Some((_, None)), _) => {}
            (None, id) => wanted.push((bottle, id.map(|id| BTreeSet::from([id])))),
        }
    }
    let mut listed = Vec::new();
    for (bottle, ids) in wanted {
        let (known, mut requests) = finished(out, cellar, &bottle).await?;
        if let Some(ids) = &ids {
            requests.retain(|one| ids.contains(&one.id));
            are_open(&bottle, ids, &requests)?;
        }
        requests.retain(|one| matches!(one.state, RequestState::Pending));
        let looks = chain((known.spec, known.digest), requests, terms).into_iter();
        listed.extend(looks.map(|(record, look)| Listed {
            bottle: bottle.clone(),
            record,
            look,
        }));
    }
    Ok(listed)
}

/// Whoever names a number means one that waits.
fn are_open(
    bottle: &BottleId,
    ids: &BTreeSet<u64>,
    found: &[RequestRecord],
) -> Result<(), Failure> {
    for id in ids {
        let attempt = format!("approve `{bottle}/{id}`");
        let known = found.iter().find(|one| one.id == *id);
        match known.map(|one| &one.state) {
            Some(RequestState::Pending) => {}
            Some(state) => {
                let why = format!("it is {} already", state.word());
                return Err(Failure::because(attempt, why));
            }
            None => {
                let why = "the bottle has none of that number";
                return Err(Failure::because(attempt, why)
                    .help("`cellar requests --all` lists them; nothing was approved"));
            }
        }
    }
    Ok(())
}

fn show(out: &mut Output, listed: &[Listed]) -> std::io::Result<()> {
    if listed.is_empty() {
        return out.line("none of these bottles asks for anything");
    }
    for one in listed.iter().filter(|one| one.set_apart().is_none()) {
        out.line(&one_line(&format!("{}  {}", one.name(), one.look.effect)))?;
        let warnings = one.look.findings.iter();
        for finding in warnings.filter(|one| one.severity == Severity::Warn && !one.old) {
            out.line(&one_line(&format!("    warning: {}", finding.words)))?;
        }
    }
    for one in listed {
        if let Some(why) = one.set_apart() {
            let text = format!("{}  left out: {}: {why}", one.name(), one.look.effect);
            out.line(&one_line(&text))?;
        }
    }
    Ok(())
}

/// Approves one as it was shown, unless it is left out, and tells what came of it.
async fn answer(
    out: &mut Output,
    cellar: &Cellar,
    one: Listed,
    terms: Terms,
    is_json: bool,
) -> Result<Told, Failure> {
    let mut told = Told {
        request: one.name(),
        effect: one.look.effect.clone(),
        state: None,
        why: one.set_apart(),
    };
    if told.why.is_some() {
        return Ok(told);
    }
    let shown = Shown {
        bottle: one.bottle,
        id: one.record.id,
        content: one.look.content,
        spec: one.look.spec,
        findings: Findings::Unasked,
        manifest: None,
    };
    let (news, progress) = show_progress(!is_json);
    let work = Work::told_to(news);
    let yes = Answer::Approve {
        terms,
        edited: None,
    };
    let answered = Box::pin(cellar.answer(&shown, yes, &work)).await;
    drop(work);
    progress.finish().await;
    match answered {
        Ok(answered) => {
            told.state = Some(answered.request.state.word());
            if !is_json {
                super::print(out, &told.request, &answered, false)?;
            }
        }
        Err(failure) => {
            let why = failure.line();
            if !is_json {
                out.note(&why).map_err(printing)?;
            }
            told.why = Some(why);
        }
    }
    Ok(told)
}
