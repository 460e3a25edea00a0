//! Ids. Each is a newtype, so that ids of different kinds cannot be confused.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Maximum length of an id in the baton ecosystem, in bytes (docs/reference/c1z.md §4.1).
pub const MAX_ID_BYTES: usize = 1024;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("an id must not be empty")]
    Empty,
    /// The text exceeds [`MAX_ID_BYTES`].
    #[error("an id of {bytes} bytes is longer than the {MAX_ID_BYTES} bytes that readers accept")]
    TooLong {
        /// Length of the text, in bytes.
        bytes: usize,
    },
    /// The text is not a valid baton resource id.
    #[error(
        "`{text}` is not a baton resource id; write bid:r:TYPE/ID, e.g. bid:r:user/1234 (a backslash escapes : / and \\)"
    )]
    NotABatonId {
        /// The text.
        text: String,
    },
}

fn checked(text: &str) -> Result<&str, IdError> {
    match text.len() {
        0 => Err(IdError::Empty),
        1..=MAX_ID_BYTES => Ok(text),
        bytes => Err(IdError::TooLong { bytes }),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($repr);

        impl $name {
            /// Creates an id from its exact text.
            ///
            /// # Errors
            /// [`IdError`] if it is empty or longer than [`MAX_ID_BYTES`].
            pub fn new(text: &str) -> Result<Self, IdError> {
                checked(text).map(|text| Self(text.into()))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), &self.0)
            }
        }

        /// Equal to its text, so that maps can be queried with `&str`.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

text_id! {
    /// A resource type, e.g. `role`. Cheap to clone: every row has one.
    ResourceTypeId(Arc<str>)
}
text_id! {
    /// The id of an object in the tenant, e.g. the decimal user id `901`.
    NativeId(Box<str>)
}
text_id! {
    /// The last part of an entitlement id, e.g. `assigned`.
    Slug(Arc<str>)
}
text_id! {
    /// An entitlement: `<resource type>:<resource>:<slug>` (docs/reference/design.md §4, frozen).
    EntitlementId(Arc<str>)
}
text_id! {
    /// A grant: `<entitlement id>:<principal type>:<principal>` (docs/reference/design.md §4, frozen).
    GrantId(Box<str>)
}

impl ResourceTypeId {
    /// Creates a type id from a constant.
    ///
    /// # Panics
    /// If the text is empty or too long.
    #[must_use]
    pub fn from_static(text: &'static str) -> Self {
        assert!(
            checked(text).is_ok(),
            "a static resource type id must be 1 to {MAX_ID_BYTES} bytes long"
        );
        Self(text.into())
    }
}

impl Slug {
    /// Creates a slug from a constant.
    ///
    /// # Panics
    /// If the text is empty or too long.
    #[must_use]
    pub fn from_static(text: &'static str) -> Self {
        assert!(
            checked(text).is_ok(),
            "a static slug must be 1 to {MAX_ID_BYTES} bytes long"
        );
        Self(text.into())
    }
}

impl NativeId {
    /// Creates an id from a number.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number.to_string().into())
    }

    /// The number, if the text is a canonical decimal (no sign, no leading zero), so that numbers and ids map one to
    /// one.
    #[must_use]
    pub fn as_number(&self) -> Option<u64> {
        canonical_number(&self.0)
    }
}

/// A resource: its type and its native id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ResourceId {
    /// The resource type.
    pub resource_type: ResourceTypeId,
    /// The id within the type.
    pub id: NativeId,
}

impl ResourceId {
    /// Combines type and native id.
    #[must_use]
    pub fn new(resource_type: ResourceTypeId, id: NativeId) -> Self {
        Self { resource_type, id }
    }

    /// Parses the value of `--sync-resources`: `bid:r:TYPE/ID` or, with a parent,
    /// `bid:r:PARENT-TYPE/PARENT-ID/TYPE/ID`; a backslash escapes `:`, `/` and itself (docs/reference/conductorone.md
    /// §1.4). The parent is ignored.
    ///
    /// # Errors
    /// [`IdError`] with the text and the expected form.
    pub fn parse_baton_id(text: &str) -> Result<Self, IdError> {
        let refuse = || IdError::NotABatonId {
            text: text.to_owned(),
        };
        let body = text.strip_prefix("bid:r:").ok_or_else(refuse)?;
        let parts = unescape_path(body).ok_or_else(refuse)?;
        let ([resource_type, id] | [_, _, resource_type, id]) = parts.as_slice() else {
            return Err(refuse());
        };
        if parts.iter().any(String::is_empty) {
            return Err(refuse());
        }
        Ok(Self {
            resource_type: ResourceTypeId::new(resource_type)?,
            id: NativeId::new(id)?,
        })
    }

    /// Builds the id of an entitlement of this resource.
    ///
    /// # Errors
    /// [`IdError::TooLong`] if the id exceeds the limit.
    pub fn entitlement(&self, slug: &Slug) -> Result<EntitlementId, IdError> {
        EntitlementId::new(&format!("{}:{}:{slug}", self.resource_type, self.id))
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource_type, self.id)
    }
}

impl EntitlementId {
    /// The type of its resource: the text before the first colon of the frozen form. Ids of other connectors can have
    /// another form; their type is `unknown`.
    #[must_use]
    pub fn resource_type(&self) -> ResourceTypeId {
        resource_type_of(&self.0)
    }

    /// Builds the id of the grant of this entitlement to a principal.
    ///
    /// # Errors
    /// [`IdError::TooLong`] if the id exceeds the limit.
    pub fn grant_to(
        &self,
        principal_type: &ResourceTypeId,
        principal: &NativeId,
    ) -> Result<GrantId, IdError> {
        GrantId::new(&format!("{self}:{principal_type}:{principal}"))
    }
}

/// Parses a canonical decimal number: no sign, no leading zero.
pub(crate) fn canonical_number(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let canonical =
        bytes.iter().all(u8::is_ascii_digit) && (bytes.first() != Some(&b'0') || bytes.len() == 1);
    if canonical { text.parse().ok() } else { None }
}

/// The resource type in an entitlement id.
pub(crate) fn resource_type_of(entitlement: &str) -> ResourceTypeId {
    let begin = entitlement.split(':').next().unwrap_or_default();
    ResourceTypeId::new(begin).unwrap_or_else(|_| ResourceTypeId::from_static("unknown"))
}

/// Splits at unescaped `/` and removes escapes. `None` for an unescaped `:` or a trailing backslash.
fn unescape_path(body: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        match (c, parts.last_mut()) {
            ('\\', Some(part)) => part.push(chars.next()?),
            ('/', _) => parts.push(String::new()),
            (':', _) | (_, None) => return None,
            (c, Some(part)) => part.push(c),
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_compose_in_the_frozen_form() {
        let role = ResourceId::new(ResourceTypeId::from_static("role"), NativeId::from_number(7));
        let entitlement = role.entitlement(&Slug::from_static("assigned")).unwrap();
        assert_eq!(entitlement.as_str(), "role:7:assigned");
        let grant = entitlement
            .grant_to(&ResourceTypeId::from_static("user"), &NativeId::from_number(901))
            .unwrap();
        assert_eq!(grant.as_str(), "role:7:assigned:user:901");
    }

    #[test]
    fn empty_and_oversized_ids_are_refused() {
        assert_eq!(NativeId::new(""), Err(IdError::Empty));
        assert_eq!(
            NativeId::new(&"x".repeat(1025)),
            Err(IdError::TooLong { bytes: 1025 })
        );
        assert!(NativeId::new(&"x".repeat(1024)).is_ok());
    }

    #[test]
    fn only_canonical_decimals_count_as_numbers() {
        for (text, number) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("07", None),
            ("-7", None),
            ("7.0", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(NativeId::new(text).unwrap().as_number(), number, "{text}");
        }
    }

    #[test]
    fn baton_ids_name_a_resource_with_or_without_its_parent() {
        let user = ResourceId::parse_baton_id("bid:r:user/1234").unwrap();
        assert_eq!(user.to_string(), "user:1234");
        let nested = ResourceId::parse_baton_id(r"bid:r:org/1/name\:d/a\/b").unwrap();
        assert_eq!(
            (nested.resource_type.as_str(), nested.id.as_str()),
            ("name:d", "a/b")
        );
        for bad in [
            "",
            "user/1",
            "bid:r:",
            "bid:r:user",
            "bid:r:user/",
            "bid:r:a/b/c",
            "bid:e:user/1",
            "bid:r:a:b/c",
            r"bid:r:a/b\",
        ] {
            assert!(
                matches!(ResourceId::parse_baton_id(bad), Err(IdError::NotABatonId { .. })),
                "{bad} should be refused"
            );
        }
    }

    proptest! {
        #[test]
        fn numbers_round_trip_through_ids(number: u64) {
            prop_assert_eq!(NativeId::from_number(number).as_number(), Some(number));
        }

        #[test]
        fn parsing_a_baton_id_never_panics(text in ".{0,40}") {
            let _ = ResourceId::parse_baton_id(&text);
            let _ = ResourceId::parse_baton_id(&format!("bid:r:{text}"));
        }
    }
}
