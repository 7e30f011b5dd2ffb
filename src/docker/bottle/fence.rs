//! What the engine says it applied, held against what was asked. A difference means
//! that the fence is not the one that was designed, and the bottle must not start.

use super::request::UpCause;
use crate::docker::model::{ContainerDetails, ContainerRequest, MountRequest, NetworkWish};
use crate::wire::Role;

/// Compares one container.
///
/// # Errors
/// [`UpCause::Fence`] names the first difference.
pub(crate) fn verify(
    role: Role,
    asked: &ContainerRequest,
    applied: &ContainerDetails,
) -> Result<(), UpCause> {
    let network = match &asked.network {
        NetworkWish::None => String::from("none"),
        NetworkWish::Joined(name) => name.clone(),
    };
    let (mounts, mounted) = (asked_mounts(asked), applied_mounts(applied));
    let joined = match &asked.network {
        NetworkWish::None => applied.networks.iter().all(|name| name == "none"),
        NetworkWish::Joined(_) => applied.networks.len() == 1,
    };
    let is_unprivileged = applied
        .security_opt
        .iter()
        .any(|option| option.starts_with("no-new-privileges") && !option.ends_with("false"));
    let has_profile = applied
        .security_opt
        .iter()
        .any(|option| option.strip_prefix("seccomp=") == Some(asked.seccomp.as_str()));
    let masks = asked
        .masked_paths
        .iter()
        .all(|path| applied.masked_paths.contains(path));
    let same = |what, wanted: &dyn std::fmt::Debug, found: &dyn std::fmt::Debug| {
        let (wanted, found) = (format!("{wanted:?}"), format!("{found:?}"));
        if wanted == found {
            Ok(())
        } else {
            Err(UpCause::Fence {
                role,
                what,
                wanted,
                found,
            })
        }
    };
    same("the network", &network, &applied.network_mode)?;
    same("privileged", &false, &applied.is_privileged)?;
    same("cap-add", &Vec::<String>::new(), &applied.cap_add)?;
    same("cap-drop", &vec![String::from("ALL")], &applied.cap_drop)?;
    same("a read-only root", &true, &applied.has_read_only_root)?;
    same("no-new-privileges", &true, &is_unprivileged)?;
    same("our seccomp profile", &true, &has_profile)?;
    same("no other network", &true, &joined)?;
    same(
        "namespaces of the machine",
        &Vec::<String>::new(),
        &applied.host_namespaces,
    )?;
    same("devices", &Vec::<String>::new(), &applied.devices)?;
    same(
        "the user",
        &asked.uid.to_string(),
        &applied
            .user
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned(),
    )?;
    same("memory", &asked.memory_bytes, &applied.memory_bytes)?;
    same("pids", &asked.pids, &applied.pids)?;
    same("the masked paths", &true, &masks)?;
    same("the mounts", &mounts, &mounted)
}

/// Target, source and whether it is writable, of every mount asked for.
fn asked_mounts(asked: &ContainerRequest) -> Vec<(String, String, bool)> {
    let mut mounts: Vec<_> = asked
        .mounts
        .iter()
        .map(|mount| {
            let source = match mount {
                MountRequest::Volume { name, .. } => name,
                MountRequest::Bind { host, .. } => host,
            };
            let target = mount.target().to_owned();
            (target, source.clone(), !mount.is_read_only())
        })
        .collect();
    mounts.sort();
    mounts
}

/// The same of every mount applied. A tmpfs holds nothing of anybody's.
fn applied_mounts(applied: &ContainerDetails) -> Vec<(String, String, bool)> {
    let mut mounts: Vec<_> = applied
        .mounts
        .iter()
        .filter(|mount| mount.kind != "tmpfs")
        .map(|mount| {
            (
                mount.target.clone(),
                mount.source.clone(),
                mount.is_writable,
            )
        })
        .collect();
    mounts.sort();
    mounts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::docker::model::{MountSighting, RestartWish};
    use crate::state::ContainerState;

    fn asked() -> ContainerRequest {
        ContainerRequest {
            name: String::from("cellar-api-1-agent"),
            image: String::from("image"),
            uid: 1_000,
            argv: vec![String::from("init")],
            env: Vec::new(),
            labels: BTreeMap::new(),
            network: NetworkWish::None,
            tmpfs: BTreeMap::new(),
            mounts: vec![MountRequest::Volume {
                name: String::from("cellar-api-1-doors"),
                target: String::from("/run/cellar"),
                read_only: true,
                takes_image_content: false,
                labels: BTreeMap::new(),
            }],
            masked_paths: vec![String::from("/workspace/.env")],
            seccomp: String::from("{}"),
            memory_bytes: 1 << 30,
            cpu_millis: 1_000,
            pids: 100,
            open_files: 1_024,
            sysctls: BTreeMap::new(),
            runtime: None,
            restart: RestartWish::Never,
        }
    }

    fn applied() -> ContainerDetails {
        ContainerDetails {
            id: String::from("c"),
            name: String::from("cellar-api-1-agent"),
            image_id: String::from("sha256:0"),
            labels: BTreeMap::new(),
            state: ContainerState::Created,
            error: String::new(),
            is_out_of_memory: false,
            pid: 0,
            restarts: 0,
            user: String::from("1000:1000"),
            network_mode: String::from("none"),
            networks: vec![String::from("none")],
            cap_drop: vec![String::from("ALL")],
            cap_add: Vec::new(),
            is_privileged: false,
            has_read_only_root: true,
            security_opt: vec![
                String::from("no-new-privileges"),
                String::from("seccomp={}"),
            ],
            masked_paths: vec![String::from("/proc/kcore"), String::from("/workspace/.env")],
            host_namespaces: Vec::new(),
            devices: Vec::new(),
            memory_bytes: 1 << 30,
            pids: 100,
            mounts: vec![MountSighting {
                target: String::from("/run/cellar"),
                source: String::from("cellar-api-1-doors"),
                kind: String::from("volume"),
                is_writable: false,
            }],
        }
    }

    #[test]
    fn what_was_asked_for_passes() {
        verify(Role::Agent, &asked(), &applied()).unwrap();
    }

    /// Each single difference is refused, and named.
    #[test]
    fn every_difference_is_refused() {
        type Change = (&'static str, fn(&mut ContainerDetails));
        let changes: [Change; 17] = [
            ("the network", |found| {
                found.network_mode = String::from("bridge");
            }),
            ("no other network", |found| {
                found.networks.push(String::from("bridge"));
            }),
            ("privileged", |found| {
                found.is_privileged = true;
            }),
            ("cap-add", |found| {
                found.cap_add.push(String::from("NET_RAW"));
            }),
            ("cap-drop", |found| {
                found.cap_drop.clear();
            }),
            ("a read-only root", |found| {
                found.has_read_only_root = false;
            }),
            ("no-new-privileges", |found| {
                drop(found.security_opt.remove(0));
            }),
            ("our seccomp profile", |found| {
                found.security_opt[1] = String::from("seccomp=unconfined");
            }),
            ("our seccomp profile", |found| {
                found.security_opt[1] =
                    String::from("seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
            }),
            ("namespaces of the machine", |found| {
                found.host_namespaces.push(String::from("pid"));
            }),
            ("devices", |found| {
                found.devices.push(String::from("/dev/kvm"));
            }),
            ("the user", |found| {
                found.user = String::from("0:0");
            }),
            ("memory", |found| {
                found.memory_bytes = 0;
            }),
            ("pids", |found| {
                found.pids = 0;
            }),
            ("the masked paths", |found| {
                drop(found.masked_paths.pop());
            }),
            ("the mounts", |found| {
                found.mounts[0].is_writable = true;
            }),
            ("the mounts", |found| {
                found.mounts[0].source = String::from("cellar-other-doors");
            }),
        ];
        for (wanted, change) in changes {
            let mut found = applied();
            change(&mut found);
            match verify(Role::Agent, &asked(), &found) {
                Err(UpCause::Fence { what, .. }) => assert_eq!(what, wanted),
                other => panic!("{wanted}: {other:?}"),
            }
        }
    }
}
