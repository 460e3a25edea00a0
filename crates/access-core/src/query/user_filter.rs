//! Filters users by their attributes.

use std::collections::{BTreeSet, HashSet};

use super::TextQuery;
use super::email;
use super::flag;
use super::login;
use crate::model::{ProfileValue, Resource, ResourceId, ResourceTrait, ResourceTypeId, StatusState};

/// A filter of users; the default matches all.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Resource types; empty for any.
    pub types: BTreeSet<ResourceTypeId>,
    /// Statuses; empty for any. Users of unknown status are `Unspecified`.
    pub statuses: Vec<StatusState>,
    /// Only users known to have no multi-factor authentication.
    pub without_mfa: bool,
    /// Only users known to be administrators.
    pub administrators: bool,
    /// Only these users.
    pub among: Option<HashSet<ResourceId>>,
    /// Only users with this text in their name, address, login, id or an attribute.
    pub text_query: Option<TextQuery>,
}

impl UserFilter {
    /// Whether a resource is a user that matches.
    #[must_use]
    pub fn matches(&self, resource: &Resource) -> bool {
        let ResourceTrait::User(user) = &resource.resource_trait else {
            return false;
        };
        let state = resource
            .status
            .as_ref()
            .map_or(StatusState::Unspecified, |status| status.state);
        (self.types.is_empty() || self.types.contains(&resource.id.resource_type))
            && (self.statuses.is_empty() || self.statuses.contains(&state))
            && (!self.without_mfa || user.mfa_enabled == Some(false))
            && (!self.administrators || flag(&resource.profile, "administrator") == Some(true))
            && self
                .among
                .as_ref()
                .is_none_or(|among| among.contains(&resource.id))
            && self
                .text_query
                .as_ref()
                .is_none_or(|text_query| matches_text(resource, text_query))
    }
}

/// Whether the name, id, login, address or a text attribute of a resource contains the text.
#[must_use]
pub fn matches_text(resource: &Resource, text_query: &TextQuery) -> bool {
    let attributes = resource.profile.iter().filter_map(|(_, value)| match value {
        ProfileValue::Text(text) => Some(&**text),
        _ => None,
    });
    let known = [
        Some(resource.display_name.as_str()),
        Some(resource.id.id.as_str()),
        login(resource),
        email(resource),
    ];
    known
        .into_iter()
        .flatten()
        .chain(attributes)
        .any(|text| text_query.matches(text))
}
