//! Findings as they are gathered, and the variables of each stage.

use crate::policy::dockerfile::{Dockerfile, Instruction, Keyword, Variables, expand, words};
use crate::policy::findings::shell::assignment;
use crate::policy::findings::{Finding, FindingCode};

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Told(Vec<Finding>);

impl Told {
    /// Adds a finding about a line.
    pub(super) fn line(&mut self, code: FindingCode, line: u32, words: impl Into<String>) {
        self.0.push(Finding::new(code, words).at(line));
    }

    /// Adds a finding about the whole.
    pub(super) fn whole(&mut self, code: FindingCode, words: impl Into<String>) {
        self.0.push(Finding::new(code, words));
    }

    /// All of them, each once.
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        self.0.sort();
        self.0.dedup();
        self.0
    }
}

/// Variables that builders set by themselves.
const PLATFORM: [&str; 8] = [
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
];

/// The variables that are known while a file is read from top to bottom.
#[derive(Debug)]
pub(super) struct Scope {
    /// Of the ARGs before the first FROM.
    global: Variables,
    /// Of the stage.
    pub(super) stage: Variables,
    is_global: bool,
    escape: char,
}

impl Scope {
    pub(super) fn of(file: &Dockerfile) -> Self {
        let mut global = Variables::default();
        for name in PLATFORM {
            global.set(name, None);
        }
        Self {
            stage: global.clone(),
            global,
            is_global: true,
            escape: file.escape,
        }
    }

    /// A text with the variables that are in force.
    pub(super) fn expand(&self, text: &str) -> crate::policy::dockerfile::Expanded {
        expand(
            text,
            if self.is_global {
                &self.global
            } else {
                &self.stage
            },
            self.escape,
        )
    }

    /// A text with the variables before the first stage: what FROM sees.
    pub(super) fn expand_from(&self, text: &str) -> crate::policy::dockerfile::Expanded {
        expand(text, &self.global, self.escape)
    }

    /// Learns what the instruction sets.
    pub(super) fn pass(&mut self, instruction: &Instruction) {
        if instruction.is_onbuild {
            return;
        }
        if instruction.keyword == Keyword::From {
            self.is_global = false;
            // The image brings variables of its own.
            self.stage = Variables::default();
            self.stage.has_others = true;
            for name in PLATFORM {
                self.stage.set(name, None);
            }
        }
        for (name, value) in self.pairs(instruction) {
            let value = match value {
                Some(value) => {
                    let value = self.expand(&value);
                    value.is_known.then_some(value.text)
                }
                None => self.global.get(&name).map(str::to_owned),
            };
            if self.is_global {
                self.global.set(&name, value);
            } else {
                self.stage.set(&name, value);
            }
        }
    }

    /// The names and values of ENV, ARG and LABEL, values as they are written.
    pub(super) fn pairs(&self, instruction: &Instruction) -> Vec<(String, Option<String>)> {
        let text = instruction.arguments.as_str();
        let all = words(text, self.escape);
        let is_arg = instruction.keyword == Keyword::Arg;
        let is_label = instruction.keyword == Keyword::Label;
        if !is_arg && !is_label && instruction.keyword != Keyword::Env {
            return Vec::new();
        }
        // `ENV name the rest of the line`, as it was once written.
        if !is_arg && let Some(first) = all.first().filter(|first| !first.contains('=')) {
            let rest = text.trim_start().strip_prefix(*first).unwrap_or_default();
            let name = self.expand(first).text;
            return vec![(name, Some(rest.trim().to_owned()))];
        }
        let pair = |word: &&str| match word.split_once('=') {
            Some((name, value)) => (self.expand(name).text, Some(value.to_owned())),
            None => (self.expand(word).text, None),
        };
        all.iter().map(pair).collect()
    }
}

/// Assignments at the front of a command and behind `export` and `env`.
pub(super) fn assigned(words: &[String]) -> impl Iterator<Item = (&str, &str)> {
    words.iter().filter_map(|word| assignment(word))
}
