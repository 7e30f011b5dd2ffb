//! What a reader sees and does not see: hidden characters, comments, directives, secrets,
//! and here-documents that read as instructions.

use super::told::Told;
use crate::policy::dockerfile::{Comment, DirectiveName, Dockerfile, Keyword};
use crate::policy::findings::FindingCode;
use crate::policy::findings::shown::{is_hidden, secrets, shown};

/// Words of comments that talk to whoever reviews, a model or a person.
const TALK: [&str; 28] = [
    "already approved",
    "already reviewed",
    "as an ai",
    "assistant:",
    "dear reviewer",
    "disregard",
    "do not flag",
    "do not mention",
    "do not report",
    "do not tell",
    "don't flag",
    "don't mention",
    "don't tell",
    "human:",
    "ignore all",
    "ignore any",
    "ignore previous",
    "ignore the above",
    "ignore this",
    "llm",
    "no need to review",
    "please approve",
    "pre-approved",
    "reviewer:",
    "system prompt",
    "system:",
    "you are ",
    "you must ",
];

pub(super) fn tell(text: &str, file: &Dockerfile, told: &mut Told) {
    lines(text, told);
    directives(text, file, told);
    for comment in &file.comments {
        self::comment(comment, told);
    }
    for instruction in &file.instructions {
        for heredoc in &instruction.heredocs {
            for (line, number) in heredoc.text.lines().zip(heredoc.first_line..) {
                let word = line.split_whitespace().next().unwrap_or_default();
                if let Some(keyword) = Keyword::parse(word) {
                    told.line(
                        FindingCode::HeredocAmbiguous,
                        number,
                        format!(
                            "a builder that knows no here-documents reads this line as {}",
                            keyword.as_str()
                        ),
                    );
                }
            }
        }
    }
}

fn lines(text: &str, told: &mut Told) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, number) in text.split('\n').zip(1..) {
        let hidden: std::collections::BTreeSet<char> =
            line.chars().filter(|c| is_hidden(*c)).collect();
        if !hidden.is_empty() {
            let named = hidden
                .iter()
                .take(4)
                .map(|c| format!("U+{:04X}", u32::from(*c)));
            let named = named.collect::<Vec<_>>().join(", ");
            told.line(
                FindingCode::HiddenText,
                number,
                format!("characters that are not seen or turn the line around: {named}"),
            );
        }
        if !secrets(line).is_empty() {
            told.line(
                FindingCode::SecretInText,
                number,
                "a value that looks like a secret; whoever has the image has it",
            );
        }
    }
}

fn directives(text: &str, file: &Dockerfile, told: &mut Told) {
    for directive in &file.directives {
        let value = shown(&directive.value);
        match directive.name {
            DirectiveName::Syntax => told.line(
                FindingCode::SyntaxDirective,
                directive.line,
                format!("the engine fetches `{value}` and lets it read this file in its own way"),
            ),
            DirectiveName::Escape => told.line(
                FindingCode::EscapeDirective,
                directive.line,
                format!("`{value}` continues lines here: read with that in mind"),
            ),
            DirectiveName::Check => told.line(
                FindingCode::CheckDirective,
                directive.line,
                format!("the builder's own checks are set to `{value}`"),
            ),
        }
    }
    // Behind a `#!` some builders look for directives too, and some after other comments.
    let top = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .lines()
        .zip(1..);
    let top =
        top.take_while(|(line, _)| line.trim().is_empty() || line.trim_start().starts_with('#'));
    for (line, number) in top {
        let is_known = file.directives.iter().any(|one| one.line == number);
        let words: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        if !is_known && words.to_ascii_lowercase().starts_with("#syntax=") {
            told.line(
                FindingCode::SyntaxDirective,
                number,
                "some builders take this for a directive and let another program read the file",
            );
        }
    }
}

fn comment(comment: &Comment, told: &mut Told) {
    let text = comment.text.trim_start_matches('#').trim();
    let small = text.to_lowercase();
    if TALK.iter().any(|talk| small.contains(talk)) {
        told.line(
            FindingCode::CommentInstructs,
            comment.line,
            format!("this comment talks to whoever reviews: `{}`", shown(text)),
        );
    }
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_bare = text.len() == first.len();
    let reads_so = Keyword::parse(first).is_some_and(|keyword| keyword.as_str() == first);
    if reads_so && !is_bare {
        told.line(
            FindingCode::CommentLikeInstruction,
            comment.line,
            if comment.is_inside {
                "a comment in the middle of an instruction reads as one of its own"
            } else {
                "a comment reads as an instruction and is not in force"
            },
        );
    }
}
