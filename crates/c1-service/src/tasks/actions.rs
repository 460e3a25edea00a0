//! Named operations: `update-account`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use access_core::StatusCode;
use access_core::provisioning::{AccountUpdate, AttributeValue, Change, Selector};
use baton_proto::config_v1 as config;
use baton_proto::connector_v2::{self as v2, ActionType, BatonActionStatus};
use baton_proto::connectorapi_baton_v1::task::ActionInvokeTask;
use baton_proto::prost_types::value::Kind;
use baton_proto::prost_types::{Struct, Value};

use super::attributes::of_struct;
use super::{Answer, Desk, malformed};
use crate::TaskId;
use crate::connector::TaskFailure;

/// The one action.
const UPDATE_ACCOUNT: &str = "update-account";
/// Results that are kept for questions about them (baton-runtime facts §6.8).
const KEPT: usize = 1000;

/// The actions, and what became of those that were invoked.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// Ids of those that are complete; actions here end before they are answered.
    done: Mutex<VecDeque<String>>,
}

impl Actions {
    pub(super) fn list() -> Answer {
        let response = v2::ListActionSchemasResponse {
            schemas: vec![update_account()],
            annotations: Vec::new(),
        };
        Answer::new(&response, Vec::new())
    }

    pub(super) fn schema(name: &str) -> Result<Answer, TaskFailure> {
        known(name)?;
        let response = v2::GetActionSchemaResponse {
            schema: Some(update_account()),
            annotations: Vec::new(),
        };
        Ok(Answer::new(&response, Vec::new()))
    }

    pub(super) fn status(&self, id: &str) -> Result<Answer, TaskFailure> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if !done.iter().any(|known| known == id) {
            return Err(TaskFailure::new(
                StatusCode::NotFound,
                format!("there is no action with the id `{id}`"),
            ));
        }
        let response = v2::GetActionStatusResponse {
            name: UPDATE_ACCOUNT.to_owned(),
            id: id.to_owned(),
            status: BatonActionStatus::Complete.into(),
            response: Some(success()),
            ..v2::GetActionStatusResponse::default()
        };
        Ok(Answer::new(&response, Vec::new()))
    }

    fn keep(&self, id: &str) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.len() == KEPT {
            done.pop_front();
        }
        done.push_back(id.to_owned());
    }
}

impl Desk {
    /// The action ends before it is answered. Its id is that of the change.
    pub(super) async fn invoke(&self, id: &TaskId, wanted: ActionInvokeTask) -> Result<Answer, TaskFailure> {
        if wanted.name.is_empty() {
            return Err(malformed("action"));
        }
        known(&wanted.name)?;
        let mut attributes = of_struct(&wanted.args.unwrap_or_default())?;
        let account = match attributes.remove("user_id") {
            Some(AttributeValue::Text(text)) => text,
            Some(AttributeValue::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let change = Change::UpdateAccount {
            account: Selector::account(&account, &self.vocabulary)?,
            update: AccountUpdate::parse(&attributes)?,
        };
        let outcome = self.connector.change(id, change).await?;
        let action = outcome.change_id.to_string();
        self.actions.keep(&action);
        let response = v2::InvokeActionResponse {
            id: action,
            status: BatonActionStatus::Complete.into(),
            response: Some(success()),
            name: UPDATE_ACCOUNT.to_owned(),
            ..v2::InvokeActionResponse::default()
        };
        Ok(Answer::new(&response, Vec::new()))
    }
}

fn known(name: &str) -> Result<(), TaskFailure> {
    if name == UPDATE_ACCOUNT {
        return Ok(());
    }
    Err(TaskFailure::new(
        StatusCode::NotFound,
        format!("there is no action `{name}`"),
    ))
}

fn success() -> Struct {
    let value = Value {
        kind: Some(Kind::BoolValue(true)),
    };
    Struct {
        fields: [("success".to_owned(), value)].into(),
    }
}

fn update_account() -> v2::BatonActionSchema {
    let text = |name: &str, display_name: &str, description: &str, required: bool| config::Field {
        name: name.to_owned(),
        display_name: display_name.to_owned(),
        description: description.to_owned(),
        is_required: required,
        field: Some(config::field::Field::StringField(config::StringField::default())),
        ..config::Field::default()
    };
    let flag = |name: &str, display_name: &str, description: &str| config::Field {
        name: name.to_owned(),
        display_name: display_name.to_owned(),
        description: description.to_owned(),
        field: Some(config::field::Field::BoolField(config::BoolField::default())),
        ..config::Field::default()
    };
    v2::BatonActionSchema {
        name: UPDATE_ACCOUNT.to_owned(),
        arguments: vec![
            text("user_id", "Account", "The account: its id or its login", true),
            text("first_name", "First name", "Another first name", false),
            text("last_name", "Last name", "Another last name", false),
            text(
                "organization_id",
                "Organization",
                "Another organization, by id or name; end users only",
                false,
            ),
            flag(
                "full_portal_access",
                "Full portal access",
                "Whether the end user has full access to the portal",
            ),
        ],
        return_types: vec![flag("success", "Success", "Whether the account is as wanted")],
        display_name: "Update account".to_owned(),
        description: "Changes what NinjaOne's API can change of an account".to_owned(),
        action_type: vec![
            ActionType::Account.into(),
            ActionType::AccountUpdateProfile.into(),
        ],
        ..v2::BatonActionSchema::default()
    }
}
