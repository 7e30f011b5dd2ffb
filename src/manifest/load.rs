//! The manifest: every file of the user's read at once, and what is in them listed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::model::{Agent, AgentEntry, Entry, Template};
use super::paths::ManifestPaths;
use super::plan::{AgentSource, PromptSummary};
use super::problem::{Problem, SourceFile};
use super::prompt;
use super::read::{
    FileError, Kept, Manifests, MountRoot, canonical_within, read_manifest, read_mounts, read_text,
    suggest,
};

/// How long a manifest file may be.
pub(super) const FILE_LIMIT: u64 = 1024 * 1024;

/// What stands before the name of a repository's agent.
const REPOSITORY_PREFIX: &str = "repo/";

/// The user's files as they were when they were read.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub(super) paths: ManifestPaths,
    pub(super) templates: BTreeMap<String, Entry<Template>>,
    agents: Vec<AgentEntry>,
    pub(super) mounts: Vec<MountRoot>,
    pub(super) mounts_problems: Vec<Problem>,
}

/// A manifest and what is wrong with its files.
///
/// Entries without a mistake work even if others are broken, and the operator's
/// file works whatever a repository's says.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What could be read.
    pub manifest: Manifest,
    /// Every mistake of every file, by file and position.
    pub problems: Vec<Problem>,
    /// What the operator should know, one sentence each.
    pub notes: Vec<String>,
}

/// One agent as a picker shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AgentListing {
    /// What to call it: its name, or `repo/<name>` for a repository's.
    pub name: String,
    /// Which file it comes from.
    pub source: AgentSource,
    /// The template it uses; absent if it could not be read.
    pub template: Option<String>,
    /// `claude` or `command`; absent if it could not be read.
    pub provider: Option<String>,
    /// First line and length of its prompt.
    pub prompt: Option<PromptSummary>,
    /// Why it cannot be started, in one line.
    pub problem: Option<String>,
}

impl Manifest {
    /// Reads every file that is there. An absent file is no mistake.
    #[must_use]
    pub fn load(paths: &ManifestPaths) -> Loaded {
        let mut problems = Vec::new();
        let own = manifest_file(paths, AgentSource::Operator, &mut problems);
        let strangers = manifest_file(paths, AgentSource::Repository, &mut problems);
        let mut mounts_problems = Vec::new();
        let mounts = source_file(paths, &paths.mounts, Kept::Anywhere, &mut mounts_problems)
            .map(|file| read_mounts(&file))
            .map(|(roots, mut found)| {
                mounts_problems.append(&mut found);
                roots
            })
            .unwrap_or_default();
        let mut manifest = Self {
            paths: paths.clone(),
            templates: own.templates,
            agents: own.agents.into_iter().chain(strangers.agents).collect(),
            mounts,
            mounts_problems,
        };
        problems.append(&mut manifest.check_templates());
        problems.extend(manifest.mounts_problems.iter().cloned());
        problems.extend(super::config::load_config(paths).1);
        problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        let notes = manifest.shadowed();
        Loaded {
            manifest,
            problems,
            notes,
        }
    }

    /// Whether the operator has a `cellar.json` at all; without one, offer `cellar init`.
    #[must_use]
    pub fn has_operator_file(&self) -> bool {
        self.paths.operator.exists()
    }

    /// Lists every agent, the operator's own first, in the order of the files.
    #[must_use]
    pub fn agents(&self) -> Vec<AgentListing> {
        self.agents
            .iter()
            .map(|entry| self.listing(entry))
            .collect()
    }

    fn listing(&self, entry: &AgentEntry) -> AgentListing {
        let name = qualified(entry);
        let source = entry.source;
        match &entry.entry.read {
            Ok(agent) => AgentListing {
                name,
                source,
                template: Some(agent.bottle.value.clone()),
                provider: Some(agent.provider.word().to_owned()),
                prompt: prompt::text(agent, self, source)
                    .ok()
                    .flatten()
                    .map(|text| prompt::summary(&text)),
                problem: self.template_problem(agent),
            },
            Err(problems) => AgentListing {
                name,
                source,
                template: None,
                provider: None,
                prompt: None,
                problem: problems.first().map(ToString::to_string),
            },
        }
    }

    fn template_problem(&self, agent: &Agent) -> Option<String> {
        let template = self.templates.get(&agent.bottle.value)?;
        let problems = template.read.as_ref().err()?;
        problems.first().map(ToString::to_string)
    }

    /// Finds an agent: the operator's own before a repository's of the same name,
    /// which is always reachable as `repo/<name>`.
    pub(super) fn find(&self, name: &str) -> Option<&AgentEntry> {
        let by = |source, name: &str| {
            self.agents
                .iter()
                .find(|entry| entry.source == source && entry.name.as_str() == name)
        };
        match name.strip_prefix(REPOSITORY_PREFIX) {
            Some(rest) => by(AgentSource::Repository, rest),
            None => by(AgentSource::Operator, name).or_else(|| by(AgentSource::Repository, name)),
        }
    }

    /// The agent whose name is nearest to one that does not exist.
    pub(super) fn nearest(&self, name: &str) -> Option<String> {
        let names: Vec<_> = self.agents.iter().map(qualified).collect();
        suggest(name, names.iter().map(String::as_str)).map(str::to_owned)
    }

    /// The folder that relative paths of a file start from: its own for the
    /// operator's, the repository's root for a repository's.
    pub(super) fn base(&self, source: AgentSource) -> PathBuf {
        match source {
            AgentSource::Operator => parent(&self.paths.operator),
            AgentSource::Repository => self.repository_root().unwrap_or_default(),
        }
    }

    pub(super) fn repository_root(&self) -> Option<PathBuf> {
        Some(parent(&parent(self.paths.repository.as_ref()?)))
    }

    /// Turns agents with an unknown template into mistakes.
    fn check_templates(&mut self) -> Vec<Problem> {
        let mut found = Vec::new();
        for entry in &mut self.agents {
            let Ok(agent) = &entry.entry.read else {
                continue;
            };
            let wanted = &agent.bottle.value;
            if self.templates.contains_key(wanted) {
                continue;
            }
            let help = match suggest(wanted, self.templates.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.templates.is_empty() => String::from(
                    "your cellar.json has no bottles yet; `cellar init` writes one to start from",
                ),
                None => {
                    let names: Vec<_> = self.templates.keys().map(|n| format!("`{n}`")).collect();
                    format!("your cellar.json has {}", names.join(", "))
                }
            };
            let message = format!("there is no bottle `{wanted}`");
            let problem = agent.bottle.place.problem(&message, Some(help));
            found.push(problem.clone());
            entry.entry.read = Err(vec![problem]);
        }
        found
    }

    fn shadowed(&self) -> Vec<String> {
        self.agents
            .iter()
            .filter(|entry| entry.source == AgentSource::Repository)
            .map(|entry| entry.name.as_str())
            .filter(|name| {
                self.find(name)
                    .is_some_and(|entry| entry.source == AgentSource::Operator)
            })
            .map(|name| {
                format!(
                    "your own agent `{name}` stands before the repository's, which is `repo/{name}`"
                )
            })
            .collect()
    }
}

/// The name by which an agent is always found.
pub(super) fn qualified(entry: &AgentEntry) -> String {
    match entry.source {
        AgentSource::Operator => entry.name.to_string(),
        AgentSource::Repository => format!("{REPOSITORY_PREFIX}{}", entry.name),
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn manifest_file(
    paths: &ManifestPaths,
    source: AgentSource,
    problems: &mut Vec<Problem>,
) -> Manifests {
    let file = match (source, &paths.repository) {
        (AgentSource::Operator, _) => source_file(paths, &paths.operator, Kept::Anywhere, problems),
        (AgentSource::Repository, Some(path)) => {
            let root = parent(&parent(path));
            source_file(paths, path, Kept::Below(&root), problems)
        }
        (AgentSource::Repository, None) => None,
    };
    let Some(file) = file else {
        return Manifests::default();
    };
    let (read, mut found) = read_manifest(&file, source);
    problems.append(&mut found);
    read
}

pub(super) fn source_file(
    paths: &ManifestPaths,
    path: &Path,
    kept: Kept<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Arc<SourceFile>> {
    let name = shown(path, paths.home.as_deref());
    let text = canonical_within(path, kept).and_then(|real| read_text(&real, FILE_LIMIT));
    match text {
        Ok(text) => Some(Arc::new(SourceFile {
            name: super::visible(&name),
            text: Arc::from(text),
        })),
        Err(FileError::Absent) => None,
        Err(error) => {
            problems.push(Problem::of_file(&name, &error.to_string(), None));
            None
        }
    }
}

/// A path as the user is shown it: the home folder as `~`.
pub(super) fn shown(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
