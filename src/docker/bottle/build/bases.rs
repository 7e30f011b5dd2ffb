//! The images that a Dockerfile begins from. The builder would pull those that are
//! missing by itself; here that happens before the build, where it can be seen and told.

use std::collections::{BTreeMap, BTreeSet};

use super::super::image::pull;
use crate::docker::bottle::request::UpCause;
use crate::docker::bottle::steps::Steps;
use crate::docker::engine::Engine;
use crate::docker::error::EngineError;
use crate::policy::dockerfile::{Dockerfile, ImageUse};

/// References, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bases(BTreeSet<String>);

impl Bases {
    /// Those of a Dockerfile.
    ///
    /// # Errors
    /// [`UpCause::Spec`] if only the builder would know one: it would fetch it unseen.
    pub(super) fn of(file: &Dockerfile) -> Result<Self, UpCause> {
        let known = |image: ImageUse| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
            if image.is_known && !image.reference.is_empty() && image.reference.chars().all(plain) {
                return Ok(image.reference);
            }
            Err(UpCause::Spec {
                why: format!(
                    "build the image: line {} of the Dockerfile names `{}`, and only the builder would know which image that is; write its name and tag",
                    image.line,
                    image.reference.escape_debug()
                ),
            })
        };
        file.images()
            .into_iter()
            .map(known)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Gets those that are missing, and gives the label that says what they are now.
    ///
    /// # Errors
    /// [`UpCause::Spec`] if one is not there and cannot be pulled.
    pub(super) async fn ensure(
        &self,
        engine: &dyn Engine,
        steps: &Steps,
    ) -> Result<String, UpCause> {
        let mut entries = Vec::new();
        for reference in &self.0 {
            let image = match engine.image(reference).await? {
                Some(image) => image,
                None => pull(engine, reference, "name another in the Dockerfile", steps).await?,
            };
            entries.push(format!("{reference}={}", image.id));
        }
        Ok(entries.join(","))
    }

    /// Whether a label tells of the same images as are there now. One that is not there
    /// any more counts as the same.
    pub(super) async fn are_as(
        &self,
        label: &str,
        engine: &dyn Engine,
    ) -> Result<bool, EngineError> {
        let entries = label.split(',').filter_map(|entry| entry.split_once('='));
        let then: BTreeMap<&str, &str> = entries.collect();
        if !then.keys().copied().eq(self.0.iter().map(String::as_str)) {
            return Ok(false);
        }
        for (reference, id) in then {
            let now = engine.image(reference).await?;
            if now.is_some_and(|now| now.id != id) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
