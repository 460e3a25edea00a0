//! Keys of an object, as Go's decoder matches them: case-insensitively, and the last value of a key counts. serde's derived
//! readers reject a duplicate key, which would lose a complete list because of one row.

use serde::de::{Deserialize, Deserializer};

use super::Text;
use super::bounds::address;
use super::bounds::word;

/// A text with a meaning, such as a user type (see [`bounds`](super::bounds)).
pub(crate) struct Word(pub(crate) Text);

/// A text that identifies a user (see [`bounds`](super::bounds)).
pub(crate) struct Address(pub(crate) Text);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        address(deserializer).map(Self)
    }
}

/// Implements `Deserialize` for a struct with a default: `row!(Row { field: "key", text as Word: "key" })`.
macro_rules! row {
    ($row:ident { $($field:ident $(as $wrapper:ident)?: $key:literal),* $(,)? }) => {
        impl<'de> serde::de::Deserialize<'de> for $row {
            fn deserialize<D: serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[expect(non_camel_case_types, reason = "they are called like the fields")]
                enum Key {
                    $($field,)*
                    Unknown,
                }

                struct KeyVisitor;

                impl serde::de::Visitor<'_> for KeyVisitor {
                    type Value = Key;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a key")
                    }

                    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Key, E> {
                        Ok(match key {
                            $($key => Key::$field,)*
                            $(other if other.eq_ignore_ascii_case($key) => Key::$field,)*
                            _ => Key::Unknown,
                        })
                    }
                }

                impl<'de> serde::de::Deserialize<'de> for Key {
                    fn deserialize<D: serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                        deserializer.deserialize_identifier(KeyVisitor)
                    }
                }

                struct RowVisitor;

                impl<'de> serde::de::Visitor<'de> for RowVisitor {
                    type Value = $row;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut object: A) -> Result<$row, A::Error> {
                        let mut row = $row::default();
                        // A field without a key does not compile.
                        let $row { $($field: _),* } = &row;
                        while let Some(key) = object.next_key::<Key>()? {
                            match key {
                                $(Key::$field => row.$field = $crate::api::keys::row!(@value object $($wrapper)?),)*
                                Key::Unknown => {
                                    object.next_value::<serde::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(row)
                    }

                    // Read to its end, to distinguish a truncated answer from one of another type.
                    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<$row, A::Error> {
                        while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                        Err(serde::de::Error::invalid_type(serde::de::Unexpected::Seq, &self))
                    }
                }

                deserializer.deserialize_any(RowVisitor)
            }
        }
    };
    (@value $object:ident) => {
        $object.next_value()?
    };
    (@value $object:ident $wrapper:ident) => {
        $object.next_value::<$crate::api::keys::$wrapper>()?.0
    };
}

pub(crate) use row;

#[cfg(test)]
mod tests {
    use crate::api::Stated;
    use crate::api::UserRow;

    #[test]
    fn keys_ignore_case_and_the_last_one_counts() {
        let row: UserRow = serde_json::from_str(
            r#"{"ID":7,"FirstName":"Zoe","firstname":"Zo\u00eb","email":"a@b.example","EMAIL":"z@b.example",
                "administrator":false,"administrator":true,"Other":1,"other":{"id":2},"userType":"TECHNICIAN"}"#,
        )
        .unwrap();
        assert_eq!(row.id, Stated::Value(7));
        assert_eq!(row.first_name.text(), Some("Zoë"));
        assert_eq!(row.email.text(), Some("z@b.example"));
        assert_eq!(row.administrator, Stated::Value(true));
        assert_eq!(row.user_type.text(), Some("TECHNICIAN"));
    }
}
