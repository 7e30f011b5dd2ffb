//! The forms in which a known value may be written.

use std::fmt::Write as _;

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};

use super::finding::Layer;

/// A value in one encoding.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) layers: Vec<Layer>,
    pub(super) bytes: Vec<u8>,
}

/// Every form of a value, each once; the plain one first.
///
/// Encodings that pack bits differ by where the value begins in the encoded text: each
/// such form is the part that no neighbour can change.
pub(super) fn all(value: &[u8]) -> Vec<Form> {
    let mut forms = vec![form(None, value.to_vec())];
    for alphabet in [&BASE64_NOPAD, &BASE64URL_NOPAD] {
        forms.extend(packed(value, alphabet, Layer::Base64));
    }
    forms.push(form(Some(Layer::Hex), HEXLOWER.encode(value).into_bytes()));
    forms.push(form(Some(Layer::Hex), HEXUPPER.encode(value).into_bytes()));
    for bytes in percent(value) {
        forms.push(form(Some(Layer::Percent), bytes));
    }
    for bytes in json(value) {
        forms.push(form(Some(Layer::Json), bytes));
    }
    for form in packed(value, &BASE32_NOPAD, Layer::Base32) {
        let lower = form.bytes.to_ascii_lowercase();
        forms.push(form);
        forms.push(self::form(Some(Layer::Base32), lower));
    }
    let mut once: Vec<Form> = Vec::new();
    for form in forms {
        if once.iter().all(|other| other.bytes != form.bytes) {
            once.push(form);
        }
    }
    once
}

fn form(layer: Option<Layer>, bytes: Vec<u8>) -> Form {
    Form {
        layers: layer.into_iter().collect(),
        bytes,
    }
}

/// The value behind each number of foreign bytes that changes its encoding.
fn packed(value: &[u8], alphabet: &Encoding, layer: Layer) -> Vec<Form> {
    let bits = alphabet.bit_width();
    // Base64 packs 3 bytes, base32 packs 5.
    let unit = if bits == 6 { 3 } else { 5 };
    (0..unit)
        .map(|before| {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(value);
            let text = alphabet.encode(&bytes).into_bytes();
            let from = (before * 8).div_ceil(bits);
            let to = bytes.len() * 8 / bits;
            form(Some(layer), text.get(from..to).unwrap_or_default().to_vec())
        })
        .collect()
}

/// What needs it in a URL, all that is no letter or digit, and every byte; each with
/// either case of digits, and the form of HTML forms with `+` for a space.
fn percent(value: &[u8]) -> Vec<Vec<u8>> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let component = |byte: u8| unreserved(byte) || b"!*'()".contains(&byte);
    let in_path = |byte: u8| component(byte) || b"$&+,;=:@/".contains(&byte);
    let keeps: [&dyn Fn(u8) -> bool; 4] = [&unreserved, &component, &in_path, &|_| false];
    let mut forms = Vec::new();
    for keep in keeps {
        for upper in [true, false] {
            let encode = |space: &[u8]| {
                let mut bytes = Vec::with_capacity(value.len() * 3);
                for byte in value {
                    match byte {
                        b' ' if !space.is_empty() => bytes.extend_from_slice(space),
                        byte if keep(*byte) => bytes.push(*byte),
                        byte if upper => bytes.extend(format!("%{byte:02X}").into_bytes()),
                        byte => bytes.extend(format!("%{byte:02x}").into_bytes()),
                    }
                }
                bytes
            };
            forms.push(encode(b""));
            if value.contains(&b' ') {
                forms.push(encode(b"+"));
            }
        }
    }
    forms
}

/// As a JSON string holds it: the short escapes, `\/` too, and all `\u00xx`. None if
/// the value is no text.
fn json(value: &[u8]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(value) else {
        return Vec::new();
    };
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let short = quoted
        .strip_prefix('"')
        .and_then(|quoted| quoted.strip_suffix('"'))
        .unwrap_or_default();
    let mut forms = vec![short.replace('/', "\\/").into_bytes(), short.into()];
    for upper in [true, false] {
        let mut all = String::new();
        for unit in text.encode_utf16() {
            // Writing to a string cannot fail.
            let _written = if upper {
                write!(all, "\\u{unit:04X}")
            } else {
                write!(all, "\\u{unit:04x}")
            };
        }
        forms.push(all.into_bytes());
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(value: &[u8], text: &str) -> bool {
        all(value).iter().any(|form| form.bytes == text.as_bytes())
    }

    #[test]
    fn a_value_has_the_forms_that_clients_write() {
        let rows = [
            ("hunter2/ä b", "hunter2/ä b"),
            ("hunter2/ä b", "68756e746572322fc3a42062"),
            ("hunter2/ä b", "68756E746572322FC3A42062"),
            ("hunter2/ä b", "hunter2%2F%C3%A4%20b"),
            ("hunter2/ä b", "hunter2%2f%c3%a4+b"),
            ("hunter2/ä b", "hunter2\\/ä b"),
            ("\"q\"\n\\ä", "\\\"q\\\"\\n\\\\ä"),
            ("aä", "\\u0061\\u00e4"),
            ("aä", "%61%C3%A4"),
        ];
        for (value, text) in rows {
            assert!(has(value.as_bytes(), text), "{text}");
        }
    }

    /// Whatever stands before and behind, one of the packed forms is in the text.
    #[test]
    fn packed_forms_stand_in_every_neighbourhood() {
        let value = b"s3cr3t-value";
        for before in 0..12 {
            for after in 0..6 {
                let text = [&vec![b'?'; before][..], value, &vec![0xFF; after]].concat();
                for (alphabet, layer) in [
                    (&BASE64_NOPAD, Layer::Base64),
                    (&BASE64URL_NOPAD, Layer::Base64),
                    (&BASE32_NOPAD, Layer::Base32),
                ] {
                    let encoded = alphabet.encode(&text);
                    let found = all(value).into_iter().any(|form| {
                        form.layers == [layer]
                            && encoded.contains(std::str::from_utf8(&form.bytes).unwrap())
                    });
                    assert!(found, "{before} before, {after} after: {encoded}");
                }
            }
        }
    }
}
