//! Which host folders may be mounted, for what, and what of them is masked.

use std::os::unix::net::UnixListener;

use cellar::spec::{Mask, Workspace};

use super::support::World;

fn operator(workspace: &str) -> String {
    format!(
        r#"{{ "bottles": {{ "claude": {{ "image": {{ "from": "x" }}, "workspace": {workspace} }} }}, "agents": {{ "api": {{ "bottle": "claude" }} }} }}"#
    )
}

fn world(workspace: &str, mounts: &str) -> World {
    World::new(&operator(workspace)).write("config/mounts.json", mounts)
}

const READ: &str = r#"{ "roots": [{ "path": "~/code" }] }"#;
const WRITE: &str = r#"{ "roots": [{ "path": "~/code", "read_write": true }] }"#;

fn mask(path: &str, is_folder: bool) -> Mask {
    Mask {
        path: path.to_owned(),
        is_folder,
    }
}

fn masks(world: &World) -> Vec<Mask> {
    match world.plan("api").spec.workspace {
        Workspace::Mount { masks, .. } => masks,
        other @ (Workspace::None | Workspace::Copy { .. }) => {
            panic!("a mount expected, not {other:?}")
        }
    }
}

#[test]
fn a_folder_below_a_root_is_mounted_read_only_by_default() {
    let world = world(r#"{ "mount": "~/code/api" }"#, READ).write("code/api/main.rs", "");
    assert_eq!(
        world.plan("api").spec.workspace,
        Workspace::Mount {
            host: world.path("code/api").display().to_string(),
            read_only: true,
            masks: vec![],
        }
    );
}

#[test]
fn writing_needs_the_yes_of_both_files() {
    let wanted = r#"{ "mount": "~/code/api", "read_only": false }"#;
    let allowed = world(wanted, WRITE).write("code/api/main.rs", "");
    assert!(matches!(
        allowed.plan("api").spec.workspace,
        Workspace::Mount {
            read_only: false,
            ..
        }
    ));
    let refused = world(wanted, READ).write("code/api/main.rs", "");
    insta::assert_snapshot!(refused.resolve("api").unwrap_err());
    let unasked = world(r#"{ "mount": "~/code/api" }"#, WRITE).write("code/api/main.rs", "");
    assert!(matches!(
        unasked.plan("api").spec.workspace,
        Workspace::Mount {
            read_only: true,
            ..
        }
    ));
}

#[test]
fn the_deepest_root_decides() {
    let mounts = r#"{ "roots": [
        { "path": "~/code", "read_write": true },
        { "path": "~/code/api" },
    ] }"#;
    let wanted = r#"{ "mount": "~/code/api/src", "read_only": false }"#;
    let world = world(wanted, mounts).write("code/api/src/main.rs", "");
    assert!(world.resolve("api").is_err());
}

#[test]
fn a_folder_outside_every_root_is_refused() {
    let world = world(r#"{ "mount": "~/other" }"#, READ)
        .write("other/x", "")
        .write("code/x", "");
    insta::assert_snapshot!(world.resolve("api").unwrap_err());
}

#[test]
fn without_mounts_json_nothing_is_mounted() {
    let world = World::new(&operator(r#"{ "mount": "~/code" }"#)).write("code/x", "");
    assert!(world.resolve("api").is_err());
}

#[test]
fn a_root_whose_name_only_begins_alike_does_not_count() {
    let world = world(r#"{ "mount": "~/code-secret" }"#, READ)
        .write("code/x", "")
        .write("code-secret/x", "");
    assert!(world.resolve("api").is_err());
}

#[test]
fn links_and_dots_do_not_lead_out_of_a_root() {
    for path in ["~/code/link", "~/code/../other", "~/code/link/deep"] {
        let world = world(&format!(r#"{{ "mount": "{path}" }}"#), READ)
            .write("other/deep/x", "")
            .write("code/x", "")
            .link("other", "code/link");
        let refused = world.resolve("api").unwrap_err();
        assert!(refused.contains("below no root"), "{path}: {refused}");
    }
}

#[test]
fn a_root_that_is_a_link_means_where_it_leads() {
    let mounts = r#"{ "roots": [{ "path": "~/alias" }] }"#;
    let world = world(r#"{ "mount": "~/real/api" }"#, mounts)
        .write("real/api/x", "")
        .link("real", "alias");
    assert!(world.resolve("api").is_ok());
}

#[test]
fn credentials_are_masked_wherever_they_lie() {
    let mounts = r#"{ "roots": [{
        "path": "~/code",
        "masks": ["config/secrets", "*.sqlite"],
        "unmasked": [".env.example"],
    }] }"#;
    let world = world(r#"{ "mount": "~/code/api" }"#, mounts)
        .write("code/api/.env", "")
        .write("code/api/.env.example", "")
        .write("code/api/sub/.env.local", "")
        .write("code/api/certificates/server.pem", "")
        .write("code/api/.ssh/id_rsa", "")
        .write("code/api/config/secrets/key", "")
        .write("code/api/other/config/secrets/key", "")
        .write("code/api/data.sqlite", "")
        .write("code/api/main.rs", "");
    assert_eq!(
        masks(&world),
        [
            mask(".env", false),
            mask(".ssh", true),
            mask("certificates/server.pem", false),
            mask("config/secrets", true),
            mask("data.sqlite", false),
            mask("sub/.env.local", false),
        ]
    );
}

#[test]
fn a_masked_link_masks_what_it_names() {
    let world = world(r#"{ "mount": "~/code/api" }"#, READ)
        .write("code/api/config/values", "")
        .write("code/outside", "")
        .link("code/api/config/values", "code/api/.env")
        .link("code/outside", "code/api/.env.outside")
        .link("code/nothing", "code/api/.env.dangling");
    assert_eq!(masks(&world), [mask("config/values", false)]);
}

#[test]
fn sockets_of_the_host_are_masked() {
    let world = world(r#"{ "mount": "~/code/api" }"#, READ).write("code/api/main.rs", "");
    let _socket = UnixListener::bind(world.path("code/api/engine.sock")).unwrap();
    assert_eq!(masks(&world), [mask("engine.sock", false)]);
}

#[test]
fn what_the_operators_git_would_run_is_masked_where_the_agent_writes() {
    let writable = world(r#"{ "mount": "~/code", "read_only": false }"#, WRITE)
        .write("code/.git/hooks/pre-commit", "");
    assert_eq!(masks(&writable), [mask(".git/hooks", true)]);
    let readable = world(r#"{ "mount": "~/code" }"#, READ).write("code/.git/hooks/pre-commit", "");
    assert_eq!(masks(&readable), []);
}

#[test]
fn too_many_masks_are_refused_rather_than_forgotten() {
    let world = world(r#"{ "mount": "~/code" }"#, READ);
    for count in 0..257 {
        world.put(&format!("code/{count}/.env"), b"");
    }
    let refused = world.resolve("api").unwrap_err();
    assert!(refused.contains("masks are not sure"), "{refused}");
}

#[test]
fn the_folder_of_the_manifest_is_never_mounted() {
    for path in ["~/config", "~", "~/config/deep"] {
        let world = world(
            &format!(r#"{{ "mount": "{path}" }}"#),
            r#"{ "roots": [{ "path": "~" }] }"#,
        )
        .write("config/deep/x", "");
        let refused = world.resolve("api").unwrap_err();
        assert!(refused.contains("cellar.json lies in it"), "{refused}");
    }
}

#[test]
fn mistakes_in_mounts_json_close_it() {
    let mounts = r#"{ "roots": [
  { "path": "~/code" },
  { "path": "code" },
  { "read_writ": true, "path": "~/x", "masks": ["/etc", "a//b", ".."] },
] }"#;
    let world = world(r#"{ "mount": "~/code" }"#, mounts).write("code/x", "");
    insta::assert_snapshot!(world.drawn(&world.load().problems));
    assert!(world.resolve("api").unwrap_err().contains("mounts.json"));
}

#[test]
fn an_agent_of_the_operators_may_have_another_workspace() {
    let world = World::new(
        r#"{ "bottles": { "claude": { "image": { "from": "x" }, "workspace": { "copy": "." } } },
             "agents": { "api": { "bottle": "claude", "workspace": "none" } } }"#,
    );
    assert_eq!(world.plan("api").spec.workspace, Workspace::None);
    assert_eq!(world.plan("api").copy_source(), None);
}

#[test]
fn a_copy_starts_where_cellar_is_started() {
    let world = World::new(&operator(r#"{ "copy": "." }"#));
    let plan = world.plan("api");
    assert_eq!(plan.copy_source(), Some(world.path("repo").as_path()));
}
