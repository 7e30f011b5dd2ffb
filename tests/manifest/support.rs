//! One operator's folder and one repository, each in a folder of the test's own.

use std::path::{Path, PathBuf};

use cellar::manifest::{Loaded, Manifest, ManifestPaths, Paint, Plan, Problem, ResolveOptions};
use tempfile::TempDir;
use uuid::Uuid;

/// A home with a configuration folder and a repository in it.
pub(crate) struct World {
    root: TempDir,
}

/// A template and an agent that need nothing else.
pub(crate) const PLAIN: &str = r#"{
  "bottles": { "claude": { "image": { "from": "cellar/claude:latest" } } },
  "agents": { "api": { "bottle": "claude" } },
}"#;

impl World {
    pub(crate) fn new(operator: &str) -> Self {
        let world = Self {
            root: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir_all(world.path("repo")).unwrap();
        world.write("config/cellar.json", operator)
    }

    pub(crate) fn write(self, path: &str, text: &str) -> Self {
        self.put(path, text.as_bytes());
        self
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn link(self, target: &str, path: &str) -> Self {
        let link = self.path(path);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(self.path(target), link).unwrap();
        self
    }

    /// A path below the home.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.home().join(path)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap()
    }

    pub(crate) fn paths(&self) -> ManifestPaths {
        ManifestPaths {
            home: Some(self.home()),
            ..ManifestPaths::in_folder(&self.path("config")).with_repository_of(&self.path("repo"))
        }
    }

    pub(crate) fn load(&self) -> Loaded {
        Manifest::load(&self.paths())
    }

    pub(crate) fn options(&self) -> ResolveOptions {
        ResolveOptions {
            extra_args: Vec::new(),
            remote_control: false,
            session_id: Uuid::from_u128(7),
            time_zone: Some(String::from("Europe/Berlin")),
            cwd: self.path("repo"),
        }
    }

    /// The plan of an agent in files without a mistake.
    pub(crate) fn plan(&self, agent: &str) -> Plan {
        let loaded = self.load();
        assert_eq!(loaded.problems, [], "no mistakes expected");
        self.resolve(agent).unwrap_or_else(|text| panic!("{text}"))
    }

    /// The plan, or what is drawn in its place.
    pub(crate) fn resolve(&self, agent: &str) -> Result<Plan, String> {
        self.load()
            .manifest
            .resolve(agent, &self.options())
            .map_err(|error| format!("{error}\n{}", self.drawn(error.problems())))
    }

    /// All problems as they are printed, with the home's name taken out.
    pub(crate) fn drawn(&self, problems: &[Problem]) -> String {
        let drawn: Vec<_> = problems
            .iter()
            .map(|problem| problem.render(Paint::Plain, 100))
            .collect();
        self.without_home(&drawn.join("\n"))
    }

    pub(crate) fn without_home(&self, text: &str) -> String {
        text.replace(&self.home().display().to_string(), "HOME")
    }

    /// The summary as text, with the home's name taken out.
    pub(crate) fn summary(&self, plan: &Plan) -> String {
        let rows: Vec<_> = plan
            .summary()
            .iter()
            .map(|row| format!("{:<12} {}", row.label, row.value))
            .collect();
        self.without_home(&rows.join("\n"))
    }
}

/// A mistake-free skill folder's file.
pub(crate) fn skill(path: &Path) -> String {
    path.join("SKILL.md").display().to_string()
}
