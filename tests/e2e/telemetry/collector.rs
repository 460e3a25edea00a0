//! A collector that keeps the bytes it gets.

use std::sync::{Arc, Mutex};

use baton_proto::prost::Message;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use sim_kit::{CertificateOptions, Listener, Server, TlsAcceptor, tls_acceptor};
use tokio::io::{AsyncRead, AsyncWrite};

/// The length of gRPC's message prefix.
const PREFIX: usize = 5;

type Calls = Arc<Mutex<Vec<Call>>>;

struct Call {
    path: String,
    headers: String,
    body: Bytes,
}

/// An OTLP collector on loopback.
pub(super) struct Collector {
    pub(super) address: String,
    authority: String,
    calls: Calls,
    _server: Server,
}

impl Collector {
    pub(super) fn start() -> Self {
        Self::serve(None, String::new())
    }

    /// With TLS, and a certificate authority that no machine trusts.
    pub(super) fn start_tls() -> Self {
        let (acceptor, authority) = tls_acceptor(&CertificateOptions::default(), &["h2"]).unwrap();
        Self::serve(Some(acceptor), authority)
    }

    fn serve(acceptor: Option<TlsAcceptor>, authority: String) -> Self {
        let calls = Calls::default();
        let shared = Arc::clone(&calls);
        let listener = Listener::bind_loopback().unwrap();
        let server = Server::start("collector", listener, move |stream, _| {
            let (calls, acceptor) = (Arc::clone(&shared), acceptor.clone());
            async move {
                match acceptor {
                    None => serve_connection(stream, calls).await,
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            serve_connection(stream, calls).await;
                        }
                    }
                }
            }
        });
        let server = server.unwrap();
        Self {
            address: server.address().to_string(),
            authority,
            calls,
            _server: server,
        }
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// Whether a text is anywhere in the received data.
    pub(super) fn received(&self, text: &str) -> bool {
        let calls = self.calls.lock().unwrap();
        calls.iter().any(|call| {
            let body = call
                .body
                .windows(text.len())
                .any(|window| window == text.as_bytes());
            body || call.headers.contains(text)
        })
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        let resources = self
            .messages::<ExportTraceServiceRequest>("trace")
            .into_iter()
            .flat_map(|message| message.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    pub(super) fn records(&self) -> Vec<LogRecord> {
        let resources = self
            .messages::<ExportLogsServiceRequest>("logs")
            .into_iter()
            .flat_map(|message| message.resource_logs);
        let scopes = resources.flat_map(|resource| resource.scope_logs);
        scopes.flat_map(|scope| scope.log_records).collect()
    }

    /// The names under which traces and logs arrived, each once.
    pub(super) fn services(&self) -> Vec<String> {
        let traces = self.messages::<ExportTraceServiceRequest>("trace").into_iter();
        let logs = self.messages::<ExportLogsServiceRequest>("logs").into_iter();
        let traces = traces
            .flat_map(|message| message.resource_spans)
            .map(|part| part.resource);
        let logs = logs
            .flat_map(|message| message.resource_logs)
            .map(|part| part.resource);
        let mut names: Vec<String> = traces
            .chain(logs)
            .map(|resource| attribute(&resource.unwrap().attributes, "service.name"))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn messages<M: Message + Default>(&self, kind: &str) -> Vec<M> {
        let calls = self.calls.lock().unwrap();
        let calls = calls
            .iter()
            .filter(|call| call.path.contains(&format!(".{kind}.v1.")));
        calls
            .map(|call| M::decode(&call.body[PREFIX..]).unwrap())
            .collect()
    }
}

async fn serve_connection(stream: impl AsyncRead + AsyncWrite + Unpin, calls: Calls) {
    let service = service_fn(move |request| keep(request, Arc::clone(&calls)));
    let _ = http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Keeps a call and answers it with an empty message.
async fn keep(
    request: Request<Incoming>,
    calls: Calls,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = std::convert::Infallible>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let headers = format!("{:?}", request.headers());
    let body = request.into_body().collect().await?.to_bytes();
    calls.lock().unwrap().push(Call { path, headers, body });
    let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static("0"))]);
    let body = Full::new(Bytes::from_static(&[0; PREFIX])).with_trailers(async { Some(Ok(trailers)) });
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// A value as text; empty if there is none.
pub(super) fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(on)) => on.to_string(),
        _ => String::new(),
    }
}

/// An attribute as text; empty if there is none.
pub(super) fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    text(found.and_then(|attribute| attribute.value.as_ref()))
}

/// Without padding.
pub(super) fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
