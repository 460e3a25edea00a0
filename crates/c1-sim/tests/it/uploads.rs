//! Complete and invalid assets.

use std::fs;

use baton_proto::connectorapi_baton_v1::BatonServiceUploadAssetRequest;
use baton_proto::connectorapi_baton_v1::baton_service_upload_asset_request::{
    Msg, UploadData, UploadEof, UploadMetadata,
};
use baton_proto::connectorapi_baton_v1::task::{SyncFullTask, TaskType};
use c1_sim::{C1Sim, Code, TaskId, UploadOutcome};
use futures::stream;
use sha2::{Digest, Sha256};
use tonic::Status;

use crate::connector::{HOST, Rpc, connect, tenant};

pub(crate) fn metadata(id: &TaskId) -> Msg {
    Msg::Metadata(UploadMetadata {
        host_id: HOST.to_owned(),
        task_id: id.to_string(),
        annotations: Vec::new(),
    })
}

pub(crate) fn data(bytes: usize) -> Msg {
    Msg::Data(UploadData { data: vec![7; bytes] })
}

/// The end of a file with this number of sevens.
pub(crate) fn eof(bytes: usize) -> Msg {
    Msg::Eof(UploadEof {
        sha256_checksum: Sha256::digest(vec![7; bytes]).to_vec(),
        annotations: Vec::new(),
    })
}

pub(crate) async fn upload(rpc: &mut Rpc, messages: impl IntoIterator<Item = Msg>) -> Result<(), Status> {
    let requests: Vec<_> = messages
        .into_iter()
        .map(|message| BatonServiceUploadAssetRequest { msg: Some(message) })
        .collect();
    rpc.upload_asset(stream::iter(requests)).await.map(drop)
}

pub(crate) fn task(sim: &C1Sim) -> TaskId {
    sim.tasks().push(TaskType::SyncFull(SyncFullTask::default()))
}

#[tokio::test]
async fn an_asset_is_stored_as_sent() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = task(&sim);
    let messages = [
        metadata(&id),
        data(1 << 20),
        data(1 << 19),
        data(1),
        eof((3 << 19) + 1),
    ];
    upload(&mut connector, messages).await.unwrap();
    upload(&mut connector, [metadata(&id), eof(0)]).await.unwrap();
    let progress = sim.tasks().progress(&id).unwrap();
    let assets: Vec<_> = progress.assets().collect();
    assert_eq!(assets.len(), 2);
    assert_eq!(assets[0].chunks, [1 << 20, 1 << 19, 1]);
    assert_eq!(fs::read(&assets[0].path).unwrap(), vec![7; (3 << 19) + 1]);
    assert_eq!(fs::read(&assets[1].path).unwrap(), b"");
    let path = assets[0].path.clone();
    drop(sim);
    assert!(!path.exists());
}

#[tokio::test]
async fn violations_are_refused_and_recorded() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = task(&sim);
    let short = Msg::Eof(UploadEof {
        sha256_checksum: vec![0; 31],
        annotations: Vec::new(),
    });
    let too_large = (1 << 20) + 1;
    let cases = [
        (
            vec![metadata(&id), data(5), eof(6)],
            "eof.sha256_checksum: is not that of the data",
        ),
        (
            vec![metadata(&id), data(5), short],
            "eof.sha256_checksum: 31 bytes",
        ),
        (vec![metadata(&id), data(0), eof(0)], "data.data: 0 bytes"),
        (
            vec![metadata(&id), data(too_large), eof(too_large)],
            "data.data: 1048577 bytes",
        ),
        (
            vec![metadata(&id), metadata(&id), eof(0)],
            "msg: metadata must come first and once",
        ),
        (vec![metadata(&id), data(5)], "msg: the last must be eof"),
        (
            vec![metadata(&id), data(5), eof(5), data(5)],
            "msg: nothing may follow eof",
        ),
    ];
    let count = cases.len();
    for (position, (messages, text)) in cases.into_iter().enumerate() {
        let refused = upload(&mut connector, messages).await.unwrap_err();
        let code = if position == 0 {
            Code::DataLoss
        } else {
            Code::InvalidArgument
        };
        assert_eq!(refused.code(), code, "{refused:?}");
        assert!(refused.message().starts_with(text), "{refused:?}");
        let uploads = sim.tasks().progress(&id).unwrap().uploads;
        assert_eq!(uploads.len(), position + 1);
        let outcome = UploadOutcome::Refused(code, refused.message().to_owned());
        assert_eq!(uploads[position].outcome, outcome);
    }
    let progress = sim.tasks().progress(&id).unwrap();
    assert_eq!((progress.uploads.len(), progress.assets().count()), (count, 0));
}

#[tokio::test]
async fn an_upload_begins_with_metadata_of_a_task() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = task(&sim);
    let unknown_client = tenant().tasks().push(None);
    for (messages, code, text) in [
        (
            vec![data(5), eof(5)],
            Code::InvalidArgument,
            "msg: the first must be metadata",
        ),
        (vec![], Code::InvalidArgument, "msg: the first must be metadata"),
        (
            vec![metadata(&unknown_client), eof(0)],
            Code::NotFound,
            "there is no task",
        ),
    ] {
        let refused = upload(&mut connector, messages).await.unwrap_err();
        assert_eq!(refused.code(), code);
        assert!(refused.message().starts_with(text), "{refused:?}");
    }
    let empty = stream::iter([BatonServiceUploadAssetRequest { msg: None }]);
    let refused = connector.upload_asset(empty).await.unwrap_err();
    assert_eq!(refused.message(), "msg: there must be one");
    assert!(sim.tasks().progress(&id).unwrap().uploads.is_empty());
}
