use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;

use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Why a server could not be started: the machine lacks a resource, or the address is in use.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The listening socket could not be opened.
    #[error("cannot listen on {address}: {source}; choose another address or port 0")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The server's thread or runtime could not be started.
    #[error("cannot start the server thread: {0}")]
    Thread(#[source] io::Error),
    /// The test CA or its certificate could not be created.
    #[error("cannot create the test certificate: {0}")]
    Certificate(String),
}

/// A bound socket. Connections queue up until a [`Server`] accepts them, so its address can be used before.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds an address; port 0 picks a free one.
    ///
    /// # Errors
    /// [`ServerError::Listen`].
    pub fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let failure = |source| ServerError::Listen { address, source };
        let socket = TcpListener::bind(address).map_err(failure)?;
        socket.set_nonblocking(true).map_err(failure)?;
        let bound = socket.local_addr().map_err(failure)?;
        Ok(Self {
            socket,
            address: bound,
        })
    }

    /// Binds a free port of 127.0.0.1.
    ///
    /// # Errors
    /// [`ServerError::Listen`].
    pub fn bind_loopback() -> Result<Self, ServerError> {
        Self::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// The bound address, with its port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A server on its own thread. Dropping it closes all connections and waits for the thread.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a thread that passes every connection to `handle_connection`, each in its own task.
    ///
    /// # Errors
    /// [`ServerError::Thread`].
    pub fn start<F, H>(name: &str, listener: Listener, handle_connection: F) -> Result<Self, ServerError>
    where
        F: Fn(TcpStream, SocketAddr) -> H + Send + 'static,
        H: Future<Output = ()> + Send + 'static,
    {
        let Listener { socket, address } = listener;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(ServerError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept_connections(socket, handle_connection) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread.map_err(ServerError::Thread)?),
        })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept_connections<F, H>(socket: TcpListener, handle_connection: F)
where
    F: Fn(TcpStream, SocketAddr) -> H,
    H: Future<Output = ()> + Send + 'static,
{
    let Ok(listener) = tokio::net::TcpListener::from_std(socket) else {
        return;
    };
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        tokio::spawn(handle_connection(stream, peer));
    }
}
