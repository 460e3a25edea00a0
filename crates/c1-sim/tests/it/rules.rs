//! Every class of rules of the wire format, broken once.

use baton_proto::connector_v2::resource_type::Trait;
use baton_proto::connector_v2::{
    AssetRef, ConnectorCapabilities, ConnectorMetadata, ResourceType, ResourceTypeCapability,
};
use baton_proto::connectorapi_baton_v1::baton_service_finish_task_request::{Error, FinalState, Success};
use baton_proto::connectorapi_baton_v1::baton_service_hello_request::BuildInfo;
use baton_proto::connectorapi_baton_v1::baton_service_upload_asset_request::{Msg, UploadMetadata};
use baton_proto::connectorapi_baton_v1::task::{SyncFullTask, TaskType};
use baton_proto::connectorapi_baton_v1::{
    BatonServiceFinishTaskRequest, BatonServiceGetTaskRequest, BatonServiceGetTasksRequest,
    BatonServiceHeartbeatRequest, BatonServiceHelloRequest,
};
use baton_proto::prost_types::Any;
use c1_sim::{C1Sim, C1SimConfig, Code, Endpoint, Outcome};
use tonic::Status;

use crate::connector::{HOST, connect, hello, success, tenant};
use crate::uploads::upload;

fn too_many() -> Vec<Any> {
    vec![Any::default(); 17]
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, field: &str) {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert!(status.message().starts_with(&format!("{field}: ")), "{status:?}");
}

#[tokio::test]
async fn greeting() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let mut case = async |field: &str, alter: &dyn Fn(&mut BatonServiceHelloRequest)| {
        let mut request = hello("");
        alter(&mut request);
        refused(connector.hello(request).await, field);
    };
    case("host_id", &|it| it.host_id.clear()).await;
    case("host_id", &|it| it.host_id = "é".repeat(257)).await;
    case("task_id", &|it| it.task_id = "short".to_owned()).await;
    case("task_id", &|it| it.task_id = "-".repeat(27)).await;
    case("annotations", &|it| it.annotations = too_many()).await;
    case("build_info.package", &|it| {
        it.build_info = Some(BuildInfo {
            package: "x".repeat(257),
            ..Default::default()
        });
    })
    .await;
    case("os_info", &|it| it.os_info = None).await;
    case("os_info.kernel_arch", &|it| {
        it.os_info.as_mut().unwrap().kernel_arch.clear();
    })
    .await;
    case("os_info.platform", &|it| {
        it.os_info.as_mut().unwrap().platform = "x".repeat(257);
    })
    .await;
    case("connector_metadata", &|it| it.connector_metadata = None).await;
}

#[tokio::test]
async fn connector_metadata() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let mut case = async |field: &str, alter: &dyn Fn(&mut ConnectorMetadata)| {
        let mut request = hello("");
        alter(request.connector_metadata.as_mut().unwrap());
        refused(
            connector.hello(request).await,
            &format!("connector_metadata.{field}"),
        );
    };
    case("display_name", &|it| it.display_name.clear()).await;
    // 513 characters, but too many bytes.
    case("display_name", &|it| it.display_name = "é".repeat(513)).await;
    case("help_url", &|it| it.help_url = "http://example.com".to_owned()).await;
    case("help_url", &|it| it.help_url = "https://".to_owned()).await;
    case("icon.id", &|it| it.icon = Some(AssetRef::default())).await;
    case("description", &|it| it.description = "x".repeat(4097)).await;
    let of_type = |it: &mut ConnectorMetadata, resource_type: ResourceType| {
        let capability = ResourceTypeCapability {
            resource_type: Some(resource_type),
            ..Default::default()
        };
        it.capabilities = Some(ConnectorCapabilities {
            resource_type_capabilities: vec![capability],
            ..Default::default()
        });
    };
    let field = "capabilities.resource_type_capabilities[0].resource_type";
    case(&format!("{field}.id"), &|it| of_type(it, ResourceType::default())).await;
    for traits in [vec![Trait::User.into(), Trait::User.into()], vec![99]] {
        let resource_type = ResourceType {
            id: "user".to_owned(),
            traits,
            ..Default::default()
        };
        case(&format!("{field}.traits"), &|it| {
            of_type(it, resource_type.clone());
        })
        .await;
    }
}

#[tokio::test]
async fn blank_os_info_is_refused_only_if_configured() {
    let config = C1SimConfig {
        refuse_blank_os_info: false,
        ..Default::default()
    };
    let sim = C1Sim::start(config).unwrap();
    let mut request = hello("");
    request.os_info = None;
    connect(&sim).await.hello(request).await.unwrap();
}

#[tokio::test]
async fn polls() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let request = BatonServiceGetTaskRequest {
        host_id: String::new(),
    };
    refused(connector.get_task(request).await, "host_id");
    let good = || BatonServiceGetTasksRequest {
        host_id: HOST.to_owned(),
        page_size: 1,
        known_task_ids: Vec::new(),
        annotations: Vec::new(),
    };
    for (field, alter) in [
        (
            "host_id",
            (|it| it.host_id.clear()) as fn(&mut BatonServiceGetTasksRequest),
        ),
        ("page_size", |it| it.page_size = 0),
        ("page_size", |it| it.page_size = 101),
        ("known_task_ids[0]", |it| it.known_task_ids = vec!["x".repeat(28)]),
        ("annotations", |it| it.annotations = too_many()),
    ] {
        let mut request = good();
        alter(&mut request);
        refused(connector.get_tasks(request).await, field);
    }
    let call = sim.ledger().calls_of(Endpoint::GetTasks).remove(1);
    assert_eq!(call.outcome, Outcome::Code(Code::InvalidArgument));
    assert_eq!(
        call.refusal.as_deref(),
        Some("page_size: 0 is not within 1 to 100")
    );
}

#[tokio::test]
async fn heartbeat() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = sim.tasks().push(TaskType::SyncFull(SyncFullTask::default()));
    for (field, alter) in [
        (
            "host_id",
            (|it| it.host_id.clear()) as fn(&mut BatonServiceHeartbeatRequest),
        ),
        ("task_id", |it| it.task_id.clear()),
        ("annotations", |it| it.annotations = too_many()),
        ("task_ids", |it| it.task_ids = vec![it.task_id.clone(); 101]),
        ("task_ids[1]", |it| {
            it.task_ids = vec![it.task_id.clone(), "x".to_owned()];
        }),
    ] {
        let mut request = BatonServiceHeartbeatRequest {
            host_id: HOST.to_owned(),
            task_id: id.to_string(),
            ..Default::default()
        };
        alter(&mut request);
        refused(connector.heartbeat(request).await, field);
    }
    assert!(sim.tasks().progress(&id).unwrap().heartbeats.is_empty());
}

#[tokio::test]
async fn finish_task() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = sim.tasks().push(TaskType::SyncFull(SyncFullTask::default()));
    for (field, alter) in [
        (
            "host_id",
            (|it| it.host_id.clear()) as fn(&mut BatonServiceFinishTaskRequest),
        ),
        ("task_id", |it| it.task_id.clear()),
        ("final_state", |it| it.final_state = None),
        ("success.annotations", |it| {
            it.final_state = Some(FinalState::Success(Success {
                annotations: too_many(),
                response: None,
            }));
        }),
        ("error.annotations", |it| {
            it.final_state = Some(FinalState::Error(Error {
                annotations: too_many(),
                ..Default::default()
            }));
        }),
    ] {
        let mut request = success(&id);
        alter(&mut request);
        refused(connector.finish_task(request).await, field);
    }
    assert!(sim.tasks().progress(&id).unwrap().finishes.is_empty());
}

#[tokio::test]
async fn upload_metadata() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = sim.tasks().push(TaskType::SyncFull(SyncFullTask::default()));
    for (field, alter) in [
        (
            "metadata.host_id",
            (|it| it.host_id.clear()) as fn(&mut UploadMetadata),
        ),
        ("metadata.task_id", |it| it.task_id.clear()),
        ("metadata.annotations", |it| it.annotations = too_many()),
    ] {
        let mut metadata = UploadMetadata {
            host_id: HOST.to_owned(),
            task_id: id.to_string(),
            annotations: Vec::new(),
        };
        alter(&mut metadata);
        refused(upload(&mut connector, [Msg::Metadata(metadata)]).await, field);
    }
}
