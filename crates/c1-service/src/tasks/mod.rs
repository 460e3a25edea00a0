//! Tasks: what is asked, done, and answered (docs/reference/conductorone.md §3.5).

mod accounts;
mod actions;
mod attributes;
mod events;
mod grants;
mod syncs;

use std::sync::Arc;
use std::time::Duration;

use access_core::StatusCode;
use access_core::provisioning::ProvisioningTerms;
use baton_proto::connector_v2 as v2;
use baton_proto::connectorapi_baton_v1::task::TaskType;
use baton_proto::pack;
use baton_proto::prost::{Message, Name};

use crate::connector::{Connector, Stop, TaskFailure};
use crate::{C1Client, C1Error, Hello, Task, TaskId, TaskResult};

pub(crate) use actions::Actions;
#[cfg(any(test, fuzzing))]
pub(crate) use syncs::order;

/// Everything that working on tasks takes.
pub(crate) struct TaskHandler {
    pub(crate) client: C1Client,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) terms: ProvisioningTerms,
    pub(crate) allow_admin_delete: bool,
    pub(crate) hello: Hello,
    pub(crate) actions: Actions,
    /// How long a failing heartbeat is kept up.
    pub(crate) heartbeat_failures: u32,
    /// The longest pause between heartbeats that is accepted.
    pub(crate) longest_pause: Duration,
}

/// What becomes of a task.
#[derive(Debug)]
pub(crate) enum TaskDisposition {
    /// It is finished like this.
    End(TaskResult),
    /// It needs no end: the answer was given already, or ConductorOne wants none.
    NoEnd,
}

impl TaskHandler {
    /// Does what a task asks for.
    pub(crate) async fn work_on(&self, task: Task, stop: Stop) -> TaskDisposition {
        let Task { id, debug, kind } = task;
        let id = &id;
        let Some(asked) = kind else {
            return TaskDisposition::End(unsupported());
        };
        let retryable = is_retryable(&asked);
        let answered = match asked {
            TaskType::Hello(_) => return self.say_hello(id).await,
            TaskType::SyncFull(wanted) => return self.sync(id, wanted, debug, stop).await,
            TaskType::Grant(wanted) => self.grant(id, wanted).await,
            TaskType::Revoke(wanted) => self.revoke(id, wanted).await,
            TaskType::CreateAccount(wanted) => self.create_account(id, wanted).await,
            TaskType::DeleteResource(wanted) => self.delete_resource(id, wanted).await,
            TaskType::CreateResource(wanted) => Err(cannot_create(&wanted)),
            TaskType::RotateCredentials(_) | TaskType::IssueCredential(_) => Err(TaskFailure::new(
                StatusCode::Unimplemented,
                "NinjaOne's API sets no credentials: it invites people, who choose their own",
            )),
            TaskType::ActionListSchemas(wanted) => {
                Ok(Actions::list(&wanted.resource_type_id, self.terms.accounts))
            }
            TaskType::ActionGetSchema(wanted) => Actions::schema(&wanted.name, self.terms.accounts),
            TaskType::ActionInvoke(wanted) => self.invoke(id, wanted).await,
            TaskType::ActionStatus(wanted) => self.actions.status(&wanted.id),
            TaskType::ListEventFeeds(_) => Ok(events::feeds()),
            TaskType::ListEvents(wanted) => self.events(wanted).await,
            _ => return TaskDisposition::End(unsupported()),
        };
        TaskDisposition::End(match answered {
            Ok(answer) => answer.into_end(),
            Err(failure) => failed(failure, retryable),
        })
    }

    /// The hello is the answer; if it fails, ConductorOne asks again.
    async fn say_hello(&self, id: &TaskId) -> TaskDisposition {
        let hello = Hello {
            task_id: Some(id.clone()),
            ..self.hello.clone()
        };
        if let Err(error) = self.client.hello(hello).await {
            tracing::warn!(task = %id, %error, "cannot say hello");
        }
        TaskDisposition::NoEnd
    }

    /// Says hello for the first time.
    pub(crate) async fn greet(&self) -> Result<(), C1Error> {
        self.client.hello(self.hello.clone()).await
    }
}

/// A task's answer.
pub(crate) struct TaskResponse {
    response: baton_proto::prost_types::Any,
    annotations: Vec<baton_proto::prost_types::Any>,
}

impl TaskResponse {
    fn new<M: Message + Name>(response: &M, annotations: Vec<baton_proto::prost_types::Any>) -> Self {
        Self {
            response: pack(response),
            annotations,
        }
    }

    fn into_end(self) -> TaskResult {
        TaskResult::Success {
            response: Some(self.response),
            annotations: self.annotations,
        }
    }
}

/// Whether the reference lets ConductorOne try a failed task of this kind again (docs/reference/conductorone.md §3.5, table).
fn is_retryable(asked: &TaskType) -> bool {
    matches!(
        asked,
        TaskType::SyncFull(_)
            | TaskType::ActionListSchemas(_)
            | TaskType::ActionGetSchema(_)
            | TaskType::ActionInvoke(_)
            | TaskType::ActionStatus(_)
            | TaskType::ListEventFeeds(_)
            | TaskType::ListEvents(_)
    )
}

pub(crate) fn failed(failure: TaskFailure, retryable: bool) -> TaskResult {
    TaskResult::Failure {
        code: failure.status,
        message: failure.message,
        details: Vec::new(),
        annotations: Vec::new(),
        retryable,
    }
}

fn unsupported() -> TaskResult {
    failed(
        TaskFailure::new(StatusCode::Unknown, "unsupported task type"),
        false,
    )
}

fn malformed(what: &str) -> TaskFailure {
    TaskFailure::new(StatusCode::InvalidArgument, format!("malformed {what} task"))
}

fn cannot_create(wanted: &baton_proto::connectorapi_baton_v1::task::CreateResourceTask) -> TaskFailure {
    let id = wanted
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

/// The word for a kind of task in logs and metrics.
pub(crate) fn word(kind: Option<&TaskType>) -> &'static str {
    match kind {
        None => "unknown",
        Some(asked) => match asked {
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
