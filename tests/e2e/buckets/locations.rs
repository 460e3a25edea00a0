//! How a bucket is addressed: its URL, keys, endpoint and certificate.

use std::fs;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sim_kit::{CertificateOptions, Listener, Server, TlsAcceptor, tls_acceptor};
use tokio::net::TcpStream;

use super::{command, run, run_ok};
use crate::harness::TestContext;
use crate::lake::lake;

#[test]
fn mistyped_urls_are_refused() {
    let context = TestContext::msp();
    context.write_good_sync();
    for location in [
        "s3:/lake/x",
        "s3:lake",
        "s3//lake/x",
        "gs:x",
        "az:\\x",
        "s3a://lake/x",
        "http://lake/x",
        "https://lake/x",
        "file:x",
        "file:///tmp/x",
        "C:\\x",
        "c:/x",
        "s3://lake//x",
        "s3://lake/../x",
        "s3://",
    ] {
        let sinks: Vec<String> = ["c1z", "html", "parquet", "csv"]
            .iter()
            .map(|kind| format!("{kind}={location}"))
            .collect();
        let mut runs: Vec<Vec<&str>> = sinks.iter().map(|sink| vec!["--sink", sink]).collect();
        runs.extend([
            vec!["--file", location],
            vec!["check", "--file", location],
            vec!["--log-path", location],
            vec!["check", "--provisioning", "--audit-log", location],
            vec!["inspect", location, "users"],
            vec!["diff", location, "sync.c1z"],
            vec!["diff", "sync.c1z", location],
            vec!["export", "--from", location, "--sink", "csv=out"],
            vec!["report", "--from", location],
            vec!["report", "--from", "sync.c1z", "-o", location],
            vec!["convert", location, "new.c1z"],
            vec!["convert", "sync.c1z", location],
            vec!["verify", location],
            vec!["history", "rebuild", location],
        ]);
        for arguments in runs {
            let ran = context.run(&arguments);
            assert_eq!(ran.code, Some(3), "{arguments:?}: {}", ran.stderr);
        }
    }
    context.assert_only_files(&["sync.c1z"]);
}

#[test]
fn keys_are_written_as_typed() {
    let context = TestContext::msp();
    let s3 = lake(None);
    for prefix in ["access data", "zugänge", "a%20b", "100%", "a#b", "x/y z/ü"] {
        let location = format!("S3://lake/{prefix}/");
        let sink = format!("csv={location}");
        run_ok(&context, &s3, &["--sink", &sink]);
        let pointer = format!("{prefix}/latest.json");
        assert!(
            s3.objects().contains_key(&pointer),
            "{:?}",
            s3.objects().keys().collect::<Vec<_>>()
        );
        run_ok(&context, &s3, &["verify", &location]);
        run_ok(&context, &s3, &["inspect", &location, "users"]);
    }
    let prefixes = ["access data/", "zugänge/", "a%20b/", "100%/", "a#b/", "x/y z/ü/"];
    for key in s3.objects().keys() {
        assert!(prefixes.iter().any(|prefix| key.starts_with(prefix)), "{key}");
    }
}

/// Earlier versions wrote percent-encoded keys for the same URL.
#[test]
fn a_dataset_under_percent_encoded_keys_is_found() {
    let context = TestContext::msp();
    let s3 = lake(None);
    run_ok(&context, &s3, &["--sink", "csv=s3://lake/access%20data"]);
    let before = s3.objects();
    for arguments in [
        ["--sink", "csv=s3://lake/access data"].as_slice(),
        &["verify", "s3://lake/access data"],
        &["inspect", "s3://lake/access data", "users"],
    ] {
        let ran = run(&context, &s3, arguments);
        assert_eq!(ran.code, Some(9), "{}", ran.stderr);
        assert!(ran.stderr.contains("s3://lake/access%20data"), "{}", ran.stderr);
    }
    assert_eq!(s3.objects(), before);
    run_ok(&context, &s3, &["--sink", "csv=s3://lake/access%20data"]);
}

#[test]
fn invalid_endpoints_are_refused() {
    let context = TestContext::msp();
    let s3 = lake(None);
    for (variable, location) in [
        ("AWS_ENDPOINT", "s3://lake/access"),
        ("AWS_ENDPOINT_URL", "s3://lake/access"),
        ("AWS_ENDPOINT_URL_S3", "s3://lake/access"),
        ("AWS_ENDPOINT_URL_STS", "s3://lake/access"),
        ("GOOGLE_BASE_URL", "gs://lake/access"),
        ("AZURE_STORAGE_ENDPOINT", "az://lake/access"),
        ("HTTPS_PROXY", "s3://lake/access"),
        ("http_proxy", "s3://lake/access"),
    ] {
        let mut junk = vec!["ftp://canary:canary@host", "http://canary@[::bad", "://"];
        if !variable.to_lowercase().ends_with("proxy") {
            junk.extend([
                "minio:9000",
                "minio",
                "https://canary:canary@minio",
                "http://10.1.2.3:9000",
            ]);
        }
        for address in junk {
            for arguments in [
                vec!["verify", location],
                vec!["--sink", &format!("csv={location}")],
            ] {
                let mut command = command(&context, &s3, &arguments);
                let ran = context.finish(command.env_remove("AWS_ENDPOINT_URL").env(variable, address));
                assert_eq!(ran.code, Some(3), "{variable}={address}: {}", ran.stderr);
                assert!(ran.stderr.contains(variable), "{}", ran.stderr);
                assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
            }
        }
        // Empty is not set.
        if location.starts_with("s3") && variable != "AWS_ENDPOINT_URL" {
            let mut command = command(&context, &s3, &["--sink", "csv=s3://lake/access"]);
            let ran = context.finish(command.env(variable, ""));
            assert_eq!(ran.code, Some(0), "{variable}: {}", ran.stderr);
        }
    }
    let mut allowed = command(&context, &s3, &["verify", "s3://lake/access"]);
    allowed
        .env("AWS_ENDPOINT_URL", "http://lake.invalid:9000")
        .env("AWS_ALLOW_HTTP", "true");
    let ran = context.finish(&mut allowed);
    assert_eq!(ran.code, Some(14), "{}", ran.stderr);
}

/// A server with a certificate of a test CA, which refuses every request.
struct PrivateServer {
    endpoint: String,
    ca_pem: String,
    _server: Server,
}

fn private_server() -> PrivateServer {
    let (acceptor, ca_pem) = tls_acceptor(&CertificateOptions::default(), &[]).unwrap();
    let listener = Listener::bind_loopback().unwrap();
    let server = Server::start("private", listener, move |stream, _| {
        refuse_requests(stream, acceptor.clone())
    });
    let server = server.unwrap();
    PrivateServer {
        endpoint: format!("https://localhost:{}", server.address().port()),
        ca_pem,
        _server: server,
    }
}

async fn refuse_requests(stream: TcpStream, acceptor: TlsAcceptor) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(|request: Request<Incoming>| async {
        request.into_body().collect().await?;
        let body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        let mut response = Response::new(body.to_owned());
        *response.status_mut() = StatusCode::FORBIDDEN;
        Ok::<_, hyper::Error>(response)
    });
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

#[test]
fn ca_file_applies_to_buckets() {
    let context = TestContext::msp();
    let s3 = lake(None);
    let private = private_server();
    fs::write(context.path("ca.pem"), &private.ca_pem).unwrap();
    fs::write(context.path("no.pem"), "no certificate").unwrap();
    let c1z = "s3://lake/access/sync.c1z";
    for arguments in [
        vec!["--sink", "parquet=s3://lake/access"],
        vec!["--file", c1z],
        vec!["verify", "s3://lake/access"],
        vec!["inspect", "s3://lake/access", "users"],
        vec!["inspect", c1z, "users"],
        vec!["diff", "s3://lake/access"],
        vec!["report", "--from", c1z],
    ] {
        let trusting = |ca: &str| {
            let mut arguments = arguments.clone();
            arguments.extend(["--ca-file", ca]);
            let mut command = command(&context, &s3, &arguments);
            context.finish(command.env("AWS_ENDPOINT_URL", &private.endpoint))
        };
        let ran = trusting("ca.pem");
        assert_eq!(ran.code, Some(7), "{arguments:?}: {}", ran.stderr);
        let ran = trusting("no.pem");
        assert_eq!(ran.code, Some(3), "{arguments:?}: {}", ran.stderr);
    }
    let mut bundle = command(&context, &s3, &["verify", "s3://lake/access"]);
    bundle
        .env("AWS_ENDPOINT_URL", &private.endpoint)
        .env("AWS_CA_BUNDLE", "ca.pem");
    let ran = context.finish(&mut bundle);
    assert_eq!(ran.code, Some(7), "{}", ran.stderr);
    let mut distrusting = command(&context, &s3, &["verify", "s3://lake/access"]);
    let ran = context.finish(distrusting.env("AWS_ENDPOINT_URL", &private.endpoint));
    assert_eq!(ran.code, Some(14), "{}", ran.stderr);
    assert!(ran.stderr.contains("UnknownIssuer"), "{}", ran.stderr);
}
