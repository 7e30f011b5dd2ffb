//! A unified diff of one file, applied strictly: every line of context and every line that
//! goes must stand exactly where the diff says. What the operator is shown is the result,
//! so a guess of ours would be the agent's word in disguise.

/// How much of a line is said again.
const MAX_QUOTED_CHARS: usize = 80;

/// Why a diff cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatchProblem {
    /// No hunk at all.
    #[error(
        "apply the diff: it has no hunk; each begins like `@@ -3,2 +3,3 @@`, and its lines with a space, `-` or `+`"
    )]
    NoHunk,
    /// A line that belongs nowhere.
    #[error(
        "apply the diff: its line {line} is `{text}`; inside a hunk each line begins with a space, `-` or `+`, and a hunk like `@@ -3,2 +3,3 @@`"
    )]
    Stray { line: usize, text: String },
    /// More than one file.
    #[error(
        "apply the diff: it names a second file at its line {line}; only the Dockerfile can be changed"
    )]
    SecondFile { line: usize },
    /// A hunk has other lines than its head says.
    #[error(
        "apply the diff: the hunk at its line {line} says -{said_old} +{said_new} lines and has -{has_old} +{has_new}; count them again"
    )]
    Counts {
        line: usize,
        said_old: usize,
        said_new: usize,
        has_old: usize,
        has_new: usize,
    },
    /// A hunk begins before the one before it ends, or its two sides do not fit.
    #[error(
        "apply the diff: the hunk at its line {line} does not follow the one before; hunks are in order, do not overlap, and count the lines that others added"
    )]
    Order { line: usize },
    /// The current text reads otherwise.
    #[error(
        "apply the diff: line {at} of the current Dockerfile is `{there}`, not `{said}`; read it anew with list_capabilities and with_dockerfile, and make the diff against that"
    )]
    Elsewhere {
        at: usize,
        there: String,
        said: String,
    },
    /// The current text ends before.
    #[error(
        "apply the diff: the current Dockerfile has {lines} lines, and the diff speaks of line {at}"
    )]
    Beyond { at: usize, lines: usize },
}

/// One hunk, its lines in order.
struct Hunk<'d> {
    /// Where in the diff it begins, counted from 1.
    line: usize,
    old: Span,
    new: Span,
    has: Counts,
    edits: Vec<Edit<'d>>,
}

/// How many lines of the old and of the new text a hunk has.
#[derive(Clone, Copy, Default)]
struct Counts {
    old: usize,
    new: usize,
}

#[derive(Clone, Copy)]
struct Span {
    /// The first line, counted from 1; the line before where there are none.
    start: usize,
    lines: usize,
}

#[derive(Clone, Copy)]
enum Edit<'d> {
    Keep(&'d str),
    Drop(&'d str),
    Add(&'d str),
}

/// Applies a diff to a text. The result ends in a line break.
///
/// # Errors
/// [`PatchProblem`].
pub(super) fn apply(text: &str, diff: &str) -> Result<String, PatchProblem> {
    let hunks = hunks(diff)?;
    let old: Vec<&str> = text
        .strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .collect();
    let mut new: Vec<&str> = Vec::with_capacity(old.len());
    let mut at = 0;
    for hunk in &hunks {
        let start = hunk.old.index();
        let between = old.get(at..start).ok_or_else(|| {
            if start < at {
                PatchProblem::Order { line: hunk.line }
            } else {
                beyond(start, &old)
            }
        })?;
        new.extend_from_slice(between);
        if new.len() != hunk.new.index() {
            return Err(PatchProblem::Order { line: hunk.line });
        }
        at = start;
        for edit in &hunk.edits {
            match edit {
                Edit::Add(line) => new.push(line),
                Edit::Keep(line) => {
                    stands(&old, at, line)?;
                    new.push(line);
                    at += 1;
                }
                Edit::Drop(line) => {
                    stands(&old, at, line)?;
                    at += 1;
                }
            }
        }
    }
    new.extend(old.get(at..).unwrap_or_default());
    let mut result = new.join("\n");
    result.push('\n');
    Ok(result)
}

fn stands(old: &[&str], at: usize, line: &str) -> Result<(), PatchProblem> {
    match old.get(at) {
        Some(there) if *there == line => Ok(()),
        Some(there) => Err(PatchProblem::Elsewhere {
            at: at + 1,
            there: quoted(there),
            said: quoted(line),
        }),
        None => Err(beyond(at, old)),
    }
}

fn beyond(at: usize, old: &[&str]) -> PatchProblem {
    PatchProblem::Beyond {
        at: at.saturating_add(1),
        lines: old.len(),
    }
}

fn quoted(line: &str) -> String {
    let short: String = line.chars().take(MAX_QUOTED_CHARS).collect();
    short.escape_debug().to_string()
}

impl Span {
    /// The first line, counted from 0.
    const fn index(self) -> usize {
        if self.lines == 0 {
            self.start
        } else {
            self.start.saturating_sub(1)
        }
    }
}

/// Reads the hunks. Before the first one anything may stand that names one file.
fn hunks(diff: &str) -> Result<Vec<Hunk<'_>>, PatchProblem> {
    let mut hunks: Vec<Hunk<'_>> = Vec::new();
    let mut lines = diff
        .strip_suffix('\n')
        .unwrap_or(diff)
        .split('\n')
        .enumerate()
        .peekable();
    let mut files = 0;
    while let Some((index, text)) = lines.next() {
        let line = index + 1;
        if let Some((old, new)) = head(text) {
            let mut hunk = Hunk {
                line,
                old,
                new,
                has: Counts::default(),
                edits: Vec::new(),
            };
            while !hunk.is_full()
                && let Some((_, text)) = lines.next_if(|(_, text)| edit(text).is_some())
                && let Some(edit) = edit(text)
            {
                hunk.has.count(&edit);
                hunk.edits.push(edit);
            }
            // `\ No newline at end of file`: the result ends in one whatever it says.
            while lines.next_if(|(_, text)| text.starts_with('\\')).is_some() {}
            hunk.check()?;
            hunks.push(hunk);
        } else if text.starts_with("--- ") && hunks.is_empty() && files == 0 {
            files += 1;
        } else if text.starts_with("--- ") || text.starts_with("diff ") && files > 0 {
            return Err(PatchProblem::SecondFile { line });
        } else if !(text.is_empty() || hunks.is_empty() && is_prelude(text)) {
            return Err(PatchProblem::Stray {
                line,
                text: quoted(text),
            });
        }
    }
    if hunks.is_empty() {
        return Err(PatchProblem::NoHunk);
    }
    Ok(hunks)
}

fn is_prelude(text: &str) -> bool {
    ["diff ", "index ", "+++ "]
        .iter()
        .any(|start| text.starts_with(start))
}

fn edit(text: &str) -> Option<Edit<'_>> {
    match text.split_at_checked(1) {
        // An empty line of context whose space was trimmed away.
        None if text.is_empty() => Some(Edit::Keep("")),
        Some((" ", line)) => Some(Edit::Keep(line)),
        Some(("-", line)) => Some(Edit::Drop(line)),
        Some(("+", line)) => Some(Edit::Add(line)),
        _ => None,
    }
}

/// `@@ -start,lines +start,lines @@`, where `,1` may be left out.
fn head(text: &str) -> Option<(Span, Span)> {
    let rest = text.strip_prefix("@@ -")?;
    let (spans, _) = rest.split_once(" @@")?;
    let (old, new) = spans.split_once(" +")?;
    Some((span(old)?, span(new)?))
}

fn span(text: &str) -> Option<Span> {
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse::<u32>().ok()).flatten()
    };
    let (start, lines) = match text.split_once(',') {
        Some((start, lines)) => (number(start)?, number(lines)?),
        None => (number(text)?, 1),
    };
    Some(Span {
        start: usize::try_from(start).ok()?,
        lines: usize::try_from(lines).ok()?,
    })
}

impl Hunk<'_> {
    fn is_full(&self) -> bool {
        self.has.old >= self.old.lines && self.has.new >= self.new.lines
    }

    fn check(&self) -> Result<(), PatchProblem> {
        let Counts { old, new } = self.has;
        if (old, new) == (self.old.lines, self.new.lines) {
            return Ok(());
        }
        Err(PatchProblem::Counts {
            line: self.line,
            said_old: self.old.lines,
            said_new: self.new.lines,
            has_old: old,
            has_new: new,
        })
    }
}

impl Counts {
    fn count(&mut self, edit: &Edit<'_>) {
        self.old += usize::from(!matches!(edit, Edit::Add(_)));
        self.new += usize::from(!matches!(edit, Edit::Drop(_)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BEFORE: &str = "FROM debian\nRUN a\nRUN b\n\nCMD c\n";

    #[test]
    fn a_diff_that_fits_is_applied() {
        let whole = "diff --git a/Dockerfile b/Dockerfile\nindex 1..2 100644\n--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,3 +1,4 @@\n FROM debian\n-RUN a\n+RUN a2\n+RUN a3\n RUN b\n@@ -5 +6,2 @@ CMD\n CMD c\n+EXPOSE 1\n\\ No newline at end of file\n";
        let after = "FROM debian\nRUN a2\nRUN a3\nRUN b\n\nCMD c\nEXPOSE 1\n";
        assert_eq!(apply(BEFORE, whole).as_deref(), Ok(after));
        for (diff, after) in [
            (
                "@@ -0,0 +1,1 @@\n+# syntax\n",
                "# syntax\nFROM debian\nRUN a\nRUN b\n\nCMD c\n",
            ),
            (
                "@@ -5,0 +6 @@\n+END",
                "FROM debian\nRUN a\nRUN b\n\nCMD c\nEND\n",
            ),
            (
                "@@ -3,3 +3,2 @@\n RUN b\n\n-CMD c\n",
                "FROM debian\nRUN a\nRUN b\n\n",
            ),
        ] {
            assert_eq!(apply(BEFORE, diff).as_deref(), Ok(after), "{diff}");
        }
        assert_eq!(apply("a", "@@ -1 +1 @@\n-a\n+b\n").as_deref(), Ok("b\n"));
    }

    #[test]
    fn what_does_not_fit_exactly_is_refused_with_the_reason() {
        for (diff, words) in [
            ("", "no hunk"),
            ("+RUN x\n", "its line 1 is `+RUN x`"),
            ("RUN x\n", "its line 1 is `RUN x`"),
            (
                "@@ -1 +1 @@\n-FROM Debian\n+FROM x\n",
                "line 1 of the current Dockerfile is `FROM debian`, not `FROM Debian`",
            ),
            (
                "@@ -2 +2 @@\n-FROM debian\n+FROM x\n",
                "line 2 of the current Dockerfile is `RUN a`",
            ),
            (
                "@@ -9 +8,0 @@\n-x\n",
                "has 5 lines, and the diff speaks of line 9",
            ),
            (
                "@@ -5,2 +5,2 @@\n CMD c\n x\n",
                "has 5 lines, and the diff speaks of line 6",
            ),
            (
                "@@ -1,2 +1,2 @@\n FROM debian\n",
                "says -2 +2 lines and has -1 +1",
            ),
            ("@@ -1,1 +1,1 @@\n FROM debian\n+x\n", "its line 3 is `+x`"),
            (
                "@@ -3 +3 @@\n RUN b\n@@ -1 +1 @@\n FROM debian\n",
                "does not follow",
            ),
            (
                "@@ -1 +1,2 @@\n FROM debian\n+x\n@@ -3 +3 @@\n RUN b\n",
                "does not follow",
            ),
            (
                "--- a\n+++ b\n@@ -1 +1 @@\n FROM debian\n--- c\n",
                "second file at its line 5",
            ),
            ("@@ -1 +1 @@\n FROM debian\n?\u{1b}[2J\n", "`?\\u{1b}[2J`"),
            ("@@ -4294967295,4294967295 +1 @@\n x\n", "count them again"),
            ("@@ -99999999999999999999 +1 @@\n x\n", "its line 1"),
        ] {
            let error = apply(BEFORE, diff).unwrap_err().to_string();
            assert!(error.contains(words), "{diff:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_diff_is_applied_or_refused(
            text in "([a-c]\n){0,6}",
            diff in "(@@ -[0-6](,[0-3])? \\+[0-6](,[0-3])? @@\n|[-+ ][a-c]\n|\\PC{0,6}\n){0,8}",
        ) {
            if let Ok(after) = apply(&text, &diff) {
                prop_assert!(after.ends_with('\n'));
            }
        }
    }
}
