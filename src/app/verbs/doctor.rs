//! `doctor`: what would fail here, and how to mend it.

use serde::Serialize;

use super::super::cellar;
use super::super::cli::JsonArguments;
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::planning;
use super::printing;
use crate::docker::{self, DockerEngine, Engine as _, EngineAddress, EngineInfo};

/// How a finding bears on bottles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Grade {
    /// As it should be.
    Good,
    /// Works, less well.
    Warning,
    /// Bottles cannot start.
    Bad,
}

/// One thing looked at.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorFinding"))]
pub(super) struct Finding {
    /// What was looked at.
    what: &'static str,
    /// How it is.
    grade: Grade,
    /// What was seen.
    seen: String,
    /// What to do about it.
    mend: Option<String>,
}

fn good(what: &'static str, seen: impl Into<String>) -> Finding {
    Finding {
        what,
        grade: Grade::Good,
        seen: seen.into(),
        mend: None,
    }
}

fn graded(
    what: &'static str,
    grade: Grade,
    seen: impl Into<String>,
    mend: impl Into<String>,
) -> Finding {
    Finding {
        what,
        grade,
        seen: seen.into(),
        mend: Some(mend.into()),
    }
}

pub(super) async fn doctor(out: &mut Output, arguments: &JsonArguments) -> Result<Exit, Failure> {
    let mut findings = vec![open_files(), state_folder(), manifest(), audit()];
    let mut exit = Exit::Done;
    match reach().await {
        Ok((address, engine)) => {
            findings.push(good("engine", address));
            match engine.info().await {
                Ok(info) => findings.extend(of_engine(&info)),
                Err(error) => findings.push(graded(
                    "engine",
                    Grade::Bad,
                    error.to_string(),
                    "restart the engine and look at its own log",
                )),
            }
        }
        Err(finding) => {
            exit = Exit::NoEngine;
            findings.push(finding);
        }
    }
    findings.extend(inotify());
    if exit == Exit::Done && findings.iter().any(|finding| finding.grade == Grade::Bad) {
        exit = Exit::Failed;
    }
    if arguments.json {
        return out.json(&findings).map_err(printing).map(|()| exit);
    }
    for finding in &findings {
        let mark = match finding.grade {
            Grade::Good => "✓ ok  ",
            Grade::Warning => "! warn",
            Grade::Bad => "✗ bad ",
        };
        out.line(&format!("{mark}  {:<14} {}", finding.what, finding.seen))
            .map_err(printing)?;
        if let Some(mend) = &finding.mend {
            out.line(&format!("{:24}{mend}", "")).map_err(printing)?;
        }
    }
    Ok(exit)
}

/// Whether what was decided and done can be proven.
fn audit() -> Finding {
    let checked = cellar::open_store().map_err(|failure| failure.line());
    let checked =
        checked.and_then(|store| store.audit().verify().map_err(|error| error.to_string()));
    let mend = "compare the file with a copy of yours; what it tells of before cannot be proven";
    match checked {
        Ok(Ok(head)) => {
            let entries = head.map_or(0, |head| head.seq);
            good("audit", format!("whole, {entries} entries"))
        }
        Ok(Err(fault)) => graded("audit", Grade::Warning, fault.to_string(), mend),
        Err(why) => graded(
            "audit",
            Grade::Warning,
            why,
            "check the state folder's disk",
        ),
    }
}

async fn reach() -> Result<(String, DockerEngine), Finding> {
    let mend = "start Docker or Podman, join the group that may use its socket, or set DOCKER_HOST";
    let address = EngineAddress::discover()
        .map_err(|error| graded("engine", Grade::Bad, error.to_string(), mend))?;
    let engine = DockerEngine::connect(&address).await.map_err(|error| {
        let failure = Failure::new("reach it", &error);
        graded("engine", Grade::Bad, failure.line(), mend)
    })?;
    Ok((address.to_string(), engine))
}

fn of_engine(info: &EngineInfo) -> Vec<Finding> {
    let has = |word: &str| {
        info.security_options
            .iter()
            .any(|option| option.contains(word))
    };
    let mut findings = vec![
        good(
            "version",
            format!(
                "{} {} (API {}), {} {}, kernel {}",
                if info.is_podman { "Podman" } else { "Docker" },
                info.version,
                info.api_version,
                info.os,
                info.arch,
                info.kernel
            ),
        ),
        if info.arch == std::env::consts::ARCH {
            good("architecture", info.arch.clone())
        } else {
            graded(
                "architecture",
                Grade::Bad,
                format!(
                    "the engine runs {}, this program is {}",
                    info.arch,
                    std::env::consts::ARCH
                ),
                "use a cellar built for the engine's architecture",
            )
        },
        if has("seccomp") {
            good("seccomp", "system calls are filtered")
        } else {
            graded(
                "seccomp",
                Grade::Bad,
                "the engine filters no system calls",
                "run an engine and a kernel with seccomp",
            )
        },
        if has("apparmor") || has("selinux") {
            good("mac", "AppArmor or SELinux is on")
        } else {
            graded(
                "mac",
                Grade::Warning,
                "neither AppArmor nor SELinux is on",
                "optional: one more fence; your distribution's manual says how",
            )
        },
        good("cgroup", format!("version {}", info.cgroup_version)),
        good("runtimes", info.runtimes.join(", ")),
    ];
    findings.extend(options_of(info));
    findings
}

/// What an engine may have and bottles can do without.
fn options_of(info: &EngineInfo) -> Vec<Finding> {
    let has = |word: &str| {
        info.security_options
            .iter()
            .any(|option| option.contains(word))
    };
    let mut findings = Vec::new();
    if has("rootless") || has("userns") {
        findings.push(good("users", "root in a container is nobody outside"));
    } else {
        findings.push(graded(
            "users",
            Grade::Warning,
            "users are not remapped (bottles run as an ordinary user all the same)",
            "optional: rootless mode or userns-remap",
        ));
    }
    if !info.runtimes.iter().any(|runtime| runtime == "runsc") {
        findings.push(graded(
            "gvisor",
            Grade::Warning,
            "runsc is not installed",
            "optional: templates with `\"runtime\": \"runsc\"` need it",
        ));
    }
    findings.extend(info.warnings.iter().map(|warning| {
        graded(
            "engine says",
            Grade::Warning,
            warning.clone(),
            "see the engine's manual",
        )
    }));
    findings
}

fn open_files() -> Finding {
    match docker::raise_open_files() {
        Some(limit) if limit < 4_096 => graded(
            "open files",
            Grade::Warning,
            format!("at most {limit}"),
            "raise the hard limit (ulimit -Hn) for more than some 200 bottles",
        ),
        Some(limit) => good("open files", format!("at most {limit}")),
        None => graded(
            "open files",
            Grade::Warning,
            "the limit could not be raised",
            "raise it before you start: ulimit -n 65536",
        ),
    }
}

fn state_folder() -> Finding {
    match cellar::open_store() {
        Ok(store) => good("state folder", store.root().display().to_string()),
        Err(failure) => graded(
            "state folder",
            Grade::Bad,
            failure.line(),
            "check its owner and the room on its disk",
        ),
    }
}

fn manifest() -> Finding {
    match planning::load() {
        Ok(loaded) if !loaded.problems.is_empty() => graded(
            "manifest",
            Grade::Warning,
            format!("{} mistakes", loaded.problems.len()),
            "`cellar check` shows each in its place",
        ),
        Ok(loaded) if !loaded.manifest.has_operator_file() => graded(
            "manifest",
            Grade::Warning,
            "there is none",
            "`cellar init` writes a starter",
        ),
        Ok(loaded) => good(
            "manifest",
            format!("{} agents", loaded.manifest.agents().len()),
        ),
        Err(failure) => graded("manifest", Grade::Bad, failure.line(), "set HOME"),
    }
}

/// All bottles' agents run as one user, and the kernel counts watches by user.
fn inotify() -> Option<Finding> {
    const ENOUGH: u64 = 512;
    let text = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_instances").ok()?;
    let instances: u64 = text.trim().parse().ok()?;
    Some(if instances < ENOUGH {
        graded(
            "inotify",
            Grade::Warning,
            format!("{instances} watchers a user"),
            "for many bottles: sysctl fs.inotify.max_user_instances=1024",
        )
    } else {
        good("inotify", format!("{instances} watchers a user"))
    })
}
