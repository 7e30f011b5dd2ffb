//! Whole files: `cellar.json`, `.cellar/agents.json` and `mounts.json`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonc_parser::ast::Value;

use super::shape::{Fields, Reader, Shape};
use super::syntax;
use crate::manifest::model::{AgentEntry, Entry, Located, Template};
use crate::manifest::plan::AgentSource;
use crate::manifest::problem::{Problem, SourceFile};
use crate::spec::BottleName;

const OPERATOR_FILE: Shape = Shape {
    what: "cellar.json",
    form: "write the whole file as { … }",
    known: &["$schema", "bottles", "agents"],
    refused: &[
        (
            "routes",
            "routes belong to a bottle: write them into an entry of `bottles`",
        ),
        (
            "mounts",
            "folders that may be mounted are listed in mounts.json beside this file",
        ),
    ],
};

const REPOSITORY_FILE: Shape = Shape {
    what: "a repository's agents.json",
    form: "write the whole file as { … }",
    known: &["$schema", "agents"],
    refused: &[
        (
            "bottles",
            "whoever can write to this repository could then choose images, routes and credentials; templates live in your own cellar.json only",
        ),
        (
            "routes",
            "whoever can write to this repository could then send data anywhere; add the route to a bottle of your own cellar.json",
        ),
        (
            "mounts",
            "only your own mounts.json may say which folders are mounted",
        ),
        (
            "credentials",
            "credentials are yours: name them in a bottle of your own cellar.json",
        ),
        (
            "env",
            "put the variables into a bottle of your own cellar.json",
        ),
    ],
};

const MOUNTS_FILE: Shape = Shape {
    what: "mounts.json",
    form: "write the whole file as { … }",
    known: &["$schema", "roots"],
    refused: &[],
};

const ROOT: Shape = Shape {
    what: "a root",
    form: "write it as { \"path\": \"~/code\" }",
    known: &["path", "read_write", "masks", "unmasked"],
    refused: &[],
};

/// What one manifest file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::manifest) struct Manifests {
    pub(in crate::manifest) templates: BTreeMap<String, Entry<Template>>,
    pub(in crate::manifest) agents: Vec<AgentEntry>,
}

/// One host folder under which folders may be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::manifest) struct MountRoot {
    pub(in crate::manifest) path: Located<String>,
    pub(in crate::manifest) read_write: bool,
    pub(in crate::manifest) masks: Vec<String>,
    pub(in crate::manifest) unmasked: Vec<String>,
}

/// Reads `cellar.json` or a repository's `agents.json`.
pub(in crate::manifest) fn read_manifest(
    file: &Arc<SourceFile>,
    source: AgentSource,
) -> (Manifests, Vec<Problem>) {
    let shape = match source {
        AgentSource::Operator => &OPERATOR_FILE,
        AgentSource::Repository => &REPOSITORY_FILE,
    };
    let mut reader = Reader::new(Arc::clone(file));
    let mut read = Manifests::default();
    let tree = syntax::parse(&mut reader, &file.text);
    if let Some(fields) = tree.as_ref().and_then(|root| reader.top(root, shape)) {
        if let Some(bottles) = fields.get("bottles") {
            read.templates = reader.templates(bottles);
        }
        if let Some(agents) = fields.get("agents") {
            read.agents = reader.agents(agents, source);
        }
    }
    (read, reader.problems)
}

/// Reads `mounts.json`.
pub(in crate::manifest) fn read_mounts(file: &Arc<SourceFile>) -> (Vec<MountRoot>, Vec<Problem>) {
    let mut reader = Reader::new(Arc::clone(file));
    let tree = syntax::parse(&mut reader, &file.text);
    let roots = tree
        .as_ref()
        .and_then(|root| reader.top(root, &MOUNTS_FILE))
        .and_then(|fields| fields.get("roots"))
        .map(|value| reader.roots(value))
        .unwrap_or_default();
    (roots, reader.problems)
}

impl Reader {
    pub(super) fn top<'v>(&mut self, root: &'v Value<'v>, shape: &Shape) -> Option<Fields<'v>> {
        let fields = self.fields(root, shape)?;
        if let Some(value) = fields.get("$schema") {
            self.text(value, "`$schema`", "write the address of the schema");
        }
        Some(fields)
    }

    fn templates(&mut self, value: &Value<'_>) -> BTreeMap<String, Entry<Template>> {
        let mut templates = BTreeMap::new();
        for (name, value) in self.members(value, "`bottles`") {
            if self.name(&name).is_some() {
                let entry = self.entry(name.place, |reader| reader.template(value, name.value));
                templates.insert(name.value.to_owned(), entry);
            }
        }
        templates
    }

    fn agents(&mut self, value: &Value<'_>, source: AgentSource) -> Vec<AgentEntry> {
        let mut agents = Vec::new();
        for (name, value) in self.members(value, "`agents`") {
            let checked = self.name(&name);
            let entry = self.entry(name.place, |reader| reader.agent(value, source));
            if let Some(name) = checked {
                agents.push(AgentEntry {
                    name,
                    source,
                    entry,
                });
            }
        }
        agents
    }

    fn name(&mut self, name: &Located<&str>) -> Option<BottleName> {
        if let Ok(name) = BottleName::parse(name.value) {
            return Some(name);
        }
        let message = format!("`{}` cannot be a name", name.value);
        let help =
            "use a lower-case letter, then lower-case letters, digits and hyphens, 40 at most";
        self.wrong(&name.place, &message, help);
        None
    }

    fn roots(&mut self, value: &Value<'_>) -> Vec<MountRoot> {
        let help = "write it as [{ \"path\": \"~/code\", \"read_write\": false }]";
        let elements = self.list(value, "`roots`", help).unwrap_or_default();
        elements
            .iter()
            .filter_map(|element| self.root(element))
            .collect()
    }

    fn root(&mut self, value: &Value<'_>) -> Option<MountRoot> {
        let fields = self.fields(value, &ROOT)?;
        let help = "write an absolute folder, such as \"~/code\"";
        let path = if let Some(value) = fields.get("path") {
            self.root_path(value, help)
        } else {
            let place = fields.place.clone();
            self.wrong(
                &place,
                "the root names no folder",
                "add \"path\": \"~/code\"",
            );
            None
        };
        let read_write = match fields.get("read_write") {
            Some(value) => self.boolean(value, "`read_write`"),
            None => Some(false),
        };
        let masks = self.patterns(&fields, "masks");
        let unmasked = self.patterns(&fields, "unmasked");
        Some(MountRoot {
            path: path?,
            read_write: read_write?,
            masks: masks?,
            unmasked: unmasked?,
        })
    }

    fn root_path(&mut self, value: &Value<'_>, help: &str) -> Option<Located<String>> {
        let path = self.located(value, "`path`", help)?;
        if path.value.starts_with('/') || path.value == "~" || path.value.starts_with("~/") {
            return Some(path);
        }
        self.wrong_at(value, &format!("`{}` is not absolute", path.value), help);
        None
    }

    fn patterns(&mut self, fields: &Fields<'_>, key: &'static str) -> Option<Vec<String>> {
        let help = "write patterns such as \".env\", \"*.pem\" or \"config/secrets\"";
        let Some(value) = fields.get(key) else {
            return Some(Vec::new());
        };
        let patterns = self.texts(value, &format!("`{key}`"), help)?;
        for pattern in &patterns {
            let is_walkable = pattern
                .value
                .split('/')
                .all(|part| !matches!(part, "" | "." | ".." | "**"));
            if !is_walkable {
                let message = format!("`{}` is no pattern", pattern.value);
                let help = "a name matches at any depth, a path from the mounted folder; `*` and `?` match within a name; no leading or trailing /";
                self.wrong(&pattern.place, &message, help);
            }
        }
        Some(patterns.into_iter().map(|pattern| pattern.value).collect())
    }
}
