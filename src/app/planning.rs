//! From an agent's name to a plan, for verbs and console alike.

use crate::manifest::{Loaded, Manifest, ManifestPaths, Plan, ResolveError, ResolveOptions};
use crate::secret::Secret;

use super::exit::{Exit, Failure};

/// Reads the user's files as they are now.
pub(crate) fn load() -> Result<Loaded, Failure> {
    let cwd =
        std::env::current_dir().map_err(|error| Failure::new("find the current folder", &error))?;
    let paths = ManifestPaths::discover(&cwd).map_err(|error| {
        Failure::new("find the manifest", &error).help("set HOME or XDG_CONFIG_HOME")
    })?;
    Ok(Manifest::load(&paths))
}

/// Plans an agent's start. Reads files, changes nothing, asks for nothing.
pub(crate) fn plan(agent: &str, extra: &[String], remote_control: bool) -> Result<Plan, Failure> {
    let loaded = load()?;
    let cwd =
        std::env::current_dir().map_err(|error| Failure::new("find the current folder", &error))?;
    let options = ResolveOptions {
        extra_args: extra.to_vec(),
        remote_control,
        session_id: uuid::Uuid::new_v4(),
        time_zone: time_zone(),
        cwd,
    };
    loaded
        .manifest
        .resolve(agent, &options)
        .map_err(|error| unplanned(&loaded, agent, &error))
}

fn unplanned(loaded: &Loaded, agent: &str, error: &ResolveError) -> Failure {
    let mut failure = Failure::new(format!("plan `{agent}`"), error);
    for problem in error.problems() {
        failure = failure.also(format!(
            "{}:{}:{}: {}",
            problem.file, problem.line, problem.column, problem.message
        ));
    }
    let help = if !loaded.manifest.has_operator_file() {
        "`cellar init` writes a starter manifest"
    } else if error.problems().is_empty() {
        "`cellar check` lists the agents there are"
    } else {
        "`cellar check` shows each mistake in its place"
    };
    failure.help(help).exit(Exit::BadManifest)
}

/// A variable of the operator's own environment.
pub(crate) fn host_variable(name: &str) -> Option<Secret<String>> {
    std::env::var(name).ok().map(Secret::new)
}

/// The operator's time zone by its IANA name, if it has one.
pub(crate) fn time_zone() -> Option<String> {
    jiff::tz::TimeZone::system()
        .iana_name()
        .map(ToOwned::to_owned)
}
