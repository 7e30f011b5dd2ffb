//! What the operator's side tells egress while it runs, and what of it outlives a
//! restart.
//!
//! A new table is on the sidecar's own volume before it is in force, and in force before
//! it is told: a restart never brings back a route that was taken away. Secrets are on
//! no disk; after a restart they are asked for again.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::proxy::Proxy;
use super::resolve::Resolve;
use crate::guest::runtime::Reporter;
use crate::policy::{Prices, RouteSet, SecretName};
use crate::secret::Secret;
use crate::wire::{RoleReport, RoleState, SidecarConfig, ToEgress};

/// A table as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) generation: u64,
    pub(super) routes: RouteSet,
    /// What models cost, where the operator said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prices: Option<Prices>,
}

impl Kept {
    /// Nothing may leave.
    pub(super) const NOTHING: Self = Self {
        generation: 0,
        routes: RouteSet::NONE,
        prices: None,
    };
}

/// Where the table that was told last is kept.
#[derive(Clone, Debug)]
pub(super) struct TableFile(PathBuf);

/// Why a table could not be kept or found again.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableFileError {
    /// The volume refused.
    #[error("use the file of routes on the sidecar's volume")]
    Io(#[from] std::io::Error),
    /// The file holds something else.
    #[error("understand the file of routes on the sidecar's volume")]
    Garbled(#[from] serde_json::Error),
}

impl TableFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Gives the newer of what the bottle was made with and what it was told since.
    ///
    /// # Errors
    /// [`TableFileError`]: what was told since is not known then, and to fall back to
    /// older routes could open what was closed.
    pub(super) fn newest(&self, config: &SidecarConfig) -> Result<Kept, TableFileError> {
        let made = Kept {
            generation: config.generation,
            routes: config.routes.clone(),
            prices: config.prices.clone(),
        };
        let bytes = match std::fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(made),
            Err(error) => return Err(error.into()),
        };
        let kept: Kept = serde_json::from_slice(&bytes)?;
        if kept.generation > config.generation {
            Ok(kept)
        } else {
            Ok(made)
        }
    }

    fn keep(&self, kept: &Kept) -> Result<(), TableFileError> {
        let folder = self.0.parent().unwrap_or(Path::new("/"));
        let new = self.0.with_extension("new");
        let mut file = std::fs::File::create(&new)?;
        file.write_all(&serde_json::to_vec(kept)?)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.0)?;
        std::fs::File::open(folder)?.sync_all()?;
        Ok(())
    }
}

/// Carries orders out.
pub(super) struct Orders<R> {
    pub(super) proxy: Arc<Proxy<R>>,
    pub(super) file: TableFile,
    pub(super) reporter: Reporter,
    /// What the role says of itself while no secret is missing.
    pub(super) well: RoleState,
}

impl<R: Resolve> Orders<R> {
    /// Carries out what comes, for as long as it is polled.
    pub(super) async fn obey(self, mut orders: mpsc::Receiver<ToEgress>) {
        self.tell_state();
        self.tell_routes();
        while let Some(order) = orders.recv().await {
            self.carry_out(order);
        }
        std::future::pending::<()>().await;
    }

    fn carry_out(&self, order: ToEgress) {
        match order {
            ToEgress::Routes {
                generation,
                routes,
                prices,
            } => match self.swap(generation, routes, prices) {
                Ok(()) => self.tell_routes(),
                Err(why) => {
                    let report = RoleReport::RoutesRefused { generation, why };
                    self.reporter.tell(report);
                }
            },
            ToEgress::Secrets { values } => {
                let mut secrets = self.proxy.secrets.open().secrets.clone();
                for (name, value) in values {
                    let value = Secret::new(value);
                    if let Ok(name) = SecretName::parse(&name) {
                        secrets.insert(name, value);
                    }
                }
                if let Err(error) = self.proxy.secrets(secrets) {
                    let text = format!("the secrets were not taken: {error}");
                    self.proxy.decisions.log(text);
                }
            }
            ToEgress::Refuse { hold } => self.proxy.holds.refuse(hold),
            ToEgress::RefuseBudgets => self.proxy.pauses.refuse(&self.proxy.ledger),
        }
        self.tell_state();
    }

    fn swap(
        &self,
        generation: u64,
        routes: RouteSet,
        prices: Option<Prices>,
    ) -> Result<(), String> {
        let table = self.proxy.table.current();
        if generation == table.generation && routes == table.routes {
            return Ok(());
        }
        if generation <= table.generation {
            let there = table.generation;
            return Err(format!("table {there} is in force, which is newer"));
        }
        if let Some(problem) = routes.problems().first() {
            return Err(problem.to_string());
        }
        let kept = Kept {
            generation,
            routes,
            prices,
        };
        let words = |error: &dyn std::error::Error| match error.source() {
            Some(cause) => format!("failed to {error}: {cause}"),
            None => format!("failed to {error}"),
        };
        self.file.keep(&kept).map_err(|error| words(&error))?;
        if let Some(prices) = &kept.prices {
            self.proxy.ledger.price_by(prices);
        }
        self.proxy
            .swap(kept.routes, generation)
            .map_err(|error| words(&error))?;
        self.proxy.holds.forget_refusals();
        Ok(())
    }

    fn tell_routes(&self) {
        let table = self.proxy.table.current();
        self.reporter.tell(RoleReport::Routes {
            generation: table.generation,
            routes: table.routes.clone(),
        });
    }

    /// The secrets that routes or the proxy on the way name, and that are not here.
    fn missing(&self) -> Vec<String> {
        let (table, held) = (self.proxy.table.current(), self.proxy.secrets.open());
        let named = table.routes.secrets().chain(self.proxy.dialer.secret());
        let missing: std::collections::BTreeSet<String> = named
            .filter(|name| !held.secrets.contains_key(*name))
            .map(SecretName::to_string)
            .collect();
        missing.into_iter().collect()
    }

    /// Says which secrets are missing, if any is.
    fn tell_state(&self) {
        let missing = self.missing();
        self.proxy.decisions.well(if missing.is_empty() {
            self.well.clone()
        } else {
            RoleState::Locked { missing }
        });
    }
}

#[cfg(test)]
mod tests;
