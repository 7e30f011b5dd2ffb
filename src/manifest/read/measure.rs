//! Numbers with units: sizes, durations, CPUs and counts.

use std::ops::RangeInclusive;
use std::time::Duration;

use jsonc_parser::ast::Value;

use super::shape::Reader;

/// The units of a size and how many bytes each is.
const SIZES: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// The units of a duration in seconds.
const DURATIONS: [(&str, u64); 3] = [("s", 1), ("m", 60), ("h", 3600)];

impl Reader {
    /// A size such as `"4GiB"`, in bytes.
    pub(super) fn size(
        &mut self,
        value: &Value<'_>,
        what: &str,
        bounds: RangeInclusive<u64>,
    ) -> Option<u64> {
        let help = format!(
            "write a size between \"{}\" and \"{}\", such as \"4GiB\"; the units are B, KiB, MiB, GiB and TiB",
            shown_size(*bounds.start()),
            shown_size(*bounds.end())
        );
        let text = self.text(value, what, &help)?;
        let bytes = with_unit(&text, &SIZES).filter(|bytes| bounds.contains(bytes));
        if bytes.is_none() {
            self.wrong_at(value, &format!("{what} cannot be \"{text}\""), help);
        }
        bytes
    }

    /// A duration such as `"10s"`, up to an hour.
    pub(super) fn duration(&mut self, value: &Value<'_>, what: &str) -> Option<Duration> {
        let help = "write a whole number with s, m or h, up to \"1h\", such as \"10s\"";
        let text = self.text(value, what, help)?;
        let seconds = with_unit(&text, &DURATIONS).filter(|seconds| *seconds <= 3600);
        if seconds.is_none() {
            self.wrong_at(value, &format!("{what} cannot be \"{text}\""), help);
        }
        seconds.map(Duration::from_secs)
    }

    /// CPUs such as `2.0`, in thousandths.
    pub(super) fn cpus(&mut self, value: &Value<'_>, what: &str) -> Option<u64> {
        let help = "write a number between 0.01 and 1024, such as 2 or 0.5, without quotes";
        let Value::NumberLit(literal) = value else {
            self.type_error(value, what, "a number", help);
            return None;
        };
        let millis = thousandths(literal.value).filter(|millis| (10..=1_024_000).contains(millis));
        if millis.is_none() {
            self.wrong_at(value, &format!("{what} cannot be {}", literal.value), help);
        }
        millis
    }

    /// A whole number within bounds.
    pub(super) fn count(
        &mut self,
        value: &Value<'_>,
        what: &str,
        bounds: RangeInclusive<u64>,
    ) -> Option<u64> {
        let help = format!(
            "write a whole number from {} to {} without quotes",
            bounds.start(),
            bounds.end()
        );
        let Value::NumberLit(literal) = value else {
            self.type_error(value, what, "a number", &help);
            return None;
        };
        let count = literal.value.parse().ok().filter(|n| bounds.contains(n));
        if count.is_none() {
            self.wrong_at(value, &format!("{what} cannot be {}", literal.value), help);
        }
        count
    }
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    units.iter().find_map(|(unit, factor)| {
        let digits = text.strip_suffix(unit)?.trim_end();
        let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| digits.parse::<u64>().ok()?.checked_mul(*factor))?
    })
}

/// Reads a decimal in thousandths without going through a float, so that equal
/// texts are equal numbers everywhere; more than three decimals are refused.
fn thousandths(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || fraction.len() > 3 {
        return None;
    }
    let fraction = format!("{fraction:0<3}").parse::<u64>().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(fraction)
}

fn shown_size(bytes: u64) -> String {
    SIZES
        .iter()
        .find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor))
        .map_or_else(
            || format!("{bytes}B"),
            |(unit, factor)| format!("{}{unit}", bytes / factor),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units_only() {
        assert_eq!(with_unit("4GiB", &SIZES), Some(4 << 30));
        assert_eq!(with_unit("512 MiB", &SIZES), Some(512 << 20));
        assert_eq!(with_unit("7B", &SIZES), Some(7));
        for text in [
            "4",
            "GiB",
            "4GB",
            "-1GiB",
            "4gib",
            "1.5GiB",
            "+1B",
            "18446744073709551615TiB",
        ] {
            assert_eq!(with_unit(text, &SIZES), None, "{text}");
        }
    }

    #[test]
    fn cpus_are_read_exactly() {
        assert_eq!(thousandths("2"), Some(2000));
        assert_eq!(thousandths("0.25"), Some(250));
        for text in ["1e3", "-1", "0.0001", "1.", ".5", "NaN"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }
}
