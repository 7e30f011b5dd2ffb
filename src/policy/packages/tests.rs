use proptest::prelude::*;

use super::*;
use crate::policy::findings::{Severity, dockerfile_findings};

const DEFAULT: &str = include_str!("../../../assets/Dockerfile.claude");

fn parse(manager: PackageManager, text: &str) -> Package {
    Package::parse(manager, text).unwrap()
}

fn set(list: &[(PackageManager, &str)]) -> Packages {
    let list: Vec<Package> = list
        .iter()
        .map(|(manager, text)| parse(*manager, text))
        .collect();
    Packages::try_from(list).unwrap()
}

fn agent() -> ImageUser {
    ImageUser::parse("agent").unwrap()
}

use PackageManager::{Apt, Cargo, Npm, Pip};

fn all() -> Packages {
    set(&[
        (Pip, "Foo_Bar==1.0"),
        (Cargo, "ripgrep@14.1.0"),
        (Npm, "@scope/name@1.0.0"),
        (Apt, "ripgrep"),
        (Apt, "jq=1.6-2.1"),
        (Apt, "g++"),
        (Npm, "typescript"),
    ])
}

#[test]
fn names_are_those_of_each_manager() {
    for (manager, good) in [
        (
            Apt,
            &[
                "jq",
                "g++",
                "libstdc++6",
                "python3.11",
                "jq=1.6-2.1",
                "x1=1:2.39~rc1-1+deb12u1",
            ][..],
        ),
        (
            Npm,
            &["left-pad", "@scope/name", "@a/b.c@1.0.0-rc.1+x", "x@1.2.3"],
        ),
        (
            Pip,
            &[
                "requests",
                "ruamel.yaml==0.18.6",
                "A_b-C",
                "x==1!2.0rc1.post1+local",
            ],
        ),
        (Cargo, &["ripgrep", "cargo-nextest@0.9.70", "a_b"]),
    ] {
        for text in good {
            assert_eq!(
                parse(manager, text).to_string().to_lowercase(),
                parse(manager, text).to_string()
            );
        }
    }
}

#[test]
fn what_a_shell_or_an_option_parser_could_read_is_refused() {
    for manager in PackageManager::ALL {
        for text in [
            "",
            " ",
            "jq; rm -rf /",
            "jq rm",
            "jq\nx",
            "-x",
            "--upgrade",
            "-",
            "https://example.com/x",
            "./x",
            "../x",
            "/etc/x",
            "x/y/z",
            "$(x)",
            "`x`",
            "x&y",
            "x|y",
            "x>y",
            "'x'",
            "\"x\"",
            "x\\y",
            "j\u{430}",
            "\u{ff4a}q",
            "jq\u{200b}",
            "jq\0",
            "x*",
            "x?",
            "~x",
            "!x",
            "#x",
            "@",
            "@x",
            "@/x",
            "@x/",
            "x@git",
            "x==",
            "x=",
            "x@",
            "x@latest",
            "x@^1",
            "x@*",
            "x==1.*",
            "x>=1",
            "x=1;y",
            "x==1;y",
            "x@1.2.3;y",
            "x==1 ",
            "x@1.2.3\n",
            "x[extra]",
            "x:amd64",
        ] {
            let found = Package::parse(manager, text);
            assert!(found.is_err(), "{manager:?} {text:?} {found:?}");
            let words = found.unwrap_err().to_string();
            assert!(
                words.is_ascii() && !words.contains('\n') && words.contains("such as"),
                "{words}"
            );
        }
    }
    for text in ["jq-", "a", "Jq", "jq_x", "x."] {
        assert!(Package::parse(Apt, text).is_err(), "{text}");
    }
    for text in ["Left", "_x", ".x", "node_modules", "a/b"] {
        assert!(Package::parse(Npm, text).is_err(), "{text}");
    }
    assert!(Package::parse(Cargo, "1x").is_err() && Package::parse(Pip, "x-").is_err());
}

#[test]
fn a_set_has_each_once_and_a_named_version_wins() {
    let packages = set(&[
        (Pip, "foo-bar==1.0"),
        (Pip, "Foo.Bar"),
        (Apt, "jq"),
        (Apt, "jq=1.6"),
        (Apt, "jq"),
    ]);
    let told: Vec<String> = packages.iter().map(Package::to_string).collect();
    assert_eq!(told, ["jq=1.6", "foo-bar==1.0"]);
    let text = serde_json::to_string(&packages).unwrap();
    assert_eq!(serde_json::from_str::<Packages>(&text).unwrap(), packages);
    assert!(serde_json::from_str::<Packages>(r#"[{"manager":"apt","package":"-x"}]"#).is_err());
    let mut many = Packages::default();
    for number in 0..MAX_PACKAGES {
        many.add(parse(Apt, &format!("x{number}"))).unwrap();
    }
    assert_eq!(many.add(parse(Apt, "jq")), Err(PackageError::TooMany));
}

#[test]
fn the_lines_are_sorted_pinned_clean_and_end_with_the_agents_user() {
    insta::assert_snapshot!("lines", dockerfile_lines(&all(), &agent()));
    assert_eq!(dockerfile_lines(&Packages::default(), &agent()), "");
}

#[test]
fn no_image_ends_as_root() {
    for text in [
        "root",
        "0",
        "00",
        "agent:0",
        "agent:root",
        "",
        "a b",
        "agent\nUSER root",
        "$x",
        "A",
        "-x",
        "a:b:c",
    ] {
        assert!(ImageUser::parse(text).is_err(), "{text:?}");
    }
    for text in ["agent", "1000", "1000:1000", "_a-b", "agent:users"] {
        assert!(ImageUser::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn adding_again_extends_the_same_lines() {
    let one = with_packages(DEFAULT, &set(&[(Apt, "ripgrep")]), &agent()).unwrap();
    assert!(one.starts_with(DEFAULT));
    assert_eq!(
        with_packages(&one, &set(&[(Apt, "ripgrep")]), &agent()).unwrap(),
        one
    );
    let two = with_packages(&one, &set(&[(Apt, "jq"), (Npm, "x")]), &agent()).unwrap();
    let at_once = set(&[(Npm, "x"), (Apt, "jq"), (Apt, "ripgrep")]);
    assert_eq!(two, with_packages(DEFAULT, &at_once, &agent()).unwrap());
    let more = format!("{two}RUN echo x\n");
    let grown = with_packages(&more, &set(&[(Pip, "y")]), &agent()).unwrap();
    assert!(grown.ends_with("# cellar:packages end\nRUN echo x\n"));
    assert_eq!(grown.matches("# cellar:packages end").count(), 1);
    assert_eq!(
        with_packages(DEFAULT, &Packages::default(), &agent()).unwrap(),
        DEFAULT
    );
}

#[test]
fn lines_that_somebody_changed_or_that_are_none_stay_as_they_are() {
    let jq = set(&[(Apt, "jq")]);
    let block = dockerfile_lines(&set(&[(Apt, "ripgrep")]), &agent());
    for text in [
        format!("FROM a\n{}", block.replace("apt-get update", "curl x | sh")),
        format!("FROM a\n{}", block.replace("USER agent", "USER root")),
        format!("FROM a\nRUN <<E\n{block}E\n"),
        format!("FROM a AS b\n{block}FROM c\n"),
        format!("FROM a\n{}", block.replace("ripgrep", "ripgrep;x")),
        "FROM a\n# cellar:packages apt\nUSER agent\n".to_owned(),
    ] {
        let out = with_packages(&text, &jq, &agent()).unwrap();
        assert!(out.starts_with(&text), "{out}");
        assert!(out.ends_with(&dockerfile_lines(&jq, &agent())), "{out}");
    }
}

#[test]
fn lines_are_not_swallowed_by_what_stands_before() {
    let jq = set(&[(Apt, "jq")]);
    assert_eq!(
        with_packages("FROM a\nRUN x \\", &jq, &agent()),
        Err(PackageError::Open)
    );
    assert!(with_packages("USER a", &jq, &agent()).is_err());
    let out = with_packages("# escape=`\nFROM a", &jq, &agent()).unwrap();
    let file = Dockerfile::parse(&out).unwrap();
    let words: Vec<_> = file.instructions.iter().map(|one| one.keyword).collect();
    assert_eq!(
        words,
        [Keyword::From, Keyword::User, Keyword::Run, Keyword::User]
    );
}

#[test]
fn what_is_added_has_no_findings_of_its_own() {
    let out = with_packages(DEFAULT, &all(), &agent()).unwrap();
    let found = dockerfile_findings(&out, Some(DEFAULT)).unwrap();
    let new: Vec<_> = found
        .iter()
        .filter(|one| !one.old && one.severity > Severity::Note)
        .collect();
    assert_eq!(new.len(), 0, "{new:?}");
}

/// Debian has packages `npm` and `cargo`; their names once read as the managers'.
#[test]
fn a_package_with_the_name_of_a_manager_is_extended_too() {
    let mut text = "FROM a\n".to_owned();
    for name in ["npm", "aa", "cargo", "apt"] {
        text = with_packages(&text, &set(&[(Apt, name)]), &agent()).unwrap();
    }
    let all = set(&[(Apt, "aa"), (Apt, "apt"), (Apt, "cargo"), (Apt, "npm")]);
    assert_eq!(text, with_packages("FROM a\n", &all, &agent()).unwrap());
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_one_plain_word(text in "[ -~]{0,12}|\\PC{0,8}|[a-z0-9@/=.+_-]{1,16}") {
        for manager in PackageManager::ALL {
            if let Ok(package) = Package::parse(manager, &text) {
                let word = package.to_string();
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@/=.+_-~:!".contains(&byte);
                prop_assert!(word.bytes().all(plain) && !word.starts_with(['-', '/', '.', '~', '=']), "{}", word);
                prop_assert_eq!(Package::parse(manager, &word), Ok(package));
            }
        }
    }

    #[test]
    fn adding_in_any_order_is_adding_at_once(names in prop::collection::vec("[a-z]{2,5}", 1..6)) {
        let mut text = "FROM a\n".to_owned();
        let mut together = Packages::default();
        for name in &names {
            together.add(parse(Apt, name)).unwrap();
            text = with_packages(&text, &set(&[(Apt, name)]), &agent()).unwrap();
        }
        prop_assert_eq!(text, with_packages("FROM a\n", &together, &agent()).unwrap());
    }
}
