//! Routes: what one permission says. The decision over them is in `decide`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Auth, HostPattern, Methods, PathPattern, RouteRole, ScanRule};

/// Where a route came from, shown wherever the route is shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Provenance {
    /// A template of the operator's manifest.
    Template {
        /// The template's name.
        name: String,
    },
    /// A preset that a template names.
    Preset {
        /// The template's name.
        template: String,
        /// The preset's name.
        preset: String,
    },
    /// The provider's own need, such as the model API of Claude Code.
    Provider,
    /// Built in, as the demo's.
    Builtin,
    /// The operator, while the bottle ran.
    Operator,
    /// A request that the operator approved.
    Request {
        /// The request.
        id: u64,
    },
}

impl Provenance {
    /// Where it came from, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Template { name } => format!("template {name}"),
            Self::Preset { preset, .. } => format!("preset {preset}"),
            Self::Provider => String::from("the provider"),
            Self::Builtin => String::from("built in"),
            Self::Operator => String::from("you"),
            Self::Request { id } => format!("request {id}"),
        }
    }
}

/// Whether a route lets out or refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It lets out what it matches.
    #[default]
    Allow,
    /// It refuses what it matches, whatever others allow.
    Deny,
}

/// What the proxy does with the TLS of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// It ends it here and looks at each request.
    #[default]
    Intercept,
    /// It compares the name in the handshake and passes the rest on unread.
    Splice,
}

/// What becomes of a message in which a secret is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ScanMode {
    /// It is refused or cut off.
    Block,
    /// The secret is replaced by a mark.
    Redact,
    /// It passes and is told.
    Warn,
    /// It is not looked at.
    Off,
}

/// What is looked at for secrets on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Scan {
    /// Names, headers and bodies on their way out.
    pub request: ScanMode,
    /// Answers. A credential of the bottle is looked for in every answer on a route
    /// that carries one, whatever stands here.
    pub response: ScanMode,
}

impl Default for Scan {
    /// Nothing secret leaves unless somebody says so; what comes in is the agent's to read.
    fn default() -> Self {
        Self {
            request: ScanMode::Block,
            response: ScanMode::Off,
        }
    }
}

/// How much may pass on a route in one life of the sidecar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Budget {
    /// Bytes of bodies, both ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
}

/// One egress permission, or its opposite.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Route {
    /// The hosts.
    pub host: HostPattern,
    /// The exact ports, never empty; 443 where the manifest names none.
    pub ports: Vec<u16>,
    /// The methods.
    #[serde(default, skip_serializing_if = "Methods::is_any")]
    pub methods: Methods,
    /// The paths; every one if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathPattern>,
    /// The credential that the proxy puts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// What becomes of the TLS.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tls: Tls,
    /// What is looked at for secrets.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scan: Scan,
    /// The scanner's rules whose findings pass on it, told of all the same. A secret of the
    /// bottle never does.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scan_pass: BTreeSet<ScanRule>,
    /// Whether a request may go on as a WebSocket.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub websocket: bool,
    /// How much may pass.
    #[serde(default, skip_serializing_if = "is_default")]
    pub budget: Budget,
    /// Dial this address instead of resolving the name (a gateway of the operator's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_to: Option<IpAddr>,
    /// Whether a private, loopback or link-local address may be dialled for this route.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_private: bool,
    /// What it is for, where the proxy must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RouteRole>,
    /// Whether it lets out or refuses.
    #[serde(default, skip_serializing_if = "is_default")]
    pub effect: Effect,
    /// When it ends to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Who put the route here.
    pub origin: Provenance,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Route {
    /// The route for comparing what it says: who put it there and the order of its ports
    /// count for nothing.
    #[must_use]
    pub fn bare(&self) -> Self {
        let mut ports = self.ports.clone();
        ports.sort_unstable();
        ports.dedup();
        Self {
            ports,
            origin: Provenance::Operator,
            ..self.clone()
        }
    }

    /// Lets everything out to these hosts and ports, intercepted and scanned.
    #[must_use]
    pub fn to(host: impl Into<HostPattern>, ports: Vec<u16>, origin: Provenance) -> Self {
        Self {
            host: host.into(),
            ports,
            methods: Methods::Any,
            paths: Vec::new(),
            auth: None,
            tls: Tls::default(),
            scan: Scan::default(),
            scan_pass: BTreeSet::new(),
            websocket: false,
            budget: Budget::default(),
            connect_to: None,
            allow_private: false,
            role: None,
            effect: Effect::default(),
            expires: None,
            origin,
        }
    }

    /// Whether it counts at this time.
    #[must_use]
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| now < end)
    }

    /// Whether it matches whole connections, whatever is asked in them.
    pub(super) const fn is_whole(&self) -> bool {
        self.methods.is_any() && self.paths.is_empty()
    }

    /// What is unusual about it beside what [`Route::words`] says, in words; its end is
    /// left out, which is best told by the clock of who shows it.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let Some(auth) = &self.auth {
            remarks.push(format!("with the secret {}", auth.secret));
        }
        if let Some(address) = self.connect_to {
            remarks.push(format!("dials {address}"));
        }
        if self.allow_private {
            remarks.push(String::from("private addresses too"));
        }
        if self.websocket {
            remarks.push(String::from("WebSocket"));
        }
        if self.tls == Tls::Splice {
            remarks.push(String::from("not looked into"));
        }
        if !self.scan_pass.is_empty() {
            remarks.push(format!(
                "lets what looks like {} pass",
                ScanRule::words(&self.scan_pass)
            ));
        }
        remarks
    }

    /// The route in one line: hosts, ports, methods, paths, and what is unusual.
    #[must_use]
    pub fn words(&self) -> String {
        let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        let mut words = match self.effect {
            Effect::Allow => String::new(),
            Effect::Deny => String::from("never "),
        };
        if !self.methods.is_any() {
            words.push_str(&self.methods.to_string());
            words.push(' ');
        }
        words.push_str(&self.host.to_string());
        if ports != ["443"] {
            words.push(':');
            words.push_str(&ports.join("+"));
        }
        let paths: Vec<&str> = self.paths.iter().map(PathPattern::as_str).collect();
        words.push_str(&paths.join(" "));
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostName, Method};

    fn route() -> Route {
        let host = HostName::parse("api.example.com").unwrap();
        Route::to(host, vec![443], Provenance::Builtin)
    }

    /// Digests name specs: a route that says no more than before must read as before.
    #[test]
    fn a_plain_route_is_written_as_it_always_was() {
        assert_eq!(
            serde_json::to_string(&route()).unwrap(),
            r#"{"host":"api.example.com","ports":[443],"origin":{"kind":"builtin"}}"#
        );
    }

    #[test]
    fn every_field_reads_as_it_is_written() {
        let mut full = route();
        full.methods = Methods::from(BTreeSet::from([Method::parse("GET").unwrap()]));
        full.paths = vec![PathPattern::parse("/v1/*").unwrap()];
        full.scan.request = ScanMode::Warn;
        full.scan_pass = BTreeSet::from([ScanRule::parse("github-pat").unwrap()]);
        full.tls = Tls::Splice;
        full.budget.bytes = Some(7);
        full.websocket = true;
        full.effect = Effect::Deny;
        full.expires = Some(Timestamp::UNIX_EPOCH);
        full.role = Some(RouteRole::AnthropicApiKey);
        assert!(
            full.remarks()
                .contains(&String::from("lets what looks like `github-pat` pass"))
        );
        let text = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<Route>(&text).unwrap(), full);
    }

    #[test]
    fn words_leave_out_what_is_usual() {
        assert_eq!(route().words(), "api.example.com");
        let mut narrow = route();
        narrow.ports = vec![443, 8443];
        narrow.effect = Effect::Deny;
        narrow.paths = vec![PathPattern::parse("/v1/*").unwrap()];
        assert_eq!(narrow.words(), "never api.example.com:443+8443/v1/*");
    }
}
