//! Whether a host is made to be taken for another, or close enough to be.

use std::collections::BTreeSet;

use unicode_security::confusable_detection::skeleton;

use super::FindingCode;
use super::shown::shown;
use super::sites::Sites;
use crate::policy::{Effect, HostName, HostPattern, RouteSet, presets};

/// Shorter names are too often one letter apart.
const LEAST: usize = 5;

/// Domains that a name could be taken for.
#[derive(Debug)]
pub(super) struct Known(BTreeSet<String>);

impl Known {
    /// Those of the routes that are allowed, of the presets and of the well known.
    pub(super) fn of(existing: &RouteSet, sites: &Sites) -> Self {
        let presets = presets().unwrap_or_default();
        let ready = presets.values().flat_map(|preset| preset.routes("", ""));
        let allowed = existing.routes.iter().cloned().chain(ready);
        let mut known: BTreeSet<String> = allowed
            .filter(|route| route.effect == Effect::Allow)
            .map(|route| domain(name_of(&route.host)).to_owned())
            .collect();
        known.extend(sites.well_known.iter().cloned());
        Self(known)
    }

    /// What the name could be taken for, and how much it looks as if that were meant.
    pub(super) fn taken_for(&self, name: &HostName) -> Option<(FindingCode, String)> {
        let (name, own) = (name.as_str(), domain(name.as_str()));
        if self.0.contains(own) {
            return None;
        }
        let others = || self.0.iter().map(String::as_str);
        let written = unicode(own).unwrap_or_else(|| own.to_owned());
        let is_same = |known: &&str| fold(&written) == fold(known);
        if let Some(known) = others().find(is_same) {
            let words = format!("`{own}` looks like `{known}` and is another domain");
            return Some((FindingCode::LookalikeHost, words));
        }
        if let Some(known) = others().find(|known| wears(name, known)) {
            let words = format!("`{name}` wears the name `{known}` and belongs to `{own}`");
            return Some((FindingCode::LookalikeHost, words));
        }
        let (known, how) = others().find_map(|known| Some((known, close(own, known)?)))?;
        let words = format!("`{own}` is not `{known}`, though {how}");
        Some((FindingCode::SimilarHost, words))
    }
}

/// The name, or the suffix.
pub(super) fn name_of(hosts: &HostPattern) -> &str {
    match hosts {
        HostPattern::Exact(name) | HostPattern::Suffix(name) => name.as_str(),
    }
}

/// What somebody registered; the name itself where nobody can tell.
pub(super) fn domain(name: &str) -> &str {
    psl::domain_str(name).unwrap_or(name)
}

/// The name in the letters that its punycode stands for, if it has some.
pub(super) fn unicode(name: &str) -> Option<String> {
    if !name.split('.').any(|label| label.starts_with("xn--")) {
        return None;
    }
    let labels = name.split('.').map(|label| {
        let decoded = label
            .strip_prefix("xn--")
            .and_then(idna::punycode::decode_to_string);
        decoded.unwrap_or_else(|| label.to_owned())
    });
    Some(labels.collect::<Vec<_>>().join("."))
}

/// What words say of a name in punycode.
pub(super) fn punycode_words(name: &str) -> Option<String> {
    let written = unicode(name)?;
    Some(format!(
        "`{name}` stands for `{}`, in letters beyond ASCII",
        shown(&written)
    ))
}

/// One spelling for all that look the same: the skeleton of UTS 39, and on top of it
/// what is the same in small letters of common fonts.
fn fold(name: &str) -> String {
    let skeleton: String = skeleton(&name.to_lowercase()).collect();
    let plain = skeleton
        .to_lowercase()
        .replace("rn", "m")
        .replace("vv", "w");
    let one = |c| match c {
        '0' => 'o',
        '1' | 'i' | '|' => 'l',
        '5' => 's',
        _ => c,
    };
    plain.chars().map(one).collect()
}

/// `github.com.example.org`, `github-com.example.org`: another's whole name in front of
/// one's own, where people begin to read.
fn wears(name: &str, known: &str) -> bool {
    let plain = |text: &str| format!(".{}.", text.replace('-', "."));
    let name = plain(name);
    let behind = name.split_once(&plain(known)).map(|(_, behind)| behind);
    known.contains('.') && behind.is_some_and(|behind| !behind.is_empty())
}

/// How a domain is close to a known one.
fn close(own: &str, known: &str) -> Option<String> {
    let ((own_label, own_end), (label, end)) = (own.split_once('.')?, known.split_once('.')?);
    if own_label == label {
        return (label.len() + 1 >= LEAST)
            .then(|| format!("only the ending differs: .{own_end} and .{end}"));
    }
    if label.len() < LEAST {
        return None;
    }
    if strsim::osa_distance(own_label, label) <= 1 {
        return Some(String::from("it is one letter away"));
    }
    (own_label.starts_with(label) || own_label.ends_with(label))
        .then(|| format!("its name holds `{label}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Provenance, Route};

    fn taken_for(name: &str) -> Option<FindingCode> {
        let host = HostName::parse("api.allowed-place.net").unwrap();
        let existing = RouteSet::of(vec![Route::to(host, vec![443], Provenance::Operator)]);
        let known = Known::of(&existing, &Sites::known());
        let found = known.taken_for(&HostName::parse(name).unwrap());
        found.map(|(code, _)| code)
    }

    #[test]
    fn names_that_are_made_to_be_taken_for_others_are_found() {
        for name in [
            "githvb.com.evil.example",
            "g1thub.com",
            "glthub.com",
            "goog1e.com",
            "g00gle.com",
            "rnicrosoft.com",
            "xn--gthub-n4a.com",
            "xn--pypal-4ve.com",
            "xn--80ak6aa92e.com",
            "github.com.evil.example",
            "login.github.com-account.evil.example",
            "allowed-place.net.evil.example",
            "a11owed-place.net",
        ] {
            let expected =
                (name != "githvb.com.evil.example").then_some(FindingCode::LookalikeHost);
            assert_eq!(taken_for(name), expected, "{name}");
        }
    }

    #[test]
    fn names_that_are_close_are_found() {
        for name in [
            "githubb.com",
            "gihtub.com",
            "github.co",
            "github.org",
            "evil-github.com",
            "githubapi.com",
            "allowed-place.com",
            "allowed-plaice.net",
            "my-allowed-place.net",
        ] {
            assert_eq!(taken_for(name), Some(FindingCode::SimilarHost), "{name}");
        }
    }

    #[test]
    fn names_of_the_same_domain_and_unlike_names_are_none() {
        for name in [
            "api.github.com",
            "github.com",
            "other.allowed-place.net",
            "example.org",
            "hub.example.org",
            "someone.github.io",
            "docs.rs",
        ] {
            assert_eq!(taken_for(name), None, "{name}");
        }
    }

    #[test]
    fn punycode_is_told_in_escaped_letters() {
        assert_eq!(unicode("example.com"), None);
        assert_eq!(
            unicode("xn--bcher-kva.example").unwrap(),
            "b\u{fc}cher.example"
        );
        let words = punycode_words("xn--bcher-kva.example").unwrap();
        assert!(
            words.contains("b\\u{fc}cher.example") && words.is_ascii(),
            "{words}"
        );
    }

    #[test]
    fn no_preset_is_taken_for_another() {
        let known = Known::of(&RouteSet::NONE, &Sites::known());
        for preset in presets().unwrap().values() {
            for route in preset.routes("", "") {
                let host = route.host.exact().unwrap().clone();
                assert_eq!(known.taken_for(&host), None);
            }
        }
    }
}
