//! What a new account is made of: the form that C1 shows, and the help of the command line.

use serde::Serialize;

/// One field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AccountField {
    /// Its key.
    pub name: &'static str,
    /// Its name for people.
    pub display_name: &'static str,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether an account cannot be made without it.
    pub required: bool,
    /// What it means.
    pub description: &'static str,
    /// An example.
    pub placeholder: &'static str,
}

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// A text.
    Text,
    /// Yes or no.
    Flag,
    /// Several texts.
    List,
}

const fn field(
    name: &'static str,
    display_name: &'static str,
    description: &'static str,
    placeholder: &'static str,
) -> AccountField {
    AccountField {
        name,
        display_name,
        kind: FieldKind::Text,
        required: false,
        description,
        placeholder,
    }
}

const fn required(field: AccountField) -> AccountField {
    AccountField {
        required: true,
        ..field
    }
}

const fn of(kind: FieldKind, field: AccountField) -> AccountField {
    AccountField { kind, ..field }
}

/// The fields, in the order of the form (docs/reference/ninjaone-api.md §4: what the two create calls take).
pub const ACCOUNT_FIELDS: [AccountField; 9] = [
    required(field(
        "user_type",
        "Account kind",
        "TECHNICIAN for the console, END_USER for the portal",
        "TECHNICIAN",
    )),
    required(field("first_name", "First name", "1 to 150 characters", "Ada")),
    required(field("last_name", "Last name", "1 to 150 characters", "Nyström")),
    required(field(
        "email",
        "E-mail",
        "Also the name to sign in with; it cannot be changed later",
        "ada@example.com",
    )),
    field("phone", "Phone", "Telephone number", "+1 612 555 0107"),
    field(
        "organization_id",
        "Organization",
        "Id or name of the end user's organization; end users only",
        "2",
    ),
    of(
        FieldKind::Flag,
        field(
            "full_portal_access",
            "Full portal access",
            "Whether the end user has full access to the portal; end users only",
            "false",
        ),
    ),
    of(
        FieldKind::Flag,
        field(
            "send_invitation",
            "Send invitation",
            "Whether NinjaOne mails the end user an invitation now; end users only",
            "true",
        ),
    ),
    of(
        FieldKind::List,
        field(
            "roles",
            "Roles",
            "Ids or names of roles to assign once the account exists",
            "Service Desk",
        ),
    ),
];

/// The action that changes an account.
pub const UPDATE_ACCOUNT: &str = "update-account";
/// What it does.
pub const UPDATE_ACCOUNT_DESCRIPTION: &str = "Changes what NinjaOne's API can change of an account";
/// Its argument that names the account.
pub const ACCOUNT_ARGUMENT: &str = "user_id";

/// Its arguments (docs/reference/ninjaone-api.md §4: what the two update calls take).
pub const UPDATE_FIELDS: [AccountField; 5] = [
    required(field(
        ACCOUNT_ARGUMENT,
        "Account",
        "The account: its id or its login",
        "901",
    )),
    field("first_name", "First name", "Another first name", "Ada"),
    field("last_name", "Last name", "Another last name", "Nyström"),
    field(
        "organization_id",
        "Organization",
        "Another organization, by id or name; end users only",
        "2",
    ),
    of(
        FieldKind::Flag,
        field(
            "full_portal_access",
            "Full portal access",
            "true or false; end users only",
            "true",
        ),
    ),
];
