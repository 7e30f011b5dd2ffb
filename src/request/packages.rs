//! The names of packages, as each package manager writes them.

use super::ask::AskProblem;
use crate::policy::PackageManager;

/// The most packages of one request.
pub const MAX_PACKAGES: usize = 20;
/// The longest name with its version.
const MAX_BYTES: usize = 214;

/// How packages of a manager are written.
const fn example(manager: PackageManager) -> &'static str {
    match manager {
        PackageManager::Apt => "`ripgrep` or `ripgrep=14.1.0-1`",
        PackageManager::Npm => "`prettier`, `@types/node` or `prettier@3.3.3`",
        PackageManager::Pip => "`requests` or `requests==2.32.3`",
        PackageManager::Cargo => "`cargo-nextest` or `cargo-nextest@0.9.77`",
    }
}

/// Checks a package as it would stand in a command: a name, and after the manager's own
/// sign a version. Nothing that a shell or the manager could read as an option, a path or
/// an address is one.
///
/// # Errors
/// [`AskProblem::Malformed`].
pub(super) fn check_package(manager: PackageManager, text: &str) -> Result<(), AskProblem> {
    let sign = match manager {
        PackageManager::Apt => "=",
        PackageManager::Npm | PackageManager::Cargo => "@",
        PackageManager::Pip => "==",
    };
    // The first character of a scoped name is the sign of its version, too.
    let from = usize::from(text.starts_with('@'));
    let cut = text.get(from..).and_then(|rest| rest.find(sign));
    let (name, version) = match cut.and_then(|at| text.split_at_checked(from + at)) {
        Some((name, rest)) => (name, rest.strip_prefix(sign)),
        None => (text, None),
    };
    let is_sound =
        text.len() <= MAX_BYTES && is_name(manager, name) && version.is_none_or(is_version);
    if is_sound {
        Ok(())
    } else {
        Err(AskProblem::malformed("a package", text, example(manager)))
    }
}

fn is_name(manager: PackageManager, name: &str) -> bool {
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match manager {
        // Debian policy, 5.6.1.
        PackageManager::Apt => {
            name.len() > 1 && is_word(name, lower, |byte| lower(byte) || b"+-.".contains(&byte))
        }
        PackageManager::Npm => {
            let part =
                |part: &str| is_word(part, lower, |byte| lower(byte) || b"-._".contains(&byte));
            match name.strip_prefix('@') {
                Some(scoped) => scoped
                    .split_once('/')
                    .is_some_and(|(scope, name)| part(scope) && part(name)),
                None => part(name),
            }
        }
        // Python's name format: letters and digits at both ends.
        PackageManager::Pip => {
            let alike = |byte: u8| byte.is_ascii_alphanumeric();
            is_word(name, alike, |byte| alike(byte) || b"-._".contains(&byte))
                && name.as_bytes().last().is_some_and(|byte| alike(*byte))
        }
        PackageManager::Cargo => {
            name.len() <= 64
                && is_word(
                    name,
                    |byte| byte.is_ascii_alphabetic(),
                    |byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte),
                )
        }
    }
}

fn is_version(version: &str) -> bool {
    is_word(
        version,
        |byte| byte.is_ascii_alphanumeric(),
        |byte| byte.is_ascii_alphanumeric() || b".+-~:_!".contains(&byte),
    )
}

fn is_word(text: &str, first: impl Fn(u8) -> bool, rest: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(first) && bytes.all(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_as_each_manager_writes_them() {
        use PackageManager::{Apt, Cargo, Npm, Pip};
        for (manager, text) in [
            (Apt, "ripgrep"),
            (Apt, "g++"),
            (Apt, "libssl-dev=3.0.15-1~deb12u1"),
            (Apt, "linux-libc-dev=1:2+b1"),
            (Npm, "prettier"),
            (Npm, "@types/node"),
            (Npm, "@types/node@22.5.0"),
            (Pip, "Django"),
            (Pip, "zope.interface==7.0.1"),
            (Cargo, "cargo-nextest@0.9.77"),
            (Cargo, "Inflector"),
        ] {
            assert_eq!(check_package(manager, text), Ok(()), "{manager:?} {text}");
        }
    }

    #[test]
    fn options_paths_addresses_and_shell_are_no_packages() {
        for text in [
            "",
            " ",
            "-y",
            "--index-url=x",
            "a b",
            "a;b",
            "$(id)",
            "a\nb",
            "../x",
            "/etc/passwd",
            "git+https://a.example/b",
            "https://a.example",
            "a@",
            "a==",
            "a=",
            "@/b",
            "@a",
            "@a/",
            "@a/b/c",
            "рip",
            "a\u{202e}b",
            "a=1=2;",
        ] {
            for manager in PackageManager::ALL {
                let checked = check_package(manager, text);
                assert!(checked.is_err(), "{manager:?} {text:?}");
            }
        }
        let long = "a".repeat(MAX_BYTES + 1);
        for manager in PackageManager::ALL {
            let problem = check_package(manager, &long).unwrap_err().to_string();
            assert!(problem.len() < 300, "{problem}");
        }
    }
}
