//! The PTY and the program in it.
//!
//! portable-pty opens the PTY and starts the program, but nothing of its reader,
//! writer or child is used: its writer types a line break and end-of-file when it is
//! dropped, and its child loses the number of a signal. Reading and writing go through
//! one non-blocking descriptor; the reaper of [`super::process`] owns every status.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use portable_pty::{CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::fs::Access;
use rustix::process::Pid;

use super::descriptor;
use crate::wire::TerminalSize;

/// How much of a program is read to find what must be there for it to start.
const HEAD_BYTES: u64 = 4096;

/// Why a program did not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("start a program without a name")]
    Nameless,
    #[error("enter {0}, which is not a folder")]
    Folder(String),
    #[error("find {0} in the search path")]
    NotFound(String),
    #[error("run {path}, which is not executable")]
    NotExecutable { path: String },
    #[error("run {path}: its interpreter {interpreter} is missing")]
    Interpreter { path: String, interpreter: String },
    #[error("start {program}: {cause}")]
    Spawn { program: String, cause: String },
    #[error("start a second program")]
    Again,
}

/// A PTY whose program has not been started yet, or was.
pub(super) struct Terminal {
    // Kept open for its controlling descriptor; never read or written.
    _master: Box<dyn MasterPty + Send>,
    slave: Option<Box<dyn SlavePty + Send>>,
}

/// What to start.
pub(super) struct Program {
    pub(super) argv: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) cwd: String,
}

impl Terminal {
    /// Opens a PTY; the descriptor is its non-blocking end for the host.
    pub(super) fn open(size: TerminalSize) -> io::Result<(Self, OwnedFd)> {
        let pair = native_pty_system()
            .openpty(PtySize {
                rows: size.rows,
                cols: size.columns,
                pixel_width: 0,
                pixel_height: 0,
            })
            .map_err(io::Error::other)?;
        let host = descriptor::of_master(pair.master.as_ref())?;
        let terminal = Self {
            _master: pair.master,
            slave: Some(pair.slave),
        };
        Ok((terminal, host))
    }

    /// Starts the program as leader of its own session on the PTY.
    pub(super) fn start(&mut self, program: &Program) -> Result<Pid, StartError> {
        program.check()?;
        let slave = self.slave.take().ok_or(StartError::Again)?;
        let spawned = slave.spawn_command(program.command());
        let failure = |cause: String| StartError::Spawn {
            program: program.argv.first().cloned().unwrap_or_default(),
            cause,
        };
        let child = spawned.map_err(|error| failure(error.to_string()))?;
        child
            .process_id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or_else(|| failure("it has no process id".to_owned()))
    }
}

impl Program {
    fn command(&self) -> CommandBuilder {
        let mut command = CommandBuilder::from_argv(self.argv.iter().map(Into::into).collect());
        command.env_clear();
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command.cwd(&self.cwd);
        command
    }

    /// Finds what would make the program's exec fail: portable-pty cannot tell, since
    /// it closes the pipe on which the failure would come, and a folder that is not
    /// there silently becomes the home.
    fn check(&self) -> Result<(), StartError> {
        if !Path::new(&self.cwd).is_dir() {
            return Err(StartError::Folder(self.cwd.clone()));
        }
        let path = self.find()?;
        let shown = path.display().to_string();
        if !path.is_file() || rustix::fs::access(&path, Access::EXEC_OK).is_err() {
            return Err(StartError::NotExecutable { path: shown });
        }
        match interpreter(&path) {
            Some(interpreter) if !Path::new(&interpreter).exists() => {
                Err(StartError::Interpreter {
                    path: shown,
                    interpreter,
                })
            }
            _ => Ok(()),
        }
    }

    fn find(&self) -> Result<PathBuf, StartError> {
        let name = self
            .argv
            .first()
            .filter(|name| !name.is_empty())
            .ok_or(StartError::Nameless)?;
        if name.contains('/') {
            let path = Path::new(&self.cwd).join(name);
            return if path.exists() {
                Ok(path)
            } else {
                Err(StartError::NotFound(name.clone()))
            };
        }
        let search = self.env.get("PATH").map_or("", String::as_str);
        std::env::split_paths(search)
            .map(|folder| Path::new(&self.cwd).join(folder).join(name))
            .find(|path| path.is_file())
            .ok_or_else(|| StartError::NotFound(name.clone()))
    }
}

/// The program that the kernel would load `path` with: the `#!` line's, or the ELF
/// file's dynamic loader.
fn interpreter(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next()?;
        let text = std::str::from_utf8(line).ok()?;
        return text.split_whitespace().next().map(str::to_owned);
    }
    elf_interpreter(&head)
}

/// Reads `PT_INTERP` of a 64-bit little-endian ELF file (elf(5)).
fn elf_interpreter(head: &[u8]) -> Option<String> {
    const PT_INTERP: u64 = 3;
    let number = |at: usize, length: usize| -> Option<usize> {
        let bytes = head.get(at..at.checked_add(length)?)?;
        let value = bytes
            .iter()
            .rev()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        usize::try_from(value).ok()
    };
    if head.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    (0..count)
        .map(|index| table.saturating_add(index.saturating_mul(size)))
        .find(|entry| number(*entry, 4).is_some_and(|kind| kind as u64 == PT_INTERP))
        .and_then(|entry| {
            let (offset, length) = (number(entry + 8, 8)?, number(entry + 32, 8)?);
            let bytes = head.get(offset..offset.checked_add(length)?)?;
            let text = std::str::from_utf8(bytes).ok()?;
            Some(text.trim_end_matches('\0').to_owned())
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn program(argv: &[&str], cwd: &Path) -> Program {
        Program {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            cwd: cwd.display().to_string(),
        }
    }

    fn start(program: &Program) -> Result<Pid, StartError> {
        let (mut terminal, _host) = Terminal::open(TerminalSize::default()).unwrap();
        terminal.start(program)
    }

    #[test]
    fn what_cannot_start_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        std::fs::write(&script, "#!/no/such/interpreter -x\n").unwrap();
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "echo hello\n").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let here = folder.path();
        for (program, expected) in [
            (program(&["no-such-program"], here), "find no-such-program"),
            (program(&["./nothing"], here), "find ./nothing"),
            (program(&["./plain"], here), "not executable"),
            (
                program(&["./script"], here),
                "interpreter /no/such/interpreter is missing",
            ),
            (
                program(&["sh"], Path::new("/no/such/folder")),
                "not a folder",
            ),
            (program(&[], here), "without a name"),
        ] {
            let error = start(&program).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_loader_of_an_elf_file_is_found() {
        let loader = interpreter(Path::new("/bin/sh")).unwrap();
        assert!(Path::new(&loader).exists(), "{loader}");
    }

    #[test]
    fn hostile_elf_headers_are_no_interpreter() {
        let mut head = b"\x7fELF\x02\x01".to_vec();
        head.extend([0xff; 200]);
        assert_eq!(elf_interpreter(&head), None);
        assert_eq!(elf_interpreter(&head[..20]), None);
    }
}
