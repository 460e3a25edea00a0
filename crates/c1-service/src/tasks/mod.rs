//! Tasks: requests, handling and responses (docs/reference/conductorone.md §3.5).

mod accounts;
mod actions;
mod attributes;
mod events;
mod grants;
mod handler;
mod response;
mod syncs;

use access_core::StatusCode;
use baton_proto::connector_v2 as v2;
use baton_proto::connectorapi_baton_v1::task::TaskType;

use self::response::{malformed, task_failure};
use crate::connector::{CancelToken, TaskFailure};
use crate::{C1Error, Hello, Task, TaskId, TaskResult};

pub(crate) use actions::Actions;
pub(crate) use handler::TaskHandler;
pub(crate) use response::TaskDisposition;
#[cfg(any(test, fuzzing))]
pub(crate) use syncs::parse_sync_task;

impl TaskHandler {
    /// Handles a task.
    pub(crate) async fn handle(&self, task: Task, stop: CancelToken) -> TaskDisposition {
        let Task { id, debug, kind } = task;
        let id = &id;
        let Some(task_type) = kind else {
            return TaskDisposition::Finish(unsupported());
        };
        let retryable = is_retryable(&task_type);
        let outcome = match task_type {
            TaskType::Hello(_) => return self.answer_hello(id).await,
            TaskType::SyncFull(request) => return self.sync(id, request, debug, stop).await,
            TaskType::Grant(request) => self.grant(id, request, stop).await,
            TaskType::Revoke(request) => self.revoke(id, request, stop).await,
            TaskType::CreateAccount(request) => self.create_account(id, request, stop).await,
            TaskType::DeleteResource(request) => self.delete_resource(id, request, stop).await,
            TaskType::CreateResource(request) => Err(cannot_create(&request)),
            TaskType::RotateCredentials(_) | TaskType::IssueCredential(_) => Err(TaskFailure::new(
                StatusCode::Unimplemented,
                "NinjaOne's API sets no credentials: it invites people, who choose their own",
            )),
            TaskType::ActionListSchemas(request) => {
                Ok(Actions::list(&request.resource_type_id, self.terms.accounts))
            }
            TaskType::ActionGetSchema(request) => Actions::schema(&request.name, self.terms.accounts),
            TaskType::ActionInvoke(request) => {
                self.actions
                    .invoke(self.connector.as_ref(), &self.terms, id, request, stop)
                    .await
            }
            TaskType::ActionStatus(request) => self.actions.status(&request.id),
            TaskType::ListEventFeeds(_) => Ok(events::list_feeds()),
            TaskType::ListEvents(request) => self.events(request).await,
            _ => return TaskDisposition::Finish(unsupported()),
        };
        TaskDisposition::Finish(match outcome {
            Ok(response) => response.into_result(),
            Err(failure) => {
                // A change that was cut off can be repeated: it checks first and does only what is missing.
                let retryable = retryable || failure.status == StatusCode::Cancelled;
                task_failure(failure, retryable)
            }
        })
    }

    /// The hello is the response; if it fails, ConductorOne repeats the task.
    async fn answer_hello(&self, id: &TaskId) -> TaskDisposition {
        let hello = Hello {
            task_id: Some(id.clone()),
            ..self.hello.clone()
        };
        if let Err(error) = self.client.hello(hello).await {
            tracing::warn!(task = %id, %error, "the Hello call failed");
        }
        TaskDisposition::NoFinish
    }

    /// Announces the connector.
    pub(crate) async fn send_hello(&self) -> Result<(), C1Error> {
        self.client.hello(self.hello.clone()).await
    }
}

/// Whether a failed task of this type is retryable in the reference (docs/reference/conductorone.md §3.5, table).
fn is_retryable(task_type: &TaskType) -> bool {
    matches!(
        task_type,
        TaskType::SyncFull(_)
            | TaskType::ActionListSchemas(_)
            | TaskType::ActionGetSchema(_)
            | TaskType::ActionInvoke(_)
            | TaskType::ActionStatus(_)
            | TaskType::ListEventFeeds(_)
            | TaskType::ListEvents(_)
    )
}

fn unsupported() -> TaskResult {
    task_failure(
        TaskFailure::new(StatusCode::Unknown, "unsupported task type"),
        false,
    )
}

fn cannot_create(request: &baton_proto::connectorapi_baton_v1::task::CreateResourceTask) -> TaskFailure {
    let id = request
        .resource
        .as_ref()
        .and_then(|resource: &v2::Resource| resource.id.as_ref());
    match id {
        None => malformed("create resource"),
        Some(id) => TaskFailure::new(
            StatusCode::Unimplemented,
            format!(
                "resources of type `{}` cannot be created: NinjaOne's API makes accounts only",
                id.resource_type
            ),
        ),
    }
}

/// Name of a task type in logs and metrics.
pub(crate) fn task_kind(kind: Option<&TaskType>) -> &'static str {
    match kind {
        None => "unknown",
        Some(task_type) => match task_type {
            TaskType::None(_) => "none",
            TaskType::Hello(_) => "hello",
            TaskType::SyncFull(_) => "sync_full",
            TaskType::Grant(_) => "grant",
            TaskType::Revoke(_) => "revoke",
            TaskType::CreateAccount(_) => "create_account",
            TaskType::CreateResource(_) => "create_resource",
            TaskType::DeleteResource(_) => "delete_resource",
            TaskType::RotateCredentials(_) => "rotate_credentials",
            TaskType::IssueCredential(_) => "issue_credential",
            TaskType::ActionListSchemas(_) => "action_list_schemas",
            TaskType::ActionGetSchema(_) => "action_get_schema",
            TaskType::ActionInvoke(_) => "action_invoke",
            TaskType::ActionStatus(_) => "action_status",
            TaskType::ListEventFeeds(_) => "list_event_feeds",
            TaskType::ListEvents(_) => "list_events",
            _ => "unsupported",
        },
    }
}
