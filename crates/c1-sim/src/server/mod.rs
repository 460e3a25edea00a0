//! The running server, as tests inspect and control it, and its connections.

mod disconnect;
mod respond;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;

use baton_proto::connectorapi_baton_v1::baton_service_server::BatonServiceServer;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use sim_kit::{CertificateOptions, Listener, Server, TlsAcceptor, tls_acceptor};
use tempfile::TempDir;
use tokio::net::TcpStream;

use respond::{Connection, respond};
use state::ServerState;

pub(crate) use disconnect::Hangup;

use crate::baton_service::Baton;
use crate::config::C1SimConfig;
use crate::credentials::{self, Credentials};
use crate::error::C1SimError;
use crate::fault::FaultSchedule;
use crate::ledger::CallLedger;
use crate::tasks::{Hello, TaskQueue};
use crate::token::Tokens;

/// A running simulated ConductorOne tenant. Dropping it stops it and removes the uploaded assets.
#[derive(Debug)]
pub struct C1Sim {
    state: ServerState,
    tasks: TaskQueue,
    credentials: Credentials,
    ca_pem: String,
    server: Server,
    _assets: TempDir,
}

impl C1Sim {
    /// Starts a tenant on a free loopback port; it answers when this returns.
    ///
    /// # Errors
    /// [`C1SimError`] if a port, thread, folder or key cannot be created.
    pub fn start(config: C1SimConfig) -> Result<Self, C1SimError> {
        let listener = Listener::bind_loopback()?;
        let (acceptor, ca_pem) = tls_acceptor(&CertificateOptions::default(), &["h2", "http/1.1"])?;
        let assets = TempDir::with_prefix("c1-sim-").map_err(C1SimError::Assets)?;
        let authority = format!("localhost:{}", listener.address().port());
        let (credentials, client) =
            credentials::generate(&config.client_name, &authority, config.key_id.as_deref())?;
        let tokens = Tokens::new("localhost".to_owned(), config.token);
        tokens.register(client);
        let tasks = TaskQueue::new(config.pace);
        let state = ServerState {
            tokens: Arc::new(tokens),
            faults: config.faults,
            ledger: CallLedger::default(),
            service: BatonServiceServer::new(Baton {
                tasks: tasks.clone(),
                idle: config.idle,
                refuse_blank_os_info: config.refuse_blank_os_info,
                assets: assets.path().to_owned(),
            }),
        };
        let for_server = state.clone();
        let server = Server::start("c1-sim", listener, move |stream, peer| {
            handle_connection(stream, peer, acceptor.clone(), for_server.clone())
        })?;
        Ok(Self {
            state,
            tasks,
            credentials,
            ca_pem,
            server,
            _assets: assets,
        })
    }

    /// Host and port as in client ids, e.g. `localhost:41234`.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("localhost:{}", self.server.address().port())
    }

    /// The test CA's certificate, which clients must trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The credentials of the first client.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Registers one more client.
    ///
    /// # Errors
    /// [`C1SimError::Keys`] if no key can be created.
    pub fn register_client(&self, name: &str, key_id: Option<&str>) -> Result<Credentials, C1SimError> {
        let (credentials, client) = credentials::generate(name, &self.authority(), key_id)?;
        self.state.tokens.register(client);
        Ok(credentials)
    }

    /// Credentials of a client that this tenant does not know.
    ///
    /// # Errors
    /// [`C1SimError::Keys`] if no key can be created.
    pub fn unknown_client(&self, name: &str) -> Result<Credentials, C1SimError> {
        credentials::generate(name, &self.authority(), None).map(|(credentials, _)| credentials)
    }

    /// The tasks, to queue new ones and to inspect their progress.
    #[must_use]
    pub fn tasks(&self) -> &TaskQueue {
        &self.tasks
    }

    /// Every `Hello` so far.
    #[must_use]
    pub fn hellos(&self) -> Vec<Hello> {
        self.tasks.hellos()
    }

    /// The faults; rules can be added while the tenant runs.
    #[must_use]
    pub fn faults(&self) -> &FaultSchedule {
        &self.state.faults
    }

    /// Every call so far.
    #[must_use]
    pub fn ledger(&self) -> &CallLedger {
        &self.state.ledger
    }

    /// Every token so far, a secret that must not appear in a connector's output.
    #[must_use]
    pub fn issued_tokens(&self) -> Vec<String> {
        self.state.tokens.issued()
    }

    /// Invalidates every token issued so far.
    pub fn revoke_tokens(&self) {
        self.state.tokens.revoke_all();
    }
}

async fn handle_connection(stream: TcpStream, peer: SocketAddr, acceptor: TlsAcceptor, state: ServerState) {
    // The client does not trust the test CA.
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let hangup = Hangup::default();
    let connection = Connection {
        state,
        peer,
        hangup: hangup.clone(),
    };
    let service = service_fn(move |request| respond(connection.clone(), request));
    let builder = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        // A closed connection or a reset stream is not an error of the server.
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = hangup.requested() => {}
    }
}
