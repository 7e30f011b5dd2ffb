//! A real engine, through the client library; the only place that names it.
//!
//! Two clones of one client: short answers have a limit of seconds, bulk work
//! (builds, loads, uploads) one of hours. Every request is its own connection.

mod build;
mod connect;
mod containers;
mod convert;
mod exec;
mod fail;
mod logs;
mod networks;
mod paced;

use std::collections::HashMap;
use std::time::Duration;

use bollard::{body_try_stream, models, query_parameters as query};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use self::connect::Connection;
use self::fail::failed;
use super::address::EngineAddress;
use super::engine::{Answer, Body, Engine, News};
use super::error::EngineError;
use super::line::{Line, LineTraffic};
use super::model::{
    BuildRequest, ContainerDetails, ContainerRequest, ContainerSummary, EngineEvent, EngineInfo,
    ImageSighting, LogChunk, LogRequest, NetworkRequest, NetworkSighting, StatsSample,
    VolumeSighting,
};
use crate::state::{ContainerState, EngineId};

/// What an engine may take beyond the grace to answer a stop.
const STOP_SLACK: Duration = Duration::from_secs(30);

/// A Docker or Podman engine.
#[derive(Debug)]
pub struct DockerEngine {
    id: EngineId,
    connection: Connection,
}

impl DockerEngine {
    /// Connects, asks for the version and holds to it.
    ///
    /// # Errors
    /// [`EngineError`] if nobody answers or the answer makes no sense.
    pub async fn connect(address: &EngineAddress) -> Result<Self, EngineError> {
        let connection = connect::connect(address).await?;
        Ok(Self {
            id: address.engine_id(),
            connection,
        })
    }

    fn control(&self) -> &bollard::Docker {
        &self.connection.control
    }

    fn bulk(&self) -> &bollard::Docker {
        &self.connection.bulk
    }
}

/// The filter that a label is.
fn by_label(label: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([(String::from("label"), vec![label.to_owned()])])
}

/// Takes "it is not there" for an answer.
fn if_there<T>(answer: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

impl Engine for DockerEngine {
    fn id(&self) -> &EngineId {
        &self.id
    }

    fn info(&self) -> Answer<'_, EngineInfo> {
        async move {
            let said = self.control().info().await;
            Ok(convert::info(
                said.map_err(failed("ask what it is"))?,
                self.connection.version.to_string(),
                self.connection.is_podman,
            ))
        }
        .boxed()
    }

    fn ping(&self) -> Answer<'_, ()> {
        let said = async move { self.control().ping().await };
        said.map(|said| said.map(drop).map_err(failed("ask whether it is there")))
            .boxed()
    }

    fn image<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<ImageSighting>> {
        async move {
            let said = self.control().inspect_image(reference).await;
            if_there(said.map(convert::image).map_err(failed("look at an image")))
        }
        .boxed()
    }

    fn images<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<ImageSighting>> {
        async move {
            let options = query::ListImagesOptionsBuilder::default()
                .filters(&by_label(label))
                .build();
            let said = self.control().list_images(Some(options)).await;
            let said = said.map_err(failed("list images"))?;
            Ok(said.into_iter().map(convert::listed_image).collect())
        }
        .boxed()
    }

    fn load_image(&self, archive: Body) -> Answer<'_, ()> {
        async move {
            let options = query::ImportImageOptionsBuilder::default()
                .quiet(true)
                .build();
            let said = self.bulk().import_image_stream(options, archive, None);
            // The library may report bytes left over at the very end (bollard#560);
            // the caller looks at the image, which says the truth.
            finish(said.map_err(failed("load an image")).boxed()).await
        }
        .boxed()
    }

    fn pull_image(&self, reference: &str) -> News<String> {
        let options = query::CreateImageOptionsBuilder::default()
            .from_image(&tagged(reference))
            .build();
        self.bulk()
            .create_image(Some(options), None, None)
            .map_err(failed("pull an image"))
            .map_ok(|news| news.status.unwrap_or_default())
            .boxed()
    }

    fn build_image(&self, request: BuildRequest) -> News<String> {
        build::build(self.bulk(), request)
    }

    fn remove_image<'a>(&'a self, reference: &'a str) -> Answer<'a, ()> {
        async move {
            let said =
                self.control()
                    .remove_image(reference, None::<query::RemoveImageOptions>, None);
            said.await.map(drop).map_err(failed("remove an image"))
        }
        .boxed()
    }

    fn containers<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<ContainerSummary>> {
        containers::list(&self.connection, label).boxed()
    }

    fn create<'a>(&'a self, request: &'a ContainerRequest) -> Answer<'a, String> {
        async move {
            let options = query::CreateContainerOptionsBuilder::default()
                .name(&request.name)
                .build();
            let body = convert::create_body(request);
            let said = self.control().create_container(Some(options), body).await;
            Ok(said.map_err(failed("create a container"))?.id)
        }
        .boxed()
    }

    fn start<'a>(&'a self, container: &'a str) -> Answer<'a, ()> {
        async move {
            let options = None::<query::StartContainerOptions>;
            let said = self.control().start_container(container, options).await;
            said.map_err(failed("start a container"))
        }
        .boxed()
    }

    fn stop<'a>(&'a self, container: &'a str, grace: Duration) -> Answer<'a, ()> {
        async move {
            let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
            let options = query::StopContainerOptionsBuilder::default()
                .t(seconds)
                .build();
            let patient = self.control().clone().with_timeout(grace + STOP_SLACK);
            let said = patient.stop_container(container, Some(options)).await;
            said.map_err(failed("stop a container"))
        }
        .boxed()
    }

    fn pause<'a>(&'a self, container: &'a str) -> Answer<'a, ()> {
        async move {
            let said = self.control().pause_container(container).await;
            let said = said.map_err(failed("freeze a container"));
            // «Already paused» and «not running» are the same answer.
            containers::unless_it_is(&self.connection, container, &ContainerState::Paused, said)
                .await
        }
        .boxed()
    }

    fn unpause<'a>(&'a self, container: &'a str) -> Answer<'a, ()> {
        async move {
            let said = self.control().unpause_container(container).await;
            let said = said.map_err(failed("unfreeze a container"));
            containers::unless_it_is(&self.connection, container, &ContainerState::Running, said)
                .await
        }
        .boxed()
    }

    fn kill<'a>(&'a self, container: &'a str) -> Answer<'a, ()> {
        async move {
            let options = None::<query::KillContainerOptions>;
            let said = self.control().kill_container(container, options).await;
            said.map_err(failed("kill a container"))
        }
        .boxed()
    }

    fn remove<'a>(&'a self, container: &'a str) -> Answer<'a, ()> {
        async move {
            let options = query::RemoveContainerOptionsBuilder::default()
                .force(true)
                .v(true)
                .build();
            let said = self
                .control()
                .remove_container(container, Some(options))
                .await;
            said.map_err(failed("remove a container"))
        }
        .boxed()
    }

    fn inspect<'a>(&'a self, container: &'a str) -> Answer<'a, ContainerDetails> {
        containers::inspect(&self.connection, container).boxed()
    }

    fn logs(&self, container: &str, request: LogRequest) -> News<LogChunk> {
        let tail = request.tail.map_or(String::from("all"), |n| n.to_string());
        let mut options = query::LogsOptionsBuilder::default()
            .follow(request.follow)
            .stdout(true)
            .stderr(true)
            .timestamps(true)
            .tail(&tail);
        if let Some(since) = request.since {
            options = options.since(i32::try_from(since.as_second()).unwrap_or(0));
        }
        let client = if request.follow {
            &self.connection.paced
        } else {
            self.bulk()
        };
        let said = client.logs(container, Some(options.build()));
        let state = (said.boxed(), Some(logs::Rejoin::default()));
        futures_util::stream::unfold(state, |(mut said, mut rejoin)| async move {
            let joining = rejoin.as_mut()?;
            let chunks: Vec<Result<LogChunk, EngineError>> = match said.next().await {
                Some(Ok(piece)) => joining.piece(piece).map(Ok).into_iter().collect(),
                Some(Err(error)) => {
                    rejoin = None;
                    vec![Err(failed("read a log")(error))]
                }
                None => rejoin.take()?.end().map(Ok).collect(),
            };
            Some((futures_util::stream::iter(chunks), (said, rejoin)))
        })
        .flatten()
        .boxed()
    }

    fn events(&self, label: &str) -> News<EngineEvent> {
        // One unknown word in an event ends the library's stream; events of
        // containers are the only ones with labels, so ask for no others.
        let mut filters = by_label(label);
        filters.insert(String::from("type"), vec![String::from("container")]);
        let options = query::EventsOptionsBuilder::default()
            .filters(&filters)
            .build();
        self.bulk()
            .events(Some(options))
            .map_ok(convert::event)
            .map_err(failed("listen to its events"))
            .boxed()
    }

    fn exec_line<'a>(
        &'a self,
        container: &'a str,
        argv: &'a [&'a str],
        traffic: LineTraffic,
    ) -> Answer<'a, Line> {
        exec::line(self.control(), container, argv, traffic).boxed()
    }

    fn put_archive<'a>(
        &'a self,
        container: &'a str,
        path: &'a str,
        archive: Body,
    ) -> Answer<'a, ()> {
        async move {
            let options = query::UploadToContainerOptionsBuilder::default()
                .path(path)
                .build();
            let said = self
                .bulk()
                .upload_to_container(container, Some(options), body_try_stream(archive))
                .await;
            said.map_err(failed("copy files into a container"))
        }
        .boxed()
    }

    fn stats<'a>(&'a self, container: &'a str) -> Answer<'a, StatsSample> {
        async move {
            let operation = "ask what a container uses";
            let options = query::StatsOptionsBuilder::default()
                .stream(false)
                .one_shot(true)
                .build();
            let said = self.control().stats(container, Some(options)).next().await;
            let said = said.ok_or_else(|| EngineError::Garbled {
                operation,
                why: String::from("it said nothing"),
            })?;
            Ok(convert::stats(said.map_err(failed(operation))?))
        }
        .boxed()
    }

    fn volumes<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<VolumeSighting>> {
        async move {
            let options = query::ListVolumesOptionsBuilder::default()
                .filters(&by_label(label))
                .build();
            let said = self.control().list_volumes(Some(options)).await;
            let said = said.map_err(failed("list volumes"))?.volumes;
            let said: Vec<models::Volume> = said.unwrap_or_default();
            Ok(said.into_iter().map(convert::volume).collect())
        }
        .boxed()
    }

    fn volume<'a>(&'a self, name: &'a str) -> Answer<'a, Option<VolumeSighting>> {
        async move {
            let said = self.control().inspect_volume(name).await;
            if_there(
                said.map(convert::volume)
                    .map_err(failed("look at a volume")),
            )
        }
        .boxed()
    }

    fn remove_volume<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        async move {
            let options = None::<query::RemoveVolumeOptions>;
            let said = self.control().remove_volume(name, options).await;
            said.map_err(failed("remove a volume"))
        }
        .boxed()
    }

    fn ensure_network<'a>(&'a self, request: &'a NetworkRequest) -> Answer<'a, String> {
        networks::ensure(self.control(), request).boxed()
    }

    fn join<'a>(&'a self, network: &'a str, container: &'a str) -> Answer<'a, ()> {
        networks::join(&self.connection, network, container).boxed()
    }

    fn part<'a>(&'a self, network: &'a str, container: &'a str) -> Answer<'a, ()> {
        networks::part(&self.connection, network, container).boxed()
    }

    fn networks<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<NetworkSighting>> {
        networks::list(self.control(), by_label(label)).boxed()
    }

    fn remove_network<'a>(&'a self, network: &'a str) -> Answer<'a, ()> {
        async move {
            let said = self.control().remove_network(network).await;
            said.map_err(failed("remove a network"))
        }
        .boxed()
    }
}

/// Reads a stream of progress to its end; an error that the engine itself reports
/// counts, a stream that merely ends badly does not.
async fn finish<T>(mut said: News<T>) -> Result<(), EngineError> {
    while let Some(news) = said.next().await {
        match news {
            Ok(_) => {}
            Err(EngineError::Garbled { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A reference without a tag would pull every tag there is.
fn tagged(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if name.contains(':') || reference.contains('@') {
        reference.to_owned()
    } else {
        format!("{reference}:latest")
    }
}

/// A stream that drives its own producer: nothing runs unless it is read.
fn pumped<T: Send + 'static>(
    pump: impl Future<Output = ()> + Send + 'static,
    rx: tokio::sync::mpsc::Receiver<T>,
) -> futures_util::stream::BoxStream<'static, T> {
    let items = futures_util::stream::unfold(rx, |mut rx| async move {
        let item = rx.recv().await?;
        Some((Some(item), rx))
    });
    let silent = pump.map(|()| None).into_stream();
    futures_util::stream::select(items, silent)
        .filter_map(std::future::ready)
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_names_one_tag() {
        assert_eq!(tagged("a/b"), "a/b:latest");
        assert_eq!(tagged("a/b:1"), "a/b:1");
        assert_eq!(tagged("host:5000/b"), "host:5000/b:latest");
        assert_eq!(tagged("b@sha256:00"), "b@sha256:00");
    }
}
