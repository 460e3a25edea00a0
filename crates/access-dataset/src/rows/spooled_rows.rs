//! The spooled part of a row: everything that grants do not need.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use access_core::model::{
    Entitlement, GrantOrigin, Profile, ProfileValue, Resource, ResourceTrait, UserAttributes, UserTrait,
};
use access_core::query;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::schema::AttributeCell;

/// The data of a resource beside its ids and names.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ResourceDetail<'a> {
    pub(super) description: Option<&'a str>,
    pub(super) parent: Option<(&'a str, &'a str)>,
    pub(super) status: Option<(Cow<'a, str>, Option<&'a str>)>,
    /// JSON text.
    #[serde(borrow)]
    pub(super) profile: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) user: Option<UserDetail<'a>>,
}

/// The data of a user beside that.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UserDetail<'a> {
    pub(super) email: Option<&'a str>,
    pub(super) first_name: Option<&'a str>,
    pub(super) last_name: Option<&'a str>,
    pub(super) account_type: Cow<'a, str>,
    pub(super) mfa_enabled: Option<bool>,
    pub(super) sso_enabled: Option<bool>,
    /// Values of the attributes that have columns.
    #[serde(borrow)]
    pub(super) attributes: AttributeCells<'a>,
}

/// Values of attributes in the order of their columns. They lie in the record itself: rows are many.
#[derive(Debug)]
pub(super) struct AttributeCells<'a> {
    cells: [AttributeCell<'a>; UserAttributes::MAX_COLUMNS],
    len: usize,
}

impl<'a> AttributeCells<'a> {
    fn of(profile: &'a Profile, attributes: UserAttributes) -> Self {
        let columns = attributes.columns();
        columns
            .map(|(attribute, _)| AttributeCell::of(attribute, profile))
            .collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = AttributeCell<'a>> {
        self.cells[..self.len].iter().copied()
    }
}

impl<'a> FromIterator<AttributeCell<'a>> for AttributeCells<'a> {
    fn from_iter<I: IntoIterator<Item = AttributeCell<'a>>>(values: I) -> Self {
        let (mut cells, mut len) = ([AttributeCell::Unknown; UserAttributes::MAX_COLUMNS], 0);
        for (cell, value) in cells.iter_mut().zip(values) {
            *cell = value;
            len += 1;
        }
        Self { cells, len }
    }
}

impl Serialize for AttributeCells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.cells[..self.len])
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for AttributeCells<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cells<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for Cells<'a> {
            type Value = AttributeCells<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("values of attributes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
                let (mut cells, mut len) = ([AttributeCell::Unknown; UserAttributes::MAX_COLUMNS], 0);
                while let Some(value) = values.next_element()? {
                    let cell = cells.get_mut(len);
                    *cell.ok_or_else(|| A::Error::invalid_length(len + 1, &self))? = value;
                    len += 1;
                }
                Ok(AttributeCells { cells, len })
            }
        }

        deserializer.deserialize_seq(Cells(PhantomData))
    }
}

/// The data of an entitlement beside its ids and names.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EntitlementDetail<'a> {
    pub(super) description: Option<&'a str>,
    pub(super) purpose: Cow<'a, str>,
    pub(super) grantable_to: Vec<&'a str>,
}

/// How a grant came about, if there is anything to say.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OriginDetail<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) direct: bool,
    pub(super) sources: Vec<&'a str>,
}

impl<'a> ResourceDetail<'a> {
    pub(super) fn of(row: &'a Resource, attributes: UserAttributes) -> Self {
        Self {
            description: row
                .description
                .as_ref()
                .map(access_core::model::BoundedText::as_str),
            parent: row
                .parent
                .as_ref()
                .map(|parent| (parent.resource_type.as_str(), parent.id.as_str())),
            status: row
                .status
                .as_ref()
                .map(|status| (Cow::Borrowed(status.state.as_str()), status.detail.as_deref())),
            profile: json(&row.profile).map(Cow::Owned),
            user: match &row.resource_trait {
                ResourceTrait::User(user) => Some(UserDetail::new(row, user, attributes)),
                _ => None,
            },
        }
    }
}

impl<'a> UserDetail<'a> {
    fn new(row: &'a Resource, user: &'a UserTrait, attributes: UserAttributes) -> Self {
        let name = user.name.as_ref();
        let attribute = |key| query::attribute(&row.profile, key);
        Self {
            email: query::email(row),
            first_name: name
                .and_then(|name| name.given.as_deref())
                .or_else(|| attribute("first_name")),
            last_name: name
                .and_then(|name| name.family.as_deref())
                .or_else(|| attribute("last_name")),
            account_type: Cow::Borrowed(user.account_type.as_str()),
            mfa_enabled: user.mfa_enabled,
            sso_enabled: user.sso_enabled,
            attributes: AttributeCells::of(&row.profile, attributes),
        }
    }
}

impl<'a> EntitlementDetail<'a> {
    pub(super) fn of(row: &'a Entitlement) -> Self {
        Self {
            description: row
                .description
                .as_ref()
                .map(access_core::model::BoundedText::as_str),
            purpose: Cow::Borrowed(row.purpose.as_str()),
            grantable_to: row
                .grantable_to
                .iter()
                .map(access_core::model::ResourceTypeId::as_str)
                .collect(),
        }
    }
}

impl<'a> OriginDetail<'a> {
    pub(super) fn of(origin: &'a GrantOrigin) -> Self {
        Self {
            id: origin.id.as_ref().map(access_core::model::GrantId::as_str),
            direct: origin.direct,
            sources: origin
                .sources
                .iter()
                .map(access_core::model::EntitlementId::as_str)
                .collect(),
        }
    }
}

/// All attributes as one JSON object, in the order of their keys; nothing if there are none.
fn json(profile: &Profile) -> Option<String> {
    if profile.is_empty() {
        return None;
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let attributes = profile.iter().map(|(key, value)| {
        let value = match value {
            ProfileValue::Text(text) => quoted(text),
            ProfileValue::Flag(flag) => flag.to_string(),
            ProfileValue::Number(number) => number.to_string(),
            ProfileValue::Json(json) => json.to_string(),
        };
        format!("{}:{value}", quoted(key))
    });
    Some(format!("{{{}}}", attributes.collect::<Vec<_>>().join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_json_in_key_order() {
        let mut profile = Profile::new();
        assert_eq!(json(&profile), None);
        profile.set("z", Some(true));
        profile.set("a \"quoted\"", Some("line\nbreak \u{202e}"));
        profile.set("n", Some(-7_i64));
        profile.set("nested", Some(ProfileValue::Json(r#"{"x":[1.5]}"#.into())));
        let text = json(&profile).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["nested"]["x"][0], 1.5);
        assert_eq!(value["a \"quoted\""], "line\nbreak \u{202e}");
        assert!(
            text.ends_with(r#""n":-7,"nested":{"x":[1.5]},"z":true}"#),
            "{text}"
        );
    }
}
