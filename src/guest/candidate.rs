//! A look around in an image before a session is moved to it: the fence, the user, the
//! home, and whether the session's program is there and starts.
//!
//! What it says is a line of JSON on standard output, a [`SealReport`], and the word of
//! an image that the agent may have written: it keeps broken images from being switched
//! to, and proves nothing against hostile ones. The fence does not depend on it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use super::init::probe_fence;
use crate::pty::one_line;
use crate::spec::{Observe, layout};
use crate::wire::{InitConfig, SealCheck};

/// How long the program may take to say its version.
const LIMIT: Duration = Duration::from_mins(1);
/// How often it is asked whether it has ended.
const PACE: Duration = Duration::from_millis(20);
/// How much of what it says is passed on.
const MAX_SAID_CHARS: usize = 300;
/// Where programs are looked for if the image does not say (execvp(3) of most systems).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Plays the role. The exit code is 0 if the session may be moved here.
#[must_use]
pub(super) fn run() -> ExitCode {
    let config = std::env::var(layout::INIT_CONFIG_ENV).ok();
    let config = config.and_then(|text| serde_json::from_str::<InitConfig>(&text).ok());
    let mut report = probe_fence(None);
    match &config {
        None => report
            .checks
            .push(check("configuration", "unreadable", false)),
        Some(config) => report.checks.extend(checks(config)),
    }
    let holds = report.holds();
    let line = serde_json::to_string(&report).unwrap_or_default();
    let told = writeln!(std::io::stdout(), "{line}");
    if holds && told.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn checks(config: &InitConfig) -> Vec<SealCheck> {
    let mut env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    env.remove(layout::INIT_CONFIG_ENV);
    env.extend(config.env.clone());
    let name = config.argv.first().map_or("", String::as_str);
    let path = env.get("PATH").map_or(PATH, String::as_str);
    let mut checks = vec![home(), folder(&config.cwd)];
    match find(name, path, &config.cwd) {
        None => checks.push(check("program", format!("{name} is not in {path}"), false)),
        Some(program) => {
            checks.push(check("program", program.display().to_string(), true));
            // Of a program that we do not know nobody can say what its arguments do.
            if matches!(config.observe, Observe::Claude { .. }) {
                checks.push(version(&program, &config.cwd, &env));
            }
        }
    }
    checks
}

fn check(name: &str, seen: impl Into<String>, holds: bool) -> SealCheck {
    let seen: String = seen.into();
    SealCheck {
        name: name.to_owned(),
        seen: one_line(&seen).chars().take(MAX_SAID_CHARS).collect(),
        holds,
    }
}

/// The home is a volume of the bottle's; here it must be possible to write there.
fn home() -> SealCheck {
    let file = Path::new(layout::HOME).join(".cellar-candidate");
    match std::fs::write(&file, "") {
        Ok(()) => check("home", layout::HOME, true),
        Err(error) => check("home", format!("{}: {error}", layout::HOME), false),
    }
}

fn folder(cwd: &str) -> SealCheck {
    let is_there = Path::new(cwd).is_dir();
    let seen = if is_there { "there" } else { "missing" };
    check("working folder", format!("{cwd} is {seen}"), is_there)
}

/// The program as execvp(3) would find it.
fn find(name: &str, path: &str, cwd: &str) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    if name.contains('/') {
        let program = Path::new(cwd).join(name);
        return is_program(&program).then_some(program);
    }
    std::env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(|program| is_program(program))
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// Whether it starts at all.
fn version(program: &Path, cwd: &str, env: &BTreeMap<String, String>) -> SealCheck {
    const NAME: &str = "starts";
    let child = Command::new(program)
        .arg("--version")
        .current_dir(cwd)
        .env_clear()
        .envs(env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return check(NAME, error.to_string(), false),
    };
    let deadline = Instant::now() + LIMIT;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(PACE),
            Ok(None) => {
                // It ends with the container anyway.
                drop(child.kill());
                return check(
                    NAME,
                    format!("--version did not end within {} s", LIMIT.as_secs()),
                    false,
                );
            }
            Err(error) => return check(NAME, error.to_string(), false),
        }
    }
    match child.wait_with_output() {
        Ok(output) if output.status.success() => {
            check(NAME, String::from_utf8_lossy(&output.stdout), true)
        }
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            let seen = format!("--version ended with {}: {}", output.status, said.trim());
            check(NAME, seen, false)
        }
        Err(error) => check(NAME, error.to_string(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_as_the_system_would() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tool");
        std::fs::write(&program, "#!/bin/sh\necho \"tool 1.2\"\n").unwrap();
        let path = format!("/nowhere:{}", folder.path().display());
        assert_eq!(find("tool", &path, "/"), None, "it may not be run");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find("tool", &path, "/"), Some(program.clone()));
        assert_eq!(find("tool", "/nowhere", "/"), None);
        assert_eq!(find("", &path, "/"), None);
        let cwd = folder.path().display().to_string();
        assert!(find("./tool", "", &cwd).is_some());
        let starts = version(&program, &cwd, &BTreeMap::new());
        assert!(
            starts.holds && starts.seen.starts_with("tool 1.2"),
            "{starts:?}"
        );
        std::fs::write(&program, "#!/bin/sh\necho broken >&2; exit 3\n").unwrap();
        let broken = version(&program, &cwd, &BTreeMap::new());
        assert!(
            !broken.holds && broken.seen.contains("broken"),
            "{broken:?}"
        );
    }
}
