//! The gRPC channel. Responses are checked before tonic reads them: otherwise responses that are not gRPC become
//! `Internal`.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http_body_util::BodyExt;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::header::CONTENT_TYPE;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response, StatusCode as Http, Uri};
use tonic::transport::{Channel, Endpoint};

use super::dial::Connector;
use super::network_error::NetworkFault;
use super::network_error::classify_fault;

/// Interval of HTTP/2 pings during calls. Servers may treat more than one in five minutes as abuse and close the
/// connection during an upload; TCP keep-alive ([`Connector`]), call timeouts and the stall detection of uploads notice
/// a dead peer sooner.
const PING_INTERVAL: Duration = Duration::from_secs(310);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
const GRPC_STATUS: &str = "grpc-status";
/// Removed, because tonic panics if it is not base64.
const GRPC_DETAILS: &str = "grpc-status-details-bin";

/// The connection of a client, opened on demand and replaced when it breaks.
pub(super) struct ChannelState {
    endpoint: Endpoint,
    connector: Connector,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    channel: Option<Channel>,
    generation: u64,
}

impl ChannelState {
    /// Creates the state for this host; nothing is sent yet.
    pub(super) fn new(target: Uri, user_agent: HeaderValue, connector: Connector) -> Result<Self, String> {
        let endpoint = Endpoint::from(target)
            .user_agent(user_agent)
            .map_err(|error| error.to_string())?
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(false);
        Ok(Self {
            endpoint,
            connector,
            current: Mutex::default(),
        })
    }

    /// The connection and its generation.
    pub(super) fn get(&self) -> (Transport, u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = current.generation;
        let channel = current
            .channel
            .get_or_insert_with(|| Channel::new(self.connector.clone(), self.endpoint.clone()));
        (Transport(channel.clone()), generation)
    }

    /// The generation of the next call's connection.
    pub(super) fn generation(&self) -> u64 {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .generation
    }

    /// Discards the connection of this generation because it does not respond: the next call opens another one. Running
    /// calls may complete.
    pub(super) fn discard(&self, generation: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.generation == generation {
            current.generation += 1;
            current.channel = None;
        }
    }
}

/// Why there is no gRPC response. Passed through tonic as the source of a status.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum TransportFault {
    #[error("{reason}")]
    Network { fault: NetworkFault, reason: String },
    #[error("HTTP {status}")]
    Gateway { status: u16, page: bool },
}

impl TransportFault {
    fn from_error(error: &(dyn Error + 'static)) -> Self {
        let (fault, reason) = classify_fault(error);
        Self::Network { fault, reason }
    }
}

/// A handle of the connection.
#[derive(Clone)]
pub(super) struct Transport(Channel);

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = TransportFault;
    type Future = BoxFuture<'static, Result<Response<Body>, TransportFault>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TransportFault>> {
        self.0
            .poll_ready(context)
            .map_err(|error| TransportFault::from_error(&error))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => check_response(response),
                Err(error) => Err(TransportFault::from_error(&error)),
            }
        })
    }
}

fn check_response(mut response: Response<Body>) -> Result<Response<Body>, TransportFault> {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_grpc = status == Http::OK && kind.starts_with("application/grpc");
    if !is_grpc && !response.headers().contains_key(GRPC_STATUS) {
        return Err(TransportFault::Gateway {
            status: status.as_u16(),
            page: net_tls::is_html(kind),
        });
    }
    remove_details(response.headers_mut());
    let sanitized = |body: Body| {
        let body = body.map_frame(|mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                remove_details(trailers);
            }
            frame
        });
        Body::new(body.map_err(|status| TransportFault::from_error(&status)))
    };
    Ok(response.map(sanitized))
}

fn remove_details(headers: &mut HeaderMap) {
    headers.remove(GRPC_DETAILS);
}
