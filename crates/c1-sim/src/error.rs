/// Why a simulated tenant could not be started: this machine lacks a resource.
#[derive(Debug, thiserror::Error)]
pub enum C1SimError {
    /// The server could not be started.
    #[error(transparent)]
    Server(#[from] sim_kit::ServerError),
    /// The folder for uploaded assets could not be created.
    #[error("cannot make a folder for uploaded assets: {0}")]
    Assets(#[source] std::io::Error),
    /// No key pair could be created for a client.
    #[error("cannot make a key pair for the client {client:?}")]
    Keys {
        /// The requested name.
        client: String,
    },
}
