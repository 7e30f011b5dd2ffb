use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Dockerfile {
    Dockerfile::parse(text).unwrap()
}

/// Each instruction as line, keyword, flags and arguments.
fn told(text: &str) -> Vec<String> {
    let tell = |one: &Instruction| {
        let flags: Vec<String> = one
            .flags
            .iter()
            .map(|flag| format!("--{}={}", flag.name, flag.value.clone().unwrap_or_default()))
            .collect();
        let onbuild = if one.is_onbuild { "ONBUILD " } else { "" };
        format!(
            "{}-{} {onbuild}{} {}[{}]",
            one.first_line,
            one.last_line,
            one.keyword.as_str(),
            flags.join(" "),
            one.arguments.as_str()
        )
    };
    read(text).instructions.iter().map(tell).collect()
}

fn problem(text: &str) -> ParseProblem {
    Dockerfile::parse(text).unwrap_err()
}

#[test]
fn lines_are_joined_without_comments_and_blank_lines_in_between() {
    let text = "FROM a\nrun one \\\n  # USER root\n\n   two \\  \n three\nUSER b\n";
    assert_eq!(
        told(text),
        [
            "1-1 FROM [a]",
            "2-6 RUN [one    two  three]",
            "7-7 USER [b]"
        ]
    );
    let file = read(text);
    assert_eq!(file.comments[0].line, 3);
    assert!(file.comments[0].is_inside);
    let run = &file.instructions[1].arguments;
    let at = |word| run.line_at(run.as_str().find(word).unwrap());
    assert_eq!(
        (at("one"), at("two"), at("three")),
        (Some(2), Some(5), Some(6))
    );
}

#[test]
fn a_keyword_may_be_cut_by_a_continuation() {
    assert_eq!(
        told("FROM a\nUS\\\nER root"),
        ["1-1 FROM [a]", "2-3 USER [root]"]
    );
}

#[test]
fn windows_lines_and_a_byte_order_mark_are_read() {
    let text = "\u{feff}FROM a\r\nRUN x \\\r\n  y\r\n";
    assert_eq!(told(text), ["1-1 FROM [a]", "2-3 RUN [x   y]"]);
}

#[test]
fn directives_count_at_the_top_only_and_escape_changes_the_reading() {
    let file = read(
        "# syntax = evil/reader:1\n# ESCAPE=`\n# x\n# check=skip=all\nFROM a\nRUN b `\n c\\\nUSER d",
    );
    let names: Vec<_> = file.directives.iter().map(|one| one.name).collect();
    assert_eq!(names, [DirectiveName::Syntax, DirectiveName::Escape]);
    assert_eq!(file.directives[0].value, "evil/reader:1");
    assert_eq!(file.escape, '`');
    let last: Vec<_> = file
        .instructions
        .iter()
        .map(|one| one.arguments.as_str())
        .collect();
    assert_eq!(last, ["a", "b  c\\", "d"]);
    assert_eq!(
        problem("# escape=\\\n# escape=`\nFROM a"),
        ParseProblem::Directive { line: 2 }
    );
    assert_eq!(
        problem("# escape=x\nFROM a"),
        ParseProblem::Directive { line: 1 }
    );
}

#[test]
fn here_documents_belong_to_their_instruction() {
    let text = "FROM a\nRUN cat <<ONE > /x && 3<<-\"TWO\" cat\nUSER root\nONE\n\tb\n\tTWO\nCOPY <<E /y\nz\nE\nUSER c";
    assert_eq!(
        told(text),
        [
            "1-1 FROM [a]",
            "2-6 RUN [cat <<ONE > /x && 3<<-\"TWO\" cat]",
            "7-9 COPY [<<E /y]",
            "10-10 USER [c]"
        ]
    );
    let file = read(text);
    let docs: Vec<_> = file.instructions[1]
        .heredocs
        .iter()
        .map(|doc| {
            (
                doc.name.as_str(),
                doc.text.as_str(),
                doc.expands,
                doc.first_line,
            )
        })
        .collect();
    assert_eq!(
        docs,
        [("ONE", "USER root\n", true, 3), ("TWO", "\tb\n", false, 5)]
    );
}

#[test]
fn what_begins_no_here_document_swallows_no_lines() {
    for line in [
        "RUN cat<<E",
        "RUN echo 'a <<E b'",
        "RUN x <<<E",
        "ENV a=<<E",
        "RUN [\"x\", \"<<E\"]",
        "RUN a << E",
    ] {
        let text = format!("FROM a\n{line}\nUSER root");
        assert_eq!(read(&text).instructions.len(), 3, "{line}");
    }
}

#[test]
fn commands_are_arrays_or_a_shells_text() {
    let file = read("FROM a\nRUN [\"sh\", \"-c\", \"x\"]\nRUN [ x ]\nCMD");
    let commands: Vec<_> = file
        .instructions
        .iter()
        .skip(1)
        .map(Instruction::command)
        .collect();
    assert_eq!(
        commands,
        [
            Command::Exec(vec!["sh".into(), "-c".into(), "x".into()]),
            Command::Shell("[ x ]"),
            Command::Shell("")
        ]
    );
}

#[test]
fn flags_and_onbuild_are_taken_off() {
    assert_eq!(
        told(
            "FROM --platform=x a AS b\nONBUILD COPY --from='c d' --link /e /f\nRUN --mount=type=cache,target=/x y"
        ),
        [
            "1-1 FROM --platform=x[a AS b]",
            "2-2 ONBUILD COPY --from=c d --link=[/e /f]",
            "3-3 RUN --mount=type=cache,target=/x[y]"
        ]
    );
}

#[test]
fn a_text_that_has_two_readings_is_refused() {
    for text in [
        "FROM a\nRUN x \\\\\nUSER root",
        "FROM a\nRUN x\rUSER root\n",
        "FROM a\nRUN [\"true\"] && x",
        "FROM a\nRUN echo ' <<E\nUSER root\nE",
        "FROM a\nRUN <<${a b}\nb",
        "FROM a\nRUN <<A$b\nb",
    ] {
        assert!(
            matches!(problem(text), ParseProblem::Ambiguous { .. }),
            "{text}"
        );
    }
}

#[test]
fn what_no_builder_takes_is_refused_with_its_line() {
    for (text, line) in [
        ("", None),
        ("# only words", None),
        ("ARG a", None),
        ("USER a\nFROM b", Some(1)),
        ("FROM a\nUSERX b", Some(2)),
        ("FROM a\nUSER\u{a0}b", Some(2)),
        ("FROM a\nUSER", Some(2)),
        ("FROM a b", Some(1)),
        ("FROM a\nCOPY --from b c", Some(2)),
        ("FROM a\nONBUILD ONBUILD RUN x", Some(2)),
        ("FROM a\nONBUILD FROM b", Some(2)),
        ("FROM a\n\nRUN <<E\nx", Some(3)),
    ] {
        assert_eq!(problem(text).line(), line, "{text}");
    }
    assert_eq!(problem(&"\n".repeat(MAX_LINES)), ParseProblem::TooManyLines);
    assert_eq!(problem(&"x".repeat(MAX_BYTES + 1)), ParseProblem::TooLong);
}

#[test]
fn a_last_line_that_asks_for_more_is_told() {
    assert!(read("FROM a\nRUN x \\").is_open && read("FROM a\nRUN x \\\n# y\n").is_open);
    assert!(!read("FROM a\nRUN x \\\ny").is_open);
}

#[test]
fn variables_are_put_in_as_far_as_they_are_known() {
    let mut known = Variables::default();
    known.set("a", Some("x".into()));
    known.set("none", None);
    known.set("empty", Some(String::new()));
    for (text, expected, is_known) in [
        ("$a-${a}", "x-x", true),
        ("'$a'\"$a\"", "$ax", true),
        ("\\$a", "$a", true),
        ("$b", "$b", false),
        ("${b:-y$a}", "yx", true),
        ("${none:-y}", "y", false),
        ("${a:+z}", "z", true),
        ("${b:+z}", "", true),
        ("${empty:-y}", "y", true),
        ("${empty-y}", "", true),
        ("${a#x}", "${a#x}", false),
        ("${a", "${a", false),
    ] {
        let found = expand(text, &known, '\\');
        assert_eq!(
            (found.text.as_str(), found.is_known),
            (expected, is_known),
            "{text}"
        );
    }
    known.has_others = true;
    assert!(!expand("${b:-y}", &known, '\\').is_known);
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("FROM a\n".to_owned()),
        Just("FROM a AS b\n".to_owned()),
        Just("# escape=`\n".to_owned()),
        Just("RUN x <<E ".to_owned()),
        Just("\nE\n".to_owned()),
        Just("\\\n".to_owned()),
        Just("`\r\n".to_owned()),
        Just("# y\n".to_owned()),
        Just("ONBUILD ".to_owned()),
        Just("COPY --from=b ".to_owned()),
        Just("CMD [\"a\"]".to_owned()),
        Just("\n".to_owned()),
        "\\PC{0,8}",
        "[ -~\n]{0,12}",
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        crate::policy::fuzzing::dockerfile(text.as_bytes());
    }

    #[test]
    fn any_text_of_parts_is_covered_wherever_it_is_cut(pieces in prop::collection::vec(piece(), 0..12)) {
        let text = format!("FROM z\n{}", pieces.concat());
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            crate::policy::fuzzing::dockerfile(&text.as_bytes()[..at]);
        }
    }
}
