//! Builds, by the classic builder: the one whose steps can join a container's network.

use std::collections::HashMap;

use bollard::{body_full, query_parameters as query};
use futures_util::StreamExt as _;

use super::fail::failed;
use super::pumped;
use crate::docker::engine::News;
use crate::docker::model::{BuildNetwork, BuildRequest};

/// Pieces of output that may wait to be read; then the engine waits.
const PIECES: usize = 64;
/// Microseconds over which a step's share of the CPUs is counted, as the engine's own
/// `--cpus` does.
const CPU_PERIOD: i32 = 100_000;

/// Builds as long as the stream is read, and cancels when it is dropped: the engine ends
/// a build with the connection that asked for it, and every request has its own.
pub(super) fn build(client: &bollard::Docker, request: BuildRequest) -> News<String> {
    let (options, memory_bytes) = (options(&request), request.memory_bytes);
    // Owned: the library's stream borrows its client.
    let client = with_memory(client.clone(), memory_bytes);
    let (tx, rx) = tokio::sync::mpsc::channel(PIECES);
    let pump = async move {
        let mut said = client.build_image(options, None, Some(body_full(request.context)));
        while let Some(news) = said.next().await {
            let news = news.map_err(failed("build an image"));
            let text = news.map(|news| news.stream.or(news.status).unwrap_or_default());
            if tx.send(text).await.is_err() {
                break;
            }
        }
    };
    pumped(pump, rx)
}

fn options(request: &BuildRequest) -> query::BuildImageOptions {
    let unordered = |map: &std::collections::BTreeMap<String, String>| -> HashMap<String, String> {
        map.clone().into_iter().collect()
    };
    let network = match &request.network {
        BuildNetwork::None => String::from("none"),
        BuildNetwork::Container(container) => format!("container:{container}"),
    };
    let mut options = query::BuildImageOptionsBuilder::default()
        .version(query::BuilderVersion::BuilderV1)
        .dockerfile("Dockerfile")
        .t(&request.tag)
        .labels(&unordered(&request.labels))
        .buildargs(&unordered(&request.arguments))
        .networkmode(&network)
        .rm(true)
        .forcerm(true);
    if request.cpu_millis > 0 {
        let quota = i32::try_from(request.cpu_millis.saturating_mul(100)).unwrap_or(i32::MAX);
        options = options.cpuperiod(CPU_PERIOD).cpuquota(quota);
    }
    options.build()
}

/// The library holds the limit of memory in 32 bits, which end below 2 GiB, so it is put
/// into the request itself. A request that cannot hold it goes nowhere.
fn with_memory(client: bollard::Docker, bytes: u64) -> bollard::Docker {
    if bytes == 0 {
        return client;
    }
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    client.with_request_modifier(move |mut request| {
        let limited = format!("{}&memory={bytes}&memswap={bytes}", request.uri());
        *request.uri_mut() = limited.parse().unwrap_or_default();
        request
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_classic_fenced_and_cleans_up() {
        let request = BuildRequest {
            tag: String::from("t"),
            context: bytes::Bytes::new(),
            labels: [(String::from("a"), String::from("b"))].into(),
            network: BuildNetwork::Container(String::from("c0ffee")),
            memory_bytes: 4 << 30,
            cpu_millis: 1_500,
            arguments: [(String::from("http_proxy"), String::from("p"))].into(),
        };
        let options = options(&request);
        assert_eq!(options.networkmode.as_deref(), Some("container:c0ffee"));
        assert_eq!(options.version, query::BuilderVersion::BuilderV1);
        assert_eq!((options.rm, options.forcerm), (true, true));
        assert_eq!(
            (options.cpuperiod, options.cpuquota),
            (Some(100_000), Some(150_000))
        );
        assert_eq!(options.buildargs.unwrap()["http_proxy"], "p");
        assert_ne!(options.pull.as_deref(), Some("true"));
    }
}
