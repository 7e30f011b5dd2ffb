//! A line of a log as text that can be kept, searched and shown: nothing in it acts on a
//! terminal any more.

use super::sanitize::one_line;

/// Columns between two stops of the tabulator.
const TAB: usize = 8;

/// Makes the bytes of a log's line safe. Colours are taken off and tabs become spaces;
/// whatever else would act on a terminal stays visible as [`one_line`] shows it, a
/// carriage return as `␍`.
#[must_use]
pub fn log_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.into_owned();
    }
    one_line(&without_tabs(&without_colors(&text)))
}

/// What of a line stands at last where it was overwritten, as progress bars do: the part
/// after its last carriage return that has something after it, and how many bytes were
/// before. The whole line if there is none.
#[must_use]
pub fn last_written(line: &str) -> (usize, &str) {
    const RETURN: char = '␍';
    let end = line.trim_end_matches(RETURN);
    let from = end
        .rfind(RETURN)
        .map_or(0, |place| place + RETURN.len_utf8());
    (from, end.get(from..).unwrap_or_default())
}

/// Takes out the sequences that only colour (`ESC [ … m`) or clear to the line's end
/// (`ESC [ … K`).
fn without_colors(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        let (before, sequence) = rest.split_at(at);
        out.push_str(before);
        let body = sequence.get(2..).unwrap_or_default();
        let length = body
            .bytes()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'))
            .count();
        if let Some(b'm' | b'K') = body.as_bytes().get(length) {
            rest = body.get(length + 1..).unwrap_or_default();
        } else {
            out.push('\x1b');
            rest = sequence.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

fn without_tabs(text: &str) -> String {
    if !text.contains('\t') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + TAB);
    let mut column = 0;
    for character in text.chars() {
        if character == '\t' {
            let spaces = TAB - column % TAB;
            out.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            out.push(character);
            column += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_go_and_all_else_stays_visible() {
        for (bytes, text) in [
            (&b"plain text"[..], "plain text"),
            (
                b"\x1b[1;31mred\x1b[0m \x1b[38:2::1:2:3mx\x1b[m\x1b[K",
                "red x",
            ),
            (b"\x1b[2Jgone\x1b]0;title\x07", "␛[2Jgone␛]0;title␇"),
            (b"\x1b[31", "␛[31"),
            (b"a\tb\tc", "a       b       c"),
            (b"10%\r20%\rdone\r", "10%␍20%␍done␍"),
            (b"\xff\xfe ok", "\u{fffd}\u{fffd} ok"),
            ("größe\u{202e}x\u{200b}y".as_bytes(), "größe<U+202E>xy"),
        ] {
            assert_eq!(log_line(bytes), text);
        }
    }

    #[test]
    fn what_was_overwritten_is_told_apart() {
        assert_eq!(last_written("10%␍20%␍done␍"), (12, "done"));
        assert_eq!(last_written("plain"), (0, "plain"));
        assert_eq!(last_written("␍␍"), (0, ""));
        assert_eq!(last_written("end␍"), (0, "end"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_a_line_that_acts(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let line = log_line(&bytes);
            prop_assert_eq!(one_line(&line), line.clone());
            prop_assert!(!line.chars().any(char::is_control));
            let (from, last) = last_written(&line);
            prop_assert!(line.get(from..).unwrap().starts_with(last));
        }
    }
}
