//! `requests` and `request`: what agents ask for, and the operator's answers.

mod manifest;
pub(super) mod several;
mod words;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::super::ask;
use super::super::beside::{Beside, Today};
use super::super::cellar::{Cellar, Reach};
use super::super::change::Work;
use super::super::cli::{RequestVerb, RequestsArguments, ScopeWord};
use super::super::edit;
use super::super::exit::{Exit, Failure};
use super::super::granted::was_given_a_change;
use super::super::manifest_scope::{IntoManifest, Proposal};
use super::super::output::Output;
use super::super::requests::{Answered, Findings, Shown, findings, is_half_done};
use super::super::view::{self, Asking, Whose};
use super::egress::end;
use super::start::show_progress;
use super::{mended, printing};
use crate::policy::findings::{Finding, Severity};
use crate::request::{Answer, Ask, RequestRecord, RequestState, Scope, Terms, next_spec};
use crate::spec::{BottleId, Digest};
use crate::store::Record;
use crate::wire::Role;

pub(super) use words::age;

/// How often `--wait` looks.
const PACE: Duration = Duration::from_millis(500);

/// A request beside its bottle.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Listed {
    /// The bottle.
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
    /// How the bottle stands beside the manifest of today.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<Beside>,
    /// The request.
    request: RequestRecord,
}

/// A request as an answer left it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Told<'a> {
    #[serde(flatten)]
    request: &'a RequestRecord,
    /// What became of the manifest, where it was to be changed too.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<&'a IntoManifest>,
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
            manifest: None,
            request,
        }
    }

    fn name(&self) -> String {
        format!("{}/{}", self.bottle, self.request.id)
    }

    fn shown(&self, findings: Findings, manifest: Option<Proposal>) -> Shown {
        Shown {
            manifest,
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
        .map_or_else(|_| request.ask.words(), |step| step.words)
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
    let differing = compare(&cellar, &mut listed);
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
                words::times(&one.request),
                one.effect.clone(),
            ]
        };
        let rows: Vec<_> = listed.iter().map(row).collect();
        let head = ["REQUEST", "KIND", "STATE", "SINCE", "ASKED", "EFFECT"];
        out.table(&head, &rows).map_err(printing)?;
        for note in differing {
            out.note(&note).map_err(printing)?;
        }
    }
    Ok(if listed.iter().any(is_pending) {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// Sets how the bottles stand beside the manifest; gives a line for each that differs.
fn compare(cellar: &Cellar, listed: &mut [Listed]) -> Vec<String> {
    let mut notes = Vec::new();
    if listed.is_empty() {
        return notes;
    }
    let today = Today::load();
    for one in listed {
        let record = cellar.store.record(&one.bottle).ok();
        one.manifest = record.and_then(|record| today.beside(&record));
        if let Some(Beside::Differs { words, .. }) = &one.manifest {
            notes.push(format!("{} differs from the manifest: {words}", one.bottle));
        }
    }
    notes.sort();
    notes.dedup();
    notes
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
        match finished(out, cellar, &id).await {
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

/// A bottle's requests, after what a killed console left to be done was done.
async fn finished(
    out: &mut Output,
    cellar: &Cellar,
    id: &BottleId,
) -> Result<(Record, Vec<RequestRecord>), Failure> {
    let (record, requests) = cellar.requests(id).await?;
    if !requests.iter().any(is_left) {
        return Ok((record, requests));
    }
    let (news, shown) = show_progress(true);
    let work = Work::told_to(news);
    let came = cellar.carry_on(id, &work).await;
    drop(work);
    shown.finish().await;
    for (_, one) in came? {
        let line = match one {
            Ok(done) => format!(
                "{id}: request {} was left half done: finished",
                done.request.id
            ),
            Err(failure) => failure.line(),
        };
        out.note(&line).map_err(printing)?;
    }
    cellar.requests(id).await
}

fn is_left(request: &RequestRecord) -> bool {
    is_half_done(request) && was_given_a_change(request)
}

fn runs(view: &view::BottleView) -> bool {
    view.is_recorded && view::runs(view, Role::Supervise)
}

pub(super) async fn one(out: &mut Output, verb: RequestVerb) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    match verb {
        RequestVerb::Show { request, json } => {
            let listed = find(out, &cellar, &request).await?;
            if json {
                out.json(&listed).map_err(printing)?;
            } else {
                show(out, &listed).map_err(printing)?;
            }
            Ok(Exit::Done)
        }
        RequestVerb::Approve {
            requests,
            time,
            uses,
            scope,
            digest,
            yes,
            accept_findings,
            json,
        } => {
            let terms = terms(time.as_deref(), uses, scope)?;
            let yes = Yes {
                digest,
                is_agreed: yes,
                json,
            };
            let said = (terms, said(accept_findings));
            Box::pin(approve_named(out, &cellar, &requests, said, &yes)).await
        }
        RequestVerb::Edit {
            request,
            time,
            scope,
            yes,
            accept_findings,
            json,
        } => {
            let terms = terms(time.as_deref(), None, scope)?;
            let listed = find(out, &cellar, &request).await?;
            let yes = yes.then(|| said(accept_findings));
            Box::pin(edited(out, &cellar, listed, terms, yes, json)).await
        }
        RequestVerb::Deny {
            request,
            reason,
            json,
        } => {
            let listed = find(out, &cellar, &request).await?;
            let answer = Answer::Deny { reason };
            let shown = listed.shown(Findings::Unasked, None);
            tell(out, &cellar, &shown, answer, json).await
        }
        RequestVerb::Reply {
            request,
            answer,
            json,
        } => {
            let listed = find(out, &cellar, &request).await?;
            let text = choice(&listed.request.ask, answer);
            let answer = Answer::Reply { text };
            let shown = listed.shown(Findings::Unasked, None);
            tell(out, &cellar, &shown, answer, json).await
        }
        RequestVerb::Undo { request, json } => {
            let (bottle, id) = name(&cellar, &request)?;
            let (news, shown) = show_progress(!json);
            let work = Work::told_to(news);
            let answered = cellar.undo(&bottle, id, &work).await;
            drop(work);
            shown.finish().await;
            let answered = answered?;
            print(out, &request, &answered, json)
        }
    }
}

/// Approves one request as it was asked for, or several with one yes.
async fn approve_named(
    out: &mut Output,
    cellar: &Cellar,
    names: &[String],
    (terms, said): (Terms, Findings),
    yes: &Yes,
) -> Result<Exit, Failure> {
    match names {
        [request] if request.contains('/') => {
            let listed = find(out, cellar, request).await?;
            approve(out, cellar, &listed, terms, said, yes).await
        }
        several => Box::pin(several::approve(out, cellar, several, (terms, said), yes)).await,
    }
}

/// How an approval was agreed to beforehand, and how it is told.
struct Yes {
    digest: Option<String>,
    is_agreed: bool,
    json: bool,
}

/// Shows what would change, asks unless that was said beforehand, and approves it. A
/// digest is a yes to the request, and not to a change of the manifest.
async fn approve(
    out: &mut Output,
    cellar: &Cellar,
    listed: &Listed,
    terms: Terms,
    mut said: Findings,
    yes: &Yes,
) -> Result<Exit, Failure> {
    let proposal = manifest::proposal(cellar, listed, &listed.request.ask, terms)?;
    if let Some(digest) = &yes.digest {
        is_still(listed, digest)?;
    }
    if let (Some(proposal), RequestState::Applied { .. }) = (&proposal, &listed.request.state) {
        return manifest::promote(out, cellar, listed, proposal, yes.is_agreed, yes.json).await;
    }
    let is_silent = yes.is_agreed || (yes.digest.is_some() && proposal.is_none());
    if !is_silent && !agrees(out, listed, proposal.as_ref(), &mut said)? {
        return Ok(Exit::Failed);
    }
    if let Some(proposal) = proposal.as_ref().filter(|_| is_silent && !yes.json) {
        manifest::show(out, proposal).map_err(printing)?;
    }
    let answer = Answer::Approve {
        terms,
        edited: None,
    };
    let shown = listed.shown(said, proposal);
    tell(out, cellar, &shown, answer, yes.json).await
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
        effect: step.map_or_else(|_| edited.words(), |step| step.words),
        findings: findings(&record.spec, id, &edited).map_err(|problem| {
            Failure::new(format!("approve `{}`", listed.name()), &problem)
                .help("nothing was approved; edit it again")
        })?,
        unreadable: None,
        ..listed
    };
    let mut said = yes.unwrap_or(Findings::Unasked);
    let proposal = manifest::proposal(cellar, &shown, &edited, terms)?;
    if yes.is_none() && !agrees(out, &shown, proposal.as_ref(), &mut said)? {
        return Ok(Exit::Failed);
    }
    let edited = Some(edited);
    let answer = Answer::Approve { terms, edited };
    let shown = shown.shown(said, proposal);
    tell(out, cellar, &shown, answer, is_json).await
}

const fn said(accepts: bool) -> Findings {
    if accepts {
        Findings::Accepted
    } else {
        Findings::Unasked
    }
}

fn terms(time: Option<&str>, uses: Option<u64>, scope: ScopeWord) -> Result<Terms, Failure> {
    Ok(Terms {
        scope: match scope {
            ScopeWord::Bottle => Scope::Bottle,
            ScopeWord::Manifest => Scope::Manifest,
        },
        until: time.map(end).transpose()?,
        uses,
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
fn agrees(
    out: &mut Output,
    listed: &Listed,
    proposal: Option<&Proposal>,
    said: &mut Findings,
) -> Result<bool, Failure> {
    if matches!(listed.request.state, RequestState::Pending) {
        show(out, listed).map_err(printing)?;
    }
    let (question, verb) = match proposal {
        None => ("Approve it?", "approve it"),
        Some(proposal) => {
            manifest::show(out, proposal).map_err(printing)?;
            let question = "Approve it, and write this into the manifest?";
            (question, "approve it and write that into the manifest")
        }
    };
    if !ask::is_agreed(question, verb)? {
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
    shown: &Shown,
    answer: Answer,
    is_json: bool,
) -> Result<Exit, Failure> {
    let (news, progress) = show_progress(!is_json);
    let work = Work::told_to(news);
    let answered = cellar.answer(shown, answer, &work).await;
    drop(work);
    progress.finish().await;
    let answered = answered?;
    let name = format!("{}/{}", shown.bottle, shown.id);
    let exit = print(out, &name, &answered, is_json)?;
    // The bottle has it: told above. What is missing ends in a failure.
    answered.left_out(&shown.bottle).map_or(Ok(exit), Err)
}

fn print(
    out: &mut Output,
    name: &str,
    answered: &Answered,
    is_json: bool,
) -> Result<Exit, Failure> {
    if is_json {
        let told = Told {
            request: &answered.request,
            manifest: answered.manifest.as_ref(),
        };
        out.json(&told).map_err(printing)?;
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
    line.push_str(
        &answered
            .manifest
            .as_ref()
            .map(IntoManifest::words)
            .unwrap_or_default(),
    );
    let granted = answered.request.granted();
    let in_manifest = granted.is_some_and(|(_, terms)| terms.scope == Scope::Manifest);
    if in_manifest && matches!(answered.request.state, RequestState::Undone { .. }) {
        line.push_str("; the manifest keeps it until you take it out there");
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

async fn find(out: &mut Output, cellar: &Cellar, text: &str) -> Result<Listed, Failure> {
    let (bottle, id) = name(cellar, text)?;
    let (record, requests) = finished(out, cellar, &bottle).await?;
    let request = requests.into_iter().find(|request| request.id == id);
    request
        .map(|request| Listed {
            manifest: Today::load().beside(&record),
            ..Listed::of(&record, request)
        })
        .ok_or_else(|| {
            Failure::because(
                format!("find request {id} of `{bottle}`"),
                "the bottle has none of that number",
            )
            .help("`cellar requests --all` lists them")
        })
}
