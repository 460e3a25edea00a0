//! `create_account` and `delete_resource`.

use access_core::provisioning::{AccountRequest, Attributes, Change, ChangeResult, Selector};
use baton_proto::connector_v2 as v2;
use baton_proto::connectorapi_baton_v1::task::{CreateAccountTask, DeleteResourceTask};
use v2::create_account_response::{AlreadyExistsResult, Result as Created, SuccessResult};

use super::attributes::attributes_from_struct;
use super::handler::TaskHandler;
use super::response::{TaskResponse, malformed};
use crate::TaskId;
use crate::connector::{CancelToken, TaskFailure};

impl TaskHandler {
    pub(super) async fn create_account(
        &self,
        id: &TaskId,
        request: CreateAccountTask,
        stop: CancelToken,
    ) -> Result<TaskResponse, TaskFailure> {
        let info = request.account_info.ok_or_else(|| malformed("create account"))?;
        self.terms
            .require_account_type(&request.resource_type_id, "created")?;
        let change = Change::CreateAccount(AccountRequest::parse(&attributes(&info)?, &self.terms)?);
        let outcome = self.connector.change(id, change, stop).await?;
        let resource = outcome.resource.as_deref().map(access_wire::resource);
        let result = match outcome.result {
            ChangeResult::Changed | ChangeResult::Accepted => Created::Success(SuccessResult {
                resource,
                is_create_account_result: true,
                ..SuccessResult::default()
            }),
            ChangeResult::AlreadyApplied => Created::AlreadyExists(AlreadyExistsResult {
                resource,
                is_create_account_result: true,
            }),
        };
        let response = v2::CreateAccountResponse {
            result: Some(result),
            ..v2::CreateAccountResponse::default()
        };
        Ok(TaskResponse::new(&response, Vec::new()))
    }

    pub(super) async fn delete_resource(
        &self,
        id: &TaskId,
        request: DeleteResourceTask,
        stop: CancelToken,
    ) -> Result<TaskResponse, TaskFailure> {
        let resource = request.resource_id.ok_or_else(|| malformed("delete resource"))?;
        self.terms
            .require_account_type(&resource.resource_type, "deleted")?;
        let account = Selector::parse_principal(&resource.resource_type, &resource.resource, &self.terms)?;
        let change = Change::DeleteAccount {
            account,
            allow_administrator: self.allow_admin_delete,
        };
        self.connector.change(id, change, stop).await?;
        Ok(TaskResponse::new(
            &v2::DeleteResourceResponse::default(),
            Vec::new(),
        ))
    }
}

/// The profile, completed from login and addresses.
fn attributes(info: &v2::AccountInfo) -> Result<Attributes, TaskFailure> {
    let mut attributes = info
        .profile
        .as_ref()
        .map(attributes_from_struct)
        .transpose()?
        .unwrap_or_default();
    let primary = info
        .emails
        .iter()
        .find(|email| email.is_primary)
        .or(info.emails.first());
    let email = primary.map(|email| email.address.as_str());
    for (key, value) in [("email", email), ("login", Some(info.login.as_str()))] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            attributes.entry(key.to_owned()).or_insert_with(|| value.into());
        }
    }
    Ok(attributes)
}
