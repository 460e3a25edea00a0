//! Answers a request: records it, applies its fault, or passes it on.

use std::io;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, StatusCode};
use s3s::service::S3Service;
use s3s::{Body, HttpResponse, S3Error, S3ErrorCode};

use crate::fault::{Faults, S3Fault, S3Refusal};
use crate::ledger::{RequestLedger, S3Request};
use crate::switches::Switches;

/// The state shared by all connections.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) service: S3Service,
    pub(crate) faults: Faults,
    pub(crate) ledger: RequestLedger,
    pub(crate) switches: Switches,
}

/// Answers a request; an error makes hyper close the connection without an answer.
pub(crate) async fn respond(shared: Shared, request: Request<Incoming>) -> io::Result<HttpResponse> {
    let path_and_query = request.uri().path_and_query().map_or("", |text| text.as_str());
    let entry = shared.ledger.begin(S3Request {
        method: request.method().to_string(),
        path_and_query: path_and_query.to_owned(),
        status: None,
    });
    let fault = shared.faults.next_fault();
    let response = match fault {
        Some(S3Fault::Reset) => return Err(io::ErrorKind::ConnectionReset.into()),
        Some(S3Fault::Hang) => return std::future::pending().await,
        Some(S3Fault::Status(status)) => {
            // A client that is still sending may not see the answer.
            request.into_body().collect().await.map_err(io::Error::other)?;
            refusal(status)?
        }
        Some(S3Fault::Page(status)) => {
            request.into_body().collect().await.map_err(io::Error::other)?;
            let mut page = HttpResponse::new(Body::from("<html><title>not here</title></html>".to_owned()));
            *page.status_mut() = StatusCode::from_u16(status).map_err(io::Error::other)?;
            page
        }
        Some(S3Fault::Refusal(refusal))
            if refusal != S3Refusal::ChecksumRequired || lacks_checksum(&request) =>
        {
            request.into_body().collect().await.map_err(io::Error::other)?;
            refusal_response(refusal)?
        }
        None | Some(S3Fault::AfterEffect | S3Fault::Half | S3Fault::Refusal(_)) => {
            let answer = shared.service.call(request.map(Body::from)).await;
            let mut answer = answer.map_err(io::Error::other)?;
            if shared.switches.leaves_out_e_tags() {
                answer.headers_mut().remove(hyper::header::ETAG);
            }
            answer
        }
    };
    if fault == Some(S3Fault::Half) {
        return half_of(response).await;
    }
    if fault == Some(S3Fault::AfterEffect) {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let status = response.status().as_u16();
    entry.update(|request| request.status = Some(status));
    Ok(response)
}

/// Announces the full length of an answer and sends half of it. An answer without a body is dropped.
async fn half_of(response: HttpResponse) -> io::Result<HttpResponse> {
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    if body.is_empty() {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let full_length = HeaderValue::from(body.len());
    parts.headers.insert(hyper::header::CONTENT_LENGTH, full_length);
    Ok(HttpResponse::from_parts(
        parts,
        Body::from(body.slice(..body.len() / 2)),
    ))
}

/// Whether a request is an upload without one of S3's checksums.
fn lacks_checksum(request: &Request<Incoming>) -> bool {
    let is_checksum = |name: &hyper::header::HeaderName| {
        name == "content-md5" || name.as_str().starts_with("x-amz-checksum-")
    };
    request.method() == Method::PUT && !request.headers().keys().any(is_checksum)
}

fn refusal_response(refusal: S3Refusal) -> io::Result<HttpResponse> {
    let (status, code, message) = refusal.error_parts();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut response = HttpResponse::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).map_err(io::Error::other)?;
    if refusal == S3Refusal::PermanentRedirect {
        let region = HeaderValue::from_static("eu-central-1");
        response.headers_mut().insert("x-amz-bucket-region", region);
    }
    Ok(response)
}

/// S3's error document for a status.
fn refusal(status: u16) -> io::Result<HttpResponse> {
    let code = match status {
        403 => S3ErrorCode::AccessDenied,
        404 => S3ErrorCode::NoSuchKey,
        409 => S3ErrorCode::ConditionalRequestConflict,
        412 => S3ErrorCode::PreconditionFailed,
        429 | 503 => S3ErrorCode::SlowDown,
        _ => S3ErrorCode::InternalError,
    };
    let mut error = S3Error::with_message(code, "This failure was asked for by a test.");
    error.set_status_code(StatusCode::from_u16(status).map_err(io::Error::other)?);
    error
        .to_http_response()
        .map_err(|error| io::Error::other(error.to_string()))
}
