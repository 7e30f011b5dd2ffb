//! Where the link of a program really goes, told in our own frame: its text may say
//! anything, and the terminal never gets it as a link.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use unicode_width::UnicodeWidthStr as _;

use super::super::layout::Layout;
use super::super::look::{Look, Role};
use super::super::text::{fit, fit_end, fit_middle, pad, put_text, safe};
use super::super::{Screens, whole};
use super::session::cell_at;
use crate::pty::Hyperlink;
use crate::state::{LinkWords, State, Tab};

/// Fewer columns than this for a host leave out what it is before it.
const LEAST_HOST: usize = 16;
/// Fewer columns than this of a path say nothing.
const LEAST_REST: usize = 4;

/// A link in at most `width` columns. The end of its host is left out never, the path
/// first and in its middle.
pub(in crate::ui) fn line(look: Look, uri: &str, width: usize) -> String {
    let words = LinkWords::of(uri);
    let [lead, host, rest] =
        [words.lead, words.host, words.rest].map(|text| safe(look, &text, usize::MAX));
    let lead = if lead.width() + LEAST_HOST.min(host.width()) > width {
        ""
    } else {
        &lead
    };
    let room = width.saturating_sub(lead.width());
    if host.is_empty() {
        return format!("{lead}{}", fit_middle(look, &rest, room));
    }
    let host = fit_end(look, &host, room);
    let text = fit(look, &format!("{lead}{host}{}", words.warning), width);
    let room = width.saturating_sub(text.width() + 1);
    if rest.is_empty() || room < LEAST_REST {
        return text;
    }
    format!("{text} {}", fit_middle(look, &rest, room))
}

/// The link of a program at a place of the terminal, where its session is shown.
pub(in crate::ui) fn pointed(
    state: &State,
    screens: &Screens<'_>,
    at: (u16, u16),
) -> Option<Hyperlink> {
    let is_session = state.attached().is_some() || state.view.tab == Tab::Session;
    if !is_session || state.view.modal.is_some() {
        return None;
    }
    let area = Layout::of(state, whole(state)).body;
    let screen = screens.get(&state.shown_bottle()?.bottle).copied()?;
    if !area.contains(Position::from(at)) {
        return None;
    }
    if let Some(copying) = &state.view.copying {
        let line = copying.top.checked_add(usize::from(at.1 - area.y))?;
        return screen.link_at(line, at.0 - area.x);
    }
    let (column, row) = cell_at(screen, area, at)?;
    let above = screen.scrollback_len();
    let scroll = state.view.session_scroll.min(above);
    screen.link_at(above - scroll + usize::from(row), column)
}

/// Tells a link in the row below the session.
pub(in crate::ui) fn draw(state: &State, link: &Hyperlink, look: Look, buffer: &mut Buffer) {
    let area = whole(state);
    let body = Layout::of(state, area).body;
    let row = Rect {
        y: body.bottom(),
        height: 1,
        ..body
    };
    let row = row.intersection(area).intersection(buffer.area);
    let width = usize::from(row.width);
    let text = format!(" {}", line(look, link.uri(), width.saturating_sub(2)));
    let style = look.style(Role::Selected);
    for column in row.left()..row.right() {
        if let Some(cell) = buffer.cell_mut((column, row.y)) {
            cell.reset();
        }
    }
    put_text(&pad(look, &text, width), style, row, buffer);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOOK: Look = Look {
        has_colors: false,
        is_ascii: false,
        inks: crate::ui::Inks::TERMINAL,
    };

    #[test]
    fn what_is_left_out_is_the_path_and_then_the_begin_of_the_host() {
        let long = format!("https://good.example.{}.evil.test/a/b/c", "x".repeat(60));
        for (uri, width, expected) in [
            ("https://a.test/x/y", 80, "link to https://a.test /x/y"),
            (
                "https://a.test/first/second/third/last",
                40,
                "link to https://a.test /first/s…ird/last",
            ),
            ("https://a.test/first", 26, "link to https://a.test"),
            (&long, 40, "link to https://…xxxxxxxxxxxxx.evil.test"),
            (&long, 16, "…xxxxx.evil.test"),
            (
                "https://bank.test@evil.test/login",
                44,
                "link to https://evil.test (with a user name…",
            ),
            ("mailto:somebody@a.test", 20, "link to mailto….test"),
        ] {
            assert_eq!(line(LOOK, uri, width), expected, "{uri}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_link_fits_and_is_safe(uri in "\\PC{0,200}", width in 0_usize..120) {
            let text = line(LOOK, &uri, width);
            prop_assert!(text.width() <= width, "{text:?}");
            prop_assert_eq!(crate::pty::hidden(&text), None);
        }

        #[test]
        fn the_end_of_a_host_is_told_whatever_stands_around_it(
            scheme in "[a-z]{1,30}", before in "[a-z0-9.]{0,300}", path in "/[!-~]{0,300}",
            width in 30_usize..200,
        ) {
            let uri = format!("{scheme}://a{before}.evil.test{path}");
            let text = line(LOOK, &uri, width);
            // A scheme that nothing opens makes no host.
            let has_host = scheme.len() <= 20;
            prop_assert!(!has_host || text.contains(".evil.test"), "{text}");
        }
    }
}
