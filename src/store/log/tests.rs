//! Spill, list and scan against models that hold everything in memory.

use std::io;
use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::*;
use crate::wire::Role;

fn tag(role: Role) -> LineTag {
    LineTag {
        role,
        is_error: role == Role::Egress,
        is_cut: false,
    }
}

fn line(at: usize, text: &str) -> NewLine {
    NewLine {
        tag: tag(Role::ALL[at % 3]),
        at_nanos: i64::try_from(at).unwrap() * 1_000,
        text: text.to_owned(),
    }
}

fn lines(texts: &[String]) -> Vec<NewLine> {
    let texts = texts.iter().enumerate();
    texts.map(|(at, text)| line(at, text)).collect()
}

fn found(spill: &Spill, test: &LineTest) -> io::Result<Vec<u64>> {
    let mut all = Vec::new();
    let extent = spill.extent();
    let progress = Progress::default();
    let is_whole = scan(spill, extent.first..extent.end, test, &progress, |some| {
        all.extend_from_slice(some);
        Ok(())
    })?;
    assert!(is_whole);
    assert_eq!(progress.bytes.load(Ordering::Relaxed), extent.bytes);
    Ok(all)
}

#[test]
fn nothing_of_a_spill_has_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill::new(folder.path(), 1 << 20);
    let list = LineList::new(folder.path()).unwrap();
    spill.append(&[line(0, "a")]).unwrap();
    list.push(&[0]).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(spill.read(0..9, 9).unwrap().len(), 1);
}

#[test]
fn the_oldest_goes_when_there_is_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill::with_segments(folder.path(), 1_000, 100);
    for at in 0..1_000 {
        spill.append(&[line(at, &format!("line {at:04}"))]).unwrap();
    }
    let extent = spill.extent();
    assert_eq!(extent.end, 1_000);
    assert!(extent.bytes <= 1_000 && extent.bytes >= 800, "{extent:?}");
    assert_eq!(extent.first, 1_000 - extent.bytes / 10);
    let read = spill.read(0..2_000, 99).unwrap();
    assert_eq!(read.len() as u64, extent.end - extent.first);
    assert_eq!(read[0].number, extent.first);
    assert_eq!(read[0].text, format!("line {:04}", extent.first));
}

#[test]
fn a_long_line_is_read_as_far_as_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill::new(folder.path(), 1 << 20);
    spill.append(&[line(0, &"é".repeat(100))]).unwrap();
    let read = spill.read(0..1, 25).unwrap();
    assert_eq!(read[0].text, "é".repeat(12));
    assert_eq!(read[0].left_out, 176);
}

#[test]
fn a_look_through_can_be_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill::new(folder.path(), 1 << 20);
    spill.append(&[line(0, "a")]).unwrap();
    let progress = Progress::default();
    progress.stop.store(true, Ordering::Relaxed);
    let is_whole = scan(&spill, 0..1, &LineTest::default(), &progress, |_| Ok(()));
    assert!(!is_whole.unwrap());
}

#[test]
fn a_class_does_not_run_over_the_ends_of_lines() {
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill::new(folder.path(), 1 << 24);
    let texts: Vec<String> = (0..20_000).map(|at| format!("\"a{at} open")).collect();
    spill.append(&lines(&texts)).unwrap();
    // Two hundred million steps if it ran to the end of the block from each line.
    let test = LineTest {
        with: vec![Pattern::new("\"[^\"]*\"").unwrap()],
        ..LineTest::default()
    };
    assert_eq!(found(&spill, &test).unwrap(), [0; 0]);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c \"é]{0,12}",
        Just(String::new()),
        "x{0,60}",
        Just(String::from("Error: größe")),
    ]
}

fn pattern() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b+",
        "^a",
        "c$",
        "^$",
        "",
        "a*",
        "[^a]",
        "\\s",
        "\\w+ \\w",
        "a|^b",
        "\\bc\\b",
        "é",
        "error",
        "Error",
        "[",
        "\"[^\"]*\"",
        "\\A\\z",
        "(?s)a.b",
        "x{20}",
        "\\n",
        "a\\s*b",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_is_appended_is_read_and_found(
        texts in prop::collection::vec(text(), 0..80),
        batch in 1_usize..20,
        segment in 10_u32..200,
        patterns in (pattern(), pattern(), pattern()),
        roles in prop::sample::subsequence(Role::ALL.to_vec(), 0..3),
        range in (0_u64..90, 0_u64..90),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::with_segments(folder.path(), 1 << 30, segment);
        let all = lines(&texts);
        for lines in all.chunks(batch) {
            spill.append(lines).unwrap();
        }
        let extent = spill.extent();
        prop_assert_eq!((extent.first, extent.end), (0, all.len() as u64));

        let read = spill.read(range.0..range.1, 1_000).unwrap();
        let wanted = all.iter().zip(0..).filter(|(_, number)| (range.0..range.1).contains(number));
        let wanted: Vec<_> = wanted.map(|(line, number)| SpillLine {
            number,
            tag: line.tag,
            at_nanos: line.at_nanos,
            text: line.text.clone(),
            left_out: 0,
        }).collect();
        prop_assert_eq!(read, wanted);

        let test = LineTest {
            roles: roles.clone(),
            with: [patterns.0, patterns.1].into_iter().filter_map(Pattern::new).collect(),
            without: Pattern::new(patterns.2).into_iter().collect(),
        };
        let passes = |line: &NewLine| {
            (roles.is_empty() || roles.contains(&line.tag.role))
                && test.with.iter().all(|pattern| pattern.is_in(&line.text))
                && !test.without.iter().any(|pattern| pattern.is_in(&line.text))
        };
        let wanted = all.iter().zip(0..).filter(|(line, _)| passes(line));
        let wanted: Vec<u64> = wanted.map(|(_, number)| number).collect();
        prop_assert_eq!(found(&spill, &test).unwrap(), wanted.clone());

        let list = LineList::new(folder.path()).unwrap();
        for some in wanted.chunks(7) {
            list.push(some).unwrap();
        }
        prop_assert_eq!(list.get(0..999).unwrap(), wanted.clone());
        let place = list.place_of(range.0).unwrap();
        prop_assert_eq!(place, wanted.partition_point(|number| *number < range.0) as u64);
    }

    #[test]
    fn a_pattern_in_a_line_is_what_the_regex_crate_finds(line in text(), wanted in pattern()) {
        use regex_automata::meta::Regex;
        let ignores = !wanted.contains('E');
        let plain = regex_automata::util::syntax::Config::new().case_insensitive(ignores);
        // Words are ASCII's here, so that their ends are not compared.
        prop_assume!(!wanted.contains("\\b"));
        if let Ok(regex) = Regex::builder().syntax(plain).build(wanted)
            && let Some(pattern) = Pattern::new(wanted)
        {
            prop_assert_eq!(pattern.is_in(&line), regex.is_match(&line));
        }
    }
}
