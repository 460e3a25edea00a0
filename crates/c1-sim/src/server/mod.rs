//! The server itself: a listener on a thread of its own, so that tests of any kind can start a tenant.

mod disconnect;
mod respond;
mod tls;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use baton_proto::connectorapi_baton_v1::baton_service_server::BatonServiceServer;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

pub(crate) use disconnect::Hangup;

use crate::baton_service::Baton;
use crate::config::C1SimConfig;
use crate::credentials::{self, Credentials};
use crate::error::C1SimError;
use crate::fault::FaultSchedule;
use crate::ledger::CallLedger;
use crate::tasks::{Hello, TaskQueue};
use crate::token::Tokens;
use respond::{Connection, respond};

/// A running simulated ConductorOne tenant. Dropping it stops it and removes the assets it was sent.
#[derive(Debug)]
pub struct C1Sim {
    shared: Shared,
    tasks: TaskQueue,
    credentials: Credentials,
    address: SocketAddr,
    ca_pem: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _assets: TempDir,
}

/// What every connection shares.
#[derive(Debug, Clone)]
struct Shared {
    tokens: Arc<Tokens>,
    faults: FaultSchedule,
    ledger: CallLedger,
    service: BatonServiceServer<Baton>,
}

impl C1Sim {
    /// Starts a tenant on a free loopback port; it answers when this returns.
    ///
    /// # Errors
    /// [`C1SimError`] if there is no port, thread, folder or key to be had.
    pub fn start(config: C1SimConfig) -> Result<Self, C1SimError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(C1SimError::Listen)?;
        listener.set_nonblocking(true).map_err(C1SimError::Listen)?;
        let address = listener.local_addr().map_err(C1SimError::Listen)?;
        let (acceptor, ca_pem) = tls::acceptor()?;
        let assets = TempDir::with_prefix("c1-sim-").map_err(C1SimError::Assets)?;
        let authority = format!("localhost:{}", address.port());
        let (credentials, client) =
            credentials::generate(&config.client_name, &authority, config.key_id.as_deref())?;
        let tokens = Tokens::new("localhost".to_owned(), config.token);
        tokens.register(client);
        let tasks = TaskQueue::new(config.pace);
        let shared = Shared {
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(C1SimError::Runtime)?;
        let (stop, stopped) = oneshot::channel();
        let for_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("c1-sim".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(listener, acceptor, for_thread) => {}
                        _ = stopped => {}
                    }
                });
                runtime.shutdown_background();
            });
        let thread = thread.map_err(C1SimError::Runtime)?;
        Ok(Self {
            shared,
            tasks,
            credentials,
            address,
            ca_pem,
            stop: Some(stop),
            thread: Some(thread),
            _assets: assets,
        })
    }

    /// Host and port as they stand in client ids, e.g. `localhost:41234`.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// The test CA's certificate, which clients must trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What the first client signs in with.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Registers one more client.
    ///
    /// # Errors
    /// [`C1SimError::Keys`] if there is no key to be had.
    pub fn enroll(&self, name: &str, key_id: Option<&str>) -> Result<Credentials, C1SimError> {
        let (credentials, client) = credentials::generate(name, &self.authority(), key_id)?;
        self.shared.tokens.register(client);
        Ok(credentials)
    }

    /// Credentials of a client that this tenant does not know.
    ///
    /// # Errors
    /// [`C1SimError::Keys`] if there is no key to be had.
    pub fn stranger(&self, name: &str) -> Result<Credentials, C1SimError> {
        credentials::generate(name, &self.authority(), None).map(|(credentials, _)| credentials)
    }

    /// The tasks: to queue some, and to see what became of them.
    #[must_use]
    pub fn tasks(&self) -> &TaskQueue {
        &self.tasks
    }

    /// Every greeting so far.
    #[must_use]
    pub fn hellos(&self) -> Vec<Hello> {
        self.tasks.hellos()
    }

    /// What goes wrong; rules can be added while the tenant runs.
    #[must_use]
    pub fn faults(&self) -> &FaultSchedule {
        &self.shared.faults
    }

    /// Every call so far.
    #[must_use]
    pub fn ledger(&self) -> &CallLedger {
        &self.shared.ledger
    }

    /// Every token so far: secrets that must not be found in a connector's output.
    #[must_use]
    pub fn issued_tokens(&self) -> Vec<String> {
        self.shared.tokens.issued()
    }

    /// Makes every token given out so far invalid.
    pub fn revoke_tokens(&self) {
        self.shared.tokens.revoke_all();
    }
}

impl Drop for C1Sim {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, shared: Shared) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        tokio::spawn(connection(stream, peer, acceptor.clone(), shared.clone()));
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, acceptor: TlsAcceptor, shared: Shared) {
    // A client that does not trust the test CA ends here.
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let hangup = Hangup::default();
    let connection = Connection {
        shared,
        peer,
        hangup: hangup.clone(),
    };
    let service = service_fn(move |request| respond(connection.clone(), request));
    let builder = auto::Builder::new(TokioExecutor::new());
    tokio::select! {
        // A client that goes away, and a stream that was reset, are no errors of the server's.
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = hangup.wanted() => {}
    }
}
