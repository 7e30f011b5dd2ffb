//! `attach`: one session on the whole terminal, without the console around it.

use std::io::IsTerminal as _;

use tokio::sync::watch;

use super::super::attach::{self, Around, AttachEnd, Frame};
use super::super::cellar::Cellar;
use super::super::cli::AttachArguments;
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::terminal::Terminal;
use super::printing;
use crate::spec::BottleId;
use crate::state::Keys;
use crate::store::AuditEvent;
use crate::wire::{AttachMode, SessionExit};

pub(super) async fn attach(out: &mut Output, arguments: &AttachArguments) -> Result<Exit, Failure> {
    // Not mended first: nothing may stand between the operator and a session.
    let cellar = Cellar::open().await?;
    let id = cellar.find(&arguments.bottle)?;
    let mode = if arguments.watch {
        AttachMode::Watch
    } else {
        AttachMode::Interactive
    };
    run(out, &cellar, &id, mode).await
}

pub(super) async fn run(
    out: &mut Output,
    cellar: &Cellar,
    id: &BottleId,
    mode: AttachMode,
) -> Result<Exit, Failure> {
    let attempt = || format!("attach to `{id}`");
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::because(attempt(), "this is no terminal")
            .help("run it in a terminal, or read `cellar logs`")
            .exit(Exit::Usage));
    }
    let line = cellar.session_line(id).await.map_err(|error| {
        Failure::new(attempt(), &error).help(format!(
            "`cellar show {id}` tells how it is; `cellar resume {id}` starts a stopped one"
        ))
    })?;
    let typed = mode == AttachMode::Interactive;
    cellar.audit_after(id, AuditEvent::Attach { typed });
    let (config, _) = super::super::planning::config();
    let (keys, _) = Keys::read(&config.keys);
    let frame = Frame {
        status: status(id, mode, &keys.detach_key().name()),
        has_next: false,
    };
    let (_frame, shown) = watch::channel(frame);
    let terminal = Terminal::take().map_err(|error| Failure::new(attempt(), &error))?;
    let end = attach::attach(
        &terminal,
        line,
        mode,
        attach::leaving_chords(&keys),
        Vec::new(),
        Around {
            frame: shown,
            copies: None,
            late: None,
        },
    )
    .await;
    drop(terminal);
    let end = end.map_err(|error| Failure::new(attempt(), &error))?;
    match end {
        // The way out is the only chord here.
        AttachEnd::Detached | AttachEnd::Next | AttachEnd::Copy | AttachEnd::Wheel => out
            .note(&format!("detached; {id} goes on"))
            .map_err(printing)
            .map(|()| Exit::Done),
        AttachEnd::Ended(exit) => out
            .note(&format!("the session of {id} {}", exit_words(exit)))
            .map_err(printing)
            .map(|()| Exit::Done),
        AttachEnd::Refused(why) | AttachEnd::Lost(why) => Err(Failure::because(attempt(), why)
            .help(format!("`cellar show {id}` tells how the bottle is"))),
    }
}

fn status(id: &BottleId, mode: AttachMode, key: &str) -> String {
    match mode {
        AttachMode::Interactive => format!(" {id} · {key} detaches"),
        AttachMode::Watch => format!(" {id} · watching, keys are not sent · {key} leaves"),
    }
}

/// An end in words that fit after «the session».
pub(crate) fn exit_words(exit: SessionExit) -> String {
    match exit {
        SessionExit::Code { code: 0 } => String::from("ended"),
        SessionExit::Code { code } => format!("ended with exit {code}"),
        SessionExit::Signal { signal } => format!("was ended by signal {signal}"),
        SessionExit::NotStarted => String::from("could not be started"),
    }
}
