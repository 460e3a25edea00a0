//! What outgoing connections share: the TLS configuration with one crypto provider (ring) and one rule for whom to trust,
//! host names resolved with a typed error ([`resolve_host`]), and the recognition of pages that something between this machine
//! and the API sent ([`is_html`]).
//!
//! ```
//! # fn main() -> Result<(), net_tls::TlsError> {
//! let config = net_tls::client_config(None)?;
//! assert!(config.alpn_protocols.is_empty());
//! # Ok(())
//! # }
//! ```

mod content_type;
mod resolver;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use regular_file::FileError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

pub use content_type::is_html;
pub use resolver::{SystemResolver, UnresolvedHost, resolve_host};

/// The largest CA file that is read, in bytes.
const MAX_CA_FILE_BYTES: u64 = 16 << 20;

/// Why no TLS configuration could be built.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A CA file cannot be read, is not PEM, or has no certificate.
    #[error("cannot use the CA file {}: {reason}", path.display())]
    CaFile {
        /// The path as configured.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The TLS library refuses its own defaults.
    #[error("cannot set up TLS: {0}")]
    Protocol(#[source] rustls::Error),
}

/// The certificate authorities of this machine, and those of Mozilla's list, so that a container without a certificate store
/// works. A certificate that cannot be parsed is skipped.
#[must_use]
pub fn default_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    roots
}

/// A client configuration that trusts [`default_roots`] and the certificates in these PEM files. It offers TLS 1.2 and 1.3, no
/// client certificate and no ALPN protocol.
///
/// # Errors
/// [`TlsError`].
pub fn client_config<'a>(ca_files: impl IntoIterator<Item = &'a Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = default_roots();
    for path in ca_files {
        add_ca_file(&mut roots, path).map_err(|reason| TlsError::CaFile {
            path: path.to_owned(),
            reason,
        })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Protocol)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn add_ca_file(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let pem = regular_file::read(path, MAX_CA_FILE_BYTES).map_err(|error| match error {
        FileError::Io(error) => format!("I/O error: {error}"),
        not_regular => not_regular.to_string(),
    })?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match roots.add_parsable_certificates(certificates.map_err(|error| error.to_string())?) {
        (0, _) => Err("there is no certificate in it".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ca_files_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "no certificate here\n").unwrap();
        for (path, reason) in [
            (empty.as_path(), "there is no certificate in it"),
            (&folder.path().join("missing.pem"), "No such file"),
            (folder.path(), "not a regular file"),
        ] {
            let error = client_config([path]).unwrap_err().to_string();
            assert!(error.starts_with("cannot use the CA file "), "{error}");
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn mozillas_authorities_are_always_trusted() {
        assert!(default_roots().len() >= webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
    }
}
