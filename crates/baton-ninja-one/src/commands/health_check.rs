//! `health-check`: probes a running connector, for containers without other tools. It prints nothing on success
//! (docs/reference/conductorone.md §1.1, §6.2).

use std::net::IpAddr;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, value_parser};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::failure::Failure;
use crate::runtime;
use crate::settings::{HealthAddress, Settings};

use crate::health::error::HealthError;

/// The subcommand; address and port are those of the settings.
pub(crate) fn subcommand() -> Command {
    let endpoint = Arg::new("endpoint")
        .long("endpoint")
        .value_name("health|ready|live")
        .value_parser(["health", "ready", "live"])
        .hide_possible_values(true)
        .default_value("health")
        .help("Endpoint to check");
    let timeout = Arg::new("timeout")
        .long("timeout")
        .value_name("SECONDS")
        .value_parser(value_parser!(u64).range(1..=3600))
        .default_value("5")
        .help("How long to wait for the answer");
    Command::new("health-check")
        .about("Check the health of a running service")
        .args([endpoint, timeout])
}

/// The arguments of `health-check`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HealthCheckArgs {
    /// The path to request.
    path: &'static str,
    timeout_seconds: u64,
}

impl HealthCheckArgs {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        Self {
            path: match matches.get_one::<String>("endpoint").map(String::as_str) {
                Some("ready") => "/ready",
                Some("live") => "/live",
                _ => "/health",
            },
            timeout_seconds: matches.get_one::<u64>("timeout").copied().unwrap_or(5),
        }
    }
}

/// Probes the connector. Prints nothing on success.
///
/// # Errors
/// [`Failure`] with the reference's exit code: 2 unhealthy, 4 timeout, 14 not reachable.
pub(crate) fn run(settings: &Settings, args: HealthCheckArgs) -> Result<(), Failure> {
    let mut address = settings.health_address()?;
    // A server that listens on all addresses is probed on loopback.
    match address.host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) if ip.is_unspecified() => "127.0.0.1".clone_into(&mut address.host),
        Ok(IpAddr::V6(ip)) if ip.is_unspecified() => "::1".clone_into(&mut address.host),
        _ => {}
    }
    let HealthCheckArgs {
        path,
        timeout_seconds: seconds,
    } = args;
    let runtime = runtime::start()?;
    let status = runtime.block_on(async {
        let request = request_status(&address, path);
        match tokio::time::timeout(Duration::from_secs(seconds), request).await {
            Ok(status) => status,
            Err(_) => Err(HealthError::TimedOut { address, seconds }),
        }
    });
    runtime.shutdown_background();
    match status? {
        StatusCode::OK => Ok(()),
        status => Err(HealthError::Status(status.as_u16()).into()),
    }
}

async fn request_status(address: &HealthAddress, path: &'static str) -> Result<StatusCode, HealthError> {
    let broken = |source| HealthError::Broken {
        address: address.clone(),
        source,
    };
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await;
    let stream = stream.map_err(|source| HealthError::Unreachable {
        address: address.clone(),
        source,
    })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    tokio::spawn(connection);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = Uri::from_static(path);
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_static("localhost"));
    let answer = sender.send_request(request).await.map_err(broken)?;
    Ok(answer.status())
}
