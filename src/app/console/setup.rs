//! What a console begins with: the operator's files, and what the one before it kept.

use jiff::Timestamp;

use super::kept;
use crate::app::cellar::Cellar;
use crate::app::planning;
use crate::manifest::Config;
use crate::pty::TerminalSize;
use crate::spec::BottleId;
use crate::state::{BottleRef, Keys, Setup};

/// It, and what is wrong with the files.
pub(super) struct Given {
    pub(super) setup: Setup,
    pub(super) config: Config,
    pub(super) notes: Vec<String>,
}

impl Given {
    /// Reads it; `first` is the bottle that is to be selected.
    pub(super) fn read(cellar: &Cellar, size: TerminalSize, first: Option<BottleId>) -> Self {
        let now = Timestamp::now();
        let (prices, bad_prices) = planning::prices();
        let (config, bad_config) = planning::config();
        let (keys, bad_keys) = Keys::read(&config.keys);
        let engine = cellar.engine.id();
        let setup = Setup {
            engines: vec![engine.clone()],
            size,
            now,
            utc_offset_seconds: jiff::tz::TimeZone::system().to_offset(now).seconds(),
            prices,
            kept: kept::read(&cellar.store),
            keys,
            themes: planning::themes(),
            first: first.map(|id| BottleRef {
                engine: engine.clone(),
                id,
            }),
        };
        let bad_prices = bad_prices.map(|failure| failure.line());
        let bad_key = bad_keys.into_iter().next();
        let bad_key = bad_key.map(|why| format!("config.json: {why}"));
        Self {
            setup,
            config,
            notes: bad_prices
                .into_iter()
                .chain(bad_config)
                .chain(bad_key)
                .collect(),
        }
    }
}
