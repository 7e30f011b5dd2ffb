//! The operator's `prices.json`, over the table of our own.

use std::path::Path;

use crate::policy::Prices;

/// Nobody reads more than this as a table of prices.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why the operator's prices are not used.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// The file could not be read.
    #[error("read `prices.json`")]
    Io(#[from] std::io::Error),
    /// It is too long.
    #[error("read `prices.json`: it is longer than {MAX_BYTES} bytes")]
    Long,
    /// It does not say what it should.
    #[error(
        "understand `prices.json`; write {{\"models\": {{\"NAME\": {{\"input\": 3, \"output\": 15, \"cache_write\": 3.75, \"cache_write_hour\": 6, \"cache_read\": 0.3}}}}}}"
    )]
    Garbled(#[from] serde_json::Error),
}

/// The table of our own with the operator's file over it, if there is one.
///
/// # Errors
/// [`PricesError`], beside the table of our own.
#[must_use]
pub fn load_prices(file: &Path) -> (Prices, Option<PricesError>) {
    let ours = Prices::builtin().unwrap_or_default();
    match read(file) {
        Ok(theirs) => (ours.under(theirs), None),
        Err(error) => (ours, Some(error)),
    }
}

fn read(file: &Path) -> Result<Prices, PricesError> {
    match std::fs::metadata(file) {
        Ok(about) if about.len() > MAX_BYTES => return Err(PricesError::Long),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Prices::default()),
        Err(error) => return Err(error.into()),
    }
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(prices: &Prices, model: &str) -> Option<f64> {
        prices.of(model).map(|price| price.usual.input.into())
    }

    #[test]
    fn the_operators_file_lies_over_the_table() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prices.json");
        let (prices, error) = load_prices(&file);
        assert!(error.is_none() && prices == Prices::builtin().unwrap());
        let rates = |input| {
            format!(
                r#"{{"input":{input},"output":2,"cache_write":0,"cache_write_hour":0,"cache_read":0}}"#
            )
        };
        let text = format!(
            r#"{{"comment":"ours","models":{{"claude-opus-5":{},"local":{}}}}}"#,
            rates("7.5"),
            rates("0")
        );
        std::fs::write(&file, text).unwrap();
        let (prices, error) = load_prices(&file);
        assert!(error.is_none(), "{error:?}");
        let read = ["claude-opus-5", "local-x", "claude-opus-5-5"].map(|name| input(&prices, name));
        assert_eq!(read, [Some(7.5), Some(0.0), Some(4.0)]);
        for bad in [
            "",
            "[]",
            r#"{"models":{"x":{"input":1}}}"#,
            &format!(r#"{{"models":{{"x":{}}}}}"#, rates("-1")),
            &format!(r#"{{"models":{{"x":{}}}}}"#, rates("1e300")),
            &format!(r#"{{"modles":{{"x":{}}}}}"#, rates("1")),
        ] {
            std::fs::write(&file, bad).unwrap();
            let (prices, error) = load_prices(&file);
            assert!(matches!(error, Some(PricesError::Garbled(_))), "{bad}");
            assert_eq!(prices, Prices::builtin().unwrap());
        }
    }
}
