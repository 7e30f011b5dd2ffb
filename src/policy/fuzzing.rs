//! What must hold of the readers of Dockerfiles whatever text comes.
//!
//! The target under `fuzz` calls it with what libFuzzer makes up, the tests with a few
//! hundred inputs in each `cargo test`. A function returns nothing: it panics where a
//! fact does not hold.

use super::dockerfile::{Dockerfile, Keyword};

/// A Dockerfile, read whole and cut off in the middle.
///
/// # Panics
/// If instructions overlap or leave text out, or a line is none of the text's.
pub fn dockerfile(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let middle = (0..=text.len() / 2).rfind(|at| text.is_char_boundary(*at));
    if let Some(part) = middle.and_then(|at| text.get(..at)) {
        parts(part);
    }
    parts(text);
}

fn parts(text: &str) {
    let Ok(file) = Dockerfile::parse(text) else {
        return;
    };
    let last = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
    let (mut at, mut line) = (0, 0);
    for one in &file.instructions {
        let between = text.get(at..one.span.start);
        assert!(between.is_some_and(is_nothing), "{:?}", one.span);
        let own = text.get(one.span.clone()).unwrap_or_default();
        assert!(own.is_empty() || own.ends_with('\n') || one.span.end == text.len());
        assert!(line < one.first_line && one.first_line <= one.last_line);
        assert!(one.last_line <= last);
        (at, line) = (one.span.end, one.last_line);
        for place in 0..one.arguments.as_str().len() {
            let found = one.arguments.line_at(place);
            assert!(found.is_some_and(|at| (one.first_line..=one.last_line).contains(&at)));
        }
        for heredoc in &one.heredocs {
            assert!(own.contains(heredoc.name.as_str()));
            assert!(heredoc.first_line <= heredoc.last_line);
        }
        assert!(!one.arguments.as_str().contains('\n'));
        assert!(one.keyword != Keyword::Onbuild);
    }
    assert!(text.get(at..).is_some_and(is_nothing));
    let lines = file.comments.iter().map(|comment| comment.line);
    assert!(lines.is_sorted());
}

/// Blank lines and comments only, or a line continued by nothing.
fn is_nothing(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "\\" || line == "`"
    })
}
