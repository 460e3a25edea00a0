//! The HTTP client of object stores. It trusts what the machine trusts and the usual public authorities, so that it works
//! in containers without a certificate store.

use std::path::Path;
use std::time::Duration;

use access_core::secrets;
use async_trait::async_trait;
use net_tls::TlsError;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap};
use reqwest::redirect::Policy;

use crate::error::DatasetError;

/// Longest silence on a connection.
pub(super) const READ_TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Gives every store the same client.
#[derive(Debug)]
pub(super) struct Connector(reqwest::Client);

impl Connector {
    /// A client that also trusts the authorities in these PEM files.
    pub(super) fn new<'a>(
        ca_files: impl IntoIterator<Item = &'a Path>,
        read_timeout: Duration,
    ) -> Result<Self, DatasetError> {
        let tls = net_tls::client_config(ca_files)?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect would take headers with credentials to another host.
            .redirect(Policy::none())
            .read_timeout(read_timeout)
            .build();
        client.map(Self).map_err(|error| unusable_tls(error.to_string()))
    }
}

fn unusable_tls(reason: String) -> DatasetError {
    DatasetError::Unusable {
        location: "the TLS library".to_owned(),
        reason,
    }
}

impl From<TlsError> for DatasetError {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::CaFile { path, reason } => Self::CaFile { path, reason },
            TlsError::Protocol(error) => unusable_tls(error.to_string()),
        }
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(RegionAware(self.0.clone())))
    }
}

/// Turns S3's "301, look in another region" into an error with a body: without `Location`, as S3 sends it, the store's
/// library does not report the region that the response names.
#[derive(Debug)]
struct RegionAware(reqwest::Client);

/// Headers whose values are credentials.
const CREDENTIAL_HEADERS: [&str; 4] = [
    "x-amz-security-token",
    "x-aws-ec2-metadata-token",
    "x-ms-token-aad-access-token",
    "x-identity-header",
];

/// Registers credentials that the stores' library fetches by itself, so that no text repeats them.
fn register_credentials(headers: &HeaderMap) {
    let texts = |name: &str| {
        headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok())
    };
    for token in CREDENTIAL_HEADERS.iter().flat_map(|name| texts(name)) {
        secrets::register_token(token);
    }
    for value in texts(AUTHORIZATION.as_str()) {
        // Others have a signature, which is good for one request only.
        if let Some(("Bearer" | "bearer", token)) = value.split_once(' ') {
            secrets::register_token(token);
        }
    }
}

#[async_trait]
impl HttpService for RegionAware {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        register_credentials(request.headers());
        let response = HttpService::call(&self.0, request).await?;
        if response.status() != StatusCode::MOVED_PERMANENTLY {
            return Ok(response);
        }
        let (mut parts, body) = response.into_parts();
        let region = parts.headers.get("x-amz-bucket-region");
        let region = region.and_then(|region| region.to_str().ok()).unwrap_or_default();
        let said = body.bytes().await?;
        let said = String::from_utf8_lossy(&said);
        let message = super::response::element(&said, "Message").unwrap_or("the bucket is not here");
        let body = format!(
            "<Error><Code>PermanentRedirect</Code><Message>{message}</Message><Region>{region}</Region></Error>"
        );
        parts.status = StatusCode::BAD_REQUEST;
        parts.headers.remove(CONTENT_LENGTH);
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_registered_when_they_are_sent() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-security-token", "session-0123-Abcd-4567".parse().unwrap());
        headers.insert(AUTHORIZATION, "Bearer bearer-0123-Efgh-4567".parse().unwrap());
        register_credentials(&headers);
        headers.insert(
            AUTHORIZATION,
            "AWS4-HMAC-SHA256 Credential=plain-words".parse().unwrap(),
        );
        register_credentials(&headers);
        for (text, shown) in [
            ("bad session-0123-Abcd-4567", "bad [redacted]"),
            ("bad bearer-0123-Efgh-4567", "bad [redacted]"),
            ("Credential=plain-words", "Credential=plain-words"),
        ] {
            assert_eq!(secrets::redact(text), shown);
        }
    }
}
