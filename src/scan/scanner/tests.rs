use std::io::Write as _;
use std::sync::LazyLock;

use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

use super::*;
use crate::scan::{Kind, Layer, Unread};
use crate::secret::Secret;

const VALUE: &str = "tok_5/Qz\"8+wN~x1.é";
const CANARY: &str = "canary-7Lm2Kx9Pq4";

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| {
    let values = vec![
        Known::secret("token", Secret::new(VALUE.into())),
        Known::canary("canary", Secret::new(CANARY.into())),
    ];
    Scanner::new(values).unwrap()
});

fn scanner() -> &'static Scanner {
    &SCANNER
}

fn stream(mode: Mode) -> Stream {
    scanner().stream(Direction::Outbound, ContentCoding::Identity, mode)
}

/// Rule, kind and layers of each finding.
fn named(findings: &[Finding]) -> Vec<(&str, Kind, &[Layer])> {
    findings
        .iter()
        .map(|found| (found.rule.as_str(), found.kind, found.encoding.as_slice()))
        .collect()
}

/// Feeds the pieces and gives all findings, what had left before the end, and the output.
fn feed(mut stream: Stream, pieces: &[&[u8]]) -> (Vec<Finding>, u64, Vec<u8>, Option<Unread>) {
    let mut findings = Vec::new();
    let mut output = Vec::new();
    for piece in pieces {
        let fed = stream.feed(piece);
        findings.extend(fed.findings);
        output.extend(fed.output);
    }
    let end = stream.finish();
    findings.extend(end.findings);
    output.extend(end.output);
    (findings, end.release, output, end.unread)
}

/// The value in every encoding that is looked for, with its layers.
fn encodings(value: &str) -> Vec<(Vec<u8>, Vec<Layer>)> {
    let bytes = value.as_bytes();
    let percent: Vec<String> = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
    let escaped: Vec<String> = value
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04X}"))
        .collect();
    let json = serde_json::to_string(value).unwrap();
    let has_quote = value.contains('"');
    let mut rows = vec![
        (bytes.to_vec(), vec![]),
        (HEXLOWER.encode(bytes).into(), vec![Layer::Hex]),
        (HEXUPPER.encode(bytes).into(), vec![Layer::Hex]),
        (percent.concat().into(), vec![Layer::Percent]),
        (escaped.concat().into(), vec![Layer::Json]),
        (BASE32_NOPAD.encode(bytes).into(), vec![Layer::Base32]),
    ];
    if has_quote {
        rows.push((json.trim_matches('"').into(), vec![Layer::Json]));
    }
    for before in ["", "x", "xy"] {
        let text = format!("{before}{value};");
        for encoded in [
            BASE64.encode(text.as_bytes()),
            BASE64URL_NOPAD.encode(text.as_bytes()),
        ] {
            rows.push((encoded.into(), vec![Layer::Base64]));
        }
    }
    rows
}

#[test]
fn known_values_are_found_in_every_encoding_however_they_are_cut() {
    for (name, value, kind) in [
        ("token", VALUE, Kind::Known),
        ("canary", CANARY, Kind::Canary),
    ] {
        for (encoded, layers) in encodings(value) {
            let text = [b"{\"note\": \"see ", &encoded[..], b" here\"}"].concat();
            let expected = [(name, kind, &layers[..])];
            let shown = String::from_utf8_lossy(&text);
            let check = |pieces: &[&[u8]]| {
                let (findings, _, _, unread) = feed(stream(Mode::Report), pieces);
                assert_eq!(named(&findings), expected, "{shown}");
                assert_eq!(unread, None);
            };
            check(&[&text]);
            check(&text.chunks(1).collect::<Vec<_>>());
            for at in 0..=text.len() {
                let (one, two) = text.split_at(at);
                check(&[one, two]);
            }
        }
    }
}

#[test]
fn a_finding_says_where_and_holds_nothing_of_the_secret() {
    let text = format!("a line\nsecret={VALUE};");
    let findings = scanner().scan_bytes(text.as_bytes());
    let at = 14..14 + VALUE.len() as u64;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].at, at);
    let shown = format!("{findings:?} {:?}", scanner());
    assert!(!shown.contains("tok_5"), "{shown}");
    let shown = format!("{:?}", stream(Mode::Block));
    assert!(!shown.contains("canary-7"), "{shown}");
}

#[test]
fn short_values_are_named_as_unwatched_and_not_looked_for() {
    let values = vec![Known::secret("pin", Secret::new(b"1234567".to_vec()))];
    let scanner = Scanner::new(values).unwrap();
    assert_eq!(scanner.unwatched(), ["pin"]);
    assert_eq!(scanner.scan_bytes(b"x=1234567"), []);
}

#[test]
fn too_many_bytes_of_values_are_refused() {
    let values = vec![Known::secret("book", Secret::new(vec![b'x'; 65 * 1024]))];
    let refused = Scanner::new(values).err();
    assert_eq!(refused, Some(KnownError::TooLong { bytes: 65 * 1024 }));
}

/// Three rounds, and a fourth encoding that is a known form of the value.
#[test]
fn rounds_undo_three_layers() {
    use Layer::{Base64, Gzip, Hex, Json};

    let hex = HEXLOWER.encode(VALUE.as_bytes());
    let two = BASE64.encode(hex.as_bytes());
    let three = BASE64.encode(format!("pad {two}").as_bytes());
    let packed = BASE64.encode(&gzip(format!("note: {VALUE}").as_bytes()));
    let json = serde_json::to_string(&format!("\u{1}{three}")).unwrap();
    let rows: [(String, &[Layer]); 4] = [
        (two, &[Base64, Hex]),
        (three, &[Base64, Base64, Hex]),
        (packed, &[Base64, Gzip]),
        (json, &[Json, Base64, Base64, Hex]),
    ];
    for (text, layers) in rows {
        let findings = scanner().scan_bytes(format!("v: {text}\n").as_bytes());
        assert_eq!(named(&findings), [("token", Kind::Known, layers)], "{text}");
    }
}

/// Escapes that only some characters have, as no single form has them.
#[test]
fn mixed_escapes_are_undone() {
    let some: String = CANARY
        .chars()
        .enumerate()
        .map(|(at, c)| match at % 3 {
            0 => format!("%{:02X}", u32::from(c)),
            _ => c.to_string(),
        })
        .collect();
    let findings = scanner().scan_bytes(format!("GET /?q={some} HTTP/1.1").as_bytes());
    let expected = [("canary", Kind::Canary, &[Layer::Percent][..])];
    assert_eq!(named(&findings), expected);
    assert_eq!(findings[0].at, 8..8 + some.len() as u64);
    let some = CANARY.replace('a', "\\u0061").replace('-', "\\u002d");
    let findings = scanner().scan_bytes(format!("{{\"q\": \"{some}\"}}").as_bytes());
    let expected = [("canary", Kind::Canary, &[Layer::Json][..])];
    assert_eq!(named(&findings), expected);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// RFC 7932, section 9.2: stored metablocks, because a compressor is not at hand.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut bits = Bits::default();
    bits.put(0, 1);
    for chunk in bytes.chunks(4096) {
        bits.put(0, 1);
        bits.put(0, 2);
        bits.put(u32::try_from(chunk.len()).unwrap() - 1, 16);
        bits.put(1, 1);
        packed.append(&mut bits.flush());
        packed.extend_from_slice(chunk);
    }
    bits.put(0b11, 2);
    packed.append(&mut bits.flush());
    packed
}

#[derive(Default)]
struct Bits {
    value: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.value |= u64::from(value) << self.count;
        self.count += count;
    }

    fn flush(&mut self) -> Vec<u8> {
        let bytes = self.value.to_le_bytes();
        let length = self.count.div_ceil(8) as usize;
        *self = Self::default();
        bytes[..length].to_vec()
    }
}

type Pack = fn(&[u8]) -> Vec<u8>;

fn codings() -> Vec<(ContentCoding, Pack)> {
    vec![
        (ContentCoding::Gzip, gzip),
        (ContentCoding::Brotli, brotli),
        (ContentCoding::Zstd, zstd),
        (ContentCoding::Deflate, |bytes| {
            let mut packer =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(bytes).unwrap();
            packer.finish().unwrap()
        }),
        (ContentCoding::Deflate, |bytes| {
            let mut packer =
                flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(bytes).unwrap();
            packer.finish().unwrap()
        }),
    ]
}

#[test]
fn content_codings_are_seen_through_however_they_are_cut() {
    let text = format!(
        "{}secret: {VALUE}\n{}",
        "before ".repeat(500),
        "after ".repeat(500)
    );
    for (coding, pack) in codings() {
        let packed = pack(text.as_bytes());
        for size in [1, 7, 600, packed.len()] {
            for mode in [Mode::Report, Mode::Block, Mode::Redact] {
                let stream = scanner().stream(Direction::Outbound, coding, mode);
                let pieces: Vec<&[u8]> = packed.chunks(size).collect();
                let (findings, release, output, unread) = feed(stream, &pieces);
                let expected = [("token", Kind::Known, &[][..])];
                assert_eq!(named(&findings), expected, "{coding:?} {size}");
                assert_eq!(unread, None, "{coding:?} {size}");
                match mode {
                    Mode::Report => assert_eq!(release, packed.len() as u64),
                    Mode::Block => assert!(release < packed.len() as u64),
                    Mode::Redact => assert_eq!(
                        String::from_utf8(output).unwrap(),
                        text.replace(VALUE, "[redacted:token]")
                    ),
                }
            }
            let clean = pack("nothing here ".repeat(400).as_bytes());
            let stream = scanner().stream(Direction::Outbound, coding, Mode::Block);
            let (findings, release, ..) = feed(stream, &clean.chunks(size).collect::<Vec<_>>());
            assert_eq!(
                (findings, release),
                (vec![], clean.len() as u64),
                "{coding:?}"
            );
        }
    }
}

#[test]
fn what_cannot_be_unpacked_is_said_and_held() {
    let bomb = gzip(&vec![0; 8 << 20]);
    let rows: Vec<(ContentCoding, Vec<u8>, Unread)> = vec![
        (ContentCoding::Gzip, bomb, Unread::Bomb),
        (ContentCoding::Zstd, zstd(&vec![0; 8 << 20]), Unread::Bomb),
        (
            ContentCoding::Gzip,
            b"plain words".repeat(9),
            Unread::Corrupt,
        ),
        (ContentCoding::Brotli, vec![0xFF; 99], Unread::Corrupt),
        (
            ContentCoding::Zstd,
            b"plain words".repeat(9),
            Unread::Corrupt,
        ),
        (ContentCoding::Deflate, vec![0xFF; 99], Unread::Corrupt),
        (
            ContentCoding::Gzip,
            gzip(b"cut short")[..20].to_vec(),
            Unread::Corrupt,
        ),
        (
            ContentCoding::Zstd,
            zstd(b"cut short")[..8].to_vec(),
            Unread::Corrupt,
        ),
    ];
    for (coding, body, why) in rows {
        let stream = scanner().stream(Direction::Outbound, coding, Mode::Block);
        let pieces: Vec<&[u8]> = body.chunks(4096).collect();
        let (_, release, _, unread) = feed(stream, &pieces);
        assert_eq!(unread, Some(why), "{coding:?}");
        assert!(release < body.len() as u64, "{coding:?}");
    }
}

#[test]
fn a_bomb_inside_a_body_is_cut_and_said() {
    let body = [b"file: ", &gzip(&vec![0; 8 << 20])[..], b" end"].concat();
    let (findings, _, _, unread) = feed(stream(Mode::Report), &[&body]);
    assert_eq!((findings, unread), (vec![], Some(Unread::Bomb)));
}

mod differential;
mod passing;
mod patterns;
mod properties;
