//! Reads Dockerfiles as the builder's own parser does, with the line of everything.
//!
//! What comes in is an agent's text that a builder will act upon, so the one mistake that
//! counts is to read it otherwise than the builder does. Where versions of the builder
//! differ, the text is refused as [`ParseProblem::Ambiguous`] and not guessed at. It must
//! not know what is good or bad in a Dockerfile; `findings` does.

mod argument;
mod expand;
mod heredoc;
mod images;
mod lines;
mod problem;

pub use argument::{Flag, words};
pub use expand::{Expanded, Variables, expand};
pub use heredoc::Heredoc;
pub use images::ImageUse;
pub use lines::Joined;
pub use problem::ParseProblem;

use self::lines::{Directive, Source};

/// The longest text that is read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// The most lines.
pub const MAX_LINES: usize = 4096;

/// A Dockerfile that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// The parser directives at its top, with their lines.
    pub directives: Vec<ParserDirective>,
    /// Its comments.
    pub comments: Vec<Comment>,
    /// Its instructions, in order.
    pub instructions: Vec<Instruction>,
    /// The character that continues a line: `\` unless a directive says otherwise.
    pub escape: char,
    /// Whether the last line asks for another that is not there: what is appended would
    /// become part of it.
    pub is_open: bool,
}

/// A parser directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParserDirective {
    /// Its line, from 1.
    pub line: u32,
    /// What it sets.
    pub name: DirectiveName,
    /// To what.
    pub value: String,
}

/// What a parser directive sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DirectiveName {
    /// Which image reads the file in place of the builder.
    Syntax,
    /// Which character continues a line.
    Escape,
    /// Which of the builder's own checks run.
    Check,
}

/// A comment that is no directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its line, from 1.
    pub line: u32,
    /// What stands behind the `#`.
    pub text: String,
    /// Whether it stands between the lines of one instruction.
    pub is_inside: bool,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub keyword: Keyword,
    /// Whether it waits for a build that begins from this one (`ONBUILD`).
    pub is_onbuild: bool,
    /// Its flags, such as `--from=builder`.
    pub flags: Vec<Flag>,
    /// All behind the flags, with continued lines joined.
    pub arguments: Joined,
    /// The here-documents that follow it.
    pub heredocs: Vec<Heredoc>,
    /// Its first line, from 1.
    pub first_line: u32,
    /// Its last line, here-documents included.
    pub last_line: u32,
    /// Its bytes in the text, whole lines.
    pub span: std::ops::Range<usize>,
}

/// The instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the instruction of its name")]
pub enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
}

/// How a command is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// A JSON array: program and arguments, no shell.
    Exec(Vec<String>),
    /// Text for the image's shell.
    Shell(&'a str),
}

impl Keyword {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Add,
        Self::Arg,
        Self::Cmd,
        Self::Copy,
        Self::Entrypoint,
        Self::Env,
        Self::Expose,
        Self::From,
        Self::Healthcheck,
        Self::Label,
        Self::Maintainer,
        Self::Onbuild,
        Self::Run,
        Self::Shell,
        Self::Stopsignal,
        Self::User,
        Self::Volume,
        Self::Workdir,
    ];

    /// The word as it is commonly written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Arg => "ARG",
            Self::Cmd => "CMD",
            Self::Copy => "COPY",
            Self::Entrypoint => "ENTRYPOINT",
            Self::Env => "ENV",
            Self::Expose => "EXPOSE",
            Self::From => "FROM",
            Self::Healthcheck => "HEALTHCHECK",
            Self::Label => "LABEL",
            Self::Maintainer => "MAINTAINER",
            Self::Onbuild => "ONBUILD",
            Self::Run => "RUN",
            Self::Shell => "SHELL",
            Self::Stopsignal => "STOPSIGNAL",
            Self::User => "USER",
            Self::Volume => "VOLUME",
            Self::Workdir => "WORKDIR",
        }
    }

    /// Reads the first word of a line; letter case does not count.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|keyword| keyword.as_str().eq_ignore_ascii_case(word))
    }

    const fn takes_heredocs(self) -> bool {
        matches!(self, Self::Add | Self::Copy | Self::Run)
    }
}

impl Instruction {
    /// The value of a flag, the last one where it is given more than once.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        let named = self.flags.iter().rev().find(|flag| flag.name == name)?;
        named.value.as_deref()
    }

    /// Its arguments as a command.
    #[must_use]
    pub fn command(&self) -> Command<'_> {
        let text = self.arguments.as_str();
        argument::json_array(text).map_or(Command::Shell(text), Command::Exec)
    }
}

impl Dockerfile {
    /// Reads a text.
    ///
    /// # Errors
    /// [`ParseProblem`] names the first thing that a builder would not take, or that two
    /// builders could read in two ways.
    pub fn parse(text: &str) -> Result<Self, ParseProblem> {
        let mut source = Source::open(text)?;
        let mut file = Self {
            directives: Vec::new(),
            comments: Vec::new(),
            instructions: Vec::new(),
            escape: '\\',
            is_open: false,
        };
        let mut is_top = true;
        while let Some(line) = source.next() {
            let directive = is_top.then(|| lines::directive(line.text)).flatten();
            is_top = directive.is_some();
            if let Some(directive) = directive {
                file.take_directive(line.number, &directive)?;
            } else if let Some(comment) = lines::comment(line.text) {
                file.comments.push(Comment {
                    line: line.number,
                    text: comment.to_owned(),
                    is_inside: false,
                });
            } else if !line.text.trim().is_empty() {
                let joined = lines::join(line, &mut source, file.escape, &mut file.comments)?;
                file.is_open = joined.is_open;
                if !joined.logical.as_str().trim().is_empty() {
                    let instruction = Instruction::read(&joined, &mut source)?;
                    file.take(instruction)?;
                }
            }
        }
        let has_stage = |one: &Instruction| one.keyword == Keyword::From && !one.is_onbuild;
        if !file.instructions.iter().any(has_stage) {
            return Err(ParseProblem::NoStage);
        }
        Ok(file)
    }

    fn take_directive(&mut self, line: u32, directive: &Directive<'_>) -> Result<(), ParseProblem> {
        let seen = self.directives.iter().any(|one| one.name == directive.name);
        if seen {
            return Err(ParseProblem::Directive { line });
        }
        if directive.name == DirectiveName::Escape {
            self.escape = match directive.value {
                "\\" => '\\',
                "`" => '`',
                _ => return Err(ParseProblem::Directive { line }),
            };
        }
        self.directives.push(ParserDirective {
            line,
            name: directive.name,
            value: directive.value.to_owned(),
        });
        Ok(())
    }

    fn take(&mut self, instruction: Instruction) -> Result<(), ParseProblem> {
        let goes_before = matches!(instruction.keyword, Keyword::From | Keyword::Arg);
        let is_first = !self
            .instructions
            .iter()
            .any(|one| one.keyword == Keyword::From);
        if is_first && (!goes_before || instruction.is_onbuild) {
            return Err(ParseProblem::BeforeFrom {
                line: instruction.first_line,
            });
        }
        self.instructions.push(instruction);
        Ok(())
    }
}

impl Instruction {
    fn read(joined: &lines::Unit, source: &mut Source<'_>) -> Result<Self, ParseProblem> {
        let line = joined.first_line;
        let (word, rest) = joined.logical.first_word();
        let mut keyword = known(&word, line)?;
        let (mut flags, mut arguments) = argument::flags(rest, line)?;
        let is_onbuild = keyword == Keyword::Onbuild;
        if is_onbuild {
            let (word, rest) = arguments.first_word();
            keyword = known(&word, line)?;
            if matches!(
                keyword,
                Keyword::Onbuild | Keyword::From | Keyword::Maintainer
            ) || !flags.is_empty()
            {
                return Err(ParseProblem::Onbuild { line });
            }
            (flags, arguments) = argument::flags(rest, line)?;
        }
        let heredocs = if keyword.takes_heredocs() && arguments.as_str().contains("<<") {
            heredoc::follow(&arguments, line, source)?
        } else {
            Vec::new()
        };
        let last = heredocs.last().map(|heredoc| heredoc.last_line);
        let instruction = Self {
            keyword,
            is_onbuild,
            flags,
            arguments,
            heredocs,
            first_line: line,
            last_line: last.unwrap_or(joined.last_line),
            span: joined.start..source.at(),
        };
        instruction.check()
    }

    /// Refuses what no builder takes, and what they take in different ways.
    fn check(self) -> Result<Self, ParseProblem> {
        let (line, text) = (self.first_line, self.arguments.as_str());
        if text.is_empty() && self.keyword != Keyword::Cmd {
            return Err(ParseProblem::NoArguments {
                line,
                keyword: self.keyword,
            });
        }
        if argument::has_text_behind_array(text) {
            return Err(ParseProblem::Ambiguous {
                line,
                what: "text behind a JSON array, which some builders pass over",
            });
        }
        if self.keyword == Keyword::From {
            let words: Vec<&str> = text.split_whitespace().collect();
            let fits = match words.as_slice() {
                [_] => true,
                [_, between, _] => between.eq_ignore_ascii_case("as"),
                _ => false,
            };
            if !fits {
                return Err(ParseProblem::From { line });
            }
        }
        Ok(self)
    }
}

fn known(word: &str, line: u32) -> Result<Keyword, ParseProblem> {
    Keyword::parse(word).ok_or_else(|| ParseProblem::UnknownInstruction {
        line,
        word: problem::shown(word),
    })
}

#[cfg(test)]
mod tests;
