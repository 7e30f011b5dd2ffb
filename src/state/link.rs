//! Links of programs in words: the operator sees where one goes, not what it says.

use crate::policy::HostName;

/// The longest scheme that is taken for one; nothing opens a longer one.
const MOST_SCHEME: usize = 20;

/// Where a link really goes, in parts: a view that has no room for all of them must show
/// the host. Hostile text, of one line once a view has made it safe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkWords {
    /// What it is, with its scheme.
    pub lead: String,
    /// Its host in plain letters, never those that only look like them, and its port.
    /// Empty where there is none: then the whole of it is the rest.
    pub host: String,
    /// What about it may deceive.
    pub warning: &'static str,
    /// What stands behind the host.
    pub rest: String,
}

impl LinkWords {
    /// Takes a link apart.
    #[must_use]
    pub fn of(uri: &str) -> Self {
        let whole = || Self {
            lead: String::from("link to "),
            rest: uri.to_owned(),
            ..Self::default()
        };
        let parts = uri
            .split_once("://")
            .filter(|(scheme, _)| is_scheme(scheme));
        let Some((scheme, behind)) = parts else {
            return whole();
        };
        let end = behind.find(['/', '?', '#', '\\']).unwrap_or(behind.len());
        let (authority, path) = behind.split_at_checked(end).unwrap_or((behind, ""));
        if authority.is_empty() {
            return whole();
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
        Self {
            lead: format!("link to {scheme}://"),
            host: format!("{plain}{port}"),
            warning,
            rest: path.to_owned(),
        }
    }
}

/// As RFC 3986 has it, 3.1.
fn is_scheme(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    text.len() <= MOST_SCHEME
        && text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(is_part)
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
            ("no scheme://a.test", "link to no scheme://a.test"),
        ] {
            let LinkWords {
                lead,
                host,
                warning,
                rest,
            } = LinkWords::of(uri);
            let gap = if host.is_empty() || rest.is_empty() {
                ""
            } else {
                " "
            };
            assert_eq!(format!("{lead}{host}{warning}{gap}{rest}"), words, "{uri}");
        }
    }

    /// It would leave no room for the host.
    #[test]
    fn a_long_scheme_is_none() {
        let words = LinkWords::of(&format!("{}://good.test", "x".repeat(900)));
        assert_eq!((words.host.as_str(), words.lead.as_str()), ("", "link to "));
    }
}
