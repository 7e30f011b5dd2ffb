//! The roles that run inside containers, each one process of the same binary.
//!
//! A role must not know of the operator's side: it learns what it needs from one
//! environment variable ([`crate::wire::InitConfig`], [`crate::wire::SidecarConfig`])
//! and from its sockets.

pub mod attach;
mod candidate;
pub mod ctl;
pub mod demo_agent;
pub mod egress;
pub mod forward;
pub mod hook;
pub mod init;
mod runtime;
pub mod supervise;

use std::ffi::OsString;
use std::process::ExitCode;

/// Which role this process plays.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum GuestRole {
    /// PID 1 of the agent container: the session's PTY, the doors, the seal probes.
    Init,
    /// One client of the session, for an exec in the agent container.
    Attach,
    /// A look around in an image that a session is to be moved to.
    Candidate,
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
    /// One port of a build helper, spliced to the door of the build's egress.
    Forward,
    /// Does nothing: keeps the volume with the guest binary in use.
    Keep,
}

impl GuestRole {
    /// The role that a command line of exactly `… guest ROLE` names.
    ///
    /// A role runs for days in many containers and an exec of one should be quick:
    /// neither has to build the operator's whole command line first.
    #[must_use]
    pub fn of_command_line(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        arguments.next()?;
        if arguments.next()? != "guest" {
            return None;
        }
        let role = arguments.next()?;
        if arguments.next().is_some() {
            return None;
        }
        Some(match role.to_str()? {
            "init" => Self::Init,
            "attach" => Self::Attach,
            "candidate" => Self::Candidate,
            "egress" => Self::Egress,
            "supervise" => Self::Supervise,
            "ctl" => Self::Ctl,
            "hook" => Self::Hook,
            "demo-agent" => Self::DemoAgent,
            "forward" => Self::Forward,
            "keep" => Self::Keep,
            _ => return None,
        })
    }
}

/// Plays a role until it ends.
#[must_use]
pub fn run(role: &GuestRole) -> ExitCode {
    match role {
        GuestRole::Init => init::run(),
        GuestRole::Attach => attach::run(),
        GuestRole::Candidate => candidate::run(),
        GuestRole::Egress => egress::run(),
        GuestRole::Supervise => supervise::run(),
        GuestRole::Ctl => ctl::run(),
        GuestRole::Hook => hook::run(),
        GuestRole::DemoAgent => demo_agent::run(),
        GuestRole::Forward => forward::run(),
        GuestRole::Keep => ExitCode::SUCCESS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Long {
        #[command(subcommand)]
        role: GuestRole,
    }

    #[test]
    fn the_short_way_to_a_role_ends_where_the_long_way_does() {
        use clap::Parser as _;
        for command in <Long as clap::CommandFactory>::command().get_subcommands() {
            let name = command.get_name();
            let long = Long::parse_from(["guest", name]).role;
            let words = ["/cellar/cellar", "guest", name].map(OsString::from);
            let short = GuestRole::of_command_line(words.into_iter()).unwrap();
            assert_eq!(format!("{short:?}"), format!("{long:?}"));
        }
        for other in [
            &["cellar", "guest"][..],
            &["cellar", "guest", "init", "--help"],
            &["cellar", "list"],
        ] {
            let words = other.iter().map(OsString::from);
            assert!(GuestRole::of_command_line(words).is_none(), "{other:?}");
        }
    }
}
