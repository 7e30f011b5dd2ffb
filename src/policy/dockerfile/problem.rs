//! Why a text is no Dockerfile that can be judged.

use super::{Keyword, MAX_BYTES, MAX_LINES};

/// The first thing in a text for which it cannot be judged, and so not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseProblem {
    /// Longer than [`MAX_BYTES`].
    #[error("read a Dockerfile of more than {MAX_BYTES} bytes")]
    TooLong,
    /// More lines than [`MAX_LINES`].
    #[error("read a Dockerfile of more than {MAX_LINES} lines")]
    TooManyLines,
    /// It has no `FROM`.
    #[error("find a FROM: a Dockerfile begins with the image that it adds to")]
    NoStage,
    /// A parser directive that is given twice or has no such value.
    #[error("read the parser directive in line {line}: each is given once, escape is ` or \\")]
    Directive {
        /// The line.
        line: u32,
    },
    /// A first word that is no instruction.
    #[error("know the instruction `{word}` in line {line}")]
    UnknownInstruction {
        /// The line.
        line: u32,
        /// The word, with anything unprintable escaped.
        word: String,
    },
    /// Anything but ARG before the first FROM.
    #[error("place line {line}: only ARG stands before the first FROM")]
    BeforeFrom {
        /// The line.
        line: u32,
    },
    /// An instruction that says nothing.
    #[error("read {} in line {line}: it needs an argument", keyword.as_str())]
    NoArguments {
        /// The line.
        line: u32,
        /// The instruction.
        keyword: Keyword,
    },
    /// A flag without a value that needs one.
    #[error("read the flag --{name} in line {line}: write --{name}=value")]
    Flag {
        /// The line.
        line: u32,
        /// Its name, with anything unprintable escaped.
        name: String,
    },
    /// It is neither `FROM image` nor `FROM image AS name`.
    #[error("read FROM in line {line}: write FROM image, or FROM image AS name")]
    From {
        /// The line.
        line: u32,
    },
    /// ONBUILD before what it cannot stand before.
    #[error("read ONBUILD in line {line}: it takes no flags, and no ONBUILD, FROM or MAINTAINER")]
    Onbuild {
        /// The line.
        line: u32,
    },
    /// A here-document without its last line.
    #[error("find the end of the here-document `{name}` that begins in line {line}")]
    OpenHeredoc {
        /// The line.
        line: u32,
        /// The word that should end it, with anything unprintable escaped.
        name: String,
    },
    /// Builders read it in different ways, so none of them is believed.
    #[error("read line {line} in one way only: {what}")]
    Ambiguous {
        /// The line.
        line: u32,
        /// What is there.
        what: &'static str,
    },
}

impl ParseProblem {
    /// The line that it is told of, from 1; `None` for the whole text.
    #[must_use]
    pub const fn line(&self) -> Option<u32> {
        match self {
            Self::TooLong | Self::TooManyLines | Self::NoStage => None,
            Self::Directive { line }
            | Self::UnknownInstruction { line, .. }
            | Self::BeforeFrom { line }
            | Self::NoArguments { line, .. }
            | Self::Flag { line, .. }
            | Self::From { line }
            | Self::Onbuild { line }
            | Self::OpenHeredoc { line, .. }
            | Self::Ambiguous { line, .. } => Some(*line),
        }
    }
}

/// A word of the text, short and safe to show.
pub(super) fn shown(word: &str) -> String {
    word.chars()
        .take(40)
        .flat_map(char::escape_default)
        .collect()
}
