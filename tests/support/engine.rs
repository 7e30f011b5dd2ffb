//! The container engine, through its own command line, so that what a test sees
//! does not pass through the code under test.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// An engine that answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Engine {
    program: &'static str,
}

const DOCKER: &str = "docker";

/// Gives the engine, or says loudly that the test is skipped.
///
/// # Panics
/// If there is none and `CELLAR_REQUIRE_ENGINE=1`.
pub(crate) fn engine_or_skip(test: &str) -> Option<Engine> {
    let answer = Command::new(DOCKER)
        .args(["version", "--format", "{{.Server.Version}}"])
        .output();
    let why = match answer {
        Ok(output) if output.status.success() => return Some(Engine { program: DOCKER }),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => format!("no docker command line: {error}"),
    };
    assert!(
        std::env::var_os("CELLAR_REQUIRE_ENGINE").is_none_or(|value| value != "1"),
        "{test}: an engine is required: {why}"
    );
    // Past libtest's capture: a skipped test must be seen.
    drop(writeln!(
        std::io::stderr(),
        "SKIPPED: no engine: {test}: {why}"
    ));
    None
}

impl Engine {
    /// Its command line.
    pub(crate) const fn program(self) -> &'static str {
        self.program
    }

    /// Runs `docker` with these arguments and gives its standard output.
    #[track_caller]
    pub(crate) fn docker(self, arguments: &[&str]) -> String {
        let output = self.try_docker(arguments);
        assert!(
            output.status.success(),
            "docker {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs `docker` with these arguments.
    #[track_caller]
    pub(crate) fn try_docker(self, arguments: &[&str]) -> Output {
        Command::new(self.program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Everything on the engine that carries the label: containers and volumes, as
    /// `container ID` and `volume NAME`.
    pub(crate) fn labelled(self, label: &str) -> Vec<String> {
        let filter = format!("label={label}");
        let containers = self.docker(&["ps", "-aq", "--filter", &filter]);
        let volumes = self.docker(&["volume", "ls", "-q", "--filter", &filter]);
        let named = |kind: &str, names: &str| -> Vec<String> {
            names.lines().map(|name| format!("{kind} {name}")).collect()
        };
        let mut found = named("container", &containers);
        found.extend(named("volume", &volumes));
        found
    }

    /// Removes everything that carries the label. For guards: says nothing.
    pub(crate) fn remove_labelled(self, label: &str) {
        for found in self.labelled(label) {
            let arguments: Vec<&str> = match found.split_once(' ') {
                Some(("container", id)) => vec!["rm", "-f", "-v", id],
                Some((_, name)) => vec!["volume", "rm", "-f", name],
                None => continue,
            };
            drop(self.try_docker(&arguments));
        }
    }

    /// The container of a bottle that plays the role.
    #[track_caller]
    pub(crate) fn container(self, bottle: &str, role: &str) -> String {
        let (bottle, role) = (
            format!("label=cellar.bottle={bottle}"),
            format!("label=cellar.role={role}"),
        );
        let id = self.docker(&["ps", "-aq", "--filter", &bottle, "--filter", &role]);
        assert_eq!(
            id.lines().count(),
            1,
            "one container of {bottle} {role}: {id:?}"
        );
        id
    }

    /// Kills the process of a container as a crash would, and waits until the engine has
    /// started it again. A kill through the engine would count as a stop by hand. `false`
    /// where that is not allowed.
    pub(crate) fn crash(self, container: &str) -> bool {
        let pid = || self.docker(&["inspect", "--format", "{{.State.Pid}}", container]);
        let before = pid();
        let process = before.parse().ok().and_then(rustix::process::Pid::from_raw);
        let Some(process) = process.filter(|_| rustix::process::geteuid().is_root()) else {
            return false;
        };
        rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
        let start = std::time::Instant::now();
        loop {
            let now = pid();
            if now != before && now != "0" {
                return true;
            }
            assert!(start.elapsed().as_secs() < 90, "{container} stays down");
        }
    }

    /// Packs one program alone into an image and gives the image's name.
    ///
    /// The name holds the program's size and time, so that a rebuilt program gets an
    /// image of its own.
    pub(crate) fn one_file_image(self, name: &str, program: &std::path::Path) -> String {
        let facts = program.metadata().unwrap_or_else(|error| {
            panic!(
                "{}: {error}; `cargo build --examples` makes it",
                program.display()
            )
        });
        let changed = facts.modified().unwrap();
        let stamp = changed
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_nanos();
        let image = format!("cellar-test/{name}:{stamp}-{}", facts.len());
        if self
            .try_docker(&["image", "inspect", &image])
            .status
            .success()
        {
            return image;
        }
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(facts.len());
        header.set_mode(0o755);
        archive
            .append_data(
                &mut header,
                "program",
                std::fs::File::open(program).unwrap(),
            )
            .unwrap();
        let bytes = archive.into_inner().unwrap();
        let mut import = Command::new(self.program)
            .args([
                "import",
                "--change",
                "LABEL cellar.test=program",
                "-",
                &image,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        import.stdin.take().unwrap().write_all(&bytes).unwrap();
        assert!(import.wait().unwrap().success(), "import {image}");
        image
    }
}

/// Where cargo put the example program of this name.
pub(crate) fn example(name: &str) -> std::path::PathBuf {
    // target/<triple>/<profile>/deps/<this test>
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples").join(name)
}
