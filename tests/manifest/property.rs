//! Whatever a file holds: an answer, never a panic, and always the same one.

use cellar::manifest::Paint;
use proptest::prelude::*;

use super::support::World;

/// Words of the format and hostile ones.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("bottles"),
        Just("agents"),
        Just("image"),
        Just("from"),
        Just("dockerfile"),
        Just("env"),
        Just("value"),
        Just("prompt"),
        Just("file"),
        Just("workspace"),
        Just("copy"),
        Just("mount"),
        Just("read_only"),
        Just("limits"),
        Just("memory"),
        Just("cpus"),
        Just("stop_grace"),
        Just("routes"),
        Just("host"),
        Just("ports"),
        Just("connect_to"),
        Just("provider"),
        Just("claude"),
        Just("command"),
        Just("skills"),
        Just("bottle"),
        Just("api"),
        Just("a.test"),
        Just("4GiB"),
        Just("10s"),
        Just(".."),
        Just("\\u0000"),
        Just("\\u202e"),
        Just("\\ud800"),
        Just("ü"),
        Just(""),
        Just("none"),
    ]
    .prop_map(str::to_owned)
}

/// JSON of the format's own words in any order.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        word().prop_map(|word| format!("\"{word}\"")),
        any::<i64>().prop_map(|number| number.to_string()),
        Just(String::from("-1e999")),
        Just(String::from("true")),
        Just(String::from("null")),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((word(), inner), 0..6).prop_map(|members| {
                let members: Vec<_> = members
                    .into_iter()
                    .map(|(key, value)| format!("\"{key}\": {value}"))
                    .collect();
                format!("{{ {},\n }} // end\n", members.join(",\n"))
            }),
        ]
    })
}

/// Loads, draws and resolves everything; gives back all that was said.
fn everything(world: &World) -> String {
    let loaded = world.load();
    let mut said = Vec::new();
    for problem in &loaded.problems {
        said.push(problem.render(Paint::Plain, 80));
        said.push(problem.to_string());
    }
    for agent in loaded.manifest.agents() {
        said.push(format!("{agent:?}"));
        match loaded.manifest.resolve(&agent.name, &world.options()) {
            Ok(plan) => said.push(format!("{} {}", plan.digest, world.summary(&plan))),
            Err(error) => said.push(format!("{error} {}", world.drawn(error.problems()))),
        }
    }
    said.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn words_of_the_format_in_any_order_are_answered_alike_twice(text in json()) {
        let world = World::new(&text)
            .write("repo/.cellar/agents.json", &text)
            .write("config/mounts.json", &text);
        let first = everything(&world);
        prop_assert_eq!(&first, &everything(&world));
        let is_plain = !first.contains('\u{202e}');
        prop_assert!(is_plain);
    }

    #[test]
    fn entries_of_any_shape_are_answered(template in json(), agent in json()) {
        let text = format!(
            "{{ \"bottles\": {{ \"claude\": {template} }}, \"agents\": {{ \"api\": {agent} }} }}"
        );
        let world = World::new(&text);
        let first = everything(&world);
        prop_assert_eq!(first, everything(&world));
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let world = World::new("");
        world.put("config/cellar.json", &bytes);
        world.put("repo/.cellar/agents.json", &bytes);
        world.put("config/mounts.json", &bytes);
        let said = everything(&world);
        let is_plain = !said.contains('\u{1b}');
        prop_assert!(is_plain);
    }

    #[test]
    fn a_cut_file_is_answered(at in 0_usize..3000) {
        let starter = cellar::manifest::starter();
        let cut: String = starter.chars().take(at).collect();
        let world = World::new(&cut);
        let first = everything(&world);
        prop_assert_eq!(first, everything(&world));
    }
}

#[test]
fn deep_nesting_is_answered() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let text = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let world = World::new(&text);
        assert!(world.load().problems[0].message.contains("nesting depth"));
    }
}

#[test]
fn a_pipe_in_a_files_place_is_refused_at_once() {
    let world = World::new("");
    let path = world.path("repo/.cellar/agents.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    std::fs::remove_file(world.path("config/cellar.json")).unwrap();
    let problems = world.load().problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].message, "it is not a regular file");
}
