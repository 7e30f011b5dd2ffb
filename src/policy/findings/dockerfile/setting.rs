//! What the image itself is set to: user, variables, labels, entry, and the rest.

use super::image::stage_name;
use super::told::{Scope, Told};
use super::{places, run};
use crate::policy::dockerfile::{Dockerfile, Instruction, Keyword};
use crate::policy::findings::shown::shown;
use crate::policy::findings::{Finding, FindingCode};

/// Parts of the names of variables that hold secrets.
const SECRET_NAMES: [&str; 10] = [
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "API_KEY",
    "APIKEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "CREDENTIAL",
    "AUTH_KEY",
];

pub(super) fn tell(file: &Dockerfile, told: &mut Told) {
    let mut scope = Scope::of(file);
    for one in &file.instructions {
        if one.is_onbuild {
            told.line(
                FindingCode::Onbuild,
                one.first_line,
                format!(
                    "{} waits for builds that begin from this image",
                    one.keyword.as_str()
                ),
            );
        }
        instruction(one, &scope, told);
        scope.pass(one);
    }
    user(file, told);
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others set nothing")]
fn instruction(one: &Instruction, scope: &Scope, told: &mut Told) {
    let line = one.first_line;
    match one.keyword {
        Keyword::Env | Keyword::Arg => variables(one, scope, told),
        Keyword::Label => {
            let mut names = scope
                .pairs(one)
                .into_iter()
                .map(|(name, _)| scope.expand(&name).text);
            if names.any(|name| name.to_ascii_lowercase().starts_with("cellar.")) {
                told.line(
                    FindingCode::CellarLabel,
                    line,
                    "by labels `cellar.*` Cellar knows its own objects",
                );
            }
        }
        Keyword::Entrypoint => told.line(
            FindingCode::EntrypointReplaced,
            line,
            "what starts with every container; Cellar puts its own in front",
        ),
        Keyword::Cmd => told.line(FindingCode::CmdReplaced, line, "what starts by default"),
        Keyword::Shell => told.line(
            FindingCode::ShellReplaced,
            line,
            format!(
                "`{}` reads the text of every RUN below",
                shown(one.arguments.as_str())
            ),
        ),
        Keyword::Healthcheck if !one.arguments.as_str().eq_ignore_ascii_case("none") => {
            told.line(
                FindingCode::Healthcheck,
                line,
                "a command that the engine runs in the container again and again",
            );
        }
        Keyword::Stopsignal => told.line(
            FindingCode::Stopsignal,
            line,
            format!("`{}` stops the container", shown(one.arguments.as_str())),
        ),
        Keyword::Volume => told.line(
            FindingCode::Volume,
            line,
            "a volume of its own for each container, which is left behind",
        ),
        Keyword::Expose => told.line(
            FindingCode::Expose,
            line,
            "the bottle has no network: nobody reaches a port",
        ),
        Keyword::Copy | Keyword::Add | Keyword::Workdir | Keyword::User => {}
        _ => return,
    }
    if !matches!(one.keyword, Keyword::Env | Keyword::Arg) {
        places_in(one, scope, told);
    }
    if let Some(mode) = one.flag("chmod").filter(|mode| run::is_setuid(mode)) {
        told.line(
            FindingCode::Setuid,
            line,
            format!("the mode `{}` runs it with its owner's rights", shown(mode)),
        );
    }
}

/// Paths in the arguments, also where a variable holds a part of them.
fn places_in(one: &Instruction, scope: &Scope, told: &mut Told) {
    let text = scope.expand(one.arguments.as_str()).text;
    for (code, piece) in places::of_text(&text) {
        told.line(
            code,
            one.first_line,
            format!("`{piece}` {}", places::words(code)),
        );
    }
}

fn variables(one: &Instruction, scope: &Scope, told: &mut Told) {
    for (name, value) in scope.pairs(one) {
        let at = one.arguments.as_str().find(&name);
        let line = at
            .and_then(|at| one.arguments.line_at(at))
            .unwrap_or(one.first_line);
        let value = value
            .map(|value| scope.expand(&value).text)
            .unwrap_or_default();
        // An ARG without a value is for the builder to set, which sets none.
        if one.keyword == Keyword::Arg && value.is_empty() {
            continue;
        }
        variable((&name, &value), line, told);
    }
}

/// What setting a variable means, wherever it is set.
pub(super) fn variable((name, value): (&str, &str), line: u32, told: &mut Told) {
    let big = name.to_ascii_uppercase();
    if let Some(code) = places::of_variable(name) {
        told.line(
            code,
            line,
            format!("`{}` {}", shown(name), places::words(code)),
        );
    } else if SECRET_NAMES.iter().any(|part| big.contains(part)) && !value.is_empty() {
        told.line(
            FindingCode::SecretNamed,
            line,
            format!(
                "`{}` is named like a secret and has a value; whoever has the image has it",
                shown(name)
            ),
        );
    }
    if big == "PATH" {
        let risky = |part: &&str| {
            let can_write = ["/tmp", "/var/tmp", "/workspace", "/home", "/dev/shm"];
            !part.starts_with(['/', '$']) || can_write.iter().any(|folder| part.starts_with(folder))
        };
        let mut first = value
            .trim_matches('"')
            .split(':')
            .take_while(|part| !part.starts_with('$'));
        if let Some(part) = first.find(|part| risky(part)) {
            told.line(
                FindingCode::LoaderChanged,
                line,
                format!(
                    "programs are looked for in `{}` first, where the agent can write",
                    shown(part)
                ),
            );
        }
    }
    for (code, piece) in places::of_text(value) {
        // Who sets the variable to it was told already.
        if places::of_variable(name) != Some(code) {
            told.line(code, line, format!("`{piece}` {}", places::words(code)));
        }
    }
}

/// Who the image's programs run as.
#[derive(Clone, Debug, PartialEq, Eq)]
enum User {
    /// That of the image below.
    Inherited,
    /// As it is written, and its line.
    Named(String, u32),
    /// Only the builder knows.
    Unknown(String, u32),
}

/// The user at the end of the last stage, followed through the stages that it begins from.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others change no user")]
fn last_user(file: &Dockerfile) -> User {
    let mut scope = Scope::of(file);
    let mut stages: Vec<(String, User)> = Vec::new();
    for one in file.instructions.iter().filter(|one| !one.is_onbuild) {
        match one.keyword {
            Keyword::From => {
                let written = one.arguments.as_str().split_whitespace().next();
                let image = scope
                    .expand_from(written.unwrap_or_default())
                    .text
                    .to_ascii_lowercase();
                let below = stages
                    .iter()
                    .rev()
                    .find(|(name, _)| !name.is_empty() && *name == image);
                let user = below.map_or(User::Inherited, |(_, user)| user.clone());
                stages.push((stage_name(one), user));
            }
            Keyword::User => {
                let value = scope.expand(one.arguments.as_str());
                let name = value.text.trim().to_owned();
                let user = if value.is_known {
                    User::Named(name, one.first_line)
                } else {
                    User::Unknown(name, one.first_line)
                };
                if let Some((_, last)) = stages.last_mut() {
                    *last = user;
                }
            }
            _ => {}
        }
        scope.pass(one);
    }
    stages.pop().map_or(User::Inherited, |(_, user)| user)
}

fn user(file: &Dockerfile, told: &mut Told) {
    match last_user(file) {
        User::Inherited => told.whole(
            FindingCode::UserUnset,
            "no USER at the end: its programs run as whoever the image below says, often root",
        ),
        User::Unknown(name, line) => told.line(
            FindingCode::UserRoot,
            line,
            format!(
                "only the builder knows who `{}` is; it can be root",
                shown(&name)
            ),
        ),
        User::Named(name, line) => {
            let (user, group) = name.split_once(':').unwrap_or((&name, ""));
            if is_root(user) || user.is_empty() {
                told.line(FindingCode::UserRoot, line, "its programs run as root");
            } else if is_root(group) {
                told.line(
                    FindingCode::UserRoot,
                    line,
                    "its programs run in root's group",
                );
            }
        }
    }
}

fn is_root(name: &str) -> bool {
    name == "root" || name.parse::<i64>() == Ok(0)
}

/// Whether another user is left at the end.
pub(super) fn user_changed(old: &Dockerfile, file: &Dockerfile) -> Option<Finding> {
    let (User::Named(before, _), User::Named(name, line)) = (last_user(old), last_user(file))
    else {
        return None;
    };
    let words = format!(
        "its programs run as `{}`, and ran as `{}`",
        shown(&name),
        shown(&before)
    );
    (before != name).then(|| Finding::new(FindingCode::UserChanged, words).at(line))
}
