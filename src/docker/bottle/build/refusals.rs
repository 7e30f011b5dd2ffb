//! What a build's egress refused, in words that say what to do.

use std::collections::BTreeSet;

use crate::policy::Reason;
use crate::wire::LoggedRefusal;

/// Places that are told; a step that tries more has been told enough.
const TOLD: usize = 64;

/// What was refused so far, each place and reason once.
#[derive(Debug)]
pub(super) struct Refusals {
    template: String,
    told: BTreeSet<LoggedRefusal>,
}

impl Refusals {
    /// None so far, for builds of this template.
    pub(super) fn of(template: &str) -> Self {
        Self {
            template: template.to_owned(),
            told: BTreeSet::new(),
        }
    }

    /// Reads a line of the log of egress; gives the words for a refusal that is new.
    pub(super) fn hear(&mut self, line: &[u8]) -> Option<String> {
        let refusal = LoggedRefusal::read(&String::from_utf8_lossy(line))?;
        if self.told.contains(&refusal) || self.told.len() == TOLD {
            return None;
        }
        let words = self.in_words(&refusal);
        self.told.insert(refusal);
        Some(words)
    }

    /// All of them in words.
    pub(super) fn words(&self) -> Vec<String> {
        let told = self.told.iter();
        told.map(|refusal| self.in_words(refusal)).collect()
    }

    fn in_words(&self, LoggedRefusal { place, reason }: &LoggedRefusal) -> String {
        let place = place.escape_debug();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the others are no matter of a route that is missing"
        )]
        match reason {
            Reason::HostNotAllowed
            | Reason::PortNotAllowed
            | Reason::MethodNotAllowed
            | Reason::PathNotAllowed => format!(
                "egress refused {place}: add it to build.routes of the template {}",
                self.template
            ),
            Reason::PrivateAddress => format!(
                "egress refused {place}, whose address is private: if it is meant, say allow_private on its route in build.routes of the template {}",
                self.template
            ),
            other => format!("egress refused {place} ({})", other.code()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_is_told_once_with_what_to_do() {
        let mut refusals = Refusals::of("rust");
        let unlisted = b"refused CONNECT registry.example:443 (host_not_allowed)";
        let words =
            "egress refused registry.example:443: add it to build.routes of the template rust";
        assert_eq!(refusals.hear(unlisted).as_deref(), Some(words));
        assert_eq!(refusals.hear(unlisted), None);
        assert_eq!(refusals.hear(b"let out CONNECT a.example:443"), None);
        let denied = refusals.hear(b"refused GET b.example:80/x (route_denied)");
        assert_eq!(
            denied.as_deref(),
            Some("egress refused b.example:80 (route_denied)")
        );
        assert_eq!(refusals.words().len(), 2);
    }

    #[test]
    fn a_step_that_tries_every_name_is_not_told_for_each() {
        let mut refusals = Refusals::of("rust");
        let told = (0..1000).filter(|n| {
            let line = format!("refused CONNECT n{n}.example:443 (host_not_allowed)");
            refusals.hear(line.as_bytes()).is_some()
        });
        assert_eq!(told.count(), TOLD);
    }
}
