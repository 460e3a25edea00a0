/// Why a simulated tenant could not be started. Each is a lack of this machine's, none of the test's.
#[derive(Debug, thiserror::Error)]
pub enum C1SimError {
    /// The server could not be started.
    #[error(transparent)]
    Server(#[from] sim_kit::ServerError),
    /// The folder for uploaded assets could not be made.
    #[error("cannot make a folder for uploaded assets: {0}")]
    Assets(#[source] std::io::Error),
    /// No key pair could be made for a client.
    #[error("cannot make a key pair for the client {client:?}")]
    Keys {
        /// The requested name.
        client: String,
    },
}
