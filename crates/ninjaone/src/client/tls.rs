//! Whom to trust.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{ClientConfig, NinjaOneError};

/// TLS with ring, trusting the machine's authorities, the usual public ones (so that a bare container works), and the
/// configured file.
pub(super) fn tls_config(config: &ClientConfig) -> Result<rustls::ClientConfig, NinjaOneError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    if let Some(path) = &config.ca_file {
        let refuse = |reason: String| NinjaOneError::CaFile {
            path: path.clone(),
            reason,
        };
        let own = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let own = own.map_err(|error| refuse(error.to_string()))?;
        if roots.add_parsable_certificates(own).0 == 0 {
            return Err(refuse("there is no certificate in it".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| NinjaOneError::Setup {
        reason: error.to_string(),
    })?;
    let mut tls = builder.with_root_certificates(roots).with_no_client_auth();
    // Said, so that what inspects TLS on the way need not guess.
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}
