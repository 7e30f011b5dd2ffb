//! What a change of a text changes, line by line, for a pane that draws it.

use serde::{Deserialize, Serialize};
use similar::{Algorithm, ChangeTag, DiffOp, capture_diff_slices};

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LineChange {
    /// It stays.
    Kept,
    /// It is new.
    Added,
    /// It goes.
    Removed,
}

/// One line of a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffLine {
    /// What becomes of it.
    pub change: LineChange,
    /// Its number before, from 1.
    pub before: Option<u32>,
    /// Its number after, from 1.
    pub after: Option<u32>,
    /// The line without its end; what no terminal should be sent is escaped.
    pub text: String,
}

/// Lines that changed, with some around them that did not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Hunk {
    /// The lines, in order.
    pub lines: Vec<DiffLine>,
}

/// A change of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LineDiff {
    /// Its hunks, in order; none if nothing changed.
    pub hunks: Vec<Hunk>,
    /// How many lines are new.
    pub added: usize,
    /// How many lines go.
    pub removed: usize,
}

impl LineDiff {
    /// Compares two texts. A line's end counts as part of it only in that `\r` is shown.
    #[must_use]
    pub fn of(before: &str, after: &str) -> Self {
        let (old, new) = (lines(before), lines(after));
        let mut diff = Self::default();
        let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
        for group in similar::group_diff_ops(ops, CONTEXT) {
            let mut hunk = Hunk { lines: Vec::new() };
            for change in group.iter().flat_map(|op| op.iter_changes(&old, &new)) {
                let kind = match change.tag() {
                    ChangeTag::Equal => LineChange::Kept,
                    ChangeTag::Insert => LineChange::Added,
                    ChangeTag::Delete => LineChange::Removed,
                };
                diff.added += usize::from(kind == LineChange::Added);
                diff.removed += usize::from(kind == LineChange::Removed);
                hunk.lines.push(DiffLine {
                    change: kind,
                    before: change.old_index().and_then(number),
                    after: change.new_index().and_then(number),
                    text: shown_line(change.value()),
                });
            }
            diff.hunks.push(hunk);
        }
        diff
    }

    /// `+2 -0 lines`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("+{} \u{2212}{} lines", self.added, self.removed)
    }
}

/// For each line of a text, from 1, the line that it was before, if it was there.
pub(super) fn kept(before: &str, after: &str) -> std::collections::BTreeMap<u32, u32> {
    let (old, new) = (lines(before), lines(after));
    let mut kept = std::collections::BTreeMap::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            let pairs =
                (0..len).filter_map(|at| Some((number(new_index + at)?, number(old_index + at)?)));
            kept.extend(pairs);
        }
    }
    kept
}

fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines
}

fn number(index: usize) -> Option<u32> {
    u32::try_from(index + 1).ok()
}

/// A line with everything escaped that is not printed as one character in its place:
/// controls, marks that reorder, what has no width.
#[must_use]
pub fn shown_line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' => out.push_str("    "),
            '\'' | '"' | '\\' => out.push(c),
            _ if super::findings::is_hidden(c) => out.extend(c.escape_unicode()),
            _ => out.extend(c.escape_debug()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(diff: &LineDiff) -> Vec<String> {
        let tell = |line: &DiffLine| {
            let sign = match line.change {
                LineChange::Kept => ' ',
                LineChange::Added => '+',
                LineChange::Removed => '-',
            };
            let place = |number: Option<u32>| number.map_or(String::from("."), |n| n.to_string());
            format!(
                "{sign}{}:{} {}",
                place(line.before),
                place(line.after),
                line.text
            )
        };
        diff.hunks
            .iter()
            .flat_map(|hunk| hunk.lines.iter().map(tell))
            .collect()
    }

    #[test]
    fn a_change_is_told_with_the_lines_around_it() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let after = "a\nb\nc\nd\nX\nf\ng\nh\ni\n";
        let diff = LineDiff::of(before, after);
        assert_eq!(
            told(&diff),
            [
                " 2:2 b", " 3:3 c", " 4:4 d", "-5:. e", "+.:5 X", " 6:6 f", " 7:7 g", " 8:8 h",
                "+.:9 i"
            ]
        );
        assert_eq!((diff.added, diff.removed), (2, 1));
        assert_eq!(diff.words(), "+2 \u{2212}1 lines");
        assert_eq!(LineDiff::of(before, before), LineDiff::default());
    }

    #[test]
    fn what_no_terminal_should_be_sent_is_escaped() {
        let diff = LineDiff::of("", "a\u{1b}[2J\u{202e}\u{200b}\u{e9}\t\"\\'\r");
        assert_eq!(
            told(&diff),
            ["+.:1 a\\u{1b}[2J\\u{202e}\\u{200b}\u{e9}    \"\\'\\r"]
        );
    }

    proptest::proptest! {
        #[test]
        fn kept_lines_are_the_same_in_both(before in "[ab\n]{0,40}", after in "[ab\n]{0,40}") {
            let (old, new) = (lines(&before), lines(&after));
            for (now, then) in kept(&before, &after) {
                proptest::prop_assert_eq!(old[then as usize - 1], new[now as usize - 1]);
            }
            let diff = LineDiff::of(&before, &after);
            proptest::prop_assert_eq!(old.len() + diff.added, new.len() + diff.removed);
        }
    }
}
