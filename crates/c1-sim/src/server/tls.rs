//! TLS with a certificate of a test CA that is made anew for every tenant.

use std::fmt::Display;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::error::C1SimError;

/// An acceptor for `localhost` that offers HTTP/2 and HTTP/1.1, and the CA's certificate as PEM.
pub(super) fn acceptor() -> Result<(TlsAcceptor, String), C1SimError> {
    fn refuse(error: impl Display) -> C1SimError {
        C1SimError::Certificate(error.to_string())
    }
    let mut authority = CertificateParams::new(Vec::new()).map_err(refuse)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority =
        CertifiedIssuer::self_signed(authority, KeyPair::generate().map_err(refuse)?).map_err(refuse)?;

    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let server = CertificateParams::new(names).map_err(refuse)?;
    let server_key = KeyPair::generate().map_err(refuse)?;
    let server = server.signed_by(&server_key, &authority).map_err(refuse)?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(server_key.serialize_der()).map_err(refuse)?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refuse)?
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key)
        .map_err(refuse)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(tls)), authority.pem()))
}
