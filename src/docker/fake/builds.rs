//! The classic builder of the fake engine, and the logs of a build's fence.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::script::Call;
use super::world::{World, missing};
use super::{FakeEngine, archive};
use crate::docker::engine::News;
use crate::docker::error::EngineError;
use crate::docker::labels;
use crate::docker::model::{BuildNetwork, BuildRequest, LogChunk, LogRequest, LogSource};
use crate::policy::dockerfile::Dockerfile;

const OPERATION: &str = "build an image";

/// What the builder does, beside what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    /// Every build that began.
    pub(crate) asked: Vec<BuildRequest>,
    /// What the last step prints, in pieces.
    pub(crate) prints: Vec<String>,
    /// What the last step fails with.
    pub(crate) fails: Option<String>,
    /// Whether the last step never ends.
    pub(crate) hangs: bool,
    /// Lines that the egress of a build writes once it serves.
    pub(crate) egress_says: Vec<String>,
    /// Whether the fence of a build ends before it serves.
    pub(crate) fence_ends: bool,
}

impl World {
    /// Builds, and gives what is said.
    fn build(&mut self, request: BuildRequest) -> Result<Vec<String>, EngineError> {
        self.builder.asked.push(request.clone());
        if let BuildNetwork::Container(container) = &request.network
            && !self
                .find(container)
                .is_some_and(super::world::FakeContainer::is_running)
        {
            return Err(missing(OPERATION, container));
        }
        let files = archive::unpack(&request.context, OPERATION)?;
        let file = files.get("Dockerfile");
        let file = file.ok_or_else(|| missing(OPERATION, "Dockerfile"))?;
        let text = String::from_utf8_lossy(&file.content).into_owned();
        let read = Dockerfile::parse(&text).unwrap();
        for image in read.images() {
            // The real one would fetch it by itself, unseen.
            if self.image(&image.reference).is_none() {
                return Err(missing(OPERATION, &image.reference));
            }
        }
        let of = read.instructions.len() + 1;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let steps = lines
            .enumerate()
            .flat_map(|(at, line)| [format!("Step {}/{of} : {line}", at + 1), String::from("\n")]);
        let mut said: Vec<String> = steps.collect();
        said.extend(self.builder.prints.clone());
        if self.builder.fails.is_none() && !self.builder.hangs {
            for held in &mut self.images {
                held.tags.retain(|tag| *tag != request.tag);
            }
            self.add_image(&request.tag, request.labels);
        }
        Ok(said)
    }
}

impl FakeEngine {
    pub(super) fn built(&self, request: BuildRequest) -> News<String> {
        let engine = self.clone();
        let call = Call::new("build_image", &request.tag);
        stream::once(async move {
            let said = engine.perform(call, |world| world.build(request)).await?;
            let pieces = stream::iter(said.into_iter().map(Ok));
            let world = engine.world();
            let end: News<String> = if world.builder.hangs {
                stream::pending().boxed()
            } else {
                let fails = world.builder.fails.clone();
                stream::iter(fails.map(|message| {
                    Err(EngineError::Refused {
                        operation: OPERATION,
                        status: 200,
                        message,
                    })
                }))
                .boxed()
            };
            Ok::<_, EngineError>(pieces.chain(end))
        })
        .try_flatten()
        .boxed()
    }

    /// What a container wrote; where it is followed and runs, its log does not end.
    pub(super) fn log(&self, container: &str, request: LogRequest) -> News<LogChunk> {
        let (engine, container) = (self.clone(), container.to_owned());
        let call = Call::new("logs", &self.name_of(&container));
        stream::once(async move {
            let read = |world: &mut World| {
                let (fence_ends, says) =
                    (world.builder.fence_ends, world.builder.egress_says.clone());
                let found = world.found(&container, "read a log")?;
                let mut lines = vec![format!("{} was here", found.request.name)];
                let is_fence = found.request.labels.contains_key(labels::BUILD);
                if is_fence && !fence_ends {
                    lines.push(String::from("ready"));
                    if found.request.name.ends_with("-egress") {
                        lines.extend(says);
                    }
                }
                Ok((lines, is_fence && !fence_ends))
            };
            let (lines, goes_on) = engine.perform(call, read).await?;
            let lines = stream::iter(lines.into_iter().map(|line| {
                Ok(LogChunk {
                    source: LogSource::Err,
                    at: Some(Timestamp::UNIX_EPOCH),
                    bytes: line.into(),
                    is_cut: false,
                })
            }));
            let end: News<LogChunk> = if request.follow && goes_on {
                stream::pending().boxed()
            } else {
                stream::empty().boxed()
            };
            Ok::<_, EngineError>(lines.chain(end))
        })
        .try_flatten()
        .boxed()
    }
}
