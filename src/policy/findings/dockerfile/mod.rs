//! What is risky in a Dockerfile.
//!
//! The text is read as the builder reads it; commands in RUN are read as far as that is
//! possible without running them. A finding that is missing proves nothing: the build
//! itself is fenced, and what it makes is sealed.

mod image;
mod places;
mod run;
mod setting;
mod told;
mod visible;

use super::{Finding, in_order};
use crate::policy::diff;
use crate::policy::dockerfile::{Dockerfile, Instruction, Keyword, ParseProblem};

pub use self::places::CELLAR_PATHS;
use self::told::Told;

/// The most findings of one text. They are sorted before the rest is left out.
const MOST: usize = 1000;

/// What is risky in a Dockerfile, worst first. What was there before, in instructions that
/// did not change, is marked as old.
///
/// # Errors
/// [`ParseProblem`] if the text is none that every builder reads in one way: no yes can be
/// given to it. A `before` that cannot be read makes everything new.
pub fn dockerfile_findings(text: &str, before: Option<&str>) -> Result<Vec<Finding>, ParseProblem> {
    let file = Dockerfile::parse(text)?;
    let mut found = all(text, &file);
    if let Some(before) = before
        && let Ok(old) = Dockerfile::parse(before)
    {
        found.extend(setting::user_changed(&old, &file));
        mark_old(&mut found, (text, &file), (before, &old));
    }
    let mut found = in_order(found);
    found.truncate(MOST);
    Ok(found)
}

fn all(text: &str, file: &Dockerfile) -> Vec<Finding> {
    let mut told = Told::default();
    visible::tell(text, file, &mut told);
    image::tell(file, &mut told);
    setting::tell(file, &mut told);
    run::tell(file, &mut told);
    told.into_findings()
}

/// Marks what the earlier text had too. The whole instruction must be as it was, and, if
/// it uses variables or a shell, what decides over those.
fn mark_old(
    found: &mut [Finding],
    (text, file): (&str, &Dockerfile),
    (before, old): (&str, &Dockerfile),
) {
    let kept = diff::kept(before, text);
    let earlier = all(before, old);
    let is_context_kept = context(file) == context(old);
    for finding in found {
        let was = |line: Option<u32>| {
            earlier.iter().any(|one| {
                one.code == finding.code && one.words == finding.words && one.line == line
            })
        };
        finding.old = match finding.line {
            None => was(None),
            Some(line) => {
                let own = file
                    .instructions
                    .iter()
                    .find(|one| (one.first_line..=one.last_line).contains(&line));
                let lines = own.map_or(line..=line, |one| one.first_line..=one.last_line);
                let is_kept = lines.clone().all(|line| kept.contains_key(&line));
                let is_apart = own.is_none_or(|one| !depends(one));
                is_kept && (is_apart || is_context_kept) && was(kept.get(&line).copied())
            }
        };
    }
}

/// All that changes what other instructions mean.
fn context(file: &Dockerfile) -> Vec<(Keyword, &str)> {
    let decides = |one: &&Instruction| {
        matches!(
            one.keyword,
            Keyword::Env | Keyword::Arg | Keyword::Shell | Keyword::From
        )
    };
    let deciding = file.instructions.iter().filter(decides);
    deciding
        .map(|one| (one.keyword, one.arguments.as_str()))
        .collect()
}

fn depends(instruction: &Instruction) -> bool {
    let uses_variable = |text: &str| text.contains('$');
    instruction.keyword == Keyword::Run
        || uses_variable(instruction.arguments.as_str())
        || instruction
            .heredocs
            .iter()
            .any(|one| uses_variable(&one.text))
}

#[cfg(test)]
mod tests;
