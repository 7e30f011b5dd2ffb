//! The two halves of a WebSocket's opening handshake (RFC 6455, 4), held to each other.
//!
//! Compression is not offered on, so that frames stay readable for a scanner.

use data_encoding::BASE64;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// RFC 6455, 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// A key is 16 bytes in base64.
const KEY_BYTES: usize = 16;

/// What was asked for, to hold the answer to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    accept: String,
    protocols: Vec<String>,
}

impl Wish {
    /// Reads the agent's half.
    ///
    /// # Errors
    /// What is wrong with it, as a clause.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, &'static str> {
        if one(headers, &SEC_WEBSOCKET_VERSION) != Some("13") {
            return Err("the WebSocket's version is not 13");
        }
        let key = one(headers, &SEC_WEBSOCKET_KEY).unwrap_or_default();
        let is_key = BASE64
            .decode(key.as_bytes())
            .is_ok_and(|key| key.len() == KEY_BYTES);
        if !is_key {
            return Err("the WebSocket's key is not 16 bytes in base64");
        }
        Ok(Self {
            accept: accept(key),
            protocols: list(headers, &SEC_WEBSOCKET_PROTOCOL),
        })
    }

    /// Judges upstream's half.
    pub(super) fn is_granted_by(&self, headers: &HeaderMap) -> bool {
        let upgrade = one(headers, &UPGRADE).unwrap_or_default();
        let named = list(headers, &CONNECTION)
            .iter()
            .any(|name| name.eq_ignore_ascii_case("upgrade"));
        let chosen = list(headers, &SEC_WEBSOCKET_PROTOCOL);
        upgrade.eq_ignore_ascii_case("websocket")
            && named
            && one(headers, &SEC_WEBSOCKET_ACCEPT) == Some(&self.accept)
            && !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS)
            && chosen.len() <= 1
            && chosen.iter().all(|name| self.protocols.contains(name))
    }
}

/// Puts back what makes either half one, after the headers of the hop were removed.
pub(super) fn announce(headers: &mut HeaderMap) {
    headers.remove(SEC_WEBSOCKET_EXTENSIONS);
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

fn accept(key: &str) -> String {
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(key.as_bytes());
    digest.update(GUID);
    BASE64.encode(digest.finish().as_ref())
}

/// The value of a header that stands once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn list(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455, 1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn wish() -> Wish {
        let asked = [
            ("sec-websocket-key", KEY),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "chat, mcp"),
        ];
        Wish::read(&headers(&asked)).unwrap()
    }

    #[test]
    fn a_wish_has_a_key_and_version_13() {
        assert_eq!(wish().accept, ACCEPT);
        for lines in [
            &[("sec-websocket-key", KEY)] as &[_],
            &[("sec-websocket-key", KEY), ("sec-websocket-version", "8")],
            &[("sec-websocket-version", "13")],
            &[
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "c2hvcnQ="),
            ],
            &[
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", KEY),
                ("sec-websocket-key", KEY),
            ],
        ] {
            assert!(Wish::read(&headers(lines)).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn only_the_answer_to_the_wish_grants_it() {
        let good = [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-accept", ACCEPT),
        ];
        assert!(wish().is_granted_by(&headers(&good)));
        let with = |more| headers(&[&good[..], &[more]].concat());
        assert!(wish().is_granted_by(&with(("sec-websocket-protocol", "mcp"))));
        for more in [
            ("sec-websocket-protocol", "other"),
            ("sec-websocket-protocol", "chat, mcp"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("upgrade", "h2c"),
            ("sec-websocket-accept", ACCEPT),
        ] {
            assert!(!wish().is_granted_by(&with(more)), "{more:?}");
        }
        for missing in 0..good.len() {
            let mut lines = good.to_vec();
            lines.remove(missing);
            assert!(!wish().is_granted_by(&headers(&lines)));
        }
        let wrong = [good[0], good[1], ("sec-websocket-accept", KEY)];
        assert!(!wish().is_granted_by(&headers(&wrong)));
    }
}
