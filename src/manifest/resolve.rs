//! From an agent's name to the launch plan: files are read, nothing is changed, no
//! secret is looked up.

use std::collections::BTreeMap;
use std::path::PathBuf;

use uuid::Uuid;

use super::compose::{self, Gathered, Parts, Variables};
use super::load::{Manifest, qualified};
use super::model::{Agent, ImageEntry, SourceEntry, Template};
use super::plan::{AgentSource, Plan, SecretAsk, SecretSource};
use super::problem::Problem;
use super::provider::{self, Wish};
use super::read::{Kept, canonical_within, read_text};
use super::workspace::Folder;
use super::{prompt, skills};
use crate::policy::SecretName;
use crate::spec::{ImageSource, Spec};

/// How long a Dockerfile may be.
pub(super) const DOCKERFILE_LIMIT: u64 = 256 * 1024;

/// How long a file of certificate authorities may be: it travels in one variable of the
/// sidecar, which the kernel bounds at 128 KiB.
const CA_LIMIT: u64 = 48 * 1024;

/// What the command line adds to the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveOptions {
    /// Arguments after `--`, given to the program at the end of its own.
    pub extra_args: Vec<String>,
    /// Whether Claude Code's remote control is asked for.
    pub remote_control: bool,
    /// The conversation's id, chosen by the caller.
    pub session_id: Uuid,
    /// The operator's time zone, for templates that name none.
    pub time_zone: Option<String>,
    /// Where relative workspace folders start.
    pub cwd: PathBuf,
}

/// Why an agent has no plan.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No file names the agent.
    #[error("find an agent called `{name}`{}", suggested(.suggestion.as_ref()))]
    UnknownAgent {
        /// The name asked for.
        name: String,
        /// The nearest name there is.
        suggestion: Option<String>,
    },
    /// The agent, its template or a file they name has mistakes.
    #[error("resolve the agent `{agent}`: {} to mend", count(.problems))]
    Broken {
        /// The agent.
        agent: String,
        /// Each mistake, with its place.
        problems: Vec<Problem>,
    },
    /// An extra argument that cellar gives itself.
    #[error("pass on `{argument}`; {advice}")]
    Argument {
        /// The argument.
        argument: String,
        /// What to do instead.
        advice: &'static str,
    },
    /// Remote control was asked for with a provider that has none.
    #[error("turn remote control on: only the provider `claude` has it")]
    RemoteControl,
    /// There is no preset for the provider's own need; a mistake of ours.
    #[error("find the provider's own routes")]
    Preset,
    /// The plan cannot be written as JSON; a mistake of ours.
    #[error("encode the plan")]
    Encode(#[source] serde_json::Error),
}

impl ResolveError {
    /// The mistakes in files, each with its place; empty for the other kinds.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Broken { problems, .. } => problems,
            Self::UnknownAgent { .. }
            | Self::Argument { .. }
            | Self::RemoteControl
            | Self::Preset
            | Self::Encode(_) => &[],
        }
    }
}

fn suggested(name: Option<&String>) -> String {
    name.map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

fn count(problems: &[Problem]) -> String {
    match problems.len() {
        1 => String::from("1 mistake"),
        count => format!("{count} mistakes"),
    }
}

impl Manifest {
    /// Makes the launch plan of an agent, called by its name or as `repo/<name>`.
    ///
    /// The same files and options give the same plan, byte for byte.
    ///
    /// # Errors
    /// [`ResolveError`] with every mistake that stands in the way.
    pub fn resolve(&self, agent: &str, options: &ResolveOptions) -> Result<Plan, ResolveError> {
        self.resolve_in(agent, options, Folder::From(&options.cwd))
    }

    /// As [`Manifest::resolve`], with the workspace from elsewhere.
    pub(super) fn resolve_in(
        &self,
        agent: &str,
        options: &ResolveOptions,
        folder: Folder<'_>,
    ) -> Result<Plan, ResolveError> {
        let found = self.find(agent).ok_or_else(|| ResolveError::UnknownAgent {
            name: agent.escape_debug().to_string(),
            suggestion: self.nearest(agent),
        })?;
        let broken = |problems: &[Problem]| ResolveError::Broken {
            agent: qualified(found),
            problems: problems.to_vec(),
        };
        let entry = found.entry.read.as_ref().map_err(|found| broken(found))?;
        let template = match self.templates.get(&entry.bottle.value) {
            Some(template) => template.read.as_ref().map_err(|found| broken(found))?,
            None => return Err(broken(&[])),
        };
        let gathered = self
            .gather_files(entry, template, found.source, folder)
            .map_err(|problems| broken(&problems))?;
        let variables = Variables::of(self, template, entry);
        let answer = provider::ask(
            &entry.provider,
            &Wish {
                extra_args: &options.extra_args,
                remote_control: options.remote_control,
                session_id: options.session_id,
                prompt: gathered.prompt.as_deref(),
                set: &variables.set(),
                routes: &template.routes,
                supervise: template.supervise,
            },
        )?;
        Parts {
            found,
            template,
            bottle: &entry.bottle.value,
            gathered,
            variables,
            secrets: self.sources(template),
            answer,
            time_zone: options.time_zone.as_deref(),
        }
        .compose()
    }

    fn gather_files(
        &self,
        agent: &Agent,
        template: &Template,
        source: AgentSource,
        folder: Folder<'_>,
    ) -> Result<Gathered, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem| problems.push(problem);
        let image = self.image(&template.image).map_err(&mut keep).ok();
        let wanted = agent.workspace.as_ref().unwrap_or(&template.workspace);
        let folder = folder.resolve(wanted, self).map_err(&mut keep).ok();
        let prompt = prompt::text(agent, self, source).map_err(&mut keep).ok();
        let upstream_ca = self.upstream_ca(template).map_err(&mut keep).ok();
        let skills = skills::read(&agent.skills, self, source, &mut problems);
        match (image, folder, prompt, upstream_ca) {
            (Some(image), Some(workspace), Some(prompt), Some(upstream_ca))
                if problems.is_empty() =>
            {
                Ok(Gathered {
                    image,
                    workspace,
                    prompt,
                    skills,
                    upstream_ca,
                })
            }
            _ => Err(problems),
        }
    }

    fn image(&self, entry: &ImageEntry) -> Result<ImageSource, Problem> {
        match entry {
            ImageEntry::From(reference) => Ok(ImageSource::Tag {
                reference: reference.clone(),
            }),
            ImageEntry::Dockerfile(path) => {
                let full = self.path_of(&path.value, AgentSource::Operator);
                canonical_within(&full, Kept::Anywhere)
                    .and_then(|real| read_text(&real, DOCKERFILE_LIMIT))
                    .map(|text| ImageSource::Dockerfile { text })
                    .map_err(|error| {
                        let message =
                            format!("the Dockerfile `{}` cannot be read: {error}", path.value);
                        let help = path_help(AgentSource::Operator);
                        path.place.problem(&message, Some(help))
                    })
            }
        }
    }

    /// What must be looked up so that egress has what a bottle's spec names, as its
    /// template says today.
    ///
    /// # Errors
    /// The template's mistakes; none if there is no such template, whose secrets are
    /// asked for then.
    pub fn credential_asks(&self, spec: &Spec) -> Result<Vec<SecretAsk>, Vec<Problem>> {
        let secrets = match self.templates.get(&spec.template) {
            Some(found) => self.sources(found.read.as_ref().map_err(Clone::clone)?),
            None => BTreeMap::new(),
        };
        Ok(compose::credential_asks(spec.secrets(), &secrets))
    }

    fn sources(&self, template: &Template) -> BTreeMap<SecretName, SecretSource> {
        let secrets = template.secrets.iter();
        secrets
            .map(|(name, source)| (name.clone(), self.source(source)))
            .collect()
    }

    /// A source with its path spelt out. Only the operator's own file names any.
    pub(super) fn source(&self, entry: &SourceEntry) -> SecretSource {
        match entry {
            SourceEntry::Env(name) => SecretSource::Env { name: name.clone() },
            SourceEntry::File(path) => SecretSource::File {
                path: self.path_of(path, AgentSource::Operator),
            },
            SourceEntry::Command(argv) => SecretSource::Command { argv: argv.clone() },
            SourceEntry::Prompt(text) => SecretSource::Prompt { text: text.clone() },
        }
    }

    fn upstream_ca(&self, template: &Template) -> Result<Option<String>, Problem> {
        let Some(path) = &template.upstream_ca else {
            return Ok(None);
        };
        let wrong = |message: String, help: &str| {
            Err(path.place.problem(&message, Some(String::from(help))))
        };
        let full = self.path_of(&path.value, AgentSource::Operator);
        let text = match canonical_within(&full, Kept::Anywhere)
            .and_then(|real| read_text(&real, CA_LIMIT))
        {
            Ok(text) => text,
            Err(error) => {
                let message = format!("the file `{}` cannot be read: {error}", path.value);
                return wrong(message, "name a PEM file with your own authority alone");
            }
        };
        if text.contains("PRIVATE KEY") {
            let message = format!("the file `{}` holds a private key", path.value);
            return wrong(message, "name a file with the certificate alone");
        }
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            let message = format!("the file `{}` holds no certificate", path.value);
            return wrong(
                message,
                "name a PEM file: it has a line -----BEGIN CERTIFICATE-----",
            );
        }
        Ok(Some(text))
    }

    /// A path of one of the files as a path of the host's.
    pub(super) fn path_of(&self, text: &str, source: AgentSource) -> PathBuf {
        match source {
            AgentSource::Operator => self.base(source).join(self.expand(text)),
            // A stranger's `~` is a folder called `~`: it must not reach the home.
            AgentSource::Repository => self.base(source).join(text),
        }
    }

    /// Replaces a leading `~/` by the operator's home.
    pub(super) fn expand(&self, text: &str) -> PathBuf {
        match (&self.paths.home, text.strip_prefix('~')) {
            (Some(home), Some("")) => home.clone(),
            (Some(home), Some(rest)) if rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            _ => PathBuf::from(text),
        }
    }
}

/// Where paths of a file start, as advice.
pub(super) fn path_help(source: AgentSource) -> String {
    match source {
        AgentSource::Operator => {
            String::from("paths start at the folder of this file, at ~/ or at /")
        }
        AgentSource::Repository => {
            String::from("paths start at the repository's root and must stay in it, links included")
        }
    }
}
