//! Requests and responses of health checks.

use access_core::StatusCode;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode as HttpStatus};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::observability::metrics::Metrics;

use super::checker::Checker;
use super::checker::ProbeResult;

pub(super) type Answer = Response<Full<Bytes>>;

/// The reference's JSON (docs/reference/conductorone.md §6.2). Everybody who reaches the port can read it, so it only names
/// the class of a failure.
#[derive(Serialize)]
struct Report {
    status: &'static str,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

#[derive(Serialize)]
struct Details {
    error: &'static str,
    validation_error: &'static str,
}

/// Like in the reference, every method is answered.
pub(super) async fn answer(path: &str, checker: &Checker, metrics: &Metrics) -> Answer {
    match path {
        "/health" => verdict_response(checker.verdict().await, "healthy", "unhealthy"),
        "/ready" => verdict_response(checker.verdict().await, "ready", "not_ready"),
        "/live" => report(HttpStatus::OK, "alive", None),
        "/metrics" => text(
            HttpStatus::OK,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            metrics.encode(),
        ),
        _ => text(
            HttpStatus::NOT_FOUND,
            "text/plain; charset=utf-8",
            "not found\n".to_owned(),
        ),
    }
}

fn verdict_response(verdict: ProbeResult, good: &'static str, bad: &'static str) -> Answer {
    let class = match verdict {
        ProbeResult::Working => return report(HttpStatus::OK, good, None),
        ProbeResult::Failing(status) => StatusCode::name(status),
        ProbeResult::Pending => "pending",
    };
    let details = Details {
        error: "connector validation failed",
        validation_error: class,
    };
    report(HttpStatus::SERVICE_UNAVAILABLE, bad, Some(details))
}

fn report(code: HttpStatus, status: &'static str, details: Option<Details>) -> Answer {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    let report = Report {
        status,
        timestamp: now.format(&Rfc3339).unwrap_or_default(),
        details,
    };
    // Serializing texts cannot fail.
    let body = serde_json::to_string(&report).unwrap_or_default();
    text(code, "application/json", body + "\n")
}

fn text(code: HttpStatus, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = code;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
