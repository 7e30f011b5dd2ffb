//! Presets: small sets of routes that many bottles need, each as narrow as its use.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    CanonicalPath, HostName, HostPattern, Methods, PathPattern, Provenance, Route, ScanMode,
};

/// The presets, as data.
const PRESETS: &str = include_str!("../../assets/presets.json");

/// A named set of routes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What it is for, in one line.
    pub about: String,
    routes: Vec<Narrow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Narrow {
    host: HostPattern,
    #[serde(default = "https")]
    ports: Vec<u16>,
    methods: Methods,
    #[serde(default)]
    paths: Vec<PathPattern>,
    /// Whether this is where a model answers.
    #[serde(default)]
    model: bool,
}

fn https() -> Vec<u16> {
    vec![443]
}

/// All presets by their names.
///
/// # Errors
/// Never: a test reads the data. A build whose data is broken has none.
pub fn presets() -> Result<BTreeMap<String, Preset>, serde_json::Error> {
    serde_json::from_str(PRESETS)
}

/// The places that presets know as those where a model answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelApis(Vec<Narrow>);

impl ModelApis {
    /// All that are known.
    ///
    /// # Errors
    /// Never, as [`presets`].
    pub fn known() -> Result<Self, serde_json::Error> {
        let routes = presets()?.into_values().flat_map(|preset| preset.routes);
        Ok(Self(routes.filter(|route| route.model).collect()))
    }

    /// Whether a model answers there.
    #[must_use]
    pub fn include(&self, host: &HostName, port: u16, path: &CanonicalPath) -> bool {
        self.0.iter().any(|route| {
            route.host.matches(host)
                && route.ports.contains(&port)
                && (route.paths.is_empty() || route.paths.iter().any(|known| known.matches(path)))
        })
    }
}

impl Preset {
    /// Which of its routes, counted from 0, leads to a model and may have a role.
    #[must_use]
    pub fn model(&self) -> Option<usize> {
        self.routes.iter().position(|route| route.model)
    }

    /// Its routes, for the template that names it.
    #[must_use]
    pub fn routes(&self, name: &str, template: &str) -> Vec<Route> {
        let route = |narrow: &Narrow| {
            let origin = Provenance::Preset {
                template: template.to_owned(),
                preset: name.to_owned(),
            };
            let mut route = Route::to(narrow.host.clone(), narrow.ports.clone(), origin);
            route.methods = narrow.methods.clone();
            route.paths.clone_from(&narrow.paths);
            if narrow.model {
                // A conversation: what looks like a secret in it is told, not cut out.
                route.scan.request = ScanMode::Warn;
            }
            route
        };
        self.routes.iter().map(route).collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::policy::{CanonicalPath, HostName, RequestAsk, RouteSet, Scheme};

    const NAMES: [&str; 6] = [
        "anthropic",
        "crates-read",
        "debian-read",
        "github-read",
        "npm-read",
        "pypi-read",
    ];

    /// Whether any host of the preset lets this through.
    fn lets(preset: &str, method: &str, path: &str) -> bool {
        let routes = presets().unwrap()[preset].routes(preset, "test");
        let hosts: Vec<HostName> = routes
            .iter()
            .filter_map(|route| route.host.exact().cloned())
            .collect();
        let set = RouteSet::of(routes);
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(p, q)| (p, Some(q)));
        hosts.iter().any(|host| {
            let permit = set.decide(host, 443, Timestamp::UNIX_EPOCH).unwrap();
            let ask = RequestAsk {
                scheme: Scheme::Https,
                method,
                path: &CanonicalPath::parse(path).unwrap(),
                query,
                is_websocket: false,
            };
            permit.request(&ask, Timestamp::UNIX_EPOCH).is_ok()
        })
    }

    #[test]
    fn the_presets_are_these_and_each_says_what_it_is_for() {
        let presets = presets().unwrap();
        assert_eq!(presets.keys().collect::<Vec<_>>(), NAMES);
        for preset in presets.values() {
            assert!(!preset.about.is_empty() && !preset.routes.is_empty());
        }
    }

    #[test]
    fn only_the_model_api_leads_to_a_model() {
        for (name, preset) in presets().unwrap() {
            let expected = (name == "anthropic").then_some(0);
            assert_eq!(preset.model(), expected, "{name}");
        }
    }

    #[test]
    fn a_model_is_known_by_host_port_and_path() {
        let known = ModelApis::known().unwrap();
        let includes = |host, port, path| {
            let host = HostName::parse(host).unwrap();
            known.include(&host, port, &CanonicalPath::parse(path).unwrap())
        };
        assert!(includes("api.anthropic.com", 443, "/v1/messages"));
        assert!(!includes("api.anthropic.com", 80, "/v1/messages"));
        assert!(!includes("api.anthropic.com", 443, "/v1/models"));
        assert!(!includes("github.com", 443, "/v1/messages"));
    }

    #[test]
    fn no_preset_contradicts_itself() {
        for (name, preset) in presets().unwrap() {
            let routes = RouteSet::of(preset.routes(&name, "test"));
            assert_eq!(routes.problems(), [], "{name}");
        }
    }

    #[test]
    fn reading_passes() {
        for (preset, method, path) in [
            ("anthropic", "POST", "/v1/messages?beta=true"),
            ("anthropic", "POST", "/v1/messages/count_tokens"),
            ("npm-read", "GET", "/@scope%2fname"),
            ("npm-read", "GET", "/left-pad/-/left-pad-1.3.0.tgz"),
            ("pypi-read", "GET", "/simple/requests/"),
            ("pypi-read", "GET", "/packages/ab/cd/x-1.0-py3-none-any.whl"),
            ("crates-read", "GET", "/se/rd/serde"),
            ("crates-read", "GET", "/crates/serde/serde-1.0.0.crate"),
            (
                "github-read",
                "GET",
                "/o/r.git/info/refs?service=git-upload-pack",
            ),
            ("github-read", "POST", "/o/r.git/git-upload-pack"),
            ("github-read", "GET", "/repos/o/r/releases"),
            ("debian-read", "GET", "/debian/dists/stable/InRelease"),
        ] {
            assert!(lets(preset, method, path), "{preset} {method} {path}");
        }
    }

    #[test]
    fn no_preset_writes() {
        for (preset, method, path) in [
            ("anthropic", "POST", "/v1/files"),
            ("anthropic", "GET", "/v1/files/abc/content"),
            ("anthropic", "POST", "/v1/messages/batches"),
            ("anthropic", "POST", "/v1/organizations/x/invites"),
            ("anthropic", "DELETE", "/v1/messages"),
            ("npm-read", "PUT", "/left-pad"),
            ("npm-read", "POST", "/-/v1/login"),
            ("npm-read", "DELETE", "/left-pad/-rev/1"),
            ("pypi-read", "POST", "/legacy/"),
            ("pypi-read", "POST", "/simple/x"),
            ("pypi-read", "GET", "/manage/account/token/"),
            ("crates-read", "PUT", "/api/v1/crates/new"),
            ("crates-read", "DELETE", "/api/v1/crates/x/1.0.0/yank"),
            ("crates-read", "GET", "/me"),
            ("github-read", "POST", "/o/r.git/git-receive-pack"),
            (
                "github-read",
                "GET",
                "/o/r.git/info/refs?service=git-receive-pack",
            ),
            ("github-read", "POST", "/gists"),
            ("github-read", "POST", "/repos/o/r/issues"),
            ("github-read", "PUT", "/repos/o/r/contents/x"),
            ("github-read", "PATCH", "/repos/o/r"),
            ("github-read", "GET", "/user"),
            ("github-read", "POST", "/graphql"),
            ("github-read", "POST", "/o/r.git/git%2Dreceive-pack"),
            ("github-read", "POST", "/o/r.git/info/lfs/objects/batch"),
            ("github-read", "PUT", "/o/r.git/info/lfs/objects/x"),
            ("github-read", "POST", "/repos/o/r/git/blobs"),
            ("github-read", "POST", "/repos/o/r/releases/1/assets"),
            ("github-read", "POST", "/repos/o/r/dispatches"),
            ("github-read", "DELETE", "/repos/o/r"),
            ("npm-read", "PUT", "/-/user/org.couchdb.user:x"),
            ("npm-read", "PUT", "/-/package/x/dist-tags/latest"),
            ("npm-read", "POST", "/-/npm/v1/tokens"),
            ("pypi-read", "POST", "/danger-api/x"),
            ("crates-read", "PUT", "/api/v1/crates/x/owners"),
            ("anthropic", "POST", "/api/event_logging/batch"),
            ("anthropic", "POST", "/v1/skills"),
            ("anthropic", "GET", "/v1/organizations/x"),
            ("anthropic", "TRACE", "/v1/messages"),
            ("debian-read", "PUT", "/debian/x"),
        ] {
            assert!(!lets(preset, method, path), "{preset} {method} {path}");
        }
    }
}
