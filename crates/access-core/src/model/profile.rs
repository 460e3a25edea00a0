//! Free-form attributes of a resource.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

/// One attribute's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ProfileValue {
    /// Text.
    Text(Box<str>),
    /// Yes or no.
    Flag(bool),
    /// A whole number; beyond ±2^53 readers that use doubles lose digits.
    Number(i64),
    /// Anything else, as JSON text: fractions, lists, attributes of attributes.
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

/// Attributes by key, in key order, so that the same resource always encodes to the same bytes. What the tenant does
/// not say is absent, never a default (docs/reference/design.md §4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Profile(BTreeMap<Cow<'static, str>, ProfileValue>);

impl Profile {
    /// No attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an attribute if there is a value for it.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: Option<impl Into<ProfileValue>>) {
        if let Some(value) = value {
            self.0.insert(key.into(), value.into());
        }
    }

    /// Looks an attribute up.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&ProfileValue> {
        self.0.get(key)
    }

    /// All attributes in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ProfileValue)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
