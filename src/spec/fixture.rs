//! A spec for tests.

use std::collections::BTreeMap;

use super::{ImageSource, Limits, Observe, SPEC_VERSION, Session, Spec, Workspace};
use crate::policy::RouteSet;

/// A bottle that needs nothing and may go nowhere.
pub(crate) fn spec() -> Spec {
    Spec {
        version: SPEC_VERSION,
        agent: String::from("api"),
        template: String::from("rust"),
        image: ImageSource::Dockerfile {
            text: String::from("FROM a\nRUN b\n"),
        },
        session: Session {
            argv: vec![String::from("claude")],
            resume_argv: None,
            env: BTreeMap::new(),
            handed_over: Vec::new(),
            cwd: String::from("/workspace"),
            home_files: Vec::new(),
            observe: Observe::Output,
            mcp_servers: BTreeMap::new(),
        },
        workspace: Workspace::None,
        limits: Limits::default(),
        uid: 1000,
        routes: RouteSet::NONE,
        upstream_ca: None,
        clipboard: crate::spec::Clipboard::Never,
        upstream_proxy: None,
        supervise: true,
        runtime: None,
        build: crate::spec::Build::default(),
    }
}
