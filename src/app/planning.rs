//! From an agent's name to a plan, for verbs and console alike.

use crate::manifest::{
    Config, Loaded, Manifest, ManifestPaths, Need, Plan, Problem, ResolveError, ResolveOptions,
    SecretAsk, SecretSource, builtin_theme_names, load_config, load_prices, theme_names,
};
use crate::policy::Prices;
use crate::secret::Secret;
use crate::store::Record;

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

/// What models cost, and what is wrong with the operator's file of it, if something is.
pub(crate) fn prices() -> (Prices, Option<Failure>) {
    let found = std::env::current_dir()
        .ok()
        .and_then(|cwd| ManifestPaths::discover(&cwd).ok());
    let Some(paths) = found else {
        return (Prices::builtin().unwrap_or_default(), None);
    };
    let (prices, error) = load_prices(&paths.prices());
    let failure = error.map(|error| Failure::new("use your prices", &error));
    (prices, failure)
}

/// Where the operator's files are, if that is known.
pub(crate) fn paths() -> Option<ManifestPaths> {
    let cwd = std::env::current_dir().ok()?;
    ManifestPaths::discover(&cwd).ok()
}

/// The names of the themes that there are.
pub(crate) fn themes() -> Vec<String> {
    match paths() {
        Some(paths) => theme_names(&paths),
        None => builtin_theme_names().map(str::to_owned).collect(),
    }
}

/// The operator's settings, and what is wrong with their file, if something is.
pub(crate) fn config() -> (Config, Option<String>) {
    let Some(paths) = paths() else {
        return (Config::default(), None);
    };
    let (config, problems) = load_config(&paths);
    let first = problems.first();
    let problem = first.map(|problem| format!("{} — `cellar check` shows all", at(problem)));
    (config, problem)
}

/// What models cost where the operator's own file says other than we do, for egress to go
/// by. What is wrong with the file is told where the prices are shown.
pub(crate) fn own_prices() -> Option<Prices> {
    let (prices, _) = prices();
    let ours = Prices::builtin().unwrap_or_default();
    (prices != ours).then_some(prices)
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
        failure = failure.also(at(problem));
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

/// What must be looked up so that a bottle can be resumed: as its agent's entry and its
/// template say today.
pub(crate) fn asks_again(record: &Record) -> Result<Vec<SecretAsk>, Failure> {
    let mut asks = credential_asks(record)?;
    asks.extend(variable_asks(record)?);
    Ok(asks)
}

/// What must be looked up so that a bottle's session can start: as its agent's entry says
/// today.
pub(crate) fn variable_asks(record: &Record) -> Result<Vec<SecretAsk>, Failure> {
    let handed_over = &record.spec.session.handed_over;
    if handed_over.is_empty() {
        return Ok(Vec::new());
    }
    let plan = plan(&record.spec.agent, &[], false)?;
    let asks = handed_over.iter().map(|variable| {
        let need = Need::Variable(variable.clone());
        let known = plan.asks.iter().find(|ask| ask.need == need);
        known.cloned().unwrap_or_else(|| SecretAsk {
            need,
            source: SecretSource::Prompt {
                text: String::from("The manifest names this value no more"),
            },
        })
    });
    Ok(asks.collect())
}

/// What must be looked up so that a bottle's egress has what its spec names.
pub(crate) fn credential_asks(record: &Record) -> Result<Vec<SecretAsk>, Failure> {
    let spec = &record.spec;
    if spec.secrets().next().is_none() {
        return Ok(Vec::new());
    }
    let loaded = load()?;
    let asks = loaded.manifest.credential_asks(spec);
    asks.map_err(|problems| {
        let attempt = format!("find the secrets of the bottle `{}`", spec.template);
        let failure = Failure::because(attempt, "its entry in the manifest has mistakes");
        problems
            .iter()
            .fold(failure, |failure, problem| failure.also(at(problem)))
            .help("`cellar check` shows each mistake in its place")
            .exit(Exit::BadManifest)
    })
}

fn at(problem: &Problem) -> String {
    let Problem {
        file,
        line,
        column,
        message,
        ..
    } = problem;
    format!("{file}:{line}:{column}: {message}")
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
