//! Whether `mounts.json` allows a folder, and for what.

use std::path::{Path, PathBuf};

use super::masks::{self, Masking};
use crate::manifest::load::{Manifest, shown};
use crate::manifest::model::Located;
use crate::manifest::problem::Problem;
use crate::manifest::read::MountRoot;
use crate::spec::Workspace;

/// Judges a folder by its real path.
pub(super) fn resolve(
    real: &Path,
    path: &Located<String>,
    read_only: bool,
    manifest: &Manifest,
) -> Result<Workspace, Problem> {
    let refuse = |why: &str, help: String| {
        let message = format!("`{}` may not be mounted: {why}", path.value);
        Err(path.place.problem(&message, Some(help)))
    };
    if let Some(problem) = manifest.mounts_problems.first() {
        return refuse(
            "mounts.json has mistakes",
            format!("mend it first: {problem}"),
        );
    }
    if let Some(own) = touches_own_files(real, manifest) {
        return refuse(
            &format!("{own} lies in it"),
            String::from("name a folder that holds only the agent's work"),
        );
    }
    let Some(root) = root_of(real, manifest) else {
        let place = shown(real, manifest.paths.home.as_deref());
        let why = format!("{place} is below no root of mounts.json");
        let mounts = shown(&manifest.paths.mounts, manifest.paths.home.as_deref());
        return refuse(
            &why,
            format!("if you mean it, add {{ \"path\": \"{place}\" }} to `roots` in {mounts}"),
        );
    };
    if !read_only && !root.read_write {
        return refuse(
            &format!("the root {} allows reading only", root.path.value),
            String::from(
                "leave `read_only` out or true, or set \"read_write\": true on that root in mounts.json",
            ),
        );
    }
    let masks = match masks::expand(real, &Masking::of(root, read_only)) {
        Ok(masks) => masks,
        Err(error) => {
            let help = String::from("mount a smaller folder, or use { \"copy\": … }");
            return refuse(&format!("its masks are not sure: {error}"), help);
        }
    };
    Ok(Workspace::Mount {
        host: super::text(real, path)?,
        read_only,
        masks,
    })
}

/// The deepest root that holds the folder, both by their real paths.
fn root_of<'m>(real: &Path, manifest: &'m Manifest) -> Option<&'m MountRoot> {
    manifest
        .mounts
        .iter()
        .filter_map(|root| {
            let folder = std::fs::canonicalize(manifest.expand(&root.path.value)).ok()?;
            real.starts_with(&folder)
                .then(|| (folder.components().count(), root))
        })
        .max_by_key(|(depth, _)| *depth)
        .map(|(_, root)| root)
}

/// Whether the agent could then rewrite or read the files that hold it.
fn touches_own_files(real: &Path, manifest: &Manifest) -> Option<&'static str> {
    let folder_of = |path: &Path| -> Option<PathBuf> { path.parent()?.canonicalize().ok() };
    let own = [
        (folder_of(&manifest.paths.operator), "your cellar.json"),
        (folder_of(&manifest.paths.mounts), "your mounts.json"),
    ];
    own.into_iter()
        .find(|(folder, _)| {
            folder
                .as_ref()
                .is_some_and(|folder| folder.starts_with(real) || real.starts_with(folder))
        })
        .map(|(_, name)| name)
}
