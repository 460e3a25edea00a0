//! Steps as NinjaOne's requests (docs/reference/ninjaone-api.md §4).

use access_core::model::Resource;
use access_core::provisioning::{AccountChanges, Membership, NewAccount, Person, RequestPreview, Step};
use reqwest::Method;
use serde::Serialize;

use super::accounts::path_of;
use crate::NinjaOneClient;
use crate::client::WriteRequest;

/// The request that a step is.
pub(super) fn of(step: &Step) -> WriteRequest {
    match step {
        Step::AddMember(membership) => members(membership, "add-members"),
        Step::RemoveMember(membership) => members(membership, "remove-members"),
        Step::CreateAccount(wanted) => create(wanted),
        Step::UpdateAccount {
            account,
            kind,
            changes,
        } => WriteRequest {
            method: Method::PATCH,
            path: path_of(*kind, &account.id),
            query: Vec::new(),
            body: json(&Update::from(changes)),
        },
        Step::DeleteAccount { account, kind } => WriteRequest {
            method: Method::DELETE,
            path: path_of(*kind, &account.id),
            query: Vec::new(),
            body: None,
        },
    }
}

/// The same for people.
pub(super) fn preview(client: &NinjaOneClient, step: &Step) -> RequestPreview {
    let request = of(step);
    let method = match request.method {
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        _ => "DELETE",
    };
    RequestPreview {
        method,
        url: client.write_url(&request).to_string(),
        body: request.body,
    }
}

/// The body is a bare array of ids: other forms are refused.
fn members(membership: &Membership, which: &str) -> WriteRequest {
    WriteRequest {
        method: Method::PATCH,
        path: format!("/v2/user/role/{}/{which}", membership.role.id),
        query: Vec::new(),
        body: Some(format!("[{}]", membership.account)),
    }
}

fn create(wanted: &NewAccount) -> WriteRequest {
    let request = |path: &str, query, body| WriteRequest {
        method: Method::POST,
        path: path.to_owned(),
        query,
        body,
    };
    match wanted {
        NewAccount::Technician(person) => {
            request("/v2/user/technicians", Vec::new(), json(&Create::from(person)))
        }
        NewAccount::EndUser {
            person,
            organization,
            full_portal_access,
            send_invitation,
        } => {
            let body = Create {
                organization_id: number(organization.as_deref()),
                full_portal_access: *full_portal_access,
                ..Create::from(person)
            };
            request(
                "/v2/user/end-users",
                vec![("sendInvitation", send_invitation.to_string())],
                json(&body),
            )
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Create<'a> {
    first_name: &'a str,
    last_name: &'a str,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_portal_access: Option<bool>,
}

impl<'a> From<&'a Person> for Create<'a> {
    fn from(person: &'a Person) -> Self {
        Self {
            first_name: person.given_name.as_str(),
            last_name: person.family_name.as_str(),
            email: person.email.as_str(),
            phone: person.phone.as_deref(),
            organization_id: None,
            full_portal_access: None,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Update<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_portal_access: Option<bool>,
}

impl<'a> From<&'a AccountChanges> for Update<'a> {
    fn from(changes: &'a AccountChanges) -> Self {
        Self {
            first_name: changes
                .given_name
                .as_ref()
                .map(access_core::provisioning::NamePart::as_str),
            last_name: changes
                .family_name
                .as_ref()
                .map(access_core::provisioning::NamePart::as_str),
            organization_id: number(changes.organization.as_deref()),
            full_portal_access: changes.full_portal_access,
        }
    }
}

fn number(organization: Option<&Resource>) -> Option<u64> {
    organization.and_then(|organization| organization.id.id.as_number())
}

fn json(body: &impl Serialize) -> Option<String> {
    serde_json::to_string(body).ok()
}
