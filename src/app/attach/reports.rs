//! Where the pointer is, in what the terminal sends: reports in the form of SGR (mode
//! 1006), or in that of X10 from a terminal that knows no other, after the chords were
//! taken out of it.

/// The begin of a report, and in the older form.
const BEGIN: &[u8] = b"\x1b[<";
const OLD_BEGIN: &[u8] = b"\x1b[M";
/// The length of a report in that form: button, column and row are a byte each.
const OLD_BYTES: usize = 6;
/// The longest report that is one: three numbers.
const MOST_BYTES: usize = 24;
/// Added to a button's number while a modifier is held, or for motion.
const HELD: u16 = 4 | 8 | 16;
const WHEEL_UP: u16 = 64;

/// What the pointer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// The column, counted from 0.
    pub(super) column: u16,
    /// The row, counted from 0.
    pub(super) row: u16,
    /// Whether the wheel turned away from the operator.
    pub(super) is_wheel_up: bool,
}

/// Finds reports in what is typed.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// What may be the begin of one.
    held: Vec<u8>,
}

impl Reports {
    /// Takes typed bytes and gives those that are none of a report, with the reports.
    /// Whoever only listens passes on all that was typed, and not what is given here.
    pub(super) fn take(&mut self, bytes: &[u8]) -> (Vec<u8>, Vec<Report>) {
        let (mut typed, mut reports) = (Vec::new(), Vec::new());
        for byte in bytes {
            self.held.push(*byte);
            if self.can_go_on() {
                continue;
            }
            if let Some(report) = read(&self.held) {
                reports.push(report);
                self.held.clear();
                continue;
            }
            // The last byte may begin another.
            let last = self.held.pop();
            typed.append(&mut self.held);
            self.held.extend(last);
            if !self.can_go_on() {
                typed.append(&mut self.held);
            }
        }
        // A begin that could be a key of its own waits with the chords, and not here.
        if self.held.len() < BEGIN.len() {
            typed.append(&mut self.held);
        }
        (typed, reports)
    }

    fn can_go_on(&self) -> bool {
        let held = self.held.as_slice();
        if held.starts_with(OLD_BEGIN) {
            return held.len() < OLD_BYTES;
        }
        match held.strip_prefix(BEGIN) {
            Some(numbers) => {
                let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
                held.len() < MOST_BYTES && numbers.iter().all(is_part)
            }
            None => BEGIN.starts_with(held) || OLD_BEGIN.starts_with(held),
        }
    }
}

fn read(bytes: &[u8]) -> Option<Report> {
    if let Some([button, column, row]) = bytes.strip_prefix(OLD_BEGIN) {
        let of = |byte: &u8| u16::from(*byte).checked_sub(33);
        return Some(Report {
            is_wheel_up: u16::from(button.checked_sub(32)?) & !HELD == WHEEL_UP,
            column: of(column)?,
            row: of(row)?,
        });
    }
    let (last, before) = bytes.strip_prefix(BEGIN)?.split_last()?;
    let text = std::str::from_utf8(before).ok()?;
    let mut numbers = text.split(';').map(|number| number.parse::<u16>().ok());
    let report = Report {
        is_wheel_up: numbers.next()?? & !HELD == WHEEL_UP,
        column: numbers.next()??.checked_sub(1)?,
        row: numbers.next()??.checked_sub(1)?,
    };
    let is_whole = numbers.next().is_none() && matches!(last, b'M' | b'm');
    is_whole.then_some(report)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> (Vec<u8>, Vec<Report>) {
        let mut taken = Reports::default();
        let (mut typed, mut reports) = (Vec::new(), Vec::new());
        for piece in pieces {
            let (more, found) = taken.take(piece);
            typed.extend(more);
            reports.extend(found);
        }
        (typed, reports)
    }

    #[test]
    fn a_report_is_found_wherever_its_numbers_are_cut() {
        let report = Report {
            column: 11,
            row: 4,
            is_wheel_up: true,
        };
        for bytes in [&b"\x1b[<64;12;5M"[..], b"\x1b[<68;12;5M", b"\x1b[M`,%"] {
            for cut in BEGIN.len()..=bytes.len() {
                let (first, second) = bytes.split_at(cut);
                let before = [b"a", first].concat();
                let found = all(&[&before, second, b"b"]);
                assert_eq!(found, (b"ab".to_vec(), vec![report]), "{cut}");
            }
        }
        let moved = all(&[b"\x1b[<35;1;1M\x1b[<0;2;1m"]).1;
        assert_eq!(
            moved
                .iter()
                .map(|one| (one.column, one.is_wheel_up))
                .collect::<Vec<_>>(),
            [(0, false), (1, false)]
        );
    }

    #[test]
    fn what_is_no_report_is_typed() {
        for bytes in [
            &b"\x1b"[..],
            b"\x1b[",
            b"\x1b[A",
            b"\x1b[<1;2M",
            b"\x1b[<0;0;1M",
            b"\x1b[<1;2;3;4M",
            b"\x1b[<99999;1;1M",
            b"\x1b[<u",
            b"\x1b[<1111111111111111111111111111;",
            b"\x1b\x1b[<x",
            b"\x1b[M\x00\x00\x00",
        ] {
            assert_eq!(all(&[bytes]), (bytes.to_vec(), Vec::new()), "{bytes:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_key_is_lost_beside_reports(
            keys in proptest::collection::vec(
                proptest::sample::select(vec!["\x1b[A", "a", "\x1b", "\x1b[<u", ";1"]),
                0..12,
            ),
        ) {
            let mixed: String = keys.iter().flat_map(|key| [key, "\x1b[<35;3;4M"]).collect();
            let (typed, reports) = all(&[mixed.as_bytes()]);
            prop_assert_eq!(typed, keys.concat().into_bytes());
            prop_assert_eq!(reports.len(), keys.len());
        }
    }
}
