//! Steps as NinjaOne's requests (docs/reference/ninjaone-api.md §4).

use access_core::model::Resource;
use access_core::provisioning::{
    AccountChanges, AccountValues, Membership, NewAccount, RequestPreview, Step,
};
use reqwest::Method;
use serde::Serialize;

use super::accounts::path_of;
use super::schema::TECHNICIAN;
use crate::NinjaOneClient;
use crate::client::WriteRequest;

/// The request of a step.
pub(super) fn of(step: &Step) -> WriteRequest {
    match step {
        Step::AddMember(membership) => members(membership, "add-members"),
        Step::RemoveMember(membership) => members(membership, "remove-members"),
        Step::CreateAccount(account) => create(account),
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

/// The request of a step, for people.
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

fn create(account: &NewAccount) -> WriteRequest {
    let request = |path: &str, query, body| WriteRequest {
        method: Method::POST,
        path: path.to_owned(),
        query,
        body,
    };
    let body = Create::from(account);
    if account.kind == TECHNICIAN {
        return request("/v2/user/technicians", Vec::new(), json(&body));
    }
    let invites = account.values.flag("send_invitation") == Some(true);
    let query = vec![("sendInvitation", invites.to_string())];
    request("/v2/user/end-users", query, json(&body))
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

impl<'a> From<&'a NewAccount> for Create<'a> {
    fn from(account: &'a NewAccount) -> Self {
        let (person, values) = (&account.person, &account.values);
        Self {
            first_name: person.given_name.as_str(),
            last_name: person.family_name.as_str(),
            email: person.email.as_str(),
            phone: values.text("phone"),
            organization_id: organization_number(values),
            full_portal_access: values.flag("full_portal_access"),
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
    fn from(AccountChanges(values): &'a AccountChanges) -> Self {
        Self {
            first_name: values.text("first_name"),
            last_name: values.text("last_name"),
            organization_id: organization_number(values),
            full_portal_access: values.flag("full_portal_access"),
        }
    }
}

fn organization_number(values: &AccountValues<Box<Resource>>) -> Option<u64> {
    let organization = values.organization("organization_id")?;
    organization.id.id.as_number()
}

fn json(body: &impl Serialize) -> Option<String> {
    serde_json::to_string(body).ok()
}
