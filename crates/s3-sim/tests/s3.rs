//! The simulated S3 with an independent client, over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    BackoffConfig, Error, GetOptions, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload,
    RetryConfig, UpdateVersion,
};
use s3_sim::{S3Fault, S3Sim, S3SimConfig};

fn start(read_only_prefix: Option<&str>) -> S3Sim {
    S3Sim::start(S3SimConfig {
        bucket: "lake".into(),
        access_key: "AKIATEST".into(),
        secret_key: "secret".into(),
        read_only_prefix: read_only_prefix.map(str::to_owned),
    })
    .unwrap()
}

/// A client with valid credentials and without retries.
fn builder(s3: &S3Sim) -> AmazonS3Builder {
    // The client's HTTP library wants a TLS provider even for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    AmazonS3Builder::new()
        .with_endpoint(s3.endpoint())
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name("lake")
        .with_access_key_id("AKIATEST")
        .with_secret_access_key("secret")
        .with_retry(RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        })
}

fn client(s3: &S3Sim) -> AmazonS3 {
    builder(s3).build().unwrap()
}

/// Three retries without the usual pauses.
fn quickly() -> RetryConfig {
    RetryConfig {
        max_retries: 3,
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(2),
            base: 2.0,
        },
        ..RetryConfig::default()
    }
}

async fn text(client: &AmazonS3, key: &str) -> Result<String, Error> {
    let bytes = client.get(&Path::parse(key).unwrap()).await?.bytes().await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

fn requests(s3: &S3Sim) -> Vec<(String, Option<u16>)> {
    let requests = s3.requests().into_iter();
    requests.map(|request| (request.method, request.status)).collect()
}

#[tokio::test]
async fn objects_round_trip() {
    let s3 = start(None);
    let client = client(&s3);
    let key = Path::parse("a folder/ä+b=c &?%.txt").unwrap();
    let put = client.put(&key, "hello".into()).await.unwrap();
    assert_eq!(s3.objects()[key.as_ref()], b"hello");
    assert_eq!(put.e_tag.as_deref(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    let head = client.head(&key).await.unwrap();
    assert_eq!((head.size, head.e_tag), (5, put.e_tag));
    assert_eq!(text(&client, key.as_ref()).await.unwrap(), "hello");
    assert_eq!(client.get_range(&key, 1..3).await.unwrap(), "el");
    let suffix = GetOptions {
        range: Some(object_store::GetRange::Suffix(2)),
        ..GetOptions::default()
    };
    let suffix = client.get_opts(&key, suffix).await.unwrap();
    assert_eq!(
        (suffix.range.clone(), suffix.bytes().await.unwrap().as_ref()),
        (3..5, b"lo".as_ref())
    );
    assert!(client.get_range(&key, 9..12).await.is_err());
    client.delete(&key).await.unwrap();
    assert!(s3.objects().is_empty());
    assert!(matches!(client.head(&key).await, Err(Error::NotFound { .. })));
    assert!(matches!(client.get(&key).await, Err(Error::NotFound { .. })));
    client.delete(&key).await.unwrap();
}

#[tokio::test]
async fn a_single_delete_needs_no_list_of_keys() {
    let s3 = start(None);
    s3.put("k", "v");
    let client = builder(&s3).with_disable_bulk_delete(true).build().unwrap();
    client.delete(&Path::from("k")).await.unwrap();
    assert!(s3.objects().is_empty());
    assert_eq!(requests(&s3), [("DELETE".to_owned(), Some(204))]);
}

#[tokio::test]
async fn reads_can_be_conditional() {
    let s3 = start(None);
    s3.put("k", "one");
    let client = client(&s3);
    let key = Path::from("k");
    let e_tag = client.head(&key).await.unwrap().e_tag;
    let if_match = |e_tag: &Option<String>| GetOptions {
        if_match: e_tag.clone(),
        ..GetOptions::default()
    };
    let if_none_match = GetOptions {
        if_none_match: e_tag.clone(),
        ..GetOptions::default()
    };
    let unchanged = client.get_opts(&key, if_none_match.clone()).await;
    assert!(matches!(unchanged, Err(Error::NotModified { .. })));
    client.get_opts(&key, if_match(&e_tag)).await.unwrap();
    s3.put("k", "two");
    let changed = client.get_opts(&key, if_match(&e_tag)).await;
    assert!(matches!(changed, Err(Error::Precondition { .. })));
    client.get_opts(&key, if_none_match).await.unwrap();
}

#[tokio::test]
async fn lists_come_in_pages() {
    let s3 = start(None);
    for number in 0..2_300 {
        s3.put(format!("data/{number:05}"), "x");
    }
    s3.put("data.txt", "x");
    s3.put("other/1", "x");
    let client = client(&s3);
    let data = Path::from("data");
    let keys: Vec<String> = client
        .list(Some(&data))
        .map_ok(|meta| meta.location.to_string())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(keys.len(), 2_300);
    assert!(keys.is_sorted());
    assert_eq!(s3.requests().len(), 3);
    let offset = Path::from("data/02297");
    let rest = client.list_with_offset(Some(&data), &offset).count().await;
    assert_eq!(rest, 2);
    let top = client.list_with_delimiter(None).await.unwrap();
    assert_eq!(top.common_prefixes, [Path::from("data"), Path::from("other")]);
    assert_eq!(top.objects.len(), 1);
    let all = client.list(None).map_ok(|meta| meta.location).boxed();
    assert_eq!(client.delete_stream(all).count().await, 2_302);
    assert!(s3.objects().is_empty());
}

#[tokio::test]
async fn large_objects_come_in_parts() {
    let s3 = start(None);
    let client = client(&s3);
    let bytes: Vec<u8> = (0..12 << 20_u32)
        .map(|at: u32| (at / 7).to_le_bytes()[0])
        .collect();
    let key = Path::from("large");
    let mut upload = client.put_multipart(&key).await.unwrap();
    let pieces = bytes.chunks(5 << 20);
    let parts: Vec<_> = pieces
        .map(|piece| upload.put_part(PutPayload::from(piece.to_vec())))
        .collect();
    futures::future::try_join_all(parts).await.unwrap();
    assert!(s3.objects().is_empty());
    assert_eq!(s3.unfinished_uploads(), ["large"]);
    let put = upload.complete().await.unwrap();
    assert!(put.e_tag.unwrap().ends_with("-3\""));
    assert!(s3.objects()["large"] == bytes);
    assert!(s3.unfinished_uploads().is_empty());
    assert!(client.get(&key).await.unwrap().bytes().await.unwrap() == bytes);
}

#[tokio::test]
async fn uploads_can_be_aborted_and_must_not_have_small_parts() {
    let s3 = start(None);
    let client = client(&s3);
    let mut upload = client.put_multipart(&Path::from("k")).await.unwrap();
    upload.put_part("small".into()).await.unwrap();
    upload.put_part("last".into()).await.unwrap();
    let refused = upload.complete().await.unwrap_err();
    assert!(format!("{refused:?}").contains("EntityTooSmall"), "{refused:?}");
    upload.abort().await.unwrap();
    assert!(s3.unfinished_uploads().is_empty());
    assert!(upload.abort().await.is_err());
}

#[tokio::test]
async fn create_keeps_an_existing_object() {
    let s3 = start(None);
    let client = client(&s3);
    let key = Path::from("k");
    client
        .put_opts(&key, "one".into(), PutMode::Create.into())
        .await
        .unwrap();
    let again = client.put_opts(&key, "two".into(), PutMode::Create.into()).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
    assert_eq!(s3.objects()["k"], b"one");
    assert_eq!(s3.requests()[1].status, Some(412));
}

#[tokio::test]
async fn one_of_many_concurrent_creates_wins() {
    let s3 = start(None);
    let client = client(&s3);
    let key = Path::from("k");
    let racers = (0..20).map(|number: u8| {
        let payload = PutPayload::from(vec![number]);
        client.put_opts(&key, payload, PutMode::Create.into())
    });
    let results = futures::future::join_all(racers).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn update_replaces_only_the_version_it_names() {
    let s3 = start(None);
    let client = client(&s3);
    let key = Path::from("k");
    let first = client.put(&key, "one".into()).await.unwrap();
    let mode = |e_tag| PutMode::Update(UpdateVersion { e_tag, version: None });
    let second = client
        .put_opts(&key, "two".into(), mode(first.e_tag.clone()).into())
        .await;
    let stale = client
        .put_opts(&key, "three".into(), mode(first.e_tag).into())
        .await;
    assert!(matches!(stale, Err(Error::Precondition { .. })), "{stale:?}");
    assert_eq!(s3.objects()["k"], b"two");
    s3.delete("k");
    let missing = client
        .put_opts(&key, "four".into(), mode(second.unwrap().e_tag).into())
        .await;
    assert!(matches!(missing, Err(Error::Precondition { .. })), "{missing:?}");
    assert_eq!(s3.requests().last().unwrap().status, Some(404));
    assert!(s3.objects().is_empty());
}

#[tokio::test]
async fn only_the_configured_key_is_accepted() {
    let s3 = start(None);
    s3.put("k", "v");
    let wrong = [
        (
            builder(&s3).with_secret_access_key("other"),
            "SignatureDoesNotMatch",
        ),
        (builder(&s3).with_access_key_id("AKIAOTHER"), "InvalidAccessKeyId"),
        (builder(&s3).with_skip_signature(true), "AccessDenied"),
    ];
    for (client, code) in wrong {
        let error = text(&client.build().unwrap(), "k").await.unwrap_err();
        assert!(matches!(error, Error::PermissionDenied { .. }), "{error:?}");
        assert!(format!("{error:?}").contains(code), "{error:?}");
    }
}

#[tokio::test]
async fn there_is_one_bucket() {
    let s3 = start(None);
    let client = builder(&s3).with_bucket_name("elsewhere").build().unwrap();
    let key = Path::from("k");
    let get = client.get(&key).await.unwrap_err();
    let put = client.put(&key, "v".into()).await.unwrap_err();
    assert!(matches!(
        (&get, &put),
        (Error::NotFound { .. }, Error::NotFound { .. })
    ));
    // The client has no error kind for a listing of an unknown bucket.
    let list = client.list(None).try_collect::<Vec<_>>().await.unwrap_err();
    for error in [get, put, list] {
        assert!(format!("{error:?}").contains("NoSuchBucket"), "{error:?}");
    }
}

#[tokio::test]
async fn a_prefix_can_be_protected() {
    let s3 = start(Some("kept/"));
    s3.put("kept/k", "v");
    let client = client(&s3);
    let key = Path::from("kept/k");
    assert_eq!(text(&client, "kept/k").await.unwrap(), "v");
    for error in [
        client.put(&key, "w".into()).await.unwrap_err(),
        client.delete(&key).await.unwrap_err(),
        client.put_multipart(&key).await.unwrap_err(),
    ] {
        assert!(format!("{error:?}").contains("AccessDenied"), "{error:?}");
    }
    client.put(&Path::from("free/k"), "v".into()).await.unwrap();
    assert_eq!(s3.objects()["kept/k"], b"v");
}

#[tokio::test]
async fn a_status_fault_has_no_effect() {
    let s3 = start(None);
    let client = client(&s3);
    let key = Path::from("k");
    for status in [403, 409, 412, 500, 503] {
        s3.fail_once(0, S3Fault::Status(status));
        // Larger than the socket's buffers, so that the body must be read before the answer.
        let result = client.put(&key, vec![b'x'; 12 << 20].into()).await;
        assert!(result.is_err());
        assert_eq!(s3.requests().last().unwrap().status, Some(status));
    }
    assert!(s3.objects().is_empty());
    client.put(&key, "v".into()).await.unwrap();
}

#[tokio::test]
async fn a_reset_fault_has_no_effect_and_no_answer() {
    let s3 = start(None);
    let client = client(&s3);
    let key = Path::from("k");
    s3.fail_once(1, S3Fault::Reset);
    client.put(&key, "one".into()).await.unwrap();
    client.put(&key, "two".into()).await.unwrap_err();
    assert_eq!(text(&client, "k").await.unwrap(), "one");
    let expected = [("PUT", Some(200)), ("PUT", None), ("GET", Some(200))];
    assert_eq!(
        requests(&s3),
        expected.map(|(method, status)| (method.to_owned(), status))
    );
}

#[tokio::test]
async fn a_request_can_take_effect_without_an_answer() {
    let s3 = start(None);
    let client = client(&s3);
    s3.fail_once(0, S3Fault::AfterEffect);
    client.put(&Path::from("k"), "one".into()).await.unwrap_err();
    assert_eq!(s3.objects()["k"], b"one");
    assert_eq!(requests(&s3), [("PUT".to_owned(), None)]);
}

#[tokio::test]
async fn faults_last_until_they_are_removed() {
    let s3 = start(None);
    let client = client(&s3);
    let key = Path::from("k");
    client.put(&key, "v".into()).await.unwrap();
    s3.fail_from(Some(1), S3Fault::Status(500));
    s3.fail_once(2, S3Fault::Reset);
    s3.forget_requests();
    for _ in 0..4 {
        let _ = client.head(&key).await;
    }
    s3.fail_from(None, S3Fault::Reset);
    client.head(&key).await.unwrap();
    let statuses: Vec<Option<u16>> = s3.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(200), Some(500), None, Some(500), Some(200)]);
    assert_eq!(s3.requests()[0].path_and_query, "/lake/k");
}

#[tokio::test]
async fn a_retrying_client_survives_a_fault() {
    let s3 = start(None);
    let client = builder(&s3).with_retry(quickly()).build().unwrap();
    let key = Path::from("k");
    for fault in [S3Fault::Status(503), S3Fault::Reset, S3Fault::AfterEffect] {
        s3.fail_once(0, fault);
        s3.forget_requests();
        client.put(&key, "v".into()).await.unwrap();
        assert_eq!(s3.requests().len(), 2, "{fault:?}");
    }
}

/// Code that creates an object must expect a conflict with its own first attempt.
#[tokio::test]
async fn a_retrying_client_can_conflict_with_itself() {
    let s3 = start(None);
    let client = builder(&s3).with_retry(quickly()).build().unwrap();
    s3.fail_once(0, S3Fault::AfterEffect);
    let key = Path::from("k");
    let created = client.put_opts(&key, "v".into(), PutMode::Create.into()).await;
    assert!(matches!(created, Err(Error::AlreadyExists { .. })), "{created:?}");
    let expected = [("PUT", None), ("PUT", Some(412))];
    assert_eq!(
        requests(&s3),
        expected.map(|(method, status)| (method.to_owned(), status))
    );
    assert_eq!(s3.objects()["k"], b"v");
}

#[test]
fn it_stops_when_dropped() {
    let s3 = start(None);
    let address = s3.endpoint().replace("http://", "");
    assert!(std::net::TcpStream::connect(&address).is_ok());
    drop(s3);
    assert!(std::net::TcpStream::connect(&address).is_err());
}
