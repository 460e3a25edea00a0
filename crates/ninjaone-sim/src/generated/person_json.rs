//! The rows of one person for each endpoint (NinjaOne OpenAPI: User, Technician, `EndUser`, `RoleMember`).

use super::generator::Generated;
use super::json::boolean;
use super::json::number;
use super::json::text;
use super::json::uuid;
use super::names::DUTIES;
use super::names::TRADE_NAMES;
use super::names::TRADES;
use super::person::Person;
use crate::user_kind::UserKind;

#[inline]
fn email(out: &mut Vec<u8>, person: &Person) {
    text(out, person.first_name().address);
    text(out, ".");
    text(out, person.last_name().address);
    number(out, person.id);
    if person.organization == 0 {
        text(out, "@example.com");
    } else {
        text(out, "@client");
        number(out, person.organization);
        text(out, ".example.net");
    }
}

#[inline]
fn identity(out: &mut Vec<u8>, person: &Person) {
    text(out, "{\"id\":");
    number(out, person.id);
    text(out, ",\"uid\":\"");
    uuid(out, person.uid_bits());
    text(out, "\",\"firstName\":\"");
    text(out, person.first_name().written);
    text(out, "\",\"lastName\":\"");
    text(out, person.last_name().written);
    text(out, "\",\"email\":\"");
    email(out, person);
    text(out, "\",\"phone\":null,\"enabled\":");
    boolean(out, person.enabled());
    text(out, ",\"mfaConfigured\":");
    boolean(out, person.mfa_configured());
    text(out, ",\"mustChangePw\":false,\"invitationStatus\":\"");
    text(out, person.invitation_status());
    text(out, "\"");
}

#[inline]
fn organization_id(out: &mut Vec<u8>, person: &Person) {
    text(out, ",\"organizationId\":");
    if person.organization == 0 {
        text(out, "null");
    } else {
        number(out, person.organization);
    }
}

#[inline]
fn sign_in(out: &mut Vec<u8>, person: &Person) {
    text(out, ",\"scimUser\":");
    boolean(out, person.scim_user());
    text(out, ",\"authType\":\"");
    text(out, person.auth_type());
    text(out, "\"");
}

/// `/v2/users`, without the closing brace when role names follow.
pub(super) fn user(out: &mut Vec<u8>, person: &Person) {
    identity(out, person);
    text(out, ",\"administrator\":");
    boolean(out, person.administrator());
    text(out, ",\"permitAllClients\":");
    boolean(out, person.permit_all_clients());
    text(out, ",\"notifyAllClients\":false,\"userType\":\"");
    text(out, person.kind.wire_name());
    text(out, "\"");
    organization_id(out, person);
    text(out, ",\"assignedDeviceIds\":[],\"tags\":null,\"fields\":null");
}

/// `/v2/user/technicians`.
pub(super) fn technician(out: &mut Vec<u8>, person: &Person) {
    identity(out, person);
    sign_in(out, person);
    text(
        out,
        ",\"userType\":\"TECHNICIAN\",\"notifyAllClients\":false,\"administrator\":",
    );
    boolean(out, person.administrator());
    text(out, ",\"assignedDeviceIds\":[]}");
}

/// `/v2/user/end-users`.
pub(super) fn end_user(out: &mut Vec<u8>, person: &Person) {
    identity(out, person);
    sign_in(out, person);
    organization_id(out, person);
    text(out, ",\"fullPortalAccess\":");
    boolean(out, person.full_portal_access());
    text(out, ",\"assignedDeviceIds\":[],\"accessibleDeviceIds\":[]}");
}

/// An element of a role's `members`.
#[inline]
pub(super) fn member(out: &mut Vec<u8>, person: &Person) {
    text(out, "{\"id\":");
    number(out, person.id);
    text(out, ",\"email\":\"");
    email(out, person);
    text(out, "\",\"name\":\"");
    text(out, person.first_name().written);
    text(out, " ");
    text(out, person.last_name().written);
    text(out, "\",\"source\":\"");
    text(out, person.role_source());
    text(out, "\"}");
}

/// The closing `,"roles":[…]` of a user object.
pub(super) fn role_names(out: &mut Vec<u8>, tenant: &Generated, person: &Person) {
    text(out, ",\"roles\":[");
    let position = match person.kind {
        UserKind::Technician => person.id - 1,
        UserKind::EndUser => person.id - 1 - tenant.size.technicians,
    };
    let mut first = true;
    for (index, role) in (0_u32..).zip(&tenant.roles) {
        if role.kind == person.kind && role.has_member(position) {
            text(out, if first { "\"" } else { ",\"" });
            role_name(out, index);
            text(out, "\"");
            first = false;
        }
    }
    text(out, "]");
}

/// The name of the role at a position.
pub(super) fn role_name(out: &mut Vec<u8>, index: u32) {
    text(out, DUTIES[index as usize % DUTIES.len()]);
    if index as usize >= DUTIES.len() {
        text(out, " ");
        number(out, index + 1);
    }
}

/// The head of a role object, up to and including the bracket that opens `members`.
pub(super) fn role_head(out: &mut Vec<u8>, index: u32, kind: UserKind) {
    text(out, "{\"id\":");
    number(out, index + 1);
    text(out, ",\"name\":\"");
    role_name(out, index);
    text(out, "\",\"type\":\"");
    text(out, kind.wire_name());
    text(out, "\",\"description\":null,\"members\":[");
}

/// The name of an organization, counted from 1.
pub(super) fn organization_name(out: &mut Vec<u8>, number_from_one: u32) {
    let index = number_from_one as usize - 1;
    text(out, TRADE_NAMES[index % TRADE_NAMES.len()]);
    text(out, " ");
    text(out, TRADES[index / TRADE_NAMES.len() % TRADES.len()]);
    if index >= TRADE_NAMES.len() * TRADES.len() {
        text(out, " ");
        number(out, number_from_one);
    }
}
