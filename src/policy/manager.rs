//! Who installs packages into an image.

use serde::{Deserialize, Serialize};

/// Who installs a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PackageManager {
    /// Debian's.
    Apt,
    /// Node's, for programs.
    Npm,
    /// Python's.
    Pip,
    /// Rust's, for programs.
    Cargo,
}

impl PackageManager {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Apt, Self::Npm, Self::Pip, Self::Cargo];

    /// The manager's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Npm => "npm",
            Self::Pip => "pip",
            Self::Cargo => "cargo",
        }
    }
}
