//! The kernel's files of a container, in both versions of cgroups.
//!
//! Only paths that hold the container's id are read. Nothing here is ever written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use crate::docker::model::StatsSample;

/// Limits from here on are none: cgroup v1 says the largest multiple of a page.
const NO_LIMIT: u64 = 1 << 60;

/// Where this machine's cgroups are mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cgroups {
    /// Of version 1, by controller.
    controllers: BTreeMap<String, PathBuf>,
    /// Of version 2.
    unified: Option<PathBuf>,
    proc: PathBuf,
    cpus: u32,
}

/// The files of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    files: Files,
    proc: PathBuf,
    cpus: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Files {
    /// Folders of version 1, by what is read there.
    V1 {
        cpu: PathBuf,
        memory: PathBuf,
        pids: PathBuf,
    },
    /// The one folder of version 2.
    V2 { folder: PathBuf },
}

impl Cgroups {
    /// Those of this machine; `None` where there are none, as outside Linux.
    pub(super) fn of_this_machine() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let cpus = available_parallelism().map_or(1, std::num::NonZero::get);
        let cpus = u32::try_from(cpus).unwrap_or(u32::MAX);
        Self::parse(&mounts, Path::new("/proc"), cpus)
    }

    /// Reads a table of mounts (`proc_pid_mountinfo(5)`).
    fn parse(mounts: &str, proc: &Path, cpus: u32) -> Option<Self> {
        let mut found = Self {
            controllers: BTreeMap::new(),
            unified: None,
            proc: proc.to_owned(),
            cpus,
        };
        for mount in mounts.lines() {
            let Some((own, of_system)) = mount.split_once(" - ") else {
                continue;
            };
            let mut own = own.split(' ').skip(3);
            // A part of a hierarchy has other paths than the kernel names.
            let (Some("/"), Some(point)) = (own.next(), own.next()) else {
                continue;
            };
            let mut of_system = of_system.split(' ');
            match of_system.next() {
                Some("cgroup2") => found.unified = Some(point.into()),
                Some("cgroup") => {
                    let options = of_system.nth(1).unwrap_or_default();
                    for option in options.split(',') {
                        found.controllers.insert(option.to_owned(), point.into());
                    }
                }
                _ => {}
            }
        }
        (found.unified.is_some() || !found.controllers.is_empty()).then_some(found)
    }

    /// The files of a container at the places where engines put them: Docker's own and
    /// systemd's, and Podman's.
    pub(super) fn find(&self, container: &str) -> Option<Place> {
        if !is_id(container) {
            return None;
        }
        let mut paths = vec![
            format!("docker/{container}"),
            format!("system.slice/docker-{container}.scope"),
            format!("machine.slice/libpod-{container}.scope"),
        ];
        let uid = rustix::process::getuid().as_raw();
        let own = format!("user.slice/user-{uid}.slice/user@{uid}.service/user.slice");
        paths.push(format!("{own}/docker-{container}.scope"));
        paths.push(format!("{own}/libpod-{container}.scope"));
        paths
            .iter()
            .find_map(|path| self.at(|_| Some(path.clone())))
    }

    /// Whether a process of this machine is not of the container, although its engine
    /// says so: then the engine is on another one.
    pub(super) fn is_of_another(&self, container: &str, process: u64) -> bool {
        let told = self.proc.join(process.to_string()).join("cgroup");
        process > 0 && fs::read_to_string(told).is_ok_and(|told| !told.contains(container))
    }

    /// The files of a container by its first process, as the kernel says.
    pub(super) fn find_by_process(&self, container: &str, process: u64) -> Option<Place> {
        if !is_id(container) || process == 0 {
            return None;
        }
        let told = self.proc.join(process.to_string()).join("cgroup");
        let told = fs::read_to_string(told).ok()?;
        // Another machine's number names another process here, or none.
        let path = |controller: &str| {
            let line = told.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                let controllers = parts.next()?;
                let path = parts.next()?;
                let is_it = controllers.split(',').any(|one| one == controller);
                is_it.then_some(path)
            })?;
            let path = line.trim_start_matches('/');
            let is_its = path.contains(container) && !path.split('/').any(|part| part == "..");
            is_its.then(|| path.to_owned())
        };
        self.at(path)
    }

    /// The files below paths by controller (`""` is version 2), if they are there.
    fn at(&self, path: impl Fn(&str) -> Option<String>) -> Option<Place> {
        let below = |controller: &str| {
            let mount = self.controllers.get(controller)?;
            let folder = mount.join(path(controller)?);
            folder.is_dir().then_some(folder)
        };
        let v1 = || {
            Some(Files::V1 {
                cpu: below("cpuacct")?,
                memory: below("memory")?,
                pids: below("pids")?,
            })
        };
        let v2 = || {
            let folder = self.unified.as_ref()?.join(path("")?);
            let is_there = folder.join("memory.current").is_file();
            is_there.then_some(Files::V2 { folder })
        };
        Some(Place {
            files: v1().or_else(v2)?,
            proc: self.proc.clone(),
            cpus: self.cpus,
        })
    }
}

/// Whether it is an id in full: a path made of anything else could lead elsewhere.
fn is_id(container: &str) -> bool {
    container.len() == 64 && container.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Place {
    /// What the container uses now; `elapsed` is any clock that only goes forward.
    ///
    /// # Errors
    /// If a file is gone or closed to us.
    pub(super) fn read(&self, elapsed: Duration) -> io::Result<StatsSample> {
        let elapsed = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let (received_bytes, sent_bytes) = self.network()?;
        let mut sample = StatsSample {
            cpu_nanos: 0,
            // So that the share of the machine's time is that of the clock.
            system_nanos: elapsed.saturating_mul(u64::from(self.cpus)),
            cpus: self.cpus,
            memory_bytes: 0,
            memory_limit_bytes: 0,
            pids: 0,
            received_bytes,
            sent_bytes,
        };
        match &self.files {
            Files::V1 { cpu, memory, pids } => {
                sample.cpu_nanos = number(&cpu.join("cpuacct.usage"))?;
                let used = number(&memory.join("memory.usage_in_bytes"))?;
                let cache = field(&memory.join("memory.stat"), "total_inactive_file")?;
                sample.memory_bytes = used.saturating_sub(cache);
                sample.memory_limit_bytes = limit(&memory.join("memory.limit_in_bytes"))?;
                sample.pids = number(&pids.join("pids.current"))?;
            }
            Files::V2 { folder } => {
                let used_micros = field(&folder.join("cpu.stat"), "usage_usec")?;
                sample.cpu_nanos = used_micros.saturating_mul(1_000);
                let used = number(&folder.join("memory.current"))?;
                let cache = field(&folder.join("memory.stat"), "inactive_file")?;
                sample.memory_bytes = used.saturating_sub(cache);
                sample.memory_limit_bytes = limit(&folder.join("memory.max"))?;
                sample.pids = number(&folder.join("pids.current"))?;
            }
        }
        Ok(sample)
    }

    /// Bytes in and out over all interfaces but loopback, of the first process there is.
    fn network(&self) -> io::Result<(u64, u64)> {
        let folder = match &self.files {
            Files::V1 { memory, .. } => memory,
            Files::V2 { folder } => folder,
        };
        let processes = fs::read_to_string(folder.join("cgroup.procs"))?;
        let Some(process) = processes.split_whitespace().next() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let table = fs::read_to_string(self.proc.join(process).join("net/dev"))?;
        Ok(network_bytes(&table))
    }
}

/// Reads a table of interfaces (`proc_pid_net(5)`).
fn network_bytes(table: &str) -> (u64, u64) {
    let mut sum = (0_u64, 0_u64);
    for line in table.lines() {
        let Some((name, counts)) = line.split_once(':') else {
            continue;
        };
        if name.trim() == "lo" {
            continue;
        }
        let count = |at| {
            let text = counts.split_whitespace().nth(at);
            text.and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        sum.0 = sum.0.saturating_add(count(0));
        sum.1 = sum.1.saturating_add(count(8));
    }
    sum
}

fn number(file: &Path) -> io::Result<u64> {
    parsed(&fs::read_to_string(file)?)
}

/// A limit in bytes; 0 is none.
fn limit(file: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(file)?;
    if text.trim() == "max" {
        return Ok(0);
    }
    parsed(&text).map(|limit| if limit >= NO_LIMIT { 0 } else { limit })
}

/// A number in a file of `name value` lines; 0 if it is not named.
fn field(file: &Path, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(file)?;
    let found = text.lines().find_map(|line| {
        let (found, value) = line.split_once(' ')?;
        (found == name).then_some(value)
    });
    found.map_or(Ok(0), parsed)
}

fn parsed(text: &str) -> io::Result<u64> {
    text.trim().parse().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const DEV: &str = "Inter-|   Receive                                                |  Transmit\n \
        face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n    \
        lo:     100       1    0    0    0     0          0         0      100       1    0\n  \
        eth0:    7000      12    0    0    0     0          0         0     900       9    0\n  \
        eth1:1 1 0 0 0 0 0 0 2 1 0\n";

    fn write(root: &Path, path: &str, text: &str) {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn process(root: &Path) {
        write(root, "proc/42/net/dev", DEV);
    }

    fn mounts(root: &Path, lines: &[(&str, &str, &str)]) -> String {
        let root = root.display();
        let line = |(folder, kind, options): &(&str, &str, &str)| {
            format!(
                "30 24 0:26 / {root}/{folder} rw,nosuid shared:4 - {kind} {kind} rw,{options}\n"
            )
        };
        lines.iter().map(line).collect()
    }

    fn v2(root: &Path, folder: &str) -> Cgroups {
        let at = |file: &str| format!("cg/{folder}/{file}");
        write(root, &at("cpu.stat"), "usage_usec 1500\nuser_usec 1\n");
        write(root, &at("memory.current"), "9000\n");
        write(root, &at("memory.stat"), "anon 1\ninactive_file 1000\n");
        write(root, &at("memory.max"), "max\n");
        write(root, &at("pids.current"), "3\n");
        write(root, &at("cgroup.procs"), "42\n43\n");
        process(root);
        let mounts = mounts(root, &[("cg", "cgroup2", "nsdelegate")]);
        Cgroups::parse(&mounts, &root.join("proc"), 2).unwrap()
    }

    #[test]
    fn the_files_of_version_2_are_read() {
        let root = tempfile::tempdir().unwrap();
        let cgroups = v2(root.path(), &format!("system.slice/docker-{ID}.scope"));
        let place = cgroups.find(ID).unwrap();
        let sample = place.read(Duration::from_nanos(50)).unwrap();
        let expected = StatsSample {
            cpu_nanos: 1_500_000,
            system_nanos: 100,
            cpus: 2,
            memory_bytes: 8_000,
            memory_limit_bytes: 0,
            pids: 3,
            received_bytes: 7_001,
            sent_bytes: 902,
        };
        assert_eq!(sample, expected);
    }

    #[test]
    fn the_files_of_version_1_are_read() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, &format!("cpu/docker/{ID}/cpuacct.usage"), "77\n");
        let memory = |file: &str| format!("memory/docker/{ID}/{file}");
        write(root, &memory("memory.usage_in_bytes"), "9000\n");
        write(
            root,
            &memory("memory.stat"),
            "inactive_file 9\ntotal_inactive_file 1000\n",
        );
        write(
            root,
            &memory("memory.limit_in_bytes"),
            "9223372036854771712\n",
        );
        write(root, &memory("cgroup.procs"), "42\n");
        write(root, &format!("pids/docker/{ID}/pids.current"), "5\n");
        process(root);
        let mounts = mounts(
            root,
            &[
                ("cpu", "cgroup", "cpu,cpuacct"),
                ("memory", "cgroup", "memory"),
                ("pids", "cgroup", "pids"),
                ("unified", "cgroup2", "x"),
            ],
        );
        let cgroups = Cgroups::parse(&mounts, &root.join("proc"), 1).unwrap();
        let sample = cgroups.find(ID).unwrap().read(Duration::ZERO).unwrap();
        assert_eq!((sample.cpu_nanos, sample.memory_bytes), (77, 8_000));
        assert_eq!((sample.memory_limit_bytes, sample.pids), (0, 5));
    }

    #[test]
    fn a_place_that_nobody_knows_is_found_by_the_process() {
        let root = tempfile::tempdir().unwrap();
        let cgroups = v2(root.path(), &format!("odd/{ID}"));
        assert_eq!(cgroups.find(ID), None);
        let proc = "proc/42/cgroup";
        write(root.path(), proc, &format!("0::/odd/{ID}\n"));
        assert!(cgroups.find_by_process(ID, 42).is_some());
        // The number of a process of another machine.
        write(root.path(), proc, "0::/odd/of-another\n");
        assert_eq!(cgroups.find_by_process(ID, 42), None);
        assert!(cgroups.is_of_another(ID, 42));
        assert!(!cgroups.is_of_another(ID, 43), "nobody knows of that one");
        write(root.path(), proc, &format!("0::/../odd/{ID}\n"));
        assert_eq!(cgroups.find_by_process(ID, 42), None);
        assert_eq!(cgroups.find_by_process(ID, 0), None);
    }

    #[test]
    fn what_is_no_id_is_no_path() {
        let root = tempfile::tempdir().unwrap();
        let cgroups = v2(root.path(), "docker/../../etc");
        assert_eq!(cgroups.find("../../etc"), None);
        assert_eq!(cgroups.find(ID.trim_start_matches('0')), None);
    }

    #[test]
    fn a_container_that_ended_is_no_sample() {
        let root = tempfile::tempdir().unwrap();
        let folder = format!("docker/{ID}");
        let cgroups = v2(root.path(), &folder);
        let place = cgroups.find(ID).unwrap();
        write(root.path(), &format!("cg/{folder}/cgroup.procs"), "");
        assert!(place.read(Duration::ZERO).is_err());
        fs::remove_dir_all(root.path().join("cg")).unwrap();
        assert!(place.read(Duration::ZERO).is_err());
    }

    #[test]
    fn a_part_of_a_hierarchy_is_not_taken_for_the_whole() {
        let mounts = "30 24 0:26 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(Cgroups::parse(mounts, Path::new("/proc"), 1), None);
        assert_eq!(Cgroups::parse("nonsense", Path::new("/proc"), 1), None);
    }
}
