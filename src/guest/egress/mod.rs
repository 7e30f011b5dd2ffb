//! The egress proxy: the one way out of a bottle.
//!
//! It reads a request so strictly that it has one reading, decides by the routes
//! before any name is resolved, judges each address before it dials, and keeps a log
//! of every decision. Only `dial` reaches the network, and it demands a permit. It
//! must not know of containers, nor of who the agent is.

mod activity;
mod ask;
mod authority;
mod decisions;
mod dial;
mod door;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod head;
mod holds;
mod journal;
mod ledger;
#[cfg(test)]
mod limits;
mod orders;
mod pause;
mod prefixed;
mod proxy;
mod refusal;
mod relay;
mod resolve;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod secrecy;
mod secrets;
mod spending;
mod table;
mod tally;
mod tls;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use decisions::Decisions;
use dial::Dialer;
use holds::Holds;
use jiff::Timestamp;
use journal::Journal;
use ledger::{Clock, Ledger};
use orders::{Kept, Orders, TableFile};
use pause::Pauses;
use proxy::{Limits, Proxy};
use relay::Pool;
use resolve::{ResolverFiles, SystemResolver};
use secrets::SecretBox;
use spending::Spending;
use table::RouteTable;
use tls::{BottleCa, Leaves, TrustFiles, Trusted, Upstream};

use super::runtime::{RoleError, bind_door, hub_line, play, sidecar_config};
use crate::policy::{ModelApis, Prices, RouteSet};
use crate::spec::layout;
use crate::wire::{Role, RoleState, SidecarConfig};

/// Where this role finds and leaves things.
#[derive(Clone, Debug)]
struct Paths {
    door: PathBuf,
    hub: PathBuf,
    journal: PathBuf,
    /// What was used.
    usage: PathBuf,
    /// The table of routes that was told last.
    table: PathBuf,
    /// The bottle's certificate authority.
    authority: PathBuf,
    trust: TrustFiles,
    resolver: ResolverFiles,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            door: PathBuf::from(layout::EGRESS_DOOR),
            hub: PathBuf::from(layout::HUB),
            journal: PathBuf::from(layout::DATA).join("decisions.jsonl"),
            usage: PathBuf::from(layout::DATA).join("usage.json"),
            table: PathBuf::from(layout::DATA).join("routes.json"),
            authority: PathBuf::from(layout::DATA).join("authority.json"),
            trust: TrustFiles::default(),
            resolver: ResolverFiles::default(),
        }
    }
}

/// Plays the role until it ends.
#[must_use]
pub fn run() -> ExitCode {
    play(async {
        let config = sidecar_config()?;
        serve(Paths::default(), config, Limits::default()).await
    })
}

async fn serve(paths: Paths, config: SidecarConfig, limits: Limits) -> Result<(), RoleError> {
    let (reporter, hub, orders) = hub_line(Role::Egress, paths.hub);
    let resolver = SystemResolver::new(paths.resolver);
    let well = if resolver.has_servers() {
        RoleState::Ready
    } else {
        let why = "there is no name server: only routes with connect_to work".to_owned();
        RoleState::Degraded { why }
    };
    let journal = Journal::new(paths.journal);
    let ca = BottleCa::kept_in(&paths.authority, config.bottle.as_str(), Timestamp::now())?;
    let trusted = Trusted::read(config.upstream_ca.as_deref())?;
    // Whoever finds the door open finds these too.
    trusted.publish(&ca, &paths.trust)?;
    let file = TableFile::new(paths.table);
    let Kept {
        generation,
        routes,
        prices,
    } = match file.newest(&config) {
        Ok(newest) => newest,
        // Nothing leaves until the operator's side says again what may.
        Err(error) => {
            reporter.log(format!("nothing may leave: failed to {error}"));
            Kept::NOTHING
        }
    };
    let ledger = counting(paths.usage, &routes, prices.as_ref(), &reporter);
    let pauses = Arc::new(Pauses::new());
    let pool = Arc::new(Pool::default());
    let secrets = SecretBox::new()?;
    let decisions = Decisions::new(
        journal,
        reporter.clone(),
        Arc::clone(&ledger),
        well.clone(),
        secrets.clone(),
    );
    let decisions = Arc::new(decisions);
    let proxy = Proxy {
        table: RouteTable::new(routes, generation)?,
        secrets,
        leaves: Leaves::new(ca)?,
        upstream: Upstream::new(&trusted.extra)?,
        pool: Arc::clone(&pool),
        holds: Holds::new(reporter.clone()),
        pauses: Arc::clone(&pauses),
        dialer: Dialer::new(resolver, limits.dial, config.upstream_proxy.clone()),
        decisions: Arc::clone(&decisions),
        ledger: Arc::clone(&ledger),
        spending: Spending::default(),
        // No data, no metering of tokens; a test reads the data.
        models: ModelApis::known().unwrap_or_default(),
        limits,
        supervise: config.supervise,
    };
    let listener = bind_door(&paths.door, 0o666)?;
    let proxy = Arc::new(proxy);
    let told = Arc::clone(&proxy);
    let obeying = Orders {
        proxy: Arc::clone(&proxy),
        file,
        reporter: reporter.clone(),
        well,
    };
    tokio::select! {
        () = door::serve(&listener, proxy) => {}
        () = hub.run() => {}
        () = obeying.obey(orders) => {}
        () = pool.tend() => {}
        () = decisions.tend() => {}
        () = ledger.tend(&reporter, &told.table, &told.spending) => {}
        () = pauses.tend(&ledger, &reporter) => {}
    }
    Ok(())
}

/// Opens the ledger and holds it to the bottle's budgets.
fn counting(
    usage: PathBuf,
    routes: &RouteSet,
    prices: Option<&Prices>,
    reporter: &super::runtime::Reporter,
) -> Arc<Ledger> {
    let (ledger, unread) = Ledger::kept_in(usage, Clock::of_kernel());
    if let Some(error) = unread {
        let budgets = if routes.budgets.is_empty() {
            ""
        } else {
            ", and budgets are taken for spent until they are raised or their time passes"
        };
        reporter.log(format!("usage is counted anew{budgets}: failed to {error}"));
    }
    if let Some(prices) = prices {
        ledger.price_by(prices);
    }
    ledger.hold_to(&routes.budgets);
    Arc::new(ledger)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;

    use super::*;
    use crate::policy::Reason;
    use crate::spec::BottleId;
    use crate::wire::{Frame, Hits, LineReader, RoleReport, Usage, VERSION, Verdict};

    fn paths_in(folder: &std::path::Path) -> Paths {
        let path = |name: &str| folder.join(name);
        Paths {
            door: path("egress.sock"),
            hub: path("hub.sock"),
            journal: path("decisions.jsonl"),
            usage: path("usage.json"),
            table: path("routes.json"),
            authority: path("authority.json"),
            trust: TrustFiles {
                ca: path("ca.pem"),
                bundle: path("ca-bundle.pem"),
            },
            resolver: ResolverFiles {
                servers: path("resolv.conf"),
                hosts: path("hosts"),
            },
        }
    }

    /// The whole role in a folder: a door that agents may use, a log, a hub that hears.
    #[tokio::test]
    async fn a_denied_request_reaches_its_client_the_log_and_the_hub() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let paths = paths_in(folder.path());
        std::fs::write(path("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
        let hub = bind_door(&paths.hub, 0o600).unwrap();
        let door = paths.door.clone();
        let scenario = async {
            let (line, _) = hub.accept().await.unwrap();
            let mut line = LineReader::new(line);
            let mut reports = Vec::new();
            let mut answer = String::new();
            let is_decision = |report: &RoleReport| matches!(report, RoleReport::Decision { .. });
            while !reports.last().is_some_and(is_decision) {
                let Some(Frame::Message(payload)) = line.next().await.unwrap() else {
                    panic!("a message")
                };
                reports.push(Frame::parse::<RoleReport>(&payload).unwrap());
                if reports.len() == 5 {
                    // Ready was said: the door is open.
                    let mut client = UnixStream::connect(&door).await.unwrap();
                    let request = b"CONNECT evil.example:443 HTTP/1.0\r\n\r\n";
                    client.write_all(request).await.unwrap();
                    client.shutdown().await.unwrap();
                    client.read_to_string(&mut answer).await.unwrap();
                }
            }
            (reports, answer)
        };
        let config = SidecarConfig {
            bottle: BottleId::parse("api-k3x9q").unwrap(),
            routes: RouteSet::NONE,
            generation: 1,
            prices: None,
            supervise: false,
            upstream_ca: None,
            upstream_proxy: None,
        };
        let (reports, answer) = tokio::select! {
            ended = serve(paths.clone(), config, Limits::default()) => {
                panic!("the role ended: {ended:?}")
            }
            done = scenario => done,
        };
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden"), "{answer}");
        let ca = std::fs::read_to_string(&paths.trust.ca).unwrap();
        assert!(ca.starts_with("-----BEGIN CERTIFICATE-----\n"), "{ca}");
        let bundle = std::fs::read_to_string(&paths.trust.bundle).unwrap();
        assert!(bundle.starts_with(&ca));
        let hello = RoleReport::Hello {
            version: VERSION,
            role: Role::Egress,
        };
        let state = RoleState::Ready;
        let routes = RoleReport::Routes {
            generation: 1,
            routes: RouteSet::NONE,
        };
        assert_eq!(
            reports.get(..3),
            Some(&[hello, RoleReport::State { state }, routes][..])
        );
        let Some(RoleReport::Usage { usage }) = reports.get(3) else {
            panic!("what was used: {reports:?}")
        };
        assert_eq!(usage, &Usage::since(usage.since));
        let logged = Journal::new(paths.journal).tail();
        let Some(RoleReport::Hits { hits }) = reports.get(4) else {
            panic!("what was let out: {reports:?}")
        };
        assert_eq!(**hits, Hits::since(hits.since));
        let Some(RoleReport::Decision { decision }) = reports.last() else {
            panic!("a decision: {reports:?}")
        };
        assert_eq!(logged.as_slice(), std::slice::from_ref(decision));
        let reason = Reason::HostNotAllowed;
        assert_eq!(decision.verdict, Verdict::Denied { reason });
        assert_eq!((decision.host.as_str(), decision.seq), ("evil.example", 1));
    }
}
