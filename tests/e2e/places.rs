//! Places that are no regular files, places that are mistyped, buckets as they were typed, c1z files in buckets, and a stop while
//! something hangs.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ninjaone_sim::{Fault, When};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use s3_sim::{S3Fault, S3Sim};
use sim_kit::{CertificateOptions, Listener, Server, TlsAcceptor, tls_acceptor};
use tokio::net::TcpStream;

use crate::harness::{Ran, TestContext, skipped};
use crate::lake::{self, lake};

/// Plain HTTP to this machine needs no leave.
fn command(context: &TestContext, s3: &S3Sim, arguments: &[&str]) -> Command {
    let mut command = lake::command(context, s3, arguments);
    command
        .env_remove("AWS_ENDPOINT")
        .env_remove("AWS_ALLOW_HTTP")
        .env("AWS_ENDPOINT_URL", s3.endpoint());
    command
}

fn run(context: &TestContext, s3: &S3Sim, arguments: &[&str]) -> Ran {
    context.finish(&mut command(context, s3, arguments))
}

fn succeeds(context: &TestContext, s3: &S3Sim, arguments: &[&str]) -> Ran {
    let ran = run(context, s3, arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
    ran
}

/// Ends within seconds, though nothing answers.
fn at_once(context: &TestContext, arguments: &[&str]) -> Ran {
    let begin = Instant::now();
    let mut command = Command::new("timeout");
    let connector = context.command(arguments);
    command.args(["-s", "KILL", "20"]).arg(connector.get_program());
    command.args(arguments).current_dir(context.folder.path());
    command
        .stdin(Stdio::null())
        .env_clear()
        .env("PATH", "/usr/bin:/bin");
    let variables = connector.get_envs();
    command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    let ran = context.finish(&mut command);
    assert!(begin.elapsed() < Duration::from_secs(15), "{arguments:?} hangs");
    ran
}

/// Nodes of every type in the test's folder, as far as this user may make them.
fn nodes(context: &TestContext) -> Vec<(&'static str, &'static str)> {
    fs::create_dir(context.path("folder")).unwrap();
    mknodat(
        CWD,
        context.path("pipe"),
        FileType::Fifo,
        Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    drop(UnixListener::bind(context.path("socket")).unwrap());
    symlink("pipe", context.path("link")).unwrap();
    let mut nodes = vec![
        ("folder", "directory"),
        ("pipe", "a pipe"),
        ("socket", "a socket"),
        ("link", "a pipe"),
    ];
    let null = makedev(1, 3);
    match mknodat(
        CWD,
        context.path("null"),
        FileType::CharacterDevice,
        Mode::from_raw_mode(0o666),
        null,
    ) {
        Ok(()) => nodes.push(("null", "a device")),
        Err(error) => skipped("a device node", &format!("mknod: {error}")),
    }
    nodes
}

fn still_a_node(path: &Path) {
    let file_type = fs::symlink_metadata(path).unwrap().file_type();
    assert!(
        file_type.is_dir()
            || file_type.is_fifo()
            || file_type.is_socket()
            || file_type.is_char_device()
            || file_type.is_symlink(),
        "{} became something else",
        path.display()
    );
}

#[test]
fn nodes_are_not_written() {
    let context = TestContext::msp();
    context.good_sync();
    for (name, what) in nodes(&context) {
        let sinks = [
            format!("c1z={name}"),
            format!("html={name}"),
            format!("parquet={name}"),
        ];
        let mut runs: Vec<Vec<&str>> = vec![
            vec!["--file", name],
            vec!["--file", name, "--replace-existing"],
            vec!["report", "--from", "sync.c1z", "-o", name],
            vec!["--sink", &sinks[0]],
            vec!["--sink", &sinks[1]],
        ];
        if name != "folder" {
            runs.push(vec!["--sink", &sinks[2]]);
        }
        for arguments in runs {
            let ran = at_once(&context, &arguments);
            assert_eq!(ran.code, Some(3), "{arguments:?}: {}", ran.stderr);
            still_a_node(&context.path(name));
            let says = [what, "is a folder", "is not a folder"];
            assert!(
                says.iter().any(|words| ran.stderr.contains(words)),
                "{}",
                ran.stderr
            );
        }
        let ran = at_once(&context, &["convert", "sync.c1z", name]);
        assert_eq!(ran.code, Some(6), "{}", ran.stderr);
        still_a_node(&context.path(name));
    }
    let read = |path: &str| path.starts_with("/v2");
    let calls = context.sim().ledger().calls();
    assert!(
        calls.iter().all(|call| !read(&call.path)),
        "the tenant was read for nothing"
    );
    for name in ["folder", "pipe", "socket", "link"] {
        let ran = at_once(&context, &["check", "--file", name]);
        assert_eq!(ran.code, Some(3), "{name}: {}", ran.stderr);
    }
}

#[test]
fn nodes_are_not_read() {
    let context = TestContext::msp();
    let good = context.good_sync();
    for (name, what) in nodes(&context) {
        if name == "folder" {
            continue;
        }
        for arguments in [
            vec!["inspect", name, "users"],
            vec!["inspect", name, "syncs"],
            vec!["diff", name, "sync.c1z"],
            vec!["diff", "sync.c1z", name],
            vec!["export", "--from", name, "--sink", "csv=out"],
            vec!["report", "--from", name],
            vec!["report", "--from", "sync.c1z", "--previous", name],
            vec!["convert", name, "new.c1z"],
            vec!["verify", name],
            vec!["verify", name, "sync.c1z"],
        ] {
            let ran = at_once(&context, &arguments);
            assert_eq!(ran.code, Some(3), "{arguments:?}: {}", ran.stderr);
            let says = [what, "is not a folder", "one dataset at a time"];
            assert!(
                says.iter().any(|words| ran.stderr.contains(words)),
                "{arguments:?}: {}",
                ran.stderr
            );
            still_a_node(&context.path(name));
        }
    }
    assert_eq!(fs::read(context.path("sync.c1z")).unwrap(), good);
}

/// A log may be a terminal or `/dev/null`, but nothing that blocks.
#[test]
fn logs_do_not_block() {
    let context = TestContext::msp();
    for (name, _) in nodes(&context).into_iter().filter(|(name, _)| *name != "null") {
        let ran = at_once(&context, &["check", "--log-path", name]);
        assert_eq!(ran.code, Some(3), "{name}: {}", ran.stderr);
        let ran = at_once(&context, &["check", "--provisioning", "--audit-log", name]);
        assert!(
            matches!(ran.code, Some(3 | 9)),
            "{name}: {:?} {}",
            ran.code,
            ran.stderr
        );
    }
    let ran = at_once(&context, &["check", "--log-path", "/dev/null"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn a_link_is_written_where_it_leads() {
    let context = TestContext::msp();
    fs::create_dir(context.path("data")).unwrap();
    symlink("data/current.c1z", context.path("sync.c1z")).unwrap();
    symlink(context.path("data/current.html"), context.path("report.html")).unwrap();
    symlink("loop", context.path("loop")).unwrap();
    symlink("nowhere/x.c1z", context.path("lost")).unwrap();
    for times in 1..=2 {
        for arguments in [["--file", "sync.c1z"], ["--sink", "html=report.html"]] {
            let ran = context.run(&arguments);
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        }
        for (link, target) in [
            ("sync.c1z", "data/current.c1z"),
            ("report.html", "data/current.html"),
        ] {
            assert!(
                fs::symlink_metadata(context.path(link)).unwrap().is_symlink(),
                "{link}"
            );
            assert!(
                fs::symlink_metadata(context.path(target)).unwrap().is_file(),
                "{target}"
            );
        }
        let listed = context.run(&["inspect", "sync.c1z", "syncs", "--output", "json"]);
        assert_eq!(listed.stdout.lines().count(), times, "{}", listed.stdout);
    }
    assert_eq!(fs::read_dir(context.path("data")).unwrap().count(), 2);
    let ran = context.run(&["--file", "loop"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("too many levels"), "{}", ran.stderr);
    let ran = context.run(&["--file", "lost"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("nowhere does not exist"), "{}", ran.stderr);
    let ran = context.run(&["--file", "-"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
}

#[test]
fn what_looks_like_a_url_and_is_none_is_refused() {
    let context = TestContext::msp();
    context.good_sync();
    for place in [
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
            .map(|kind| format!("{kind}={place}"))
            .collect();
        let mut runs: Vec<Vec<&str>> = sinks.iter().map(|sink| vec!["--sink", sink]).collect();
        runs.extend([
            vec!["--file", place],
            vec!["check", "--file", place],
            vec!["--log-path", place],
            vec!["check", "--provisioning", "--audit-log", place],
            vec!["inspect", place, "users"],
            vec!["diff", place, "sync.c1z"],
            vec!["diff", "sync.c1z", place],
            vec!["export", "--from", place, "--sink", "csv=out"],
            vec!["report", "--from", place],
            vec!["report", "--from", "sync.c1z", "-o", place],
            vec!["convert", place, "new.c1z"],
            vec!["convert", "sync.c1z", place],
            vec!["verify", place],
            vec!["history", "rebuild", place],
        ]);
        for arguments in runs {
            let ran = context.run(&arguments);
            assert_eq!(ran.code, Some(3), "{arguments:?}: {}", ran.stderr);
        }
    }
    context.only_holds(&["sync.c1z"]);
}

#[test]
fn keys_are_what_was_typed() {
    let context = TestContext::msp();
    let s3 = lake(None);
    for prefix in ["access data", "zugänge", "a%20b", "100%", "a#b", "x/y z/ü"] {
        let place = format!("S3://lake/{prefix}/");
        let sink = format!("csv={place}");
        succeeds(&context, &s3, &["--sink", &sink]);
        let pointer = format!("{prefix}/latest.json");
        assert!(
            s3.objects().contains_key(&pointer),
            "{:?}",
            s3.objects().keys().collect::<Vec<_>>()
        );
        succeeds(&context, &s3, &["verify", &place]);
        succeeds(&context, &s3, &["inspect", &place, "users"]);
    }
    let prefixes = ["access data/", "zugänge/", "a%20b/", "100%/", "a#b/", "x/y z/ü/"];
    for key in s3.objects().keys() {
        assert!(prefixes.iter().any(|prefix| key.starts_with(prefix)), "{key}");
    }
}

/// Earlier versions wrote percent-encoded keys for the same URL.
#[test]
fn a_dataset_of_an_earlier_version_is_not_forgotten() {
    let context = TestContext::msp();
    let s3 = lake(None);
    succeeds(&context, &s3, &["--sink", "csv=s3://lake/access%20data"]);
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
    succeeds(&context, &s3, &["--sink", "csv=s3://lake/access%20data"]);
}

#[test]
fn addresses_of_stores_are_judged() {
    let context = TestContext::msp();
    let s3 = lake(None);
    for (variable, place) in [
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
            for arguments in [vec!["verify", place], vec!["--sink", &format!("csv={place}")]] {
                let mut command = command(&context, &s3, &arguments);
                let ran = context.finish(command.env_remove("AWS_ENDPOINT_URL").env(variable, address));
                assert_eq!(ran.code, Some(3), "{variable}={address}: {}", ran.stderr);
                assert!(ran.stderr.contains(variable), "{}", ran.stderr);
                assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
            }
        }
        // Empty is not set.
        if place.starts_with("s3") && variable != "AWS_ENDPOINT_URL" {
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
fn one_setting_of_authorities_is_for_buckets_too() {
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

const C1Z: &str = "s3://lake/my files/sync.c1z";
const KEY: &str = "my files/sync.c1z";

#[test]
fn a_c1z_in_a_bucket() {
    let context = TestContext::msp();
    let s3 = lake(None);
    succeeds(&context, &s3, &["check", "--file", C1Z]);
    assert!(s3.objects().is_empty(), "a check leaves nothing");
    succeeds(&context, &s3, &["--file", C1Z]);
    let mut by_variable = command(&context, &s3, &[]);
    let ran = context.finish(by_variable.env("BATON_FILE", C1Z));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    succeeds(
        &context,
        &s3,
        &["--sink", &format!("c1z={C1Z}"), "--sink", "csv=out"],
    );
    assert_eq!(s3.objects().keys().collect::<Vec<_>>(), [KEY]);
    context.only_holds(&["out"]);

    let listed = succeeds(&context, &s3, &["inspect", C1Z, "syncs", "--output", "json"]);
    assert_eq!(
        listed.stdout.lines().count(),
        2,
        "history is kept: {}",
        listed.stdout
    );
    succeeds(&context, &s3, &["inspect", C1Z, "users"]);
    let ran = succeeds(&context, &s3, &["diff", C1Z]);
    assert!(!ran.stdout.contains("tmp"), "{}", ran.stdout);
    succeeds(
        &context,
        &s3,
        &["export", "--from", C1Z, "--sink", "csv=exported"],
    );
    succeeds(&context, &s3, &["report", "--from", C1Z]);
    succeeds(&context, &s3, &["convert", C1Z, "v3.c1z"]);
    fs::write(context.path("copy.c1z"), &s3.objects()[KEY]).unwrap();
    let ran = context.run(&["diff", "copy.c1z", "v3.c1z", "--exit-code"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let ran = run(&context, &s3, &["verify", C1Z]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let ran = run(&context, &s3, &["inspect", "s3://lake/no/sync.c1z", "users"]);
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    let ran = run(&context, &s3, &["--file", "s3://lake/access"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
}

/// What is there is refused as in a folder, before the tenant is read, and stays.
#[test]
fn a_c1z_in_a_bucket_knows_what_it_holds() {
    let (context, other) = (TestContext::msp(), TestContext::msp());
    let s3 = lake(None);
    succeeds(&context, &s3, &["--file", C1Z]);
    let good = s3.objects()[KEY].clone();
    for contents in [b"no c1z".to_vec(), good[..good.len() / 2].to_vec(), good.clone()] {
        s3.put(KEY, contents.clone());
        let ran = run(&other, &s3, &["--file", C1Z]);
        assert!(matches!(ran.code, Some(9 | 15)), "{:?} {}", ran.code, ran.stderr);
        assert!(ran.stderr.contains(C1Z), "{}", ran.stderr);
        assert_eq!(s3.objects()[KEY], contents);
        assert_eq!(s3.objects().len(), 1);
    }
    let calls = other.sim().ledger().calls();
    assert!(calls.iter().all(|call| !call.path.starts_with("/v2")));
    succeeds(&other, &s3, &["--file", C1Z, "--replace-existing"]);
}

#[test]
fn a_c1z_that_was_replaced_meanwhile_is_not_overwritten() {
    let slow = Fault::SlowBody {
        first: Duration::from_secs(3),
        pause: Duration::ZERO,
        piece: 1 << 20,
    };
    for there in [false, true] {
        let context = TestContext::faulty("/v2/users", When::Always, slow.clone());
        let s3 = lake(None);
        if there {
            succeeds(&context, &s3, &["--file", C1Z]);
        }
        let calls = context.sim().ledger().count("GET", "/v2/users");
        let mut command = command(&context, &s3, &["--file", C1Z, "--replace-existing"]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while context.sim().ledger().count("GET", "/v2/users") == calls {
            std::thread::sleep(Duration::from_millis(10));
        }
        s3.put(KEY, "somebody else's");
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(10), "{stderr}");
        assert_eq!(s3.objects()[KEY], b"somebody else's");
        assert_eq!(s3.objects().len(), 1);
    }
}

/// Every request fails in every way: the old file or the new one is there, whole, and the exit code says which.
#[test]
fn a_store_that_fails_at_any_request_of_a_c1z() {
    let context = TestContext::msp();
    let s3 = lake(None);
    succeeds(&context, &s3, &["--file", C1Z]);
    s3.forget_requests();
    succeeds(&context, &s3, &["--file", C1Z]);
    let requests = s3.requests().len() as u64;
    for n in 0..requests {
        s3.fail_once(n, S3Fault::AfterEffect);
        succeeds(&context, &s3, &["--file", C1Z]);
        s3.fail_from(None, S3Fault::Reset);
        let before = s3.objects()[KEY].clone();
        s3.fail_from(Some(n), S3Fault::Status(403));
        let ran = run(&context, &s3, &["--file", C1Z]);
        s3.fail_from(None, S3Fault::Reset);
        let is_new = s3.objects()[KEY] != before;
        // Whether it is there is not known when it cannot be read back.
        assert!(ran.code == Some(7), "request {n}: {:?} {}", ran.code, ran.stderr);
        assert_eq!(is_new, n + 1 == requests, "request {n} of {requests}");
        for leftover in s3.objects().keys().filter(|key| *key != KEY) {
            s3.delete(leftover);
        }
    }
}

/// Stopped while a store hangs: within a second, and nothing is left of it here.
fn stopped_while_hanging(context: &TestContext, s3: &S3Sim, arguments: &[&str], n: u64, signal: Signal) {
    s3.forget_requests();
    s3.fail_from(Some(n), S3Fault::Hang);
    let mut command = command(context, s3, arguments);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while (s3.requests().len() as u64) <= n {
        assert!(
            begin.elapsed() < Duration::from_mins(1) && child.try_wait().unwrap().is_none(),
            "{arguments:?}: request {n} does not come: {}",
            String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr)
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    kill_process(Pid::from_child(&child), signal).unwrap();
    let code = child.wait().unwrap().code();
    let took = begin.elapsed();
    s3.fail_from(None, S3Fault::Reset);
    let stderr = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert_eq!(code, Some(1), "{arguments:?}, request {n}: {stderr}");
    assert!(
        took < Duration::from_secs(1),
        "{arguments:?}, request {n}: it took {took:?}"
    );
    assert!(stderr.contains("stopped on request"), "{arguments:?}: {stderr}");
    let temp: Vec<_> = fs::read_dir(context.path("tmp")).unwrap().flatten().collect();
    assert!(temp.is_empty(), "{arguments:?}, request {n}: {temp:?} is left");
}

#[test]
fn a_stop_does_not_wait_for_a_store_that_hangs() {
    let context = TestContext::msp();
    let s3 = lake(None);
    for place in ["parquet=s3://lake/access", &format!("c1z={C1Z}")] {
        succeeds(&context, &s3, &["--sink", place]);
        s3.forget_requests();
        succeeds(&context, &s3, &["--sink", place]);
        let requests = s3.requests().len() as u64;
        for n in (0..requests).step_by(4).chain([requests - 1]) {
            stopped_while_hanging(&context, &s3, &["--sink", place], n, Signal::TERM);
        }
    }
    for arguments in [
        vec!["check", "--file", C1Z],
        vec!["verify", "s3://lake/access"],
        vec!["inspect", "s3://lake/access", "users"],
        vec!["inspect", C1Z, "syncs"],
        vec!["diff", "s3://lake/access"],
        vec!["diff", C1Z, "s3://lake/access"],
        vec!["report", "--from", C1Z],
        vec!["export", "--from", "s3://lake/access", "--sink", "csv=out"],
        vec!["convert", C1Z, "new.c1z"],
    ] {
        for made in ["new.c1z", "report.html"] {
            let _ = fs::remove_file(context.path(made));
        }
        s3.forget_requests();
        let ran = run(&context, &s3, &arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        for made in ["new.c1z", "report.html"] {
            let _ = fs::remove_file(context.path(made));
        }
        let requests = s3.requests().len() as u64;
        let step = usize::try_from(requests / 3).unwrap().max(1);
        for n in (0..requests).step_by(step).chain([requests - 1]) {
            stopped_while_hanging(&context, &s3, &arguments, n, Signal::INT);
        }
    }
}

/// A person who is asked may leave: the prompt of a change on a terminal.
#[test]
fn a_stop_does_not_wait_for_an_answer() {
    let context = TestContext::msp();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let side = || {
        let mut options = File::options();
        options
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap()
    };
    let mut command = context.command(&["revoke", "role:1", "--from", "user:7", "--provisioning"]);
    command.stdin(side()).stdout(side()).stderr(side());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut reader = File::from(terminal);
    let mut shown = String::new();
    let mut chunk = [0; 4096];
    while !shown.contains("[y/N]") {
        let got = reader.read(&mut chunk).unwrap_or(0);
        assert!(got > 0, "no prompt: {shown}");
        shown.push_str(&String::from_utf8_lossy(&chunk[..got]));
    }
    std::thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let code = child.wait().unwrap().code();
    assert!(begin.elapsed() < Duration::from_secs(1), "it waits for an answer");
    while let Ok(got @ 1..) = reader.read(&mut chunk) {
        shown.push_str(&String::from_utf8_lossy(&chunk[..got]));
    }
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("stopped on request; nothing was changed"),
        "{shown}"
    );
}
