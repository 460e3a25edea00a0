//! A call: authenticated, with a timeout, retried once with a new token, and its failure classified.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use access_core::secrets::ServerText;
use access_core::{Diagnostic, StatusCode};
use baton_proto::connectorapi_baton_v1::baton_service_client::BatonServiceClient;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Response, Status};
use tracing::Instrument;
use tracing::field::Empty;

use super::C1Client;
use super::C1Error;
use super::token::Bearer;
use super::transport::Transport;
use super::transport::TransportFault;

/// Maximum size of a response (docs/reference/conductorone.md §3.4).
const MAX_RESPONSE_BYTES: usize = 4 << 20;

/// Adds the token to every request.
#[derive(Clone)]
pub(super) struct SignedIn(Bearer);

impl Interceptor for SignedIn {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.header());
        Ok(request)
    }
}

pub(super) type Rpc = BatonServiceClient<InterceptedService<Transport, SignedIn>>;

impl C1Client {
    /// Makes a call with a time limit that includes sign-in.
    pub(super) async fn unary<T, F>(
        &self,
        call: &'static str,
        limit: Duration,
        send: impl Fn(Rpc) -> F,
    ) -> Result<T, C1Error>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let generation = self.inner.channel.generation();
        let call_with_token = self.with_token(call, |rpc, _| {
            let response = send(rpc);
            async { Ok(response.await) }
        });
        let Ok(response) = tokio::time::timeout(limit, call_with_token).await else {
            // The connection may be dead.
            self.inner.channel.discard(generation);
            return Err(C1Error::Timeout { call, after: limit });
        };
        response.map(Response::into_inner)
    }

    /// Makes a call, and repeats it once with a new token if the token is rejected: tokens can be revoked or expire
    /// early.
    pub(super) async fn with_token<T, F>(
        &self,
        call: &'static str,
        send: impl Fn(Rpc, u64) -> F,
    ) -> Result<T, C1Error>
    where
        F: Future<Output = Result<Result<T, Status>, C1Error>>,
    {
        let span = tracing::info_span!(
            "rpc",
            otel.name = call,
            otel.kind = "client",
            otel.status_code = Empty,
            rpc.system = "grpc",
            rpc.method = call,
        );
        let response = self.send_signed(call, send).instrument(span.clone()).await;
        if response.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        response
    }

    async fn send_signed<T, F>(&self, call: &'static str, send: impl Fn(Rpc, u64) -> F) -> Result<T, C1Error>
    where
        F: Future<Output = Result<Result<T, Status>, C1Error>>,
    {
        let mut refused: Option<Bearer> = None;
        loop {
            let bearer = self.inner.tokens.get(refused.as_ref()).await?;
            let (transport, generation) = self.inner.channel.get();
            let rpc = BatonServiceClient::with_interceptor(transport, SignedIn(bearer.clone()))
                .max_decoding_message_size(MAX_RESPONSE_BYTES);
            let status = match send(rpc, generation).await? {
                Ok(response) => return Ok(response),
                Err(status) => status,
            };
            let failure = classify(call, &status);
            tracing::debug!(call, cause = %failure, "the call failed");
            if failure.status() != StatusCode::Unauthenticated || refused.is_some() {
                return Err(failure);
            }
            refused = Some(bearer);
        }
    }
}

/// Classifies a status: a fault of the transport, or else a rejection by ConductorOne.
fn classify(call: &'static str, status: &Status) -> C1Error {
    let source = status.source();
    match source.and_then(|source| source.downcast_ref::<TransportFault>()) {
        Some(TransportFault::Network { fault, reason }) => C1Error::Network {
            call,
            fault: *fault,
            reason: ServerText::new(reason),
        },
        Some(TransportFault::Gateway { status, page }) => C1Error::Gateway {
            call,
            status: *status,
            page: *page,
        },
        None => C1Error::Refused {
            call,
            code: u8::try_from(i32::from(status.code()))
                .ok()
                .and_then(StatusCode::from_number)
                .unwrap_or(StatusCode::Unknown),
            message: ServerText::new(status.message()),
        },
    }
}
