//! Packages, and the one way in which they are written into a Dockerfile.
//!
//! Names and versions are taken by the grammar of each package manager and never by
//! escaping: nothing that a shell or an option parser could read otherwise gets in.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::dockerfile::{Dockerfile, Keyword, ParseProblem};
pub use super::manager::PackageManager;

/// The most packages of one set.
pub const MAX_PACKAGES: usize = 128;

/// Why a text is no package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// The name breaks the manager's grammar.
    #[error("accept `{text}` as a package of {}: write {}", manager.as_str(), manager.grammar())]
    Name {
        /// The manager.
        manager: PackageManager,
        /// The text, with anything unprintable escaped.
        text: String,
    },
    /// The version is none of the manager's, or no exact one.
    #[error("accept `{text}` as a version for {}: write one exact version, such as {}", manager.as_str(), manager.sample())]
    Version {
        /// The manager.
        manager: PackageManager,
        /// The text, with anything unprintable escaped.
        text: String,
    },
    /// More than [`MAX_PACKAGES`].
    #[error("take more than {MAX_PACKAGES} packages")]
    TooMany,
    /// No name of a user that a Dockerfile can end with.
    #[error("accept `{text}` as the image's user: write a name such as agent, not root")]
    User {
        /// The text, with anything unprintable escaped.
        text: String,
    },
    /// The Dockerfile cannot be read.
    #[error(transparent)]
    Dockerfile(#[from] ParseProblem),
    /// Its last line asks for another.
    #[error("add to a Dockerfile whose last line is continued by nothing: end that line first")]
    Open,
}

impl PackageManager {
    const fn grammar(self) -> &'static str {
        match self {
            Self::Apt => "small letters, digits and + - . as Debian does, such as jq or jq=1.6-2.1",
            Self::Npm => "a name or @scope/name in small letters, such as typescript@5.4.2",
            Self::Pip => "letters, digits and - _ . between them, such as requests==2.31.0",
            Self::Cargo => "letters, digits, - and _ behind a letter, such as ripgrep@14.1.0",
        }
    }

    const fn sample(self) -> &'static str {
        match self {
            Self::Apt => "1:2.39-1+deb12u1",
            Self::Npm | Self::Cargo => "1.2.3",
            Self::Pip => "2.31.0",
        }
    }

    const fn between(self) -> &'static str {
        match self {
            Self::Apt => "=",
            Self::Npm | Self::Cargo => "@",
            Self::Pip => "==",
        }
    }

    fn is_name(self, name: &str) -> bool {
        let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let (first, last) = (name.chars().next(), name.chars().next_back());
        match self {
            // Debian Policy 5.6.7; apt takes `name-` for «remove».
            Self::Apt => {
                (2..=100).contains(&name.len())
                    && first.is_some_and(small)
                    && name.chars().all(|c| small(c) || "+-.".contains(c))
                    && !matches!(last, Some('-' | '.'))
            }
            // docs.npmjs: package.json, name; validate-npm-package-name.
            Self::Npm => {
                let part = |part: &str| {
                    part.starts_with(small) && part.chars().all(|c| small(c) || "-._".contains(c))
                };
                let (scope, bare) = match name.strip_prefix('@') {
                    Some(rest) => rest.split_once('/').unwrap_or(("", "")),
                    None => ("x", name),
                };
                name.len() <= 214 && part(scope) && part(bare) && bare != "node_modules"
            }
            // PEP 508, Names.
            Self::Pip => {
                let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                name.len() <= 100 && end(first) && end(last) && name.chars().all(inner)
            }
            // The registry's own rule: 64 characters, a letter first.
            Self::Cargo => {
                let inner = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                let letter = first.is_some_and(|c| c.is_ascii_alphabetic());
                name.len() <= 64 && letter && name.chars().all(inner)
            }
        }
    }

    /// One spelling for all names that the manager takes for the same.
    fn canonical(self, name: &str) -> String {
        if self != Self::Pip {
            return name.to_owned();
        }
        // PEP 503.
        let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
    }

    fn version(self, text: &str) -> Option<String> {
        if text.len() > 64 || !text.is_ascii() || text.trim() != text {
            return None;
        }
        match self {
            Self::Apt => is_debian_version(text).then(|| text.to_owned()),
            Self::Npm | Self::Cargo => Some(semver::Version::parse(text).ok()?.to_string()),
            Self::Pip => {
                let version: pep440_rs::Version = text.parse().ok()?;
                Some(version.to_string())
            }
        }
    }
}

/// deb-version(7): `[epoch:]upstream[-revision]`.
fn is_debian_version(text: &str) -> bool {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let inner = |c: char| c.is_ascii_alphanumeric() || ".+-~".contains(c);
    !epoch.is_empty()
        && epoch.bytes().all(|byte| byte.is_ascii_digit())
        && rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.chars().all(inner)
}

fn shown(text: &str) -> String {
    let short = text.chars().take(60);
    short.flat_map(char::escape_default).collect()
}

/// One package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "WrittenPackage", into = "WrittenPackage")]
pub struct Package {
    manager: PackageManager,
    name: String,
    version: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct WrittenPackage {
    manager: PackageManager,
    package: String,
}

impl TryFrom<WrittenPackage> for Package {
    type Error = PackageError;

    fn try_from(written: WrittenPackage) -> Result<Self, PackageError> {
        Self::parse(written.manager, &written.package)
    }
}

impl From<Package> for WrittenPackage {
    fn from(package: Package) -> Self {
        Self {
            manager: package.manager,
            package: package.to_string(),
        }
    }
}

impl Package {
    /// Reads a package as its manager writes it, with or without a version: `jq=1.6`,
    /// `@scope/name@1.0.0`, `requests==2.31.0`, `ripgrep@14.1.0`.
    ///
    /// # Errors
    /// [`PackageError::Name`] and [`PackageError::Version`].
    pub fn parse(manager: PackageManager, text: &str) -> Result<Self, PackageError> {
        // The first character may be the `@` of a scope.
        let first = text.chars().next().map_or(0, char::len_utf8);
        let at = text
            .get(first..)
            .and_then(|rest| rest.find(manager.between()));
        let (name, version) = match at {
            Some(at) => {
                let (name, rest) = text.split_at(first + at);
                (name, rest.strip_prefix(manager.between()))
            }
            None => (text, None),
        };
        if !manager.is_name(name) {
            let text = shown(text);
            return Err(PackageError::Name { manager, text });
        }
        let version = match version {
            Some(text) => Some(manager.version(text).ok_or_else(|| {
                let text = shown(text);
                PackageError::Version { manager, text }
            })?),
            None => None,
        };
        Ok(Self {
            manager,
            name: manager.canonical(name),
            version,
        })
    }

    /// Who installs it.
    #[must_use]
    pub const fn manager(&self) -> PackageManager {
        self.manager
    }

    /// Its name, in the one spelling that counts.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Display for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        match &self.version {
            Some(version) => write!(f, "{}{version}", self.manager.between()),
            None => Ok(()),
        }
    }
}

/// Packages, each once, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "Vec<Package>", into = "Vec<Package>")]
pub struct Packages(BTreeMap<(PackageManager, String), Package>);

impl Packages {
    /// Adds one. A version that is named replaces what was there; none leaves it.
    ///
    /// # Errors
    /// [`PackageError::TooMany`].
    pub fn add(&mut self, package: Package) -> Result<(), PackageError> {
        let key = (package.manager, package.name.clone());
        let is_there = self.0.contains_key(&key);
        if !is_there && self.0.len() >= MAX_PACKAGES {
            return Err(PackageError::TooMany);
        }
        if !is_there || package.version.is_some() {
            self.0.insert(key, package);
        }
        Ok(())
    }

    /// All of them, by manager and name.
    pub fn iter(&self) -> impl Iterator<Item = &Package> {
        self.0.values()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(&self, manager: PackageManager) -> Vec<String> {
        let own = self.iter().filter(|package| package.manager == manager);
        own.map(Package::to_string).collect()
    }
}

impl TryFrom<Vec<Package>> for Packages {
    type Error = PackageError;

    fn try_from(list: Vec<Package>) -> Result<Self, PackageError> {
        let mut packages = Self::default();
        for package in list {
            packages.add(package)?;
        }
        Ok(packages)
    }
}

impl From<Packages> for Vec<Package> {
    fn from(packages: Packages) -> Self {
        packages.0.into_values().collect()
    }
}

/// The user that an image ends with: a name or a number, never root's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageUser(String);

impl ImageUser {
    /// Reads a user as USER takes it (useradd(8) for names).
    ///
    /// # Errors
    /// [`PackageError::User`].
    pub fn parse(text: &str) -> Result<Self, PackageError> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let part = |part: &str| {
            let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
            let is_name = part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
            let is_root = part == "root" || part.parse::<u32>() == Ok(0);
            (is_number || is_name)
                && (1..=32).contains(&part.len())
                && part.chars().all(inner)
                && !is_root
        };
        let (user, group) = text.split_once(':').unwrap_or((text, "x"));
        if part(user) && part(group) {
            return Ok(Self(text.to_owned()));
        }
        Err(PackageError::User { text: shown(text) })
    }
}

const BEGIN: &str = "# cellar:packages";
const END: &str = "# cellar:packages end";

/// The lines that install packages: sorted, pinned where a version is given, caches
/// removed, and back to the agent's user. Empty if there are none.
#[must_use]
pub fn dockerfile_lines(packages: &Packages, user: &ImageUser) -> String {
    block(packages, user, '\\')
}

/// A package in a block's first line. One that has the name of a manager, such as Debian's
/// `npm`, ends with a mark that no package ends with.
fn marked(word: &str) -> String {
    let is_manager = PackageManager::ALL.iter().any(|one| one.as_str() == word);
    let mark = if is_manager { "=" } else { "" };
    format!("{word}{mark}")
}

fn block(packages: &Packages, user: &ImageUser, escape: char) -> String {
    if packages.is_empty() {
        return String::new();
    }
    let mut out = String::from(BEGIN);
    for manager in PackageManager::ALL {
        let own = packages.of(manager);
        if !own.is_empty() {
            let words: Vec<String> = own.iter().map(|word| marked(word)).collect();
            // Writing to a string cannot fail.
            let _always_ok = write!(out, " {} {}", manager.as_str(), words.join(" "));
        }
    }
    out.push_str("\nUSER root\n");
    for manager in PackageManager::ALL {
        let own = packages.of(manager);
        if !own.is_empty() {
            let steps = steps(manager, &own);
            let between = format!(" {escape}\n    ");
            let _always_ok = writeln!(out, "RUN {}", steps.join(&between));
        }
    }
    let _always_ok = writeln!(out, "USER {}\n{END}", user.0);
    out
}

/// The lines of one RUN. Debian's pip refuses to install beside apt's packages (PEP 668)
/// unless it is told to. A virtual environment would need PATH, which a login shell sets
/// anew, and `import` would still ask the other Python; so pip is told, by a variable,
/// because the pip of older images does not know the option.
fn steps(manager: PackageManager, packages: &[String]) -> Vec<String> {
    let listed = |list: &[String]| {
        list.iter()
            .map(|one| format!("    {one}"))
            .collect::<Vec<_>>()
    };
    let (before, after): (&[&str], &[&str]) = match manager {
        PackageManager::Apt => (
            &[
                "apt-get update",
                "&& apt-get install --yes --no-install-recommends",
            ],
            &["&& rm -rf /var/lib/apt/lists/*"],
        ),
        PackageManager::Npm => (
            &["npm install --global --no-fund --no-audit"],
            &["&& npm cache clean --force"],
        ),
        PackageManager::Pip => (
            &[
                "{ python3 -m pip --version > /dev/null 2>&1",
                "|| { apt-get update && apt-get install --yes --no-install-recommends python3-pip; }; }",
                "&& PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_CACHE_DIR=1",
                "python3 -m pip install",
            ],
            &["&& rm -rf /var/lib/apt/lists/*"],
        ),
        PackageManager::Cargo => (
            &["CARGO_HOME=/tmp/cellar-cargo cargo install --locked --root /usr/local"],
            &["&& rm -rf /tmp/cellar-cargo"],
        ),
    };
    let owned = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect::<Vec<_>>();
    [owned(before), listed(packages), owned(after)].concat()
}

/// A Dockerfile with these packages too. What Cellar wrote before and nobody changed since
/// is extended in its place; otherwise lines are added at the end.
///
/// # Errors
/// [`PackageError::Dockerfile`] if the text cannot be read, [`PackageError::Open`] if what
/// is added would become part of its last line, [`PackageError::TooMany`].
pub fn with_packages(
    dockerfile: &str,
    packages: &Packages,
    user: &ImageUser,
) -> Result<String, PackageError> {
    let file = Dockerfile::parse(dockerfile)?;
    if file.is_open {
        return Err(PackageError::Open);
    }
    if packages.is_empty() {
        return Ok(dockerfile.to_owned());
    }
    if let Some((place, own)) = own_block(dockerfile, &file) {
        let mut all = own;
        for package in packages.iter() {
            all.add(package.clone())?;
        }
        let mut out = dockerfile.to_owned();
        out.replace_range(place, &block(&all, user, file.escape));
        return Ok(out);
    }
    let between = if dockerfile.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    Ok(format!(
        "{dockerfile}{between}{}",
        block(packages, user, file.escape)
    ))
}

/// The last block of the last stage that is exactly as it would be written.
fn own_block(text: &str, file: &Dockerfile) -> Option<(std::ops::Range<usize>, Packages)> {
    let mut stages = file
        .instructions
        .iter()
        .filter(|one| one.keyword == Keyword::From);
    let last_stage = stages.next_back()?.first_line;
    let begins = file.comments.iter().rev().filter(|comment| {
        !comment.is_inside
            && comment.line > last_stage
            && comment.text.starts_with(" cellar:packages ")
    });
    for comment in begins {
        let line = usize::try_from(comment.line).ok()?;
        let start = text.match_indices('\n').nth(line.checked_sub(2)?)?.0 + 1;
        let rest = text.get(start..)?;
        let Some(packages) = listed(rest.lines().next().unwrap_or_default()) else {
            continue;
        };
        let mut users = rest.lines().filter_map(|line| line.strip_prefix("USER "));
        let user = users.find_map(|user| ImageUser::parse(user).ok());
        let Some(own) = user.map(|user| block(&packages, &user, file.escape)) else {
            continue;
        };
        if !own.is_empty() && rest.starts_with(&own) {
            return Some((start..start + own.len(), packages));
        }
    }
    None
}

/// The packages that the first line of a block lists.
fn listed(line: &str) -> Option<Packages> {
    let mut packages = Packages::default();
    let mut manager = None;
    for word in line
        .strip_prefix(BEGIN)?
        .split(' ')
        .filter(|word| !word.is_empty())
    {
        let named = PackageManager::ALL
            .into_iter()
            .find(|one| one.as_str() == word);
        if named.is_some() {
            manager = named;
        } else {
            let word = word.strip_suffix('=').unwrap_or(word);
            packages.add(Package::parse(manager?, word).ok()?).ok()?;
        }
    }
    Some(packages)
}

#[cfg(test)]
mod tests;
