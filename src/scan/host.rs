//! Host names as a way out: a resolver tells a stranger each label it is asked for.

use super::entropy::bits_per_byte;
use super::finding::{Finding, Kind};
use super::known::KnownValues;

/// Shorter labels carry too little, and names of machines look the same.
const MIN_LABEL_BYTES: usize = 20;
/// A label of hexadecimal digits only is data from here on; shorter ones are commits.
const MIN_HEX_BYTES: usize = 24;
/// Chosen by hand between names and base32 of hashes; the tests hold samples of both.
const MIN_BITS: f64 = 3.6;
/// Hexadecimal digits have at most 4; chosen by hand as well.
const MIN_HEX_BITS: f64 = 2.8;

/// What is found in a host name. A known value may be cut by dots, so its range is that
/// of the whole name then.
pub(super) fn scan(name: &str, known: &KnownValues) -> Vec<Finding> {
    let mut findings = known.search(name.as_bytes(), 0, 0);
    let dotless: String = name.chars().filter(|c| *c != '.').collect();
    for finding in known.search(dotless.as_bytes(), 0, 0) {
        if findings.iter().all(|found| found.rule != finding.rule) {
            let at = 0..name.len() as u64;
            findings.push(Finding { at, ..finding });
        }
    }
    let mut start = 0_u64;
    for label in name.split('.') {
        let end = start + label.len() as u64;
        if let Some(rule) = looks_like_data(label) {
            findings.push(Finding {
                rule: rule.to_owned(),
                kind: Kind::Pattern,
                encoding: Vec::new(),
                at: start..end,
            });
        }
        start = end + 1;
    }
    findings
}

/// Said of a name when the known values could not be looked for.
pub(super) fn unread(name: &str) -> Finding {
    Finding {
        rule: "host-unread".to_owned(),
        kind: Kind::Pattern,
        encoding: Vec::new(),
        at: 0..name.len() as u64,
    }
}

fn looks_like_data(label: &str) -> Option<&'static str> {
    let bytes: Vec<u8> = label
        .bytes()
        .filter(|byte| !matches!(byte, b'-' | b'_'))
        .map(|byte| byte.to_ascii_lowercase())
        .collect();
    let bits = bits_per_byte(&bytes);
    if bytes.len() >= MIN_HEX_BYTES
        && bytes.iter().all(u8::is_ascii_hexdigit)
        && bits >= MIN_HEX_BITS
    {
        return Some("host-label-hex");
    }
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let vowels = bytes.iter().filter(|byte| b"aeiouy".contains(byte)).count();
    // Words have about two vowels in five letters; random letters one in five.
    let is_spelt_by_nobody = vowels * 4 < bytes.len() - digits || digits >= 3;
    (bytes.len() >= MIN_LABEL_BYTES && bits >= MIN_BITS && is_spelt_by_nobody)
        .then_some("host-label-random")
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE32_NOPAD;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn labels_of_encoded_data_are_told_from_names() {
        for seed in 0..200_u32 {
            let noise = Sha256::digest(seed.to_le_bytes());
            let base32 = BASE32_NOPAD.encode(&noise).to_ascii_lowercase();
            assert_eq!(
                looks_like_data(&base32),
                Some("host-label-random"),
                "{base32}"
            );
            let hex = data_encoding::HEXLOWER.encode(&noise);
            assert_eq!(looks_like_data(&hex), Some("host-label-hex"), "{hex}");
        }
    }

    #[test]
    fn names_that_people_give_are_no_data() {
        for label in [
            "www",
            "internationalization-working-group",
            "objects-origin",
            "production-eu-central-1",
            "storage-download-googleapis",
            "d111111abcdef8",
            "my-very-long-application-name-staging",
            "ec2-203-0-113-25",
            "pipelines-actions-production",
            "xn--bcher-kva",
        ] {
            assert_eq!(looks_like_data(label), None, "{label}");
        }
    }
}
