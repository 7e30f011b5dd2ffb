//! What the files say today of a bottle that was started before.

use cellar::manifest::ResolveOptions;
use cellar::spec::Workspace;

use super::support::World;

const FILE: &str = r#"{
  "bottles": { "t": { "image": { "dockerfile": "D" }, "workspace": { "copy": "." } } },
  "agents": {
    "api": { "bottle": "t", "prompt": "Work." },
    "shell": { "bottle": "t", "provider": { "command": ["sh"] } },
  },
}"#;

fn world(file: &str) -> World {
    World::new(file).write("config/D", "FROM a\n")
}

#[test]
fn the_same_files_give_the_same_spec_whatever_the_start_was() {
    let world = world(FILE);
    for (agent, extra, remote_control) in [
        ("api", vec![], false),
        ("api", vec!["--verbose", "go"], true),
        ("shell", vec!["-c", "true"], false),
    ] {
        let options = ResolveOptions {
            extra_args: extra.into_iter().map(str::to_owned).collect(),
            remote_control,
            ..world.options()
        };
        let manifest = world.load().manifest;
        let spec = manifest.resolve(agent, &options).unwrap().spec;
        // The folder where it was started may even be gone.
        std::fs::remove_dir_all(world.path("repo")).unwrap();
        assert_eq!(manifest.resolve_again(&spec).unwrap(), spec);
        std::fs::create_dir_all(world.path("repo")).unwrap();
    }
}

#[test]
fn what_the_files_say_otherwise_now_is_what_differs() {
    let before = world(FILE).plan("api").spec;
    let after = world(&FILE.replace("\"copy\": \".\"", "\"copy\": \"~/repo\""));
    let now = after.load().manifest.resolve_again(&before).unwrap();
    let host = after.path("repo").display().to_string();
    assert_eq!(now.workspace, Workspace::Copy { host });
    let after = world(&FILE.replace("Work.", "Rest."));
    let now = after.load().manifest.resolve_again(&before).unwrap();
    assert_eq!(now.workspace, before.workspace);
    assert_ne!(now.session.home_files, before.session.home_files);
    let gone = world(&FILE.replace("\"api\"", "\"ape\""));
    let error = gone.load().manifest.resolve_again(&before).unwrap_err();
    assert_eq!(
        error.to_string(),
        "find an agent called `api`; did you mean `ape`?"
    );
}
