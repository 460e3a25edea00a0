//! What the adapter declares for reports of its tenants.

use super::{AttributeRole, AttributeValue, IdentityClass, UserAttribute, UserAttributes};

/// What a report needs to know of a tenant beyond its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportSchema {
    /// The attributes of users; reports have those with a [`report_label`](UserAttribute::report_label).
    pub attributes: UserAttributes,
    /// Slugs of entitlements on the tenant itself that give no right to administer it.
    pub unprivileged_slugs: &'static [&'static str],
}

impl ReportSchema {
    /// The user types that reports count separately, each with its class.
    pub fn user_types(
        self,
    ) -> impl Iterator<Item = (&'static UserAttribute, &'static AttributeValue, IdentityClass)> + Clone {
        let attribute = self.attributes.with_role(AttributeRole::UserType);
        attribute.into_iter().flat_map(|attribute| {
            let values = attribute.values.iter();
            values.filter_map(move |value| Some((attribute, value, value.identity_class?)))
        })
    }
}
