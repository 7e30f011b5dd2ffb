//! Text of an agent made safe to repeat in words.

/// The most characters that are repeated.
const MOST: usize = 80;

/// How values of secrets begin that their makers mark so, and how many letters, digits,
/// `-` and `_` follow at least. Short on purpose: who has the whole list adds its own.
const MARKED: [(&str, usize); 26] = [
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 30),
    ("glpat-", 16),
    ("sk-ant-", 20),
    ("sk-proj-", 20),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("xoxa-", 16),
    ("xapp-", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ya29.", 20),
    ("npm_", 30),
    ("pypi-", 30),
    ("dop_v1_", 30),
    ("hf_", 30),
    ("SG.", 20),
    ("eyJhbGciOi", 20),
    ("dckr_pat_", 20),
];

/// Where in the text something looks like the value of a secret.
pub(super) fn secrets(text: &str) -> Vec<std::ops::Range<usize>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mut found = Vec::new();
    for (prefix, least) in MARKED {
        for (at, _) in text.match_indices(prefix) {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let rest = text.get(at + prefix.len()..).unwrap_or_default();
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            if length >= least && !before.is_some_and(|c| c.is_ascii_alphanumeric()) {
                found.push(at..at + prefix.len() + length);
            }
        }
    }
    found.extend(private_key(text));
    found.extend(user_info(text));
    found.sort_by_key(|range| range.start);
    found
}

fn private_key(text: &str) -> Option<std::ops::Range<usize>> {
    let start = text.find("-----BEGIN ")?;
    let line = text.get(start..)?.lines().next()?;
    line.contains("PRIVATE KEY")
        .then(|| start..start + line.len())
}

/// `user:password@` in URLs.
fn user_info(text: &str) -> Vec<std::ops::Range<usize>> {
    let info = |(at, _): (usize, &str)| {
        let start = at + 3;
        let rest = text.get(start..)?;
        let end = rest.find(|c: char| "/?# \t\"'".contains(c));
        let authority = rest.get(..end.unwrap_or(rest.len()))?;
        let (info, _) = authority.rsplit_once('@')?;
        let (_, password) = info.split_once(':')?;
        let is_value = !password.is_empty() && !password.starts_with('$');
        is_value.then(|| start..start + info.len())
    };
    text.match_indices("://").filter_map(info).collect()
}

/// A piece of text: short, printable ASCII, without what looks like a secret.
pub(super) fn shown(text: &str) -> String {
    let mut clean = String::new();
    let mut at = 0;
    for range in secrets(text) {
        clean.push_str(text.get(at..range.start).unwrap_or_default());
        clean.push_str("(hidden)");
        at = at.max(range.end);
    }
    clean.push_str(text.get(at..).unwrap_or_default());
    let mut out = String::new();
    for c in clean.chars() {
        if out.chars().count() >= MOST {
            out.push_str("...");
            break;
        }
        match c {
            '`' => out.push('\''),
            ' '..='~' => out.push(c),
            _ => out.extend(c.escape_unicode()),
        }
    }
    out
}

/// Whether a character is seen by nobody or changes how its neighbours are seen:
/// controls, marks of direction, joiners, fillers, tags and variation selectors.
pub(in crate::policy) fn is_hidden(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        _ => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_repeat_no_secret_and_nothing_unprintable() {
        let token = format!("ghp_{}", "a1".repeat(18));
        for (text, expected) in [
            ("a b", "a b".to_owned()),
            (
                "a\u{202e}b\u{1b}[2J\u{430}`",
                "a\\u{202e}b\\u{1b}[2J\\u{430}'".to_owned(),
            ),
            (&format!("x={token} y"), "x=(hidden) y".to_owned()),
            ("https://u:pw@h/x", "https://(hidden)@h/x".to_owned()),
            ("https://u:$PW@h/x", "https://u:$PW@h/x".to_owned()),
            ("-----BEGIN RSA PRIVATE KEY-----", "(hidden)".to_owned()),
            ("ghp_short", "ghp_short".to_owned()),
            (&"x".repeat(99), format!("{}...", "x".repeat(80))),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_repeated_is_short_and_printable(text in "\\PC{0,200}|.{0,200}") {
            let shown = shown(&text);
            proptest::prop_assert!(shown.len() <= MOST + 16);
            proptest::prop_assert!(shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}
