//! Bottles to make on the fake engine, and what is expected of its calls.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::super::{Brakes, Braking, Step, Up, UpError, UpRequest, resume, stop, up};
use crate::docker::archive::HomeFile;
use crate::docker::fake::{Call, FakeEngine};
use crate::docker::guest_image::GuestBinary;
use crate::docker::labels;
use crate::policy::RouteSet;
use crate::secret::Secret;
use crate::spec::{
    BottleId, ImageSource, Limits, Observe, SPEC_VERSION, Session, Spec, Workspace, layout,
};

pub(super) const OWNER: &str = "me";
pub(super) const TAG: &str = "agents.test/claude:1";

/// A bottle that may be made, and the files that it is made from.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) request: UpRequest,
    folder: tempfile::TempDir,
}

pub(super) fn id() -> BottleId {
    BottleId::parse("api-1").unwrap()
}

pub(super) fn name(role: &str) -> String {
    format!("cellar-api-1-{role}")
}

pub(super) fn of_bottle() -> String {
    labels::of_bottle(&id())
}

/// The smallest bottle: the guest image, nothing laid into it.
pub(super) fn small() -> Wanted {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("guest");
    std::fs::write(&binary, b"binary").unwrap();
    let spec = Spec {
        version: SPEC_VERSION,
        agent: String::from("api"),
        template: String::from("plain"),
        image: ImageSource::Guest,
        session: Session {
            argv: vec![String::from("agent")],
            resume_argv: Some(vec![String::from("agent"), String::from("--resume")]),
            env: BTreeMap::new(),
            handed_over: Vec::new(),
            cwd: layout::WORKSPACE.to_owned(),
            home_files: Vec::new(),
            observe: Observe::Output,
            mcp_servers: BTreeMap::new(),
        },
        workspace: Workspace::None,
        limits: Limits::default(),
        uid: layout::AGENT_UID,
        routes: RouteSet::NONE,
        upstream_ca: None,
        clipboard: crate::spec::Clipboard::Never,
        upstream_proxy: None,
        supervise: true,
        runtime: None,
        build: crate::spec::Build::default(),
    };
    let request = UpRequest {
        id: id(),
        owner: OWNER.to_owned(),
        digest: spec.digest().unwrap(),
        spec,
        revision: 1,
        prices: None,
        is_demo: false,
        home_files: Vec::new(),
        secrets: BTreeMap::new(),
        credentials: BTreeMap::new(),
        message: None,
        guest: GuestBinary::at(&binary, None).unwrap(),
        brakes: Brakes::new(Braking::default),
        line_folder: None,
    };
    Wanted { request, folder }
}

/// A bottle that needs every step: an image to pull, a copied workspace, a home, a
/// secret.
pub(super) fn large() -> Wanted {
    let mut wanted = small();
    let workspace = wanted.folder.path().join("project");
    std::fs::create_dir(&workspace).unwrap();
    std::fs::write(workspace.join("main.rs"), "fn main() {}").unwrap();
    let request = &mut wanted.request;
    request.spec.image = ImageSource::Tag {
        reference: TAG.to_owned(),
    };
    request.spec.workspace = Workspace::Copy {
        host: workspace.display().to_string(),
    };
    request.spec.session.handed_over = vec![String::from("TOKEN")];
    request.secrets =
        BTreeMap::from([(String::from("TOKEN"), Secret::new(String::from("hunter2")))]);
    request.home_files = vec![HomeFile {
        path: String::from(".config/agent.json"),
        mode: 0o600,
        content: Bytes::from_static(b"{}"),
    }];
    wanted
}

/// An engine that can pull the image of [`large`].
pub(super) fn engine() -> FakeEngine {
    let engine = FakeEngine::new();
    engine.world().registry.insert(TAG.to_owned());
    engine
}

/// The folder of [`UpRequest::line_folder`], made.
pub(super) fn with_line_folder(wanted: &mut Wanted) -> PathBuf {
    let folder = wanted.folder.path().join("lines");
    std::fs::create_dir(&folder).unwrap();
    wanted.request.line_folder = Some(folder.clone());
    folder
}

pub(super) async fn try_up(engine: &FakeEngine, wanted: &Wanted) -> Result<Up, UpError> {
    // Nobody listens to the progress: that must hold nothing up.
    let (news, _) = mpsc::channel(1);
    up(Arc::new(engine.clone()), wanted.request.clone(), news).await
}

pub(super) async fn try_resume(engine: &FakeEngine, wanted: &Wanted) -> Result<Up, UpError> {
    let (news, _) = mpsc::channel(1);
    resume(Arc::new(engine.clone()), wanted.request.clone(), news).await
}

/// An engine on which the bottle was made and stopped.
pub(super) async fn with_stopped(wanted: &Wanted) -> FakeEngine {
    let engine = engine();
    try_up(&engine, wanted).await.unwrap();
    stop(&engine, OWNER, &id(), Duration::ZERO).await.unwrap();
    engine
}

/// Names of the volumes there are.
pub(super) fn volumes(engine: &FakeEngine) -> BTreeSet<String> {
    let world = engine.world();
    let volumes = world.volumes.iter();
    volumes.map(|volume| volume.name.clone()).collect()
}

/// The step that a call belongs to.
pub(super) fn step_of(engine: &FakeEngine, wanted: &Wanted, call: &Call) -> Step {
    let calls = engine.calls().into_iter();
    let times = calls.filter(|other| other == call).count();
    let guest = &wanted.request.guest;
    let kept = format!("{}={}", labels::KEEP, guest.short());
    match (call.what, call.on.as_str()) {
        ("image", on) if on == guest.reference() => Step::GuestImage,
        ("image" | "pull_image", _) => Step::AgentImage,
        ("load_image", _) => Step::GuestImage,
        ("containers" | "remove_volume" | "create", on)
            if on == kept || on == guest.volume() || on == guest.keeper() =>
        {
            Step::GuestVolume
        }
        ("containers" | "volumes" | "create" | "remove", _) => Step::Create,
        ("ensure_network", _) => Step::Network,
        ("inspect", _) => Step::Fence,
        // The workspace is given to the agent's user first, and filled then.
        ("put_archive", _) if times == 1 => Step::Home,
        ("put_archive", _) => Step::Workspace,
        ("start", _) => Step::Start,
        ("exec_line", on) if on == name("agent") => Step::HandOver,
        ("exec_line", _) => Step::ControlLine,
        other => panic!("a bottle does not need {other:?}"),
    }
}

/// Everything of the bottle, containers and volumes.
pub(super) fn whole() -> BTreeSet<String> {
    let parts = ["agent", "egress", "supervise"];
    // Two sidecars name their volume as they name their container.
    let volumes = ["doors", "home", "workspace", "control"];
    parts
        .iter()
        .chain(&volumes)
        .map(|part| name(part))
        .collect()
}
