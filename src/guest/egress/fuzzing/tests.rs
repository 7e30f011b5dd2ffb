//! A short run of each target with every `cargo test`: its seeds, pieces of them put
//! together anew, and bytes at random.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Words that lead a parser far in.
fn inputs(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..12),
        1 => "[ -~\r\n]{0,12}".prop_map(String::into_bytes),
    ];
    (any::<u8>(), vec(piece, 0..12)).prop_map(|(first, pieces)| {
        let mut bytes = vec![first];
        bytes.extend(pieces.concat());
        bytes
    })
}

const HOSTS: &[&str] = &[
    "*.",
    "a",
    ".",
    "example.com",
    "github.io",
    "xn--",
    "-",
    "_",
    "127.0.0.1",
    "0x7f",
    "[::1]",
    ":443",
    ":0",
    "http://",
    "/",
    "@",
    "%2e",
    "é",
    "\0",
];
const PATHS: &[&str] = &[
    "/", "a", "..", ".", "%2e", "%2F", "%5c", "%252e", ";", "*", "**", "\n", "%c3%a9", "?", "//",
    "public",
];
const REQUESTS: &[&str] = &[
    "GET http://a.test/ HTTP/1.1\r\n",
    "POST /x HTTP/1.1\r\n",
    "Host: a.test\r\n",
    "\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "5;e=x\r\nhello\r\n",
    "A: b\r\n",
    "hello",
    "Connection: upgrade\r\nUpgrade: websocket\r\n",
    "\n",
    "CONNECT a.test:443 HTTP/1.1\r\n",
    "ffffffffffff\r\n",
];
const BODIES: &[&str] = &[
    "hunter2-",
    "correct-horse",
    VALUE,
    "aHVudGVyMi1jb3JyZWN0LWhvcnNl",
    "api_key = \"",
    "\\u0068",
    "%68unter2",
    "ghp_",
    "0123456789abcdefghijABCDEFGHIJ012345",
    " ",
    "\n",
];

/// With masks of zeros, which leave texts as they are.
const FRAMES: &[&str] = &[
    "\u{1}\u{8}hunter2-",
    "\u{1}\u{3}abc",
    "\0\u{3}abc",
    "\0\u{d}correct-horse",
    "\n\u{2}hi",
    VALUE,
    "hunter2-",
    "correct-horse",
    "\0\0\0\0",
    "~\u{1}\0",
];
const USAGES: &[&str] = &[
    "event: message_start\n",
    "data: ",
    "data:{",
    "\n",
    "\r\n",
    "\n\n",
    r#"{"type":"message_start","message":{"model":"claude-x","usage":{"input_tokens":7}}}"#,
    r#"{"type":"message_delta","usage":{"output_tokens":12}}"#,
    r#""usage":{"#,
    r#""output_tokens":"#,
    "999999999999999999999",
    "1e9",
    r#""type":"message","#,
    r#""model":"claude"#,
    "\\u0000",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ": a comment\n",
];

/// A ClientHello as rustls sends it.
fn hello(name: &str) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = name.to_owned().try_into().unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_hello_cut_anywhere_is_one_hello() {
    let (right, wrong) = (hello(HOST), hello("other.test"));
    for size in [0, 1, 4, 5, 100, 255] {
        for hello in [&right, &wrong] {
            let mut bytes = vec![size];
            bytes.extend_from_slice(hello);
            client_hello(&bytes);
        }
    }
}

/// A frame as its sender writes it, or bytes at random.
fn frame(is_masked: bool, first: u8, mask: [u8; 4], text: &str) -> Vec<u8> {
    let mut payload = text.as_bytes().to_vec();
    let length = u8::try_from(payload.len()).unwrap();
    if !is_masked {
        return [&[first, length], payload.as_slice()].concat();
    }
    unmask(&mut payload, mask);
    [&[first, 0x80 | length], mask.as_slice(), &payload].concat()
}

proptest! {
    #[test]
    fn frames_of_any_kind(
        size in any::<u8>(),
        how in any::<u8>(),
        // A whole message, or one in parts, with a ping between them.
        messages in vec((vec(proptest::sample::select(FRAMES), 1..4), any::<bool>()), 0..5),
        mask in any::<[u8; 4]>(),
        tail in vec(any::<u8>(), 0..6),
    ) {
        let mut bytes = vec![size, how];
        let frame = |first, text| frame(how % 2 == 0, first, mask, text);
        for (parts, has_ping) in messages {
            let last = parts.len() - 1;
            for (at, text) in parts.into_iter().enumerate() {
                let first = u8::from(at == 0) | if at == last { 0x80 } else { 0 };
                bytes.extend(frame(first, text));
                if has_ping {
                    bytes.extend(frame(0x89, "hunter2-"));
                }
            }
        }
        bytes.extend(tail);
        frames(&bytes);
    }

    #[test]
    fn answers_of_models(how in any::<u8>(), bytes in inputs(USAGES)) {
        let (size, body) = bytes.split_first().unwrap();
        usage(&[&[*size, how], body].concat());
        // Most of them plain.
        usage(&[&[*size, how % 2], body].concat());
    }

    #[test]
    fn hosts(bytes in inputs(HOSTS)) {
        host(bytes.split_first().unwrap().1);
    }

    #[test]
    fn paths(bytes in inputs(PATHS)) {
        path(bytes.split_first().unwrap().1);
    }

    #[test]
    fn requests_in_any_pieces(bytes in inputs(REQUESTS)) {
        requests(&bytes);
    }

    #[test]
    fn a_hello_with_bytes_changed(
        size in any::<u8>(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        tail in vec(any::<u8>(), 0..8),
    ) {
        let mut bytes = vec![size];
        bytes.extend(hello(HOST));
        for (at, byte) in changes {
            let at = at.index(bytes.len() - 1) + 1;
            bytes[at] = byte;
        }
        bytes.extend(tail);
        client_hello(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn bodies(size in any::<u8>(), bytes in inputs(BODIES)) {
        let mut input = vec![size];
        input.extend(bytes);
        scan(&input);
    }
}
