//! Lines of the disk as rows of the page: JSON as words, what was overwritten left out,
//! long ones cut, and what was found marked.

use std::io;

use jiff::Timestamp;

use crate::pty::{last_written, one_line, visible};
use crate::state::{LogRow, Paint, PaintKind, is_json, pretty};
use crate::store::{Pattern, Spill, SpillLine};

/// Bytes of a line that are read: JSON is understood whole or not at all.
const READ_BYTES: u32 = 64 * 1024;
/// Bytes of a line that are shown.
const SHOWN_BYTES: usize = 8 * 1024;
/// Places in a line that are marked.
const MARKED: usize = 64;
/// Bytes of a line that is read whole.
const WHOLE_BYTES: u32 = 256 * 1024;

/// How rows are made.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    pub(super) is_json: bool,
    pub(super) pattern: Option<Pattern>,
}

/// Reads lines by their numbers, which ascend.
pub(super) fn read(spill: &Spill, numbers: &[u64], most: u32) -> io::Result<Vec<SpillLine>> {
    let mut lines = Vec::with_capacity(numbers.len());
    // Neighbours are read at once.
    for run in numbers.chunk_by(|one, next| one + 1 == *next) {
        if let (Some(first), Some(last)) = (run.first(), run.last()) {
            lines.extend(spill.read(*first..last + 1, most)?);
        }
    }
    Ok(lines)
}

/// Reads lines as rows.
pub(super) fn rows(spill: &Spill, numbers: &[u64], shape: &Shape) -> io::Result<Vec<LogRow>> {
    let lines = read(spill, numbers, READ_BYTES)?;
    Ok(lines.iter().map(|line| row(line, shape)).collect())
}

fn row(line: &SpillLine, shape: &Shape) -> LogRow {
    let mut notes = String::new();
    let mut left_out = line.left_out;
    let words = if shape.is_json && left_out == 0 {
        pretty(&line.text, one_line)
    } else {
        None
    };
    let (mut text, mut paint) = words.unwrap_or_else(|| written(&line.text, shape));
    if text.len() > SHOWN_BYTES {
        let end = text.floor_char_boundary(SHOWN_BYTES);
        left_out += (text.len() - end) as u64;
        text.truncate(end);
        paint.retain(|paint| paint.to as usize <= end);
    }
    if left_out > 0 {
        notes = format!(" … {left_out} bytes more");
    }
    if line.tag.is_cut {
        notes.push_str(" … it is longer than 1 MiB and goes on below");
    }
    if let Some(pattern) = &shape.pattern {
        paint = marked(paint, &pattern.places(&text, MARKED));
    }
    if !notes.is_empty() {
        let from = place(text.len());
        text.push_str(&notes);
        let to = place(text.len());
        let kind = PaintKind::Note;
        paint.push(Paint { from, to, kind });
    }
    LogRow {
        line: line.number,
        at: Timestamp::from_nanosecond(i128::from(line.at_nanos)).unwrap_or_default(),
        role: line.tag.role,
        is_error: line.tag.is_error,
        text,
        paint,
    }
}

/// A line as it stands at last, unless what is looked for was overwritten.
fn written(text: &str, shape: &Shape) -> (String, Vec<Paint>) {
    let (hidden, last) = last_written(text);
    let pattern = shape.pattern.as_ref();
    let is_in_last = pattern.is_none_or(|pattern| pattern.is_in(last) || !pattern.is_in(text));
    if hidden == 0 || last.is_empty() || !is_in_last {
        return (text.to_owned(), Vec::new());
    }
    let sign = "␍ ";
    let paint = Paint {
        from: 0,
        to: place(sign.len()),
        kind: PaintKind::Note,
    };
    (format!("{sign}{last}"), vec![paint])
}

/// Lays what was found over other paint.
fn marked(paint: Vec<Paint>, places: &[(usize, usize)]) -> Vec<Paint> {
    let hits: Vec<Paint> = places
        .iter()
        .map(|(from, to)| Paint {
            from: place(*from),
            to: place(*to),
            kind: PaintKind::Hit,
        })
        .collect();
    let mut all = hits.clone();
    for piece in paint {
        // What is left of it between the hits.
        let mut from = piece.from;
        for hit in &hits {
            if hit.to <= from || hit.from >= piece.to {
                continue;
            }
            if from < hit.from {
                let to = hit.from;
                all.push(Paint { from, to, ..piece });
            }
            from = hit.to;
        }
        if from < piece.to {
            all.push(Paint { from, ..piece });
        }
    }
    all.sort_by_key(|paint| paint.from);
    all
}

fn place(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// A line whole, as far as a person reads: what it is, and its text.
pub(super) fn entry(spill: &Spill, number: u64) -> io::Result<Option<(String, String)>> {
    let lines = spill.read(number..number + 1, WHOLE_BYTES)?;
    Ok(lines.into_iter().next().map(|line| {
        let at = Timestamp::from_nanosecond(i128::from(line.at_nanos)).unwrap_or_default();
        let at = at.to_zoned(jiff::tz::TimeZone::system());
        let stream = if line.tag.is_error {
            "stderr"
        } else {
            "stdout"
        };
        let title = format!(
            "{} {stream}, {}",
            line.tag.role.as_str(),
            at.strftime("%Y-%m-%d %H:%M:%S%.3f")
        );
        let mut text = object(&line.text).unwrap_or_else(|| line.text.replace('␍', "␍\n"));
        if line.left_out > 0 {
            text = format!("{text}\n… {} bytes more; saving has all", line.left_out);
        }
        (title, text)
    }))
}

/// A JSON object over several lines, in the order of its keys.
fn object(text: &str) -> Option<String> {
    if !is_json(text) {
        return None;
    }
    let value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let pretty = serde_json::to_string_pretty(&value).ok()?;
    Some(visible(&pretty))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::Role;
    use crate::store::LineTag;

    fn shown(text: &str, shape: &Shape) -> LogRow {
        let line = SpillLine {
            number: 7,
            tag: LineTag {
                role: Role::Agent,
                is_error: false,
                is_cut: false,
            },
            at_nanos: 1,
            text: text.to_owned(),
            left_out: 0,
        };
        row(&line, shape)
    }

    fn looking_for(pattern: &str) -> Shape {
        Shape {
            is_json: true,
            pattern: Pattern::new(pattern),
        }
    }

    #[test]
    fn what_was_overwritten_is_left_out_unless_it_is_looked_for() {
        let bar = "10%␍50%␍done";
        assert_eq!(shown(bar, &Shape::default()).text, "␍ done");
        assert_eq!(shown(bar, &looking_for("done")).text, "␍ done");
        assert_eq!(shown(bar, &looking_for("50")).text, bar);
        assert_eq!(shown(bar, &looking_for("x")).text, "␍ done");
    }

    #[test]
    fn hits_lie_over_levels_and_keys() {
        let row = shown("{\"level\":\"error\"}", &looking_for("el=er"));
        assert_eq!(row.text, "level=error");
        let pieces: Vec<_> = row
            .paint
            .iter()
            .map(|paint| {
                row.text
                    .get(paint.from as usize..paint.to as usize)
                    .unwrap()
            })
            .collect();
        assert_eq!(pieces, ["lev", "el=er", "ror"]);
    }

    #[test]
    fn a_very_long_line_says_what_is_missing() {
        let row = shown(&"é".repeat(10_000), &Shape::default());
        assert!(
            row.text.ends_with(" … 11808 bytes more"),
            "{}",
            row.text.len()
        );
        assert_eq!(row.paint.len(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn paint_is_sorted_and_none_lies_over_another(
            text in "(\\{\"[a-c]\":\"[a-cé␍ ]{0,9}\"\\}|[a-cé␍ ]{0,30})",
            pattern in "[a-cé]{1,2}",
        ) {
            let row = shown(&text, &looking_for(&pattern));
            let mut last = 0;
            for paint in &row.paint {
                prop_assert!(paint.from >= last && paint.from < paint.to);
                prop_assert!(row.text.get(paint.from as usize..paint.to as usize).is_some());
                last = paint.to;
            }
            prop_assert!(last as usize <= row.text.len());
        }
    }
}
