//! `requests` and `request`: what agents ask for, and the operator's answers.

mod edit;
mod words;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::super::ask;
use super::super::cellar::{Cellar, Reach};
use super::super::cli::{RequestVerb, RequestsArguments};
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::requests::{Answered, Findings, Shown, findings};
use super::super::view::{self, Asking, Whose};
use super::egress::end;
use super::{mended, printing};
use crate::policy::findings::{Finding, Severity};
use crate::request::{Answer, Ask, RequestRecord, RequestState, Terms, next_spec};
use crate::spec::{BottleId, Digest};
use crate::store::Record;
use crate::wire::Role;

pub(super) use words::age;

/// How often `--wait` looks.
const PACE: Duration = Duration::from_millis(500);

/// A request beside its bottle.
#[derive(Debug, Serialize)]
struct Listed {
    bottle: BottleId,
    /// The digest of the spec that the effect stands against.
    spec: Digest,
    /// What approving it would change, in one line.
    effect: String,
    /// What to know before a yes, worst first; of a pending one only.
    findings: Vec<Finding>,
    /// Why nobody can vouch for it, so that it cannot be approved as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    request: RequestRecord,
}

impl Listed {
    fn of(record: &Record, request: RequestRecord) -> Self {
        let found = if matches!(request.state, RequestState::Pending) {
            findings(&record.spec, request.id, &request.ask)
        } else {
            Ok(Vec::new())
        };
        let unreadable = found.as_ref().err().map(ToString::to_string);
        Self {
            bottle: record.id.clone(),
            spec: record.digest,
            effect: effect(record, &request),
            findings: found.unwrap_or_default(),
            unreadable,
            request,
        }
    }

    fn name(&self) -> String {
        format!("{}/{}", self.bottle, self.request.id)
    }

    fn shown(&self, findings: Findings) -> Shown {
        Shown {
            bottle: self.bottle.clone(),
            id: self.request.id,
            content: self.request.digest,
            spec: self.spec,
            findings,
        }
    }

    fn needs_own_yes(&self) -> bool {
        let needs = |one: &Finding| one.severity == Severity::NeedsYes && !one.old;
        self.findings.iter().any(needs)
    }
}

/// What approving it would change, or what came of it.
fn effect(record: &Record, request: &RequestRecord) -> String {
    if let RequestState::Applied { outcome, .. } = &request.state {
        return outcome.words.clone();
    }
    next_spec(&record.spec, request.id, &request.ask, Terms::default())
        .map_or_else(|| request.ask.words(), |step| step.words)
}

pub(super) async fn list(out: &mut Output, arguments: &RequestsArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    let only = arguments
        .bottle
        .as_deref()
        .map(|text| cellar.find(text))
        .transpose()?;
    let mut listed = gather(out, &cellar, only.as_ref(), arguments.all).await?;
    while arguments.wait && !listed.iter().any(is_pending) {
        tokio::time::sleep(PACE).await;
        listed = gather(out, &cellar, only.as_ref(), arguments.all).await?;
    }
    if arguments.json {
        out.json(&listed).map_err(printing)?;
    } else if listed.is_empty() {
        out.line("no agent asks for anything").map_err(printing)?;
    } else {
        let now = Timestamp::now();
        let row = |one: &Listed| {
            vec![
                one.name(),
                one.request.ask.kind().to_owned(),
                one.request.state.word().to_owned(),
                age(now, one.request.first),
                one.request.times.to_string(),
                one.effect.clone(),
            ]
        };
        let rows: Vec<_> = listed.iter().map(row).collect();
        let head = ["REQUEST", "KIND", "STATE", "SINCE", "ASKED", "EFFECT"];
        out.table(&head, &rows).map_err(printing)?;
    }
    Ok(if listed.iter().any(is_pending) {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn is_pending(listed: &Listed) -> bool {
    matches!(listed.request.state, RequestState::Pending)
}

/// The requests of all running bottles, those that wait longest first.
async fn gather(
    out: &mut Output,
    cellar: &Cellar,
    only: Option<&BottleId>,
    is_all: bool,
) -> Result<Vec<Listed>, Failure> {
    let mut ids = Vec::new();
    if let Some(id) = only {
        ids.push(id.clone());
    } else {
        let views = view::bottles(cellar, Asking::Nobody, Whose::Ours).await?;
        ids.extend(views.into_iter().filter(runs).map(|view| view.id));
    }
    let mut listed = Vec::new();
    for id in ids {
        match cellar.requests(&id).await {
            Ok((record, requests)) => {
                listed.extend(requests.into_iter().map(|one| Listed::of(&record, one)));
            }
            Err(failure) if only.is_some() => return Err(failure),
            // One bottle that does not answer hides no other.
            Err(failure) => out.note(&failure.line()).map_err(printing)?,
        }
    }
    listed.retain(|one| is_all || !one.request.state.is_over());
    listed.sort_by_key(|one| (!is_pending(one), one.request.first));
    Ok(listed)
}

fn runs(view: &view::BottleView) -> bool {
    view.is_recorded && view::runs(view, Role::Supervise)
}

pub(super) async fn one(out: &mut Output, verb: RequestVerb) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    match verb {
        RequestVerb::Show { request, json } => {
            let listed = find(&cellar, &request).await?;
            if json {
                out.json(&listed).map_err(printing)?;
            } else {
                show(out, &listed).map_err(printing)?;
            }
            Ok(Exit::Done)
        }
        RequestVerb::Approve {
            request,
            time,
            uses,
            digest,
            yes,
            accept_findings,
            json,
        } => {
            let terms = terms(time.as_deref(), uses)?;
            let mut said = said(accept_findings);
            let listed = find(&cellar, &request).await?;
            if let Some(digest) = &digest {
                is_still(&listed, digest)?;
            } else if !yes && !agrees(out, &listed, &mut said)? {
                return Ok(Exit::Failed);
            }
            let answer = Answer::Approve {
                terms,
                edited: None,
            };
            tell(out, &cellar, &listed, answer, said, json).await
        }
        RequestVerb::Edit {
            request,
            time,
            yes,
            accept_findings,
            json,
        } => {
            let terms = terms(time.as_deref(), None)?;
            let listed = find(&cellar, &request).await?;
            let yes = yes.then(|| said(accept_findings));
            edited(out, &cellar, listed, terms, yes, json).await
        }
        RequestVerb::Deny {
            request,
            reason,
            json,
        } => {
            let listed = find(&cellar, &request).await?;
            let answer = Answer::Deny { reason };
            tell(out, &cellar, &listed, answer, Findings::Unasked, json).await
        }
        RequestVerb::Reply {
            request,
            answer,
            json,
        } => {
            let listed = find(&cellar, &request).await?;
            let text = choice(&listed.request.ask, answer);
            let answer = Answer::Reply { text };
            tell(out, &cellar, &listed, answer, Findings::Unasked, json).await
        }
        RequestVerb::Undo { request, json } => {
            let (bottle, id) = name(&cellar, &request)?;
            let answered = cellar.undo(&bottle, id).await?;
            print(out, &request, &answered, json)
        }
    }
}

/// Lets the operator edit a request, shows what comes of it, and approves that.
async fn edited(
    out: &mut Output,
    cellar: &Cellar,
    listed: Listed,
    terms: Terms,
    yes: Option<Findings>,
    is_json: bool,
) -> Result<Exit, Failure> {
    let edited = edit::edit(&listed.request.ask, &listed.name())?;
    let record = cellar
        .store
        .record(&listed.bottle)
        .map_err(|error| Failure::new("read its record", &error))?;
    let id = listed.request.id;
    let step = next_spec(&record.spec, id, &edited, Terms::default());
    let shown = Listed {
        effect: step.map_or_else(|| edited.words(), |step| step.words),
        findings: findings(&record.spec, id, &edited).map_err(|problem| {
            Failure::new(format!("approve `{}`", listed.name()), &problem)
                .help("nothing was approved; edit it again")
        })?,
        unreadable: None,
        ..listed
    };
    let mut said = yes.unwrap_or(Findings::Unasked);
    if yes.is_none() && !agrees(out, &shown, &mut said)? {
        return Ok(Exit::Failed);
    }
    let edited = Some(edited);
    let answer = Answer::Approve { terms, edited };
    tell(out, cellar, &shown, answer, said, is_json).await
}

const fn said(accepts: bool) -> Findings {
    if accepts {
        Findings::Accepted
    } else {
        Findings::Unasked
    }
}

fn terms(time: Option<&str>, uses: Option<u64>) -> Result<Terms, Failure> {
    Ok(Terms {
        until: time.map(end).transpose()?,
        uses,
        ..Terms::default()
    })
}

/// The text that a number of a choice stands for, or the text itself.
fn choice(ask: &Ask, answer: String) -> String {
    let Ask::Question { choices, .. } = ask else {
        return answer;
    };
    let number = answer.parse::<usize>().ok();
    let chosen = number.and_then(|number| choices.get(number.checked_sub(1)?));
    chosen.cloned().unwrap_or(answer)
}

fn is_still(listed: &Listed, digest: &str) -> Result<(), Failure> {
    let there = &listed.request.digest;
    if digest.len() >= 8 && (there.hex().starts_with(digest) || there.to_string() == digest) {
        return Ok(());
    }
    let attempt = format!("approve `{}`", listed.name());
    let why = format!("its digest is {there}, not `{digest}`");
    Err(Failure::because(attempt, why).help("look at it again; at least 8 digits are compared"))
}

/// Shows what would change and asks.
fn agrees(out: &mut Output, listed: &Listed, said: &mut Findings) -> Result<bool, Failure> {
    if matches!(listed.request.state, RequestState::Pending) {
        show(out, listed).map_err(printing)?;
    }
    if !ask::is_agreed("Approve it?", "approve it")? {
        return Ok(false);
    }
    if listed.needs_own_yes() && *said == Findings::Unasked {
        let question = "Some of what was found needs a yes of its own. Accept that too?";
        if !ask::is_agreed(question, "approve it")? {
            return Ok(false);
        }
        *said = Findings::Accepted;
    }
    Ok(true)
}

fn show(out: &mut Output, listed: &Listed) -> std::io::Result<()> {
    for line in words::lines(listed) {
        out.line(&line)?;
    }
    Ok(())
}

async fn tell(
    out: &mut Output,
    cellar: &Cellar,
    listed: &Listed,
    answer: Answer,
    said: Findings,
    is_json: bool,
) -> Result<Exit, Failure> {
    let answered = cellar.answer(&listed.shown(said), answer).await?;
    print(out, &listed.name(), &answered, is_json)
}

fn print(
    out: &mut Output,
    name: &str,
    answered: &Answered,
    is_json: bool,
) -> Result<Exit, Failure> {
    if is_json {
        out.json(&answered.request).map_err(printing)?;
        return Ok(Exit::Done);
    }
    let mut line = format!("{name} is {}", answered.request.state.word());
    if let RequestState::Applied { outcome, .. } = &answered.request.state {
        line.push_str(": ");
        line.push_str(&outcome.words);
    }
    match answered.reach {
        Some(Reach::Now) => line.push_str("; in force now"),
        Some(Reach::AtItsNextStart) => {
            line.push_str("; in force when the bottle runs again: egress does not answer");
        }
        None => {}
    }
    out.line(&line).map_err(printing)?;
    Ok(Exit::Done)
}

/// Reads `BOTTLE/NUMBER`.
fn name(cellar: &Cellar, text: &str) -> Result<(BottleId, u64), Failure> {
    let wrong = || {
        Failure::because(
            format!("read `{text}` as a request"),
            "it is not a bottle and a number",
        )
        .help("write it as `cellar requests` does, such as api-k3x9q/2")
        .exit(Exit::Usage)
    };
    let (bottle, number) = text.rsplit_once('/').ok_or_else(wrong)?;
    let number = number.parse().map_err(|_| wrong())?;
    Ok((cellar.find(bottle)?, number))
}

async fn find(cellar: &Cellar, text: &str) -> Result<Listed, Failure> {
    let (bottle, id) = name(cellar, text)?;
    let (record, requests) = cellar.requests(&bottle).await?;
    let request = requests.into_iter().find(|request| request.id == id);
    request
        .map(|request| Listed::of(&record, request))
        .ok_or_else(|| {
            Failure::because(
                format!("find request {id} of `{bottle}`"),
                "the bottle has none of that number",
            )
            .help("`cellar requests --all` lists them")
        })
}
