//! Our screens beside the references, and who joins beside who was there from the start.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cellar::pty::{Cell, Screen};

use super::grid::{Compared, Grid, beside_grid};
use super::recording::{recordings, text};

/// What is fed at once, beside the whole: cuts that stand nowhere near where a sequence
/// ends.
const PIECES: [usize; 4] = [1, 3, 7, 61];
/// Recordings whose styles are others than the reference has them, and why that is right;
/// their text is the same.
const OTHER_STYLES: &[(&str, &str)] = &[(
    "indexed_256_colors",
    "the program changes its palette: ours says the colour that an entry is, the reference \
     which entry it is",
)];
/// Recordings in which who joins sees something else, and why that is right.
const OTHER_JOIN: &[(&str, &str)] = &[];

/// How one screen differs from another, in some words; nothing if it does not.
fn beside(one: &Screen, other: &Screen) -> Vec<String> {
    let whole = |screen: &Screen| {
        format!(
            "{:?} {:?} {:?} {:?} {} lines",
            screen.size(),
            screen.cursor(),
            screen.modes(),
            screen.title(),
            screen.lines()
        )
    };
    let mut told = Vec::new();
    if whole(one) != whole(other) {
        told.push(format!("{} for {}", whole(one), whole(other)));
    }
    let last = one.lines().saturating_sub(1);
    for line in 0..one.lines() {
        for (column, (mine, theirs)) in one.line(line).zip(other.line(line)).enumerate() {
            let uri = |cell: &Cell<'_>| cell.hyperlink.as_ref().map(|link| link.uri().to_owned());
            let is_same = mine.character == theirs.character
                && mine.combining == theirs.combining
                && mine.width == theirs.width
                && mine.style == theirs.style
                && (mine.hyperlink == theirs.hyperlink || uri(&mine) == uri(&theirs));
            if !is_same {
                told.push(format!("{line}, {column}: {mine:?} for {theirs:?}"));
            }
        }
        // The last line has nothing that it could go on in.
        if line < last && one.is_wrapped(line) != other.is_wrapped(line) {
            told.push(format!("{line}: wraps: {}", one.is_wrapped(line)));
        }
    }
    told
}

/// All that a screen keeps and does not show, as who joins it is told; links that a
/// program gave no name without their numbers. One character first: what a repetition
/// would repeat is told only where it stands before the cursor.
fn kept(screen: &mut Screen) -> String {
    drop(screen.feed(b"x"));
    let told = screen.snapshot(usize::MAX).escape_ascii().to_string();
    let parts = told.split("_alacritty");
    let parts = parts.map(|part| part.trim_end_matches(|digit: char| digit.is_ascii_digit()));
    parts.collect()
}

/// What was found by recording, less what is known; and what is known and was not found.
fn unknown(found: &BTreeMap<String, Vec<String>>, known: &[(&str, &str)]) -> String {
    let mut words = String::new();
    for (name, told) in found {
        if known.iter().any(|(known, _)| known == name) {
            continue;
        }
        writeln!(words, "{name}: {} differences", told.len()).unwrap();
        for one in told.iter().take(6) {
            writeln!(words, "    {one}").unwrap();
        }
    }
    for (name, reason) in known {
        if !found.contains_key(*name) {
            writeln!(words, "{name} does not differ any more: {reason}").unwrap();
        }
    }
    words
}

#[test]
fn each_recording_ends_in_the_grid_of_its_reference_however_it_is_cut() {
    let (mut found, mut restyled) = (BTreeMap::new(), BTreeMap::new());
    for recording in recordings() {
        let json = text(&recording.folder, "grid.json");
        let grid: Grid<'_> = serde_json::from_str(&json)
            .unwrap_or_else(|error| panic!("{}: {error}", recording.name));
        let whole = recording.fed(recording.bytes.len());
        let mut told = beside_grid(&whole, &grid, Compared::Text);
        let styles = beside_grid(&whole, &grid, Compared::Styles);
        if !styles.is_empty() {
            restyled.insert(recording.name.clone(), styles);
        }
        for piece in PIECES {
            let cut = recording.fed(piece);
            let other = beside(&cut, &whole);
            let other = other
                .into_iter()
                .map(|words| format!("by {piece}: {words}"));
            told.extend(other);
        }
        if !told.is_empty() {
            found.insert(recording.name, told);
        }
    }
    let words = unknown(&found, &[]) + &unknown(&restyled, OTHER_STYLES);
    assert!(words.is_empty(), "{words}");
}

/// What a client gets that attaches, and then the rest of the stream.
#[test]
fn who_joins_a_recording_at_any_byte_sees_what_the_first_one_sees() {
    let mut found = BTreeMap::new();
    for recording in recordings() {
        let whole = recording.fed(recording.bytes.len());
        let hidden = kept(&mut recording.fed(recording.bytes.len()));
        let mut host = recording.blank();
        let mut fed = 0;
        let mut told = Vec::new();
        // Within a sequence the screen stands still.
        let mut snapshot = (None, Vec::new());
        for at in recording.joins(whole.lines()) {
            drop(host.feed(&recording.bytes[fed..at]));
            fed = at;
            if snapshot.0 != Some(host.generation()) {
                snapshot = (Some(host.generation()), host.snapshot(usize::MAX));
            }
            let mut client = recording.blank();
            let replies = client.feed(&snapshot.1);
            if !replies.to_program.is_empty() {
                told.push(format!("at {at}: {:?}", replies.to_program));
            }
            drop(client.feed(&host.pending()));
            drop(client.feed(&recording.bytes[at..]));
            client.expire_sync();
            let other = beside(&client, &whole);
            told.extend(other.into_iter().map(|words| format!("at {at}: {words}")));
            if kept(&mut client) != hidden {
                told.push(format!(
                    "at {at}: what is kept of modes, margins, tabs or cursors"
                ));
            }
        }
        drop(host.feed(&recording.bytes[fed..]));
        host.expire_sync();
        let other = beside(&host, &whole);
        told.extend(other.into_iter().map(|words| format!("the host: {words}")));
        if !told.is_empty() {
            found.insert(recording.name, told);
        }
    }
    let words = unknown(&found, OTHER_JOIN);
    assert!(words.is_empty(), "{words}");
}
