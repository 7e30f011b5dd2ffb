use proptest::prelude::*;

use super::*;

fn canonical(path: &str) -> Result<String, PathFault> {
    CanonicalPath::parse(path).map(|path| path.0)
}

#[test]
fn one_path_has_one_spelling() {
    for (sent, expected) in [
        ("/", "/"),
        ("/simple/x/", "/simple/x/"),
        ("/%61%2D%7e", "/a-~"),
        ("/%c3%a9", "/%C3%A9"),
        ("/@scope%2fname", "/@scope%2Fname"),
        ("/a|b^c\"", "/a%7Cb%5Ec%22"),
        ("/a%20b;v=1:2", "/a%20b;v=1:2"),
        ("/100%25", "/100%25"),
        ("/...", "/..."),
        ("/.git/info", "/.git/info"),
    ] {
        assert_eq!(canonical(sent), Ok(expected.to_owned()), "{sent}");
    }
}

#[test]
fn what_two_servers_could_read_differently_is_refused() {
    for (sent, fault) in [
        ("a", PathFault::NotAbsolute),
        ("*", PathFault::NotAbsolute),
        ("", PathFault::NotAbsolute),
        ("/a/../b", PathFault::Dots),
        ("/a/.", PathFault::Dots),
        ("/a/%2e%2e/b", PathFault::Dots),
        ("/a/.%2E", PathFault::Dots),
        ("/a/..;x/b", PathFault::Dots),
        ("/a/..%2fb", PathFault::Dots),
        ("/a%2f..%2fb", PathFault::Dots),
        ("/a//b", PathFault::EmptySegment),
        ("//a", PathFault::EmptySegment),
        ("/a%2f/b", PathFault::EmptySegment),
        ("/a\\b", PathFault::Byte { byte: b'\\' }),
        ("/a%5cb", PathFault::Hidden { byte: b'\\' }),
        ("/a%00", PathFault::Hidden { byte: 0 }),
        ("/a%0d%0a", PathFault::Hidden { byte: b'\r' }),
        ("/a%7F", PathFault::Hidden { byte: 0x7f }),
        ("/a b", PathFault::Byte { byte: b' ' }),
        ("/a\tb", PathFault::Byte { byte: b'\t' }),
        ("/a#b", PathFault::Byte { byte: b'#' }),
        ("/a?b", PathFault::Byte { byte: b'?' }),
        ("/é", PathFault::Byte { byte: 0xc3 }),
        ("/a%2", PathFault::Escape),
        ("/a%zz", PathFault::Escape),
        ("/a%", PathFault::Escape),
        ("/a/..%3bx/b", PathFault::Dots),
        ("/a/%2e%2e%3Bx=1/b", PathFault::Dots),
        ("/a/..%20/b", PathFault::Dots),
        ("/;x/b", PathFault::EmptySegment),
        ("/a/%3b/b", PathFault::EmptySegment),
        ("/a/;x%2fb", PathFault::EmptySegment),
        ("/%c0%ae%c0%ae/b", PathFault::NotText),
        ("/%e9", PathFault::NotText),
        ("/%c2%9b2J", PathFault::NotText),
        ("/a%252e%252e/b", PathFault::Twice),
        ("/a%25%32f", PathFault::Twice),
    ] {
        assert_eq!(canonical(sent), Err(fault), "{sent}");
    }
}

#[test]
fn a_path_is_bounded() {
    let longest = format!("/{}", "a".repeat(MAX_BYTES - 1));
    assert!(canonical(&longest).is_ok());
    assert_eq!(canonical(&format!("{longest}a")), Err(PathFault::TooLong));
}

fn matches(pattern: &str, path: &str) -> bool {
    let pattern = PathPattern::parse(pattern).unwrap();
    pattern.matches(&CanonicalPath::parse(path).unwrap())
}

#[test]
fn a_pattern_matches_segment_by_segment() {
    for (pattern, path, expected) in [
        ("/", "/", true),
        ("/", "/a", false),
        ("/a", "/a", true),
        ("/a", "/a/", false),
        ("/a", "/A", false),
        ("/simple/*", "/simple/", true),
        ("/simple/*", "/simple/x", true),
        ("/simple/*", "/simple/x/y/", true),
        ("/simple/*", "/simple", false),
        ("/simple/*", "/simplex/y", false),
        ("/simple/**", "/simple/x/y", true),
        ("/*", "/anything/at/all", true),
        ("/*/info/refs", "/a/info/refs", true),
        ("/*/info/refs", "/a/b/info/refs", false),
        ("/*/*/info/refs", "/a/b/info/refs", true),
        ("/v*/x-*.tgz", "/v1/x-2.0.tgz", true),
        ("/v*/x-*.tgz", "/v1/x-2.0.zip", false),
        ("/a*a", "/a", false),
        ("/a*a", "/aa", true),
        ("/a*b*c", "/a-b-c", true),
        ("/a*b*c", "/acb", false),
    ] {
        assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
    }
}

/// Each row: what a route that allows says of a path with more than one reading, and what
/// one that denies says. `/public/*` must not open what a server finds elsewhere, nor
/// `never /admin/*` miss what a server finds there.
#[test]
fn who_allows_matches_every_reading_and_who_denies_any() {
    for (pattern, path, allows, denies) in [
        ("/*", "/@scope%2fname", true, true),
        ("/@scope%2fname", "/@scope%2Fname", true, true),
        ("/@scope%2fname", "/@scope/name", false, true),
        ("/*/x", "/a%2fb/x", false, true),
        ("/a/b", "/a%2fb", false, true),
        ("/files:upload", "/files%3Aupload", false, true),
        ("/admin/*", "/admin;x/users", false, true),
        ("/admin/*", "/admin%3bx/users", false, true),
        ("/admin/*", "/admin;x%2fusers", false, true),
        ("/admin/*", "/a%64min/users", true, true),
        ("/a/*", "/a/b;v=1", true, true),
        ("/a;v=1/b", "/a;v=1/b", true, true),
        ("/a;v=1/b", "/a;v=2/b", false, true),
        ("/caf%C3%A9", "/caf%c3%a9", true, true),
        ("/a%2Ab", "/a%2ab", true, true),
        ("/a%2Ab", "/axb", false, false),
        ("/public/*", "/private%2fpublic/x", false, false),
    ] {
        let pattern = PathPattern::parse(pattern).unwrap();
        let asked = CanonicalPath::parse(path).unwrap();
        assert_eq!(
            (pattern.matches(&asked), pattern.may_match(&asked)),
            (allows, denies),
            "{pattern} {path}"
        );
    }
}

#[test]
fn stars_stand_where_they_mean_something() {
    for text in ["/a/**/b", "/**b", "/a**"] {
        assert_eq!(
            PathPattern::parse(text),
            Err(PathPatternError::Stars),
            "{text}"
        );
    }
    assert_eq!(PathPattern::parse("/a/**"), PathPattern::parse("/a/*"));
}

proptest! {
    #[test]
    fn what_is_canonical_stays(path in "/[ -~]{0,40}") {
        if let Ok(first) = canonical(&path) {
            prop_assert_eq!(canonical(&first), Ok(first.clone()));
        }
    }

    /// Whatever is accepted has no dot segment however often it is decoded.
    #[test]
    fn no_decoding_climbs(path in "/([a.;/]|%2[eEfF5]|%2525|%5[cC]){0,12}") {
        if let Ok(mut text) = canonical(&path) {
            for _ in 0..4 {
                let climbs = text.split(['/', '\\']).any(|segment| {
                    matches!(segment.split(';').next(), Some("." | ".."))
                });
                prop_assert!(!climbs, "{} became {}", path, text);
                text = text.replace("%2F", "/").replace("%2E", ".").replace("%5C", "\\")
                    .replace("%2f", "/").replace("%2e", ".").replace("%25", "%");
            }
        }
    }

    /// What is allowed is also what a deny of the same words would hit.
    #[test]
    fn what_matches_may_match(pattern in "(/([ab*]|%2F|;a|%41){1,3}){1,3}", path in "(/([ab]|%2F|;a|%41){1,3}){1,3}") {
        if let (Ok(pattern), Ok(path)) = (PathPattern::parse(&pattern), CanonicalPath::parse(&path)) {
            prop_assert!(!pattern.matches(&path) || pattern.may_match(&path));
        }
    }

    #[test]
    fn a_pattern_without_stars_matches_itself_only(one in "(/[a-z]{1,4}){1,3}", other in "(/[a-z]{1,4}){1,3}") {
        prop_assert_eq!(matches(&one, &other), one == other);
    }
}
