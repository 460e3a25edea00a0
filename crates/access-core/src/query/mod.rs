//! Queries of a finished sync: resolving names, and filtering users.

mod natural;
mod resolve;
mod similar;
mod text_query;
mod user_filter;

pub use natural::natural_order;
pub use resolve::ResolveError;
pub use resolve::resolve_entitlements;
pub use resolve::resolve_principal;
pub use similar::distance;
pub use similar::nearest;
pub use text_query::TextQuery;
pub use user_filter::UserFilter;
pub use user_filter::matches_text;

use crate::model::{Profile, ProfileValue, Resource, ResourceTrait};

/// The primary e-mail address of a user, or its `email` attribute.
#[must_use]
pub fn email(resource: &Resource) -> Option<&str> {
    let listed = match &resource.resource_trait {
        ResourceTrait::User(user) => user
            .emails
            .iter()
            .find(|email| email.primary)
            .or(user.emails.first())
            .map(|email| &*email.address),
        _ => None,
    };
    listed.or_else(|| attribute(&resource.profile, "email"))
}

/// The login name of a user.
#[must_use]
pub fn login(resource: &Resource) -> Option<&str> {
    match &resource.resource_trait {
        ResourceTrait::User(user) => user.login.as_deref(),
        _ => None,
    }
}

/// A text attribute.
#[must_use]
pub fn attribute<'a>(profile: &'a Profile, key: &str) -> Option<&'a str> {
    match profile.get(key) {
        Some(ProfileValue::Text(text)) => Some(text),
        _ => None,
    }
}

/// A boolean attribute.
#[must_use]
pub fn flag(profile: &Profile, key: &str) -> Option<bool> {
    match profile.get(key) {
        Some(ProfileValue::Flag(flag)) => Some(*flag),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
