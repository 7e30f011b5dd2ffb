//! `replay` and `cast`: looking at a recording, and a session's screen as a film.

use std::fs::OpenOptions;
use std::io::{BufWriter, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::super::cast::{self, CastEnd};
use super::super::cellar::Cellar;
use super::super::cli::{CastArguments, ReplayArguments};
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::replay;
use super::attach::exit_words;
use super::egress::end;
use super::printing;
use crate::store::AuditEvent;

pub(super) async fn replay(out: &mut Output, arguments: &ReplayArguments) -> Result<Exit, Failure> {
    let attempt = || format!("replay {}", arguments.file.display());
    if arguments.json {
        let state =
            replay::last_state(&arguments.file).map_err(|error| Failure::new(attempt(), &error))?;
        out.json(&state).map_err(printing)?;
        return Ok(Exit::Done);
    }
    let Some(speed) = power_of_two(arguments.speed) else {
        return Err(
            Failure::because(attempt(), "the speed is no number above 0")
                .help("such as 0.5, 1, 2 or 16")
                .exit(Exit::Usage),
        );
    };
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::because(attempt(), "this is no terminal")
            .help("run it in a terminal, or print what was known at the end with --json")
            .exit(Exit::Usage));
    }
    replay::replay(&arguments.file, speed, arguments.paused)
        .await
        .map_err(|error| Failure::new(attempt(), &error))?;
    Ok(Exit::Done)
}

/// The power of two that is next to a factor.
fn power_of_two(factor: f64) -> Option<i32> {
    if !factor.is_finite() || factor <= 0.0 {
        return None;
    }
    (-16..=16).min_by(|one, other| {
        let far = |power: i32| (factor.log2() - f64::from(power)).abs();
        far(*one).total_cmp(&far(*other))
    })
}

pub(super) async fn cast(out: &mut Output, arguments: &CastArguments) -> Result<Exit, Failure> {
    let until = arguments.time.as_deref().map(end).transpose()?;
    let cellar = Cellar::open().await?;
    let id = cellar.find(&arguments.bottle)?;
    let attempt = || format!("record the session of `{id}`");
    // The file first: a name that is taken is no reason to look at a session.
    let to = file(&arguments.file).map_err(|error| {
        Failure::new(attempt(), &error).help("name a file that is not there yet, or - to print it")
    })?;
    let line = cellar.session_line(&id).await.map_err(|error| {
        Failure::new(attempt(), &error).help(format!("`cellar show {id}` tells how it is"))
    })?;
    cellar.audit_after(&id, AuditEvent::Attach { typed: false });
    out.note(&format!("recording {id}; ctrl-c ends it"))
        .map_err(printing)?;
    let limit = until.map(|until| {
        let left = until.duration_since(jiff::Timestamp::now());
        left.try_into().unwrap_or(std::time::Duration::ZERO)
    });
    let end = cast::record(line, id.as_str(), limit, to)
        .await
        .map_err(|error| Failure::new(attempt(), &error))?;
    let words = match end {
        CastEnd::Stopped => format!("recorded; {id} goes on"),
        CastEnd::Ended(exit) => format!("recorded; the session {}", exit_words(exit)),
        CastEnd::Lost => String::from("recorded until the line broke; the session may go on"),
    };
    out.note(&words).map_err(printing)?;
    Ok(match end {
        CastEnd::Stopped | CastEnd::Ended(_) => Exit::Done,
        CastEnd::Lost => Exit::Failed,
    })
}

fn file(path: &Path) -> std::io::Result<Box<dyn Write>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdout()));
    }
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(Box::new(BufWriter::new(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_the_next_power_of_two() {
        for (factor, power) in [(1.0, 0), (2.0, 1), (0.5, -1), (3.0, 2), (1e9, 16)] {
            assert_eq!(power_of_two(factor), Some(power), "{factor}");
        }
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(power_of_two(factor), None, "{factor}");
        }
    }
}
