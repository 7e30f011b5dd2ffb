//! What builds left that ended with their console: found and removed by label.

use crate::docker::engine::Engine;
use crate::docker::error::{EngineError, gone_is_fine};
use crate::docker::labels;
use crate::spec::BottleId;

use super::builder::is_gone;
use super::fence::{PREFIX, remove_volume};

/// Containers and volumes of fences, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildRemains {
    /// Containers.
    pub containers: Vec<String>,
    /// Volumes.
    pub volumes: Vec<String>,
}

/// Which fences are looked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::docker::bottle) enum Of<'a> {
    /// All that were made for this bottle.
    Bottle(&'a BottleId),
    /// Those for a bottle that is not among these, and those whose process has ended.
    NoneOf(&'a [BottleId]),
}

impl Of<'_> {
    fn filter(self) -> String {
        match self {
            Self::Bottle(id) => labels::of_build(id),
            Self::NoneOf(_) => labels::BUILD.to_owned(),
        }
    }

    /// Whether labels tell of such a fence. The labels of an image may be anything, and a
    /// bottle's own containers have them too.
    fn holds(self, name: &str, found: &labels::Labels, owner: &str) -> bool {
        let label = |key: &str| found.get(key).map_or("", String::as_str);
        let is_ours = labels::is_owned(found, owner)
            && name.starts_with(PREFIX)
            && !found.contains_key(labels::BOTTLE);
        let is_meant = match self {
            Self::Bottle(id) => label(labels::BUILD) == id.as_str(),
            Self::NoneOf(kept) => {
                let is_kept = |id: &BottleId| id.as_str() == label(labels::BUILD);
                !kept.iter().any(is_kept) || is_gone(label(labels::BUILDER))
            }
        };
        is_ours && is_meant
    }
}

/// Looks for what builds left.
///
/// # Errors
/// [`EngineError`] if the engine does not list its objects.
pub(in crate::docker::bottle) async fn find(
    engine: &dyn Engine,
    owner: &str,
    of: Of<'_>,
) -> Result<BuildRemains, EngineError> {
    let filter = of.filter();
    let containers = engine.containers(&filter).await?.into_iter();
    let containers = containers.filter(|found| of.holds(&found.name, &found.labels, owner));
    let volumes = engine.volumes(&filter).await?.into_iter();
    let volumes = volumes.filter(|found| of.holds(&found.name, &found.labels, owner));
    Ok(BuildRemains {
        containers: containers.map(|found| found.name).collect(),
        volumes: volumes.map(|found| found.name).collect(),
    })
}

/// Removes it.
///
/// # Errors
/// [`EngineError`] of the first thing that could not be removed; a second call goes on.
pub(in crate::docker::bottle) async fn remove(
    engine: &dyn Engine,
    remains: &BuildRemains,
) -> Result<(), EngineError> {
    for container in &remains.containers {
        match gone_is_fine(engine.remove(container).await) {
            // «removal is already in progress»: somebody does what we want.
            Err(error) if error.is_conflict() => {}
            answer => answer?,
        }
    }
    for volume in &remains.volumes {
        remove_volume(engine, volume).await?;
    }
    Ok(())
}
