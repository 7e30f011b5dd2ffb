//! What RUN does, as far as its text tells, and the scripts that COPY writes.

mod fetch;
mod package;

use std::collections::BTreeSet;

use super::image::mounts;
use super::places;
use super::setting::variable;
use super::told::{Scope, Told, assigned};
use crate::policy::dockerfile::{Command, Dockerfile, Instruction, Keyword};
use crate::policy::findings::FindingCode;
use crate::policy::findings::shell::{self, Simple, is_interpreter};
use crate::policy::findings::shown::shown;

/// Longer runs of letters that are no words hide what they mean.
const LONG: usize = 200;

pub(super) fn tell(file: &Dockerfile, told: &mut Told) {
    let mut fetched = BTreeSet::new();
    let mut scope = Scope::of(file);
    for one in &file.instructions {
        if one.keyword == Keyword::Run {
            flags(one, told);
        }
        let has_commands = matches!(
            one.keyword,
            Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck
        );
        if has_commands {
            let argument = |text: &str| text.trim_start_matches("CMD").trim().to_owned();
            let own = match one.command() {
                Command::Exec(words) => shell::exec(words),
                Command::Shell(text) if one.keyword == Keyword::Healthcheck => {
                    shell::commands(&argument(text))
                }
                Command::Shell(text) => shell::commands(text),
            };
            let lines = |at: usize| one.arguments.line_at(at).unwrap_or(one.first_line);
            commands(&own, lines, &scope, &mut fetched, told);
            text(one.arguments.as_str(), lines, told);
        }
        for heredoc in &one.heredocs {
            let lines = |at: usize| {
                let before = heredoc.text.get(..at).unwrap_or_default();
                let count = before.matches('\n').count();
                heredoc
                    .first_line
                    .saturating_add(u32::try_from(count).unwrap_or(u32::MAX))
            };
            let own = shell::commands(&heredoc.text);
            commands(&own, lines, &scope, &mut fetched, told);
            text(&heredoc.text, lines, told);
        }
        scope.pass(one);
    }
}

fn flags(one: &Instruction, told: &mut Told) {
    let line = one.first_line;
    for flag in &one.flags {
        let value = flag.value.as_deref().unwrap_or_default();
        match (flag.name.as_str(), value) {
            ("security", "sandbox") | ("network", "default" | "none") => {}
            ("security", _) => told.line(
                FindingCode::RunInsecure,
                line,
                "this step runs with more rights than a container has",
            ),
            ("network", _) => told.line(
                FindingCode::RunHostNetwork,
                line,
                "this step runs in a network that is not the build's own",
            ),
            ("device", _) => told.line(
                FindingCode::RunDevice,
                line,
                format!("this step gets the device `{}`", shown(value)),
            ),
            _ => {}
        }
    }
    for mount in mounts(one) {
        match mount.get("type").unwrap_or("bind") {
            kind @ ("secret" | "ssh") => told.line(
                FindingCode::MountSecret,
                line,
                format!("this step reads a {kind} of whoever builds"),
            ),
            "cache" | "tmpfs" => {}
            _ => told.line(
                FindingCode::MountBind,
                line,
                "this step sees files from elsewhere in place",
            ),
        }
    }
}

fn commands(
    all: &[Simple],
    lines: impl Fn(usize) -> u32,
    scope: &Scope,
    fetched: &mut BTreeSet<String>,
    told: &mut Told,
) {
    for (index, one) in all.iter().enumerate() {
        let line = lines(one.at);
        let expanded: Vec<String> = one.words.iter().map(|word| in_force(word, scope)).collect();
        let command = Simple {
            words: expanded,
            ..one.clone()
        };
        fetch::tell(&command, (index, all), line, fetched, told);
        package::tell(&command, line, told);
        rights(&command, line, told);
        settings(&command, line, told);
        hidden(&command, (index, all), line, told);
    }
}

/// A word with the variables that ENV and ARG set; the shell's own stay as they are.
fn in_force(word: &str, scope: &Scope) -> String {
    if !word.contains('$') {
        return word.to_owned();
    }
    // Quotes are off already, so those that are left are the word's own.
    let quoted = word
        .replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace('"', "\\\"");
    crate::policy::dockerfile::expand(&quoted, &scope.stage, '\\').text
}

/// Whether a mode, in digits or letters, sets the user's or the group's id.
pub(super) fn is_setuid(mode: &str) -> bool {
    if mode.bytes().all(|byte| byte.is_ascii_digit()) {
        return u32::from_str_radix(mode, 8).is_ok_and(|mode| mode & 0o6000 != 0);
    }
    mode.split(',').any(|clause| {
        let Some((who, what)) = clause.split_once(['+', '=']) else {
            return false;
        };
        let is_who = who.chars().all(|c| "ugoa".contains(c));
        is_who && what.chars().all(|c| "rwxXst".contains(c)) && what.contains('s')
    })
}

/// Ways to more rights than the agent's user has.
fn rights(one: &Simple, line: u32, told: &mut Told) {
    let (name, arguments) = (one.name(), one.arguments());
    let behind = |flag: &str| {
        let pairs = arguments.iter().zip(arguments.iter().skip(1));
        pairs
            .filter(|(found, _)| *found == flag)
            .map(|(_, value)| value.as_str())
            .next()
    };
    match name {
        "chmod" => {
            let mode = arguments.iter().find(|word| is_setuid(word));
            if let Some(mode) = mode {
                told.line(
                    FindingCode::Setuid,
                    line,
                    format!("the mode `{}` runs it with its owner's rights", shown(mode)),
                );
            }
        }
        "install" => {
            let mode = behind("-m").or_else(|| behind("--mode"));
            let glued = || {
                arguments.iter().find_map(|word| {
                    word.strip_prefix("--mode=")
                        .or_else(|| word.strip_prefix("-m"))
                })
            };
            if let Some(mode) = mode.or_else(glued).filter(|mode| is_setuid(mode)) {
                told.line(
                    FindingCode::Setuid,
                    line,
                    format!("the mode `{}` runs it with its owner's rights", shown(mode)),
                );
            }
        }
        "setcap" | "capsh" => told.line(
            FindingCode::Capabilities,
            line,
            "a program gets capabilities of root",
        ),
        "visudo" | "chpasswd" | "passwd" => told.line(
            FindingCode::Sudo,
            line,
            format!("`{name}` decides who becomes root"),
        ),
        "usermod" | "useradd" | "adduser" | "addgroup" | "gpasswd" | "groupmod" => {
            let groups = ["sudo", "wheel", "docker", "root", "admin", "shadow", "disk"];
            let is_group = |word: &String| word.split(',').any(|group| groups.contains(&group));
            let is_zero = ["-u", "--uid", "-g", "--gid"]
                .iter()
                .any(|flag| behind(flag) == Some("0"));
            if arguments.iter().any(is_group) || is_zero {
                told.line(
                    FindingCode::Sudo,
                    line,
                    format!("`{name}` makes a user one of root's"),
                );
            }
        }
        _ => {}
    }
}

/// Variables, files and switches that a command sets.
fn settings(one: &Simple, line: u32, told: &mut Told) {
    let words = &one.words;
    for pair in assigned(words) {
        variable(pair, line, told);
    }
    let is_unset = one.name() == "unset"
        || words
            .iter()
            .any(|word| word == "-u" || word.starts_with("--unset"));
    if is_unset {
        for word in words {
            let name = word.strip_prefix("--unset=").unwrap_or(word);
            if let Some(code) = places::of_variable(name) {
                told.line(
                    code,
                    line,
                    format!("`{}` {}", shown(name), places::words(code)),
                );
            }
        }
    }
    for word in words.iter().chain(&one.writes) {
        for (code, piece) in places::of_text(word) {
            told.line(code, line, format!("`{piece}` {}", places::words(code)));
        }
    }
    package::switches(one, line, told);
}

/// Text that is decoded before it runs.
fn hidden(one: &Simple, (index, all): (usize, &[Simple]), line: u32, told: &mut Told) {
    let decodes = |one: &Simple| match one.name() {
        "base64" | "base32" => one
            .arguments()
            .iter()
            .any(|word| matches!(word.as_str(), "-d" | "-D" | "--decode" | "-di")),
        "xxd" => one
            .arguments()
            .iter()
            .any(|word| word.starts_with('-') && word.contains('r')),
        "openssl" => one.has("-d"),
        "uudecode" | "rev" | "tr" => true,
        "printf" | "echo" => one
            .words
            .iter()
            .any(|word| word.matches("\\x").count() >= 4 || word.matches("\\0").count() >= 4),
        _ => false,
    };
    if one.name() == "eval" {
        told.line(
            FindingCode::Obfuscated,
            line,
            "`eval` runs a text that it makes first",
        );
        return;
    }
    if !is_interpreter(one.name()) {
        return;
    }
    let before = all
        .iter()
        .take(index)
        .filter(|other| other.pipeline == one.pipeline);
    let inside = all.iter().filter(|other| other.parent == Some(index));
    if before.chain(inside).any(decodes) {
        told.line(
            FindingCode::Obfuscated,
            line,
            "a text is decoded and run, so nobody can read here what runs",
        );
    }
}

/// What the text itself looks like.
fn text(text: &str, lines: impl Fn(usize) -> u32, told: &mut Told) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+=_-".contains(c);
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if is_part(c) {
            start.get_or_insert(at);
        } else if let Some(from) = start.take()
            && at - from >= LONG
        {
            told.line(
                FindingCode::Obfuscated,
                lines(from),
                "a long run of letters that are no words",
            );
        }
    }
    let escapes = text.match_indices("\\x").filter(|(at, _)| {
        let digits = text.get(at + 2..at + 4).unwrap_or_default();
        digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    if let Some((at, _)) = escapes.clone().nth(7).and(escapes.clone().next()) {
        told.line(
            FindingCode::Obfuscated,
            lines(at),
            "letters that are written as numbers",
        );
    }
}
