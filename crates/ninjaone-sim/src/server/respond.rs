//! Answers a request: records it, applies its fault, and encodes the response.

use std::io;
use std::sync::PoisonError;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request as HttpRequest, Response};

use super::body::WireBody;
use super::state::{RawBytes, ServerState};
use crate::api::Request;
use crate::auth;
use crate::fault::{Cut, Fault};
use crate::ledger::Call;
use crate::response::Answer;
use crate::response::Endless;
use crate::response::Payload;

type Answered = Result<Response<WireBody>, io::Error>;

pub(super) async fn respond(
    state: ServerState,
    raw_bytes: RawBytes,
    request: HttpRequest<Incoming>,
) -> Answered {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let header = |name: &HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let query = head.uri.query().unwrap_or_default();
    let mut query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let accept_encoding = header(&ACCEPT_ENCODING).map(str::to_owned);
    let call = Call {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: query.clone(),
        body: String::from_utf8_lossy(&body).into_owned(),
        authorized: header(&AUTHORIZATION).is_some(),
        accept_encoding: accept_encoding.clone(),
        at: Instant::now(),
        status: 0,
        answer: None,
    };
    let entry = state.ledger.begin(call);
    let hit = state.faults.next_fault(head.method.as_str(), head.uri.path());
    let fault = hit.as_ref().map(|hit| &hit.fault);
    let parameter_count = query.len();
    match fault {
        Some(Fault::NoProgress) => query.retain(|(name, _)| name != "after"),
        Some(Fault::ChangeTenant) => state.api.change_one_thing(),
        _ => {}
    }
    // A request for the first page is not affected.
    let mut has_effect = !matches!(fault, Some(Fault::NoProgress)) || query.len() < parameter_count;
    let request = Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: &query,
        authorization: header(&AUTHORIZATION),
        body: &body,
    };
    let delivery = match replaced_answer(&state, fault) {
        Some(delivery) => delivery,
        None => altered_answer(&state, state.api.handle(&request), fault, &mut has_effect),
    };
    if let Some(hit) = hit.as_ref().filter(|_| has_effect) {
        state.faults.count_effect(hit);
    }
    let answer = match delivery {
        Delivery::Answer(answer) => answer,
        Delivery::Drop => return Err(io::ErrorKind::ConnectionReset.into()),
        Delivery::Raw(bytes) => {
            *raw_bytes.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    };
    let complete = match &answer.body {
        Payload::Bytes(bytes) if state.keep_answers && !matches!(fault, Some(Fault::CutBody { .. })) => {
            Some(bytes.clone())
        }
        _ => None,
    };
    entry.update(|call| {
        call.status = answer.status;
        call.answer = complete;
    });
    let gzip =
        state.api.behavior().transport.gzip && accept_encoding.is_some_and(|kinds| kinds.contains("gzip"));
    let is_token = head.uri.path().ends_with("/oauth/token");
    Ok(encode_response(&state, answer, fault, gzip && !is_token))
}

enum Delivery {
    Answer(Answer),
    Drop,
    Raw(Vec<u8>),
}

/// The answer of a fault that replaces the tenant's.
fn replaced_answer(state: &ServerState, fault: Option<&Fault>) -> Option<Delivery> {
    let answer = match fault? {
        Fault::Status(status) => state.api.fail(*status, "something went wrong"),
        Fault::Answer {
            status,
            content_type,
            body,
        } => Answer {
            status: *status,
            content_type,
            headers: Vec::new(),
            body: Payload::Bytes(Bytes::from(body.clone())),
        },
        Fault::RateLimit(requested) => {
            let answer = state.api.fail(429, "Too many requests");
            match requested {
                Some(requested) => answer.header("retry-after", requested.clone()),
                None => answer,
            }
        }
        Fault::Html(status) => Answer::html(*status, &format!("{status} Slow Down")),
        Fault::Empty(status) => Answer::empty(*status),
        Fault::Drop => return Some(Delivery::Drop),
        Fault::Raw(bytes) => return Some(Delivery::Raw(bytes.clone())),
        Fault::Endless { begin, again, bytes } => Answer {
            body: Payload::Endless(Endless {
                begin: begin.clone(),
                again: again.clone(),
                left: *bytes,
            }),
            ..Answer::empty(200)
        },
        Fault::RevokeTokens => {
            state.api.tokens().revoke_all();
            auth::refused_token(state.api.behavior().authorization.invalid_token)
        }
        Fault::MissingScope => auth::insufficient_privileges(),
        Fault::MissingEndpoint => state.api.missing(),
        Fault::EmptyList => Answer::raw_json(b"[]".to_vec()),
        Fault::Redirect(to) => Answer::empty(302).header("location", to.clone()),
        _ => return None,
    };
    Some(Delivery::Answer(answer))
}

/// Applies the faults that change an answer.
fn altered_answer(
    state: &ServerState,
    mut answer: Answer,
    fault: Option<&Fault>,
    has_effect: &mut bool,
) -> Delivery {
    match fault {
        Some(Fault::LostWrite(0)) => return Delivery::Drop,
        Some(Fault::LostWrite(status)) => {
            return Delivery::Answer(state.api.fail(*status, "something went wrong"));
        }
        Some(Fault::ContentType(kind)) => answer.content_type = kind,
        Some(Fault::Header(name, value)) => answer = answer.header(name, value.clone()),
        Some(Fault::Bom) => {
            let body = answer.body.into_bytes();
            answer.body = Payload::Bytes([b"\xef\xbb\xbf", body.as_ref()].concat().into());
        }
        Some(Fault::InvalidUtf8) => answer.body = insert_bytes(answer.body, "\"firstName\":\"", b"\xff\xfe"),
        Some(Fault::HugeName(bytes)) => {
            let name = vec![b'x'; *bytes];
            answer.body = insert_bytes(answer.body, "\"firstName\":\"", &name);
        }
        Some(Fault::Edit(edit)) => *has_effect = change_body(&mut answer, |body| edit.apply(body)),
        Some(Fault::Reshape(reshape)) => *has_effect = change_body(&mut answer, |body| reshape.apply(body)),
        _ => {}
    }
    Delivery::Answer(answer)
}

/// Changes a body. Returns whether there was something to change.
fn change_body(answer: &mut Answer, change: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> bool {
    let body = std::mem::replace(&mut answer.body, Payload::Bytes(Bytes::new())).into_bytes();
    let after = change(&body);
    let has_effect = after.is_some();
    answer.body = Payload::Bytes(after.map_or(body, Bytes::from));
    has_effect
}

/// Puts bytes at the beginning of the first text after `marker`, or after any mark of a name.
fn insert_bytes(payload: Payload, marker: &str, insert: &[u8]) -> Payload {
    let body = payload.into_bytes();
    let find = |marker: &[u8]| {
        body.windows(marker.len())
            .position(|window| window == marker)
            .map(|at| at + marker.len())
    };
    let at = find(marker.as_bytes())
        .or_else(|| find(b"\"name\":\""))
        .unwrap_or(0);
    Payload::Bytes([&body[..at], insert, &body[at..]].concat().into())
}

fn encode_response(
    state: &ServerState,
    answer: Answer,
    fault: Option<&Fault>,
    gzip: bool,
) -> Response<WireBody> {
    let Answer {
        status,
        content_type,
        headers,
        mut body,
    } = answer;
    let mut cut_at = None;
    if let Some(&Fault::CutBody { at, clean }) = fault {
        let bytes = body.into_bytes();
        let at = match at {
            Cut::Bytes(count) => count,
            Cut::Eighths(eighths) => bytes.len() * eighths / 8,
        };
        cut_at = Some((at, clean));
        body = Payload::Bytes(bytes);
    }
    let gzip = gzip && status != 204;
    let mut wire = WireBody::new(body, gzip);
    if let Some((at, clean)) = cut_at {
        wire = wire.cut(at, clean);
    }
    if let Some(&Fault::SlowBody { first, pause, piece }) = fault {
        wire = wire.slow(first, pause, piece);
    }
    let mut response = Response::new(wire);
    *response.status_mut() =
        hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let fields = response.headers_mut();
    if status != 204 {
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if gzip {
        fields.insert(hyper::header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if status >= 400 || !state.api.behavior().transport.request_id_on_errors_only {
        let id = format!("sim-request-{:06}", state.ledger.len());
        fields.extend(
            HeaderValue::from_str(&id)
                .ok()
                .map(|id| (HeaderName::from_static("x-nj-request-id"), id)),
        );
    }
    for (name, value) in headers {
        fields.extend(
            HeaderValue::from_str(&value)
                .ok()
                .map(|value| (HeaderName::from_static(name), value)),
        );
    }
    response
}
