//! What is risky in a route.

use std::collections::BTreeSet;

use super::lookalike::{Known, domain, name_of, punycode_words};
use super::sites::Sites;
use super::{Finding, FindingCode, in_order};
use crate::policy::{
    AddressClass, CanonicalPath, Effect, HostPattern, Methods, PathPattern, Route, RouteSet,
    ScanMode, ScanRule, Tls, git,
};

/// Methods that only read (RFC 9110, 9.2.1).
const READS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
/// Names by which clouds hand out credentials.
const METADATA: [&str; 4] = [
    "metadata.google.internal",
    "metadata.azure.internal",
    "instance-data.ec2.internal",
    "metadata.internal",
];

/// What is risky in a route that is asked for beside those that are there, worst first.
/// Nothing is in one that refuses. Routes count whether they have expired or not, because
/// no clock is known here.
#[must_use]
pub fn route_findings(asked: &Route, existing: &RouteSet) -> Vec<Finding> {
    if asked.effect == Effect::Deny {
        return Vec::new();
    }
    let sites = Sites::known();
    let mut found = Vec::new();
    newness(asked, existing, &mut found);
    width(asked, &mut found);
    credentials(asked, existing, &mut found);
    neighbours(asked, existing, &mut found);
    names(asked, existing, &sites, &mut found);
    way(asked, &mut found);
    terms(asked, &mut found);
    in_order(found)
}

/// What is risky in letting what these rules find pass on routes that are there.
#[must_use]
pub fn scan_pass_findings<'a>(
    routes: impl IntoIterator<Item = &'a Route>,
    rules: &BTreeSet<ScanRule>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for route in routes {
        exempted(route, rules, &mut found);
    }
    in_order(found)
}

fn exempted(route: &Route, rules: &BTreeSet<ScanRule>, found: &mut Vec<Finding>) {
    for rule in rules {
        let words = format!(
            "what looks like a secret of the kind `{}` leaves to `{}` from now on",
            rule.as_str(),
            route.host
        );
        found.push(Finding::new(FindingCode::ScanExempted, words));
    }
}

fn allowed(existing: &RouteSet) -> impl Iterator<Item = &Route> {
    let routes = existing.routes.iter();
    routes.filter(|route| route.effect == Effect::Allow)
}

fn newness(asked: &Route, existing: &RouteSet, found: &mut Vec<Finding>) {
    let host = &asked.host;
    let own = domain(name_of(host));
    if !allowed(existing).any(|route| domain(name_of(&route.host)) == own) {
        found.push(Finding::new(
            FindingCode::NewDomain,
            format!("nothing of `{own}` could be reached before"),
        ));
    } else if !allowed(existing).any(|route| route.host == *host || covers(&route.host, host)) {
        found.push(Finding::new(
            FindingCode::NewHost,
            format!("`{host}` could not be reached before"),
        ));
    }
}

/// Whether a pattern names all hosts of another.
fn covers(wide: &HostPattern, narrow: &HostPattern) -> bool {
    match narrow {
        HostPattern::Exact(name) | HostPattern::Suffix(name) => wide.matches(name),
    }
}

fn width(asked: &Route, found: &mut Vec<Finding>) {
    if let HostPattern::Suffix(suffix) = &asked.host {
        found.push(Finding::new(
            FindingCode::WildcardHost,
            format!("every host below `{suffix}`, those of tomorrow too"),
        ));
    }
    match &asked.methods {
        Methods::Any => found.push(Finding::new(
            FindingCode::AnyMethod,
            "every method, those that write and delete too",
        )),
        Methods::Only(methods) => {
            let writes: Vec<&str> = methods
                .iter()
                .map(crate::policy::Method::as_str)
                .filter(|method| !READS.contains(method))
                .collect();
            if !writes.is_empty() {
                found.push(Finding::new(
                    FindingCode::WriteMethods,
                    format!(
                        "{} can change things there and carry data out",
                        writes.join(", ")
                    ),
                ));
            }
        }
    }
    let is_any = |path: &PathPattern| path.as_str() == "/*";
    if asked.paths.is_empty() || asked.paths.iter().any(is_any) {
        found.push(Finding::new(
            FindingCode::AnyPath,
            "every path of its hosts",
        ));
    }
}

fn credentials(asked: &Route, existing: &RouteSet, found: &mut Vec<Finding>) {
    let code = FindingCode::CredentialInReach;
    if let Some(auth) = &asked.auth {
        found.push(Finding::new(
            code,
            format!("its requests carry the secret `{}`", auth.secret),
        ));
    }
    if let Some(role) = asked.role {
        found.push(Finding::new(
            code,
            format!("it is to be the route of the model (`{}`)", role.as_str()),
        ));
    }
    for route in allowed(existing) {
        let Some(auth) = &route.auth else { continue };
        let meets = route.host.meets(&asked.host);
        if !meets || !route.ports.iter().any(|port| asked.ports.contains(port)) {
            continue;
        }
        found.push(Finding::new(
            code,
            format!(
                "the route `{}` carries the secret `{}` to the same hosts",
                route.words(),
                auth.secret
            ),
        ));
    }
}

fn neighbours(asked: &Route, existing: &RouteSet, found: &mut Vec<Finding>) {
    let shares = |route: &&Route| route.ports.iter().any(|port| asked.ports.contains(port));
    let shadowed = allowed(existing)
        .filter(shares)
        .find(|route| route.host != asked.host && covers(&route.host, &asked.host));
    if let Some(route) = shadowed {
        found.push(Finding::new(
            FindingCode::ShadowsRoutes,
            format!(
                "the route `{}` ends to count for `{}`",
                route.words(),
                asked.host
            ),
        ));
    }
    let refused = existing
        .routes
        .iter()
        .filter(|route| route.effect == Effect::Deny && route.host.meets(&asked.host))
        .find(shares);
    if let Some(route) = refused {
        found.push(Finding::new(
            FindingCode::AlreadyRefused,
            format!(
                "the route `{}` refuses some or all of it, whatever is allowed",
                route.words()
            ),
        ));
    }
}

fn names(asked: &Route, existing: &RouteSet, sites: &Sites, found: &mut Vec<Finding>) {
    let name = match &asked.host {
        HostPattern::Exact(name) | HostPattern::Suffix(name) => name,
    };
    if let Some(words) = punycode_words(name.as_str()) {
        found.push(Finding::new(FindingCode::PunycodeHost, words));
    }
    if let Some((code, words)) = Known::of(existing, sites).taken_for(name) {
        found.push(Finding::new(code, words));
    }
    for (code, site) in sites.of(&asked.host) {
        found.push(Finding::new(
            code,
            format!("`{site}`: {}", site_words(code)),
        ));
    }
    let text = name.as_str();
    let below = |suffix: &&str| {
        let rest = text.strip_suffix(*suffix);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let dashed = text.replace('.', "-");
    if METADATA.iter().any(below) || dashed.contains("169-254-169-254") {
        found.push(Finding::new(
            FindingCode::MetadataAddress,
            format!("`{text}` is where a cloud hands out credentials"),
        ));
    } else if name.is_inner() {
        found.push(Finding::new(
            FindingCode::PrivateAddress,
            format!("`{text}` is a name of a machine or network of your own"),
        ));
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others are no kinds of sites"
)]
const fn site_words(code: FindingCode) -> &'static str {
    match code {
        FindingCode::PasteSite => "anybody leaves and reads text there",
        FindingCode::FileDrop => "anybody leaves and fetches files there",
        FindingCode::WebhookCatcher => "it keeps or passes on whatever is sent to it",
        FindingCode::Tunnel => "its names lead to machines of anybody",
        FindingCode::UrlShortener => "it leads on to places that no route names",
        FindingCode::ObjectStorage => "anybody has storage there under names like these",
        FindingCode::Messaging => "messages to anybody can be sent there",
        FindingCode::NameResolver => "it resolves names, in which data can leave unseen",
        _ => "its names hold addresses, also private ones",
    }
}

fn way(asked: &Route, found: &mut Vec<Finding>) {
    if let Some(address) = asked.connect_to {
        let class = AddressClass::of(address);
        let code = if class == AddressClass::Public {
            FindingCode::FixedAddress
        } else if class == AddressClass::Metadata {
            FindingCode::MetadataAddress
        } else {
            FindingCode::PrivateAddress
        };
        let words = format!(
            "it dials {address}, {}, whatever the name says",
            class.words()
        );
        found.push(Finding::new(code, words));
    }
    if asked.allow_private {
        found.push(Finding::new(
            FindingCode::PrivateAddress,
            "its name may lead to private, loopback and link-local addresses",
        ));
    }
    for port in &asked.ports {
        let (code, words) = match port {
            443 => continue,
            80 => (
                FindingCode::PlainText,
                String::from("port 80: whoever is on the way reads and changes it"),
            ),
            _ => (
                FindingCode::OddPort,
                format!("port {port} is not that of the web"),
            ),
        };
        found.push(Finding::new(code, words));
    }
}

fn terms(asked: &Route, found: &mut Vec<Finding>) {
    if asked.tls == Tls::Splice {
        found.push(Finding::new(
            FindingCode::NotLookedInto,
            "its connections pass unread: no method, path or secret is looked at",
        ));
    }
    let weak = match asked.scan.request {
        ScanMode::Block | ScanMode::Redact => None,
        ScanMode::Warn => Some("secrets in its requests are told of and leave all the same"),
        ScanMode::Off => Some("its requests are not searched for secrets"),
    };
    if let Some(words) = weak.filter(|_| asked.tls != Tls::Splice) {
        found.push(Finding::new(FindingCode::ScanWeakened, words));
    }
    exempted(asked, &asked.scan_pass, found);
    if asked.websocket {
        found.push(Finding::new(
            FindingCode::Websocket,
            "a request may go on as a stream of which nothing more is judged",
        ));
    }
    for path in asked.paths.iter().filter(|path| names_push(path)) {
        found.push(Finding::new(
            FindingCode::GitPush,
            format!(
                "the path `{path}` is that of a push, which egress never lets out",
                path = path.as_str()
            ),
        ));
    }
}

/// Whether a pattern is meant for pushes: it names their service, or a part of a segment
/// that could be it.
fn names_push(path: &PathPattern) -> bool {
    let path = path.as_str();
    if git::names_it(path) {
        return true;
    }
    let Ok(push) = CanonicalPath::parse("/git-receive-pack") else {
        return false;
    };
    path.split('/').any(|segment| {
        let has_both = segment.contains('*') && segment.chars().any(|c| c != '*');
        let alone = PathPattern::parse(&format!("/{segment}"));
        has_both && alone.is_ok_and(|alone| alone.may_match(&push))
    })
}

#[cfg(test)]
mod tests;
