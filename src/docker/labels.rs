//! The labels that say what an object on an engine is and whose.

use std::collections::BTreeMap;

use crate::spec::{BottleId, Digest};
use crate::wire::Role;

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// The bottle's id, on all its containers and volumes.
pub const BOTTLE: &str = "cellar.bottle";
/// The container's role.
pub const ROLE: &str = "cellar.role";
/// Counts a bottle's specs from 1.
pub const REVISION: &str = "cellar.revision";
/// The digest of the bottle's spec.
pub const SPEC: &str = "cellar.spec";
/// The operator's state folder that made it.
pub const OWNER: &str = "cellar.owner";
/// The agent's name in the manifest.
pub const AGENT: &str = "cellar.agent";
/// `true` on what `cellar demo` made.
pub const DEMO: &str = "cellar.demo";
/// On keepers of the guest volume: the short hash of the guest.
pub const KEEP: &str = "cellar.keep";
/// On guest images: the short hash of the guest.
pub const GUEST: &str = "cellar.guest";
/// On images built from a Dockerfile: the digest of its text, a space, and the images
/// that it began from with their ids then.
pub const BUILT: &str = "cellar.built";
/// On the containers and volumes of a build's fence: the bottle that is built for.
pub const BUILD: &str = "cellar.build";
/// On the same: the process that builds.
pub const BUILDER: &str = "cellar.builder";
/// On networks: what they are for.
pub const NETWORK: &str = "cellar.network";

/// What all objects of one bottle have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BottleLabels {
    pub(crate) id: BottleId,
    pub(crate) owner: String,
    pub(crate) agent: String,
    pub(crate) spec: Digest,
    pub(crate) is_demo: bool,
    pub(crate) revision: u32,
}

impl BottleLabels {
    /// The labels of a container.
    pub(crate) fn container(&self, role: Role) -> BTreeMap<String, String> {
        let mut labels = self.volume();
        labels.insert(ROLE.to_owned(), role.as_str().to_owned());
        labels.insert(REVISION.to_owned(), self.revision.to_string());
        labels.insert(SPEC.to_owned(), self.spec.to_string());
        labels.insert(AGENT.to_owned(), self.agent.clone());
        labels
    }

    /// The labels of a volume, which outlives revisions.
    pub(crate) fn volume(&self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([
            (BOTTLE.to_owned(), self.id.to_string()),
            (OWNER.to_owned(), self.owner.clone()),
        ]);
        if self.is_demo {
            labels.insert(DEMO.to_owned(), String::from("true"));
        }
        labels
    }
}

/// The filter that finds the fences of one bottle's builds.
pub(crate) fn of_build(id: &BottleId) -> String {
    format!("{BUILD}={id}")
}

/// The filter that finds everything of one bottle.
pub(crate) fn of_bottle(id: &BottleId) -> String {
    format!("{BOTTLE}={id}")
}

/// The role that a container's labels name.
pub(crate) fn role(labels: &BTreeMap<String, String>) -> Option<Role> {
    let word = labels.get(ROLE)?;
    Role::ALL.into_iter().find(|role| role.as_str() == word)
}

/// Whether an object belongs to this operator's state folder.
pub(crate) fn is_owned(labels: &BTreeMap<String, String>, owner: &str) -> bool {
    labels.get(OWNER).is_some_and(|found| found == owner)
}
