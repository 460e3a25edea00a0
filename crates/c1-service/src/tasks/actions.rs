//! Actions: `update-account`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use access_core::StatusCode;
use access_core::provisioning::{
    AccountField, AccountSchema, Change, ChangeResult, FieldType, ProvisioningError, ProvisioningTerms,
    UPDATE_ACCOUNT,
};
use baton_proto::config_v1 as config;
use baton_proto::connector_v2::{self as v2, ActionType, BatonActionStatus};
use baton_proto::connectorapi_baton_v1::task::ActionInvokeTask;
use baton_proto::prost_types::value::Kind;
use baton_proto::prost_types::{Struct, Value};

use super::attributes::attributes_from_struct;
use super::response::{TaskResponse, malformed};
use crate::TaskId;
use crate::connector::{CancelToken, Connector, TaskFailure};

/// Maximum number of results kept for status queries (docs/reference/conductorone.md §6.8).
const MAX_COMPLETED_ACTIONS: usize = 1000;

/// The actions and the results of their invocations.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// Completed actions by id, and whether the change is verified; actions complete before the response.
    done: Mutex<VecDeque<(String, bool)>>,
}

impl Actions {
    /// Lists the actions of a resource type; all if it is empty. No action is bound to a type
    /// (docs/reference/conductorone.md §6.8).
    pub(super) fn list(resource_type: &str, accounts: &AccountSchema) -> TaskResponse {
        let schemas = if resource_type.is_empty() {
            vec![update_account(accounts)]
        } else {
            Vec::new()
        };
        let response = v2::ListActionSchemasResponse {
            schemas,
            annotations: Vec::new(),
        };
        TaskResponse::new(&response, Vec::new())
    }

    pub(super) fn schema(name: &str, accounts: &AccountSchema) -> Result<TaskResponse, TaskFailure> {
        require_known(name)?;
        let response = v2::GetActionSchemaResponse {
            schema: Some(update_account(accounts)),
            annotations: Vec::new(),
        };
        Ok(TaskResponse::new(&response, Vec::new()))
    }

    pub(super) fn status(&self, id: &str) -> Result<TaskResponse, TaskFailure> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let found = done.iter().find(|(action, _)| action == id);
        let (_, is_verified) = found.ok_or_else(|| {
            TaskFailure::new(
                StatusCode::NotFound,
                format!("there is no action with the id `{id}`"),
            )
        })?;
        let response = v2::GetActionStatusResponse {
            name: UPDATE_ACCOUNT.to_owned(),
            id: id.to_owned(),
            status: BatonActionStatus::Complete.into(),
            response: Some(success(*is_verified)),
            ..v2::GetActionStatusResponse::default()
        };
        Ok(TaskResponse::new(&response, Vec::new()))
    }

    fn record(&self, id: &str, is_verified: bool) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.len() == MAX_COMPLETED_ACTIONS {
            done.pop_front();
        }
        done.push_back((id.to_owned(), is_verified));
    }

    /// The action completes before the response. Its id is the change id.
    pub(super) async fn invoke(
        &self,
        connector: &dyn Connector,
        terms: &ProvisioningTerms,
        id: &TaskId,
        request: ActionInvokeTask,
        stop: CancelToken,
    ) -> Result<TaskResponse, TaskFailure> {
        if request.name.is_empty() {
            return Err(malformed("action"));
        }
        let arguments = attributes_from_struct(&request.args.unwrap_or_default())?;
        let change = Change::from_action(&request.name, &request.resource_type_id, arguments, terms)?;
        let outcome = connector.change(id, change, stop).await?;
        let action = outcome.change_id.to_string();
        // An accepted change that is never visible is complete, but not verified.
        let is_verified = outcome.result != ChangeResult::Accepted;
        self.record(&action, is_verified);
        let response = v2::InvokeActionResponse {
            id: action,
            status: BatonActionStatus::Complete.into(),
            response: Some(success(is_verified)),
            name: UPDATE_ACCOUNT.to_owned(),
            ..v2::InvokeActionResponse::default()
        };
        Ok(TaskResponse::new(&response, Vec::new()))
    }
}

fn require_known(name: &str) -> Result<(), TaskFailure> {
    if name == UPDATE_ACCOUNT {
        return Ok(());
    }
    Err(ProvisioningError::UnknownAction {
        name: name.to_owned(),
    }
    .into())
}

fn success(is_verified: bool) -> Struct {
    let value = Value {
        kind: Some(Kind::BoolValue(is_verified)),
    };
    Struct {
        fields: [("success".to_owned(), value)].into(),
    }
}

fn update_account(accounts: &AccountSchema) -> v2::BatonActionSchema {
    v2::BatonActionSchema {
        name: UPDATE_ACCOUNT.to_owned(),
        arguments: accounts.update_fields.iter().map(argument).collect(),
        return_types: vec![config::Field {
            name: "success".to_owned(),
            display_name: "Success".to_owned(),
            description: "Whether the account is as requested".to_owned(),
            field: Some(field_type(FieldType::Flag)),
            ..config::Field::default()
        }],
        display_name: "Update account".to_owned(),
        description: accounts.update_description.to_owned(),
        action_type: vec![
            ActionType::Account.into(),
            ActionType::AccountUpdateProfile.into(),
        ],
        ..v2::BatonActionSchema::default()
    }
}

fn argument(field: &AccountField) -> config::Field {
    config::Field {
        name: field.name.to_owned(),
        display_name: field.display_name.to_owned(),
        description: field.description.to_owned(),
        placeholder: field.placeholder.to_owned(),
        is_required: field.required,
        field: Some(field_type(field.kind())),
        ..config::Field::default()
    }
}

fn field_type(field_type: FieldType) -> config::field::Field {
    match field_type {
        FieldType::Text => config::field::Field::StringField(config::StringField::default()),
        FieldType::Flag => config::field::Field::BoolField(config::BoolField::default()),
        FieldType::List => config::field::Field::StringSliceField(config::StringSliceField::default()),
    }
}
