//! Here-documents: which words of an instruction begin one, and their lines.

use super::lines::{Joined, Source};
use super::{ParseProblem, problem};

/// Lines that follow an instruction as a document of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: String,
    /// Whether the builder puts variables into it.
    pub expands: bool,
    /// Its lines, each with its end.
    pub text: String,
    /// The line of its first.
    pub first_line: u32,
    /// The line of the word that ends it.
    pub last_line: u32,
}

struct Start {
    name: String,
    expands: bool,
    without_tabs: bool,
}

/// Reads the documents that the arguments of an instruction name, in their order.
pub(super) fn follow(
    arguments: &Joined,
    line: u32,
    source: &mut Source<'_>,
) -> Result<Vec<Heredoc>, ParseProblem> {
    let text = arguments.as_str();
    if text.starts_with('[') && super::argument::json_array(text).is_some() {
        return Ok(Vec::new());
    }
    let mut heredocs = Vec::new();
    for start in starts(text, line)? {
        heredocs.push(read(start, line, source)?);
    }
    Ok(heredocs)
}

fn read(start: Start, line: u32, source: &mut Source<'_>) -> Result<Heredoc, ParseProblem> {
    let mut text = String::new();
    let mut first_line = None;
    for found in source {
        let first = *first_line.get_or_insert(found.number);
        let bare = if start.without_tabs {
            found.text.trim_start_matches('\t')
        } else {
            found.text
        };
        if bare == start.name {
            return Ok(Heredoc {
                name: start.name,
                expands: start.expands,
                text,
                first_line: first,
                last_line: found.number,
            });
        }
        text.push_str(found.text);
        text.push('\n');
    }
    Err(ParseProblem::OpenHeredoc {
        line,
        name: problem::shown(&start.name),
    })
}

/// The words that begin a document: `<<NAME`, `<<-NAME`, `3<<"NAME"`, whole words only.
fn starts(text: &str, line: u32) -> Result<Vec<Start>, ParseProblem> {
    let ambiguous = |what| ParseProblem::Ambiguous { line, what };
    if text.contains("${") && text.split("${").skip(1).any(has_blank_in_braces) {
        return Err(ambiguous(
            "`<<` beside a variable with white space in its braces",
        ));
    }
    let words = quoted_words(text).ok_or_else(|| ambiguous("`<<` beside an open quote"))?;
    let starts = words.iter().filter_map(|word| start(word));
    starts
        .map(|found| found.map_err(|NoPlainName| ambiguous("a here-document of no plain name")))
        .collect()
}

fn has_blank_in_braces(rest: &str) -> bool {
    let inside = rest.split('}').next().unwrap_or_default();
    inside.contains(char::is_whitespace)
}

/// The name of a document is made of quotes and variables.
struct NoPlainName;

/// `None` if the word begins no document.
fn start(word: &str) -> Option<Result<Start, NoPlainName>> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix("<<")?;
    let (rest, without_tabs) = match rest.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    let bare = ['"', '\'']
        .into_iter()
        .find_map(|quote| rest.strip_prefix(quote)?.strip_suffix(quote));
    let name = bare.unwrap_or(rest);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Some(Err(NoPlainName));
    }
    Some(Ok(Start {
        name: name.to_owned(),
        expands: bare.is_none(),
        without_tabs,
    }))
}

/// Words with their quotes; white space inside quotes does not part them. `None` if a
/// quote stays open.
fn quoted_words(text: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            words.push(String::new());
            continue;
        }
        let word = words.last_mut()?;
        word.push(c);
        match quote {
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            None | Some('"') if c == '\\' => word.extend(chars.next()),
            _ => {}
        }
    }
    quote.is_none().then_some(words)
}
