use std::fmt::Display;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::server::ServerError;

/// The contents of a server's certificate.
#[derive(Debug, Clone)]
pub struct CertificateOptions {
    /// Host names and addresses.
    pub subject_names: Vec<String>,
    /// When it is valid.
    pub validity: Validity,
}

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Validity {
    /// Today.
    #[default]
    Now,
    /// No longer.
    Expired,
    /// Not yet.
    NotYet,
}

impl Default for CertificateOptions {
    /// A valid certificate for loopback.
    fn default() -> Self {
        Self {
            subject_names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            validity: Validity::default(),
        }
    }
}

/// Creates a test CA and a certificate signed by it. Returns an acceptor that offers these protocols (ALPN), and the CA's
/// certificate as PEM.
///
/// # Errors
/// [`ServerError::Certificate`].
pub fn tls_acceptor(
    options: &CertificateOptions,
    protocols: &[&str],
) -> Result<(TlsAcceptor, String), ServerError> {
    fn failure(error: impl Display) -> ServerError {
        ServerError::Certificate(error.to_string())
    }
    let mut authority = CertificateParams::new(Vec::new()).map_err(failure)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().map_err(failure)?;
    let authority = CertifiedIssuer::self_signed(authority, authority_key).map_err(failure)?;

    let mut server = CertificateParams::new(options.subject_names.clone()).map_err(failure)?;
    match options.validity {
        Validity::Now => {}
        Validity::Expired => server.not_after = date_time_ymd(2001, 1, 1),
        Validity::NotYet => server.not_before = date_time_ymd(4000, 1, 1),
    }
    let server_key = KeyPair::generate().map_err(failure)?;
    let server = server.signed_by(&server_key, &authority).map_err(failure)?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(server_key.serialize_der()).map_err(failure)?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failure)?
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key)
        .map_err(failure)?;
    tls.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok((TlsAcceptor::from(Arc::new(tls)), authority.pem()))
}
