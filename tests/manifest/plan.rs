//! The plan: what would start, what is asked for, and in which words it is shown.

use std::collections::BTreeMap;

use cellar::manifest::{Need, ResolveError, SecretAsk, SecretSource};
use cellar::policy::{HostName, Provenance};
use cellar::spec::{Digest, ImageSource, Observe};

use super::support::{PLAIN, World, skill};

const RICH: &str = r#"{
  "bottles": {
    "claude": {
      "image": { "dockerfile": "Dockerfile" },
      "workspace": { "copy": "." },
      "routes": [
        { "host": "pkg.test" },
        { "host": "models.test", "ports": [8080, 8443], "connect_to": "10.0.0.5", "allow_private": true },
      ],
      "env": {
        "CLAUDE_CODE_OAUTH_TOKEN": { "env": "MY_TOKEN" },
        "RUST_LOG": { "value": "info" },
        "KEY": { "prompt": "Key of the test account" },
      },
      "limits": { "memory": "6GiB", "cpus": 1.5, "stop_grace": "1m" },
      "time_zone": "Asia/Tokyo",
      "runtime": "runsc",
      "supervise": false,
    },
  },
  "agents": {
    "api": {
      "bottle": "claude",
      "provider": { "claude": { "model": "opus", "args": ["--verbose"] } },
      "prompt": "\n  Refactor the login.\nThen stop.",
      "skills": ["skills/review", "~/skills/plan"],
      "env": { "RUST_LOG": { "value": "debug" } },
    },
    "shell": { "bottle": "claude", "provider": { "command": ["bash", "-l"] }, "prompt": "Hello" },
  },
}"#;

fn rich() -> World {
    World::new(RICH)
        .write("config/Dockerfile", "FROM debian:stable-slim\nRUN true\n")
        .write("config/skills/review/SKILL.md", "Review.")
        .write("config/skills/review/scripts/run.sh", "#!/bin/sh\n")
        .write(&skill("skills/plan".as_ref()), "Plan.")
}

#[test]
fn the_summary_says_what_will_be() {
    let world = rich();
    insta::assert_snapshot!(world.summary(&world.plan("api")));
    insta::assert_snapshot!(
        "the_summary_of_a_command",
        world.summary(&world.plan("shell"))
    );
    let plain = World::new(PLAIN);
    insta::assert_snapshot!(
        "the_summary_of_the_least",
        plain.summary(&plain.plan("api"))
    );
}

#[test]
fn claude_is_started_with_an_id_of_ours_and_resumed_by_it() {
    let world = rich();
    let mut options = world.options();
    options.remote_control = true;
    options.extra_args = vec![String::from("--verbose"), String::from("fix the bug")];
    let plan = world.load().manifest.resolve("api", &options).unwrap();
    let id = "00000000-0000-0000-0000-000000000007";
    let middle = [
        "--dangerously-skip-permissions",
        "--settings",
        "/run/init/hooks.json",
        "--append-system-prompt-file",
        "/home/agent/.cellar/prompt.md",
        "--model",
        "opus",
        "--verbose",
        "--verbose",
    ];
    let argv = |mode: &str, tail: &[&str]| -> Vec<String> {
        ["claude", "--remote-control", mode, id]
            .iter()
            .chain(&middle)
            .chain(tail)
            .map(|word| (*word).to_owned())
            .collect()
    };
    let session = plan.spec.session;
    assert_eq!(session.argv, argv("--session-id", &["fix the bug"]));
    assert_eq!(session.resume_argv, Some(argv("--resume", &[])));
    assert_eq!(
        session.observe,
        Observe::Claude {
            session_id: id.to_owned()
        }
    );
}

#[test]
fn arguments_that_would_take_the_conversation_away_are_refused() {
    let world = World::new(PLAIN);
    for argument in ["--session-id=1", "--resume", "-c", "--fork-session"] {
        let mut options = world.options();
        options.extra_args = vec![argument.to_owned()];
        let refused = world.load().manifest.resolve("api", &options);
        assert!(
            matches!(refused, Err(ResolveError::Argument { .. })),
            "{argument}"
        );
    }
}

#[test]
fn a_command_runs_as_written() {
    let world = rich();
    let session = world.plan("shell").spec.session;
    assert_eq!(session.argv, ["bash", "-l"]);
    assert_eq!(session.resume_argv, None);
    assert_eq!(session.observe, Observe::Output);
    assert_eq!(
        session.env.get("CELLAR_PROMPT_FILE").map(String::as_str),
        Some("/home/agent/.cellar/prompt.md")
    );
    let mut options = world.options();
    options.remote_control = true;
    assert!(matches!(
        world.load().manifest.resolve("shell", &options),
        Err(ResolveError::RemoteControl)
    ));
}

#[test]
fn the_home_answers_every_dialog_beforehand() {
    let plan = rich().plan("api");
    let file = |path: &str| plan.home_files.iter().find(|file| file.path == path);
    let settings: serde_json::Value =
        serde_json::from_slice(&file(".claude.json").unwrap().content).unwrap();
    assert_eq!(
        settings,
        serde_json::json!({
            "hasCompletedOnboarding": true,
            "theme": "dark",
            "bypassPermissionsModeAccepted": true,
            "projects": { "/workspace": {
                "hasTrustDialogAccepted": true,
                "hasCompletedProjectOnboarding": true,
            } },
        })
    );
    let prompt = file(".cellar/prompt.md").unwrap();
    assert_eq!(prompt.content, b"\n  Refactor the login.\nThen stop.");
    let paths: Vec<_> = plan.home_files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            ".cellar/prompt.md",
            ".claude.json",
            ".claude/skills/plan/SKILL.md",
            ".claude/skills/review/SKILL.md",
            ".claude/skills/review/scripts/run.sh",
        ]
    );
    for (file, named) in plan.home_files.iter().zip(&plan.spec.session.home_files) {
        assert_eq!(file.path, named.path);
        assert_eq!(file.mode, named.mode);
        assert_eq!(Digest::of(&file.content), named.digest);
    }
}

#[test]
fn scripts_of_skills_stay_executable() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = rich();
    let script = world.path("config/skills/review/scripts/run.sh");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let plan = world.plan("api");
    let modes: Vec<_> = plan.home_files.iter().map(|file| file.mode).collect();
    assert_eq!(modes, [0o644, 0o600, 0o644, 0o644, 0o755]);
}

#[test]
fn the_environment_holds_doors_and_no_secret() {
    let plan = World::new(PLAIN).plan("api");
    let expected: BTreeMap<String, String> = [
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("CLAUDE_CODE_OAUTH_TOKEN", "placeholder"),
        ("COLORTERM", "truecolor"),
        ("DISABLE_AUTOUPDATER", "1"),
        ("DISABLE_ERROR_REPORTING", "1"),
        ("DISABLE_TELEMETRY", "1"),
        ("HOME", "/home/agent"),
        ("HTTPS_PROXY", "http://127.0.0.1:3128"),
        ("HTTP_PROXY", "http://127.0.0.1:3128"),
        ("LANG", "C.UTF-8"),
        ("NO_PROXY", "127.0.0.1,localhost"),
        ("TERM", "xterm-256color"),
        ("TZ", "Europe/Berlin"),
        ("http_proxy", "http://127.0.0.1:3128"),
        ("https_proxy", "http://127.0.0.1:3128"),
        ("no_proxy", "127.0.0.1,localhost"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    assert_eq!(plan.spec.session.env, expected);
}

#[test]
fn the_agents_variables_stand_before_the_templates() {
    let session = rich().plan("api").spec.session;
    assert_eq!(
        session.env.get("RUST_LOG").map(String::as_str),
        Some("debug")
    );
    assert_eq!(
        session.env.get("TZ").map(String::as_str),
        Some("Asia/Tokyo")
    );
    assert_eq!(session.handed_over, ["CLAUDE_CODE_OAUTH_TOKEN", "KEY"]);
    assert!(!session.env.contains_key("CLAUDE_CODE_OAUTH_TOKEN"));
}

#[test]
fn the_model_api_is_routed_once_and_where_the_template_says() {
    let api = HostName::parse("api.anthropic.com").unwrap();
    let own = World::new(PLAIN).plan("api").spec.routes.routes;
    assert_eq!(own.len(), 2, "what is asked, and what is looked up");
    for route in &own {
        assert_eq!(route.host, api.clone().into());
        assert_eq!(route.ports, [443]);
        assert!(!route.methods.is_any() && !route.paths.is_empty());
        assert_eq!(route.origin, Provenance::Provider);
    }

    let template = r#"{
      "bottles": { "claude": { "image": { "from": "x" }, "routes": [
        { "host": "API.anthropic.com", "connect_to": "127.0.0.1", "allow_private": true },
      ] } },
      "agents": { "api": { "bottle": "claude" }, "shell": { "bottle": "claude", "provider": { "command": ["sh"] } } },
    }"#;
    let routed = World::new(template).plan("api").spec.routes.routes;
    assert_eq!(routed.len(), 1);
    assert_eq!(
        routed[0].origin,
        Provenance::Template {
            name: String::from("claude")
        }
    );
    assert_eq!(
        World::new(template).plan("shell").spec.routes.routes,
        routed
    );
}

#[test]
fn a_gateway_takes_the_place_of_the_model_api() {
    let manifest = |routes: &str| {
        format!(
            r#"{{ "bottles": {{ "claude": {{ "image": {{ "from": "x" }}, "routes": [{routes}], "env": {{ "ANTHROPIC_BASE_URL": {{ "value": "http://models.test:8080/v1" }} }} }} }}, "agents": {{ "api": {{ "bottle": "claude" }} }} }}"#
        )
    };
    let note = "ANTHROPIC_BASE_URL names `models.test`, which no route lets out";
    let missing = World::new(&manifest("")).plan("api");
    assert_eq!(missing.spec.routes.routes, []);
    assert!(missing.notes.iter().any(|text| text == note));
    let there = World::new(&manifest(r#"{ "host": "models.test", "ports": [8080] }"#)).plan("api");
    assert_eq!(there.spec.routes.routes.len(), 1);
    assert!(!there.notes.iter().any(|text| text == note));
}

#[test]
fn the_same_files_give_the_same_plan() {
    let (one, other) = (rich(), rich());
    let first = one.plan("api");
    assert_eq!(first, one.plan("api"));
    // Another home, the same content: only the copied folder's path differs.
    let mut second = other.plan("api");
    second.spec.workspace = first.spec.workspace.clone();
    assert_eq!(first.spec.digest().unwrap(), second.spec.digest().unwrap());
}

#[test]
fn what_decides_the_bottle_changes_the_digest() {
    let world = rich();
    let before = world.plan("api").digest;
    world.put("config/skills/review/SKILL.md", b"Review more.");
    let after_skill = world.plan("api").digest;
    world.put("config/Dockerfile", b"FROM debian:testing-slim\n");
    let after_image = world.plan("api").digest;
    assert_ne!(before, after_skill);
    assert_ne!(after_skill, after_image);
}

#[test]
fn a_dockerfile_travels_as_text() {
    assert_eq!(
        rich().plan("api").spec.image,
        ImageSource::Dockerfile {
            text: String::from("FROM debian:stable-slim\nRUN true\n")
        }
    );
}

#[test]
fn a_plan_survives_being_written_down() {
    let plan = rich().plan("api");
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(
        serde_json::from_str::<cellar::manifest::Plan>(&json).unwrap(),
        plan
    );
}

#[test]
fn a_plan_names_what_is_looked_up_after_the_yes_and_nothing_more() {
    let asks: Vec<_> = rich().plan("api").asks.into_iter().collect();
    let ask = |variable: &str, source| SecretAsk {
        need: Need::Variable(variable.to_owned()),
        source,
    };
    assert_eq!(
        asks,
        [
            ask(
                "CLAUDE_CODE_OAUTH_TOKEN",
                SecretSource::Env {
                    name: String::from("MY_TOKEN")
                }
            ),
            ask(
                "KEY",
                SecretSource::Prompt {
                    text: String::from("Key of the test account")
                }
            ),
        ]
    );
}

#[test]
fn the_listing_is_what_a_picker_needs() {
    let listed = rich().load().manifest.agents();
    let api = &listed[0];
    assert_eq!(api.name, "api");
    assert_eq!(api.template.as_deref(), Some("claude"));
    assert_eq!(api.provider.as_deref(), Some("claude"));
    assert_eq!(
        api.prompt.as_ref().unwrap().first_line,
        "Refactor the login."
    );
    assert_eq!(api.problem, None);
    assert_eq!(listed[1].provider.as_deref(), Some("command"));
}

#[test]
fn no_files_at_all_are_no_mistake() {
    let world = World::new(PLAIN);
    std::fs::remove_file(world.path("config/cellar.json")).unwrap();
    let loaded = world.load();
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.manifest.agents(), []);
    assert!(!loaded.manifest.has_operator_file());
}
