//! People, sorted out by what is known of them.

use std::collections::{BTreeSet, HashSet};

use super::TextQuery;
use super::email;
use super::flag;
use super::login;
use crate::model::{ProfileValue, Resource, ResourceId, ResourceTrait, ResourceTypeId, StatusState};

/// Which users are wanted; one without wishes lets all pass.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Of one of these types; empty = of any.
    pub types: BTreeSet<ResourceTypeId>,
    /// In one of these states; empty = in any. A user whose state nobody knows is `Unspecified`.
    pub statuses: Vec<StatusState>,
    /// Only those of whom the tenant says that they have no second factor.
    pub without_mfa: bool,
    /// Only those of whom the tenant says that they are administrators.
    pub administrators: bool,
    /// Only these.
    pub among: Option<HashSet<ResourceId>>,
    /// Only those that have these words in a name, an address, their id or an attribute.
    pub words: Option<TextQuery>,
}

impl UserFilter {
    /// Whether a resource is a user that is wanted.
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
                .words
                .as_ref()
                .is_none_or(|words| matches_text(resource, words))
    }
}

/// Whether a resource has words in a text that people know it by.
#[must_use]
pub fn matches_text(resource: &Resource, words: &TextQuery) -> bool {
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
        .any(|text| words.matches(text))
}
