//! `init`, `check`, `completions`, `man`: what needs no engine.

use std::io::IsTerminal as _;
use std::path::Path;

use clap_complete::Shell;
use serde::Serialize;

use super::super::cli::{InitArguments, JsonArguments};
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::planning;
use super::printing;
use crate::manifest::{self, AgentListing, AgentSource, ManifestPaths, Paint, Problem};

pub(super) fn init(out: &mut Output, arguments: &InitArguments) -> Result<Exit, Failure> {
    const ATTEMPT: &str = "write the starter manifest";
    let path = if let Some(path) = &arguments.path {
        path.clone()
    } else {
        let cwd = std::env::current_dir().map_err(|error| Failure::new(ATTEMPT, &error))?;
        ManifestPaths::discover(&cwd)
            .map_err(|error| Failure::new(ATTEMPT, &error).help("set HOME or XDG_CONFIG_HOME"))?
            .operator
    };
    let written = manifest::write_starter(&path)
        .map_err(|error| Failure::new(ATTEMPT, &error).help("--path writes it somewhere else"))?;
    for path in &written {
        out.line(&path.display().to_string()).map_err(printing)?;
    }
    out.note("edit it, then `cellar check` and `cellar start AGENT`")
        .map_err(printing)?;
    Ok(Exit::Done)
}

/// What `check --json` prints.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Checked<'a> {
    /// Mistakes, each with its place.
    problems: &'a [Problem],
    /// What is worth knowing and is no mistake.
    notes: &'a [String],
    /// The agents that can be started.
    agents: &'a [AgentListing],
}

pub(super) fn check(out: &mut Output, arguments: &JsonArguments) -> Result<Exit, Failure> {
    let mut loaded = planning::load()?;
    let agents = loaded.manifest.agents();
    let (_, bad_prices) = planning::prices();
    let is_bad = !loaded.problems.is_empty()
        || bad_prices.is_some()
        || agents.iter().any(|agent| agent.problem.is_some());
    loaded
        .notes
        .extend(bad_prices.map(|failure| failure.line()));
    let exit = if is_bad {
        Exit::BadManifest
    } else {
        Exit::Done
    };
    if arguments.json {
        let checked = Checked {
            problems: &loaded.problems,
            notes: &loaded.notes,
            agents: &agents,
        };
        return out.json(&checked).map_err(printing).map(|()| exit);
    }
    let paint = if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        Paint::Color
    } else {
        Paint::Plain
    };
    let width = crossterm::terminal::size().map_or(100, |(columns, _)| usize::from(columns));
    for problem in &loaded.problems {
        out.raw_note(&problem.render(paint, width))
            .map_err(printing)?;
    }
    for note in &loaded.notes {
        out.note(note).map_err(printing)?;
    }
    if !loaded.manifest.has_operator_file() {
        out.note("there is no manifest of yours; `cellar init` writes a starter")
            .map_err(printing)?;
    }
    let rows: Vec<Vec<String>> = agents.iter().map(row).collect();
    if !rows.is_empty() {
        out.table(&["AGENT", "FROM", "BOTTLE", "PROVIDER", "CHECK"], &rows)
            .map_err(printing)?;
    }
    Ok(exit)
}

fn row(agent: &AgentListing) -> Vec<String> {
    let from = match agent.source {
        AgentSource::Operator => "you",
        AgentSource::Repository => "repository",
    };
    vec![
        agent.name.clone(),
        from.to_owned(),
        agent.template.clone().unwrap_or_default(),
        agent.provider.clone().unwrap_or_default(),
        agent.problem.clone().unwrap_or_else(|| String::from("ok")),
    ]
}

pub(super) fn completions(
    out: &mut Output,
    shell: Shell,
    command: &clap::Command,
) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command.clone(), "cellar", &mut script);
    out.raw(&script).map_err(printing).map(|()| Exit::Done)
}

pub(super) fn man(
    out: &mut Output,
    dir: Option<&Path>,
    command: &clap::Command,
) -> Result<Exit, Failure> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command.clone())
            .render(&mut page)
            .map_err(printing)?;
        return out.raw(&page).map_err(printing).map(|()| Exit::Done);
    };
    let failed = |error: std::io::Error| Failure::new("write the man pages", &error);
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(command.clone(), dir).map_err(failed)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Verb;

    /// The pages that a command and all below it have, by their files' names.
    fn pages(command: &clap::Command, before: &str) -> Vec<(String, String)> {
        let name = format!("{before}{}", command.get_name());
        let about = command.get_about().map(ToString::to_string);
        let mut all = vec![(format!("{name}.1"), about.unwrap_or_default())];
        let below = command.get_subcommands();
        for one in below.filter(|one| !one.is_hide_set() && one.get_name() != "help") {
            all.extend(pages(one, &format!("{name}-")));
        }
        all
    }

    #[test]
    fn every_verb_has_a_page_that_says_what_it_does() {
        use clap::Subcommand as _;
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("share/man/man1");
        let cellar = clap::Command::new("cellar").about("One console.");
        let cellar = Verb::augment_subcommands(cellar);
        man(&mut Output::standard(), Some(&dir), &cellar).unwrap();
        let wanted = pages(&cellar, "");
        assert!(wanted.len() > 40, "{}", wanted.len());
        for (name, about) in &wanted {
            let page = std::fs::read_to_string(dir.join(name)).unwrap_or_default();
            // Hyphens and dots are escaped in a page; the first word is not.
            let word = about.split([' ', ',', ':']).next().unwrap_or_default();
            assert!(!about.is_empty(), "{name}");
            assert!(
                page.contains(".SH SYNOPSIS") && page.contains(word),
                "{name}: {page}"
            );
        }
        let there = std::fs::read_dir(&dir).unwrap().count();
        assert_eq!(there, wanted.len(), "no page without a verb");
    }

    #[test]
    fn completions_name_every_verb() {
        use clap::Subcommand as _;
        let cellar = Verb::augment_subcommands(clap::Command::new("cellar"));
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut cellar.clone(), "cellar", &mut script);
            let script = String::from_utf8(script).unwrap();
            for verb in cellar.get_subcommands().filter(|verb| !verb.is_hide_set()) {
                assert!(
                    script.contains(verb.get_name()),
                    "{shell}: {}",
                    verb.get_name()
                );
            }
        }
    }
}
