//! Which paths a route names.

use serde::{Deserialize, Serialize};

use super::reading::{Reading, is_plain};
use super::{CanonicalPath, PathFault};

/// Which paths a route lets through. Letter case counts.
///
/// `*` stands for any characters within one segment; as the whole last segment it
/// stands for everything below, `/simple/` itself included for `/simple/*`. `**` is the
/// same there and stands nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(String);

/// Why a text is no pattern of paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathPatternError {
    /// The text is no path.
    #[error(transparent)]
    Path(#[from] PathFault),
    /// `**` stands elsewhere than as the last segment.
    #[error("accept `**` anywhere but as the last segment")]
    Stars,
}

impl PathPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`PathPatternError`].
    pub fn parse(text: &str) -> Result<Self, PathPatternError> {
        let path = CanonicalPath::parse(text)?.0;
        let (path, stars) = match path.strip_suffix("/**") {
            Some(before) => (before, true),
            None => (path.as_str(), false),
        };
        if path.contains("**") {
            return Err(PathPatternError::Stars);
        }
        Ok(Self(if stars {
            format!("{path}/*")
        } else {
            path.to_owned()
        }))
    }

    /// Gives the canonical spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches the path in every way that a server may read the two.
    #[must_use]
    pub fn matches(&self, path: &CanonicalPath) -> bool {
        self.readings(path)
            .iter()
            .all(|reading| self.matches_as(*reading, path))
    }

    /// Whether it matches the path in any way that a server may read the two: what a
    /// deny asks.
    #[must_use]
    pub fn may_match(&self, path: &CanonicalPath) -> bool {
        self.readings(path)
            .iter()
            .any(|reading| self.matches_as(*reading, path))
    }

    fn readings(&self, path: &CanonicalPath) -> &'static [Reading] {
        if is_plain(&self.0) && is_plain(path.as_str()) {
            &[Reading::AsSent]
        } else {
            &Reading::ALL
        }
    }

    /// How much of a path it fixes, in bytes: the more, the closer it names a place.
    #[must_use]
    pub fn closeness(&self) -> usize {
        self.0.bytes().filter(|byte| *byte != b'*').count()
    }

    fn matches_as(&self, reading: Reading, path: &CanonicalPath) -> bool {
        let (pattern, has_rest) = match self.0.strip_suffix("/*") {
            Some(before) => (before, true),
            None => (self.0.as_str(), false),
        };
        let (pattern, path) = (reading.of(pattern), reading.of(path.as_str()));
        let mut wanted = pattern.split('/').skip(1);
        let mut found = path.split('/').skip(1);
        loop {
            match (wanted.next(), found.next()) {
                (Some(wanted), Some(found)) if glob(wanted, found) => {}
                (None, None) => return !has_rest,
                (None, Some(_)) => return has_rest,
                (Some(_), _) => return false,
            }
        }
    }
}

/// Whether a segment matches a pattern in which `*` stands for any characters.
fn glob(pattern: &str, segment: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == segment;
    };
    let Some(mut left) = segment.strip_prefix(first) else {
        return false;
    };
    let (middles, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(inner) = left.strip_suffix(last) else {
        return false;
    };
    left = inner;
    for middle in middles.split('*').filter(|middle| !middle.is_empty()) {
        match left.split_once(middle) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    true
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PathPattern {
    type Error = PathPatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}
