//! Rules whose findings are told of only.

use super::*;

/// A token that no scanner finds here.
fn token() -> String {
    ["gh", "p_", "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2zA4"].concat()
}

fn names(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|found| found.rule.as_str()).collect()
}

/// What is found, what only tells, what had left before the end, and the output.
fn run(scanner: &Scanner, mode: Mode, text: &[u8], size: usize) -> (Feed, u64) {
    let mut stream = scanner.stream(Direction::Outbound, ContentCoding::Identity, mode);
    let mut all = Feed::default();
    let mut pieces: Vec<Feed> = text.chunks(size).map(|piece| stream.feed(piece)).collect();
    pieces.push(stream.finish());
    for fed in pieces {
        all.findings.extend(fed.findings);
        all.passing.extend(fed.passing);
        all.output.extend(fed.output);
        all.release = fed.release;
    }
    let release = all.release;
    (all, release)
}

#[test]
fn what_passes_is_told_and_holds_nothing_up_in_any_mode() {
    let scanner = scanner().letting_pass(["github-pat"]);
    let filler = "ordinary words, ".repeat(4_000);
    let base64 = BASE64.encode(format!("note {}", token()).as_bytes());
    let text = format!("{filler}{} and {base64} {filler}", token()).into_bytes();
    for size in [1_000, usize::MAX] {
        for mode in [Mode::Report, Mode::Block, Mode::Redact] {
            let (all, release) = run(&scanner, mode, &text, size);
            assert_eq!(names(&all.findings), [""; 0], "{mode:?}");
            assert_eq!(names(&all.passing), ["github-pat"; 2], "{mode:?}");
            assert_eq!(release, text.len() as u64, "{mode:?}");
            if mode == Mode::Redact {
                assert_eq!(all.output, text);
            }
        }
    }
}

#[test]
fn what_another_rule_finds_stops_it_still() {
    let scanner = scanner().letting_pass(["gitlab-pat"]);
    let text = format!("note {}", token());
    let (all, release) = run(&scanner, Mode::Block, text.as_bytes(), usize::MAX);
    assert_eq!(names(&all.findings), ["github-pat"]);
    assert_eq!((all.passing.len(), release), (0, 5));
}

/// A rule's name lets no secret of the bottle pass that is called the same, or looks the
/// same, in plain or hidden.
#[test]
fn a_known_value_never_passes() {
    for name in ["github-pat", "own"] {
        for known in [Known::secret, Known::canary] {
            let value = known(name, Secret::new(token().into_bytes()));
            let scanner = Scanner::new(vec![value]).unwrap();
            let scanner = scanner.letting_pass(["github-pat", "own"]);
            let hidden = BASE64.encode(format!("note {}", token()).as_bytes());
            for text in [format!("note {}", token()), format!("note {hidden}")] {
                for size in [1, 7, usize::MAX] {
                    let (all, release) = run(&scanner, Mode::Block, text.as_bytes(), size);
                    assert_eq!(names(&all.findings), [name], "{text}");
                    assert!(release < text.len() as u64);
                    let (all, _) = run(&scanner, Mode::Redact, text.as_bytes(), size);
                    let output = String::from_utf8(all.output).unwrap();
                    assert!(output.contains("[redacted:"), "{output}");
                    assert!(!output.contains(&token()) && !output.contains(&hidden));
                }
                let found = scanner.scan_bytes(text.as_bytes());
                assert!(found.iter().any(|one| !scanner.lets_pass(one)));
            }
        }
    }
}
