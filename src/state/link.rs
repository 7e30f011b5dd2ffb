//! Links of programs in words: the operator sees where one goes, not what it says.

use crate::policy::HostName;

/// Characters of a link that are told; the host comes first, so that what is left out is
/// the end of the path.
const MOST_CHARS: usize = 200;

/// Where a link really goes: its scheme, its host in plain letters (never those that
/// only look like them), and the rest of it. Hostile text, of one line once
/// a view has made it safe.
#[must_use]
pub fn link_words(uri: &str) -> String {
    let rest = |text: &str| text.chars().take(MOST_CHARS).collect::<String>();
    let Some((scheme, behind)) = uri.split_once("://") else {
        return format!("link to {}", rest(uri));
    };
    let end = behind.find(['/', '?', '#', '\\']).unwrap_or(behind.len());
    let (authority, path) = behind.split_at_checked(end).unwrap_or((behind, ""));
    if authority.is_empty() {
        return format!("link to {}", rest(uri));
    }
    // What stands before the last @ is a name to log in with, and a way to deceive.
    let (user, host) = match authority.rsplit_once('@') {
        Some((_, host)) => (true, host),
        None => (false, authority),
    };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|digit| digit.is_ascii_digit()) => {
            (name, format!(":{port}"))
        }
        _ => (host, String::new()),
    };
    let plain = HostName::parse(name).map_or_else(|_| ascii(name), |name| name.to_string());
    let warning = match (user, plain.eq_ignore_ascii_case(name)) {
        (true, _) => " (with a user name before the host)",
        (false, false) => " (its letters are not ASCII)",
        (false, true) => "",
    };
    format!("link to {scheme}://{plain}{port}{warning} {}", rest(path))
        .trim_end()
        .to_owned()
}

/// A name whose letters say which they are.
fn ascii(name: &str) -> String {
    name.chars()
        .map(|letter| match letter {
            '!'..='~' => letter.to_string(),
            other => format!("<U+{:04X}>", u32::from(other)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_plain_and_what_deceives_is_said() {
        for (uri, words) in [
            ("https://a.test/x?y", "link to https://a.test /x?y"),
            ("https://a.test", "link to https://a.test"),
            ("https://A.Test:8443/x", "link to https://a.test:8443 /x"),
            (
                "https://bank.test@evil.test/login",
                "link to https://evil.test (with a user name before the host) /login",
            ),
            (
                "https://b\u{430}nk.test/",
                "link to https://b<U+0430>nk.test (its letters are not ASCII) /",
            ),
            ("mailto:a@b.test", "link to mailto:a@b.test"),
            ("file:///etc/passwd", "link to file:///etc/passwd"),
            (
                "https://bank.test\\@evil.test/",
                "link to https://bank.test \\@evil.test/",
            ),
            ("", "link to "),
        ] {
            assert_eq!(link_words(uri), words, "{uri}");
        }
    }

    #[test]
    fn the_host_is_told_whatever_follows() {
        let words = link_words(&format!("https://a.test/{}", "x".repeat(5_000)));
        assert!(words.starts_with("link to https://a.test /xxx"));
        assert!(words.len() < 300);
    }
}
