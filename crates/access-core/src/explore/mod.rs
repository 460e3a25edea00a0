//! Looking at a finished sync: things found by what people call them, and people sorted out by what is known of them.

mod filter;
mod find;
mod natural;
mod similar;
mod words;

pub use filter::{UserFilter, mentioned};
pub use find::{FindError, principal, things_held};
pub use natural::natural_order;
pub use similar::{distance, nearest};
pub use words::Words;

use crate::model::{Profile, ProfileValue, Resource, Trait};

/// The primary address of a user, or the one in its attributes.
#[must_use]
pub fn email(resource: &Resource) -> Option<&str> {
    let listed = match &resource.kind {
        Trait::User(user) => user
            .emails
            .iter()
            .find(|email| email.primary)
            .or(user.emails.first())
            .map(|email| &*email.address),
        _ => None,
    };
    listed.or_else(|| attribute(&resource.profile, "email"))
}

/// The login of a user.
#[must_use]
pub fn login(resource: &Resource) -> Option<&str> {
    match &resource.kind {
        Trait::User(user) => user.login.as_deref(),
        _ => None,
    }
}

/// An attribute that is text.
#[must_use]
pub fn attribute<'a>(profile: &'a Profile, key: &str) -> Option<&'a str> {
    match profile.get(key) {
        Some(ProfileValue::Text(text)) => Some(text),
        _ => None,
    }
}

/// An attribute that is yes or no.
#[must_use]
pub fn flag(profile: &Profile, key: &str) -> Option<bool> {
    match profile.get(key) {
        Some(ProfileValue::Flag(flag)) => Some(*flag),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
