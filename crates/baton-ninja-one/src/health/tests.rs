use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use access_core::{Diagnostic, StatusCode};
use insta::assert_snapshot;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::error::HealthError;
use super::*;
use crate::settings::{Environment, HealthAddress};

const SECRET: &str = "client_secret=hunter2 at https://eu.ninjarmm.com/ws/oauth/token";

/// Short for tests, long enough for a busy machine.
const QUICK: CheckIntervals = CheckIntervals {
    every: Duration::from_millis(400),
    limit: Duration::from_secs(20),
    patience: Duration::from_millis(200),
};

#[derive(Clone, Default)]
struct Count(Arc<AtomicU32>);

impl Count {
    fn get(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

fn address(port: u16) -> HealthAddress {
    HealthAddress {
        host: "127.0.0.1".to_owned(),
        port,
    }
}

fn refused() -> Failure {
    Failure::new(SECRET.to_owned(), None, StatusCode::Unauthenticated)
}

/// A server whose validations return these results in turn, and then repeat the last one.
async fn serving(
    pace: CheckIntervals,
    results: &'static [fn() -> ValidationFuture],
) -> (HealthServer, Count) {
    let count = Count::default();
    let counting = count.clone();
    let checker = Checker::new(pace, move || {
        let turn = counting.0.fetch_add(1, Ordering::SeqCst) as usize;
        results[turn.min(results.len() - 1)]()
    });
    let server = HealthServer::bind(&address(0), checker, Metrics::new())
        .await
        .unwrap();
    (server, count)
}

const WORKS: fn() -> ValidationFuture = || Box::pin(async { Ok(()) });
const FAILS: fn() -> ValidationFuture = || Box::pin(async { Err(refused()) });
const HANGS: fn() -> ValidationFuture = || Box::pin(std::future::pending());
const PANICS: fn() -> ValidationFuture = || Box::pin(async { panic!("{SECRET}") });

async fn raw(server: &HealthServer, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Status line, content type and body, with a masked time.
async fn send(server: &HealthServer, method: &str, path: &str) -> String {
    let request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n");
    let answer = raw(server, &request).await;
    assert!(
        !answer.contains("hunter2") && !answer.contains("ninjarmm"),
        "{answer}"
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap();
    let kind = lines.find(|line| line.starts_with("content-type")).unwrap_or("-");
    let body = match body.split_once("\"timestamp\":\"") {
        Some((before, after)) => {
            let (time, after) = after.split_once('"').unwrap();
            assert_eq!((time.len(), time.ends_with('Z')), (20, true), "{time}");
            format!("{before}\"timestamp\":\"[NOW]\"{after}")
        }
        None => body.to_owned(),
    };
    format!("{method} {path}\n{status}\n{kind}\n{body}\n")
}

async fn status(server: &HealthServer, path: &str) -> String {
    let answer = send(server, "GET", path).await;
    answer.lines().nth(1).unwrap()["HTTP/1.1 ".len()..][..3].to_owned()
}

#[tokio::test]
async fn responses_of_the_health_server() {
    let (working, _) = serving(CheckIntervals::default(), &[WORKS]).await;
    let (failing, _) = serving(CheckIntervals::default(), &[FAILS]).await;
    let mut shown = String::new();
    for path in ["/health", "/ready", "/live", "/health?verbose=1", "/healthz", "/"] {
        shown += &send(&working, "GET", path).await;
    }
    for method in ["POST", "HEAD", "DELETE"] {
        shown += &send(&working, method, "/health").await;
    }
    for path in ["/health", "/ready", "/live"] {
        shown += &send(&failing, "GET", path).await;
    }
    assert_snapshot!(shown);
    let metrics = send(&failing, "GET", "/metrics").await;
    assert!(
        metrics.contains("200 OK\ncontent-type: application/openmetrics-text; version=1.0.0"),
        "{metrics}"
    );
    assert!(metrics.ends_with("# EOF\n\n"), "{metrics}");
}

#[tokio::test]
async fn nothing_is_validated_without_a_probe() {
    let (server, count) = serving(QUICK, &[WORKS]).await;
    for path in ["/live", "/metrics", "/nothing"] {
        send(&server, "GET", path).await;
    }
    sleep(QUICK.every).await;
    assert_eq!(count.get(), 0);
}

#[tokio::test]
async fn result_is_valid_for_a_while() {
    let pace = CheckIntervals {
        every: Duration::from_secs(1),
        patience: Duration::from_secs(10),
        ..QUICK
    };
    let (server, count) = serving(pace, &[WORKS, FAILS, WORKS]).await;
    let begin = Instant::now();
    for expected in ["200", "503", "200"] {
        assert_eq!(status(&server, "/health").await, expected);
        assert_eq!(status(&server, "/ready").await, expected);
        sleep(pace.every).await;
    }
    let most = u32::try_from(begin.elapsed().as_millis() / pace.every.as_millis()).unwrap();
    assert!((3..=most).contains(&count.get()), "{} of {most}", count.get());
}

#[tokio::test]
async fn concurrent_probes_share_a_validation() {
    let (server, count) = serving(
        CheckIntervals::default(),
        &[|| {
            Box::pin(async {
                sleep(Duration::from_millis(300)).await;
                Ok(())
            })
        }],
    )
    .await;
    let probes = (0..20).map(|_| status(&server, "/health"));
    for answer in futures_of(probes).await {
        assert_eq!(answer, "200");
    }
    assert_eq!(count.get(), 1);
}

async fn futures_of<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, done) in &mut pinned {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if pinned.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    pinned.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn hanging_validation_times_out_without_blocking_probes() {
    let pace = CheckIntervals {
        every: Duration::from_mins(1),
        limit: Duration::from_secs(2),
        ..QUICK
    };
    let (server, count) = serving(pace, &[HANGS]).await;
    let begin = Instant::now();
    let pending = send(&server, "GET", "/health").await;
    assert!(begin.elapsed() < pace.limit, "{:?}", begin.elapsed());
    assert_eq!(status(&server, "/ready").await, "503");
    assert_eq!(status(&server, "/live").await, "200");
    assert_eq!(count.get(), 1);
    sleep(pace.limit).await;
    let given_up = send(&server, "GET", "/health").await;
    assert_snapshot!(pending + &given_up);
}

#[tokio::test]
async fn last_result_stays_valid_during_a_slow_refresh() {
    let pace = CheckIntervals {
        every: Duration::from_secs(2),
        ..QUICK
    };
    let (server, count) = serving(pace, &[WORKS, HANGS]).await;
    assert_eq!(status(&server, "/health").await, "200");
    sleep(pace.every + Duration::from_millis(100)).await;
    assert_eq!(status(&server, "/health").await, "200");
    assert_eq!(count.get(), 2);
    sleep(pace.every).await;
    assert_eq!(status(&server, "/health").await, "503");
    assert_eq!(count.get(), 2);
}

#[tokio::test]
async fn panicking_validation_has_failed() {
    let (server, _) = serving(CheckIntervals::default(), &[PANICS]).await;
    let answer = send(&server, "GET", "/health").await;
    assert!(answer.contains(r#""validation_error":"internal""#), "{answer}");
}

#[tokio::test]
async fn invalid_http_is_dropped_without_harm() {
    let (server, _) = serving(CheckIntervals::default(), &[WORKS]).await;
    let answer = raw(&server, "\x16\x03\x01 hello\r\n\r\n").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
    assert_eq!(status(&server, "/live").await, "200");
}

#[tokio::test]
async fn half_open_connections_do_not_block_probes() {
    let (server, _) = serving(CheckIntervals::default(), &[HANGS]).await;
    let mut idle = Vec::new();
    let mut half = Vec::new();
    for round in 0..4 {
        for _ in 0..100 {
            idle.push(TcpStream::connect(server.address()).await.unwrap());
            let mut stream = TcpStream::connect(server.address()).await.unwrap();
            // Connections that were closed for others may refuse it.
            let _ = stream.write_all(b"GET /live HTTP/1.1\r\nx: ").await;
            half.push(stream);
        }
        let begin = Instant::now();
        assert_eq!(status(&server, "/live").await, "200", "round {round}");
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn greedy_client_does_not_starve_others() {
    let (server, _) = serving(CheckIntervals::default(), &[HANGS]).await;
    let mut waiting = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
        waiting.push(stream);
    }
    assert_eq!(status(&server, "/live").await, "200");
}

#[tokio::test]
async fn shutdown_answers_open_requests_only() {
    let (server, _) = serving(
        CheckIntervals::default(),
        &[|| {
            Box::pin(async {
                sleep(Duration::from_millis(500)).await;
                Ok(())
            })
        }],
    )
    .await;
    let at = server.address();
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    sleep(Duration::from_millis(200)).await;
    server.shutdown().await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(
        TcpStream::connect(at).await.unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
}

#[tokio::test]
async fn unusable_address_is_reported() {
    let (server, _) = serving(CheckIntervals::default(), &[WORKS]).await;
    let port = server.address().port();
    let bind = async |address| {
        let checker = Checker::new(CheckIntervals::default(), WORKS);
        HealthServer::bind(&address, checker, Metrics::new())
            .await
            .err()
            .unwrap()
    };
    let error: HealthError = bind(address(port)).await;
    assert_eq!(
        error.to_string(),
        format!("cannot listen for health checks at 127.0.0.1:{port}")
    );
    assert_eq!(error.status(), StatusCode::FailedPrecondition);
    // A documentation address.
    let elsewhere = HealthAddress {
        host: "192.0.2.1".to_owned(),
        port: 0,
    };
    assert_eq!(bind(elsewhere).await.status(), StatusCode::InvalidArgument);
}

fn settings(arguments: &[&str]) -> Settings {
    let arguments = ["baton-ninja-one"].iter().chain(arguments);
    let matches = crate::cli::command().try_get_matches_from(arguments).unwrap();
    let folder = tempfile::tempdir().unwrap();
    Settings::load(&matches, &Environment::default(), folder.path()).unwrap()
}

#[tokio::test]
async fn settings_enable_and_place_the_server() {
    assert!(
        start(&settings(&[]), Metrics::new(), WORKS)
            .await
            .unwrap()
            .is_none()
    );
    let (taken, _) = serving(CheckIntervals::default(), &[WORKS]).await;
    let port = taken.address().port().to_string();
    let on = settings(&["--health-check", "--health-check-port", &port]);
    let failure = start(&on, Metrics::new(), WORKS).await.err().unwrap();
    assert_eq!(failure.status(), StatusCode::FailedPrecondition);
    assert!(
        failure.message().contains(&format!("127.0.0.1:{port}")),
        "{}",
        failure.message()
    );
    taken.shutdown().await;
    let server = start(&on, Metrics::new(), WORKS).await.unwrap().unwrap();
    assert_eq!(status(&server, "/health").await, "200");
    let default = settings(&[]).health_address().unwrap();
    assert_eq!(default.to_string(), "127.0.0.1:8081");
    let six = settings(&["--health-check-bind-address", "[::1]"])
        .health_address()
        .unwrap();
    assert_eq!(
        (six.host.as_str(), six.to_string().as_str()),
        ("::1", "[::1]:8081")
    );
    let wrong = settings(&["--health-check-port", "0"]).health_address();
    assert!(wrong.unwrap_err().to_string().contains("from 1 to 65535"));
}
