//! The system's ways to ask for an end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// How an end was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By somebody who means us.
    Asked,
    /// By a key in the terminal, which may be meant for the program that has it.
    Interrupt,
}

/// All of them, listened to.
pub(super) struct Ends {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
}

impl Ends {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn any(&mut self) -> End {
        tokio::select! {
            _ = self.terminate.recv() => End::Asked,
            _ = self.hang_up.recv() => End::Asked,
            _ = self.interrupt.recv() => End::Interrupt,
        }
    }
}
