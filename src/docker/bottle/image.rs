//! The agent's image: found, pulled, or built from a Dockerfile.

use futures_util::StreamExt as _;

use super::build;
use super::request::{Step, StepNews, UpCause, UpRequest};
use super::steps::Steps;
use crate::docker::engine::{Engine, News};
use crate::docker::error::EngineError;
use crate::docker::model::ImageSighting;
use crate::spec::{ImageSource, Spec};

/// Gives the reference of an image that the engine has. What it says goes to `steps` as
/// news of [`Step::AgentImage`].
///
/// # Errors
/// [`UpCause`] if it has not and cannot get it.
pub(crate) async fn ensure(
    engine: &dyn Engine,
    request: &UpRequest,
    steps: &Steps,
) -> Result<String, UpCause> {
    match &request.spec.image {
        ImageSource::Guest => Ok(request.guest.reference()),
        ImageSource::Tag { reference } => {
            if engine.image(reference).await?.is_none() {
                pull(engine, reference, "name another in the manifest", steps).await?;
            }
            Ok(reference.clone())
        }
        ImageSource::Dockerfile { text } => build::ensure(engine, request, text, steps).await,
    }
}

/// Whether the image of a spec's Dockerfile was built before, from what is there now;
/// `true` for what is not built.
///
/// # Errors
/// [`UpCause`] if the Dockerfile cannot be read or the engine does not say.
pub async fn is_built(engine: &dyn Engine, spec: &Spec) -> Result<bool, UpCause> {
    match &spec.image {
        ImageSource::Dockerfile { text } => build::is_built(engine, text).await,
        ImageSource::Guest | ImageSource::Tag { .. } => Ok(true),
    }
}

/// Pulls an image that is missing.
///
/// # Errors
/// [`UpCause::Spec`] with what to do instead.
pub(super) async fn pull(
    engine: &dyn Engine,
    reference: &str,
    instead: &str,
    steps: &Steps,
) -> Result<ImageSighting, UpCause> {
    let pulled = follow(engine.pull_image(reference), steps).await;
    // What counts is whether the image is there, not how the stream ended.
    if let Some(image) = engine.image(reference).await? {
        return Ok(image);
    }
    let why = match pulled {
        Err(error) => error.to_string(),
        Ok(()) => String::from("it was not there afterwards"),
    };
    Err(UpCause::Spec {
        why: format!(
            "get the image `{reference}`: the engine has none of that name and pulling failed ({why}); build or `docker pull` it, or {instead}"
        ),
    })
}

async fn follow(mut news: News<String>, steps: &Steps) -> Result<(), EngineError> {
    while let Some(text) = news.next().await {
        let text = text?;
        if !text.trim().is_empty() {
            steps.tell(Step::AgentImage, StepNews::Output(text));
        }
    }
    Ok(())
}
