//! Keeping a stranger's text within bounds, and a role's own log.

use std::io::Write as _;

/// Writes a line to the container's own log (standard error), which the engine keeps
/// when nobody listens to the hub. It never fails a role: a log that is full or gone
/// loses the line.
pub(crate) fn note(text: &str) {
    drop(writeln!(std::io::stderr(), "{}", text.escape_debug()));
}

/// Cuts a text to at most `limit` bytes, at the border of a character.
pub(crate) fn bounded(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Makes printable ASCII of any bytes, `limit` characters at most: what is neither is
/// escaped, so that the text can be shown and searched as it stands.
pub(crate) fn escaped(bytes: &[u8], limit: usize) -> String {
    let shown = bytes.get(..limit).unwrap_or(bytes);
    let text = shown.escape_ascii().to_string();
    bounded(&text, limit).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cut_text_is_a_beginning(text in "\\PC{0,50}", limit in 0usize..60) {
            let cut = bounded(&text, limit);
            prop_assert!(cut.len() <= limit);
            prop_assert!(text.starts_with(cut));
        }

        #[test]
        fn escaped_bytes_are_printable_and_bounded(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            limit in 0usize..300,
        ) {
            let text = escaped(&bytes, limit);
            prop_assert!(text.len() <= limit);
            prop_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        }
    }
}
