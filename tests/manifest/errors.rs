//! Each mistake as the user sees it: file, line, column, the line with a caret and
//! what to write instead.

use super::support::{PLAIN, World};

/// Draws every problem of one operator's file.
fn drawn(text: &str) -> String {
    let world = World::new(text);
    let loaded = world.load();
    assert_ne!(loaded.problems, [], "a mistake expected");
    world.drawn(&loaded.problems)
}

/// Draws every problem of a template with these fields beside its image.
fn template(fields: &str) -> String {
    drawn(&format!(
        "{{ \"bottles\": {{ \"claude\": {{\n  \"image\": {{ \"from\": \"x\" }},\n  {fields}\n}} }} }}"
    ))
}

/// Draws every problem of an agent with these fields beside its bottle.
fn agent(fields: &str) -> String {
    drawn(&format!(
        "{{ \"bottles\": {{ \"claude\": {{ \"image\": {{ \"from\": \"x\" }} }} }},\n\"agents\": {{ \"api\": {{\n  \"bottle\": \"claude\",\n  {fields}\n}} }} }}"
    ))
}

#[test]
fn every_mistake_of_a_file_comes_at_once() {
    insta::assert_snapshot!(drawn(
        r#"{
  // one of each
  "botles": {},
  "bottles": {
    "Claude": { "image": { "from": "x" } },
    "web": {
      "image": { "from": "x" },
      "limits": { "memory": "4GB", "cpus": "two" },
      "routes": [{ "host": "https://example.com/path", "ports": [0] }],
    },
  },
  "agents": {
    "api": { "bottle": "wbe", "promt": "hello" },
    "api": { "bottle": "web" },
    "docs": { "bottle": "wbe" },
  },
}"#
    ));
}

#[test]
fn syntax() {
    let cases = [
        "{ \"agents\": { } ",
        "{ \"agents\" { } }",
        "{ \"agents\": {} \"bottles\": {} }",
        "{ agents: {} }",
        "{ 'agents': {} }",
        "{ \"agents\": \"never closed }",
        "{ \"agents\": {} } /* never closed",
        "",
        "// only a comment\n",
        "[]",
        "{}{}",
    ];
    let drawn: Vec<_> = cases.iter().map(|text| drawn(text)).collect();
    insta::assert_snapshot!(drawn.join("\n"));
}

#[test]
fn image() {
    insta::assert_snapshot!(drawn(
        r#"{ "bottles": {
  "a": {},
  "b": { "image": "cellar/claude:latest" },
  "c": { "image": {} },
  "d": { "image": { "from": "x", "dockerfile": "y" } },
  "e": { "image": { "from": "-v /:/host" } },
  "f": { "image": { "tag": "x" } },
  "g": 7,
} }"#
    ));
}

#[test]
fn env() {
    insta::assert_snapshot!(template(
        r#""env": {
    "PLAIN": "text",
    "1ST": { "value": "x" },
    "BOTH": { "value": "x", "env": "Y" },
    "NEITHER": {},
    "DOLLAR": { "env": "$TOKEN" },
    "NUMBER": { "value": 7 },
    "NUL": { "value": "a\u0000b" },
    "SECRET": { "promt": "Token" },
    "https_proxy": { "value": "http://elsewhere" },
    "CELLAR_INIT": { "value": "{}" },
    "TZ": { "value": "UTC" },
  }"#
    ));
}

#[test]
fn limits() {
    insta::assert_snapshot!(template(
        r#""limits": {
    "memory": 4,
    "tmp": "99999999999999999999GiB",
    "cpus": 0,
    "pids": 1.5,
    "open_files": -1,
    "scrollback_lines": 1000000000,
    "stop_grace": "10",
    "swap": "1GiB",
  }"#
    ));
}

#[test]
fn routes() {
    insta::assert_snapshot!(template(
        r#""routes": [
    { "host": "example.com:8443" },
    { "host": "*.example.com" },
    { "host": "169.254.169.254" },
    { "host": "bücher.de" },
    { "host": "a..b" },
    { "host": "example.com", "ports": 443 },
    { "host": "example.com", "ports": [] },
    { "host": "example.com", "ports": [443, 443] },
    { "host": "example.com", "ports": [70000] },
    { "host": "gateway.test", "connect_to": "10.0.0.5" },
    { "host": "gateway.test", "connect_to": "10.0.0.5:80", "allow_private": true },
    { "ports": [443] },
    { "host": "twice.test", "ports": [80, 443] },
    { "host": "TWICE.test." },
    "example.com",
  ]"#
    ));
}

#[test]
fn the_rest_of_a_template() {
    insta::assert_snapshot!(template(
        r#""workspace": { "copy": ".", "read_only": true },
  "time_zone": "Mars/Olympus",
  "supervise": "yes",
  "runtime": "run sc",
  "uid": 0,
  "provider": "claude",
  "supervize": true"#
    ));
}

#[test]
fn workspaces() {
    for (name, text) in [
        ("word", "\"here\""),
        ("both", "{ \"copy\": \".\", \"mount\": \".\" }"),
        ("nothing", "{}"),
        ("list", "[]"),
    ] {
        insta::assert_snapshot!(
            format!("workspace_{name}"),
            template(&format!("\"workspace\": {text}"))
        );
    }
}

#[test]
fn the_rest_of_an_agent() {
    insta::assert_snapshot!(agent(
        r#""provider": "gpt",
  "prompt": 7,
  "skills": "skills/review",
  "routes": [],
  "image": { "from": "x" }"#
    ));
}

#[test]
fn providers() {
    for (name, text) in [
        ("empty", "{ \"command\": [] }"),
        ("words", "{ \"command\": \"bash -l\" }"),
        ("both", "{ \"command\": [\"x\"], \"claude\": {} }"),
        (
            "args",
            "{ \"claude\": { \"args\": [\"--resume\", \"--session-id=1\", 7] } }",
        ),
        ("model", "{ \"claude\": { \"modle\": \"opus\" } }"),
    ] {
        insta::assert_snapshot!(
            format!("provider_{name}"),
            agent(&format!("\"provider\": {text}"))
        );
    }
}

#[test]
fn keys_written_twice() {
    insta::assert_snapshot!(template("\"uid\": 1000,\n  \"uid\": 1001"));
}

#[test]
fn an_unknown_bottle() {
    let far = drawn(
        "{ \"bottles\": { \"web\": { \"image\": { \"from\": \"x\" } } },\n  \"agents\": { \"api\": { \"bottle\": \"nothing-like-it\" } } }",
    );
    let none = drawn("{ \"agents\": { \"api\": { \"bottle\": \"claude\" } } }");
    insta::assert_snapshot!(format!("{far}\n{none}"));
}

#[test]
fn files_that_are_no_text() {
    let world = World::new("");
    world.put("config/cellar.json", b"{ \"agents\": \"\xff\" }");
    let binary = world.drawn(&world.load().problems);
    world.put("config/cellar.json", &vec![b' '; 1024 * 1024 + 1]);
    let long = world.drawn(&world.load().problems);
    std::fs::remove_file(world.path("config/cellar.json")).unwrap();
    std::fs::create_dir(world.path("config/cellar.json")).unwrap();
    let folder = world.drawn(&world.load().problems);
    insta::assert_snapshot!(format!("{binary}\n{long}\n{folder}"));
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    let world = World::new("").write("config/cellar.json", &format!("\u{feff}{PLAIN}"));
    assert_eq!(world.load().problems, []);
}

#[test]
fn a_broken_entry_leaves_the_others_usable() {
    let world = World::new(
        r#"{
  "bottles": {
    "good": { "image": { "from": "x" } },
    "bad": { "image": { "form": "x" } },
  },
  "agents": {
    "works": { "bottle": "good" },
    "fails": { "bottle": "bad" },
    "misspelt": { "bottle": "good", "skils": [] },
  },
}"#,
    );
    assert!(world.resolve("works").is_ok());
    insta::assert_snapshot!(
        "a_broken_template_stops_its_agents",
        world.resolve("fails").unwrap_err()
    );
    assert!(world.resolve("misspelt").is_err());
    let listed = world.load().manifest.agents();
    let broken: Vec<_> = listed
        .iter()
        .map(|agent| (agent.name.as_str(), agent.problem.is_some()))
        .collect();
    assert_eq!(
        broken,
        [("works", false), ("fails", true), ("misspelt", true)]
    );
}

#[test]
fn an_unknown_agent_is_answered_with_the_nearest() {
    let world = World::new(PLAIN);
    assert_eq!(
        world.resolve("aip").unwrap_err().trim(),
        "find an agent called `aip`; did you mean `api`?"
    );
    assert_eq!(
        world.resolve("x\u{1b}[2J").unwrap_err().trim(),
        "find an agent called `x\\u{1b}[2J`"
    );
}

#[test]
fn files_that_an_agent_names_and_that_are_not_there() {
    let world = World::new(
        r#"{
  "bottles": { "claude": {
    "image": { "dockerfile": "missing/Dockerfile" },
    "workspace": { "copy": "missing" },
  } },
  "agents": { "api": {
    "bottle": "claude",
    "prompt": { "file": "prompts/missing.md" },
    "skills": ["skills/missing", "skills/empty", "skills/linked"],
  } },
}"#,
    )
    .write("config/skills/empty/README.md", "no skill")
    .write("config/skills/linked/SKILL.md", "skill")
    .link("secret", "config/skills/linked/key");
    insta::assert_snapshot!(world.resolve("api").unwrap_err());
}

#[test]
fn problems_are_plain_data_for_machines() {
    let world = World::new("{ \"agnets\": {} }");
    let json = serde_json::to_value(world.load().problems).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{
            "file": "~/config/cellar.json",
            "line": 1,
            "column": 3,
            "message": "`agnets` is no key of cellar.json",
            "help": "did you mean `agents`?",
        }])
    );
}
