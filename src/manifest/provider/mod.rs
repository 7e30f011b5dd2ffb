//! What each provider needs: argv, environment, home files and routes.

mod claude;
mod command;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::model::ProviderEntry;
use super::plan::HomeFile;
use super::resolve::ResolveError;
use crate::policy::Route;
use crate::spec::{Observe, layout};

/// Where the prompt lies, below the home.
pub(super) const PROMPT_FILE: &str = ".cellar/prompt.md";

/// What a provider is asked with.
#[derive(Debug)]
pub(super) struct Wish<'w> {
    pub(super) extra_args: &'w [String],
    pub(super) remote_control: bool,
    pub(super) session_id: Uuid,
    pub(super) prompt: Option<&'w str>,
    /// Names of the variables that the user's files set.
    pub(super) set: &'w BTreeMap<String, Option<String>>,
    /// The template's routes.
    pub(super) routes: &'w [Route],
    /// Whether the agent may ask for what it lacks.
    pub(super) supervise: bool,
}

/// What a provider answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) argv: Vec<String>,
    pub(super) resume_argv: Option<Vec<String>>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) home_files: Vec<HomeFile>,
    pub(super) routes: Vec<Route>,
    pub(super) observe: Observe,
    pub(super) notes: Vec<String>,
}

/// Asks the provider of an agent.
pub(super) fn ask(entry: &ProviderEntry, wish: &Wish<'_>) -> Result<Answer, ResolveError> {
    match entry {
        ProviderEntry::Claude { args, model } => claude::ask(args, model.as_deref(), wish),
        ProviderEntry::Command { argv } => command::ask(argv, wish),
    }
}

/// The environment of every session: where the doors are and what the terminal can.
/// `PATH` is the image's own.
pub(super) fn base_env(time_zone: Option<&str>) -> BTreeMap<String, String> {
    let proxy = format!("http://127.0.0.1:{}", layout::ports::EGRESS);
    let mut env: BTreeMap<String, String> = BTreeMap::new();
    // Both cases: curl reads only the lower-case `http_proxy`, others only the upper.
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"] {
        env.insert(name.to_owned(), proxy.clone());
    }
    for name in ["NO_PROXY", "no_proxy"] {
        env.insert(name.to_owned(), String::from("127.0.0.1,localhost"));
    }
    for (name, value) in [
        ("HOME", layout::HOME),
        ("TERM", "xterm-256color"),
        ("COLORTERM", "truecolor"),
        ("LANG", "C.UTF-8"),
    ] {
        env.insert(name.to_owned(), value.to_owned());
    }
    if let Some(zone) = time_zone {
        env.insert(String::from("TZ"), zone.to_owned());
    }
    env
}

/// The prompt as a file of the home.
fn prompt_file(prompt: &str) -> HomeFile {
    HomeFile {
        path: PROMPT_FILE.to_owned(),
        mode: 0o644,
        content: prompt.as_bytes().to_vec(),
    }
}
