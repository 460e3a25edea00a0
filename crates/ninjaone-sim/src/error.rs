use std::path::PathBuf;

/// Why a simulated tenant could not be loaded or started.
///
/// Nothing here is retryable: each names a mistake in the test or on the command line, or a busy address.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A file of a fixture folder cannot be read.
    #[error("cannot read the fixture file {}: {source}; name a folder that holds tenant.json", path.display())]
    FixtureFile {
        /// The requested file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A file of a fixture is not the JSON it should be.
    #[error("fixture file {file} is not valid: {reason}")]
    FixtureContent {
        /// File name inside the fixture folder.
        file: String,
        /// The problem, with line and column where known.
        reason: String,
    },
    /// No fixture of this name is built in.
    #[error("no fixture named {name:?} is built in; there is \"msp\", or load a folder")]
    UnknownFixture {
        /// The requested name.
        name: String,
    },
    /// More grants than distinct (role, user) pairs.
    #[error("{grants} grants do not fit: {capacity} is the most that these users and roles can hold")]
    TooManyGrants {
        /// Requested role members.
        grants: u64,
        /// Distinct (role, user) pairs of matching kind.
        capacity: u64,
    },
    /// A fault specification that does not follow the grammar.
    #[error("fault {spec:?}: {reason}; the form is \"[METHOD] PATH [WHEN] KIND [key:value …]\"")]
    FaultSpec {
        /// The text as given.
        spec: String,
        /// The word that could not be understood and why.
        reason: String,
    },
    /// The server could not be started.
    #[error(transparent)]
    Server(#[from] sim_kit::ServerError),
}
