//! Routes: what may leave the bottle.

use std::net::IpAddr;

use jsonc_parser::ast::Value;

use super::shape::{Reader, Shape};
use crate::policy::{HostName, HostNameError, Provenance, Route};

const ROUTE: Shape = Shape {
    what: "a route",
    form: "write it as { \"host\": \"example.com\", \"ports\": [443] }",
    known: &["host", "ports", "connect_to", "allow_private"],
    refused: &[],
};

const PORTS_HELP: &str = "write a list of ports from 1 to 65535, such as [443]";

impl Reader {
    /// The routes of one template.
    pub(super) fn routes(&mut self, value: &Value<'_>, template: &str) -> Option<Vec<Route>> {
        let help = "write it as [{ \"host\": \"example.com\", \"ports\": [443] }]";
        let elements = self.list(value, "`routes`", help)?;
        let mut routes: Vec<Route> = Vec::new();
        for element in elements {
            let Some(route) = self.route(element, template) else {
                continue;
            };
            let twin = routes.iter().find(|earlier| {
                earlier.host == route.host
                    && earlier.ports.iter().any(|port| route.ports.contains(port))
            });
            if twin.is_some() {
                let message = format!("a port of `{}` is routed twice", route.host);
                self.wrong_at(element, &message, "keep one route for each host and port");
            }
            routes.push(route);
        }
        Some(routes)
    }

    fn route(&mut self, value: &Value<'_>, template: &str) -> Option<Route> {
        let fields = self.fields(value, &ROUTE)?;
        let host = if let Some(value) = fields.get("host") {
            self.host(value)
        } else {
            let help = "add \"host\": \"example.com\"";
            self.wrong(&fields.place.clone(), "the route names no host", help);
            None
        };
        let ports = match fields.get("ports") {
            Some(value) => self.ports(value),
            None => Some(vec![443]),
        };
        let allow_private = match fields.get("allow_private") {
            Some(value) => self.boolean(value, "`allow_private`")?,
            None => false,
        };
        let connect_to = match fields.get("connect_to") {
            Some(value) => Some(self.connect_to(value, allow_private)?),
            None => None,
        };
        let origin = Provenance::Template {
            name: template.to_owned(),
        };
        let mut route = Route::to(host?, ports?, origin);
        route.connect_to = connect_to;
        route.allow_private = allow_private;
        Some(route)
    }

    fn host(&mut self, value: &Value<'_>) -> Option<HostName> {
        let text = self.text(
            value,
            "`host`",
            "write a host name, such as \"example.com\"",
        )?;
        match HostName::parse(&text) {
            Ok(host) => Some(host),
            Err(error) => {
                let message = format!("`{text}` is no host name");
                self.wrong_at(value, &message, host_advice(&text, &error));
                None
            }
        }
    }

    fn ports(&mut self, value: &Value<'_>) -> Option<Vec<u16>> {
        let elements = self.list(value, "`ports`", PORTS_HELP)?;
        if elements.is_empty() {
            self.wrong_at(value, "`ports` is empty", PORTS_HELP);
            return None;
        }
        let mut ports = Vec::new();
        for element in elements {
            let port = self.count(element, "a port", 1..=65_535)?;
            let port = u16::try_from(port).ok()?;
            if ports.contains(&port) {
                let message = format!("port {port} is written twice");
                self.wrong_at(element, &message, "keep one of the two");
            }
            ports.push(port);
        }
        Some(ports)
    }

    fn connect_to(&mut self, value: &Value<'_>, allow_private: bool) -> Option<IpAddr> {
        let help = "write an IP address, such as \"10.0.0.5\" or \"fd00::5\", without a port";
        let text = self.text(value, "`connect_to`", help)?;
        let Ok(address) = text.parse::<IpAddr>() else {
            self.wrong_at(value, &format!("`{text}` is no IP address"), help);
            return None;
        };
        if is_private(address) && !allow_private {
            let message = format!("`{address}` is not a public address");
            let help = "add \"allow_private\": true if this gateway is your own";
            self.wrong_at(value, &message, help);
            return None;
        }
        Some(address)
    }
}

/// Whether an address is plainly not public. The egress sidecar classifies every
/// address again, and more strictly, before it dials.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}

fn host_advice(text: &str, error: &HostNameError) -> String {
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':', '?']).next().unwrap_or(rest);
        return format!("write the host alone: \"host\": \"{host}\"");
    }
    if let Some((host, port)) = text.split_once(':')
        && port.parse::<u16>().is_ok()
    {
        return format!("write \"host\": \"{host}\", \"ports\": [{port}]");
    }
    if text.contains('*') {
        return String::from("each route names one exact host; write one route for each");
    }
    if matches!(error, HostNameError::Numeric { .. }) {
        return String::from(
            "a route names a host; to reach an address, give the host a name of your own and put the address into `connect_to`",
        );
    }
    if !text.is_ascii() {
        return String::from("write an international name in its xn-- form");
    }
    String::from("a host name is labels of letters, digits and hyphens joined by dots")
}
