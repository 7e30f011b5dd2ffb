//! What a scan says: that something was found and where, never what.

use std::ops::Range;

/// One secret that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the known value, or the id of the rule.
    pub rule: String,
    /// Which kind of thing was recognised.
    pub kind: Kind,
    /// The encodings around it, the outermost first.
    pub encoding: Vec<Layer>,
    /// Where it stands, counted from the first byte of the stream, or of what its
    /// content coding hides. Inside a layer that does not map byte to byte it is the
    /// range of the whole encoded piece.
    pub at: Range<u64>,
}

/// What a finding was recognised as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A secret of this bottle: certain.
    Known,
    /// The bottle's canary, which nobody has a reason to send: certain.
    Canary,
    /// Something in the shape of a secret: likely.
    Pattern,
}

/// An encoding around a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Base64, standard or URL alphabet.
    Base64,
    /// Base32, as host names carry it.
    Base32,
    /// Hexadecimal digits, either case.
    Hex,
    /// Percent-encoding of URLs and forms.
    Percent,
    /// Escapes of a JSON string.
    Json,
    /// A gzip member.
    Gzip,
    /// A zstd frame.
    Zstd,
}

/// Why a part was not looked into. Whoever blocks on findings should block on this too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The content coding's data are not what they claim to be.
    Corrupt,
    /// It unpacks to more than the limits on ratio or size allow.
    Bomb,
}
