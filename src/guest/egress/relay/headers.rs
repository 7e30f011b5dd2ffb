//! Headers that stay behind: those of one hop, those that tell of this proxy or of ways
//! around it, and on routes with a credential whatever the agent brought in its place.

use hyper::HeaderMap;
use hyper::header::{CONNECTION, HeaderName};

/// Headers for one hop (RFC 9110, 7.6.1, and those of old), and those that tell of
/// hops; the last two offer ways around this proxy or wait for what it answers itself.
const STAY_BEHIND: [&str; 20] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-authentication-info",
    "proxy-status",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-real-ip",
    "alt-svc",
    "expect",
];

/// Headers in which services take credentials.
const CREDENTIALS: [&str; 12] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "apikey",
    "x-goog-api-key",
    "x-auth-token",
    "x-access-token",
    "private-token",
    "job-token",
    "x-amz-security-token",
];

/// Query parameters in which services take credentials.
const CREDENTIAL_KEYS: [&str; 11] = [
    "key",
    "api_key",
    "api-key",
    "apikey",
    "x-api-key",
    "access_token",
    "auth_token",
    "private_token",
    "token",
    "oauth_token",
    "client_secret",
];

/// Headers in which servers take another method than the one on the request's first line.
const METHOD_OVERRIDES: [&str; 3] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// The methods that a server may take the request for, beside its own.
pub(super) fn overriding_methods(headers: &HeaderMap) -> impl Iterator<Item = String> {
    METHOD_OVERRIDES.iter().flat_map(|name| {
        let values = headers.get_all(*name).iter();
        values.map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            text.trim().to_ascii_uppercase()
        })
    })
}

/// Removes what must not pass, the headers that Connection names included.
pub(super) fn leave_behind(headers: &mut HeaderMap) {
    let nominated: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in nominated {
        headers.remove(name);
    }
    remove(headers, &STAY_BEHIND);
}

/// Removes every credential that the agent brought, all values of it.
pub(super) fn strip_credentials(headers: &mut HeaderMap) {
    remove(headers, &CREDENTIALS);
}

/// Removes what of `names` is there, which is little.
fn remove(headers: &mut HeaderMap, names: &[&str]) {
    let is_named = |name: &&HeaderName| names.contains(&name.as_str());
    while let Some(name) = headers.keys().find(is_named).cloned() {
        headers.remove(name);
    }
}

/// Whether services take credentials in this header.
pub(super) fn is_credential(name: &HeaderName) -> bool {
    CREDENTIALS.contains(&name.as_str())
}

/// Gives a query without the parameters that hold credentials; the rest stays as it is.
pub(super) fn strip_query(query: &str) -> String {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|part| {
            // Some servers also part at semicolons, so each piece is looked at.
            !part.split(';').any(|piece| {
                let name = piece.split('=').next().unwrap_or_default();
                let name = decoded(name).to_ascii_lowercase();
                CREDENTIAL_KEYS.contains(&name.as_str())
            })
        })
        .collect();
    kept.join("&")
}

/// Undoes percent-encoding and pluses; what is no text after it names no parameter.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
                rest = ahead;
            }
            (b'+', ..) => bytes.push(b' '),
            (byte, ..) => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn headers_of_the_hop_and_those_it_names_stay_behind() {
        let mut headers = headers(&[
            ("connection", "keep-alive, X-Nominated"),
            ("connection", "x-second"),
            ("x-nominated", "1"),
            ("x-second", "1"),
            ("x-forwarded-for", "x"),
            ("te", "trailers"),
            ("alt-svc", "h3"),
            ("anthropic-version", "2023-06-01"),
        ]);
        leave_behind(&mut headers);
        assert_eq!(names(&headers), ["anthropic-version"]);
    }

    #[test]
    fn every_value_of_every_credential_goes() {
        let mut headers = headers(&[
            ("authorization", "Bearer a"),
            ("authorization", "Bearer b"),
            ("x-api-key", "a"),
            ("cookie", "a=b"),
            ("accept", "*/*"),
        ]);
        strip_credentials(&mut headers);
        assert_eq!(names(&headers), ["accept"]);
    }

    #[test]
    fn credentials_leave_the_query_in_any_spelling() {
        for (query, kept) in [
            ("beta=true", "beta=true"),
            ("key=x&beta=true", "beta=true"),
            ("a=1&API_KEY=x&b=%20", "a=1&b=%20"),
            ("a=1;token=x", ""),
            ("%6bey=x&k=y", "k=y"),
            ("access%5Ftoken=x", ""),
            ("key", ""),
            ("keyring=1&monkey=2", "keyring=1&monkey=2"),
            ("a=%zz&%=1", "a=%zz&%=1"),
            ("", ""),
        ] {
            assert_eq!(strip_query(query), kept, "{query}");
        }
    }
}
