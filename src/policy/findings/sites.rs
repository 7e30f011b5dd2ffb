//! Sites that are known for what can be left there or where they lead.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::FindingCode;
use crate::policy::HostPattern;

/// The sites, as data.
const SITES: &str = include_str!("../../../assets/sites.json");

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sites {
    #[serde(rename = "about")]
    _about: String,
    kinds: BTreeMap<String, Vec<String>>,
    /// Domains that others are made to look like.
    pub(super) well_known: Vec<String>,
}

const KINDS: [FindingCode; 9] = [
    FindingCode::PasteSite,
    FindingCode::FileDrop,
    FindingCode::WebhookCatcher,
    FindingCode::Tunnel,
    FindingCode::UrlShortener,
    FindingCode::ObjectStorage,
    FindingCode::Messaging,
    FindingCode::NameResolver,
    FindingCode::AddressName,
];

impl Sites {
    /// All that are known; a test reads the data, and a build whose data is broken knows
    /// none.
    pub(super) fn known() -> Self {
        serde_json::from_str(SITES).unwrap_or_default()
    }

    /// What the hosts are known for, each with the site.
    pub(super) fn of<'a>(
        &'a self,
        hosts: &HostPattern,
    ) -> impl Iterator<Item = (FindingCode, &'a str)> {
        KINDS.into_iter().filter_map(move |code| {
            let sites = self.kinds.get(code.as_str())?;
            let site = sites.iter().find(|site| meets(site, hosts))?;
            Some((code, site.as_str()))
        })
    }
}

/// Whether some host is the site or below it. A `*` in a site stands for one label.
fn meets(site: &str, hosts: &HostPattern) -> bool {
    let (name, is_suffix) = match hosts {
        HostPattern::Exact(name) => (name.as_str(), false),
        HostPattern::Suffix(name) => (name.as_str(), true),
    };
    let mut name = name.rsplit('.');
    for label in site.rsplit('.') {
        match name.next() {
            Some(found) if label == "*" || found == label => {}
            Some(_) => return false,
            None => return is_suffix,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::HostName;

    #[test]
    fn the_data_is_read_sorted_and_names_every_kind() {
        let sites: Sites = serde_json::from_str(SITES).unwrap();
        let kinds: Vec<&str> = sites.kinds.keys().map(String::as_str).collect();
        let mut expected = KINDS.map(FindingCode::as_str);
        expected.sort_unstable();
        assert_eq!(kinds, expected);
        for list in sites.kinds.values().chain([&sites.well_known]) {
            assert!(list.is_sorted() && !list.is_empty(), "{list:?}");
            for site in list {
                assert!(HostName::parse(&site.replace('*', "x")).is_ok(), "{site}");
            }
        }
    }

    #[test]
    fn a_site_is_itself_and_all_below_it_and_in_reach_of_a_suffix_above() {
        for (site, hosts, expected) in [
            ("a.example.com", "a.example.com", true),
            ("a.example.com", "x.a.example.com", true),
            ("a.example.com", "xa.example.com", false),
            ("a.example.com", "example.com", false),
            ("a.example.com", "*.example.com", true),
            ("a.example.com", "*.a.example.com", true),
            ("a.example.com", "*.b.example.com", false),
            ("s3.*.example.com", "x.s3.eu.example.com", true),
            ("s3.*.example.com", "s4.eu.example.com", false),
        ] {
            let pattern = HostPattern::parse(hosts).unwrap();
            assert_eq!(meets(site, &pattern), expected, "{site} {hosts}");
        }
    }
}
