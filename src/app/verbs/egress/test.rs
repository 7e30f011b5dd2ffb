//! `egress test`: the decision that egress would make, made here by the same rules.

use jiff::Timestamp;
use serde::Serialize;

use super::super::super::cellar::Cellar;
use super::super::super::exit::{Exit, Failure};
use super::super::super::hub;
use super::super::super::output::Output;
use super::super::super::place::Place;
use super::super::printing;
use crate::policy::{Denial, Method, Reason, RequestAsk, Route, RouteSet, Tls, Unlisted};
use crate::spec::BottleId;

/// What is asked.
pub(super) struct Question {
    place: Place,
    method: Method,
    is_websocket: bool,
}

/// The verdict, as JSON and in words.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "EgressAnswer"))]
pub(in crate::app::verbs) struct Answer<'a> {
    /// Whether it would be let out.
    allowed: bool,
    /// Why not: a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// Whether the operator would be asked before it is refused.
    held: bool,
    /// The route that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a Route>,
    /// Its number in `cellar egress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    /// Whether these routes were heard from egress, or are those on record.
    in_force: bool,
}

impl Question {
    /// Reads what was typed.
    ///
    /// # Errors
    /// [`Failure`] with [`Exit::Usage`].
    pub(super) fn read(url: &str, method: &str, is_websocket: bool) -> Result<Self, Failure> {
        let usage = |attempt: &str, error: &dyn std::error::Error| {
            Failure::new(attempt, error).exit(Exit::Usage)
        };
        Ok(Self {
            place: Place::parse(url).map_err(|error| usage("read the address", &error))?,
            method: Method::parse(method).map_err(|error| usage("read the method", &error))?,
            is_websocket,
        })
    }

    fn ask<'a>(&self, routes: &'a RouteSet, now: Timestamp, in_force: bool) -> Answer<'a> {
        let refused = |denial: Denial, held: bool| Answer {
            allowed: false,
            reason: Some(denial.reason),
            held,
            route: None,
            number: None,
            in_force,
        };
        let place = &self.place;
        let permit = match routes.decide(&place.host, place.port, now) {
            Ok(permit) => permit,
            Err(denial) => {
                let asks = matches!(routes.unlisted, Unlisted::Ask { .. });
                let is_unlisted = matches!(
                    denial.reason,
                    Reason::HostNotAllowed | Reason::PortNotAllowed | Reason::RouteExpired
                );
                return refused(denial, asks && is_unlisted);
            }
        };
        let ask = RequestAsk {
            scheme: place.scheme,
            method: self.method.as_str(),
            path: &place.path,
            query: place.query.as_deref(),
            is_websocket: self.is_websocket,
        };
        let number = match permit.tls() {
            // What passes unread is not judged.
            Tls::Splice => None,
            Tls::Intercept => match permit.request(&ask, now) {
                Ok(grant) => Some(grant.route),
                Err(denial) => return refused(denial, false),
            },
        };
        Answer {
            allowed: true,
            reason: None,
            held: false,
            route: number.and_then(|number| routes.routes.get(number)),
            number: number.map(|number| number + 1),
            in_force,
        }
    }
}

impl Answer<'_> {
    fn words(&self) -> String {
        let verdict = match (self.allowed, self.reason, self.route) {
            (true, _, Some(route)) => {
                let credential = match &route.auth {
                    Some(auth) => format!(", with the credential {}", auth.secret),
                    None => String::new(),
                };
                let number = self.number.unwrap_or_default();
                format!("allowed by route {number}, {}{credential}", route.words())
            }
            (true, _, None) => String::from("allowed, and not looked into"),
            (false, Some(reason), _) if self.held => {
                format!("held until you answer: {}", reason.code())
            }
            (false, reason, _) => format!("refused: {}", reason.map_or("", Reason::code)),
        };
        if self.in_force {
            verdict
        } else {
            format!("{verdict} (by the routes on record: the bottle does not answer)")
        }
    }
}

pub(super) async fn test(
    out: &mut Output,
    cellar: &Cellar,
    id: &BottleId,
    question: &Question,
    is_json: bool,
) -> Result<Exit, Failure> {
    let view = hub::look(&*cellar.engine, id).await;
    let (routes, in_force) = if let Some(there) = view.and_then(|view| view.routes) {
        (there.routes, true)
    } else {
        let record = cellar
            .store
            .record(id)
            .map_err(|error| Failure::new(format!("read the record of `{id}`"), &error))?;
        (record.spec.routes, false)
    };
    let answer = question.ask(&routes, Timestamp::now(), in_force);
    if is_json {
        out.json(&answer).map_err(printing)?;
    } else {
        out.line(&answer.words()).map_err(printing)?;
    }
    Ok(if answer.allowed {
        Exit::Done
    } else {
        Exit::Failed
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostPattern, Provenance};

    fn words(routes: &RouteSet, url: &str) -> String {
        let question = Question::read(url, "GET", false).ok().unwrap();
        question.ask(routes, Timestamp::UNIX_EPOCH, true).words()
    }

    #[test]
    fn the_answer_names_the_route_or_the_reason() {
        let host = HostPattern::parse("api.example.com").unwrap();
        let mut routes = RouteSet::of(vec![Route::to(host, vec![443], Provenance::Operator)]);
        for (url, expected) in [
            (
                "https://api.example.com/x",
                "allowed by route 1, api.example.com",
            ),
            ("http://api.example.com/x", "refused: port_not_allowed"),
            ("https://other.example.com/", "refused: host_not_allowed"),
        ] {
            assert_eq!(words(&routes, url), expected, "{url}");
        }
        routes.unlisted = Unlisted::Ask { seconds: 30 };
        assert_eq!(
            words(&routes, "https://other.example.com/"),
            "held until you answer: host_not_allowed"
        );
        if let Some(route) = routes.routes.first_mut() {
            route.tls = Tls::Splice;
        }
        assert_eq!(
            words(&routes, "https://api.example.com/x"),
            "allowed, and not looked into"
        );
    }

    #[test]
    fn what_was_typed_wrongly_is_a_usage_error() {
        assert!(Question::read("ftp://x", "GET", false).is_err());
        assert!(Question::read("https://a.example.com", "get", false).is_err());
    }
}
