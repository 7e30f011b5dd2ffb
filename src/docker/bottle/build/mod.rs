//! Building an image from a Dockerfile that an agent may have written.
//!
//! Its `RUN` steps join the network namespace of a helper that has the loopback alone and
//! one port, which leads to an egress sidecar of the build's own ([`fence`]). What the
//! engine itself would fetch (`ADD` of a URL, images) is not held by that fence: images
//! are looked up and pulled here, in sight, and the rest is for whoever says yes to the
//! text. Nothing here decides whether a Dockerfile should be built.

mod bases;
mod builder;
mod fence;
mod refusals;
mod remains;
mod transcript;

use std::collections::BTreeMap;

use futures_util::stream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::timeout;

use self::bases::Bases;
use self::fence::Fence;
use self::refusals::Refusals;
use self::transcript::Transcript;
use super::request::{Step, StepNews, UpCause, UpRequest};
use super::steps::Steps;
use crate::docker::archive::dockerfile_context;
use crate::docker::engine::{Engine, News};
use crate::docker::error::EngineError;
use crate::docker::labels;
use crate::docker::model::{BuildNetwork, BuildRequest, LogChunk};
use crate::policy::dockerfile::Dockerfile;
use crate::spec::layout::ports;
use crate::spec::{Build, Digest};

pub use remains::BuildRemains;
pub(super) use remains::{Of, find, remove};

/// Gives the reference of the image that a Dockerfile makes; builds it unless it was
/// built from the same text and the same images before.
///
/// Dropped at any point it cancels the engine's build, and leaves the fence, labelled, for
/// [`super::remove`], [`super::stop`] and `cellar cleanup`.
///
/// # Errors
/// [`UpCause::Spec`] if the text cannot be read or an image that it names is not to be
/// had, [`UpCause::Build`] if the build failed or took too long. The fence is gone.
pub(super) async fn ensure(
    engine: &dyn Engine,
    request: &UpRequest,
    text: &str,
    steps: &Steps,
) -> Result<String, UpCause> {
    let recipe = Recipe::read(text)?;
    if recipe.is_built(engine).await? {
        return Ok(recipe.tag);
    }
    let fence = recipe.file.runs().then(|| Fence::of(request));
    let mut said = Said {
        transcript: Transcript::default(),
        refusals: Refusals::of(&request.spec.template),
    };
    let limit = request.spec.build.timeout;
    let work = build(engine, request, &recipe, fence.as_ref(), (&mut said, steps));
    let built = timeout(limit, work).await.unwrap_or_else(|_| {
        Err(Failed::Built(format!(
            "it took longer than {} s; raise `timeout` under the template's `build`",
            limit.as_secs()
        )))
    });
    if let Some(fence) = &fence
        && let Err(error) = fence.remove(engine).await
    {
        // Whatever became of the build, it did: `cellar cleanup` finds the rest.
        let text = format!("the build's fence is still there: failed to {error}");
        steps.tell(Step::AgentImage, StepNews::Output(text));
    }
    match built {
        Ok(()) => Ok(recipe.tag),
        Err(Failed::Otherwise(cause)) => Err(cause),
        Err(Failed::Built(why)) => Err(said.failure(&why)),
    }
}

/// Whether [`ensure`] would build nothing.
///
/// # Errors
/// As [`ensure`].
pub(super) async fn is_built(engine: &dyn Engine, text: &str) -> Result<bool, UpCause> {
    Ok(Recipe::read(text)?.is_built(engine).await?)
}

/// What is to be built.
struct Recipe {
    tag: String,
    digest: Digest,
    text: String,
    file: Dockerfile,
    bases: Bases,
}

impl Recipe {
    fn read(text: &str) -> Result<Self, UpCause> {
        let file = Dockerfile::parse(text).map_err(|error| UpCause::Spec {
            why: format!("read the Dockerfile: {error}"),
        })?;
        let digest = Digest::of(text.as_bytes());
        Ok(Self {
            tag: format!("cellar/built:{}", digest.short()),
            digest,
            text: text.to_owned(),
            bases: Bases::of(&file)?,
            file,
        })
    }

    /// Whether the engine has it, made by us from the images that are there now. An image
    /// that is not there any more cannot have changed.
    async fn is_built(&self, engine: &dyn Engine) -> Result<bool, EngineError> {
        let Some(image) = engine.image(&self.tag).await? else {
            return Ok(false);
        };
        let label = image.labels.get(labels::BUILT).map_or("", String::as_str);
        match label.split_once(' ') {
            Some((digest, bases)) if digest == self.digest.to_string() => {
                self.bases.are_as(bases, engine).await
            }
            Some(_) | None => Ok(false),
        }
    }

    /// One label: an engine makes a layer for each, and each takes its time.
    fn labels(&self, bases: &str) -> BTreeMap<String, String> {
        let built = format!("{} {bases}", self.digest);
        BTreeMap::from([(labels::BUILT.to_owned(), built)])
    }
}

/// Why there is no image.
enum Failed {
    /// The builder's reason; what it said goes with it.
    Built(String),
    Otherwise(UpCause),
}

impl<E: Into<UpCause>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Otherwise(error.into())
    }
}

async fn build(
    engine: &dyn Engine,
    request: &UpRequest,
    recipe: &Recipe,
    fence: Option<&Fence<'_>>,
    (said, steps): (&mut Said, &Steps),
) -> Result<(), Failed> {
    let context = dockerfile_context(&recipe.text).map_err(|error| UpCause::Spec {
        why: format!("pack the Dockerfile: {error}"),
    })?;
    let bases = recipe.bases.ensure(engine, steps).await?;
    let labels = recipe.labels(&bases);
    let (network, log) = match fence {
        Some(fence) => fence.up(engine, steps).await?,
        // Triggers of an image (`ONBUILD`) may run something all the same.
        None => (BuildNetwork::None, stream::pending().boxed()),
    };
    let limits: &Build = &request.spec.build;
    let news = engine.build_image(BuildRequest {
        tag: recipe.tag.clone(),
        context: context.into(),
        labels: labels.clone(),
        network,
        memory_bytes: limits.memory_bytes,
        cpu_millis: limits.cpu_millis,
        arguments: proxy_arguments(),
    });
    let ended = follow(news, log, said, steps).await;
    pass_on(said.transcript.rest(), steps);
    if let Some(fence) = fence {
        for line in fence.last_lines(engine).await {
            said.hear(&line, steps);
        }
    }
    // What counts is the image that is there, not how the stream ended.
    let image = engine.image(&recipe.tag).await?;
    let is_made = |image: &crate::docker::model::ImageSighting| {
        let mut asked = labels.iter();
        asked.all(|(key, value)| image.labels.get(key) == Some(value))
    };
    match ended {
        _ if image.as_ref().is_some_and(is_made) => Ok(()),
        Err(error) if error.is_engine_away() => Err(error.into()),
        Err(EngineError::Refused { message, .. }) => Err(Failed::Built(message)),
        Err(error) => Err(Failed::Built(error.to_string())),
        Ok(()) => Err(Failed::Built(String::from(
            "the engine ended it without an image",
        ))),
    }
}

/// The variables that the builder predefines: steps see them, and neither the image nor
/// its history nor the builder's cache does.
fn proxy_arguments() -> BTreeMap<String, String> {
    let proxy = format!("http://127.0.0.1:{}", ports::EGRESS);
    let near = String::from("localhost,127.0.0.1,::1");
    let named = |name: &str, value: &String| {
        [name.to_owned(), name.to_ascii_lowercase()].map(|name| (name, value.clone()))
    };
    let all = ["HTTP_PROXY", "HTTPS_PROXY"].map(|name| named(name, &proxy));
    let none = named("NO_PROXY", &near);
    all.into_iter().flatten().chain(none).collect()
}

/// Passes on what builder and egress say until the builder is done.
async fn follow(
    mut news: News<String>,
    mut log: News<LogChunk>,
    said: &mut Said,
    steps: &Steps,
) -> Result<(), EngineError> {
    let mut is_logged = true;
    loop {
        tokio::select! {
            piece = news.try_next() => match piece? {
                Some(piece) => pass_on(said.transcript.take(&piece), steps),
                None => return Ok(()),
            },
            line = log.next(), if is_logged => match line {
                Some(Ok(line)) => said.hear(&line.bytes, steps),
                // Its last lines are read at the end in any case.
                Some(Err(_)) | None => is_logged = false,
            },
        }
    }
}

fn pass_on(news: Vec<StepNews>, steps: &Steps) {
    for one in news {
        steps.tell(Step::AgentImage, one);
    }
}

/// What was said so far.
struct Said {
    transcript: Transcript,
    refusals: Refusals,
}

impl Said {
    fn hear(&mut self, line: &[u8], steps: &Steps) {
        if let Some(words) = self.refusals.hear(line) {
            steps.tell(Step::AgentImage, StepNews::Output(words));
        }
    }

    fn failure(self, why: &str) -> UpCause {
        UpCause::Build {
            at: self.transcript.at(),
            why: why.escape_debug().to_string(),
            last: self.transcript.last(),
            refused: self.refusals.words(),
        }
    }
}
