//! The files that `cellar init` writes for a new operator.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::schema::{config_schema, manifest_schema, mounts_schema};

/// A commented `cellar.json` to start from.
#[must_use]
pub const fn starter() -> &'static str {
    include_str!("../../assets/cellar.starter.json")
}

/// Why the starter was not written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is a file already, and it stays as it is.
    #[error("write a new manifest: there is a file already; edit it, or move it away first")]
    Exists,
    /// The folder or a file could not be written.
    #[error("write `{name}`")]
    Io {
        /// The name of the file or folder.
        name: String,
        /// The system's words.
        #[source]
        source: io::Error,
    },
}

impl InitError {
    /// Which kind of failure it was: `AlreadyExists` if a file stands there.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Exists => io::ErrorKind::AlreadyExists,
            Self::Io { source, .. } => source.kind(),
        }
    }
}

/// Writes the starter to `path`, and beside it the schemas that editors read. Gives
/// back what was written, the starter first. A file that is there is never touched.
///
/// # Errors
/// [`InitError::Exists`] if there is a file at `path`, [`InitError::Io`] if the disk
/// refuses.
pub fn write_starter(path: &Path) -> Result<Vec<PathBuf>, InitError> {
    if path.symlink_metadata().is_ok() {
        return Err(InitError::Exists);
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
    }
    let mut written = Vec::new();
    for (name, schema) in [
        ("manifest.schema.json", manifest_schema()),
        ("mounts.schema.json", mounts_schema()),
        ("config.schema.json", config_schema()),
    ] {
        let beside = folder.join(name);
        let text = format!("{schema:#}\n");
        fs::write(&beside, text).map_err(|source| failed(&beside, source))?;
        written.push(beside);
    }
    create(path, starter())?;
    written.insert(0, path.to_owned());
    Ok(written)
}

/// Writes a file that must not be there yet, whole or not at all.
fn create(path: &Path, text: &str) -> Result<(), InitError> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(InitError::Exists);
        }
        Err(error) => return Err(failed(path, error)),
    };
    write_all(&mut file, text).map_err(|error| match fs::remove_file(path) {
        Ok(()) => failed(path, error),
        Err(second) => failed(path, second),
    })
}

fn write_all(file: &mut File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn failed(path: &Path, source: io::Error) -> InitError {
    InitError::Io {
        name: path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        source,
    }
}
