//! An engine that did not apply what was asked: the bottle must not start.

use super::support::{
    Wanted, engine, large, name, of_bottle, small, try_resume, try_up, with_stopped,
};
use crate::docker::bottle::{Step, UpCause};
use crate::docker::fake::{Call, Change};
use crate::docker::model::MountSighting;
use crate::spec::{Mask, Workspace};
use crate::wire::Role;

/// What is not as it was asked, and its name in the error.
const CHANGES: [(&str, Change); 6] = [
    ("the network", |found| {
        found.network_mode = String::from("host");
    }),
    ("no other network", |found| {
        found.networks = vec![String::from("one"), String::from("two")];
    }),
    ("cap-add", |found| {
        found.cap_add = vec![String::from("SYS_ADMIN")];
    }),
    ("our seccomp profile", |found| {
        found.security_opt = vec![String::from("no-new-privileges:true")];
    }),
    ("the mounts", |found| {
        let mut mounts = found.mounts.iter_mut();
        let volume = mounts.find(|mount| mount.kind == "volume").unwrap();
        volume.source = String::from("cellar-other-home");
    }),
    ("the mounts", |found| {
        found.mounts.push(MountSighting {
            target: String::from("/run/docker.sock"),
            source: String::from("/run/docker.sock"),
            kind: String::from("bind"),
            is_writable: true,
        });
    }),
];

/// A folder of the host is mounted, and two of its paths are shadowed.
fn masked() -> Wanted {
    let mut wanted = small();
    let mask = |path: &str| Mask {
        path: path.to_owned(),
        is_folder: false,
    };
    wanted.request.spec.workspace = Workspace::Mount {
        host: String::from("/srv/project"),
        read_only: false,
        masks: vec![mask(".env"), mask("key.pem")],
    };
    wanted
}

#[tokio::test(start_paused = true)]
async fn a_difference_in_any_container_ends_the_start_before_that_container_runs() {
    for role in Role::ALL {
        for (wanted_what, change) in CHANGES {
            let engine = engine();
            let container = name(role.as_str());
            engine.world().changes.insert(container.clone(), change);
            let error = try_up(&engine, &large()).await.unwrap_err();
            assert_eq!(error.step, Step::Fence);
            let UpCause::Fence { role: of, what, .. } = error.cause else {
                panic!("{wanted_what}: {error:?}");
            };
            assert_eq!((of, what), (role, wanted_what));
            assert!(!engine.calls().contains(&Call::new("start", &container)));
            assert_eq!(engine.world().labelled(&of_bottle()), [].into());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_mask_ends_the_start_and_a_bottle_with_all_masks_starts() {
    let masks_lost: [(usize, Change); 3] = [
        (0, |_| {}),
        (1, |found| {
            found.masked_paths.retain(|path| path != "/workspace/.env");
        }),
        (2, |found| found.masked_paths.clear()),
    ];
    for (lost, change) in masks_lost {
        let engine = engine();
        engine.world().changes.insert(name("agent"), change);
        match try_up(&engine, &masked()).await {
            Ok(_) => assert_eq!(lost, 0),
            Err(error) => {
                assert_ne!(lost, 0);
                let what = "the masked paths";
                assert!(matches!(error.cause, UpCause::Fence { what: of, .. } if of == what));
                assert_eq!(engine.world().labelled(&of_bottle()), [].into());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_verifies_the_new_containers_too() {
    for role in Role::ALL {
        for (wanted_what, change) in CHANGES {
            let wanted = small();
            let engine = with_stopped(&wanted).await;
            let (container, before) = (name(role.as_str()), engine.calls().len());
            engine.world().changes.insert(container.clone(), change);
            let error = try_resume(&engine, &wanted).await.unwrap_err();
            assert_eq!(error.step, Step::Fence);
            let UpCause::Fence { role: of, what, .. } = error.cause else {
                panic!("{wanted_what}: {error:?}");
            };
            assert_eq!((of, what), (role, wanted_what));
            let calls = engine.calls().split_off(before);
            assert!(!calls.contains(&Call::new("start", &container)));
            assert_eq!(engine.world().running(), [].into());
        }
    }
}
