/// Why a simulated tenant could not be started. Each is a lack of this machine's, none of the test's.
#[derive(Debug, thiserror::Error)]
pub enum C1SimError {
    /// The listening socket could not be opened.
    #[error("cannot listen on loopback: {0}")]
    Listen(#[source] std::io::Error),
    /// The server's own thread or runtime could not be started.
    #[error("cannot start the server thread: {0}")]
    Runtime(#[source] std::io::Error),
    /// The folder for uploaded assets could not be made.
    #[error("cannot make a folder for uploaded assets: {0}")]
    Assets(#[source] std::io::Error),
    /// The test CA or its certificate could not be made.
    #[error("cannot make the test certificate: {0}")]
    Certificate(String),
    /// No key pair could be made for a client.
    #[error("cannot make a key pair for the client {client:?}")]
    Keys {
        /// The name asked for.
        client: String,
    },
}
