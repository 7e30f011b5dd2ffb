//! What a change of a Dockerfile comes to, in one line.

use std::collections::BTreeMap;

use super::shell::{self, Simple};
use crate::policy::LineDiff;
use crate::policy::dockerfile::{Command, Dockerfile, Keyword};
use crate::policy::packages::{Package, PackageManager};

/// So many packages are named.
const MOST: usize = 8;

/// `+2 −0 lines, apt jq ripgrep, without npm x`: lines, and packages that are installed
/// by name or no longer are, as far as the text tells. A text that cannot be read is told
/// by its lines alone.
#[must_use]
pub fn diff_words(before: &str, after: &str) -> String {
    let lines = LineDiff::of(before, after).words();
    let (Ok(before), Ok(after)) = (Dockerfile::parse(before), Dockerfile::parse(after)) else {
        return lines;
    };
    let mut parts = vec![lines];
    let (old, new) = (installed(&before), installed(&after));
    for manager in PackageManager::ALL {
        for (how, here, there) in [("", &new, &old), ("without ", &old, &new)] {
            let other = there.get(&manager);
            let only: Vec<&str> = here
                .get(&manager)
                .into_iter()
                .flatten()
                .filter(|one| !other.is_some_and(|other| other.contains(*one)))
                .map(String::as_str)
                .collect();
            if only.is_empty() {
                continue;
            }
            let named: Vec<&str> = only.iter().take(MOST).copied().collect();
            let rest = only.len().saturating_sub(MOST);
            let more = match rest {
                0 => String::new(),
                rest => format!(" and {rest} more"),
            };
            let (manager, named) = (manager.as_str(), named.join(" "));
            parts.push(format!("{how}{manager} {named}{more}"));
        }
    }
    parts.join(", ")
}

type Installed = BTreeMap<PackageManager, std::collections::BTreeSet<String>>;

fn installed(file: &Dockerfile) -> Installed {
    let mut found = Installed::new();
    for one in file
        .instructions
        .iter()
        .filter(|one| one.keyword == Keyword::Run)
    {
        let own = match one.command() {
            Command::Exec(words) => shell::exec(words),
            Command::Shell(text) => shell::commands(text),
        };
        let documents = one
            .heredocs
            .iter()
            .flat_map(|one| shell::commands(&one.text));
        for command in own.into_iter().chain(documents) {
            if let Some((manager, names)) = packages(&command) {
                let all = names.iter().filter(|word| !word.starts_with('-'));
                let all = all.filter_map(|word| Package::parse(manager, word).ok());
                let all = all.map(|package| package.to_string());
                found.entry(manager).or_default().extend(all);
            }
        }
    }
    found
}

/// What stands behind the word that installs.
fn packages(command: &Simple) -> Option<(PackageManager, &[String])> {
    let arguments = command.arguments();
    let behind = |verbs: &[&str]| {
        let at = arguments
            .iter()
            .position(|word| verbs.contains(&word.as_str()))?;
        arguments.get(at + 1..)
    };
    match command.name() {
        "apt" | "apt-get" | "aptitude" => Some((PackageManager::Apt, behind(&["install"])?)),
        "npm" | "pnpm" | "yarn" => Some((PackageManager::Npm, behind(&["install", "i", "add"])?)),
        "pip" | "pip3" | "python" | "python3" | "uv" => {
            Some((PackageManager::Pip, behind(&["install"])?))
        }
        "cargo" => Some((PackageManager::Cargo, behind(&["install"])?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_lines_and_packages() {
        let before = "FROM a\nRUN apt-get install -y curl && npm i x\n";
        let after =
            "FROM a\nRUN apt-get install -y curl ripgrep \\\n  jq=1.6\nRUN pip install y==1.0 $Z\n";
        assert_eq!(
            diff_words(before, after),
            "+3 \u{2212}1 lines, apt jq=1.6 ripgrep, without npm x, pip y==1.0"
        );
        assert_eq!(diff_words(before, before), "+0 \u{2212}0 lines");
        assert_eq!(diff_words("", "x\u{202e}"), "+1 \u{2212}0 lines");
        let many: Vec<String> = (0..9).map(|number| format!("x{number}")).collect();
        let many = format!("FROM a\nRUN apt-get install {}\n", many.join(" "));
        assert!(diff_words("FROM a\n", &many).ends_with("x7 and 1 more"));
    }
}
