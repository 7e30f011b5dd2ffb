//! What is risky in something that an agent asks for, in words for the operator.
//!
//! Nothing here decides: a finding is a reason to look, and its severity says how hard.
//! Words never repeat a secret, and what they repeat of the agent's text is short,
//! printable ASCII. It must not know of containers, files or terminals.

mod code;
mod dockerfile;
mod effect;
mod lookalike;
mod route;
mod shell;
mod shown;
mod sites;

use serde::{Deserialize, Serialize};

pub use code::{FindingCode, Severity};
pub use dockerfile::{CELLAR_PATHS, dockerfile_findings};
pub use effect::diff_words;
pub use route::{route_findings, scan_pass_findings};
pub(super) use shown::is_hidden;

/// Something that an operator should know before he says yes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Whether it was there before, in lines that the change leaves as they were.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub old: bool,
    /// Where it is, from 1; `None` for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What it is.
    pub code: FindingCode,
    /// The same for a reader.
    pub words: String,
}

impl Finding {
    fn new(code: FindingCode, words: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            old: false,
            line: None,
            code,
            words: words.into(),
        }
    }

    fn at(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }
}

/// Worst first, what is new before what was there, each once.
fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|one, two| {
        let worst = two.severity.cmp(&one.severity);
        worst.then_with(|| one.cmp(two))
    });
    findings.dedup();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_it_is_written() {
        let finding = Finding::new(FindingCode::UserRoot, "x").at(3);
        let text = serde_json::to_string(&finding).unwrap();
        assert_eq!(
            text,
            r#"{"severity":"needs_yes","line":3,"code":"user_root","words":"x"}"#
        );
        assert_eq!(serde_json::from_str::<Finding>(&text).unwrap(), finding);
    }

    #[test]
    fn the_worst_comes_first_and_what_is_new_before_what_was_there() {
        let note = Finding::new(FindingCode::NewHost, "a");
        let mut old = Finding::new(FindingCode::UserRoot, "b").at(1);
        old.old = true;
        let late = Finding::new(FindingCode::UserRoot, "b").at(9);
        let refused = Finding::new(FindingCode::HiddenText, "c").at(12);
        let found = in_order(vec![
            note.clone(),
            old.clone(),
            late.clone(),
            refused.clone(),
            late.clone(),
        ]);
        assert_eq!(found, [refused, late, old, note]);
    }
}
