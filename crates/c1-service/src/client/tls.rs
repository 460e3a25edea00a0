//! One TLS configuration for sign-in and calls.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::C1Error;

/// TLS with ring, trusting the machine's authorities, the usual public ones (so that a bare container works), and those
/// of a file.
pub(super) fn tls_config(ca_file: Option<&Path>) -> Result<ClientConfig, C1Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    if let Some(path) = ca_file {
        let refuse = |reason: String| C1Error::CaFile {
            path: path.to_owned(),
            reason,
        };
        let own = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let own = own.map_err(|error| refuse(error.to_string()))?;
        if roots.add_parsable_certificates(own).0 == 0 {
            return Err(refuse("there is no certificate in it".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| C1Error::Setup {
        reason: error.to_string(),
    })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
