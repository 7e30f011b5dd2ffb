//! Where a route leads: host, ports, and the way there.

use std::net::IpAddr;

use jsonc_parser::ast::Value;

use crate::manifest::read::shape::{Fields, Reader};
use crate::policy::{HostNameError, HostPattern, HostPatternError, Route};

const PORTS_HELP: &str = "write a list of ports from 1 to 65535, such as [443]";

impl Reader {
    pub(super) fn route_host(&mut self, fields: &Fields<'_>) -> Option<HostPattern> {
        let Some(value) = fields.get("host") else {
            if !fields.has_refused() {
                let help =
                    "add \"host\": \"example.com\", or name a preset: \"preset\": \"pypi-read\"";
                self.wrong(&fields.place.clone(), "the route names no host", help);
            }
            return None;
        };
        let help = "write a host name, such as \"example.com\" or \"*.example.com\"";
        let text = self.text(value, "`host`", help)?;
        match HostPattern::parse(&text) {
            Ok(host) => Some(host),
            Err(error) => {
                let message = match &error {
                    HostPatternError::PublicSuffix { suffix } => {
                        format!("anybody can have a name under `{suffix}`")
                    }
                    HostPatternError::Star { .. } | HostPatternError::Host(_) => {
                        format!("`{text}` is no host name")
                    }
                };
                self.wrong_at(value, &message, advice(&text, &error));
                None
            }
        }
    }

    pub(super) fn ports(&mut self, value: &Value<'_>) -> Option<Vec<u16>> {
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

    /// Reads which address is dialled.
    pub(super) fn way(&mut self, fields: &Fields<'_>, route: &mut Route) {
        if let Some(value) = fields.get("allow_private") {
            let allows = self.boolean(value, "`allow_private`");
            route.allow_private = allows.unwrap_or_default();
        }
        if let Some(value) = fields.get("connect_to") {
            route.connect_to = self.connect_to(value, route.allow_private);
        }
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

fn advice(text: &str, error: &HostPatternError) -> String {
    let error = match error {
        HostPatternError::PublicSuffix { .. } => {
            return String::from("name the hosts that are meant, one route for each");
        }
        HostPatternError::Star { .. } => {
            return String::from(
                "a `*` is the whole first label: \"*.example.com\" is every name below example.com",
            );
        }
        HostPatternError::Host(error) => error,
    };
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':', '?']).next().unwrap_or(rest);
        return format!("write the host alone: \"host\": \"{host}\"");
    }
    if let Some((host, port)) = text.split_once(':')
        && port.parse::<u16>().is_ok()
    {
        return format!("write \"host\": \"{host}\", \"ports\": [{port}]");
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
