//! An operator of their own for each test: temporary configuration and state, and
//! the built binary run with them. Dropping one removes the bottles it named.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use super::engine::Engine;
use super::output_schema::assert_described;
use super::terminal::Terminal;

/// How long anything on the engine may take before a test gives it up. Far above
/// what is usual: a limit is there to end a hang, not to measure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// One operator.
pub(crate) struct Operator {
    folder: tempfile::TempDir,
    engine: Engine,
    names: std::cell::RefCell<Vec<String>>,
}

impl Operator {
    /// Makes one with the given manifest.
    pub(crate) fn new(engine: Engine, manifest: &str) -> Self {
        let operator = Self {
            folder: tempfile::tempdir().unwrap(),
            engine,
            names: std::cell::RefCell::default(),
        };
        let cellar = operator.folder.path().join("config/cellar");
        std::fs::create_dir_all(&cellar).unwrap();
        std::fs::create_dir_all(operator.state()).unwrap();
        std::fs::write(cellar.join("cellar.json"), manifest).unwrap();
        operator
    }

    /// Writes a file beside the manifest.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.config(name), text).unwrap();
    }

    /// The path of the manifest, or of a file beside it.
    pub(crate) fn config(&self, name: &str) -> PathBuf {
        self.folder.path().join("config/cellar").join(name)
    }

    /// The names of the files of this operator's that hold a text.
    pub(crate) fn files_with(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(content) = std::fs::read(&path)
                    && String::from_utf8_lossy(&content).contains(text)
                {
                    let name = path.file_name().unwrap_or_default();
                    found.push(name.to_string_lossy().into_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// The folder in which everything is run.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The folder that `XDG_STATE_HOME` names.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A bottle's name that no other test on this engine uses; what carries it is
    /// removed with the operator.
    pub(crate) fn name(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "t{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        self.owns(&name);
        name
    }

    /// Takes note of a bottle that is to be removed with the operator.
    pub(crate) fn owns(&self, name: &str) {
        self.names.borrow_mut().push(name.to_owned());
    }

    fn environment(&self) -> [(&'static str, PathBuf); 3] {
        let folder = self.folder.path();
        [
            ("XDG_CONFIG_HOME", folder.join("config")),
            ("XDG_STATE_HOME", self.state()),
            ("XDG_CACHE_HOME", folder.join("cache")),
        ]
    }

    /// The built binary with these arguments, not started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cellar"));
        command
            .args(arguments)
            .envs(self.environment())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the built binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the built binary and asks that it succeeds; gives its standard output.
    #[track_caller]
    pub(crate) fn cellar(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "cellar {} ended with {}:\n{}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if arguments.contains(&"--json") {
            assert_described(arguments, &printed);
        }
        printed
    }

    /// What a verb prints with `--json`.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.cellar(&arguments)).unwrap()
    }

    /// What a plain console of its own answers to these lines.
    pub(crate) fn plain(&self, lines: &str) -> String {
        let mut child = self
            .command(&["--plain"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        write!(input, "{lines}\nquit\n").unwrap();
        drop(input);
        String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
    }

    /// Runs the built binary in a terminal.
    pub(crate) fn terminal(&self, arguments: &[&str], columns: u16, rows: u16) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_cellar"));
        command.args(arguments);
        command.cwd(self.folder.path());
        for (key, value) in self.environment() {
            command.env(key, value);
        }
        Terminal::open(command, columns, rows)
    }

    /// Waits until a question to the product is answered as wished.
    ///
    /// What is asked is itself slow (an engine's list, a whole process), so asking
    /// again at once is no busy loop.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        }
    }

    /// Asks that nothing on the engine carries the bottle's label.
    #[track_caller]
    pub(crate) fn left_nothing(&self, bottle: &str) {
        let left = self.engine.labelled(&format!("cellar.bottle={bottle}"));
        assert_eq!(left, Vec::<String>::new(), "left of {bottle}");
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        for name in self.names.borrow().iter() {
            self.engine
                .remove_labelled(&format!("cellar.bottle={name}"));
        }
    }
}
