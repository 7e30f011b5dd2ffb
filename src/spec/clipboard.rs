//! Whether a session may ask to write the operator's clipboard.

use serde::{Deserialize, Serialize};

/// What becomes of text that a session's program wants in the operator's clipboard
/// (OSC 52). Reading the clipboard is never possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Clipboard {
    /// It is ignored.
    #[default]
    Never,
    /// The attached operator is asked, each time.
    Ask,
}

impl Clipboard {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde's `skip_serializing_if` gives a reference"
    )]
    pub(super) fn is_never(&self) -> bool {
        *self == Self::Never
    }
}
