//! `build` of a template: what the steps of an image's build reach and use.

use std::time::Duration;

use cellar::policy::Tls;
use cellar::spec::Build;

use super::support::World;

fn template(build: &str) -> String {
    format!(
        r#"{{
  "bottles": {{ "rust": {{ "image": {{ "from": "x" }},
    {build}
  }} }},
  "agents": {{ "api": {{ "bottle": "rust", "provider": {{ "command": ["sh"] }} }} }},
}}"#
    )
}

fn build(text: &str) -> Build {
    World::new(&template(text)).plan("api").spec.build
}

#[test]
fn without_a_word_a_build_reaches_nothing_and_the_spec_does_not_tell_of_it() {
    let plan = World::new(&template("")).plan("api");
    assert_eq!(plan.spec.build, Build::default());
    assert!(plan.spec.build.routes.is_empty());
    let text = String::from_utf8(plan.spec.canonical().unwrap()).unwrap();
    assert!(!text.contains("\"build\""), "{text}");
}

#[test]
fn a_build_is_read_whole() {
    let build = build(
        r#""build": { "routes": [{ "preset": "debian-read" }, { "host": "a.example.com", "ports": [8443] }],
            "memory": "1GiB", "cpus": 0.5, "timeout": "90s" }"#,
    );
    assert_eq!((build.memory_bytes, build.cpu_millis), (1 << 30, 500));
    assert_eq!(build.timeout, Duration::from_secs(90));
    let words: Vec<(String, Tls)> = build
        .routes
        .iter()
        .map(|route| (route.words(), route.tls))
        .collect();
    let expected = [
        (
            "GET,HEAD deb.debian.org:80/debian/* /debian-security/*",
            Tls::Intercept,
        ),
        ("deb.debian.org", Tls::Splice),
        (
            "GET,HEAD security.debian.org:80/debian-security/*",
            Tls::Intercept,
        ),
        ("security.debian.org", Tls::Splice),
        ("a.example.com:8443", Tls::Splice),
    ];
    assert_eq!(words, expected.map(|(words, tls)| (words.to_owned(), tls)));
}

#[test]
fn the_mistakes_of_a_build() {
    let cases = [
        r#""bulid": {}"#,
        r#""build": { "route": [] }"#,
        r#""build": { "network": "host" }"#,
        r#""build": { "memory": "4GB", "timeout": "2h", "cpus": "2" }"#,
        r#""build": { "timeout": "0s" }"#,
        r#""build": { "routes": [{ "preset": "debian" }] }"#,
        r#""build": { "routes": [{ "host": "a.example.com", "auth": { "secret": "one" } }] }"#,
        r#""build": { "routes": [{ "preset": "anthropic", "role": "anthropic_api_key" }] }"#,
        r#""build": { "routes": [{ "host": "a.example.com", "tls": "intercept" }] }"#,
        r#""build": { "routes": [{ "host": "a.example.com", "methods": ["GET"] }] }"#,
    ];
    let drawn = cases.map(|case| {
        let world = World::new(&template(case));
        let loaded = world.load();
        assert_ne!(loaded.problems, [], "{case}");
        world.drawn(&loaded.problems)
    });
    insta::assert_snapshot!(drawn.join("\n"));
}
