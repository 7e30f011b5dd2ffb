//! What leaves inside requests that are allowed: secrets, however dressed, and too much.

use std::io::Write as _;

use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::KEY;
use super::speech::Got;
use super::stage::{Stage, each, get, get_with, post, post_with};
use super::{Row, Trial, nothing};

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 37,
        threat: "Secrets in URL, headers, body, multipart, file name, JSON keys",
        twins: places,
    },
    Row {
        number: 38,
        threat: "Encodings and compression",
        twins: encodings,
    },
    Row {
        number: 39,
        threat: "Secrets split over chunks and fields",
        twins: split,
    },
    Row {
        number: 40,
        threat: "Encrypted or opaque data",
        twins: volume,
    },
    Row {
        number: 41,
        threat: "Decompression bombs",
        twins: bombs,
    },
];

/// As long as the secret and no secret.
const HARMLESS: &str = "vintage-a-good-year-1982";
const PLACE: &str = "allowed.test:443";

/// A token that nobody told the bottle of, put together so that no scanner finds it here.
fn token() -> String {
    ["gh", "p_", "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2zA4"].concat()
}

fn carriers(value: &str) -> Vec<(&'static str, String)> {
    let host = "allowed.test";
    let form = "Content-Type: multipart/form-data; boundary=cut";
    let part = |name: &str, file: &str, text: &str| {
        format!(
            "--cut\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\r\n{text}\r\n--cut--\r\n"
        )
    };
    let json = "Content-Type: application/json";
    vec![
        ("query", get(host, &format!("/?a={value}"))),
        ("path", get(host, &format!("/a/{value}/b"))),
        ("header", get_with(host, "/", &format!("X-Note: {value}"))),
        (
            "user agent",
            get_with(host, "/", &format!("User-Agent: agent/1 ({value})")),
        ),
        ("cookie", get_with(host, "/", &format!("Cookie: a={value}"))),
        ("body", post(host, "/", &format!("note={value}"))),
        (
            "JSON value",
            post_with(host, "/", json, &format!("{{\"a\": [\"{value}\"]}}")),
        ),
        (
            "JSON key",
            post_with(host, "/", json, &format!("{{\"{value}\": 1}}")),
        ),
        (
            "multipart",
            post_with(host, "/", form, &part("a", "a.txt", value)),
        ),
        (
            "file name",
            post_with(host, "/", form, &part("a", value, "x")),
        ),
        (
            "field name",
            post_with(host, "/", form, &part(value, "a.txt", "x")),
        ),
    ]
}

fn places(trial: &mut Trial<'_>) {
    for value in [KEY.to_owned(), token()] {
        for (name, request) in carriers(&value) {
            // A cookie is a credential by its nature: only the bottle's own may not leave.
            if name == "cookie" && value != KEY {
                continue;
            }
            trial.deny(
                &format!("{value:.4} in a {name}"),
                |stage| stage.https(PLACE, &request),
                |seen, _| !seen.has_heard(&value),
            );
        }
    }
    for (name, request) in carriers(HARMLESS) {
        trial.allow(
            name,
            |stage| stage.https(PLACE, &request),
            |seen, _| seen.has_heard(HARMLESS),
        );
    }
}

type Encoding = (&'static str, fn(&str) -> String);
type Coding = (&'static str, fn(&str) -> Vec<u8>);

const ENCODINGS: &[Encoding] = &[
    ("plain", str::to_owned),
    ("base64", |text| BASE64.encode(text.as_bytes())),
    ("base64 behind a byte", |text| {
        BASE64.encode(format!("x{text}").as_bytes())
    }),
    ("base64 for URLs", |text| {
        BASE64URL_NOPAD.encode(text.as_bytes())
    }),
    ("base32", |text| BASE32.encode(text.as_bytes())),
    ("hex", |text| HEXLOWER.encode(text.as_bytes())),
    ("HEX", |text| HEXUPPER.encode(text.as_bytes())),
    ("percent", |text| each(text, |byte| format!("%{byte:02x}"))),
    ("JSON escapes", |text| {
        each(text, |byte| format!("\\u{byte:04x}"))
    }),
    ("base64 twice", |text| {
        BASE64.encode(BASE64.encode(text.as_bytes()).as_bytes())
    }),
    ("hex of base64", |text| {
        HEXLOWER.encode(BASE64.encode(text.as_bytes()).as_bytes())
    }),
    ("base64 of gzip", |text| BASE64.encode(&gzip(text))),
];

const CODINGS: &[Coding] = &[
    ("identity", |text| text.as_bytes().to_vec()),
    ("gzip", gzip),
    ("deflate", |text| {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    }),
    ("deflate", |text| {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    }),
];

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

fn chars(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn encodings(trial: &mut Trial<'_>) {
    for (encoding, encode) in ENCODINGS {
        for (coding, pack) in CODINGS {
            let body = |value: &str| chars(&pack(&format!("note: {} end of it", encode(value))));
            let header = if *coding == "identity" {
                "X-Plain: yes".to_owned()
            } else {
                format!("Content-Encoding: {coding}")
            };
            let (secret, harmless) = (body(KEY), body(HARMLESS));
            let what = format!("{encoding}, {coding}");
            trial.deny(
                &what,
                |stage| stage.https(PLACE, &post_with("allowed.test", "/", &header, &secret)),
                // Packed, all of it is needed to read any.
                |seen, _| !seen.has_heard(&secret) && !seen.has_heard(&encode(KEY)),
            );
            trial.allow(
                &what,
                |stage| stage.https(PLACE, &post_with("allowed.test", "/", &header, &harmless)),
                |seen, _| seen.has_heard(&harmless),
            );
        }
    }
}

/// A request whose body is cut into chunks of so many bytes.
fn chunked(body: &str, bytes: usize) -> String {
    let mut text = "POST / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\
        Transfer-Encoding: chunked\r\n\r\n"
        .to_owned();
    for piece in body.as_bytes().chunks(bytes) {
        text.extend([
            format!("{:x}\r\n", piece.len()),
            chars(piece),
            "\r\n".into(),
        ]);
    }
    text + "0\r\n\r\n"
}

/// The bodies that arrived, without the lines that say how long a chunk is.
fn bodies(seen: &super::world::Seen) -> String {
    let is_size = |line: &str| {
        !line.is_empty() && line.len() < 3 && line.chars().all(|c| c.is_ascii_hexdigit())
    };
    let heard = seen
        .heard
        .iter()
        .filter_map(|heard| heard.text.split_once("\r\n\r\n"));
    heard
        .flat_map(|(_, body)| body.split("\r\n").filter(|line| !is_size(line)))
        .collect()
}

fn split(trial: &mut Trial<'_>) {
    // Chunks of one byte would be taken for sizes if they could be digits.
    for bytes in [3, 5, 7] {
        let (secret, harmless) = (format!("note: {KEY}."), format!("note: {HARMLESS}."));
        trial.deny(
            &format!("chunks of {bytes}"),
            |stage| stage.https(PLACE, &chunked(&secret, bytes)),
            |seen, _| !bodies(seen).contains(KEY),
        );
        trial.allow(
            &format!("chunks of {bytes}"),
            |stage| stage.https(PLACE, &chunked(&harmless, bytes)),
            |seen, _| bodies(seen).contains(HARMLESS),
        );
    }
    // Behind so much that it lies across the border of what is looked at at once.
    for before in [16 * 1024 - 10, 64 * 1024 - 10, 200_001] {
        let padded = |value: &str| {
            post(
                "allowed.test",
                "/",
                &format!("{}{value}.", "pad ".repeat(before / 4)),
            )
        };
        let (secret, harmless) = (padded(KEY), padded(HARMLESS));
        trial.deny(
            &format!("behind {before} bytes"),
            |stage| stage.https(PLACE, &secret),
            |seen, _| !seen.has_heard(KEY),
        );
        trial.allow(
            &format!("behind {before} bytes"),
            |stage| stage.https(PLACE, &harmless),
            |seen, _| seen.has_heard(HARMLESS),
        );
    }
}

/// Bytes that look like nothing (splitmix64).
fn opaque(count: usize) -> String {
    let mut state: u64 = 7;
    let mut text = String::new();
    while text.len() < count {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = state;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        text.extend(value.to_le_bytes().map(|byte| char::from(b' ' + byte % 90)));
    }
    text.truncate(count);
    text
}

fn volume(trial: &mut Trial<'_>) {
    let send = |stage: &Stage, bytes: usize| {
        stage.https("budget.test:443", &post("budget.test", "/", &opaque(bytes)))
    };
    let heard = |seen: &super::world::Seen| seen.heard.iter().map(|heard| heard.bytes).sum::<u64>();
    trial.allow(
        "256 KiB of 1 MiB",
        |stage| send(stage, 256 * 1024),
        |seen, _| heard(seen) > 256 * 1024,
    );
    trial.deny(
        "4 MiB more",
        |stage| send(stage, 4 * 1024 * 1024),
        |seen, _| heard(seen) < 1024 * 1024,
    );
    trial.deny("once it is spent", |stage| send(stage, 16), nothing);
}

fn bombs(trial: &mut Trial<'_>) {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&vec![0; 16 << 20]).unwrap();
    let bomb = chars(&packer.finish().unwrap()).repeat(64);
    let fine = chars(&gzip(&opaque(256 * 1024)));
    let header = "Content-Encoding: gzip";
    let send = |stage: &Stage, body: &str| {
        stage.https(PLACE, &post_with("allowed.test", "/", header, body))
    };
    trial.deny(
        "1 GiB in 1 MiB",
        |stage| send(stage, &bomb),
        |seen, _| !seen.has_heard(&bomb),
    );
    let inside = BASE64.encode(&gzip(&" ".repeat(8 << 20)));
    trial.deny(
        "8 MiB in base64 of gzip",
        |stage| stage.https(PLACE, &post("allowed.test", "/", &inside)),
        |seen, _| !seen.has_heard(&inside),
    );
    trial.allow(
        "a body that packs badly, through the same sidecar",
        |stage| send(stage, &fine),
        |seen, _| seen.has_heard(&fine),
    );
    let restarts = |stage: &Stage| {
        let egress = stage.engine.container(&stage.bottle, "egress");
        let text = stage
            .engine
            .docker(&["inspect", "--format", "{{.RestartCount}}", &egress]);
        Got {
            text,
            ..Got::default()
        }
    };
    trial.deny("the sidecar's own end", restarts, |_, got| got.text == "0");
}
