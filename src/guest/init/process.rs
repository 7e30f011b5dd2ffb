//! The duties of PID 1: reaping and signals.
//!
//! One reaper owns every status. As PID 1 it reaps whatever the kernel hands it; else
//! (in tests) only the session's own program, since other children are not its own.

use std::io;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

use crate::wire::SessionExit;

/// Whose statuses are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Every child's: we are PID 1.
    All,
    /// Only the program's.
    Program,
}

/// Waits until the program ends, reaping on the way. Cancel-safe.
pub(super) async fn program_ended(program: Pid, scope: Scope) -> io::Result<SessionExit> {
    let mut children = signal(SignalKind::child())?;
    loop {
        if let Some(exit) = reap(program, scope)? {
            return Ok(exit);
        }
        children.recv().await;
    }
}

/// Reaps what ended; the program's status if that was among it.
pub(super) fn reap(program: Pid, scope: Scope) -> io::Result<Option<SessionExit>> {
    loop {
        let ended = match scope {
            // Not `waitpid(None)`, which means our own process group only.
            Scope::All => rustix::process::wait(WaitOptions::NOHANG),
            Scope::Program => rustix::process::waitpid(Some(program), WaitOptions::NOHANG),
        };
        match ended {
            Ok(Some((pid, status))) if pid == program => {
                if let Some(exit) = exit(status) {
                    return Ok(Some(exit));
                }
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) | Err(Errno::CHILD) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

fn exit(status: WaitStatus) -> Option<SessionExit> {
    let code = status.exit_status().map(|code| SessionExit::Code { code });
    code.or_else(|| {
        status
            .terminating_signal()
            .map(|signal| SessionExit::Signal { signal })
    })
}

/// Sends a signal to the program's process group, and to the program itself should it
/// have left that group.
pub(super) fn send(program: Pid, signal: Signal) {
    // Both fail only if nobody is left, which is what a signal is for.
    kill_process_group(program, signal).ok();
    kill_process(program, signal).ok();
}

/// A signal that init itself got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// End the session.
    End,
    /// Pass this on to the program.
    PassOn(Signal),
}

/// The signals of init.
pub(super) struct Signals {
    end: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    first: tokio::signal::unix::Signal,
    second: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            end: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            first: signal(SignalKind::user_defined1())?,
            second: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for the next one. Cancel-safe.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.end.recv() => Told::End,
            _ = self.interrupt.recv() => Told::PassOn(Signal::INT),
            _ = self.hangup.recv() => Told::PassOn(Signal::HUP),
            _ = self.first.recv() => Told::PassOn(Signal::USR1),
            _ = self.second.recv() => Told::PassOn(Signal::USR2),
        }
    }
}
