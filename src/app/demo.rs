//! The three bottles of `cellar demo`: everything real but the model.

use std::collections::BTreeMap;

use crate::policy::{HostName, HostNameError, Provenance, Route, RouteSet};
use crate::spec::{
    BottleName, ImageSource, Limits, Observe, SPEC_VERSION, Session, Spec, Workspace, layout,
    layout::ports,
};

/// The demo agents: name, personality for `guest demo-agent`, what it is for.
const AGENTS: [(&str, &str); 3] = [
    ("demo-chat", "chat"),
    ("demo-worker", "worker"),
    ("demo-quiet", "quiet"),
];

/// The agent that asks for something, and so needs the operator first.
pub(crate) const ASKS: &str = "demo-chat";

/// One bottle of the demo.
#[derive(Clone, Debug)]
pub(crate) struct DemoBottle {
    /// The agent's name, the id's first part.
    pub(crate) name: BottleName,
    /// How it is made.
    pub(crate) spec: Spec,
}

/// Describes the demo's bottles.
///
/// # Errors
/// Never for the built-in names; the type says what a bad one would be.
pub(crate) fn bottles(time_zone: &str) -> Result<Vec<DemoBottle>, DemoError> {
    AGENTS
        .iter()
        .map(|(name, personality)| {
            Ok(DemoBottle {
                name: BottleName::parse(name)?,
                spec: spec(name, personality, time_zone)?,
            })
        })
        .collect()
}

/// A built-in name that is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// An agent's name.
    #[error("name a demo bottle")]
    Name(#[from] crate::spec::BottleIdError),
    /// A route's host.
    #[error("name a demo route")]
    Host(#[from] HostNameError),
}

fn spec(name: &str, personality: &str, time_zone: &str) -> Result<Spec, DemoError> {
    let proxy = format!("http://127.0.0.1:{}", ports::EGRESS);
    let env = BTreeMap::from(
        [
            ("CELLAR_DEMO", personality),
            ("HTTPS_PROXY", &proxy),
            ("HTTP_PROXY", &proxy),
            ("NO_PROXY", "127.0.0.1,localhost"),
            ("TERM", "xterm-256color"),
            ("COLORTERM", "truecolor"),
            ("TZ", time_zone),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let argv = ["guest", "demo-agent"].iter().fold(
        vec![layout::GUEST_BINARY.to_owned()],
        |mut argv, word| {
            argv.push((*word).to_owned());
            argv
        },
    );
    Ok(Spec {
        version: SPEC_VERSION,
        agent: name.to_owned(),
        template: String::from("demo"),
        image: ImageSource::Guest,
        session: Session {
            argv,
            resume_argv: None,
            env,
            handed_over: Vec::new(),
            cwd: layout::WORKSPACE.to_owned(),
            home_files: Vec::new(),
            observe: Observe::Output,
            mcp_servers: BTreeMap::new(),
        },
        workspace: Workspace::None,
        limits: Limits {
            memory_bytes: 512 * 1024 * 1024,
            tmp_bytes: 64 * 1024 * 1024,
            ..Limits::default()
        },
        uid: layout::AGENT_UID,
        // One allowed host beside the many that are not, so that the console has
        // both to show; whether it can be reached is the machine's affair.
        routes: RouteSet::of(vec![Route::to(
            HostName::parse("allowed.example")?,
            vec![443],
            Provenance::Builtin,
        )]),
        upstream_ca: None,
        clipboard: crate::spec::Clipboard::Never,
        upstream_proxy: None,
        supervise: true,
        runtime: None,
        build: crate::spec::Build::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_three_bottles_with_digests_of_their_own() {
        let bottles = bottles("UTC").unwrap();
        let digests: std::collections::BTreeSet<_> = bottles
            .iter()
            .map(|bottle| bottle.spec.digest().unwrap())
            .collect();
        assert_eq!(digests.len(), 3);
    }
}
