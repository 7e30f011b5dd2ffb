//! One yes to several requests, each of which was shown in a line.
//!
//! What one line cannot show, and what needs a yes of its own, is set apart and said so.
//! Several requests of one bottle are shown each against what those before it make of the
//! bottle, so that each yes names the content and the spec that it was shown with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::inbox::{Looked, RequestLook, RequestRef, ShownRequest};
use crate::policy::findings::{Finding, Severity};
use crate::request::Ask;
use crate::spec::Digest;

/// A request that the yes is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// It, as it is shown.
    pub shown: ShownRequest,
    /// What approving it would change, in one line. Hostile text.
    pub effect: String,
    /// What to know before a yes to it.
    pub notes: Vec<String>,
    /// Whether the operator was shown something else before.
    pub has_changed: bool,
}

/// A request that the yes is not for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetApart {
    /// It.
    pub request: RequestRef,
    /// What it asks for, in one line. Hostile text.
    pub what: String,
    /// Why it is answered by itself.
    pub why: String,
}

/// What must stay as it is for a look at a request to stay true: its content, whether it
/// waits, and the table of routes in force.
pub(super) type Stamp = Option<(Digest, bool, u64)>;

/// A yes to several requests before it is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// Which look-up tells of it.
    pub ticket: u64,
    /// Whether it is being looked up.
    pub is_looking: bool,
    /// What the yes is for, in the order in which it would be done.
    pub entries: Vec<Approval>,
    /// What it is not for.
    pub apart: Vec<SetApart>,
    /// Questions among them, which want an answer and no yes.
    pub questions: usize,
    /// What is to be looked up, with how it stood then.
    pub(super) wanted: Vec<(RequestRef, Stamp)>,
}

/// What a line of the question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalLine {
    /// A request and its effect.
    Effect,
    /// What to know of the request above.
    Note,
    /// That the request above is another than was shown before.
    Changed,
    /// A request that is set apart, or that some are.
    Apart,
    /// Anything else.
    Plain,
}

impl RequestLook {
    /// Why one line does not show all of it, or a yes to several is none to it.
    #[must_use]
    pub fn set_apart(&self, ask: &Ask) -> Option<String> {
        if let Some(why) = self.refusal() {
            return Some(format!("it cannot be approved as it is: {why}"));
        }
        if let Some(finding) = self.needing_yes().next() {
            return Some(format!("it needs a yes of its own: {}", finding.words));
        }
        match ask {
            Ask::Image { .. } => Some(String::from("its Dockerfile is to be read line by line")),
            Ask::McpServer(_) => Some(String::from("what it would run or reach is to be read")),
            Ask::Question { .. } => Some(String::from("it is a question")),
            Ask::Route(_) | Ask::Packages { .. } | Ask::ScanPass(_) if !self.has_step => Some(
                String::from("it cannot be granted as it is: a there says why"),
            ),
            Ask::Route(_) | Ask::Packages { .. } | Ask::ScanPass(_) => None,
        }
    }

    /// What to know before a yes that is no reason for one of its own.
    fn warnings(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(|one| one.severity == Severity::Warn && !one.old)
    }
}

impl Approvals {
    /// Takes what was looked up. What differs from what was shown before is marked.
    pub(super) fn take(&mut self, looked: Vec<(Looked, Ask)>) {
        let before = std::mem::take(&mut self.entries);
        let was_shown = |request: &RequestRef| {
            let mut entries = before.iter();
            entries.find(|entry| entry.shown.request == *request)
        };
        self.is_looking = false;
        for (Looked { request, result }, ask) in looked {
            let look = match result {
                Ok(look) => look,
                Err(why) => {
                    self.set_apart(request, ask.words(), why);
                    continue;
                }
            };
            if let Some(why) = look.set_apart(&ask) {
                let what = look.effect.clone();
                self.set_apart(request, what, why);
                continue;
            }
            let notes: Vec<String> = look.warnings().map(|one| one.words.clone()).collect();
            let shown = ShownRequest {
                request,
                content: look.content,
                spec: look.spec,
            };
            let has_changed = was_shown(&shown.request).is_some_and(|before| {
                before.has_changed
                    || before.shown != shown
                    || before.effect != look.effect
                    || before.notes != notes
            });
            self.entries.push(Approval {
                shown,
                effect: look.effect.clone(),
                notes,
                has_changed,
            });
        }
    }

    pub(super) fn set_apart(&mut self, request: RequestRef, what: String, why: String) {
        self.apart.retain(|one| one.request != request);
        self.apart.push(SetApart { request, what, why });
    }

    /// The requests as they are shown.
    #[must_use]
    pub fn shown(&self) -> Vec<ShownRequest> {
        let entries = self.entries.iter();
        entries.map(|entry| entry.shown.clone()).collect()
    }

    /// How many bottles it changes.
    #[must_use]
    pub fn bottles(&self) -> usize {
        let entries = self.entries.iter();
        let bottles: BTreeSet<_> = entries.map(|entry| &entry.shown.request.bottle).collect();
        bottles.len()
    }

    /// What the question says, line by line, each to be wrapped and none to be cut.
    #[must_use]
    pub fn lines(&self) -> Vec<(ApprovalLine, String)> {
        let mut lines = Vec::new();
        let mut put = |line, text: String| lines.push((line, text));
        match (self.is_looking, self.entries.is_empty()) {
            (true, _) => put(
                ApprovalLine::Plain,
                String::from("Looking up what each would change …"),
            ),
            (false, true) => put(
                ApprovalLine::Plain,
                String::from("Nothing of it can be approved together."),
            ),
            (false, false) => put(
                ApprovalLine::Plain,
                String::from("Each for its own bottle, until you take it back:"),
            ),
        }
        for entry in &self.entries {
            let name = entry.shown.request.name();
            put(ApprovalLine::Effect, format!("{name}  {}", entry.effect));
            if entry.has_changed {
                let text = String::from("changed since you were shown it: read it again");
                put(ApprovalLine::Changed, text);
            }
            for note in &entry.notes {
                put(ApprovalLine::Note, note.clone());
            }
        }
        if !self.apart.is_empty() || self.questions > 0 {
            put(ApprovalLine::Plain, String::new());
            put(
                ApprovalLine::Plain,
                String::from("Left out, to be answered by themselves in the inbox (i):"),
            );
        }
        for one in &self.apart {
            let name = one.request.name();
            put(
                ApprovalLine::Apart,
                format!("{name}  {}: {}", one.what, one.why),
            );
        }
        match self.questions {
            0 => {}
            1 => put(ApprovalLine::Apart, String::from("a question")),
            many => put(ApprovalLine::Apart, format!("{many} questions")),
        }
        lines
    }
}

/// Several yeses on their way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approving {
    /// Those that were not heard of yet.
    pub waiting: BTreeSet<RequestRef>,
    /// How many there were.
    pub total: usize,
    /// What did not come to be, each with why.
    pub failed: Vec<String>,
}

impl Approving {
    /// How far it is, in words.
    pub(super) fn words(&self) -> String {
        let done = self.total - self.waiting.len() - self.failed.len();
        let failed = match self.failed.len() {
            0 => String::new(),
            failed => format!(", {failed} not"),
        };
        if self.waiting.is_empty() {
            format!("{done} approved{failed}")
        } else {
            format!("approved: {done} of {}{failed}", self.total)
        }
    }
}
