use std::io::Write as _;

use hyper::header::{CONTENT_ENCODING, HeaderValue};
use proptest::prelude::*;

use super::*;

/// A streamed answer as the API sends it, with what it must not be misled by.
const STREAM: &str = concat!(
    "event: message_start\r\n",
    r#"data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","#,
    r#""model":"claude-sonnet-4-5-20250929","content":[],"stop_reason":null,"usage":{"input_tokens":3,"#,
    r#""cache_creation_input_tokens":1200,"cache_read_input_tokens":45000,"#,
    r#""cache_creation":{"ephemeral_5m_input_tokens":200,"ephemeral_1h_input_tokens":1000},"#,
    r#""output_tokens":1,"service_tier":"standard"}}}"#,
    "\r\n\r\n: a comment\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","#,
    r#""text":"\"usage\":{\"output_tokens\":999999}} \n data: {\"type\":\"message_delta\"} \\"}}"#,
    "\n\nevent: message_delta\n",
    r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn","usage":{"output_tokens":888888}},"#,
    "\ndata: ",
    r#""usage":{"output_tokens": 512 ,"input_tokens":3,"server_tool_use":{"output_tokens":777777},"#,
    r#""iterations":[{"input_tokens":666666}]}}"#,
    "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

const WHOLE: &str = r#"{
  "model": "claude-opus-4-6", "id": "msg_2", "type": "message", "role": "assistant",
  "content": [{"type": "text", "text": "{\"usage\": {\"output_tokens\": 5}}"}, {"usage": {"input_tokens": 9}}],
  "usage": {"input_tokens": 21, "output_tokens": 34, "cache_read_input_tokens": null}
}"#;

fn streamed() -> AnswerUsage {
    AnswerUsage {
        model: String::from("claude-sonnet-4-5-20250929"),
        tokens: Tokens {
            input: 3,
            output: 512,
            cache_write: 200,
            cache_write_hour: 1000,
            cache_read: 45000,
        },
    }
}

fn whole() -> AnswerUsage {
    AnswerUsage {
        model: String::from("claude-opus-4-6"),
        tokens: Tokens {
            input: 21,
            output: 34,
            ..Tokens::default()
        },
    }
}

fn reader(kind: &'static str, coding: &'static str) -> Option<Box<UsageReader>> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    UsageReader::of(&headers)
}

fn read<'a>(
    kind: &'static str,
    coding: &'static str,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Option<AnswerUsage> {
    let mut reader = reader(kind, coding).unwrap();
    for piece in pieces {
        reader.feed(piece);
    }
    reader.finish()
}

const EVENTS: &str = "text/event-stream; charset=utf-8";
const JSON: &str = "Application/JSON";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// Brotli of blocks that are not compressed (RFC 7932, section 9.2).
fn brotli(bytes: &[u8]) -> Vec<u8> {
    // A window of 16 bits is one bit, 0; then each block: not the last, four nibbles of
    // length, not compressed, padding.
    let mut packed = Vec::new();
    for (at, block) in bytes.chunks(60_000).enumerate() {
        let length = u32::try_from(block.len() - 1).unwrap();
        let head = length << 3 | 1 << 19;
        let head = if at == 0 { head << 1 } else { head };
        packed.extend_from_slice(&head.to_le_bytes()[..3]);
        packed.extend_from_slice(block);
    }
    // The last block, empty.
    packed.push(0b11);
    packed
}

#[test]
fn an_answer_is_read_however_it_is_cut() {
    for (kind, text, expected) in [(EVENTS, STREAM, streamed()), (JSON, WHOLE, whole())] {
        let bytes = text.as_bytes();
        assert_eq!(read(kind, "identity", [bytes]), Some(expected.clone()));
        assert_eq!(
            read(kind, "identity", bytes.chunks(1)),
            Some(expected.clone())
        );
        for at in 0..bytes.len() {
            let (one, other) = bytes.split_at(at);
            let read = read(kind, "identity", [one, other]);
            assert_eq!(read.as_ref(), Some(&expected), "{at}");
        }
    }
}

#[test]
fn an_answer_is_read_however_it_is_packed_and_cut() {
    for (kind, text, expected) in [(EVENTS, STREAM, streamed()), (JSON, WHOLE, whole())] {
        let packed = [
            ("gzip", gzip(text.as_bytes())),
            ("deflate", zlib(text.as_bytes())),
            ("br", brotli(text.as_bytes())),
            ("zstd", zstd(text.as_bytes())),
        ];
        for (coding, bytes) in packed {
            let once = read(kind, coding, [bytes.as_slice()]);
            assert_eq!(once.as_ref(), Some(&expected), "{coding}");
            let bytewise = read(kind, coding, bytes.chunks(1));
            assert_eq!(bytewise.as_ref(), Some(&expected), "{coding}");
            for at in 0..bytes.len() {
                let (one, other) = bytes.split_at(at);
                let read = read(kind, coding, [one, other]);
                assert_eq!(read.as_ref(), Some(&expected), "{coding} {at}");
            }
        }
    }
}

/// What was said before the operator or the network broke an answer off was paid for.
#[test]
fn a_stream_that_breaks_off_counts_as_far_as_it_came() {
    let end = STREAM.find("event: ping").unwrap();
    let begun = AnswerUsage {
        tokens: Tokens {
            output: 1,
            ..streamed().tokens
        },
        ..streamed()
    };
    let cut = &STREAM.as_bytes()[..end];
    assert_eq!(read(EVENTS, "identity", [cut]), Some(begun.clone()));
    // A packer flushes after each event.
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(cut).unwrap();
    packer.flush().unwrap();
    let packed = packer.get_ref().clone();
    assert_eq!(read(EVENTS, "gzip", [packed.as_slice()]), Some(begun));
}

#[test]
fn what_says_nothing_of_usage_counts_for_nothing() {
    for text in [
        "",
        "{}",
        "[]",
        "7",
        "}",
        r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
        r#"{"input_tokens":2095}"#,
        r#"{"type":"message","model":"m"}"#,
        r#"{"usage":{"input_tokens":1}}"#,
        r#"{"type":"message","usage":{"input_tokens":1}"#,
        r#"{"type":"message" "usage":{"input_tokens":1}}"#,
        r#"[{"type":"message","usage":{"input_tokens":1}}]"#,
        r#"{"type":"message_start","usage":{"input_tokens":1}}"#,
    ] {
        assert_eq!(read(JSON, "identity", [text.as_bytes()]), None, "{text}");
    }
    assert!(reader("text/html", "identity").is_none());
    assert!(reader(EVENTS, "compress").is_none());
    assert_eq!(read(JSON, "gzip", [WHOLE.as_bytes()]), None);
}

#[test]
fn a_count_is_a_plain_number_and_a_model_a_plain_name() {
    let long = "x".repeat(65);
    for (model, count) in [
        ("a b", "-1"),
        ("a\\u001b[2J", "1.5"),
        ("\u{202e}", "1e3"),
        (long.as_str(), "99999999999999999999999"),
        ("", "\"7\""),
        ("\u{1b}[2J", "null"),
    ] {
        let text = format!(
            r#"{{"type":"message","model":"{model}","usage":{{"input_tokens":{count},"output_tokens":4}}}}"#
        );
        let read = read(JSON, "identity", [text.as_bytes()]).unwrap();
        let tokens = Tokens {
            output: 4,
            ..Tokens::default()
        };
        assert_eq!((read.model.as_str(), read.tokens), ("", tokens), "{text}");
    }
}

/// Ten million open brackets, names and strings without an end: what is kept is bounded.
#[test]
fn nothing_grows_with_a_hostile_answer() {
    for piece in [
        "[[[[[[[[",
        "{\"usage\":",
        "\"aaaaaaaa",
        "data: {\"a\":[",
        "\\\\\\\\",
    ] {
        let piece = piece.repeat(1000);
        for kind in [EVENTS, JSON] {
            let mut reader = reader(kind, "identity").unwrap();
            for _ in 0..100 {
                reader.feed(piece.as_bytes());
            }
            let json = match &reader.form {
                Form::Events(events) => events.json(),
                Form::Whole(json) => json,
            };
            assert!(json.held() <= 512, "{}", json.held());
            assert_eq!(reader.finish(), None);
        }
    }
}

#[test]
fn a_bomb_is_given_up() {
    let bomb = gzip(&vec![b' '; 20_000_000]);
    assert_eq!(read(JSON, "gzip", [bomb.as_slice()]), None);
}

proptest! {
    #[test]
    fn no_answer_makes_it_fail(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        at in 0_usize..2000,
    ) {
        for kind in [EVENTS, JSON] {
            for coding in ["identity", "gzip", "deflate", "br", "zstd"] {
                let (one, other) = bytes.split_at(at.min(bytes.len()));
                prop_assert_eq!(read(kind, coding, [one, other]), None);
            }
        }
    }

    /// Whatever a strict reader takes is read alike.
    #[test]
    fn a_text_that_a_strict_reader_takes_is_read_alike(
        text in "(\\{|\\}|\"|:|,|\\[|\\]|\\\\| |1|usage|input_tokens|type|message|model|null){0,40}",
        input in 0_u64..1000,
    ) {
        let extra = serde_json::Value::String(text);
        let made = format!(
            r#"{{"a":{extra},"type":"message","b":[{extra},{{{extra}:1}}],"usage":{{{extra}:{extra},"input_tokens":{input}}},"model":"m"}}"#
        );
        prop_assume!(serde_json::from_str::<serde_json::Value>(&made).is_ok());
        let read = read(JSON, "identity", made.as_bytes().chunks(7)).unwrap();
        prop_assert!(read.tokens.input == input || extra == "input_tokens");
        prop_assert_eq!(read.model, "m");
    }
}
