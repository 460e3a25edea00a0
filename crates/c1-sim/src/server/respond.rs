//! Answers a call: records it, applies its fault, checks its token and handles it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, Version};
use serde_json::json;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::{Code, Status};

use super::disconnect::Hangup;
use super::state::ServerState;
use crate::call_context::CallContext;
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::ledger::{InFlight, Outcome};

/// The state shared by all calls of a connection.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) state: ServerState,
    pub(super) peer: SocketAddr,
    pub(super) hangup: Hangup,
}

/// Answers a request. An error resets its stream, but not the connection.
pub(super) async fn respond(
    connection: Connection,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let Connection { state, peer, hangup } = connection;
    let Some(endpoint) = Endpoint::from_path(request.uri().path()) else {
        return Ok(html_page(StatusCode::NOT_FOUND));
    };
    let entry = state.ledger.begin(endpoint, peer, header(&request, &USER_AGENT));
    let fault = state.faults.next_fault(endpoint);
    match &fault {
        Some(Fault::Delay(delay)) => tokio::time::sleep(*delay).await,
        Some(Fault::Drop) => hangup.hang_up(&entry).await,
        Some(Fault::Reset) => {
            entry.set_outcome(Outcome::Dropped);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Some(Fault::RevokeTokens) => state.tokens.revoke_all(),
        _ => {}
    }
    let response = match (replaced_response(endpoint, fault.as_ref()), endpoint) {
        (Some(response), _) => response,
        (None, Endpoint::Token) => sign_in(&state, &entry, request).await?,
        (None, _) => {
            let context = CallContext {
                entry: entry.clone(),
                hangup: hangup.clone(),
                fault: fault.clone(),
            };
            call_service(state, context, request).await
        }
    };
    if fault == Some(Fault::LoseAnswer) {
        hangup.hang_up(&entry).await;
    }
    record_outcome(endpoint, &entry, &response);
    Ok(response)
}

/// The response of a fault that replaces the tenant's.
fn replaced_response(endpoint: Endpoint, fault: Option<&Fault>) -> Option<Response<Body>> {
    match (fault?, endpoint) {
        (Fault::Refuse(code), Endpoint::Token) => Some(html_page(http_status(*code))),
        (Fault::Refuse(code), _) => Some(Status::new(*code, "something went wrong").into_http()),
        (Fault::Http(status), _) => Some(html_page(
            StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY),
        )),
        (Fault::TokenBody(body), Endpoint::Token) => Some(build_response(
            StatusCode::OK,
            "application/json",
            body.clone().into_bytes(),
        )),
        _ => None,
    }
}

async fn sign_in(
    state: &ServerState,
    entry: &InFlight,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    if request.method() != Method::POST {
        return Ok(html_page(StatusCode::METHOD_NOT_ALLOWED));
    }
    let content_type = header(&request, &CONTENT_TYPE);
    let form = request.into_body().collect().await.map_err(io::Error::other)?;
    let (status, body) = match state.tokens.sign_in(content_type.as_deref(), &form.to_bytes()) {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => {
            entry.set_refusal(refusal.to_string());
            let body = json!({ "error": "invalid_client", "error_description": refusal.to_string() });
            (StatusCode::UNAUTHORIZED, body)
        }
    };
    Ok(build_response(
        status,
        "application/json",
        body.to_string().into_bytes(),
    ))
}

async fn call_service(
    state: ServerState,
    context: CallContext,
    mut request: Request<Incoming>,
) -> Response<Body> {
    if request.version() != Version::HTTP_2 {
        return html_page(StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    }
    if let Err(reason) = state
        .tokens
        .authorize(header(&request, &AUTHORIZATION).as_deref())
    {
        return Status::unauthenticated(reason).into_http();
    }
    request.extensions_mut().insert(context);
    let mut service = state.service;
    service
        .call(request)
        .await
        .unwrap_or_else(|never: Infallible| match never {})
}

/// Records the outcome. A gRPC error is in the headers, because it has no body.
fn record_outcome(endpoint: Endpoint, entry: &InFlight, response: &Response<Body>) {
    let status = response.status();
    if endpoint == Endpoint::Token || status != StatusCode::OK {
        entry.set_outcome(Outcome::Http(status.as_u16()));
        return;
    }
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok => {
            entry.set_refusal(status.message().to_owned());
            entry.set_outcome(Outcome::Code(status.code()));
        }
        _ => entry.set_outcome(Outcome::Code(Code::Ok)),
    }
}

fn header(request: &Request<Incoming>, name: &HeaderName) -> Option<String> {
    let value = request.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

fn html_page(status: StatusCode) -> Response<Body> {
    let page = format!("<html><body><h1>{status}</h1></body></html>");
    build_response(status, "text/html", page.into_bytes())
}

fn build_response(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// The HTTP status for a gRPC code.
fn http_status(code: Code) -> StatusCode {
    match code {
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
