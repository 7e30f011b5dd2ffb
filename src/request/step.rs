//! What a grant makes of a bottle: from one spec to the next.

use super::ask::Ask;
use super::record::{RequestRecord, Terms};
use crate::policy::Provenance;
use crate::spec::{ImageSource, Spec, line_changes};

/// One step from a spec to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The spec after it.
    pub spec: Spec,
    /// What it changes, in one line.
    pub words: String,
}

/// What granting this to a request makes of a spec; `None` for what changes no bottle.
/// Whether the result holds together is for [`crate::policy::RouteSet::problems`] to say.
#[must_use]
pub fn next_spec(spec: &Spec, request: u64, ask: &Ask, terms: Terms) -> Option<Step> {
    let mut next = spec.clone();
    let words = match ask {
        Ask::Question { .. } => return None,
        Ask::Route(asked) => {
            let mut route = asked.route(request);
            route.expires = terms.until;
            route.budget.requests = terms.uses;
            let words = format!("adds {}, no credential", route.words());
            // The same request again replaces what it gave before.
            let origin = Provenance::Request { id: request };
            next.routes.routes.retain(|there| there.origin != origin);
            next.routes.routes.push(route);
            words
        }
        Ask::Image { dockerfile } => {
            let before = match &spec.image {
                ImageSource::Dockerfile { text } => text.as_str(),
                ImageSource::Guest | ImageSource::Tag { .. } => "",
            };
            let (more, less) = line_changes(before, dockerfile);
            next.image = ImageSource::Dockerfile {
                text: dockerfile.clone(),
            };
            format!("image: +{more} −{less} lines")
        }
    };
    Some(Step { spec: next, words })
}

/// What taking back a grant makes of a spec; `None` if it cannot be told apart any more.
#[must_use]
pub fn without(spec: &Spec, record: &RequestRecord) -> Option<Step> {
    let (ask, _) = record.granted()?;
    if !matches!(ask, Ask::Route(_)) {
        return None;
    }
    let origin = Provenance::Request { id: record.id };
    let mut next = spec.clone();
    let gone: Vec<String> = next
        .routes
        .routes
        .extract_if(.., |route| route.origin == origin)
        .map(|route| route.words())
        .collect();
    if gone.is_empty() {
        return None;
    }
    let words = format!("removes {}", gone.join(", "));
    Some(Step { spec: next, words })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;
    use crate::policy::{HostName, Methods, RouteSet};
    use crate::request::{Answer, RequestState, RouteAsk, Source, Verdict};
    use crate::spec::{Limits, Observe, SPEC_VERSION, Session, Workspace};

    fn spec() -> Spec {
        Spec {
            version: SPEC_VERSION,
            agent: String::from("api"),
            template: String::from("rust"),
            image: ImageSource::Guest,
            session: Session {
                argv: vec![String::from("claude")],
                resume_argv: None,
                env: BTreeMap::new(),
                handed_over: Vec::new(),
                cwd: String::from("/workspace"),
                home_files: Vec::new(),
                observe: Observe::Output,
            },
            workspace: Workspace::None,
            limits: Limits::default(),
            uid: 1000,
            routes: RouteSet::NONE,
            upstream_ca: None,
            upstream_proxy: None,
            supervise: true,
            runtime: None,
        }
    }

    fn route() -> Ask {
        Ask::Route(RouteAsk {
            host: HostName::parse("pypi.org").unwrap().into(),
            ports: vec![443],
            methods: Methods::Any,
            paths: Vec::new(),
            websocket: false,
        })
    }

    #[test]
    fn a_route_is_added_on_the_terms_of_the_grant_and_only_once() {
        let old = spec();
        let terms = Terms {
            until: Some(Timestamp::UNIX_EPOCH),
            uses: Some(3),
            ..Terms::default()
        };
        let step = next_spec(&old, 4, &route(), terms).unwrap();
        assert_eq!(step.words, "adds pypi.org, no credential");
        let added = step.spec.routes.routes.last().unwrap();
        assert_eq!(added.expires, terms.until);
        assert_eq!(added.budget.requests, Some(3));
        let again = next_spec(&step.spec, 4, &route(), terms).unwrap();
        assert_eq!(again.spec, step.spec);
    }

    #[test]
    fn what_was_added_can_be_taken_back_alone() {
        let old = spec();
        let step = next_spec(&old, 4, &route(), Terms::default()).unwrap();
        let verdict = Verdict {
            answer: Answer::Approve {
                terms: Terms::default(),
                edited: None,
            },
            content: route().digest().unwrap(),
            spec: old.digest().unwrap(),
            at: Timestamp::UNIX_EPOCH,
        };
        let record = RequestRecord {
            id: 4,
            ask: route(),
            digest: route().digest().unwrap(),
            reason: String::new(),
            source: Source::Agent,
            first: Timestamp::UNIX_EPOCH,
            last: Timestamp::UNIX_EPOCH,
            times: 1,
            state: RequestState::Approved { verdict },
            delivered: None,
        };
        let back = without(&step.spec, &record).unwrap();
        assert_eq!(back.spec, old);
        assert_eq!(without(&old, &record), None);
    }
}
