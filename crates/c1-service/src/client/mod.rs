//! The ConductorOne client: sign-in, one connection, and the calls of `BatonService` (docs/reference/conductorone.md
//! §3).

mod assertion;
mod config;
mod dial;
mod error;
mod finish_task;
mod network_error;
mod rpc;
mod token;
mod transport;
mod types;
mod upload;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use access_core::secrets::ServerText;
use baton_proto::connectorapi_baton_v1::task::TaskType;
use baton_proto::connectorapi_baton_v1::{
    self as wire, BatonServiceGetTaskRequest, BatonServiceHeartbeatRequest, BatonServiceHelloRequest,
};
use baton_proto::prost_types;
use tonic::codegen::http::{HeaderValue, Uri};

use crate::BuildInfo;
use crate::credentials::parse_authority;
use crate::host::clamp;
use dial::Connector;
use token::Tokens;
use transport::ChannelState;

pub use config::{C1Config, Network, Proxies, RetryPolicy};
pub use error::C1Error;
pub use network_error::NetworkFault;
pub use types::Heartbeat;
pub use types::Hello;
pub use types::InvalidTaskId;
pub use types::PollResponse;
pub use types::Task;
pub use types::TaskId;
pub use types::TaskResult;
pub use types::UploadReceipt;
pub use upload::UploadProgress;

/// Maximum wait that a response can request.
const MAX_WAIT: Duration = Duration::from_mins(5);
/// Default interval of heartbeats.
const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(30);
const MIN_HEARTBEAT: Duration = Duration::from_secs(1);

/// A client of one tenant. Clones share token and connection.
#[derive(Clone)]
pub struct C1Client {
    inner: Arc<Inner>,
}

struct Inner {
    authority: String,
    host_id: String,
    tokens: Tokens,
    channel: ChannelState,
    retry_policy: RetryPolicy,
}

impl C1Client {
    /// Creates a client; nothing is sent yet.
    ///
    /// # Errors
    /// [`C1Error::CaFile`], [`C1Error::ApiHost`], [`C1Error::ProxyKind`] or [`C1Error::Setup`].
    pub fn new(config: C1Config) -> Result<Self, C1Error> {
        Self::with_network(config, &Network::default())
    }

    /// Creates a client with explicit network settings.
    ///
    /// # Errors
    /// Same as [`C1Client::new`].
    pub fn with_network(config: C1Config, network: &Network) -> Result<Self, C1Error> {
        let setup = |reason: String| C1Error::Setup { reason };
        let authority = config.credentials.authority(config.api_host.as_deref());
        let target = parse_authority(&authority).ok_or_else(|| C1Error::ApiHost {
            host: ServerText::new(&authority),
        })?;
        let proxy = network.proxies.for_host(&target)?;
        let tls = net_tls::client_config(config.ca_file.as_deref())?;
        let uri = Uri::builder()
            .scheme("https")
            .authority(target.clone())
            .path_and_query("/")
            .build();
        let uri = uri.map_err(|error| setup(error.to_string()))?;
        let timeout = network.retry_policy.connect;
        let connector = Connector::new(&tls, proxy.clone(), target, timeout);
        let version = &config.user_agent_version;
        let user_agent = user_agent(config.credentials.client_name(), version)?;
        Ok(Self {
            inner: Arc::new(Inner {
                host_id: config.host_id.to_string(),
                channel: ChannelState::new(uri, user_agent, connector).map_err(setup)?,
                tokens: Tokens::new(
                    config.credentials,
                    &authority,
                    tls,
                    proxy.as_ref(),
                    version,
                    timeout,
                )?,
                authority,
                retry_policy: network.retry_policy,
            }),
        })
    }

    /// Host and port of the tenant, for messages.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.inner.authority
    }

    /// Announces the connector: at the start, and as the response to a hello task. Overlong texts are truncated.
    ///
    /// # Errors
    /// [`C1Error`]; [`C1Error::fatal_at_start`] tells whether retrying is useless.
    pub async fn hello(&self, hello: Hello) -> Result<(), C1Error> {
        let request = BatonServiceHelloRequest {
            host_id: self.inner.host_id.clone(),
            task_id: hello.task_id.map(|id| id.to_string()).unwrap_or_default(),
            build_info: Some(clamp_build(&hello.build_info)),
            os_info: Some(crate::host::fill_blanks(&hello.os_info)),
            connector_metadata: Some(hello.metadata),
            annotations: Vec::new(),
        };
        let call = self.unary("Hello", self.inner.retry_policy.call, |mut rpc| {
            let request = request.clone();
            async move { rpc.hello(request).await }
        });
        call.await.map(drop)
    }

    /// Polls for a task.
    ///
    /// # Errors
    /// [`C1Error`].
    pub async fn get_task(&self) -> Result<PollResponse, C1Error> {
        let request = BatonServiceGetTaskRequest {
            host_id: self.inner.host_id.clone(),
        };
        let call = self.unary("GetTask", self.inner.retry_policy.call, |mut rpc| {
            let request = request.clone();
            async move { rpc.get_task(request).await }
        });
        let response = call.await?;
        Ok(PollResponse {
            task: response.task.map(parse_task).transpose()?.flatten(),
            next_poll: parse_wait(response.next_poll).min(MAX_WAIT),
        })
    }

    /// Reports that a task is running, and asks whether it was cancelled.
    ///
    /// # Errors
    /// [`C1Error`].
    pub async fn heartbeat(&self, task: &TaskId) -> Result<Heartbeat, C1Error> {
        let request = BatonServiceHeartbeatRequest {
            host_id: self.inner.host_id.clone(),
            task_id: task.to_string(),
            annotations: Vec::new(),
            task_ids: Vec::new(),
        };
        let call = self.unary("Heartbeat", self.inner.retry_policy.call, |mut rpc| {
            let request = request.clone();
            async move { rpc.heartbeat(request).await }
        });
        let response = call.await?;
        let next = match parse_wait(response.next_heartbeat) {
            Duration::ZERO => DEFAULT_HEARTBEAT,
            next => next.clamp(MIN_HEARTBEAT, MAX_WAIT),
        };
        Ok(Heartbeat {
            next,
            cancelled: response.cancelled,
        })
    }
}

impl fmt::Debug for C1Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("C1Client")
            .field("authority", &self.inner.authority)
            .field("host_id", &self.inner.host_id)
            .finish_non_exhaustive()
    }
}

/// Parses a task; `None` if there is nothing to do, which has two encodings.
pub(crate) fn parse_task(task: wire::Task) -> Result<Option<Task>, C1Error> {
    match task.task_type {
        Some(TaskType::None(_)) => return Ok(None),
        None if task.id.is_empty() => return Ok(None),
        _ => {}
    }
    let id = TaskId::parse(task.id).map_err(|error| C1Error::Malformed {
        call: "GetTask",
        reason: error.to_string(),
    })?;
    Ok(Some(Task {
        id,
        debug: task.debug,
        kind: task.task_type,
    }))
}

/// Parses a wait; missing and negative values are zero.
fn parse_wait(duration: Option<prost_types::Duration>) -> Duration {
    duration
        .and_then(|duration| Duration::try_from(duration).ok())
        .unwrap_or_default()
}

fn clamp_build(info: &BuildInfo) -> BuildInfo {
    BuildInfo {
        lang_version: clamp(&info.lang_version),
        package: clamp(&info.package),
        package_version: clamp(&info.package_version),
    }
}

/// The client name as the reference sends it, limited to characters that a header allows.
fn user_agent(client_name: &str, version: &str) -> Result<HeaderValue, C1Error> {
    let name: String = client_name.chars().filter(char::is_ascii_graphic).collect();
    let user_agent = format!("{name} baton-ninja-one/{version}");
    HeaderValue::try_from(user_agent.trim()).map_err(|error| C1Error::Setup {
        reason: format!("the user agent: {error}"),
    })
}
