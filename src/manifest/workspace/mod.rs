//! The workspace: which host folder a bottle may see, and what of it is masked.
//!
//! Every path is resolved to where it really is before it is judged, so that no
//! symbolic link leads out of what `mounts.json` allows. What cannot be judged is
//! refused.

mod masks;
mod mount;

use std::path::{Path, PathBuf};

use super::load::Manifest;
use super::model::{Located, WorkspaceEntry};
use super::problem::Problem;
use crate::spec::Workspace;

/// Where a workspace comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Folder<'p> {
    /// Relative paths start here, and the folder must be there.
    From(&'p Path),
    /// A bottle has this one. Nothing is looked at but where a path leads that starts
    /// nowhere else.
    Kept(&'p Workspace),
}

impl Folder<'_> {
    /// Resolves what a file says.
    pub(super) fn resolve(
        self,
        entry: &WorkspaceEntry,
        manifest: &Manifest,
    ) -> Result<Workspace, Problem> {
        match self {
            Self::From(cwd) => resolve(entry, manifest, cwd),
            Self::Kept(known) => Ok(kept(entry, manifest, known)),
        }
    }
}

/// The bottle's own workspace if the file may still mean it, or what it means then.
fn kept(entry: &WorkspaceEntry, manifest: &Manifest, known: &Workspace) -> Workspace {
    let spelt = |path: &Located<String>| manifest.expand(&path.value).display().to_string();
    let is_still = |path: &Located<String>, host: &str| {
        let wanted = manifest.expand(&path.value);
        // Where a relative path started, only the start of the bottle knew.
        wanted.is_relative()
            || std::fs::canonicalize(&wanted).map_or(true, |real| real == Path::new(host))
    };
    match (entry, known) {
        (WorkspaceEntry::Copy(path), Workspace::Copy { host }) if is_still(path, host) => {
            known.clone()
        }
        (
            WorkspaceEntry::Mount { path, read_only },
            Workspace::Mount {
                host,
                read_only: was,
                ..
            },
        ) if read_only == was && is_still(path, host) => known.clone(),
        (WorkspaceEntry::None, _) => Workspace::None,
        (WorkspaceEntry::Copy(path), _) => Workspace::Copy { host: spelt(path) },
        (WorkspaceEntry::Mount { path, read_only }, _) => Workspace::Mount {
            host: spelt(path),
            read_only: *read_only,
            masks: Vec::new(),
        },
    }
}

/// Resolves a workspace; relative paths start at `cwd`.
fn resolve(entry: &WorkspaceEntry, manifest: &Manifest, cwd: &Path) -> Result<Workspace, Problem> {
    match entry {
        WorkspaceEntry::None => Ok(Workspace::None),
        WorkspaceEntry::Copy(path) => Ok(Workspace::Copy {
            host: text(&folder(path, manifest, cwd)?, path)?,
        }),
        WorkspaceEntry::Mount { path, read_only } => {
            let real = folder(path, manifest, cwd)?;
            mount::resolve(&real, path, *read_only, manifest)
        }
    }
}

/// The real path of a folder that is there.
fn folder(path: &Located<String>, manifest: &Manifest, cwd: &Path) -> Result<PathBuf, Problem> {
    let wanted = cwd.join(manifest.expand(&path.value));
    let why = match std::fs::canonicalize(&wanted) {
        Ok(real) if real.is_dir() => return Ok(real),
        Ok(_) => String::from("it is not a folder"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            String::from("it is not there")
        }
        Err(error) => error.to_string(),
    };
    let message = format!("the workspace `{}` cannot be used: {why}", path.value);
    let help = "write a folder: absolute, from ~/, or from where cellar is started";
    Err(path.place.problem(&message, Some(String::from(help))))
}

fn text(real: &Path, path: &Located<String>) -> Result<String, Problem> {
    real.to_str().map(str::to_owned).ok_or_else(|| {
        let message = format!("the real path of `{}` is not UTF-8", path.value);
        path.place
            .problem(&message, Some(String::from("rename the folder")))
    })
}
