//! Reads the members of a role through one buffer: a role can have a million of them, and few of their names are needed.

use std::fmt;

use access_core::model::MAX_LEFT_OUT_ROWS;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::Id;
use super::Members;
use super::NamelessMember;
use super::Row;
use super::Stated;
use super::bounds::MAX_ADDRESS_BYTES;
use super::bounds::clip;
use super::lenient::{Field, Scalar, WithScalar, count_element};
use super::members::person_label;

/// Maximum number of members of a role: all users of a tenant twice as large as the largest measured one.
const MAX_MEMBERS: usize = 2_000_000;

/// Reads members one by one.
#[derive(Debug, Default)]
pub(super) struct MemberReader {
    name: String,
    email: String,
}

/// The keys of a member that are read (OpenAPI: `RoleMember`), matched like those of rows (see [`keys`](super::keys)).
const KEYS: [&str; 3] = ["id", "name", "email"];

/// A key of a member.
enum MemberKey {
    Id,
    Name,
    Email,
    Unknown,
}

struct MemberKeyVisitor;

impl Visitor<'_> for MemberKeyVisitor {
    type Value = MemberKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<MemberKey, E> {
        let position = KEYS.iter().position(|known| key.eq_ignore_ascii_case(known));
        Ok(match position {
            Some(0) => MemberKey::Id,
            Some(1) => MemberKey::Name,
            Some(2) => MemberKey::Email,
            _ => MemberKey::Unknown,
        })
    }
}

impl<'de> Deserialize<'de> for MemberKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(MemberKeyVisitor)
    }
}

impl MemberReader {
    /// Reads the next member of a list; false at the end of the list.
    pub(super) fn read_next<'de, A: SeqAccess<'de>>(
        &mut self,
        list: &mut A,
        members: &mut Members,
    ) -> Result<bool, A::Error> {
        let Some(member) = list.next_element_seed(&mut *self)? else {
            return Ok(false);
        };
        match member {
            Row::Object(Stated::Value(id)) => {
                members.ids.push(id);
                members
                    .labels
                    .push_person(id, trimmed(&self.name), trimmed(&self.email));
            }
            Row::Object(Stated::Unstated) => self.push_nameless(&mut members.without_id),
            Row::Object(Stated::Unreadable) => self.push_nameless(&mut members.unreadable),
            Row::Null => members.without_id.push(NamelessMember::default()),
            Row::Other => members.unreadable.push(NamelessMember::default()),
        }
        Ok(true)
    }

    /// Counts a member without a usable id; the first ones keep their names.
    fn push_nameless(&self, members: &mut Vec<NamelessMember>) {
        let is_named = members.len() < MAX_LEFT_OUT_ROWS;
        let label = is_named.then(|| person_label(trimmed(&self.name), trimmed(&self.email)));
        members.push(NamelessMember(label.flatten()));
    }
}

impl<'de> Field<'de> for Members {
    type Element = IgnoredAny;

    const MAX_ELEMENTS: usize = MAX_MEMBERS;

    fn from_scalar(_: Scalar<'_>) -> Option<Self> {
        None
    }

    fn empty() -> Option<Self> {
        Some(Self::default())
    }

    fn fill<A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        let mut reader = MemberReader::default();
        let mut count = 0;
        while reader.read_next(&mut list, self)? {
            count_element::<Self, A::Error>(&mut count)?;
        }
        Ok(())
    }
}

fn trimmed(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

impl<'de> DeserializeSeed<'de> for &mut MemberReader {
    type Value = Row<Id>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Row<Id>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut MemberReader {
    type Value = Row<Id>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Row<Id>, E> {
        Ok(Row::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Row<Id>, E> {
        Ok(Row::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Row<Id>, E> {
        Ok(Row::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Row<Id>, E> {
        Ok(Row::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Row<Id>, E> {
        Ok(Row::Other)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Row<Id>, E> {
        Ok(Row::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Row<Id>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Row::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Row<Id>, A::Error> {
        self.name.clear();
        self.email.clear();
        let mut id = Id::default();
        // The last value of a key counts.
        while let Some(key) = object.next_key::<MemberKey>()? {
            match key {
                MemberKey::Id => id = object.next_value()?,
                MemberKey::Name => {
                    self.name.clear();
                    object.next_value_seed(WithScalar(|name: Scalar<'_>| {
                        if let Scalar::Text(text) = name {
                            push_label(&mut self.name, text);
                        }
                    }))?;
                }
                MemberKey::Email => {
                    self.email.clear();
                    object.next_value_seed(WithScalar(|email: Scalar<'_>| match email {
                        Scalar::Text(text) if text.len() <= MAX_ADDRESS_BYTES => {
                            push_label(&mut self.email, text);
                        }
                        _ => {}
                    }))?;
                }
                MemberKey::Unknown => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Row::Object(id))
    }
}

fn push_label(out: &mut String, text: &str) {
    out.push_str(&clip(text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::MAX_LABEL_BYTES;

    /// The buffer of the reader stays small, whatever a member's name is.
    #[test]
    fn names_are_clipped_before_they_are_buffered() {
        let mut buffer = String::new();
        let longest = "x".repeat(MAX_LABEL_BYTES);
        push_label(&mut buffer, &longest);
        assert_eq!(buffer, longest);
        buffer.clear();
        push_label(&mut buffer, &format!("{longest}x"));
        assert!(buffer.len() <= MAX_LABEL_BYTES && buffer.ends_with("x…"));
    }
}
