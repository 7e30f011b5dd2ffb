//! What the engine fetches by itself, outside of what egress decides: images, URLs,
//! repositories.

use super::told::{Scope, Told};
use crate::policy::dockerfile::{Dockerfile, Instruction, Keyword, words};
use crate::policy::findings::FindingCode;
use crate::policy::findings::shown::shown;

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other instructions fetch nothing"
)]
pub(super) fn tell(file: &Dockerfile, told: &mut Told) {
    let mut scope = Scope::of(file);
    let mut stages: Vec<String> = Vec::new();
    for one in &file.instructions {
        match one.keyword {
            Keyword::From => {
                from(one, &scope, &stages, told);
                stages.push(stage_name(one));
            }
            Keyword::Copy => copied(one, one.flag("from"), "COPY", &stages, told),
            Keyword::Add => added(one, &scope, file.escape, told),
            Keyword::Run => {
                for mount in mounts(one) {
                    copied(one, mount.get("from"), "RUN", &stages, told);
                }
            }
            _ => {}
        }
        scope.pass(one);
    }
}

/// The name of the stage that a FROM begins, in small letters; empty if it has none.
pub(super) fn stage_name(from: &Instruction) -> String {
    let name = from.arguments.as_str().split_whitespace().nth(2);
    name.unwrap_or_default().to_ascii_lowercase()
}

fn from(one: &Instruction, scope: &Scope, stages: &[String], told: &mut Told) {
    let line = one.first_line;
    let written = one.arguments.as_str().split_whitespace().next();
    let image = scope.expand_from(written.unwrap_or_default());
    let name = image.text.to_ascii_lowercase();
    if !image.is_known {
        let words = format!(
            "only the builder knows which image `{}` is",
            shown(&image.text)
        );
        told.line(FindingCode::FromUnknown, line, words);
        return;
    }
    if name == "scratch" || (!name.is_empty() && stages.contains(&name)) {
        return;
    }
    told.line(
        FindingCode::FromRemote,
        line,
        format!(
            "the engine itself fetches the image `{}` {}",
            shown(&image.text),
            registry(&image.text)
        ),
    );
    let (path, digest) = match image.text.split_once('@') {
        Some((path, digest)) => (path, digest),
        None => (image.text.as_str(), ""),
    };
    if digest.starts_with("sha256:") {
        return;
    }
    let tag = path
        .rsplit('/')
        .next()
        .and_then(|last| last.split_once(':'));
    let words = match tag.map(|(_, tag)| tag) {
        None | Some("latest") => {
            String::from("the image can be another one tomorrow: it has no version and no digest")
        }
        Some(tag) => format!("what `{}` names can change: it has no digest", shown(tag)),
    };
    told.line(FindingCode::FromUnpinned, line, words);
}

/// Where an image comes from (the reference's first part names a registry if it has a dot
/// or a port).
fn registry(image: &str) -> String {
    let first = image.split_once('/').map_or("", |(first, _)| first);
    if first.contains(['.', ':']) || first == "localhost" {
        format!("from `{}`", shown(first))
    } else {
        String::from("from its default registry, unless it has it")
    }
}

fn copied(one: &Instruction, from: Option<&str>, how: &str, stages: &[String], told: &mut Told) {
    let Some(from) = from else { return };
    let name = from.to_ascii_lowercase();
    let is_number = name
        .parse::<usize>()
        .is_ok_and(|number| number + 1 < stages.len());
    // The stage that is being made is no source.
    let earlier = stages.split_last().map_or(&[][..], |(_, earlier)| earlier);
    if is_number || earlier.contains(&name) {
        return;
    }
    told.line(
        FindingCode::CopyFromRemote,
        one.first_line,
        format!(
            "{how} takes files of `{}`, which is no stage above: the engine fetches it",
            shown(from)
        ),
    );
}

fn added(one: &Instruction, scope: &Scope, escape: char, told: &mut Told) {
    let text = one.arguments.as_str();
    let all: Vec<String> = match one.command() {
        crate::policy::dockerfile::Command::Exec(words) => words,
        crate::policy::dockerfile::Command::Shell(_) => {
            words(text, escape).into_iter().map(str::to_owned).collect()
        }
    };
    let sources = all.split_last().map_or(&[][..], |(_, sources)| sources);
    for source in sources {
        let expanded = scope.expand(source);
        if is_remote(&expanded.text) {
            told.line(
                FindingCode::AddRemote,
                one.first_line,
                format!("the engine itself fetches {}", origin(&expanded.text)),
            );
        } else if !expanded.is_known {
            told.line(
                FindingCode::AddUnknown,
                one.first_line,
                format!(
                    "only the builder knows what `{}` is: a file, or something it fetches",
                    shown(&expanded.text)
                ),
            );
        }
    }
}

fn is_remote(source: &str) -> bool {
    let source = source.to_ascii_lowercase();
    let path = source.split(['#', '?']).next().unwrap_or_default();
    source.contains("://")
        || source.starts_with("git@")
        || source.starts_with("github.com/")
        || path.strip_suffix(".git").is_some()
}

/// A URL without what could be a secret in it.
fn origin(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return String::from("a repository");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("`{}`", shown(&format!("{scheme}://{host}")))
}

/// The options of one `--mount`.
#[derive(Debug)]
pub(super) struct Mount(Vec<(String, String)>);

impl Mount {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(found, _)| found == name)?;
        Some(&found.1)
    }
}

/// The mounts of a RUN.
pub(super) fn mounts(one: &Instruction) -> Vec<Mount> {
    let flags = one.flags.iter().filter(|flag| flag.name == "mount");
    let options = |value: &str| {
        let pairs = value.split(',').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let clean = |text: &str| text.trim().trim_matches('"').to_owned();
            (clean(name).to_ascii_lowercase(), clean(value))
        });
        Mount(pairs.collect())
    };
    flags
        .map(|flag| options(flag.value.as_deref().unwrap_or_default()))
        .collect()
}
