//! Traces and logs as an OpenTelemetry collector receives them.

mod collector;
mod echoes;

use std::fmt::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use baton_proto::connectorapi_baton_v1::task::{self as wire, TaskType};
use insta::assert_snapshot;
use ninjaone_sim::{Fault, When};

use crate::harness::{RunOutput, SECRET, TestContext};
use crate::support::service::Served;
use collector::{Collector, attribute, text};

const ENDPOINT: &str = "--otel-collector-endpoint";
const INSECURE: &str = "--otel-collector-endpoint-tls-insecure";
/// Extra time at the end of a run when the collector is not reachable.
const LAST_WORDS: Duration = Duration::from_secs(6);

fn sync_to(context: &TestContext, address: &str, more: &[&str]) -> RunOutput {
    let mut arguments = vec![ENDPOINT, address, INSECURE];
    arguments.extend(more);
    context.run(&arguments)
}

#[test]
fn spans_and_logs_of_a_sync_arrive_without_secrets() {
    let context = TestContext::msp();
    let collector = Collector::start();
    let ran = sync_to(&context, &collector.address, &["--log-level", "debug"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);

    let spans = collector.spans();
    let sync: Vec<_> = spans.iter().filter(|span| span.name == "sync").collect();
    let [sync] = sync[..] else {
        panic!("one span is for the sync: {spans:?}");
    };
    assert_eq!(attribute(&sync.attributes, "sync_type"), "full");
    assert_eq!(sync.parent_span_id, b"");
    let requests: Vec<_> = spans.iter().filter(|span| span.name == "GET").collect();
    let users = requests
        .iter()
        .find(|span| attribute(&span.attributes, "url.path") == "/v2/users");
    let users = users.unwrap();
    assert_eq!(attribute(&users.attributes, "http.request.method"), "GET");
    assert_eq!(attribute(&users.attributes, "http.response.status_code"), "200");
    for span in requests {
        assert_eq!(span.parent_span_id, sync.span_id);
        assert_eq!(span.trace_id, sync.trace_id);
        assert!(!attribute(&span.attributes, "url.path").contains('?'));
    }

    let records = collector.records();
    let messages: Vec<String> = records.iter().map(|record| text(record.body.as_ref())).collect();
    assert!(
        messages.iter().any(|line| line == "sync published"),
        "{messages:?}"
    );
    let request = records
        .iter()
        .find(|record| text(record.body.as_ref()) == "request");
    assert_eq!(request.unwrap().trace_id, sync.trace_id);
    let lines = ran.stderr.lines().count();
    assert_eq!(
        records.len(),
        lines,
        "every line, once\n{}\n{messages:?}",
        ran.stderr
    );

    assert_eq!(collector.services(), ["baton-ninja-one-server"]);
    for hidden in [SECRET, "sim-token"] {
        assert!(!collector.received(hidden), "{hidden} was told");
    }
}

#[test]
fn a_failed_sync_is_a_failed_span() {
    let context = TestContext::faulty("/v2/users", When::Always, Fault::Status(500));
    let collector = Collector::start();
    let ran = sync_to(&context, &collector.address, &["--ninja-one-retry-seconds", "0"]);
    assert_eq!(ran.code, Some(14), "{}", ran.stderr);
    let spans = collector.spans();
    let sync = spans.iter().find(|span| span.name == "sync").unwrap();
    let status = sync.status.as_ref().unwrap();
    assert_eq!(status.code, 2);
    assert!(ran.stderr.contains(&status.message), "{}", status.message);
}

#[test]
fn disabled_signals_are_not_sent() {
    for (flag, spans, records) in [
        ("--otel-tracing-disabled", false, true),
        ("--otel-logging-disabled", true, false),
    ] {
        let context = TestContext::msp();
        let collector = Collector::start();
        let ran = sync_to(&context, &collector.address, &[flag]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(!collector.spans().is_empty(), spans, "{flag}");
        assert_eq!(!collector.records().is_empty(), records, "{flag}");
    }
    let context = TestContext::msp();
    let collector = Collector::start();
    let both = ["--otel-tracing-disabled", "--otel-logging-disabled"];
    assert_eq!(sync_to(&context, &collector.address, &both).code, Some(0));
    assert_eq!(collector.calls(), 0);
}

#[test]
fn a_collector_that_is_down_does_not_affect_a_sync() {
    let context = TestContext::msp();
    let begin = Instant::now();
    assert_eq!(context.run(&[]).code, Some(0));
    let usual = begin.elapsed();

    let refusing = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = refusing.local_addr().unwrap().to_string();
    drop(refusing);
    // Accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [address, silent.local_addr().unwrap().to_string()] {
        let begin = Instant::now();
        let ran = sync_to(&context, &address, &[]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(begin.elapsed() < usual + LAST_WORDS, "{:?}", begin.elapsed());
        assert!(ran.stdout.contains("sync.c1z"), "{}", ran.stdout);
    }
    let ran = sync_to(&context, "127.0.0.1:1", &[]);
    let warnings = ran
        .stderr
        .matches("the collector rejects traces and logs")
        .count();
    assert_eq!(warnings, 1, "{}", ran.stderr);
}

#[test]
fn the_certificate_is_given_as_a_file_or_inline() {
    let collector = Collector::start_tls();
    let context = TestContext::msp();
    std::fs::write(context.path("ca.pem"), collector.authority()).unwrap();
    let inline = collector::base64url(collector.authority().as_bytes());
    for (name, value) in [
        ("--otel-collector-endpoint-tls-cert-path", "ca.pem"),
        ("--otel-collector-endpoint-tls-cert", inline.as_str()),
        ("--ca-file", "ca.pem"),
    ] {
        let before = collector.spans().len();
        let ran = context.run(&[ENDPOINT, &collector.address, name, value]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(collector.spans().len() > before, "{name}\n{}", ran.stderr);
    }
    let calls = collector.calls();
    let ran = context.run(&[ENDPOINT, &collector.address]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(collector.calls(), calls, "an unknown authority is not trusted");
}

#[test]
fn an_export_is_traced_like_a_sync() {
    let context = TestContext::bare();
    context.write_good_sync();
    let collector = Collector::start();
    let more = ["export", "--from", "sync.c1z", "--sink", "csv=out"];
    let ran = sync_to(&context, &collector.address, &more);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(collector.spans().len(), 1);
    assert_eq!(collector.spans()[0].name, "sync");
}

#[test]
fn spans_of_a_task_arrive() {
    let collector = Collector::start();
    let mut served = Served::msp(&[ENDPOINT, &collector.address, INSECURE]);
    let id = served.push(TaskType::SyncFull(wire::SyncFullTask::default()));
    served.finished(&id);
    assert_eq!(served.stop(), Some(0));
    let spans = collector.spans();
    let task = spans
        .iter()
        .find(|span| attribute(&span.attributes, "task") == id.to_string())
        .unwrap();
    let sync = spans.iter().find(|span| span.name == "sync").unwrap();
    assert_eq!(sync.parent_span_id, task.span_id);
    let call = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    assert_eq!(call("FinishTask").parent_span_id, task.span_id);
    assert_eq!(call("UploadAsset").trace_id, task.trace_id);
    assert_eq!(call("GetTask").parent_span_id, b"");
    let records = collector.records();
    let accepted = records
        .iter()
        .find(|record| text(record.body.as_ref()) == "task accepted");
    assert_eq!(accepted.unwrap().trace_id, task.trace_id);
    for hidden in served.secrets() {
        assert!(!collector.received(&hidden), "a secret was told");
    }
}

#[test]
fn invalid_settings_are_refused_without_their_password() {
    let context = TestContext::msp();
    std::fs::write(context.path("empty.pem"), "").unwrap();
    let cert = "--otel-collector-endpoint-tls-cert";
    let path = "--otel-collector-endpoint-tls-cert-path";
    let mut shown = String::new();
    for arguments in [
        &[ENDPOINT, "c:4317", cert, "AAAA", path, "ca.pem"][..],
        &[
            ENDPOINT,
            "c:4317",
            "--otel-collector-endpoint-tls-cert=-----BEGIN CERTIFICATE-----",
        ],
        &[ENDPOINT, "c:4317", cert, "AAAA"],
        &[ENDPOINT, "c:4317", path, "none.pem"],
        &[ENDPOINT, "c:4317", path, "empty.pem"],
        &[ENDPOINT, "http://c:4317"],
        &[ENDPOINT, "https://c:4317", INSECURE],
        &[ENDPOINT, "unix:///run/otel"],
        &[ENDPOINT, "c:4317/v1/traces"],
        &[ENDPOINT, "https://me:hush@c:4317"],
    ] {
        let ran = context.run(arguments);
        assert!(!ran.stderr.contains("hush"), "{}", ran.stderr);
        writeln!(
            shown,
            "{}\n{}",
            arguments[1..].join(" "),
            context.error_snapshot(&ran)
        )
        .unwrap();
    }
    assert_snapshot!(shown);
}
