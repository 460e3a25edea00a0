//! `health-check`: queries a running connector and prints nothing if it is healthy.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::harness::{RunOutput, TestContext};

/// A connector that gives this answer to one request and returns the request line.
fn connector(answer: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let line = first_line(&stream);
        stream.write_all(answer.as_bytes()).unwrap();
        line
    });
    (port, thread)
}

fn first_line(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    first
}

fn command(context: &TestContext, port: u16, arguments: &[&str]) -> Command {
    let mut command = context.command(&["health-check"]);
    command
        .args(arguments)
        .env("BATON_HEALTH_CHECK_PORT", port.to_string());
    command
}

fn ask(port: u16, arguments: &[&str]) -> RunOutput {
    let context = TestContext::bare();
    let mut command = command(&context, port, arguments);
    context.finish(&mut command)
}

fn failed(port: u16, ran: &RunOutput) -> String {
    assert_eq!(ran.stdout, "");
    TestContext::bare()
        .error_snapshot(ran)
        .replace(&port.to_string(), "[PORT]")
}

const WELL: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const UNWELL: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}";

#[test]
fn a_healthy_connector_prints_nothing() {
    for (arguments, path) in [
        (&[][..], "/health"),
        (&["--endpoint", "health"], "/health"),
        (&["--endpoint=ready", "--timeout=9"], "/ready"),
        (&["--endpoint", "live", "--timeout", "1"], "/live"),
        // A server on all interfaces is queried on loopback.
        (&["--health-check-bind-address", "0.0.0.0"], "/health"),
        (&["--health-check-bind-address", "localhost"], "/health"),
    ] {
        let (port, thread) = connector(WELL);
        let ran = ask(port, arguments);
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (Some(0), "", ""),
            "{arguments:?}"
        );
        assert_eq!(thread.join().unwrap(), format!("GET {path} HTTP/1.1"));
    }
}

#[test]
fn a_flag_before_the_subcommand_overrides_the_variable() {
    let (port, thread) = connector(WELL);
    let context = TestContext::bare();
    let mut command = context.command(&["--health-check-port", &port.to_string(), "health-check"]);
    // Settings of the connector do not affect the probe.
    command
        .env("BATON_HEALTH_CHECK_PORT", "1")
        .env("BATON_HEALTH_CHECK", "true")
        .env("BATON_REVOKE_GRANT", "role:7:assigned:user:901");
    assert_eq!(context.finish(&mut command).code, Some(0));
    thread.join().unwrap();
}

#[test]
fn an_unhealthy_connector_is_reported() {
    let (port, thread) = connector(UNWELL);
    assert_snapshot!("unwell", failed(port, &ask(port, &[])));
    thread.join().unwrap();
    let (port, thread) = connector("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    assert_snapshot!(
        "something_else_there",
        failed(port, &ask(port, &["--endpoint", "ready"]))
    );
    thread.join().unwrap();
    let (port, thread) = connector("220 mail.example.com ESMTP\r\n");
    assert_snapshot!("no_http", failed(port, &ask(port, &[])));
    thread.join().unwrap();
}

#[test]
fn a_closed_port_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_snapshot!(failed(port, &ask(port, &[])));
}

#[test]
fn a_silent_server_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let begin = Instant::now();
    assert_snapshot!(failed(port, &ask(port, &["--timeout", "1"])));
    let took = begin.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(5),
        "{took:?}"
    );
}

#[test]
fn invalid_arguments_are_refused() {
    assert_snapshot!(
        "no_endpoint",
        failed(8081, &ask(8081, &["--endpoint", "metrics"]))
    );
    assert_snapshot!("no_time", failed(8081, &ask(8081, &["--timeout", "0"])));
    assert_snapshot!(
        "no_port",
        failed(8081, &ask(8081, &["--health-check-port", "65536"]))
    );
}
