//! One of the operator's own files as it would be, shown before it is written.
//!
//! What is written is exactly what was shown, into exactly the text that it was shown
//! against: [`Rewrite::commit`] looks again. It writes a file beside the old one, with its
//! mode, waits for the disk, and renames, so that a crash leaves the one or the other.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::edit::{EditError, Edited, add_route};
use super::load::{FILE_LIMIT, Manifest, shown};
use super::model::ImageEntry;
use super::plan::AgentSource;
use super::read::{FileError, Kept, canonical_within, read_bytes};
use super::resolve::DOCKERFILE_LIMIT;
use super::visible::visible;
use crate::policy::{LineDiff, Route};

/// A file before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Rewrite {
    /// The file itself, links followed.
    file: PathBuf,
    /// Its name for the operator.
    name: String,
    /// What it holds.
    before: String,
    /// What it would hold.
    after: String,
}

/// What writing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// It was written.
    Now,
    /// It held that already.
    Before,
}

/// Why a file cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// It cannot be read.
    #[error("read `{name}`: {why}")]
    Unreadable {
        /// The file.
        name: String,
        /// Why.
        why: String,
    },
    /// The route does not go into it.
    #[error("change `{name}`")]
    Edit {
        /// The file.
        name: String,
        /// Why.
        #[source]
        why: EditError,
    },
    /// The template is made from an image that is built elsewhere.
    #[error(
        "write a Dockerfile: the bottle `{template}` starts from the image `{reference}` and names none"
    )]
    NoDockerfile {
        /// The template.
        template: String,
        /// The image.
        reference: String,
    },
    /// Somebody else changed it.
    #[error("change `{name}`: it is not as it was when this was shown")]
    Changed {
        /// The file.
        name: String,
    },
    /// The disk refuses.
    #[error("write `{name}`")]
    Io {
        /// The file.
        name: String,
        /// The system's words.
        #[source]
        source: io::Error,
    },
}

impl Manifest {
    /// Gives the operator's `cellar.json` with a route more in a template; nothing if it
    /// has the route already. The file is read anew.
    ///
    /// # Errors
    /// [`RewriteError`].
    pub fn with_route(
        &self,
        template: &str,
        route: &Route,
    ) -> Result<Option<Rewrite>, RewriteError> {
        let path = self.paths.operator.clone();
        let name = visible(&shown(&path, self.paths.home.as_deref()));
        let (file, before) = read(&path, &name, FILE_LIMIT)?;
        match add_route(&before, template, route) {
            Ok(Edited::AlreadyThere) => Ok(None),
            Ok(Edited::Changed(after)) => Ok(Some(Rewrite {
                file,
                name,
                before,
                after,
            })),
            Err(why) => Err(RewriteError::Edit { name, why }),
        }
    }

    /// Gives the Dockerfile that a template names with another text; nothing if it has
    /// that text already.
    ///
    /// # Errors
    /// [`RewriteError`].
    pub fn with_dockerfile(
        &self,
        template: &str,
        text: &str,
    ) -> Result<Option<Rewrite>, RewriteError> {
        let edit = |why| RewriteError::Edit {
            name: String::from("cellar.json"),
            why,
        };
        let template = template.to_owned();
        let found = match self.templates.get(&template).map(|entry| &entry.read) {
            Some(Ok(found)) => found,
            Some(Err(problems)) => {
                let problem = problems.first().map(ToString::to_string);
                let problem = problem.unwrap_or_default();
                return Err(edit(EditError::Broken { template, problem }));
            }
            None => return Err(edit(EditError::NoTemplate { template })),
        };
        let path = match &found.image {
            ImageEntry::Dockerfile(path) => self.path_of(&path.value, AgentSource::Operator),
            ImageEntry::From(reference) => {
                let reference = reference.clone();
                return Err(RewriteError::NoDockerfile {
                    template,
                    reference,
                });
            }
        };
        let name = visible(&shown(&path, self.paths.home.as_deref()));
        let (file, before) = read(&path, &name, DOCKERFILE_LIMIT)?;
        let after = text.to_owned();
        Ok((before != after).then_some(Rewrite {
            file,
            name,
            before,
            after,
        }))
    }
}

fn read(path: &Path, name: &str, limit: u64) -> Result<(PathBuf, String), RewriteError> {
    let unreadable = |error: FileError| RewriteError::Unreadable {
        name: name.to_owned(),
        why: error.to_string(),
    };
    let real = canonical_within(path, Kept::Anywhere).map_err(unreadable)?;
    let bytes = read_bytes(&real, limit).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable(FileError::NotText))?;
    Ok((real, text))
}

impl Rewrite {
    /// The file's name for the operator.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What changes, line by line. Line ends that stay as they are show nowhere.
    #[must_use]
    pub fn diff(&self) -> LineDiff {
        let plain = |text: &str| text.replace("\r\n", "\n");
        LineDiff::of(&plain(&self.before), &plain(&self.after))
    }

    /// Whether the file still is what this was shown against.
    ///
    /// # Errors
    /// [`RewriteError::Changed`], or why it cannot be read.
    pub fn check(&self) -> Result<(), RewriteError> {
        if self.now()? == self.before {
            return Ok(());
        }
        Err(RewriteError::Changed {
            name: self.name.clone(),
        })
    }

    /// Writes the file, once: done again, it changes nothing.
    ///
    /// # Errors
    /// [`RewriteError`], with the file as it was.
    pub fn commit(&self) -> Result<Written, RewriteError> {
        if self.now()? == self.after {
            return Ok(Written::Before);
        }
        self.check()?;
        let io = |source| RewriteError::Io {
            name: self.name.clone(),
            source,
        };
        self.replace().map(|()| Written::Now).map_err(io)
    }

    fn now(&self) -> Result<String, RewriteError> {
        let limit = FILE_LIMIT.max(DOCKERFILE_LIMIT);
        read(&self.file, &self.name, limit).map(|(_, text)| text)
    }

    fn replace(&self) -> io::Result<()> {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        // Always of this name, so that what a crash leaves is taken away by the next.
        let beside = self.file.with_file_name(format!(".{name}.cellar-new"));
        let mode = fs::metadata(&self.file)?.permissions().mode();
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = self.write(&beside, mode);
        let renamed = written.and_then(|()| fs::rename(&beside, &self.file));
        if renamed.is_err() {
            drop(fs::remove_file(&beside));
        }
        renamed?;
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        File::open(folder)?.sync_all()
    }

    fn write(&self, beside: &Path, mode: u32) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(beside)?;
        file.write_all(self.after.as_bytes())?;
        // Whatever the mask of new files says.
        file.set_permissions(fs::Permissions::from_mode(mode & 0o7777))?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ManifestPaths;
    use crate::policy::{HostName, Provenance};

    const FILE: &str =
        "{\n  // mine\n  \"bottles\": { \"t\": { \"image\": { \"from\": \"x\" } } },\n}\n";

    fn route() -> Route {
        let host = HostName::parse("new.test").unwrap();
        Route::to(host, vec![443], Provenance::Operator)
    }

    fn manifest(folder: &Path, text: &str) -> Manifest {
        fs::write(folder.join("cellar.json"), text).unwrap();
        Manifest::load(&ManifestPaths::in_folder(folder)).manifest
    }

    #[test]
    fn a_file_is_replaced_where_it_really_is_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("dotfiles");
        fs::write(&real, FILE).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("cellar.json");
        std::os::unix::fs::symlink("dotfiles", &link).unwrap();
        let manifest = Manifest::load(&ManifestPaths::in_folder(folder.path())).manifest;
        let rewrite = manifest.with_route("t", &route()).unwrap().unwrap();
        assert_eq!(rewrite.diff().words(), "+1 \u{2212}1 lines");
        assert_eq!(rewrite.commit().unwrap(), Written::Now);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        let written = fs::read_to_string(&real).unwrap();
        assert!(written.contains("// mine") && written.contains("new.test"));
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(rewrite.commit().unwrap(), Written::Before);
        assert_eq!(manifest.with_route("t", &route()).unwrap(), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_somebody_changed_meanwhile_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = manifest(folder.path(), FILE);
        let rewrite = manifest.with_route("t", &route()).unwrap().unwrap();
        let other = FILE.replace("mine", "yours");
        fs::write(folder.path().join("cellar.json"), &other).unwrap();
        for refused in [rewrite.check().err(), rewrite.commit().err()] {
            assert!(matches!(refused, Some(RewriteError::Changed { .. })));
        }
        let there = fs::read_to_string(folder.path().join("cellar.json")).unwrap();
        assert_eq!(there, other);
    }

    #[test]
    fn a_crash_in_the_middle_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = manifest(folder.path(), FILE);
        let rewrite = manifest.with_route("t", &route()).unwrap().unwrap();
        fs::write(folder.path().join(".cellar.json.cellar-new"), "half").unwrap();
        assert_eq!(rewrite.commit().unwrap(), Written::Now);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_dockerfile_that_a_template_names_gets_another_text() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"bottles": {"d": {"image": {"dockerfile": "Dockerfile"}}, "t": {"image": {"from": "x:1"}}}}"#;
        let manifest = manifest(folder.path(), text);
        fs::write(folder.path().join("Dockerfile"), "FROM a\n").unwrap();
        let rewrite = manifest.with_dockerfile("d", "FROM b\n").unwrap().unwrap();
        assert_eq!(rewrite.commit().unwrap(), Written::Now);
        assert_eq!(manifest.with_dockerfile("d", "FROM b\n").unwrap(), None);
        let refused = manifest.with_dockerfile("t", "FROM b\n").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "write a Dockerfile: the bottle `t` starts from the image `x:1` and names none"
        );
    }
}
