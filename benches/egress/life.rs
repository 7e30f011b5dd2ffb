//! What an operator waits for: a sidecar that starts, a change of the routes, a refusal
//! that shows; and what connections cost that wait for the operator. With the real hub,
//! as processes of this machine.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cellar::policy::RouteSet;
use cellar::spec::layout;
use cellar::wire::{
    ConsoleToHub, Frame, HubToConsole, LineReader, LineWriter, Role, RoleReport, RoleState,
    ToEgress, VERSION,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::load::part;
use super::{HOST, PORT, print};

type Failed = Box<dyn std::error::Error + Send + Sync>;

const STARTS: usize = 20;
const CHANGES: usize = 100;
const DENIALS: usize = 200;
const HELD: usize = 2_000;
/// Hosts that the held connections are for.
const HELD_HOSTS: usize = 8;
/// Connections that are opened at once: the kernel keeps some hundreds waiting.
const OPENED: usize = 100;
const LIMIT: Duration = Duration::from_secs(10);
/// Nobody owns it: it is refused by the table, and no name server hears of it.
const REFUSED: &str = "refused.example";

/// A process that ends with its holder.
struct Sidecar(Child);

impl Sidecar {
    fn start(role: &str, config: &serde_json::Value) -> std::io::Result<Self> {
        Command::new(env!("CARGO_BIN_EXE_cellar"))
            .args(["guest", role])
            .env("CELLAR_SIDECAR", config.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
    }

    /// A field of its status in MiB.
    fn memory(&self, field: &str) -> f64 {
        let path = format!("/proc/{}/status", self.0.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kib.unwrap_or(0_f64) / 1024.0
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn config(unlisted: Option<u32>, hosts: &[String], generation: u64) -> serde_json::Value {
    serde_json::json!({
        "bottle": "bench-1", "routes": routes(unlisted, hosts), "generation": generation,
        "supervise": false,
    })
}

fn routes(unlisted: Option<u32>, hosts: &[String]) -> serde_json::Value {
    let route = |host: &String| {
        serde_json::json!({
            "host": host, "ports": [PORT], "connect_to": "127.0.0.1", "allow_private": true,
            "tls": "splice", "origin": {"kind": "builtin"},
        })
    };
    let routes: Vec<_> = hosts.iter().map(route).collect();
    match unlisted {
        None => routes.into(),
        Some(seconds) => {
            let unlisted = serde_json::json!({"ask": {"seconds": seconds}});
            serde_json::json!({"unlisted": unlisted, "routes": routes})
        }
    }
}

fn table(routes: serde_json::Value) -> Result<RouteSet, Failed> {
    Ok(serde_json::from_value(routes)?)
}

/// Forgets what earlier lives left.
fn forget() -> std::io::Result<()> {
    for folder in [layout::DATA, layout::DOORS, layout::CONTROL] {
        for entry in std::fs::read_dir(folder)? {
            std::fs::remove_file(entry?.path())?;
        }
    }
    Ok(())
}

/// Measures all of it and prints a line for each.
pub(crate) async fn measure() -> Result<(), Failed> {
    print("");
    print(&format!(
        "{:<44} {:>9} {:>9}  target",
        "the sidecar", "p50", "p95"
    ));
    starts()?;
    let hub = Sidecar::start("supervise", &config(None, &[], 1))?;
    wait_for(Path::new(layout::HUB))?;
    let egress = Sidecar::start("egress", &config(None, &[], 1))?;
    let mut console = Console::open().await?;
    console.hear(is_ready).await?;
    print(&format!(
        "{:<44} {:>5.1} MiB {:>9}  8 MiB (its own: {:.1}; the rest is the program's file)",
        "resident, nothing happened yet",
        egress.memory("VmRSS:"),
        "",
        egress.memory("RssAnon:")
    ));
    changes(&mut console).await?;
    denials(&mut console).await?;
    held(&mut console, &egress).await?;
    drop((egress, hub));
    Ok(())
}

fn line(name: &str, samples: &mut [Duration], target: &str) {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let (p50, p95) = (part(samples, 0.5), part(samples, 0.95));
    print(&format!(
        "{name:<44} {:>6.2} ms {:>6.2} ms  {target}",
        millis(p50),
        millis(p95)
    ));
}

fn wait_for(path: &Path) -> Result<(), Failed> {
    let begin = Instant::now();
    while std::os::unix::net::UnixStream::connect(path).is_err() {
        if begin.elapsed() > LIMIT {
            return Err(format!("nobody listens at {}", path.display()).into());
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    Ok(())
}

/// From the start of the process until its door takes connections.
fn starts() -> Result<(), Failed> {
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        forget()?;
        for samples in [&mut first, &mut later] {
            drop(std::fs::remove_file(layout::EGRESS_DOOR));
            let begin = Instant::now();
            let egress = Sidecar::start("egress", &config(None, &[], 1))?;
            wait_for(Path::new(layout::EGRESS_DOOR))?;
            samples.push(begin.elapsed());
            drop(egress);
        }
    }
    forget()?;
    line(
        "ready, first start (makes its authority)",
        &mut first,
        "10 ms",
    );
    line("ready, later start", &mut later, "10 ms");
    Ok(())
}

/// From the order until it is said to be in force, and until a request meets it.
async fn changes(console: &mut Console) -> Result<(), Failed> {
    let (mut said, mut met) = (Vec::new(), Vec::new());
    for change in 0..CHANGES {
        let generation = change as u64 + 2;
        let is_open = change % 2 == 0;
        let hosts = [HOST.to_owned()];
        let routes = table(routes(None, if is_open { &hosts } else { &[] }))?;
        let begin = Instant::now();
        console
            .say(ToEgress::Routes {
                generation,
                routes,
                prices: None,
            })
            .await?;
        console
            .hear(|report| {
                matches!(report, RoleReport::Routes { generation: new, .. } if *new == generation)
            })
            .await?;
        said.push(begin.elapsed());
        let (_, status) = connect(HOST).await?;
        met.push(begin.elapsed());
        let expected = if is_open { "200" } else { "403" };
        if status != expected {
            return Err(format!("after the change came {status}, not {expected}").into());
        }
    }
    line("route change, order to acknowledged", &mut said, "20 ms");
    line("route change, order to met by a request", &mut met, "20 ms");
    Ok(())
}

/// From the first byte of a request until a console hears of its refusal.
async fn denials(console: &mut Console) -> Result<(), Failed> {
    let mut samples = Vec::new();
    for _ in 0..DENIALS {
        let begin = Instant::now();
        let asked = tokio::spawn(connect(REFUSED));
        console
            .hear(|report| {
                matches!(report, RoleReport::Decision { decision } if decision.host == REFUSED)
            })
            .await?;
        samples.push(begin.elapsed());
        let (_, status) = asked.await??;
        if status != "403" {
            return Err(format!("it was answered with {status}").into());
        }
    }
    line(
        "refusal, asked to heard by a console",
        &mut samples,
        "100 ms",
    );
    Ok(())
}

/// Connections that wait for the operator, and what they cost.
async fn held(console: &mut Console, egress: &Sidecar) -> Result<(), Failed> {
    let hosts: Vec<String> = (0..HELD_HOSTS)
        .map(|number| format!("held-{number}.example"))
        .collect();
    let generation = CHANGES as u64 + 2;
    let routes_of = |hosts: &[String]| table(routes(Some(600), hosts));
    let asks = routes_of(&[])?;
    console
        .say(ToEgress::Routes {
            generation,
            routes: asks,
            prices: None,
        })
        .await?;
    let is_told = |report: &RoleReport| matches!(report, RoleReport::Routes { generation: new, .. } if *new == generation);
    console.hear(is_told).await?;
    let before = egress.memory("VmRSS:");
    let mut clients = JoinSet::new();
    let mut waiting = std::collections::BTreeMap::new();
    let mut opened = 0;
    while waiting.values().sum::<u32>() < HELD as u32 {
        while opened < HELD && opened < waiting.values().sum::<u32>() as usize + OPENED {
            let host = hosts[opened % HELD_HOSTS].clone();
            clients.spawn(async move { connect(&host).await.map(|(_, status)| status) });
            opened += 1;
        }
        console
            .hear(|report| {
                if let RoleReport::Held { hold } = report {
                    waiting.insert(hold.id, hold.waiting);
                }
                matches!(report, RoleReport::Held { .. })
            })
            .await?;
    }
    let (now, own) = (egress.memory("VmRSS:"), egress.memory("RssAnon:"));
    let routes = routes_of(&hosts)?;
    let begin = Instant::now();
    let generation = generation + 1;
    console
        .say(ToEgress::Routes {
            generation,
            routes,
            prices: None,
        })
        .await?;
    let mut through = 0;
    while let Some(status) = clients.join_next().await {
        through += usize::from(status?? == "200");
    }
    let all = begin.elapsed();
    print(&format!(
        "{:<44} {now:>5.1} MiB {:>9}  40 MiB (before: {before:.1}; its own: {own:.1})",
        format!("resident, {HELD} held"),
        ""
    ));
    print(&format!(
        "{:<44} {:>6.0} ms {:>9}  {through} of {HELD} let through, peak {:.1} MiB",
        "allowed, until the last is answered",
        all.as_secs_f64() * 1e3,
        "",
        egress.memory("VmHWM:")
    ));
    Ok(())
}

/// Asks for a tunnel; the status of the answer.
async fn connect(host: &str) -> Result<(UnixStream, String), Failed> {
    let mut stream = UnixStream::connect(layout::EGRESS_DOOR).await?;
    let ask = format!("CONNECT {host}:{PORT} HTTP/1.1\r\nHost: {host}:{PORT}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut answer = Vec::new();
    while answer.len() < 12 {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err("the door was closed".into());
        }
    }
    let status = String::from_utf8_lossy(&answer[9..12]).into_owned();
    Ok((stream, status))
}

const fn is_ready(report: &RoleReport) -> bool {
    matches!(
        report,
        RoleReport::State {
            state: RoleState::Ready | RoleState::Degraded { .. }
        }
    )
}

/// A console's line to the hub.
struct Console {
    from: LineReader<OwnedReadHalf>,
    to: LineWriter<OwnedWriteHalf>,
}

impl Console {
    async fn open() -> Result<Self, Failed> {
        let (from, to) = UnixStream::connect(layout::HUB).await?.into_split();
        let mut console = Self {
            from: LineReader::new(from),
            to: LineWriter::new(to),
        };
        let hello = ConsoleToHub::Hello { version: VERSION };
        console.to.message(&hello).await?;
        Ok(console)
    }

    async fn say(&mut self, message: ToEgress) -> Result<(), Failed> {
        let message = ConsoleToHub::Egress { message };
        Ok(self.to.message(&message).await?)
    }

    /// Waits for a report of egress.
    async fn hear(&mut self, mut is_it: impl FnMut(&RoleReport) -> bool) -> Result<(), Failed> {
        let hear = async {
            loop {
                let Some(frame) = self.from.next().await? else {
                    return Err("the hub hung up".into());
                };
                let Frame::Message(payload) = frame else {
                    continue;
                };
                if let HubToConsole::Report { role, report } = Frame::parse(&payload)?
                    && role == Role::Egress
                    && is_it(&report)
                {
                    return Ok(());
                }
            }
        };
        timeout(LIMIT, hear).await?
    }
}
