//! HTTPS with a certificate of a test CA that is made anew for every tenant.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::SimError;
use crate::config::{TlsConfig, Validity};

/// An acceptor, and the CA's certificate as PEM.
pub(super) fn acceptor(config: &TlsConfig) -> Result<(TlsAcceptor, String), SimError> {
    let refuse = |error: &dyn std::fmt::Display| SimError::Certificate(error.to_string());
    let mut authority = CertificateParams::new(Vec::new()).map_err(|error| refuse(&error))?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().map_err(|error| refuse(&error))?;
    let authority = CertifiedIssuer::self_signed(authority, authority_key).map_err(|error| refuse(&error))?;

    let mut server = CertificateParams::new(config.subject_names.clone()).map_err(|error| refuse(&error))?;
    match config.validity {
        Validity::Now => {}
        Validity::Expired => server.not_after = date_time_ymd(2001, 1, 1),
        Validity::NotYet => server.not_before = date_time_ymd(4000, 1, 1),
    }
    let server_key = KeyPair::generate().map_err(|error| refuse(&error))?;
    let server = server
        .signed_by(&server_key, &authority)
        .map_err(|error| refuse(&error))?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(server_key.serialize_der()).map_err(|error| refuse(&error))?;
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(&error))?
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key)
        .map_err(|error| refuse(&error))?;
    Ok((TlsAcceptor::from(Arc::new(tls)), authority.pem()))
}
