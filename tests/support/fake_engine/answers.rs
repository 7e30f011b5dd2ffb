//! What is answered once: lists, one container, stats, the engine itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::fleet::{Container, World};

const CPUS: u32 = 2;
const MIB: usize = 1024 * 1024;

pub(super) fn version() -> Value {
    json!({
        "Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Os": "linux",
        "Arch": "amd64", "KernelVersion": "6.1.0", "GoVersion": "go1.19", "GitCommit": "fake",
        "BuildTime": "2026-01-01T00:00:00.000000000+00:00", "Platform": {"Name": "fake"},
        "Components": [],
    })
}

pub(super) fn info(world: &World) -> Value {
    let count = world.present().len();
    json!({
        "ID": "FAKE", "Name": "fake", "ServerVersion": "20.10.24", "OperatingSystem": "Fake",
        "OSType": "linux", "Architecture": "x86_64", "KernelVersion": "6.1.0", "NCPU": CPUS,
        "MemTotal": 8 * 1024 * MIB, "CgroupVersion": "2", "Driver": "overlay2",
        "Containers": count, "ContainersRunning": count, "ContainersPaused": 0,
        "ContainersStopped": 0, "Images": 1, "SecurityOptions": ["name=seccomp,profile=default"],
        "Runtimes": {"runc": {"path": "runc"}}, "Warnings": [],
    })
}

/// The list, of those that pass the filter of labels.
pub(super) fn list(world: &World, query: &str) -> Value {
    let label = label(query);
    let passes = |labels: &Value| {
        label
            .as_deref()
            .is_none_or(|label| match label.split_once('=') {
                Some((key, value)) => labels.get(key).is_some_and(|found| found == value),
                None => labels.get(label).is_some(),
            })
    };
    let entries = world.present().into_iter().filter_map(|container| {
        let labels = world.labels(container);
        passes(&labels).then(|| summary(world, container, &labels))
    });
    entries.collect()
}

/// The first label of a list's filter, whatever form the filter has.
fn label(query: &str) -> Option<String> {
    let filters = query
        .split('&')
        .find_map(|part| part.strip_prefix("filters="))?;
    let filters: Value = serde_json::from_str(&decoded(filters)).ok()?;
    let labels = filters.get("label")?;
    let first = match labels {
        Value::Array(labels) => labels.first()?.as_str()?.to_owned(),
        Value::Object(labels) => labels.keys().next()?.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
    };
    Some(first)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let hex: Vec<u8> = rest.by_ref().take(2).collect();
        let hex = std::str::from_utf8(&hex).unwrap_or("3f");
        bytes.push(u8::from_str_radix(hex, 16).unwrap_or(b'?'));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn summary(world: &World, container: &Container, labels: &Value) -> Value {
    let (state, status) = if world.runs(container) {
        ("running", "Up 2 hours")
    } else {
        ("exited", "Exited (0) 1 second ago")
    };
    json!({
        "Id": container.id, "Names": [format!("/{}", container.name)], "Image": "fake:1",
        "ImageID": "sha256:0", "Command": "sleep", "Created": World::created(container),
        "Ports": [], "Labels": labels, "State": state, "Status": status,
        "HostConfig": {"NetworkMode": "none"}, "NetworkSettings": {"Networks": {}}, "Mounts": [],
    })
}

pub(super) fn inspect(world: &World, container: &Container) -> Value {
    let runs = world.runs(container);
    json!({
        "Id": container.id, "Name": format!("/{}", container.name), "Image": "sha256:0",
        "Created": "2026-09-21T00:00:00.000000000Z", "Path": "sleep", "Args": [],
        "RestartCount": 0, "Driver": "overlay2", "Platform": "linux", "Mounts": [],
        "State": {
            "Status": if runs { "running" } else { "exited" }, "Running": runs, "Paused": false,
            "Restarting": false, "OOMKilled": false, "Dead": false,
            // A number that is a process of another machine.
            "Pid": i32::from(runs), "ExitCode": 0, "Error": "",
            "StartedAt": "2026-09-21T00:00:00.000000000Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
        },
        "Config": {
            "Hostname": "fake", "Image": "fake:1", "Tty": false, "User": "1000:1000", "Env": [],
            "Cmd": ["sleep"], "Labels": world.labels(container),
        },
        "HostConfig": {
            "NetworkMode": "none", "Memory": 256 * MIB, "PidsLimit": 512, "ReadonlyRootfs": true,
            "CapDrop": ["ALL"], "LogConfig": {"Type": "local", "Config": {}},
        },
        "NetworkSettings": {"Networks": {}},
    })
}

/// A sample, with the one of a second ago beside it as engines have.
pub(super) fn stats(world: &World, container: &Container) -> Value {
    let cpu = |before: Duration| {
        let machine = (world.begun.elapsed().saturating_sub(before)) * CPUS;
        let share = u32::try_from(container.at % 37).unwrap_or(0);
        let own = world.cpu(container).saturating_sub(before * share / 100);
        json!({
            "cpu_usage": {
                "total_usage": nanos(own), "usage_in_kernelmode": 0, "usage_in_usermode": 0,
            },
            "system_cpu_usage": nanos(machine), "online_cpus": CPUS,
            "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
        })
    };
    let seconds = usize::try_from(world.begun.elapsed().as_secs()).unwrap_or(0);
    let used = (20 + container.at % 200) * MIB;
    let network = json!({
        "rx_bytes": seconds * (container.at % 11) * 1_000, "rx_packets": seconds, "rx_errors": 0,
        "rx_dropped": 0, "tx_bytes": seconds * 100, "tx_packets": seconds, "tx_errors": 0,
        "tx_dropped": 0,
    });
    json!({
        "id": container.id, "name": format!("/{}", container.name),
        "read": "2026-11-21T00:00:00.000000000Z", "preread": "2026-11-20T23:59:59.000000000Z",
        "cpu_stats": cpu(Duration::ZERO), "precpu_stats": cpu(Duration::from_secs(1)),
        "memory_stats": {
            "usage": used, "limit": 256 * MIB, "stats": {"inactive_file": 4 * MIB, "cache": 0},
        },
        "pids_stats": {"current": 3 + container.at % 9, "limit": 512},
        "networks": {"eth0": network}, "num_procs": 0, "storage_stats": {},
        "blkio_stats": {"io_service_bytes_recursive": null, "io_serviced_recursive": null},
    })
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
