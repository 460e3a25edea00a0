//! Uploads of files.

use std::fs;
use std::io::Write;

use access_core::{Diagnostic, StatusCode};
use c1_service::{C1Error, UploadProgress};
use c1_sim::{Code, Endpoint, Fault, UploadOutcome, When};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::tenant::{Tenant, direct};

const CHUNK_BYTES: usize = 512 << 10;

/// A file of this size without two equal chunks.
pub(crate) fn file(bytes: usize) -> (NamedTempFile, Vec<u8>) {
    let content: Vec<u8> = (0..bytes)
        .map(|position| u8::try_from((position + position / 251 + position / CHUNK_BYTES) % 251).unwrap())
        .collect();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&content).unwrap();
    (file, content)
}

#[tokio::test]
async fn file_is_uploaded_unchanged() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    let cases: [(usize, &[usize]); 5] = [
        (0, &[]),
        (1, &[1]),
        (CHUNK_BYTES, &[CHUNK_BYTES]),
        (CHUNK_BYTES + 1, &[CHUNK_BYTES, 1]),
        (3 * CHUNK_BYTES - 7, &[CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES - 7]),
    ];
    for (bytes, chunks) in cases {
        let (id, task) = tenant.sync_task();
        let (file, content) = file(bytes);
        let progress = UploadProgress::default();
        let receipt = client
            .upload_with_progress(&task, file.path(), &progress)
            .await
            .unwrap();
        assert_eq!((receipt.bytes, receipt.attempts), (bytes as u64, 1));
        assert_eq!(receipt.sha256[..], Sha256::digest(&content)[..]);
        assert_eq!((progress.sent(), progress.total()), (bytes as u64, bytes as u64));
        let done = tenant.sim.tasks().progress(&id).unwrap();
        let asset = done.assets().next().unwrap();
        assert_eq!(asset.chunks, chunks);
        assert_eq!(fs::read(&asset.path).unwrap(), content);
    }
}

#[tokio::test]
async fn interrupted_upload_restarts_from_the_beginning() {
    let tenant = Tenant::healthy();
    let (id, task) = tenant.sync_task();
    let (file, content) = file(5 * CHUNK_BYTES + 3);
    tenant.fault(Endpoint::UploadAsset, When::Nth(1), Fault::CutUpload(3));
    tenant.fault(Endpoint::UploadAsset, When::Nth(1), Fault::LoseAnswer);
    let progress = UploadProgress::default();
    let receipt = tenant
        .client()
        .upload_with_progress(&task, file.path(), &progress)
        .await
        .unwrap();
    assert_eq!((receipt.bytes, receipt.attempts), (content.len() as u64, 2));
    assert_eq!(progress.sent(), content.len() as u64);
    let done = tenant.sim.tasks().progress(&id).unwrap();
    assert_eq!((done.uploads.len(), done.uploads[0].chunks.len()), (2, 3));
    assert_eq!(done.uploads[0].outcome, UploadOutcome::Cut);
    let asset = done.assets().next().unwrap();
    assert_eq!(fs::read(&asset.path).unwrap(), content);
}

#[tokio::test]
async fn lost_response_creates_a_second_asset() {
    let tenant = Tenant::healthy();
    let (id, task) = tenant.sync_task();
    let (file, content) = file(CHUNK_BYTES);
    tenant.fault(Endpoint::UploadAsset, When::Nth(1), Fault::LoseAnswer);
    assert_eq!(
        tenant.client().upload(&task, file.path()).await.unwrap().attempts,
        2
    );
    let done = tenant.sim.tasks().progress(&id).unwrap();
    for asset in done.assets() {
        assert_eq!(fs::read(&asset.path).unwrap(), content);
    }
    assert_eq!(done.assets().count(), 2);
}

#[tokio::test]
async fn upload_is_attempted_three_times() {
    let tenant = Tenant::healthy();
    let (id, task) = tenant.sync_task();
    let (file, _) = file(2 * CHUNK_BYTES);
    tenant.fault(Endpoint::UploadAsset, When::Always, Fault::CutUpload(1));
    let begin = std::time::Instant::now();
    let failed = tenant.client().upload(&task, file.path()).await.unwrap_err();
    assert_eq!(failed.status(), StatusCode::Unavailable);
    assert!(begin.elapsed().as_secs_f32() >= 1.0);
    assert_eq!(tenant.sim.tasks().progress(&id).unwrap().uploads.len(), 3);
}

#[tokio::test]
async fn unreadable_file_is_not_a_network_failure() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    let (_, task) = tenant.sync_task();
    let failed = client
        .upload(&task, "/nonexistent/sync.c1z".as_ref())
        .await
        .unwrap_err();
    assert!(matches!(failed, C1Error::File { .. }), "{failed:?}");
    assert!(
        failed
            .to_string()
            .starts_with("cannot read /nonexistent/sync.c1z to upload it: ")
    );
    let failed = client
        .upload(&task, std::env::temp_dir().as_path())
        .await
        .unwrap_err();
    assert!(matches!(failed, C1Error::File { .. }), "{failed:?}");
    assert_eq!(tenant.sim.ledger().count(Endpoint::UploadAsset), 0);
}

#[tokio::test]
async fn shrinking_file_is_not_uploaded() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    let (id, task) = tenant.sync_task();
    let (file, _) = file(20 * CHUNK_BYTES);
    tenant.fault(
        Endpoint::Token,
        When::Nth(1),
        Fault::Delay(std::time::Duration::from_millis(1500)),
    );
    let progress = UploadProgress::default();
    let cutting = async {
        while progress.total() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        file.as_file().set_len(5 * CHUNK_BYTES as u64).unwrap();
    };
    let (failed, ()) = futures::future::join(
        client.upload_with_progress(&task, file.path(), &progress),
        cutting,
    )
    .await;
    let failed = failed.unwrap_err();
    assert!(
        failed
            .to_string()
            .ends_with("it became shorter during the upload"),
        "{failed}"
    );
    assert_eq!(tenant.sim.tasks().progress(&id).unwrap().assets().count(), 0);
}

#[tokio::test]
async fn stalled_upload_is_aborted() {
    let tenant = Tenant::healthy();
    let mut network = direct();
    network.retry_policy.upload_stall = std::time::Duration::from_millis(400);
    let client = tenant.client_over(&network);
    let (_, task) = tenant.sync_task();
    let (file, _) = file(10 * CHUNK_BYTES);
    tenant.fault(
        Endpoint::UploadAsset,
        When::Nth(1),
        Fault::Delay(std::time::Duration::from_mins(1)),
    );
    assert_eq!(client.upload(&task, file.path()).await.unwrap().attempts, 2);
    tenant.fault(
        Endpoint::UploadAsset,
        When::Always,
        Fault::Refuse(Code::PermissionDenied),
    );
    client.upload(&task, file.path()).await.unwrap_err();
}
