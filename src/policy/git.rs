//! Which requests push to a git repository (gitprotocol-http(5)).

use super::RequestAsk;

/// The service that takes a push: the name of a path, and asked for before that.
const RECEIVE: &str = "git-receive-pack";

/// How often a query may be escaped and still be read.
const ROUNDS: usize = 3;

/// Whether a request pushes or asks how to, in whatever way a server could read it.
/// What a push would carry is another door's to read.
pub(super) fn is_push(ask: &RequestAsk<'_>) -> bool {
    let receives = |path: &str| {
        path.split('/')
            .any(|segment| segment.eq_ignore_ascii_case(RECEIVE))
    };
    let lists = |path: &str| {
        let path = path.trim_end_matches('/').to_ascii_lowercase();
        path.ends_with("/info/refs")
    };
    ask.path.could_be(receives) || ask.query.is_some_and(names_it) && ask.path.could_be(lists)
}

pub(super) fn names_it(query: &str) -> bool {
    let mut query = query.to_ascii_lowercase();
    for _ in 0..ROUNDS {
        if query.contains(RECEIVE) {
            return true;
        }
        query = unescaped(&query);
    }
    query.contains(RECEIVE)
}

/// The text with its escapes of ASCII characters replaced, those that are none as they are.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut left = text;
    while let Some((before, after)) = left.split_once('%') {
        out.push_str(before);
        let escape = after
            .split_at_checked(2)
            .and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 16).ok()?, rest)))
            .filter(|(byte, _)| byte.is_ascii());
        if let Some((byte, rest)) = escape {
            out.push(char::from(byte).to_ascii_lowercase());
            left = rest;
        } else {
            out.push('%');
            left = after;
        }
    }
    out.push_str(left);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{CanonicalPath, Scheme};

    fn pushes(place: &str) -> bool {
        let (path, query) = match place.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (place, None),
        };
        is_push(&RequestAsk {
            scheme: Scheme::Https,
            method: "GET",
            path: &CanonicalPath::parse(path).unwrap(),
            query,
            is_websocket: false,
        })
    }

    #[test]
    fn a_push_is_known_in_every_spelling() {
        for place in [
            "/o/r.git/git-receive-pack",
            "/o/r.git/git-receive-pack/",
            "/o/r.git/git-receive-pack;x",
            "/o/r.git/git-receive-pack%3bx",
            "/o/r.git%2fgit-receive-pack",
            "/o/r.git/git%2Dreceive%2Dpack",
            "/o/r.git/GIT-Receive-Pack",
            "/o/r.git/info/refs?service=git-receive-pack",
            "/o/r.git/info/refs/?service=git-receive-pack",
            "/o/r.git/info/refs;x?service=git-receive-pack",
            "/o/r.git/info%2Frefs?a=b&service=git-receive-pack",
            "/o/r.git/info/refs?service=git%2Dreceive%2dpack",
            "/o/r.git/info/refs?service=git%252Dreceive%252Dpack",
            "/o/r.git/info/refs?service=%47it-receive-pack",
            "/o/r.git/info/refs?SERVICE=GIT-RECEIVE-PACK",
        ] {
            assert!(pushes(place), "{place}");
        }
    }

    #[test]
    fn fetching_and_talking_of_pushes_are_none() {
        for place in [
            "/o/r.git/git-upload-pack",
            "/o/r.git/info/refs?service=git-upload-pack",
            "/o/r.git/info/refs",
            "/o/r.git/info/refs?service=%zz%",
            "/docs/git-receive-pack.html",
            "/search?q=git-receive-pack",
        ] {
            assert!(!pushes(place), "{place}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_query_is_read(query in "\\PC{0,40}|[%0-9a-f]{0,40}") {
            let with_it = format!("{query}&x=git-receive-pack");
            proptest::prop_assert!(names_it(&with_it));
        }
    }
}
