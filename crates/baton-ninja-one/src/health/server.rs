//! The health server. Probes are few and small, so the limits are tight: one request per connection, small buffers, short
//! timeouts. New connections are always accepted: if too many are open, the one that has been idle for longest is closed,
//! so that half-open connections never block a probe.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::observability::metrics::Metrics;
use crate::settings::HealthAddress;

use super::checker::Checker;
use super::error::HealthError;
use super::response::answer;

const MAX_CONNECTIONS: usize = 128;
/// Timeout for the head of a request, which a probe sends at once.
const HEAD_TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum size of a request's head.
const MAX_HEAD_BYTES: usize = 8 << 10;
/// Timeout of a connection; a probe is answered within two seconds.
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);
/// Timeout of connections after a stop.
const GRACE: Duration = Duration::from_secs(3);
/// Wait if the machine is out of sockets.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A running health server. Dropping it stops it without waiting.
pub(crate) struct HealthServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl HealthServer {
    /// Binds the address; probes are answered from now on.
    ///
    /// # Errors
    /// [`HealthError::Listen`]; the reference does not start either (docs/reference/conductorone.md §6.2).
    pub(crate) async fn bind(
        address: &HealthAddress,
        checker: Checker,
        metrics: Metrics,
    ) -> Result<Self, HealthError> {
        let failed = |source| HealthError::Listen {
            address: address.clone(),
            source,
        };
        let listener = TcpListener::bind((address.host.as_str(), address.port))
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, checker, metrics, stopped));
        Ok(Self { address, stop, task })
    }

    /// The bound address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, and completes open connections within three seconds.
    pub(crate) async fn shutdown(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

async fn serve(
    listener: TcpListener,
    checker: Checker,
    metrics: Metrics,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    let mut open = Open::default();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    open.make_room();
                    let asks = Arc::new(AtomicBool::new(false));
                    let serving = connection(stream, checker.clone(), metrics.clone(), Arc::clone(&asks));
                    let task = connections.spawn(serving);
                    open.0.push_back(Connection { task, asks });
                }
                Err(_) => sleep(ACCEPT_AGAIN).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(GRACE, finished).await;
}

/// Open connections, oldest first.
#[derive(Default)]
struct Open(VecDeque<Connection>);

struct Connection {
    task: AbortHandle,
    /// Whether a request arrived.
    asks: Arc<AtomicBool>,
}

impl Open {
    /// Closes a connection if there are too many: the oldest without a request, otherwise the oldest.
    fn make_room(&mut self) {
        self.0.retain(|connection| !connection.task.is_finished());
        if self.0.len() < MAX_CONNECTIONS {
            return;
        }
        let silent = |connection: &Connection| !connection.asks.load(Ordering::Relaxed);
        let index = self.0.iter().position(silent).unwrap_or(0);
        if let Some(connection) = self.0.remove(index) {
            connection.task.abort();
        }
    }
}

async fn connection(stream: TcpStream, checker: Checker, metrics: Metrics, asks: Arc<AtomicBool>) {
    let service = service_fn(|request| {
        asks.store(true, Ordering::Relaxed);
        let (checker, metrics) = (checker.clone(), metrics.clone());
        async move {
            let request: hyper::Request<hyper::body::Incoming> = request;
            Ok::<_, Infallible>(answer(request.uri().path(), &checker, &metrics).await)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // A client that disconnects or is slow gets no response; others are not affected.
    let _ = timeout(CONNECTION_LIMIT, served).await;
}
