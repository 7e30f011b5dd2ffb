//! The recordings, and where they are.

use std::path::{Path, PathBuf};
use std::process::Command;

use cellar::pty::{Screen, TerminalSize};
use serde::Deserialize;

/// The crate whose sources hold the recordings.
const CRATE: &str = "alacritty_terminal";
/// Fewer recordings than the published crate has are an accident of ours.
const LEAST_RECORDINGS: usize = 45;
/// How much is fed and looked at while others join one recording, in bytes and cells.
/// The joins of a recording that needs less are tried at every byte.
const JOIN_BUDGET: usize = 1_200_000;
/// Joins of a recording are never fewer.
const LEAST_JOINS: usize = 12;

/// One recording: what was written, and the terminal that it was written to.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) bytes: Vec<u8>,
    size: TerminalSize,
    history: u32,
}

impl Recording {
    fn read(folder: PathBuf) -> Self {
        #[derive(Deserialize)]
        struct Size {
            columns: u16,
            screen_lines: u16,
        }
        #[derive(Deserialize)]
        struct Config {
            history_size: u32,
        }
        let size: Size = serde_json::from_str(&text(&folder, "size.json")).unwrap();
        let config: Config = serde_json::from_str(&text(&folder, "config.json")).unwrap();
        Self {
            name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
            bytes: std::fs::read(folder.join("alacritty.recording")).unwrap(),
            size: TerminalSize {
                columns: size.columns,
                rows: size.screen_lines,
            },
            history: config.history_size,
            folder,
        }
    }

    pub(crate) fn blank(&self) -> Screen {
        Screen::new(self.size, self.history)
    }

    /// The screen after the whole of it, fed in pieces of a size.
    pub(crate) fn fed(&self, piece: usize) -> Screen {
        let mut screen = self.blank();
        for bytes in self.bytes.chunks(piece) {
            drop(screen.feed(bytes));
        }
        screen.expire_sync();
        screen
    }

    /// Where others join: at every byte, or at as many as there is time for: always the
    /// same ones, and not at a distance that a program's own rhythm could have.
    pub(crate) fn joins(&self, lines: usize) -> Vec<usize> {
        let cells = lines * usize::from(self.size.columns);
        let length = self.bytes.len();
        let cost = 2 * cells + length / 2 + 4_096;
        let count = (JOIN_BUDGET / cost).max(LEAST_JOINS);
        if count > length {
            return (0..=length).collect();
        }
        let apart = length / count;
        let joins = (0..count).map(|at| at * length / count + at * 7_919 % apart);
        joins.chain([length]).collect()
    }
}

pub(crate) fn text(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The output of this cargo, without the network.
fn cargo(arguments: &[&str]) -> String {
    let cargo = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        cargo.status.success(),
        "cargo {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&cargo.stderr)
    );
    String::from_utf8(cargo.stdout).unwrap()
}

/// Where the sources of the crate are that this was built with.
fn sources() -> PathBuf {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        pub(crate) name: String,
        manifest_path: PathBuf,
    }
    // Only for this machine: what others would need may not be here.
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.expect("cargo says for what it builds");
    let metadata = cargo(&[
        "metadata",
        "--offline",
        "--format-version",
        "1",
        "--filter-platform",
        host,
    ]);
    let metadata: Metadata = serde_json::from_str(&metadata).unwrap();
    let mut packages = metadata.packages.into_iter();
    let package = packages.find(|package| package.name == CRATE);
    let manifest = package.expect("the crate is a dependency").manifest_path;
    manifest.parent().unwrap().to_owned()
}

pub(crate) fn recordings() -> Vec<Recording> {
    let folder = sources().join("tests/ref");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| {
        panic!(
            "the reference recordings of {CRATE} are not at {}: {error}. They are part of the \
             crate as it is published; a copy of its sources that leaves its tests out does \
             not do for this test",
            folder.display()
        )
    });
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.retain(|folder| folder.join("alacritty.recording").exists());
    assert!(
        folders.len() >= LEAST_RECORDINGS,
        "only {} recordings in {}",
        folders.len(),
        folder.display()
    );
    folders.into_iter().map(Recording::read).collect()
}
