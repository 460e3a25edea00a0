//! `BatonService` on the tasks of the tenant (docs/reference/conductorone.md §3.5).

use std::path::PathBuf;
use std::time::{Duration, Instant};

use baton_proto::connectorapi_baton_v1::baton_service_server::BatonService;
use baton_proto::connectorapi_baton_v1::task::{NoneTask, Status as TaskStatus, TaskType};
use baton_proto::connectorapi_baton_v1::{
    BatonServiceFinishTaskRequest, BatonServiceFinishTaskResponse, BatonServiceGetTaskRequest,
    BatonServiceGetTaskResponse, BatonServiceGetTasksRequest, BatonServiceGetTasksResponse,
    BatonServiceHeartbeatRequest, BatonServiceHeartbeatResponse, BatonServiceHelloRequest,
    BatonServiceHelloResponse, BatonServiceUploadAssetRequest, BatonServiceUploadAssetResponse,
    StartDebuggingRequest, StartDebuggingResponse, Task,
};
use baton_proto::prost_types;
use tonic::{Request, Response, Status, Streaming};

use crate::call_context::CallContext;
use crate::config::Idle;
use crate::fault::Fault;
use crate::tasks::{Finish, Hello, TaskId, TaskQueue};
use crate::upload;
use crate::validation::Validate;
use crate::validation::check_os_info;

/// The service of one tenant.
#[derive(Debug)]
pub(crate) struct Baton {
    pub(crate) tasks: TaskQueue,
    pub(crate) idle: Idle,
    pub(crate) refuse_blank_os_info: bool,
    pub(crate) assets: PathBuf,
}

#[tonic::async_trait]
impl BatonService for Baton {
    async fn hello(
        &self,
        request: Request<BatonServiceHelloRequest>,
    ) -> Result<Response<BatonServiceHelloResponse>, Status> {
        let (context, request) = split_request(request)?;
        request.validate()?;
        if self.refuse_blank_os_info {
            check_os_info(request.os_info.as_ref())?;
        }
        let task = match request.task_id.as_str() {
            "" => None,
            id => Some(parse_task_id(id)?),
        };
        context.entry.set_subject(&request.host_id, task.clone());
        let hello = Hello {
            at: Instant::now(),
            request,
        };
        if self.tasks.hello(hello, task.as_ref()) {
            return Ok(Response::new(BatonServiceHelloResponse::default()));
        }
        Err(unknown_task(task.as_ref()))
    }

    async fn get_task(
        &self,
        request: Request<BatonServiceGetTaskRequest>,
    ) -> Result<Response<BatonServiceGetTaskResponse>, Status> {
        let (context, request) = split_request(request)?;
        request.validate()?;
        let deliver_again = context.fault == Some(Fault::Duplicate);
        let task = self.tasks.assign(1, &[], deliver_again).pop();
        let id = task.as_ref().and_then(|task| TaskId::parse(&task.id).ok());
        context.entry.set_subject(&request.host_id, id);
        let pace = self.tasks.pace();
        Ok(Response::new(BatonServiceGetTaskResponse {
            task: task.or_else(|| self.idle_task()),
            next_poll: Some(duration(pace.next_poll)),
            next_heartbeat: Some(duration(pace.next_heartbeat)),
            annotations: Vec::new(),
        }))
    }

    async fn get_tasks(
        &self,
        request: Request<BatonServiceGetTasksRequest>,
    ) -> Result<Response<BatonServiceGetTasksResponse>, Status> {
        let (context, request) = split_request(request)?;
        request.validate()?;
        context.entry.set_subject(&request.host_id, None);
        let known = request.known_task_ids.iter().map(|id| parse_task_id(id));
        let known = known.collect::<Result<Vec<_>, _>>()?;
        let max_tasks = usize::try_from(request.page_size).unwrap_or(usize::MAX);
        let deliver_again = context.fault == Some(Fault::Duplicate);
        let mut tasks = self.tasks.assign(max_tasks, &known, deliver_again);
        if tasks.is_empty() {
            tasks.extend(self.idle_task());
        }
        let pace = self.tasks.pace();
        Ok(Response::new(BatonServiceGetTasksResponse {
            tasks,
            next_poll: Some(duration(pace.next_poll)),
            next_heartbeat: Some(duration(pace.next_heartbeat)),
            annotations: Vec::new(),
        }))
    }

    async fn heartbeat(
        &self,
        request: Request<BatonServiceHeartbeatRequest>,
    ) -> Result<Response<BatonServiceHeartbeatResponse>, Status> {
        let (context, request) = split_request(request)?;
        request.validate()?;
        let id = parse_task_id(&request.task_id)?;
        context.entry.set_subject(&request.host_id, Some(id.clone()));
        if context.fault == Some(Fault::Cancel) {
            self.tasks.cancel(&id);
        }
        let cancelled = self.tasks.heartbeat(&id);
        let cancelled = cancelled.ok_or_else(|| unknown_task(Some(&id)))?;
        let mut cancelled_task_ids = Vec::new();
        for other in &request.task_ids {
            if self.tasks.heartbeat(&parse_task_id(other)?) == Some(true) {
                cancelled_task_ids.push(other.clone());
            }
        }
        Ok(Response::new(BatonServiceHeartbeatResponse {
            next_heartbeat: Some(duration(self.tasks.pace().next_heartbeat)),
            cancelled,
            annotations: Vec::new(),
            cancelled_task_ids,
        }))
    }

    async fn finish_task(
        &self,
        request: Request<BatonServiceFinishTaskRequest>,
    ) -> Result<Response<BatonServiceFinishTaskResponse>, Status> {
        let (context, request) = split_request(request)?;
        request.validate()?;
        let id = parse_task_id(&request.task_id)?;
        context.entry.set_subject(&request.host_id, Some(id.clone()));
        let end = request
            .final_state
            .ok_or_else(|| Status::invalid_argument("final_state"))?;
        let finish = Finish {
            at: Instant::now(),
            host_id: request.host_id,
            status: request.status,
            end,
        };
        if self.tasks.finish(&id, finish) {
            return Ok(Response::new(BatonServiceFinishTaskResponse::default()));
        }
        Err(unknown_task(Some(&id)))
    }

    async fn upload_asset(
        &self,
        request: Request<Streaming<BatonServiceUploadAssetRequest>>,
    ) -> Result<Response<BatonServiceUploadAssetResponse>, Status> {
        let (context, stream) = split_request(request)?;
        let cut_after = match context.fault {
            Some(Fault::CutUpload(chunks)) => Some(chunks),
            _ => None,
        };
        upload::receive(stream, &self.tasks, &self.assets, &context, cut_after).await?;
        Ok(Response::new(BatonServiceUploadAssetResponse::default()))
    }

    async fn start_debugging(
        &self,
        _: Request<StartDebuggingRequest>,
    ) -> Result<Response<StartDebuggingResponse>, Status> {
        Err(Status::unimplemented("no connector is known to call this"))
    }
}

impl Baton {
    fn idle_task(&self) -> Option<Task> {
        match self.idle {
            Idle::NoTask => None,
            Idle::NoneTask => Some(Task {
                id: String::new(),
                status: TaskStatus::Unspecified.into(),
                debug: false,
                task_type: Some(TaskType::None(NoneTask::default())),
            }),
        }
    }
}

fn split_request<T>(mut request: Request<T>) -> Result<(CallContext, T), Status> {
    let context = request.extensions_mut().remove::<CallContext>();
    let context = context.ok_or_else(|| Status::internal("the call came past the server"))?;
    Ok((context, request.into_inner()))
}

fn parse_task_id(id: &str) -> Result<TaskId, Status> {
    TaskId::parse(id).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn unknown_task(id: Option<&TaskId>) -> Status {
    Status::not_found(format!("there is no task {}", id.map_or("", TaskId::as_str)))
}

/// Tests use short times, so none is too long for the wire format.
fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(duration).unwrap_or_default()
}
