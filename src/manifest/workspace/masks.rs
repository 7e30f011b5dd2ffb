//! Masks: paths of a mounted folder that the bottle sees empty.
//!
//! The folder is walked once, before the start; what appears in it later is not
//! masked. The walk is bounded, and a folder that cannot be walked is refused.

use std::fs::{self, FileType};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use crate::manifest::read::MountRoot;
use crate::spec::Mask;

/// Masked in every mount: what commonly holds credentials.
pub(in crate::manifest) const DEFAULT_MASKS: [&str; 18] = [
    ".env",
    ".env.*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "id_rsa",
    "id_ecdsa",
    "id_ed25519",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".ssh",
    ".aws",
    ".gnupg",
    ".kube",
    ".docker",
];

/// Masked beside these where the agent may write: what the operator's own git
/// would run.
const WRITABLE_MASKS: [&str; 1] = [".git/hooks"];

/// How many entries a mounted folder may hold.
const ENTRIES_LIMIT: usize = 500_000;
/// How many masks a bottle may have; each is a mount of its own.
const MASKS_LIMIT: usize = 256;
/// How deep folders may be nested.
const DEPTH_LIMIT: usize = 128;

/// Which paths are masked.
#[derive(Debug)]
pub(super) struct Masking<'m> {
    masks: Vec<&'m str>,
    unmasked: Vec<&'m str>,
}

/// Why the masks of a folder cannot be told for sure.
#[derive(Debug, thiserror::Error)]
pub(super) enum MaskError {
    #[error("it holds more than {ENTRIES_LIMIT} entries")]
    TooMany,
    #[error("it is nested deeper than {DEPTH_LIMIT} folders")]
    TooDeep,
    #[error("more than {MASKS_LIMIT} of its paths would be masked")]
    TooManyMasks,
    #[error("`{path}` cannot be read: {source}")]
    Unreadable {
        path: String,
        source: std::io::Error,
    },
    #[error("`{path}` must be masked and its name is not UTF-8")]
    Name { path: String },
}

impl<'m> Masking<'m> {
    pub(super) fn of(root: &'m MountRoot, read_only: bool) -> Self {
        let writable: &[&str] = if read_only { &[] } else { &WRITABLE_MASKS };
        let masks = DEFAULT_MASKS
            .iter()
            .chain(writable)
            .copied()
            .chain(root.masks.iter().map(String::as_str));
        Self {
            masks: masks.collect(),
            unmasked: root.unmasked.iter().map(String::as_str).collect(),
        }
    }

    fn holds(&self, path: &str) -> bool {
        let any = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, path));
        any(&self.masks) && !any(&self.unmasked)
    }
}

/// Walks the folder and lists what is masked, sorted by path.
pub(super) fn expand(root: &Path, masking: &Masking<'_>) -> Result<Vec<Mask>, MaskError> {
    let mut masks = Vec::new();
    let mut left = ENTRIES_LIMIT;
    let mut folders = vec![(root.to_owned(), PathBuf::new(), 0_usize)];
    while let Some((folder, below, depth)) = folders.pop() {
        let unreadable = |source| MaskError::Unreadable {
            path: below.display().to_string(),
            source,
        };
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            left = left.checked_sub(1).ok_or(MaskError::TooMany)?;
            let kind = entry.file_type().map_err(unreadable)?;
            let path = below.join(entry.file_name());
            if is_special(kind) || masking.holds(&path.to_string_lossy()) {
                masks.extend(mask_of(root, &path, kind)?);
            } else if kind.is_dir() {
                if depth >= DEPTH_LIMIT {
                    return Err(MaskError::TooDeep);
                }
                folders.push((entry.path(), path, depth + 1));
            }
        }
    }
    masks.sort_by(|a, b| a.path.cmp(&b.path));
    masks.dedup();
    drop_nested(&mut masks);
    if masks.len() > MASKS_LIMIT {
        return Err(MaskError::TooManyMasks);
    }
    Ok(masks)
}

/// A socket of the host's in a mounted folder would be a door out of the seal.
fn is_special(kind: FileType) -> bool {
    kind.is_socket() || kind.is_fifo() || kind.is_block_device() || kind.is_char_device()
}

/// The mask for one path. For a link it is what the link names, as a mount follows
/// links; a link that leads outside the folder leads nowhere in the bottle.
fn mask_of(root: &Path, path: &Path, kind: FileType) -> Result<Option<Mask>, MaskError> {
    let (path, is_folder) = if kind.is_symlink() {
        let Ok(target) = fs::canonicalize(root.join(path)) else {
            return Ok(None);
        };
        let Ok(below) = target.strip_prefix(root) else {
            return Ok(None);
        };
        if below.as_os_str().is_empty() {
            return Ok(None);
        }
        (below.to_owned(), target.is_dir())
    } else {
        (path.to_owned(), kind.is_dir())
    };
    match path.to_str() {
        Some(path) => Ok(Some(Mask {
            path: path.to_owned(),
            is_folder,
        })),
        None => Err(MaskError::Name {
            path: path.display().to_string(),
        }),
    }
}

/// Takes out masks that lie below a masked folder: their mount points are gone.
fn drop_nested(masks: &mut Vec<Mask>) {
    let folders: Vec<String> = masks
        .iter()
        .filter(|mask| mask.is_folder)
        .map(|mask| format!("{}/", mask.path))
        .collect();
    masks.retain(|mask| !folders.iter().any(|folder| mask.path.starts_with(folder)));
}

/// A pattern without `/` matches a name at any depth, one with `/` a path from the
/// folder, part by part.
fn matches(pattern: &str, path: &str) -> bool {
    if pattern.contains('/') {
        let (mut patterns, mut parts) = (pattern.split('/'), path.split('/'));
        loop {
            match (patterns.next(), parts.next()) {
                (None, None) => return true,
                (Some(pattern), Some(part)) if part_matches(pattern, part) => {}
                _ => return false,
            }
        }
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    part_matches(pattern, name)
}

/// `*` is any text, `?` one character; without regard to case, as some file
/// systems have none.
fn part_matches(pattern: &str, text: &str) -> bool {
    let lower = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    let (pattern, text) = (lower(pattern), lower(text));
    let (mut at, mut in_pattern) = (0, 0);
    // Where to go on if the last `*` must swallow one character more.
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some('*') => {
                retry = Some((in_pattern + 1, at));
                in_pattern += 1;
            }
            Some(wanted) if *wanted == '?' || text.get(at) == Some(wanted) => {
                at += 1;
                in_pattern += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    at = from + 1;
                    in_pattern = after;
                    retry = Some((after, at));
                }
                None => return false,
            },
        }
    }
    pattern
        .get(in_pattern..)
        .is_some_and(|rest| rest.iter().all(|character| *character == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_at_any_depth_and_paths_from_the_folder() {
        for (pattern, path, expected) in [
            (".env", ".env", true),
            (".env", "a/b/.ENV", true),
            (".env", ".envrc", false),
            (".env.*", "x/.env.local", true),
            ("*.pem", "keys/server.pem", true),
            ("*.pem", "server.pem.txt", false),
            (".git/hooks", ".git/hooks", true),
            (".git/hooks", "sub/.git/hooks", false),
            ("config/*/secret?", "config/a/secret1", true),
            ("config/*/secret?", "config/a/b/secret1", false),
            ("a*b*c", "aXbYbZc", true),
            ("*", "anything", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn masks_below_a_masked_folder_are_dropped() {
        let mask = |path: &str, is_folder| Mask {
            path: path.to_owned(),
            is_folder,
        };
        let mut masks = vec![mask("a", true), mask("a/b", false), mask("ab", false)];
        drop_nested(&mut masks);
        assert_eq!(masks, [mask("a", true), mask("ab", false)]);
    }
}
