//! What is asked for a bottle, what is told while it is made, and how it can fail.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::docker::archive::HomeFile;
use crate::docker::error::EngineError;
use crate::docker::guest_image::GuestBinary;
use crate::policy::{Prices, SecretName};
use crate::secret::Secret;
use crate::spec::{BottleId, Digest, Spec};
use crate::wire::{Role, SealReport, SessionExit};

/// Values of secrets by the names that routes call them by.
pub type Credentials = BTreeMap<SecretName, Secret<String>>;

/// A bottle to make or to take up again.
#[derive(Clone, Debug)]
pub struct UpRequest {
    /// Its id, reserved by the caller.
    pub id: BottleId,
    /// The operator's state folder that it belongs to.
    pub owner: String,
    /// What it is.
    pub spec: Spec,
    /// The digest of the spec.
    pub digest: Digest,
    /// Counts its specs from 1.
    pub revision: u32,
    /// What models cost, where the operator says other than we do.
    pub prices: Option<Prices>,
    /// Whether `cellar demo` makes it.
    pub is_demo: bool,
    /// Files laid into the home before the first start; not on a resume.
    pub home_files: Vec<HomeFile>,
    /// Values of the variables that the session waits for. Written nowhere.
    pub secrets: BTreeMap<String, Secret<String>>,
    /// Values of the secrets that routes name, for egress's memory alone.
    pub credentials: Credentials,
    /// What a session that is taken up again is told first, where its program takes a
    /// message.
    pub message: Option<String>,
    /// The binary that plays the roles.
    pub guest: GuestBinary,
    /// What the operator holds still; asked right before something would run.
    pub brakes: Brakes,
    /// A folder of this machine for lines that need not pass the engine, where the
    /// engine is on this machine.
    pub line_folder: Option<PathBuf>,
}

/// What the operator holds still of a bottle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Braking {
    /// Its egress gets no network.
    pub is_cut: bool,
    /// Nothing of it may start.
    pub is_held: bool,
}

/// Asks what is held still, whenever that counts.
#[derive(Clone)]
pub struct Brakes(std::sync::Arc<dyn Fn() -> Braking + Send + Sync>);

impl Brakes {
    /// Asked by this.
    pub fn new(ask: impl Fn() -> Braking + Send + Sync + 'static) -> Self {
        Self(std::sync::Arc::new(ask))
    }

    pub(super) fn now(&self) -> Braking {
        (self.0)()
    }
}

impl std::fmt::Debug for Brakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Brakes").field(&self.now()).finish()
    }
}

/// One step on the way to a running bottle, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Loading the guest image, where the engine lacks it.
    GuestImage,
    /// Filling the guest volume, where the engine lacks it.
    GuestVolume,
    /// Finding, pulling or building the agent's image.
    AgentImage,
    /// Finding or making the network that egress joins.
    Network,
    /// Making the containers and their volumes.
    Create,
    /// Comparing what the engine applied with what was asked.
    Fence,
    /// Laying files into the home.
    Home,
    /// Copying the workspace.
    Workspace,
    /// Starting the containers.
    Start,
    /// Connecting to the hub.
    ControlLine,
    /// Handing over secrets.
    HandOver,
    /// Waiting for roles, seal and session.
    Ready,
    /// Trying an image beside the running bottle.
    Candidate,
    /// Ending the session that another takes the place of.
    Stop,
}

impl Step {
    /// The step in words, fitting after "failed to".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::GuestImage => "load the guest image",
            Self::GuestVolume => "fill the guest volume",
            Self::AgentImage => "get the agent's image",
            Self::Network => "make the egress network",
            Self::Create => "create the containers",
            Self::Fence => "verify the fence",
            Self::Home => "lay files into the home",
            Self::Workspace => "fill the workspace",
            Self::Start => "start the containers",
            Self::ControlLine => "connect to the hub",
            Self::HandOver => "hand over secrets",
            Self::Ready => "get the bottle ready",
            Self::Candidate => "try the image",
            Self::Stop => "stop the session",
        }
    }
}

/// News of a step. Sent best-effort: a full queue loses output, never blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which step.
    pub step: Step,
    /// What is new.
    pub news: StepNews,
}

/// What is new about a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepNews {
    /// It began.
    Began,
    /// It says something: a build's or pull's output. Hostile text.
    Output(String),
    /// A build came to a step of its own.
    BuildStep {
        /// Which, from 1.
        number: u32,
        /// Of how many.
        of: u32,
        /// Its instruction. Hostile text.
        instruction: String,
    },
    /// It is done.
    Done {
        /// How long it took; steps overlap.
        took: Duration,
    },
}

/// How long a step took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepTime {
    /// Which step.
    pub step: Step,
    /// From the call's start to the step's begin.
    pub began: Duration,
    /// How long it took; steps overlap.
    pub took: Duration,
}

/// A bottle that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Up {
    /// The bottle.
    pub id: BottleId,
    /// The engine's ids of its containers.
    pub containers: BTreeMap<Role, String>,
    /// The id of the image that the agent container really got.
    pub image_id: String,
    /// The seal probes, as the bottle itself reports them.
    pub seal: SealReport,
    /// How the session ended, where it already did.
    pub ended: Option<SessionExit>,
    /// From the call to now.
    pub took: Duration,
    /// Each step, in the order they ended.
    pub steps: Vec<StepTime>,
}

/// A bottle whose agent container was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The id of the image that the agent container really got.
    pub image_id: String,
    /// The seal probes, as the bottle itself reports them.
    pub seal: SealReport,
    /// From the call to now.
    pub took: Duration,
    /// Each step, in the order they ended.
    pub steps: Vec<StepTime>,
}

/// Why a bottle did not come up. What was made for it is gone again, unless `undo`
/// says otherwise.
#[derive(Debug, thiserror::Error)]
#[error("{}{}", step.words(), undo_words(undo.as_ref()))]
pub struct UpError {
    /// The step that failed.
    pub step: Step,
    /// Why.
    #[source]
    pub cause: UpCause,
    /// What could not be undone.
    pub undo: Option<EngineError>,
}

fn undo_words(undo: Option<&EngineError>) -> String {
    undo.map_or_else(String::new, |error| {
        format!(" (and to undo it: {error}; `cellar rm` tries again)")
    })
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum UpCause {
    /// The engine refused or was away.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The operator holds it still.
    #[error(
        "it is frozen, or everything is held still: `cellar unfreeze` or `cellar panic --undo` first"
    )]
    Held,
    /// There is a bottle of that id.
    #[error("use the id `{id}`: a bottle of that id exists")]
    Exists {
        /// The id.
        id: BottleId,
    },
    /// There is no bottle of that id to take up again.
    #[error("find the bottle `{id}` on the engine")]
    Missing {
        /// The id.
        id: BottleId,
    },
    /// The engine did not apply what was asked.
    #[error(
        "trust the engine: {} of {role:?} is {found}, asked was {wanted}",
        what
    )]
    Fence {
        /// Which container.
        role: Role,
        /// Which setting.
        what: &'static str,
        /// What was asked.
        wanted: String,
        /// What it says it did.
        found: String,
    },
    /// The spec cannot be made into containers.
    #[error("{why}")]
    Spec {
        /// Why.
        why: String,
    },
    /// A Dockerfile could not be built. All texts are hostile, escaped.
    #[error(
        "build the image: {}{why}{}",
        build_step(at),
        build_words(last, refused)
    )]
    Build {
        /// The step that ran last; empty before the first.
        at: String,
        /// The builder's reason.
        why: String,
        /// The last lines of that step.
        last: Vec<String>,
        /// What egress refused, in words.
        refused: Vec<String>,
    },
    /// An image was tried and is not fit for the session.
    #[error("use the image for this session: {why}")]
    Candidate {
        /// What is not as it must be.
        why: String,
    },
    /// The guest binary cannot be read.
    #[error(transparent)]
    Guest(#[from] crate::docker::guest_image::GuestBinaryError),
    /// A role said what must not be said, or nothing.
    #[error("{why}{}", log_words(logs))]
    Roles {
        /// What went wrong.
        why: String,
        /// The last lines of the containers' logs, by role; hostile text, escaped.
        logs: Vec<(Role, String)>,
    },
    /// The seal does not hold.
    #[error("hold the seal: {}", broken_seal(report))]
    Seal {
        /// All probes.
        report: SealReport,
    },
}

fn build_step(at: &str) -> String {
    if at.is_empty() {
        String::new()
    } else {
        format!("{at}: ")
    }
}

fn build_words(last: &[String], refused: &[String]) -> String {
    let refused: Vec<String> = refused.iter().map(|words| format!("; {words}")).collect();
    let refused = refused.concat();
    if last.is_empty() {
        refused
    } else {
        format!("{refused}; it said: {}", last.join(" | "))
    }
}

fn log_words(logs: &[(Role, String)]) -> String {
    let quoted: Vec<String> = logs
        .iter()
        .map(|(role, text)| format!("; {} says: {text}", role.as_str()))
        .collect();
    quoted.concat()
}

fn broken_seal(report: &SealReport) -> String {
    let broken: Vec<String> = report
        .checks
        .iter()
        .filter(|check| !check.holds)
        .map(|check| format!("{} shows {}", check.name, check.seen.escape_debug()))
        .collect();
    if broken.is_empty() {
        String::from("nothing was probed")
    } else {
        broken.join(", ")
    }
}
