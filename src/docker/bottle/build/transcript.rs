//! What a build says, put together to steps and lines. All of it is hostile text.

use std::collections::VecDeque;

use crate::docker::bottle::request::StepNews;

/// The longest line that is passed on; a longer one goes on as the next.
const LINE_BYTES: usize = 4096;
/// Lines of the step that runs, kept for a failure.
const KEPT_LINES: usize = 12;
/// How much of each a failure quotes, in characters.
const QUOTED: usize = 200;

/// The builder's output so far.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    /// The step that runs: its number, how many there are, and its instruction.
    step: Option<(u32, u32, String)>,
    /// The beginning of a line whose end is not there yet.
    open: String,
    last: VecDeque<String>,
}

impl Transcript {
    /// Takes a piece of output and gives what is new.
    pub(super) fn take(&mut self, piece: &str) -> Vec<StepNews> {
        if let Some((number, of, instruction)) = self.next_step(piece) {
            let mut news = self.rest();
            self.last.clear();
            self.step = Some((number, of, instruction.to_owned()));
            news.push(StepNews::BuildStep {
                number,
                of,
                instruction: instruction.to_owned(),
            });
            return news;
        }
        let mut news = Vec::new();
        for part in piece.split_inclusive(['\n', '\r']) {
            self.open.push_str(part);
            if part.ends_with(['\n', '\r']) || self.open.len() > LINE_BYTES {
                news.extend(self.rest());
            }
        }
        news
    }

    /// Gives what has no end of line yet.
    pub(super) fn rest(&mut self) -> Vec<StepNews> {
        let open = without_colours(&std::mem::take(&mut self.open));
        let line = open.trim_end();
        if line.is_empty() {
            return Vec::new();
        }
        if self.last.len() == KEPT_LINES {
            self.last.pop_front();
        }
        self.last.push_back(quoted(line));
        vec![StepNews::Output(line.to_owned())]
    }

    /// The builder says `Step 3/5 : RUN make` in a piece of its own. What a step prints
    /// can look the same, so only the number that comes next counts: a liar gains no more
    /// than a step that is told too early.
    fn next_step<'p>(&self, piece: &'p str) -> Option<(u32, u32, &'p str)> {
        let (count, instruction) = piece.strip_prefix("Step ")?.split_once(" : ")?;
        let (number, of) = count.split_once('/')?;
        let (number, of): (u32, u32) = (number.parse().ok()?, of.parse().ok()?);
        let fits = match &self.step {
            None => number == 1,
            Some((before, all, _)) => number == before.saturating_add(1) && of == *all,
        };
        let instruction = instruction.trim_end();
        (fits && number <= of).then_some((number, of, instruction))
    }

    /// The step that ran last, in words; empty before the first.
    pub(super) fn at(&self) -> String {
        self.step
            .as_ref()
            .map_or_else(String::new, |(number, of, instruction)| {
                format!("step {number}/{of} `{}`", quoted(instruction))
            })
    }

    /// The last lines of that step, escaped.
    pub(super) fn last(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }
}

/// The classic builder paints what a step writes to its standard error.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        if let Some(rest) = rest.strip_prefix('m') {
            plain.push_str(rest);
        } else {
            plain.push_str("\u{1b}[");
            plain.push_str(part);
        }
    }
    plain
}

fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(QUOTED).collect();
    cut.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builders_paint_is_taken_off_and_nothing_else() {
        let painted = "\u{1b}[91mcurl: (22)\u{1b}[0m x\u{1b}[2J";
        assert_eq!(without_colours(painted), "curl: (22) x\u{1b}[2J");
    }

    fn step(number: u32, instruction: &str) -> StepNews {
        StepNews::BuildStep {
            number,
            of: 3,
            instruction: instruction.to_owned(),
        }
    }

    fn output(text: &str) -> StepNews {
        StepNews::Output(text.to_owned())
    }

    fn heard(pieces: &[&str]) -> (Vec<StepNews>, Transcript) {
        let mut transcript = Transcript::default();
        let mut news: Vec<StepNews> = Vec::new();
        for piece in pieces {
            news.extend(transcript.take(piece));
        }
        news.extend(transcript.rest());
        (news, transcript)
    }

    #[test]
    fn steps_are_told_by_number_and_the_rest_in_whole_lines() {
        let (news, transcript) = heard(&[
            "Step 1/3 : FROM debian",
            "\n",
            " ---> 44f463f4ff21\n",
            "Step 2/3 : RUN make",
            "\n",
            "compi",
            "ling\nlinking\r",
            "no end",
        ]);
        let expected = [
            step(1, "FROM debian"),
            output(" ---> 44f463f4ff21"),
            step(2, "RUN make"),
            output("compiling"),
            output("linking"),
            output("no end"),
        ];
        assert_eq!(news, expected);
        assert_eq!(transcript.at(), "step 2/3 `RUN make`");
        assert_eq!(transcript.last(), ["compiling", "linking", "no end"]);
    }

    #[test]
    fn what_a_step_prints_is_no_step() {
        for forged in [
            "Step 3/3 : x",
            "Step 2/9 : x",
            "Step 1/3 : x",
            "Step x/3 : x",
            "Step 0/0 : x",
        ] {
            let (news, _) = heard(&["Step 1/3 : FROM debian", forged]);
            assert_eq!(news, [step(1, "FROM debian"), output(forged)]);
        }
    }

    #[test]
    fn a_flood_without_an_end_of_line_is_cut_and_not_held() {
        let flood = "x".repeat(LINE_BYTES + 1);
        let (news, transcript) = heard(&[&flood, "y\n"]);
        assert_eq!(news, [output(&flood), output("y")]);
        let (_, many) = heard(&["a\n"; 100]);
        assert_eq!(
            (transcript.last().len(), many.last().len()),
            (2, KEPT_LINES)
        );
    }

    #[test]
    fn a_failure_quotes_nothing_that_moves_a_terminal() {
        let (_, transcript) = heard(&["Step 1/3 : RUN \u{1b}[2J", "\u{1b}]0;x\u{7}\n"]);
        let text = format!("{} {:?}", transcript.at(), transcript.last());
        assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
    }
}
