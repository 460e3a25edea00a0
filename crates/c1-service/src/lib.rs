//! Service mode: the program as a worker of ConductorOne (docs/reference/conductorone.md §3).

mod client;
mod connector;
mod credentials;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/c1_service.rs"]
pub mod fuzzing;
mod host;
mod service;
mod tasks;

pub use baton_proto::connectorapi_baton_v1::baton_service_hello_request::{BuildInfo, OsInfo};
pub use client::{
    C1Client, C1Config, C1Error, Heartbeat, Hello, InvalidTaskId, Network, NetworkFault, PollResponse,
    Proxies, RetryPolicy, Task, TaskId, TaskResult, UploadProgress, UploadReceipt,
};
pub use connector::{CancelReason, CancelToken, Connector, SyncTaskSpec, TaskFailure};
pub use credentials::{Credentials, CredentialsError};
pub use host::{HostId, host_info};
pub use service::{Service, ServiceConfig, ServiceObserver};
