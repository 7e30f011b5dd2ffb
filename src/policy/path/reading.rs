//! The ways in which servers read one path.
//!
//! Some take it as it is, some decode its escapes first, and some cut `;…` off each
//! segment before or after they decode, as Java servers do.

use std::borrow::Cow;

/// One way to read a path, or a pattern of paths, in its canonical spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    AsSent,
    Decoded,
    DecodedThenCut,
    CutThenDecoded,
}

impl Reading {
    pub(super) const ALL: [Self; 4] = [
        Self::AsSent,
        Self::Decoded,
        Self::DecodedThenCut,
        Self::CutThenDecoded,
    ];

    pub(super) fn of(self, canonical: &str) -> Cow<'_, str> {
        match self {
            Self::AsSent => Cow::Borrowed(canonical),
            Self::Decoded => decoded(canonical),
            Self::DecodedThenCut => Cow::Owned(cut(&decoded(canonical)).into_owned()),
            Self::CutThenDecoded => Cow::Owned(decoded(&cut(canonical)).into_owned()),
        }
    }
}

/// Whether every reading is the same.
pub(super) fn is_plain(canonical: &str) -> bool {
    !canonical.contains(['%', ';'])
}

/// The escapes as the characters that they spell. `%2A` stays: in a pattern `*` is no
/// star. `None` if they spell no UTF-8.
pub(super) fn decode(canonical: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(canonical.len());
    let mut left = canonical;
    while let Some((before, after)) = left.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let (digits, rest) = after.split_at_checked(2)?;
        if digits == "2A" {
            bytes.extend_from_slice(b"%2A");
        } else {
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        }
        left = rest;
    }
    bytes.extend_from_slice(left.as_bytes());
    String::from_utf8(bytes).ok()
}

fn decoded(canonical: &str) -> Cow<'_, str> {
    if !canonical.contains('%') {
        return Cow::Borrowed(canonical);
    }
    // What spells no text was refused before; its bytes then stand for themselves.
    decode(canonical).map_or(Cow::Borrowed(canonical), Cow::Owned)
}

fn cut(path: &str) -> Cow<'_, str> {
    if !path.contains(';') {
        return Cow::Borrowed(path);
    }
    let names: Vec<&str> = path
        .split('/')
        .map(|segment| segment.split(';').next().unwrap_or_default())
        .collect();
    Cow::Owned(names.join("/"))
}
