//! A simulated tenant and its client.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use baton_proto::connector_v2::ConnectorMetadata;
use baton_proto::connectorapi_baton_v1::task::{SyncFullTask, TaskType};
use c1_service::{
    BuildInfo, C1Client, C1Config, C1Error, Credentials, Hello, HostId, Network, Proxies, RetryPolicy,
    TaskId, TaskResult, host_info,
};
use c1_sim::{C1Sim, C1SimConfig, Endpoint, Fault, TokenBehavior, When};
use tempfile::NamedTempFile;

/// A simulated tenant with its CA in a file.
pub(crate) struct Tenant {
    pub(crate) sim: C1Sim,
    pub(crate) ca: NamedTempFile,
}

impl Tenant {
    pub(crate) fn start(config: C1SimConfig) -> Self {
        let sim = C1Sim::start(config).unwrap();
        let mut ca = NamedTempFile::new().unwrap();
        ca.write_all(sim.ca_pem().as_bytes()).unwrap();
        Self { sim, ca }
    }

    pub(crate) fn healthy() -> Self {
        Self::start(C1SimConfig::default())
    }

    pub(crate) fn with_tokens(token: TokenBehavior) -> Self {
        Self::start(C1SimConfig {
            token,
            ..Default::default()
        })
    }

    /// The configuration of the client.
    pub(crate) fn config(&self) -> C1Config {
        config(self.sim.credentials(), self.ca.path())
    }

    pub(crate) fn client(&self) -> C1Client {
        self.client_over(&direct())
    }

    pub(crate) fn client_over(&self, network: &Network) -> C1Client {
        C1Client::with_network(self.config(), network).unwrap()
    }

    pub(crate) fn sync_task(&self) -> (c1_sim::TaskId, TaskId) {
        let id = self.sim.tasks().push(TaskType::SyncFull(SyncFullTask::default()));
        let own = TaskId::parse(id.as_str()).unwrap();
        (id, own)
    }

    pub(crate) fn fault(&self, endpoint: Endpoint, when: When, fault: Fault) {
        self.sim.faults().at(endpoint, when, fault);
    }
}

pub(crate) fn config(credentials: &c1_sim::Credentials, ca: &Path) -> C1Config {
    C1Config {
        credentials: Credentials::parse(&credentials.client_id, &credentials.client_secret).unwrap(),
        host_id: HostId::choose(Some("test-host")),
        api_host: None,
        ca_file: Some(ca.to_owned()),
        user_agent_version: "1.2.3".to_owned(),
    }
}

/// No proxy, and short timeouts where only a broken test takes long.
pub(crate) fn direct() -> Network {
    Network {
        proxies: Proxies::none(),
        retry_policy: RetryPolicy {
            call: Duration::from_secs(10),
            ..RetryPolicy::default()
        },
    }
}

pub(crate) fn hello() -> Hello {
    Hello {
        task_id: None,
        metadata: ConnectorMetadata {
            display_name: "NinjaOne".to_owned(),
            ..Default::default()
        },
        os_info: host_info(),
        build_info: BuildInfo {
            lang_version: "1.95.0".to_owned(),
            package: "baton-ninja-one".to_owned(),
            package_version: "1.2.3".to_owned(),
        },
    }
}

pub(crate) fn success() -> TaskResult {
    TaskResult::Success {
        response: None,
        annotations: Vec::new(),
    }
}

/// The calls of a client.
pub(crate) const CALLS: [Endpoint; 5] = [
    Endpoint::Hello,
    Endpoint::GetTask,
    Endpoint::Heartbeat,
    Endpoint::FinishTask,
    Endpoint::UploadAsset,
];

/// Makes a call; an upload sends `file`.
pub(crate) async fn call(
    client: &C1Client,
    endpoint: Endpoint,
    task: &TaskId,
    file: &Path,
) -> Result<(), C1Error> {
    match endpoint {
        Endpoint::Hello => client.hello(hello()).await,
        Endpoint::GetTask => client.get_task().await.map(drop),
        Endpoint::Heartbeat => client.heartbeat(task).await.map(drop),
        Endpoint::FinishTask => client.finish(task, success()).await,
        Endpoint::UploadAsset => client.upload(task, file).await.map(drop),
        other => unreachable!("{other:?} is not called"),
    }
}
