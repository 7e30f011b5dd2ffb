//! The proxies, each set up for the same work.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{HOST, PORT};

/// One proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Direct,
    Cellar,
    CellarUnscanned,
    CellarSplice,
    SquidBump,
    SquidTunnel,
    Tinyproxy,
    Mitmproxy,
}

/// It is not installed.
pub(crate) struct Absent;

/// A proxy that runs.
pub(crate) struct Running {
    pub(crate) peer: Peer,
    child: Option<Child>,
    /// How it is reached.
    pub(crate) door: Door,
    /// The authorities that vouch for what comes through it, PEM files.
    pub(crate) trusted: Vec<PathBuf>,
}

/// How a proxy is reached.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    None,
    Tcp(u16),
    Unix(PathBuf),
}

pub(crate) const fn all() -> [Peer; 8] {
    [
        Peer::Direct,
        Peer::Cellar,
        Peer::CellarUnscanned,
        Peer::CellarSplice,
        Peer::SquidBump,
        Peer::SquidTunnel,
        Peer::Tinyproxy,
        Peer::Mitmproxy,
    ]
}

impl Peer {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "none",
            Self::Cellar => "cellar, looks into it",
            Self::CellarUnscanned => "cellar, scans nothing",
            Self::CellarSplice => "cellar, splices",
            Self::SquidBump => "squid ssl-bump",
            Self::SquidTunnel => "squid tunnel",
            Self::Tinyproxy => "tinyproxy tunnel",
            Self::Mitmproxy => "mitmproxy",
        }
    }

    pub(crate) fn start(self, folder: &Path, authority: &str) -> Result<Running, Absent> {
        let folder = folder.join(self.name().replace([' ', ','], "-"));
        std::fs::create_dir_all(&folder).map_err(|_| Absent)?;
        let origin = folder.join("origin-ca.pem");
        std::fs::write(&origin, authority).map_err(|_| Absent)?;
        let started = match self {
            Self::Direct => Ok((None, Door::None, vec![])),
            Self::Cellar | Self::CellarUnscanned | Self::CellarSplice => self.cellar(authority),
            Self::SquidBump | Self::SquidTunnel => self.squid(&folder),
            Self::Tinyproxy => tinyproxy(&folder),
            Self::Mitmproxy => mitmproxy(&folder),
        };
        let (child, door, mut trusted) = started.map_err(|_| Absent)?;
        trusted.push(origin);
        let running = Running {
            peer: self,
            child,
            door,
            trusted,
        };
        running.wait();
        Ok(running)
    }

    fn cellar(self, authority: &str) -> std::io::Result<Started> {
        let route = |paths: &[&str], scan: &str| {
            let mut route = serde_json::json!({
                "host": HOST, "ports": [PORT], "connect_to": "127.0.0.1", "allow_private": true,
                "origin": {"kind": "builtin"},
            });
            if self == Self::CellarSplice {
                route["tls"] = "splice".into();
            } else {
                route["methods"] = serde_json::json!(["GET", "HEAD", "POST"]);
                route["paths"] = serde_json::json!(paths);
                route["scan"] = serde_json::json!({
                    "request": if self == Self::Cellar { "block" } else { "off" },
                    "response": scan,
                });
            }
            route
        };
        let routes = if self == Self::CellarSplice {
            vec![route(&[], "off")]
        } else {
            vec![
                route(&["/json", "/sse", "/big"], "off"),
                route(&["/scanned/*"], "block"),
            ]
        };
        let config = serde_json::json!({
            "bottle": "bench-1", "routes": routes, "generation": 1, "supervise": false,
            "upstream_ca": authority,
        });
        let door = PathBuf::from("/run/cellar/egress.sock");
        drop(std::fs::remove_file(&door));
        let child = Command::new(env!("CARGO_BIN_EXE_cellar"))
            .args(["guest", "egress"])
            .env("CELLAR_SIDECAR", config.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let trusted = vec![PathBuf::from("/run/cellar/ca.pem")];
        Ok((Some(child), Door::Unix(door), trusted))
    }

    fn squid(self, folder: &Path) -> std::io::Result<Started> {
        let port = 3130;
        let key = rcgen::KeyPair::generate().map_err(std::io::Error::other)?;
        let mut params =
            rcgen::CertificateParams::new(Vec::new()).map_err(std::io::Error::other)?;
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let ca = params.self_signed(&key).map_err(std::io::Error::other)?;
        let certificate = super::origin::pem("CERTIFICATE", ca.der());
        let ca_file = folder.join("ca.pem");
        let key = super::origin::pem("PRIVATE KEY", &key.serialize_der());
        std::fs::write(&ca_file, format!("{certificate}{key}"))?;
        // Neither does it verify: its authority takes no certificate without key identifiers.
        let mut config = format!(
            "cache deny all\naccess_log none\ncache_log {0}/cache.log\npid_filename {0}/pid\n\
             cache_effective_user proxy\nvisible_hostname bench\ncoredump_dir {0}\nhttp_access allow all\n\
             shutdown_lifetime 0 seconds\nworkers 1\nmax_filedescriptors 8192\n\
             tls_outgoing_options flags=DONT_VERIFY_PEER\nsslproxy_cert_error allow all\n",
            folder.display()
        );
        if self == Self::SquidBump {
            let database = folder.join("certificates");
            let status = Command::new("/usr/lib/squid/security_file_certgen")
                .args(["-c", "-s"])
                .arg(&database)
                .args(["-M", "4MB"])
                .stdout(Stdio::null())
                .status()?;
            if !status.success() {
                return Err(std::io::Error::other("no store of certificates"));
            }
            config += &format!(
                "http_port 127.0.0.1:{port} ssl-bump generate-host-certificates=on \
                 dynamic_cert_mem_cache_size=4MB tls-cert={}\n\
                 sslcrtd_program /usr/lib/squid/security_file_certgen -s {} -M 4MB\n\
                 acl step1 at_step SslBump1\nssl_bump peek step1\nssl_bump bump all\n",
                ca_file.display(),
                database.display()
            );
        } else {
            config += &format!("http_port 127.0.0.1:{port}\n");
        }
        let file = folder.join("squid.conf");
        std::fs::write(&file, config)?;
        // What one that was killed left in shared memory keeps the next one from starting.
        for left in std::fs::read_dir("/dev/shm")?.flatten() {
            if left.file_name().to_string_lossy().starts_with("squid") {
                std::fs::remove_file(left.path())?;
            }
        }
        // It does not run as root: the user that its package makes must reach its files.
        let above = folder.parent().unwrap_or(folder);
        for (mode, place) in [("a+x", above), ("-R=a+rwX", folder)] {
            let mut command = Command::new("chmod");
            if let Some(mode) = mode.strip_prefix("-R=") {
                command.args(["-R", mode]);
            } else {
                command.arg(mode);
            }
            command.arg(place).status()?;
        }
        let child = Command::new("squid")
            .args(["-N", "-f"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok((Some(child), Door::Tcp(port), vec![ca_file]))
    }
}

type Started = (Option<Child>, Door, Vec<PathBuf>);

fn tinyproxy(folder: &Path) -> std::io::Result<Started> {
    let port = 3131;
    let file = folder.join("tinyproxy.conf");
    let config = format!(
        "Port {port}\nListen 127.0.0.1\nMaxClients 200\nLogLevel Critical\nLogFile \"{}/log\"\n\
         ConnectPort {PORT}\n",
        folder.display()
    );
    std::fs::write(&file, config)?;
    let child = Command::new("tinyproxy")
        .args(["-d", "-c"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok((Some(child), Door::Tcp(port), Vec::new()))
}

fn mitmproxy(folder: &Path) -> std::io::Result<Started> {
    let port = 3132;
    let program = std::env::var_os("MITMDUMP").unwrap_or_else(|| "mitmdump".into());
    let child = Command::new(program)
        .args(["-q", "--listen-host", "127.0.0.1", "-p", "3132"])
        .args(["--set", "stream_large_bodies=1"])
        .args(["--set", &format!("confdir={}", folder.display())])
        // It takes no authority without key identifiers, and has it easier without.
        .arg("--ssl-insecure")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok((
        Some(child),
        Door::Tcp(port),
        vec![folder.join("mitmproxy-ca-cert.pem")],
    ))
}

impl Running {
    /// Waits until it takes connections and its authority is there.
    fn wait(&self) {
        let start = Instant::now();
        loop {
            let is_open = match &self.door {
                Door::None => std::net::TcpStream::connect(("127.0.0.1", PORT)).is_ok(),
                Door::Tcp(port) => std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok(),
                Door::Unix(path) => std::os::unix::net::UnixStream::connect(path).is_ok(),
            };
            let is_vouched = self.trusted.iter().all(|file| file.exists());
            if is_open && is_vouched || start.elapsed() > Duration::from_secs(20) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Memory and CPU time of its processes: RSS in KiB, time in clock ticks.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let Some(child) = &self.child else {
            return (0, 0);
        };
        let mut total = (0, 0);
        let mut processes = vec![child.id()];
        while let Some(process) = processes.pop() {
            let read = |name: &str| {
                std::fs::read_to_string(format!("/proc/{process}/{name}")).unwrap_or_default()
            };
            let status = read("status");
            let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let rss = rss.and_then(|text| text.split_whitespace().next()?.parse().ok());
            total.0 += rss.unwrap_or(0_u64);
            let stat = read("stat");
            let fields = stat.rsplit(')').next().unwrap_or_default();
            let ticks = fields.split_whitespace().skip(11).take(2);
            total.1 += ticks
                .filter_map(|text| text.parse::<u64>().ok())
                .sum::<u64>();
            let children = read(&format!("task/{process}/children"));
            processes.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
        total
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
