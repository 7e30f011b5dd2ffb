//! `keys`: the console's keys by the names that `config.json` gives them.

use super::super::cli::JsonArguments;
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::planning;
use super::printing;
use crate::state::Keys;

pub(super) fn keys(out: &mut Output, arguments: &JsonArguments) -> Result<Exit, Failure> {
    let (config, problem) = planning::config();
    let (keys, mut problems) = Keys::read(&config.keys);
    problems.splice(0..0, problem);
    for problem in &problems {
        out.note(&format!("config.json: {problem}"))
            .map_err(printing)?;
    }
    let exit = if problems.is_empty() {
        Exit::Done
    } else {
        Exit::BadManifest
    };
    if arguments.json {
        let rows: Vec<_> = keys.rows().collect();
        return out.json(&rows).map_err(printing).map(|()| exit);
    }
    let rows: Vec<Vec<String>> = keys
        .rows()
        .map(|row| vec![row.name, row.keys.join(" "), row.help.to_owned()])
        .collect();
    out.table(&["NAME", "KEYS", "WHAT"], &rows)
        .map_err(printing)?;
    Ok(exit)
}
