//! The roles that run inside containers, each one process of the same binary.
//!
//! A role must not know of the operator's side: it learns what it needs from one
//! environment variable ([`crate::wire::InitConfig`], [`crate::wire::SidecarConfig`])
//! and from its sockets.

pub mod attach;
pub mod ctl;
pub mod demo_agent;
pub mod egress;
pub mod hook;
pub mod init;
mod runtime;
pub mod supervise;

use std::process::ExitCode;

/// Which role this process plays.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum GuestRole {
    /// PID 1 of the agent container: the session's PTY, the doors, the seal probes.
    Init,
    /// One client of the session, for an exec in the agent container.
    Attach,
    /// The egress proxy.
    Egress,
    /// The hub, and the agent's way to ask.
    Supervise,
    /// One console's line to the hub, for an exec in the supervise container.
    Ctl,
    /// One hook of Claude Code, run by the agent's own program.
    Hook,
    /// The scripted agent of the demo.
    DemoAgent,
    /// Does nothing: keeps the volume with the guest binary in use.
    Keep,
}

/// Plays a role until it ends.
#[must_use]
pub fn run(role: &GuestRole) -> ExitCode {
    match role {
        GuestRole::Init => init::run(),
        GuestRole::Attach => attach::run(),
        GuestRole::Egress => egress::run(),
        GuestRole::Supervise => supervise::run(),
        GuestRole::Ctl => ctl::run(),
        GuestRole::Hook => hook::run(),
        GuestRole::DemoAgent => demo_agent::run(),
        GuestRole::Keep => ExitCode::SUCCESS,
    }
}
