//! A minimal connector: signs in and calls.

use std::time::Duration;

use baton_proto::connector_v2::ConnectorMetadata;
use baton_proto::connectorapi_baton_v1::baton_service_client::BatonServiceClient;
use baton_proto::connectorapi_baton_v1::baton_service_finish_task_request::{FinalState, Success};
use baton_proto::connectorapi_baton_v1::baton_service_hello_request::OsInfo;
use baton_proto::connectorapi_baton_v1::{
    BatonServiceFinishTaskRequest, BatonServiceGetTaskRequest, BatonServiceHeartbeatRequest,
    BatonServiceHeartbeatResponse, BatonServiceHelloRequest, Task,
};
use c1_sim::{C1Sim, C1SimConfig, Credentials, TaskId, TaskProgress};
use reqwest::StatusCode;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use crate::assertion::Assertion;

pub(crate) const HOST: &str = "test-host";

#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

pub(crate) type Rpc = BatonServiceClient<InterceptedService<Channel, Bearer>>;

pub(crate) fn tenant() -> C1Sim {
    C1Sim::start(C1SimConfig::default()).unwrap()
}

/// A new channel with this `authorization`.
pub(crate) async fn rpc(sim: &C1Sim, authorization: Option<&str>) -> Rpc {
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(sim.ca_pem()));
    let channel = Endpoint::from_shared(format!("https://{}", sim.authority()))
        .unwrap()
        .tls_config(tls)
        .unwrap()
        .connect()
        .await
        .unwrap();
    let bearer = Bearer(authorization.map(|text| text.parse().unwrap()));
    BatonServiceClient::with_interceptor(channel, bearer)
}

/// Signed in and connected.
pub(crate) async fn connect(sim: &C1Sim) -> Rpc {
    let (status, body) = sign_in(sim, sim.credentials()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let token = body["access_token"].as_str().unwrap();
    rpc(sim, Some(&format!("Bearer {token}"))).await
}

pub(crate) async fn sign_in(sim: &C1Sim, credentials: &Credentials) -> (StatusCode, String) {
    let assertion = Assertion::of(credentials).sign();
    let answer = post(sim, &form(credentials, &assertion)).await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

pub(crate) fn form<'a>(credentials: &'a Credentials, assertion: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("client_id", &credentials.client_id),
        ("grant_type", "client_credentials"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion),
    ]
}

pub(crate) async fn post(sim: &C1Sim, form: &[(&str, &str)]) -> Result<reqwest::Response, reqwest::Error> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = reqwest::Certificate::from_pem(sim.ca_pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("https://{}/auth/v1/token", sim.authority());
    client.post(url).form(form).send().await
}

/// Waits until a task satisfies a condition, while the connector continues.
pub(crate) async fn wait_for_progress(
    sim: &C1Sim,
    id: &TaskId,
    condition: impl Fn(&TaskProgress) -> bool + Send + 'static,
) -> TaskProgress {
    let (tasks, id) = (sim.tasks().clone(), id.clone());
    let waiting =
        tokio::task::spawn_blocking(move || tasks.wait_for(&id, Duration::from_secs(10), condition));
    waiting.await.unwrap().unwrap()
}

pub(crate) async fn get_task(rpc: &mut Rpc) -> Result<Option<Task>, Status> {
    let request = BatonServiceGetTaskRequest {
        host_id: HOST.to_owned(),
    };
    let task = rpc.get_task(request).await?.into_inner().task;
    // An idle tenant gives a task of the type "none", which has no id.
    Ok(task.filter(|task| !task.id.is_empty()))
}

pub(crate) async fn heartbeat(rpc: &mut Rpc, id: &TaskId) -> Result<BatonServiceHeartbeatResponse, Status> {
    let request = BatonServiceHeartbeatRequest {
        host_id: HOST.to_owned(),
        task_id: id.to_string(),
        ..Default::default()
    };
    Ok(rpc.heartbeat(request).await?.into_inner())
}

pub(crate) fn success(id: &TaskId) -> BatonServiceFinishTaskRequest {
    BatonServiceFinishTaskRequest {
        host_id: HOST.to_owned(),
        task_id: id.to_string(),
        status: None,
        final_state: Some(FinalState::Success(Success::default())),
    }
}

pub(crate) fn hello(task_id: &str) -> BatonServiceHelloRequest {
    let text = || "x".to_owned();
    BatonServiceHelloRequest {
        host_id: HOST.to_owned(),
        task_id: task_id.to_owned(),
        build_info: None,
        os_info: Some(OsInfo {
            hostname: text(),
            os: text(),
            platform: text(),
            platform_version: text(),
            platform_family: text(),
            kernel_version: text(),
            kernel_arch: text(),
            virtualization_system: text(),
        }),
        connector_metadata: Some(ConnectorMetadata {
            display_name: "NinjaOne".to_owned(),
            ..Default::default()
        }),
        annotations: Vec::new(),
    }
}
