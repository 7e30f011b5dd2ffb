//! Everything that was read, put together to a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::load::{Manifest, qualified};
use super::model::{Agent, AgentEntry, EnvEntry, Template};
use super::plan::{HomeFile, Need, Plan, SecretAsk, SecretSource};
use super::provider::{self, Answer};
use super::resolve::ResolveError;
use super::skills::Skills;
use super::{prompt, visible::visible};
use crate::policy::{Route, RouteSet, SecretName};
use crate::spec::{
    Digest, HomeFileRef, ImageSource, SPEC_VERSION, Session, Spec, Workspace, layout,
};

/// What a plan is made of.
pub(super) struct Parts<'p> {
    pub(super) found: &'p AgentEntry,
    pub(super) template: &'p Template,
    /// The template's name.
    pub(super) bottle: &'p str,
    pub(super) gathered: Gathered,
    pub(super) variables: Variables,
    /// Where the secrets come from that the template names.
    pub(super) secrets: BTreeMap<SecretName, SecretSource>,
    pub(super) answer: Answer,
    /// The operator's, for a template that names none.
    pub(super) time_zone: Option<&'p str>,
}

/// What the files that an agent names hold.
pub(super) struct Gathered {
    pub(super) image: ImageSource,
    pub(super) workspace: Workspace,
    pub(super) prompt: Option<String>,
    pub(super) skills: Skills,
    /// PEM.
    pub(super) upstream_ca: Option<String>,
}

/// The variables of template and agent, sorted into what is known and what is asked.
#[derive(Default)]
pub(super) struct Variables {
    values: BTreeMap<String, String>,
    asks: BTreeMap<String, SecretSource>,
}

impl Parts<'_> {
    /// Puts the plan together. The same parts give the same plan, byte for byte.
    pub(super) fn compose(self) -> Result<Plan, ResolveError> {
        let zone = self.template.time_zone.as_deref().or(self.time_zone);
        let handed_over: Vec<_> = self.variables.asks.keys().cloned().collect();
        let mut env = provider::base_env(zone);
        env.extend(self.answer.env);
        env.extend(self.variables.values);
        env.retain(|name, _| !handed_over.contains(name));
        let mut notes = self.answer.notes;
        notes.extend(unrouted_gateway(&env, &self.template.routes));
        let mut home_files = self.answer.home_files;
        home_files.extend(self.gathered.skills.files);
        home_files.sort_by(|a, b| a.path.cmp(&b.path));
        let spec = Spec {
            version: SPEC_VERSION,
            agent: qualified(self.found),
            template: self.bottle.to_owned(),
            image: self.gathered.image,
            session: Session {
                argv: self.answer.argv,
                resume_argv: self.answer.resume_argv,
                env,
                handed_over,
                cwd: layout::WORKSPACE.to_owned(),
                home_files: home_files.iter().map(reference).collect(),
                observe: self.answer.observe,
                mcp_servers: BTreeMap::new(),
            },
            workspace: self.gathered.workspace,
            limits: self.template.limits.clone(),
            uid: self.template.uid,
            routes: RouteSet {
                unlisted: self.template.unlisted,
                denials: self.template.denials,
                budgets: self.template.budgets.clone(),
                ..merge(&self.template.routes, self.answer.routes)
            },
            upstream_ca: self.gathered.upstream_ca,
            upstream_proxy: self.template.upstream_proxy.clone(),
            supervise: self.template.supervise,
            clipboard: self.template.clipboard,
            runtime: self.template.runtime.clone(),
            build: self.template.build.clone(),
        };
        let asks = self.variables.asks.into_iter();
        let mut asks: Vec<SecretAsk> = asks
            .map(|(name, source)| SecretAsk {
                need: Need::Variable(name),
                source,
            })
            .collect();
        asks.extend(credential_asks(spec.secrets(), &self.secrets));
        Ok(Plan {
            name: self.found.name.clone(),
            digest: spec.digest().map_err(ResolveError::Encode)?,
            spec,
            home_files,
            asks,
            notes,
            prompt: self.gathered.prompt.as_deref().map(prompt::summary),
            skills: self.gathered.skills.names,
            source: self.found.source,
        })
    }
}

impl Variables {
    /// The agent's variables go before the template's.
    pub(super) fn of(manifest: &Manifest, template: &Template, agent: &Agent) -> Self {
        let mut entries = template.env.clone();
        entries.extend(agent.env.clone());
        let mut sorted = Self::default();
        for (variable, entry) in entries {
            let source = match entry {
                EnvEntry::Value(value) => {
                    sorted.values.insert(variable, value);
                    continue;
                }
                EnvEntry::Source(source) => manifest.source(&source),
            };
            sorted.asks.insert(variable, source);
        }
        sorted
    }

    /// Every variable, with its value where it is known.
    pub(super) fn set(&self) -> BTreeMap<String, Option<String>> {
        let known = self
            .values
            .iter()
            .map(|(name, value)| (name.clone(), Some(value.clone())));
        let asked = self.asks.keys().map(|name| (name.clone(), None));
        known.chain(asked).collect()
    }
}

/// What must be looked up so that egress has these secrets. A name that the template
/// does not have is asked for.
pub(super) fn credential_asks<'a>(
    names: impl Iterator<Item = &'a SecretName>,
    secrets: &BTreeMap<SecretName, SecretSource>,
) -> Vec<SecretAsk> {
    let names: BTreeSet<&SecretName> = names.collect();
    let asks = names.into_iter().map(|name| SecretAsk {
        need: Need::Credential(name.clone()),
        source: secrets
            .get(name)
            .cloned()
            .unwrap_or_else(|| SecretSource::Prompt {
                text: String::from("The manifest names this secret no more"),
            }),
    });
    asks.collect()
}

/// Says so if the program is sent to a host that no route lets out.
fn unrouted_gateway(env: &BTreeMap<String, String>, routes: &[Route]) -> Option<String> {
    let url = env.get("ANTHROPIC_BASE_URL")?;
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next().unwrap_or(rest);
    let is_routed = routes.iter().any(|route| route.host.to_string() == host);
    (!is_routed).then(|| {
        format!(
            "ANTHROPIC_BASE_URL names `{}`, which no route lets out",
            visible(host)
        )
    })
}

/// The template's routes, then the provider's that they do not hold already.
fn merge(own: &[Route], provider: Vec<Route>) -> RouteSet {
    let mut routes = own.to_vec();
    for mut route in provider {
        route.ports.retain(|port| {
            !own.iter()
                .any(|own| own.host == route.host && own.ports.contains(port))
        });
        if !route.ports.is_empty() {
            routes.push(route);
        }
    }
    RouteSet::of(routes)
}

fn reference(file: &HomeFile) -> HomeFileRef {
    HomeFileRef {
        path: file.path.clone(),
        mode: file.mode,
        digest: Digest::of(&file.content),
    }
}
