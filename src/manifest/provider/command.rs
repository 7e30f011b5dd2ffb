//! Provider `command`: any program, as it is written.

use std::collections::BTreeMap;

use super::{Answer, PROMPT_FILE, Wish, prompt_file};
use crate::manifest::resolve::ResolveError;
use crate::spec::{Observe, layout};

/// Where a program finds its prompt.
const PROMPT_VARIABLE: &str = "CELLAR_PROMPT_FILE";

pub(super) fn ask(argv: &[String], wish: &Wish<'_>) -> Result<Answer, ResolveError> {
    if wish.remote_control {
        return Err(ResolveError::RemoteControl);
    }
    let mut env = BTreeMap::new();
    let mut home_files = Vec::new();
    if let Some(prompt) = wish.prompt {
        let path = format!("{}/{PROMPT_FILE}", layout::HOME);
        env.insert(PROMPT_VARIABLE.to_owned(), path);
        home_files.push(prompt_file(prompt));
    }
    Ok(Answer {
        argv: argv.iter().chain(wish.extra_args).cloned().collect(),
        resume_argv: None,
        env,
        home_files,
        routes: Vec::new(),
        observe: Observe::Output,
        notes: Vec::new(),
    })
}
