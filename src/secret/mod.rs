//! A value that must not be printed, and where such values come from.
//!
//! A [`Secret`] has no `Display`, a redacted `Debug`, no serialisation, and is
//! wiped when dropped. Whoever needs the value says so by calling
//! [`Secret::expose`], which is easy to search for.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret value, wiped from memory when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives the value to code that must send it on. Never log, format or record it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_text_holds_no_secret() {
        assert_eq!(
            format!("{:?}", Secret::new(String::from("hunter2"))),
            "Secret(…)"
        );
    }
}
