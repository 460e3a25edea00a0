//! Secrets, and their removal from texts.

use std::fmt;

/// A secret. It is printed as dots; only [`Secret::expose`] returns the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Creates a configured secret. From now on it is removed from every text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        access_core::secrets::register(&text);
        Self(text)
    }

    /// Creates a secret that a server issued. From now on it is removed from every text.
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
