//! Tracing of requests.

use reqwest::{Response, Url};
use tracing::Instrument;
use tracing::field::Empty;

use super::api_error::sanitize;

/// Sends a request within a span that ends when its response begins. The span has only the path: a query can contain
/// personal data.
pub(super) async fn traced(
    method: &str,
    url: &Url,
    sending: impl Future<Output = Result<Response, reqwest::Error>>,
) -> Result<Response, reqwest::Error> {
    let span = tracing::info_span!(
        "request",
        otel.name = method,
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = method,
        http.response.status_code = Empty,
        server.address = url.host_str(),
        // After a redirect it is the final path.
        url.path = sanitize(url.path()),
    );
    let answer = sending.instrument(span.clone()).await;
    let status = answer.as_ref().ok().map(|response| response.status().as_u16());
    span.record("http.response.status_code", status);
    if status.is_none_or(|status| status >= 400) {
        span.record("otel.status_code", "ERROR");
    }
    answer
}
