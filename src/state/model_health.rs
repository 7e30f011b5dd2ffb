//! How the models that an agent talks with answer, as its egress saw it: when one last
//! answered, and whether the last answer was a no.
//!
//! This is the second clock of a bottle. A program that draws a spinner writes to its
//! terminal all the time; an answer of its model is progress. And it is how a limit or a
//! refused credential is told from work: egress is not the agent's word.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::phase::Doing;
use crate::wire::{DecisionRecord, Verdict};

/// Ends of the paths under which models are asked: Anthropic's, `OpenAI`'s two and Google's.
const ASKS: [&str; 5] = [
    "/v1/messages",
    "/chat/completions",
    "/v1/responses",
    ":generateContent",
    ":streamGenerateContent",
];

/// How its models answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ModelHealth {
    /// When one last answered well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Timestamp>,
    /// The no that was answered since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// When this session's fence was looked at, just before it began: what was refused
    /// before was refused to another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Timestamp>,
}

/// A model's no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refusal {
    /// What it means.
    pub kind: RefusalKind,
    /// The status of the last one.
    pub status: u16,
    /// Who said it. Hostile text.
    pub host: String,
    /// Since when it is said.
    pub since: Timestamp,
    /// How often it was said since.
    pub times: u32,
}

/// What a model's no means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// Too much was asked for; later it is answered again.
    Limited,
    /// The model has no room now.
    Overloaded,
    /// The credential is not taken: expired, withdrawn, or never the right one.
    Credential,
}

impl RefusalKind {
    /// What a status means: 401 and 403 (RFC 9110, 15.5), 429 (RFC 6585), 503, and 529 as
    /// Anthropic answers when it is overloaded. Another one is the request's own fault.
    const fn of(status: u16) -> Option<Self> {
        match status {
            401 | 403 => Some(Self::Credential),
            429 => Some(Self::Limited),
            503 | 529 => Some(Self::Overloaded),
            _ => None,
        }
    }

    /// What a session does that hears it.
    #[must_use]
    pub const fn doing(self) -> Doing {
        match self {
            Self::Limited | Self::Overloaded => Doing::Limited,
            Self::Credential => Doing::Expired,
        }
    }
}

impl Refusal {
    /// It in words, such as «rate limit: 429 from api.anthropic.com, 3 times».
    #[must_use]
    pub fn words(&self) -> String {
        let what = match self.kind {
            RefusalKind::Limited => "rate limit",
            RefusalKind::Overloaded => "overloaded",
            RefusalKind::Credential => "credential refused",
        };
        let times = match self.times {
            0 | 1 => String::new(),
            times => format!(", {times} times"),
        };
        format!("{what}: {} from {}{times}", self.status, self.host)
    }
}

impl ModelHealth {
    pub(super) fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Takes note of a decision of egress; says whether it changed anything.
    pub(crate) fn hear(&mut self, decision: &DecisionRecord) -> bool {
        let Some(request) = &decision.request else {
            return false;
        };
        let path = request.path.split('?').next().unwrap_or_default();
        let is_ask = ASKS.iter().any(|end| path.ends_with(end));
        // What egress itself refused says nothing of the model.
        let is_its_word = is_ask && decision.verdict == Verdict::Allowed;
        let Some(status) = request.status.filter(|_| is_its_word) else {
            return false;
        };
        if (200..300).contains(&status) {
            let took = SignedDuration::from_millis(i64::try_from(request.millis).unwrap_or(0));
            let ended = decision.at.checked_add(took).unwrap_or(decision.at);
            self.progress = self.progress.max(Some(ended));
            self.refusal = None;
            return true;
        }
        let Some(kind) = RefusalKind::of(status) else {
            return false;
        };
        if self.begun.is_some_and(|begun| decision.at < begun) {
            return false;
        }
        match &mut self.refusal {
            Some(known) if known.kind == kind => {
                known.status = status;
                known.host.clone_from(&decision.host);
                known.times = known.times.saturating_add(1);
            }
            place => {
                *place = Some(Refusal {
                    kind,
                    status,
                    host: decision.host.clone(),
                    since: decision.at,
                    times: 1,
                });
            }
        }
        true
    }

    /// A session begins now: what its models refused before is of no account.
    pub(crate) fn begin(&mut self, at: Timestamp) {
        self.begun = Some(at);
        if self.refusal.as_ref().is_some_and(|known| known.since < at) {
            self.refusal = None;
        }
    }

    /// A session begins or ended: what its models said before is of no account.
    pub(super) fn forget(&mut self) {
        self.refusal = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Reason;
    use crate::state::fixture::{Console, ago, running, session};
    use crate::wire::{Activity, HubToConsole, RequestFacts, Role, RoleReport};

    fn answer(seq: u64, path: &str, status: u16) -> DecisionRecord {
        DecisionRecord {
            seq,
            at: ago(60),
            method: String::from("POST"),
            host: String::from("api.anthropic.com"),
            port: 443,
            verdict: Verdict::Allowed,
            request: Some(RequestFacts {
                path: path.to_owned(),
                status: Some(status),
                millis: 2_000,
                ..RequestFacts::default()
            }),
            wants: None,
        }
    }

    const ASK: &str = "/v1/messages?…";

    #[test]
    fn an_answer_is_progress_and_ends_a_refusal() {
        let mut health = ModelHealth::default();
        assert!(health.hear(&answer(1, ASK, 429)));
        assert!(health.hear(&answer(2, ASK, 429)));
        let refusal = health.refusal.clone().unwrap();
        assert_eq!(
            refusal.words(),
            "rate limit: 429 from api.anthropic.com, 2 times"
        );
        assert_eq!(health.progress, None);
        assert!(health.hear(&answer(3, ASK, 200)));
        let known = ModelHealth {
            progress: Some(ago(58)),
            ..ModelHealth::default()
        };
        assert_eq!(health, known);
    }

    #[test]
    fn other_paths_and_statuses_and_refusals_of_egress_say_nothing() {
        let mut health = ModelHealth::default();
        assert!(!health.hear(&answer(1, "/simple/flask", 429)));
        assert!(!health.hear(&answer(2, ASK, 400)));
        let mut denied = answer(3, ASK, 403);
        denied.verdict = Verdict::Denied {
            reason: Reason::HostNotAllowed,
        };
        assert!(!health.hear(&denied));
        let mut tunnel = answer(4, ASK, 401);
        tunnel.request = None;
        assert!(!health.hear(&tunnel));
        assert!(health.is_unknown());
    }

    #[test]
    fn what_was_refused_before_this_session_began_is_not_its_own() {
        let mut health = ModelHealth::default();
        // Told in either order: a hub tells again what it kept.
        health.hear(&answer(1, ASK, 401));
        health.begin(ago(30));
        assert_eq!(health.refusal, None);
        assert!(!health.hear(&answer(2, ASK, 401)));
        let mut later = answer(3, ASK, 401);
        later.at = ago(10);
        assert!(health.hear(&later));
        health.begin(ago(30));
        assert!(health.refusal.is_some());
    }

    fn told(console: &mut Console, decision: DecisionRecord) {
        let report = RoleReport::Decision { decision };
        let role = Role::Egress;
        console.hub("api-k3x9q", HubToConsole::Report { role, report });
    }

    fn does(console: &mut Console, activity: Activity) {
        let report = RoleReport::Session {
            report: session(activity, 5),
        };
        let role = Role::Agent;
        console.hub("api-k3x9q", HubToConsole::Report { role, report });
    }

    fn word(console: &Console) -> &'static str {
        console.state.fleet.bottles()[0].phase.word()
    }

    #[test]
    fn a_limit_and_a_refused_credential_are_states_with_words_and_a_source() {
        let mut console = Console::with(120, 40, vec![running("api-k3x9q", 100)]);
        does(&mut console, Activity::Working);
        told(&mut console, answer(1, ASK, 529));
        assert_eq!(word(&console), "limited");
        let bottle = &console.state.fleet.bottles()[0];
        assert_eq!(bottle.source(), "egress");
        assert_eq!(bottle.since(), Some(ago(60)));
        assert_eq!(console.state.needs(), []);
        told(&mut console, answer(2, ASK, 401));
        assert_eq!(word(&console), "expired");
        let [need] = &console.state.needs()[..] else {
            panic!("one need")
        };
        assert_eq!(need.words, "credential refused: 401 from api.anthropic.com");
        told(&mut console, answer(3, ASK, 200));
        assert_eq!(word(&console), "working");
    }

    #[test]
    fn a_session_that_begins_anew_has_not_been_refused() {
        let mut console = Console::with(120, 40, vec![running("api-k3x9q", 100)]);
        does(&mut console, Activity::Idle);
        told(&mut console, answer(1, ASK, 429));
        assert_eq!(word(&console), "limited");
        does(&mut console, Activity::Starting);
        does(&mut console, Activity::Idle);
        assert_eq!(word(&console), "idle");
    }
}
