//! A text that must not be seen.

use std::fmt;

/// A secret. It shows as dots wherever it is printed; only [`Secret::expose`] gives the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a configured secret. From now on it is taken out of every text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        access_core::secrets::register(&text);
        Self(text)
    }

    /// Takes a secret that a server gave out. From now on it is taken out of every text.
    #[must_use]
    pub(crate) fn token(text: impl Into<String>) -> Self {
        let text = text.into();
        access_core::secrets::register_token(&text);
        Self(text)
    }

    /// The text, for the request that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
