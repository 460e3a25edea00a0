//! Why a published sync could not be read.

use access_core::model::{IdError, SyncIdError};
use access_core::{Diagnostic, StatusCode};
use access_dataset::{DatasetError, Table};

/// Why a published sync could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetSourceError {
    /// The dataset's own error.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The requested id is not one of a sync.
    #[error(transparent)]
    NotASync(#[from] SyncIdError),
    /// A manifest has an invalid value.
    #[error("invalid {what} `{text}` in the manifest of {sync}")]
    Manifest {
        /// The sync.
        sync: String,
        /// Which fact.
        what: &'static str,
        /// The value.
        text: String,
    },
    /// A table lacks a column, or has it in another form.
    #[error("the column {column} of {table} is missing or invalid")]
    Column {
        /// The table.
        table: Table,
        /// The column.
        column: &'static str,
    },
    /// A row has an invalid id.
    #[error("a row of {table} has an invalid id")]
    Id {
        /// The table.
        table: Table,
        /// Why not.
        source: IdError,
    },
    /// Single resources were requested.
    #[error("single resources cannot be selected in a dataset")]
    TargetsUnsupported,
    /// No thread can be started for the dataset.
    #[error("cannot start a thread: {0}")]
    NoThread(#[source] std::io::Error),
    /// The reading thread ended without saying why.
    #[error("the thread that reads the dataset ended unexpectedly")]
    ThreadLost,
}

impl Diagnostic for DatasetSourceError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Dataset(error) => error.status(),
            Self::NotASync(_) => StatusCode::InvalidArgument,
            Self::Manifest { .. } | Self::Column { .. } | Self::Id { .. } => StatusCode::DataLoss,
            Self::TargetsUnsupported => StatusCode::Unimplemented,
            Self::NoThread(_) => StatusCode::ResourceExhausted,
            Self::ThreadLost => StatusCode::Internal,
        }
    }

    fn retryable(&self) -> bool {
        matches!(self, Self::Dataset(error) if error.retryable())
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Dataset(DatasetError::NotFound { .. }) => {
                Some("`inspect DATASET syncs` lists the syncs that there are".to_owned())
            }
            Self::Dataset(error) => error.hint(),
            Self::NotASync(_) => Some("`inspect DATASET syncs` lists the syncs that there are".to_owned()),
            Self::Manifest { .. } | Self::Column { .. } | Self::Id { .. } => {
                Some("run `verify`: another program wrote the dataset, or it was modified later".to_owned())
            }
            Self::TargetsUnsupported => Some("remove the filter, or filter by resource type".to_owned()),
            Self::NoThread(_) => Some(access_core::EXHAUSTED_HINT.to_owned()),
            Self::ThreadLost => None,
        }
    }
}
