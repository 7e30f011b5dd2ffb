//! What is fetched, and whether it is run.

use std::collections::BTreeSet;

use super::super::told::Told;
use crate::policy::findings::FindingCode;
use crate::policy::findings::shell::{Simple, base, is_interpreter};
use crate::policy::findings::shown::shown;

/// Programs that fetch a URL.
const FETCHERS: [&str; 14] = [
    "curl", "wget", "aria2c", "axel", "http", "https", "fetch", "lynx", "w3m", "nc", "ncat",
    "socat", "wget2", "xh",
];

pub(super) fn tell(
    one: &Simple,
    (index, all): (usize, &[Simple]),
    line: u32,
    fetched: &mut BTreeSet<String>,
    told: &mut Told,
) {
    for host in one.words.iter().filter_map(|word| host(word)) {
        told.line(
            FindingCode::Fetches,
            line,
            format!("it fetches from `{}`", shown(host)),
        );
    }
    let is_fetcher = |one: &Simple| FETCHERS.contains(&one.name());
    if is_interpreter(one.name()) {
        let before = all
            .iter()
            .take(index)
            .filter(|other| other.pipeline == one.pipeline);
        let inside = all.iter().filter(|other| descends(other, index, all));
        if before.chain(inside).any(is_fetcher) {
            told.line(
                FindingCode::PipeToShell,
                line,
                format!(
                    "what is fetched goes straight into `{}`, whatever it is that day",
                    shown(one.name())
                ),
            );
        }
    }
    let runs = one.program().first().map(|word| base(word));
    let given = one
        .arguments()
        .iter()
        .filter(|_| is_interpreter(one.name()) || one.name() == "chmod");
    let makes_runnable = |word: &&str| one.name() != "chmod" || !word.starts_with(['+', '-']);
    let named = runs
        .into_iter()
        .chain(given.map(|word| base(word)).filter(makes_runnable));
    for file in named.filter(|file| fetched.contains(*file)) {
        told.line(
            FindingCode::RunDownloaded,
            line,
            format!(
                "`{}` was fetched and is run, whatever it is that day",
                shown(file)
            ),
        );
    }
    if is_fetcher(one) {
        fetched.extend(targets(one));
    }
    // What one program of a pipeline fetches, another may write.
    let feeds = all
        .iter()
        .take(index)
        .any(|other| other.pipeline == one.pipeline && is_fetcher(other));
    if feeds && one.name() == "tee" {
        fetched.extend(one.arguments().iter().map(|word| base(word).to_owned()));
    }
    if feeds {
        fetched.extend(one.writes.iter().map(|word| base(word).to_owned()));
    }
}

/// Whether a command is substituted in another, however deep.
fn descends(one: &Simple, ancestor: usize, all: &[Simple]) -> bool {
    let mut at = one.parent;
    while let Some(parent) = at {
        if parent == ancestor {
            return true;
        }
        at = all
            .get(parent)
            .and_then(|one| one.parent)
            .filter(|next| *next < parent);
    }
    false
}

/// The files that a fetcher writes, by their last part.
fn targets(one: &Simple) -> Vec<String> {
    let mut targets: Vec<String> = one.writes.clone();
    let arguments = one.arguments();
    for (at, word) in arguments.iter().enumerate() {
        let next = arguments.get(at + 1).cloned();
        let is_short = word.starts_with('-') && !word.starts_with("--");
        if word == "--output" || word == "--output-document" || word == "--out" {
            targets.extend(next);
        } else if let Some((_, file)) = word
            .split_once('=')
            .filter(|(name, _)| name.starts_with("--out"))
        {
            targets.push(file.to_owned());
        } else if is_short && (word.ends_with('o') || (one.name() == "wget" && word.ends_with('O')))
        {
            targets.extend(next);
        } else if is_short && one.name() == "curl" && word.starts_with("-o") {
            targets.extend(word.get(2..).map(str::to_owned));
        } else if word.contains("://") {
            let path = word.split(['?', '#']).next().unwrap_or_default();
            targets.push(path.to_owned());
        }
    }
    let names = targets.iter().map(|file| base(file).to_owned());
    names
        .filter(|name| !name.is_empty() && name != "-" && name != "null")
        .collect()
}

/// The host of a URL or of a repository by SSH.
fn host(word: &str) -> Option<&str> {
    let (scheme, rest) = match word.split_once("://") {
        Some(parts) => parts,
        None => ("", word.strip_prefix("git@")?),
    };
    let scheme = scheme
        .rsplit(['+', '=', '"', '\'', ' '])
        .next()
        .unwrap_or_default();
    let known = ["", "http", "https", "ftp", "ftps", "git", "ssh", "tcp"];
    let authority = rest.split(['/', '?', '#', ' ', '"', '\'']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (known.contains(&scheme) && !host.is_empty()).then_some(host)
}
