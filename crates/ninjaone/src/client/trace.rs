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

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::client::tests::response;

    /// Collects the fields of all spans.
    #[derive(Clone, Default)]
    struct Fields(Arc<Mutex<Vec<String>>>);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.0.lock().unwrap().push(format!("{field}={value:?}"));
        }
    }

    impl Subscriber for Fields {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.is_span()
        }

        fn new_span(&self, span: &Attributes<'_>) -> Id {
            span.record(&mut self.clone());
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, values: &Record<'_>) {
            values.record(&mut self.clone());
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {}

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    /// The fields of a request's span.
    fn fields(status: u16) -> Vec<String> {
        let fields = Fields::default();
        let url = Url::parse("https://app.ninjarmm.com/v2/users?email=ada%40example.com").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        tracing::subscriber::with_default(fields.clone(), || {
            let sending = std::future::ready(Ok(response(status, "[]")));
            runtime.block_on(traced("GET", &url, sending)).unwrap();
        });
        std::mem::take(&mut *fields.0.lock().unwrap())
    }

    #[test]
    fn span_shows_status_and_path_without_the_query() {
        let of_success = fields(399);
        assert!(!of_success.concat().contains("example.com"), "{of_success:?}");
        for field in [
            "otel.name=\"GET\"",
            "server.address=\"app.ninjarmm.com\"",
            "url.path=\"/v2/users\"",
            "http.response.status_code=399",
        ] {
            assert!(
                of_success.iter().any(|own| own == field),
                "{field}: {of_success:?}"
            );
        }
        let error = "otel.status_code=\"ERROR\"".to_owned();
        assert!(!of_success.contains(&error), "{of_success:?}");
        assert!(fields(400).contains(&error) && fields(503).contains(&error));
    }
}
