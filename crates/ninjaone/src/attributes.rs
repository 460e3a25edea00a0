//! The attributes of users: each is declared here once, with the field of a row that it comes from. Keys, field ids and
//! types are frozen (docs/reference/dataset.md); a new attribute with a column takes the next free field id of `users` (32 was the
//! first) and is not compared, see [`UserAttribute::history_column`].

use access_core::model::{
    AttributeFigure, AttributeRole, AttributeValue, IdentityClass, Profile, ReportSchema, UserAttribute,
    UserAttributes,
};

use crate::api::Flag;
use crate::api::Text;
use crate::api::UserRow;

/// How the value of an attribute is read from a row.
enum Source {
    Text(fn(&UserRow) -> &Text),
    Flag(fn(&UserRow) -> Flag),
    /// The ids of the user's organizations, with commas between them.
    OrganizationIds,
    /// The name of the user's organization, if it is listed.
    OrganizationName,
}

/// The user type of people who use the console.
pub(crate) const TECHNICIAN: &str = "TECHNICIAN";
/// The user type of customers' employees, who use the portal.
pub(crate) const END_USER: &str = "END_USER";
/// The slug of full access to the portal, the only tenant privilege without administrative rights.
pub(crate) const FULL_PORTAL_SLUG: &str = "full-portal-access";

/// What reports declare about a NinjaOne tenant.
pub const REPORT_SCHEMA: ReportSchema = ReportSchema {
    attributes: USER_ATTRIBUTES,
    unprivileged_slugs: &[FULL_PORTAL_SLUG],
};

const USER_TYPES: &[AttributeValue] = &[
    AttributeValue::new(TECHNICIAN, "Technician")
        .plural("Technicians")
        .identity_class(IdentityClass::Workforce),
    AttributeValue::new(END_USER, "End user")
        .plural("End users")
        .identity_class(IdentityClass::Customer),
    AttributeValue::new("INTEGRATION", "Integration").plural("Integrations"),
];

const SIGN_IN_METHODS: &[AttributeValue] = &[
    AttributeValue::new("NATIVE", "Local"),
    AttributeValue::new("PASSKEY", "Passkey"),
    AttributeValue::new("SAML2", "SAML 2.0"),
];

const ADMINISTRATORS: AttributeFigure = AttributeFigure {
    key: "administrators",
    label: "System administrators",
    meaning: "People with full rights over the tenant, whatever their roles",
};

const ALL_ORGANIZATIONS: AttributeFigure = AttributeFigure {
    key: "all_organizations",
    label: "See every organization",
    meaning: "People who may see every organization, administrators among them",
};

const FULL_PORTAL: AttributeFigure = AttributeFigure {
    key: "full_portal",
    label: "Full portal access",
    meaning: "People with full access to the end-user portal",
};

macro_rules! attributes {
    ($($attribute:expr => $source:expr,)*) => {
        /// The attributes that NinjaOne has beyond those of every source.
        pub const USER_ATTRIBUTES: UserAttributes = UserAttributes::new(&[$($attribute),*]);

        const SOURCES: &[Source] = &[$($source),*];
    };
}

attributes! {
    UserAttribute::text("first_name", "First name.") => Source::Text(|row| &row.first_name),
    UserAttribute::text("last_name", "Last name.") => Source::Text(|row| &row.last_name),
    UserAttribute::text("email", "The address, which is also the name to sign in with.")
        => Source::Text(|row| &row.email),
    UserAttribute::flag("mfa_configured", "Whether a second factor is set up.")
        => Source::Flag(|row| row.mfa_configured),
    UserAttribute::text("phone", "Phone number.").column(11).compared(11) => Source::Text(|row| &row.phone),
    UserAttribute::word("user_type", "`TECHNICIAN` or `END_USER`.").column(15).compared(15)
        .heading("type").in_report("Type")
        .role(AttributeRole::UserType).values(USER_TYPES)
        => Source::Text(|row| &row.user_type),
    UserAttribute::flag("enabled", "Whether the account is enabled; null if the tenant does not say.")
        .column(16).compared(16)
        => Source::Flag(|row| row.enabled),
    UserAttribute::word("invitation_status", "`REGISTERED`, `PENDING`, `EXPIRED`, or what else the tenant says.")
        .column(17).compared(17).in_report("Invitation")
        .role(AttributeRole::Invitation)
        => Source::Text(|row| &row.invitation_status),
    UserAttribute::word("auth_type", "How the account signs in, e.g. `NATIVE` or `SSO`.")
        .column(20).compared(20).in_report("Sign-in")
        .role(AttributeRole::SignInMethod).values(SIGN_IN_METHODS)
        => Source::Text(|row| &row.auth_type),
    UserAttribute::flag("scim_user", "Whether an identity provider manages the account.")
        .column(21).compared(21).in_report("Managed by SCIM")
        .role(AttributeRole::ManagedByIdentityProvider)
        => Source::Flag(|row| row.scim_user),
    UserAttribute::flag("administrator", "Whether it is a System Administrator, whatever its roles.")
        .column(22).compared(22).heading("admin").in_report("System administrator")
        .role(AttributeRole::Administrator).counted(ADMINISTRATORS)
        => Source::Flag(|row| row.administrator),
    UserAttribute::flag("must_change_password", "Whether the password must be changed at the next sign-in.")
        .column(23).compared(23).in_report("Must change password")
        => Source::Flag(|row| row.must_change_pw),
    UserAttribute::flag("permit_all_clients", "Whether it may see every organization.")
        .column(24).compared(24).in_report("Sees every organization")
        .counted(ALL_ORGANIZATIONS)
        => Source::Flag(|row| row.permit_all_clients),
    UserAttribute::flag("full_portal_access", "Whether it has full access to the end-user portal.")
        .column(25).compared(25).in_report("Full portal access")
        .counted(FULL_PORTAL)
        => Source::Flag(|row| row.full_portal_access),
    UserAttribute::text("organization_id", "The organization of an end user.")
        .column(26).compared(26).in_report("Organization")
        .role(AttributeRole::OrganizationId)
        => Source::OrganizationIds,
    UserAttribute::text("organization_name", "That organization's name, where it is listed.")
        .column(27).heading("organization").in_report("Organization name")
        .role(AttributeRole::OrganizationName)
        => Source::OrganizationName,
    UserAttribute::text("uid", "The tenant's UUID for the account.").column(28).compared(27)
        => Source::Text(|row| &row.uid),
    UserAttribute::flag("notify_all_clients", "Whether it is notified about every organization.")
        => Source::Flag(|row| row.notify_all_clients),
}

/// The attributes that a row states. `organization_name` is the name of the user's organization, if it is listed.
pub(crate) fn profile(id: u64, row: &UserRow, organization_name: Option<&str>) -> Profile {
    let mut profile = Profile::new();
    profile.set("user_id", Some(id.to_string().as_str()));
    for (attribute, source) in USER_ATTRIBUTES.iter().zip(SOURCES) {
        match source {
            Source::Text(text) => profile.set(attribute.key, text(row).text()),
            Source::Flag(flag) => profile.set(attribute.key, flag(row).get()),
            Source::OrganizationIds => {
                profile.set(attribute.key, joined(row.organization_id.ids()).as_deref());
            }
            Source::OrganizationName => profile.set(attribute.key, organization_name),
        }
    }
    profile
}

/// Ids separated by commas; `None` if there are none.
fn joined(ids: &[u64]) -> Option<String> {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    (!ids.is_empty()).then(|| ids.join(","))
}

#[cfg(test)]
mod tests {
    use access_core::model::AttributeType;

    use super::*;

    #[test]
    fn attribute_types_match_the_fields() {
        assert_eq!(USER_ATTRIBUTES.iter().count(), SOURCES.len());
        for (attribute, source) in USER_ATTRIBUTES.iter().zip(SOURCES) {
            let is_flag = matches!(source, Source::Flag(_));
            assert_eq!(
                is_flag,
                attribute.attribute_type == AttributeType::Flag,
                "{}",
                attribute.key
            );
        }
    }
}
