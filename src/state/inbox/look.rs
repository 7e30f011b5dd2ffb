//! What approving a request would do, as it was looked up for the operator.

use serde::{Deserialize, Serialize};

use super::RequestRef;
use crate::policy::findings::{Finding, Severity};
use crate::policy::{LineDiff, Route};
use crate::request::{Ask, RequestRecord, RequestState, RouteAsk, Terms, next_spec};
use crate::spec::{Digest, ImageSource, Spec, changes};

/// What was looked up of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Which.
    pub request: RequestRef,
    /// What was found, or why nothing could be.
    pub result: Result<Box<RequestLook>, LookFailure>,
}

/// Why a request could not be looked up, for the operator.
pub type LookFailure = String;

/// Exactly what an answer would be given for, and what it would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLook {
    /// The digest of the request's content.
    pub content: Digest,
    /// The digest of the spec that all of this stands against.
    pub spec: Digest,
    /// What approving it would change, or what came of it, in one line. Hostile text.
    pub effect: String,
    /// Whether this version knows what approving it makes of the bottle.
    pub has_step: bool,
    /// What tells the spec after it from the one before, one line each.
    pub changes: Vec<String>,
    /// The Dockerfile's change, if it has one.
    pub image: Option<ImageLook>,
    /// Routes that are there already for the same hosts, with where they came from.
    pub beside: Vec<String>,
    /// What to know before a yes, worst first.
    pub findings: Vec<Finding>,
    /// Why nobody can vouch for it, so that it cannot be approved as it is.
    pub unreadable: Option<String>,
}

/// The change of a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLook {
    /// What the image is now, in words.
    pub now: String,
    /// The change, line by line; made safe to show.
    pub diff: LineDiff,
}

impl RequestLook {
    /// Looks at a request against a spec. With `edited` it is what the operator made of
    /// it; `found` is what there is to know before a yes, or why that cannot be told.
    #[must_use]
    pub fn of(
        spec: &Spec,
        digest: Digest,
        request: &RequestRecord,
        edited: Option<&Ask>,
        found: Result<Vec<Finding>, String>,
    ) -> Self {
        let ask = edited.unwrap_or(&request.ask);
        let step = next_spec(spec, request.id, ask, Terms::default());
        let image = image(spec, step.as_ref().map_or(spec, |step| &step.spec));
        let is_pending = matches!(request.state, RequestState::Pending);
        let effect = match (&request.state, &step) {
            (RequestState::Applied { outcome, .. }, _) => outcome.words.clone(),
            (_, Ok(step)) => step.words.clone(),
            (_, Err(_)) => ask.words(),
        };
        let unreadable = found.as_ref().err().cloned();
        Self {
            content: request.digest,
            spec: digest,
            effect,
            has_step: step.is_ok(),
            changes: step
                .ok()
                .filter(|_| is_pending)
                .map(|step| changes(spec, &step.spec))
                .unwrap_or_default(),
            image,
            beside: match ask {
                Ask::Route(asked) => beside(spec, request.id, asked),
                Ask::Image { .. }
                | Ask::Packages { .. }
                | Ask::McpServer(_)
                | Ask::ScanPass(_)
                | Ask::Question { .. } => Vec::new(),
            },
            findings: found.unwrap_or_default(),
            unreadable,
        }
    }

    /// What was found that needs a yes of its own.
    pub fn needing_yes(&self) -> impl Iterator<Item = &Finding> {
        self.new_of(Severity::NeedsYes)
    }

    /// Why it cannot be approved as it is, if it cannot.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let refused = self.new_of(Severity::Refuse).next();
        let refused = refused.map(|finding| finding.words.clone());
        let unreadable = self.unreadable.as_ref();
        refused.or_else(|| unreadable.map(|problem| format!("failed to {problem}")))
    }

    fn new_of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(move |one| one.severity == severity && !one.old)
    }
}

fn image(spec: &Spec, next: &Spec) -> Option<ImageLook> {
    let ImageSource::Dockerfile { text: dockerfile } = &next.image else {
        return None;
    };
    if spec.image == next.image {
        return None;
    }
    let (now, before) = match &spec.image {
        ImageSource::Dockerfile { text } => (
            format!("a Dockerfile of {} lines", text.lines().count()),
            text.as_str(),
        ),
        ImageSource::Guest => (String::from("the built-in one"), ""),
        ImageSource::Tag { reference } => (reference.clone(), ""),
    };
    Some(ImageLook {
        now,
        diff: LineDiff::of(before, dockerfile),
    })
}

/// Routes to the same hosts that others than this request brought.
fn beside(spec: &Spec, request: u64, asked: &RouteAsk) -> Vec<String> {
    let own = asked.route(request);
    let is_near = |route: &&Route| route.host == own.host && route.origin != own.origin;
    let routes = spec.routes.routes.iter().filter(is_near);
    routes
        .map(|route| format!("{}, from {}", route.words(), route.origin.words()))
        .collect()
}
