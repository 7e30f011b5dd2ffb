//! An agent's prompt: read where it stands, summed up for the plan.

use super::load::Manifest;
use super::model::{Agent, Located, PromptEntry};
use super::plan::{AgentSource, PromptSummary};
use super::problem::Problem;
use super::read::{Kept, canonical_within, read_text};
use super::resolve::path_help;
use super::visible::visible;

/// How long a prompt may be.
const PROMPT_LIMIT: u64 = 1024 * 1024;

/// How much of a prompt's first line is shown.
const SHOWN_CHARACTERS: usize = 72;

/// The whole prompt; `None` if there is none or it is blank.
pub(super) fn text(
    agent: &Agent,
    manifest: &Manifest,
    source: AgentSource,
) -> Result<Option<String>, Problem> {
    let text = match &agent.prompt {
        None => return Ok(None),
        Some(PromptEntry::Inline(text)) => text.clone(),
        Some(PromptEntry::File(path)) => from_file(path, manifest, source)?,
    };
    Ok((!text.trim().is_empty()).then_some(text))
}

fn from_file(
    path: &Located<String>,
    manifest: &Manifest,
    source: AgentSource,
) -> Result<String, Problem> {
    let full = manifest.path_of(&path.value, source);
    let root = manifest.base(source);
    let kept = match source {
        AgentSource::Operator => Kept::Anywhere,
        AgentSource::Repository => Kept::Below(&root),
    };
    canonical_within(&full, kept)
        .and_then(|real| read_text(&real, PROMPT_LIMIT))
        .map_err(|error| {
            let message = format!("the prompt `{}` cannot be read: {error}", path.value);
            path.place.problem(&message, Some(path_help(source)))
        })
}

/// First line that is not blank, and the length of the whole.
pub(super) fn summary(text: &str) -> PromptSummary {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let mut first_line = visible(&line.chars().take(SHOWN_CHARACTERS).collect::<String>());
    if line.chars().nth(SHOWN_CHARACTERS).is_some() {
        first_line.push('…');
    }
    PromptSummary {
        first_line,
        characters: text.chars().count(),
    }
}
