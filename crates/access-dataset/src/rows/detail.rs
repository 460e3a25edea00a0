//! What is spooled of a row: everything that grants do not need.

use std::borrow::Cow;

use access_core::model::{Entitlement, GrantOrigin, Profile, ProfileValue, Resource, Trait, UserTrait};
use serde::{Deserialize, Serialize};

/// What is known of a resource beyond its ids and names.
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

/// What is known of a user beyond that.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UserDetail<'a> {
    pub(super) email: Option<&'a str>,
    pub(super) first_name: Option<&'a str>,
    pub(super) last_name: Option<&'a str>,
    pub(super) account_type: Cow<'a, str>,
    pub(super) mfa_enabled: Option<bool>,
    pub(super) sso_enabled: Option<bool>,
    /// Attributes that have columns of their own, see [`Promoted`].
    #[serde(borrow)]
    pub(super) promoted: Promoted<'a>,
}

/// Attributes of a user's profile that are columns too. The keys are frozen (docs/reference/design.md §4); other connectors'
/// profiles have them or not.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Promoted<'a> {
    pub(super) phone: Option<&'a str>,
    pub(super) user_type: Option<&'a str>,
    pub(super) enabled: Option<bool>,
    pub(super) invitation_status: Option<&'a str>,
    pub(super) auth_type: Option<&'a str>,
    pub(super) scim_user: Option<bool>,
    pub(super) administrator: Option<bool>,
    pub(super) must_change_password: Option<bool>,
    pub(super) permit_all_clients: Option<bool>,
    pub(super) full_portal_access: Option<bool>,
    pub(super) organization_id: Option<&'a str>,
    pub(super) organization_name: Option<&'a str>,
    pub(super) uid: Option<&'a str>,
}

/// What is known of an entitlement beyond its ids and names.
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
    pub(super) fn of(row: &'a Resource) -> Self {
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
            user: match &row.kind {
                Trait::User(user) => Some(UserDetail::of(user, &row.profile)),
                _ => None,
            },
        }
    }
}

impl<'a> UserDetail<'a> {
    fn of(user: &'a UserTrait, profile: &'a Profile) -> Self {
        let primary = user
            .emails
            .iter()
            .find(|email| email.primary)
            .or(user.emails.first());
        let name = user.name.as_ref();
        Self {
            email: primary
                .map(|email| &*email.address)
                .or_else(|| text(profile, "email")),
            first_name: name
                .and_then(|name| name.given.as_deref())
                .or_else(|| text(profile, "first_name")),
            last_name: name
                .and_then(|name| name.family.as_deref())
                .or_else(|| text(profile, "last_name")),
            account_type: Cow::Borrowed(user.account_type.as_str()),
            mfa_enabled: user.mfa_enabled,
            sso_enabled: user.sso_enabled,
            promoted: Promoted::of(profile),
        }
    }
}

impl<'a> Promoted<'a> {
    fn of(profile: &'a Profile) -> Self {
        let (text, flag) = (|key| text(profile, key), |key| flag(profile, key));
        Self {
            phone: text("phone"),
            user_type: text("user_type"),
            enabled: flag("enabled"),
            invitation_status: text("invitation_status"),
            auth_type: text("auth_type"),
            scim_user: flag("scim_user"),
            administrator: flag("administrator"),
            must_change_password: flag("must_change_password"),
            permit_all_clients: flag("permit_all_clients"),
            full_portal_access: flag("full_portal_access"),
            organization_id: text("organization_id"),
            organization_name: text("organization_name"),
            uid: text("uid"),
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

fn text<'a>(profile: &'a Profile, key: &str) -> Option<&'a str> {
    match profile.get(key) {
        Some(ProfileValue::Text(text)) => Some(text),
        _ => None,
    }
}

fn flag(profile: &Profile, key: &str) -> Option<bool> {
    match profile.get(key) {
        Some(ProfileValue::Flag(flag)) => Some(*flag),
        _ => None,
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
