//! Which module may name which, held as data and checked against every source file.
//!
//! The table is the one of `ARCHITECTURE.md`. Comments and literals do not count;
//! everything else does. Tests within a module may also name what its neighbours may
//! name, because a fixture is made of their parts: a spec holds routes.

use std::fmt;
use std::path::{Path, PathBuf};

/// Each top-level module and the ones it may name beside itself.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("policy", &[]),
    ("secret", &[]),
    ("scan", &["secret"]),
    ("spec", &["policy"]),
    ("request", &["policy", "spec"]),
    ("wire", &["policy", "spec", "request"]),
    ("manifest", &["policy", "spec", "secret"]),
    ("state", &["manifest", "spec", "policy", "wire", "request"]),
    ("ui", &["state", "pty"]),
    ("pty", &["wire"]),
    (
        "docker",
        &["spec", "manifest", "wire", "secret", "state", "policy"],
    ),
    ("store", &["spec", "wire", "state", "request"]),
    (
        "app",
        &[
            "policy", "secret", "spec", "request", "wire", "manifest", "state", "ui", "pty",
            "docker", "store",
        ],
    ),
    (
        "guest",
        &["policy", "secret", "scan", "spec", "request", "wire", "pty"],
    ),
    ("main", &["app", "guest"]),
    (
        "lib",
        &[
            "policy", "secret", "scan", "spec", "request", "wire", "manifest", "state", "ui",
            "pty", "docker", "store", "app", "guest",
        ],
    ),
];

/// Crates that only some modules may name.
const HOME_OF_CRATE: &[(&str, &[&str])] = &[
    ("bollard", &["docker"]),
    ("ratatui", &["ui"]),
    ("crossterm", &["app", "ui"]),
    ("notify_rust", &["app"]),
    ("alacritty_terminal", &["pty"]),
    ("jsonc_parser", &["manifest"]),
    ("portable_pty", &["guest"]),
    ("hickory_resolver", &["guest"]),
    ("hyper", &["guest", "docker"]),
    ("rustls", &["guest"]),
    ("tokio_rustls", &["guest"]),
    ("rcgen", &["guest"]),
    ("webpki_root_certs", &["guest"]),
    ("regex_automata", &["scan", "store"]),
    ("aho_corasick", &["scan"]),
];

/// What modules without clock and I/O must not contain.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::process",
    "std::thread",
    "std::env",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];
const PURE: &[&str] = &["policy", "scan", "spec", "request", "state", "ui"];

/// What no source file may contain: output goes to an explicit writer.
const NOWHERE: &[&str] = &["println!", "print!", "eprintln!", "eprint!", "dbg!"];

/// A place where the table is broken.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    file: PathBuf,
    line: usize,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

#[test]
fn every_module_names_only_what_it_may() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root)?;
    assert!(files.len() > 20, "found only {} source files", files.len());
    let mut breaches = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(root.join(&file))?;
        breaches.extend(check(&file, &text));
    }
    let lines: Vec<String> = breaches
        .iter()
        .map(|breach| format!("src/{breach}"))
        .collect();
    assert!(breaches.is_empty(), "\n{}\n", lines.join("\n"));
    Ok(())
}

#[test]
fn every_folder_under_src_is_in_the_table() -> std::io::Result<()> {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let module = name.strip_suffix(".rs").unwrap_or(&name);
        assert!(may_name(module).is_some(), "src/{name} is in no row");
    }
    Ok(())
}

/// A file, its text, and the breach it holds: line and words.
type Bad = (&'static str, &'static str, usize, &'static str);

const BAD: &[Bad] = &[
    (
        "ui/pane.rs",
        "use crate::docker::Engine;",
        1,
        "`ui` names `docker`",
    ),
    (
        "ui/pane.rs",
        "use crate::{state::State, pty, store};",
        1,
        "`ui` names `store`",
    ),
    (
        "ui/pane.rs",
        "use crate::{\n    pty::{self, cell},\n    app,\n};",
        3,
        "`ui` names `app`",
    ),
    (
        "pty/mod.rs",
        "fn f(x: crate::state::State) {}",
        1,
        "`pty` names `state`",
    ),
    (
        "store/a.rs",
        "use super::super::docker::Engine;",
        1,
        "`store` names `docker`",
    ),
    ("main.rs", "use cellar::docker;", 1, "`main` names `docker`"),
    (
        "app/mod.rs",
        "use bollard::Docker;",
        1,
        "`app` names the crate `bollard`",
    ),
    (
        "docker/a.rs",
        "use ratatui::Frame;",
        1,
        "`docker` names the crate `ratatui`",
    ),
    (
        "state/a.rs",
        "\nlet now = Instant::now();",
        2,
        "`state` contains `Instant::now`",
    ),
    (
        "store/tests.rs",
        "use crate::docker::Engine;",
        1,
        "`store` names `docker`",
    ),
    (
        "store/a.rs",
        "use crate::policy::Route;\n#[cfg(test)]\nmod tests {}",
        1,
        "`store` names `policy`",
    ),
    ("app/a.rs", "println!();", 1, "`app` contains `println!`"),
];

/// Comments, literals, lifetimes and look-alikes name nothing.
const GOOD: &[(&str, &str)] = &[
    ("ui/a.rs", "// use crate::docker::Engine;\n/* crate::app */"),
    (
        "ui/a.rs",
        "/// See [`crate::docker`].\nlet text = \"crate::docker\";",
    ),
    (
        "ui/a.rs",
        "let text = r#\"a \" crate::docker\"#; let quote = '\"';",
    ),
    ("ui/a.rs", "fn f<'a>(x: &'a str) { crate::state::f(x) }"),
    ("ui/a.rs", "use crate::state::{docker, app};"),
    (
        "docker/mod.rs",
        "use super::docker_words; use bollard::Docker;",
    ),
    ("store/tests.rs", "use crate::policy::Route;"),
    (
        "store/a.rs",
        "#[cfg(test)]\nmod tests {\n    use crate::policy::Route;\n}",
    ),
    ("state/a.rs", "let a = my_tokio; eprintln_like!();"),
];

/// The check itself must be able to fail, in each of its ways.
#[test]
fn each_kind_of_breach_is_found_in_its_line() {
    for (file, text, line, what) in BAD {
        let breach = Breach {
            file: PathBuf::from(file),
            line: *line,
            what: (*what).to_owned(),
        };
        assert_eq!(check(Path::new(file), text), [breach], "{text}");
    }
}

#[test]
fn look_alikes_are_no_breach() {
    for (file, text) in GOOD {
        assert_eq!(check(Path::new(file), text), [], "{file}: {text}");
    }
}

/// All `.rs` files below a folder, relative to it.
fn sources(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.extend(path.strip_prefix(root).ok().map(Path::to_owned));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn may_name(module: &str) -> Option<&'static [&'static str]> {
    let row = MAY_NAME.iter().find(|(name, _)| *name == module);
    row.map(|(_, others)| *others)
}

fn check(file: &Path, text: &str) -> Vec<Breach> {
    let code = without_comments_and_literals(text);
    let first = file.iter().next().unwrap_or_default().to_string_lossy();
    let module = first.strip_suffix(".rs").unwrap_or(&first);
    let allowed = may_name(module).unwrap_or_default();
    let allowed_in_tests: Vec<&str> = allowed
        .iter()
        .flat_map(|neighbour| may_name(neighbour).unwrap_or_default())
        .chain(allowed)
        .copied()
        .collect();
    let tests_begin = if file.file_name().is_some_and(|name| name == "tests.rs") {
        0
    } else {
        code.find("#[cfg(test)]").unwrap_or(code.len())
    };
    let mut found: Vec<(usize, String)> = Vec::new();

    for (at, named) in named_modules(&code, depth(file)) {
        let is_module = may_name(&named).is_some();
        let named = named.as_str();
        let is_allowed = if at >= tests_begin {
            allowed_in_tests.contains(&named)
        } else {
            allowed.contains(&named)
        };
        if is_module && named != module && !is_allowed {
            found.push((at, format!("`{module}` names `{named}`")));
        }
    }
    for (name, homes) in HOME_OF_CRATE {
        if !homes.contains(&module) {
            let said = format!("`{module}` names the crate `{name}`");
            found.extend(words(&code, &format!("{name}::")).map(|at| (at, said.clone())));
        }
    }
    let forbidden = PURE
        .contains(&module)
        .then_some(IMPURE)
        .into_iter()
        .chain([NOWHERE])
        .flatten();
    for name in forbidden {
        let said = format!("`{module}` contains `{name}`");
        found.extend(words(&code, name).map(|at| (at, said.clone())));
    }

    let mut breaches: Vec<Breach> = found
        .into_iter()
        .map(|(at, what)| Breach {
            file: file.to_owned(),
            line: line_of(&code, at),
            what,
        })
        .collect();
    breaches.sort_by_key(|breach| breach.line);
    breaches
}

/// How many `super` lead from the file's module to the crate's root.
fn depth(file: &Path) -> usize {
    let is_folder_itself = file.file_name().is_some_and(|name| name == "mod.rs");
    file.iter().count() - usize::from(is_folder_itself)
}

fn line_of(code: &str, at: usize) -> usize {
    let before = code.get(..at).unwrap_or(code);
    before.matches('\n').count() + 1
}

const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Where the text stands in the code and no longer word begins or ends there.
fn words<'a>(code: &'a str, text: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(text)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = code.get(..*at).and_then(|code| code.chars().next_back());
            let after = code
                .get(at + text.len()..)
                .and_then(|code| code.chars().next());
            let ends_in_word = text.ends_with(is_word);
            !(before.is_some_and(is_word) || ends_in_word && after.is_some_and(is_word))
        })
}

/// The top-level modules that paths from the crate's root name, and where.
fn named_modules(code: &str, depth: usize) -> Vec<(usize, String)> {
    let up = "super::".repeat(depth);
    ["crate::", "cellar::", up.as_str()]
        .iter()
        .flat_map(|root| words(code, root).map(move |at| at + root.len()))
        .flat_map(|at| heads(code, at))
        .collect()
}

/// The first words of the path, or of each path of the group, that begins here.
fn heads(code: &str, start: usize) -> Vec<(usize, String)> {
    let mut heads = Vec::new();
    let mut nesting = 0_usize;
    let mut is_head = true;
    let mut word_start = start;
    let rest = code.get(start..).unwrap_or_default();
    for (offset, c) in rest.char_indices().chain([(rest.len(), ';')]) {
        let at = start + offset;
        if is_word(c) {
            continue;
        }
        let word = code.get(word_start..at).unwrap_or_default();
        if is_head && !word.is_empty() {
            heads.push((word_start, word.to_owned()));
            is_head = false;
        }
        word_start = at + c.len_utf8();
        match c {
            '{' => nesting += 1,
            '}' => nesting = nesting.saturating_sub(1),
            ',' if nesting == 1 => is_head = true,
            _ => {}
        }
        if nesting == 0 {
            break;
        }
    }
    heads
}

/// The code with comments and literals blanked out, of the same length in lines.
fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = skipped_length(rest, code.chars().next_back());
        if skipped == 0 {
            code.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        } else {
            let (gone, kept) = rest.split_at(skipped);
            code.push(' ');
            code.extend(gone.chars().filter(|c| *c == '\n'));
            rest = kept;
        }
    }
    code
}

/// The length of the comment or literal at the beginning, or zero.
fn skipped_length(rest: &str, before: Option<char>) -> usize {
    let until = |end: &str, from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        tail.find(end)
            .map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until("*/", 2);
    }
    if rest.starts_with('"') {
        return quoted_length(rest, '"');
    }
    if rest.starts_with('\'') {
        // A lifetime has no closing quote right behind its first character.
        let mut chars = rest.chars().skip(1);
        let (first, second) = (chars.next(), chars.next());
        let is_character = first == Some('\\') || second == Some('\'');
        return if is_character {
            quoted_length(rest, '\'')
        } else {
            0
        };
    }
    if rest.starts_with('r') && !before.is_some_and(|c| is_word(c) && c != 'b') {
        let hashes = rest.chars().skip(1).take_while(|c| *c == '#').count();
        if rest.chars().nth(1 + hashes) == Some('"') {
            return until(&format!("\"{}", "#".repeat(hashes)), hashes + 2);
        }
    }
    0
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    rest.len()
}
