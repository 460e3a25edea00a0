//! The account schema of NinjaOne: kinds, the fields of the create and update calls, and what no call can change
//! (docs/reference/ninjaone-api.md §3.4, §4, §7). All texts about accounts, for people and for ConductorOne, are here.

use access_core::provisioning::{
    ACCOUNT_ARGUMENT, AccountField, AccountKind, AccountKindSpec, AccountSchema, Advice, FieldRule,
};

use crate::mapping;

/// Attributes of an account that the audit log records.
const AUDITED: &[&str] = &[
    "first_name",
    "last_name",
    "email",
    "organization_id",
    "full_portal_access",
    "administrator",
];

/// An administrator or technician, who uses the console.
pub const TECHNICIAN: AccountKind = AccountKind::new(&AccountKindSpec {
    word: mapping::TECHNICIAN,
    name: "technician",
    article: "a",
    may_administer: true,
    audited: AUDITED,
    advice: &[Advice {
        without: "roles",
        code: "no_role",
        message: "no role is named: a technician without one has no permissions",
    }],
});

/// An employee of a customer, who uses the portal.
pub const END_USER: AccountKind = AccountKind::new(&AccountKindSpec {
    word: mapping::END_USER,
    name: "end user",
    article: "an",
    may_administer: false,
    audited: AUDITED,
    advice: &[Advice {
        without: "organization_id",
        code: "no_organization",
        message: "no organization is named: NinjaOne decides what the end user can see",
    }],
});

/// The fields of the two create calls and the two update calls.
pub static ACCOUNTS: AccountSchema = AccountSchema {
    kinds: &[TECHNICIAN, END_USER],
    administrator_title: "System Administrator",
    max_name_chars: 150,
    create_fields: &[
        AccountField::optional(
            "user_type",
            "Account kind",
            FieldRule::Kind,
            "TECHNICIAN for the console, END_USER for the portal",
            "TECHNICIAN",
        )
        .required(),
        AccountField::optional(
            "first_name",
            "First name",
            FieldRule::GivenName,
            "1 to 150 characters",
            "Ada",
        )
        .required(),
        AccountField::optional(
            "last_name",
            "Last name",
            FieldRule::FamilyName,
            "1 to 150 characters",
            "Nyström",
        )
        .required(),
        AccountField::optional(
            "email",
            "E-mail",
            FieldRule::Email,
            "Also the name to sign in with; it cannot be changed later",
            "ada@example.com",
        )
        .required(),
        AccountField::optional(
            "phone",
            "Phone",
            FieldRule::Text,
            "Telephone number",
            "+1 612 555 0107",
        ),
        AccountField::optional(
            "organization_id",
            "Organization",
            FieldRule::Organization,
            "Id or name of the end user's organization; end users only",
            "2",
        )
        .only_for(END_USER),
        AccountField::optional(
            "full_portal_access",
            "Full portal access",
            FieldRule::Flag,
            "Whether the end user has full access to the portal; end users only",
            "false",
        )
        .only_for(END_USER),
        AccountField::optional(
            "send_invitation",
            "Send invitation",
            FieldRule::Flag,
            "Whether NinjaOne mails the end user an invitation now; end users only",
            "true",
        )
        .only_for(END_USER),
        AccountField::optional(
            "roles",
            "Roles",
            FieldRule::Roles,
            "Ids or names of roles to assign once the account exists",
            "Service Desk",
        ),
    ],
    update_fields: &[
        AccountField::optional(
            ACCOUNT_ARGUMENT,
            "Account",
            FieldRule::Account,
            "The account: its id or its login",
            "901",
        )
        .required(),
        AccountField::optional(
            "first_name",
            "First name",
            FieldRule::GivenName,
            "Another first name",
            "Ada",
        ),
        AccountField::optional(
            "last_name",
            "Last name",
            FieldRule::FamilyName,
            "Another last name",
            "Nyström",
        ),
        AccountField::optional(
            "organization_id",
            "Organization",
            FieldRule::Organization,
            "Another organization, by id or name; end users only",
            "2",
        )
        .only_for(END_USER),
        AccountField::optional(
            "full_portal_access",
            "Full portal access",
            FieldRule::Flag,
            "true or false; end users only",
            "true",
        )
        .only_for(END_USER),
    ],
    update_description: "Changes what NinjaOne's API can change of an account",
    refused: &[(
        "password",
        "NinjaOne takes none; it invites the person, who chooses one",
    )],
    unchangeable: &[
        (
            "email",
            "NinjaOne's API takes no other e-mail for an existing account",
        ),
        (
            "login",
            "the login is the e-mail, which NinjaOne's API cannot change",
        ),
        (
            "phone",
            "NinjaOne's API takes no other phone number for an existing account",
        ),
        (
            "administrator",
            "NinjaOne's API cannot make or unmake a System Administrator",
        ),
        (
            "enabled",
            "NinjaOne documents no way to enable or disable an account through its API",
        ),
        ("password", "NinjaOne's API sets no passwords"),
        ("mfa_configured", "NinjaOne's API resets no second factor"),
        ("user_type", "an account cannot become one of the other kind"),
        ("roles", "roles are granted and revoked, not updated"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_forms() {
        let fields = ACCOUNTS.create_fields.iter().chain(ACCOUNTS.update_fields);
        let shown = fields.map(|field| {
            let kinds = field.only_for.map_or("all", |kind| kind.name);
            format!(
                "{} | {} | {:?} | required {} | {kinds} | {} | {}",
                field.name,
                field.display_name,
                field.kind(),
                field.required,
                field.description,
                field.placeholder
            )
        });
        insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn kinds_are_parsed_in_every_spelling() {
        for word in ["TECHNICIAN", "technician", " Technician "] {
            assert_eq!(ACCOUNTS.kind(word), Some(TECHNICIAN), "{word}");
        }
        for word in ["END_USER", "end-user", "End User", "enduser"] {
            assert_eq!(ACCOUNTS.kind(word), Some(END_USER), "{word}");
        }
        assert_eq!(ACCOUNTS.kind("robot"), None);
    }

    #[test]
    fn immutable_attributes_are_not_arguments() {
        for (key, _) in ACCOUNTS.unchangeable {
            assert!(ACCOUNTS.update_field(key).is_none(), "{key}");
        }
    }
}
