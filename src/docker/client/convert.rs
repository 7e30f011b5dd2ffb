//! The library's types to ours and back. Nothing here fails: what an engine leaves
//! out becomes empty, what we do not know stays a word.

use std::collections::{BTreeMap, HashMap};

use bollard::models;
use jiff::Timestamp;

use crate::docker::model::{
    ContainerDetails, ContainerRequest, ContainerSummary, EngineEvent, EngineInfo, ImageSighting,
    MountRequest, MountSighting, NetworkSighting, NetworkWish, RestartWish, StatsSample,
    VolumeSighting,
};
use crate::state::ContainerState;

/// What engines mask by themselves; said again because naming one path of ours
/// replaces the engine's whole list (moby, `oci/defaults.go`).
const USUALLY_MASKED: [&str; 13] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    "/sys/fs/selinux",
];

type Labels = BTreeMap<String, String>;

fn labels(map: Option<HashMap<String, String>>) -> Labels {
    map.unwrap_or_default().into_iter().collect()
}

fn unordered(map: &Labels) -> HashMap<String, String> {
    map.clone().into_iter().collect()
}

fn positive(number: Option<i64>) -> u64 {
    number.and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A container's state by the engine's word.
pub(super) fn state(word: &str, code: Option<i64>) -> ContainerState {
    match word {
        "created" | "configured" | "initialized" => ContainerState::Created,
        // Podman's `stopping` still runs, its `stopped` has ended.
        "running" | "stopping" => ContainerState::Running,
        "paused" => ContainerState::Paused,
        "restarting" => ContainerState::Restarting,
        "exited" | "stopped" => ContainerState::Exited { code },
        "dead" | "removing" => ContainerState::Dead,
        _ => ContainerState::Unknown {
            word: word.to_owned(),
        },
    }
}

/// The exit code in `Exited (137) 2 hours ago`, which lists have and a field is not.
fn code_in(status: &str) -> Option<i64> {
    let (_, rest) = status.split_once('(')?;
    rest.split_once(')')?.0.parse().ok()
}

/// The word of the state comes beside: see [`super::containers`].
pub(super) fn summary(said: models::ContainerSummary, word: &str) -> ContainerSummary {
    let name = said.names.unwrap_or_default().into_iter().next();
    ContainerSummary {
        id: said.id.unwrap_or_default(),
        name: name.unwrap_or_default().trim_start_matches('/').to_owned(),
        image: said.image.unwrap_or_default(),
        labels: labels(said.labels),
        state: state(word, said.status.as_deref().and_then(code_in)),
        created: said
            .created
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH),
        networks: said
            .network_settings
            .and_then(|settings| settings.networks)
            .map(|networks| networks.into_keys().collect()),
    }
}

/// The word of the state comes beside: see [`super::containers`].
pub(super) fn details(said: models::ContainerInspectResponse, word: &str) -> ContainerDetails {
    let host = said.host_config.unwrap_or_default();
    let config = said.config.unwrap_or_default();
    let state_said = said.state.unwrap_or_default();
    let namespaces = [
        ("pid", &host.pid_mode),
        ("ipc", &host.ipc_mode),
        ("uts", &host.uts_mode),
        ("user", &host.userns_mode),
    ];
    let host_namespaces = namespaces
        .iter()
        .filter(|(_, mode)| mode.as_deref() == Some("host"))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let networks = said.network_settings.and_then(|net| net.networks);
    let devices = host.devices.unwrap_or_default().into_iter();
    ContainerDetails {
        id: said.id.unwrap_or_default(),
        name: said
            .name
            .unwrap_or_default()
            .trim_start_matches('/')
            .to_owned(),
        image_id: said.image.unwrap_or_default(),
        labels: labels(config.labels),
        state: state(word, state_said.exit_code),
        error: state_said.error.unwrap_or_default(),
        is_out_of_memory: state_said.oom_killed.unwrap_or(false),
        pid: positive(state_said.pid),
        restarts: positive(said.restart_count),
        user: config.user.unwrap_or_default(),
        network_mode: host.network_mode.unwrap_or_default(),
        networks: networks.unwrap_or_default().into_keys().collect(),
        cap_drop: host.cap_drop.unwrap_or_default(),
        cap_add: host.cap_add.unwrap_or_default(),
        is_privileged: host.privileged.unwrap_or(false),
        has_read_only_root: host.readonly_rootfs.unwrap_or(false),
        security_opt: host.security_opt.unwrap_or_default(),
        masked_paths: host.masked_paths.unwrap_or_default(),
        host_namespaces,
        devices: devices.filter_map(|device| device.path_on_host).collect(),
        memory_bytes: positive(host.memory),
        pids: positive(host.pids_limit),
        mounts: said
            .mounts
            .unwrap_or_default()
            .into_iter()
            .map(mounted)
            .collect(),
    }
}

fn mounted(said: models::MountPoint) -> MountSighting {
    let kind = said.typ.unwrap_or_default();
    let source = said.name.filter(|name| !name.is_empty()).or(said.source);
    MountSighting {
        target: said.destination.unwrap_or_default(),
        source: source.unwrap_or_default(),
        kind,
        is_writable: said.rw.unwrap_or(true),
    }
}

pub(super) fn info(said: models::SystemInfo, api_version: String, is_podman: bool) -> EngineInfo {
    let mut runtimes: Vec<String> = said.runtimes.unwrap_or_default().into_keys().collect();
    runtimes.sort();
    let cgroup = said.cgroup_version.map(|version| version.to_string());
    EngineInfo {
        id: said.id.unwrap_or_default(),
        name: said.name.unwrap_or_default(),
        version: said.server_version.unwrap_or_default(),
        api_version,
        os: said.operating_system.unwrap_or_default(),
        arch: said.architecture.unwrap_or_default(),
        kernel: said.kernel_version.unwrap_or_default(),
        runtimes,
        cgroup_version: cgroup.unwrap_or_default(),
        security_options: said.security_options.unwrap_or_default(),
        storage_driver: said.driver.unwrap_or_default(),
        ncpu: positive(said.ncpu),
        memory_bytes: positive(said.mem_total),
        is_podman,
        warnings: said.warnings.unwrap_or_default(),
    }
}

pub(super) fn image(said: models::ImageInspect) -> ImageSighting {
    let config = said.config.unwrap_or_default();
    ImageSighting {
        id: said.id.unwrap_or_default(),
        tags: said.repo_tags.unwrap_or_default(),
        labels: labels(config.labels),
        env: config.env.unwrap_or_default(),
        size_bytes: positive(said.size),
    }
}

pub(super) fn listed_image(said: models::ImageSummary) -> ImageSighting {
    ImageSighting {
        id: said.id,
        tags: said.repo_tags,
        labels: said.labels.into_iter().collect(),
        env: Vec::new(),
        size_bytes: positive(Some(said.size)),
    }
}

pub(super) fn volume(said: models::Volume) -> VolumeSighting {
    VolumeSighting {
        name: said.name,
        labels: said.labels.into_iter().collect(),
    }
}

pub(super) fn network(said: models::Network) -> NetworkSighting {
    NetworkSighting {
        id: said.id.unwrap_or_default(),
        name: said.name.unwrap_or_default(),
        labels: labels(said.labels),
        created: said.created.and_then(|text| text.parse().ok()),
    }
}

pub(super) fn event(said: models::EventMessage) -> EngineEvent {
    let actor = said.actor.unwrap_or_default();
    EngineEvent {
        container: actor.id.unwrap_or_default(),
        action: said.action.unwrap_or_default(),
        attributes: labels(actor.attributes),
    }
}

pub(super) fn stats(said: models::ContainerStatsResponse) -> StatsSample {
    let cpu = said.cpu_stats.unwrap_or_default();
    let memory = said.memory_stats.unwrap_or_default();
    // What `docker stats` leaves out: page cache that the kernel may drop at once,
    // named differently by the two cgroup versions.
    let cache = memory.stats.as_ref().and_then(|stats| {
        let by_name = |name| stats.get(name).copied();
        by_name("total_inactive_file").or_else(|| by_name("inactive_file"))
    });
    let used = memory.usage.unwrap_or(0);
    let networks = said.networks.unwrap_or_default();
    let sum = |of: fn(&models::ContainerNetworkStats) -> Option<u64>| {
        let bytes = networks.values().filter_map(of);
        bytes.fold(0, u64::saturating_add)
    };
    StatsSample {
        cpu_nanos: cpu
            .cpu_usage
            .and_then(|usage| usage.total_usage)
            .unwrap_or(0),
        system_nanos: cpu.system_cpu_usage.unwrap_or(0),
        cpus: cpu.online_cpus.unwrap_or(1),
        memory_bytes: used.saturating_sub(cache.unwrap_or(0)),
        memory_limit_bytes: memory.limit.unwrap_or(0),
        pids: said.pids_stats.and_then(|pids| pids.current).unwrap_or(0),
        received_bytes: sum(|network| network.rx_bytes),
        sent_bytes: sum(|network| network.tx_bytes),
    }
}

pub(super) fn create_body(asked: &ContainerRequest) -> models::ContainerCreateBody {
    models::ContainerCreateBody {
        user: Some(format!("{0}:{0}", asked.uid)),
        image: Some(asked.image.clone()),
        entrypoint: Some(asked.argv.clone()),
        cmd: Some(Vec::new()),
        env: Some(asked.env.clone()),
        labels: Some(unordered(&asked.labels)),
        tty: Some(false),
        open_stdin: Some(false),
        working_dir: Some(String::from("/")),
        healthcheck: Some(models::HealthConfig {
            test: Some(vec![String::from("NONE")]),
            ..models::HealthConfig::default()
        }),
        host_config: Some(host_config(asked)),
        ..models::ContainerCreateBody::default()
    }
}

fn host_config(asked: &ContainerRequest) -> models::HostConfig {
    let network = match &asked.network {
        NetworkWish::None => "none",
        NetworkWish::Joined(network) => network,
    };
    let restart = match asked.restart {
        RestartWish::Never => models::RestartPolicyNameEnum::NO,
        RestartWish::UnlessStopped => models::RestartPolicyNameEnum::UNLESS_STOPPED,
    };
    models::HostConfig {
        network_mode: Some(network.to_owned()),
        readonly_rootfs: Some(true),
        privileged: Some(false),
        cap_drop: Some(vec![String::from("ALL")]),
        security_opt: Some(security_options(asked)),
        masked_paths: masked_paths(asked),
        memory: Some(signed(asked.memory_bytes)),
        memory_swap: Some(signed(asked.memory_bytes)),
        nano_cpus: Some(signed(asked.cpu_millis.saturating_mul(1_000_000))),
        pids_limit: Some(signed(asked.pids)),
        ulimits: Some(vec![models::ResourcesUlimits {
            name: Some(String::from("nofile")),
            soft: Some(signed(asked.open_files)),
            hard: Some(signed(asked.open_files)),
        }]),
        sysctls: (!asked.sysctls.is_empty()).then(|| unordered(&asked.sysctls)),
        runtime: asked.runtime.clone(),
        tmpfs: Some(unordered(&asked.tmpfs)),
        mounts: Some(asked.mounts.iter().map(mount).collect()),
        log_config: Some(models::HostConfigLogConfig {
            typ: Some(String::from("local")),
            config: Some(HashMap::from([
                (String::from("max-size"), String::from("10m")),
                (String::from("max-file"), String::from("3")),
            ])),
        }),
        restart_policy: Some(models::RestartPolicy {
            name: Some(restart),
            maximum_retry_count: None,
        }),
        ..models::HostConfig::default()
    }
}

fn security_options(asked: &ContainerRequest) -> Vec<String> {
    vec![
        String::from("no-new-privileges:true"),
        format!("seccomp={}", asked.seccomp),
    ]
}

fn masked_paths(asked: &ContainerRequest) -> Option<Vec<String>> {
    let own = &asked.masked_paths;
    let usual = USUALLY_MASKED.iter().map(|path| (*path).to_owned());
    (!own.is_empty()).then(|| usual.chain(own.iter().cloned()).collect())
}

fn mount(asked: &MountRequest) -> models::Mount {
    match asked {
        MountRequest::Volume {
            name,
            target,
            read_only,
            takes_image_content,
            labels,
        } => models::Mount {
            typ: Some(models::MountType::VOLUME),
            source: Some(name.clone()),
            target: Some(target.clone()),
            read_only: Some(*read_only),
            volume_options: Some(models::MountVolumeOptions {
                no_copy: Some(!takes_image_content),
                labels: Some(unordered(labels)),
                ..models::MountVolumeOptions::default()
            }),
            ..models::Mount::default()
        },
        MountRequest::Bind {
            host,
            target,
            read_only,
        } => models::Mount {
            typ: Some(models::MountType::BIND),
            source: Some(host.clone()),
            target: Some(target.clone()),
            read_only: Some(*read_only),
            ..models::Mount::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(json: serde_json::Value) -> StatsSample {
        stats(serde_json::from_value(json).unwrap())
    }

    /// The two versions of cgroups name the page cache that could be dropped otherwise.
    #[test]
    fn samples_of_both_versions_of_cgroups_are_alike() {
        let said = |stats: serde_json::Value| {
            serde_json::json!({
                "cpu_stats": {
                    "cpu_usage": {"total_usage": 5}, "system_cpu_usage": 9, "online_cpus": 2,
                },
                "memory_stats": {"usage": 1_000, "limit": 2_000, "stats": stats},
                "pids_stats": {"current": 3},
                "networks": {
                    "eth0": {"rx_bytes": 10, "tx_bytes": 1}, "eth1": {"rx_bytes": 5, "tx_bytes": 2},
                },
            })
        };
        let expected = StatsSample {
            cpu_nanos: 5,
            system_nanos: 9,
            cpus: 2,
            memory_bytes: 600,
            memory_limit_bytes: 2_000,
            pids: 3,
            received_bytes: 15,
            sent_bytes: 3,
        };
        let v1 = serde_json::json!({"inactive_file": 1, "total_inactive_file": 400});
        let v2 = serde_json::json!({"inactive_file": 400});
        assert_eq!(sample(said(v1)), expected);
        assert_eq!(sample(said(v2)), expected);
    }

    /// As of a container that does not run.
    #[test]
    fn an_empty_sample_is_nothing_used() {
        let nothing = sample(serde_json::json!({"cpu_stats": {}, "memory_stats": {}}));
        let used = (nothing.cpu_nanos, nothing.memory_bytes, nothing.pids);
        assert_eq!(used, (0, 0, 0));
        let more_cache = serde_json::json!({
            "memory_stats": {"usage": 1, "stats": {"inactive_file": 2}},
        });
        assert_eq!(sample(more_cache).memory_bytes, 0);
    }
}
