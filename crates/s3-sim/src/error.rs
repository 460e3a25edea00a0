/// Why a simulated S3 could not be started. Nothing here is retryable: the machine lacks something.
#[derive(Debug, thiserror::Error)]
pub enum S3SimError {
    /// The listening socket could not be opened.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[source] std::io::Error),
    /// The server's own thread or runtime could not be started.
    #[error("cannot start the server thread: {0}")]
    Runtime(#[source] std::io::Error),
}
