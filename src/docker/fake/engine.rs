//! The fake engine as an [`Engine`].

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use jiff::Timestamp;

use super::script::Call;
use super::world::{World, carries, missing};
use super::{FakeEngine, archive, programs};
use crate::docker::engine::{Answer, Body, Engine, News};
use crate::docker::error::EngineError;
use crate::docker::line::{Line, LineTraffic};
use crate::docker::model::{
    BuildRequest, ContainerDetails, ContainerRequest, ContainerSummary, EngineEvent, EngineInfo,
    ImageSighting, LogChunk, LogRequest, NetworkRequest, NetworkSighting, StatsSample,
    VolumeSighting,
};
use crate::state::EngineId;

/// An effect that cannot fail.
fn always<T>(
    effect: impl FnOnce(&mut World) -> T,
) -> impl FnOnce(&mut World) -> Result<T, EngineError> {
    move |world| Ok(effect(world))
}

impl FakeEngine {
    /// An effect that is told as one item of a stream, or ends it.
    fn said<T: Send + 'static>(
        &self,
        call: Call,
        effect: impl FnOnce(&mut World) -> Result<T, EngineError> + Send + 'static,
    ) -> News<T> {
        let engine = self.clone();
        stream::once(async move { engine.perform(call, effect).await }).boxed()
    }
}

impl Engine for FakeEngine {
    fn id(&self) -> &EngineId {
        &self.id
    }

    fn info(&self) -> Answer<'_, EngineInfo> {
        let info = EngineInfo {
            id: String::from("fake"),
            name: String::from("fake"),
            version: String::from("0"),
            api_version: String::from("1.44"),
            os: String::from("none"),
            arch: String::from("x86_64"),
            kernel: String::from("0"),
            runtimes: vec![String::from("runc")],
            cgroup_version: String::from("2"),
            security_options: vec![String::from("name=seccomp,profile=default")],
            storage_driver: String::from("memory"),
            ncpu: 1,
            memory_bytes: 1 << 30,
            is_podman: false,
            warnings: Vec::new(),
        };
        self.perform(Call::new("info", ""), always(|_| info))
            .boxed()
    }

    fn ping(&self) -> Answer<'_, ()> {
        self.perform(Call::new("ping", ""), always(|_| ())).boxed()
    }

    fn image<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<ImageSighting>> {
        let find = always(|world| world.image(reference).cloned());
        self.perform(Call::new("image", reference), find).boxed()
    }

    fn images<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<ImageSighting>> {
        let list = always(|world| {
            let images = world.images.iter();
            images
                .filter(|image| carries(&image.labels, label))
                .cloned()
                .collect()
        });
        self.perform(Call::new("images", label), list).boxed()
    }

    fn load_image(&self, archive: Body) -> Answer<'_, ()> {
        const OPERATION: &str = "load an image";
        async move {
            let bytes = archive::whole(archive, OPERATION).await?;
            self.perform(Call::new("load_image", ""), |world| {
                let image = archive::image(&bytes, OPERATION)?;
                world.images.retain(|held| held.id != image.id);
                world.images.push(image);
                Ok(())
            })
            .await
        }
        .boxed()
    }

    fn pull_image(&self, reference: &str) -> News<String> {
        let wanted = reference.to_owned();
        self.said(Call::new("pull_image", reference), move |world| {
            if !world.registry.contains(&wanted) {
                return Err(missing("pull an image", &wanted));
            }
            world.add_image(&wanted, std::collections::BTreeMap::new());
            Ok(String::from("pulled"))
        })
    }

    fn build_image(&self, request: BuildRequest) -> News<String> {
        self.built(request)
    }

    fn remove_image<'a>(&'a self, reference: &'a str) -> Answer<'a, ()> {
        self.perform(Call::new("remove_image", reference), |world| {
            world.remove_image(reference)
        })
        .boxed()
    }

    fn containers<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<ContainerSummary>> {
        let list = always(|world| {
            let all = world.containers.iter();
            all.filter(|found| carries(&found.request.labels, label))
                .map(super::world::FakeContainer::summary)
                .collect()
        });
        self.perform(Call::new("containers", label), list).boxed()
    }

    fn create<'a>(&'a self, request: &'a ContainerRequest) -> Answer<'a, String> {
        self.perform(Call::new("create", &request.name), |world| {
            world.create(request)
        })
        .boxed()
    }

    fn start<'a>(&'a self, container: &'a str) -> Answer<'a, ()> {
        let call = Call::new("start", &self.name_of(container));
        self.perform(call, |world| world.start(container)).boxed()
    }

    fn stop<'a>(&'a self, container: &'a str, _grace: Duration) -> Answer<'a, ()> {
        let call = Call::new("stop", &self.name_of(container));
        self.perform(call, |world| {
            world.end(container, 0, "stop a container").map(drop)
        })
        .boxed()
    }

    fn pause<'a>(&'a self, container: &'a str) -> Answer<'a, ()> {
        let call = Call::new("pause", &self.name_of(container));
        self.perform(call, |world| world.pause(container)).boxed()
    }

    fn unpause<'a>(&'a self, container: &'a str) -> Answer<'a, ()> {
        let call = Call::new("unpause", &self.name_of(container));
        self.perform(call, |world| world.unpause(container)).boxed()
    }

    fn kill<'a>(&'a self, container: &'a str) -> Answer<'a, ()> {
        let call = Call::new("kill", &self.name_of(container));
        self.perform(call, |world| world.kill(container)).boxed()
    }

    fn remove<'a>(&'a self, container: &'a str) -> Answer<'a, ()> {
        let call = Call::new("remove", &self.name_of(container));
        self.perform(call, |world| world.remove(container)).boxed()
    }

    fn inspect<'a>(&'a self, container: &'a str) -> Answer<'a, ContainerDetails> {
        let call = Call::new("inspect", &self.name_of(container));
        self.perform(call, |world| world.inspect(container)).boxed()
    }

    fn logs(&self, container: &str, request: LogRequest) -> News<LogChunk> {
        self.log(container, request)
    }

    fn events(&self, label: &str) -> News<EngineEvent> {
        let engine = self.clone();
        let label = label.to_owned();
        stream::once(async move {
            let call = Call::new("events", &label);
            let listened = engine
                .perform(call, always(|world| world.listen(&label)))
                .await;
            match listened {
                Ok(rx) => stream::unfold(rx, |mut rx| async move {
                    rx.recv().await.map(|event| (event, rx))
                })
                .boxed(),
                Err(error) => stream::iter([Err(error)]).boxed(),
            }
        })
        .flatten()
        .boxed()
    }

    fn exec_line<'a>(
        &'a self,
        container: &'a str,
        argv: &'a [&'a str],
        _traffic: LineTraffic,
    ) -> Answer<'a, Line> {
        let call = Call::new("exec_line", &self.name_of(container));
        self.perform(call, |world| programs::run(self, world, container, argv))
            .boxed()
    }

    fn put_archive<'a>(
        &'a self,
        container: &'a str,
        path: &'a str,
        archive: Body,
    ) -> Answer<'a, ()> {
        const OPERATION: &str = "copy files into a container";
        async move {
            let bytes = archive::whole(archive, OPERATION).await?;
            let call = Call::new(
                "put_archive",
                &format!("{}:{path}", self.name_of(container)),
            );
            self.perform(call, |world| {
                world.unpack(container, path, archive::unpack(&bytes, OPERATION)?)
            })
            .await
        }
        .boxed()
    }

    fn stats<'a>(&'a self, container: &'a str) -> Answer<'a, StatsSample> {
        let call = Call::new("stats", &self.name_of(container));
        self.perform(call, |world| {
            world.found(container, "ask what a container uses")?;
            Ok(StatsSample {
                cpu_nanos: 1,
                system_nanos: 2,
                cpus: 1,
                memory_bytes: 3,
                memory_limit_bytes: 0,
                pids: 4,
                received_bytes: 5,
                sent_bytes: 6,
            })
        })
        .boxed()
    }

    fn volumes<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<VolumeSighting>> {
        let list = always(|world| {
            let volumes = world.volumes.iter();
            volumes
                .filter(|found| carries(&found.labels, label))
                .cloned()
                .collect()
        });
        self.perform(Call::new("volumes", label), list).boxed()
    }

    fn volume<'a>(&'a self, name: &'a str) -> Answer<'a, Option<VolumeSighting>> {
        let find = always(move |world| {
            world
                .volumes
                .iter()
                .find(|found| found.name == name)
                .cloned()
        });
        self.perform(Call::new("volume", name), find).boxed()
    }

    fn remove_volume<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        self.perform(Call::new("remove_volume", name), |world| {
            world.remove_volume(name)
        })
        .boxed()
    }

    fn ensure_network<'a>(&'a self, request: &'a NetworkRequest) -> Answer<'a, String> {
        let ensure = always(|world| {
            let held = world
                .networks
                .iter()
                .find(|found| found.name == request.name);
            if let Some(found) = held {
                return found.id.clone();
            }
            let id = world.fresh_id();
            world.networks.push(NetworkSighting {
                id: id.clone(),
                name: request.name.clone(),
                labels: request.labels.clone(),
                created: Some(Timestamp::UNIX_EPOCH),
            });
            id
        });
        self.perform(Call::new("ensure_network", &request.name), ensure)
            .boxed()
    }

    fn join<'a>(&'a self, network: &'a str, container: &'a str) -> Answer<'a, ()> {
        let call = Call::new("join", &self.name_of(container));
        self.perform(call, |world| {
            world.set_parted(network, container, false, "give a container a network")
        })
        .boxed()
    }

    fn part<'a>(&'a self, network: &'a str, container: &'a str) -> Answer<'a, ()> {
        let call = Call::new("part", &self.name_of(container));
        self.perform(call, |world| {
            world.set_parted(network, container, true, "take a container's network away")
        })
        .boxed()
    }

    fn networks<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<NetworkSighting>> {
        let list = always(|world| {
            let networks = world.networks.iter();
            networks
                .filter(|found| carries(&found.labels, label))
                .cloned()
                .collect()
        });
        self.perform(Call::new("networks", label), list).boxed()
    }

    fn remove_network<'a>(&'a self, network: &'a str) -> Answer<'a, ()> {
        self.perform(Call::new("remove_network", network), |world| {
            world.remove_network(network)
        })
        .boxed()
    }
}
