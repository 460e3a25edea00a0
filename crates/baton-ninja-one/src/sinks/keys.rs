//! The keys of a sink in a config file.

use figment::value::{Dict, Value};

/// The keys of one sink.
#[derive(Clone, Copy)]
pub(crate) struct SinkKeys<'a>(pub(crate) &'a Dict);

impl<'a> SinkKeys<'a> {
    /// The first unknown key.
    pub(crate) fn unknown(self, known: &[&str]) -> Option<&'a str> {
        let mut keys = self.0.keys().map(String::as_str);
        keys.find(|key| !known.contains(key))
    }

    /// A text, if the key exists.
    ///
    /// # Errors
    /// The value is not a text.
    pub(crate) fn text(self, key: &str) -> Result<Option<&'a str>, String> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::String(_, text)) => Ok(Some(text)),
            Some(_) => Err(format!("`{key}`: expected a string")),
        }
    }

    /// One of some words; the default without the key.
    ///
    /// # Errors
    /// The value is another one.
    pub(super) fn choice<T: Default>(
        self,
        key: &str,
        words: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        let Some(word) = self.text(key)? else {
            return Ok(T::default());
        };
        parse(word).ok_or_else(|| {
            format!(
                "`{key}`: `{}` is not one of {}",
                word.escape_debug(),
                // A comma may be one of the words.
                words.join(if words.contains(&",") { "  " } else { ", " })
            )
        })
    }

    /// True or false; `default` without the key.
    ///
    /// # Errors
    /// The value is neither.
    pub(super) fn switch(self, key: &str, default: bool) -> Result<bool, String> {
        match self.0.get(key) {
            None => Ok(default),
            Some(Value::Bool(_, on)) => Ok(*on),
            Some(_) => Err(format!("`{key}`: expected true or false")),
        }
    }
}
