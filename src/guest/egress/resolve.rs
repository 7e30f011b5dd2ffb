//! Names to addresses, without the C library: a static binary has no resolver modules.
//!
//! The container's hosts file is asked first, as the engine writes the operator's
//! extra hosts there. What comes out is not judged here.

use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;

use hickory_resolver::config::{LookupIpStrategy, ResolveHosts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::parse_resolv_conf;
use hickory_resolver::{Resolver, TokioResolver};

use crate::policy::HostName;

/// A hosts file longer than this is read only so far.
const MAX_HOSTS_BYTES: usize = 256 * 1024;

/// Turns a permitted name into addresses. The proxy calls it only with a permit.
pub(super) trait Resolve: Send + Sync + 'static {
    /// Gives every address of the name, best first; never an empty list.
    fn resolve(
        &self,
        host: &HostName,
    ) -> impl Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send;
}

/// Why a name gave no address. The texts are clauses for the agent's reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResolveError {
    /// There is no name server to ask.
    #[error("this bottle's proxy has no name server")]
    NoServer,
    /// The name does not exist, has no address, or no server answered.
    #[error("its name gave no address")]
    NoAddress,
}

/// Where the engine leaves the container's name configuration.
#[derive(Clone, Debug)]
pub(super) struct ResolverFiles {
    pub(super) servers: PathBuf,
    pub(super) hosts: PathBuf,
}

impl Default for ResolverFiles {
    fn default() -> Self {
        Self {
            servers: PathBuf::from("/etc/resolv.conf"),
            hosts: PathBuf::from("/etc/hosts"),
        }
    }
}

/// The container's own name servers.
pub(super) struct SystemResolver {
    hosts: PathBuf,
    servers: Option<TokioResolver>,
}

impl SystemResolver {
    /// Reads the configuration; without one, every name outside the hosts file fails.
    pub(super) fn new(files: ResolverFiles) -> Self {
        Self {
            hosts: files.hosts,
            servers: std::fs::read(&files.servers).ok().and_then(ask_servers),
        }
    }

    /// Whether there is a name server to ask.
    pub(super) const fn has_servers(&self) -> bool {
        self.servers.is_some()
    }
}

fn ask_servers(resolv_conf: Vec<u8>) -> Option<TokioResolver> {
    let (config, mut options) = parse_resolv_conf(resolv_conf).ok()?;
    options.use_hosts_file = ResolveHosts::Never;
    // Most bridges have no IPv6; both families are still asked for, as both are judged.
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build().ok()
}

impl Resolve for SystemResolver {
    async fn resolve(&self, host: &HostName) -> Result<Vec<IpAddr>, ResolveError> {
        let listed = std::fs::read(&self.hosts).unwrap_or_default();
        let listed = listed.get(..MAX_HOSTS_BYTES).unwrap_or(&listed);
        let listed = listed_addresses(&String::from_utf8_lossy(listed), host);
        if !listed.is_empty() {
            return Ok(listed);
        }
        let servers = self.servers.as_ref().ok_or(ResolveError::NoServer)?;
        // The final dot keeps the search list of resolv.conf away from the name.
        let answer = servers.lookup_ip(format!("{host}.")).await;
        let addresses: Vec<IpAddr> = answer
            .map(|answer| answer.iter().collect())
            .unwrap_or_default();
        if addresses.is_empty() {
            Err(ResolveError::NoAddress)
        } else {
            Ok(addresses)
        }
    }
}

/// The addresses that a hosts file gives a name, IPv4 first (hosts(5)).
fn listed_addresses(hosts: &str, host: &HostName) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = hosts
        .lines()
        .filter_map(|line| {
            let mut words = line.split('#').next()?.split_ascii_whitespace();
            let address = words.next()?.parse().ok()?;
            words
                .any(|word| HostName::parse(word).as_ref() == Ok(host))
                .then_some(address)
        })
        .collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: &str = "127.0.0.1\tlocalhost\n\
        fe80::1 gateway.test\n\
        172.17.0.1 Gateway.test. other # gateway2.test\n\
        # 10.0.0.1 commented.test\n\
        nonsense broken.test\n";

    fn host(text: &str) -> HostName {
        HostName::parse(text).unwrap()
    }

    #[test]
    fn the_hosts_file_is_read_as_the_manual_says() {
        let addresses = |name| listed_addresses(HOSTS, &host(name));
        assert_eq!(
            addresses("gateway.test"),
            ["172.17.0.1", "fe80::1"].map(|text| text.parse::<IpAddr>().unwrap())
        );
        for absent in ["gateway2.test", "commented.test", "broken.test", "a.test"] {
            assert_eq!(addresses(absent), [] as [IpAddr; 0], "{absent}");
        }
    }

    #[tokio::test]
    async fn a_listed_name_needs_no_server_and_another_says_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = folder.path().join("hosts");
        std::fs::write(&hosts, HOSTS).unwrap();
        let servers = folder.path().join("resolv.conf");
        let resolver = SystemResolver::new(ResolverFiles { servers, hosts });
        assert!(!resolver.has_servers());
        assert_eq!(
            resolver.resolve(&host("other")).await,
            Ok(vec!["172.17.0.1".parse().unwrap()])
        );
        assert_eq!(
            resolver.resolve(&host("a.test")).await,
            Err(ResolveError::NoServer)
        );
    }
}
