//! Approving into the manifest: what it changes there, shown before it is asked about.

use super::super::super::ask;
use super::super::super::cellar::Cellar;
use super::super::super::exit::{Exit, Failure};
use super::super::super::manifest_scope::{Proposal, preview};
use super::super::super::output::Output;
use super::super::printing;
use super::Listed;
use crate::policy::{Hunk, LineChange};
use crate::request::{Ask, RequestState, Scope, Terms};

/// What a grant on these terms changes in the manifest, if it is to.
pub(super) fn proposal(
    cellar: &Cellar,
    listed: &Listed,
    ask: &Ask,
    terms: Terms,
) -> Result<Option<Proposal>, Failure> {
    if terms.scope == Scope::Bottle {
        return Ok(None);
    }
    let record = cellar
        .store
        .record(&listed.bottle)
        .map_err(|error| Failure::new("read its record", &error))?;
    // What was granted before for a time is not what would stand in the manifest.
    if let (RequestState::Applied { .. }, Some((granted, before))) =
        (&listed.request.state, listed.request.granted())
    {
        let terms = Terms {
            scope: Scope::Manifest,
            ..before
        };
        return preview(&record, listed.request.id, granted, terms);
    }
    preview(&record, listed.request.id, ask, terms)
}

/// Prints a proposal as a unified diff.
pub(super) fn show(out: &mut Output, proposal: &Proposal) -> std::io::Result<()> {
    let Some((name, diff)) = proposal.diff() else {
        return out.line("  manifest  has it already");
    };
    out.line(&format!("--- {name}"))?;
    out.line(&format!("+++ {name}, {}", diff.words()))?;
    for hunk in &diff.hunks {
        out.line(&head(hunk))?;
        for line in &hunk.lines {
            let sign = match line.change {
                LineChange::Kept => ' ',
                LineChange::Added => '+',
                LineChange::Removed => '-',
            };
            out.line(format!("{sign}{}", line.text).trim_end())?;
        }
    }
    Ok(())
}

/// `@@ -3,6 +3,7 @@`.
fn head(hunk: &Hunk) -> String {
    let side = |numbers: Vec<u32>| {
        let first = numbers.first().copied().unwrap_or(0);
        format!("{first},{}", numbers.len())
    };
    let before = hunk.lines.iter().filter_map(|line| line.before).collect();
    let after = hunk.lines.iter().filter_map(|line| line.after).collect();
    format!("@@ -{} +{} @@", side(before), side(after))
}

/// Puts what was granted before into the manifest too.
pub(super) async fn promote(
    out: &mut Output,
    cellar: &Cellar,
    listed: &Listed,
    proposal: &Proposal,
    is_agreed: bool,
    is_json: bool,
) -> Result<Exit, Failure> {
    if !is_json {
        show(out, proposal).map_err(printing)?;
    }
    let question = "Write this into the manifest?";
    if !is_agreed && !ask::is_agreed(question, "write it into the manifest")? {
        return Ok(Exit::Failed);
    }
    let answered = cellar.promote(&listed.bottle, proposal).await?;
    super::print(out, &listed.name(), &answered, is_json)
}
