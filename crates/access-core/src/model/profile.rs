//! Profile attributes of a resource.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ProfileValue {
    /// Text.
    Text(Box<str>),
    /// A boolean.
    Flag(bool),
    /// An integer; readers that use doubles lose digits beyond ±2^53.
    Number(i64),
    /// Any other value as JSON text: fractions, lists, objects.
    Json(Box<str>),
}

impl From<&str> for ProfileValue {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for ProfileValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for ProfileValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// Attributes sorted by key, so that equal resources have equal bytes. Unknown values are absent, never a default
/// (docs/reference/design.md §4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Profile(BTreeMap<Cow<'static, str>, ProfileValue>);

impl Profile {
    /// An empty profile.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an attribute; `None` is ignored.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: Option<impl Into<ProfileValue>>) {
        if let Some(value) = value {
            self.0.insert(key.into(), value.into());
        }
    }

    /// Gets an attribute by key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&ProfileValue> {
        self.0.get(key)
    }

    /// All attributes in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ProfileValue)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// Whether the profile is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
