//! Tests of the rules with a tenant in memory.

mod fakes;
mod messages;
mod properties;
mod refusals;
mod silence;
mod writes;

use futures::executor::block_on;
use time::OffsetDateTime;
use time::macros::datetime;

use super::{
    AccountField, AccountKind, AccountKindSpec, AccountSchema, Advice, Change, FieldRule, Outcome,
    Provisioning, ProvisioningError,
};
use crate::model::SyncId;
use crate::ports::{Clock, SyncIdGenerator};
use fakes::FakeAuditLog;
use fakes::Tenant;

const AUDITED: &[&str] = &[
    "first_name",
    "last_name",
    "email",
    "organization_id",
    "full_portal_access",
    "administrator",
];

pub(super) const TECHNICIAN: AccountKind = AccountKind::new(&AccountKindSpec {
    word: "TECHNICIAN",
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

pub(super) const END_USER: AccountKind = AccountKind::new(&AccountKindSpec {
    word: "END_USER",
    name: "end user",
    article: "an",
    may_administer: false,
    audited: AUDITED,
    advice: &[Advice {
        without: "organization_id",
        code: "no_organization",
        message: "no organization is named: the tenant decides what the end user can see",
    }],
});

const fn field(name: &'static str, display_name: &'static str, rule: FieldRule) -> AccountField {
    AccountField::optional(name, display_name, rule, "", "")
}

/// Account kinds: one of them has an organization.
pub(super) static ACCOUNTS: AccountSchema = AccountSchema {
    kinds: &[TECHNICIAN, END_USER],
    administrator_title: "System Administrator",
    max_name_chars: 150,
    create_fields: &[
        field("user_type", "Account kind", FieldRule::Kind).required(),
        field("first_name", "First name", FieldRule::GivenName).required(),
        field("last_name", "Last name", FieldRule::FamilyName).required(),
        field("email", "E-mail", FieldRule::Email).required(),
        field("phone", "Phone", FieldRule::Text),
        field("organization_id", "Organization", FieldRule::Organization).only_for(END_USER),
        field("full_portal_access", "Full portal access", FieldRule::Flag).only_for(END_USER),
        field("send_invitation", "Send invitation", FieldRule::Flag).only_for(END_USER),
        field("roles", "Roles", FieldRule::Roles),
    ],
    update_fields: &[
        field("user_id", "Account", FieldRule::Account).required(),
        field("first_name", "First name", FieldRule::GivenName),
        field("last_name", "Last name", FieldRule::FamilyName),
        field("organization_id", "Organization", FieldRule::Organization).only_for(END_USER),
        field("full_portal_access", "Full portal access", FieldRule::Flag).only_for(END_USER),
    ],
    update_description: "Changes what can be changed of an account",
    refused: &[("password", "the tenant invites the person, who chooses one")],
    unchangeable: &[
        ("email", "the tenant takes no other"),
        ("enabled", "there is no way to enable or disable an account"),
        ("mfa_configured", "the tenant resets no second factor"),
        ("roles", "roles are granted and revoked, not updated"),
    ],
};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-11-25 12:00:00 UTC)
    }
}

impl SyncIdGenerator for Fixed {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, [7; 16])
    }
}

fn provisioning<'a>(tenant: &'a Tenant, audit_log: &'a FakeAuditLog) -> Provisioning<'a> {
    Provisioning {
        provisioner: tenant,
        audit: audit_log,
        clock: &Fixed,
        ids: &Fixed,
        requested_by: "ada".to_owned(),
    }
}

/// Prepares and executes a change.
fn make(tenant: &Tenant, audit_log: &FakeAuditLog, change: &Change) -> Result<Outcome, ProvisioningError> {
    let provisioning = provisioning(tenant, audit_log);
    block_on(async {
        let plan = provisioning.prepare(change).await?;
        provisioning.execute(&plan).await
    })
}
