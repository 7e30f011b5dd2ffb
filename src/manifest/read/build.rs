//! `build` of a template: what the steps of an image's build may reach and use.

use jsonc_parser::ast::Value;

use super::route::RoutesOf;
use super::shape::{Reader, Shape};
use crate::policy::{Effect, Methods, Route, Scan, Tls, Unlisted};
use crate::spec::Build;

const BUILD: Shape = Shape {
    what: "`build`",
    form: "write it as { \"routes\": [{ \"preset\": \"debian-read\" }], \"memory\": \"4GiB\" }",
    known: &["routes", "memory", "cpus", "timeout"],
    refused: &[
        (
            "secrets",
            "a build holds no secret: what its steps fetch must be public",
        ),
        (
            "network",
            "steps have the loopback and their egress alone: write `routes`",
        ),
    ],
};

/// Keys of a route that ask for a look inside, or for a credential.
const INSIDE: [(&str, &str); 6] = [
    ("auth", NO_SECRET),
    ("role", NO_SECRET),
    ("tls", UNREAD),
    ("scan", UNREAD),
    ("websocket", UNREAD),
    ("budget", UNREAD),
];

const NO_SECRET: &str = "a build holds no secret: what its steps fetch must be public";
const UNREAD: &str =
    "take it out: the TLS of a build always passes unread, decided by host and port";

const DETAIL: &str = "take it out, or write \"ports\": [80]: the TLS of a build passes unread, decided by host and port";

/// The port at which requests are in plain text and looked at, one by one.
const PLAIN: u16 = 80;

impl Reader {
    pub(super) fn build(&mut self, value: &Value<'_>, template: &str) -> Option<Build> {
        let fields = self.fields(value, &BUILD)?;
        let mut build = Build::default();
        let before = self.problems.len();
        if let Some(value) = fields.get("memory") {
            let bytes = self.size(value, "`memory`", 64 << 20..=16 << 40);
            build.memory_bytes = bytes.unwrap_or(build.memory_bytes);
        }
        if let Some(value) = fields.get("cpus") {
            let millis = self.cpus(value, "`cpus`");
            build.cpu_millis = millis.unwrap_or(build.cpu_millis);
        }
        if let Some(value) = fields.get("timeout") {
            let limit = self.duration(value, "`timeout`");
            if limit.is_some_and(|limit| limit.is_zero()) {
                self.wrong_at(value, "`timeout` leaves no time", "write such as \"30m\"");
            }
            build.timeout = limit.unwrap_or(build.timeout);
        }
        if let Some(value) = fields.get("routes") {
            build.routes = self.build_routes(value, template).unwrap_or_default();
        }
        (self.problems.len() == before).then_some(build)
    }

    /// Routes as a bottle has them, without what cannot be had without a look inside.
    fn build_routes(&mut self, value: &Value<'_>, template: &str) -> Option<Vec<Route>> {
        let elements = self.list(
            value,
            "`routes`",
            "write it as [{ \"host\": \"example.com\" }]",
        )?;
        let before = self.problems.len();
        for element in elements {
            self.refuse_inside(element);
        }
        if self.problems.len() > before {
            return None;
        }
        let of = RoutesOf {
            template,
            secrets: None,
            unlisted: Unlisted::Deny,
        };
        self.routes(value, &of).map(unread)
    }

    /// Notes what asks for a credential or for a look inside TLS.
    fn refuse_inside(&mut self, element: &Value<'_>) {
        let Value::Object(object) = element else {
            return;
        };
        let is_plain = object
            .properties
            .iter()
            .any(|property| property.name.as_str() == "ports" && is_plain(&property.value));
        for property in &object.properties {
            let name = property.name.as_str();
            if let Some((_, help)) = INSIDE.iter().find(|(key, _)| *key == name) {
                let message = format!("a route of a build takes no `{name}`");
                self.wrong_at(&property.value, &message, *help);
            } else if matches!(name, "methods" | "paths") && !is_plain {
                let message = format!("`{name}` of a build are seen on port 80 alone");
                self.wrong_at(&property.value, &message, DETAIL);
            }
        }
    }
}

/// Whether it is a list of port 80 alone.
fn is_plain(ports: &Value<'_>) -> bool {
    let Value::Array(array) = ports else {
        return false;
    };
    let mut ports = array.elements.iter();
    ports
        .all(|port| matches!(port, Value::NumberLit(literal) if literal.value.parse() == Ok(PLAIN)))
}

/// The same routes for a build, which trusts no authority of ours: TLS passes unread, and
/// so whole; plain HTTP keeps its methods and paths.
fn unread(routes: Vec<Route>) -> Vec<Route> {
    let mut all: Vec<Route> = Vec::new();
    for route in routes {
        let (plain, tls): (Vec<u16>, Vec<u16>) =
            route.ports.iter().partition(|port| **port == PLAIN);
        let mut put = |route: Route| {
            if !route.ports.is_empty() && !all.contains(&route) {
                all.push(route);
            }
        };
        put(Route {
            ports: plain,
            scan: Scan::default(),
            ..route.clone()
        });
        let is_refused = route.effect == Effect::Deny;
        put(Route {
            ports: tls,
            methods: Methods::Any,
            paths: Vec::new(),
            scan: Scan::default(),
            tls: if is_refused {
                Tls::Intercept
            } else {
                Tls::Splice
            },
            ..route
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{RouteSet, presets};

    /// Several routes of a preset become one, and none contradicts another.
    #[test]
    fn every_preset_is_fit_for_a_build() {
        for (name, preset) in presets().unwrap() {
            let routes = unread(preset.routes(&name, "t"));
            let set = RouteSet::of(routes.clone());
            assert_eq!(set.problems(), [], "{name}");
            for route in routes {
                let is_whole = route.methods.is_any() && route.paths.is_empty();
                let is_plain = route.ports == [PLAIN];
                assert_eq!((route.tls == Tls::Splice, is_whole), (!is_plain, !is_plain));
            }
        }
    }
}
