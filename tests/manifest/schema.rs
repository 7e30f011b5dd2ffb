//! Schemas and starter: what editors are told is what the readers take.

use std::collections::BTreeSet;
use std::path::Path;

use cellar::manifest::{
    InitError, agents_schema, config_schema, manifest_schema, mounts_schema, starter, theme_schema,
    write_starter,
};
use serde_json::Value;

use super::support::World;

/// Compares an asset with what is generated; `UPDATE_SCHEMAS=1` writes it.
fn assert_written(name: &str, schema: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("assets")
        .join(name);
    let text = format!("{schema:#}\n");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        text,
        "assets/{name} is stale: run the tests once with UPDATE_SCHEMAS=1"
    );
}

#[test]
fn the_schemas_in_assets_are_the_generated_ones() {
    assert_written("manifest.schema.json", &manifest_schema());
    assert_written("agents.schema.json", &agents_schema());
    assert_written("mounts.schema.json", &mounts_schema());
    assert_written("config.schema.json", &config_schema());
    assert_written("theme.schema.json", &theme_schema());
}

/// The keys of one object type of a schema.
fn keys(schema: &Value, definition: Option<&str>) -> BTreeSet<String> {
    let object = match definition {
        Some(name) => &schema["$defs"][name],
        None => schema,
    };
    assert_eq!(object["additionalProperties"], Value::Bool(false));
    object["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

/// The keys that a reader offers when it meets one that it does not know.
fn offered(text: &str) -> BTreeSet<String> {
    let world = World::new(text);
    let problems = world.load().problems;
    let unknown = problems
        .iter()
        .find(|problem| problem.message.contains("xxxxxxxx"))
        .unwrap();
    let help = unknown.help.clone().unwrap();
    let (_, list) = help.split_once("may hold").unwrap();
    list.split(',')
        .map(|key| key.trim().trim_matches('`').to_owned())
        .collect()
}

#[test]
fn the_readers_take_the_keys_that_the_schemas_name() {
    let schema = manifest_schema();
    assert_eq!(offered(r#"{ "xxxxxxxx": 1 }"#), keys(&schema, None));
    for (definition, text) in [
        ("Template", r#"{ "bottles": { "a": { "xxxxxxxx": 1 } } }"#),
        ("Agent", r#"{ "agents": { "a": { "xxxxxxxx": 1 } } }"#),
        (
            "Limits",
            r#"{ "bottles": { "a": { "image": { "from": "x" }, "limits": { "xxxxxxxx": 1 } } } }"#,
        ),
        (
            "Route",
            r#"{ "bottles": { "a": { "image": { "from": "x" }, "routes": [{ "xxxxxxxx": 1 }] } } }"#,
        ),
        (
            "Preset",
            r#"{ "bottles": { "a": { "image": { "from": "x" }, "routes": [{ "preset": "pypi-read", "xxxxxxxx": 1 }] } } }"#,
        ),
        (
            "Auth",
            r#"{ "bottles": { "a": { "image": { "from": "x" }, "routes": [{ "host": "x.test", "auth": { "xxxxxxxx": 1 } }] } } }"#,
        ),
        (
            "Scan",
            r#"{ "bottles": { "a": { "image": { "from": "x" }, "routes": [{ "host": "x.test", "scan": { "xxxxxxxx": 1 } }] } } }"#,
        ),
        (
            "Budget",
            r#"{ "bottles": { "a": { "image": { "from": "x" }, "routes": [{ "host": "x.test", "budget": { "xxxxxxxx": 1 } }] } } }"#,
        ),
        (
            "BottleBudget",
            r#"{ "bottles": { "a": { "image": { "from": "x" }, "budget": { "xxxxxxxx": 1 } } } }"#,
        ),
        (
            "ClaudeSettings",
            r#"{ "agents": { "a": { "bottle": "b", "provider": { "claude": { "xxxxxxxx": 1 } } } } }"#,
        ),
    ] {
        assert_eq!(
            offered(text),
            keys(&schema, Some(definition)),
            "{definition}"
        );
    }
}

#[test]
fn a_repositorys_schema_opens_nothing() {
    let schema = agents_schema();
    assert_eq!(
        keys(&schema, Some("RepositoryAgent")),
        ["bottle", "prompt", "provider", "skills"]
            .map(String::from)
            .into()
    );
    assert_eq!(
        keys(&schema, None),
        ["$schema", "agents"].map(String::from).into()
    );
}

#[test]
fn the_starter_has_no_mistake_and_starts() {
    let world = World::new(starter());
    let plan = world.plan("helper");
    assert_eq!(plan.spec.template, "claude");
    assert_eq!(world.plan("shell").spec.routes.routes, []);
    insta::assert_snapshot!("the_starters_plan", world.summary(&plan));
}

#[test]
fn the_starters_limits_are_the_defaults_it_says_they_are() {
    let limits = World::new(starter()).plan("helper").spec.limits;
    assert_eq!(limits, cellar::spec::Limits::default());
}

#[test]
fn the_starters_commented_examples_are_valid_too() {
    let mut text = String::new();
    for line in starter().lines() {
        let shown = line.trim_start();
        let example = shown.strip_prefix("// ").filter(|rest| {
            ["\"", "{ \"host", "{ \"preset"]
                .iter()
                .any(|start| rest.starts_with(start))
                && rest.contains(':')
        });
        // An example that stands for the line before it cannot stand beside it.
        let replaces = ["\"image\"", "\"none\"", "\"prompt\": {"];
        let usable = example.filter(|rest| {
            !replaces.iter().any(|start| rest.starts_with(start)) && !rest.contains("skills/")
        });
        text += usable.unwrap_or(line);
        text += if usable.is_some_and(|rest| !rest.ends_with(',')) {
            ",\n"
        } else {
            "\n"
        };
    }
    assert_ne!(text.trim(), starter().trim());
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let world = World::new(&text).write("config/company-ca.pem", pem);
    assert_eq!(world.load().problems, [], "{text}");
    let plan = world.plan("helper");
    assert_eq!(plan.spec.runtime.as_deref(), Some("runsc"));
    assert_eq!(plan.spec.upstream_ca.as_deref(), Some(pem));
    // Two of each preset, and two hosts.
    assert_eq!(plan.spec.routes.routes.len(), 6);
}

#[test]
fn init_writes_once_and_never_over() {
    let world = World::new("");
    std::fs::remove_dir_all(world.path("config")).unwrap();
    let written = write_starter(&world.path("config/cellar.json")).unwrap();
    assert_eq!(written[0], world.path("config/cellar.json"));
    assert!(written.iter().all(|path| path.is_file()));
    assert_eq!(world.load().problems, []);
    world.put("config/cellar.json", b"mine");
    assert!(matches!(
        write_starter(&world.path("config/cellar.json")),
        Err(InitError::Exists)
    ));
    assert_eq!(
        std::fs::read(world.path("config/cellar.json")).unwrap(),
        b"mine"
    );
}

#[test]
fn init_does_not_write_through_a_dangling_link() {
    let world = World::new("");
    std::fs::remove_file(world.path("config/cellar.json")).unwrap();
    let world = world.link("elsewhere.json", "config/cellar.json");
    assert!(matches!(
        write_starter(&world.path("config/cellar.json")),
        Err(InitError::Exists)
    ));
    assert!(!world.path("elsewhere.json").exists());
}
