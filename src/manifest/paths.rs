//! Where the user's files are.

use std::path::{Path, PathBuf};

/// How many folders upwards a repository's file is looked for.
const WALK_LIMIT: usize = 64;

/// The files that make up a manifest. Every field may be set by hand in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestPaths {
    /// The operator's `cellar.json`; it need not exist.
    pub operator: PathBuf,
    /// The operator's `mounts.json`; it need not exist.
    pub mounts: PathBuf,
    /// The repository's `.cellar/agents.json`, if one was found.
    pub repository: Option<PathBuf>,
    /// What `~/` stands for in the operator's files.
    pub home: Option<PathBuf>,
}

impl ManifestPaths {
    /// Finds the operator's folder and the nearest `.cellar/agents.json` at or above `cwd`.
    ///
    /// # Errors
    /// [`NoHome`] if the operator has no home folder, so that no place for the files is known.
    pub fn discover(cwd: &Path) -> Result<Self, NoHome> {
        let folders = directories::ProjectDirs::from("", "", "cellar").ok_or(NoHome)?;
        let home = directories::BaseDirs::new().map(|base| base.home_dir().to_owned());
        Ok(Self {
            repository: find_repository(cwd),
            home,
            ..Self::in_folder(folders.config_dir())
        })
    }

    /// Takes the operator's files from one folder, and no repository's.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            operator: folder.join("cellar.json"),
            mounts: folder.join("mounts.json"),
            repository: None,
            home: None,
        }
    }

    /// The operator's prices of models; the file need not exist.
    #[must_use]
    pub fn prices(&self) -> PathBuf {
        self.operator.with_file_name("prices.json")
    }

    /// The operator's settings of the console; the file need not exist.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.operator.with_file_name("config.json")
    }

    /// The folder of the operator's own themes; it need not exist.
    #[must_use]
    pub fn themes(&self) -> PathBuf {
        self.operator.with_file_name("themes")
    }

    /// Adds the repository's file found at or above `cwd`.
    #[must_use]
    pub fn with_repository_of(self, cwd: &Path) -> Self {
        Self {
            repository: find_repository(cwd),
            ..self
        }
    }
}

/// The operator has no home folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find the home folder; set HOME or XDG_CONFIG_HOME")]
pub struct NoHome;

fn find_repository(cwd: &Path) -> Option<PathBuf> {
    cwd.ancestors()
        .take(WALK_LIMIT)
        .map(|folder| folder.join(".cellar").join("agents.json"))
        .find(|file| file.symlink_metadata().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_repository_file_is_found() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b/c");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir_all(root.path().join("a/.cellar")).unwrap();
        let file = root.path().join("a/.cellar/agents.json");
        std::fs::write(&file, "{}").unwrap();
        let paths = ManifestPaths::in_folder(root.path()).with_repository_of(&deep);
        assert_eq!(paths.repository, Some(file));
    }
}
