//! What roles write into their containers' logs, and how it is read there again: a build
//! has no hub, so its console follows the log of its egress.

use super::{DecisionRecord, RoleState, Verdict};
use crate::policy::Reason;

impl RoleState {
    /// The state in words, for a log.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Ready => String::from("ready"),
            Self::Degraded { why } => format!("degraded: {why}"),
            Self::Locked { missing } => format!("locked: no value for {}", missing.join(", ")),
            Self::Gone => String::from("ending"),
        }
    }

    /// Whether a line of a log says that the role serves now.
    #[must_use]
    pub fn is_serving_line(line: &str) -> bool {
        line == "ready" || line.starts_with("degraded: ") || line.starts_with("locked: ")
    }
}

impl DecisionRecord {
    /// The decision in words, for a log.
    #[must_use]
    pub fn words(&self) -> String {
        let Self {
            method, host, port, ..
        } = self;
        let path = self.request.as_ref().map_or("", |facts| &facts.path);
        match self.verdict {
            Verdict::Allowed => format!("let out {method} {host}:{port}{path}"),
            Verdict::Denied { reason } => {
                format!("refused {method} {host}:{port}{path} ({})", reason.code())
            }
        }
    }
}

/// A refusal that stands in the log of egress. Its place is the bottle's word.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoggedRefusal {
    /// Host and port, as `pkgs.test:443`.
    pub place: String,
    /// Why.
    pub reason: Reason,
}

impl LoggedRefusal {
    /// Reads a line of the log; `None` if it tells of something else.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let (_, rest) = line.strip_prefix("refused ")?.split_once(' ')?;
        let (target, code) = rest.strip_suffix(')')?.rsplit_once(" (")?;
        let reason = serde_json::from_value(code.into()).ok()?;
        let place = target.split('/').next().unwrap_or(target);
        Some(Self {
            place: place.to_owned(),
            reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::wire::RequestFacts;

    #[test]
    fn a_refusal_is_read_as_it_was_written() {
        for path in [None, Some("/a (b)/c")] {
            let decision = DecisionRecord {
                seq: 1,
                at: Timestamp::UNIX_EPOCH,
                method: String::from("CONNECT"),
                host: String::from("pkgs.test"),
                port: 443,
                verdict: Verdict::Denied {
                    reason: Reason::HostNotAllowed,
                },
                request: path.map(|path| RequestFacts {
                    path: path.to_owned(),
                    ..RequestFacts::default()
                }),
                wants: None,
            };
            let expected = LoggedRefusal {
                place: String::from("pkgs.test:443"),
                reason: Reason::HostNotAllowed,
            };
            assert_eq!(LoggedRefusal::read(&decision.words()), Some(expected));
            let verdict = Verdict::Allowed;
            let let_out = DecisionRecord {
                verdict,
                ..decision
            };
            assert_eq!(LoggedRefusal::read(&let_out.words()), None);
        }
        assert_eq!(LoggedRefusal::read("refused to say (why)"), None);
    }

    #[test]
    fn a_role_that_serves_says_so() {
        let why = String::from("no name server");
        for (state, serves) in [
            (RoleState::Ready, true),
            (RoleState::Degraded { why }, true),
            (RoleState::Gone, false),
        ] {
            assert_eq!(RoleState::is_serving_line(&state.words()), serves);
        }
    }
}
