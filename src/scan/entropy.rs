//! Shannon's entropy of a few bytes.

/// Bits a byte, 0 to 8, as gitleaks counts them; 0 of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of at most a few thousand bytes are exact in an f64"
)]
pub(super) fn bits_per_byte(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let length = bytes.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_counts_the_bits_that_name_a_byte() {
        let rows: [(&[u8], f64); 4] = [(b"", 0.0), (b"aaaa", 0.0), (b"abab", 1.0), (b"abcd", 2.0)];
        for (bytes, bits) in rows {
            assert!((bits_per_byte(bytes) - bits).abs() < 1e-9, "{bytes:?}");
        }
    }
}
