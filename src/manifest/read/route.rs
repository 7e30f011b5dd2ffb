//! Routes: what may leave the bottle.

mod place;
mod terms;

use std::collections::BTreeSet;

use jsonc_parser::ast::Value;

use super::shape::{Fields, Reader, Shape, suggest};
use crate::policy::{
    Auth, HostPattern, Preset, Provenance, Route, RouteProblem, RouteRole, RouteSet, Scan,
    ScanMode, SecretName, Unlisted, presets,
};

const ROUTE: Shape = Shape {
    what: "a route",
    form: FORM,
    known: &[
        "host",
        "ports",
        "methods",
        "paths",
        "auth",
        "role",
        "tls",
        "scan",
        "websocket",
        "budget",
        "connect_to",
        "allow_private",
        "deny",
        "expires",
    ],
    refused: &[],
};

const PRESET: Shape = Shape {
    what: "a preset",
    form: FORM,
    known: &["preset", "auth", "role"],
    refused: &[],
};

const FORM: &str = "write it as { \"host\": \"example.com\" } or { \"preset\": \"pypi-read\" }";

/// What the values of one template's routes are read with.
#[derive(Debug)]
pub(super) struct RoutesOf<'t> {
    /// The template.
    pub(super) template: &'t str,
    /// The secrets that it names; `None` if they could not be read.
    pub(super) secrets: Option<BTreeSet<SecretName>>,
    /// What becomes of the rest.
    pub(super) unlisted: Unlisted,
}

impl Reader {
    /// The routes of one template, its presets spelt out.
    pub(super) fn routes(&mut self, value: &Value<'_>, of: &RoutesOf<'_>) -> Option<Vec<Route>> {
        let elements = self.list(
            value,
            "`routes`",
            "write it as [{ \"host\": \"example.com\" }]",
        )?;
        let before = self.problems.len();
        let mut routes: Vec<Route> = Vec::new();
        // Which element each route stands in.
        let mut origins: Vec<&Value<'_>> = Vec::new();
        for element in elements {
            let read = if is_preset(element) {
                self.preset(element, of)
            } else {
                self.route(element, of).map(|route| vec![route])
            };
            for route in read.unwrap_or_default() {
                if routes.iter().any(|earlier| is_twin(earlier, &route)) {
                    let message = format!("`{}` is routed twice", route.words());
                    let help = "keep one route for each host, port, method and path";
                    self.wrong_at(element, &message, help);
                }
                routes.push(route);
                origins.push(element);
            }
        }
        let set = RouteSet {
            routes,
            unlisted: of.unlisted,
            ..RouteSet::NONE
        };
        for problem in set.problems() {
            if let Some(element) = problem.at().and_then(|at| origins.get(at)) {
                self.wrong_at(element, &problem.to_string(), advice(&problem));
            }
        }
        (self.problems.len() == before).then_some(set.routes)
    }

    fn route(&mut self, value: &Value<'_>, of: &RoutesOf<'_>) -> Option<Route> {
        let fields = self.fields(value, &ROUTE)?;
        let host = self.route_host(&fields);
        let ports = match fields.get("ports") {
            Some(value) => self.ports(value),
            None => Some(vec![443]),
        };
        let origin = Provenance::Template {
            name: of.template.to_owned(),
        };
        // The rest is read whatever these came to, so that all mistakes show.
        let before = self.problems.len();
        let nothing = HostPattern::parse("invalid.test").ok()?;
        let mut route = Route::to(host.clone().unwrap_or(nothing), Vec::new(), origin);
        self.way(&fields, &mut route);
        self.narrow(&fields, &mut route);
        self.inspection(&fields, &mut route);
        route.role = self.role(&fields);
        route.auth = self.auth(&fields, route.role, of);
        if route.role.is_some() && fields.get("scan").is_none() {
            route.scan = model_scan();
        }
        if route.auth.is_some() && host.as_ref().is_some_and(|host| host.exact().is_none()) {
            let help = "a credential goes to hosts that are named: write one route for each host";
            let place = fields.place.clone();
            self.wrong(
                &place,
                "a credential goes to whatever host a `*` stands for",
                help,
            );
        }
        route.ports = ports?;
        route.host = host?;
        (self.problems.len() == before).then_some(route)
    }

    fn preset(&mut self, value: &Value<'_>, of: &RoutesOf<'_>) -> Option<Vec<Route>> {
        let fields = self.fields(value, &PRESET)?;
        let before = self.problems.len();
        let found = fields.get("preset").and_then(|value| self.preset_of(value));
        let role = self.role(&fields);
        let auth = self.auth(&fields, role, of);
        let (name, preset) = found?;
        let mut routes = preset.routes(&name, of.template);
        match preset.model() {
            Some(model) => {
                for route in &mut routes {
                    route.auth.clone_from(&auth);
                }
                if let Some(route) = routes.get_mut(model) {
                    route.role = role;
                }
            }
            None if auth.is_some() || role.is_some() => {
                let message = format!("the preset `{name}` carries no credential");
                let help = "write the route that needs one with its own `host` and `auth`";
                self.wrong(&fields.place.clone(), &message, help);
            }
            None => {}
        }
        (self.problems.len() == before).then_some(routes)
    }

    fn preset_of(&mut self, value: &Value<'_>) -> Option<(String, Preset)> {
        let mut known = presets().unwrap_or_default();
        let names: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
        let help = format!("the presets are {}", names.join(", "));
        let name = self.text(value, "`preset`", &help)?;
        if let Some(preset) = known.remove(&name) {
            return Some((name, preset));
        }
        let help = suggest(&name, known.keys().map(String::as_str))
            .map_or(help, |near| format!("did you mean `{near}`?"));
        self.wrong_at(value, &format!("there is no preset `{name}`"), help);
        None
    }

    fn role(&mut self, fields: &Fields<'_>) -> Option<RouteRole> {
        let value = fields.get("role")?;
        let words = RouteRole::ALL.map(RouteRole::as_str);
        let role = self.word(value, "`role`", &words)?;
        let role = RouteRole::ALL
            .into_iter()
            .find(|known| known.as_str() == role);
        if role.is_some() && fields.get("auth").is_none() {
            let help = "add \"auth\": { \"secret\": \"name\" } with a name from `secrets`";
            self.wrong_at(
                value,
                "a role says how a credential is used, and none is named",
                help,
            );
        }
        role
    }

    /// One of several words.
    fn word(
        &mut self,
        value: &Value<'_>,
        what: &str,
        words: &[&'static str],
    ) -> Option<&'static str> {
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let help = format!("write {}", quoted.join(" or "));
        let text = self.text(value, what, &help)?;
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Some(word);
        }
        let help = suggest(&text, words.iter().copied())
            .map_or(help, |near| format!("did you mean \"{near}\"?"));
        self.wrong_at(value, &format!("{what} cannot be \"{text}\""), help);
        None
    }
}

/// What goes to a model is a conversation: what looks like a secret in it is told and
/// not cut out, for that would end the turn.
const fn model_scan() -> Scan {
    Scan {
        request: ScanMode::Warn,
        response: ScanMode::Off,
    }
}

fn is_preset(value: &Value<'_>) -> bool {
    let Value::Object(object) = value else {
        return false;
    };
    let mut names = object
        .properties
        .iter()
        .map(|property| property.name.as_str());
    names.any(|name| name == "preset")
}

/// Whether two routes speak of the same requests.
fn is_twin(one: &Route, other: &Route) -> bool {
    let of = |route: &Route| (route.methods.clone(), route.paths.clone(), route.effect);
    one.host == other.host
        && one.ports.iter().any(|port| other.ports.contains(port))
        && of(one) == of(other)
}

const fn advice(problem: &RouteProblem) -> &'static str {
    match problem {
        RouteProblem::RoleTwice { .. } => "keep the role on one of them",
        RouteProblem::SplicedDetail { .. } => {
            "take \"tls\": \"splice\" out, or what cannot be judged without a look inside"
        }
        RouteProblem::MixedTls { .. } => "write the same `tls` in both",
        RouteProblem::MixedWay { .. } => "write the same `connect_to` and `allow_private` in both",
        RouteProblem::RedactedModel { .. } => "write \"warn\" or \"block\" in place of \"redact\"",
        RouteProblem::DenyWithDetail { .. } => "keep `host`, `ports`, `methods` and `paths` alone",
        RouteProblem::NoPorts { .. } => "add \"ports\": [443]",
        RouteProblem::BudgetTwice => "keep one budget for each thing and time",
        RouteProblem::BudgetOfNothing => "write an amount above 0",
        RouteProblem::AskSeconds => "write a time between \"5s\" and \"10m\"",
    }
}

/// A name of a secret that `secrets` holds.
fn is_known(of: &RoutesOf<'_>, auth: &Auth) -> bool {
    of.secrets
        .as_ref()
        .is_none_or(|names| names.contains(&auth.secret))
}
