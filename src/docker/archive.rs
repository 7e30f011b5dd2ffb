//! Tar archives for the engine: the guest image, home files, a build's context.
//!
//! The same input gives the same bytes: entries sorted, times zero, owners fixed.

use std::io::Write;

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::spec::layout;

/// One file of the home, with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeFile {
    /// Path below the home, with `/` separators, no leading slash and no `..`.
    pub path: String,
    /// Unix permission bits.
    pub mode: u32,
    /// The content.
    pub content: Bytes,
}

/// The `created` of the image: fixed, so that the same binary is the same image.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// What stands in an archive, by kind.
enum Entry<'a> {
    Folder,
    File(&'a [u8]),
}

struct Owner {
    uid: u32,
    mode: u32,
}

fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    path: &str,
    owner: &Owner,
    entry: &Entry<'_>,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    let content: &[u8] = match entry {
        Entry::Folder => {
            header.set_entry_type(tar::EntryType::Directory);
            &[]
        }
        Entry::File(content) => {
            header.set_entry_type(tar::EntryType::Regular);
            content
        }
    };
    header.set_size(content.len() as u64);
    header.set_mode(owner.mode);
    header.set_uid(u64::from(owner.uid));
    header.set_gid(u64::from(owner.uid));
    header.set_mtime(0);
    tar.append_data(&mut header, path, content)
}

/// The one layer of the guest image.
fn guest_layer(binary: &[u8]) -> std::io::Result<Vec<u8>> {
    const PASSWD: &str = "root:x:0:0:root:/:/none\nagent:x:1000:1000:agent:/home/agent:/none\ncellar:x:64001:64001:cellar:/data:/none\n";
    const GROUP: &str = "root:x:0:\nagent:x:1000:\ncellar:x:64001:\n";
    let folder = |uid: u32, mode: u32| (Owner { uid, mode }, Entry::Folder);
    let file = |mode: u32, content| (Owner { uid: 0, mode }, Entry::File(content));
    let inside = |path: &str| path.trim_start_matches('/').to_owned();
    let sidecar = layout::SIDECAR_UID;
    let agent = layout::AGENT_UID;
    let mut entries = [
        (inside(layout::GUEST), folder(0, 0o755)),
        (inside(layout::GUEST_BINARY), file(0o555, binary)),
        (inside(layout::DATA), folder(sidecar, 0o755)),
        (String::from("etc"), folder(0, 0o755)),
        (String::from("etc/group"), file(0o644, GROUP.as_bytes())),
        (String::from("etc/passwd"), file(0o644, PASSWD.as_bytes())),
        (String::from("home"), folder(0, 0o755)),
        (inside(layout::HOME), folder(agent, 0o755)),
        (String::from("run"), folder(0, 0o755)),
        (inside(layout::DOORS), folder(sidecar, 0o755)),
        (inside(layout::CONTROL), folder(sidecar, 0o755)),
        (inside(layout::INIT), folder(agent, 0o700)),
        (String::from("tmp"), folder(0, 0o1777)),
        (inside(layout::WORKSPACE), folder(agent, 0o755)),
    ];
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    let mut tar = tar::Builder::new(Vec::with_capacity(binary.len() + 32 * 1024));
    for (path, (owner, entry)) in &entries {
        append(&mut tar, path, owner, entry)?;
    }
    tar.into_inner()
}

/// Packs a static binary into an image archive that every engine can load.
///
/// # Errors
/// Only as memory's `Write` fails, which is never.
pub fn guest_archive(
    binary: &[u8],
    reference: &str,
    short: &str,
    architecture: &str,
) -> std::io::Result<Vec<u8>> {
    let layer = guest_layer(binary)?;
    let layer_digest = hex(&layer);
    let config = json!({
        "architecture": architecture,
        "config": {
            "Entrypoint": [layout::GUEST_BINARY],
            "Labels": { super::labels::GUEST: short },
            "WorkingDir": "/",
        },
        "created": CREATED,
        "history": [{ "created": CREATED, "created_by": "cellar" }],
        "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer_digest}")] },
    })
    .to_string();
    let config_name = format!("{}.json", hex(config.as_bytes()));
    let layer_name = format!("{layer_digest}.tar");
    let manifest = json!([{
        "Config": config_name,
        "RepoTags": [reference],
        "Layers": [layer_name],
    }])
    .to_string();
    let mut parts = [
        (config_name.as_str(), config.as_bytes()),
        (layer_name.as_str(), &layer),
        ("manifest.json", manifest.as_bytes()),
    ];
    parts.sort_by_key(|(name, _)| *name);
    let mut tar = tar::Builder::new(Vec::with_capacity(layer.len() + 16 * 1024));
    let owner = Owner {
        uid: 0,
        mode: 0o644,
    };
    for (name, content) in parts {
        append(&mut tar, name, &owner, &Entry::File(content))?;
    }
    tar.into_inner()
}

/// Packs files for a volume that belongs to `uid`. The first entry is the volume's
/// own root, so that unpacking it gives the volume to that user.
///
/// # Errors
/// If a path has `..` or a leading slash, or is too long for a tar archive.
pub(crate) fn owned_archive(uid: u32, files: &[HomeFile]) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, "./", &Owner { uid, mode: 0o755 }, &Entry::Folder)?;
    let mut folders = std::collections::BTreeSet::new();
    let mut sorted: Vec<&HomeFile> = files.iter().collect();
    sorted.sort_by(|one, other| one.path.cmp(&other.path));
    for file in &sorted {
        for (at, _) in file.path.match_indices('/') {
            folders.insert(file.path.get(..at).unwrap_or_default());
        }
    }
    for folder in folders {
        // Configuration folders hold what only their owner should list.
        append(
            &mut tar,
            folder,
            &Owner { uid, mode: 0o700 },
            &Entry::Folder,
        )?;
    }
    for file in sorted {
        let owner = Owner {
            uid,
            mode: file.mode,
        };
        append(&mut tar, &file.path, &owner, &Entry::File(&file.content))?;
    }
    tar.into_inner()
}

/// Packs the context of a build that is one Dockerfile.
///
/// # Errors
/// Only as memory's `Write` fails, which is never.
pub(crate) fn dockerfile_context(text: &str) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let owner = Owner {
        uid: 0,
        mode: 0o644,
    };
    append(
        &mut tar,
        "Dockerfile",
        &owner,
        &Entry::File(text.as_bytes()),
    )?;
    tar.into_inner()
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = (String, u64, u32, u64, bool);

    fn entries(archive: &[u8]) -> Vec<Seen> {
        let mut tar = tar::Archive::new(archive);
        let seen = tar.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            (
                entry.path().unwrap().display().to_string(),
                header.uid().unwrap(),
                header.mode().unwrap(),
                header.mtime().unwrap(),
                header.entry_type().is_dir(),
            )
        });
        seen.collect()
    }

    #[test]
    fn the_same_binary_gives_the_same_archive() {
        let pack = |binary: &[u8]| guest_archive(binary, "cellar/guest:x", "x", "amd64").unwrap();
        assert_eq!(pack(b"one"), pack(b"one"));
        assert_ne!(pack(b"one"), pack(b"two"));
    }

    #[test]
    fn layer_entries_are_sorted_timeless_and_owned_as_the_roles_need() {
        let seen = entries(&guest_layer(b"elf").unwrap());
        let mut sorted = seen.clone();
        sorted.sort();
        assert_eq!(seen, sorted);
        let of = |path: &str| {
            let found = seen.iter().find(|entry| entry.0 == path);
            found.cloned().unwrap_or_else(|| panic!("{path}"))
        };
        assert_eq!(
            of("cellar/cellar"),
            ("cellar/cellar".into(), 0, 0o555, 0, false)
        );
        assert_eq!(
            of("run/cellar"),
            ("run/cellar".into(), 64_001, 0o755, 0, true)
        );
        assert_eq!(
            of("run/control"),
            ("run/control".into(), 64_001, 0o755, 0, true)
        );
        assert_eq!(of("tmp"), ("tmp".into(), 0, 0o1777, 0, true));
        assert_eq!(
            of("home/agent"),
            ("home/agent".into(), 1_000, 0o755, 0, true)
        );
    }

    #[test]
    fn the_manifest_names_config_and_layer_by_their_hashes() {
        let archive = guest_archive(b"elf", "cellar/guest:abc", "abc", "arm64").unwrap();
        let mut parts = std::collections::BTreeMap::new();
        for entry in tar::Archive::new(archive.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
            parts.insert(name, content);
        }
        let manifest: serde_json::Value = serde_json::from_slice(&parts["manifest.json"]).unwrap();
        let config_name = manifest[0]["Config"].as_str().unwrap();
        let layer_name = manifest[0]["Layers"][0].as_str().unwrap();
        assert_eq!(config_name, format!("{}.json", hex(&parts[config_name])));
        let config: serde_json::Value = serde_json::from_slice(&parts[config_name]).unwrap();
        assert_eq!(
            config["rootfs"]["diff_ids"][0],
            format!("sha256:{}", hex(&parts[layer_name]))
        );
        assert_eq!(config["architecture"], "arm64");
    }

    #[test]
    fn a_home_archive_starts_with_its_root_and_names_each_folder_once() {
        let file = |path: &str| HomeFile {
            path: path.into(),
            mode: 0o600,
            content: Bytes::from_static(b"x"),
        };
        let archive = owned_archive(7, &[file("b/c/d"), file("a"), file("b/e")]).unwrap();
        let paths: Vec<_> = entries(&archive).into_iter().map(|e| (e.0, e.1)).collect();
        let wanted = ["./", "b", "b/c", "a", "b/c/d", "b/e"].map(|path| (path.to_owned(), 7));
        assert_eq!(paths, wanted);
    }

    #[test]
    fn a_home_file_cannot_leave_the_home() {
        for path in ["../x", "a/../../x"] {
            let file = HomeFile {
                path: path.into(),
                mode: 0o600,
                content: Bytes::new(),
            };
            assert!(owned_archive(7, &[file]).is_err(), "{path}");
        }
    }
}
