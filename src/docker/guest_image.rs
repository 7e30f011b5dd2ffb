//! The guest image: the running static binary, packed and loaded where it is missing.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

use super::archive::guest_archive;
use super::engine::{Body, Engine};
use super::error::EngineError;
use crate::spec::Digest;

/// Changes whenever the image's layout does, so that its tag does too.
const LAYOUT: &str = "1";

/// How much of an archive goes to the engine at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A static binary that plays every role, and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestBinary {
    path: PathBuf,
    digest: Digest,
}

/// Why the guest binary cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("read the guest binary")]
pub struct GuestBinaryError(#[from] std::io::Error);

impl GuestBinary {
    /// The running binary itself. `cache` names a small file that remembers its
    /// hash; without one, or when it is stale or damaged, the binary is read whole.
    ///
    /// # Errors
    /// [`GuestBinaryError`] if the binary cannot be read.
    pub fn of_self(cache: Option<&Path>) -> Result<Self, GuestBinaryError> {
        Self::at(Path::new("/proc/self/exe"), cache)
    }

    /// A binary at a path.
    ///
    /// # Errors
    /// [`GuestBinaryError`] if it cannot be read.
    pub fn at(path: &Path, cache: Option<&Path>) -> Result<Self, GuestBinaryError> {
        let identity = identity(path)?;
        let known = cache.and_then(|cache| recall(cache, &identity));
        let digest = match known {
            Some(digest) => digest,
            None => hash(path)?,
        };
        if let (None, Some(cache)) = (known, cache) {
            remember(cache, &identity, digest);
        }
        Ok(Self {
            path: path.to_owned(),
            digest,
        })
    }

    /// The 12 digits that name image and volume.
    #[must_use]
    pub fn short(&self) -> String {
        self.digest.short()
    }

    /// The image's reference.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("cellar/guest:{}", self.short())
    }

    /// The volume that holds the binary for agent containers.
    #[must_use]
    pub fn volume(&self) -> String {
        format!("cellar-guest-{}", self.short())
    }

    /// The container that keeps the volume.
    #[must_use]
    pub(crate) fn keeper(&self) -> String {
        format!("cellar-keep-{}", self.short())
    }

    fn archive(&self) -> Result<Vec<u8>, GuestBinaryError> {
        let binary = std::fs::read(&self.path)?;
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let short = self.short();
        Ok(guest_archive(
            &binary,
            &self.reference(),
            &short,
            architecture,
        )?)
    }
}

/// Loads the guest image unless the engine has it.
pub(crate) async fn ensure_image(
    engine: &dyn Engine,
    guest: &GuestBinary,
) -> Result<(), super::bottle::UpCause> {
    let reference = guest.reference();
    if engine.image(&reference).await?.is_some() {
        return Ok(());
    }
    let packed = guest.clone();
    let archive = tokio::task::spawn_blocking(move || packed.archive())
        .await
        .map_err(|ended| GuestBinaryError(std::io::Error::other(ended)))??;
    engine.load_image(body(archive)).await?;
    match engine.image(&reference).await? {
        Some(_) => Ok(()),
        None => Err(EngineError::Garbled {
            operation: "load the guest image",
            why: String::from("it took the archive, but has no image of that name"),
        }
        .into()),
    }
}

/// Cuts bytes into pieces on their way to the engine.
pub(crate) fn body(bytes: Vec<u8>) -> Body {
    let mut rest = Bytes::from(bytes);
    let pieces = std::iter::from_fn(move || {
        let count = rest.len().min(CHUNK_BYTES);
        (count > 0).then(|| Ok(rest.split_to(count)))
    });
    futures_util::stream::iter(pieces).boxed()
}

fn identity(path: &Path) -> std::io::Result<String> {
    let meta = std::fs::metadata(path)?;
    Ok(format!(
        "{LAYOUT} {} {} {} {}.{}",
        meta.dev(),
        meta.ino(),
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec()
    ))
}

fn hash(path: &Path) -> std::io::Result<Digest> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    hasher.update(LAYOUT);
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
    let hex = data_encoding::HEXLOWER.encode(&hasher.finalize());
    Digest::try_from(format!("sha256:{hex}")).map_err(std::io::Error::other)
}

fn recall(cache: &Path, identity: &str) -> Option<Digest> {
    let text = std::fs::read_to_string(cache).ok()?;
    let (seen, digest) = text.trim_end().split_once('\t')?;
    (seen == identity)
        .then(|| Digest::try_from(digest.to_owned()).ok())
        .flatten()
}

/// Writes the cache whole or not at all. A cache that cannot be written costs time
/// at the next start and nothing else.
fn remember(cache: &Path, identity: &str, digest: Digest) {
    let fresh = cache.with_extension(format!("{}.tmp", std::process::id()));
    let written = std::fs::write(&fresh, format!("{identity}\t{digest}\n"))
        .and_then(|()| std::fs::rename(&fresh, cache));
    if written.is_err() {
        drop(std::fs::remove_file(&fresh));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_answers_for_the_same_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let (binary, cache) = (folder.path().join("b"), folder.path().join("cache"));
        std::fs::write(&binary, b"one").unwrap();
        let first = GuestBinary::at(&binary, Some(&cache)).unwrap();
        let identity = identity(&binary).unwrap();
        assert_eq!(recall(&cache, &identity), Some(first.digest));
        assert_eq!(GuestBinary::at(&binary, Some(&cache)).unwrap(), first);

        std::fs::write(&binary, b"other").unwrap();
        let other = GuestBinary::at(&binary, Some(&cache)).unwrap();
        assert_eq!(other, GuestBinary::at(&binary, None).unwrap());
        assert_ne!(other.short(), first.short());
    }

    #[test]
    fn a_damaged_cache_is_read_past() {
        let folder = tempfile::tempdir().unwrap();
        let (binary, cache) = (folder.path().join("b"), folder.path().join("cache"));
        std::fs::write(&binary, b"one").unwrap();
        let right = GuestBinary::at(&binary, None).unwrap();
        let identity = identity(&binary).unwrap();
        for damage in ["", "x", "\t", &format!("{identity}\tsha256:12")] {
            std::fs::write(&cache, damage).unwrap();
            assert_eq!(GuestBinary::at(&binary, Some(&cache)).unwrap(), right);
        }
    }

    #[tokio::test]
    async fn a_body_gives_every_byte_once() {
        let bytes: Vec<u8> = (0..u32::try_from(3 * CHUNK_BYTES / 2).unwrap())
            .map(|n| n.to_le_bytes()[0])
            .collect();
        let pieces: Vec<Bytes> = body(bytes.clone()).map(Result::unwrap).collect().await;
        assert_eq!(pieces.concat(), bytes);
        assert_eq!(pieces.len(), 2);
    }
}
