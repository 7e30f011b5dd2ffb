//! The agent's image: found, pulled, or built from the operator's own Dockerfile.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;

use super::request::{Step, StepNews, UpCause, UpRequest};
use super::steps::Steps;
use crate::docker::archive::dockerfile_context;
use crate::docker::engine::{Engine, News};
use crate::docker::error::EngineError;
use crate::docker::labels;
use crate::docker::model::BuildRequest;
use crate::spec::{Digest, ImageSource};

/// Gives the reference of an image that the engine has.
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
                pull(engine, reference, steps).await?;
            }
            Ok(reference.clone())
        }
        ImageSource::Dockerfile { text } => {
            let digest = Digest::of(text.as_bytes());
            let tag = format!("cellar/built:{}", digest.short());
            if engine.image(&tag).await?.is_none() {
                build(engine, &tag, text, digest, steps).await?;
            }
            Ok(tag)
        }
    }
}

async fn pull(engine: &dyn Engine, reference: &str, steps: &Steps) -> Result<(), UpCause> {
    let pulled = follow(engine.pull_image(reference), steps).await;
    // What counts is whether the image is there, not how the stream ended.
    if engine.image(reference).await?.is_some() {
        return Ok(());
    }
    let why = match pulled {
        Err(error) => error.to_string(),
        Ok(()) => String::from("it was not there afterwards"),
    };
    Err(UpCause::Spec {
        why: format!(
            "get the image `{reference}`: the engine has none of that name and pulling failed ({why}); build it, or name another in the manifest"
        ),
    })
}

async fn build(
    engine: &dyn Engine,
    tag: &str,
    text: &str,
    digest: Digest,
    steps: &Steps,
) -> Result<(), UpCause> {
    let context = dockerfile_context(text).map_err(|error| UpCause::Spec {
        why: format!("pack the Dockerfile: {error}"),
    })?;
    let news = engine.build_image(BuildRequest {
        tag: tag.to_owned(),
        context: context.into(),
        labels: BTreeMap::from([(labels::BUILT.to_owned(), digest.to_string())]),
    });
    follow(news, steps).await?;
    match engine.image(tag).await? {
        Some(_) => Ok(()),
        None => Err(UpCause::Spec {
            why: String::from("build the image: the engine ended the build without one"),
        }),
    }
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
