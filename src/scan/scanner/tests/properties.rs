//! Facts about every text and every cut.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A known value in some form, something of a pattern's shape, or what lies between.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let forms: Vec<Vec<u8>> = [VALUE, CANARY]
        .iter()
        .flat_map(|value| encodings(value))
        .map(|(encoded, _)| encoded)
        .collect();
    let shapes = vec![
        patterns::github_token().into_bytes(),
        format!("\"{}\"", patterns::github_token()).into_bytes(),
        BASE64
            .encode(format!("k = {} ", patterns::github_token()).as_bytes())
            .into_bytes(),
        b"api_key = \\\"".to_vec(),
        b"%20\\n\\u0020".to_vec(),
    ];
    prop_oneof![
        2 => proptest::sample::select(forms),
        2 => proptest::sample::select(shapes),
        2 => vec(any::<u8>(), 0..40),
        2 => "[a-zA-Z0-9/+ =\"\n]{0,60}".prop_map(String::into_bytes),
        1 => (0_usize..20_000).prop_map(|length| b"lorem ipsum, dolor\n".repeat(length / 19)),
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(piece(), 0..6).prop_map(|pieces| pieces.concat())
}

/// The text in pieces, cut at these parts of its length.
fn cut<'a>(text: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| &text[pair[0]..pair[1]])
        .collect()
}

fn plain_forms() -> Vec<Vec<u8>> {
    [VALUE, CANARY]
        .iter()
        .flat_map(|value| crate::scan::forms::all(value.as_bytes()))
        .map(|form| form.bytes)
        .collect()
}

fn holds_a_known_value(bytes: &[u8]) -> bool {
    plain_forms()
        .iter()
        .any(|form| bytes.windows(form.len()).any(|window| window == form))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_stream_finds_what_the_whole_holds(text in text(), cuts in vec(any::<usize>(), 0..8)) {
        let pieces = cut(&text, &cuts);
        for mode in [Mode::Report, Mode::Block, Mode::Redact] {
            let (whole, _, whole_output, _) = feed(stream(mode), &[&text]);
            let (cut, _, cut_output, _) = feed(stream(mode), &pieces);
            prop_assert_eq!(whole, cut);
            prop_assert_eq!(whole_output, cut_output);
        }
    }

    #[test]
    fn what_was_released_holds_no_known_value(
        text in text(),
        cuts in vec(any::<usize>(), 0..8),
        settles in any::<bool>(),
        inbound in any::<bool>(),
    ) {
        let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
        let mut stream = scanner().stream(direction, ContentCoding::Identity, Mode::Block);
        let mut last = 0;
        for piece in cut(&text, &cuts) {
            let mut fed = stream.feed(piece);
            if settles {
                fed = stream.settle();
            }
            prop_assert!(fed.release >= last);
            last = fed.release;
            let released = &text[..usize::try_from(last).unwrap()];
            prop_assert!(!holds_a_known_value(released));
        }
        let end = usize::try_from(stream.finish().release).unwrap();
        prop_assert!(!holds_a_known_value(&text[..end]));
    }

    #[test]
    fn redacted_text_holds_no_known_value_and_keeps_the_rest(
        text in text(),
        cuts in vec(any::<usize>(), 0..8),
    ) {
        let (findings, _, output, _) = feed(stream(Mode::Redact), &cut(&text, &cuts));
        prop_assert!(!holds_a_known_value(&output));
        if findings.is_empty() {
            prop_assert_eq!(output, text);
        }
    }

    /// A block that nothing hides in leaves whole.
    #[test]
    fn clean_text_is_released_whole(words in "[a-m ]{0,3000}", cuts in vec(any::<usize>(), 0..8)) {
        let pieces = cut(words.as_bytes(), &cuts);
        let (findings, release, ..) = feed(stream(Mode::Block), &pieces);
        prop_assert_eq!((findings, release), (vec![], words.len() as u64));
    }
}

/// An event stream must not wait: after its border only what could begin a known value
/// is held.
#[test]
fn settling_lets_an_event_go() {
    let event = b"data: {\"type\": \"ping\"}\n\n";
    let mut stream = stream(Mode::Block);
    let mut sent = 0;
    for _ in 0..3_000 {
        assert_eq!(stream.feed(event).findings, []);
        sent += event.len() as u64;
        assert_eq!(stream.settle().release, sent);
    }
    let token = patterns::github_token();
    let (one, two) = token.split_at(10);
    assert_eq!(stream.feed(format!("data: {one}").as_bytes()).findings, []);
    assert_eq!(stream.settle().findings, []);
    assert_eq!(stream.feed(format!("{two}\n\n").as_bytes()).findings, []);
    let findings = stream.settle().findings;
    assert_eq!(named(&findings), [("github-pat", Kind::Pattern, &[][..])]);
    assert_eq!(stream.settle().findings, []);
}

/// What arrives of a known value is held until it is sure to be none.
#[test]
fn the_beginning_of_a_known_value_is_held_back() {
    let mut stream = scanner().stream(Direction::Inbound, ContentCoding::Identity, Mode::Block);
    assert_eq!(stream.feed(b"see canary-7L").release, 4);
    assert_eq!(stream.feed(b"x").release, 14);
    let fed = stream.feed(format!(" {CANARY} and more").as_bytes());
    assert_eq!((fed.release, fed.findings.len()), (15, 1));
    assert_eq!(stream.finish().release, 15);
}
