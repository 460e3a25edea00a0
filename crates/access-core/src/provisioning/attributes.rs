//! Validated values of requests.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::spelling::is_same;
use serde::{Serialize, Serializer};

use crate::model::ProfileValue;

/// Attributes of an account as given by a user or by ConductorOne.
pub type Attributes = BTreeMap<String, AttributeValue>;

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// Text.
    Text(String),
    /// A boolean.
    Flag(bool),
    /// An integer.
    Number(i64),
    /// A list of texts.
    List(Vec<String>),
    /// A resource.
    Resource(ResourceRef),
}

/// A resource in the arguments of an action; not validated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceRef {
    /// The resource type.
    #[serde(rename = "resource_type_id")]
    pub resource_type: String,
    /// The native id.
    #[serde(rename = "resource_id")]
    pub resource: String,
}

impl ResourceRef {
    /// Reads the fields `resource_type_id` and `resource_id`, or `resource_type` and `resource`, like the reference
    /// SDK.
    pub fn parse<'a>(text: impl Fn(&'static str) -> Option<&'a str>) -> Option<Self> {
        Some(Self {
            resource_type: text("resource_type_id")
                .or_else(|| text("resource_type"))?
                .to_owned(),
            resource: text("resource_id").or_else(|| text("resource"))?.to_owned(),
        })
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource_type, self.resource)
    }
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&ProfileValue> for AttributeValue {
    fn from(value: &ProfileValue) -> Self {
        match value {
            ProfileValue::Text(text) | ProfileValue::Json(text) => Self::Text(text.to_string()),
            ProfileValue::Flag(flag) => Self::Flag(*flag),
            ProfileValue::Number(number) => Self::Number(*number),
        }
    }
}

/// Why a value is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A name part that is empty or too long.
    #[error("a name has 1 to {max_chars} characters, not {characters}")]
    Name {
        /// The limit, in characters.
        max_chars: usize,
        /// The length, in characters.
        characters: usize,
    },
    /// Not an e-mail address.
    #[error("`{text}` is not an e-mail address")]
    Email {
        /// The text.
        text: String,
    },
}

/// A given or family name, trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePart(Box<str>);

impl NamePart {
    /// Parses a name of 1 to `max_chars` characters and trims it.
    ///
    /// # Errors
    /// [`ValueError::Name`].
    pub fn parse(text: &str, max_chars: usize) -> Result<Self, ValueError> {
        let text = text.trim();
        match text.chars().count() {
            characters if (1..=max_chars).contains(&characters) => Ok(Self(text.into())),
            characters => Err(ValueError::Name {
                max_chars,
                characters,
            }),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NamePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An e-mail address, compared without regard to case.
#[derive(Debug, Clone)]
pub struct EmailAddress(Box<str>);

impl EmailAddress {
    /// Parses an address and trims it. Only the form is checked: text, `@`, text, on one line.
    ///
    /// # Errors
    /// [`ValueError::Email`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let trimmed = text.trim();
        let check_role_kind = trimmed.len() <= 320
            && !trimmed.contains(|c: char| c.is_whitespace() || c.is_control())
            && trimmed
                .rsplit_once('@')
                .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        if check_role_kind {
            Ok(Self(trimmed.into()))
        } else {
            Err(ValueError::Email {
                text: text.chars().take(100).flat_map(char::escape_default).collect(),
            })
        }
    }

    /// The address as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text is this address, ignoring case and surrounding spaces. Addresses that only look alike differ.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        is_same(text, &self.0)
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for EmailAddress {}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_bounds_in_characters() {
        assert_eq!(NamePart::parse("  Zoë ", 150).unwrap().as_str(), "Zoë");
        assert!(NamePart::parse(&"伟".repeat(150), 150).is_ok());
        assert_eq!(
            NamePart::parse(&"x".repeat(151), 150),
            Err(ValueError::Name {
                max_chars: 150,
                characters: 151
            })
        );
        assert_eq!(
            NamePart::parse(" \t", 150),
            Err(ValueError::Name {
                max_chars: 150,
                characters: 0
            })
        );
    }

    #[test]
    fn addresses_ignore_case_but_not_lookalikes() {
        let address = EmailAddress::parse(" Ada.Nystrom@Example.com ").unwrap();
        assert!(address.is("ada.nystrom@example.COM "));
        assert!(!address.is("ada@example.com"));
        let address = EmailAddress::parse("mike@example.com").unwrap();
        for similar in [
            "mi\u{212a}e@example.com",
            "mik\u{435}@example.com",
            "mike@ex\u{430}mple.com",
            "mike@example\u{2024}com",
        ] {
            assert!(!address.is(similar), "{similar}");
        }
        assert!(EmailAddress::parse("bjørn@blavand-bageri.example.net").is_ok());
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a da@example.com",
            "ada@exa\nmple.com",
            &format!("{}@x", "a".repeat(400)),
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad}");
        }
    }
}
