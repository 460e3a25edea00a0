//! The running server, as tests inspect and control it, and its connections.

mod body;
mod respond;
mod state;

use std::sync::{Arc, PoisonError};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sim_kit::{Listener, Server, TlsAcceptor, tls_acceptor};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use state::{RawBytes, ServerState};

use crate::SimError;
use crate::api::Api;
use crate::config::SimConfig;
use crate::fault::FaultSchedule;
use crate::ledger::CallLedger;

/// A running simulated tenant. Dropping it stops it.
#[derive(Debug)]
pub struct Sim {
    api: Arc<Api>,
    faults: FaultSchedule,
    ledger: CallLedger,
    ca_pem: Option<String>,
    server: Server,
}

impl Sim {
    /// Starts a tenant; it answers when this returns.
    ///
    /// # Errors
    /// [`SimError`] if the address is in use or the certificate cannot be created.
    pub fn start(config: &SimConfig) -> Result<Self, SimError> {
        let listener = Listener::bind(config.listen)?;
        let tls = config.tls.as_ref();
        let (acceptor, ca_pem) = tls.map(|options| tls_acceptor(options, &[])).transpose()?.unzip();
        let state = ServerState {
            api: Arc::new(Api::new(config)),
            faults: config.faults.clone(),
            ledger: CallLedger::default(),
            keep_answers: config.keep_answers,
        };
        let for_server = state.clone();
        let server = Server::start("ninjaone-sim", listener, move |stream, _| {
            handle_connection(stream, acceptor.clone(), for_server.clone())
        })?;
        Ok(Self {
            api: state.api,
            faults: state.faults,
            ledger: state.ledger,
            ca_pem,
            server,
        })
    }

    /// The address to configure a client with.
    #[must_use]
    pub fn base_url(&self) -> String {
        match &self.ca_pem {
            Some(_) => format!("https://localhost:{}", self.server.address().port()),
            None => format!("http://{}", self.server.address()),
        }
    }

    /// Every call so far.
    #[must_use]
    pub fn ledger(&self) -> &CallLedger {
        &self.ledger
    }

    /// The faults; rules can be added while the tenant runs.
    #[must_use]
    pub fn faults(&self) -> &FaultSchedule {
        &self.faults
    }

    /// The test CA's certificate, where HTTPS is served.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Invalidates every token issued so far.
    pub fn revoke_tokens(&self) {
        self.api.tokens().revoke_all();
    }

    /// Everything that writes can change, for tests to compare: users by id, roles by id with the sorted ids of their
    /// members. Null for a tenant that is computed on the fly.
    #[must_use]
    pub fn state(&self) -> serde_json::Value {
        self.api.state()
    }

    /// Renames a role, as in the console.
    pub fn rename_role(&self, role: i64, name: &str) {
        self.api.rename_role(role, name);
    }

    /// Pushes the groups of a SCIM-managed tenant's identity provider: role changes since then are undone.
    pub fn scim_push(&self) {
        self.api.scim_push();
    }
}

async fn handle_connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, state: ServerState) {
    match acceptor {
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_http(stream, state, RawBytes::default()).await;
            }
        }
        None => serve_plain(stream, state).await,
    }
}

/// Serves a connection on which a fault can send raw bytes: a second handle of the socket outlives the HTTP server's.
async fn serve_plain(stream: TcpStream, state: ServerState) {
    let Ok(stream) = stream.into_std() else { return };
    let Ok(second) = stream.try_clone() else { return };
    let (Ok(stream), Ok(mut second)) = (TcpStream::from_std(stream), TcpStream::from_std(second)) else {
        return;
    };
    let raw_bytes = RawBytes::default();
    serve_http(stream, state, Arc::clone(&raw_bytes)).await;
    let bytes = raw_bytes.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(bytes) = bytes {
        let _ = second.write_all(&bytes).await;
        let _ = second.shutdown().await;
    }
}

async fn serve_http(stream: impl AsyncRead + AsyncWrite + Unpin, state: ServerState, raw_bytes: RawBytes) {
    let service = service_fn(move |request| respond::respond(state.clone(), Arc::clone(&raw_bytes), request));
    // A closed connection, by the client or by a fault, ends here.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
