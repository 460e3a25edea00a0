//! The HTTP client of object stores. It trusts what the machine trusts and the usual public authorities, so that it works
//! in containers without a certificate store.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use reqwest::StatusCode;
use reqwest::header::CONTENT_LENGTH;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::DatasetError;

/// Longest silence on a connection.
pub(super) const READ_TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest file with certificate authorities that is read.
const MAX_PEM_BYTES: u64 = 16 << 20;

/// Gives every store the same client.
#[derive(Debug)]
pub(super) struct Connector(reqwest::Client);

impl Connector {
    /// A client that also trusts the authorities in these PEM files.
    pub(super) fn new<'a>(
        ca_files: impl IntoIterator<Item = &'a Path>,
        read_timeout: Duration,
    ) -> Result<Self, DatasetError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        for path in ca_files {
            add_authorities(&mut roots, path).map_err(|reason| DatasetError::CaFile {
                path: path.to_owned(),
                reason,
            })?;
        }
        let unusable = |reason: String| DatasetError::Unusable {
            place: "the TLS library".to_owned(),
            reason,
        };
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(read_timeout)
            .build();
        client.map(Self).map_err(|error| unusable(error.to_string()))
    }
}

fn add_authorities(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let pem = regular_file::read(path, MAX_PEM_BYTES).map_err(|error| error.to_string())?;
    let own: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match roots.add_parsable_certificates(own.map_err(|error| error.to_string())?) {
        (0, _) => Err("there is no certificate in it".to_owned()),
        _ => Ok(()),
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(RegionAware(self.0.clone())))
    }
}

/// Turns S3's "301, look in another region" into an error with a body: without `Location`, as S3 sends it, the store's
/// library says nothing of the region that the answer names.
#[derive(Debug)]
struct RegionAware(reqwest::Client);

#[async_trait]
impl HttpService for RegionAware {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = HttpService::call(&self.0, request).await?;
        if response.status() != StatusCode::MOVED_PERMANENTLY {
            return Ok(response);
        }
        let (mut parts, body) = response.into_parts();
        let region = parts.headers.get("x-amz-bucket-region");
        let region = region.and_then(|region| region.to_str().ok()).unwrap_or_default();
        let said = body.bytes().await?;
        let said = String::from_utf8_lossy(&said);
        let message = super::object_store::element(&said, "Message").unwrap_or("the bucket is not here");
        let body = format!(
            "<Error><Code>PermanentRedirect</Code><Message>{message}</Message><Region>{region}</Region></Error>"
        );
        parts.status = StatusCode::BAD_REQUEST;
        parts.headers.remove(CONTENT_LENGTH);
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(body)))
    }
}
