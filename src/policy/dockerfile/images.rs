//! The images that a build begins from: those that the builder would fetch by itself
//! where the engine lacks them.

use super::{Dockerfile, Instruction, Keyword, Variables, expand, words};

/// An image that an instruction names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUse {
    /// The line, from 1.
    pub line: u32,
    /// Its reference, with variables put in as far as they are known.
    pub reference: String,
    /// Whether the text alone tells which image it is.
    pub is_known: bool,
}

impl Dockerfile {
    /// Every image that `FROM` and `COPY --from` name and that is no stage of this file,
    /// in order.
    #[must_use]
    pub fn images(&self) -> Vec<ImageUse> {
        let mut global = Variables::default();
        let mut stages: Vec<String> = Vec::new();
        let mut images = Vec::new();
        for one in self.instructions.iter().filter(|one| !one.is_onbuild) {
            if one.keyword == Keyword::From {
                images.extend(self.from(one, &global, &stages));
                let name = one.arguments.as_str().split_whitespace().nth(2);
                stages.push(name.unwrap_or_default().to_ascii_lowercase());
            } else if one.keyword == Keyword::Copy {
                images.extend(copied(one, &stages));
            } else if one.keyword == Keyword::Arg && stages.is_empty() {
                self.learn(one, &mut global);
            }
        }
        images
    }

    /// Whether building it runs anything that its text tells of. Triggers that an image
    /// brings along (`ONBUILD`) are not among it.
    #[must_use]
    pub fn runs(&self) -> bool {
        let mut all = self.instructions.iter();
        all.any(|one| one.keyword == Keyword::Run)
    }

    fn from(&self, one: &Instruction, global: &Variables, stages: &[String]) -> Option<ImageUse> {
        let written = one.arguments.as_str().split_whitespace().next()?;
        let image = expand(written, global, self.escape);
        let name = image.text.to_ascii_lowercase();
        let is_stage = !name.is_empty() && stages.contains(&name);
        let is_none = image.is_known && (name == "scratch" || is_stage);
        (!is_none).then_some(ImageUse {
            line: one.first_line,
            reference: image.text,
            is_known: image.is_known,
        })
    }

    /// Learns the `ARG`s before the first stage: `FROM` sees no others.
    fn learn(&self, one: &Instruction, global: &mut Variables) {
        for word in words(one.arguments.as_str(), self.escape) {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(expand(value, global, self.escape))),
                None => (word, None),
            };
            let known = value.filter(|value| value.is_known).map(|value| value.text);
            global.set(name, known);
        }
    }
}

/// The builder puts no variables into `--from`; a number or a name is an earlier stage.
fn copied(one: &Instruction, stages: &[String]) -> Option<ImageUse> {
    let from = one.flag("from")?;
    let name = from.to_ascii_lowercase();
    let earlier = stages.split_last().map_or(&[][..], |(_, earlier)| earlier);
    let is_number = name
        .parse()
        .is_ok_and(|number: usize| number < earlier.len());
    let is_stage = is_number || earlier.contains(&name);
    (!is_stage).then(|| ImageUse {
        line: one.first_line,
        reference: from.to_owned(),
        is_known: !from.contains('$'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(text: &str) -> Vec<(u32, String, bool)> {
        let file = Dockerfile::parse(text).unwrap();
        let all = file.images().into_iter();
        all.map(|image| (image.line, image.reference, image.is_known))
            .collect()
    }

    #[test]
    fn stages_and_scratch_are_no_images() {
        let text = "ARG V=12\nFROM debian:$V AS Base\nFROM scratch\nFROM base AS next\n\
                    COPY --from=0 /a /a\nCOPY --from=base /a /b\nCOPY --from=tools:1 /c /c\nCOPY d /d\n";
        assert_eq!(
            images(text),
            [
                (2, String::from("debian:12"), true),
                (7, String::from("tools:1"), true)
            ]
        );
    }

    #[test]
    fn what_only_the_builder_knows_is_told_as_it_is_written() {
        let text = "ARG V\nFROM debian:$V\nFROM ${OTHER}\nCOPY --from=$X /a /a\n";
        assert_eq!(
            images(text),
            [
                (2, String::from("debian:$V"), false),
                (3, String::from("${OTHER}"), false),
                (4, String::from("$X"), false)
            ]
        );
    }

    /// The stage that is being made is no source, and neither is a later one.
    #[test]
    fn a_stage_is_known_by_those_above_it_alone() {
        let text = "FROM scratch AS a\nCOPY --from=a /x /x\nCOPY --from=b /x /x\nCOPY --from=0 /x /x\nFROM b\nFROM scratch AS b\n";
        let names: Vec<String> = images(text).into_iter().map(|(_, name, _)| name).collect();
        assert_eq!(names, ["a", "b", "0", "b"]);
    }

    #[test]
    fn a_file_runs_something_or_nothing() {
        let runs = |text| Dockerfile::parse(text).unwrap().runs();
        assert!(runs("FROM a\nRUN b\n"));
        assert!(runs("FROM a\nONBUILD RUN b\n"));
        assert!(!runs("FROM a\nCOPY RUN b\nCMD RUN\n"));
    }
}
